//! Taking finished pictures back: lock, copy, unlock, hand out; on the submitting thread or on one of its own.
//!
//! Knows nothing of frames going in. Its times stand in [`State`], which the submitting thread reads.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::error::NvencError;
use super::ring::Ring;
use super::session::Session;
use crate::contract::{EncodedPacket, PacketSink, PictureKind};

/// How long a lock that looks hung is given to come back after all.
const GRACE: Duration = Duration::from_secs(1);

/// What both threads of an encoder share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) session: Session,
    /// All times count from here.
    pub(super) epoch: Instant,
    state: Mutex<State>,
    /// Something became lockable, or nothing more will.
    lockable: Condvar,
    /// Something was unlocked, or nothing more will be.
    harvested: Condvar,
}

/// Guarded by [`Shared::state`]; held for a few instructions at a time, never during a driver call.
#[derive(Debug)]
pub(super) struct State {
    pub(super) ring: Ring,
    /// In coding order. Room for all expected frames is made beforehand.
    pub(super) harvests: Vec<HarvestSample>,
    pub(super) totals: HarvestTotals,
    /// When the lock that is open now was called for. A sink that takes its time is no lock.
    locking_since_ns: Option<u64>,
    /// No picture follows.
    ended: bool,
    /// Why harvesting stopped early.
    error: Option<NvencError>,
}

/// How one picture came back.
#[derive(Debug, Clone, Copy)]
pub(super) struct HarvestSample {
    pub(super) pts: u64,
    pub(super) encode_idx: u64,
    pub(super) lock_at_ns: u64,
    pub(super) lock_ns: u64,
    pub(super) copy_ns: u64,
    pub(super) unlock_ns: u64,
    pub(super) packet_at_ns: u64,
    pub(super) bytes: u32,
    pub(super) kind: PictureKind,
}

/// Sums over all harvested pictures.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct HarvestTotals {
    pub(super) bytes: u64,
    pub(super) lock_ns: u64,
    pub(super) copy_ns: u64,
    pub(super) unlock_ns: u64,
}

/// Takes pictures back, oldest first. One exists per encoder, on whichever thread locks.
pub(super) struct Harvester {
    shared: Arc<Shared>,
    sink: PacketSink,
    /// Spent in calls that found the oldest picture unfinished; belongs to that picture's lock time.
    busy_ns: u64,
}

impl Shared {
    pub(super) fn new(session: Session, ring: Ring, expected_frames: usize) -> Self {
        let state = State {
            ring,
            harvests: Vec::with_capacity(expected_frames),
            totals: HarvestTotals::default(),
            locking_since_ns: None,
            ended: false,
            error: None,
        };
        Self {
            session,
            epoch: Instant::now(),
            state: Mutex::new(state),
            lockable: Condvar::new(),
            harvested: Condvar::new(),
        }
    }

