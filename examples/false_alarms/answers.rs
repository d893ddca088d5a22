//! How often the other answers are right: exit codes of a gate, power and coverage, equivalence, sweeps that stop at a
//! width.

use crate::machine::{Machine, Run, normal};
use crate::{EXPERIMENTS, Experiment, judged, judged_as, judged_plainly, pct, rounds, summaries, upper_bound};
use inflight::contract::{Codec, LockPlacement};
use inflight::measure::schedule::Schedule;
use inflight::plan::{Plan, Until};
use inflight::stats::evidence::decision::Evidence;
use inflight::stats::evidence::sides::Sides;
use inflight::stats::math::descriptive::Spread;
use inflight::stats::runs::metrics::Metric;
use inflight::stats::runs::summary::RunSummary;
use inflight::stats::verdict::criteria::{Criteria, Verdict};
use inflight::stats::verdict::effects::Answer;
use inflight::stats::verdict::judge::{Judged, judge};

/// A gate for CI against getting worse, as docs/methodology.md shows it.
fn not_worse() -> Criteria {
    Criteria { min_wall_improvement_pct: -2.0, min_lock_improvement_pct: f64::NEG_INFINITY, ..Criteria::default() }
}

pub fn gate_heading(of: &str) {
    println!("\nGate: wall time at most 2 % longer, queue peak 2, guard on the tail; 10 pairs, {of}");
}

/// How `inflight compare` would leave: 0, 3 or 4.
pub fn gate_line(what: &str, mut experiment: impl FnMut(&mut fastrand::Rng) -> Experiment) {
    let mut random = fastrand::Rng::with_seed(29);
    let mut counts = [0; 3];
    for _ in 0..EXPERIMENTS {
        let (before, after) = experiment(&mut random);
        let (before, after) = (summaries(&before), summaries(&after));
        let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
        let sides = Sides { before: &before, after: &after, is_paired: true };
        let judged = Judged { before: &before, after: &after, evidence: Evidence::plain(sides) };
        let all = judge(&not_worse(), Codec::H264, &judged);
        counts[Verdict::of_all(all.iter().map(|result| result.verdict)) as usize] += 1;
    }
    let [pass, fail, open] = counts.map(pct);
    let bound = 100.0 * upper_bound(counts[1], EXPERIMENTS);
    println!(
        "{what:<28} exit 3: {fail:.1} % (upper 95 % bound {bound:.1} %), exit 4: {open:.1} %, exit 0: {pass:.1} %"
    );
}

pub fn gate() {
    gate_heading("run CV 1 %");
    let machine = Machine { run_pct: 0.95, frame_pct: 1.5, drift_pct: 0.0, ..Machine::usual() };
    for true_pct in [0.0, 1.0, 2.0, 3.0, 5.0, 10.0] {
        gate_line(&format!("true change {true_pct:+.0} %"), |random| {
            rounds(10, |round, place, is_after| {
                machine.run(random, 4, round, place, if is_after { 1.0 + true_pct / 100.0 } else { 1.0 })
            })
        });
    }
    gate_heading("run effect and drift of 2 %");
    gate_line("true change 0 %", |random| {
        rounds(10, |round, place, _| Machine::usual().run(random, 4, round, place, 1.0))
    });
}

/// Two sessions are not interleaved, so what moved between them passes for an effect. The comparison warns of it.
pub fn two_sessions() {
    println!("\nTwo sessions of 10 runs each, A/A, not paired; run CV 1 %");
    for session_pct in [0.0, 0.5, 1.0, 2.0] {
        let machine = Machine { run_pct: 0.95, frame_pct: 1.5, drift_pct: 0.0, ..Machine::usual() };
        let mut random = fastrand::Rng::with_seed(37);
        let (mut called, mut called_plainly) = (0, 0);
        for _ in 0..EXPERIMENTS {
            let mut session = || {
                let cost = (session_pct / 100.0 * normal(&mut random)).exp();
                (0..10).map(|round| machine.run(&mut random, 4, round, 0.0, cost)).collect::<Vec<_>>()
            };
            let (before, after) = (session(), session());
            let Some(effect) = judged_as(false, Metric::WallMs, &before, &after) else { continue };
            let is_change = |answer: Answer| matches!(answer, Answer::Improved | Answer::Worse);
            called += usize::from(is_change(effect.answer));
            let plain = judged_plainly(&before, &after);
            called_plainly += usize::from(plain.is_some_and(is_change));
        }
        println!(
            "sessions differ by {session_pct:.1} % (standard deviation): improved or worse {:.1} %, without the assumed drift {:.1} %",
            pct(called),
            pct(called_plainly)
        );
    }
}

/// A sweep that goes on until the interval is narrow looks at its data while it does; what does that cost?
pub fn stopping() {
    println!("\nUntil ±1 %, from {FEWEST} rounds to {MOST}: T=4 against T=8, which the model makes equal; margin 1 %");
    for cv_pct in [0.5, 1.0, 2.0] {
        let machine = Machine { run_pct: cv_pct, frame_pct: 1.0, drift_pct: 0.0, ..Machine::usual() };
        stopping_line(&format!("run CV {cv_pct:.1} %, as the program does"), |random| until_narrow(&machine, random));
        stopping_line(&format!("run CV {cv_pct:.1} %, looking after every round"), |random| {
            look_after_every_round(&machine, random)
        });
    }
}

