//! Where the scatter of a session with blocks comes from, frames, rounds or blocks, and which of them is worth repeating.
//!
//! Knows two cases and their runs. Components are those of a nested design ([`Nested`]), level by level as in Kalibera and
//! Jones 2013, "Rigorous Benchmarking in Reasonable Time".

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::record::Case;
use crate::stats::evidence::sides::Paired;
use crate::stats::math::descriptive::mean;
use crate::stats::math::nested::Nested;
use crate::stats::runs::summary::RunSummary;
use crate::units;

/// Where the scatter of two cases' wall times, and of the change between them, comes from.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Repetition {
    /// Blocks with a good round of both cases.
    pub num_blocks: u32,
    /// Good rounds of both cases.
    pub num_rounds: u32,
    /// Wall times of the before case.
    pub before: Components,
    /// Wall times of the after case.
    pub after: Components,
    /// The change from before to after, round by round: a comparison rests on it.
    pub change: Components,
}

/// Standard deviations of a run's value, in percent of the mean, by what makes them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Components {
    /// From frame to frame within a run, if frames were independent; `None`: unknown, or of a change, which has no frames.
    pub frames_pct: Option<f64>,
    /// From run to run within a block, less what frames make of it.
    pub rounds_pct: f64,
    /// From block to block, less what runs make of it.
    pub blocks_pct: f64,
}

type Pair<'a> = (&'a RunSummary, &'a RunSummary);

impl Repetition {
    /// Of the good counted runs of two cases in common rounds; `None`: they are of one block, or no block has two rounds.
    pub fn of(runs: &[RunSummary], before: Case, after: Case) -> Option<Self> {
        let paired = Paired::of(runs, before, after, |_| true);
        let pairs = paired.sides().pairs();
        let blocks: Vec<_> = pairs.chunk_by(|one, next| one.1.block == next.1.block).collect();
        let change = |pair: &Pair<'_>| pair.1.wall_ms() / pair.0.wall_ms();
        Some(Self {
            num_blocks: blocks.len() as u32,
            num_rounds: pairs.len() as u32,
            before: Components::of(&blocks, |pair| pair.0.wall_ms(), |pair| frames_ms(pair.0))?,
            after: Components::of(&blocks, |pair| pair.1.wall_ms(), |pair| frames_ms(pair.1))?,
            change: Components::of(&blocks, change, |_| None)?,
        })
    }

    /// Of the variance of the estimated change the share that more rounds in the same blocks would leave, 0 to 1.
    pub fn share_of_blocks(&self) -> f64 {
        let per_block = f64::from(self.num_rounds) / f64::from(self.num_blocks.max(1));
        let (blocks, rounds) = (self.change.blocks_pct.powi(2), self.change.rounds_pct.powi(2) / per_block.max(1.0));
        if blocks > 0.0 { blocks / (blocks + rounds) } else { 0.0 }
    }
}

