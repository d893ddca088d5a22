//! How often decisions are wrong under noise of all kinds: false alarms, coverage, errors at the exact limit, families of
//! cells, looks.

use inflight::contract::Codec;
use inflight::contract::LockPlacement::Inline;
use inflight::plan::{Plan, in_round};
use inflight::record::Case;
use inflight::stats::evidence::decision::{ERROR, Evidence, Standard};
use inflight::stats::evidence::noise_floor::Margin;
use inflight::stats::evidence::quantity::Quantity;
use inflight::stats::evidence::sides::{Paired, Sides};
use inflight::stats::runs::metrics::{Metric, PRIMARY};
use inflight::stats::runs::summary::RunSummary;
use inflight::stats::verdict::effects::{Answer, Effect};
use inflight::stats::verdict::sweep_effects::cells;

use crate::machine::blank;
use crate::noise::{ALL, Course, Noise};
use crate::share_text;

/// Of every line; two standard errors at 5 % are 0.7 points.
const EXPERIMENTS: usize = 4000;
const QUIET_MS: f64 = 300.0;
const WALL: Quantity = Quantity::Metric(PRIMARY);

fn case(codec: Codec, reap_threshold: u32) -> Case {
    Case {
        codec,
        reap_threshold,
        lock: Inline,
        pool: reap_threshold,
        names_pool: false,
        client: Default::default(),
        decode: None,
    }
}

/// Rounds of all cases in an order drawn by lot; `quiet_ms` of each.
fn rounds(
    cases: &[Case],
    num: u32,
    noise: Noise,
    random: &mut fastrand::Rng,
    quiet_ms: impl Fn(&Case) -> f64,
) -> Vec<RunSummary> {
    let mut course = Course::new(noise, num * cases.len() as u32, random);
    let seed = random.u64(..);
    let mut runs: Vec<RunSummary> = Vec::new();
    for round in 0..num {
        for case in in_round(cases, Some(seed), (false, round)) {
            let order = runs.len() as u32;
            let mut run = blank(case, round, order);
            run.values.set(PRIMARY, Some(course.ms(random, order, quiet_ms(&case))));
            runs.push(run);
        }
    }
    runs
}

fn pair(num: u32, noise: Noise, random: &mut fastrand::Rng, true_pct: f64) -> (Vec<Case>, Vec<RunSummary>) {
    let cases = vec![case(Codec::H264, 1), case(Codec::H264, 2)];
    let runs = rounds(&cases, num, noise, random, |case| {
        QUIET_MS * if case.reap_threshold == 1 { 1.0 } else { 1.0 + true_pct / 100.0 }
    });
    (cases, runs)
}

/// Improved or worse, and whether the interval holds the truth.
pub fn alarms() {
    println!("\nA/A and coverage, order by lot, {EXPERIMENTS} experiments a line");
    println!("{:<22} {:>5} {:>24} {:>10} {:>12}", "noise", "pairs", "improved or worse", "coverage", "equivalent");
    for noise in ALL {
        for num in [6, 10, 20, 40] {
            let mut random = fastrand::Rng::with_seed(u64::from(num));
            let (mut called, mut covered, mut equivalent) = (0, 0, 0);
            for _ in 0..EXPERIMENTS {
                let (cases, runs) = pair(num, noise, &mut random, 0.0);
                let paired = Paired::of(&runs, cases[0], cases[1], |_| true);
                let Some(effect) = Effect::of(PRIMARY, &Evidence::plain(paired.sides()), Margin::default()) else {
                    continue;
                };
                called += usize::from(matches!(effect.answer, Answer::Improved | Answer::Worse));
                equivalent += usize::from(effect.answer == Answer::Equivalent);
                covered += usize::from(effect.interval.ends().is_some_and(|(low, high)| low <= 0.0 && 0.0 <= high));
            }
            let share = |count: usize| 100.0 * count as f64 / EXPERIMENTS as f64;
            println!(
                "{noise:<22} {num:>5} {:>24} {:>8.1} % {:>10.1} %",
                share_text(called, EXPERIMENTS),
                share(covered),
                share(equivalent)
            );
        }
    }
}

