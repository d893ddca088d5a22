//! When each part of a frame's time was, from the columns of a run.
//!
//! Knows one frame at a time: no order, no thread, no row. A value that is missing or damaged makes a part empty or
//! wrong, never a panic.

use crate::contract::{LockPlacement, MAX_IN_FLIGHT};
use crate::record::FrameColumns;

/// A shorter submit call waited for nobody: NVDEC takes up to 32 µs for one at 3840x2160 with nobody in its way.
const HELD_FROM_NS: u64 = 60_000;
/// Two calls that end within this have ended together. NVDEC lets a submission go as soon as the picture is done, and the map
/// that waited for the same has 10 to 20 µs of its own to do then (580.159.04 on an H200).
const TOGETHER_NS: u64 = 50_000;

/// What was done with a frame, or what it waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The submitting thread waits until a buffer is free, or until fewer frames than the threshold are in flight.
    Room,
    /// Copying it into the driver's input buffer.
    Upload,
    /// Converting it on the GPU.
    Convert,
    /// Inside nvEncEncodePicture, which came back only when another thread's lock had.
    SubmitBehindLock,
    /// Inside nvEncEncodePicture.
    Submit,
    /// Submitted, and nobody asks for it yet.
    InFlight,
    /// On the engine; its end was seen.
    Encode,
    /// On the engine or done: nobody waited for it, so its end was not seen.
    EncodeUnseen,
    /// Inside nvEncLockBitstream.
    LockWait,
    /// Copying the packet out.
    Copy,
    /// Inside nvEncUnlockBitstream.
    Unlock,
}

/// From when until when; both in nanoseconds since the first frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the line above says it")]
pub struct Span {
    pub from_ns: u64,
    pub until_ns: u64,
}

/// The times of a run's frames.
#[derive(Debug, Clone, Copy)]
pub struct Times<'a> {
    /// The measurements.
    pub frames: &'a FrameColumns,
    /// Who locked.
    pub lock: LockPlacement,
    /// The wait for room came before the upload: with as many buffers as the threshold both become free at once. With
    /// more, the frame is uploaded first.
    pub waits_before_upload: bool,
}

impl Part {
    /// How many there are.
    pub const COUNT: usize = 11;
    /// In the order in which a frame goes through them.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Room,
        Self::Upload,
        Self::Convert,
        Self::SubmitBehindLock,
        Self::Submit,
        Self::InFlight,
        Self::Encode,
        Self::EncodeUnseen,
        Self::LockWait,
        Self::Copy,
        Self::Unlock,
    ];

    /// Name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Room => "wait for room",
            Self::Upload => "upload",
            Self::Convert => "convert",
            Self::SubmitBehindLock => "submit, behind a lock",
            Self::Submit => "submit",
            Self::InFlight => "in flight",
            Self::Encode => "encode",
            Self::EncodeUnseen => "encode, end not seen",
            Self::LockWait => "lock wait",
            Self::Copy => "copy",
            Self::Unlock => "unlock",
        }
    }

    /// Its definition.
    pub fn definition(self) -> &'static str {
        match self {
            Self::Room => "The submitting thread waits for a free buffer, or until fewer than T frames are in flight.",
            Self::Upload => "Time getting the driver's input buffer, copying the frame into it, and giving it back.",
            Self::Convert => "Time converting the frame to NV12 on the GPU, until it is done.",
            Self::SubmitBehindLock => {
                "Time inside nvEncEncodePicture until the other thread's lock returned: the driver lets in one of the two at a \
                 time, or its queue was full."
            }
            Self::Submit => "Time inside nvEncEncodePicture.",
            Self::InFlight => "The frame is submitted, and no thread asks for its packet yet.",
            Self::Encode => "The engine encodes the frame. A thread waited in the lock for it, so its end is known.",
            Self::EncodeUnseen => {
                "The engine encodes the frame or has done so: no thread waited for it, so its end is not known."
            }
            Self::LockWait => "Time inside nvEncLockBitstream. Where the thread polls, that of the last call.",
            Self::Copy => "Time copying the packet out.",
            Self::Unlock => "Time inside nvEncUnlockBitstream.",
        }
    }
}

impl Span {
    /// How long; 0 if it ends before it begins.
    pub fn length_ns(self) -> u64 {
        self.until_ns.saturating_sub(self.from_ns)
    }

    /// What of it lies within `other`; empty if nothing does.
    pub fn within(self, other: Self) -> Self {
        let from_ns = self.from_ns.clamp(other.from_ns, other.until_ns.max(other.from_ns));
        Self { from_ns, until_ns: self.until_ns.min(other.until_ns).max(from_ns) }
    }
}

