//! A sweep: makes every planned run, one after the other, and tells a listener as soon as one is finished.
//!
//! Blocks, starts no thread for watching, keeps no frames of finished runs. The listener saves them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::baseline_runner::{BaselineRunError, BaselineRunner, is_other};
use super::opened::Opened;
use super::run::{Caller, InProcessRunner, LiveUpdate, RunError};
use super::schedule::Forecast;
use super::streams::Streams;
use crate::contract::PacketSink;
use crate::device::DeviceError;
use crate::plan::{Plan, PlanError, PlannedRun};
use crate::record::RunRecord;

/// So many runs in a row that seem to have lost the device are enough, even where it works in between.
const MOST_LOST: u32 = 3;

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
/// `stop` is checked once per frame: the run in progress is drained and dropped, finished runs stay. A failed run is
/// reported like any other and does not end the sweep, unless the device is lost.
///
/// # Errors
/// A lost device, or the listener's own error.
pub fn sweep(
    plan: &Plan,
    runs: &[PlannedRun],
    opened: &Opened,
    others: Option<&BaselineRunner>,
    stop: &AtomicBool,
    listener: &mut dyn FnMut(Event<'_>) -> Result<(), String>,
) -> Result<Outcome, SweepError> {
    let (mut outcome, mut streams, mut num_lost) = (Outcome::default(), Streams::default(), 0);
    for planned in runs {
        if stop.load(Ordering::Relaxed) {
            outcome.stopped = true;
            break;
        }
        listener(Event::RunStarted(planned)).map_err(SweepError::Listener)?;
        if let Some(others) = others.filter(|_| is_other(&planned.case)) {
            let (record, error) = others.run(plan, planned, stop);
            if error.as_ref().is_some_and(BaselineRunError::is_stop) {
                outcome.stopped = true;
                break;
            }
            outcome.num_done += 1;
            outcome.num_failed += u64::from(error.is_some());
            listener(Event::RunFinished(Box::new(record))).map_err(SweepError::Listener)?;
            continue;
        }
        let config = opened.config(plan, &planned.case);
        // A watcher has no way to fail or hold up a run: what its callback answers is not looked at.
        let mut watch = |live_update: LiveUpdate<'_>| drop(listener(Event::RunWatched(planned, live_update)));
        let runner = InProcessRunner { opened, config: &config, caller: caller(plan), stop };
        let digests = streams.digests_for(planned, runner.caller.preroll_frames, config.expected_frames());
        let sink: PacketSink = match &digests {
            Some(digests) => digests.sink(),
            None => Box::new(|_| ()),
        };
        // A driver that fails here fails in the run too, which says so.
        let warm_up = if plan.telemetry { opened.warm_up(&config, stop).ok().flatten() } else { None };
        let (mut record, error) = runner.run(planned, sink, &mut watch);
        record.warm_up = warm_up;
        opened.warmth.note_work();
        if let Some(digests) = digests.filter(|_| plan.engine.encodes()) {
            digests.write_to(&mut record);
            streams.note(&record);
        }
        if matches!(error, Some(RunError::Stopped)) {
            outcome.stopped = true;
            break;
        }
        outcome.num_done += 1;
        outcome.num_failed += u64::from(error.is_some());
        listener(Event::RunFinished(Box::new(record))).map_err(SweepError::Listener)?;
        let lost = error.filter(RunError::is_device_lost);
        num_lost = if lost.is_some() { num_lost + 1 } else { 0 };
        let goes_on = |error: &RunError| num_lost < MOST_LOST && error.may_pass() && opened.works_again(&config);
        if let Some(error) = lost.filter(|error| !goes_on(error)) {
            let (num_done, num_runs) = (outcome.num_done, runs.len() as u64);
            return Err(SweepError::DeviceLost { num_done, num_runs, error: error.to_string() });
        }
    }
    Ok(outcome)
}

/// The caller's behaviour in a plan.
pub fn caller(plan: &Plan) -> Caller {
    let host_work = Duration::from_micros(plan.host_work_us.into());
    Caller { host_work, pace_fps: plan.pace_fps, preroll_frames: plan.preroll_frames(), num_streams: plan.streams }
}
