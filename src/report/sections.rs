//! The part of a report that decides: verdict, criteria, before against after, where the wait went, all thresholds.
//!
//! Each function makes one block of Markdown. Numbers come from `stats`, their spelling from `units`.

use std::fmt::Write as _;

use super::chart::notice;
use super::draw::PARTS;
use super::effects;
use super::gather::{CaseMaterial, Material};
use super::table::Table;
use super::text::markdown;
use super::words::{case_title, codec_title, recommendation_title, recommendation_word, side_title, verdict_title};
use crate::contract::{Codec, LockPlacement};
use crate::record::{DeviceInfo, DeviceKind};
use crate::stats::compare::{CodecComparison, Comparison};
use crate::stats::criteria::{CriterionName, CriterionResult, Verdict};
use crate::stats::judge::change_pct;
use crate::stats::metrics::Metric;
use crate::stats::recommend::Recommendation;
use crate::stats::spread::Spread;
use crate::stats::summary::Group;
use crate::units::{NO_VALUE, Unit, change_pct_or_none, pct};

/// What before and after are shown for, with all that `stats` says of their spread.
pub const COMPARED: [Metric; 13] = [
    Metric::WallMs,
    Metric::Fps,
    Metric::LockMs,
    Metric::SubmitBlockedMs,
    Metric::QueuePeak,
    Metric::LatencyP50Ms,
    Metric::LatencyP95Ms,
    Metric::LatencyP99Ms,
    Metric::LatencyMaxMs,
    Metric::LockP50Ms,
    Metric::LockP99Ms,
    Metric::DrainMs,
    Metric::OpenMs,
];

/// What each threshold is shown for.
pub const SWEPT: [Metric; 6] =
    [Metric::WallMs, Metric::LockMs, Metric::SubmitBlockedMs, Metric::LatencyP99Ms, Metric::QueuePeak, Metric::Fps];

/// What was encoded, in one line.
pub fn headline(material: &Material<'_>) -> String {
    let codecs: Vec<_> = material.codecs().into_iter().map(codec_title).collect();
    format!("{}, {}", codecs.join(" and "), markdown(&material.subject.session.manifest.input.to_string()))
}

/// One paragraph a codec: what to do, and on which numbers that rests.
pub fn verdict(material: &Material<'_>) -> String {
    let device = &material.subject.session.manifest.device;
    match material.subject.comparison {
        Some(comparison) => {
            let sentences = comparison.codecs.iter().map(|codec| verdict_sentence(codec, device));
            sentences.collect::<Vec<_>>().join("\n\n") + "\n"
        }
        None => no_verdict(&material.recommendations),
    }
}

/// What made the numbers, shouting where it was no GPU.
pub fn device(device: &DeviceInfo) -> String {
    let DeviceInfo { name, driver, api_version, .. } = device;
    let line = markdown(&format!("{name}, driver {driver}, NVENC API {api_version}"));
    match notice(device) {
        Some(notice) => format!("> **{notice}**\n>\n> Device: {line}\n"),
        None => format!("Device: {line}\n"),
    }
}

/// What weakens the answer, as a list; `None` where nothing does.
pub fn warnings(material: &Material<'_>) -> Option<String> {
    let compared = material.subject.comparison.map_or(&[][..], |comparison| &comparison.warnings);
    let mut warnings: Vec<String> = compared.iter().map(ToString::to_string).collect();
    let sessions = [Some(material.subject.session), material.subject.before];
    let damaged = sessions.iter().flatten().flat_map(|session| &session.damage);
    warnings.extend(damaged.map(ToString::to_string));
    if material.subject.comparison.is_none() {
        warnings.extend(own_warnings(material));
    }
    let lines: String = warnings.iter().map(|warning| format!("- {}\n", markdown(warning))).collect();
    (!lines.is_empty()).then_some(lines)
}

