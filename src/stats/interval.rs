//! How sure a change is: from the runs of two sides to an estimate of the ratio and the interval around it.
//!
//! One value a run. Runs of one session are paired by their round, in which both sides met the same machine; runs of two
//! sessions are not. Knows no limit; `judge` and `effect` hold the interval against one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stats::metrics::Metric;
use crate::stats::rank::{self, Centre};
use crate::stats::summary::RunSummary;
use crate::units;

/// Confidence of the interval.
pub const LEVEL: f64 = 0.95;
/// Beyond this many, more runs are no answer: the change lies too close to the limit.
const MAX_MORE_PAIRS: f64 = 1000.0;

/// A change from before to after, in percent of before.
///
/// The estimate is the Hodges–Lehmann centre of the logarithms of after ÷ before: over pairs the median of all pairwise
/// means, without pairs the median of all differences. The interval is exact for its test (Wilcoxon signed rank,
/// Mann–Whitney) at 95 %, and assumes no distribution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeInterval {
    /// The most likely change.
    pub estimate_pct: f64,
    /// Lower end; `None`: there are too few runs to bound it, which takes 6 pairs, or 4 runs a side without pairs.
    pub low_pct: Option<f64>,
    /// Upper end; as `low_pct`.
    pub high_pct: Option<f64>,
    /// How many rounds have a good run of both sides; `None`: the sides come from two sessions.
    pub num_pairs: Option<u32>,
    /// Pairs, or without pairs the good runs of the smaller side.
    pub num_runs: u32,
    /// Two-sided, of "no change" (Wilcoxon signed rank, Mann–Whitney). A detail: the interval says more.
    pub p: f64,
}

/// What happened from before to after within one round.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct PairChange {
    /// Which round.
    pub repeat_index: u32,
    /// From before to after, in percent of before.
    pub change_pct: f64,
}

/// The good counted runs of two sides, ready to be compared by one metric after the other.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Sides<'a> {
    pub before: &'a [&'a RunSummary],
    pub after: &'a [&'a RunSummary],
    /// Made in the same rounds?
    pub is_paired: bool,
}

impl<'a> Sides<'a> {
    /// The two runs of each round that has both, in the order of the rounds.
    pub fn pairs(&self) -> Vec<(&'a RunSummary, &'a RunSummary)> {
        let before: BTreeMap<u32, &RunSummary> = self.before.iter().map(|run| (run.repeat_index, *run)).collect();
        let pair = |after: &&'a RunSummary| Some((*before.get(&after.repeat_index)?, *after));
        let mut pairs: Vec<_> = self.after.iter().filter_map(pair).collect();
        pairs.sort_by_key(|(_, after)| after.repeat_index);
        pairs
    }

    /// In how many of the pairs before was made first.
    pub fn num_before_first(&self) -> u32 {
        self.pairs().iter().filter(|(before, after)| before.order_index < after.order_index).count() as u32
    }

    /// The change of a metric; `None` where a side has no run, or a value that has no logarithm.
    pub fn change(&self, metric: Metric) -> Option<ChangeInterval> {
        self.change_at(metric, LEVEL)
    }

    /// As [`Sides::change`], with another confidence. The upper end at 90 % is the one-sided bound at 95 %.
    pub fn change_at(&self, metric: Metric, level: f64) -> Option<ChangeInterval> {
        if self.is_paired {
            let differences: Vec<_> = self.log_changes(metric)?.into_iter().map(|(_, change)| change).collect();
            let num_pairs = differences.len() as u32;
            let centre = rank::paired(&differences, level)?;
            return Some(ChangeInterval::of(centre, Some(num_pairs), num_pairs));
        }
        let logs = |runs: &[&RunSummary]| runs.iter().map(|run| log(run, metric)).collect::<Option<Vec<_>>>();
        let centre = rank::unpaired(&logs(self.before)?, &logs(self.after)?, level)?;
        Some(ChangeInterval::of(centre, None, self.before.len().min(self.after.len()) as u32))
    }

    /// Each round's change, in the order of the rounds; empty without pairs.
    pub fn pair_changes(&self, metric: Metric) -> Vec<PairChange> {
        let changes = if self.is_paired { self.log_changes(metric) } else { None };
        let change = |(repeat_index, log): (u32, f64)| PairChange { repeat_index, change_pct: pct(log) };
        changes.into_iter().flatten().map(change).collect()
    }

    /// ln(after ÷ before) of each round that has both.
    fn log_changes(&self, metric: Metric) -> Option<Vec<(u32, f64)>> {
        let change = |(before, after): (&RunSummary, &RunSummary)| {
            Some((after.repeat_index, log(after, metric)? - log(before, metric)?))
        };
        self.pairs().into_iter().map(change).collect()
    }
}

