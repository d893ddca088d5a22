//! Where in the distribution of a run's frames a change lies: the difference at each decile.
//!
//! One decile a run is one value, and whole runs are what varies, as everywhere here. Not resampled: a percentile
//! bootstrap over ten runs misses its 5 % by more than half (docs/methodology.md), the exact bounds do not.

use schemars::JsonSchema;
use serde::Serialize;

use crate::stats::evidence::sides::Sides;
use crate::stats::math::descriptive::median;
use crate::stats::math::rank;
use crate::stats::runs::summary::{Deciles, RunSummary};

/// Confidence of the intervals.
const LEVEL: f64 = 0.95;
/// Below this many runs a side the picture is a hint.
const FEW_RUNS: usize = 20;

/// What the deciles are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    /// Time inside nvEncLockBitstream, a frame.
    LockWait,
    /// Submit to packet, a frame.
    Latency,
}

/// The differences at all deciles.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Shift {
    /// Of what.
    pub column: Column,
    /// p10, p20 … p90.
    pub points: Vec<ShiftPoint>,
    /// Fewer than 20 runs a side, and nine intervals of which none was named beforehand.
    pub is_exploratory: bool,
}

/// One decile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct ShiftPoint {
    /// 10, 20 … 90.
    pub percent: u32,
    /// Median of the runs' decile.
    pub before_ms: f64,
    /// As `before_ms`.
    pub after_ms: f64,
    /// From before to after (Hodges–Lehmann).
    pub difference_ms: f64,
    /// Ends of its 95 % interval; `None`: too few runs.
    pub low_ms: Option<f64>,
    /// As `low_ms`.
    pub high_ms: Option<f64>,
}

impl Column {
    /// Name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::LockWait => "Lock wait per frame",
            Self::Latency => "Latency",
        }
    }

    fn deciles(self, run: &RunSummary) -> Option<Deciles> {
        match self {
            Self::LockWait => run.lock_deciles_ms,
            Self::Latency => run.latency_deciles_ms,
        }
    }
}

/// `None`: a run has no frames.
pub fn shift(column: Column, sides: &Sides<'_>) -> Option<Shift> {
    let all = |runs: &[&RunSummary]| runs.iter().map(|run| column.deciles(run)).collect::<Option<Vec<_>>>();
    let (before, after) = (all(sides.before)?, all(sides.after)?);
    let pair = |(before, after): (&RunSummary, &RunSummary)| Some((column.deciles(before)?, column.deciles(after)?));
    let pairs =
        if sides.is_paired { sides.pairs().into_iter().map(pair).collect::<Option<Vec<_>>>()? } else { Vec::new() };
    let point = |idx: usize| {
        let at = |deciles: &[Deciles]| deciles.iter().map(|values| values[idx]).collect::<Vec<f64>>();
        let (before, after) = (at(&before), at(&after));
        let differences: Vec<_> = pairs.iter().map(|(before, after)| after[idx] - before[idx]).collect();
        let centre =
            if sides.is_paired { rank::paired(&differences, LEVEL) } else { rank::unpaired(&before, &after, LEVEL) }?;
        let end = |ms: f64| ms.is_finite().then_some(ms);
        Some(ShiftPoint {
            percent: 10 * (idx as u32 + 1),
            before_ms: median(&before)?,
            after_ms: median(&after)?,
            difference_ms: centre.estimate,
            low_ms: end(centre.low),
            high_ms: end(centre.high),
        })
    };
    let points = (0..9).map(point).collect::<Option<Vec<_>>>()?;
    Some(Shift { column, points, is_exploratory: before.len().min(after.len()) < FEW_RUNS })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::LockPlacement::Inline;
    use crate::stats::fixture::{case, summary};

    #[test]
    fn a_change_of_the_upper_half_shows_there_only() {
        let run = |round: u32, deciles: Deciles| RunSummary {
            repeat_index: round,
            lock_deciles_ms: Some(deciles),
            ..summary(case(1, Inline), round, 100.0)
        };
        let deciles = |above: f64, round: u32| {
            std::array::from_fn(|idx| 1.0 + 0.001 * f64::from(round) + if idx < 5 { 0.0 } else { above })
        };
        let before: Vec<_> = (0..8).map(|round| run(round, deciles(0.5, round))).collect();
        let after: Vec<_> = (0..8).map(|round| run(round, deciles(0.1, round))).collect();
        let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
        let sides = Sides { before: &before, after: &after, is_paired: true };
        let found = shift(Column::LockWait, &sides).unwrap();
        let differences: Vec<_> = found.points.iter().map(|point| (point.difference_ms * 1e6).round() / 1e6).collect();
        assert_eq!(differences, [0.0, 0.0, 0.0, 0.0, 0.0, -0.4, -0.4, -0.4, -0.4]);
        assert!(found.points[8].high_ms.unwrap() < -0.39 && found.is_exploratory);
        assert_eq!(shift(Column::Latency, &sides), None);
    }
}
