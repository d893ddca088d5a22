//! Reads a session folder run by run; keeps the summaries, not the frames.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::files::{open_regular, read_small};
use crate::record::RunRecord;
use crate::session::{
    FORMAT_VERSION, MANIFEST_FILE, Manifest, PREROLL_VERSION, RUNS_FILE, SessionError, check_columns, noise_floor,
    own_files,
};
use crate::shell::shown;
use crate::source::InputSpec;
use crate::stats::analysis::Analysis;
use crate::stats::evidence::noise_floor::NoiseFloor;
use crate::stats::evidence::side::Side;
use crate::stats::runs::selector::CaseFilter;
use crate::stats::runs::summary::{Group, RunSummary, groups};
use crate::stats::verdict::comparison::CompareError;

/// A manifest has some ten thousand bytes.
const MAX_MANIFEST_BYTES: u64 = 1 << 24;
/// A run of a million frames has some 150 million bytes.
const MAX_LINE_BYTES: u64 = 1 << 28;
/// No command line or message is longer.
const MAX_TEXT_BYTES: usize = 1 << 14;

/// An opened session, without its frames.
#[derive(Debug, Clone)]
pub struct Session {
    /// The folder.
    pub dir: PathBuf,
    /// Plan, input, device and computer.
    pub manifest: Manifest,
    /// Every finished run, in the order in which they were made.
    pub summaries: Vec<RunSummary>,
    /// What could not be read, in the order of the file.
    pub damage: Vec<Damage>,
    /// The noise floor of this computer, if it was calibrated for such a session.
    pub noise: Option<NoiseFloor>,
}

/// A part of a session that could not be read. `Display` describes it to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// A line that is not a run: something other than this program wrote to the file.
    BadLine {
        /// Its number, from 1.
        line: usize,
        /// The error.
        problem: String,
    },
    /// A run that is there already: somebody wrote to the file, or two programs did.
    Repeated {
        /// Its number, from 1.
        line: usize,
        /// The run.
        order_index: u32,
    },
    /// The last line is incomplete: the program was stopped while it wrote the line, or is writing it now.
    TornLastLine {
        /// Its number, from 1.
        line: usize,
        /// Its length so far.
        bytes: usize,
    },
}

/// The full records of a session, one in memory at a time.
#[derive(Debug)]
pub struct Records {
    path: PathBuf,
    reader: BufReader<File>,
    /// Reused from line to line.
    text: Vec<u8>,
    line: usize,
    /// Runs to give yet.
    left: usize,
    read_bytes: u64,
    len_bytes: u64,
    /// The runs that were there already.
    seen: BTreeSet<u32>,
    damage: Vec<Damage>,
}

impl Session {
    /// Its own files and the clip that it names: no output made from it may take their places.
    pub fn kept_files(&self) -> Vec<PathBuf> {
        [own_files(&self.dir), InputSpec::files_of(&self.manifest.plan.input)].concat()
    }

    /// A session that has no run yet.
    pub fn begun(dir: PathBuf, manifest: Manifest) -> Self {
        let noise = noise_floor(&dir, &manifest);
        Self { dir, manifest, summaries: Vec::new(), damage: Vec::new(), noise }
    }

    /// Reads the manifest and the summary of every finished run.
    ///
    /// # Errors
    /// There is no session, it was written by a newer program, or its manifest cannot be understood. Runs that cannot
    /// be understood are left out and named in `damage`.
    pub fn open(dir: &Path) -> Result<Self, SessionError> {
        Self::open_each(dir, |_, _| ())
    }

    /// Opens two sessions at once, each on a separate thread.
    ///
    /// # Errors
    /// As [`Session::open`], first for the first session.
    pub fn open_both(one: &Path, other: &Path) -> Result<[Self; 2], SessionError> {
        let (one, other) = std::thread::scope(|scope| {
            let other = scope.spawn(|| Self::open(other));
            (Self::open(one), other.join())
        });
        // A panic goes on where it would have been without the thread.
        let other = other.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok([one?, other?])
    }

    /// Like [`Session::open`], but also passes each full record to `visit`, with the share of the file read so far, 0 to 1.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub fn open_each(dir: &Path, mut visit: impl FnMut(RunRecord, f32)) -> Result<Self, SessionError> {
        let mut session = Self::begun(dir.to_owned(), read_manifest(dir)?);
        let mut records = Records::open(dir, usize::MAX)?;
        while let Some(record) = records.next() {
            let record = record?;
            let summary = RunSummary::of(&record).among(&session.summaries);
            session.summaries.push(summary);
            visit(record, records.share_read());
        }
        Ok(Self { damage: records.damage, ..session })
    }

    /// The cases with their runs, in plan order.
    pub fn groups(&self) -> Vec<Group> {
        groups(&self.summaries)
    }

    /// The complete analysis of the session.
    ///
    /// # Errors
    /// As [`Analysis::of`].
    pub fn analysis(&self) -> Result<Analysis, CompareError> {
        Analysis::of(&self.side(&self.dir.display().to_string(), CaseFilter::default()))
    }

    /// The runs that match `filter`, as one side of a comparison; `name` is the session as the user named it.
    pub fn side<'a>(&'a self, name: &'a str, filter: CaseFilter) -> Side<'a> {
        let Manifest { created_unix_ms, plan, input, settings, rehearsals, device, environment, .. } = &self.manifest;
        Side {
            session: name,
            created_unix_ms: *created_unix_ms,
            plan,
            input,
            settings,
            rehearsals,
            device,
            environment,
            noise: self.noise.as_ref(),
            runs: &self.summaries,
            filter,
        }
    }

    /// Reads the full records of all `summaries` again, in their order.
    ///
    /// # Errors
    /// The file can no longer be opened; each record fails if it can no longer be read.
    pub fn records(&self) -> Result<Records, SessionError> {
        Records::open(&self.dir, self.summaries.len())
    }

    /// Passes each full record to `visit`, with one in memory at a time.
    ///
    /// # Errors
    /// As [`Session::records`]; earlier records have been visited by then.
    pub fn for_each_run(&self, mut visit: impl FnMut(RunRecord)) -> Result<(), SessionError> {
        for record in self.records()? {
            visit(record?);
        }
        Ok(())
    }
}

