//! The blocks of a sweep, each in a process of its own: `inflight block` gets the plan and its runs on standard input and
//! writes each finished run as a line to standard output.
//!
//! The process that started it saves the runs and makes none. The pipe to a block stays open for as long as the block is
//! wanted: a block whose pipe is closed, because the sweep was stopped or killed, drains its run and ends.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::opened::{OpenError, Opened};
use super::sweep::{Event, Outcome, SweepError, sweep};
use crate::plan::{Plan, PlanError, PlannedRun};
use crate::record::RunRecord;

/// How often a waiting sweep looks whether it was stopped.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The runs of one block.
#[derive(Debug, Serialize, Deserialize)]
struct Task {
    plan: Plan,
    runs: Vec<PlannedRun>,
}

/// Why a block did not get to its end.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum BlockError {
    #[error("cannot start a process for block {block}: {source}; close other programs, or sweep without --blocks")]
    Start { block: u32, source: io::Error },
    #[error(
        "the process of block {block} ended with {status} after {num_done} of its {num_runs} runs{said}; finished runs are saved"
    )]
    Ended { block: u32, status: ExitStatus, num_done: usize, num_runs: usize, said: String },
    #[error("cannot understand the process of block {block}: {problem}; this is a bug, please report it")]
    Garbled { block: u32, problem: String },
    #[error("cannot make the runs of a block: {0}; start sweeps with 'inflight sweep --blocks'")]
    NoTask(String),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Sweep(#[from] SweepError),
}

