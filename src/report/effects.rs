//! The change of each metric, in words and intervals, and the method behind it.

use std::fmt::Write as _;

use super::gather::Material;
use super::table::Table;
use super::text::markdown;
use crate::contract::{Codec, EngineKind};
use crate::stats::analysis::Analysis;
use crate::stats::evidence::change::ChangeInterval;
use crate::stats::evidence::quantile_shift::Shift;
use crate::stats::runs::metrics::{Metric, PRIMARY};
use crate::stats::verdict::comparison::{CodecComparison, thin_text};
use crate::stats::verdict::effects::Effect;
use crate::stats::verdict::recommendation::{Recommendation, Standing};
use crate::stats::verdict::sweep_effects::Cell;
use crate::units::{self, NO_VALUE, Unit};

/// The answers about every metric of a codec.
pub fn changes(codec: &CodecComparison) -> String {
    let titles = [
        "metric",
        ">before",
        ">after",
        ">paired median change",
        ">interval",
        ">n",
        ">mean",
        ">worst run",
        "answer",
        "why",
    ];
    let mut table = Table::new(&titles);
    for effect in &codec.effects {
        table.row(effect_cells(effect, codec.engine));
    }
    let mut text = format!(
        "`{PRIMARY}` is the primary metric, chosen before anything was measured; the others are exploratory. Before and after \
         are medians over the runs. The paired median change is computed round by round, so it is not the quotient of the two \
         medians. *Worst run*: distance of the worst run above the median of its side, before and after.\n\n{table}\n"
    );
    if let Some(thin) = thin_text(&codec.too_thin) {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "Left out, because fewer than ten frames of a run would lie beyond the percentile: {thin}.\n"
        );
    }
    text
}

/// The change at each decile of frames; `None` where runs have no frames.
pub fn shifts(codec: &CodecComparison) -> Option<String> {
    let tables: String = codec.shifts.iter().map(shift_table).collect();
    (!tables.is_empty()).then_some(tables)
}

/// Every case compared with the reference of its codec, by the primary metric.
pub fn cells_of(analysis: &Analysis, codec: Codec) -> Option<String> {
    let mut table = Table::new(&["case", "reference", ">paired median change", ">interval", ">n", "answer", "why"]);
    let mut is_empty = true;
    for Cell { case, reference, effect } in analysis.cells.iter().filter(|cell| cell.case.codec == codec) {
        is_empty = false;
        let [change, interval, n] = interval_cells(&effect.interval);
        let (case, reference, why) = (case.title(), reference.title(), markdown(&effect.reason));
        table.row([case, reference, change, interval, n, effect.answer.to_string(), why]);
    }
    (!is_empty).then(|| {
        format!(
            "`{PRIMARY}` of each case. All {} comparisons of the sweep share one error of 5 %.\n\n{table}\n",
            analysis.cells.len()
        )
    })
}

/// The wall time and latency of each case, and its standing.
pub fn candidates(material: &Material<'_>, known: &Recommendation) -> String {
    let wait = format!(">{}", material.subject.engine().say("lock wait"));
    let titles =
        ["case", "result", ">wall time", ">slower than the fastest", ">latency tail", &wait, ">throughput", ">runs"];
    let mut table = Table::new(&titles);
    let text = |value: Option<String>| value.unwrap_or_else(|| NO_VALUE.to_owned());
    for one in &known.candidates {
        let group = material.cases_of(known.codec).find(|case| case.is_own && case.group.case == one.case);
        let group = group.map(|case| &case.group);
        let mean =
            |metric: Metric| text(group.and_then(|group| group.mean(metric)).map(|mean| metric.unit().text(mean)));
        let slower = one.slower.as_ref().map(|decision| {
            let bound = decision
                .interval
                .high_pct
                .map_or_else(String::new, |pct| format!(" (up to {})", units::pct(pct.max(0.0))));
            format!("{}{bound}", units::change_pct(decision.interval.estimate_pct))
        });
        table.row([
            one.case.title(),
            match one.standing {
                _ if one.case == known.case => "**recommended**",
                _ if one.case == known.fastest => "fastest",
                Standing::Fast if one.seems_fast() => "as fast",
                Standing::Fast | Standing::Slower => "slower",
                Standing::Undecided => "undecided",
                Standing::Refused => "latency too high",
                Standing::Failed => "a run failed",
                Standing::OtherStream => "other stream",
            }
            .to_owned(),
            units::ms(one.wall_ms),
            text(slower),
            text(one.tail_ms.map(units::ms)),
            mean(Metric::LockMs),
            mean(Metric::Fps),
            group.map_or(0, |group| group.num_runs).to_string(),
        ]);
    }
    format!(
        "{}\n\n{table}\nA case is *as fast* if it is measured to be at most {} slower than the fastest, and at most {} at 95 % confidence. Of these, \
         the case with the lowest latency tail (p99, or p95 for runs of fewer than 1,000 frames) is recommended; if the tails \
         are equal, the case with the smallest threshold. Wall time and tail are medians of the planned rounds.\n",
        markdown(&known.reason),
        units::pct(known.margin.pct / 2.0),
        units::pct(known.margin.pct)
    )
}

