//! What speaks against a verdict although its interval would allow it. A gate makes a verdict inconclusive; it deletes
//! nothing.
//!
//! Most doubts have a size: a drift, a slow first run, two humps, scatter. Such a gate moves both ends of the interval out by its
//! size, and turns only the verdicts that do not survive that: a change of −60 % stands against a drift of 2 %. Where
//! the size is not known (other settings, throttling), every verdict turns.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::stats::doubt::{m_value, mann_kendall, slow_first, theil_sen};
use crate::stats::interval::Sides;
use crate::stats::metrics::Metric;
use crate::stats::side::SideName;
use crate::stats::spread::{median, percentile, robust_cv_pct};
use crate::stats::summary::RunSummary;
use crate::units;

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

/// One reason to doubt. `Display` is the half sentence for people. `side` is `None` where it is about the pairs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[allow(missing_docs, reason = "Display says it")]
pub enum Gate {
    /// Something that is not under test differs.
    SettingDiffers { setting: String, before: String, after: String },
    /// The GPU held its clocks down in runs of one side and not of the other.
    Throttled { side: SideName, num_runs: u32 },
    /// The GPU's clock was another one on both sides, by the medians over the runs.
    ClockDiffers { before_mhz: u32, after_mhz: u32, change_pct: f64 },
    /// Half of the runs have more late pictures than that.
    ModelLate { side: SideName, late_pct: f64 },
    /// Wall times scatter from run to run (robust coefficient of variation).
    Scatter { side: SideName, cv_pct: f64 },
    /// It went up or down from the first round to the last (Mann–Kendall, Theil–Sen).
    Trend { side: Option<SideName>, drift_pct: f64, p: f64 },
    /// The first counted run stands out; without it the estimate is another one by `shift_pct`.
    SlowFirst { side: SideName, above_pct: f64, shift_pct: f64 },
    /// The values lie in two heaps (mValue).
    TwoHumps { side: Option<SideName>, width_pct: f64, m_value: f64 },
}

/// What a verdict says of after against before: which late pictures could have made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// After takes less.
    Less,
    /// After takes more, or not little enough.
    More,
    /// Neither.
    Same,
    /// Nothing is claimed.
    Open,
}

/// A verdict that gates can turn.
pub trait Verdictlike: Copy + PartialEq {
    /// What it says about a metric of which less is better.
    fn claim(self) -> Claim;
}

impl Verdictlike for Option<bool> {
    fn claim(self) -> Claim {
        match self {
            Some(true) => Claim::Less,
            Some(false) => Claim::More,
            None => Claim::Open,
        }
    }
}

impl Gate {
    /// Does it turn the verdict `plain`? `again` gives the verdict once the interval is wider by so many percent at both
    /// ends.
    pub fn turns<V: Verdictlike>(&self, plain: V, again: impl Fn(f64) -> V) -> bool {
        match (plain.claim(), self) {
            (Claim::Open, _) => false,
            // Late pictures only ever make a side slower.
            (Claim::Less, Self::ModelLate { side, .. }) => *side == SideName::Before,
            (Claim::More, Self::ModelLate { side, .. }) => *side == SideName::After,
            _ => self.doubt_pct().is_none_or(|doubt_pct| again(doubt_pct) != plain),
        }
    }

    /// A few words, for a badge.
    pub fn title(&self) -> String {
        let (what, side) = match self {
            Self::SettingDiffers { .. } => ("other settings", None),
            Self::Throttled { side, .. } => ("throttled", Some(*side)),
            Self::ClockDiffers { .. } => ("other clock", None),
            Self::ModelLate { side, .. } => ("late pictures", Some(*side)),
            Self::Scatter { side, .. } => ("scatter", Some(*side)),
            Self::Trend { side, .. } => ("drift", *side),
            Self::SlowFirst { side, .. } => ("slow first run", Some(*side)),
            Self::TwoHumps { side, .. } => ("two heaps", *side),
        };
        side.map_or_else(|| what.to_owned(), |side| format!("{what} {side}"))
    }

    /// How far the truth may lie beyond the interval; `None`: unknown.
    fn doubt_pct(&self) -> Option<f64> {
        match self {
            // The estimate is that of the middle; at the first and the last round the change was half of it away.
            Self::Trend { drift_pct, .. } => Some(drift_pct.abs() / 2.0),
            Self::SlowFirst { shift_pct, .. } => Some(shift_pct.abs()),
            Self::TwoHumps { width_pct, .. } => Some(width_pct / 2.0),
            Self::ClockDiffers { change_pct, .. } => Some(change_pct.abs()),
            Self::Scatter { cv_pct, .. } => Some(*cv_pct),
            Self::SettingDiffers { .. } | Self::Throttled { .. } | Self::ModelLate { .. } => None,
        }
    }
}

/// What concerns every metric of two cases: late pictures, scatter, clocks.
pub fn of_runs(sides: &Sides<'_>) -> Vec<Gate> {
    let mut gates = of_gpu(sides);
    for (runs, side) in named(sides) {
        let late_pct = late_pct(runs);
        if late_pct >= MAX_LATE_PCT {
            gates.push(Gate::ModelLate { side, late_pct });
        }
        if let Some(cv_pct) = robust_cv_pct(&values(runs, Metric::WallMs)).filter(|&cv_pct| cv_pct > MAX_CV_PCT) {
            gates.push(Gate::Scatter { side, cv_pct });
        }
    }
    gates
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
        if let Some(above_pct) = slow_first(&in_pct) {
            let shift_pct = shift_without_first(metric, sides, side);
            gates.extend(shift_pct.map(|shift_pct| Gate::SlowFirst { side, above_pct, shift_pct }));
        }
    }
    gates
}

