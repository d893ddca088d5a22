//! How long frames take, case by case.

pub mod cases;
pub mod model;
pub mod selection;
pub mod view;
