//! What the measurements say: summaries, spreads, criteria, comparison, recommendation.
//!
//! Pure functions of recorded runs. Knows no file, no clock and no device; a number that is undefined is `None`.
//! The unit of every judgement is the run: frames within a run hang together, so they describe it and decide nothing.

pub mod cells;
pub mod compare;
pub mod criteria;
pub mod distribution;
pub mod doubt;
pub mod effect;
#[cfg(test)]
pub(crate) mod fixture;
pub mod gate;
mod guard;
pub mod inspect;
pub mod interval;
pub mod judge;
pub mod margin;
pub mod metrics;
pub mod rank;
pub mod recommend;
pub mod selector;
pub mod shift;
pub mod side;
pub mod spread;
pub mod summary;
pub mod warning;
