//! Measures the cost of watching: runs the same plan with and without the window, as processes, in random order.
//!
//! Needs a screen. Both are this program, so the window is the only difference.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::plan::Plan;
use crate::session::{Session, SessionError, save_plan};
use crate::stats::evidence::blocks::Unit;
use crate::stats::evidence::change::ChangeInterval;
use crate::stats::evidence::quantity::Quantity;
use crate::stats::evidence::sides::Sides;
use crate::stats::runs::metrics::Metric;
use crate::stats::runs::summary::{Group, RunSummary};

/// In the stage's folder.
const PLAN: &str = "plan.json";
const OUTPUT: &str = "output";
/// How a program that Ctrl-C ended leaves.
const INTERRUPTED: i32 = 130;

/// The program and an empty folder for it to work in.
#[derive(Debug)]
pub struct Stage {
    program: PathBuf,
    folder: PathBuf,
}

/// How the window watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watching {
    /// It draws the run in progress.
    Drawing,
    /// It draws nothing during a run.
    Quiet,
}

/// Why the cost cannot be measured.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum WatchingError {
    #[error("cannot start {program}: {source}; reinstall inflight", program = program.display())]
    Start { program: PathBuf, source: std::io::Error },
    #[error("{what} failed with {status}: see its message above")]
    Ended { what: &'static str, status: std::process::ExitStatus },
    #[error("stopped")]
    Stopped,
    #[error("{what} had no good run: see its messages above")]
    NoRun { what: &'static str },
    #[error("cannot use {folder}: {source}; choose another folder for temporary files with TMPDIR", folder = folder.display())]
    Folder { folder: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl Stage {
    /// `program`: the `inflight` to start; `folder`: an empty folder that the caller removes.
    ///
    /// # Errors
    /// The plan cannot be written to the folder.
    pub fn new(program: PathBuf, folder: PathBuf, plan: &Plan) -> Result<Self, WatchingError> {
        save_plan(plan, &folder.join(PLAN))?;
        Ok(Self { program, folder })
    }

    /// The program with these words, with nothing of the user's preferences.
    pub fn command<I: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = I>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).env("HOME", &self.folder).env("XDG_DATA_HOME", &self.folder);
        command.stdout(Stdio::null()).stderr(Stdio::inherit());
        command
    }

    /// The change in wall time from headless to watched runs over `pairs` pairs; `tell` gets each pair's two wall times, in
    /// milliseconds.
    ///
    /// # Errors
    /// A process fails, or has no good run.
    pub fn cost(
        &self,
        watching: Watching,
        pairs: u32,
        mut tell: impl FnMut(u32, f64, f64),
    ) -> Result<Option<ChangeInterval>, WatchingError> {
        let (mut headless, mut watched) = (Vec::new(), Vec::new());
        for pair in 0..pairs {
            let in_turn = |run: RunSummary| RunSummary { repeat_index: pair, order_index: pair, ..run };
            let is_headless_first = fastrand::bool();
            if is_headless_first {
                headless.push(in_turn(self.headless()?));
            }
            watched.push(in_turn(self.watched(watching)?));
            if !is_headless_first {
                headless.push(in_turn(self.headless()?));
            }
            if let (Some(headless), Some(watched)) = (headless.last(), watched.last()) {
                tell(pair, headless.wall_ms(), watched.wall_ms());
            }
        }
        let (before, after): (Vec<_>, Vec<_>) = (headless.iter().collect(), watched.iter().collect());
        let sample = Sides { before: &before, after: &after, is_paired: true }
            .sample(Quantity::Metric(Metric::WallMs), Unit::Run);
        Ok(sample.map(|sample| ChangeInterval::plain(&sample)))
    }

    fn headless(&self) -> Result<RunSummary, WatchingError> {
        self.measure("a sweep", &["sweep", "--session"], "headless")
    }

    fn watched(&self, watching: Watching) -> Result<RunSummary, WatchingError> {
        let then = if watching == Watching::Quiet { "run-quiet" } else { "run" };
        self.measure("the window", &["gui", "--then", then, "--folder"], "")
    }

    /// One run that stands for all good ones of the plan: its wall time is the mean of theirs. The last of `words` asks
    /// where the session, or the folder of sessions, is to be: at `place` in the output folder.
    fn measure(&self, what: &'static str, words: &[&str], place: &str) -> Result<RunSummary, WatchingError> {
        let output = self.folder.join(OUTPUT);
        let mut command = self.command(words);
        let status = command.arg(output.join(place)).arg("--plan").arg(self.folder.join(PLAN)).status();
        let status = status.map_err(|source| WatchingError::Start { program: self.program.clone(), source })?;
        match status.code() {
            Some(0) => {}
            // No code: a signal.
            Some(INTERRUPTED) | None => return Err(WatchingError::Stopped),
            Some(_) => return Err(WatchingError::Ended { what, status }),
        }
        let unusable = |source| WatchingError::Folder { folder: output.clone(), source };
        let made = fs::read_dir(&output).map_err(unusable)?.flatten().map(|entry| entry.path()).next();
        let session = Session::open(made.as_deref().unwrap_or(&output))?;
        fs::remove_dir_all(&output).map_err(unusable)?;
        let run = session.summaries.iter().rfind(|run| run.counts()).ok_or(WatchingError::NoRun { what })?;
        let all: Vec<_> = session.summaries.iter().collect();
        let mut mean = run.clone();
        mean.values.set(Metric::WallMs, Group::of(run.case, &all).mean(Metric::WallMs).or(run.value(Metric::WallMs)));
        Ok(mean)
    }
}
