//! When the engine last had work: one that had none for a while may have lowered its clock.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// An engine that had nothing to do for so long is idle.
const IDLE_LIMIT: Duration = Duration::from_secs(1);

/// When the engine last had work, and what its clock was before it had any.
#[derive(Debug, Default)]
pub(super) struct Warmth {
    worked_at: Mutex<Option<Instant>>,
    /// `None`: nobody could read it.
    pub(super) found_mhz: Option<u32>,
}

impl Warmth {
    /// Of a device that was just opened.
    pub(super) fn found_at(found_mhz: Option<u32>) -> Self {
        Self { found_mhz, ..Self::default() }
    }

    /// Has there been no run yet?
    pub(super) fn is_unused(&self) -> bool {
        self.worked_at.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// A run has ended.
    pub(super) fn note_work(&self) {
        *self.worked_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Was there work just now?
    pub(super) fn is_warm(&self) -> bool {
        let last = *self.worked_at.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|last| last.elapsed() < IDLE_LIMIT)
    }
}