/// The change is exactly what is asked: any decision is an error.
pub fn exact_limit() {
    println!("\nAt the exact limit (true −5 %, asked −5 %): passes and fails, {EXPERIMENTS} experiments a line");
    for noise in
        [Noise::Normal(1.0), Noise::Normal(5.0), Noise::T3, Noise::LogNormal, Noise::Stragglers, Noise::Period(4)]
    {
        for num in [4, 5, 6, 8, 10, 20, 40, 60] {
            let mut random = fastrand::Rng::with_seed(3 + u64::from(num));
            let mut counts = [0; 3];
            for _ in 0..EXPERIMENTS {
                let (cases, runs) = pair(num, noise, &mut random, -5.0);
                let paired = Paired::of(&runs, cases[0], cases[1], |_| true);
                let decision = Evidence::plain(paired.sides()).at_most(WALL, -5.0);
                counts[decision.and_then(|one| one.is_met).map_or(2, |is_met| usize::from(!is_met))] += 1;
            }
            println!(
                "{noise:<22} {num:>5} pairs: passes {}, fails {}",
                share_text(counts[0], EXPERIMENTS),
                share_text(counts[1], EXPERIMENTS)
            );
        }
    }
}

/// A true change far beyond what is asked, under heavy scatter: more rounds must answer more often.
pub fn more_rounds() {
    println!("\nTrue −15 % at a run CV of 12 %, asked −5 %");
    for num in [10, 20, 40, 60] {
        let mut random = fastrand::Rng::with_seed(7);
        let passes = (0..EXPERIMENTS).filter(|_| {
            let (cases, runs) = pair(num, Noise::Normal(12.0), &mut random, -15.0);
            let paired = Paired::of(&runs, cases[0], cases[1], |_| true);
            Evidence::plain(paired.sides()).at_most(WALL, -5.0).is_some_and(|one| one.is_met == Some(true))
        });
        println!("{num:>3} pairs: passes {}", share_text(passes.count(), EXPERIMENTS));
    }
}

/// Many cells against one reference, several codecs: any false finding counts once.
pub fn families() {
    const FEWER: usize = 1000;
    println!(
        "\nFamilies, A/A: any cell of the sweep improved or worse; and with true effects of −30 % in half of the cells"
    );
    for (num_cells, codecs, num) in
        [(12, 1, 10), (12, 1, 20), (36, 1, 10), (36, 1, 20), (6, 3, 10), (12, 3, 10), (12, 3, 40)]
    {
        for noise in [Noise::Normal(2.0), Noise::LogNormal, Noise::Ar1] {
            for has_effects in [false, true] {
                let names = Codec::ENCODED;
                let cases: Vec<_> = names[..codecs]
                    .iter()
                    .flat_map(|&codec| (1..=num_cells / codecs as u32).map(move |threshold| case(codec, threshold)))
                    .collect();
                let plan = Plan { looks: Vec::new(), ..Plan::default() };
                let is_real = |case: &Case| has_effects && case.reap_threshold.is_multiple_of(2);
                let mut random = fastrand::Rng::with_seed(u64::from(num) + num_cells as u64);
                let (mut wrong, mut found, mut real) = (0, 0, 0);
                for _ in 0..FEWER {
                    let runs = rounds(&cases, num, noise, &mut random, |case| {
                        QUIET_MS * if is_real(case) { 0.7 } else { 1.0 }
                    });
                    let all = cells(&runs, &plan, None);
                    let called = |cell: &inflight::stats::verdict::sweep_effects::Cell| {
                        matches!(cell.effect.answer, Answer::Improved | Answer::Worse)
                    };
                    wrong += usize::from(all.iter().any(|cell| called(cell) && !is_real(&cell.case)));
                    found += all.iter().filter(|cell| called(cell) && is_real(&cell.case)).count();
                    real += all.iter().filter(|cell| is_real(&cell.case)).count();
                }
                let power =
                    if real > 0 { format!(", true ones found {}", share_text(found, real)) } else { String::new() };
                println!(
                    "{num_cells:>3} cells, {codecs} codec(s), {num:>2} rounds, {noise:<18} any false: {}{power}",
                    share_text(wrong, FEWER)
                );
            }
        }
    }
}

