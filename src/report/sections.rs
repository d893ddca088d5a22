//! The main part of a report: verdict, criteria, before and after, where the wait went, all thresholds.
//!
//! Each function makes one block of Markdown. Numbers come from `stats`, their spelling from `units`.

use std::fmt::Write as _;

use super::chart::notice;
use super::effects::{self, mean_text};
use super::gather::{CaseMaterial, Material};
use super::table::Table;
use super::text::{code_block, markdown};
use super::words::{codec_title, side_title, thresholds_text, verdict_title};
use crate::advice::{Advice, Proof};
use crate::contract::{Codec, EngineKind};
use crate::figures::wait_split::PARTS;
use crate::record::DeviceInfo;
use crate::stats::analysis::{Answer, AnswerState, Figure};
use crate::stats::evidence::repetition::{Components, Repetition};
use crate::stats::math::descriptive::Spread;
use crate::stats::runs::change_pct;
use crate::stats::runs::metrics::{Metric, swept_metrics};
use crate::stats::runs::summary::Group;
use crate::stats::verdict::comparison::{CodecComparison, Comparison};
use crate::stats::verdict::criteria::{CriterionResult, Verdict};
use crate::units::{NO_VALUE, Unit, change_pct_or_none, pct};

/// The metrics of the before-and-after table, each with its spread.
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

/// Codecs and input, in one line.
pub fn headline(material: &Material<'_>) -> String {
    let codecs: Vec<_> = material.codecs().into_iter().map(codec_title).collect();
    format!("{}, {}", codecs.join(" and "), markdown(&material.subject.session.manifest.input.to_string()))
}

/// For each codec: what to do, the three figures behind it, and the next step.
pub fn verdict(material: &Material<'_>) -> String {
    let subject = &material.subject;
    let is_own = subject.analysis.comparison.as_ref() == subject.comparison;
    let mut text = String::new();
    if let Some(comparison) = subject.comparison.filter(|_| !is_own) {
        // Two cases that somebody chose, maybe of two sessions: the criteria are the answer.
        for codec in &comparison.codecs {
            let _ = writeln!(text, "{}\n", chosen_pair(codec));
        }
    }
    for answer in &subject.analysis.answers {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "**{}: {}**\n", codec_title(answer.codec), markdown(&answer.sentence));
        if is_own && !answer.figures.is_empty() {
            let _ = writeln!(text, "{}", figures(answer));
        }
        let _ = writeln!(text, "Next: {}.\n", markdown(&answer.next_text()));
    }
    if subject.analysis.answers.is_empty() {
        text.push_str("**There are not enough good runs for a recommendation.**\n");
    }
    text
}

fn chosen_pair(codec: &CodecComparison) -> String {
    let (before, after) = (codec.before.case.title(), codec.after.case.title());
    let named = |verdict| {
        let names = codec.criteria.iter().filter(|result| result.verdict == verdict);
        names.map(|result| codec.engine.say(result.title()).to_lowercase()).collect::<Vec<_>>().join(", ")
    };
    let outcome = match codec.verdict {
        Verdict::Pass => format!("passes: all {} criteria met", codec.criteria.len()),
        Verdict::Fail => format!("does not pass: {}", named(Verdict::Fail)),
        Verdict::Inconclusive => format!("is inconclusive: {}", named(Verdict::Inconclusive)),
        Verdict::NotComparable => "cannot be compared: settings that are not under test differ".to_owned(),
    };
    format!("**{}: {after} compared with {before} {outcome}.**", codec_title(codec.codec))
}

fn figures(answer: &Answer) -> Table {
    let side = |idx: usize| answer.compared.map_or_else(String::new, |cases| format!(": {}", cases[idx].title()));
    let (before, after) = (format!(">before{}", side(0)), format!(">after{}", side(1)));
    let mut table = Table::new(&["", &before, &after, ">median change", ">interval"]);
    for Figure { metric, title, before, after, change } in &answer.figures {
        let text = |value: &Option<f64>| metric.unit().text_or_none(*value);
        table.row([
            title.clone(),
            text(before),
            text(after),
            change_pct_or_none(change.map(|change| change.estimate_pct)),
            change.map_or_else(|| NO_VALUE.to_owned(), |change| change.ends_text()),
        ]);
    }
    table
}

