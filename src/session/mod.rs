//! Session folders: what a sweep measured, on disk.
//!
//! `manifest.json` says what was measured on what; `runs.jsonl` has one line per finished run. A kill costs at most
//! the run in progress. Knows no statistics beyond asking for a run's summary. docs/session-format.md explains the
//! files to those who read them with other tools.

mod disk;
mod label;
mod noise;
mod plan_file;
mod reader;
mod schema;
mod trash;
mod writer;

use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::Plan;
use crate::record::{DeviceInfo, Environment, FrameColumns, InputInfo};

pub use disk::write_atomically;
pub use label::Label;
pub use noise::{facts, noise_floor, save_noise_floor};
pub use plan_file::{load_plan, save_plan};
use reader::read_manifest;
pub use reader::{Damage, Records, Session};
pub use schema::json_schema;
pub use trash::{Discarded, TRASH_FOLDER, discard, is_being_written};
pub use writer::SessionWriter;

/// Newest version of the files that is read and written here. Raised when an older program would misread them.
pub const FORMAT_VERSION: u32 = 4;
/// The version of sessions in which every case is this program's own encoder.
const FIRST_VERSION: u32 = 1;

const MANIFEST_FILE: &str = "manifest.json";
const RUNS_FILE: &str = "runs.jsonl";

/// What was measured, on what, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// [`FORMAT_VERSION`] of the program that wrote it.
    pub format_version: u32,
    /// When the session was made, in milliseconds since 1970.
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
    #[error("cannot make session {dir}: the folder is not empty; choose another name, or delete it first", dir = dir.display())]
    NotEmpty { dir: PathBuf },
    #[error("cannot make session {dir}: there is a file of that name; choose another name", dir = dir.display())]
    NotAFolder { dir: PathBuf },
    #[error("no space left while writing {path}: free some, or choose a session folder on another disk; finished runs are kept", path = path.display())]
    NoSpace { path: PathBuf },
    #[error("cannot write {path}: {source}; choose a session folder that may be written to", path = path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot write run {order_index} to {path}: {problem}", path = path.display())]
    BadRecord { path: PathBuf, order_index: u32, problem: String },
    #[error("no session at {dir}: {problem}; name the folder that 'inflight sweep --session' made", dir = dir.display())]
    NotASession { dir: PathBuf, problem: &'static str },
    #[error("cannot read {path}: {source}", path = path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("session {dir} has format version {found}, and this program reads up to {FORMAT_VERSION}: open it with a newer inflight", dir = dir.display())]
    Newer { dir: PathBuf, found: u32 },
    #[error("cannot understand {path}: {problem}; restore it, or measure again", path = path.display())]
    BadManifest { path: PathBuf, problem: String },
    #[error("cannot understand the title, note and tags in {path}: {problem}; delete that file, the measurement is not concerned", path = path.display())]
    BadLabel { path: PathBuf, problem: String },
    #[error("session {dir} is being written by a sweep: stop it first, or wait", dir = dir.display())]
    InUse { dir: PathBuf },
    #[error("{path} is no plan: {problem}; 'inflight sweep --save-plan FILE' writes one", path = path.display())]
    BadPlan { path: PathBuf, problem: String },
}

/// Version to write. 2 brought cases that are other programs, which an older program would take for its own encoder; 3
/// brought rounds beyond the planned ones, of which an older program knows no plan; 4 brought an order drawn by lot, further
/// looks, criteria and a goal, of which it knows none either.
pub fn format_version_for(plan: &Plan, holds_other_programs: bool) -> u32 {
    match () {
        () if plan.order_seed.is_some()
            || !plan.looks.is_empty()
            || !plan.goal.is_batch()
            || !plan.criteria.is_usual() =>
        {
            FORMAT_VERSION
        }
        () if plan.until.is_some() || plan.confirm > 0 => 3,
        () if holds_other_programs => 2,
        () => FIRST_VERSION,
    }
}

impl Manifest {
    /// Writes it into the session folder in place of the one there, if any; never half of it.
    ///
    /// # Errors
    /// The folder cannot be written to, or the disk is full.
    pub fn save(&self, dir: &Path) -> Result<(), SessionError> {
        let path = dir.join(MANIFEST_FILE);
        let write = || write_atomically(&path, &serde_json::to_vec_pretty(self)?);
        write().map_err(|source| SessionError::write(&path, source))
    }
}

impl SessionError {
    fn write(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::NoSpace { path }
            }
            _ => Self::Write { path, source },
        }
    }
}

/// Every reader walks the columns side by side, so one that is too short must not get in, or out.
fn check_columns(frames: &FrameColumns) -> Result<(), String> {
    let columns = [
        ("source_wait_ns", frames.source_wait_ns.len()),
        ("blocked_ns", frames.blocked_ns.len()),
        ("upload_ns", frames.upload_ns.len()),
        ("submit_at_ns", frames.submit_at_ns.len()),
        ("submit_ns", frames.submit_ns.len()),
        ("depth", frames.depth.len()),
        ("lock_at_ns", frames.lock_at_ns.len()),
        ("lock_ns", frames.lock_ns.len()),
        ("copy_ns", frames.copy_ns.len()),
        ("unlock_ns", frames.unlock_ns.len()),
        ("latency_ns", frames.latency_ns.len()),
        ("bytes", frames.bytes.len()),
        ("encode_idx", frames.encode_idx.len()),
        ("kinds", frames.kinds.chars().count()),
    ];
    let num_frames = frames.len();
    match columns.into_iter().find(|&(_, len)| len != num_frames) {
        Some((name, len)) => Err(format!("column begin_at_ns has {num_frames} frames, but {name} has {len}")),
        None => Ok(()),
    }
}
