//! Session folders: the measurements of a sweep, on disk.
//!
//! `manifest.json` describes the measurement; `runs.jsonl` has one line per finished run. If the program is killed, at
//! most the run in progress is lost. Knows no statistics, except for the summary of a run. docs/session-format.md
//! describes the files for reading them with other tools.

mod label;
mod noise;
mod plan_file;
mod reader;
mod schema;
mod trash;
mod writer;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::Codec;
use crate::files::replace;
use crate::plan::Plan;
use crate::record::{DeviceInfo, EncodeSettings, Environment, FrameColumns, InputInfo, Rehearsal, RunRecord};

pub use label::Label;
pub use noise::{facts, noise_floor, save_noise_floor};
pub use plan_file::{load_plan, parse_plan, save_plan};
use reader::read_manifest;
pub use reader::{Damage, Records, Session};
pub use schema::json_schema;
pub use trash::{Discarded, TRASH_FOLDER, discard, is_being_written};
pub use writer::{SessionPlace, SessionWriter};

/// Version of the files that this program writes, and the newest that it reads. Raised when an older program would misread them:
/// version 2 added cases of other programs, version 3 rounds beyond the planned ones, 4 random order, further looks, criteria and a
/// goal, 5 blocks, 6 decoders, 7 frames in CUDA memory, 8 transcodes, 9 split encoding, 10 a pre-roll, pools as an axis and the
/// parts of an upload, and 11 B-frames as reference, intra refresh, colours, and runs in a process of their own.
pub const FORMAT_VERSION: u32 = 11;
/// Older sessions have no pre-roll.
const PREROLL_VERSION: u32 = 10;

const MANIFEST_FILE: &str = "manifest.json";
const RUNS_FILE: &str = "runs.jsonl";

/// The files of the session in `dir` that this program writes, there or not: no output may take their places.
pub fn own_files(dir: &Path) -> Vec<PathBuf> {
    [MANIFEST_FILE, RUNS_FILE, label::LABEL_FILE, noise::NOISE_FILE].map(|name| dir.join(name)).into()
}

/// What was measured, on which device and on which computer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// [`FORMAT_VERSION`] of the program that wrote it.
    pub format_version: u32,
    /// When the session was created, in milliseconds since 1970.
    pub created_unix_ms: u64,
    /// The plan of the sweep.
    pub plan: Plan,
    /// The frames that were encoded.
    pub input: InputInfo,
    /// The device that was measured.
    pub device: DeviceInfo,
    /// The computer that the device is in.
    pub environment: Environment,
    /// How the encoder was set up, codec by codec: the preset as the driver resolved it, with what the plan changed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<Codec, EncodeSettings>,
    /// What a first try of each codec found; empty in older sessions, and where nothing was encoded.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rehearsals: BTreeMap<Codec, Rehearsal>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When the sweep was taken up again after it had ended early.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resumptions: Vec<Resumption>,
}

