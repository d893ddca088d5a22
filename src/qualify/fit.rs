//! From samples to figures, and from figures to what a run should take: arithmetic alone.

use super::drive::Pace;
use crate::card::Figure;

/// Below this, or below a tenth of the interval, nothing can be told from a call that waits or does not.
const LEAST_WAIT_NS: u64 = 20_000;

/// The four times of a frame, as a model of an engine has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) latency_ns: u64,
    pub(super) interval_ns: u64,
    pub(super) submit_ns: u64,
    pub(super) lock_ns: u64,
}

impl Figure {
    /// The median of some samples; without any, all 0.
    pub(super) fn of(samples: impl IntoIterator<Item = u64>) -> Self {
        let mut samples: Vec<u64> = samples.into_iter().collect();
        samples.sort_unstable();
        let at = |place: usize| samples.get(place).copied().unwrap_or(0);
        let (below, above) = (at(samples.len().saturating_sub(1) / 2), at(samples.len() / 2));
        Self {
            median_ns: below + (above - below) / 2,
            lowest_ns: at(0),
            highest_ns: samples.last().copied().unwrap_or(0),
            num_samples: u32::try_from(samples.len()).unwrap_or(u32::MAX),
        }
    }

    /// The same with another time taken off each sample.
    pub(super) fn less(self, ns: u64) -> Self {
        Self {
            median_ns: self.median_ns.saturating_sub(ns),
            lowest_ns: self.lowest_ns.saturating_sub(ns),
            highest_ns: self.highest_ns.saturating_sub(ns),
            ..self
        }
    }
}

/// What a tenth of the samples lie below: what a call takes that nothing disturbs.
pub(super) fn low(samples: &[u64]) -> u64 {
    let mut samples = samples.to_vec();
    samples.sort_unstable();
    samples.get(samples.len() / 10).copied().unwrap_or(0)
}

impl Pace {
    pub(super) fn per_frame_ns(&self) -> u64 {
        Figure::of(self.per_frame_ns.iter().copied()).median_ns
    }
}

impl Times {
    /// Time per frame with so many in flight and nothing else to do. The engine takes one every interval; the caller needs both
    /// calls for each; and a place in the ring is taken from the begin of a submission to the end of its lock.
    pub(super) fn per_frame_ns(&self, in_flight: u32) -> u64 {
        let Self { latency_ns, interval_ns, .. } = *self;
        let calls_ns = self.calls_ns();
        let ring_ns = (latency_ns + calls_ns) / u64::from(in_flight.max(1));
        if in_flight <= 1 { ring_ns } else { ring_ns.max(interval_ns).max(calls_ns) }
    }

    fn calls_ns(&self) -> u64 {
        self.submit_ns + self.lock_ns
    }

    /// Do the calls alone take about as long as the interval? Then they may hide a shorter one.
    pub(super) fn is_bound_by_calls(&self) -> bool {
        self.free_ns() < LEAST_WAIT_NS.max(self.interval_ns / 10)
    }

    /// What is left of an interval beside the calls: the caller waits for so long somewhere, when the engine is busy.
    fn free_ns(&self) -> u64 {
        self.interval_ns.saturating_sub(self.calls_ns())
    }

    /// Is the caller's wait in the submission call, rather than in the lock?
    pub(super) fn waits_in_submit(&self, submit_ns: u64) -> bool {
        submit_ns.saturating_sub(self.submit_ns) > self.free_ns() / 2
    }
}

/// Does a waiting lock hold the session? By the submission call meanwhile, alone, and the rest of the wait when it was called.
pub(super) fn holds_session(meanwhile_ns: u64, alone_ns: u64, rest_ns: u64) -> Option<bool> {
    let waits_by_itself = alone_ns > rest_ns / 2;
    (!waits_by_itself).then(|| meanwhile_ns.saturating_sub(alone_ns) > rest_ns.saturating_sub(alone_ns) / 2)
}

/// The first of `1..=most` of which `waits` says yes, by halves; whoever waits at one number waits at all larger ones.
pub(super) fn first<E>(most: u32, mut waits: impl FnMut(u32) -> Result<bool, E>) -> Result<Option<u32>, E> {
    if !waits(most)? {
        return Ok(None);
    }
    let (mut none, mut some) = (0, most);
    while some - none > 1 {
        let middle = none + (some - none) / 2;
        if waits(middle)? {
            some = middle;
        } else {
            none = middle;
        }
    }
    Ok(Some(some))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLISHED: Times = Times { latency_ns: 662_000, interval_ns: 300_000, submit_ns: 150_000, lock_ns: 75_000 };

    #[test]
    fn a_figure_is_the_median_and_the_extremes() {
        let figure = |samples: &[u64]| {
            let Figure { median_ns, lowest_ns, highest_ns, num_samples } = Figure::of(samples.iter().copied());
            (median_ns, lowest_ns, highest_ns, num_samples)
        };
        assert_eq!(figure(&[7, 1, 100]), (7, 1, 100, 3));
        assert_eq!(figure(&[8, 1, 4, 100]), (6, 1, 100, 4));
        assert_eq!(figure(&[]), (0, 0, 0, 0));
        assert_eq!(Figure::of([5, 9]).less(6).lowest_ns, 0);
    }

    #[test]
    fn a_run_takes_what_engine_calls_and_ring_allow() {
        let per_frame = [1, 2, 4, 8].map(|in_flight| PUBLISHED.per_frame_ns(in_flight));
        assert_eq!(per_frame, [887_000, 443_500, 300_000, 300_000]);
        let slow_calls = Times { submit_ns: 400_000, ..PUBLISHED };
        assert_eq!(slow_calls.per_frame_ns(8), 475_000);
        assert!(slow_calls.is_bound_by_calls() && !PUBLISHED.is_bound_by_calls());
    }

    #[test]
    fn a_wait_is_where_it_takes_most_of_what_is_left_of_an_interval() {
        assert!(!PUBLISHED.waits_in_submit(155_000) && PUBLISHED.waits_in_submit(220_000));
    }

    #[test]
    fn a_lock_holds_the_session_where_the_submission_lasts_as_long_as_it() {
        assert_eq!(holds_session(900, 20, 880), Some(true));
        assert_eq!(holds_session(22, 20, 880), Some(false));
        assert_eq!(holds_session(900, 870, 880), None);
    }

    #[test]
    fn the_first_depth_that_waits_is_found_by_few_trials() {
        for limit in 1..=33_u32 {
            let mut num_trials = 0;
            let found = first(33, |depth| {
                num_trials += 1;
                Ok::<_, ()>(depth >= limit)
            });
            assert_eq!(found, Ok(Some(limit)));
            assert!(num_trials <= 7, "{num_trials}");
        }
        assert_eq!(first(33, |_| Ok::<_, ()>(false)), Ok(None));
    }
}
