//! Contexts: handles that are current on a thread, and nothing more.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ffi::{c_int, c_uint, c_void};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::device::check;
use crate::{INVALID_CONTEXT, INVALID_VALUE, SUCCESS, Status, exports, give};

pub type Context = *mut c_void;

/// Addresses of contexts that exist.
static EXISTING: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());
/// The primary context, and how often it is retained.
static PRIMARY: Mutex<(usize, u32)> = Mutex::new((0, 0));

thread_local! {
    /// The innermost last.
    static CURRENT: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

fn existing() -> MutexGuard<'static, BTreeSet<usize>> {
    EXISTING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A handle is a number that was never an address: a stale one is looked up and not found, never followed.
pub fn new_handle() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    NEXT.fetch_add(1, Relaxed) << 6
}

fn create() -> usize {
    let handle = new_handle();
    existing().insert(handle);
    handle
}

fn is_known(context: Context) -> bool {
    existing().contains(&context.addr())
}

fn current() -> Context {
    ptr::without_provenance_mut(CURRENT.with_borrow(|stack| stack.last().copied().unwrap_or(0)))
}

/// Makes a context and, as CUDA does, makes it current.
unsafe fn create_current(context: *mut Context, device: c_int) -> Status {
    if check(device) != SUCCESS {
        return check(device);
    }
    if context.is_null() {
        return INVALID_VALUE;
    }
    let made = create();
    CURRENT.with_borrow_mut(|stack| stack.push(made));
    // SAFETY: the caller's promise.
    unsafe { give(context, ptr::without_provenance_mut(made)) }
}

exports! {
    /// A new context, current from now on.
    fn cuCtxCreate_v2(context: *mut Context, _flags: c_uint, device: c_int) {
        // SAFETY: the caller's promise.
        unsafe { create_current(context, device) }
    }

    /// As [`cuCtxCreate_v2`]; affinities mean nothing here.
    fn cuCtxCreate_v3(context: *mut Context, _affinities: *mut c_void, _len: c_int, _flags: c_uint, device: c_int) {
        // SAFETY: the caller's promise.
        unsafe { create_current(context, device) }
    }

    /// As [`cuCtxCreate_v2`]; its parameters mean nothing here.
    fn cuCtxCreate_v4(context: *mut Context, _params: *mut c_void, _flags: c_uint, device: c_int) {
        // SAFETY: the caller's promise.
        unsafe { create_current(context, device) }
    }

    /// The context is gone, and no longer current here.
    fn cuCtxDestroy_v2(context: Context) {
        if !existing().remove(&context.addr()) {
            return INVALID_CONTEXT;
        }
        CURRENT.with_borrow_mut(|stack| stack.retain(|handle| *handle != context.addr()));
        SUCCESS
    }

    /// The context is current until it is popped.
    fn cuCtxPushCurrent_v2(context: Context) {
        if !is_known(context) {
            return INVALID_CONTEXT;
        }
        CURRENT.with_borrow_mut(|stack| stack.push(context.addr()));
        SUCCESS
    }

    /// The one before is current again.
    fn cuCtxPopCurrent_v2(context: *mut Context) {
        match CURRENT.with_borrow_mut(Vec::pop) {
            // SAFETY: the caller's promise.
            Some(popped) if !context.is_null() => unsafe { give(context, ptr::without_provenance_mut(popped)) },
            Some(_) => SUCCESS,
            None => INVALID_CONTEXT,
        }
    }

    /// Takes the place of the one that is current.
    fn cuCtxSetCurrent(context: Context) {
        if !context.is_null() && !is_known(context) {
            return INVALID_CONTEXT;
        }
        CURRENT.with_borrow_mut(|stack| {
            stack.pop();
            stack.extend((!context.is_null()).then(|| context.addr()));
        });
        SUCCESS
    }

    /// Null where none is.
    fn cuCtxGetCurrent(context: *mut Context) {
        // SAFETY: the caller's promise.
        unsafe { give(context, current()) }
    }

    /// There is one device only.
    fn cuCtxGetDevice(device: *mut c_int) {
        if current().is_null() {
            return INVALID_CONTEXT;
        }
        // SAFETY: the caller's promise.
        unsafe { give(device, 0) }
    }

    /// Everything is done already.
    fn cuCtxSynchronize() {
        SUCCESS
    }

    /// No limit matters.
    fn cuCtxSetLimit(_limit: c_int, _value: usize) {
        SUCCESS
    }

    /// No limit is known.
    fn cuCtxGetLimit(value: *mut usize, _limit: c_int) {
        // SAFETY: the caller's promise.
        unsafe { give(value, 0) }
    }

    /// None are set.
    fn cuCtxGetFlags(flags: *mut c_uint) {
        // SAFETY: the caller's promise.
        unsafe { give(flags, 0) }
    }

    /// As a context made with `cuCtxCreate_v2` says.
    fn cuCtxGetApiVersion(_context: Context, version: *mut c_uint) {
        // SAFETY: the caller's promise.
        unsafe { give(version, 3020) }
    }

    /// All streams are equal.
    fn cuCtxGetStreamPriorityRange(least: *mut c_int, greatest: *mut c_int) {
        // SAFETY: the caller's promise; CUDA allows either to be null.
        unsafe {
            if !least.is_null() {
                least.write(0);
            }
            if !greatest.is_null() {
                greatest.write(0);
            }
        }
        SUCCESS
    }

    /// The context that all who retain it share.
    fn cuDevicePrimaryCtxRetain(context: *mut Context, device: c_int) {
        if check(device) != SUCCESS {
            return check(device);
        }
        let mut primary = PRIMARY.lock().unwrap_or_else(PoisonError::into_inner);
        if primary.1 == 0 {
            primary.0 = create();
        }
        primary.1 += 1;
        // SAFETY: the caller's promise.
        unsafe { give(context, ptr::without_provenance_mut(primary.0)) }
    }

    /// The last one to let go ends it.
    fn cuDevicePrimaryCtxRelease_v2(device: c_int) {
        let mut primary = PRIMARY.lock().unwrap_or_else(PoisonError::into_inner);
        if check(device) != SUCCESS || primary.1 == 0 {
            return INVALID_CONTEXT.max(check(device));
        }
        primary.1 -= 1;
        if primary.1 == 0 {
            existing().remove(&primary.0);
        }
        SUCCESS
    }

    /// As [`cuDevicePrimaryCtxRelease_v2`].
    fn cuDevicePrimaryCtxRelease(device: c_int) {
        // SAFETY: no pointer is passed.
        unsafe { cuDevicePrimaryCtxRelease_v2(device) }
    }

    /// No flag matters.
    fn cuDevicePrimaryCtxSetFlags_v2(device: c_int, _flags: c_uint) {
        check(device)
    }

    /// As [`cuDevicePrimaryCtxSetFlags_v2`].
    fn cuDevicePrimaryCtxSetFlags(device: c_int, _flags: c_uint) {
        check(device)
    }

    /// Whether somebody retains it.
    fn cuDevicePrimaryCtxGetState(device: c_int, flags: *mut c_uint, active: *mut c_int) {
        let is_active = PRIMARY.lock().unwrap_or_else(PoisonError::into_inner).1 > 0;
        // SAFETY: the caller's promise.
        unsafe { check(device).max(give(flags, 0)).max(give(active, c_int::from(is_active))) }
    }

    /// There is nothing in it to reset.
    fn cuDevicePrimaryCtxReset_v2(device: c_int) {
        check(device)
    }

    /// As [`cuDevicePrimaryCtxReset_v2`].
    fn cuDevicePrimaryCtxReset(device: c_int) {
        check(device)
    }
}
