//! The NVENC client: the only home of FFI in this program.
//!
//! In reading order: [`error`] (statuses as errors), [`api`] (the function table and where it comes from), `params`
//! (our words to NVENC's), [`words`] (its numbers in words), [`session`] (one method a driver call), `upload` (frames into the driver's memory), [`engine`]
//! (a session as what a [`pipeline`](crate::pipeline) drives) and [`encoder`] (the whole).

pub mod api;
pub mod encoder;
pub mod engine;
pub mod error;
mod params;
pub mod session;
mod upload;
pub mod words;
