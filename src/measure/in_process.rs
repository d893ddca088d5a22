//! Runs in this process, one after the other, on a device and an input that are open.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::opened::Opened;
use super::run::RunError;
use super::run_setup::{Caller, LiveUpdate, RunSetup};
use super::runner::{Ending, MOST_LOST, Made, Runner};
use super::streams::Streams;
use crate::contract::PacketSink;
use crate::plan::{Plan, PlannedRun};

/// Makes the runs of a plan here.
pub struct InProcess<'a> {
    plan: &'a Plan,
    opened: &'a Opened,
    /// Checked once per frame.
    stop: &'a AtomicBool,
    streams: Streams,
    /// Runs in a row that seem to have lost the device.
    num_lost: u32,
}

impl<'a> InProcess<'a> {
    /// `opened` is the plan's device and input.
    pub fn new(plan: &'a Plan, opened: &'a Opened, stop: &'a AtomicBool) -> Self {
        Self { plan, opened, stop, streams: Streams::default(), num_lost: 0 }
    }
}

impl Runner for InProcess<'_> {
    fn run(&mut self, planned: &PlannedRun, watch: &mut dyn FnMut(LiveUpdate<'_>)) -> Made {
        let Self { plan, opened, stop, .. } = *self;
        let config = opened.config(plan, &planned.case);
        let setup = RunSetup { opened, config: &config, caller: caller(plan), stop };
        let digests = self.streams.digests_for(planned, setup.caller.preroll_frames, config.expected_frames());
        let sink: PacketSink = match &digests {
            Some(digests) => digests.sink(),
            None => Box::new(|_| ()),
        };
        // A driver that fails here fails in the run too, which says so.
        let warm_up = if plan.telemetry { opened.warm_up(&config, stop).ok().flatten() } else { None };
        crate::calls::begin_run();
        let (mut record, error) = setup.run(planned, sink, watch);
        record.warm_up = warm_up;
        opened.warmth.note_work();
        if let Some(digests) = digests.filter(|_| plan.engine.encodes()) {
            digests.write_to(&mut record);
            self.streams.note(&record);
        }
        let is_lost = error.as_ref().is_some_and(RunError::is_device_lost);
        self.num_lost = if is_lost { self.num_lost + 1 } else { 0 };
        let goes_on =
            |error: &RunError| self.num_lost < MOST_LOST && error.may_pass() && opened.works_again(&config, stop);
        let ending = match &error {
            None => Ending::Good,
            Some(RunError::Stopped) => Ending::Stopped,
            Some(error) if is_lost && !goes_on(error) => Ending::Lost,
            Some(_) => Ending::Failed,
        };
        Made { record, ending }
    }
}

/// The caller's behaviour in a plan.
pub fn caller(plan: &Plan) -> Caller {
    let host_work = Duration::from_micros(plan.host_work_us.into());
    Caller { host_work, pace_fps: plan.pace_fps, preroll_frames: plan.preroll_frames(), num_streams: plan.streams }
}
