//! Every case against the threshold.

pub mod model;
pub mod view;
