//! The runs of two sides, pair by pair or as two lists.
//!
//! One value a run, or a block where runs of one block hang together. Runs of one session are paired by their round, in
//! which both sides met the same machine; runs of two sessions are not. Knows no limit and no doubt.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::record::Case;
use crate::stats::evidence::blocks::{Unit, joined};
use crate::stats::evidence::quantity::Quantity;
use crate::stats::evidence::side_name::SideName;
use crate::stats::evidence::side_name::SideName::{After, Before};
use crate::stats::math::descriptive::{mean, median};
use crate::stats::math::mean_ratio::{self, MeanRatio};
use crate::stats::math::ratio::RatioSample;
use crate::stats::runs::summary::RunSummary;

/// What happened from before to after within one round.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct PairChange {
    /// Which round.
    pub repeat_index: u32,
    /// From before to after, in percent of before.
    pub change_pct: f64,
}

/// The good counted runs of two sides, ready to be compared by one quantity after the other.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Sides<'a> {
    pub before: &'a [&'a RunSummary],
    pub after: &'a [&'a RunSummary],
    /// Made in the same rounds?
    pub is_paired: bool,
}

/// The runs of two cases of one session, those of common rounds.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Paired<'a> {
    pub before: Vec<&'a RunSummary>,
    pub after: Vec<&'a RunSummary>,
}

impl<'a> Paired<'a> {
    /// Of the good runs that `is_meant` says are meant: those of `before` and `after` in rounds that have both.
    pub fn of(runs: &'a [RunSummary], before: Case, after: Case, is_meant: impl Fn(&RunSummary) -> bool) -> Self {
        let of = |case: Case| {
            runs.iter().filter(|run| run.case == case && run.counts() && is_meant(run)).collect::<Vec<_>>()
        };
        let [before, after] = in_common_rounds(&of(before), &of(after));
        Self { before, after }
    }

    /// To be compared.
    pub fn sides(&self) -> Sides<'_> {
        Sides { before: &self.before, after: &self.after, is_paired: true }
    }
}

impl<'a> Sides<'a> {
    /// The two runs of each round that has both, in the order of the rounds. One that was split when the sweep was resumed has
    /// not: its runs saw different conditions.
    pub fn pairs(&self) -> Vec<(&'a RunSummary, &'a RunSummary)> {
        let before: BTreeMap<u32, &RunSummary> = self.before.iter().map(|run| (run.repeat_index, *run)).collect();
        let pair = |after: &&'a RunSummary| {
            let before = *before.get(&after.repeat_index)?;
            (before.resumes == after.resumes).then_some((before, *after))
        };
        let mut pairs: Vec<_> = self.after.iter().filter_map(pair).collect();
        pairs.sort_by_key(|(_, after)| after.repeat_index);
        pairs
    }

    /// In how many of the pairs before was made first.
    pub fn num_before_first(&self) -> u32 {
        self.pairs().iter().filter(|(before, after)| before.order_index < after.order_index).count() as u32
    }

    /// Frames of the shortest run.
    pub fn frames(&self) -> u64 {
        self.before.iter().chain(self.after).map(|run| run.packets).min().unwrap_or(0)
    }

    /// What counts as one value of `quantity`. In pairs only what changes the ratio matters.
    pub fn unit(&self, quantity: Quantity) -> Unit {
        let is_one_block = |runs: &[&RunSummary]| runs.iter().all(|run| run.block == runs[0].block);
        if is_one_block(self.before) && is_one_block(self.after) {
            return Unit::Run;
        }
        let value = |run: &RunSummary, side| quantity.value(run, side);
        if self.is_paired {
            // 0 and 0 agree.
            let ratio = |(before, after): (f64, f64)| if before == after { 1.0 } else { after / before };
            let pairs = self.values_of_pairs(value).unwrap_or_default();
            return Unit::of(&[pairs.into_iter().map(|(block, pair)| (block, ratio(pair))).collect()]);
        }
        let list = |runs: &[&RunSummary], side| {
            let values = values(runs, side, value).unwrap_or_default();
            values.into_iter().map(|(block, (value, _))| (block, value)).collect()
        };
        Unit::of(&[list(self.before, Before), list(self.after, After)])
    }

    /// Both sides' values, one a `unit`; `None` where a side has no run, or a run has no value.
    pub fn sample(&self, quantity: Quantity, unit: Unit) -> Option<RatioSample> {
        self.sample_of(unit, |run, side| quantity.value(run, side))
    }

    /// As [`Sides::sample`], of whatever `value` makes of a run. A block's value is the median over its runs.
    pub fn sample_of(&self, unit: Unit, value: impl Fn(&RunSummary, SideName) -> Option<f64>) -> Option<RatioSample> {
        if self.is_paired {
            return RatioSample::paired(&joined(unit, &self.values_of_pairs(&value)?, median));
        }
        let list = |runs: &[&RunSummary], side| Some(joined(unit, &values(runs, side, &value)?, median));
        RatioSample::unpaired(&firsts(&list(self.before, Before)?), &firsts(&list(self.after, After)?))
    }

    /// How many times larger the mean of after is, with a block's mean as its value.
    pub fn mean_ratio(&self, quantity: Quantity, unit: Unit) -> Option<MeanRatio> {
        let value = |run: &RunSummary, side: SideName| quantity.value(run, side);
        if self.is_paired {
            return mean_ratio::paired(&joined(unit, &self.values_of_pairs(value)?, mean));
        }
        let list = |runs: &[&RunSummary], side| Some(firsts(&joined(unit, &values(runs, side, value)?, mean)));
        mean_ratio::unpaired(&list(self.before, Before)?, &list(self.after, After)?)
    }

    /// The block and the two values of each pair.
    pub(super) fn values_of_pairs(
        &self,
        value: impl Fn(&RunSummary, SideName) -> Option<f64>,
    ) -> Option<Vec<(u32, (f64, f64))>> {
        let pair = |(before, after): (&RunSummary, &RunSummary)| {
            Some((after.block, (value(before, Before)?, value(after, After)?)))
        };
        self.pairs().into_iter().map(pair).collect()
    }

    /// Each round's change, in the order of the rounds; empty without pairs. A round without a ratio is left out.
    pub fn pair_changes(&self, quantity: Quantity) -> Vec<PairChange> {
        if !self.is_paired {
            return Vec::new();
        }
        let change = |(before, after): (&RunSummary, &RunSummary)| {
            let ratio = quantity.value(after, After)? / quantity.value(before, Before)?;
            ratio
                .is_finite()
                .then_some(PairChange { repeat_index: after.repeat_index, change_pct: 100.0 * (ratio - 1.0) })
        };
        self.pairs().into_iter().filter_map(change).collect()
    }
}

