//! Looks two sides over for what stands against a verdict about them.
//!
//! Knows runs and where a sign is strong enough to be named; the signs are `doubt`'s, what they do to a verdict is
//! `gate`'s.

use crate::stats::doubt::{m_value, mann_kendall, slow_first, theil_sen_drift};
use crate::stats::gate::Gate;
use crate::stats::interval::Sides;
use crate::stats::judge::values;
use crate::stats::metrics::Metric;
use crate::stats::side::SideName;
use crate::stats::spread::{median, percentile, robust_cv_pct};
use crate::stats::summary::RunSummary;

/// A trend as strong as this comes about by chance once in a hundred orders.
const TREND_P: f64 = 0.01;
/// A drift below this is none: clocks and caches make that much.
const LEAST_DRIFT_PCT: f64 = 0.2;
/// Wall times that scatter more than this from run to run are not of one machine in one state.
const MAX_CV_PCT: f64 = 10.0;
/// Above this mValue, and from this many values on, one hump is taken for two in 3 % of cases (drawn from a normal
/// distribution 3,000 times), and two humps six standard deviations apart are seen in two cases of three.
const TWO_HUMPS: f64 = 3.2;
const MIN_HUMP_VALUES: usize = 30;
/// A share of late pictures from which the slowest 1 % of a run's frames are this machine's, not the model's.
const MAX_LATE_PCT: f64 = 1.0;
/// Boost clocks differ by this much from run to run without meaning anything.
const MAX_CLOCK_PCT: f64 = 2.0;
/// Percentage points of runs; fewer throttled runs than that move no rank interval far.
const MAX_THROTTLED_POINTS: f64 = 25.0;

/// What concerns every metric of two cases: late pictures, scatter, clocks.
pub fn of_runs(sides: &Sides<'_>) -> Vec<Gate> {
    let mut gates = of_gpu(sides);
    for (runs, side) in named(sides) {
        let late_pct = late_pct(runs);
        if late_pct >= MAX_LATE_PCT {
            gates.push(Gate::ModelLate { side, late_pct });
        }
        // What both runs of a pair share is no scatter of their change.
        if !sides.is_paired {
            gates.extend(scatter(&values(runs, Metric::WallMs), 1.0, Some(side)));
        }
    }
    let ratios: Vec<_> = sides.pair_changes(Metric::WallMs).iter().map(|pair| 1.0 + pair.change_pct / 100.0).collect();
    gates.extend(scatter(&ratios, std::f64::consts::SQRT_2, None));
    gates
}

/// `times_a_run`: how much more the values scatter than single runs do.
fn scatter(values: &[f64], times_a_run: f64, side: Option<SideName>) -> Option<Gate> {
    let cv_pct = robust_cv_pct(values)? / times_a_run;
    (cv_pct > MAX_CV_PCT).then_some(Gate::Scatter { side, cv_pct })
}

/// What concerns one metric: trends, first runs, humps.
pub fn of_metric(metric: Metric, sides: &Sides<'_>) -> Vec<Gate> {
    let mut gates = Vec::new();
    if sides.is_paired {
        // A drift that both sides share is no harm to pairs; one of their difference is.
        let changes: Vec<_> = sides.pair_changes(metric).iter().map(|pair| pair.change_pct).collect();
        gates.extend(trend(&changes, None));
        gates.extend(two_humps(&changes, None));
    }
    for (runs, side) in named(sides) {
        let values = values(runs, metric);
        let Some(middle) = median(&values).filter(|&middle| middle > 0.0) else { continue };
        let in_pct: Vec<_> = values.iter().map(|value| 100.0 * (value / middle - 1.0)).collect();
        if !sides.is_paired {
            gates.extend(trend(&in_pct, Some(side)));
            gates.extend(two_humps(&in_pct, Some(side)));
        }
        if let Some(above) = slow_first(&values) {
            let above_pct = 100.0 * above / middle;
            let shift_pct = shift_without_first(metric, sides, side);
            gates.extend(shift_pct.map(|shift_pct| Gate::SlowFirst { side, above_pct, shift_pct }));
        }
    }
    gates
}

fn trend(in_pct: &[f64], side: Option<SideName>) -> Option<Gate> {
    let (_, p) = mann_kendall(in_pct).filter(|&(_, p)| p < TREND_P)?;
    let drift_pct = theil_sen_drift(in_pct)?;
    (drift_pct.abs() >= LEAST_DRIFT_PCT).then_some(Gate::Trend { side, drift_pct, p })
}

fn two_humps(in_pct: &[f64], side: Option<SideName>) -> Option<Gate> {
    if in_pct.len() < MIN_HUMP_VALUES {
        return None;
    }
    let m_value = m_value(in_pct).filter(|&m_value| m_value > TWO_HUMPS)?;
    let mut sorted = in_pct.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let width_pct = percentile(&sorted, 90)? - percentile(&sorted, 10)?;
    Some(Gate::TwoHumps { side, width_pct, m_value })
}

