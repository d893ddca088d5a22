//! What two sides are compared by: a metric, or the latency tail weighed by the throughput.
//!
//! Knows one run at a time. Smaller is better for all of them.

use crate::stats::evidence::side_name::SideName;
use crate::stats::runs::metrics::Metric;
use crate::stats::runs::summary::RunSummary;
use crate::stats::runs::values::Values;
use crate::units::Unit;

/// One number a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quantity {
    /// A metric as it is.
    Metric(Metric),
    /// A latency percentile ÷ the throughput, in milliseconds per frame a second. Frames in flight cost latency by nature
    /// (Little's law: latency = in flight ÷ throughput); this stays the same where latency grows just as far as throughput
    /// does.
    TailPerThroughput {
        /// The percentile.
        tail: Metric,
        /// Latency that is forgiven the after side, in frame intervals (1 ÷ throughput).
        tolerance_intervals: f64,
    },
}

impl Quantity {
    /// The number as measured; `None` where the run has none.
    pub fn value(self, run: &RunSummary, side: SideName) -> Option<f64> {
        self.of(&run.values, run.packets, side)
    }

    /// The least that it could have been had no frame of the emulated engine come late.
    pub fn value_on_time(self, run: &RunSummary, side: SideName) -> Option<f64> {
        self.of(run.on_time.as_deref().unwrap_or(&run.values), run.packets, side)
    }

    /// Name for people, in running text.
    pub fn title(self) -> String {
        match self {
            Self::Metric(metric) => metric.title().to_lowercase(),
            Self::TailPerThroughput { tail, .. } => format!("{} ÷ throughput", tail.title().to_lowercase()),
        }
    }

    /// How often time is a factor in it: a clock that is slower by 1 % makes it larger by as many percent.
    pub fn powers_of_time(self) -> i32 {
        match self {
            Self::Metric(metric) => i32::from(metric.unit() == Unit::Milliseconds),
            Self::TailPerThroughput { .. } => 2,
        }
    }

    /// Frames that a run needs for it to be more than a matter of single frames.
    pub fn min_frames(self) -> u64 {
        match self {
            Self::Metric(metric) => metric.min_frames(),
            Self::TailPerThroughput { tail, .. } => tail.min_frames(),
        }
    }

    fn of(self, values: &Values, packets: u64, side: SideName) -> Option<f64> {
        match self {
            Self::Metric(metric) => values.of(metric),
            Self::TailPerThroughput { tail, tolerance_intervals } => {
                let (tail_ms, wall_ms) = (values.of(tail)?, values.of(Metric::WallMs)?);
                let interval_ms = wall_ms / packets.max(1) as f64;
                let forgiven_ms = if side == SideName::After { tolerance_intervals * interval_ms } else { 0.0 };
                // A frame each interval: 1,000 ÷ interval_ms of them a second.
                Some((tail_ms - forgiven_ms).max(0.0) * interval_ms / 1000.0)
            }
        }
    }
}
