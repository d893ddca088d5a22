//! Which recorder belongs to which encoder handle: a list of fixed length that is read without a lock.
//!
//! Recorders are never freed: a thread of the client may hold one for longer than its session lives, and a process has
//! few sessions. A handle that comes again belongs to the newest session of that name.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use crate::recorder::Recorder;

/// Sessions that are written down of one process; further ones pass through unseen.
const MAX_SESSIONS: usize = 1024;

static RECORDERS: [AtomicPtr<Recorder>; MAX_SESSIONS] = [const { AtomicPtr::new(ptr::null_mut()) }; MAX_SESSIONS];
static NUM_SESSIONS: AtomicUsize = AtomicUsize::new(0);

/// Enters a session.
pub fn enter(recorder: Recorder) {
    let idx = NUM_SESSIONS.fetch_add(1, Ordering::Relaxed);
    if let Some(place) = RECORDERS.get(idx) {
        place.store(Box::into_raw(Box::new(recorder)), Ordering::Release);
    }
}

/// The recorder of an open session, and its number.
pub fn of(encoder: *mut c_void) -> Option<(usize, &'static Recorder)> {
    all().rev().find(|(_, recorder)| recorder.encoder == encoder)
}

/// All of them, oldest first, with their numbers.
pub fn all() -> impl DoubleEndedIterator<Item = (usize, &'static Recorder)> {
    let num = NUM_SESSIONS.load(Ordering::Acquire).min(MAX_SESSIONS);
    RECORDERS.iter().take(num).enumerate().filter_map(|(idx, place)| {
        let recorder = place.load(Ordering::Acquire);
        // SAFETY: null or a box that was leaked on purpose and is only read.
        unsafe { recorder.as_ref() }.map(|recorder| (idx, recorder))
    })
}

/// For a process that has more sessions than any client.
#[cfg(fuzzing)]
pub fn forget_all() {
    for place in &RECORDERS {
        let recorder = place.swap(ptr::null_mut(), Ordering::AcqRel);
        if !recorder.is_null() {
            // SAFETY: leaked by `enter`, and nobody is in a call.
            drop(unsafe { Box::from_raw(recorder) });
        }
    }
    NUM_SESSIONS.store(0, Ordering::Release);
}
