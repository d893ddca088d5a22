//! Writes a session folder so that at most the run in progress is lost if the program is killed.
//!
//! A run counts once its line ends, so a line is written whole, synced, and taken back when it does not fit.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::files::{WORKING_PREFIX, numbered, sync_folder};
use crate::record::RunRecord;
use crate::session::{MANIFEST_FILE, Manifest, RUNS_FILE, Resumption, SessionError, check_columns};

/// Lines are streamed to the file: a run of a million frames is a line of some 100 MB.
const BUFFER_BYTES: usize = 1 << 20;

/// So many sessions in one second are a mistake.
const MAX_NUMBER: usize = 10_000;

/// Where a session is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionPlace {
    /// The user named the folder: it is this one or none.
    Named(PathBuf),
    /// The clock named it: where that is taken it is numbered.
    ByClock(PathBuf),
}

impl SessionPlace {
    /// The named folder, or else the clock's.
    pub fn of(named: Option<PathBuf>, by_clock: impl FnOnce() -> PathBuf) -> Self {
        named.map_or_else(|| Self::ByClock(by_clock()), Self::Named)
    }

    /// Refuses a folder in which no session can be made, before anything is measured; changes nothing.
    ///
    /// # Errors
    /// It is not empty, is a file, or cannot be read.
    pub fn check(&self) -> Result<(), SessionError> {
        let Self::Named(dir) = self else { return Ok(()) };
        match fs::metadata(dir) {
            Ok(there) if there.is_dir() => check_empty(dir),
            Ok(_) => Err(SessionError::NotAFolder { dir: dir.to_owned() }),
            // What does not exist can be made, or not; that is seen when it is.
            Err(_) => Ok(()),
        }
    }

    /// Creates the session there.
    ///
    /// # Errors
    /// As [`SessionWriter::create`].
    pub fn create(&self, manifest: &Manifest) -> Result<SessionWriter, SessionError> {
        let dir = match self {
            Self::Named(dir) => return SessionWriter::create(dir, manifest),
            Self::ByClock(dir) => dir,
        };
        let is_taken =
            |made: &Result<_, _>| matches!(made, Err(SessionError::NotEmpty { .. } | SessionError::NotAFolder { .. }));
        let mut all = numbered(dir).take(MAX_NUMBER).map(|dir| SessionWriter::create(&dir, manifest));
        all.find(|made| !is_taken(made)).unwrap_or_else(|| Err(SessionError::NotEmpty { dir: dir.to_owned() }))
    }
}

/// An open session folder.
#[derive(Debug)]
pub struct SessionWriter {
    path: PathBuf,
    manifest: Manifest,
    log: LineLog<File>,
    moved_from: Option<PathBuf>,
}

impl SessionWriter {
    /// Creates the folder, its manifest and an empty list of runs. The folder may exist if it is empty.
    ///
    /// # Errors
    /// The folder is not empty (for example because it has another session), cannot be written to, or the disk is
    /// full. Anything created until then is removed again.
    pub fn create(dir: &Path, manifest: &Manifest) -> Result<Self, SessionError> {
        let made_dir = claim_dir(dir)?;
        let path = dir.join(RUNS_FILE);
        Self::fill(dir, &path, manifest).inspect_err(|error| {
            // Another writer that was quicker owns the files.
            if !matches!(error, SessionError::NotEmpty { .. }) {
                drop(fs::remove_file(dir.join(MANIFEST_FILE)));
                drop(fs::remove_file(&path));
                drop(made_dir.then(|| fs::remove_dir(dir)));
            }
        })
    }

    /// Of two writers only one can make the list of runs, so that comes first. One that is empty, has no manifest beside it and
    /// is nobody's is what a writer left that was killed at once.
    fn fill(dir: &Path, path: &Path, manifest: &Manifest) -> Result<Self, SessionError> {
        let taken = || SessionError::NotEmpty { dir: dir.to_owned() };
        let made = open_log().create_new(true).open(path);
        let file = match made {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => open_log().open(path),
            made => made,
        };
        let file = file.map_err(|source| SessionError::write(path, source))?;
        if !claim(&file) || dir.join(MANIFEST_FILE).exists() || file.metadata().is_ok_and(|log| log.len() > 0) {
            return Err(taken());
        }
        manifest.save(dir)?;
        sync_folder(dir);
        Ok(Self {
            path: path.to_owned(),
            manifest: manifest.clone(),
            log: LineLog { file, end_bytes: 0 },
            moved_from: None,
        })
    }