/// One table a codec: what was asked, what came out, and why it passes or not.
pub fn criteria(comparison: &Comparison) -> String {
    let mut text = String::new();
    for codec in &comparison.codecs {
        let mut table = Table::new(&["criterion", "asked", ">before", ">after", ">change", "verdict", "reason"]);
        for result in &codec.criteria {
            table.row(criterion_cells(result));
        }
        let sides = format!("{} → {}", case_title(&codec.before.case), case_title(&codec.after.case));
        let verdict = verdict_title(codec.verdict);
        // Writing to a String cannot fail.
        let _ = write!(text, "### {}: {verdict} ({sides})\n\n{table}\n", codec_title(codec.codec));
    }
    text
}

/// Every compared metric with its spread over the runs.
pub fn before_after(codec: &CodecComparison) -> String {
    let titles = ["metric", "side", ">min", ">mean", ">p50", ">p95", ">p99", ">max", ">stddev", ">CV", ">Δ mean"];
    let mut table = Table::new(&titles);
    for metric in COMPARED {
        let (before, after) = (codec.before.spread(metric), codec.after.spread(metric));
        let name = format!("{} `{}`", metric.title(), metric.key());
        let change = change_pct_or_none(change(&codec.before, &codec.after, metric));
        table.row([name, "before".to_owned()].into_iter().chain(spread_cells(metric.unit(), before, String::new())));
        table.row([String::new(), "after".to_owned()].into_iter().chain(spread_cells(metric.unit(), after, change)));
    }
    format!("{} Percentiles over runs are by nearest rank.\n\n{table}\n", runs_sentence(codec))
}

/// Each part of the time, before against after: a wait moved is not a wait removed.
pub fn wait_split(codec: &CodecComparison) -> String {
    let mut table = Table::new(&["part", ">before", ">after", ">Δ mean"]);
    for metric in PARTS.into_iter().chain([Metric::WallMs]) {
        table.row([
            format!("{} `{}`", metric.title(), metric.key()),
            mean_cell(&codec.before, metric),
            mean_cell(&codec.after, metric),
            change_pct_or_none(change(&codec.before, &codec.after, metric)),
        ]);
    }
    let thread = "A thread of its own locks here: `lock_ms` runs beside the submitting thread, which waits only in \
                  `submit_blocked_ms`.";
    let note = if codec.after.case.lock == LockPlacement::Thread { format!("{thread}\n\n") } else { String::new() };
    format!("{note}{table}\n")
}

/// All cases of a codec, and which of them to use.
pub fn thresholds(material: &Material<'_>, codec: Codec) -> String {
    let swept = SWEPT.map(|metric| format!(">`{}`", metric.key()));
    let titles: Vec<_> = [">T", "lock", ">pool", "role"].into_iter().chain(swept.iter().map(String::as_str)).collect();
    let mut table = Table::new(&[&titles[..], &[">runs"]].concat());
    for case in material.cases_of(codec).filter(|case| case.group.case.client.is_here()) {
        table.row(threshold_cells(material, case));
    }
    let mut text = format!("{table}\n");
    for knee in material.recommendations.iter().filter(|knee| knee.codec == codec) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", effects::candidates(knee));
    }
    text
}

fn verdict_sentence(codec: &CodecComparison, device: &DeviceInfo) -> String {
    let (case, title) = (case_title(&codec.after.case), codec_title(codec.codec));
    let shown = [CriterionName::LockMs, CriterionName::WallMs, CriterionName::LatencyP95, CriterionName::LatencyP99];
    let numbers = shown.iter().filter_map(|name| codec.criteria.iter().find(|result| result.name == *name));
    let numbers = numbers.map(change_words).collect::<Vec<_>>().join(", ");
    let named = |verdict| {
        let names = codec.criteria.iter().filter(|result| result.verdict == verdict);
        names.map(|result| format!("`{}`", result.name)).collect::<Vec<_>>().join(", ")
    };
    let here = if device.kind == DeviceKind::Virtual { " on this virtual device" } else { "" };
    match codec.verdict {
        Verdict::Pass => {
            let count = codec.criteria.len();
            format!("**Use {case} for {title}{here}**: {numbers}; all {count} criteria met.")
        }
        Verdict::Fail => {
            format!("**{case} does not pass for {title}{here}**: {numbers}; not met: {}.", named(Verdict::Fail))
        }
        Verdict::Inconclusive => {
            let open = named(Verdict::Inconclusive);
            format!("**{case} is not decided for {title}{here}**: {numbers}; the runs leave open: {open}.")
        }
    }
}

