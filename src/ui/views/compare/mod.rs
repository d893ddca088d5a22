//! Two cases compared: the choice, the criteria, each metric, each round.

pub mod effects;
pub mod model;
pub mod view;
