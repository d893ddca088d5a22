//! Writes a session folder so that a kill costs at most the run in progress.

use std::path::Path;

use crate::record::RunRecord;
use crate::session::{Manifest, SessionError};

/// An open session folder.
#[derive(Debug)]
pub struct SessionWriter {}

impl SessionWriter {
    /// Makes the folder and its manifest.
    pub fn create(dir: &Path, manifest: &Manifest) -> Result<Self, SessionError> {
        todo!()
    }
    /// Appends one finished run; it is on the disk when this returns.
    pub fn append(&mut self, record: &RunRecord) -> Result<(), SessionError> {
        todo!()
    }
}
