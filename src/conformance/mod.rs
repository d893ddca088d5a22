//! Does a driver answer as the virtual one does? Both are asked the same questions with the words of several headers.
//!
//! In reading order: `headers` (version words), `structs` (memory laid out as the headers say), `driver` (how each entry is
//! called), `questions` (what is asked), `apart` (a driver that is not our own, asked in processes of their own). Knows no
//! reason for an answer, and prints nothing.

mod apart;
mod driver;
mod headers;
mod questions;
mod structs;

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use apart::{Task, serve};
pub use questions::Needs;

use crate::device::{DeviceError, DeviceSpec, nvidia_driver};
use crate::nvenc::error::Status;
use driver::Driver;
use headers::{HEADERS, Header};
use questions::{QUESTIONS, Question};

/// What a driver answered to one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The call returned.
    Returned {
        /// Its `NVENCSTATUS`.
        status: u32,
        /// What it gave besides, where that was asked for; or which earlier call refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
    },
    /// The function list has null there.
    NoEntry,
    /// It was not asked: there is no device.
    NeedsGpu,
    /// It was not asked: the device opens no session, having no encode engine.
    NeedsEngine,
    /// The process ended during the call.
    Crashed(String),
    /// The call did not return.
    Hung,
}

/// The answers of one driver: for each header, in the order of the questions.
type Answers = [Vec<Answer>; HEADERS.len()];

/// Two drivers, question by question.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Conformance {
    pub driver: String,
    /// What the driver is compared with, as `--device` takes it.
    pub virtual_device: String,
    pub headers: [&'static str; HEADERS.len()],
    pub num_equal: usize,
    pub num_differ: usize,
    pub num_need_gpu: usize,
    pub num_need_engine: usize,
    pub rows: Vec<Row>,
}

/// One question, answered by both for each header.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Row {
    pub question: &'static str,
    pub needs: Needs,
    pub outcome: Outcome,
    pub driver: [Answer; HEADERS.len()],
    pub virtual_driver: [Answer; HEADERS.len()],
}

/// How a row comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Outcome {
    Equal,
    Differs,
    NeedsGpu,
    NeedsEngine,
}

/// Why a driver cannot be asked.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum ConformanceError {
    #[error("{0}")]
    Driver(String),
    #[error(transparent)]
    Virtual(#[from] DeviceError),
    #[error("cannot start a process that asks the driver: {0}; close other programs, then try again")]
    Start(#[from] std::io::Error),
}

/// Asks the driver of a library, or the installed one, and compares it with the virtual driver.
///
/// # Errors
/// There is no such driver, or no process can be started.
pub fn examine(library: Option<&Path>) -> Result<Conformance, ConformanceError> {
    let answers = apart::ask(library)?;
    let name = library.map_or_else(installed_driver, |path| path.display().to_string());
    compare(name, answers)
}

/// Compares a driver's answers with those of the virtual driver, as a device that encodes or one that does not.
fn compare(driver: String, answers: Answers) -> Result<Conformance, ConformanceError> {
    let has_engine = !answers.iter().flatten().any(|answer| *answer == Answer::NeedsEngine);
    let device = if has_engine { "virtual" } else { "virtual:engines=0" };
    let device: DeviceSpec = device.parse()?;
    let virtual_driver = Driver::of(&device)?;
    let virtual_answers = HEADERS.each_ref().map(|header| virtual_driver.answers(header));
    let at = |answers: &Answers, place: usize| answers.each_ref().map(|answers| answers[place].clone());
    let row =
        |(place, question): (usize, &Question)| Row::new(question, at(&answers, place), at(&virtual_answers, place));
    let rows: Vec<_> = QUESTIONS.iter().enumerate().map(row).collect();
    let count = |outcome| rows.iter().filter(|row| row.outcome == outcome).count();
    Ok(Conformance {
        driver,
        virtual_device: device.to_string(),
        headers: HEADERS.each_ref().map(|header| header.name),
        num_equal: count(Outcome::Equal),
        num_differ: count(Outcome::Differs),
        num_need_gpu: count(Outcome::NeedsGpu),
        num_need_engine: count(Outcome::NeedsEngine),
        rows,
    })
}

fn installed_driver() -> String {
    nvidia_driver()
        .map_or_else(|_| "the installed driver".to_owned(), |version| format!("the installed driver, {version}"))
}

impl Driver {
    /// All answers to a program that was built with this header.
    fn answers(&self, header: &'static Header) -> Vec<Answer> {
        QUESTIONS.iter().map(|question| question.ask(&self.client(header))).collect()
    }
}

impl Row {
    fn new(question: &Question, driver: [Answer; HEADERS.len()], virtual_driver: [Answer; HEADERS.len()]) -> Self {
        let outcome = if driver.contains(&Answer::NeedsGpu) {
            Outcome::NeedsGpu
        } else if driver != virtual_driver {
            Outcome::Differs
        } else if driver.contains(&Answer::NeedsEngine) {
            Outcome::NeedsEngine
        } else {
            Outcome::Equal
        };
        Self { question: question.text, needs: question.needs, outcome, driver, virtual_driver }
    }
}

impl Answer {
    fn status(status: u32) -> Self {
        Self::Returned { status, value: None }
    }

    fn with_value(status: u32, value: String) -> Self {
        Self::Returned { status, value: Some(value) }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Returned { status, value } => {
                write!(f, "{status}")?;
                if let Some(name) = Status(*status).header_name() {
                    write!(f, " {name}")?;
                }
                value.iter().try_for_each(|value| write!(f, ", {value}"))
            }
            Self::NoEntry => f.write_str("no entry"),
            Self::NeedsGpu => f.write_str("needs a GPU"),
            Self::NeedsEngine => f.write_str("needs an engine"),
            Self::Crashed(how) => write!(f, "crashes ({how})"),
            Self::Hung => f.write_str("does not return"),
        }
    }
}

