//! Every output of the program: a file that appears whole or not at all, in no case in the place of what is read.
//!
//! `-` is standard output. A link is followed and stays. What is no regular file (a pipe, `/dev/null`) is written to
//! directly. Knows nothing of what is written.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempPath;

use super::folder_of;

/// The name of standard output, as of standard input.
const STANDARD: &str = "-";

/// What the names of files begin with that are not whole yet.
pub const WORKING_PREFIX: &str = ".inflight-";

/// Links of links that are followed, as many as Linux follows.
const MAX_LINKS: usize = 40;

/// An output on its way: beside its place until it is whole.
#[derive(Debug)]
pub struct OutputFile {
    file: Arc<File>,
    /// Where it is until then, and its place. `None`: written to directly.
    draft: Option<(TempPath, PathBuf)>,
}

impl OutputFile {
    /// Begins the output at `path`. It may be none of the files in `kept`, by whatever name or link.
    ///
    /// # Errors
    /// It is a folder or one of `kept`, or the operating system refuses; nothing has changed then.
    pub fn create(path: &Path, kept: &[PathBuf]) -> io::Result<Self> {
        if is_standard_output(path) {
            return Ok(Self { file: Arc::new(standard_output()?), draft: None });
        }
        let direct = || Ok(Self { file: Arc::new(File::options().write(true).open(path)?), draft: None });
        let rights = match fs::metadata(path) {
            Ok(there) if there.is_dir() => {
                return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder; name a file in it"));
            }
            Ok(there) if !there.is_file() => return direct(),
            Ok(there) => Some(there.permissions()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let place = followed(path)?;
        if let Some(kept) = kept.iter().find(|kept| is_same(&place, kept)) {
            let words = format!("it would replace {}, which is read", kept.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, words));
        }
        if rights.is_some() && !place.exists() {
            // An open file that has lost its name, by its number: /dev/fd/3.
            return direct();
        }
        Self::beside(place, rights)
    }

    /// In the folder of `place`, since only within one file system is a rename atomic.
    fn beside(place: PathBuf, rights: Option<fs::Permissions>) -> io::Result<Self> {
        let folder = folder_of(&place);
        if !folder.is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "there is no such folder"));
        }
        // tempfile's words name the temporary file, which nobody asked for.
        let anonymous = |error: io::Error| io::Error::from(error.kind());
        let (file, draft) = ordinary().tempfile_in(folder).map_err(anonymous)?.into_parts();
        if let Some(rights) = rights {
            // Where the disk knows no permissions there are none to keep.
            drop(file.set_permissions(rights));
        }
        Ok(Self { file: Arc::new(file), draft: Some((draft, place)) })
    }

    /// To write to. It may outlive this, whose end removes an output that was not placed.
    pub fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// The working name, for those who end the program at once.
    pub fn draft(&self) -> Option<&Path> {
        self.draft.as_ref().map(|(draft, _)| draft.as_ref())
    }

    /// Gives the output its name, once its bytes are on the disk.
    ///
    /// # Errors
    /// What the operating system answers; what was there before is there still.
    pub fn place(self) -> io::Result<()> {
        let Some((draft, place)) = self.draft else { return Ok(()) };
        // A full disk may show only here.
        self.file.sync_all()?;
        draft.persist(&place).map_err(|error| error.error)?;
        sync_folder(&place);
        Ok(())
    }
}

/// Writes `bytes` to `path` in one go.
///
/// # Errors
/// Like [`OutputFile::create`] and [`OutputFile::place`]; what was there before is there still.
pub fn write_whole(path: &Path, kept: &[PathBuf], bytes: &[u8]) -> io::Result<()> {
    let output = OutputFile::create(path, kept)?;
    io::Write::write_all(&mut output.file(), bytes)?;
    output.place()
}

/// Writes a file of our own, in a folder of ours. A link in its place is replaced, not followed: it may have come with the
/// folder from somebody else.
///
/// # Errors
/// Any step failed; what was there before is there still, and nothing stays beside it.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let output = OutputFile::beside(path.to_owned(), None)?;
    io::Write::write_all(&mut output.file(), bytes)?;
    output.place()
}

/// Is it standard output, as `-` or by a name like `/dev/stdout`, where that is a pipe or a file?
pub fn is_standard_output(path: &Path) -> bool {
    path == Path::new(STANDARD) || is_what_stdout_is(path)
}

/// Not for a terminal or `/dev/null`, to which several may write.
fn is_what_stdout_is(path: &Path) -> bool {
    let (Ok(there), Ok(stdout)) = (fs::metadata(path), standard_output()) else { return false };
    let is_alone = stdout.metadata().is_ok_and(|meta| !is_character_device(&meta));
    is_alone && !there.is_dir() && is_same_as_open(path, &there, &stdout)
}

#[cfg(unix)]
fn standard_output() -> io::Result<File> {
    use std::os::fd::AsFd;
    io::stdout().as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(windows)]
