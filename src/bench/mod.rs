//! Measuring: one timed run, a sweep of them, and a sweep saved as a session, on the caller's thread or on
//! a separate one. Waits for a watcher only between two runs (`pause`).

pub mod blocks;
pub mod calibrate;
mod client_settings;
pub mod command;
pub mod density;
pub mod drivers;
pub mod environment;
pub mod estimate;
pub mod ffmpeg;
mod ffmpeg_options;
pub mod job;
pub mod merge;
pub mod metrics_line;
pub mod observed;
mod one_stream;
pub mod opened;
pub mod others;
mod pause;
mod preroll;
mod probe;
pub mod process;
mod rehearsal;
pub mod run;
mod run_error;
pub mod schedule;
mod stand;
mod streams;
pub mod sweep;
pub mod trace;
mod verify;
mod warm_up;
mod warmth;
#[cfg(feature = "gui")]
pub mod watching;
pub mod worker;