    /// Nanoseconds since the epoch.
    pub(super) fn now_ns(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// The state, also after a panic elsewhere: it is plain numbers, changed in single steps.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a submission; returns the pictures now in flight.
    pub(super) fn note_submitted(&self, ready: bool) -> u64 {
        let depth = self.state().ring.submit(ready);
        if ready {
            self.lockable.notify_one();
        }
        depth
    }

    /// Notes that no picture follows: what is in flight may be locked.
    pub(super) fn note_ended(&self) {
        let mut state = self.state();
        state.ended = true;
        state.ring.end();
        drop(state);
        self.lockable.notify_one();
    }

    /// Stops harvesting where it is.
    pub(super) fn stop(&self, error: NvencError) {
        self.state().error.get_or_insert(error);
        self.lockable.notify_all();
        self.harvested.notify_all();
    }

    /// Waits until `done` holds for the ring, woken by every picture harvested elsewhere.
    ///
    /// # Errors
    /// Why harvesting stopped, or [`NvencError::Stalled`] if one lock has been open for `stall_limit`, and a
    /// [`GRACE`] longer: a program that was stopped (Ctrl-Z) finds every lock old when it goes on.
    pub(super) fn wait_until(&self, done: impl Fn(&Ring) -> bool, stall_limit: Duration) -> Result<(), NvencError> {
        let mut suspect = None;
        let mut state = self.state();
        loop {
            if let Some(error) = &state.error {
                return Err(error.clone());
            }
            if done(&state.ring) {
                return Ok(());
            }
            let limit = if suspect.is_some() { GRACE } else { stall_limit };
            let (woken, timeout) = self.harvested.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            let old = |since_ns: &u64| u128::from(self.now_ns() - since_ns) >= stall_limit.as_nanos();
            let hung = state.locking_since_ns.filter(|since_ns| timeout.timed_out() && old(since_ns));
            if hung.is_some() && hung == suspect {
                return Err(NvencError::Stalled { seconds: stall_limit.as_secs() });
            }
            suspect = hung;
        }
    }

    /// Waits for something to lock; false when nothing will come any more.
    fn wait_lockable(&self) -> bool {
        let mut state = self.state();
        loop {
            if state.error.is_some() {
                return false;
            }
            if state.ring.can_lock() {
                return true;
            }
            if state.ended {
                return false;
            }
            state = self.lockable.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Harvester {
    pub(super) fn new(shared: Arc<Shared>, sink: PacketSink) -> Self {
        Self { shared, sink, busy_ns: 0 }
    }

    /// Takes the oldest picture back. Without `wait`, false means that it is not finished.
    ///
    /// # Errors
    /// What the driver answers.
    pub(super) fn harvest_one(&mut self, wait: bool) -> Result<bool, NvencError> {
        let shared = &self.shared;
        let lock_at_ns = shared.now_ns();
        let (slot_idx, encode_idx) = shared.state().begin_lock(lock_at_ns);
        let locked = shared.session.lock_output(slot_idx, wait);
        let locked_ns = shared.now_ns();
        shared.state().locking_since_ns = None;
        let locked = locked?;
        let Some(locked) = locked else {
            self.busy_ns += locked_ns - lock_at_ns;
            return Ok(false);
        };
        let (pts, kind, data) = (locked.pts, locked.kind, locked.data().to_vec());
        let copied_ns = shared.now_ns();
        locked.unlock()?;
        let packet_at_ns = shared.now_ns();
        let sample = HarvestSample {
            pts,
            encode_idx,
            lock_at_ns,
            lock_ns: locked_ns - lock_at_ns + std::mem::take(&mut self.busy_ns),
            copy_ns: copied_ns - locked_ns,
            unlock_ns: packet_at_ns - copied_ns,
            packet_at_ns,
            bytes: u32::try_from(data.len()).unwrap_or(u32::MAX),
            kind,
        };
        shared.state().note(sample);
        shared.harvested.notify_one();
        (self.sink)(EncodedPacket { data, pts, encode_idx, kind });
        Ok(true)
    }

    /// Moves to a thread of its own, which ends when the stream has.
    ///
    /// # Errors
    /// [`NvencError::Thread`] if there is no thread to be had.
    pub(super) fn spawn(self) -> Result<JoinHandle<()>, NvencError> {
        std::thread::Builder::new()
            .name("nvenc-harvest".to_owned())
            .spawn(move || self.run())
            .map_err(|error| NvencError::Thread(error.to_string()))
    }

    fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let _alarm = Alarm(&shared);
        while shared.wait_lockable() {
            if let Err(error) = self.harvest_one(true) {
                shared.stop(error);
            }
        }
    }
}

impl State {
    /// Notes that the oldest picture is being locked; says which it is.
    fn begin_lock(&mut self, now_ns: u64) -> (usize, u64) {
        self.locking_since_ns = Some(now_ns);
        self.ring.oldest()
    }

    fn note(&mut self, sample: HarvestSample) {
        self.totals.bytes += u64::from(sample.bytes);
        self.totals.lock_ns += sample.lock_ns;
        self.totals.copy_ns += sample.copy_ns;
        self.totals.unlock_ns += sample.unlock_ns;
        self.harvests.push(sample);
        self.ring.harvest();
    }
}

/// Wakes the submitting thread when the harvest thread ends by a panic of the sink.
struct Alarm<'a>(&'a Shared);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop(NvencError::HarvestDied);
        }
    }
}