/// Makes `runs`, those of each block in a process of its own, one process after the other.
///
/// # Errors
/// A process cannot be started or fails as a whole, or the listener's own error; finished runs were passed on.
pub fn measure(
    plan: &Plan,
    runs: &[PlannedRun],
    stop: &AtomicBool,
    listener: &mut dyn FnMut(Event<'_>) -> Result<(), String>,
) -> Result<Outcome, BlockError> {
    let mut outcome = Outcome::default();
    for runs in runs.chunk_by(|one, next| one.block == next.block) {
        if stop.load(Ordering::Relaxed) || outcome.stopped {
            outcome.stopped = true;
            break;
        }
        let mut process = Process::start(&Task { plan: plan.clone(), runs: runs.to_vec() })?;
        process.listen(runs, stop, listener, &mut outcome)?;
    }
    Ok(outcome)
}

/// The process of a block.
struct Process {
    block: u32,
    child: Child,
    lines: Receiver<io::Result<String>>,
    /// The beginning of its standard error, once it has ended.
    said: Option<JoinHandle<String>>,
}

impl Process {
    fn start(task: &Task) -> Result<Self, BlockError> {
        let block = task.runs.first().map_or(0, |run| run.block);
        let cannot = |source| BlockError::Start { block, source };
        let program = std::env::current_exe().map_err(cannot)?;
        let mut child = Command::new(program)
            .arg("block")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(cannot)?;
        let lines = child.stdout.take().map(lines_of).ok_or_else(|| cannot(io::ErrorKind::BrokenPipe.into()))?;
        let said = child.stderr.take().map(|errors| std::thread::spawn(move || beginning_of(errors)));
        let mut process = Self { block, child, lines, said };
        // A process that has ended already does not take it; how it ended is told by whoever waits for it.
        if let Some(pipe) = &mut process.child.stdin {
            let mut text = serde_json::to_vec(task).map_err(|error| cannot(error.into()))?;
            text.push(b'\n');
            drop(pipe.write_all(&text).and_then(|()| pipe.flush()));
        }
        Ok(process)
    }

    /// Passes its runs on until it has made all of them, or was stopped.
    fn listen(
        &mut self,
        runs: &[PlannedRun],
        stop: &AtomicBool,
        listener: &mut dyn FnMut(Event<'_>) -> Result<(), String>,
        outcome: &mut Outcome,
    ) -> Result<(), BlockError> {
        let mut tell = |event: Event<'_>| listener(event).map_err(SweepError::Listener);
        let mut num_done = 0;
        for planned in runs {
            tell(Event::RunStarted(planned))?;
            let Some(line) = self.next_line(stop)? else { break };
            let record: RunRecord =
                serde_json::from_str(&line).map_err(|error| self.garbled(format!("{error} in a run")))?;
            if (record.order_index, record.block) != (planned.order_index, planned.block) {
                return Err(self.garbled(format!("run {} in place of {}", record.order_index, planned.order_index)));
            }
            num_done += 1;
            outcome.num_done += 1;
            outcome.num_failed += u64::from(record.error.is_some());
            tell(Event::RunFinished(Box::new(record)))?;
        }
        let (status, said) = self.end(num_done == runs.len())?;
        outcome.stopped = stop.load(Ordering::Relaxed) && num_done < runs.len();
        if num_done < runs.len() && !outcome.stopped {
            return Err(BlockError::Ended { block: self.block, status, num_done, num_runs: runs.len(), said });
        }
        Ok(())
    }

    /// The next line; `None`: the process has closed its output. A stop closes its input, and it ends by itself.
    fn next_line(&mut self, stop: &AtomicBool) -> Result<Option<String>, BlockError> {
        loop {
            match self.lines.recv_timeout(LOOK_EVERY) {
                Ok(Ok(line)) => return Ok(Some(line)),
                Ok(Err(error)) => return Err(self.garbled(error.to_string())),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) if stop.load(Ordering::Relaxed) => drop(self.child.stdin.take()),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Waits for its end; answers how it ended and what it said about that.
    fn end(&mut self, is_through: bool) -> Result<(ExitStatus, String), BlockError> {
        drop(self.child.stdin.take());
        let said = self.said.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        let status = self.child.wait().map_err(|source| BlockError::Start { block: self.block, source })?;
        let said = said.trim().trim_start_matches("inflight: ");
        let said = if said.is_empty() || is_through { String::new() } else { format!(": {said}") };
        Ok((status, said))
    }

    fn garbled(&self, problem: String) -> BlockError {
        BlockError::Garbled { block: self.block, problem }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody waits for its runs any more. One that has ended already needs no end.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Reads all of it, so that whoever writes is not held up.
fn beginning_of(mut errors: ChildStderr) -> String {
    let mut said = Vec::new();
    // What cannot be read is not told; how the process ended is.
    drop(errors.by_ref().take(16 << 10).read_to_end(&mut said));
    drop(io::copy(&mut errors, &mut io::sink()));
    String::from_utf8_lossy(&said).into_owned()
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

/// The other end: makes the runs that `input` names and writes them to `output`. Sets `stop` once `input` is closed.
///
/// # Errors
/// No runs are named, the device or the input cannot be opened, the device was lost, or `output` was closed.
pub fn serve(
    input: impl Read + Send + 'static,
    mut output: impl Write,
    stop: &Arc<AtomicBool>,
) -> Result<Outcome, BlockError> {
    let mut input = BufReader::new(input);
    let mut text = String::new();
    input.read_line(&mut text).map_err(|error| BlockError::NoTask(error.to_string()))?;
    let Task { plan, runs } = serde_json::from_str(&text).map_err(|error| BlockError::NoTask(error.to_string()))?;
    let flag = Arc::clone(stop);
    std::thread::spawn(move || {
        // Sleeps until the pipe is closed: nothing else is ever written to it.
        drop(io::copy(&mut input, &mut io::sink()));
        flag.store(true, Ordering::Relaxed);
    });
    plan.check()?;
    let opened = Opened::open(&plan)?;
    let mut tell = |event: Event<'_>| {
        let Event::RunFinished(record) = event else { return Ok(()) };
        let mut line = serde_json::to_vec(&record).map_err(|error| error.to_string())?;
        line.push(b'\n');
        output.write_all(&line).and_then(|()| output.flush()).map_err(|error| error.to_string())
    };
    Ok(sweep(&plan, &runs, &opened, None, stop, &mut tell)?)
}
