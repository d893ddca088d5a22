//! The pipeline: frames in at one end, what the engine makes of them out at the other, at most `reap_threshold` in between.
//!
//! Splits every frame's time so that a wait cannot hide: waiting for room, upload, submit, lock, copy, unlock. Which
//! engine that is, it does not know.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::RingError;
use super::engine::{Engine, Frame, InputTimes};
use super::harvest::{HarvestBy, Harvester, Shared, Sink};
use super::ring::Ring;
use super::samples::{HarvestTotals, SubmitSample, merge};
use super::submits::{Submits, TakenFrames};
use crate::contract::{EncodeMetrics, LockPlacement, MAX_IN_FLIGHT};
use crate::record::LiveSample;

/// Between two questions of a forced poll. Short against a frame, long against a call.
const POLL_PAUSE: Duration = Duration::from_micros(50);

/// How many frames may be where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingSize {
    /// T: the oldest frame must be reaped before the next is submitted once so many are in flight.
    pub threshold: u32,
    /// Buffers; no frame is submitted while the driver holds them all.
    pub pool: u32,
    /// Frames that the engine may hold back for reordering, which the pool must have room for beside the threshold.
    pub held: u32,
}

/// Frames in flight on one engine.
pub struct Pipeline<E: Engine> {
    shared: Arc<Shared<E>>,
    reaper: Reaper<E>,
    /// In the order of submission. Room for all expected frames is made beforehand.
    submits: Vec<SubmitSample>,
    /// The first so many are the pre-roll.
    num_preroll: usize,
    /// So many of these were held back when it ended.
    num_held: u32,
    drain_ns: u64,
    ended: bool,
}

/// Where locking happens.
enum Reaper<E: Engine> {
    /// On the submitting thread, waiting inside the lock.
    Inline(Harvester<E>),
    /// On the submitting thread, asking without waiting.
    Poll(Harvester<E>),
    /// On a thread of its own; `None` once joined.
    Thread(Option<JoinHandle<()>>),
}

impl RingSize {
    /// Can such a ring work?
    ///
    /// # Errors
    /// [`RingError::Tuning`].
    pub fn check(self) -> Result<(), RingError> {
        let Self { threshold, pool, held } = self;
        match (1..=MAX_IN_FLIGHT).contains(&threshold) && pool >= threshold.saturating_add(held) {
            true => Ok(()),
            false => Err(RingError::Tuning { threshold, pool, held }),
        }
    }
}

impl<E: Engine> Pipeline<E> {
    /// Begins a run on an engine whose buffers are there. `expected_frames`: for so many there is room before the first.
    ///
    /// # Errors
    /// A ring that cannot work, or no thread to be had.
    pub fn new(
        engine: E,
        size: RingSize,
        lock: LockPlacement,
        expected_frames: usize,
        sink: Sink<E>,
    ) -> Result<Self, E::Error> {
        size.check()?;
        let ring = Ring::new(size.threshold, size.pool);
        let shared = Arc::new(Shared::new(engine, ring, expected_frames));
        let harvester = Harvester::new(Arc::clone(&shared), sink);
        let reaper = match lock {
            LockPlacement::Inline => Reaper::Inline(harvester),
            LockPlacement::Poll => Reaper::Poll(harvester),
            LockPlacement::Thread => Reaper::Thread(Some(harvester.spawn(HarvestBy::Waiting)?)),
            LockPlacement::Ready => Reaper::Thread(Some(harvester.spawn(HarvestBy::Asking)?)),
        };
        let submits = Vec::with_capacity(expected_frames);
        Ok(Self { shared, reaper, submits, num_preroll: 0, num_held: 0, drain_ns: 0, ended: false })
    }

    /// Takes a lock that has been open this long for a hung driver, instead of after 20 s.
    pub fn stall_after(self, limit: Duration) -> Self {
        self.shared.state().stall_limit = limit;
        self
    }

    fn submit_inner(&mut self, frame: &Frame<'_>) -> Result<(), E::Error> {
        if let Some(last) = self.submits.last().filter(|last| last.pts >= frame.pts) {
            return Err(RingError::Order { pts: frame.pts, last: last.pts }.into());
        }
        let mut sample = SubmitSample {
            pts: frame.pts,
            begin_at_ns: self.shared.now_ns(),
            blocked_ns: 0,
            upload_ns: 0,
            submit_at_ns: 0,
            submit_ns: 0,
            input: InputTimes::default(),
            depth: 0,
        };
        self.wait_for_room(&mut sample, Ring::has_free_slot)?;
        let idx = self.shared.state().ring.next_submission().ok_or(RingError::HeldBack)?;
        let upload_at_ns = self.shared.now_ns();
        let uploaded = self.shared.engine.upload(idx, frame)?;
        sample.upload_ns = self.shared.now_ns() - upload_at_ns;

        self.wait_for_room(&mut sample, |ring| !ring.at_threshold())?;
        let submitted = self.shared.engine.submit(idx, frame, uploaded)?;
        sample.submit_at_ns = self.shared.since_epoch_ns(submitted.call_at);
        sample.submit_ns = submitted.call_ns;
        sample.upload_ns += submitted.preparation_ns;
        sample.blocked_ns += submitted.blocked_ns;
        sample.input = submitted.input;
        sample.upload_ns = sample.upload_ns.saturating_sub(submitted.input.around_copy_ns());
        sample.depth = self.shared.note_submitted(frame.pts, submitted.ready) as u32;
        // Before reaping: a frame whose reaping fails was submitted all the same.
        self.submits.push(sample);
        self.reap()
    }