/// By how much the estimate moves when the first run of `side` is left out, with its partner if it has one.
fn shift_without_first(metric: Metric, sides: &Sides<'_>, side: SideName) -> Option<f64> {
    let (before, after) = match side {
        SideName::Before => (sides.before.get(1..)?, sides.after),
        SideName::After => (sides.before, sides.after.get(1..)?),
    };
    let estimate_pct = |sides: &Sides<'_>| sides.change(metric).map(|change| change.estimate_pct);
    Some(estimate_pct(&Sides { before, after, ..*sides })? - estimate_pct(sides)?)
}

fn of_gpu(sides: &Sides<'_>) -> Vec<Gate> {
    let mut gates = Vec::new();
    let throttled_pct = |runs: &[&RunSummary]| {
        let num = runs.iter().filter(|run| run.gpu.is_some_and(|gpu| gpu.is_throttled)).count();
        100.0 * num as f64 / runs.len().max(1) as f64
    };
    let (before, after) = (throttled_pct(sides.before), throttled_pct(sides.after));
    if (before - after).abs() >= MAX_THROTTLED_POINTS {
        let side = if before > after { SideName::Before } else { SideName::After };
        gates.push(Gate::Throttled { side, pct: before.max(after), other_pct: before.min(after) });
    }
    let mhz = |runs: &[&RunSummary]| {
        median(&runs.iter().filter_map(|run| run.gpu?.video_mhz).map(f64::from).collect::<Vec<_>>())
    };
    let clocks = mhz(sides.before).zip(mhz(sides.after)).filter(|(before, after)| before.min(*after) > 0.0);
    if let Some((before, after)) = clocks {
        // Time goes with the inverse of the clock.
        let longer_pct = 100.0 * (before.max(after) / before.min(after) - 1.0);
        if longer_pct > MAX_CLOCK_PCT {
            gates.push(Gate::ClockDiffers { before_mhz: before as u32, after_mhz: after as u32, longer_pct });
        }
    }
    gates
}

