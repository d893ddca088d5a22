//! From a plan to a saved session: open device and input, try each codec once, then measure and save run by run.
//!
//! Used by the command line and by the window. Blocks; knows neither.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;

use super::baseline_runner::{BaselineRunError, BaselineRunner};
use super::blocks::{self, BlockError};
use super::environment;
use super::opened::{OpenError, Opened};
use super::rehearsal::rehearse;
use super::schedule::Schedule;
use super::sweep::{Event, Outcome, SweepError, sweep};
use crate::plan::{Plan, PlanError};
use crate::session::{FORMAT_VERSION, Manifest, SessionError, SessionWriter, noise_floor};
use crate::stats::runs::summary::RunSummary;

/// A plan that can be run: its device and input are open, and every case of it fits the device.
pub struct Recording {
    opened: Opened,
    others: Option<BaselineRunner>,
    manifest: Manifest,
}

/// Why a plan cannot be run to its end.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum RecordingError {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Sweep(#[from] SweepError),
    #[error(transparent)]
    BaselineRunner(#[from] BaselineRunError),
    #[error(transparent)]
    Block(#[from] BlockError),
    #[error("stopped before anything was measured")]
    NoNumbers,
    #[error("cannot compute a noise floor from {dir}: no case has 6 good pairs; find out why its runs failed", dir = dir.display())]
    NoFloor { dir: PathBuf },
}

impl Recording {
    /// Opens device and input of the plan and tries every codec once. `command` is recorded in the session.
    ///
    /// # Errors
    /// The plan, its input or its device is unusable; nothing has been written then.
    pub fn prepare(mut plan: Plan, command: String) -> Result<Self, RecordingError> {
        plan.check()?;
        // The lot is drawn here and kept with the session; a plan that names one repeats its order.
        plan.order_seed = plan.order_seed.or_else(|| Some(fastrand::u64(..)));
        let opened = Opened::open(&plan)?;
        let plan = opened.adapted(plan).map_err(SweepError::Device)?;
        plan.check()?;
        let rehearsals = rehearse(&plan, &opened)?;
        let settings = opened.settings(&plan).map_err(SweepError::Device)?;
        let others = BaselineRunner::prepare(&plan, &opened.spec, &opened.feed, &settings)?;
        let manifest = Manifest {
            format_version: FORMAT_VERSION,
            created_unix_ms: u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0),
            settings,
            rehearsals,
            plan,
            input: opened.feed.info().clone(),
            device: opened.device.info().clone(),
            environment: environment::capture(command),
            note: None,
        };
        Ok(Self { opened, others, manifest })
    }

    /// The same recording, with a note in its session.
    pub fn with_note(mut self, note: &str) -> Self {
        self.manifest.note = Some(note.to_owned());
        self
    }

    /// The manifest of the session.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Creates the session folder `dir`.
    ///
    /// # Errors
    /// The folder is in use or cannot be written to.
    pub fn create(&self, dir: &Path) -> Result<SessionWriter, RecordingError> {
        Ok(SessionWriter::create(dir, &self.manifest)?)
    }

    /// Makes every run of the plan, and those that [`Schedule`] adds. Each is on disk before `listener` hears that it is
    /// finished.
    ///
    /// # Errors
    /// A lost device, a full disk, or the listener's own error; finished runs stay saved.
    pub fn measure(
        &self,
        writer: &mut SessionWriter,
        stop: &AtomicBool,
        listener: &mut dyn FnMut(Event<'_>) -> Result<(), String>,
    ) -> Result<Outcome, RecordingError> {
        let plan = &self.manifest.plan;
        let noise = noise_floor(writer.dir(), &self.manifest);
        let mut schedule = Schedule::of(plan, noise.as_ref());
        let (mut made, mut outcome) = (Vec::new(), Outcome::default());
        while let Some(runs) = schedule.next(&made).filter(|_| !outcome.stopped) {
            let forecast = schedule.forecast(&runs, &made);
            let mut saving = |event: Event<'_>| {
                if let Event::RunFinished(record) = &event {
                    writer.append(record).map_err(|error| error.to_string())?;
                    let summary = RunSummary::of(record).among(&made);
                    made.push(summary);
                }
                listener(event)
            };
            saving(Event::RunsAhead(forecast)).map_err(SweepError::Listener)?;
            let more = if plan.blocks > 1 {
                blocks::measure(plan, &runs, stop, &mut saving)?
            } else {
                let more = sweep(plan, &runs, &self.opened, self.others.as_ref(), stop, &mut saving);
                more.map_err(|error| error.after(outcome.num_done))?
            };
            outcome.num_done += more.num_done;
            outcome.num_failed += more.num_failed;
            outcome.stopped = more.stopped;
        }
        Ok(outcome)
    }
}

/// The default folder of a session: `FOLDER/sweep-DATE-TIME`.
pub fn session_dir_in(folder: &Path) -> PathBuf {
    folder.join(Timestamp::now().strftime("sweep-%Y%m%d-%H%M%S").to_string())
}