impl Times<'_> {
    /// Did the frame's packet come back? After an error some did not.
    pub fn came_back(&self, frame: u32) -> bool {
        self.get(&self.frames.latency_ns, frame) > 0
    }

    /// Waiting for room. Where the thread polls, that is after it has submitted.
    pub fn room(&self, frame: u32) -> Span {
        let blocked_ns = self.get(&self.frames.blocked_ns, frame);
        match self.lock {
            LockPlacement::Poll => after(self.submit(frame).until_ns, blocked_ns),
            _ if self.waits_before_upload => before(self.upload(frame).from_ns, blocked_ns),
            _ => before(self.submit(frame).from_ns, blocked_ns),
        }
    }

    /// Copying the frame in, from asking the driver for the buffer to giving it back.
    pub fn upload(&self, frame: u32) -> Span {
        let FrameColumns { input_lock_ns, upload_ns, input_unlock_ns, .. } = self.frames;
        let took_ns = [input_lock_ns, upload_ns, input_unlock_ns].map(|column| self.get(column, frame));
        before(self.convert(frame).from_ns, took_ns.into_iter().fold(0, u64::saturating_add))
    }

    /// Converting it, right after it was copied.
    pub fn convert(&self, frame: u32) -> Span {
        let is_before_room = self.lock != LockPlacement::Poll && !self.waits_before_upload;
        let until = if is_before_room { self.room(frame) } else { self.submit(frame) };
        before(until.from_ns, self.get(&self.frames.convert_ns, frame))
    }

    /// The call of nvEncEncodePicture.
    pub fn submit(&self, frame: u32) -> Span {
        after(self.get(&self.frames.submit_at_ns, frame), self.get(&self.frames.submit_ns, frame))
    }

    /// The call of nvEncEncodePicture in two: as long as another thread's lock, called before, went on, and the rest. The first
    /// is empty unless the call was worth a wait.
    pub fn submit_behind_lock(&self, frame: u32) -> [Span; 2] {
        let submit = self.submit(frame);
        let none = Span { from_ns: submit.from_ns, until_ns: submit.from_ns };
        if !self.lock.has_own_thread() || submit.length_ns() < HELD_FROM_NS {
            return [none, submit];
        }
        let earlier = (frame.saturating_sub(MAX_IN_FLIGHT)..frame).rev().map(|other| self.lock(other));
        let going_on = earlier.take_while(|lock| lock.until_ns > submit.from_ns);
        let ends_together = |lock: &Span| lock.until_ns.abs_diff(submit.until_ns) <= TOGETHER_NS;
        // One that was called when the submission had waited for long is not what it waited for.
        let is_long = |lock: &Span| 2 * lock.within(submit).length_ns() >= submit.length_ns();
        match going_on.filter(ends_together).filter(is_long).map(|lock| lock.until_ns.min(submit.until_ns)).max() {
            Some(over_ns) => [Span { until_ns: over_ns, ..submit }, Span { from_ns: over_ns, ..submit }],
            None => [none, submit],
        }
    }

    /// The call of nvEncLockBitstream that gave the packet; of several, only the last has a place.
    pub fn lock(&self, frame: u32) -> Span {
        let copy_at_ns = self.copy(frame).from_ns;
        let from_ns = self.get(&self.frames.lock_at_ns, frame).min(copy_at_ns);
        let until_ns = from_ns.saturating_add(self.get(&self.frames.lock_ns, frame)).min(copy_at_ns);
        Span { from_ns, until_ns }
    }

    /// Copying the packet out.
    pub fn copy(&self, frame: u32) -> Span {
        before(self.unlock(frame).from_ns, self.get(&self.frames.copy_ns, frame))
    }

    /// Giving the packet's buffer back.
    pub fn unlock(&self, frame: u32) -> Span {
        before(self.packet_at_ns(frame), self.get(&self.frames.unlock_ns, frame))
    }

    /// When the caller had the packet.
    pub fn packet_at_ns(&self, frame: u32) -> u64 {
        self.submit(frame).from_ns.saturating_add(self.get(&self.frames.latency_ns, frame))
    }

    fn get(&self, column: &[u64], frame: u32) -> u64 {
        column.get(frame as usize).copied().unwrap_or(0)
    }
}

fn before(until_ns: u64, length_ns: u64) -> Span {
    Span { from_ns: until_ns.saturating_sub(length_ns), until_ns }
}

