//! Runs in a child process, whose driver may crash, call exit() or hang: that costs the run in progress, and the next one gets another
//! child.
//!
//! The child (`child_side`) opens device and input once and makes one run after the other, as it is told on its standard input. Its
//! pipe stays open for as long as it is wanted: a child whose pipe is closed, because the sweep was stopped or killed, drains its run
//! and ends. Which driver call it is in stands in memory that both map.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::child_side::{Task, Told};
use super::facts::Facts;
use super::run_setup::{LiveUpdate, unix_ms};
use super::runner::{Ending, MOST_LOST, Made, Runner};
use super::stall::StallWatch;
use crate::calls::{Board, Mapped};
use crate::device::release_clock;
use crate::plan::{Plan, PlannedRun};
use crate::record::RunRecord;

/// How often a waiting sweep looks whether it was stopped, and what the child is at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long a child that was stopped may take to drain its run.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);

/// Why a child cannot make runs at all.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum ChildError {
    #[error("cannot start a process for the runs: {0}; close other programs, or use --in-process")]
    Start(io::Error),
    /// It said why, and ended with the exit code that goes with that.
    #[error("{said}")]
    Refused { exit_code: i32, said: String },
    #[error("the driver did not let the device be opened: {0}")]
    Died(String),
    #[error("cannot understand the process of the runs: {0}; this is a bug, please report it")]
    Garbled(String),
    #[error("stopped before anything was measured")]
    Stopped,
}

/// Makes the runs of a plan in children, one after the other.
pub struct ChildProcess {
    plan: Plan,
    is_watched: bool,
    process: Option<Process>,
    /// Runs in a row that ended their child.
    num_lost: u32,
}

/// A child.
struct Process {
    child: Child,
    lines: Receiver<io::Result<String>>,
    /// The beginning of its standard error, once it has ended.
    said: Receiver<String>,
    board: Mapped,
    stall: StallWatch,
}

/// What a child was heard to do.
enum Heard {
    Told(Told),
    /// Its end; how, where it was, and what it said.
    Ended(Death),
}

/// How a child ended that nobody had asked to.
struct Death {
    status: Option<ExitStatus>,
    /// "nvEncLockBitstream, with 4 of 24 submitted frames in flight"; `None`: in no call of a driver.
    place: Option<String>,
    is_stalled: bool,
    said: String,
}

impl ChildProcess {
    /// Starts a child that opens the plan's device and input, and tries every codec once. `is_watched`: does somebody want to see long
    /// runs while they are made?
    ///
    /// # Errors
    /// The plan, its input or its device is unusable, or its driver ends the process.
    pub fn prepare(plan: &Plan, is_watched: bool, stop: &AtomicBool) -> Result<(Self, Facts), ChildError> {
        let mut own = Self { plan: plan.clone(), is_watched, process: None, num_lost: 0 };
        let facts = own.start(true, stop)?;
        let facts = facts.ok_or_else(|| ChildError::Garbled("it does not say what it opened".to_owned()))?;
        own.plan = facts.plan.clone();
        Ok((own, *facts))
    }

    /// For a plan that was prepared elsewhere; its child starts with the first run.
    pub fn of_prepared(plan: &Plan) -> Self {
        Self { plan: plan.clone(), is_watched: false, process: None, num_lost: 0 }
    }

    /// As a runner that can be stopped.
    pub fn runner<'a>(&'a mut self, stop: &'a AtomicBool) -> impl Runner + 'a {
        Stoppable { child: self, stop }
    }

    fn start(&mut self, prepares: bool, stop: &AtomicBool) -> Result<Option<Box<Facts>>, ChildError> {
        let (mut process, file) = Process::spawn(&self.plan, self.is_watched, prepares)?;
        let heard = process.listen(stop)?;
        // Both have mapped it: nothing of it is left behind, whoever is killed.
        drop(file);
        match heard {
            Heard::Told(Told::Ready(facts)) => {
                self.process = Some(process);
                Ok(facts)
            }
            Heard::Told(_) => Err(ChildError::Garbled("it makes runs before it is ready".to_owned())),
            Heard::Ended(_) if stop.load(Ordering::Relaxed) => Err(ChildError::Stopped),
            Heard::Ended(death) => Err(death.refusal()),
        }
    }

