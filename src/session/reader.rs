//! Reads a session folder run by run.

use std::path::{Path, PathBuf};

use crate::record::RunRecord;
use crate::session::{Manifest, SessionError};
use crate::stats::compare::Side;
use crate::stats::selector::CaseFilter;
use crate::stats::summary::{Group, RunSummary};

/// An opened session: everything but the frames.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the types say it")]
pub struct Session {
    pub dir: PathBuf,
    pub manifest: Manifest,
    /// In the order of making.
    pub summaries: Vec<RunSummary>,
    /// What could not be read.
    pub damage: Option<Damage>,
}

/// What could not be read of a session that otherwise can. `Display` says it to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// The last line has no end: the program was stopped while it wrote it.
    TornLastLine {
        /// Its number, from 1.
        line: usize,
        /// How much of it there is.
        bytes: u64,
    },
}

/// The full records of a session, one at a time.
pub struct Records {}

impl Iterator for Records {
    type Item = Result<RunRecord, SessionError>;
    fn next(&mut self) -> Option<Self::Item> {
        todo!()
    }
}

impl Session {
    /// Reads the manifest and the summary of every finished run.
    pub fn open(dir: &Path) -> Result<Self, SessionError> {
        todo!()
    }
    /// The cases with their runs, in plan order.
    pub fn groups(&self) -> Vec<Group> {
        todo!()
    }
    /// The session as one side of a comparison; `name` is what the user called it.
    pub fn side<'a>(&'a self, name: &'a str, filter: CaseFilter) -> Side<'a> {
        todo!()
    }
    /// Reads the full records again, in order, one in memory at a time.
    pub fn records(&self) -> Result<Records, SessionError> {
        todo!()
    }
    /// Hands each full record to `visit`, one in memory at a time.
    pub fn for_each_run(&self, mut visit: impl FnMut(RunRecord)) -> Result<(), SessionError> {
        for record in self.records()? {
            visit(record?);
        }
        Ok(())
    }
}