/// The share of late pictures that half of the runs reach.
fn late_pct(runs: &[&RunSummary]) -> f64 {
    let share = |run: &&RunSummary| 100.0 * run.model_late.unwrap_or(0) as f64 / run.packets.max(1) as f64;
    let mut shares: Vec<_> = runs.iter().map(share).collect();
    shares.sort_unstable_by(f64::total_cmp);
    shares.get(shares.len() / 2).copied().unwrap_or(0.0)
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

    fn runs(values: impl IntoIterator<Item = f64>) -> Vec<RunSummary> {
        let run = |(idx, wall_ms)| RunSummary { repeat_index: idx, ..summary(case(1, Inline), idx, wall_ms) };
        (0..).zip(values).map(run).collect()
    }

    fn gates(before: &[RunSummary], after: &[RunSummary], is_paired: bool) -> Vec<Gate> {
        let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
        let sides = Sides { before: &before, after: &after, is_paired };
        [of_runs(&sides), of_metric(Metric::WallMs, &sides)].concat()
    }

    /// Quiet, but not equal: a zigzag of ±0.1 %.
    fn zigzag(centre: f64) -> impl Iterator<Item = f64> {
        (0..12).map(move |idx| centre * (1.0 + 0.001 * f64::from(idx % 3 - 1)))
    }

    #[test]
    fn quiet_runs_pass_every_gate() {
        assert_eq!(gates(&runs(zigzag(100.0)), &runs(zigzag(60.0)), true), []);
        assert_eq!(gates(&runs(zigzag(100.0)), &runs(zigzag(60.0)), false), []);
    }

    #[test]
    fn a_drift_of_both_sides_harms_only_where_there_are_no_pairs() {
        let drifting = |centre: f64| runs(zigzag(centre).enumerate().map(|(idx, ms)| ms * (1.0 + 0.004 * idx as f64)));
        let (before, after) = (drifting(100.0), drifting(60.0));
        assert_eq!(gates(&before, &after, true), []);
        let unpaired = gates(&before, &after, false);
        assert!(
            matches!(unpaired[..], [Gate::Trend { side: Some(SideName::Before), .. }, Gate::Trend { .. }]),
            "{unpaired:?}"
        );
        let only_after = gates(&runs(zigzag(100.0)), &after, true);
        let [Gate::Trend { side: None, drift_pct, .. }] = only_after[..] else { panic!("{only_after:?}") };
        assert!((2.0..4.0).contains(&drift_pct), "of −40 %, 4.4 % of 60 ms: {drift_pct}");
    }

    #[test]
    fn a_slow_first_run_is_seen_and_weighed() {
        let mut before = runs(zigzag(100.0));
        before[0] = runs([160.0]).remove(0);
        let found = gates(&before, &runs(zigzag(60.0)), true);
        let [Gate::SlowFirst { side: SideName::Before, above_pct, shift_pct }] = found[..] else { panic!("{found:?}") };
        assert!((59.0..61.0).contains(&above_pct) && shift_pct.abs() < 0.5, "{found:?}");
    }

    #[test]
    fn a_first_run_slower_by_a_hair_is_none() {
        let mut before = runs((0..9).map(|idx| 100.0 + 1e-4 * f64::from(idx % 3)));
        before[0] = runs([100.03]).remove(0);
        assert_eq!(gates(&before, &runs(zigzag(60.0)), true), []);
    }

    fn on_gpu(wall_ms: f64, video_mhz: u32, num_throttled: usize) -> Vec<RunSummary> {
        let gpu =
            |is_throttled| GpuState { sm_mhz: None, video_mhz: Some(video_mhz), is_throttled, temperature_c: None };
        let on = |(idx, run)| RunSummary { gpu: Some(gpu(idx < num_throttled)), ..run };
        runs(zigzag(wall_ms)).into_iter().enumerate().map(on).collect()
    }

    #[test]
    fn a_slower_clock_explains_as_much_as_it_takes_longer() {
        let found = gates(&on_gpu(100.0, 2000, 0), &on_gpu(133.3, 1500, 0), true);
        let [ref clock @ Gate::ClockDiffers { longer_pct, .. }] = found[..] else { panic!("{found:?}") };
        assert!((longer_pct - 33.33).abs() < 0.01);
        // An interval of +32.6 to +34.0 %, which the clock alone makes; and one of +60 %, which it does not.
        let is_worse = |low_pct: f64| move |doubt_pct: f64| (low_pct - doubt_pct > 0.0).then_some(false);
        assert!(clock.turns(Some(false), is_worse(32.6)) && !clock.turns(Some(false), is_worse(60.0)));
        assert_eq!(gates(&on_gpu(100.0, 2000, 0), &on_gpu(100.0, 1980, 0), true), []);
    }

    #[test]
    fn throttling_counts_by_how_much_of_it_a_side_has() {
        let throttled = |before, after| gates(&on_gpu(100.0, 2000, before), &on_gpu(100.0, 2000, after), true);
        assert!(matches!(throttled(1, 12)[..], [Gate::Throttled { side: SideName::After, .. }]));
        assert_eq!((throttled(12, 12), throttled(0, 1)), (vec![], vec![]));
    }

    #[test]
    fn half_of_the_runs_is_half_of_them() {
        let late = |num: usize| {
            let mut runs = runs(zigzag(100.0));
            for run in runs.iter_mut().take(num) {
                (run.packets, run.model_late) = (300, Some(6));
            }
            gates(&runs, &self::runs(zigzag(60.0)), true)
        };
        assert!(matches!(late(6)[..], [Gate::ModelLate { side: SideName::Before, .. }]));
        assert_eq!(late(5), []);
    }

    #[test]
    fn two_states_of_the_machine_are_seen() {
        let states = |centre: f64| runs((0..40).map(move |idx| if idx % 2 == 0 { centre } else { 1.2 * centre }));
        let steady = runs((0..40).map(|idx| 100.0 + f64::from(idx % 4)));
        let found = gates(&steady, &states(100.0), true);
        assert!(found.iter().any(|gate| matches!(gate, Gate::TwoHumps { side: None, .. })), "{found:?}");
    }

    #[test]
    fn scatter_has_a_size_and_late_pictures_a_direction() {
        let noisy = runs([80.0, 100.0, 120.0, 90.0, 110.0, 130.0, 70.0]);
        let found = gates(&runs(zigzag(100.0)), &noisy, false);
        assert!(matches!(found[..], [Gate::Scatter { side: Some(SideName::After), .. }]), "{found:?}");
        assert!(found[0].turns(Some(true), |doubt_pct| (doubt_pct < 15.0).then_some(true)), "{found:?}");
        let found = gates(&runs(zigzag(100.0)), &noisy, true);
        assert!(matches!(found[..], [Gate::Scatter { side: None, .. }]), "{found:?}");
        let shared = [80.0, 100.0, 120.0, 90.0, 110.0, 130.0, 70.0].map(|wall_ms| 0.6 * wall_ms);
        assert_eq!(gates(&noisy, &runs(shared), true), [], "what both runs of a pair share");
        let late = Gate::ModelLate { side: SideName::After, late_pct: 5.0 };
        assert!(late.turns(Some(false), |_| Some(false)), "a side that is slow because of the machine");
        assert!(!late.turns(Some(true), |_| Some(true)), "fast although pictures were late");
    }
}
