//! Frame times of many runs as one distribution, for plots.
//!
//! Built run by run and of constant size, whatever the number of frames. Frames of one run hang together and runs
//! differ, so nothing is judged by a distribution: that is done on one number per run.

use hdrhistogram::Histogram;

/// Times in nanoseconds, each kept to 3 significant digits.
#[derive(Debug, Clone)]
pub struct Distribution {
    histogram: Histogram<u64>,
}

/// A point of the percentile curve: the share `quantile` (0 to 1) of the frames did not exceed `value_ns`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the line above says it")]
pub struct CurvePoint {
    pub quantile: f64,
    pub value_ns: u64,
}

/// Frames with a time from `from_ns` (exclusive, but for the first bucket) to `to_ns` (inclusive).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the line above says it")]
pub struct Bucket {
    pub from_ns: u64,
    pub to_ns: u64,
    pub num_frames: u64,
}

impl Distribution {
    /// Adds one run's column.
    pub fn add(&mut self, column_ns: &[u64]) {
        for &value_ns in column_ns {
            self.histogram.saturating_record(value_ns);
        }
    }

    /// Frames in it.
    pub fn num_frames(&self) -> u64 {
        self.histogram.len()
    }

    /// The time that the share `quantile` (0 to 1) of the frames did not exceed; `None` without frames.
    pub fn value_at(&self, quantile: f64) -> Option<u64> {
        (self.num_frames() > 0).then(|| self.histogram.value_at_quantile(quantile))
    }

    /// The percentile curve, its points closing in on 1 so that each halving of the tail has about as many.
    pub fn curve(&self) -> Vec<CurvePoint> {
        todo!()
    }

    /// At most `num_buckets` buckets of equal width from 0 to the longest time.
    pub fn buckets(&self, num_buckets: u32) -> Vec<Bucket> {
        todo!()
    }
}
