//! A sweep while it runs.

pub mod model;
pub mod runs;
pub mod view;
