//! Inflight: where does an NVENC pipeline wait, and how many pictures should it keep in flight?
//!
//! The library behind the `inflight` program. docs/ARCHITECTURE.md is the map.

pub mod contract;
pub mod plan;
pub mod record;
pub mod report;
pub mod session;
pub mod stats;
pub mod units;