fn standard_output() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    io::stdout().as_handle().try_clone_to_owned().map(File::from)
}

#[cfg(unix)]
fn is_character_device(meta: &fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    meta.file_type().is_char_device()
}

#[cfg(not(unix))]
fn is_character_device(_: &fs::Metadata) -> bool {
    false
}

/// By number, not by opening: a pipe that is opened waits for its other end.
#[cfg(unix)]
fn is_same_as_open(_: &Path, there: &fs::Metadata, open: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    open.metadata().is_ok_and(|open| (open.dev(), open.ino()) == (there.dev(), there.ino()))
}

/// Windows has no name for standard output.
#[cfg(not(unix))]
fn is_same_as_open(_: &Path, _: &fs::Metadata, _: &File) -> bool {
    false
}

/// What a path names once all links are followed; the last may lead to a file that is not there yet.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut place = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&place) {
            Ok(target) => place = folder_of(&place).join(target),
            // Not a link, or nothing there.
            Err(_) => return Ok(place),
        }
    }
    Err(io::Error::other("its links lead in a circle"))
}

/// The same file by whatever names, or the same name of one that is not there yet.
pub fn is_same(one: &Path, other: &Path) -> bool {
    let named = |path: &Path| {
        let path = followed(path).unwrap_or_else(|_| path.to_owned());
        Some(folder_of(&path).canonicalize().ok()?.join(path.file_name()?))
    };
    let are_files = [one, other].iter().all(|path| fs::metadata(path).is_ok_and(|meta| meta.is_file()));
    let (one_name, other_name) = (named(one), named(other));
    one_name.is_some() && one_name == other_name || are_files && same_file::is_same_file(one, other).unwrap_or(false)
}

/// Short, since the disk's longest names leave no room for an ending; of a name that nobody can foresee, and made new.
#[cfg(unix)]
fn ordinary() -> tempfile::Builder<'static, 'static> {
    use std::os::unix::fs::PermissionsExt;
    let mut builder = tempfile::Builder::new();
    // The system takes the user's umask off.
    builder.prefix(WORKING_PREFIX).permissions(fs::Permissions::from_mode(0o666));
    builder
}

#[cfg(not(unix))]
fn ordinary() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(WORKING_PREFIX);
    builder
}

/// Makes a new name in a folder last through a power cut. Windows cannot, and some network file systems cannot either; a
/// program that is merely killed loses no name without it, so no failure is reported.
pub fn sync_folder(path: &Path) {
    if cfg!(unix) {
        drop(File::open(folder_of(path)).and_then(|folder| folder.sync_all()));
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

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
            write_whole(&path, &[], content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(names(dir.path()), ["a.json"]);
    }

    #[test]
    fn a_failure_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert!(write_whole(&path, &[], b"text").is_err());
        assert!(write_whole(&dir.path().join("missing").join("a"), &[], b"text").is_err());
        drop(OutputFile::create(&dir.path().join("begun"), &[]).unwrap());
        assert_eq!(names(dir.path()), ["taken"]);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_read_is_never_replaced_by_whatever_name() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("d")).unwrap();
        fs::write(at("clip"), "clip").unwrap();
        fs::hard_link(at("clip"), at("hard")).unwrap();
        std::os::unix::fs::symlink("clip", at("link")).unwrap();
        std::os::unix::fs::symlink("link", at("link of link")).unwrap();
        for name in ["clip", "hard", "link", "link of link", "d/../clip"] {
            let error = write_whole(&at(name), &[at("clip")], b"new").unwrap_err();
            assert!(error.to_string().contains("clip"), "{name}: {error}");
        }
        assert_eq!(fs::read_to_string(at("clip")).unwrap(), "clip");
        // Neither is an output that is only planned.
        assert!(write_whole(&at("d/../new"), &[at("new")], b"new").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_its_target_is_written_even_where_that_is_new() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("disk")).unwrap();
        std::os::unix::fs::symlink("disk/out", at("out")).unwrap();
        for content in ["first", "second"] {
            write_whole(&at("out"), &[], content.as_bytes()).unwrap();
            assert!(at("out").is_symlink());
            assert_eq!(fs::read_to_string(at("disk/out")).unwrap(), content);
        }
        std::os::unix::fs::symlink("circle", at("circle")).unwrap();
        assert!(write_whole(&at("circle"), &[], b"").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_of_our_own_takes_the_place_of_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("theirs"), "theirs").unwrap();
        std::os::unix::fs::symlink("theirs", at("label.json")).unwrap();
        replace(&at("label.json"), b"ours").unwrap();
        assert_eq!(fs::read_to_string(at("theirs")).unwrap(), "theirs");
        assert_eq!(fs::read_to_string(at("label.json")).unwrap(), "ours");
    }

    #[cfg(unix)]
    #[test]
    fn the_rights_of_a_file_that_was_there_stay() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        write_whole(&path, &[], b"new").unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