    /// With a harvest thread, waits until the ring has room, or nothing that could make room is on its way.
    /// Elsewhere [`Self::reap`] has made room already.
    fn wait_for_room(&self, sample: &mut SubmitSample, has_room: fn(&Ring) -> bool) -> Result<(), E::Error> {
        if !matches!(self.reaper, Reaper::Thread(_)) || has_room(&self.shared.state().ring) {
            return Ok(());
        }
        let start_ns = self.shared.now_ns();
        let waited = self.shared.wait_until(|ring| has_room(ring) || !ring.can_lock());
        sample.blocked_ns += self.shared.now_ns() - start_ns;
        waited
    }

    /// On the submitting thread: takes back what the threshold asks for (and what is finished anyway, when polling).
    fn reap(&mut self) -> Result<(), E::Error> {
        let at_threshold = || self.shared.state().ring.at_threshold();
        match &mut self.reaper {
            Reaper::Thread(_) => {}
            Reaper::Inline(harvester) => {
                while at_threshold() {
                    harvester.harvest_one(true)?;
                }
            }
            Reaper::Poll(harvester) => {
                let paused_ns = poll_while(harvester, &self.shared, at_threshold)?;
                if let Some(sample) = self.submits.last_mut() {
                    sample.blocked_ns += paused_ns;
                }
            }
        }
        Ok(())
    }

    fn end_preroll_inner(&mut self) -> Result<(), E::Error> {
        if self.shared.engine.flush()? {
            self.shared.note_flushed();
        }
        self.take_all_back()?;
        self.num_preroll = self.submits.len();
        let mut state = self.shared.state();
        state.counts_from_pts = self.submits.last().map_or(0, |sample| sample.pts + 1);
        state.totals = HarvestTotals::default();
        state.ring.forget_peak();
        self.num_held = u32::try_from(state.ring.in_flight()).unwrap_or(u32::MAX);
        Ok(())
    }

    /// Takes back what can be taken back without another submission.
    fn take_all_back(&mut self) -> Result<(), E::Error> {
        match &mut self.reaper {
            Reaper::Inline(harvester) => {
                while self.shared.state().ring.can_lock() {
                    harvester.harvest_one(true)?;
                }
            }
            Reaper::Poll(harvester) => {
                poll_while(harvester, &self.shared, || self.shared.state().ring.can_lock())?;
            }
            Reaper::Thread(_) => self.shared.settle()?,
        }
        Ok(())
    }

    fn finish_inner(&mut self) -> Result<(), E::Error> {
        let start_ns = self.shared.now_ns();
        self.shared.engine.end_of_stream()?;
        self.shared.note_ended();
        match &mut self.reaper {
            Reaper::Inline(_) | Reaper::Poll(_) => self.take_all_back()?,
            Reaper::Thread(thread) => {
                self.shared.wait_until(Ring::is_drained)?;
                // The last frame's sink may still run; only its end makes the stream complete.
                if thread.take().is_some_and(|thread| thread.join().is_err()) {
                    return Err(RingError::HarvestDied.into());
                }
            }
        }
        self.drain_ns = self.shared.now_ns() - start_ns;
        Ok(())
    }

    /// Ends the run early, for a reason of the caller's; returns it.
    pub fn end_with(&mut self, error: E::Error) -> E::Error {
        self.ended = true;
        self.shared.stop(error.clone());
        error
    }

    fn check_running(&self) -> Result<(), E::Error> {
        if self.ended { Err(RingError::Ended.into()) } else { Ok(()) }
    }

    fn ended_by<T>(&mut self, result: Result<T, E::Error>) -> Result<T, E::Error> {
        result.map_err(|error| self.end_with(error))
    }
}

impl<E: Engine> Submits for Pipeline<E> {
    type Error = E::Error;

    fn submit(&mut self, frame: &Frame<'_>) -> Result<(), E::Error> {
        self.check_running()?;
        let result = self.submit_inner(frame);
        self.ended_by(result)
    }

    fn end_preroll(&mut self) -> Result<(), E::Error> {
        self.check_running()?;
        let result = self.end_preroll_inner();
        self.ended_by(result)
    }

    fn poll(&mut self) -> Result<(), E::Error> {
        self.check_running()?;
        let result = match &mut self.reaper {
            Reaper::Poll(harvester) => harvester.harvest_finished(),
            Reaper::Inline(_) | Reaper::Thread(_) => Ok(()),
        };
        self.ended_by(result)
    }

