//! Who makes the runs of a sweep: this process, a child whose driver may crash or hang, or other programs beside either.
//!
//! Which of them is decided once, in `recording`.

use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use super::baseline_runner::{BaselineRunner, is_other};
use super::run_setup::LiveUpdate;
use crate::plan::{Plan, PlannedRun};
use crate::record::RunRecord;

/// So many runs in a row that seem to have lost the device are enough, even where it works in between.
pub(super) const MOST_LOST: u32 = 3;

/// Makes runs.
pub trait Runner {
    /// Makes one run and records it, even if it fails. `watch` sees it while it is made: from inside the measured loop where that is
    /// in this process, so it must return at once.
    fn run(&mut self, planned: &PlannedRun, watch: &mut dyn FnMut(LiveUpdate<'_>)) -> Made;
}

/// A run that was made.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the types say it")]
pub struct Made {
    pub record: RunRecord,
    pub ending: Ending,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// Whole.
    Good,
    /// Its record says why; the next may be whole.
    Failed,
    /// By request, drained; it does not count.
    Stopped,
    /// The device is lost: further runs are pointless.
    Lost,
}

/// Our own runs by one, and those of other programs by another.
pub(super) struct WithBaselines<'a> {
    pub(super) own: Box<dyn Runner + 'a>,
    pub(super) baselines: Option<(&'a BaselineRunner, &'a Plan)>,
    pub(super) stop: &'a AtomicBool,
}

impl Runner for WithBaselines<'_> {
    fn run(&mut self, planned: &PlannedRun, watch: &mut dyn FnMut(LiveUpdate<'_>)) -> Made {
        let Some((baselines, plan)) = self.baselines.filter(|_| is_other(&planned.case)) else {
            return self.own.run(planned, watch);
        };
        let (record, error) = baselines.run(plan, planned, self.stop);
        let ending = match error {
            None => Ending::Good,
            Some(error) if error.is_stop() => Ending::Stopped,
            Some(_) => Ending::Failed,
        };
        Made { record, ending }
    }
}
