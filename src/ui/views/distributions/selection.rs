//! Which frames a person has marked: those whose time lies in a range that was brushed on a histogram.
//!
//! A rule, not a list, so it holds for every run and costs nothing to keep. Knows no egui.

use crate::record::FrameColumns;
use crate::stats::runs::metrics::Metric;

/// A time that every frame has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FrameTime {
    /// Inside nvEncLockBitstream.
    #[default]
    LockWait,
    /// From the call of nvEncEncodePicture to the packet in the caller's hands.
    Latency,
}

/// Frames whose time lies in a range, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the line above says it")]
pub struct FrameSelection {
    pub time: FrameTime,
    pub from_ns: u64,
    pub to_ns: u64,
}

impl FrameTime {
    /// Both, in the order of views.
    pub const ALL: [Self; 2] = [Self::LockWait, Self::Latency];

    /// Name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::LockWait => "Lock wait",
            Self::Latency => "Latency",
        }
    }

    /// Its definition.
    pub fn definition(self) -> &'static str {
        match self {
            Self::LockWait => "Time inside nvEncLockBitstream for this frame's output, on whichever thread called it.",
            Self::Latency => "Time from the call of nvEncEncodePicture until the caller has the packet.",
        }
    }

    /// The column that holds it, in nanoseconds.
    pub fn column(self, frames: &FrameColumns) -> &[u64] {
        match self {
            Self::LockWait => &frames.lock_ns,
            Self::Latency => &frames.latency_ns,
        }
    }

    /// What a run's own median and tail of it are called.
    pub fn run_metrics(self) -> [Metric; 2] {
        match self {
            Self::LockWait => [Metric::LockP50Ms, Metric::LockP99Ms],
            Self::Latency => [Metric::LatencyP50Ms, Metric::LatencyP99Ms],
        }
    }
}

impl FrameSelection {
    /// Its times in nanoseconds.
    pub fn range_ns(&self) -> std::ops::RangeInclusive<u64> {
        self.from_ns..=self.to_ns
    }

    /// The frames of a run that are marked, ascending.
    pub fn frames_in(&self, frames: &FrameColumns) -> Vec<usize> {
        let marked = |&(idx, time_ns): &(usize, &u64)| self.range_ns().contains(time_ns) && frames.came_back(idx);
        self.time.column(frames).iter().enumerate().filter(marked).map(|(idx, _)| idx).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_marked() {
        let frames = FrameColumns { lock_ns: vec![5, 10, 15, 20, 21], ..FrameColumns::default() };
        let selection = FrameSelection { time: FrameTime::LockWait, from_ns: 10, to_ns: 20 };
        assert_eq!(selection.frames_in(&frames), [1, 2, 3]);
        let none = FrameSelection { time: FrameTime::Latency, ..selection };
        assert!(none.frames_in(&frames).is_empty());
    }
}
