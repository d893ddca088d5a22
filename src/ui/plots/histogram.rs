//! How many frames took how long, in bins that are the same for every case, so that cases lie over each other.
//!
//! Bins are equal on an axis of decades: a wait of microseconds and one of milliseconds both keep their shape. Knows no
//! egui.

use std::collections::BTreeMap;

use super::scale::{SHORTEST_LOG_NS, log_ns, time_ns};

/// Bins in each decade.
pub const PER_DECADE: f64 = 20.0;

/// Frames by the logarithm of their time.
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    /// Bin `k` begins at `10^(k / PER_DECADE)` ns.
    bins: BTreeMap<u32, u64>,
    num_frames: u64,
}

/// A bin on the axis of decades, and the share of all frames (0 to 1) that fell into it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the line above says it")]
pub struct Bar {
    pub from: f64,
    pub to: f64,
    pub share: f64,
}

impl Histogram {
    /// Adds one run's column.
    pub fn add(&mut self, column_ns: &[u64]) {
        for &time_ns in column_ns {
            *self.bins.entry((log_ns(time_ns) * PER_DECADE) as u32).or_default() += 1;
        }
        self.num_frames += column_ns.len() as u64;
    }

    /// From the first bin with a frame to the last, those without a frame in between included.
    pub fn bars(&self) -> Vec<Bar> {
        let (Some((&first, _)), Some((&last, _))) = (self.bins.first_key_value(), self.bins.last_key_value()) else {
            return Vec::new();
        };
        let bar = |bin: u32| {
            let count = self.bins.get(&bin).copied().unwrap_or(0);
            let (from, to) = (f64::from(bin) / PER_DECADE, f64::from(bin + 1) / PER_DECADE);
            Bar { from, to, share: count as f64 / self.num_frames as f64 }
        };
        (first..=last).map(bar).collect()
    }
}

/// The times between two places on the axis of decades, in either order. What is drawn at the axis' low end stands for
/// every shorter time.
pub fn brushed(one: f64, other: f64) -> (u64, u64) {
    let (low, high) = (one.min(other), one.max(other));
    (if low > SHORTEST_LOG_NS { time_ns(low) } else { 0 }, time_ns(high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_is_in_one_bin() {
        let mut histogram = Histogram::default();
        histogram.add(&[0, 50, 100, 1_000_000]);
        histogram.add(&[1_000_000, 1_100_000, 1_200_000, u64::MAX]);
        let bars = histogram.bars();
        assert_eq!(bars[0], Bar { from: 2.0, to: 2.05, share: 3.0 / 8.0 });
        let at = |log: f64| bars.iter().find(|bar| bar.from <= log && log < bar.to).map(|bar| bar.share);
        assert_eq!(at(6.0), Some(3.0 / 8.0));
        assert_eq!(at(6.07), Some(1.0 / 8.0));
        assert_eq!(bars.iter().map(|bar| bar.share).sum::<f64>(), 1.0);
        assert!(Histogram::default().bars().is_empty());
    }

    #[test]
    fn the_low_end_stands_for_everything_shorter() {
        assert_eq!(brushed(6.0, 2.0), (0, 1_000_000));
        assert_eq!(brushed(1.0, 3.0), (0, 1000));
        assert_eq!(brushed(3.0, 4.0), (1000, 10_000));
    }
}
