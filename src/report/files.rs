//! Several files at once: all are complete before the first takes its name, so nothing half-written is ever found.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::ReportError;
use crate::files::{OutputFile, folder_of};

/// Writes each file beside its place first; only when all are complete do they take their names, in the given order. None
/// may be one of `kept`.
///
/// # Errors
/// One of them could not be written. What this call began is removed again.
pub fn write_all(files: &[(PathBuf, &str)], kept: &[PathBuf]) -> Result<(), ReportError> {
    let outputs = files.iter().map(|(path, content)| Ok((path, begun(path, content, kept)?)));
    let outputs: Vec<_> = outputs.collect::<Result<_, ReportError>>()?;
    outputs.into_iter().try_for_each(|(path, output)| {
        output.place().map_err(|source| ReportError::Write { path: path.clone(), source })
    })
}

fn begun(path: &Path, content: &str, kept: &[PathBuf]) -> Result<OutputFile, ReportError> {
    let write = || {
        fs::create_dir_all(folder_of(path))?;
        let output = OutputFile::create(path, kept)?;
        output.file().write_all(content.as_bytes())?;
        Ok(output)
    };
    write().map_err(|source| ReportError::Write { path: path.to_owned(), source })
}
