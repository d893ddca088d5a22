//! Frame times of many runs as one distribution, for plots.
//!
//! Built run by run and of constant size, whatever the number of frames. Frames of one run hang together and runs
//! differ, so nothing is judged by a distribution: that is done on one number per run.

use hdrhistogram::Histogram;

/// Longest time kept apart; a longer one counts as this.
const MAX_NS: u64 = 3_600_000_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;
/// Points of the curve from one halving of the tail to the next.
const POINTS_PER_HALVING: u32 = 10;

/// Times in nanoseconds up to an hour, each kept to 3 significant digits.
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

/// Frames with a time above `from_ns` (in the first bucket also equal to it) and up to `to_ns`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the line above says it")]
pub struct Bucket {
    pub from_ns: u64,
    pub to_ns: u64,
    pub num_frames: u64,
}

impl Default for Distribution {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "both arguments are constants, and any maximum above 1 is valid")]
        let histogram = Histogram::new_with_max(MAX_NS, SIGNIFICANT_DIGITS).expect("valid bounds");
        Self { histogram }
    }
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

    /// The percentile curve from the shortest time (quantile 0) to the longest (quantile 1), its points closing in on
    /// 1 so that each halving of the tail has about as many. Empty without frames.
    pub fn curve(&self) -> Vec<CurvePoint> {
        if self.num_frames() == 0 {
            return Vec::new();
        }
        let shortest = CurvePoint { quantile: 0.0, value_ns: self.histogram.min() };
        let steps = self.histogram.iter_quantiles(POINTS_PER_HALVING);
        let points = steps.map(|step| CurvePoint { quantile: step.quantile(), value_ns: step.value_iterated_to() });
        let mut curve: Vec<_> = std::iter::once(shortest).chain(points).collect();
        // The library visits the last value twice, once for its share and once for quantile 1.
        curve.dedup();
        curve
    }

    /// `num_buckets` buckets of equal width from 0 to the longest time. Empty without frames or buckets.
    pub fn buckets(&self, num_buckets: u32) -> Vec<Bucket> {
        if self.num_frames() == 0 || num_buckets == 0 {
            return Vec::new();
        }
        let width_ns = self.histogram.max().div_ceil(u64::from(num_buckets)).max(1);
        let at = |idx: u64| idx.saturating_mul(width_ns);
        let empty = |idx| Bucket { from_ns: at(idx), to_ns: at(idx.saturating_add(1)), num_frames: 0 };
        let mut buckets: Vec<_> = (0..u64::from(num_buckets)).map(empty).collect();
        for step in self.histogram.iter_recorded() {
            let idx = step.value_iterated_to().saturating_sub(1).checked_div(width_ns).unwrap_or(0);
            if let Some(bucket) = buckets.get_mut(idx as usize) {
                bucket.num_frames = bucket.num_frames.saturating_add(step.count_at_value());
            }
        }
        buckets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to_thousand() -> Distribution {
        let mut distribution = Distribution::default();
        distribution.add(&(1..=600).collect::<Vec<_>>());
        distribution.add(&(601..=1000).collect::<Vec<_>>());
        distribution
    }

    #[test]
    fn quantiles_of_several_runs() {
        let distribution = to_thousand();
        assert_eq!(distribution.num_frames(), 1000);
        assert_eq!(distribution.value_at(0.5), Some(500));
        assert_eq!(distribution.value_at(0.99), Some(990));
        assert_eq!(distribution.value_at(1.0), Some(1000));
    }

    #[test]
    fn curve_rises_from_shortest_to_longest() {
        let curve = to_thousand().curve();
        assert_eq!(curve.first(), Some(&CurvePoint { quantile: 0.0, value_ns: 1 }));
        assert_eq!(curve.last(), Some(&CurvePoint { quantile: 1.0, value_ns: 1000 }));
        assert!(curve.is_sorted_by(|a, b| a.quantile <= b.quantile && a.value_ns <= b.value_ns && a != b));
    }

    #[test]
    fn buckets_hold_every_frame() {
        let buckets = to_thousand().buckets(10);
        assert_eq!(buckets.iter().map(|bucket| bucket.num_frames).collect::<Vec<_>>(), [100; 10]);
        assert_eq!(buckets[9], Bucket { from_ns: 900, to_ns: 1000, num_frames: 100 });
    }

    #[test]
    fn extremes_are_kept() {
        let mut distribution = Distribution::default();
        assert_eq!((distribution.value_at(0.5), distribution.curve(), distribution.buckets(4)), (None, vec![], vec![]));
        distribution.add(&[0, u64::MAX]);
        assert_eq!(distribution.buckets(3).iter().map(|bucket| bucket.num_frames).sum::<u64>(), 2);
        assert_eq!(distribution.value_at(0.5), Some(0));
    }
}
