//! Measuring: one timed run, a sweep of them, and a sweep saved as a session, on the caller's thread or on
//! a separate one. Waits for a watcher only between two runs (`pause`).

pub mod baseline_runner;
pub mod calibrate;
pub mod child_process;
pub mod child_side;
pub mod command;
pub mod density;
pub mod environment;
pub mod estimate;
mod facts;
mod ffmpeg_options;
pub mod in_process;
pub mod merge;
pub mod metrics_line;
pub mod observed_session;
mod one_stream;
pub mod opened;
mod pause;
mod preroll;
mod probe;
pub mod recording;
mod rehearsal;
pub mod run;
mod run_error;
mod run_setup;
pub mod runner;
pub mod schedule;
mod stall;
pub mod strangers;
mod streams;
mod suspended;
pub mod sweep;
pub mod sweep_thread;
mod warm_up;
mod warmth;
#[cfg(feature = "gui")]
pub mod window_overhead;
