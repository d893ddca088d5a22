//! An engine driven frame by frame on one thread, with every call timed: a bare ring, whose depth can change from frame to frame.
//!
//! Frames are uploaded once and submitted again and again, so that uploading costs nothing. Knows no statistics.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::pipeline::RingError;
use crate::pipeline::engine::{Engine, Frame, Ready, Submitted, Taken};

/// Frames that are timed together.
pub(super) const GROUP: u32 = 8;

/// An engine and what it is fed.
pub(super) struct Drive<E: Engine> {
    pub(super) engine: Arc<E>,
    /// The frames, one after the other, then the first again.
    frames: Vec<Vec<u8>>,
    /// Where frames are uploaded to: an encoder's buffers. Each is filled once.
    num_places: u64,
    uploaded: Vec<E::Uploaded>,
    /// When the frames in flight were submitted, oldest first.
    in_flight: VecDeque<Instant>,
    num_submitted: u64,
    num_ready: u64,
    num_back: u64,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pace {
    /// Time per frame, of each [`GROUP`] frames: what stops this computer for a while spoils few of them.
    pub(super) per_frame_ns: Vec<u64>,
    pub(super) submit_ns: Vec<u64>,
    /// From the begin of the submission to the end of the lock.
    pub(super) total_ns: Vec<u64>,
}

/// A submission, timed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Submission {
    pub(super) called_at: Instant,
    pub(super) call_ns: u64,
    /// It made no frame available.
    pub(super) is_held: bool,
}

/// A frame that came back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Returned {
    pub(super) lock_ns: u64,
    /// Since it was submitted.
    pub(super) total_ns: u64,
    pub(super) at: Instant,
}

/// A submission while another thread waited for the frame before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meanwhile {
    pub(super) call_ns: u64,
    /// How long the other thread had waited when the submission was called.
    pub(super) waited_ns: u64,
    /// How long the other thread still waited when the submission was called.
    pub(super) rest_ns: u64,
}

