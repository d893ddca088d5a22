//! Other programs as child processes: the libraries that they load, their lives, and what was seen of their encode sessions.
//!
//! Knows no plan and no device.

pub mod child;
pub mod client_settings;
pub mod driver_folder;
pub mod ffmpeg;
pub mod interposer_trace;
pub mod scratch;
pub mod tree;
pub mod verify;

/// Ends this process at once, without what libraries want to do at its end: a driver that hangs would hang there too.
#[cfg(unix)]
pub fn leave(code: i32) -> ! {
    signal_hook::low_level::exit(code)
}

/// See the other.
#[cfg(not(unix))]
pub fn leave(code: i32) -> ! {
    std::process::exit(code)
}
