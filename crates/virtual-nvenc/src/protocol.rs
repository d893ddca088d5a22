//! The protocol: every call of every client in this process as a line of JSON, where somebody asked for it.
//!
//! A line is appended whole, so several processes may share a file, and one that is killed leaves no half of it. Without
//! a protocol a call costs one look at an empty cell. It knows no rule.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::clock;
use crate::rules::{Refusal, Rule, Status};

static PROTOCOL: OnceLock<Mutex<File>> = OnceLock::new();

/// Appends every call from now on to a file, a JSON object a line:
///
/// - `{"at_us", "pid", "session", "call", "us", "status", "rule"}` for a call: when it returned on the process' clock,
///   which session of the process (from 0; absent where none was found), how long it took, its NVENCSTATUS, and the rule
///   it broke, if any;
/// - `{"at_us", "pid", "session", "rule", "tolerated": true}` for a habit that is only counted;
/// - `{"at_us", "pid", "session", "summary": {"pictures", "rules": {…}}}` at the end of a session.
///
/// # Errors
/// The file cannot be opened for appending. The first protocol of a process stays the one.
pub fn keep_protocol(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let _ = PROTOCOL.set(Mutex::new(file));
    Ok(())
}

/// Begins timing a call; nothing where no protocol is kept.
pub fn begin() -> Option<u64> {
    PROTOCOL.get().map(|_| clock::now_ns())
}

/// A call is over.
pub fn note_call(begun_ns: Option<u64>, session: Option<u64>, call: &str, outcome: Result<Status, Refusal>) {
    let Some(begun_ns) = begun_ns else { return };
    let took_us = (clock::now_ns() - begun_ns) as f64 / 1e3;
    let (status, rule) = match outcome {
        Ok(status) => (status, None),
        Err(Refusal::Status(status)) => (status, None),
        Err(Refusal::Broken(rule)) => (rule.status(), Some(rule)),
    };
    append(session, |line| {
        write!(line, r#","call":"{call}","us":{took_us:.1},"status":{}"#, status as u32)?;
        rule.map_or(Ok(()), |rule| write!(line, r#","rule":"{}""#, rule.name()))
    });
}

/// A client did what is tolerated.
pub fn note_habit(session: u64, rule: Rule) {
    append(Some(session), |line| write!(line, r#","rule":"{}","tolerated":true"#, rule.name()));
}

/// A session is over.
pub fn note_end<'a>(session: u64, num_pictures: u64, rules: impl Iterator<Item = (&'a str, u64)>) {
    append(Some(session), |line| {
        write!(line, r#","summary":{{"pictures":{num_pictures},"rules":{{"#)?;
        for (idx, (rule, count)) in rules.enumerate() {
            let comma = if idx == 0 { "" } else { "," };
            write!(line, r#"{comma}"{rule}":{count}"#)?;
        }
        line.write_str("}}")
    });
}

fn append(session: Option<u64>, say: impl FnOnce(&mut String) -> std::fmt::Result) {
    let Some(protocol) = PROTOCOL.get() else { return };
    let mut line = format!(r#"{{"at_us":{:.1},"pid":{}"#, clock::now_ns() as f64 / 1e3, std::process::id());
    // Writing to a String cannot fail.
    _ = session.map_or(Ok(()), |session| write!(line, r#","session":{session}"#)).and_then(|()| say(&mut line));
    line.push_str("}\n");
    // A full disk costs the protocol, never the client's picture.
    _ = protocol.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
}
