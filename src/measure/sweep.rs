//! A sweep: makes every planned run, one after the other, and tells a listener as soon as one is finished.
//!
//! Blocks, starts no thread for watching, keeps no frames of finished runs. The listener saves them.

use std::sync::atomic::{AtomicBool, Ordering};

use super::run::{LiveUpdate, RunError};
use super::runner::{Ending, Made, Runner};
use super::schedule::Forecast;
use crate::device::DeviceError;
use crate::plan::{PlanError, PlannedRun};
use crate::record::RunRecord;

/// The events of a sweep, in order.
#[derive(Debug)]
pub enum Event<'a> {
    /// The runs that begin now, and those that are likely to follow.
    RunsAhead(Forecast),
    /// A run begins.
    RunStarted(&'a PlannedRun),
    /// A run is in progress. Called from inside the measured loop: return at once.
    RunWatched(&'a PlannedRun, LiveUpdate<'a>),
    /// A run has ended, good or failed.
    RunFinished(Box<RunRecord>),
}

/// How a sweep ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Finished runs, warm-ups included.
    pub num_done: u64,
    /// Failed runs among them.
    pub num_failed: u64,
    /// Was it stopped by request before its end?
    pub stopped: bool,
}

/// Why a sweep ended early.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum SweepError {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error("{0}; this was a first try of a few frames, and nothing was measured")]
    Rehearsal(#[source] RunError),
    #[error("cannot go on: the device was lost after {num_done} of {num_runs} runs: {error}")]
    DeviceLost { num_done: u64, num_runs: u64, error: String },
    /// The listener could not go on (a full disk, for instance).
    #[error("{0}")]
    Listener(String),
}

impl SweepError {
    /// The same, told by somebody who knows of runs that were made before these.
    pub(super) fn after(self, num_before: u64) -> Self {
        match self {
            Self::DeviceLost { num_done, num_runs, error } => {
                Self::DeviceLost { num_done: num_before + num_done, num_runs: num_before + num_runs, error }
            }
            other => other,
        }
    }
}

/// Makes `runs` of a plan that a rehearsal accepted.
///
/// `stop` is looked at between runs too; a runner drains and drops the run in progress, and finished runs stay. A failed run is
/// reported like any other and does not end the sweep, unless the device is lost.
///
/// # Errors
/// A lost device, or the listener's own error.
pub fn sweep(
    runs: &[PlannedRun],
    runner: &mut dyn Runner,
    stop: &AtomicBool,
    listener: &mut dyn FnMut(Event<'_>) -> Result<(), String>,
) -> Result<Outcome, SweepError> {
    let mut outcome = Outcome::default();
    for planned in runs {
        if stop.load(Ordering::Relaxed) {
            outcome.stopped = true;
            break;
        }
        listener(Event::RunStarted(planned)).map_err(SweepError::Listener)?;
        // A watcher has no way to fail or hold up a run: what its callback answers is not looked at.
        let mut watch = |live_update: LiveUpdate<'_>| drop(listener(Event::RunWatched(planned, live_update)));
        let Made { record, ending } = runner.run(planned, &mut watch);
        if ending == Ending::Stopped {
            outcome.stopped = true;
            break;
        }
        outcome.num_done += 1;
        outcome.num_failed += u64::from(ending != Ending::Good);
        let error = record.error.clone();
        listener(Event::RunFinished(Box::new(record))).map_err(SweepError::Listener)?;
        if ending == Ending::Lost {
            let (num_done, num_runs) = (outcome.num_done, runs.len() as u64);
            return Err(SweepError::DeviceLost { num_done, num_runs, error: error.unwrap_or_default() });
        }
    }
    Ok(outcome)
}
