//! The interposer's trace of a session, and the run record made from it.
//!
//! Knows the format of the files; docs/ARCHITECTURE.md describes how they are written.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, reason = "numbers of files, which may be anything"))]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::client_settings::ClientSetup;
use crate::contract::{Codec, Dimensions, EncodeMetrics, FrameRate, PixelFormat};
use crate::record::{EncodeSettings, FrameColumns, ProcessUse, RunRecord};

/// The form that is read here.
const FORMAT: u32 = 2;

/// One encode session of a client.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the names say it; crates/interposer writes them")]
pub struct InterposerTrace {
    format: u32,
    pub pid: u32,
    pub program: String,
    pub started_unix_ms: u64,
    pub client_api: u32,
    pub codec: Option<Codec>,
    pub width: u32,
    pub height: u32,
    pub fps_num: u32,
    pub fps_den: u32,
    setup: Option<ClientSetup>,
    num_reconfigured: u64,
    pub buffer_format: u32,
    pub num_outputs: u32,
    pub is_destroyed: bool,
    pub not_recorded: u64,
    pub failed_calls: u64,
    pub peak_memory_bytes: Option<u64>,
    pub open_ns: u64,
    pub wall_ns: u64,
    pub metrics: EncodeMetrics,
    pub lock_depth: Vec<u32>,
    pub frames: FrameColumns,
}

/// Why a trace cannot be read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum InterposerTraceError {
    #[error("cannot read {}: {source}; choose another folder for temporary files with TMPDIR", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot understand {}: {problem}; use the interposer that was built with this program", path.display())]
    Bad { path: PathBuf, problem: String },
}

impl InterposerTrace {
    /// All sessions in `dir`, in the order in which they were opened.
    ///
    /// # Errors
    /// The folder or a file in it cannot be read.
    pub fn read_all(dir: &Path) -> Result<Vec<Self>, InterposerTraceError> {
        let cannot = |path: &Path, source| InterposerTraceError::Read { path: path.to_owned(), source };
        let mut traces = Vec::new();
        for entry in fs::read_dir(dir).map_err(|error| cannot(dir, error))? {
            let path = entry.map_err(|error| cannot(dir, error))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                traces.push(Self::read(&path)?);
            }
        }
        traces.sort_by_key(|trace| (trace.started_unix_ms, trace.pid));
        Ok(traces)
    }

    fn read(path: &Path) -> Result<Self, InterposerTraceError> {
        let bad = |problem: String| InterposerTraceError::Bad { path: path.to_owned(), problem };
        let text = fs::read(path).map_err(|source| InterposerTraceError::Read { path: path.to_owned(), source })?;
        let trace: Self = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
        if trace.format != FORMAT {
            return Err(bad(format!("it has format {}, and this program reads {FORMAT}", trace.format)));
        }
        Ok(trace)
    }

    /// How the client set its encoder up; empty where that is not known.
    pub fn settings(&self) -> EncodeSettings {
        let setup = self.setup.as_ref();
        setup.map(|setup| setup.settings(self.codec, self.num_reconfigured)).unwrap_or_default()
    }

    /// Median number of frames in flight when an output was locked; 0 where none was locked.
    pub fn median_lock_depth(&self) -> u32 {
        let mut depths: Vec<_> = self.lock_depth.iter().copied().filter(|&depth| depth > 0).collect();
        depths.sort_unstable();
        depths.get(depths.len() / 2).copied().unwrap_or(0)
    }

    /// Did the same process have both sessions open at some time? So it is with itself.
    pub fn is_beside(&self, other: &Self) -> bool {
        let until_ms = |trace: &Self| {
            trace.started_unix_ms.saturating_add(trace.open_ns.saturating_add(trace.wall_ns) / 1_000_000)
        };
        let ends_after = self.started_unix_ms <= until_ms(other) && other.started_unix_ms <= until_ms(self);
        self.pid == other.pid && ends_after
    }

    /// Size of the frames.
    pub fn dimensions(&self) -> Dimensions {
        Dimensions { width: self.width, height: self.height }
    }

    /// The rate that the client gave the driver.
    pub fn frame_rate(&self) -> FrameRate {
        FrameRate { num: self.fps_num, den: self.fps_den.max(1) }
    }

    /// The nearest of our pixel formats: planar or not, and one plane or several.
    pub fn pixel_format(&self) -> PixelFormat {
        match self.buffer_format {
            // IYUV and YV12; 4:4:4 of 10 bits is told as NV12.
            0x10 | 0x100 => PixelFormat::I420,
            0x1000 => PixelFormat::Yuv444,
            0x1_0000 => PixelFormat::P010,
            0x0100_0000.. => PixelFormat::Argb,
            _ => PixelFormat::Nv12,
        }
    }

    /// `record`, of which nothing is measured yet, with what the session measured, and the process's time and memory.
    pub fn measured(self, record: RunRecord, process: Option<ProcessUse>) -> RunRecord {
        let Self { started_unix_ms, open_ns, wall_ns, metrics, frames, .. } = self;
        RunRecord { started_unix_ms, open_ns, wall_ns, process, metrics, frames, ..record }
    }
}
