//! What counts as a change that matters: 1 %, or what this machine shows between two equal things, if that is more.
//!
//! Knows runs and rounds; where a noise floor is kept is `session`'s business.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::Case;
use crate::stats::evidence::blocks::Unit;
use crate::stats::evidence::change::ChangeInterval;
use crate::stats::evidence::quantity::Quantity;
use crate::stats::evidence::sides::Sides;
use crate::stats::runs::metrics::{COMPARED_METRICS, Metric};
use crate::stats::runs::summary::{RunSummary, groups};

/// The least change that anybody should act on.
const LEAST_PCT: f64 = 1.0;

/// A machine on which equal things differ by more than the least that the acceptance plan asks for cannot tell what is
/// equivalent: the noisier it was, the more it would call so.
pub const COARSE_PCT: f64 = 5.0;

/// What counts as a change that matters, in percent.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Margin {
    /// Changes up to this are none.
    pub pct: f64,
    /// The calibration that it was taken from; `None`: the least there is, since nothing was calibrated or its floor is lower.
    pub calibration: Option<String>,
}

/// What a machine showed between two equal things (A/A).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoiseFloor {
    /// Of the stable facts below; a comparison uses this floor only where they are the same.
    pub fingerprint: String,
    /// What the floor depends on: device, machine, input and settings.
    pub facts: BTreeMap<String, String>,
    /// Session folder that it was computed from.
    pub session: String,
    /// For each case and metric.
    pub floors: Vec<Floor>,
    /// What the window that watches costs: change of the wall time from headless to watched; `None`: not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watching: Option<ChangeInterval>,
}

/// The floor of one metric in one case.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Floor {
    /// What was run against itself.
    #[serde(flatten)]
    pub case: Case,
    /// What was looked at.
    pub metric: Metric,
    /// How many pairs of runs.
    pub num_pairs: u32,
    /// The farther end of the 95 % interval of the change between the two equal arms, in percent: a margin of less would
    /// not have called them equivalent.
    pub floor_pct: f64,
}

impl Default for Margin {
    fn default() -> Self {
        Self { pct: LEAST_PCT, calibration: None }
    }
}

impl Margin {
    /// Twice as wide, but never coarse: what may be slower by so much is no tie, however noisy the machine is.
    pub fn doubled(self) -> Self {
        Self { pct: (2.0 * self.pct).min(COARSE_PCT), ..self }
    }

    /// Too wide for anything within it to be called equivalent?
    pub fn is_coarse(&self) -> bool {
        self.pct > COARSE_PCT
    }

    /// The larger of 1 % and the floors of both sides: those of their cases, or where a case was not calibrated the
    /// highest of the metric.
    pub fn of(metric: Metric, sides: [(Option<&NoiseFloor>, Case); 2]) -> Self {
        let floors = sides.iter().filter_map(|(noise, case)| noise.and_then(|noise| noise.floor(metric, *case)));
        let least = Self::default();
        floors.fold(least, |most, (floor_pct, session)| {
            if floor_pct > most.pct { Self { pct: floor_pct, calibration: Some(session.to_owned()) } } else { most }
        })
    }
}

impl NoiseFloor {
    fn floor(&self, metric: Metric, case: Case) -> Option<(f64, &str)> {
        let of_metric = || self.floors.iter().filter(|floor| floor.metric == metric);
        let own = of_metric().find(|floor| floor.case == case).map(|floor| floor.floor_pct);
        let highest = || of_metric().map(|floor| floor.floor_pct).max_by(f64::total_cmp);
        Some((own.or_else(highest)?, &self.session))
    }
}

/// The floors of a session in which every case is compared with itself: two rounds that follow each other are a pair, and
/// which of them is called before is drawn by lot (the same lot each time). At least 6 such pairs, or a case has no floor.
pub fn floors(runs: &[RunSummary]) -> Vec<Floor> {
    let mut floors = Vec::new();
    for group in groups(runs) {
        let good = runs.iter().filter(|run| run.case == group.case && run.counts() && !run.is_confirmation);
        let (before, after): (Vec<RunSummary>, Vec<RunSummary>) = good.map(in_pair).partition(is_before);
        let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
        let sides = Sides { before: &before, after: &after, is_paired: true };
        let frames = before.iter().chain(&after).map(|run| run.packets).min().unwrap_or(0);
        let floor = |metric: Metric| {
            let sample = sides.sample(Quantity::Metric(metric), Unit::Run).filter(|_| metric.min_frames() <= frames)?;
            let interval = ChangeInterval::plain(&sample);
            // What is 0 throughout has no floor.
            let floor_pct = interval
                .farthest_pct()
                .filter(|pct| pct.is_finite() && before.iter().any(|run| run.value(metric) != Some(0.0)))?;
            let num_pairs = interval.num_runs;
            Some(Floor { case: group.case, metric, num_pairs, floor_pct })
        };
        floors.extend(COMPARED_METRICS.into_iter().filter_map(floor));
    }
    floors
}

/// Its round by the number of its pair; which of the two it is stays in the order.
fn in_pair(run: &RunSummary) -> RunSummary {
    RunSummary { repeat_index: run.repeat_index / 2, order_index: run.repeat_index, ..run.clone() }
}

fn is_before(run: &RunSummary) -> bool {
    let is_first = run.order_index.is_multiple_of(2);
    is_first == fastrand::Rng::with_seed(u64::from(run.repeat_index)).bool()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::LockPlacement::Inline;
    use crate::stats::fixture::{case, summary};

    fn run(round: u32, wall_ms: f64) -> RunSummary {
        RunSummary { repeat_index: round, ..summary(case(4, Inline), round, wall_ms) }
    }

    #[test]
    fn a_floor_is_what_equal_arms_show() {
        // A drift of 0.1 % a round falls on both arms alike, since lots are drawn which is first.
        let drifting: Vec<_> = (0..24).map(|round| run(round, 100.0 + 0.1 * f64::from(round))).collect();
        let floors = floors(&drifting);
        assert_eq!(floors.len(), 1, "lock wait is 0 and the fixture's runs have no frames: {floors:?}");
        assert_eq!((floors[0].metric, floors[0].num_pairs), (Metric::WallMs, 12));
        assert!((0.05..0.25).contains(&floors[0].floor_pct), "{floors:?}");
        assert_eq!(super::floors(&drifting[..10]), []);
    }

    #[test]
    fn the_margin_is_the_largest_that_applies() {
        let floor = |case, floor_pct| Floor { case, metric: Metric::WallMs, num_pairs: 10, floor_pct };
        let noise = NoiseFloor {
            fingerprint: String::new(),
            facts: BTreeMap::new(),
            session: "output/aa".to_owned(),
            floors: vec![floor(case(1, Inline), 0.4), floor(case(4, Inline), 2.5)],
            watching: None,
        };
        let margin =
            |threshold, noise| Margin::of(Metric::WallMs, [(noise, case(1, Inline)), (noise, case(threshold, Inline))]);
        assert_eq!(margin(2, None), Margin::default());
        assert_eq!(margin(1, Some(&noise)), Margin::default());
        assert_eq!(margin(4, Some(&noise)).pct, 2.5);
        assert_eq!(margin(8, Some(&noise)).calibration.as_deref(), Some("output/aa"), "not calibrated: the highest");
        assert_eq!(Margin::of(Metric::LockMs, [(Some(&noise), case(4, Inline)); 2]).pct, 1.0);
    }
}
