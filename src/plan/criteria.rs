//! Acceptance criteria as data: the limits that the after side must keep. Part of a plan, or a TOML file that overrides
//! them.
//!
//! Knows limits and names; `stats::verdict::judge` asks the runs whether they are met.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The limits of the acceptance criteria. A TOML file may set any of the keys. An infinite limit (`inf` or `-inf`) turns
/// its criterion off.
///
/// The latency guard accepts more latency only in exchange for more throughput. More frames in flight always cost latency:
/// in a steady state *latency = frames in flight ÷ throughput* (Little's law). That is worth it as long as throughput grows;
/// beyond the knee it no longer does. So the guard limits one quantity, latency tail ÷ throughput, which may grow by
/// [`Criteria::max_latency_p99_growth_pct`]. Two published cases set the default of 25 %:
///
/// - From serial to four frames in flight at 640x360: latency about 0.9 → 1.3 ms (+46 %) while throughput nearly doubles. Passes.
/// - From four to eight buffers behind a source of 100 frames per second: lock wait 4.5 → 0.25 ms, but latency
///   12.6 → 20 ms (+59 %) at the same throughput. The wait has only moved. Fails.
///
/// The tail is p99 for runs of 1,000 frames or more (`Metric::min_frames`), p95 for shorter
/// ones; runs below 200 frames are not judged by it. It is 25 % and not 5 % because even so a tail depends on few frames.
/// The after side may exceed the limit by a quarter of a frame interval, which nobody can see. Where latency does not
/// matter, for example when transcoding a file, `max_latency_p99_growth_pct = inf` turns the guard off.
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
    /// `latency_p99`: growth allowed beyond the gain in throughput.
    pub max_latency_p99_growth_pct: f64,
    /// `latency_p99`: latency that is always allowed to the after side, in frame intervals (1 ÷ throughput).
    pub latency_p99_tolerance_intervals: f64,
    /// With fewer good counted runs than this on a side, a criterion is inconclusive.
    pub min_runs: u32,
    /// Assumed drift between two sessions, in percent; smaller changes between them are inconclusive. 3 % covers sessions
    /// whose levels scatter with a standard deviation of 1 % (√2 × 1.96 × 1 % = 2.8 %).
    pub session_drift_pct: f64,
}

/// Why a criteria file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum CriteriaError {
    #[error("criteria, line {line}: {message}")]
    Toml { line: usize, message: String },
    #[error("criteria: {key} must be a number: write for example {key} = 5.0")]
    NotANumber { key: &'static str },
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
    /// Are they the built-in criteria?
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Reads a criteria file; keys that it does not name keep their defaults.
    ///
    /// # Errors
    /// It is not TOML, names an unknown key, or a limit is not a number.
    pub fn from_toml(text: &str) -> Result<Self, CriteriaError> {
        let criteria: Self = toml::from_str(text).map_err(|error| CriteriaError::toml(text, &error))?;
        criteria.check()?;
        Ok(criteria)
    }

    /// Are all limits numbers?
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

impl CriteriaError {
    /// TOML's own message spans several lines; the line number and the first sentence are enough.
    fn toml(text: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        let line = text.bytes().take(start).filter(|&byte| byte == b'\n').count().saturating_add(1);
        Self::Toml { line, message: error.message().replace('\n', ": ") }
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
}
