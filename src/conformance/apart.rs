//! A driver that is not our own, asked in processes of their own: a crash or a call that does not return is an answer.
//!
//! `inflight ask-driver` writes each answer as a line to standard output. After a crash another process goes on with the next
//! question.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::headers::HEADERS;
use super::questions::QUESTIONS;
use super::{Answer, Answers, ConformanceError, Driver};
use crate::device::{DeviceSpec, GpuName};

/// How long a call may take. Making a CUDA context takes seconds where many GPUs are.
const PATIENCE: Duration = Duration::from_secs(60);

/// What one process is to do.
#[derive(Debug)]
pub struct Task {
    /// The driver; `None`: the installed one.
    pub library: Option<PathBuf>,
    /// Place of the header, oldest first.
    pub header: usize,
    /// Place of the first question among all.
    pub from: usize,
}

/// What the other process writes, a line each.
#[derive(Debug, Serialize, Deserialize)]
enum Line {
    /// The driver is loaded, and its device open.
    Loaded,
    Answer(Answer),
    /// Why the driver cannot be asked at all.
    Unusable(String),
}

/// Asks all questions with the words of all headers.
pub(super) fn ask(library: Option<&Path>) -> Result<Answers, ConformanceError> {
    let mut answers = Answers::default();
    for (header, answers) in answers.iter_mut().enumerate() {
        while answers.len() < QUESTIONS.len() {
            let task = Task { library: library.map(Path::to_owned), header, from: answers.len() };
            ask_in_process(&task, answers)?;
        }
    }
    Ok(answers)
}

/// Adds the answers of one process, the last of which may be how it ended.
fn ask_in_process(task: &Task, answers: &mut Vec<Answer>) -> Result<(), ConformanceError> {
    let mut child = start(task)?;
    let lines = child.stdout.take().map(lines_of).ok_or(io::Error::from(io::ErrorKind::BrokenPipe))?;
    let (mut is_loaded, mut end) = (false, None);
    while answers.len() < QUESTIONS.len() && end.is_none() {
        let failure = match lines.recv_timeout(PATIENCE) {
            Ok(Line::Loaded) => {
                is_loaded = true;
                continue;
            }
            Ok(Line::Answer(answer)) => {
                answers.push(answer);
                continue;
            }
            Ok(Line::Unusable(message)) => {
                end = Some(Err(ConformanceError::Driver(message)));
                continue;
            }
            Err(RecvTimeoutError::Timeout) => Answer::Hung,
            Err(RecvTimeoutError::Disconnected) => Answer::Crashed(child.wait()?.to_string()),
        };
        // What happens before the first question is no answer to it, and would happen again.
        end = Some(if is_loaded {
            answers.push(failure);
            Ok(())
        } else {
            let while_loaded = format!("cannot load the driver: it {failure} while it is loaded and its GPU is opened");
            Err(ConformanceError::Driver(format!("{while_loaded}; check it with nvidia-smi, or name another library")))
        });
    }
    // A driver may hang as well when its process ends.
    child.kill()?;
    child.wait()?;
    end.unwrap_or(Ok(()))
}

fn start(task: &Task) -> Result<Child, ConformanceError> {
    let Task { library, header, from } = task;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["ask-driver", &header.to_string(), &from.to_string(), "--"]).args(library);
    Ok(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?)
}

/// Lines from a thread of its own, so that waiting for one can be given up. What a driver itself prints is left out.
fn lines_of(output: ChildStdout) -> Receiver<Line> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        for line in lines.filter_map(|line| serde_json::from_str(&line).ok()) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// The other end: answers the questions of a task, a line each.
///
/// # Errors
/// Nobody reads the answers any more.
pub fn serve(task: &Task, mut out: impl Write) -> io::Result<()> {
    let spec = task.library.clone().map_or(DeviceSpec::Cuda(GpuName::Ordinal(0)), DeviceSpec::Library);
    let mut tell = |line: &Line| -> io::Result<()> {
        // The driver may have printed something without a line's end.
        out.write_all(b"\n")?;
        serde_json::to_writer(&mut out, line)?;
        out.write_all(b"\n")?;
        out.flush()
    };
    match (Driver::of(&spec), HEADERS.get(task.header)) {
        (Ok(driver), Some(header)) => {
            let questions = QUESTIONS.iter().skip(task.from);
            tell(&Line::Loaded)?;
            questions
                .map(|question| question.ask(&driver.client(header)))
                .try_for_each(|answer| tell(&Line::Answer(answer)))
        }
        (Err(error), _) => tell(&Line::Unusable(error.to_string())),
        (_, None) => tell(&Line::Unusable(format!("there is no header {}", task.header))),
    }
}
