//! Session folders: what a sweep measured, on disk.
//!
//! `manifest.json` says what was measured on what; `runs.jsonl` has one line per finished run. A kill costs at most
//! the run in progress. Knows no statistics beyond asking for a run's summary. docs/session-format.md explains the
//! files to those who read them with other tools.

mod reader;
mod writer;

use std::io;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::Plan;
use crate::record::{DeviceInfo, Environment, InputInfo};

pub use reader::{Damage, Records, Session};
pub use writer::SessionWriter;

/// Version of the files written here. Raised when an older program would misread them.
pub const FORMAT_VERSION: u32 = 1;

/// What was measured, on what, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// [`FORMAT_VERSION`] of the program that wrote it.
    pub format_version: u32,
    /// Milliseconds since 1970.
    pub created_unix_ms: u64,
    /// What was to be measured.
    pub plan: Plan,
    /// Which frames went in.
    pub input: InputInfo,
    /// What made the numbers.
    pub device: DeviceInfo,
    /// The machine around it.
    pub environment: Environment,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Why a session cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum SessionError {
    #[error("cannot write {path}: {source}")]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
}
