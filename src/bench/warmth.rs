//! When the engine last had work: one that had none for a while may have lowered its clock.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// An engine that had nothing to do for so long is idle.
const IDLE_LIMIT: Duration = Duration::from_secs(1);

/// When the engine last had work.
#[derive(Debug, Default)]
pub(super) struct Warmth(Mutex<Option<Instant>>);

impl Warmth {
    /// A run has ended.
    pub(super) fn note_work(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Was there work just now?
    pub(super) fn is_warm(&self) -> bool {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|last| last.elapsed() < IDLE_LIMIT)
    }
}
