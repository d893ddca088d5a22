//! Runs a command under the interposer and measures the whole process and its encode sessions.
//!
//! Knows no plan. Processor time is the system's own account of the child; peak memory is the child's account of
//! itself, because the system's includes what this process had resident when it started the child.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use wait4::ResUse;

use super::driver_folder::{Around, DriverFolder, DriverFolderError, TrueDriver};
use super::interposer_trace::{InterposerTrace, InterposerTraceError};
use super::tree::{Group, Left, Tree};
use crate::record::ProcessUse;

/// Poll interval; wall time is overestimated by at most this much.
const LOOK_EVERY: Duration = Duration::from_micros(500);

/// The same once the command has ended and others of its processes have not.
const LOOK_AT_LEFT_EVERY: Duration = Duration::from_millis(5);

/// How long these are waited for without a word.
const UNTIL_TOLD: Duration = Duration::from_secs(2);

/// A signal that came to this process.
#[derive(Debug, Clone, Copy)]
pub struct Caught {
    /// The system's number.
    pub number: i32,
    /// Did the terminal send it to the command as well?
    pub reached_it: bool,
}

/// The surroundings in which a child runs.
#[derive(Debug, Clone)]
pub struct Under<'a> {
    /// The libraries.
    pub drivers: &'a DriverFolder,
    /// The driver behind the interposer.
    pub driver: &'a TrueDriver,
    /// An empty folder for the measurements.
    pub scratch: &'a Path,
    /// Does it ask CUDA for a device? This program needs none for a driver that is named by its path, and the virtual
    /// one answers other clients only.
    pub asks_cuda: bool,
    /// Where the virtual driver writes its protocol, if anywhere.
    pub log: Option<PathBuf>,
    /// Is its standard error captured, instead of shared with this process?
    pub keeps_errors: bool,
}

/// A child that has ended.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// Its time and memory; depth and settings are those of its largest session.
    pub usage: ProcessUse,
    /// Its encode sessions, those of its own children included.
    pub traces: Vec<InterposerTrace>,
    /// Its standard error, where that was captured.
    pub errors: String,
}