#[cfg(test)]
mod tests {
    use moq_nvenc::sys::nvEncodeAPI as sys;

    use super::*;

    /// The answers of NVIDIA's driver, as `inflight doctor --conformance` printed them.
    const REAL: &str = include_str!("../../docs/status/CONFORMANCE_2026-11-29.md");

    /// Question and answers of each row.
    fn real_rows() -> Vec<(String, [String; HEADERS.len()])> {
        let lines = REAL.lines().filter(|line| line.starts_with('|')).skip(2);
        let row = |line: &str| {
            let mut cells = line.trim_matches('|').split(" | ").map(str::trim);
            let question = cells.next().unwrap().to_owned();
            let mut last = String::new();
            let answers = std::array::from_fn(|_| {
                let cell = cells.next().unwrap();
                if cell != "same" {
                    cell.clone_into(&mut last);
                }
                last.clone()
            });
            (question, answers)
        };
        lines.map(row).collect()
    }

    fn driver(device: &str) -> Driver {
        Driver::of(&device.parse().unwrap()).unwrap()
    }

    fn all_answers(driver: &Driver) -> Answers {
        HEADERS.each_ref().map(|header| driver.answers(header))
    }

    fn found(driver: &Driver) -> Conformance {
        compare("a driver".to_owned(), all_answers(driver)).unwrap()
    }

    #[test]
    fn the_virtual_driver_answers_as_the_real_one_did() {
        let found = found(&driver("virtual:engines=0"));
        let real = real_rows();
        assert_eq!(found.rows.len(), real.len());
        for (row, (question, answers)) in found.rows.iter().zip(real) {
            assert_eq!((row.question, row.virtual_driver.each_ref().map(Answer::to_string)), (&*question, answers));
        }
    }

    #[test]
    fn a_driver_equals_itself_with_and_without_an_engine_or_a_gpu() {
        let of_engine = QUESTIONS.iter().filter(|question| question.needs == Needs::Engine).count();
        let of_gpu = QUESTIONS.iter().filter(|question| question.needs == Needs::Gpu).count();
        let counts =
            |found: &Conformance| [found.num_equal, found.num_differ, found.num_need_gpu, found.num_need_engine];
        let whole = found(&driver("virtual"));
        assert_eq!(counts(&whole), [QUESTIONS.len(), 0, 0, 0]);
        let returned = |answer: &Answer| matches!(answer, Answer::Returned { .. });
        assert!(whole.rows.iter().flat_map(|row| &row.driver).all(returned), "an entry is misspelt: {:?}", whole.rows);
        let without_engine = found(&driver("virtual:engines=0"));
        assert_eq!(counts(&without_engine), [QUESTIONS.len() - of_engine, 0, 0, of_engine]);
        let without_gpu = found(&Driver { device: None, ..driver("virtual") });
        assert_eq!(counts(&without_gpu), [QUESTIONS.len() - of_engine - of_gpu, 0, of_gpu + of_engine, 0]);
    }

    /// The virtual driver with one entry that answers otherwise, and one that is missing.
    unsafe extern "C" fn create_otherwise(list: *mut sys::NV_ENCODE_API_FUNCTION_LIST) -> u32 {
        unsafe extern "C" fn count(_: *mut std::ffi::c_void, _: *mut u32) -> sys::NVENCSTATUS {
            sys::NVENCSTATUS::NV_ENC_ERR_GENERIC
        }
        // SAFETY: the caller's promise is the one asked for.
        let status = unsafe { virtual_nvenc::create_instance(list) };
        if status == 0 {
            // SAFETY: the list was filled, so it is one.
            unsafe {
                (*list).nvEncGetEncodeGUIDCount = Some(count);
                (*list).nvEncUnlockBitstream = None;
            }
        }
        status
    }

    #[test]
    fn a_driver_that_answers_otherwise_is_found() {
        let mut otherwise = driver("virtual");
        otherwise.exports.create = create_otherwise;
        let found = found(&otherwise);
        let differing = found.rows.iter().filter(|row| row.outcome == Outcome::Differs);
        let differing: Vec<_> = differing.map(|row| (row.question, row.driver[0].to_string())).collect();
        let generic = "20 NV_ENC_ERR_GENERIC".to_owned();
        assert_eq!(
            differing,
            [
                (
                    "NV_ENCODE_API_FUNCTION_LIST, entries that are null",
                    "0 NV_ENC_SUCCESS, nvEncUnlockBitstream".to_owned()
                ),
                ("nvEncGetEncodeGUIDCount, null session", generic.clone()),
                ("nvEncUnlockBitstream, null session", "no entry".to_owned()),
                ("nvEncGetEncodeGUIDs, as many as counted, with H.264", generic),
                ("nvEncUnlockBitstream, buffer that is not locked", "no entry".to_owned()),
            ]
        );
        assert_eq!(found.num_differ, 5);
    }
}
