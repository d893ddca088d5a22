//! How often the verdicts are right: `cargo run --release --example false_alarms [SESSION|PART]`, a few minutes.
//!
//! Everything is asked of the functions that judge real sessions. (a) A/A experiments on the virtual device's engine
//! with a simulated clock; with SESSION also (b) A/A experiments of that session's runs, drawn by run. Then what is in
//! `answers`: power, equivalence and more. Seeded: the same numbers each time.

mod answers;
mod blocks;
mod machine;
mod noise;
mod recommendations;
mod referee;
mod rivals;

use std::cell::Cell;
use std::error::Error;
use std::path::Path;

use inflight::session::Session;
use inflight::stats::evidence::decision::Evidence;
use inflight::stats::evidence::doubts::{Doubt, DoubtKind};
use inflight::stats::evidence::noise_floor::Margin;
use inflight::stats::evidence::sides::Sides;
use inflight::stats::runs::metrics::Metric;
use inflight::stats::runs::summary::RunSummary;
use inflight::stats::verdict::criteria::Criteria;
use inflight::stats::verdict::effects::{Answer, Effect};
use machine::{Machine, Run};

/// At the nominal 5 % two standard errors are 0.4 points.
const AA_EXPERIMENTS: usize = 10_000;
/// Of every other question.
const EXPERIMENTS: usize = 2000;
const METRICS: [Metric; 4] = [Metric::WallMs, Metric::LockMs, Metric::LatencyP95Ms, Metric::LatencyP99Ms];
/// Sorting tens of thousands of frames takes its time, and the answer is far from any limit.
const POOLED_EXPERIMENTS: usize = 300;
const PAIRS: [u32; 3] = [6, 10, 20];

/// Runs of one experiment, before and after, in rounds.
type Experiment = (Vec<Run>, Vec<Run>);

/// What can be asked for alone, by name.
const PARTS: [(&str, fn()); 14] = [
    ("alarms", referee::alarms),
    ("limits", referee::exact_limit),
    ("more-rounds", referee::more_rounds),
    ("families", referee::families),
    ("odd-data", referee::odd_data),
    ("looks", referee::looks),
    ("stalls", referee::stalls),
    ("blocks", blocks::blocks),
    ("gate", answers::gate),
    ("power", answers::power),
    ("equivalence", answers::equivalence),
    ("two-sessions", answers::two_sessions),
    ("stopping", answers::stopping),
    ("recommendations", recommendations::run),
];

fn main() -> Result<(), Box<dyn Error>> {
    let word = std::env::args().nth(1);
    if let Some((_, part)) = PARTS.iter().find(|(name, _)| Some(*name) == word.as_deref()) {
        part();
        return Ok(());
    }
    println!("(a) A/A, simulated clock: run effect 2 %, frames autocorrelated (0.9), linear drift of 2 %, jitter 5 %");
    let usual = Machine::usual();
    false_alarms(|random, pairs| aa(&usual, random, pairs));
    if let Some(dir) = word {
        let session = Session::open(Path::new(&dir))?;
        let mut good = Vec::new();
        session.for_each_run(|record| good.push(Run::of(record)))?;
        good.retain(|run| run.summary.counts());
        let first = good.first().ok_or("the session has no good run")?.summary.case;
        good.retain(|run| run.summary.case == first);
        println!("\n(b) A/A, drawn from {} recorded runs of {first}, {}", good.len(), session.manifest.device);
        false_alarms(|random, pairs| drawn(&good, random, pairs));
        answers::gate_heading("runs drawn as in (b)");
        answers::gate_line("A/A", |random| drawn(&good, random, 10));
    }
    PARTS.iter().for_each(|(_, part)| part());
    Ok(())
}

