//! What stands in the middle of the window and beside it: one folder a view, its model and what draws it.
//!
//! A view imports widgets, figures and what all share, never the app: it shows what it is given and pushes commands.

pub mod compare;
pub mod distributions;
pub mod first_start;
pub mod live;
pub mod plots;
#[cfg(test)]
mod plots_tests;
pub mod report;
pub mod sessions;
pub mod setup;
pub mod thresholds;
pub mod timeline;
