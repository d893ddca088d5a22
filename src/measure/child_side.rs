//! The child's side of `child_process`: `inflight runs` gets a plan and then its runs, a line each, on standard input, and writes what
//! happens to standard output, a line each.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use super::in_process::InProcess;
use super::opened::{OpenError, Opened};
use super::run::{LIVE_SAMPLES, LiveUpdate};
use super::runner::{Ending, Made, Runner as _};
use super::sweep::SweepError;
use crate::calls;
use crate::device::unlock_all_clocks;
use crate::plan::{Plan, PlanError, PlannedRun};
use crate::process::leave;
use crate::process::tree::end_other_programs;
use crate::record::LiveSample;

/// How often a watcher is shown a run in progress. A shorter one is seen when it has ended.
const SHOW_EVERY: Duration = Duration::from_millis(500);

/// How long a process that nobody wants any more may take to end.
const ORPHAN_LIMIT: Duration = Duration::from_secs(10);

/// What a child is for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) plan: Plan,
    /// Where it says which call it is in.
    pub(super) board: PathBuf,
    pub(super) is_watched: bool,
    /// Is the plan to be adapted and tried first?
    pub(super) prepares: bool,
}

/// What a child tells.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Told {
    /// Device and input are open.
    Ready(Option<Box<Facts>>),
    /// A run goes on.
    Live { frames: u64, fresh: Vec<LiveSample> },
    /// A run has ended.
    Made(Box<Made>),
}

/// Why a child makes no runs.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum ChildSideError {
    #[error("cannot make runs: {0}; start sweeps with 'inflight sweep'")]
    NoTask(String),
    #[error("cannot make runs: nobody reads what they came to: {0}")]
    NoReader(io::Error),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Sweep(#[from] SweepError),
}

/// Frames of the run in progress, on their way to a watcher.
struct Live {
    frames: AtomicU64,
    samples: Mutex<Vec<LiveSample>>,
}

/// Makes the runs that `input` names and writes them to `output`. Sets `stop` once `input` is closed.
///
/// # Errors
/// No runs are named, the device or the input cannot be opened, or `output` was closed.
pub fn serve(input: impl Read + Send + 'static, output: File, stop: &Arc<AtomicBool>) -> Result<bool, ChildSideError> {
    let no_task = |error: String| ChildSideError::NoTask(error);
    let mut input = BufReader::new(input);
    let mut text = String::new();
    input.read_line(&mut text).map_err(|error| no_task(error.to_string()))?;
    let Task { plan, board, is_watched, prepares } =
        serde_json::from_str(&text).map_err(|error| no_task(error.to_string()))?;
    let shared = File::options().read(true).write(true).open(board).and_then(|file| calls::share(&file));
    shared.map_err(|error| no_task(error.to_string()))?;
    let is_ready = Arc::new(AtomicBool::new(false));
    let runs = runs_of(input, Arc::clone(stop), Arc::clone(&is_ready));
    let opened = open(plan, prepares, stop);
    // Refused, it says why before it ends, also where nobody holds the pipe any more.
    is_ready.store(true, Ordering::Relaxed);
    let (plan, opened, facts) = opened?;
    let output = Arc::new(Mutex::new(output));
    tell(&output, &Told::Ready(facts))?;
    let live = Arc::new(Live { frames: AtomicU64::new(0), samples: Mutex::new(Vec::with_capacity(LIVE_SAMPLES)) });
    if is_watched {
        show(Arc::clone(&live), Arc::clone(&output));
    }
    let mut runner = InProcess::new(&plan, &opened, stop);
    for planned in runs {
        let made = runner.run(&planned, &mut |update| live.offer(update));
        live.clear();
        let is_over = matches!(made.ending, Ending::Stopped | Ending::Lost);
        tell(&output, &Told::Made(Box::new(made)))?;
        if is_over {
            break;
        }
    }
    Ok(stop.load(Ordering::Relaxed))
}

/// Opens device and input; with what was found, where that was asked for.
fn open(plan: Plan, prepares: bool, stop: &AtomicBool) -> Result<(Plan, Opened, Option<Box<Facts>>), ChildSideError> {
    plan.check()?;
    let opened = Opened::open(&plan, stop)?;
    if !prepares {
        return Ok((plan, opened, None));
    }
    let facts = Facts::of(plan, &opened, stop)?;
    Ok((facts.plan.clone(), opened, Some(Box::new(facts))))
}

/// The runs as they come. Whoever started this process holds the pipe open until it wants no more of them.
fn runs_of(
    input: impl BufRead + Send + 'static,
    stop: Arc<AtomicBool>,
    is_ready: Arc<AtomicBool>,
) -> Receiver<PlannedRun> {
    let (sender, runs) = mpsc::channel();
    std::thread::spawn(move || {
        let parsed = |line: io::Result<String>| serde_json::from_str(&line.ok()?).ok();
        for run in input.lines().map_while(parsed) {
            if sender.send(run).is_err() {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
        // Nobody is left to end a process that hangs in a driver. Before its first run there is nothing to drain.
        if is_ready.load(Ordering::Relaxed) {
            std::thread::sleep(ORPHAN_LIMIT);
        }
        unlock_all_clocks();
        end_other_programs();
        leave(1);
    });
    runs
}

fn tell(output: &Mutex<File>, told: &Told) -> Result<(), ChildSideError> {
    let mut line = serde_json::to_vec(told).map_err(|error| ChildSideError::NoReader(error.into()))?;
    line.push(b'\n');
    let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
    output.write_all(&line).and_then(|()| output.flush()).map_err(ChildSideError::NoReader)
}

impl Live {
    /// From inside the measured loop: waits for nobody.
    fn offer(&self, update: LiveUpdate<'_>) {
        self.frames.store(update.frames, Ordering::Relaxed);
        let Ok(mut samples) = self.samples.try_lock() else { return };
        let room = samples.capacity() - samples.len();
        samples.extend(update.fresh.iter().take(room));
    }

    fn clear(&self) {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Passes on what was offered, from a thread of its own that ends with the process.
fn show(live: Arc<Live>, output: Arc<Mutex<File>>) {
    std::thread::spawn(move || {
        let mut fresh = Vec::with_capacity(LIVE_SAMPLES);
        loop {
            std::thread::sleep(SHOW_EVERY);
            fresh.clear();
            std::mem::swap(&mut fresh, &mut live.samples.lock().unwrap_or_else(PoisonError::into_inner));
            let frames = live.frames.load(Ordering::Relaxed);
            if !fresh.is_empty() && tell(&output, &Told::Live { frames, fresh: fresh.clone() }).is_err() {
                break;
            }
        }
    });
}
