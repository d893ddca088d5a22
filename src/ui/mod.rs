//! The desktop window: the only folder that names egui, its plots and the system's dialogs.
//!
//! State changes by `commands` once a frame, before drawing; what draws reads. Work that takes time runs on threads of
//! its own (`background`, `bench::worker`), so the window never waits and nothing waits for the window.

pub mod data;
pub mod plots;
pub mod theme;
