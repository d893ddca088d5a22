//! The program as a person runs it: in a folder of its own, by its command line, judged by what comes out.
//!
//! Knows the binary and the tools around it, and nothing of what is inside.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A folder in which the program is run, gone at the end of the test.
pub struct Bench(TempDir);

/// How a run of the program ended.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Bench {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).expect("a temporary file");
    }

    /// The program, about to be run in this folder with nothing to read.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_inflight"));
        command.args(args).current_dir(self.0.path()).env_remove("VIDEO_HW_NV_METRICS").stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ended {
        Ended::from(self.command(args).output().expect("the program starts"))
    }

    /// Runs what must work.
    pub fn done(&self, args: &[&str]) -> Ended {
        let ended = self.run(args);
        assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.stderr);
        ended
    }

    pub fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
    }

    /// Everything in the folder, by name.
    pub fn names(&self) -> Vec<String> {
        let entry_name = |entry: std::io::Result<std::fs::DirEntry>| entry.map(|entry| entry.file_name());
        let entries = std::fs::read_dir(self.0.path()).expect("the folder");
        let mut names: Vec<_> =
            entries.map(|entry| entry_name(entry).expect("an entry").to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Has a tool work in this folder; answers its standard output. A tool that complains fails the test.
    pub fn tool(&self, name: &str, args: &[&str]) -> String {
        let output = Command::new(name).args(args).current_dir(self.0.path()).stdin(Stdio::null()).output();
        let output =
            output.unwrap_or_else(|error| panic!("these tests need {name}, which tests/run installs: {error}"));
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && complaints.is_empty(), "{name} {args:?}: {complaints}");
        String::from_utf8(output.stdout).expect("text")
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ended {
    /// Standard output as the one JSON object that it must be.
    pub fn json(&self) -> Value {
        let value: Value = serde_json::from_str(&self.stdout).expect("one JSON value and nothing else");
        assert!(value.is_object(), "{value}");
        value
    }
}

/// Waits for what must happen; a machine that needs a minute for it is broken.
pub fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(60);
    while !happened() {
        assert!(Instant::now() < give_up, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Number of whole lines in a file; 0 while there is none.
pub fn num_lines(path: &Path) -> usize {
    std::fs::read(path).map_or(0, |bytes| bytes.iter().filter(|&&byte| byte == b'\n').count())
}

/// Ctrl-C, for this process alone.
pub fn interrupt(child: &Child) {
    // The shell's own kill: a machine without procps has no other.
    let sent = std::process::Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap();
    assert!(sent.success());
}
