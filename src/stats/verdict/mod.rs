//! Answers that a person can act on: criteria, effects, the latency guard, sweeps judged cell by cell, the recommendation.
//! Nothing here decides by itself: every answer is one of `evidence::decision`.

pub mod comparison;
pub mod criteria;
pub mod density;
pub mod effects;
pub mod judge;
pub mod recommendation;
pub mod sweep_effects;
pub mod words;

use crate::plan::Plan;
use crate::stats::evidence::decision::ERROR;

/// How often an answer about the planned rounds may be wrong: 5 % in all, shared between the looks that the plan takes.
pub fn error_of(plan: &Plan) -> f64 {
    ERROR / f64::from(plan.num_looks())
}

/// How often an answer of the confirmation rounds may be wrong: 5 % as well, shared between the looks at them.
pub fn error_of_confirmation(plan: &Plan) -> f64 {
    ERROR / f64::from(plan.num_confirmation_looks())
}
