//! How many frames took how long, in bins that are the same for every case, so that cases lie over each other.
//!
//! Bins are equal on an axis of decades: a wait of microseconds and one of milliseconds both keep their shape. For plots;
//! nothing is judged by it.

use std::collections::BTreeMap;

/// Clock readings cost about this much, so what took less is in the first bin.
pub const SHORTEST_NS: u64 = 100;

/// Bins in each decade.
pub const PER_DECADE: f64 = 20.0;

/// Frames by the logarithm of their time.
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    /// Bin `k` begins at `10^(k / PER_DECADE)` ns.
    bins: BTreeMap<u32, u64>,
    num_frames: u64,
}

/// A bin, and the share of all frames (0 to 1) that fell into it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the line above says it")]
pub struct Bar {
    pub from_ns: f64,
    pub to_ns: f64,
    pub share: f64,
}

impl Histogram {
    /// Adds one run's column.
    pub fn add(&mut self, column_ns: &[u64]) {
        for &time_ns in column_ns {
            let bin = self.bins.entry(bin_of(time_ns)).or_default();
            *bin = bin.saturating_add(1);
        }
        self.num_frames = self.num_frames.saturating_add(column_ns.len() as u64);
    }

    /// From the first bin with a frame to the last, those without a frame in between included.
    pub fn bars(&self) -> Vec<Bar> {
        let (Some((&first, _)), Some((&last, _))) = (self.bins.first_key_value(), self.bins.last_key_value()) else {
            return Vec::new();
        };
        let bar = |bin: u32| {
            let count = self.bins.get(&bin).copied().unwrap_or(0);
            let edge = |bin: u32| 10f64.powf(f64::from(bin) / PER_DECADE);
            Bar { from_ns: edge(bin), to_ns: edge(bin.saturating_add(1)), share: count as f64 / self.num_frames as f64 }
        };
        (first..=last).map(bar).collect()
    }
}

fn bin_of(time_ns: u64) -> u32 {
    ((time_ns.max(SHORTEST_NS) as f64).log10() * PER_DECADE) as u32
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
        assert_eq!((bars[0].from_ns, bars[0].share), (100.0, 3.0 / 8.0));
        let at = |ns: f64| bars.iter().find(|bar| bar.from_ns <= ns && ns < bar.to_ns).map(|bar| bar.share);
        assert_eq!(at(1.0e6), Some(3.0 / 8.0));
        assert_eq!(at(1.18e6), Some(1.0 / 8.0));
        assert_eq!(bars.iter().map(|bar| bar.share).sum::<f64>(), 1.0);
        assert!(Histogram::default().bars().is_empty());
    }
}
