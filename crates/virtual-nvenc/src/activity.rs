//! What an engine did within the last second, as pure arithmetic: times are arguments in nanoseconds.
//! It knows no clock and no service; it is told until when the engine is booked.
//!
//! The second is kept in sixteenths, so that a picture adds to a few numbers and needs no memory.

use std::ops::AddAssign;

/// How far back [`Load`] reaches: NVML's utilisation is sampled over up to a second too.
pub const WINDOW_NS: u64 = 1_000_000_000;

const NUM_BINS: u64 = 16;
const BIN_NS: u64 = WINDOW_NS / NUM_BINS;

/// The last second of an engine.
#[derive(Debug, Default)]
pub struct Activity {
    bins: [Bin; NUM_BINS as usize],
    /// What was done before this time is in the bins.
    settled_ns: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    busy_ns: u64,
    num_pictures: u64,
    latency_ns: u64,
}

/// What an engine did in a span of time that ends now, or several of them together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Length of the span: a second, less up to a sixteenth.
    pub span_ns: u64,
    /// For how much of it the engine could take no further picture.
    pub busy_ns: u64,
    /// Pictures submitted in it.
    pub num_pictures: u64,
    /// From their submission until they are done, all together.
    pub latency_ns: u64,
}

impl AddAssign for Load {
    fn add_assign(&mut self, other: Load) {
        self.span_ns += other.span_ns;
        self.busy_ns += other.busy_ns;
        self.num_pictures += other.num_pictures;
        self.latency_ns += other.latency_ns;
    }
}

impl Activity {
    /// Accounts for the time until `now_ns`. The engine is booked until `free_ns`, without a gap from the time of the
    /// last call on: what was submitted then began at once, or behind other pictures.
    pub fn settle(&mut self, now_ns: u64, free_ns: u64) {
        // Sessions that share an engine may come in another order than their clock readings.
        if now_ns <= self.settled_ns {
            return;
        }
        let (from_idx, now_idx) = (self.settled_ns / BIN_NS, now_ns / BIN_NS);
        for idx in from_idx.max(oldest_idx(now_ns))..=now_idx {
            let bin = &mut self.bins[(idx % NUM_BINS) as usize];
            if idx > from_idx {
                *bin = Bin::default();
            }
            let end_ns = free_ns.min(now_ns).min((idx + 1) * BIN_NS);
            bin.busy_ns += end_ns.saturating_sub(self.settled_ns.max(idx * BIN_NS));
        }
        self.settled_ns = now_ns;
    }

    /// A picture was submitted at the time of the last [`Activity::settle`], and is done `latency_ns` after it.
    pub fn count(&mut self, latency_ns: u64) {
        let bin = &mut self.bins[(self.settled_ns / BIN_NS % NUM_BINS) as usize];
        bin.num_pictures += 1;
        bin.latency_ns += latency_ns;
    }

    /// The last second before the time of the last [`Activity::settle`].
    pub fn load(&self) -> Load {
        let span_ns = self.settled_ns - oldest_idx(self.settled_ns) * BIN_NS;
        let mut load = Load { span_ns, ..Load::default() };
        for bin in &self.bins {
            load.busy_ns += bin.busy_ns;
            load.num_pictures += bin.num_pictures;
            load.latency_ns += bin.latency_ns;
        }
        load
    }
}

/// The first sixteenth that is kept at that time.
fn oldest_idx(now_ns: u64) -> u64 {
    (now_ns / BIN_NS).saturating_sub(NUM_BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    /// What was busy in the second before `now_ns`, of an engine with pictures of 10 ms at `submitted_ns`.
    fn busy_ns(submitted_ns: &[u64], now_ns: u64) -> u64 {
        let (mut activity, mut free_ns) = (Activity::default(), 0);
        for &submitted_ns in submitted_ns {
            activity.settle(submitted_ns, free_ns);
            free_ns = free_ns.max(submitted_ns) + 10_000_000;
        }
        activity.settle(now_ns, free_ns);
        activity.load().busy_ns
    }

    #[test]
    fn busy_is_what_was_worked_off_and_not_what_is_booked() {
        assert_eq!(busy_ns(&[], 5 * S), 0);
        assert_eq!(busy_ns(&[0], 4_000_000), 4_000_000);
        assert_eq!(busy_ns(&[0], S / 2), 10_000_000);
        assert_eq!(busy_ns(&[0; 20], S / 2), 200_000_000);
        assert_eq!(busy_ns(&[0; 20], 50_000_000), 50_000_000);
    }

    #[test]
    fn what_lies_further_back_than_a_second_is_gone() {
        assert_eq!(busy_ns(&[0; 20], 3 * S), 0);
        assert_eq!(busy_ns(&[0, 3 * S], 3 * S + S / 2), 10_000_000);
        assert_eq!(busy_ns(&[0; 20], S + BIN_NS), 200_000_000 - 2 * BIN_NS, "two sixteenths are gone");
        assert_eq!(busy_ns(&[0; 1000], 5 * S + 1), 15 * BIN_NS + 1, "busy for ten seconds");
    }

    #[test]
    fn an_engine_that_never_rests_is_busy_for_the_whole_span() {
        let mut activity = Activity::default();
        for now_ns in (0..4 * S).step_by(33_333_333) {
            activity.settle(now_ns, u64::MAX);
            let load = activity.load();
            assert_eq!(load.busy_ns, load.span_ns);
            assert!(load.span_ns == now_ns || (S - BIN_NS..=S).contains(&load.span_ns), "{load:?}");
        }
    }

    #[test]
    fn pictures_are_counted_when_they_are_submitted() {
        let mut activity = Activity::default();
        for submitted_ns in [0, BIN_NS, BIN_NS, S / 2] {
            activity.settle(submitted_ns, submitted_ns);
            activity.count(7);
        }
        assert_eq!((activity.load().num_pictures, activity.load().latency_ns), (4, 28));
        activity.settle(S + S / 4, 0);
        assert_eq!((activity.load().num_pictures, activity.load().latency_ns), (1, 7));
        activity.settle(S, 0);
        assert_eq!(activity.load().num_pictures, 1, "an earlier time changes nothing");
    }
}
