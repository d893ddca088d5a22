//! Writes a session folder so that at most the run in progress is lost if the program is killed.
//!
//! A run counts once its line ends, so a line is written whole, synced, and taken back when it does not fit.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::record::RunRecord;
use crate::session::disk::sync_parent;
use crate::session::{MANIFEST_FILE, Manifest, RUNS_FILE, SessionError, check_columns};

/// Lines are streamed to the file: a run of a million frames is a line of some 100 MB.
const BUFFER_BYTES: usize = 1 << 20;

/// An open session folder.
#[derive(Debug)]
pub struct SessionWriter {
    path: PathBuf,
    log: LineLog<File>,
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

    /// Of two writers only one can make the list of runs, so that comes first.
    fn fill(dir: &Path, path: &Path, manifest: &Manifest) -> Result<Self, SessionError> {
        let file = File::options().append(true).create_new(true).open(path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => SessionError::NotEmpty { dir: dir.to_owned() },
            _ => SessionError::write(path, source),
        })?;
        // Says to others that a sweep is on it; the system lets go of it however this process ends. Where the disk
        // knows no locks nobody is told, nor on Windows, where a lock would keep readers out.
        if cfg!(unix) {
            drop(file.try_lock());
        }
        manifest.save(dir)?;
        sync_parent(dir);
        Ok(Self { path: path.to_owned(), log: LineLog { file, end_bytes: 0 } })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// Appends one finished run; it is on disk when this returns.
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
        self.log.append(record).map_err(|source| SessionError::write(&self.path, source))
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
    match fs::read_dir(dir).map_err(cannot)?.next() {
        Some(_) => Err(SessionError::NotEmpty { dir: dir.to_owned() }),
        None => Ok(false),
    }
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