/// Test, unit, n, margin and order: how the verdicts were found.
pub fn methods(codecs: &[CodecComparison]) -> String {
    let mut text = String::from(
        "**How a verdict is found.** Each run gives one value per metric. Within a round, both sides ran on the same computer in \
         the same state and in random order, so their values form a pair. The paired median change is the median of \
         (aᵢ + aⱼ) ÷ (bᵢ + bⱼ) over all rounds; its interval has the exact bounds of Wilcoxon's signed-rank test. The sides of \
         two sessions are not paired: their change is the median of all quotients a ÷ b, with the exact bounds of the \
         Mann–Whitney test. *Improved* and *worse*: the interval excludes zero and the change reaches the margin. *Equivalent*: \
         the interval lies within the margin, and so does that of the mean. A criterion passes if the one-sided 95 % bound keeps \
         its limit, and fails if the bound on the other side exceeds it. All comparisons of a sweep share one error of 5 % (joint \
         sign flips), and so do its looks. Each doubt (drift, slow first run, late frames, clock, throttling, two sessions) has a \
         size that widens the interval; no run is left out.",
    );
    for codec in codecs {
        let Some(primary) = codec.effects.first() else { continue };
        let change = &primary.interval;
        let unit = if change.num_pairs.is_some() { "pairs" } else { "runs per side, not paired" };
        let margin = units::pct(primary.margin.pct);
        let from = match &primary.margin.calibration {
            Some(session) => format!("measured by calibration {}", markdown(session)),
            None => "the smallest margin".to_owned(),
        };
        let order = codec
            .num_before_first
            .map_or_else(String::new, |num| format!(", with the before side first in {num} of them"));
        let (n, peers) = (change.num_runs, codec.num_peers);
        let _ = write!(
            text,
            " {}: {n} {unit}{order}; one of {peers} comparisons; margin ±{margin} of `{}` ({from}).",
            codec.codec, primary.metric
        );
    }
    text.push_str("\n\n");
    text
}

fn effect_cells(effect: &Effect, engine: EngineKind) -> [String; 10] {
    let metric = effect.metric;
    let role = if effect.is_primary { " (primary)" } else { "" };
    let [change, interval, n] = interval_cells(&effect.interval);
    let name = format!("{} `{}`{role}", engine.say(metric.title()), metric.key());
    let mean = effect.mean.map(|mean| units::change_pct(100.0 * (mean.estimate - 1.0)));
    let worst = effect.worst.before_pct.zip(effect.worst.after_pct);
    let worst = worst.map(|(before, after)| format!("{} → {}", units::change_pct(before), units::change_pct(after)));
    let text = |value: Option<String>| value.unwrap_or_else(|| NO_VALUE.to_owned());
    let of = |value: Option<f64>| text(value.map(|value| metric.unit().text(value)));
    let answer = format!("**{}**", effect.answer);
    [
        name,
        of(effect.before),
        of(effect.after),
        change,
        interval,
        n,
        text(mean),
        text(worst),
        answer,
        markdown(&effect.reason),
    ]
}

/// Estimate, ends, and how many pairs or runs.
fn interval_cells(change: &ChangeInterval) -> [String; 3] {
    let unit = if change.num_pairs.is_some() { "pairs" } else { "runs" };
    [units::change_pct(change.estimate_pct), change.ends_text(), format!("{} {unit}", change.num_runs)]
}

/// A mean with its standard deviation, where it scatters at all.
pub fn mean_text(unit: Unit, mean: f64, stddev: Option<f64>) -> String {
    let text = unit.text(mean);
    match stddev {
        Some(stddev) if stddev > 0.0 => format!("{text} ± {}", unit.text(stddev)),
        _ => text,
    }
}

fn shift_table(shift: &Shift) -> String {
    let mut table = Table::new(&["decile", ">before", ">after", ">change", ">95 % interval"]);
    let ms = units::ms;
    for point in &shift.points {
        let ends = point.low_ms.zip(point.high_ms);
        let ends =
            ends.map_or_else(|| NO_VALUE.to_owned(), |(low, high)| format!("{} to {}", signed(low), signed(high)));
        table.row([
            format!("p{}", point.percent),
            ms(point.before_ms),
            ms(point.after_ms),
            signed(point.difference_ms),
            ends,
        ]);
    }
    let hint = if shift.is_exploratory { " Only a hint: fewer than 20 runs per side." } else { "" };
    format!("{} at the deciles of a run's frames, medians over runs.{hint}\n\n{table}\n", shift.column.title())
}

fn signed(ms: f64) -> String {
    let sign = if ms > 0.0 {
        "+"
    } else if ms < 0.0 {
        "−"
    } else {
        ""
    };
    format!("{sign}{}", units::ms(ms.abs()))
}
