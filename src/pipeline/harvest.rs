//! Taking finished frames back: lock, copy, unlock, hand out; on the submitting thread or on one of its own.
//!
//! Knows nothing of frames going in. Its times stand in [`State`], which the submitting thread reads.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::RingError;
use super::engine::{Engine, Ready, Taken};
use super::in_flight::InFlight;
use super::pace::Pace;
use super::ring::Ring;
use super::samples::{HarvestSample, HarvestTotals};
use super::thread;
use crate::calls;

/// One frame that takes this long means that the driver hangs: a slow engine takes milliseconds. Locking inline
/// cannot be watched: the thread that would look is the one that hangs.
const STALL_LIMIT: Duration = Duration::from_secs(20);
/// How long a lock that looks hung is given to come back after all.
const GRACE: Duration = Duration::from_secs(1);

/// Sees what comes back: the data, which the next frame is copied over, and how it came. Called on whichever thread locks; a slow receiver delays that thread.
pub type Sink<E> = Box<dyn FnMut(&<E as Engine>::Data, HarvestSample) + Send>;

/// What both threads of a pipeline share.
pub(super) struct Shared<E: Engine> {
    pub(super) engine: E,
    /// All times count from here.
    pub(super) epoch: Instant,
    state: Mutex<State<E::Error>>,
    /// Something became lockable, or nothing more will.
    lockable: Condvar,
    /// Something was unlocked, or nothing more will be.
    harvested: Condvar,
}

/// Guarded by [`Shared::state`]; held for a few instructions at a time, never during a driver call.
pub(super) struct State<Error> {
    pub(super) ring: Ring,
    in_flight: InFlight,
    /// In the order of coming back. Room for all expected frames is made beforehand.
    pub(super) harvests: Vec<HarvestSample>,
    pub(super) totals: HarvestTotals,
    /// Frames with an earlier time stamp are the pre-roll's, and not in `totals`.
    pub(super) counts_from_pts: u64,
    preroll: Preroll,
    /// When the lock that is open now was called for. A sink that takes its time is no lock.
    locking_since_ns: Option<u64>,
    /// No frame follows.
    ended: bool,
    /// Why harvesting stopped early.
    error: Option<Error>,
    /// A frame that takes longer means that the driver hangs.
    pub(super) stall_limit: Duration,
    /// CPU time of the harvest thread, once it has ended.
    pub(super) thread_cpu_ns: Option<u64>,
}

/// Where the pre-roll is, for a harvest thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Preroll {
    GoesOn,
    /// The submitting thread waits until the harvest thread has handed out everything.
    Ends,
    /// It has, after so much CPU time of its own.
    Ended {
        cpu_ns: Option<u64>,
    },
}

/// How a harvest thread takes frames back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HarvestBy {
    /// It waits inside the lock.
    Waiting,
    /// It asks whether the frame is finished, and locks only then.
    Asking,
}

/// Takes frames back, oldest first. One exists per pipeline, on whichever thread locks.
pub(super) struct Harvester<E: Engine> {
    shared: Arc<Shared<E>>,
    sink: Sink<E>,
    /// Of the frame that came back last.
    data: E::Data,
    /// Spent in calls that found the oldest frame unfinished; belongs to that frame's lock time.
    busy_ns: u64,
}

impl<E: Engine> Shared<E> {
    pub(super) fn new(engine: E, ring: Ring, expected_frames: usize) -> Self {
        let state = State {
            in_flight: InFlight::new(ring.pool()),
            ring,
            harvests: Vec::with_capacity(expected_frames),
            totals: HarvestTotals::default(),
            counts_from_pts: 0,
            preroll: Preroll::GoesOn,
            locking_since_ns: None,
            ended: false,
            error: None,
            stall_limit: STALL_LIMIT,
            thread_cpu_ns: None,
        };
        Self {
            engine,
            epoch: Instant::now(),
            state: Mutex::new(state),
            lockable: Condvar::new(),
            harvested: Condvar::new(),
        }
    }

    /// Nanoseconds since the epoch.
    pub(super) fn now_ns(&self) -> u64 {
        self.since_epoch_ns(Instant::now())
    }

    /// Nanoseconds from the epoch to `at`.
    pub(super) fn since_epoch_ns(&self, at: Instant) -> u64 {
        nanos(at.saturating_duration_since(self.epoch))
    }

