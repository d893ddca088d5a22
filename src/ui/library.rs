//! Which sessions lie in a folder, newest first. Reads manifests only; knows no egui.

use std::fs;
use std::path::{Path, PathBuf};

use crate::session::Manifest;

/// A session that could be opened.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its folder.
    pub dir: PathBuf,
    /// What it says about itself, or why that cannot be read.
    pub manifest: Result<Box<Manifest>, String>,
}

/// Every folder in `folder` that holds a manifest, readable or not. No folder, no sessions.
pub fn find(folder: &Path) -> Vec<Found> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries.filter_map(|entry| look(entry.path())).collect();
    found.sort_by_key(|found| std::cmp::Reverse(found.created_unix_ms()));
    found
}

fn look(dir: PathBuf) -> Option<Found> {
    let text = fs::read(dir.join("manifest.json")).ok()?;
    let manifest = serde_json::from_slice(&text).map(Box::new).map_err(|error| error.to_string());
    Some(Found { dir, manifest })
}

impl Found {
    /// When it was made; 0 where it does not say.
    pub fn created_unix_ms(&self) -> u64 {
        self.manifest.as_ref().map_or(0, |manifest| manifest.created_unix_ms)
    }
}