const FEWEST: u32 = 9;
const MOST: u32 = 60;
const HALF_WIDTH_PCT: f64 = 1.0;

fn stopping_line(what: &str, experiment: impl Fn(&mut fastrand::Rng) -> Experiment) {
    let mut random = fastrand::Rng::with_seed(31);
    let (mut counts, mut covered, mut num_rounds) = ([0; 4], 0, 0);
    for _ in 0..EXPERIMENTS {
        let (before, after) = experiment(&mut random);
        num_rounds += before.len();
        let Some(effect) = judged(Metric::WallMs, &before, &after) else { continue };
        counts[effect.answer as usize] += 1;
        let ends = effect.interval.ends();
        covered += usize::from(ends.is_some_and(|(low, high)| low <= 0.0 && 0.0 <= high));
    }
    let [improved, worse, equivalent, inconclusive] = counts.map(pct);
    println!(
        "{what:<40} {:.1} rounds on average, coverage {:.1} %, improved or worse {:.1} %, equivalent {equivalent:.1} %, inconclusive {inconclusive:.1} %",
        num_rounds as f64 / EXPERIMENTS as f64,
        pct(covered),
        improved + worse,
    );
}

fn until_narrow(machine: &Machine, random: &mut fastrand::Rng) -> Experiment {
    let until = Some(Until { half_width_pct: HALF_WIDTH_PCT, max_repeat: MOST });
    let plan = Plan {
        reap_thresholds: vec![4, 8],
        locks: vec![LockPlacement::Inline],
        warmup: 0,
        repeat: FEWEST,
        looks: Vec::new(),
        until,
        confirm: 0,
        order_seed: Some(random.u64(..)),
        ..Plan::default()
    };
    sweep(&plan, machine, random).into_iter().partition(|run| run.summary.case.reap_threshold == 4)
}

/// What the program does not do.
fn look_after_every_round(machine: &Machine, random: &mut fastrand::Rng) -> Experiment {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for round in 0..MOST {
        before.push(machine.run(random, 4, round, 0.0, 1.0));
        after.push(machine.run(random, 8, round, 0.0, 1.0));
        let interval = judged(Metric::WallMs, &before, &after).map(|effect| effect.interval);
        let half_width_pct = interval.and_then(|change| change.half_width_pct());
        if round + 1 >= FEWEST && half_width_pct.is_some_and(|pct| pct <= HALF_WIDTH_PCT) {
            break;
        }
    }
    (before, after)
}

/// The plan as `inflight sweep` would make it, on a simulated clock.
fn sweep(plan: &Plan, machine: &Machine, random: &mut fastrand::Rng) -> Vec<Run> {
    let mut schedule = Schedule::of(plan, None);
    let (mut made, mut summaries) = (Vec::new(), Vec::new());
    let num_planned = plan.num_runs() as f64;
    while let Some(planned) = schedule.next(&summaries) {
        for one in planned {
            // The drift goes on at its pace if there are more runs than planned.
            let place = f64::from(one.order_index) / num_planned;
            let mut run = machine.run(random, one.case.reap_threshold, one.repeat_index, place, 1.0);
            run.summary =
                RunSummary { order_index: one.order_index, is_confirmation: one.is_confirmation, ..run.summary };
            summaries.push(run.summary.clone());
            made.push(run);
        }
    }
    made
}

pub fn power() {
    println!("\nPower and coverage: 10 pairs, run CV 1 %, no drift");
    let machine = Machine { run_pct: 0.95, frame_pct: 1.5, drift_pct: 0.0, ..Machine::usual() };
    for true_pct in [-2.0, -1.0, 0.0, 2.0, 5.0] {
        let mut random = fastrand::Rng::with_seed(17);
        let (mut found, mut beyond, mut covered, mut cv) = (0, 0, 0, 0.0);
        for _ in 0..EXPERIMENTS {
            let (before, after) = rounds(10, |round, place, is_after| {
                machine.run(&mut random, 4, round, place, if is_after { 1.0 + true_pct / 100.0 } else { 1.0 })
            });
            let Some(effect) = judged(Metric::WallMs, &before, &after) else { continue };
            let right = if true_pct < 0.0 { Answer::Improved } else { Answer::Worse };
            found += usize::from(effect.answer == right);
            let ends = effect.interval.ends();
            covered += usize::from(ends.is_some_and(|(low, high)| low <= true_pct && true_pct <= high));
            let margin_pct = effect.margin.pct;
            beyond += usize::from(ends.is_some_and(|(low, high)| high < -margin_pct || low > margin_pct));
            let walls: Vec<_> = before.iter().map(|run| run.summary.wall_ms()).collect();
            cv += Spread::of(&walls).and_then(|spread| spread.cv_pct).unwrap_or(0.0);
        }
        let (found, beyond, covered) = (pct(found), pct(beyond), pct(covered));
        let cv = cv / EXPERIMENTS as f64;
        println!(
            "true change {true_pct:+.0} %: found {found:.1} % (whole interval beyond the margin {beyond:.1} %), coverage {covered:.1} %, mean run CV {cv:.2} %"
        );
    }
}

/// With an interval of 350 µs and a latency of 700 µs the engine is busy from T=3 on.
pub fn equivalence() {
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
