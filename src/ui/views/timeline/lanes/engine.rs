//! Which frame the engine encoded when: as the model says, or inferred from when the driver's calls returned.
//!
//! Only a virtual device says when its engine began and ended a frame. Elsewhere a thread that waited inside
//! nvEncLockBitstream was let go when the frame was done, and an engine that takes frames in coding order begins none before
//! it was submitted. Knows no run and no row.

use crate::ui::views::timeline::lanes::times::{Span, Times};

/// A lock that took longer has waited for the engine; a shorter one found the frame done, as handing out a finished packet
/// takes a few microseconds. Where a driver takes longer for that, every frame seems to end with its lock.
pub const WAITED_FROM_NS: u64 = 5_000;

/// How an inferred lane came about, for people.
pub const INFERRED: &str = "Inferred from the calls. A frame begins when its submit call has returned and the frame \
                            before it is done. It is done when a lock that waited for it returns, and otherwise when \
                            its lock was called, or earlier: then its box is low.";

/// What a lane shows that the model knows, for people.
pub const KNOWN: &str = "When the virtual device's engine worked on each frame, as the model says. A box ends where the \
                         next frame begins, or where its own is done.";

/// A frame on the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    /// Its place in display order.
    pub frame: u32,
    /// From its begin to its end.
    pub span: Span,
    /// Its end was seen; otherwise it may have been done before.
    pub is_end_seen: bool,
}

/// What the record says; `None` unless it has both times of every frame. An engine may begin a frame before the one before
/// it is done.
pub fn known(times: &Times<'_>, coding_order: &[u32]) -> Option<Vec<Encoding>> {
    let (begins, ends) = (&times.frames.encode_at_ns, &times.frames.encoded_at_ns);
    let encoding = |&frame: &u32| {
        let (from_ns, until_ns) = (*begins.get(frame as usize)?, *ends.get(frame as usize)?);
        Some(Encoding { frame, span: Span { from_ns, until_ns }, is_end_seen: true })
    };
    coding_order.iter().map(encoding).collect()
}

/// One frame at a time in the order of coding, as a frame begins no earlier than the one before was done.
pub fn infer(times: &Times<'_>, coding_order: &[u32]) -> Vec<Encoding> {
    let mut free_at_ns = 0;
    let encoding = |&frame: &u32| {
        let lock = times.lock(frame);
        let is_end_seen = lock.length_ns() > WAITED_FROM_NS;
        let from_ns = times.submit(frame).until_ns.max(free_at_ns);
        let until_ns = if is_end_seen { lock.until_ns } else { lock.from_ns };
        // A lock that was called while the frame before was still seen to be encoded says nothing about this one.
        free_at_ns = until_ns.max(from_ns);
        Encoding { frame, span: Span { from_ns, until_ns: free_at_ns }, is_end_seen }
    };
    coding_order.iter().map(encoding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::LockPlacement;
    use crate::record::FrameColumns;

    /// Frames by when they were submitted, when their lock was called, and when it returned; a submit call takes 1 µs.
    fn spans(frames_us: &[(u64, u64, u64)], coding_order: &[u32]) -> Vec<(u32, u64, u64)> {
        let column = |value: fn(&(u64, u64, u64)) -> u64| frames_us.iter().map(|frame| 1_000 * value(frame)).collect();
        let frames = FrameColumns {
            submit_at_ns: column(|frame| frame.0),
            submit_ns: column(|_| 1),
            lock_at_ns: column(|frame| frame.1),
            lock_ns: column(|frame| frame.2 - frame.1),
            latency_ns: column(|frame| frame.2 - frame.0),
            ..FrameColumns::default()
        };
        let times = Times { frames: &frames, lock: LockPlacement::Inline, waits_before_upload: true };
        let us = |it: Encoding| (it.frame, it.span.from_ns / 1_000, it.span.until_ns / 1_000);
        infer(&times, coding_order).into_iter().map(us).collect()
    }

    #[test]
    fn a_serial_frame_takes_from_its_submit_call_to_the_end_of_its_lock() {
        let encoded = spans(&[(0, 2, 900), (1_000, 1_002, 1_900)], &[0, 1]);
        assert_eq!(encoded, [(0, 1, 900), (1, 1_001, 1_900)]);
    }

    #[test]
    fn frames_in_flight_follow_each_other_on_the_engine() {
        let encoded = spans(&[(0, 20, 900), (10, 910, 1_300), (905, 1_310, 1_700)], &[0, 1, 2]);
        assert_eq!(encoded, [(0, 1, 900), (1, 900, 1_300), (2, 1_300, 1_700)]);
    }

    #[test]
    fn a_frame_that_nobody_waited_for_was_done_at_the_latest_when_its_lock_was_called() {
        let encoded = spans(&[(0, 500, 502), (600, 601, 900)], &[0, 1]);
        assert_eq!(encoded, [(0, 1, 500), (1, 601, 900)]);
    }

    #[test]
    fn b_frames_follow_the_frame_that_they_were_held_back_for() {
        // Display order 0 1 2, coding order 0 2 1.
        let encoded = spans(&[(0, 30, 400), (10, 810, 1_000), (20, 410, 800)], &[0, 2, 1]);
        assert_eq!(encoded, [(0, 1, 400), (2, 400, 800), (1, 800, 1_000)]);
    }

    #[test]
    fn contradicting_times_give_an_empty_stay() {
        // The second frame's lock was over before it was submitted.
        assert_eq!(spans(&[(0, 2, 900), (2_000, 950, 2_001)], &[0, 1, 7])[1..], [(1, 2_001, 2_001), (7, 2_001, 2_001)]);
    }

    #[test]
    fn what_the_record_says_is_taken_for_all_frames_or_for_none() {
        let frames =
            FrameColumns { encode_at_ns: vec![10, 40], encoded_at_ns: vec![50, 80], ..FrameColumns::default() };
        let times = Times { frames: &frames, lock: LockPlacement::Inline, waits_before_upload: true };
        let spans = |it: Vec<Encoding>| it.iter().map(|it| (it.span.from_ns, it.span.until_ns)).collect::<Vec<_>>();
        assert_eq!(known(&times, &[1, 0]).map(spans), Some(vec![(40, 80), (10, 50)]));
        assert_eq!(known(&times, &[0, 1, 2]), None);
    }
}
