//! Several files at once: all are complete before the first takes its name, so nothing half-written is ever found.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::ReportError;

/// Writes each file beside its place first; only when all are complete do they take their names, in the given order.
///
/// # Errors
/// One of them could not be written. What this call began is removed again.
pub fn write_all(files: &[(PathBuf, &str)]) -> Result<(), ReportError> {
    let drafts: Vec<_> = files.iter().map(|(path, _)| draft_of(path)).collect();
    let result = write_drafts(files, &drafts).and_then(|()| publish(files, &drafts));
    if result.is_err() {
        // A draft that was never begun or is published already is not there; nothing else can be done about others.
        drafts.iter().for_each(|draft| drop(fs::remove_file(draft)));
    }
    result
}

fn write_drafts(files: &[(PathBuf, &str)], drafts: &[PathBuf]) -> Result<(), ReportError> {
    for ((path, content), draft) in files.iter().zip(drafts) {
        let failed = |source| ReportError::Write { path: path.clone(), source };
        // Taking the name of a folder cannot work; taking that of a device such as /dev/stdout must not.
        if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
            return Err(failed(io::Error::new(io::ErrorKind::AlreadyExists, "it exists and is not a regular file")));
        }
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        write_synced(draft, content).map_err(failed)?;
    }
    Ok(())
}

fn publish(files: &[(PathBuf, &str)], drafts: &[PathBuf]) -> Result<(), ReportError> {
    for ((path, _), draft) in files.iter().zip(drafts) {
        fs::rename(draft, path).map_err(|source| ReportError::Write { path: path.clone(), source })?;
    }
    Ok(())
}

fn write_synced(path: &Path, content: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(content.as_bytes())?;
    // A full disk may show only here.
    file.sync_all()
}

fn draft_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}