/// Where the scatter comes from: frames, rounds or blocks.
pub fn blocks(answer: &Answer, found: &Repetition) -> String {
    let title = |idx: usize| answer.compared.map_or_else(String::new, |cases| cases[idx].title());
    let mut table = Table::new(&["varies by", ">from frame to frame", ">from round to round", ">from block to block"]);
    let rows = [
        (format!("wall time, {}", title(0)), &found.before),
        (format!("wall time, {}", title(1)), &found.after),
        ("change in wall time".to_owned(), &found.change),
    ];
    for (name, Components { frames_pct, rounds_pct, blocks_pct }) in rows {
        let frames = frames_pct.map_or_else(|| NO_VALUE.to_owned(), pct);
        table.row([name, frames, pct(*rounds_pct), pct(*blocks_pct)]);
    }
    format!(
        "{found}.\n\n{table}\nStandard deviations of one run, in percent of the mean, over {} rounds in {} blocks; each column \
         without what the columns before it make of it.\n",
        found.num_rounds, found.num_blocks
    )
}

/// The device, with a warning unless it was a GPU.
pub fn device(device: &DeviceInfo) -> String {
    let line = markdown(&format!("{}, driver {}", device.name, device.driver_text()));
    match notice(device) {
        Some(notice) => format!("> **{notice}**\n>\n> Device: {line}\n"),
        None => format!("Device: {line}\n"),
    }
}

/// All doubts and warnings, each once; `None` if there are none.
pub fn doubts(material: &Material<'_>) -> Option<String> {
    let subject = &material.subject;
    let mut lines: Vec<String> = Vec::new();
    let codecs = subject.comparison.map_or(&[][..], |comparison| &comparison.codecs);
    for field in subject.comparison.iter().flat_map(|comparison| &comparison.not_comparable) {
        lines.push(format!("**Not comparable:** {field}"));
    }
    for codec in codecs {
        for doubt in codec.doubts() {
            let codec = if codecs.len() > 1 { format!("{}: ", codec_title(codec.codec)) } else { String::new() };
            lines.push(format!("{codec}{doubt}. To remove it: {}", doubt.advice()));
        }
    }
    let warnings = subject.comparison.map_or(&[][..], |comparison| &comparison.warnings);
    lines.extend(warnings.iter().map(ToString::to_string));
    let damaged = [Some(subject.session), subject.before];
    lines.extend(damaged.iter().flatten().flat_map(|session| &session.damage).map(ToString::to_string));
    if subject.comparison.is_none() && !subject.session.manifest.environment.optimised_build {
        lines.push("These numbers come from a debug build: use a release build for numbers that count".to_owned());
    }
    let list: String = lines.iter().map(|line| format!("- {}\n", bold_kept(line))).collect();
    (!list.is_empty()).then(|| {
        format!("**Doubts and warnings.** A doubt is a sign that the measurement was disturbed. If it has a size, the intervals are \
             wider by that size.\n\n{list}")
    })
}

/// Text from outside made harmless, but for the bold words that begin a line.
fn bold_kept(line: &str) -> String {
    match line.strip_prefix("**").and_then(|rest| rest.split_once("**")) {
        Some((bold, rest)) => format!("**{}**{}", markdown(bold), markdown(rest)),
        None => markdown(line),
    }
}

/// One table per codec: each criterion, its result, and the reason.
pub fn criteria(comparison: &Comparison) -> String {
    let mut text = String::new();
    for codec in &comparison.codecs {
        let titles = ["criterion", "required", ">before", ">after", ">paired median change", "verdict", "reason"];
        let mut table = Table::new(&titles);
        for result in &codec.criteria {
            table.row(criterion_cells(result, codec.engine));
        }
        let sides = format!("{} → {}", codec.before.case.title(), codec.after.case.title());
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
        let name = format!("{} `{}`", codec.engine.say(metric.title()), metric.key());
        let change = change_pct_or_none(change(&codec.before, &codec.after, metric));
        table.row([name, "before".to_owned()].into_iter().chain(spread_cells(metric.unit(), before, String::new())));
        table.row([String::new(), "after".to_owned()].into_iter().chain(spread_cells(metric.unit(), after, change)));
    }
    format!("{} Percentiles over runs are by nearest rank.\n\n{table}\n", runs_sentence(codec))
}

