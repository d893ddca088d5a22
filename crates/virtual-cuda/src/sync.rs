//! Streams and events. Everything is done when its call returns, so a stream is a handle and an event a time.

use std::collections::BTreeMap;
use std::ffi::{c_int, c_uint, c_void};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::context::new_handle;
use crate::{INVALID_HANDLE, INVALID_VALUE, SUCCESS, Status, exports, give};

pub type Stream = *mut c_void;
type Event = *mut c_void;
type StreamCallback = unsafe extern "C" fn(Stream, Status, *mut c_void);
type HostFunction = unsafe extern "C" fn(*mut c_void);

/// Handles that exist; of events, when they were last recorded.
static KNOWN: Mutex<BTreeMap<usize, Option<Instant>>> = Mutex::new(BTreeMap::new());

fn known() -> MutexGuard<'static, BTreeMap<usize, Option<Instant>>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// # Safety
/// As for [`give`].
unsafe fn create(to: *mut *mut c_void) -> Status {
    if to.is_null() {
        return INVALID_VALUE;
    }
    let handle = new_handle();
    known().insert(handle, None);
    // SAFETY: the caller's promise.
    unsafe { give(to, std::ptr::without_provenance_mut(handle)) }
}

fn destroy(handle: *mut c_void) -> Status {
    known().remove(&handle.addr()).map_or(INVALID_HANDLE, |_| SUCCESS)
}

fn check_event(event: Event) -> Status {
    if known().contains_key(&event.addr()) { SUCCESS } else { INVALID_HANDLE }
}

/// Null, 1 and 2 are the streams that are always there.
fn check_stream(stream: Stream) -> Status {
    if stream.addr() <= 2 { SUCCESS } else { check_event(stream) }
}

exports! {
    /// A stream.
    fn cuStreamCreate(stream: *mut Stream, _flags: c_uint) {
        // SAFETY: the caller's promise.
        unsafe { create(stream) }
    }

    /// A stream; all are equal.
    fn cuStreamCreateWithPriority(stream: *mut Stream, _flags: c_uint, _priority: c_int) {
        // SAFETY: the caller's promise.
        unsafe { create(stream) }
    }

    /// The stream is gone.
    fn cuStreamDestroy_v2(stream: Stream) {
        destroy(stream)
    }

    /// As some clients spell it.
    fn cuStreamDestroy(stream: Stream) {
        destroy(stream)
    }

    /// Everything is done.
    fn cuStreamQuery(stream: Stream) {
        check_stream(stream)
    }

    /// Everything is done.
    fn cuStreamSynchronize(stream: Stream) {
        check_stream(stream)
    }

    /// What it would wait for has happened.
    fn cuStreamWaitEvent(stream: Stream, event: Event, _flags: c_uint) {
        check_stream(stream).max(check_event(event))
    }

    /// Called at once.
    fn cuStreamAddCallback(stream: Stream, callback: Option<StreamCallback>, data: *mut c_void, _flags: c_uint) {
        let (Some(callback), SUCCESS) = (callback, check_stream(stream)) else { return INVALID_VALUE };
        // SAFETY: the caller's function, with the caller's data.
        unsafe { callback(stream, SUCCESS, data) };
        SUCCESS
    }

    /// Called at once.
    fn cuLaunchHostFunc(stream: Stream, function: Option<HostFunction>, data: *mut c_void) {
        let (Some(function), SUCCESS) = (function, check_stream(stream)) else { return INVALID_VALUE };
        // SAFETY: the caller's function, with the caller's data.
        unsafe { function(data) };
        SUCCESS
    }

    /// An event that was never recorded.
    fn cuEventCreate(event: *mut Event, _flags: c_uint) {
        // SAFETY: the caller's promise.
        unsafe { create(event) }
    }

    /// The event is gone.
    fn cuEventDestroy_v2(event: Event) {
        destroy(event)
    }

    /// As some clients spell it.
    fn cuEventDestroy(event: Event) {
        destroy(event)
    }

    /// It happens now.
    fn cuEventRecord(event: Event, stream: Stream) {
        match known().get_mut(&event.addr()) {
            Some(recorded) => *recorded = Some(Instant::now()),
            None => return INVALID_HANDLE,
        }
        check_stream(stream)
    }

    /// It has happened.
    fn cuEventQuery(event: Event) {
        check_event(event)
    }

    /// It has happened.
    fn cuEventSynchronize(event: Event) {
        check_event(event)
    }

    /// Milliseconds from one record to the other.
    fn cuEventElapsedTime(ms: *mut f32, start: Event, end: Event) {
        let recorded = |event: Event| known().get(&event.addr()).copied().flatten();
        let (Some(start), Some(end)) = (recorded(start), recorded(end)) else { return INVALID_HANDLE };
        // SAFETY: the caller's promise.
        unsafe { give(ms, end.saturating_duration_since(start).as_secs_f32() * 1e3) }
    }
}
