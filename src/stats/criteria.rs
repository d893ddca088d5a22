//! Acceptance criteria as data: what "after is better than before" has to mean.
//!
//! Knows limits, names and the TOML file that changes them. `judge` holds runs against them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::Codec;
use crate::stats::interval::ChangeInterval;
use crate::units::Unit;

/// The limits. `Default` is the set of the acceptance plan; a TOML file may name any of the keys. An infinite limit
/// (`inf` or `-inf`) switches its criterion off.
///
/// The guard `latency_p99` asks whether latency was paid for. Pictures in flight cost latency by nature: in a steady
/// state *latency = pictures in flight ÷ throughput* (Little's law). Depth is worth that as long as it buys throughput;
/// beyond the knee it buys nothing. So the p99 submit-to-packet latency may grow as far as the throughput grew, and
/// [`Criteria::max_latency_p99_growth_pct`] beyond. Two published cases set the default of 25 %:
///
/// - Serial to four in flight at 640x360: latency about 0.9 → 1.3 ms (+46 %) while throughput nearly doubles. Passes,
///   up to more than twice the latency.
/// - Four to eight buffers behind a source that keeps 100 frames a second: lock wait 4.5 → 0.25 ms, but latency
///   12.6 → 20 ms (+59 %) at the same throughput. The wait only moved. Fails.
///
/// p99 is asked of runs of 1,000 frames or more ([`crate::stats::metrics::Metric::min_frames`]); of shorter ones p95
/// stands in for it, of runs below 200 frames nothing is asked. It is 25 % and not 5 % because a tail rests on few frames
/// all the same. And growth by less
/// than a quarter of a frame interval is never held against the after side: nobody can see it. Where latency does not
/// matter, say when a file is transcoded, `max_latency_p99_growth_pct = inf` switches the guard off.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Criteria {
    /// `wall_ms` must fall by at least this much.
    pub min_wall_improvement_pct: f64,
    /// `lock_ms` must fall by at least this much.
    pub min_lock_improvement_pct: f64,
    /// `queue_peak`: every counted run of the after side must reach this.
    pub min_queue_peak: u32,
    /// `failed_runs`: at most this many runs of both sides together may fail, warm-ups included.
    pub max_failed_runs: u32,
    /// `latency_p99`: growth allowed beyond what the throughput gained.
    pub max_latency_p99_growth_pct: f64,
    /// `latency_p99`: growth always allowed, in frame intervals (1 ÷ throughput) of the after side.
    pub latency_p99_tolerance_intervals: f64,
    /// Fewer good counted runs than this on a side leave it open whether a criterion is met.
    pub min_runs: u32,
    /// How far two sessions of one and the same thing may lie apart, in percent: what decides between sides of two sessions
    /// has to stand against that. 3 % covers sessions whose levels scatter with a standard deviation of 1 %
    /// (√2 × 1.96 × 1 % = 2.8 %).
    pub session_drift_pct: f64,
}

/// Why a criteria file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum CriteriaError {
    #[error("criteria, line {line}: {message}")]
    Toml { line: usize, message: String },
    #[error("criteria: {key} is not a number, so nothing could be held against it: write for example {key} = 5.0")]
    NotANumber { key: &'static str },
}

/// Which criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the fields of Criteria say it")]
pub enum CriterionName {
    WallMs,
    LockMs,
    QueuePeak,
    FailedRuns,
    LatencyP95,
    LatencyP99,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Met.
    Pass,
    /// Not met.
    Fail,
    /// The runs do not say.
    Inconclusive,
}

/// One criterion, judged for one codec.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CriterionResult {
    /// Which.
    pub name: CriterionName,
    /// For which codec.
    pub codec: Codec,
    /// What is asked, in words: "falls by at least 5.0 %".
    pub rule: String,
    /// The limit. `wall_ms`, `lock_ms`: percent to fall by. `latency_p99`: percent of growth allowed, given the
    /// throughput. `queue_peak`: the least `after`. `failed_runs`: the most `before` + `after`.
    pub threshold: f64,
    /// The number judged, in the unit of [`CriterionName::unit`]; `None` without a good run.
    pub before: Option<f64>,
    /// As `before`.
    pub after: Option<f64>,
    /// From before to after: the interval's estimate where that decided; `None` where before is 0 or one of them is missing.
    pub change_pct: Option<f64>,
    /// How sure that change is; of `wall_ms`, `lock_ms` and the latency tail, whose verdict it decides where it is bounded.
    pub interval: Option<ChangeInterval>,
    /// About how many more pairs (without pairs: runs a side) would bring the interval clear of the limit.
    pub more_pairs: Option<u32>,
    /// `None`: inconclusive.
    pub pass: Option<bool>,
    /// `pass` as a word.
    pub verdict: Verdict,
    /// Why, in words.
    pub reason: String,
}

impl Default for Criteria {
    fn default() -> Self {
        Self {
            min_wall_improvement_pct: 5.0,
            min_lock_improvement_pct: 20.0,
            min_queue_peak: 2,
            max_failed_runs: 0,
            max_latency_p99_growth_pct: 25.0,
            latency_p99_tolerance_intervals: 0.25,
            min_runs: 3,
            session_drift_pct: 3.0,
        }
    }
}

impl Criteria {
    /// Reads a criteria file; keys that it does not name keep their defaults.
    ///
    /// # Errors
    /// It is no TOML, names an unknown key, or a limit is not a number.
    pub fn from_toml(text: &str) -> Result<Self, CriteriaError> {
        let criteria: Self = toml::from_str(text).map_err(|error| CriteriaError::toml(text, &error))?;
        criteria.check()?;
        Ok(criteria)
    }

