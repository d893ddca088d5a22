//! Looks two sides over for what makes a statement about them doubtful, and how far.
//!
//! Knows runs and where a sign is strong enough to be named; the signs are `trend_tests`'. Most sizes come from asking
//! again what the estimate would be without the disturbance: without the first run, without throttled rounds, at equal
//! clocks, with every frame on time.

use crate::stats::evidence::blocks::Unit;
use crate::stats::evidence::doubts::{Doubt, DoubtKind};
use crate::stats::evidence::quantity::Quantity;
use crate::stats::evidence::side_name::SideName;
use crate::stats::evidence::sides::Sides;
use crate::stats::math::descriptive::{median, percentile, robust_cv_pct};
use crate::stats::math::ratio::RatioSample;
use crate::stats::math::trend_tests::{m_value, mann_kendall, slow_first, theil_sen_drift};
use crate::stats::runs::metrics::Metric;
use crate::stats::runs::summary::RunSummary;
use crate::stats::runs::values_of;

/// A trend as strong as this comes about by chance once in a hundred orders.
const TREND_P: f64 = 0.01;
/// A drift below this is none: clocks and caches make that much.
const LEAST_DRIFT_PCT: f64 = 0.2;
/// Above this mValue, and from this many values on, one hump is taken for two in 3 % of cases (drawn from a normal
/// distribution 3,000 times), and two humps six standard deviations apart are seen in two cases of three.
const TWO_CLUSTERS: f64 = 3.2;
const MIN_CLUSTER_VALUES: usize = 30;
/// Percentage points of runs; fewer throttled runs than that move no rank interval far.
const MAX_THROTTLED_POINTS: f64 = 25.0;

/// All doubts about `quantity`; `sample` is what the sides say of it.
pub fn of((quantity, unit): (Quantity, Unit), sides: &Sides<'_>, sample: &RatioSample) -> Vec<Doubt> {
    let seen = Seen { quantity, unit, sides, estimate: sample.estimate() };
    let mut doubts = seen.late_frames();
    doubts.extend(seen.throttled());
    doubts.extend(seen.clock());
    doubts.extend(seen.drifts());
    doubts.extend(seen.slow_firsts());
    doubts
}

struct Seen<'a> {
    quantity: Quantity,
    unit: Unit,
    sides: &'a Sides<'a>,
    estimate: f64,
}