    fn finish(&mut self) -> Result<(), E::Error> {
        self.check_running()?;
        let result = self.finish_inner();
        self.ended = true;
        self.ended_by(result)
    }

    fn live_update(&self, num_seen: &mut usize, into: &mut Vec<LiveSample>) {
        into.clear();
        let state = self.shared.state();
        let oldest = state.harvests.len().saturating_sub(into.capacity()).max(*num_seen);
        *num_seen = state.harvests.len();
        let counts_from_pts = state.counts_from_pts;
        for harvest in state.harvests.iter().skip(oldest).filter(|harvest| harvest.pts >= counts_from_pts) {
            let submitted = self.submits.binary_search_by_key(&harvest.pts, |sample| sample.pts);
            if let Some(sample) = submitted.ok().and_then(|idx| self.submits.get(idx)) {
                into.push(LiveSample {
                    frame: harvest.pts - counts_from_pts,
                    lock_ns: harvest.lock_ns,
                    latency_ns: harvest.packet_at_ns.saturating_sub(sample.submit_at_ns),
                    depth: sample.depth,
                });
            }
        }
    }

    fn metrics(&self) -> EncodeMetrics {
        let state = self.shared.state();
        let counted = self.submits.iter().skip(self.num_preroll);
        let sum = |column: fn(&SubmitSample) -> u64| counted.clone().map(column).sum();
        EncodeMetrics {
            frames: state.ring.submitted() - self.num_preroll as u64,
            packets: state.totals.packets,
            bytes: state.totals.bytes,
            queue_peak: state.ring.peak(),
            blocked_ns: sum(|sample| sample.blocked_ns),
            upload_ns: sum(|sample| sample.upload_ns),
            submit_ns: sum(|sample| sample.submit_ns),
            lock_ns: state.totals.lock_ns,
            copy_ns: state.totals.copy_ns,
            unlock_ns: state.totals.unlock_ns,
            input_lock_ns: sum(|sample| sample.input.lock_ns.unwrap_or(0)),
            input_unlock_ns: sum(|sample| sample.input.unlock_ns.unwrap_or(0)),
            map_ns: sum(|sample| sample.input.map_ns.unwrap_or(0)),
            convert_ns: sum(|sample| sample.input.convert_ns.unwrap_or(0)),
            unmap_ns: state.totals.unmap_ns,
            drain_ns: self.drain_ns,
            lock_thread_cpu_ns: state.thread_cpu_ns,
        }
    }

    fn first_frame_at(&self) -> Option<Instant> {
        self.submits.get(self.num_preroll).map(|sample| self.shared.epoch + Duration::from_nanos(sample.begin_at_ns))
    }

    fn take_frames(&mut self) -> TakenFrames {
        let submits = std::mem::take(&mut self.submits);
        let harvests = std::mem::take(&mut self.shared.state().harvests);
        let (preroll, counted) = submits.split_at(self.num_preroll.min(submits.len()));
        let (num_held, frames) = (self.num_held, merge(counted, &harvests));
        TakenFrames { preroll: merge(preroll, &harvests), num_held, frames, decode: None }
    }
}

impl<E: Engine> Drop for Pipeline<E> {
    /// Ends the stream in order where that is still possible; errors have nobody left to go to.
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.finish();
        }
        let Reaper::Thread(thread) = &mut self.reaper else { return };
        // A thread that hangs inside the driver cannot be joined. It keeps the engine alive, and both are leaked.
        let Some(thread) = thread.take() else { return };
        let (start, limit) = (Instant::now(), self.shared.state().stall_limit);
        while !thread.is_finished() && start.elapsed() < limit {
            std::thread::sleep(POLL_PAUSE);
        }
        if thread.is_finished() {
            let _ = thread.join();
        }
    }
}

/// Takes back what is finished, and goes on asking while `goes_on`. Returns how long it paused between questions.
fn poll_while<E: Engine>(
    harvester: &mut Harvester<E>,
    shared: &Shared<E>,
    goes_on: impl Fn() -> bool,
) -> Result<u64, E::Error> {
    let stall_limit = shared.state().stall_limit;
    let (mut paused_ns, mut last_harvest) = (0, (shared.state().ring.harvested(), Instant::now()));
    loop {
        harvester.harvest_finished()?;
        if !goes_on() {
            return Ok(paused_ns);
        }
        let harvested = shared.state().ring.harvested();
        if harvested != last_harvest.0 {
            last_harvest = (harvested, Instant::now());
        } else if last_harvest.1.elapsed() > stall_limit {
            return Err(RingError::Stalled { seconds: stall_limit.as_secs() }.into());
        }
        let pause_at_ns = shared.now_ns();
        std::thread::sleep(POLL_PAUSE);
        paused_ns += shared.now_ns() - pause_at_ns;
    }
}
