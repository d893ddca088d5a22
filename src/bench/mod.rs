//! Measuring: one timed run, and a sweep of them. Blocks, knows no watcher's thread, and never waits for one.

pub mod environment;
pub mod metrics_line;
pub mod run;
pub mod sweep;
