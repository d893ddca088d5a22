//! What the measurements say, in four folders of which each uses only those before it: `math`, `runs`, `evidence`,
//! `verdict`; `analysis` puts everything together once for all who show it.
//!
//! Pure functions of recorded runs. Knows no file, no clock and no device; a number that is undefined is `None`.
//! The unit of every judgement is the run: frames within a run hang together, so they describe it and decide nothing.

pub mod analysis;
pub mod evidence;
#[cfg(test)]
pub(crate) mod fixture;
pub mod math;
pub mod runs;
pub mod verdict;
