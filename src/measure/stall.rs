//! Finds a driver call that does not return. Knows no driver and no process: whoever has the board looks at it now and then.

use std::time::{Duration, Instant};

use crate::calls::{Board, Busy, Call};

/// A call that makes things ready, or takes them apart, may take so many times as long.
const SLOW_FACTOR: u32 = 12;

/// The calls that were seen, and since when.
#[derive(Debug)]
pub(super) struct StallWatch {
    limit: Duration,
    seen: Vec<(Busy, Instant)>,
}

impl StallWatch {
    /// A call that comes once a frame may take as long as `limit`.
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, seen: Vec::new() }
    }

    /// A call that has taken longer than it may.
    pub(super) fn look(&mut self, board: &Board, now: Instant) -> Option<Call> {
        self.seen.retain(|(busy, _)| board.is_still(busy));
        for busy in board.busy() {
            if !self.seen.iter().any(|(known, _)| *known == busy) {
                self.seen.push((busy, now));
            }
        }
        let limit = |call: Call| if call.is_slow() { self.limit * SLOW_FACTOR } else { self.limit };
        let is_over = |(busy, since): &&(Busy, Instant)| now.saturating_duration_since(*since) > limit(busy.call);
        self.seen.iter().find(is_over).map(|(busy, _)| busy.call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls;

    #[test]
    fn only_a_call_that_stays_the_same_for_too_long_is_told() {
        let (mut watch, start) = (StallWatch::new(Duration::from_secs(5)), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        // Other tests enter calls too.
        let mut look = |seconds| watch.look(calls::current(), after(seconds)).filter(|call| *call == Call::MapInput);
        let one = calls::enter(Call::MapInput);
        assert_eq!((look(0), look(4)), (None, None));
        drop(one);
        let another = calls::enter(Call::MapInput);
        assert_eq!((look(6), look(10)), (None, None), "it is not the one that was seen first");
        assert_eq!(look(12), Some(Call::MapInput));
        drop(another);
        assert_eq!(look(60), None);
    }

    #[test]
    fn opening_may_take_longer() {
        let (mut watch, start) = (StallWatch::new(Duration::from_secs(5)), Instant::now());
        let mut look = |seconds| {
            watch
                .look(calls::current(), start + Duration::from_secs(seconds))
                .filter(|call| *call == Call::CreateDecoder)
        };
        let _call = calls::enter(Call::CreateDecoder);
        assert_eq!((look(0), look(50)), (None, None));
        assert_eq!(look(61), Some(Call::CreateDecoder));
    }
}