/// Lists of unequal length without pairs, sweeps that were killed in a round, waits that are 0 half of the time.
pub fn odd_data() {
    println!("\nOdd data, A/A: improved or worse, {EXPERIMENTS} experiments a line");
    let line = |what: &str, experiment: &dyn Fn(&mut fastrand::Rng) -> Option<Answer>| {
        let mut random = fastrand::Rng::with_seed(13);
        let called = (0..EXPERIMENTS)
            .filter(|_| matches!(experiment(&mut random), Some(Answer::Improved | Answer::Worse)))
            .count();
        println!("{what:<44} {}", share_text(called, EXPERIMENTS));
    };
    for (before, after) in [(6, 20), (4, 4), (10, 10), (30, 9)] {
        line(&format!("two lists of {before} and {after}, not paired"), &|random| {
            let side = |num, random: &mut fastrand::Rng| {
                rounds(&[case(Codec::H264, 1)], num, Noise::Normal(2.0), random, |_| QUIET_MS)
            };
            let (before, after) = (side(before, random), side(after, random));
            let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
            let sides = Sides { before: &before, after: &after, is_paired: false };
            Effect::of(PRIMARY, &Evidence::plain(sides), Margin::default()).map(|effect| effect.answer)
        });
    }
    for killed_after in [13, 15, 23] {
        line(&format!("a sweep killed after {killed_after} runs"), &|random| {
            let (cases, mut runs) = pair(20, Noise::Normal(2.0), random, 0.0);
            runs.truncate(killed_after);
            let paired = Paired::of(&runs, cases[0], cases[1], |_| true);
            Effect::of(PRIMARY, &Evidence::plain(paired.sides()), Margin::default()).map(|effect| effect.answer)
        });
    }
    for num in [6, 10, 20] {
        line(&format!("lock waits, half of them 0, {num} pairs"), &|random| {
            let (cases, mut runs) = pair(num, Noise::Normal(10.0), random, 0.0);
            for run in &mut runs {
                let wait_ms = if random.bool() { 0.0 } else { run.wall_ms() / 10.0 };
                run.values.set(Metric::LockMs, Some(wait_ms));
            }
            let paired = Paired::of(&runs, cases[0], cases[1], |_| true);
            Effect::of(Metric::LockMs, &Evidence::plain(paired.sides()), Margin::default()).map(|effect| effect.answer)
        });
    }
}

/// Looks at 10, 20 and 40 rounds, each at its share of the error.
pub fn looks() {
    println!(
        "\nLooks at 10, 20, 40 rounds: an A/A gate (at most 2 % longer), run CV 2 %; and the same at the exact limit"
    );
    for (true_pct, limit_pct, cv_pct) in [(0.0, 2.0, 2.0), (2.0, 2.0, 2.0), (-40.0, -5.0, 2.0), (-40.0, -5.0, 12.0)] {
        let standard = Standard { error: ERROR / 3.0, peers: None };
        let mut random = fastrand::Rng::with_seed(19);
        let (mut counts, mut num_rounds) = ([0; 3], 0);
        for _ in 0..EXPERIMENTS {
            let (cases, runs) = pair(40, Noise::Normal(cv_pct), &mut random, true_pct);
            let answer = [10, 20, 40].into_iter().find_map(|look| {
                let paired = Paired::of(&runs, cases[0], cases[1], |run| run.repeat_index < look);
                let decision = Evidence { standard, ..Evidence::plain(paired.sides()) }.at_most(WALL, limit_pct)?;
                Some((decision.is_met?, look))
            });
            counts[answer.map_or(2, |(is_met, _)| usize::from(!is_met))] += 1;
            num_rounds += answer.map_or(40, |(_, look)| look);
        }
        println!(
            "true {true_pct:+.0} %, limit {limit_pct:+.0} %, CV {cv_pct} %: passes {}, fails {}, {:.1} rounds on average",
            share_text(counts[0], EXPERIMENTS),
            share_text(counts[1], EXPERIMENTS),
            f64::from(num_rounds) / EXPERIMENTS as f64
        );
    }
}

/// One run in ten takes twice as long, on the after side only.
pub fn stalls() {
    println!("\nOne run in ten doubles on the after side (mean +10 %): called equivalent, run CV 0.3 %");
    for num in [10, 20, 40] {
        let mut random = fastrand::Rng::with_seed(23);
        let equivalent = (0..EXPERIMENTS).filter(|_| {
            let (cases, mut runs) = pair(num, Noise::Normal(0.3), &mut random, 0.0);
            for run in runs.iter_mut().filter(|run| run.case == cases[1]) {
                if random.f64() < 0.1 {
                    run.values.set(PRIMARY, Some(2.0 * run.wall_ms()));
                }
            }
            let paired = Paired::of(&runs, cases[0], cases[1], |_| true);
            let effect = Effect::of(PRIMARY, &Evidence::plain(paired.sides()), Margin::default());
            effect.is_some_and(|effect| effect.answer == Answer::Equivalent)
        });
        println!("{num:>3} pairs: {}", share_text(equivalent.count(), EXPERIMENTS));
    }
}