fn change_words(result: &CriterionResult) -> String {
    let text = |value| result.name.unit().text_or_none(value);
    let change = change_pct_or_none(result.change_pct);
    format!("{} {} → {} ({change})", result.name.title().to_lowercase(), text(result.before), text(result.after))
}

fn no_verdict(knees: &[Recommendation]) -> String {
    let knees = knees.iter().map(|knee| {
        let (codec, title) = (codec_title(knee.codec), recommendation_title(knee));
        format!("- {codec}: {title}. {}\n", markdown(&knee.reason))
    });
    format!(
        "**Nothing was compared**, so nothing passes or fails. The sweep by itself suggests:\n\n{}",
        knees.collect::<String>()
    )
}

fn own_warnings(material: &Material<'_>) -> Vec<String> {
    let session = material.subject.session;
    let mut warnings = Vec::new();
    if !session.manifest.environment.optimised_build {
        warnings.push("a debug build made these numbers; use --release".to_owned());
    }
    let late: u64 = session.summaries.iter().filter(|run| run.counts()).filter_map(|run| run.model_late).sum();
    if late > 0 {
        let late = Unit::Count.text(late as f64);
        warnings.push(format!("{late} pictures were later than modelled: this machine is too slow for the profile"));
    }
    warnings
}

fn criterion_cells(result: &CriterionResult) -> [String; 7] {
    let text = |value| result.name.unit().text_or_none(value);
    [
        format!("{} `{}`", result.name.title(), result.name),
        markdown(&result.rule),
        text(result.before),
        text(result.after),
        change_pct_or_none(result.change_pct),
        verdict_title(result.verdict).to_owned(),
        markdown(&result.reason),
    ]
}

fn spread_cells(unit: Unit, spread: Option<&Spread>, change: String) -> Vec<String> {
    let Some(spread) = spread else { return vec![NO_VALUE.to_owned(); 9] };
    let Spread { min, mean, p50, p95, p99, max, stddev, cv_pct, .. } = *spread;
    let mut cells: Vec<_> = [min, mean, p50, p95, p99, max].map(|value| unit.text(value)).into();
    cells.push(unit.text_or_none(stddev));
    cells.push(cv_pct.map_or_else(|| NO_VALUE.to_owned(), pct));
    cells.push(change);
    cells
}

fn mean_cell(group: &Group, metric: Metric) -> String {
    let Some(spread) = group.spread(metric) else { return NO_VALUE.to_owned() };
    let mean = metric.unit().text(spread.mean);
    spread.stddev.map_or(mean.clone(), |stddev| format!("{mean} ± {}", metric.unit().text(stddev)))
}

fn threshold_cells(material: &Material<'_>, case: &CaseMaterial) -> Vec<String> {
    let Group { case: what, num_runs, num_failed, .. } = case.group;
    let knee = material.recommendations.iter().find(|knee| case.is_own && knee.case == what);
    let side = case.side.map(side_title);
    let other = (!case.is_own).then_some("other session");
    let role: Vec<_> = [side, other, knee.map(recommendation_word)].into_iter().flatten().collect();
    let failed = if num_failed == 0 { String::new() } else { format!(", **{num_failed} failed**") };
    let mut cells =
        vec![what.reap_threshold.to_string(), what.lock.to_string(), what.pool.to_string(), role.join(", ")];
    cells.extend(SWEPT.iter().map(|&metric| mean_cell(&case.group, metric)));
    cells.push(format!("{num_runs}{failed}"));
    cells
}

fn change(before: &Group, after: &Group, metric: Metric) -> Option<f64> {
    change_pct(before.mean(metric), after.mean(metric))
}

fn runs_sentence(codec: &CodecComparison) -> String {
    let CodecComparison { before, after, .. } = codec;
    format!(
        "Before: {}, {} counted runs, {} failed. After: {}, {} counted runs, {} failed.",
        case_title(&before.case),
        before.num_runs,
        before.num_failed,
        case_title(&after.case),
        after.num_runs,
        after.num_failed
    )
}
