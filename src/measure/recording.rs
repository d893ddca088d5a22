//! From a plan to a saved session: open device and input, try each codec once, then measure and save run by run.
//!
//! Used by the command line and by the window. Blocks; knows neither.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;

use super::baseline_runner::{BaselineRunError, BaselineRunner};
use super::child_process::{ChildError, ChildProcess};
use super::environment;
use super::facts::Facts;
use super::in_process::InProcess;
use super::opened::{OpenError, Opened, feed_of};
use super::runner::{Runner, WithBaselines};
use super::schedule::{Schedule, num_missing};
use super::sweep::{Event, Outcome, SweepError, sweep};
use crate::device::DeviceSpec;
use crate::plan::{Plan, PlanError, PlannedRun};
use crate::session::{
    FORMAT_VERSION, Manifest, Session, SessionError, SessionPlace, SessionWriter, is_being_written, noise_floor,
};
use crate::stats::runs::summary::RunSummary;

/// A plan that can be run: its device and input are open, and every case of it fits the device.
pub struct Recording {
    own: Own,
    baselines: Option<BaselineRunner>,
    manifest: Manifest,
    /// Of a sweep that is resumed: what was made before.
    made_before: BTreeMap<u32, RunSummary>,
}

/// Where our own runs are made.
enum Own {
    Here(Box<Opened>),
    /// In a process of its own, because the driver is somebody else's.
    Apart(Box<ChildProcess>),
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
    Baseline(#[from] BaselineRunError),
    #[error(transparent)]
    Child(#[from] ChildError),
    #[error("stopped before anything was measured")]
    NoNumbers,
    #[error("cannot compute a noise floor from {dir}: no case has 6 good pairs; find out why its runs failed", dir = dir.display())]
    NoFloor { dir: PathBuf },
}

impl Recording {
    /// Opens device and input of the plan and tries every codec once, until `stop` is set. `command` is recorded in the session;
    /// `is_watched`: does somebody want to see long runs while they are made?
    ///
    /// # Errors
    /// The plan, its input or its device is unusable, or it was stopped; nothing has been written then.
    pub fn prepare(plan: Plan, command: String, is_watched: bool, stop: &AtomicBool) -> Result<Self, RecordingError> {
        let prepared = Self::prepare_until(plan, command, is_watched, stop);
        // Whatever was interrupted answers in words of its own.
        if stop.load(Ordering::Relaxed) { Err(RecordingError::NoNumbers) } else { prepared }
    }

    fn prepare_until(
        mut plan: Plan,
        command: String,
        is_watched: bool,
        stop: &AtomicBool,
    ) -> Result<Self, RecordingError> {
        plan.check()?;
        // The lot is drawn here and kept with the session; a plan that names one repeats its order.
        plan.order_seed = plan.order_seed.or_else(|| Some(fastrand::u64(..)));
        let spec: DeviceSpec = plan.device.parse().map_err(OpenError::Device)?;
        let (own, facts) = if plan.is_isolated(spec.may_crash()) {
            let (child, facts) = ChildProcess::prepare(&plan, is_watched, stop)?;
            (Own::Apart(Box::new(child)), facts)
        } else {
            let opened = Box::new(Opened::open(&plan, stop)?);
            let facts = Facts::of(plan, &opened, stop)?;
            (Own::Here(opened), facts)
        };
        let Facts { plan, input, device, settings, rehearsals } = facts;
        let baselines = if plan.baselines.is_empty() {
            None
        } else {
            let read;
            let feed = match &own {
                Own::Here(opened) => &opened.feed,
                Own::Apart(_) => {
                    read = feed_of(&plan, stop)?;
                    &read
                }
            };
            Some(BaselineRunner::prepare(&plan, &spec, feed, &settings, stop)?)
        };
        let manifest = Manifest {
            format_version: FORMAT_VERSION,
            created_unix_ms: u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0),
            settings,
            rehearsals,
            plan,
            input,
            device,
            environment: environment::capture(command),
            note: None,
            resumptions: Vec::new(),
        };
        Ok(Self { own, baselines, manifest, made_before: BTreeMap::new() })
    }

    /// How many runs are missing of a session that ended early and that can be resumed; 0: none are, or it cannot.
    pub fn num_missing(session: &Session) -> u32 {
        let plan = &session.manifest.plan;
        // Without its seed, as in sessions of other programs, nobody knows the order of its runs.
        if plan.order_seed.is_none() || is_being_written(&session.dir) {
            return 0;
        }
        num_missing(plan, session.noise.as_ref(), &session.summaries)
    }

    /// The rest of a session that ended early: killed, stopped or without its device. Its plan, device and input must be what they
    /// were.
    ///
    /// # Errors
    /// As [`Recording::prepare`], or the session cannot be resumed here.
    pub fn resume(
        session: &Session,
        command: String,
        is_watched: bool,
        stop: &AtomicBool,
    ) -> Result<(Self, SessionWriter), RecordingError> {
        let not = |problem: String| SessionError::NotResumable { dir: session.dir.clone(), problem };
        let was = &session.manifest;
        if is_being_written(&session.dir) {
            return Err(SessionError::InUse { dir: session.dir.clone() }.into());
        }
        if was.plan.order_seed.is_none() {
            return Err(
                not("its order of runs is not known; it is of an older version, measure again".to_owned()).into()
            );
        }
        let mut recording = Self::prepare(was.plan.clone(), command, is_watched, stop)?;
        let now = &recording.manifest;
        let changed = [
            ("device", was.device.name != now.device.name || was.device.kind != now.device.kind),
            ("driver", was.device.driver != now.device.driver),
            ("input", was.input != now.input),
            ("processor", was.environment.cpu != now.environment.cpu),
            ("program's version", was.environment.inflight_version != now.environment.inflight_version),
        ];
        if let Some((what, _)) = changed.into_iter().find(|(_, is_other)| *is_other) {
            return Err(not(format!("the {what} is another one now; measure again in a new session")).into());
        }
        recording.made_before = session.summaries.iter().map(|run| (run.order_index, run.clone())).collect();
        recording.manifest = was.clone();
        let num_runs = session.summaries.len() as u32;
        let writer = SessionWriter::resume(&session.dir, was.clone(), num_runs)?;
        Ok((recording, writer))
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

    /// Creates the session.
    ///
    /// # Errors
    /// The folder is in use or cannot be written to.
    pub fn create(&self, place: &SessionPlace) -> Result<SessionWriter, RecordingError> {
        Ok(place.create(&self.manifest)?)
    }

    /// Makes every run of the plan, and those that [`Schedule`] adds. Each is on disk before `listener` hears that it is
    /// finished.
    ///
    /// # Errors
    /// A lost device, a full disk, or the listener's own error; finished runs stay saved.
    pub fn measure(
        &mut self,
        writer: &mut SessionWriter,
        stop: &AtomicBool,
        listener: &mut dyn FnMut(Event<'_>) -> Result<(), String>,
    ) -> Result<Outcome, RecordingError> {
        let plan = &self.manifest.plan;
        let noise = noise_floor(writer.dir(), &self.manifest);
        let mut schedule = Schedule::of(plan, noise.as_ref());
        let (mut made, mut outcome) = (Vec::new(), Outcome::default());
        let resumes = writer.num_resumptions();
        while let Some(runs) = schedule.next(&made).filter(|_| !outcome.stopped) {
            // The schedule follows from what was made: asked again, it asks for the same runs.
            let is_made = |run: &PlannedRun| self.made_before.get(&run.order_index);
            made.extend(runs.iter().filter_map(is_made).cloned());
            let runs: Vec<_> = runs.into_iter().filter(|run| is_made(run).is_none()).collect();
            if runs.is_empty() {
                continue;
            }
            let forecast = schedule.forecast(&runs, &made);
            let mut saving = |event: Event<'_>| {
                let mut event = event;
                if let Event::RunFinished(record) = &mut event {
                    record.resumes = resumes;
                    writer.append(record).map_err(|error| error.to_string())?;
                    let summary = RunSummary::of(record).among(&made);
                    made.push(summary);
                }
                listener(event)
            };
            saving(Event::RunsAhead(forecast)).map_err(SweepError::Listener)?;
            let more = if plan.blocks > 1 {
                in_blocks(plan, &runs, stop, &mut saving)
            } else {
                let own: Box<dyn Runner + '_> = match &mut self.own {
                    Own::Here(opened) => Box::new(InProcess::new(plan, opened, stop)),
                    Own::Apart(child) => Box::new(child.runner(stop)),
                };
                let baselines = self.baselines.as_ref().map(|baselines| (baselines, plan));
                sweep(&runs, &mut WithBaselines { own, baselines, stop }, stop, &mut saving)
            };
            let more = more.map_err(|error| error.after(outcome.num_done))?;
            outcome.num_done += more.num_done;
            outcome.num_failed += more.num_failed;
            outcome.stopped = more.stopped;
        }
        Ok(outcome)
    }
}

/// Makes `runs`, those of each block in a process of its own, one process after the other.
fn in_blocks(
    plan: &Plan,
    runs: &[PlannedRun],
    stop: &AtomicBool,
    listener: &mut dyn FnMut(Event<'_>) -> Result<(), String>,
) -> Result<Outcome, SweepError> {
    let mut outcome = Outcome::default();
    for runs in runs.chunk_by(|one, next| one.block == next.block) {
        let mut child = ChildProcess::of_prepared(plan);
        let block =
            sweep(runs, &mut child.runner(stop), stop, listener).map_err(|error| error.after(outcome.num_done))?;
        outcome.num_done += block.num_done;
        outcome.num_failed += block.num_failed;
        outcome.stopped = block.stopped;
        if outcome.stopped {
            break;
        }
    }
    Ok(outcome)
}

/// The default folder of a session: `FOLDER/sweep-DATE-TIME`.
pub fn session_dir_in(folder: &Path) -> PathBuf {
    folder.join(Timestamp::now().strftime("sweep-%Y%m%d-%H%M%S").to_string())
}
