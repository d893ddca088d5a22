//! What the views show: a session with its frames in memory.
//!
//! Read from a folder on a thread of its own, or grown run by run while a sweep is live. Knows no egui.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::measure::recording::Recording;
use crate::record::{FrameColumns, RunRecord, Telemetry};
use crate::session::{Manifest, Session, SessionError, noise_floor};
use crate::stats::evidence::noise_floor::NoiseFloor;
use crate::stats::runs::summary::{Group, RunSummary, groups};

/// A session and everything measured in it.
#[derive(Debug, Clone)]
pub struct LoadedSession {
    /// Where it lies, its manifest, the summary of every finished run, what could not be read.
    pub session: Session,
    /// The cases with their runs, in plan order.
    pub groups: Vec<Group>,
    /// Every run with its frames, in the order of `session.summaries`.
    pub runs: Vec<LoadedRun>,
    /// Runs that are missing, where its sweep ended early and can be taken up again.
    pub num_missing: u32,
    /// Differs between any two states of any two sessions, so a model that was made from one knows when it is out of
    /// date.
    pub version: u64,
}

/// One run and its frames.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the types say it")]
pub struct LoadedRun {
    pub summary: RunSummary,
    pub frames: Arc<FrameColumns>,
    /// Of the decoder that feeds the encoder.
    pub decode: Option<Arc<FrameColumns>>,
    /// What the GPU's instruments showed meanwhile.
    pub telemetry: Option<Arc<Telemetry>>,
}

impl LoadedSession {
    /// Reads a session folder whole; `tell` hears the share that is read, 0 to 1. Takes as long as the folder is large:
    /// not for the thread that draws.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub fn open(dir: &Path, mut tell: impl FnMut(f32)) -> Result<Self, SessionError> {
        let mut frames = Vec::new();
        let session = Session::open_each(dir, |record, share| {
            let decode = record.decode.map(|stage| Arc::new(stage.frames));
            frames.push((Arc::new(record.frames), decode, record.telemetry.map(Arc::new)));
            tell(share);
        })?;
        let run = |(summary, (frames, decode, telemetry)): (&RunSummary, _)| LoadedRun {
            summary: summary.clone(),
            frames,
            decode,
            telemetry,
        };
        let runs = session.summaries.iter().zip(frames).map(run).collect();
        let num_missing = Recording::num_missing(&session);
        Ok(Self { groups: session.groups(), session, runs, num_missing, version: next_version() })
    }

    /// A session that has no run yet.
    pub fn begun(session: Session) -> Self {
        Self { groups: Vec::new(), session, runs: Vec::new(), num_missing: 0, version: next_version() }
    }

    /// The newest noise floor that holds for this session.
    pub fn noise_floor(&self) -> Option<NoiseFloor> {
        noise_floor(&self.session.dir, &self.session.manifest)
    }

    /// Takes up what a calibration has found.
    pub fn calibrated(&mut self, noise: Option<NoiseFloor>) {
        self.session.noise = noise;
        self.version = next_version();
    }

    /// Its sweep goes on, as this manifest says.
    pub fn resumed(&mut self, manifest: Manifest) {
        (self.session.manifest, self.num_missing) = (manifest, 0);
        self.version = next_version();
    }

    /// Its sweep has ended early.
    pub fn ended_early(&mut self) {
        self.num_missing = Recording::num_missing(&self.session);
    }

    /// Takes up a run that was just finished.
    pub fn push(&mut self, record: RunRecord) {
        let run = LoadedRun::of(record);
        self.session.summaries.push(run.summary.clone().among(&self.session.summaries));
        self.runs.push(run);
        self.groups = groups(&self.session.summaries);
        self.version = next_version();
    }
}

impl LoadedRun {
    fn of(record: RunRecord) -> Self {
        let summary = RunSummary::of(&record);
        let decode = record.decode.map(|stage| Arc::new(stage.frames));
        let telemetry = record.telemetry.map(Arc::new);
        Self { summary, frames: Arc::new(record.frames), decode, telemetry }
    }
}

fn next_version() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