    /// Can the limits be held against anything?
    ///
    /// # Errors
    /// A limit is NaN: every comparison with it would be false.
    pub fn check(&self) -> Result<(), CriteriaError> {
        let limits = [
            ("min_wall_improvement_pct", self.min_wall_improvement_pct),
            ("min_lock_improvement_pct", self.min_lock_improvement_pct),
            ("max_latency_p99_growth_pct", self.max_latency_p99_growth_pct),
            ("latency_p99_tolerance_intervals", self.latency_p99_tolerance_intervals),
            ("session_drift_pct", self.session_drift_pct),
        ];
        match limits.into_iter().find(|(_, limit)| limit.is_nan()) {
            Some((key, _)) => Err(CriteriaError::NotANumber { key }),
            None => Ok(()),
        }
    }
}

impl CriterionResult {
    /// What the change may be at most, in percent; of a fall that is asked for, its negative.
    pub(super) fn limit_pct(&self) -> f64 {
        if self.name.is_guard() { self.threshold } else { -self.threshold }
    }
}

impl CriteriaError {
    /// TOML's own message spans several lines; the line number and the first sentence are enough.
    fn toml(text: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        let line = 1 + text.bytes().take(start).filter(|&byte| byte == b'\n').count();
        Self::Toml { line, message: error.message().replace('\n', ": ") }
    }
}

impl CriterionName {
    /// Name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::WallMs => "Encode wall time",
            Self::LockMs => "Lock wait",
            Self::QueuePeak => "Queue peak",
            Self::FailedRuns => "Failed runs",
            Self::LatencyP95 => "Latency p95",
            Self::LatencyP99 => "Latency p99",
        }
    }

    /// Is it the guard on the latency tail? It limits growth; the others about a change ask for a fall.
    pub fn is_guard(self) -> bool {
        matches!(self, Self::LatencyP95 | Self::LatencyP99)
    }

    /// Unit of `before` and `after`.
    pub fn unit(self) -> Unit {
        match self {
            Self::WallMs | Self::LockMs | Self::LatencyP95 | Self::LatencyP99 => Unit::Milliseconds,
            Self::QueuePeak | Self::FailedRuns => Unit::Count,
        }
    }
}

impl Verdict {
    /// Of several: any that failed fails all, else any that is open leaves all open.
    pub fn of_all(verdicts: impl IntoIterator<Item = Self>) -> Self {
        verdicts.into_iter().fold(Self::Pass, |all, one| match (all, one) {
            (Self::Fail, _) | (_, Self::Fail) => Self::Fail,
            (Self::Inconclusive, _) | (_, Self::Inconclusive) => Self::Inconclusive,
            (Self::Pass, Self::Pass) => Self::Pass,
        })
    }
}

impl From<Option<bool>> for Verdict {
    fn from(pass: Option<bool>) -> Self {
        match pass {
            Some(true) => Self::Pass,
            Some(false) => Self::Fail,
            None => Self::Inconclusive,
        }
    }
}

impl fmt::Display for CriterionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::WallMs => "wall_ms",
            Self::LockMs => "lock_ms",
            Self::QueuePeak => "queue_peak",
            Self::FailedRuns => "failed_runs",
            Self::LatencyP95 => "latency_p95",
            Self::LatencyP99 => "latency_p99",
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_changes_what_it_names() {
        let criteria = Criteria::from_toml("min_wall_improvement_pct = 3\nmin_lock_improvement_pct = -inf\n").unwrap();
        let expected = Criteria {
            min_wall_improvement_pct: 3.0,
            min_lock_improvement_pct: f64::NEG_INFINITY,
            ..Criteria::default()
        };
        assert_eq!(criteria, expected);
        assert_eq!(Criteria::from_toml(""), Ok(Criteria::default()));
    }

    #[test]
    fn a_file_that_cannot_be_meant_is_refused_on_one_line() {
        let refusal = |text| Criteria::from_toml(text).unwrap_err();
        assert!(matches!(refusal("min_runs = 3\nmin_wal = 5"), CriteriaError::Toml { line: 2, .. }));
        assert!(matches!(refusal("min_queue_peak = -1"), CriteriaError::Toml { line: 1, .. }));
        assert_eq!(
            refusal("min_wall_improvement_pct = nan"),
            CriteriaError::NotANumber { key: "min_wall_improvement_pct" }
        );
        for text in ["= =", "min_runs", "min_runs = 'many'", "\u{0}"] {
            assert!(!refusal(text).to_string().contains('\n'));
        }
    }

    #[test]
    fn one_failure_fails_all() {
        use Verdict::{Fail, Inconclusive, Pass};
        assert_eq!(Verdict::of_all([Pass, Inconclusive, Fail]), Fail);
        assert_eq!(Verdict::of_all([Inconclusive, Pass]), Inconclusive);
        assert_eq!(Verdict::of_all([Pass, Pass]), Pass);
    }

    #[test]
    fn names_are_those_of_the_json() {
        use CriterionName::{FailedRuns, LatencyP95, LatencyP99, LockMs, QueuePeak, WallMs};
        for name in [WallMs, LockMs, QueuePeak, FailedRuns, LatencyP95, LatencyP99] {
            assert_eq!(serde_json::to_value(name).unwrap(), name.to_string());
        }
    }
}
