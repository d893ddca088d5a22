//! Which sessions lie in a folder, newest first. Reads manifests, labels and the sizes of files only; knows no egui.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::session::{Label, Manifest, SessionError, is_being_written};

/// A session that could be opened.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its folder.
    pub dir: PathBuf,
    /// What it says about itself, or why that cannot be read.
    pub manifest: Result<Box<Manifest>, String>,
    /// What somebody said about it, or why that cannot be read.
    pub label: Result<Label, String>,
    /// Of all its files.
    pub size_bytes: u64,
    /// Does a sweep write it, here or in another process?
    pub is_running: bool,
    /// The state of what its verdict rests on.
    pub stamp: Stamp,
}

/// The state of the files that a verdict rests on: while it is the same, so is the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    manifest: FileStamp,
    runs: FileStamp,
    /// The newest calibration beside it: a noise floor widens what counts as no change.
    calibrated: Option<SystemTime>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct FileStamp {
    len_bytes: u64,
    /// `None`: there is no such file, or the system does not say.
    modified: Option<SystemTime>,
}

/// Every folder in `folder`, and of those `named`, that holds a manifest, readable or not. No folder, no sessions.
pub fn find(folder: &Path, named: &[PathBuf]) -> Vec<Found> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut dirs: Vec<_> = entries.collect();
    dirs.extend(named.iter().filter(|dir| dir.parent() != Some(folder)).cloned());
    let calibrated = dirs.iter().filter_map(|dir| stamp(&dir.join("noise-floor.json")).modified).max();
    let mut found: Vec<_> = dirs.into_iter().filter_map(|dir| look(dir, calibrated)).collect();
    // Those of the same moment always in the same order, whatever that of the folder is.
    found.sort_by(|one, other| (other.created_unix_ms(), &one.dir).cmp(&(one.created_unix_ms(), &other.dir)));
    found
}

fn look(dir: PathBuf, calibrated: Option<SystemTime>) -> Option<Found> {
    let manifest = match Manifest::load(&dir) {
        Err(SessionError::NotASession { .. }) => return None,
        manifest => manifest.map(Box::new).map_err(|error| error.to_string()),
    };
    let (runs, manifest_stamp) = (stamp(&dir.join("runs.jsonl")), stamp(&dir.join("manifest.json")));
    Some(Found {
        manifest,
        label: Label::load(&dir).map_err(|error| error.to_string()),
        size_bytes: size_bytes(&dir),
        is_running: is_being_written(&dir),
        stamp: Stamp { manifest: manifest_stamp, runs, calibrated },
        dir,
    })
}

fn stamp(path: &Path) -> FileStamp {
    let Ok(file) = fs::metadata(path) else { return FileStamp::default() };
    FileStamp { len_bytes: file.len(), modified: file.modified().ok() }
}

/// Of everything in a folder; links are not followed.
fn size_bytes(dir: &Path) -> u64 {
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(file) if file.is_dir() => size_bytes(&entry.path()),
        Ok(file) => file.len(),
        Err(_) => 0,
    };
    fs::read_dir(dir).into_iter().flatten().flatten().map(of).sum()
}

impl Found {
    /// Its title, or else the name of its folder.
    pub fn name(&self) -> String {
        let title = self.label.as_ref().map_or("", |label| label.title.as_str());
        let folder = || self.dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if title.is_empty() { folder() } else { title.to_owned() }
    }

    /// When it was made; 0 where it does not say.
    pub fn created_unix_ms(&self) -> u64 {
        self.manifest.as_ref().map_or(0, |manifest| manifest.created_unix_ms)
    }
}

impl Stamp {
    /// Has no run been saved?
    pub fn is_empty(&self) -> bool {
        self.runs.len_bytes == 0
    }

    #[cfg(test)]
    pub(in crate::ui) fn of_runs(len_bytes: u64) -> Self {
        Self { runs: FileStamp { len_bytes, modified: None }, ..Self::default() }
    }
}
