//! What may have made a change besides what is under test, and by how much at most.
//!
//! Every doubt has a size: the truth may lie that much further down or up than the interval says. Sizes move the ends of
//! the interval out, and are said once. Scatter is none: the interval holds it already. What has no size at all, such as
//! another setting, makes two sides not comparable (`warnings`).

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::stats::evidence::side_name::SideName;
use crate::units;

/// One reason to doubt, with its size.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Doubt {
    /// What it is.
    #[serde(flatten)]
    pub kind: DoubtKind,
    /// What it is about, for people; empty where it is about everything.
    pub of: String,
    /// The true change may be lower by so many percent of the after side.
    pub lower_pct: f64,
    /// It may be higher by so many.
    pub higher_pct: f64,
}

/// `Display` is the sentence for people. `side` is `None` where it is about the pairs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[allow(missing_docs, reason = "Display says it")]
pub enum DoubtKind {
    /// Between two sessions the machine may have changed.
    TwoSessions,
    /// The GPU held its clocks down in many more runs of one side than of the other.
    Throttled { side: SideName, pct: f64, other_pct: f64 },
    /// The GPU's video clock differed; medians over the runs.
    ClockDiffers { before_mhz: f64, after_mhz: f64 },
    /// The emulated engine's frames were late, this share of all frames of that side.
    LateFrames { side: SideName, late_pct: f64 },
    /// The change, or a side, went up or down from the first round to the last (Mann–Kendall, Theil–Sen).
    Drift { side: Option<SideName>, drift_pct: f64, p: f64 },
    /// The first counted run stands out.
    SlowFirst { side: SideName, above_pct: f64 },
}

impl Doubt {
    /// The factors by which all of them together move the two ends of an interval.
    pub fn factors(doubts: &[Self]) -> (f64, f64) {
        let factors = doubts.iter().map(|doubt| (1.0 - doubt.lower_pct / 100.0, 1.0 + doubt.higher_pct / 100.0));
        factors.fold((1.0, 1.0), |(down, up), (lower, higher)| (down * lower.max(0.0), up * higher))
    }

    /// The larger of the two sizes.
    pub fn size_pct(&self) -> f64 {
        self.lower_pct.max(self.higher_pct)
    }

    /// "up to +2.1 %", "±3.0 %"
    pub fn size_text(&self) -> String {
        match (self.lower_pct, self.higher_pct) {
            (lower, higher) if lower == higher => format!("±{}", units::pct(higher)),
            (0.0, higher) => format!("up to {}", units::change_pct(higher)),
            (lower, 0.0) => format!("down to {}", units::change_pct(-lower)),
            (lower, higher) => format!("{} to {}", units::change_pct(-lower), units::change_pct(higher)),
        }
    }

    /// A few words, for a badge.
    pub fn title(&self) -> String {
        let (what, side) = match &self.kind {
            DoubtKind::TwoSessions => ("two sessions", None),
            DoubtKind::Throttled { side, .. } => ("throttled", Some(*side)),
            DoubtKind::ClockDiffers { .. } => ("clock differs", None),
            DoubtKind::LateFrames { side, .. } => ("late frames", Some(*side)),
            DoubtKind::Drift { side, .. } => ("drift", *side),
            DoubtKind::SlowFirst { side, .. } => ("slow first run", Some(*side)),
        };
        side.map_or_else(|| what.to_owned(), |side| format!("{what} {side}"))
    }

    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match &self.kind {
            DoubtKind::TwoSessions => "measure both sides in one sweep",
            DoubtKind::Throttled { .. } => "let the GPU cool",
            DoubtKind::ClockDiffers { .. } => "lock the GPU's clocks",
            DoubtKind::LateFrames { .. } => "use a computer with less other load, or a model of a slower engine",
            DoubtKind::Drift { .. } => "find out what changed, or warm up longer",
            DoubtKind::SlowFirst { .. } => "use more warm-up runs",
        }
    }
}

impl fmt::Display for DoubtKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TwoSessions => {
                f.write_str("The sides come from two sessions; the computer may have changed in between")
            }
            Self::Throttled { side, pct, other_pct } => write!(
                f,
                "The GPU was throttled in {} of the {side} runs and in {} of the others",
                units::pct(*pct),
                units::pct(*other_pct)
            ),
            // Medians that are equal say nothing of clocks that changed within the sides.
            Self::ClockDiffers { before_mhz, after_mhz } if before_mhz.round() == after_mhz.round() => {
                write!(f, "The GPU's video clock changed from run to run, around {before_mhz:.0} MHz on both sides")
            }
            Self::ClockDiffers { before_mhz, after_mhz } => {
                write!(f, "The GPU's video clock was {before_mhz:.0} MHz before and {after_mhz:.0} MHz after")
            }
            Self::LateFrames { side, late_pct } => {
                write!(
                    f,
                    "This computer, not the modelled engine, delayed {} of the frames of the {side} side",
                    units::pct(*late_pct)
                )
            }
            Self::Drift { side, drift_pct, p } => {
                let what = side.map_or_else(|| "The change".to_owned(), |side| format!("The {side} side"));
                write!(
                    f,
                    "{what} drifted by {} from the first round to the last (Mann–Kendall p {p:.4})",
                    units::change_pct(*drift_pct)
                )
            }
            Self::SlowFirst { side, above_pct } => {
                write!(f, "The first counted {side} run is {} above the others", units::pct(*above_pct))
            }
        }
    }
}

/// "The change drifted …, lock wait: ±3.0 %"
impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = if self.of.is_empty() { String::new() } else { format!(", {}", self.of) };
        write!(f, "{}{of}: {}", self.kind, self.size_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_several_doubts_are_joined_by_direction() {
        let doubt =
            |lower_pct, higher_pct| Doubt { kind: DoubtKind::TwoSessions, of: String::new(), lower_pct, higher_pct };
        let (down, up) = Doubt::factors(&[doubt(3.0, 3.0), doubt(0.0, 10.0)]);
        assert!((down - 0.97).abs() < 1e-12 && (up - 1.133).abs() < 1e-12);
        assert_eq!(Doubt::factors(&[]), (1.0, 1.0));
        assert_eq!(doubt(3.0, 3.0).size_text(), "±3.0 %");
        assert_eq!(
            (doubt(0.0, 10.0).size_text(), doubt(2.0, 0.0).size_text()),
            ("up to +10.0 %".to_owned(), "down to −2.0 %".to_owned())
        );
    }
}
