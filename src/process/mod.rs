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