fn after(from_ns: u64, length_ns: u64) -> Span {
    Span { from_ns, until_ns: from_ns.saturating_add(length_ns) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> FrameColumns {
        FrameColumns {
            blocked_ns: vec![30],
            upload_ns: vec![20],
            submit_at_ns: vec![100],
            submit_ns: vec![10],
            lock_at_ns: vec![150],
            lock_ns: vec![35],
            copy_ns: vec![5],
            unlock_ns: vec![2],
            latency_ns: vec![100],
            ..FrameColumns::default()
        }
    }

    fn span(from_ns: u64, until_ns: u64) -> Span {
        Span { from_ns, until_ns }
    }

    #[test]
    fn the_wait_for_room_is_where_the_thread_waited() {
        let frames = columns();
        let times = |lock, waits_before_upload| Times { frames: &frames, lock, waits_before_upload };
        let few_buffers = times(LockPlacement::Thread, true);
        assert_eq!((few_buffers.room(0), few_buffers.upload(0)), (span(50, 80), span(80, 100)));
        let many_buffers = times(LockPlacement::Thread, false);
        assert_eq!((many_buffers.upload(0), many_buffers.room(0)), (span(50, 70), span(70, 100)));
        let polling = times(LockPlacement::Poll, false);
        assert_eq!((polling.upload(0), polling.room(0)), (span(80, 100), span(110, 140)));
    }

    #[test]
    fn a_packet_is_locked_copied_and_unlocked() {
        let frames = columns();
        let times = Times { frames: &frames, lock: LockPlacement::Inline, waits_before_upload: true };
        assert_eq!((times.lock(0), times.copy(0), times.unlock(0)), (span(150, 185), span(193, 198), span(198, 200)));
        assert!(times.came_back(0) && !times.came_back(1));
    }

    #[test]
    fn a_submit_call_that_came_back_with_another_thread_s_lock_waited_behind_it() {
        // The second frame is submitted at 1 ms for 300 µs; the first one's lock lasts from 0.9 ms to `lock_us`.
        let parts_of = |lock, lock_at_us: u64, lock_us: u64| {
            let frames = FrameColumns {
                submit_at_ns: vec![0, 1_000_000],
                submit_ns: vec![5_000, 300_000],
                lock_at_ns: vec![1_000 * lock_at_us, 1_400_000],
                lock_ns: vec![1_000 * (lock_us - lock_at_us), 10_000],
                latency_ns: vec![1_000 * lock_us, 500_000],
                ..FrameColumns::default()
            };
            Times { frames: &frames, lock, waits_before_upload: true }.submit_behind_lock(1)
        };
        let parts = |lock, lock_us| parts_of(lock, 900, lock_us);
        let whole = [span(1_000_000, 1_000_000), span(1_000_000, 1_300_000)];
        let held = [span(1_000_000, 1_290_000), span(1_290_000, 1_300_000)];
        assert_eq!(parts(LockPlacement::Thread, 1_290), held);
        assert_eq!(parts(LockPlacement::Thread, 1_100), whole, "the lock was over long before");
        assert_eq!(parts(LockPlacement::Thread, 1_315), [span(1_000_000, 1_300_000), span(1_300_000, 1_300_000)]);
        assert_eq!(parts(LockPlacement::Thread, 1_360), whole, "the lock went on");
        assert_eq!(parts(LockPlacement::Thread, 990), whole, "the lock was over");
        assert_eq!(parts(LockPlacement::Inline, 1_290), whole, "one thread cannot wait twice");
        assert_eq!(parts_of(LockPlacement::Ready, 1_200, 1_290), whole, "the lock began when the call had long waited");
    }

    #[test]
    fn a_lock_of_many_calls_ends_where_the_copy_begins() {
        let frames = FrameColumns { lock_ns: vec![90], ..columns() };
        let times = Times { frames: &frames, lock: LockPlacement::Poll, waits_before_upload: true };
        assert_eq!(times.lock(0), span(150, 193));
    }

    #[test]
    fn parts_are_listed_in_the_order_of_their_numbers() {
        assert!(Part::ALL.iter().enumerate().all(|(idx, part)| *part as usize == idx));
    }

    #[test]
    fn what_lies_outside_is_cut_off() {
        assert_eq!(span(10, 20).within(span(15, 40)), span(15, 20));
        assert_eq!(span(10, 20).within(span(0, 12)), span(10, 12));
        assert_eq!(span(10, 20).within(span(30, 40)).length_ns(), 0);
        assert_eq!(span(10, 20).within(span(5, 5)).length_ns(), 0);
    }
}