pub(super) fn read_manifest(dir: &Path) -> Result<Manifest, SessionError> {
    let not = |problem| SessionError::NotASession { dir: dir.to_owned(), problem };
    let path = dir.join(MANIFEST_FILE);
    let text = read_small(&path, MAX_MANIFEST_BYTES).map_err(|source| match source.kind() {
        _ if !dir.exists() => not("there is no such folder"),
        _ if !dir.is_dir() => not("it is a file, not a folder"),
        io::ErrorKind::NotFound => not("the folder has no manifest.json"),
        _ => SessionError::Read { path: path.clone(), source },
    })?;
    let bad = |error: serde_json::Error| SessionError::BadManifest { path: path.clone(), problem: error.to_string() };
    // The version alone first: of a newer manifest nothing else need be known.
    let Version { format_version } = serde_json::from_slice(&text).map_err(bad)?;
    if format_version > FORMAT_VERSION {
        return Err(SessionError::Newer { dir: dir.to_owned(), found: format_version });
    }
    let mut manifest: serde_json::Value = serde_json::from_slice(&text).map_err(bad)?;
    tame(&mut manifest);
    let mut manifest: Manifest = serde_json::from_value(manifest).map_err(bad)?;
    if format_version < PREROLL_VERSION {
        manifest.plan.preroll = Some(0);
    }
    Ok(manifest)
}

/// Makes every text of a file, which anybody may have written, one that can be shown anywhere.
pub(super) fn tame(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => tame_text(text),
        serde_json::Value::Array(items) => items.iter_mut().for_each(tame),
        serde_json::Value::Object(fields) => fields.values_mut().for_each(tame),
        _ => {}
    }
}

/// Short, and without what a terminal would obey.
fn tame_text(text: &mut String) {
    if text.len() > MAX_TEXT_BYTES {
        text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES));
        text.push('…');
    }
    *text = shown(text);
}

#[derive(Deserialize)]
struct Version {
    format_version: u32,
}

impl Records {
    fn open(dir: &Path, left: usize) -> Result<Self, SessionError> {
        let path = dir.join(RUNS_FILE);
        let file = open_regular(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => {
                SessionError::NotASession { dir: dir.to_owned(), problem: "the folder has no runs.jsonl" }
            }
            _ => SessionError::Read { path: path.clone(), source },
        })?;
        let len_bytes = file.metadata().map_or(0, |metadata| metadata.len());
        let reader = BufReader::with_capacity(1 << 20, file);
        Ok(Self {
            path,
            reader,
            text: Vec::new(),
            line: 0,
            left,
            read_bytes: 0,
            len_bytes,
            seen: BTreeSet::new(),
            damage: Vec::new(),
        })
    }

    /// How far it is; a file that grows meanwhile is read to its end at most once.
    fn share_read(&self) -> f32 {
        (self.read_bytes as f64 / self.len_bytes.max(1) as f64).min(1.0) as f32
    }

    /// Reads the next line into `text`. Was there one that ends?
    fn advance(&mut self) -> io::Result<bool> {
        self.text.clear();
        let mut line = self.reader.by_ref().take(MAX_LINE_BYTES);
        if self.left == 0 || line.read_until(b'\n', &mut self.text)? == 0 {
            return Ok(false);
        }
        self.line += 1;
        self.read_bytes += self.text.len() as u64;
        if self.text.len() as u64 == MAX_LINE_BYTES && !self.text.ends_with(b"\n") {
            // What follows is not kept, but passed over.
            self.text = b"\n".to_vec();
            self.read_bytes += self.reader.skip_until(b'\n')? as u64;
            return Ok(true);
        }
        let is_whole = self.text.ends_with(b"\n");
        if !is_whole {
            self.damage.push(Damage::TornLastLine { line: self.line, bytes: self.text.len() });
        }
        Ok(is_whole)
    }

    fn parse(&self) -> Result<RunRecord, String> {
        let mut record: RunRecord = serde_json::from_slice(&self.text).map_err(|error| error.to_string())?;
        check_columns(&record)?;
        record.error.iter_mut().for_each(tame_text);
        Ok(record)
    }
}

impl Iterator for Records {
    type Item = Result<RunRecord, SessionError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.advance() {
                Ok(true) => match self.parse() {
                    Ok(RunRecord { order_index, .. }) if !self.seen.insert(order_index) => {
                        self.damage.push(Damage::Repeated { line: self.line, order_index });
                    }
                    Ok(record) => {
                        self.left -= 1;
                        return Some(Ok(record));
                    }
                    Err(problem) => self.damage.push(Damage::BadLine { line: self.line, problem }),
                },
                Ok(false) => return None,
                Err(source) => {
                    // Asked again, a file that cannot be read would fail for ever.
                    self.left = 0;
                    return Some(Err(SessionError::Read { path: self.path.clone(), source }));
                }
            }
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadLine { line, problem } => {
                write!(f, "line {line} of {RUNS_FILE} is not a run and was left out: {problem}")
            }
            Self::Repeated { line, order_index } => {
                write!(f, "line {line} of {RUNS_FILE} is run {order_index} once more and was left out")
            }
            Self::TornLastLine { line, bytes } => write!(
                f,
                "run {line} is incomplete ({bytes} bytes were written before the program stopped) and was left out"
            ),
        }
    }
}