    fn run(
        &mut self,
        planned: &PlannedRun,
        stop: &AtomicBool,
        watch: &mut dyn FnMut(LiveUpdate<'_>),
    ) -> Result<Made, ChildError> {
        if self.process.is_none() {
            self.start(false, stop)?;
        }
        let Some(process) = &mut self.process else { return Err(ChildError::Stopped) };
        let started_unix_ms = unix_ms();
        process.tell(planned);
        loop {
            match process.listen(stop)? {
                Heard::Told(Told::Made(made)) if is_of(&made.record, planned) => return Ok(self.judged(*made)),
                Heard::Told(Told::Live { frames, fresh }) => watch(LiveUpdate { frames, fresh: &fresh }),
                Heard::Told(_) => return Err(ChildError::Garbled("it answers something else".to_owned())),
                Heard::Ended(death) => {
                    let ending = if stop.load(Ordering::Relaxed) { Ending::Stopped } else { Ending::Lost };
                    let record = RunRecord { error: Some(death.text()), ..planned.record(started_unix_ms) };
                    self.end_process();
                    return Ok(self.judged(Made { record, ending }));
                }
            }
        }
    }

    /// A device that is lost to one child may be there for another.
    fn judged(&mut self, mut made: Made) -> Made {
        self.num_lost = if made.ending == Ending::Lost { self.num_lost + 1 } else { 0 };
        if made.ending == Ending::Lost {
            self.end_process();
            if self.num_lost < MOST_LOST {
                made.ending = Ending::Failed;
            }
        }
        made
    }

    fn end_process(&mut self) {
        // Whoever is killed cannot give the clock back.
        if self.process.take().is_some() && self.plan.lock_clocks_mhz.is_some() {
            release_clock(&self.plan.device);
        }
    }
}

/// A runner and the flag that stops it.
struct Stoppable<'a> {
    child: &'a mut ChildProcess,
    stop: &'a AtomicBool,
}

impl Runner for Stoppable<'_> {
    fn run(&mut self, planned: &PlannedRun, watch: &mut dyn FnMut(LiveUpdate<'_>)) -> Made {
        self.child.run(planned, self.stop, watch).unwrap_or_else(|error| {
            let ending = if matches!(error, ChildError::Stopped) { Ending::Stopped } else { Ending::Lost };
            let record = RunRecord { error: Some(error.to_string()), ..planned.record(unix_ms()) };
            self.child.judged(Made { record, ending })
        })
    }
}

/// The memory of a board as a file that the child can open. On Linux it has no name among files, so that nothing stays where this
/// program is killed.
struct BoardFile {
    file: File,
    path: PathBuf,
    #[cfg(not(target_os = "linux"))]
    _named: tempfile::TempPath,
}

#[cfg(target_os = "linux")]
impl BoardFile {
    fn new() -> io::Result<Self> {
        use std::os::fd::AsRawFd;
        let file = File::from(rustix::fs::memfd_create("inflight-calls", rustix::fs::MemfdFlags::CLOEXEC)?);
        let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()).into();
        Ok(Self { file, path })
    }
}

#[cfg(not(target_os = "linux"))]
impl BoardFile {
    fn new() -> io::Result<Self> {
        let (file, named) = tempfile::Builder::new().prefix("inflight-").tempfile()?.into_parts();
        Ok(Self { file, path: named.to_path_buf(), _named: named })
    }
}

impl Process {
    /// The file is the one in which the child says what call it is in.
    fn spawn(plan: &Plan, is_watched: bool, prepares: bool) -> Result<(Self, BoardFile), ChildError> {
        let cannot = ChildError::Start;
        let file = BoardFile::new().map_err(cannot)?;
        file.file.set_len(Board::BYTES).map_err(cannot)?;
        let board = Mapped::of(&file.file).map_err(cannot)?;
        let program = std::env::current_exe().map_err(cannot)?;
        let mut command = Command::new(program);
        command.arg("runs").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(cannot)?;
        let lines = child.stdout.take().map(lines_of).ok_or_else(|| cannot(io::ErrorKind::BrokenPipe.into()))?;
        let said = child.stderr.take().map(beginning_of).ok_or_else(|| cannot(io::ErrorKind::BrokenPipe.into()))?;
        let stall = StallWatch::new(Duration::from_secs(plan.stall_limit_s.into()));
        let mut process = Self { child, lines, said, board, stall };
        process.tell(&Task { plan: plan.clone(), board: file.path.clone(), is_watched, prepares });
        Ok((process, file))
    }

    /// A child that has ended already does not take it; how it ended is told by whoever listens.
    fn tell(&mut self, word: &impl Serialize) {
        let Some(pipe) = &mut self.child.stdin else { return };
        let Ok(mut text) = serde_json::to_vec(word) else { return };
        text.push(b'\n');
        drop(pipe.write_all(&text).and_then(|()| pipe.flush()));
    }