/// Why a child cannot be measured.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum ProcessError {
    #[error("cannot start {program}: {source}; install it, or name it by its path")]
    Start { program: String, source: io::Error },
    #[error("cannot measure {program}: waiting for it failed: {source}; try again")]
    Wait { program: String, source: io::Error },
    #[error("cannot create a folder for the measurements: {0}; choose another folder for temporary files with TMPDIR")]
    Scratch(io::Error),
    #[error(transparent)]
    Drivers(#[from] DriverFolderError),
    #[error(transparent)]
    InterposerTrace(#[from] InterposerTraceError),
    #[error("stopped before its end")]
    Stopped,
}

impl Under<'_> {
    /// Runs `command` to its end; with `stop` set it is killed, with all that it started.
    ///
    /// # Errors
    /// It cannot be started or watched, or its measurements cannot be read.
    pub fn run(&self, command: &mut Command, stop: &AtomicBool) -> Result<Finished, ProcessError> {
        let program = self.arrange(command)?;
        let start = Instant::now();
        let mut group = Group::spawn(command).map_err(|source| not_started(&program, source))?;
        let used = loop {
            match group.poll() {
                Ok(Some(used)) => break used,
                Ok(None) if stop.load(Ordering::Relaxed) => return Err(ProcessError::Stopped),
                Ok(None) => std::thread::sleep(LOOK_EVERY),
                Err(source) => return Err(ProcessError::Wait { program, source }),
            }
        };
        let wall = start.elapsed();
        // What it left is of no use to anybody, and may use the engine.
        drop(group);
        self.finished(&used, wall)
    }

    /// Runs `command` and all that comes of it to the end. A signal is passed on, and its end waited for; a second one kills.
    /// `on_left` hears once what is still waited for when the command itself has ended.
    ///
    /// # Errors
    /// It cannot be started or watched, or its measurements cannot be read.
    pub fn follow(
        &self,
        command: &mut Command,
        shares_group: bool,
        signals: &Receiver<Caught>,
        on_left: &mut dyn FnMut(&[Left]),
    ) -> Result<Finished, ProcessError> {
        let program = self.arrange(command)?;
        let start = Instant::now();
        let mut tree = Tree::spawn(command, shares_group).map_err(|source| not_started(&program, source))?;
        let (mut num_caught, mut ended_at, mut is_told) = (0, None, false);
        let used = loop {
            match tree.poll() {
                Ok(Some(used)) => break used,
                Ok(None) => {}
                Err(source) => return Err(ProcessError::Wait { program, source }),
            }
            if tree.has_ended() && !is_told && ended_at.get_or_insert_with(Instant::now).elapsed() > UNTIL_TOLD {
                on_left(&tree.left());
                is_told = true;
            }
            let wait = if tree.has_ended() { LOOK_AT_LEFT_EVERY } else { LOOK_EVERY };
            match signals.recv_timeout(wait) {
                Ok(_) if num_caught > 0 => tree.kill(),
                Ok(caught) => {
                    num_caught += 1;
                    if !caught.reached_it {
                        tree.signal(caught.number);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                // Nobody watches for signals.
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(wait),
            }
        };
        self.finished(&used, start.elapsed())
    }

    /// Lets the command find the libraries; answers its name.
    fn arrange(&self, command: &mut Command) -> Result<String, ProcessError> {
        let traces = self.traces();
        fs::create_dir_all(&traces).map_err(ProcessError::Scratch)?;
        let around = Around { traces: &traces, log: self.log.as_deref(), asks_cuda: self.asks_cuda };
        self.drivers.arrange(command, self.driver, &around)?;
        if self.keeps_errors {
            let errors = File::create(self.errors()).map_err(ProcessError::Scratch)?;
            command.stderr(Stdio::from(errors));
        }
        Ok(command.get_program().to_string_lossy().into_owned())
    }

    fn finished(&self, used: &ResUse, wall: Duration) -> Result<Finished, ProcessError> {
        let traces = InterposerTrace::read_all(&self.traces())?;
        let errors = fs::read(self.errors()).map(|errors| String::from_utf8_lossy(&errors).into_owned());
        Ok(Finished {
            status: used.status,
            usage: usage(used, wall, &traces),
            traces,
            errors: errors.unwrap_or_default(),
        })
    }

    fn traces(&self) -> PathBuf {
        self.scratch.join("traces")
    }

    fn errors(&self) -> PathBuf {
        self.scratch.join("errors.txt")
    }
}

fn not_started(program: &str, source: io::Error) -> ProcessError {
    ProcessError::Start { program: program.to_owned(), source }
}

impl Finished {
    /// The session that encoded the most frames; clients open others only to query the device.
    pub fn into_largest(mut self) -> Option<(InterposerTrace, ProcessUse)> {
        let largest =
            (0..self.traces.len()).max_by_key(|&idx| self.traces.get(idx).map(|trace| trace.metrics.frames))?;
        let trace = self.traces.swap_remove(largest);
        (trace.metrics.frames > 0).then_some((trace, self.usage))
    }

    /// How it ended, for the user: the code or signal, and its last line of standard error.
    pub fn ending(&self) -> String {
        let last = self.errors.lines().map(str::trim).rfind(|line| !line.is_empty());
        last.map_or_else(|| self.status.to_string(), |last| format!("{} ({last})", self.status))
    }
}

fn usage(used: &ResUse, wall: Duration, traces: &[InterposerTrace]) -> ProcessUse {
    let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let largest = traces.iter().max_by_key(|trace| trace.metrics.frames);
    ProcessUse {
        wall_ns: nanos(wall),
        user_ns: nanos(used.rusage.utime),
        system_ns: nanos(used.rusage.stime),
        peak_memory_bytes: traces.iter().filter_map(|trace| trace.peak_memory_bytes).max(),
        lock_depth: largest.map_or(0, InterposerTrace::median_lock_depth),
        settings: largest.map(InterposerTrace::settings).unwrap_or_default(),
        verified_frames: None,
    }
}