/// Each part of the time, before and after: a wait that moved elsewhere has not been removed.
pub fn wait_split(codec: &CodecComparison) -> String {
    let mut table = Table::new(&["part", ">before", ">after", ">Δ mean"]);
    for metric in PARTS.into_iter().chain([Metric::WallMs]) {
        table.row([
            format!("{} `{}`", codec.engine.say(metric.title()), metric.key()),
            mean_cell(&codec.before, metric),
            mean_cell(&codec.after, metric),
            change_pct_or_none(change(&codec.before, &codec.after, metric)),
        ]);
    }
    let thread = "On the after side a separate thread locks. Its `lock_ms` passes in parallel with the submitting thread, \
                  which waits only in `submit_blocked_ms`.";
    let note = if codec.after.case.lock.has_own_thread() { format!("{thread}\n\n") } else { String::new() };
    format!("{note}{table}\n")
}

/// The recommended case of a codec, and why.
pub fn thresholds(material: &Material<'_>, codec: Codec) -> String {
    match material.answer(codec) {
        Some(answer) => effects::candidates(material, &answer.recommendation),
        None => "There are not enough good runs for a recommendation.\n".to_owned(),
    }
}

/// All cases of a codec in numbers.
pub fn cases(material: &Material<'_>, codec: Codec) -> String {
    let metrics = swept_metrics(material.subject.engine());
    let swept: Vec<_> = metrics.iter().map(|metric| format!(">`{}`", metric.key())).collect();
    let titles: Vec<_> = [">T", "lock", ">pool", "role"].into_iter().chain(swept.iter().map(String::as_str)).collect();
    let mut table = Table::new(&[&titles[..], &[">runs"]].concat());
    for case in material.cases_of(codec).filter(|case| case.group.case.client.is_here()) {
        table.row(threshold_cells(material, case, &metrics));
    }
    format!("Means over the counted runs, with one standard deviation.\n\n{table}\n")
}

/// What to change in other programs to use the recommended case, and how to prove it there.
pub fn in_other_programs(answer: &Answer) -> String {
    let mut text = String::new();
    for Advice { program, change, note, is_possible } in &answer.advice {
        let how = if *is_possible { "" } else { " (not exactly this case)" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "**{program}**{how}: {}\n", markdown(note));
        if !change.is_empty() {
            let _ = writeln!(text, "{}", code_block(change, ""));
        }
    }
    let Some(Proof { before, after, compare, note }) = &answer.proof else { return text };
    let commands = code_block(&format!("{before}\n{after}\n{compare}"), "sh");
    format!(
        "{text}**To prove it** with your own program, before and after the change. {}\n\n{commands}",
        markdown(note)
    )
}

fn criterion_cells(result: &CriterionResult, engine: EngineKind) -> [String; 7] {
    let text = |value| result.name.unit().text_or_none(value);
    [
        format!("{} `{}`", engine.say(result.title()), result.key()),
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
    let spread = group.spread(metric);
    spread.map_or_else(|| NO_VALUE.to_owned(), |spread| mean_text(metric.unit(), spread.mean, spread.stddev))
}

fn threshold_cells(material: &Material<'_>, case: &CaseMaterial, metrics: &[Metric]) -> Vec<String> {
    let Group { case: what, num_runs, num_failed, .. } = case.group;
    let answer = material.answer(what.codec).filter(|answer| case.is_own && answer.case == what);
    let side = case.side.map(side_title);
    let other = (!case.is_own).then_some("other session");
    let role: Vec<_> = [side, other, answer.map(recommendation_word)].into_iter().flatten().collect();
    let failed = if num_failed == 0 { String::new() } else { format!(", **{num_failed} failed**") };
    let mut cells = vec![thresholds_text(&what), what.lock.to_string(), what.pool.to_string(), role.join(", ")];
    cells.extend(metrics.iter().map(|&metric| mean_cell(&case.group, metric)));
    cells.push(format!("{num_runs}{failed}"));
    cells
}

fn recommendation_word(answer: &Answer) -> &'static str {
    if answer.state == AnswerState::Confirmed { "recommended, confirmed" } else { "recommended" }
}

fn change(before: &Group, after: &Group, metric: Metric) -> Option<f64> {
    change_pct(before.mean(metric), after.mean(metric))
}

fn runs_sentence(codec: &CodecComparison) -> String {
    let CodecComparison { before, after, .. } = codec;
    format!(
        "Before: {}, {} counted runs, {} failed. After: {}, {} counted runs, {} failed.",
        before.case.title(),
        before.num_runs,
        before.num_failed,
        after.case.title(),
        after.num_runs,
        after.num_failed
    )
}