impl Seen<'_> {
    /// The doubt that the truth lies where the estimate would be with `sample`.
    fn as_far_as(&self, kind: DoubtKind, sample: Option<RatioSample>) -> Option<Doubt> {
        let shift_pct = 100.0 * (sample?.estimate() / self.estimate - 1.0);
        // From or to nothing there is no percentage.
        (shift_pct.is_finite() && shift_pct != 0.0).then(|| Doubt {
            kind,
            of: self.quantity.title(),
            lower_pct: (-shift_pct).max(0.0),
            higher_pct: shift_pct.max(0.0),
        })
    }

    fn late_frames(&self) -> Vec<Doubt> {
        let of_side = |(runs, name): (&[&RunSummary], SideName)| {
            let late: u64 = runs.iter().filter_map(|run| run.model_late).sum();
            if late == 0 {
                return None;
            }
            let all: u64 = runs.iter().map(|run| run.packets).sum();
            let kind = DoubtKind::LateFrames { side: name, late_pct: 100.0 * late as f64 / all.max(1) as f64 };
            let value = |run: &RunSummary, side: SideName| {
                if side == name { self.quantity.value_on_time(run, side) } else { self.quantity.value(run, side) }
            };
            self.as_far_as(kind, self.sides.sample_of(self.unit, value))
        };
        named(self.sides).into_iter().filter_map(of_side).collect()
    }

    /// Many more throttled runs on one side than on the other: what do the rounds say that have none?
    fn throttled(&self) -> Option<Doubt> {
        let (before, after) = (throttled_pct(self.sides.before), throttled_pct(self.sides.after));
        if (before - after).abs() < MAX_THROTTLED_POINTS {
            return None;
        }
        let side = if before > after { SideName::Before } else { SideName::After };
        let kind = DoubtKind::Throttled { side, pct: before.max(after), other_pct: before.min(after) };
        let both = || self.sides.before.iter().chain(self.sides.after).filter(|_| self.sides.is_paired);
        let hot_rounds: Vec<u32> = both().filter(|run| is_throttled(run)).map(|run| run.repeat_index).collect();
        let keep = |run: &&RunSummary| !is_throttled(run) && !hot_rounds.contains(&run.repeat_index);
        let left =
            [self.sides.before, self.sides.after].map(|runs| runs.iter().copied().filter(keep).collect::<Vec<_>>());
        let sides = Sides { before: &left[0], after: &left[1], ..*self.sides };
        self.as_far_as(kind, sides.sample(self.quantity, self.unit))
    }

    /// At equal clocks: time goes with the inverse of the clock, as far as the clock has a part in it at all.
    fn clock(&self) -> Option<Doubt> {
        let mhz = |runs: &[&RunSummary]| {
            let known = |run: &&RunSummary| Some(f64::from(run.gpu?.run_mhz()?)).filter(|&mhz| mhz > 0.0);
            median(&runs.iter().map(known).collect::<Option<Vec<_>>>()?)
        };
        let (before_mhz, after_mhz) = (mhz(self.sides.before)?, mhz(self.sides.after)?);
        let at_one_clock = |run: &RunSummary, side: SideName| {
            let clock = f64::from(run.gpu?.run_mhz()?) / before_mhz;
            Some(self.quantity.value(run, side)? * clock.powi(self.quantity.powers_of_time()))
        };
        self.as_far_as(DoubtKind::ClockDiffers { before_mhz, after_mhz }, self.sides.sample_of(self.unit, at_one_clock))
    }

    /// A drift that both sides share is no harm to pairs; one of their ratio is.
    fn drifts(&self) -> Vec<Doubt> {
        if self.sides.is_paired {
            let ratios: Vec<_> =
                self.sides.pair_changes(self.quantity).iter().map(|pair| 1.0 + pair.change_pct / 100.0).collect();
            return Vec::from_iter(drift(&ratios, None, self.quantity));
        }
        let of_side =
            |(runs, name): (&[&RunSummary], SideName)| drift(&self.values(runs, name), Some(name), self.quantity);
        named(self.sides).into_iter().filter_map(of_side).collect()
    }

    fn slow_firsts(&self) -> Vec<Doubt> {
        let of_side = |(runs, name): (&[&RunSummary], SideName)| {
            let values = self.values(runs, name);
            let middle = median(&values).filter(|&middle| middle > 0.0)?;
            let above_pct = 100.0 * slow_first(&values)? / middle;
            let (before, after) = match name {
                SideName::Before => (self.sides.before.get(1..)?, self.sides.after),
                SideName::After => (self.sides.before, self.sides.after.get(1..)?),
            };
            let without = Sides { before, after, ..*self.sides }.sample(self.quantity, self.unit);
            self.as_far_as(DoubtKind::SlowFirst { side: name, above_pct }, without)
        };
        named(self.sides).into_iter().filter_map(of_side).collect()
    }

    fn values(&self, runs: &[&RunSummary], name: SideName) -> Vec<f64> {
        runs.iter().filter_map(|run| self.quantity.value(run, name)).collect()
    }
}

/// The estimate is that of the middle; at the first and the last round it was half of the drift away.
fn drift(values: &[f64], side: Option<SideName>, quantity: Quantity) -> Option<Doubt> {
    let middle = median(values).filter(|&middle| middle > 0.0)?;
    let in_pct: Vec<_> = values.iter().map(|value| 100.0 * (value / middle - 1.0)).collect();
    let (_, p) = mann_kendall(&in_pct).filter(|&(_, p)| p < TREND_P)?;
    let drift_pct = theil_sen_drift(&in_pct).filter(|drift_pct| drift_pct.abs() >= LEAST_DRIFT_PCT)?;
    let half_pct = drift_pct.abs() / 2.0;
    Some(Doubt {
        kind: DoubtKind::Drift { side, drift_pct, p },
        of: quantity.title(),
        lower_pct: half_pct,
        higher_pct: half_pct,
    })
}

/// How far apart two clusters of wall times lie, in percent of their median; `None`: there is one, or too few
/// runs to say. The interval holds both, so this is worth a warning and no doubt.
pub fn two_clusters(runs: &[&RunSummary]) -> Option<f64> {
    let walls = values_of(runs, Metric::WallMs);
    if walls.len() < MIN_CLUSTER_VALUES || m_value(&walls)? <= TWO_CLUSTERS {
        return None;
    }
    let mut sorted = walls;
    sorted.sort_unstable_by(f64::total_cmp);
    Some(
        100.0 * (percentile(&sorted, 90)? - percentile(&sorted, 10)?)
            / median(&sorted).filter(|&middle| middle > 0.0)?,
    )
}

