//! What speaks against a verdict although its interval would allow it. A gate makes a verdict inconclusive; it deletes
//! nothing.
//!
//! Most doubts have a size: a drift, a slow first run, two humps, scatter. Such a gate moves both ends of the interval out by its
//! size, and turns only the verdicts that do not survive that: a change of −60 % stands against a drift of 2 %. Where
//! the size is not known (other settings, throttling), every verdict turns.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::stats::side::SideName;
use crate::units;

/// One reason to doubt. `Display` is the half sentence for people. `side` is `None` where it is about the pairs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[allow(missing_docs, reason = "Display says it")]
pub enum Gate {
    /// Something that is not under test differs.
    SettingDiffers { setting: String, before: String, after: String },
    /// The sides come from two sessions, between which the machine may have changed by that much.
    NotInterleaved { drift_pct: f64 },
    /// The GPU held its clocks down in many more runs of one side than of the other.
    Throttled { side: SideName, pct: f64, other_pct: f64 },
    /// The GPU's clock was another one on both sides, by the medians over the runs; that alone can make the slower side
    /// take so much longer.
    ClockDiffers { before_mhz: u32, after_mhz: u32, longer_pct: f64 },
    /// Half of the runs have more late pictures than that.
    ModelLate { side: SideName, late_pct: f64 },
    /// Wall times scatter from run to run (robust coefficient of variation), of pairs by their changes.
    Scatter { side: Option<SideName>, cv_pct: f64 },
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
            Self::NotInterleaved { .. } => ("not interleaved", None),
            Self::Throttled { side, .. } => ("throttled", Some(*side)),
            Self::ClockDiffers { .. } => ("other clock", None),
            Self::ModelLate { side, .. } => ("late pictures", Some(*side)),
            Self::Scatter { side, .. } => ("scatter", *side),
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
            Self::NotInterleaved { drift_pct } => Some(drift_pct.abs()),
            Self::SlowFirst { shift_pct, .. } => Some(shift_pct.abs()),
            Self::TwoHumps { width_pct, .. } => Some(width_pct / 2.0),
            Self::ClockDiffers { longer_pct, .. } => Some(*longer_pct),
            Self::Scatter { cv_pct, .. } => Some(*cv_pct),
            Self::SettingDiffers { .. } | Self::Throttled { .. } | Self::ModelLate { .. } => None,
        }
    }
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
            Self::NotInterleaved { drift_pct } => write!(
                f,
                "the sides come from two sessions, which may lie {} apart by themselves: measure both in one sweep, or say \
                 with --session-drift how far sessions lie apart on this machine",
                units::pct(*drift_pct)
            ),
            Self::Throttled { side, pct, other_pct } => write!(
                f,
                "the GPU was throttled in {} of the runs {side} and in {} of the other side's: let it cool",
                units::pct(*pct),
                units::pct(*other_pct)
            ),
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
                "{} scatters by {} from run to run: the machine was not in one state",
                side.map_or_else(|| "the change of the wall time".to_owned(), |side| format!("the wall time {side}")),
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
