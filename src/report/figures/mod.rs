//! The report's figures, each a pure function from plain values to an SVG file.
//!
//! They know neither sessions nor runs: whoever wants one brings the numbers. `None`: there is nothing to draw.

pub mod depth;
pub mod knee;
pub mod lock_wait;
pub mod rounds;
pub mod shift;
pub mod wait_split;

use crate::contract::LockPlacement;
use crate::record::Case;

use super::svg::{Pen, SERIES};

/// A case's line: colour by threshold, dashes by who locks, the same in every figure of a report.
pub fn case_pen(case: &Case, thresholds: &[u32]) -> Pen {
    let idx = thresholds.iter().position(|&threshold| threshold == case.reap_threshold).unwrap_or(0);
    Pen { colour: series(idx), ..lock_pen(case.lock) }
}

/// A lock placement's line, where colour does not mean the threshold.
pub fn lock_pen(lock: LockPlacement) -> Pen {
    let (idx, dash) = match lock {
        LockPlacement::Inline => (1, ""),
        LockPlacement::Thread => (0, "7 3"),
        LockPlacement::Poll => (2, "2 3"),
    };
    Pen { colour: series(idx), width: 1.8, dash }
}

fn series(idx: usize) -> &'static str {
    // In bounds: the remainder is below the palette's length.
    SERIES[idx % SERIES.len()]
}
