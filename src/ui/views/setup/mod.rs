//! The set-up: a plan as four cards, in the order of a person's thoughts.

pub mod cards;
pub mod device;
pub mod devices;
mod engine;
pub mod model;
pub mod parts;
pub mod plans;
pub mod preview;
pub mod preview_words;
pub mod ready_plans;
pub mod sample;
pub mod saving;
#[cfg(test)]
mod tests;
pub mod thorough;
pub mod to_try;
pub mod view;
