//! Inflight: where does an NVENC pipeline wait, and how many pictures should it keep in flight?
//!
//! The library behind the `inflight` program. docs/ARCHITECTURE.md is the map.

pub mod advice;
pub mod calls;
pub mod card;
pub mod cli;
pub mod conformance;
pub mod contract;
pub mod device;
pub mod doctor;
pub mod figures;
pub mod files;
mod library;
pub mod measure;
pub mod memory;
pub mod nvdec;
pub mod nvenc;
pub mod pipeline;
pub mod plan;
pub mod process;
pub mod qualify;
pub mod record;
pub mod report;
pub mod session;
pub mod shell;
pub mod source;
pub mod stats;
pub mod transcode;
#[cfg(feature = "gui")]
pub mod ui;
pub mod units;
