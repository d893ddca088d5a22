//! A folder for what a command needs while it runs. It vanishes also where this program is killed: a process beside it waits for
//! that, and the next start removes what is left of any other.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::files::open_regular;

const PREFIX: &str = "inflight-";
/// Locked as long as the folder's owner lives.
const LOCK: &str = "owner.lock";
/// What the owner says when it removes the folder itself.
const DONE: &[u8] = b".";
/// What the loader of shared libraries takes for the end of a folder's name.
const SEPARATORS: [char; 2] = [':', ';'];

/// Such a folder.
#[derive(Debug)]
pub struct Scratch {
    dir: TempDir,
    _lock: File,
    guard: Option<Child>,
}

impl Scratch {
    /// Makes one among the system's temporary files, from which libraries can be loaded.
    ///
    /// # Errors
    /// It cannot be made there, or libraries could not be loaded from there.
    pub fn new() -> io::Result<Self> {
        let parent = std::env::temp_dir();
        if parent.to_string_lossy().contains(SEPARATORS) {
            let words = format!("libraries cannot be loaded from {}, whose name has a ':' or ';'", parent.display());
            return Err(io::Error::other(words));
        }
        if is_without_programs(&parent) {
            let words = format!("libraries cannot be loaded from {}, which is mounted noexec", parent.display());
            return Err(io::Error::other(words));
        }
        remove_dead(&parent);
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&parent)?;
        // Locked before it has its name: another start takes one that is not locked for a dead owner's. Where the disk knows no locks
        // nobody removes what a killed owner leaves.
        let unnamed = dir.path().join("new.lock");
        let lock = File::create(&unnamed)?;
        if lock.try_lock().is_ok() {
            fs::rename(unnamed, dir.path().join(LOCK))?;
        }
        let guard = guard_of(dir.path());
        Ok(Self { dir, _lock: lock, guard })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let Some(mut guard) = self.guard.take() else { return };
        if let Some(mut pipe) = guard.stdin.take() {
            drop(pipe.write_all(DONE));
        }
        drop(guard.wait());
    }
}

/// Starts the process that waits for the end of this one. Only this program itself can be it, not what it is built into.
fn guard_of(dir: &Path) -> Option<Child> {
    let program =
        std::env::current_exe().ok().filter(|program| program.file_stem().is_some_and(|stem| stem == "inflight"))?;
    let mut command = Command::new(program);
    command.arg("guard").arg(dir).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // A signal to the group of this process is not for it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().ok()
}

/// Waits until the owner of the folder, at the other end of `pipe`, is done or gone. If it is gone, ends every process that was
/// started with the folder and removes it.
///
/// # Errors
/// The folder is none of this program's, or cannot be removed.
pub fn guard(dir: &Path, mut pipe: impl Read) -> io::Result<()> {
    let is_ours =
        dir.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX)) && dir.join(LOCK).is_file();
    if !is_ours {
        return Err(io::Error::other("it is no temporary folder of this program"));
    }
    let mut said = Vec::new();
    pipe.read_to_end(&mut said)?;
    if said == DONE {
        return Ok(());
    }
    for pid in started_with(dir) {
        end(pid);
    }
    fs::remove_dir_all(dir)
}

/// Folders whose owner is gone.
fn remove_dead(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    let ours = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    for dir in ours.map(|entry| entry.path()).filter(|dir| dir.is_dir()) {
        let is_dead = open_regular(&dir.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
        if is_dead {
            started_with(&dir).into_iter().for_each(end);
            // Another start may be at it as well.
            drop(fs::remove_dir_all(dir));
        }
    }
}

#[cfg(target_os = "linux")]
fn is_without_programs(folder: &Path) -> bool {
    rustix::fs::statvfs(folder).is_ok_and(|disk| disk.f_flag.contains(rustix::fs::StatVfsMountFlags::NOEXEC))
}

#[cfg(not(target_os = "linux"))]
fn is_without_programs(_: &Path) -> bool {
    false
}

/// Processes whose surroundings name the folder, as those of a profiled command do ([`super::driver_folder`]).
#[cfg(target_os = "linux")]
fn started_with(dir: &Path) -> Vec<i32> {
    let place = [b"INFLIGHT_TRACE_DIR=", dir.as_os_str().as_encoded_bytes(), b"/"].concat();
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let is_with = |process: &std::path::PathBuf| {
        let surroundings = fs::read(process.join("environ")).unwrap_or_default();
        surroundings.split(|&byte| byte == 0).any(|word| word.starts_with(&place))
    };
    let all = processes.flatten().map(|entry| entry.path()).filter(is_with);
    all.filter_map(|process| process.file_name()?.to_str()?.parse().ok()).collect()
}

#[cfg(target_os = "linux")]
fn end(pid: i32) {
    use rustix::process::{Pid, Signal, kill_process};
    Pid::from_raw(pid).map(|pid| kill_process(pid, Signal::KILL));
}

#[cfg(not(target_os = "linux"))]
fn started_with(_: &Path) -> Vec<i32> {
    Vec::new()
}

#[cfg(not(target_os = "linux"))]
fn end(_: i32) {}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn folder(parent: &Path) -> (PathBuf, File) {
        let dir = parent.join("inflight-x");
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("frames.raw"), "frames").unwrap();
        let lock = File::create(dir.join(LOCK)).unwrap();
        (dir, lock)
    }

    #[test]
    fn the_folder_of_a_dead_owner_is_removed_and_no_other() {
        let parent = tempfile::tempdir().unwrap();
        let (dir, lock) = folder(parent.path());
        fs::create_dir(parent.path().join("inflight-of-a-user")).unwrap();
        lock.try_lock().unwrap();
        remove_dead(parent.path());
        assert!(dir.exists(), "its owner lives");
        drop(lock);
        remove_dead(parent.path());
        assert!(!dir.exists() && parent.path().join("inflight-of-a-user").exists());
    }

    #[test]
    fn the_guard_removes_the_folder_only_of_an_owner_that_did_not_say_it_was_done() {
        let parent = tempfile::tempdir().unwrap();
        let (dir, _lock) = folder(parent.path());
        guard(&dir, DONE).unwrap();
        assert!(dir.exists());
        guard(&dir, &b""[..]).unwrap();
        assert!(!dir.exists());
        fs::create_dir(parent.path().join("inflight-of-a-user")).unwrap();
        assert!(guard(&parent.path().join("inflight-of-a-user"), &b""[..]).is_err());
        assert!(guard(parent.path(), &b""[..]).is_err());
    }
}
