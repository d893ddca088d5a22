//! Session to report: Markdown with figures beside it, tables of samples, a trace, status pages.
//!
//! Everything here is a pure function of what was stored: no clock, no device, no number that `stats` did not compute.

pub mod axis;
pub mod chart;
pub mod figures;
pub mod svg;
