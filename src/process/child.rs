//! Runs a command under the interposer and measures the whole process and its encode sessions.
//!
//! Knows no plan. Processor time is the system's own account of the child; peak memory is the child's account of
//! itself, because the system's includes what this process had resident when it started the child.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use wait4::{ResUse, Wait4};

use super::driver_folder::{Around, DriverFolder, DriverFolderError, TrueDriver};
use super::interposer_trace::{InterposerTrace, InterposerTraceError};
use crate::record::ProcessUse;

/// Poll interval; wall time is overestimated by at most this much.
const LOOK_EVERY: Duration = Duration::from_micros(500);

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
    /// Runs `command` to its end; with `stop` set it is killed.
    ///
    /// # Errors
    /// It cannot be started or watched, or its measurements cannot be read.
    pub fn run(&self, command: &mut Command, stop: &AtomicBool) -> Result<Finished, ProcessError> {
        let program = command.get_program().to_string_lossy().into_owned();
        let traces = self.scratch.join("traces");
        fs::create_dir_all(&traces).map_err(ProcessError::Scratch)?;
        let around = Around { traces: &traces, log: self.log.as_deref(), asks_cuda: self.asks_cuda };
        self.drivers.arrange(command, self.driver, &around)?;
        let errors = self.scratch.join("errors.txt");
        if self.keeps_errors {
            command.stderr(Stdio::from(File::create(&errors).map_err(ProcessError::Scratch)?));
        }
        let start = Instant::now();
        let mut child = command.spawn().map_err(|source| ProcessError::Start { program: program.clone(), source })?;
        let used = loop {
            match child.try_wait4() {
                Ok(Some(used)) => break used,
                Ok(None) if stop.load(Ordering::Relaxed) => {
                    // One that is gone already cannot be killed, and need not be.
                    drop(child.kill());
                    drop(child.wait());
                    return Err(ProcessError::Stopped);
                }
                Ok(None) => std::thread::sleep(LOOK_EVERY),
                Err(source) => return Err(ProcessError::Wait { program, source }),
            }
        };
        let wall = start.elapsed();
        let traces = InterposerTrace::read_all(&traces)?;
        let errors = fs::read_to_string(errors).unwrap_or_default();
        Ok(Finished { status: used.status, usage: usage(&used, wall, &traces), traces, errors })
    }
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
