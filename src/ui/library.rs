//! Which sessions lie in a folder, newest first. Reads manifests only; knows no egui.

use std::fs;
use std::path::{Path, PathBuf};

use crate::session::{Label, Manifest};

/// A session that could be opened.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its folder.
    pub dir: PathBuf,
    /// What it says about itself, or why that cannot be read.
    pub manifest: Result<Box<Manifest>, String>,
    /// What somebody said about it, or why that cannot be read.
    pub label: Result<Label, String>,
}

/// Every folder in `folder`, and of those `named`, that holds a manifest, readable or not. No folder, no sessions.
pub fn find(folder: &Path, named: &[PathBuf]) -> Vec<Found> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut dirs: Vec<_> = entries.collect();
    dirs.extend(named.iter().filter(|dir| dir.parent() != Some(folder)).cloned());
    let mut found: Vec<_> = dirs.into_iter().filter_map(look).collect();
    found.sort_by_key(|found| std::cmp::Reverse(found.created_unix_ms()));
    found
}

fn look(dir: PathBuf) -> Option<Found> {
    let text = fs::read(dir.join("manifest.json")).ok()?;
    let manifest = serde_json::from_slice(&text).map(Box::new).map_err(|error| error.to_string());
    let label = Label::load(&dir).map_err(|error| error.to_string());
    Some(Found { dir, manifest, label })
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