    /// The state, also after a panic elsewhere: it is plain numbers, changed in single steps.
    pub(super) fn state(&self) -> MutexGuard<'_, State<E::Error>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a submission; returns the frames now in flight.
    pub(super) fn note_submitted(&self, pts: u64, ready: Ready) -> u64 {
        let mut state = self.state();
        let number = state.ring.submitted();
        state.in_flight.submit(number, pts);
        let depth = state.ring.submit(ready);
        drop(state);
        calls::note_submitted();
        if ready != Ready::More(0) {
            self.lockable.notify_one();
        }
        depth
    }

    /// Notes that no frame follows: what is in flight may be locked.
    pub(super) fn note_ended(&self) {
        let mut state = self.state();
        state.ended = true;
        state.ring.end();
        drop(state);
        self.lockable.notify_one();
    }

    /// Notes that everything submitted may be locked, and that frames may follow.
    pub(super) fn note_flushed(&self) {
        self.state().ring.end();
        self.lockable.notify_one();
    }

    /// Stops harvesting where it is.
    pub(super) fn stop(&self, error: E::Error) {
        self.state().error.get_or_insert(error);
        self.lockable.notify_all();
        self.harvested.notify_all();
    }

    /// Waits until a harvest thread has handed out everything that can be taken back.
    ///
    /// # Errors
    /// As [`Self::wait_until`].
    pub(super) fn settle(&self) -> Result<(), E::Error> {
        self.state().preroll = Preroll::Ends;
        self.lockable.notify_one();
        self.wait_until_state(|state| state.preroll != Preroll::Ends)
    }

    /// Waits until `done` holds for the ring, woken by every frame harvested elsewhere.
    ///
    /// # Errors
    /// Why harvesting stopped, or [`RingError::Stalled`] if one lock has been open for the stall limit, and a
    /// [`GRACE`] longer: a program that was stopped (Ctrl-Z) finds every lock old when it goes on.
    pub(super) fn wait_until(&self, done: impl Fn(&Ring) -> bool) -> Result<(), E::Error> {
        self.wait_until_state(|state| done(&state.ring))
    }

    fn wait_until_state(&self, done: impl Fn(&State<E::Error>) -> bool) -> Result<(), E::Error> {
        let mut suspect = None;
        let mut state = self.state();
        let stall_limit = state.stall_limit;
        loop {
            if let Some(error) = &state.error {
                return Err(error.clone());
            }
            if done(&state) {
                return Ok(());
            }
            let limit = if suspect.is_some() { GRACE } else { stall_limit };
            let (woken, timeout) = self.harvested.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            let old = |since_ns: &u64| u128::from(self.now_ns() - since_ns) >= stall_limit.as_nanos();
            let hung = state.locking_since_ns.filter(|since_ns| timeout.timed_out() && old(since_ns));
            if hung.is_some() && hung == suspect {
                return Err(RingError::Stalled { seconds: stall_limit.as_secs() }.into());
            }
            suspect = hung;
        }
    }

    /// Waits for something to lock. Returns whether it had to wait; `None`: nothing will come any more.
    fn wait_lockable(&self) -> Option<bool> {
        let mut state = self.state();
        let mut has_waited = false;
        loop {
            if state.error.is_some() {
                return None;
            }
            if state.ring.can_lock() {
                return Some(has_waited);
            }
            if state.ended {
                return None;
            }
            if state.preroll == Preroll::Ends {
                state.preroll = Preroll::Ended { cpu_ns: thread::cpu_ns() };
                self.harvested.notify_one();
            }
            state = self.lockable.wait(state).unwrap_or_else(PoisonError::into_inner);
            has_waited = true;
        }
    }
}

impl<E: Engine> Harvester<E> {
    pub(super) fn new(shared: Arc<Shared<E>>, sink: Sink<E>) -> Self {
        let data = shared.engine.room();
        Self { shared, sink, data, busy_ns: 0 }
    }

    /// Takes the oldest frame back. Without `wait`, false means that it is not finished.
    ///
    /// # Errors
    /// What the driver answers.
    pub(super) fn harvest_one(&mut self, wait: bool) -> Result<bool, E::Error> {
        let shared = &self.shared;
        let lock_at_ns = shared.now_ns();
        let idx = shared.state().begin_lock(lock_at_ns);
        let taken = shared.engine.take_back(idx, wait);
        let locked_ns = shared.now_ns();
        shared.state().locking_since_ns = None;
        let Some(mut taken) = taken? else {
            self.busy_ns += locked_ns - lock_at_ns;
            return Ok(false);
        };
        let (pts, kind) = (taken.pts(), taken.kind());
        let num_bytes = taken.copy(&mut self.data)?;
        let copied_ns = shared.now_ns();
        let unmap_ns = taken.release()?;
        let packet_at_ns = shared.now_ns();
        let sample = HarvestSample {
            pts,
            idx,
            lock_at_ns,
            lock_ns: locked_ns - lock_at_ns + std::mem::take(&mut self.busy_ns),
            copy_ns: copied_ns - locked_ns,
            unlock_ns: (packet_at_ns - copied_ns).saturating_sub(unmap_ns),
            unmap_ns,
            packet_at_ns,
            bytes: u32::try_from(num_bytes).unwrap_or(u32::MAX),
            kind,
        };
        shared.state().note(sample)?;
        shared.harvested.notify_one();
        (self.sink)(&self.data, sample);
        Ok(true)
    }