    /// Takes up a session that ended early, after its last whole run. `manifest` is the session's own, to which the resumption is
    /// added. An unfinished line is set aside, in a file beside the others.
    ///
    /// # Errors
    /// A sweep is writing the session, or it cannot be written to.
    pub fn resume(dir: &Path, mut manifest: Manifest, num_runs: u32) -> Result<Self, SessionError> {
        let path = dir.join(RUNS_FILE);
        let failed = |source| SessionError::write(&path, source);
        let mut file = open_log().read(true).open(&path).map_err(failed)?;
        if !claim(&file) {
            return Err(SessionError::InUse { dir: dir.to_owned() });
        }
        let end_bytes = last_line_end(&mut file).map_err(failed)?;
        let half_bytes = file.metadata().map_err(failed)?.len().saturating_sub(end_bytes);
        let at_unix_ms = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0);
        if half_bytes > 0 {
            let aside = dir.join(format!("{RUNS_FILE}.half-{}", manifest.resumptions.len() + 1));
            file.seek(SeekFrom::Start(end_bytes)).map_err(failed)?;
            let half_line = File::create_new(&aside).and_then(|mut half_line| io::copy(&mut file, &mut half_line));
            half_line.map_err(|source| SessionError::write(&aside, source))?;
            file.set_len(end_bytes).map_err(failed)?;
        }
        manifest.resumptions.push(Resumption { at_unix_ms, num_runs, set_aside_bytes: half_bytes });
        manifest.save(dir)?;
        Ok(Self { path, manifest, log: LineLog { file, end_bytes }, moved_from: None })
    }

    /// The manifest, with all resumptions.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The folder in which the session was, where it was taken away while it was written; it goes on in [`SessionWriter::dir`].
    pub fn moved_from(&self) -> Option<&Path> {
        self.moved_from.as_deref()
    }

    /// How often the sweep was taken up again.
    pub fn num_resumptions(&self) -> u32 {
        self.manifest.resumptions.len() as u32
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// Appends one finished run; it is on disk when this returns. A session that was removed, renamed, replaced or cut short
    /// since the last run goes on in a folder beside it, with what can still be read of it.
    ///
    /// # Errors
    /// The file cannot be written or the disk is full: the runs before stay as they were, and a later call may try
    /// again. Columns of unequal length are refused.
    pub fn append(&mut self, record: &RunRecord) -> Result<(), SessionError> {
        check_columns(record).map_err(|problem| SessionError::BadRecord {
            path: self.path.clone(),
            order_index: record.order_index,
            problem,
        })?;
        if !self.is_in_place() {
            self.go_on_beside()?;
        }
        self.log.append(record).map_err(|source| SessionError::write(&self.path, source))
    }

    /// Is the file that is written the one of that name, as long as it was left?
    fn is_in_place(&self) -> bool {
        let is_long_enough = self.log.file.metadata().is_ok_and(|log| log.len() >= self.log.end_bytes);
        is_long_enough && is_same_file(&self.log.file, &self.path) && self.path.with_file_name(MANIFEST_FILE).is_file()
    }

    fn go_on_beside(&mut self) -> Result<(), SessionError> {
        let gone = self.dir().to_owned();
        let mut all = numbered(&gone).skip(1).take(MAX_NUMBER).map(|dir| Self::create(&dir, &self.manifest));
        let is_taken = |made: &Result<_, _>| matches!(made, Err(SessionError::NotEmpty { .. }));
        let mut beside =
            all.find(|made| !is_taken(made)).unwrap_or_else(|| Err(SessionError::NotEmpty { dir: gone.clone() }))?;
        // The system keeps a file that is open, whatever became of its name.
        let failed = |source| SessionError::write(&beside.path, source);
        self.log.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut saved = Read::by_ref(&mut self.log.file).take(self.log.end_bytes);
        io::copy(&mut saved, &mut beside.log.file).map_err(failed)?;
        // What was cut off is lost; what follows is not.
        beside.log.end_bytes = last_line_end(&mut beside.log.file).map_err(failed)?;
        beside.log.file.set_len(beside.log.end_bytes).map_err(failed)?;
        beside.moved_from = Some(self.moved_from.take().unwrap_or_else(|| gone.clone()));
        *self = beside;
        Ok(())
    }
}

fn open_log() -> fs::OpenOptions {
    let mut options = File::options();
    options.read(true).append(true);
    options
}

/// Says to others that a sweep is on the file; the system lets go of it however this process ends. Does nobody else say so? Where
/// the disk knows no locks nobody is told, nor on Windows, where a lock would keep readers out.
fn claim(file: &File) -> bool {
    !cfg!(unix) || !matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// Where the last whole line ends. A line of any length takes no memory.
fn last_line_end(file: &mut File) -> io::Result<u64> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, file);
    let (mut read_bytes, mut end_bytes) = (0, 0);
    loop {
        let part = reader.fill_buf()?;
        if part.is_empty() {
            return Ok(end_bytes);
        }
        let (part_bytes, last) = (part.len(), part.iter().rposition(|&byte| byte == b'\n'));
        end_bytes = last.map_or(end_bytes, |last| read_bytes + last as u64 + 1);
        read_bytes += part_bytes as u64;
        reader.consume(part_bytes);
    }
}

