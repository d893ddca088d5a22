//! The NVDEC client: the driver's decoder as what a [`pipeline`](crate::pipeline) drives.
//!
//! In reading order: [`error`] (statuses as errors), [`api`] (the driver's functions and where they come from),
//! [`mod@format`] (what the driver's parser says of a stream), `parser` (access units in,
//! callbacks out), `decoder` (one method a driver call) and [`engine`] (the whole).

pub mod api;
mod decoder;
pub mod engine;
pub mod error;
pub mod format;
mod parser;
