//! The in-flight ring's book-keeping: how many frames are where. Numbers only; calls nothing, waits for nothing.
//!
//! Frames go in in one order and come back in one order, so three counters say all:
//! `harvested ≤ lockable ≤ submitted`. In flight is `submitted − harvested`, which counts what a harvest thread
//! holds locked.

use super::engine::Ready;

/// Counters of one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ring {
    threshold: u64,
    pool: u64,
    submitted: u64,
    lockable: u64,
    harvested: u64,
    peak: u64,
}

impl Ring {
    pub(super) fn new(threshold: u32, pool: u32) -> Self {
        Self { threshold: threshold.into(), pool: pool.into(), submitted: 0, lockable: 0, harvested: 0, peak: 0 }
    }

    /// Most frames that can be in flight.
    pub(super) fn pool(&self) -> u32 {
        self.pool as u32
    }

    /// Submitted and not yet unlocked.
    pub(super) fn in_flight(&self) -> u64 {
        self.submitted - self.harvested
    }

    /// Is there a buffer that the driver does not hold?
    pub(super) fn has_free_slot(&self) -> bool {
        self.in_flight() < self.pool
    }

    /// May the oldest frame be locked? Only the driver's word at or after its submission makes it so.
    pub(super) fn can_lock(&self) -> bool {
        self.harvested < self.lockable
    }

    /// Must one be taken back before the next is submitted? Frames that the driver holds back for reordering cannot
    /// be, so they do not count.
    pub(super) fn at_threshold(&self) -> bool {
        self.lockable.saturating_sub(self.harvested) >= self.threshold
    }

    /// Number of the next submission; `None` while the driver holds every buffer.
    pub(super) fn next_submission(&self) -> Option<u64> {
        self.has_free_slot().then_some(self.submitted)
    }

    /// A frame was submitted. Returns how many are in flight now.
    pub(super) fn submit(&mut self, ready: Ready) -> u64 {
        self.submitted += 1;
        self.lockable = match ready {
            Ready::All => self.submitted,
            Ready::AllBut(num) => self.submitted.saturating_sub(num).max(self.lockable),
            // A driver that announces frames it was never given must not make us lock them.
            Ready::More(num) => self.submitted.min(self.lockable + num),
        };
        self.peak = self.peak.max(self.in_flight());
        self.in_flight()
    }

    /// The stream ended: all that was submitted may be locked.
    pub(super) fn end(&mut self) {
        self.lockable = self.submitted;
    }

    /// Looks for the most frames in flight from now on.
    pub(super) fn forget_peak(&mut self) {
        self.peak = self.in_flight();
    }

    /// The oldest frame was unlocked.
    pub(super) fn harvest(&mut self) {
        self.harvested += 1;
    }

    /// Nothing left in flight?
    pub(super) fn is_drained(&self) -> bool {
        self.harvested == self.submitted
    }

    /// Most frames ever in flight.
    pub(super) fn peak(&self) -> u32 {
        u32::try_from(self.peak).unwrap_or(u32::MAX)
    }

    /// Frames submitted in all.
    pub(super) fn submitted(&self) -> u64 {
        self.submitted
    }

    /// Frames unlocked in all, which is also the number of the oldest in flight.
    pub(super) fn harvested(&self) -> u64 {
        self.harvested
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_never_has_two_in_flight() {
        let mut ring = Ring::new(1, 1);
        for _ in 0..10 {
            assert!(ring.has_free_slot() && !ring.at_threshold());
            assert_eq!(ring.submit(Ready::All), 1);
            assert!(ring.at_threshold());
            ring.harvest();
        }
        assert_eq!((ring.peak(), ring.submitted(), ring.harvested()), (1, 10, 10));
    }

    #[test]
    fn held_back_frames_cannot_be_locked_and_do_not_block() {
        let mut ring = Ring::new(1, 4);
        ring.submit(Ready::More(0));
        ring.submit(Ready::More(0));
        assert!(!ring.can_lock() && !ring.at_threshold() && ring.has_free_slot());
        ring.submit(Ready::All);
        assert!(ring.at_threshold());
    }

    #[test]
    fn held_back_frames_do_not_count_against_the_threshold() {
        let mut ring = Ring::new(2, 4);
        ring.submit(Ready::All);
        ring.submit(Ready::More(0));
        ring.submit(Ready::More(0));
        assert!(!ring.at_threshold(), "one of the three could be locked");
        ring.submit(Ready::All);
        assert!(ring.at_threshold() && ring.peak() == 4);
    }

    #[test]
    fn the_end_of_the_stream_readies_everything() {
        let mut ring = Ring::new(4, 4);
        ring.submit(Ready::More(0));
        ring.end();
        assert!(ring.can_lock() && !ring.is_drained());
        ring.harvest();
        assert!(ring.is_drained());
    }

    #[test]
    fn a_driver_that_reorders_makes_frames_lockable_one_by_one() {
        let mut ring = Ring::new(1, 4);
        ring.submit(Ready::More(0));
        ring.submit(Ready::More(0));
        ring.submit(Ready::More(2));
        ring.harvest();
        ring.harvest();
        assert!(!ring.can_lock() && ring.in_flight() == 1);
        ring.submit(Ready::More(9));
        assert_eq!((ring.in_flight(), ring.next_submission()), (2, Some(4)), "no more than were submitted");
    }

    #[test]
    fn nothing_is_submitted_while_the_driver_holds_every_buffer() {
        let mut ring = Ring::new(2, 2);
        ring.submit(Ready::More(0));
        ring.submit(Ready::More(0));
        assert_eq!(ring.next_submission(), None);
    }
}
