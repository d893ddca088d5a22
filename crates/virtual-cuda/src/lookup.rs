//! Entries by name, for clients that ask the library instead of the loader.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

use crate::{INVALID_VALUE, NOT_FOUND, SUCCESS, Status, exports};

/// What `cuGetProcAddress` tells besides.
const FOUND: c_int = 0;
const SYMBOL_NOT_FOUND: c_int = 1;

/// An entry under the name asked for, or under the newest one that goes with it: clients ask for `cuMemAlloc` and get
/// `cuMemAlloc_v2`.
fn by_name(name: &str) -> Option<*mut c_void> {
    let exact = |name: &str| {
        crate::context::find(name)
            .or_else(|| crate::device::find(name))
            .or_else(|| crate::memory::find(name))
            .or_else(|| crate::sync::find(name))
            .or_else(|| crate::errors::find(name))
            .or_else(|| find(name))
            .or_else(|| crate::unsupported::find(name))
    };
    exact(&format!("{name}_v2")).or_else(|| exact(name))
}

/// # Safety
/// As CUDA's reference says of `cuGetProcAddress_v2`.
unsafe fn look_up(symbol: *const c_char, function: *mut *mut c_void, told: *mut c_int) -> Status {
    if symbol.is_null() || function.is_null() {
        return INVALID_VALUE;
    }
    // SAFETY: not null; the caller vouches for a string.
    let found = unsafe { CStr::from_ptr(symbol) }.to_str().ok().and_then(by_name);
    // SAFETY: not null, or looked at; the caller vouches for the rest.
    unsafe {
        function.write_unaligned(found.unwrap_or(ptr::null_mut()));
        if !told.is_null() {
            told.write_unaligned(if found.is_some() { FOUND } else { SYMBOL_NOT_FOUND });
        }
    }
    if found.is_some() { SUCCESS } else { NOT_FOUND }
}

exports! {
    /// As CUDA 11.3 had it.
    fn cuGetProcAddress(symbol: *const c_char, function: *mut *mut c_void, _version: c_int, _flags: u64) {
        // SAFETY: the caller's promise.
        unsafe { look_up(symbol, function, ptr::null_mut()) }
    }

    /// As CUDA 12 has it.
    fn cuGetProcAddress_v2(
        symbol: *const c_char,
        function: *mut *mut c_void,
        _version: c_int,
        _flags: u64,
        told: *mut c_int,
    ) {
        // SAFETY: the caller's promise.
        unsafe { look_up(symbol, function, told) }
    }
}
