//! What each metric did, in words and intervals; and by which method that was found.

use std::fmt::Write as _;

use super::table::Table;
use super::text::markdown;
use super::words::{case_title, recommendation_title, recommendation_word};
use crate::contract::Codec;
use crate::session::Session;
use crate::stats::cells::{Cell, cells};
use crate::stats::compare::{CodecComparison, thin_text};
use crate::stats::effect::{Effect, PRIMARY};
use crate::stats::gate::Gate;
use crate::stats::interval::ChangeInterval;
use crate::stats::metrics::Metric;
use crate::stats::recommend::Recommendation;
use crate::stats::shift::Shift;
use crate::units::{self, NO_VALUE};

/// The answers about every metric of a codec.
pub fn changes(codec: &CodecComparison) -> String {
    let mut table = Table::new(&["metric", ">change", ">95 % interval", ">n", "answer", "why"]);
    for effect in &codec.effects {
        table.row(effect_cells(effect));
    }
    let mut text = format!(
        "`{PRIMARY}` was named before anything was measured; the other metrics are exploratory. One run is one value.\n\n{table}\n"
    );
    text.push_str(&gates(codec));
    if let Some(thin) = thin_text(&codec.too_thin) {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "Not looked at, because a percentile that rests on fewer than ten frames is a matter of single ones: {thin}.\n"
        );
    }
    text
}

/// What stands against the answers, each doubt once; nothing where there is none.
fn gates(codec: &CodecComparison) -> String {
    let mut all: Vec<&Gate> = Vec::new();
    for gate in codec.effects.iter().flat_map(|effect| &effect.gates) {
        if !all.contains(&gate) {
            all.push(gate);
        }
    }
    let line = |gate: &&Gate| {
        let turned = codec.effects.iter().filter(|effect| effect.turned_by.as_ref() == Some(*gate));
        let turned: Vec<_> = turned.map(|effect| format!("`{}`", effect.metric)).collect();
        let turned = if turned.is_empty() { "no answer".to_owned() } else { turned.join(", ") };
        format!("- **{}**: {}. It turned {turned}.\n", gate.title(), markdown(&gate.to_string()))
    };
    let lines: String = all.iter().map(line).collect();
    if lines.is_empty() { lines } else { format!("What stands against these answers:\n\n{lines}\n") }
}

/// Where in the distribution of frames the change lies; `None` where runs have no frames.
pub fn shifts(codec: &CodecComparison) -> Option<String> {
    let tables: String = codec.shifts.iter().map(shift_table).collect();
    (!tables.is_empty()).then_some(tables)
}

/// Every threshold against the reference of its codec, by the primary metric.
pub fn cells_of(session: &Session, codec: Codec) -> Option<String> {
    let all = cells(&session.summaries, session.noise.as_ref());
    let mut table = Table::new(&["case", "against", ">change", ">95 % interval", ">n", ">p, Holm", "answer", "why"]);
    let mut is_empty = true;
    for Cell { case, reference, effect, p_holm } in all.iter().filter(|cell| cell.case.codec == codec) {
        is_empty = false;
        let [change, interval, n] = interval_cells(effect.interval);
        let answer = effect.answer.to_string();
        let (case, reference, why) = (case_title(case), case_title(reference), markdown(&effect.reason));
        table.row([case, reference, change, interval, n, format!("{p_holm:.4}"), answer, why]);
    }
    (!is_empty).then(|| {
        format!("`{PRIMARY}` of each case against one and the same; p is adjusted for all {} of the sweep (Holm).\n\n{table}\n", all.len())
    })
}

