//! What one session did, written down by whichever thread does it, without a lock.
//!
//! All memory is set aside when the session opens. It is asked for zeroed, so the system backs a page only once it is
//! written to. Submissions and locks stand in lists of their own, each in the order in which it happened; which lock
//! gave back which picture is found out when the session is over. Knows no file and no driver.

use std::ffi::c_void;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::setup::Setup;

/// Pictures that are written down of each session unless `INFLIGHT_TRACE_PICTURES` says another number; further ones
/// are counted only.
const DEFAULT_CAPACITY: usize = 1 << 18;
/// How far back an unlock looks for its lock: no client holds more outputs than NVENC has surfaces for.
const MAX_LOCKED: u64 = 256;

/// Nanoseconds on this process' own clock; 0 is before anything that is measured.
pub fn now_ns() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX) + 1
}

/// A picture that went in.
#[derive(Debug, Default)]
pub struct Submitted {
    pub timestamp: AtomicU64,
    /// When the client first touched the input for it; the submission's own time where it did not through the driver.
    pub begin_at_ns: AtomicU64,
    pub upload_ns: AtomicU64,
    pub submit_at_ns: AtomicU64,
    pub submit_ns: AtomicU64,
    /// In flight right after the call, this picture included.
    pub depth: AtomicU32,
}

/// An output that was locked.
#[derive(Debug, Default)]
pub struct Locked {
    pub timestamp: AtomicU64,
    output: AtomicPtr<c_void>,
    pub lock_at_ns: AtomicU64,
    /// Calls that answered "not yet" before it included.
    pub lock_ns: AtomicU64,
    /// 0: not unlocked.
    pub unlock_at_ns: AtomicU64,
    pub unlock_ns: AtomicU64,
    pub bytes: AtomicU32,
    pub pic_type: AtomicU32,
    /// In flight when the lock was called: submitted and not unlocked.
    pub depth: AtomicU32,
}

/// One session, from its opening on.
#[derive(Debug)]
pub struct Recorder {
    pub encoder: *mut c_void,
    /// Of the process that opened it: a child forked later holds a copy that is not its own.
    pub pid: u32,
    pub started_unix_ms: u64,
    pub client_api: u32,
    pub codec: OnceLock<&'static str>,
    pub width: AtomicU32,
    pub height: AtomicU32,
    pub fps_num: AtomicU32,
    pub fps_den: AtomicU32,
    /// Of the first initialisation.
    pub setup: OnceLock<Setup>,
    pub num_reconfigured: AtomicU64,
    pub buffer_format: AtomicU32,
    pub num_outputs: AtomicU32,
    opened_at_ns: u64,
    pub submits: Box<[Submitted]>,
    pub locks: Box<[Locked]>,
    num_submitted: AtomicU64,
    num_locked: AtomicU64,
    num_unlocked: AtomicU64,
    upload_begin_ns: AtomicU64,
    upload_ns: AtomicU64,
    busy_lock_ns: AtomicU64,
    pub end_of_stream_at_ns: AtomicU64,
    pub failed_calls: AtomicU64,
    is_written: AtomicBool,
}

// SAFETY: the encoder's handle is compared and printed, never followed; everything else is atomic.
unsafe impl Send for Recorder {}
// SAFETY: as above.
unsafe impl Sync for Recorder {}

impl Recorder {
    pub fn new(encoder: *mut c_void, client_api: u32, opened_at_ns: u64) -> Self {
        let capacity = capacity();
        Self {
            encoder,
            pid: std::process::id(),
            started_unix_ms: unix_ms(),
            client_api,
            codec: OnceLock::new(),
            width: AtomicU32::new(0),
            height: AtomicU32::new(0),
            fps_num: AtomicU32::new(0),
            fps_den: AtomicU32::new(0),
            setup: OnceLock::new(),
            num_reconfigured: AtomicU64::new(0),
            buffer_format: AtomicU32::new(0),
            num_outputs: AtomicU32::new(0),
            opened_at_ns,
            submits: zeroed(capacity),
            locks: zeroed(capacity),
            num_submitted: AtomicU64::new(0),
            num_locked: AtomicU64::new(0),
            num_unlocked: AtomicU64::new(0),
            upload_begin_ns: AtomicU64::new(0),
            upload_ns: AtomicU64::new(0),
            busy_lock_ns: AtomicU64::new(0),
            end_of_stream_at_ns: AtomicU64::new(0),
            failed_calls: AtomicU64::new(0),
            is_written: AtomicBool::new(false),
        }
    }

    /// Pictures submitted and not yet unlocked.
    pub fn in_flight(&self) -> u32 {
        let in_flight = self.num_submitted.load(Relaxed).saturating_sub(self.num_unlocked.load(Relaxed));
        u32::try_from(in_flight).unwrap_or(u32::MAX)
    }

    pub fn num_submitted(&self) -> u64 {
        self.num_submitted.load(Relaxed)
    }

