//! A sweep: makes every planned run, one after the other, and tells a listener as soon as one is finished.
//!
//! Blocks, starts no thread for watching, keeps no frames of finished runs. The listener saves them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::opened::Opened;
use super::others::{Others, OthersError, is_other};
use super::run::{Caller, Glimpse, RunError, Stand};
use super::schedule::Forecast;
use super::streams::{PacketDigests, Streams};
use crate::contract::PacketSink;
use crate::device::DeviceError;
use crate::plan::{Plan, PlanError, PlannedRun};
use crate::record::RunRecord;

/// The events of a sweep, in order.
#[derive(Debug)]
pub enum Event<'a> {
    /// The runs that begin now, and those that are likely to follow.
    RunsAhead(Forecast),
    /// A run begins.
    RunStarted(&'a PlannedRun),
    /// A run is in progress. Called from inside the measured loop: return at once.
    RunWatched(&'a PlannedRun, Glimpse<'a>),
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

/// Can the device run this plan? Opens and closes an encoder for each codec's deepest case, so that an impossible setting
/// is reported once, before anything is written or measured, and not by every run.
///
/// # Errors
/// The plan is invalid, or the device refuses it.
pub fn rehearse(plan: &Plan, opened: &Opened) -> Result<(), SweepError> {
    plan.check()?;
    for &codec in &plan.codecs {
        let of_codec = plan.cases().into_iter().filter(|case| case.codec == codec && !is_other(case));
        if let Some(case) = of_codec.max_by_key(|case| (case.pool, case.most_in_flight())) {
            opened.try_case(plan, &case)?;
        }
    }
    Ok(())
}

/// Makes `runs` of a plan that [`rehearse`] accepted.
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
    others: Option<&Others>,
    stop: &AtomicBool,
    listener: &mut dyn FnMut(Event<'_>) -> Result<(), String>,
) -> Result<Outcome, SweepError> {
    let (mut outcome, mut streams) = (Outcome::default(), Streams::default());
    for planned in runs {
        if stop.load(Ordering::Relaxed) {
            outcome.stopped = true;
            break;
        }
        listener(Event::RunStarted(planned)).map_err(SweepError::Listener)?;
        if let Some(others) = others.filter(|_| is_other(&planned.case)) {
            let (record, error) = others.run(plan, planned, stop);
            if error.as_ref().is_some_and(OthersError::is_stop) {
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
        let mut watch = |glimpse: Glimpse<'_>| drop(listener(Event::RunWatched(planned, glimpse)));
        let stand = Stand { opened, config: &config, caller: caller(plan), stop };
        let digests = streams.digests_for(planned, config.expected_frames());
        let sink = digests.as_ref().map_or_else(|| Box::new(drop) as PacketSink, PacketDigests::sink);
        let (mut record, error) = stand.run(planned, sink, &mut watch);
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
        if let Some(error) = error.filter(RunError::is_device_lost) {
            let (num_done, num_runs) = (outcome.num_done, runs.len() as u64);
            return Err(SweepError::DeviceLost { num_done, num_runs, error: error.to_string() });
        }
    }
    Ok(outcome)
}

/// The caller's behaviour in a plan.
pub fn caller(plan: &Plan) -> Caller {
    Caller { host_work: Duration::from_micros(plan.host_work_us.into()), pace_fps: plan.pace_fps }
}