fn trend(in_pct: &[f64], side: Option<SideName>) -> Option<Gate> {
    let (_, p) = mann_kendall(in_pct).filter(|&(_, p)| p < TREND_P)?;
    let drift_pct = theil_sen(in_pct)? * (in_pct.len() - 1) as f64;
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
    let throttled =
        |runs: &[&RunSummary]| runs.iter().filter(|run| run.gpu.is_some_and(|gpu| gpu.is_throttled)).count() as u32;
    let (before, after) = (throttled(sides.before), throttled(sides.after));
    if (before == 0) != (after == 0) {
        let side = if before > 0 { SideName::Before } else { SideName::After };
        gates.push(Gate::Throttled { side, num_runs: before.max(after) });
    }
    let mhz = |runs: &[&RunSummary]| {
        median(&runs.iter().filter_map(|run| run.gpu?.video_mhz).map(f64::from).collect::<Vec<_>>())
    };
    if let Some((before, after)) = mhz(sides.before).zip(mhz(sides.after)).filter(|&(before, _)| before > 0.0) {
        let change_pct = 100.0 * (after / before - 1.0);
        if change_pct.abs() > MAX_CLOCK_PCT {
            gates.push(Gate::ClockDiffers { before_mhz: before as u32, after_mhz: after as u32, change_pct });
        }
    }
    gates
}

/// The share of late pictures that half of the runs reach.
fn late_pct(runs: &[&RunSummary]) -> f64 {
    let share = |run: &&RunSummary| 100.0 * run.model_late.unwrap_or(0) as f64 / run.packets.max(1) as f64;
    let mut shares: Vec<_> = runs.iter().map(share).collect();
    shares.sort_unstable_by(f64::total_cmp);
    percentile(&shares, 50).unwrap_or(0.0)
}

fn named<'a>(sides: &Sides<'a>) -> [(&'a [&'a RunSummary], SideName); 2] {
    [(sides.before, SideName::Before), (sides.after, SideName::After)]
}

fn values(runs: &[&RunSummary], metric: Metric) -> Vec<f64> {
    runs.iter().filter_map(|run| run.value(metric)).collect()
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of =
            |side: &Option<SideName>| side.map_or_else(|| "the change".to_owned(), |side| format!("the {side} side"));
        match self {
            Self::SettingDiffers { setting, before, after } => write!(
                f,
                "{setting} differs and is not under test ({before} before, {after} after): measure with equal settings, or \
                 pass --allow-different-settings if that is the question"
            ),
            Self::Throttled { side, num_runs } => {
                write!(f, "the GPU was throttled in {num_runs} runs {side} and in none of the other side: let it cool")
            }
            Self::ClockDiffers { before_mhz, after_mhz, .. } => {
                write!(f, "the GPU's video clock was {before_mhz} MHz before and {after_mhz} MHz after: fix the clocks")
            }
            Self::ModelLate { side, late_pct } => write!(
                f,
                "in half of the runs {side} {} of the pictures or more came later than the emulated engine would have made \
                 them: use a quieter machine",
                units::pct(*late_pct)
            ),
            Self::Scatter { side, cv_pct } => write!(
                f,
                "wall times {side} scatter by {} from run to run: the machine was not in one state",
                units::pct(*cv_pct)
            ),
            Self::Trend { side, drift_pct, p } => write!(
                f,
                "{} drifted by {} from the first round to the last (Mann–Kendall p {p:.4}): find out what changed, or \
                 warm up longer",
                of(side),
                units::change_pct(*drift_pct)
            ),
            Self::SlowFirst { side, above_pct, .. } => {
                write!(f, "the first counted run {side} is {} above the others: raise --warmup", units::pct(*above_pct))
            }
            Self::TwoHumps { side, width_pct, .. } => write!(
                f,
                "{} lies in two heaps {} apart: the machine was in two states",
                of(side),
                units::pct(*width_pct)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::LockPlacement::Inline;
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
    fn two_states_of_the_machine_are_seen() {
        let states = |centre: f64| runs((0..40).map(move |idx| if idx % 2 == 0 { centre } else { 1.2 * centre }));
        let steady = runs((0..40).map(|idx| 100.0 + f64::from(idx % 4)));
        let found = gates(&steady, &states(100.0), true);
        assert!(found.iter().any(|gate| matches!(gate, Gate::TwoHumps { side: None, .. })), "{found:?}");
    }

    #[test]
    fn scatter_has_a_size_and_late_pictures_a_direction() {
        let noisy = runs([80.0, 100.0, 120.0, 90.0, 110.0, 130.0, 70.0]);
        let found = gates(&runs(zigzag(100.0)), &noisy, true);
        assert!(matches!(found[..], [Gate::Scatter { side: SideName::After, .. }]), "{found:?}");
        assert!(found[0].turns(Some(true), |doubt_pct| (doubt_pct < 15.0).then_some(true)), "{found:?}");
        let late = Gate::ModelLate { side: SideName::After, late_pct: 5.0 };
        assert!(late.turns(Some(false), |_| Some(false)), "a side that is slow because of the machine");
        assert!(!late.turns(Some(true), |_| Some(true)), "fast although pictures were late");
    }
}
