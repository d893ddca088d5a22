//! Sessions on disk: what each said, and what can be done with it.

pub mod cells;
pub mod judged;
pub mod library;
pub mod model;
pub mod table;
pub mod view;