impl Components {
    /// Of `value` of each pair; `frames`: its standard deviation that the frames within a run make.
    fn of(
        blocks: &[&[Pair<'_>]],
        value: impl Fn(&Pair<'_>) -> f64,
        frames: impl Fn(&Pair<'_>) -> Option<f64>,
    ) -> Option<Self> {
        let groups: Vec<Vec<f64>> = blocks.iter().map(|block| block.iter().map(&value).collect()).collect();
        let Nested { within, between } = Nested::of(&groups)?;
        let middle = mean(&groups.concat()).filter(|middle| *middle > 0.0 && middle.is_finite())?;
        let of_frames: Option<Vec<f64>> = blocks.iter().flat_map(|block| block.iter()).map(frames).collect();
        let of_frames = of_frames.and_then(|all| mean(&all.iter().map(|ms| ms * ms).collect::<Vec<_>>()));
        let pct = |variance: f64| 100.0 * variance.max(0.0).sqrt() / middle;
        Some(Self {
            frames_pct: of_frames.map(pct),
            rounds_pct: pct(within - of_frames.unwrap_or(0.0)),
            blocks_pct: pct(between),
        })
    }
}

/// What independent frames make of the wall time's scatter: it is the sum of their times.
fn frames_ms(run: &RunSummary) -> Option<f64> {
    Some(run.frame_stddev_ms? * (run.packets as f64).sqrt())
}

/// "The change varies by 1.2 % from block to block and by 0.4 % from round to round …: repeat blocks"
impl fmt::Display for Repetition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { num_blocks, change, .. } = self;
        let [blocks, rounds] = [change.blocks_pct, change.rounds_pct].map(units::pct);
        write!(
            f,
            "Over {num_blocks} blocks the change in wall time varies by {blocks} from block to block and by {rounds} from \
             round to round (standard deviations): "
        )?;
        let share = self.share_of_blocks();
        if share == 0.0 {
            f.write_str("the blocks agree, so more rounds are enough")
        } else if share < 0.5 {
            f.write_str("more rounds in each block make the answer surer")
        } else {
            let gain = units::pct(100.0 * (1.0 - share.sqrt()));
            write!(
                f,
                "only more blocks make the answer surer; more rounds in each would narrow its interval by {gain} at most"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::LockPlacement::Inline;
    use crate::stats::fixture::{case, summary};

    /// Four blocks of three rounds; `after_ms(block, round)`.
    fn session(after_ms: impl Fn(u32, u32) -> f64) -> Vec<RunSummary> {
        let run = |case, block: u32, round: u32, wall_ms| {
            let round = 3 * block + round;
            RunSummary { block, repeat_index: round, ..summary(case, 2 * round, wall_ms) }
        };
        let rounds = (0..4).flat_map(|block| (0..3).map(move |round| (block, round)));
        let both = |(block, round)| {
            [run(case(1, Inline), block, round, 100.0), run(case(4, Inline), block, round, after_ms(block, round))]
        };
        rounds.flat_map(both).collect()
    }

    fn repetition(after_ms: impl Fn(u32, u32) -> f64) -> Repetition {
        Repetition::of(&session(after_ms), case(1, Inline), case(4, Inline)).unwrap()
    }

    #[test]
    fn blocks_that_differ_are_what_to_repeat() {
        let found = repetition(|block, round| 50.0 + 5.0 * f64::from(block) + 0.1 * f64::from(round));
        assert_eq!((found.num_blocks, found.num_rounds, found.before.blocks_pct), (4, 12, 0.0));
        assert!(found.change.blocks_pct > 50.0 * found.change.rounds_pct, "{found:?}");
        assert!(found.to_string().contains("only more blocks make the answer surer"), "{found}");
    }

    #[test]
    fn blocks_that_agree_need_no_repetition() {
        let found = repetition(|_, round| 50.0 + f64::from(round));
        assert_eq!((found.change.blocks_pct, found.share_of_blocks()), (0.0, 0.0));
        assert!((found.change.rounds_pct - 100.0 / 51.0).abs() < 0.01, "{found:?}");
        assert!(found.to_string().ends_with("the blocks agree, so more rounds are enough"), "{found}");
    }

    #[test]
    fn frames_explain_the_runs_that_they_make() {
        let mut runs = session(|_, round| 50.0 + f64::from(round));
        // A hundred frames whose times scatter by 0.1 ms make 1 ms of a run.
        runs.iter_mut().for_each(|run| run.frame_stddev_ms = Some(0.1));
        let found = Repetition::of(&runs, case(1, Inline), case(4, Inline)).unwrap();
        assert!((found.after.frames_pct.unwrap() - 100.0 / 51.0).abs() < 0.01, "{found:?}");
        assert_eq!((found.after.rounds_pct, found.change.frames_pct), (0.0, None));
    }

    #[test]
    fn one_block_has_no_components() {
        let runs = session(|_, _| 50.0).into_iter().map(|run| RunSummary { block: 0, ..run }).collect::<Vec<_>>();
        assert_eq!(Repetition::of(&runs, case(1, Inline), case(4, Inline)), None);
    }
}
