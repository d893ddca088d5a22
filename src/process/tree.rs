//! A command with all that comes of it: wrapper scripts, forks, daemons. Started, signalled, waited for and ended as one.
//!
//! Linux gives a process that asks for it the orphans among its descendants, so nothing that a command starts gets out of
//! sight. Knows nothing of drivers and measurements.

use std::io;
use std::process::{Child, Command};
use std::time::Duration;

use wait4::{ResUse, Wait4};

/// How often what a command left is killed, a millisecond apart: a process may start another before it ends.
const KILL_TRIES: u32 = 2000;

/// A running command.
#[derive(Debug)]
pub struct Tree {
    child: Child,
    /// What the command itself took, once it has ended.
    used: Option<ResUse>,
    /// Children of this process that were there before.
    others: Vec<u32>,
}

/// What is left of a command that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Its process.
    pub pid: u32,
    /// Its program.
    pub name: String,
}

impl Tree {
    /// Starts the command in a process group of its own, unless it `shares_group` with this process, as it must to read from a
    /// terminal. This process must have no other children from now on.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn spawn(command: &mut Command, shares_group: bool) -> io::Result<Self> {
        adopt_orphans()?;
        let others = system::children_of(std::process::id());
        system::prepare(command, shares_group);
        Ok(Self { child: command.spawn()?, used: None, others })
    }

    /// What the command took, once it and all that came of it have ended.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn poll(&mut self) -> io::Result<Option<ResUse>> {
        if self.used.is_none() {
            self.used = self.child.try_wait4()?;
        }
        Ok(self.used.filter(|_| self.left().is_empty()))
    }

    /// Has the command itself ended?
    pub fn has_ended(&self) -> bool {
        self.used.is_some()
    }

    /// What came of the command and still runs. Those that have ended are reaped.
    pub fn left(&self) -> Vec<Left> {
        let own = self.used.is_none().then(|| self.child.id());
        let mut left = Vec::new();
        for pid in system::children_of(std::process::id()) {
            if Some(pid) != own && !self.others.contains(&pid) && !system::reap(pid) {
                left.extend(
                    system::descendants_of(pid).into_iter().map(|pid| Left { pid, name: system::name_of(pid) }),
                );
            }
        }
        left
    }

    /// Passes a signal on: to the command as long as it runs, and to what is left of it afterwards.
    pub fn signal(&self, signal: i32) {
        if self.used.is_none() {
            system::signal_group(self.child.id(), signal);
        } else {
            self.left().iter().for_each(|left| system::signal(left.pid, signal));
        }
    }

    /// Ends all of it, by force. One that hangs in the kernel ends for nobody, and is left.
    pub fn kill(&mut self) {
        for _ in 0..KILL_TRIES {
            let own = self.used.is_none().then(|| self.child.id());
            let all: Vec<_> = own.into_iter().flat_map(system::descendants_of).collect();
            all.into_iter().chain(self.left().into_iter().map(|left| left.pid)).for_each(system::kill);
            match self.poll() {
                Ok(None) => std::thread::sleep(Duration::from_millis(1)),
                _ => return,
            }
        }
    }
}

/// A command and the process group that it leads, for a process that has other children. Dropping it ends all of the group by
/// force.
#[derive(Debug)]
pub struct Group {
    child: Child,
    has_ended: bool,
}

impl Group {
    /// Starts the command.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        system::prepare(command, false);
        Ok(Self { child: command.spawn()?, has_ended: false })
    }

    /// What the command took, once it has ended.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn poll(&mut self) -> io::Result<Option<ResUse>> {
        let used = self.child.try_wait4()?;
        self.has_ended |= used.is_some();
        Ok(used)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        system::kill_group(self.child.id());
        if !self.has_ended {
            // Neither can fail but where the command has just ended.
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// Ends the other programs that this one has started, by force: one that hangs does not notice that nobody reads it any more.
/// Processes of this program do, and are left to it.
pub fn end_other_programs() {
    let own = system::name_of(std::process::id());
    let others = system::children_of(std::process::id()).into_iter().filter(|&pid| system::name_of(pid) != own);
    others.flat_map(system::descendants_of).for_each(system::kill);
}

/// Orphans among this process' descendants become its children.
#[cfg(target_os = "linux")]
fn adopt_orphans() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

#[cfg(not(target_os = "linux"))]
fn adopt_orphans() -> io::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, waitpid};

    pub(super) fn prepare(command: &mut Command, shares_group: bool) {
        if !shares_group {
            command.process_group(0);
        }
    }

    /// Its children, whichever of its threads started them.
    pub(super) fn children_of(pid: u32) -> Vec<u32> {
        let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
        let lists = threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("children")).ok());
        lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
    }

    /// Itself and all that came of it.
    pub(super) fn descendants_of(pid: u32) -> Vec<u32> {
        let mut all = vec![pid];
        let mut next = 0;
        while let Some(&pid) = all.get(next) {
            all.extend(children_of(pid));
            next += 1;
        }
        all
    }

    pub(super) fn name_of(pid: u32) -> String {
        fs::read_to_string(format!("/proc/{pid}/comm")).map_or_else(|_| "?".to_owned(), |name| name.trim().to_owned())
    }

    /// Takes note of the end of a child. Has it ended?
    pub(super) fn reap(pid: u32) -> bool {
        let ended = |pid| !matches!(waitpid(Some(pid), WaitOptions::NOHANG), Ok(None));
        of(pid).is_none_or(ended)
    }

    /// To its process group where it leads one, otherwise to itself.
    pub(super) fn signal_group(pid: u32, number: i32) {
        let (Some(pid), Some(signal)) = (of(pid), Signal::from_named_raw(number)) else { return };
        // Whoever is gone needs no signal.
        let _ = kill_process_group(pid, signal).or_else(|_| kill_process(pid, signal));
    }

    pub(super) fn signal(pid: u32, number: i32) {
        let (Some(pid), Some(signal)) = (of(pid), Signal::from_named_raw(number)) else { return };
        let _ = kill_process(pid, signal);
    }

    pub(super) fn kill(pid: u32) {
        of(pid).map(|pid| kill_process(pid, Signal::KILL));
    }

    pub(super) fn kill_group(leader: u32) {
        of(leader).map(|leader| kill_process_group(leader, Signal::KILL));
    }

    fn of(pid: u32) -> Option<Pid> {
        Pid::from_raw(pid.try_into().ok()?)
    }
}

/// Elsewhere no command is profiled ([`super::driver_folder`] says so first).
#[cfg(not(target_os = "linux"))]
mod system {
    use std::process::Command;

    pub(super) fn prepare(_: &mut Command, _: bool) {}

    pub(super) fn children_of(_: u32) -> Vec<u32> {
        Vec::new()
    }

    pub(super) fn descendants_of(pid: u32) -> Vec<u32> {
        vec![pid]
    }

    pub(super) fn name_of(_: u32) -> String {
        String::new()
    }

    pub(super) fn reap(_: u32) -> bool {
        true
    }

    pub(super) fn signal_group(_: u32, _: i32) {}

    pub(super) fn signal(_: u32, _: i32) {}

    pub(super) fn kill(_: u32) {}

    pub(super) fn kill_group(_: u32) {}
}