/// One line a metric and number of pairs: how often equal arms are called different.
fn false_alarms(experiment: impl Fn(&mut fastrand::Rng, u32) -> Experiment) {
    println!(
        "{:<16} {:>5} {:>22} {:>11} {:>10} {:>9} {:>11} {:>9}",
        "metric", "pairs", "improved or worse", "equivalent", "interval", "Welch", "percentile", "pooled"
    );
    println!(
        "{:<16} {:>5} {:>22} {:>11} {:>10} {:>9} {:>11} {:>9}",
        "", "", "(upper 95 % bound)", "", "without 0", "on runs", "bootstrap", "frames"
    );
    for pairs in PAIRS {
        let mut counts = [[0_usize; 6]; METRICS.len()];
        let mut random = fastrand::Rng::with_seed(u64::from(pairs));
        for number in 0..AA_EXPERIMENTS {
            let (before, after) = experiment(&mut random, pairs);
            for (metric, counts) in METRICS.into_iter().zip(&mut counts) {
                let Some(effect) = judged(metric, &before, &after) else { continue };
                let values = |runs: &[Run]| runs.iter().filter_map(|run| run.summary.value(metric)).collect::<Vec<_>>();
                let (b, a) = (values(&before), values(&after));
                let without_zero = effect.interval.ends().is_some_and(|(low, high)| low > 0.0 || high < 0.0);
                let found = [
                    matches!(effect.answer, Answer::Improved | Answer::Worse),
                    effect.answer == Answer::Equivalent,
                    without_zero,
                    rivals::welch(&b, &a),
                    rivals::bootstrap(&b, &a, &mut random),
                    number < POOLED_EXPERIMENTS
                        && rivals::pooled_mann_whitney(&pooled(metric, &before), &pooled(metric, &after)),
                ];
                counts.iter_mut().zip(found).for_each(|(count, found)| *count += usize::from(found));
            }
        }
        for (metric, counts) in METRICS.into_iter().zip(counts) {
            let share = |count: usize| 100.0 * count as f64 / AA_EXPERIMENTS as f64;
            let [alarms, equivalent, interval, welch, bootstrap, _] = counts.map(share);
            let pooled = 100.0 * counts[5] as f64 / POOLED_EXPERIMENTS as f64;
            let bound = 100.0 * upper_bound(counts[0], AA_EXPERIMENTS);
            println!(
                "{:<16} {pairs:>5} {:>22} {equivalent:>9.1} % {interval:>8.1} % {welch:>7.1} % {bootstrap:>9.1} % {pooled:>7.1} %",
                metric.key(),
                format!("{alarms:.1} % ({bound:.1} %)"),
            );
        }
    }
}

fn aa(machine: &Machine, random: &mut fastrand::Rng, pairs: u32) -> Experiment {
    rounds(pairs, |round, place, _| machine.run(random, 2, round, place, 1.0))
}

fn drawn(pool: &[Run], random: &mut fastrand::Rng, pairs: u32) -> Experiment {
    rounds(pairs, |round, _, _| {
        let Run { summary, frames } = pool[random.usize(..pool.len())].clone();
        Run { summary: RunSummary { repeat_index: round, order_index: round, ..summary }, frames }
    })
}

/// In an order drawn by lot.
fn rounds(pairs: u32, mut run: impl FnMut(u32, f64, bool) -> Run) -> Experiment {
    thread_local!(static LOT: Cell<u64> = const { Cell::new(0) });
    let lot = LOT.replace(LOT.get().wrapping_add(1)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for round in 0..pairs {
        let is_turned = fastrand::Rng::with_seed(lot ^ u64::from(round)).bool();
        for turn in 0..2 {
            let is_after = (turn == 1) != is_turned;
            let made = run(round, f64::from(2 * round + turn) / f64::from(2 * pairs), is_after);
            if is_after { after.push(made) } else { before.push(made) }
        }
    }
    (before, after)
}

fn judged(metric: Metric, before: &[Run], after: &[Run]) -> Option<Effect> {
    judged_as(true, metric, before, after)
}

fn judged_as(is_paired: bool, metric: Metric, before: &[Run], after: &[Run]) -> Option<Effect> {
    let (before, after) = (summaries(before), summaries(after));
    let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
    let sides = Sides { before: &before, after: &after, is_paired };
    let drift_pct = Criteria::default().session_drift_pct;
    let between =
        [Doubt { kind: DoubtKind::TwoSessions, of: String::new(), lower_pct: drift_pct, higher_pct: drift_pct }];
    let evidence = Evidence { of_origin: if is_paired { &[] } else { &between }, ..Evidence::plain(sides) };
    Effect::of(metric, &evidence, Margin::default())
}

/// As if nothing were doubtful about two sessions.
fn judged_plainly(before: &[Run], after: &[Run]) -> Option<Answer> {
    let (before, after) = (summaries(before), summaries(after));
    let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
    let sides = Sides { before: &before, after: &after, is_paired: false };
    Effect::of(Metric::WallMs, &Evidence::plain(sides), Margin::default()).map(|effect| effect.answer)
}

fn summaries(runs: &[Run]) -> Vec<RunSummary> {
    runs.iter().map(|run| run.summary.clone()).collect()
}

/// What a tool sees that throws the frames of all runs together.
fn pooled(metric: Metric, runs: &[Run]) -> Vec<f64> {
    let column =
        |run: &Run| if metric == Metric::LockMs { run.frames.lock_ns.clone() } else { run.frames.latency_ns.clone() };
    runs.iter().flat_map(column).map(|value_ns| value_ns as f64).collect()
}

/// "4.9 % (upper 95 % bound 5.5 %)"
fn share_text(count: usize, of: usize) -> String {
    let share = 100.0 * count as f64 / of.max(1) as f64;
    format!("{share:.1} % ({:.1} %)", 100.0 * upper_bound(count, of))
}

fn pct(count: usize) -> f64 {
    100.0 * count as f64 / EXPERIMENTS as f64
}

/// One-sided 95 % upper bound of a share (Wilson).
fn upper_bound(count: usize, of: usize) -> f64 {
    const Z: f64 = 1.644_854;
    let (n, p) = (of as f64, count as f64 / of as f64);
    (p + Z * Z / (2.0 * n) + Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt()) / (1.0 + Z * Z / n)
}
