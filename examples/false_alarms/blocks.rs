//! How often decisions are wrong where runs hang together in blocks: processes that differ from each other in what they do
//! to the change.

use inflight::contract::Codec;
use inflight::contract::LockPlacement::Inline;
use inflight::record::Case;
use inflight::stats::evidence::blocks::Unit;
use inflight::stats::evidence::decision::Evidence;
use inflight::stats::evidence::noise_floor::Margin;
use inflight::stats::evidence::quantity::Quantity;
use inflight::stats::evidence::sides::{Paired, Sides};
use inflight::stats::runs::metrics::PRIMARY;
use inflight::stats::runs::summary::RunSummary;
use inflight::stats::verdict::effects::{Answer, Effect};

use crate::machine::{blank, normal};
use crate::share_text;

const EXPERIMENTS: usize = 4000;
const RUN_PCT: f64 = 1.0;
const WALL: Quantity = Quantity::Metric(PRIMARY);

/// Blocks of so many rounds, each moving the after side by its own factor.
fn session(num_blocks: u32, rounds: u32, block_pct: f64, random: &mut fastrand::Rng, true_pct: f64) -> Vec<RunSummary> {
    let case = |reap_threshold| Case {
        codec: Codec::H264,
        reap_threshold,
        lock: Inline,
        pool: reap_threshold,
        names_pool: false,
        client: Default::default(),
        decode: None,
    };
    let mut runs = Vec::new();
    for block in 0..num_blocks {
        let of_block = (block_pct / 100.0 * normal(random)).exp() * (1.0 + true_pct / 100.0);
        for round in block * rounds..(block + 1) * rounds {
            let mut put = |threshold, quiet_ms: f64| {
                let mut run = RunSummary { block, ..blank(case(threshold), round, runs.len() as u32) };
                run.values.set(PRIMARY, Some(quiet_ms * (RUN_PCT / 100.0 * normal(random)).exp()));
                runs.push(run);
            };
            put(1, 300.0);
            put(2, 300.0 * of_block);
        }
    }
    runs
}

/// A/A, and a true −5 % at a limit of −5 %; paired within a session, and two merged sessions as lists.
pub fn blocks() {
    println!("\nBlocks, run CV {RUN_PCT} %, {EXPERIMENTS} experiments a line: any decision is an error");
    println!(
        "{:>6} {:>6} {:>12} {:>24} {:>20} {:>20} {:>24} {:>14}",
        "blocks",
        "rounds",
        "from block",
        "A/A: improved or worse",
        "limit: passes",
        "fails",
        "two lists",
        "unit: blocks"
    );
    for (num_blocks, rounds) in [(3, 10), (4, 10), (5, 10), (10, 4), (20, 3)] {
        for block_pct in [0.0, 0.2, 0.4, 0.7, 1.0, 2.0] {
            let mut random = fastrand::Rng::with_seed(u64::from(num_blocks));
            let [mut called, mut passes, mut fails, mut lists, mut of_blocks] = [0; 5];
            for _ in 0..EXPERIMENTS {
                let mut make = |true_pct| session(num_blocks, rounds, block_pct, &mut random, true_pct);
                let (equal, limit) = (make(0.0), make(-5.0));
                let is_called = |sides: Sides<'_>| {
                    let effect = Effect::of(PRIMARY, &Evidence::plain(sides), Margin { pct: 0.0, ..Margin::default() });
                    effect.is_some_and(|effect| matches!(effect.answer, Answer::Improved | Answer::Worse))
                };
                let of = |runs: &[RunSummary], threshold: u32| {
                    runs.iter().filter(|run| run.case.reap_threshold == threshold).cloned().collect::<Vec<_>>()
                };
                let (before, after) = (of(&equal, 1)[0].case, of(&equal, 2)[0].case);
                let paired = Paired::of(&equal, before, after, |_| true);
                called += usize::from(is_called(paired.sides()));
                of_blocks += usize::from(paired.sides().unit(WALL) == Unit::Block);
                let at_limit = Paired::of(&limit, before, after, |_| true);
                match Evidence::plain(at_limit.sides()).at_most(WALL, -5.0).and_then(|one| one.is_met) {
                    Some(true) => passes += 1,
                    Some(false) => fails += 1,
                    None => {}
                }
                // The after side of two sessions: both have the blocks' effect.
                let (one, other) = (of(&equal, 2), of(&make(0.0), 2));
                let (one, other): (Vec<_>, Vec<_>) = (one.iter().collect(), other.iter().collect());
                lists += usize::from(is_called(Sides { before: &one, after: &other, is_paired: false }));
            }
            println!(
                "{num_blocks:>6} {rounds:>6} {:>12} {:>24} {:>20} {:>20} {:>24} {:>12.1} %",
                format!("{block_pct:.1} %"),
                share_text(called, EXPERIMENTS),
                share_text(passes, EXPERIMENTS),
                share_text(fails, EXPERIMENTS),
                share_text(lists, EXPERIMENTS),
                100.0 * of_blocks as f64 / EXPERIMENTS as f64
            );
        }
    }
}
