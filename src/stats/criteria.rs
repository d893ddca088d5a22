//! Acceptance criteria: what "after is better than before" has to mean, and whether it holds.
//!
//! Judges two lists of runs of one codec. Knows no session and no device; `compare` picks the runs.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::Codec;
use crate::units::Unit;

/// The limits. `Default` is the set of the acceptance plan; a TOML file may name any of the keys.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Criteria {
    /// The mean of `wall_ms` must fall by at least this much.
    pub min_wall_improvement_pct: f64,
    /// The mean of `lock_ms` must fall by at least this much.
    pub min_lock_improvement_pct: f64,
    /// Every counted run of the after side must reach this `queue_peak`.
    pub min_queue_peak: u32,
    /// At most this many runs of both sides together may fail.
    pub max_failed_runs: u32,
    /// `latency_p99` guard: growth beyond what the throughput gained, in percent.
    pub max_latency_p99_growth_pct: f64,
    /// `latency_p99` guard: growth in frame intervals of the after side that is never held against it.
    pub latency_p99_tolerance_intervals: f64,
    /// Fewer good counted runs than this on a side leave it open whether a criterion is met.
    pub min_runs: u32,
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
    /// The limit that `change_pct`, or `after` for `queue_peak` and `failed_runs`, is held against.
    pub threshold: f64,
    /// The number judged, in the unit of [`CriterionName::unit`]; `None` without a good run.
    pub before: Option<f64>,
    /// As `before`.
    pub after: Option<f64>,
    /// From before to after; `None` where before is 0 or missing.
    pub change_pct: Option<f64>,
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
        }
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
            Self::LatencyP99 => "Latency p99",
        }
    }

    /// Unit of `before` and `after`.
    pub fn unit(self) -> Unit {
        match self {
            Self::WallMs | Self::LockMs | Self::LatencyP99 => Unit::Milliseconds,
            Self::QueuePeak | Self::FailedRuns => Unit::Count,
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
