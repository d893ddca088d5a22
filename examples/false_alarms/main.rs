//! How often the verdicts are right: `cargo run --release --example false_alarms [SESSION]`, a few minutes.
//!
//! Everything is asked of the functions that judge real sessions. (a) A/A experiments on the virtual device's engine
//! with a simulated clock; with SESSION also (b) A/A experiments of that session's runs, drawn by run. Then power,
//! coverage, equivalence, and recommendations on devices whose best threshold is known. Seeded: the same numbers each
//! time.

mod machine;
mod rivals;

use std::error::Error;
use std::path::Path;

use inflight::session::Session;
use inflight::stats::effect::{Answer, Effect};
use inflight::stats::gate;
use inflight::stats::interval::Sides;
use inflight::stats::margin::Margin;
use inflight::stats::metrics::Metric;
use inflight::stats::recommend::recommend;
use inflight::stats::summary::RunSummary;
use machine::{Machine, Run, case};
use virtual_nvenc::engine::Service;

const EXPERIMENTS: usize = 2000;
const METRICS: [Metric; 4] = [Metric::WallMs, Metric::LockMs, Metric::LatencyP95Ms, Metric::LatencyP99Ms];
/// Sorting tens of thousands of frames takes its time, and the answer is far from any limit.
const POOLED_EXPERIMENTS: usize = 300;
const PAIRS: [u32; 3] = [6, 10, 20];

/// Runs of one experiment, before and after, in rounds.
type Experiment = (Vec<Run>, Vec<Run>);

fn main() -> Result<(), Box<dyn Error>> {
    let session = std::env::args().nth(1);
    println!("(a) A/A, simulated clock: run effect 2 %, frames autocorrelated (0.9), linear drift of 2 %, jitter 5 %");
    let usual = Machine::usual();
    false_alarms(|random, pairs| aa(&usual, random, pairs));
    if let Some(dir) = session {
        let session = Session::open(Path::new(&dir))?;
        let mut good = Vec::new();
        session.for_each_run(|record| good.push(Run::of(record)))?;
        good.retain(|run| run.summary.counts());
        let first = good.first().ok_or("the session has no good run")?.summary.case;
        good.retain(|run| run.summary.case == first);
        println!("\n(b) A/A, drawn from {} recorded runs of {first}, {}", good.len(), session.manifest.device);
        false_alarms(|random, pairs| drawn(&good, random, pairs));
    }
    power();
    equivalence();
    recommendations();
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
        for number in 0..EXPERIMENTS {
            let (before, after) = experiment(&mut random, pairs);
            for (metric, counts) in METRICS.into_iter().zip(&mut counts) {
                let Some(effect) = judged(metric, &before, &after) else { continue };
                let values = |runs: &[Run]| runs.iter().filter_map(|run| run.summary.value(metric)).collect::<Vec<_>>();
                let (b, a) = (values(&before), values(&after));
                let without_zero =
                    effect.interval.and_then(|change| change.ends()).is_some_and(|(low, high)| low > 0.0 || high < 0.0);
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
            let [alarms, equivalent, interval, welch, bootstrap, _] = counts.map(pct);
            let pooled = 100.0 * counts[5] as f64 / POOLED_EXPERIMENTS as f64;
            let bound = 100.0 * upper_bound(counts[0], EXPERIMENTS);
            println!(
                "{:<16} {pairs:>5} {:>22} {equivalent:>9.1} % {interval:>8.1} % {welch:>7.1} % {bootstrap:>9.1} % {pooled:>7.1} %",
                metric.key(),
                format!("{alarms:.1} % ({bound:.1} %)"),
            );
        }
    }
}

fn power() {
    println!("\nPower and coverage: 10 pairs, run CV 1 %, no drift");
    let machine = Machine { run_pct: 0.95, frame_pct: 1.5, drift_pct: 0.0, ..Machine::usual() };
    for true_pct in [-2.0, -1.0, 0.0, 2.0, 5.0] {
        let mut random = fastrand::Rng::with_seed(17);
        let (mut found, mut covered, mut cv) = (0, 0, 0.0);
        for _ in 0..EXPERIMENTS {
            let (before, after) = rounds(10, |round, place, is_after| {
                machine.run(&mut random, 4, round, place, if is_after { 1.0 + true_pct / 100.0 } else { 1.0 })
            });
            let Some(effect) = judged(Metric::WallMs, &before, &after) else { continue };
            let right = if true_pct < 0.0 { Answer::Improved } else { Answer::Worse };
            found += usize::from(effect.answer == right);
            let ends = effect.interval.and_then(|change| change.ends());
            covered += usize::from(ends.is_some_and(|(low, high)| low <= true_pct && true_pct <= high));
            let walls: Vec<_> = before.iter().map(|run| run.summary.wall_ms).collect();
            cv += inflight::stats::spread::Spread::of(&walls).and_then(|spread| spread.cv_pct).unwrap_or(0.0);
        }
        let (found, covered) = (pct(found), pct(covered));
        let cv = cv / EXPERIMENTS as f64;
        println!("true change {true_pct:+.0} %: found {found:.1} %, coverage {covered:.1} %, mean run CV {cv:.2} %");
    }
}

