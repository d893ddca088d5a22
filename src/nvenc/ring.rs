//! The in-flight ring's book-keeping: how many pictures are where. Numbers only; calls nothing, waits for nothing.
//!
//! Pictures go through in one order (the API wants locks in the order of submission), so three counters say all:
//! `harvested ≤ lockable ≤ submitted`. In flight is `submitted − harvested`, which counts what a harvest thread
//! holds locked, and slot `k mod pool` belongs to the `k`-th.

/// Counters of one encoder.
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

    /// Submitted and not yet unlocked.
    pub(super) fn in_flight(&self) -> u64 {
        self.submitted - self.harvested
    }

    /// Is there a buffer pair that the driver does not hold?
    pub(super) fn has_free_slot(&self) -> bool {
        self.in_flight() < self.pool
    }

    /// May the oldest picture be locked? Only a SUCCESS at or after its submission makes it so.
    pub(super) fn can_lock(&self) -> bool {
        self.harvested < self.lockable
    }

    /// Must one be taken back before the next is submitted? Pictures that the driver holds back for reordering cannot
    /// be, so they do not count.
    pub(super) fn at_threshold(&self) -> bool {
        self.lockable.saturating_sub(self.harvested) >= self.threshold
    }

    /// Slot and number of the next submission; `None` while the driver holds every slot.
    pub(super) fn next_submission(&self) -> Option<(usize, u64)> {
        self.has_free_slot().then_some(((self.submitted % self.pool) as usize, self.submitted))
    }

    /// Slot and coding-order position of the oldest picture in flight.
    pub(super) fn oldest(&self) -> (usize, u64) {
        ((self.harvested % self.pool) as usize, self.harvested)
    }

    /// A picture was submitted; `ready` if the driver answered SUCCESS, which readies all before it too.
    /// Returns how many are in flight now.
    pub(super) fn submit(&mut self, ready: bool) -> u64 {
        self.submitted += 1;
        if ready {
            self.lockable = self.submitted;
        }
        self.peak = self.peak.max(self.in_flight());
        self.in_flight()
    }

    /// The stream ended: all that was submitted may be locked.
    pub(super) fn end(&mut self) {
        self.lockable = self.submitted;
    }

    /// The oldest picture was unlocked.
    pub(super) fn harvest(&mut self) {
        self.harvested += 1;
    }

    /// Nothing left in flight?
    pub(super) fn is_drained(&self) -> bool {
        self.harvested == self.submitted
    }

    /// Most pictures ever in flight.
    pub(super) fn peak(&self) -> u32 {
        u32::try_from(self.peak).unwrap_or(u32::MAX)
    }

    /// Pictures submitted in all.
    pub(super) fn submitted(&self) -> u64 {
        self.submitted
    }

    /// Pictures unlocked in all.
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
            assert_eq!(ring.submit(true), 1);
            assert!(ring.at_threshold());
            ring.harvest();
        }
        assert_eq!((ring.peak(), ring.submitted(), ring.harvested()), (1, 10, 10));
    }

    #[test]
    fn held_back_pictures_cannot_be_locked_and_do_not_block() {
        let mut ring = Ring::new(1, 4);
        ring.submit(false);
        ring.submit(false);
        assert!(!ring.can_lock() && !ring.at_threshold() && ring.has_free_slot());
        ring.submit(true);
        assert!(ring.at_threshold());
        assert_eq!(ring.oldest(), (0, 0));
    }

    #[test]
    fn held_back_pictures_do_not_count_against_the_threshold() {
        let mut ring = Ring::new(2, 4);
        ring.submit(true);
        ring.submit(false);
        ring.submit(false);
        assert!(!ring.at_threshold(), "one of the three could be locked");
        ring.submit(true);
        assert!(ring.at_threshold() && ring.peak() == 4);
    }

    #[test]
    fn the_end_of_the_stream_readies_everything() {
        let mut ring = Ring::new(4, 4);
        ring.submit(false);
        ring.end();
        assert!(ring.can_lock() && !ring.is_drained());
        ring.harvest();
        assert!(ring.is_drained());
    }

    #[test]
    fn slots_go_round() {
        let mut ring = Ring::new(3, 3);
        let slots: Vec<_> = (0..5)
            .map(|_| {
                let slot = ring.next_submission();
                ring.submit(true);
                ring.harvest();
                slot
            })
            .collect();
        assert_eq!(slots, [(0, 0), (1, 1), (2, 2), (0, 3), (1, 4)].map(Some));
    }
}