#[cfg(unix)]
fn is_same_file(open: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let number = |meta: fs::Metadata| (meta.dev(), meta.ino());
    open.metadata().ok().map(number) == fs::metadata(path).ok().map(number)
}

/// Windows keeps the name of a file that is open.
#[cfg(not(unix))]
fn is_same_file(_: &File, path: &Path) -> bool {
    path.is_file()
}

/// A list of runs that has none, and nothing else, is what a sweep left that was killed at its start.
fn check_empty(dir: &Path) -> Result<(), SessionError> {
    let entries = fs::read_dir(dir).map_err(|source| SessionError::write(dir, source))?;
    let is_rest = |entry: &io::Result<fs::DirEntry>| {
        entry.as_ref().is_ok_and(|entry| {
            let name = entry.file_name();
            let is_empty = entry.metadata().is_ok_and(|there| there.is_file() && there.len() == 0);
            (name == RUNS_FILE && is_empty) || name.to_string_lossy().starts_with(WORKING_PREFIX)
        })
    };
    match entries.into_iter().find(|entry| !is_rest(entry)) {
        Some(_) => Err(SessionError::NotEmpty { dir: dir.to_owned() }),
        None => Ok(()),
    }
}

/// Makes sure that `dir` is an empty folder. Was it made here?
fn claim_dir(dir: &Path) -> Result<bool, SessionError> {
    let cannot = |source| SessionError::write(dir, source);
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent).map_err(cannot)?;
    }
    match fs::create_dir(dir) {
        Ok(()) => return Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(cannot(error)),
    }
    if !dir.is_dir() {
        return Err(SessionError::NotAFolder { dir: dir.to_owned() });
    }
    check_empty(dir).map(|()| false)
}

/// What [`LineLog`] needs of a file, so that a test can run out of space.
trait LogFile: Write {
    fn truncate(&mut self, len_bytes: u64) -> io::Result<()>;
    /// Everything written is on the disk when this returns; answers the length in bytes.
    fn sync(&mut self) -> io::Result<u64>;
}

impl LogFile for File {
    fn truncate(&mut self, len_bytes: u64) -> io::Result<()> {
        self.set_len(len_bytes)
    }

    fn sync(&mut self) -> io::Result<u64> {
        self.sync_data()?;
        Ok(self.metadata()?.len())
    }
}

/// A file of whole lines.
#[derive(Debug)]
struct LineLog<F> {
    /// Opened for appending, so that a write after a truncation starts at the new end.
    file: F,
    /// Where the last whole line ends.
    end_bytes: u64,
}

impl<F: LogFile> LineLog<F> {
    fn append(&mut self, record: &RunRecord) -> io::Result<()> {
        // Half a line may be left over if it could not be taken back the last time.
        self.file.truncate(self.end_bytes)?;
        match self.write_line(record) {
            Ok(end_bytes) => {
                self.end_bytes = end_bytes;
                Ok(())
            }
            Err(error) => {
                // If this fails as well the reader sees a torn last line and says so.
                drop(self.file.truncate(self.end_bytes));
                Err(error)
            }
        }
    }

    fn write_line(&mut self, record: &RunRecord) -> io::Result<u64> {
        let mut line = BufWriter::with_capacity(BUFFER_BYTES, &mut self.file);
        serde_json::to_writer(&mut line, record)?;
        line.write_all(b"\n")?;
        line.flush()?;
        drop(line);
        self.file.sync()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::fixture::{case, record};

    use crate::contract::LockPlacement::Inline;

    /// A disk with room for so many bytes.
    struct SmallDisk {
        bytes: Vec<u8>,
        room: usize,
    }

    impl Write for SmallDisk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let fitting = bytes.len().min(self.room - self.bytes.len());
            self.bytes.extend_from_slice(&bytes[..fitting]);
            if fitting == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(fitting) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl LogFile for SmallDisk {
        fn truncate(&mut self, len_bytes: u64) -> io::Result<()> {
            self.bytes.truncate(len_bytes as usize);
            Ok(())
        }

        fn sync(&mut self) -> io::Result<u64> {
            Ok(self.bytes.len() as u64)
        }
    }

    #[test]
    fn what_does_not_fit_is_taken_back() {
        let record = record(case(4, Inline), 0, 1.0);
        let line_bytes = serde_json::to_vec(&record).unwrap().len() + 1;
        for room in line_bytes..2 * line_bytes {
            let mut log = LineLog { file: SmallDisk { bytes: Vec::new(), room }, end_bytes: 0 };
            log.append(&record).unwrap();
            assert_eq!(log.append(&record).unwrap_err().kind(), io::ErrorKind::StorageFull);
            assert_eq!(log.file.bytes.len(), line_bytes);
            // Once there is room again the run can be written.
            log.file.room = 2 * line_bytes;
            log.append(&record).unwrap();
            assert!(log.file.bytes.ends_with(b"}\n"));
        }
    }
}