/// Of two lists of runs those of rounds that both have. A run without its partner met another machine: it belongs
/// neither to a mean that is held against the other side's nor into a gate.
pub fn in_common_rounds<'a>(before: &[&'a RunSummary], after: &[&'a RunSummary]) -> [Vec<&'a RunSummary>; 2] {
    let common = |runs: &[&'a RunSummary], others: &[&RunSummary]| {
        let rounds: BTreeSet<u32> = others.iter().map(|run| run.repeat_index).collect();
        runs.iter().copied().filter(|run| rounds.contains(&run.repeat_index)).collect()
    };
    [common(before, after), common(after, before)]
}

/// The interval as it stood after each of the pairs, in the order of the rounds. Of many pairs only about forty states.
pub fn narrowing(pairs: &[PairChange]) -> Vec<ChangeInterval> {
    const MAX_STATES: usize = 40;
    let logs: Vec<_> = pairs.iter().map(|pair| (pair.change_pct / 100.0).ln_1p()).collect();
    let step = logs.len().div_ceil(MAX_STATES).max(1);
    let state = |num: usize| {
        let centre = rank::paired(&logs[..num], LEVEL)?;
        Some(ChangeInterval::of(centre, Some(num as u32), num as u32))
    };
    let nums = (1..=logs.len()).filter(|num| num % step == 0 || *num == logs.len());
    nums.filter_map(state).collect()
}

fn log(run: &RunSummary, metric: Metric) -> Option<f64> {
    run.value(metric).filter(|&value| value > 0.0).map(f64::ln)
}

fn pct(log: f64) -> f64 {
    100.0 * log.exp_m1()
}

impl ChangeInterval {
    fn of(centre: Centre, num_pairs: Option<u32>, num_runs: u32) -> Self {
        let end = |log: f64| log.is_finite().then(|| pct(log));
        let (low_pct, high_pct) = (end(centre.low), end(centre.high));
        Self { estimate_pct: pct(centre.estimate), low_pct, high_pct, num_pairs, num_runs, p: centre.p }
    }

    /// A change of which nothing but its size is known: an interval without width.
    pub fn exactly(change_pct: f64) -> Self {
        let end = Some(change_pct);
        Self { estimate_pct: change_pct, low_pct: end, high_pct: end, num_pairs: None, num_runs: 0, p: 1.0 }
    }

    /// Is the change `limit_pct` at most: a fall by 5 % is at most −5. `None`: the interval has no ends, or reaches across.
    pub fn is_at_most(&self, limit_pct: f64) -> Option<bool> {
        // What is equal must not miss the limit by a rounding of the logarithm.
        const ROUNDING_PCT: f64 = 1e-9;
        let (low, high) = self.ends()?;
        if high <= limit_pct + ROUNDING_PCT {
            return Some(true);
        }
        (low > limit_pct + ROUNDING_PCT).then_some(false)
    }

    /// Both ends; `None`: there are too few runs for it to have any.
    pub fn ends(&self) -> Option<(f64, f64)> {
        self.low_pct.zip(self.high_pct)
    }

    /// The same with both ends moved out by `pct`: what is left to know when the estimate itself may be off by that.
    pub fn widened(self, pct: f64) -> Self {
        Self { low_pct: self.low_pct.map(|low| low - pct), high_pct: self.high_pct.map(|high| high + pct), ..self }
    }

    /// From the estimate to the farther end.
    pub fn half_width_pct(&self) -> Option<f64> {
        self.ends().map(|(low, high)| (high - self.estimate_pct).max(self.estimate_pct - low))
    }

    /// The farther end's distance from no change.
    pub fn farthest_pct(&self) -> Option<f64> {
        self.ends().map(|(low, high)| low.abs().max(high.abs()))
    }

    /// How many more pairs (without pairs: runs a side) are likely to bring the interval clear of `limit_pct`, on the side
    /// where the estimate lies. Its width goes with 1 ÷ √n. `None`: a thousand would not do.
    pub fn more_to_clear(&self, limit_pct: f64) -> Option<u32> {
        let Some((low, high)) = self.ends() else { return Some(self.missing_for_ends()) };
        let reach = if self.estimate_pct < limit_pct { high - self.estimate_pct } else { self.estimate_pct - low };
        self.more_to_shrink(reach, (self.estimate_pct - limit_pct).abs())
    }

    /// As [`ChangeInterval::more_to_clear`], until the whole of it lies within ±`margin_pct`.
    pub fn more_to_fit(&self, margin_pct: f64) -> Option<u32> {
        let Some((low, high)) = self.ends() else { return Some(self.missing_for_ends()) };
        let above = self.more_to_shrink(high - self.estimate_pct, margin_pct - self.estimate_pct);
        let below = self.more_to_shrink(self.estimate_pct - low, margin_pct + self.estimate_pct);
        above.zip(below).map(|(above, below)| above.max(below))
    }

    /// As [`ChangeInterval::more_to_clear`], until it reaches no farther than `half_width_pct` from the estimate; 0: it does
    /// already, `u32::MAX`: a thousand would not do.
    pub fn more_to_narrow(&self, half_width_pct: f64) -> u32 {
        match self.half_width_pct() {
            None => self.missing_for_ends(),
            Some(now) if now <= half_width_pct => 0,
            Some(now) => self.more_to_shrink(now, half_width_pct).unwrap_or(u32::MAX),
        }
    }

