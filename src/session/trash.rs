//! Deleting a session so that it can be restored: it moves to a folder beside it and is never removed from there.

use std::fs::{self, TryLockError};
use std::path::{Path, PathBuf};

use super::{RUNS_FILE, SessionError};
use crate::files::{folder_of, open_regular};

/// Beside the sessions. Its owner empties it when the disk is full.
pub const TRASH_FOLDER: &str = "deleted";

/// A session that was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discarded {
    /// Where it was.
    pub from: PathBuf,
    /// Where it is now.
    pub to: PathBuf,
}

/// Moves the session in `dir` into the folder `deleted` beside it.
///
/// # Errors
/// It is being written, or cannot be moved; it then stays in its place.
pub fn discard(dir: &Path) -> Result<Discarded, SessionError> {
    if is_being_written(dir) {
        return Err(SessionError::InUse { dir: dir.to_owned() });
    }
    let trash = folder_of(dir).join(TRASH_FOLDER);
    let name = dir.file_name().unwrap_or_default().to_owned();
    fs::create_dir_all(&trash).map_err(|source| SessionError::write(&trash, source))?;
    let free = (0..u32::MAX).map(|copy| match copy {
        0 => trash.join(&name),
        copy => trash.join(format!("{}-{copy}", name.to_string_lossy())),
    });
    let Some(to) = free.into_iter().find(|to| !to.exists()) else {
        return Err(SessionError::NotEmpty { dir: trash });
    };
    fs::rename(dir, &to).map_err(|source| SessionError::write(dir, source))?;
    Ok(Discarded { from: dir.to_owned(), to })
}

impl Discarded {
    /// Moves it back.
    ///
    /// # Errors
    /// Something else has its place now, or it cannot be moved; it stays in the trash then.
    pub fn restore(&self) -> Result<(), SessionError> {
        if self.from.exists() {
            return Err(SessionError::NotEmpty { dir: self.from.clone() });
        }
        fs::rename(&self.to, &self.from).map_err(|source| SessionError::write(&self.from, source))
    }
}

/// Does a sweep, of this process or another, hold the session's list of runs? Writers lock it.
pub fn is_being_written(dir: &Path) -> bool {
    let Ok(runs) = open_regular(&dir.join(RUNS_FILE)) else { return false };
    matches!(runs.try_lock_shared(), Err(TryLockError::WouldBlock))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    fn session(folder: &Path) -> PathBuf {
        let dir = folder.join("sweep");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(RUNS_FILE), "run").unwrap();
        dir
    }

    #[test]
    fn what_was_deleted_comes_back_unless_its_place_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let dir = session(folder.path());
        let first = discard(&dir).unwrap();
        assert!(!dir.exists());
        session(folder.path());
        let second = discard(&dir).unwrap();
        assert_ne!(first.to, second.to);
        second.restore().unwrap();
        assert_eq!(fs::read(dir.join(RUNS_FILE)).unwrap(), b"run");
        assert!(matches!(first.restore(), Err(SessionError::NotEmpty { .. })));
        assert!(first.to.exists());
    }

    #[test]
    fn a_session_that_is_being_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let dir = session(folder.path());
        let writer = File::options().append(true).open(dir.join(RUNS_FILE)).unwrap();
        writer.lock().unwrap();
        assert!(matches!(discard(&dir), Err(SessionError::InUse { .. })));
        drop(writer);
        discard(&dir).unwrap();
    }
}
