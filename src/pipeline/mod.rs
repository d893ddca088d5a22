//! Frames in flight, over any engine: which are where, who takes them back, and where each frame's time went.
//!
//! In reading order: [`engine`] (what an engine must be able to do), `ring` (which frames are in flight), `harvest`
//! (taking frames back, on whichever thread), `pace` (when to ask for them), [`Pipeline`] (the whole), [`Submits`] (what
//! else can be fed like one) and `samples` (what was measured, as columns).
//! Knows neither NVENC nor NVDEC, no device and no statistics.

pub mod engine;
mod error;
mod harvest;
mod in_flight;
mod pace;
mod pipe;
mod ring;
mod samples;
mod submits;
mod thread;

pub use error::RingError;
pub use harvest::Sink;
pub use pipe::{Pipeline, RingSize};
pub use samples::HarvestSample;
pub use submits::{Submits, TakenFrames};
