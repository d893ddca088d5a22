//! How sure a change is: from the runs of two sides to an estimate of the ratio and the interval around it.
//!
//! One value a run. Runs of one session are paired by their round, in which both sides met the same machine; runs of two
//! sessions are not. Knows no limit; `judge` holds the interval against one.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::stats::metrics::Metric;
use crate::stats::rank::{self, Centre};
use crate::stats::summary::RunSummary;
use crate::units;

/// Confidence of the interval.
const LEVEL: f64 = 0.95;

/// A change from before to after, in percent of before.
///
/// The estimate is the Hodges–Lehmann centre of the logarithms of after ÷ before: over pairs the median of all pairwise
/// means, without pairs the median of all differences. The interval is exact for its test (Wilcoxon signed rank,
/// Mann–Whitney) at 95 %, and assumes no distribution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct ChangeInterval {
    /// The most likely change.
    pub estimate_pct: f64,
    /// Lower end; `None`: there are too few runs to bound it, which takes 6 pairs, or 4 runs a side without pairs.
    pub low_pct: Option<f64>,
    /// Upper end; as `low_pct`.
    pub high_pct: Option<f64>,
    /// How many rounds have a good run of both sides; `None`: the sides come from two sessions.
    pub num_pairs: Option<u32>,
}

/// The change of a metric over good counted runs; `None` where a side has none, or a value that has no logarithm.
pub fn change(
    metric: Metric,
    before: &[&RunSummary],
    after: &[&RunSummary],
    is_paired: bool,
) -> Option<ChangeInterval> {
    let log = |run: &RunSummary| run.value(metric).filter(|&value| value > 0.0).map(f64::ln);
    if is_paired {
        let in_round = |run: &&RunSummary| before.iter().find(|earlier| earlier.repeat_index == run.repeat_index);
        let pairs = after.iter().filter_map(|run| Some((log(in_round(run)?), log(run))));
        let differences = pairs.map(|(before, after)| Some(after? - before?)).collect::<Option<Vec<_>>>()?;
        let num_pairs = u32::try_from(differences.len()).ok();
        return rank::paired(&differences, LEVEL).map(|centre| ChangeInterval::of(centre, num_pairs));
    }
    let logs = |runs: &[&RunSummary]| runs.iter().map(|run| log(run)).collect::<Option<Vec<_>>>();
    rank::unpaired(&logs(before)?, &logs(after)?, LEVEL).map(|centre| ChangeInterval::of(centre, None))
}

impl ChangeInterval {
    fn of(centre: Centre, num_pairs: Option<u32>) -> Self {
        let pct = |log: f64| 100.0 * log.exp_m1();
        let end = |log: f64| log.is_finite().then(|| pct(log));
        Self { estimate_pct: pct(centre.estimate), low_pct: end(centre.low), high_pct: end(centre.high), num_pairs }
    }

    /// Does the metric fall by `least_pct` or more? `None`: the interval has no ends, or reaches across.
    pub fn falls_by(&self, least_pct: f64) -> Option<bool> {
        // What is equal must not miss the limit by a rounding of the logarithm.
        const ROUNDING_PCT: f64 = 1e-9;
        let (low, high) = self.low_pct.zip(self.high_pct)?;
        let limit = ROUNDING_PCT - least_pct;
        if high <= limit {
            return Some(true);
        }
        (low > limit).then_some(false)
    }

    /// Are there enough runs for it to have ends?
    pub fn is_bounded(&self) -> bool {
        self.low_pct.is_some() && self.high_pct.is_some()
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
        change(Metric::WallMs, &before, &after, is_paired).unwrap()
    }

    #[test]
    fn a_drift_that_both_sides_share_does_not_widen_pairs() {
        let before: Vec<_> = (0..9).map(|round| 100.0 + 5.0 * f64::from(round)).collect();
        let after: Vec<_> = before.iter().map(|wall_ms| 0.9 * wall_ms).collect();
        let (paired, unpaired) = (wall(&before, &after, true), wall(&before, &after, false));
        assert_eq!(paired.num_pairs, Some(9));
        assert_eq!((paired.falls_by(5.0), paired.falls_by(11.0)), (Some(true), Some(false)));
        assert_eq!(unpaired.falls_by(5.0), None, "{unpaired}");
        assert!((paired.estimate_pct + 10.0).abs() < 1e-9);
    }

    #[test]
    fn rounds_that_miss_a_side_make_no_pair() {
        let (before, after) = (runs(&[100.0; 9]), runs(&[90.0; 9]));
        let (before, after): (Vec<_>, Vec<_>) = (before[..7].iter().collect(), after[2..].iter().collect());
        assert_eq!(change(Metric::WallMs, &before, &after, true).unwrap().num_pairs, Some(5));
    }

    #[test]
    fn five_pairs_bound_nothing() {
        let five = wall(&[100.0; 5], &[50.0; 5], true);
        assert!(!five.is_bounded() && five.falls_by(5.0).is_none());
        assert_eq!(five.to_string(), "−50.0 % (too few runs for an interval, 5 pairs)");
        assert!(wall(&[100.0; 6], &[50.0; 6], true).is_bounded());
    }

    #[test]
    fn the_limit_itself_is_met() {
        assert_eq!(wall(&[100.0; 9], &[95.0; 9], true).falls_by(5.0), Some(true));
        assert_eq!(wall(&[100.0; 9], &[95.01; 9], true).falls_by(5.0), Some(false));
    }
}