    /// The next thing that happens to it. A stop closes its input, and it drains its run and ends by itself.
    fn listen(&mut self, stop: &AtomicBool) -> Result<Heard, ChildError> {
        let mut stopped_at = None;
        loop {
            match self.lines.recv_timeout(LOOK_EVERY) {
                Ok(Ok(line)) => {
                    let told = serde_json::from_str(&line).map_err(|error| ChildError::Garbled(error.to_string()))?;
                    return Ok(Heard::Told(told));
                }
                Ok(Err(error)) => return Err(ChildError::Garbled(error.to_string())),
                Err(RecvTimeoutError::Disconnected) => return Ok(Heard::Ended(self.death(None))),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = Instant::now();
            if stop.load(Ordering::Relaxed) {
                drop(self.child.stdin.take());
                if now - *stopped_at.get_or_insert(now) > DRAIN_LIMIT {
                    drop(self.child.kill());
                    return Ok(Heard::Ended(self.death(None)));
                }
            }
            if let Some(call) = self.stall.look(self.board.board(), now) {
                return Ok(Heard::Ended(self.death(Some(call.name()))));
            }
        }
    }

    /// Ends it, where it has not ended, and asks how it did.
    fn death(&mut self, stalled: Option<&'static str>) -> Death {
        let place = self.place(stalled);
        if stalled.is_some() {
            drop(self.child.kill());
        }
        let status = self.end();
        let said = self.said.recv_timeout(LOOK_EVERY).unwrap_or_default();
        Death { status, place, is_stalled: stalled.is_some(), said: said.trim().to_owned() }
    }

    /// Waits for its end, which it comes to by itself once its input is closed, or by force. One that hangs in the system's part of a
    /// driver ends for nobody, and is left: `None`.
    fn end(&mut self) -> Option<ExitStatus> {
        drop(self.child.stdin.take());
        self.end_within(DRAIN_LIMIT).or_else(|| {
            drop(self.child.kill());
            self.end_within(DRAIN_LIMIT)
        })
    }

    fn end_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            match self.child.try_wait() {
                Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(1)),
                ended => return ended.ok().flatten(),
            }
        }
    }

    /// The call that hangs, or all that threads were in; and what was in flight then.
    fn place(&self, stalled: Option<&'static str>) -> Option<String> {
        let board = self.board.board();
        let mut names: Vec<_> = board.busy().map(|busy| busy.call.name()).collect();
        names.sort_unstable();
        names.dedup();
        let names = stalled.map_or_else(|| names.join(" and "), str::to_owned);
        let (submitted, taken_back) = board.frames();
        let frames = match submitted.saturating_sub(taken_back) {
            0 => String::new(),
            num => format!(", with {num} of {submitted} submitted frames in flight"),
        };
        (!names.is_empty()).then(|| format!("{names}{frames}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody waits for runs any more, or for how it ended.
        let _ = self.end();
    }
}

impl Death {
    /// What a run says that it ended.
    fn text(&self) -> String {
        const ADVICE: &str = "update the driver, and report this if it persists";
        let place = self.place.as_deref();
        let said = if self.said.is_empty() { String::new() } else { format!(" ({})", self.said) };
        match (self.is_stalled, place) {
            (true, place) => format!("the driver hangs in {}: {ADVICE}{said}", place.unwrap_or("a call")),
            (false, Some(place)) => {
                format!("the driver ended the process ({}) in {place}: {ADVICE}{said}", self.ending())
            }
            (false, None) => format!(
                "the process of the run ended ({}) outside of the driver's calls: {ADVICE}{said}",
                self.ending()
            ),
        }
    }

    fn ending(&self) -> String {
        self.status.map_or_else(|| "unknown how".to_owned(), |status| status.to_string())
    }

    /// An end with an exit code and a reason is the child's own word.
    fn refusal(self) -> ChildError {
        let said = self.said.strip_prefix("inflight: ");
        match (self.status.and_then(|status| status.code()), said) {
            (Some(exit_code), Some(said)) => ChildError::Refused { exit_code, said: said.to_owned() },
            _ => ChildError::Died(self.text()),
        }
    }
}

fn is_of(record: &RunRecord, planned: &PlannedRun) -> bool {
    (record.order_index, record.block) == (planned.order_index, planned.block)
}

/// Reads all of it, so that whoever writes is not held up, on a thread of its own: a driver's processes may keep the pipe open.
fn beginning_of(mut errors: ChildStderr) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut said = Vec::new();
        // What cannot be read is not told; how the process ended is.
        drop(errors.by_ref().take(16 << 10).read_to_end(&mut said));
        drop(sender.send(String::from_utf8_lossy(&said).replace(char::is_control, " ")));
        drop(io::copy(&mut errors, &mut io::sink()));
    });
    receiver
}

/// Lines from a thread of its own, so that waiting for one can be given up.
fn lines_of(output: ChildStdout) -> Receiver<io::Result<String>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        // Whoever has stopped listening needs no more of them.
        for line in BufReader::with_capacity(1 << 20, output).lines() {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