/// With an interval of 350 µs and a latency of 700 µs the engine is busy from T=3 on.
fn equivalence() {
    println!("\nEquivalence: T=4 against T=8, which the model makes equal; margin 1 %");
    for (cv_pct, pairs) in [(0.3, 6), (0.3, 10), (1.0, 10), (1.0, 20), (1.0, 40)] {
        let machine = Machine { run_pct: cv_pct, frame_pct: 1.0, drift_pct: 0.0, ..Machine::usual() };
        let mut random = fastrand::Rng::with_seed(23);
        let mut counts = [0; 4];
        for _ in 0..EXPERIMENTS {
            let (before, after) = rounds(pairs, |round, place, is_after| {
                machine.run(&mut random, if is_after { 8 } else { 4 }, round, place, 1.0)
            });
            if let Some(effect) = judged(Metric::WallMs, &before, &after) {
                counts[effect.answer as usize] += 1;
            }
        }
        let [improved, worse, equivalent, inconclusive] = counts.map(pct);
        println!(
            "run CV {cv_pct:.1} %, {pairs:>2} pairs: equivalent {equivalent:.1} %, inconclusive {inconclusive:.1} %, improved {improved:.1} %, worse {worse:.1} %"
        );
    }
}

fn recommendations() {
    const DEVICES: usize = 400;
    const THRESHOLDS: [u32; 6] = [1, 2, 3, 4, 6, 8];
    println!(
        "\nRecommendation: {DEVICES} devices, thresholds 1 2 3 4 6 8, 9 rounds, run CV 0.3 to 1.5 %, drift to 2 %; margin 1 %"
    );
    let mut random = fastrand::Rng::with_seed(5);
    let (mut within, mut smallest, mut worst_pct, mut thresholds) = (0, 0, 0.0_f64, [0; 9]);
    for _ in 0..DEVICES {
        let interval_us = 100 + random.u64(0..900);
        let latency_us = interval_us + random.u64(0..4 * interval_us);
        let machine = Machine {
            service: Service { latency_ns: 1000 * latency_us, interval_ns: 1000 * interval_us },
            host_work_ns: 1e3 * random.f64() * interval_us as f64,
            run_pct: 0.3 + 1.2 * random.f64(),
            drift_pct: 2.0 * random.f64(),
            frame_pct: 2.0,
            ..Machine::usual()
        };
        let quiet = Machine { run_pct: 0.0, frame_pct: 0.0, jitter_pct: 0.0, drift_pct: 0.0, ..machine };
        let truth = THRESHOLDS.map(|threshold| quiet.run(&mut random, threshold, 0, 0.0, 1.0).summary.wall_ms);
        let cases = THRESHOLDS.map(case);
        let mut runs = Vec::new();
        for round in 0..9 {
            for one in inflight::plan::in_round(&cases, round) {
                let place = runs.len() as f64 / (9 * cases.len()) as f64;
                runs.push(machine.run(&mut random, one.reap_threshold, round, place, 1.0).summary);
            }
        }
        let Some(found) = recommend(&runs, None).into_iter().next() else { continue };
        let best = truth.into_iter().fold(f64::INFINITY, f64::min);
        let wall_of =
            |threshold| THRESHOLDS.iter().position(|&known| known == threshold).map_or(f64::NAN, |idx| truth[idx]);
        let slower_pct = 100.0 * (wall_of(found.case.reap_threshold) / best - 1.0);
        let least = THRESHOLDS.into_iter().find(|&threshold| wall_of(threshold) <= 1.01 * best);
        within += usize::from(slower_pct <= 1.0);
        smallest += usize::from(least == Some(found.case.reap_threshold));
        worst_pct = worst_pct.max(slower_pct);
        thresholds[found.case.reap_threshold as usize] += 1;
    }
    let share = |count: usize| 100.0 * count as f64 / DEVICES as f64;
    println!(
        "within the margin of the optimum: {:.1} %; the smallest such threshold: {:.1} %; worst {worst_pct:.2} % slower; recommended T=1 to 8: {:?}",
        share(within),
        share(smallest),
        &thresholds[1..]
    );
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

/// ABBA.
fn rounds(pairs: u32, mut run: impl FnMut(u32, f64, bool) -> Run) -> Experiment {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for round in 0..pairs {
        for turn in 0..2 {
            let is_after = (turn == 1) != (round % 2 == 1);
            let made = run(round, f64::from(2 * round + turn) / f64::from(2 * pairs), is_after);
            if is_after { after.push(made) } else { before.push(made) }
        }
    }
    (before, after)
}

fn judged(metric: Metric, before: &[Run], after: &[Run]) -> Option<Effect> {
    let summaries = |runs: &'_ [Run]| -> Vec<RunSummary> { runs.iter().map(|run| run.summary.clone()).collect() };
    let (before, after) = (summaries(before), summaries(after));
    let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
    let sides = Sides { before: &before, after: &after, is_paired: true };
    let gates = [gate::of_runs(&sides), gate::of_metric(metric, &sides)].concat();
    Effect::of(metric, &sides, Margin::default(), gates)
}

/// What a tool sees that throws the frames of all runs together.
fn pooled(metric: Metric, runs: &[Run]) -> Vec<f64> {
    let column =
        |run: &Run| if metric == Metric::LockMs { run.frames.lock_ns.clone() } else { run.frames.latency_ns.clone() };
    runs.iter().flat_map(column).map(|value_ns| value_ns as f64).collect()
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