/// The front of throughput and latency, and what each case is known to cost.
pub fn candidates(known: &Recommendation) -> String {
    let mut table = Table::new(&["case", ">wall_ms", ">slower at most", ">latency tail", "front", "role"]);
    for one in &known.candidates {
        let role = match one.case {
            case if case == known.case => recommendation_word(known),
            case if case == known.fastest => "fastest",
            _ if !one.is_paid_for => "latency not paid for",
            _ => "",
        };
        let text = |ms: Option<f64>| ms.map_or_else(|| NO_VALUE.to_owned(), units::ms);
        table.row([
            case_title(&one.case),
            units::ms(one.wall_ms),
            one.slower_at_most_pct.map_or_else(|| NO_VALUE.to_owned(), |pct| units::pct(pct.max(0.0))),
            text(one.tail_ms),
            if one.is_on_front { "on it" } else { "" }.to_owned(),
            role.to_owned(),
        ]);
    }
    format!(
        "**{}.** {}\n\nMedians over the planned rounds. *Slower at most*: one-sided 95 % bound of the wall time against the fastest; the \
         smallest threshold that stays within ±{} is recommended, of those whose latency tail keeps the guard, and among equal \
         ones that with the lowest tail. *Front*: no \
         other case is both faster and quicker to give its packets.\n\n{table}\n",
        recommendation_title(known),
        markdown(&known.reason),
        units::pct(known.margin.pct)
    )
}

/// Test, unit, n, margin and order, for who wants to know how the verdicts came about.
pub fn methods(codecs: &[CodecComparison]) -> String {
    let mut text = String::from(
        "**How a verdict is found.** The run is the unit: each gives one value of a metric. Within a round both sides met \
         the same machine, in an order that turns around from round to round, so their values make a pair; the change is the Hodges–Lehmann centre of ln(after ÷ before) over \
         the pairs, its 95 % interval has the exact bounds of Wilcoxon's signed-rank test. Sides of two sessions are not \
         paired: there it is the Hodges–Lehmann shift of the logarithms with the exact bounds of the Mann–Whitney test, and a \
         drift between the sessions is not excluded. *Improved* and *worse*: the interval leaves out no change, and the \
         estimate exceeds the margin; *equivalent*: the whole interval lies within the margin; else *inconclusive*. A \
         criterion passes when the whole interval clears its limit and fails when all of it falls short. A gate (drift, slow \
         first run, two heaps, late pictures, scatter, other settings, other clocks, throttling) makes a verdict inconclusive when it \
         could have made it; no run is ever left out.",
    );
    for codec in codecs {
        let Some(primary) = codec.effects.first() else { continue };
        let (n, unit) = primary.interval.map_or((0, "runs"), |change| {
            (change.num_runs, if change.num_pairs.is_some() { "pairs" } else { "runs a side, not paired" })
        });
        let margin = units::pct(primary.margin.pct);
        let from = match &primary.margin.calibration {
            Some(session) => format!("measured by calibration {}", markdown(session)),
            None => "the least there is".to_owned(),
        };
        let order =
            codec.num_before_first.map_or_else(String::new, |num| format!(", before made first in {num} of them"));
        let _ = write!(text, " {}: {n} {unit}{order}; margin ±{margin} of `{}` ({from}).", codec.codec, primary.metric);
    }
    text.push_str("\n\n");
    text
}

fn effect_cells(effect: &Effect) -> [String; 6] {
    let metric: Metric = effect.metric;
    let role = if effect.is_primary { " (primary)" } else { "" };
    let [change, interval, n] = interval_cells(effect.interval);
    let name = format!("{} `{}`{role}", metric.title(), metric.key());
    [name, change, interval, n, format!("**{}**", effect.answer), markdown(&effect.reason)]
}

/// Estimate, ends, and how many pairs or runs.
fn interval_cells(interval: Option<ChangeInterval>) -> [String; 3] {
    let Some(change) = interval else { return [NO_VALUE; 3].map(str::to_owned) };
    let ends = change.ends().map_or_else(
        || NO_VALUE.to_owned(),
        |(low, high)| format!("{} to {}", units::change_pct(low), units::change_pct(high)),
    );
    let unit = if change.num_pairs.is_some() { "pairs" } else { "runs" };
    [units::change_pct(change.estimate_pct), ends, format!("{} {unit}", change.num_runs)]
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
    let hint = if shift.is_exploratory { " A hint only: fewer than 20 runs a side." } else { "" };
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
