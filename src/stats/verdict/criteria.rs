//! What came of each acceptance criterion. The limits are part of a plan; `judge` asks the runs.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::Codec;
use crate::stats::evidence::decision::Decision;
use crate::stats::runs::metrics::Metric;
use crate::units::Unit;

pub use crate::plan::{Criteria, CriteriaError};

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
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Met.
    Pass,
    /// Not met.
    Fail,
    /// The runs do not say.
    Inconclusive,
    /// The sides differ in something that is not under test, so there is nothing to say.
    NotComparable,
}

/// One criterion, judged for one codec.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CriterionResult {
    /// Which.
    pub name: CriterionName,
    /// For which codec.
    pub codec: Codec,
    /// The metric that it is about; `None`: failed runs.
    pub metric: Option<Metric>,
    /// What is asked, in words: "falls by at least 5.0 %".
    pub rule: String,
    /// The limit. `wall_ms`, `lock_ms`: percent to fall by. `latency_p95`, `latency_p99`: percent that latency ÷ throughput
    /// may grow by. `queue_peak`: the least `after`. `failed_runs`: the most `before` + `after`.
    pub threshold: f64,
    /// In the unit of [`CriterionName::unit`]: of what is measured the median over the compared runs; `None` without a good
    /// run.
    pub before: Option<f64>,
    /// As `before`.
    pub after: Option<f64>,
    /// The paired median change from before to after. `None`: nothing is compared.
    pub change_pct: Option<f64>,
    /// The decision behind the verdict; `None` for counts.
    pub decision: Option<Decision>,
    /// `None`: inconclusive.
    pub pass: Option<bool>,
    /// `pass` as a word.
    pub verdict: Verdict,
    /// Why, in words.
    pub reason: String,
}

impl CriterionResult {
    /// Name for people: of what was compared.
    pub fn title(&self) -> &'static str {
        match self.metric {
            Some(metric) if self.name == CriterionName::LockMs => metric.title(),
            _ => self.name.title(),
        }
    }

    /// Name for programs of what was compared: the lock criterion judges a case with a locking thread by another metric.
    pub fn key(&self) -> String {
        match self.metric {
            Some(metric) if self.name == CriterionName::LockMs => metric.key().to_owned(),
            _ => self.name.to_string(),
        }
    }
}

impl CriterionName {
    /// Name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::WallMs => "Wall time",
            Self::LockMs => "Lock wait",
            Self::QueuePeak => "Queue peak",
            Self::FailedRuns => "Failed runs",
            Self::LatencyP95 => "Latency p95 ÷ throughput",
            Self::LatencyP99 => "Latency p99 ÷ throughput",
        }
    }

    /// Is it the guard on the latency tail? It limits growth; the others about a change ask for a fall.
    pub fn is_guard(self) -> bool {
        matches!(self, Self::LatencyP95 | Self::LatencyP99)
    }

    /// Unit of `before` and `after`.
    pub fn unit(self) -> Unit {
        match self {
            Self::WallMs | Self::LockMs => Unit::Milliseconds,
            Self::LatencyP95 | Self::LatencyP99 => Unit::MillisecondsPerFps,
            Self::QueuePeak | Self::FailedRuns => Unit::Count,
        }
    }
}

impl Verdict {
    /// Of several: where one cannot be compared, nothing is said of all; else any that failed fails all, and any that is open
    /// leaves all open.
    pub fn of_all(verdicts: impl IntoIterator<Item = Self>) -> Self {
        let gravest_first = [Self::NotComparable, Self::Fail, Self::Inconclusive];
        let verdicts: Vec<_> = verdicts.into_iter().collect();
        gravest_first.into_iter().find(|grave| verdicts.contains(grave)).unwrap_or(Self::Pass)
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
            Self::NotComparable => "not comparable",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_fails_all() {
        use Verdict::{Fail, Inconclusive, NotComparable, Pass};
        assert_eq!(Verdict::of_all([Pass, Inconclusive, Fail]), Fail);
        assert_eq!(Verdict::of_all([Inconclusive, Pass]), Inconclusive);
        assert_eq!(Verdict::of_all([Pass, Pass]), Pass);
        assert_eq!(Verdict::of_all([Fail, NotComparable, Pass]), NotComparable);
    }

    #[test]
    fn names_are_those_of_the_json() {
        use CriterionName::{FailedRuns, LatencyP95, LatencyP99, LockMs, QueuePeak, WallMs};
        for name in [WallMs, LockMs, QueuePeak, FailedRuns, LatencyP95, LatencyP99] {
            assert_eq!(serde_json::to_value(name).unwrap(), name.to_string());
        }
    }
}
