//! The virtual driver's C interface: each call is answered with a status, and nothing is left when the device is gone.
#![no_main]

#[path = "../calls.rs"]
mod calls;

use libfuzzer_sys::fuzz_target;

/// Nothing between client and driver.
unsafe fn as_it_is(_: *mut std::ffi::c_void) {}

fuzz_target!(|bytes: &[u8]| calls::make_calls(bytes, as_it_is));
