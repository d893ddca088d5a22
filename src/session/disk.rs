//! Files that are whole or not there.
//!
//! Knows nothing of sessions.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes `bytes` to `path` so that after a crash it holds either what it held before or all of `bytes`: a new file
/// beside it is written, synced and renamed over it.
///
/// # Errors
/// Any step failed; `path` is then as it was, and nothing stays beside it.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = beside(path);
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().inspect_err(|_| drop(fs::remove_file(&temporary)))?;
    sync_parent(path);
    Ok(())
}

/// Makes the name `path` last through a power cut. Windows cannot, and some network file systems cannot either; a
/// program that is merely killed loses no name without it, so no failure is reported.
pub fn sync_parent(path: &Path) {
    if cfg!(unix) {
        drop(File::open(crate::files::folder_of(path)).and_then(|parent| parent.sync_all()));
    }
}

/// In the same folder, since only within one file system is a rename atomic; of a name that no other process takes.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<OsString> {
        let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_new_content_replaces_the_old() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        for content in ["old and longer", "new"] {
            write_atomically(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(names(dir.path()), ["a.json"]);
    }

    #[test]
    fn a_failure_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert!(write_atomically(&path, b"text").is_err());
        assert_eq!(names(dir.path()), ["taken"]);
        assert!(write_atomically(&dir.path().join("missing").join("a"), b"text").is_err());
    }
}
