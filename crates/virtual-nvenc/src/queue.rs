//! The driver's own queue: a submission waits while so many pictures are unfinished. Times are arguments; knows no clock.

use std::collections::VecDeque;

/// When the pictures that the queue holds are done, oldest first.
#[derive(Debug)]
pub struct DriverQueue {
    /// 0: any number.
    size: usize,
    until_ns: VecDeque<u64>,
}

impl DriverQueue {
    /// A queue of at most `size` pictures; 0: of any number.
    pub fn new(size: u32) -> Self {
        // A client measures while it is used, so no memory is asked for then. One submission may release several pictures.
        Self { size: size as usize, until_ns: VecDeque::with_capacity(size as usize + 16) }
    }

    /// When there is room for one picture more, which is to be pushed then; 0: now.
    pub fn room_ns(&mut self) -> u64 {
        let mut room_ns = 0;
        while self.size > 0 && self.until_ns.len() >= self.size {
            // Pictures are done in order: when the first has left, there is one place more.
            room_ns = self.until_ns.pop_front().unwrap_or(0);
        }
        room_ns
    }

    /// A picture is in the engine's hands until `done_ns`.
    pub fn push(&mut self, done_ns: u64) {
        if self.size > 0 {
            self.until_ns.push_back(done_ns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_waits_for_the_oldest_of_a_full_queue() {
        let mut queue = DriverQueue::new(2);
        let taken = [10, 20, 30, 40].map(|done_ns| {
            let room_ns = queue.room_ns();
            queue.push(done_ns);
            room_ns
        });
        assert_eq!(taken, [0, 0, 10, 20]);
        let mut endless = DriverQueue::new(0);
        (0..100).for_each(|done_ns| endless.push(done_ns));
        assert_eq!(endless.room_ns(), 0);
    }
}
