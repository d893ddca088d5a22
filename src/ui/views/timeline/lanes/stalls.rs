//! The frames of a run that waited longest in the lock, and the way from one to the next.
//!
//! Knows no egui: where the reader is it is told.

use crate::record::FrameColumns;

/// The frames whose lock wait is above the run's 99th percentile (the rank is rounded down, so that a run of a few dozen
/// frames has one too), in the order of their locks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stalls {
    /// The 99th percentile of the run's lock waits.
    pub limit_ns: u64,
    /// When its lock was called, and the frame.
    frames: Vec<(u64, usize)>,
}

impl Stalls {
    /// The outliers of a run.
    pub fn of(frames: &FrameColumns) -> Self {
        let mut waits_ns = frames.lock_ns.clone();
        let Some(last) = waits_ns.len().checked_sub(1) else { return Self::default() };
        let rank = (last as f64 * 0.99) as usize;
        let limit_ns = *waits_ns.select_nth_unstable(rank).1;
        let times = frames.lock_at_ns.iter().zip(&frames.lock_ns).enumerate();
        let above = times.filter(|(_, (_, lock_ns))| **lock_ns > limit_ns);
        let mut frames: Vec<_> = above.map(|(frame, (at_ns, _))| (*at_ns, frame)).collect();
        frames.sort_unstable();
        Self { limit_ns, frames }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// None?
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The first one that was locked after `at_ns`.
    pub fn after(&self, at_ns: u64) -> Option<usize> {
        let idx = self.frames.partition_point(|(lock_at_ns, _)| *lock_at_ns <= at_ns);
        self.frames.get(idx).map(|(_, frame)| *frame)
    }

    /// The last one that was locked before `at_ns`.
    pub fn before(&self, at_ns: u64) -> Option<usize> {
        let idx = self.frames.partition_point(|(lock_at_ns, _)| *lock_at_ns < at_ns).checked_sub(1)?;
        self.frames.get(idx).map(|(_, frame)| *frame)
    }

    /// The place, from 1 in the order of time, of a frame that was locked at `at_ns`.
    pub fn place(&self, frame: usize, at_ns: u64) -> Option<usize> {
        self.frames.binary_search(&(at_ns, frame)).ok().map(|idx| idx + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(lock_ns: Vec<u64>) -> FrameColumns {
        let lock_at_ns = (0..lock_ns.len() as u64).map(|idx| 1000 * idx).collect();
        FrameColumns { lock_ns, lock_at_ns, ..FrameColumns::default() }
    }

    #[test]
    fn one_in_a_hundred_frames_is_a_stall() {
        let mut waits_ns = vec![50; 300];
        (waits_ns[20], waits_ns[150], waits_ns[151]) = (900, 700, 800);
        let stalls = Stalls::of(&columns(waits_ns));
        assert_eq!((stalls.limit_ns, stalls.len()), (50, 3));
        assert_eq!((stalls.after(0), stalls.after(20_000), stalls.after(151_000)), (Some(20), Some(150), None));
        assert_eq!((stalls.before(151_000), stalls.before(20_000)), (Some(150), None));
        assert_eq!((stalls.place(151, 151_000), stalls.place(3, 3_000)), (Some(3), None));
    }

    #[test]
    fn frames_are_visited_in_the_order_of_their_locks() {
        let mut frames = columns(vec![50; 200]);
        (frames.lock_ns[7], frames.lock_ns[8]) = (900, 800);
        (frames.lock_at_ns[7], frames.lock_at_ns[8]) = (8_000, 7_000);
        let stalls = Stalls::of(&frames);
        assert_eq!((stalls.after(0), stalls.after(7_000)), (Some(8), Some(7)));
    }

    #[test]
    fn a_short_run_has_one_and_an_even_run_has_none() {
        assert_eq!(Stalls::of(&columns((1..=60).collect())).after(0), Some(59));
        assert!(Stalls::of(&columns(vec![5; 1000])).is_empty());
        assert!(Stalls::of(&columns(vec![5])).is_empty());
        assert!(Stalls::of(&columns(Vec::new())).is_empty());
    }

    #[test]
    fn torn_columns_count_as_far_as_they_go() {
        let mut frames = columns((1..=200).collect());
        frames.lock_at_ns.truncate(199);
        assert_eq!(Stalls::of(&frames).len(), 1);
    }
}