/// How far the wall times of a case scatter from run to run, unmoved by a few that stand out.
pub fn scatter_pct(runs: &[&RunSummary]) -> Option<f64> {
    robust_cv_pct(&values_of(runs, Metric::WallMs))
}

fn is_throttled(run: &RunSummary) -> bool {
    run.gpu.is_some_and(|gpu| gpu.is_limited())
}

fn throttled_pct(runs: &[&RunSummary]) -> f64 {
    100.0 * runs.iter().filter(|run| is_throttled(run)).count() as f64 / runs.len().max(1) as f64
}

/// Is one side throttled in so many more runs that no round is left in which neither was? Then nothing says what the
/// sides would do at equal clocks.
pub fn is_one_side_throttled(sides: &Sides<'_>) -> bool {
    let (before, after) = (throttled_pct(sides.before), throttled_pct(sides.after));
    let is_cool = |(before, after): &(&RunSummary, &RunSummary)| !is_throttled(before) && !is_throttled(after);
    let is_any_cool = if sides.is_paired { sides.pairs().iter().any(is_cool) } else { before < 100.0 && after < 100.0 };
    (before - after).abs() >= MAX_THROTTLED_POINTS && !is_any_cool
}

fn named<'a>(sides: &Sides<'a>) -> [(&'a [&'a RunSummary], SideName); 2] {
    [(sides.before, SideName::Before), (sides.after, SideName::After)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::LockPlacement::Inline;
    use crate::record::GpuState;
    use crate::stats::fixture::{case, summary};
    use crate::stats::runs::metrics::PRIMARY;

    fn runs(values: impl IntoIterator<Item = f64>) -> Vec<RunSummary> {
        let run = |(idx, wall_ms)| RunSummary { repeat_index: idx, ..summary(case(1, Inline), idx, wall_ms) };
        (0..).zip(values).map(run).collect()
    }

    fn doubts(before: &[RunSummary], after: &[RunSummary], is_paired: bool) -> Vec<Doubt> {
        let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
        let sides = Sides { before: &before, after: &after, is_paired };
        let quantity = Quantity::Metric(PRIMARY);
        of((quantity, Unit::Run), &sides, &sides.sample(quantity, Unit::Run).unwrap())
    }

    /// Quiet, but not equal: a zigzag of ±0.1 %.
    fn zigzag(centre: f64) -> impl Iterator<Item = f64> {
        (0..12).map(move |idx| centre * (1.0 + 0.001 * f64::from(idx % 3 - 1)))
    }

    #[test]
    fn quiet_runs_raise_no_doubt() {
        assert_eq!(doubts(&runs(zigzag(100.0)), &runs(zigzag(60.0)), true), []);
        assert_eq!(doubts(&runs(zigzag(100.0)), &runs(zigzag(60.0)), false), []);
    }

    #[test]
    fn a_drift_of_both_sides_harms_only_where_there_are_no_pairs() {
        let drifting = |centre: f64| runs(zigzag(centre).enumerate().map(|(idx, ms)| ms * (1.0 + 0.004 * idx as f64)));
        let (before, after) = (drifting(100.0), drifting(60.0));
        assert_eq!(doubts(&before, &after, true), []);
        let unpaired = doubts(&before, &after, false);
        assert!(unpaired.len() == 2 && unpaired.iter().all(|doubt| doubt.title().starts_with("drift")), "{unpaired:?}");
        let only_after = doubts(&runs(zigzag(100.0)), &after, true);
        assert_eq!(only_after.len(), 1);
        assert!((1.8..2.6).contains(&only_after[0].lower_pct), "half of 4.4 %: {only_after:?}");
        assert_eq!(only_after[0].lower_pct, only_after[0].higher_pct);
    }

    #[test]
    fn a_slow_first_run_moves_the_bound_towards_where_the_others_are() {
        // Without the first round the change is 1/6 of a zigzag larger.
        let mut before: Vec<_> = (0..12).map(|idx| 100.0 + f64::from(idx)).collect();
        before[0] = 400.0;
        let found = doubts(&runs(before), &runs((0..12).map(|idx| 60.0 + f64::from(idx * idx) / 20.0)), true);
        let slow = found.iter().find(|doubt| matches!(doubt.kind, DoubtKind::SlowFirst { .. })).unwrap();
        assert!(slow.higher_pct > 0.0 && slow.lower_pct == 0.0, "{found:?}");
        let hair = (0..9).map(|idx| if idx == 0 { 100.03 } else { 100.0 + 1e-4 * f64::from(idx % 3) });
        assert_eq!(doubts(&runs(hair), &runs(zigzag(60.0).take(9)), true), []);
    }

    fn on_gpu(wall_ms: f64, video_mhz: u32, num_throttled: usize) -> Vec<RunSummary> {
        let gpu = |is_throttled| GpuState {
            sm_mhz: None,
            video_mhz: Some(video_mhz),
            is_throttled,
            temperature_c: None,
            working: None,
        };
        let on = |(idx, run)| RunSummary { gpu: Some(gpu(idx < num_throttled)), ..run };
        runs(zigzag(wall_ms)).into_iter().enumerate().map(on).collect()
    }

    #[test]
    fn a_slower_clock_explains_as_much_as_it_is_slower_however_little() {
        let found = doubts(&on_gpu(100.0, 2000, 0), &on_gpu(133.3, 1500, 0), true);
        assert_eq!((found.len(), found[0].higher_pct), (1, 0.0));
        assert!((found[0].lower_pct - 25.0).abs() < 0.01, "at 2000 MHz it takes three quarters: {found:?}");
        let little = doubts(&on_gpu(100.0, 2000, 0), &on_gpu(101.9, 1962, 0), true);
        assert!((little[0].lower_pct - 1.9).abs() < 0.01, "{little:?}");
        assert_eq!(doubts(&on_gpu(100.0, 2000, 0), &on_gpu(100.0, 2000, 0), true), []);
    }

    #[test]
    fn throttled_rounds_count_for_as_much_as_they_move_the_estimate() {
        let mut hot = on_gpu(100.0, 2000, 6);
        for run in &mut hot[..6] {
            run.values.set(PRIMARY, Some(run.wall_ms() * 1.2));
        }
        let found = doubts(&on_gpu(100.0, 2000, 0), &hot, true);
        let throttled = found.iter().find(|doubt| matches!(doubt.kind, DoubtKind::Throttled { .. })).unwrap();
        assert!((8.0..10.0).contains(&throttled.lower_pct), "from +10 % to 0: {found:?}");
    }

    #[test]
    fn a_side_that_was_throttled_throughout_says_nothing() {
        let is = |before: usize, after: usize| {
            let (before, after) = (on_gpu(100.0, 2000, before), on_gpu(100.0, 2000, after));
            let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
            is_one_side_throttled(&Sides { before: &before, after: &after, is_paired: true })
        };
        assert_eq!((is(0, 12), is(12, 12), is(0, 6)), (true, false, false));
    }

    #[test]
    fn late_frames_count_for_the_sum_of_their_lateness() {
        let late = |late_ns: u64| {
            let mut record = crate::stats::fixture::record(case(1, Inline), 0, 100.0);
            (record.model_late, record.model_late_ns) = (Some(1), Some(late_ns));
            let run = RunSummary::of(&record);
            (0..12).map(|idx| RunSummary { repeat_index: idx, order_index: idx, ..run.clone() }).collect::<Vec<_>>()
        };
        let found = doubts(&late(1_000_000), &runs([60.0; 12]), true);
        assert!(
            found.len() == 1 && (found[0].higher_pct - 100.0 / 99.0).abs() < 0.02,
            "before was 99 ms at least: {found:?}"
        );
        let found = doubts(&runs([100.0; 12]), &late(1_000_000), true);
        assert!(found.len() == 1 && (found[0].lower_pct - 1.0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn two_states_of_the_machine_are_seen() {
        let states = runs((0..40).map(|idx| if idx % 2 == 0 { 100.0 } else { 120.0 }));
        let two = |runs: &[RunSummary]| two_clusters(&runs.iter().collect::<Vec<_>>());
        assert!(two(&states).is_some_and(|pct| (15.0..25.0).contains(&pct)));
        assert_eq!(two(&runs((0..40).map(|idx| 100.0 + f64::from(idx % 8 + idx % 7)))), None);
    }
}
