//! Stands between an NVENC client and its driver: passes every call through and writes down when pictures were
//! submitted, locked and unlocked, and how the client set its encoder up.
//!
//! Loaded in the driver's place (its soname is the driver's), it loads the true library that
//! `INFLIGHT_NVENC_LIBRARY` names, wraps a few entries of the function table and leaves all others as the driver
//! filled them. Of the client's structs it reads only members that have the same offset in every header from 11.0 to
//! 13.0, so it does not ask which version a client was built with (but for one, see `setup`). One file a session goes to
//! the folder that `INFLIGHT_TRACE_DIR` names; without that variable it measures and keeps nothing.
//!
//! Knows nothing of what the numbers mean: `inflight virtual-driver` reads the files.

#[cfg(not(test))]
mod exports;
mod layout;
#[cfg(not(test))]
mod library;
mod recorder;
mod registry;
mod setup;
mod table;
mod trace;

#[cfg(test)]
mod tests;

pub use table::wrap;

/// Writes down what is still open and forgets all sessions, for `tests/fuzz`: no client's thread is in a call.
#[cfg(fuzzing)]
pub fn fuzzed_end() {
    trace::write_rest();
    registry::forget_all();
}