impl<E: Engine> Drive<E>
where
    E::Uploaded: Copy + Sync,
{
    pub(super) fn new(engine: E, frames: Vec<Vec<u8>>, num_places: u32) -> Self {
        let (num_submitted, num_ready, num_back) = (0, 0, 0);
        let (uploaded, in_flight) = (Vec::new(), VecDeque::new());
        let num_places = u64::from(num_places.max(1));
        Self { engine: Arc::new(engine), frames, num_places, uploaded, in_flight, num_submitted, num_ready, num_back }
    }

    /// Submits the next frame.
    pub(super) fn submit(&mut self) -> Result<Submission, E::Error> {
        self.prepare()?;
        let (frame, place) = self.next();
        let uploaded = self.uploaded.get(place).copied().ok_or(RingError::Ended)?;
        let Submitted { call_at, call_ns, ready, .. } = self.engine.submit(self.num_submitted, &frame, uploaded)?;
        self.num_submitted += 1;
        self.num_ready = match ready {
            // Said by engines with a ring alone.
            Ready::AllBut(num) => self.num_submitted.saturating_sub(num).max(self.num_ready),
            Ready::All => self.num_submitted,
            Ready::More(num) => self.num_ready + num,
        };
        self.in_flight.push_back(call_at);
        Ok(Submission { called_at: call_at, call_ns, is_held: ready == Ready::More(0) })
    }

    /// The next frame, and its place among all.
    fn next(&self) -> (Frame<'_>, usize) {
        let place = (self.num_submitted % self.num_places) as usize;
        let data = self.frames.get(place % self.frames.len().max(1)).map_or(&[][..], Vec::as_slice);
        (Frame { data, pts: self.num_submitted }, place)
    }

    /// Uploads the next frame, if that was never done.
    fn prepare(&mut self) -> Result<(), E::Error> {
        let (frame, place) = self.next();
        if place == self.uploaded.len() {
            let uploaded = self.engine.upload(self.num_submitted, &frame)?;
            self.uploaded.push(uploaded);
        }
        Ok(())
    }

    /// Frames that were submitted.
    pub(super) fn num_submitted(&self) -> u64 {
        self.num_submitted
    }

    /// Frames that may be taken back.
    pub(super) fn num_lockable(&self) -> u64 {
        self.num_ready - self.num_back
    }

    /// Waits for the oldest frame and gives it back.
    pub(super) fn take(&mut self) -> Result<Returned, E::Error> {
        let called_at = Instant::now();
        let at = take_back(&*self.engine, self.num_back)?;
        Ok(self.count_back(called_at, at))
    }

    /// Notes that the oldest frame came back by another call.
    pub(super) fn count_back(&mut self, called_at: Instant, at: Instant) -> Returned {
        self.num_back += 1;
        let submitted_at = self.in_flight.pop_front().unwrap_or(called_at);
        Returned { lock_ns: ns_between(called_at, at), total_ns: ns_between(submitted_at, at), at }
    }

    /// Number of the oldest frame, in the order of coming back.
    pub(super) fn oldest(&self) -> u64 {
        self.num_back
    }

    /// Takes back what can be taken back.
    pub(super) fn drain(&mut self) -> Result<(), E::Error> {
        while self.num_lockable() > 0 {
            self.take()?;
        }
        Ok(())
    }

    /// Keeps `depth` frames in flight for so many frames, in whole groups, once as many have come back uncounted.
    pub(super) fn pace(&mut self, depth: u32, num_frames: u32) -> Result<Pace, E::Error> {
        let room = || Vec::with_capacity(num_frames as usize);
        let mut pace = Pace { per_frame_ns: room(), submit_ns: room(), total_ns: room() };
        while self.num_lockable() < depth.into() {
            self.submit()?;
        }
        for _ in 0..depth {
            self.take()?;
            self.submit()?;
        }
        for _ in 0..num_frames.div_ceil(GROUP) {
            let began = Instant::now();
            for _ in 0..GROUP {
                pace.total_ns.push(self.take()?.total_ns);
                pace.submit_ns.push(self.submit()?.call_ns);
            }
            pace.per_frame_ns.push(ns_between(began, Instant::now()) / u64::from(GROUP));
        }
        self.drain()?;
        Ok(pace)
    }

    /// Submits a frame, has another thread wait for it, and submits the next after a while.
    pub(super) fn submit_while_locking(&mut self, after: Duration) -> Result<Meanwhile, E::Error> {
        let (engine, oldest) = (Arc::clone(&self.engine), self.num_back);
        let (tell_ready, is_ready) = mpsc::channel();
        let (tell_lock, may_lock) = mpsc::channel();
        let (submission, waited) = std::thread::scope(|scope| {
            // Ready beforehand: starting a thread can take longer than a frame.
            let waiting = scope.spawn(move || {
                engine.enter_thread()?;
                drop(tell_ready);
                may_lock.recv().map_err(|_| RingError::Ended)?;
                let called_at = Instant::now();
                take_back(&*engine, oldest).map(|at| (called_at, at))
            });
            // Answers an error, once the other end is dropped.
            let _: Result<(), _> = is_ready.recv();
            let first = self.submit();
            // The upload of the second must be no part of what is timed.
            let prepared = first.and_then(|_| self.prepare());
            let submission = prepared.and_then(|()| {
                // Nobody is there only where the thread has failed, which it then answers.
                let _ = tell_lock.send(());
                spin_sleep::sleep(after);
                self.submit()
            });
            drop(tell_lock);
            (submission, waiting.join().unwrap_or_else(|_| Err(RingError::HarvestDied.into())))
        });
        let (submission, (called_at, at)) = (submission?, waited?);
        self.count_back(called_at, at);
        self.drain()?;
        Ok(Meanwhile {
            call_ns: submission.call_ns,
            waited_ns: ns_between(called_at, submission.called_at),
            rest_ns: ns_between(submission.called_at, at),
        })
    }
}

/// Waits for a frame and gives it back; answers when the wait was over.
fn take_back<E: Engine>(engine: &E, idx: u64) -> Result<Instant, E::Error> {
    let taken = engine.take_back(idx, true)?;
    let at = Instant::now();
    taken.map_or(Ok(0), Taken::release)?;
    Ok(at)
}

/// 0 where the second is the earlier one.
pub(super) fn ns_between(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_nanos()).unwrap_or(u64::MAX)
}