    fn more_to_shrink(&self, reach_pct: f64, allowed_pct: f64) -> Option<u32> {
        let n = f64::from(self.num_runs);
        let more = (n * (reach_pct / allowed_pct).powi(2) - n).ceil();
        // A NaN or infinity: the estimate lies on the limit.
        (allowed_pct > 0.0 && more <= MAX_MORE_PAIRS).then_some(more.max(1.0) as u32)
    }

    /// Six pairs, or four runs a side.
    fn missing_for_ends(&self) -> u32 {
        let least = if self.num_pairs.is_some() { 6 } else { 4 };
        u32::saturating_sub(least, self.num_runs).max(1)
    }
}

/// "−62.4 % (95 %: −63.0 to −61.9 %, 9 pairs)"
impl fmt::Display for ChangeInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends = match self.low_pct.zip(self.high_pct) {
            Some((low, high)) => format!("95 %: {} to {}", units::change_pct(low), units::change_pct(high)),
            None => "too few runs for an interval".to_owned(),
        };
        let unit = self.num_pairs.map_or_else(|| "not paired".to_owned(), |pairs| format!("{pairs} pairs"));
        write!(f, "{} ({ends}, {unit})", units::change_pct(self.estimate_pct))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::LockPlacement::Inline;
    use crate::stats::fixture::{case, summary};

    fn runs(walls_ms: &[f64]) -> Vec<RunSummary> {
        let run = |(idx, &wall_ms)| RunSummary { repeat_index: idx, ..summary(case(1, Inline), idx, wall_ms) };
        (0..).zip(walls_ms).map(run).collect()
    }

    fn wall(before: &[f64], after: &[f64], is_paired: bool) -> ChangeInterval {
        let (before, after) = (runs(before), runs(after));
        let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
        Sides { before: &before, after: &after, is_paired }.change(Metric::WallMs).unwrap()
    }

    #[test]
    fn the_interval_narrows_while_pairs_come_in() {
        let pair = |idx: u32| PairChange { repeat_index: idx, change_pct: -10.0 + 0.5 * f64::from(idx % 4) };
        let pairs: Vec<_> = (0..100).map(pair).collect();
        let states = narrowing(&pairs);
        assert_eq!((states.len(), states[0].num_pairs, states[33].num_pairs), (34, Some(3), Some(100)));
        assert!(states[0].ends().is_none());
        let widths: Vec<_> = states.iter().filter_map(ChangeInterval::half_width_pct).collect();
        assert!(widths.last() < widths.first(), "{widths:?}");
        assert_eq!(narrowing(&[]), []);
    }

    #[test]
    fn a_drift_that_both_sides_share_does_not_widen_pairs() {
        let before: Vec<_> = (0..9).map(|round| 100.0 + 5.0 * f64::from(round)).collect();
        let after: Vec<_> = before.iter().map(|wall_ms| 0.9 * wall_ms).collect();
        let (paired, unpaired) = (wall(&before, &after, true), wall(&before, &after, false));
        assert_eq!(paired.num_pairs, Some(9));
        assert_eq!((paired.is_at_most(-5.0), paired.is_at_most(-11.0)), (Some(true), Some(false)));
        assert_eq!(unpaired.is_at_most(-5.0), None, "{unpaired}");
        assert!((paired.estimate_pct + 10.0).abs() < 1e-9);
    }

    #[test]
    fn rounds_that_miss_a_side_make_no_pair() {
        let (before, after) = (runs(&[100.0; 9]), runs(&[90.0; 9]));
        let (before, after): (Vec<_>, Vec<_>) = (before[..7].iter().collect(), after[2..].iter().collect());
        let sides = Sides { before: &before, after: &after, is_paired: true };
        assert_eq!(sides.change(Metric::WallMs).unwrap().num_pairs, Some(5));
        let rounds = |runs: &[&RunSummary]| runs.iter().map(|run| run.repeat_index).collect::<Vec<_>>();
        let [before, after] = in_common_rounds(&before, &after);
        assert_eq!((rounds(&before), rounds(&after)), (vec![2, 3, 4, 5, 6], vec![2, 3, 4, 5, 6]));
    }

    #[test]
    fn five_pairs_bound_nothing() {
        let five = wall(&[100.0; 5], &[50.0; 5], true);
        assert!(five.ends().is_none() && five.is_at_most(-5.0).is_none());
        assert_eq!(five.to_string(), "−50.0 % (too few runs for an interval, 5 pairs)");
        assert!(wall(&[100.0; 6], &[50.0; 6], true).ends().is_some());
    }

    #[test]
    fn the_limit_itself_is_met() {
        assert_eq!(wall(&[100.0; 9], &[95.0; 9], true).is_at_most(-5.0), Some(true));
        assert_eq!(wall(&[100.0; 9], &[95.01; 9], true).is_at_most(-5.0), Some(false));
    }
}