    pub fn num_locked(&self) -> u64 {
        self.num_locked.load(Relaxed)
    }

    /// From opening the session to the first picture's first touch.
    pub fn open_ns(&self, first_begin_at_ns: u64) -> u64 {
        first_begin_at_ns.saturating_sub(self.opened_at_ns)
    }

    /// True for the first who asks: a session is written once, at its end or at the process'.
    pub fn claim_writing(&self) -> bool {
        !self.is_written.swap(true, Relaxed)
    }

    /// The client begins to fill an input buffer.
    pub fn upload_began(&self, at_ns: u64) {
        // Only where none is open: some clients lock several inputs before they submit the first.
        let _ = self.upload_begin_ns.compare_exchange(0, at_ns, Relaxed, Relaxed);
        self.upload_ns.fetch_sub(at_ns, Relaxed);
    }

    /// The client has filled it. Begin and end are added up with opposite signs, so that nothing need be kept apart.
    pub fn upload_ended(&self, at_ns: u64) {
        self.upload_ns.fetch_add(at_ns, Relaxed);
    }

    /// A picture was taken by the driver.
    pub fn submitted(&self, timestamp: u64, submit_at_ns: u64, returned_at_ns: u64) {
        let idx = self.num_submitted.fetch_add(1, Relaxed);
        let begin_at_ns = self.upload_begin_ns.swap(0, Relaxed);
        let upload_ns = self.upload_ns.swap(0, Relaxed);
        let Some(picture) = usize::try_from(idx).ok().and_then(|idx| self.submits.get(idx)) else { return };
        picture.timestamp.store(timestamp, Relaxed);
        picture.begin_at_ns.store(if begin_at_ns == 0 { submit_at_ns } else { begin_at_ns }, Relaxed);
        // An input that is still locked leaves its begin in the sum: then nothing is known.
        picture.upload_ns.store(if upload_ns > u64::MAX / 2 { 0 } else { upload_ns }, Relaxed);
        picture.submit_at_ns.store(submit_at_ns, Relaxed);
        picture.submit_ns.store(returned_at_ns - submit_at_ns, Relaxed);
        picture.depth.store(self.in_flight(), Relaxed);
    }

    /// A lock that answered "not yet".
    pub fn lock_was_busy(&self, lock_ns: u64) {
        self.busy_lock_ns.fetch_add(lock_ns, Relaxed);
    }

    /// An output came back.
    pub fn locked(&self, lock: &LockCall) {
        let idx = self.num_locked.fetch_add(1, Relaxed);
        let busy_ns = self.busy_lock_ns.swap(0, Relaxed);
        let Some(slot) = usize::try_from(idx).ok().and_then(|idx| self.locks.get(idx)) else { return };
        slot.timestamp.store(lock.timestamp, Relaxed);
        slot.lock_at_ns.store(lock.at_ns, Relaxed);
        slot.lock_ns.store(busy_ns + (lock.returned_at_ns - lock.at_ns), Relaxed);
        slot.bytes.store(lock.bytes, Relaxed);
        slot.pic_type.store(lock.pic_type, Relaxed);
        slot.depth.store(lock.depth, Relaxed);
        slot.output.store(lock.output, Relaxed);
    }

    /// The client gave an output back.
    pub fn unlocked(&self, output: *mut c_void, at_ns: u64, returned_at_ns: u64) {
        self.num_unlocked.fetch_add(1, Relaxed);
        let newest = self.num_locked.load(Relaxed);
        for idx in (newest.saturating_sub(MAX_LOCKED)..newest).rev() {
            let Some(slot) = usize::try_from(idx).ok().and_then(|idx| self.locks.get(idx)) else { continue };
            if slot.output.load(Relaxed) == output && slot.unlock_at_ns.load(Relaxed) == 0 {
                slot.unlock_ns.store(returned_at_ns - at_ns, Relaxed);
                slot.unlock_at_ns.store(at_ns, Relaxed);
                return;
            }
        }
    }
}

/// What was seen of a lock that gave an output.
pub struct LockCall {
    pub output: *mut c_void,
    pub timestamp: u64,
    pub bytes: u32,
    pub pic_type: u32,
    pub depth: u32,
    pub at_ns: u64,
    pub returned_at_ns: u64,
}

fn capacity() -> usize {
    let asked = std::env::var("INFLIGHT_TRACE_PICTURES").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(DEFAULT_CAPACITY).clamp(1, 1 << 26)
}

/// `Default` of both list entries is all zero, and `calloc` gives large zeroed memory without touching it.
fn zeroed<T: Default>(len: usize) -> Box<[T]> {
    let list = Box::<[T]>::new_zeroed_slice(len);
    // SAFETY: used with the two structs above only, which are atomic numbers and pointers: all-zero is a valid value.
    unsafe { list.assume_init() }
}

fn unix_ms() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}