    /// Takes back everything that is finished, without waiting.
    pub(super) fn harvest_finished(&mut self) -> Result<(), E::Error> {
        let shared = Arc::clone(&self.shared);
        while shared.state().ring.can_lock() {
            if !self.harvest_one(false)? {
                break;
            }
        }
        Ok(())
    }

    /// Moves to a thread of its own, which ends when the stream has.
    ///
    /// # Errors
    /// [`RingError::Thread`] if there is no thread to be had.
    pub(super) fn spawn(self, by: HarvestBy) -> Result<JoinHandle<()>, E::Error> {
        std::thread::Builder::new()
            .name("harvest".to_owned())
            .spawn(move || self.run(by))
            .map_err(|error| RingError::Thread(error.to_string()).into())
    }

    fn run(mut self, by: HarvestBy) {
        let shared = Arc::clone(&self.shared);
        let _alarm = Alarm(&*shared);
        if by == HarvestBy::Asking {
            thread::sleep_finely();
        }
        if let Err(error) = shared.engine.enter_thread() {
            shared.stop(error);
        }
        let (mut pace, mut begun) = (Pace::default(), Instant::now());
        while let Some(has_waited) = shared.wait_lockable() {
            // The engine begins a frame when it has finished the one before, or when it is submitted.
            if has_waited {
                begun = Instant::now();
            }
            let harvested = match by {
                HarvestBy::Waiting => self.harvest_one(true).map(drop),
                HarvestBy::Asking => self.harvest_once_finished(&mut pace, begun),
            };
            if let Err(error) = harvested {
                shared.stop(error);
            }
            begun = Instant::now();
        }
        let mut state = shared.state();
        let before_ns = match state.preroll {
            Preroll::Ended { cpu_ns } => cpu_ns.unwrap_or(0),
            Preroll::GoesOn | Preroll::Ends => 0,
        };
        state.thread_cpu_ns = thread::cpu_ns().map(|cpu_ns| cpu_ns.saturating_sub(before_ns));
    }

    /// Asks until the oldest frame is finished, and takes it back; gives up without an error where the run was stopped.
    ///
    /// # Errors
    /// What the driver answers, or [`RingError::Stalled`].
    fn harvest_once_finished(&mut self, pace: &mut Pace, begun: Instant) -> Result<(), E::Error> {
        let asked_first = Instant::now();
        let mut num_asked = 1;
        loop {
            if self.harvest_one(false)? {
                pace.note(nanos(begun.elapsed()), num_asked);
                return Ok(());
            }
            let state = self.shared.state();
            if state.error.is_some() {
                return Ok(());
            }
            if asked_first.elapsed() > state.stall_limit {
                return Err(RingError::Stalled { seconds: state.stall_limit.as_secs() }.into());
            }
            drop(state);
            let pause = if num_asked == 1 { pace.until_due(nanos(begun.elapsed())) } else { pace.step() };
            std::thread::sleep(pause);
            num_asked += 1;
        }
    }
}

impl<Error> State<Error> {
    /// Notes that the oldest frame is being locked; says which it is.
    fn begin_lock(&mut self, now_ns: u64) -> u64 {
        self.locking_since_ns = Some(now_ns);
        self.ring.harvested()
    }

    /// Notes what came back.
    ///
    /// # Errors
    /// [`RingError::NotInFlight`].
    fn note(&mut self, sample: HarvestSample) -> Result<(), RingError> {
        if !self.in_flight.take_back(sample.idx, sample.pts) {
            return Err(RingError::NotInFlight { pts: sample.pts });
        }
        if sample.pts >= self.counts_from_pts {
            self.totals.add(&sample);
        }
        self.harvests.push(sample);
        self.ring.harvest();
        calls::note_taken_back();
        Ok(())
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Wakes the submitting thread when the harvest thread ends by a panic of the sink.
struct Alarm<'a, E: Engine>(&'a Shared<E>);

impl<E: Engine> Drop for Alarm<'_, E> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop(RingError::HarvestDied.into());
        }
    }
}