/// The block and the value of each run; the second number stands for nothing.
pub(super) fn values(
    runs: &[&RunSummary],
    side: SideName,
    value: impl Fn(&RunSummary, SideName) -> Option<f64>,
) -> Option<Vec<(u32, (f64, f64))>> {
    runs.iter().map(|run| Some((run.block, (value(run, side)?, 0.0)))).collect()
}

fn firsts(values: &[(f64, f64)]) -> Vec<f64> {
    values.iter().map(|value| value.0).collect()
}

/// Of two lists of runs those of rounds that both have. A run whose round lacks a counterpart saw other conditions: it
/// belongs neither to a mean that is compared with the other side's nor into a doubt.
pub fn in_common_rounds<'a>(before: &[&'a RunSummary], after: &[&'a RunSummary]) -> [Vec<&'a RunSummary>; 2] {
    let common = |runs: &[&'a RunSummary], others: &[&RunSummary]| {
        let rounds: BTreeSet<_> = others.iter().map(|run| (run.repeat_index, run.resumes)).collect();
        runs.iter().copied().filter(|run| rounds.contains(&(run.repeat_index, run.resumes))).collect()
    };
    [common(before, after), common(after, before)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::LockPlacement::Inline;
    use crate::stats::fixture::{case, summary};
    use crate::stats::runs::metrics::PRIMARY;

    fn runs(walls_ms: &[f64]) -> Vec<RunSummary> {
        let run = |(idx, &wall_ms)| RunSummary { repeat_index: idx, ..summary(case(1, Inline), idx, wall_ms) };
        (0..).zip(walls_ms).map(run).collect()
    }

    #[test]
    fn rounds_that_miss_a_side_make_no_pair() {
        let (before, after) = (runs(&[100.0; 9]), runs(&[90.0; 9]));
        let (before, after): (Vec<_>, Vec<_>) = (before[..7].iter().collect(), after[2..].iter().collect());
        let sides = Sides { before: &before, after: &after, is_paired: true };
        assert_eq!(sides.sample(Quantity::Metric(PRIMARY), Unit::Run).unwrap().num_values(), 5);
        let rounds = |runs: &[&RunSummary]| runs.iter().map(|run| run.repeat_index).collect::<Vec<_>>();
        let [before, after] = in_common_rounds(&before, &after);
        assert_eq!((rounds(&before), rounds(&after)), (vec![2, 3, 4, 5, 6], vec![2, 3, 4, 5, 6]));
    }
}