/// A sweep that ended early was taken up again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resumption {
    /// When, in milliseconds since 1970.
    pub at_unix_ms: u64,
    /// So many runs were there.
    pub num_runs: u32,
    /// Bytes of an unfinished line that were set aside.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub set_aside_bytes: u64,
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// Why a session cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum SessionError {
    #[error("cannot create session {dir}: the folder is not empty; choose another name, or delete the folder first", dir = dir.display())]
    NotEmpty { dir: PathBuf },
    #[error("cannot create session {dir}: there is a file of that name; choose another name", dir = dir.display())]
    NotAFolder { dir: PathBuf },
    #[error("cannot write {path}: no space left on the disk; free some, or choose a session folder on another disk (finished runs are saved)", path = path.display())]
    NoSpace { path: PathBuf },
    #[error("cannot write {path}: it is as large as a file may become here; raise the limit (ulimit -f), or choose a session folder on another disk (finished runs are saved)", path = path.display())]
    FileLimit { path: PathBuf },
    #[error("cannot write {path}: {source}; choose a folder that can be written to", path = path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot write run {order_index} to {path}: {problem}; this is a bug, please report it", path = path.display())]
    BadRecord { path: PathBuf, order_index: u32, problem: String },
    #[error("no session at {dir}: {problem}; name a folder that 'inflight sweep' created", dir = dir.display())]
    NotASession { dir: PathBuf, problem: &'static str },
    #[error("cannot read {path}: {source}; check the path and its permissions", path = path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot read session {dir}: it has format version {found}, and this program reads up to {FORMAT_VERSION}; open it with a newer inflight", dir = dir.display())]
    Newer { dir: PathBuf, found: u32 },
    #[error("cannot understand {path}: {problem}; restore it, or measure again", path = path.display())]
    BadManifest { path: PathBuf, problem: String },
    #[error("cannot understand the title, note and tags in {path}: {problem}; delete this file, the measurements are not affected", path = path.display())]
    BadLabel { path: PathBuf, problem: String },
    #[error("cannot resume session {dir}: {problem}", dir = dir.display())]
    NotResumable { dir: PathBuf, problem: String },
    #[error("cannot change session {dir}: a sweep is writing it; stop the sweep first, or wait", dir = dir.display())]
    InUse { dir: PathBuf },
    #[error("cannot read a plan from {path}: {problem}; 'inflight sweep --save-plan FILE' writes one", path = path.display())]
    BadPlan { path: PathBuf, problem: String },
}

impl Manifest {
    /// Reads the manifest of the session in `dir`.
    ///
    /// # Errors
    /// There is no session, it was written by a newer program, or its manifest cannot be understood.
    pub fn load(dir: &Path) -> Result<Self, SessionError> {
        read_manifest(dir)
    }

    /// Writes the manifest to the session folder, replacing an existing one; never writes only a part.
    ///
    /// # Errors
    /// The folder cannot be written to, or the disk is full.
    pub fn save(&self, dir: &Path) -> Result<(), SessionError> {
        let path = dir.join(MANIFEST_FILE);
        let write = || replace(&path, &serde_json::to_vec_pretty(self)?);
        write().map_err(|source| SessionError::write(&path, source))
    }
}

impl SessionError {
    fn write(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::FileTooLarge => Self::FileLimit { path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace { path },
            _ => Self::Write { path, source },
        }
    }
}

/// Readers iterate over all columns together, so they must have the same length when written and when read.
fn check_columns(record: &RunRecord) -> Result<(), String> {
    let of_decoder = |problem| format!("decode: {problem}");
    record.decode.as_ref().map_or(Ok(()), |stage| check_lengths(&stage.frames).map_err(of_decoder))?;
    let of_stream = |problem| format!("another stream: {problem}");
    record.other_streams.iter().try_for_each(|stream| check_lengths(&stream.frames).map_err(of_stream))?;
    check_lengths(&record.frames)
}

fn check_lengths(frames: &FrameColumns) -> Result<(), String> {
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
    let optional = [
        ("input_lock_ns", frames.input_lock_ns.len()),
        ("input_unlock_ns", frames.input_unlock_ns.len()),
        ("map_ns", frames.map_ns.len()),
        ("unmap_ns", frames.unmap_ns.len()),
        ("convert_ns", frames.convert_ns.len()),
        ("packet_digest", frames.packet_digest.len()),
        ("encode_at_ns", frames.encode_at_ns.len()),
        ("encoded_at_ns", frames.encoded_at_ns.len()),
    ];
    let present = optional.into_iter().filter(|&(_, len)| len > 0);
    let num_frames = frames.len();
    match columns.into_iter().chain(present).find(|&(_, len)| len != num_frames) {
        Some((name, len)) => Err(format!("column begin_at_ns has {num_frames} frames, but {name} has {len}")),
        None => Ok(()),
    }
}
