//! A session that is over, as a file: `PID-NUMBER.json` in the folder that `INFLIGHT_TRACE_DIR` names.
//!
//! The columns are those of our own run records, in display order. Runs once a session is over, on the thread that
//! closes it or at the process' exit, and so outside of everything that is measured.

use std::collections::{HashMap, VecDeque};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::Ordering::Relaxed;

use serde::Serialize;

use crate::layout::kind_letter;
use crate::recorder::{Locked, Recorder, Submitted};
use crate::registry;
use crate::setup::Setup;

/// Where the files go.
pub const FOLDER_VARIABLE: &str = "INFLIGHT_TRACE_DIR";
/// Raised when an older reader would misread a file.
const FORMAT: u32 = 2;

/// One session.
#[derive(Debug, Serialize)]
struct Trace<'a> {
    format: u32,
    pid: u32,
    session: usize,
    program: String,
    started_unix_ms: u64,
    /// As in the header: minor << 24 | major.
    client_api: u32,
    codec: Option<&'static str>,
    width: u32,
    height: u32,
    fps_num: u32,
    fps_den: u32,
    /// `None`: never initialised.
    setup: Option<&'a Setup>,
    num_reconfigured: u64,
    buffer_format: u32,
    num_outputs: u32,
    is_destroyed: bool,
    not_recorded: u64,
    failed_calls: u64,
    peak_memory_bytes: Option<u64>,
    open_ns: u64,
    wall_ns: u64,
    metrics: Metrics,
    /// In flight when each picture's output was locked.
    lock_depth: Vec<u32>,
    frames: Columns,
}

#[derive(Debug, Default, Serialize)]
struct Metrics {
    frames: u64,
    packets: u64,
    bytes: u64,
    queue_peak: u32,
    blocked_ns: u64,
    upload_ns: u64,
    submit_ns: u64,
    lock_ns: u64,
    copy_ns: u64,
    unlock_ns: u64,
    drain_ns: u64,
}

#[derive(Debug, Default, Serialize)]
struct Columns {
    begin_at_ns: Vec<u64>,
    source_wait_ns: Vec<u64>,
    blocked_ns: Vec<u64>,
    upload_ns: Vec<u64>,
    submit_at_ns: Vec<u64>,
    submit_ns: Vec<u64>,
    depth: Vec<u32>,
    lock_at_ns: Vec<u64>,
    lock_ns: Vec<u64>,
    copy_ns: Vec<u64>,
    unlock_ns: Vec<u64>,
    latency_ns: Vec<u64>,
    bytes: Vec<u32>,
    encode_idx: Vec<u32>,
    kinds: String,
}

/// Sees to it that sessions which are never destroyed are written when the process exits.
pub fn write_rest_at_exit() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the function stays loaded (`-z nodelete`). Where no place is left for it, those sessions are lost.
        unsafe { libc::atexit(write_rest) };
    });
}

/// Writes every session that is still open; the process is about to end.
pub extern "C" fn write_rest() {
    registry::all().for_each(|(number, recorder)| write(number, recorder, false));
}

/// Writes a session, once, where a folder is named; says on standard error what hinders it.
pub fn write(number: usize, recorder: &Recorder, is_destroyed: bool) {
    // A forked child has a copy of its parent's sessions, which are not its own to tell.
    if recorder.pid != std::process::id() || !recorder.claim_writing() {
        return;
    }
    let Some(folder) = std::env::var_os(FOLDER_VARIABLE).map(PathBuf::from) else { return };
    let path = folder.join(format!("{}-{number}.json", recorder.pid));
    if let Err(error) = place(&folder, &path, &trace(number, recorder, is_destroyed)) {
        let advice = format!("set {FOLDER_VARIABLE} to a folder that can be written to");
        drop(writeln!(std::io::stderr(), "inflight interposer: cannot write {}: {error}; {advice}", path.display()));
    }
}

/// Beside its place until it is whole.
fn place(folder: &Path, path: &Path, trace: &Trace<'_>) -> std::io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(".trace-").tempfile_in(folder)?;
    {
        let mut writer = std::io::BufWriter::with_capacity(1 << 18, &mut file);
        serde_json::to_writer(&mut writer, trace)?;
        writer.flush()?;
    }
    file.persist(path)?;
    Ok(())
}

fn trace(number: usize, recorder: &Recorder, is_destroyed: bool) -> Trace<'_> {
    let recorded = |num: u64, room: usize| usize::try_from(num).unwrap_or(usize::MAX).min(room);
    let submits = &recorder.submits[..recorded(recorder.num_submitted(), recorder.submits.len())];
    let locks = &recorder.locks[..recorded(recorder.num_locked(), recorder.locks.len())];
    let start_ns = submits.first().map_or(0, |first| first.begin_at_ns.load(Relaxed));
    let (frames, lock_depth) = columns(submits, locks, start_ns);
    let end_ns = locks.iter().map(end_of).max().unwrap_or(start_ns);
    let drain_start_ns = recorder.end_of_stream_at_ns.load(Relaxed);
    let drain_ns = if drain_start_ns == 0 { 0 } else { end_ns.saturating_sub(drain_start_ns) };
    Trace {
        format: FORMAT,
        pid: recorder.pid,
        session: number,
        program: std::env::current_exe().map_or_else(|_| String::new(), |path| path.to_string_lossy().into_owned()),
        started_unix_ms: recorder.started_unix_ms,
        client_api: recorder.client_api,
        codec: recorder.codec.get().copied(),
        width: recorder.width.load(Relaxed),
        height: recorder.height.load(Relaxed),
        fps_num: recorder.fps_num.load(Relaxed),
        fps_den: recorder.fps_den.load(Relaxed),
        setup: recorder.setup.get(),
        num_reconfigured: recorder.num_reconfigured.load(Relaxed),
        buffer_format: recorder.buffer_format.load(Relaxed),
        num_outputs: recorder.num_outputs.load(Relaxed),
        is_destroyed,
        not_recorded: recorder.num_submitted() - submits.len() as u64,
        failed_calls: recorder.failed_calls.load(Relaxed),
        peak_memory_bytes: peak_memory_bytes(),
        open_ns: recorder.open_ns(start_ns),
        wall_ns: end_ns.saturating_sub(start_ns),
        metrics: totals(&frames, &lock_depth, recorder, locks, drain_ns),
        lock_depth,
        frames,
    }
}

fn totals(frames: &Columns, lock_depth: &[u32], recorder: &Recorder, locks: &[Locked], drain_ns: u64) -> Metrics {
    Metrics {
        frames: recorder.num_submitted(),
        packets: recorder.num_locked(),
        bytes: locks.iter().map(|lock| u64::from(lock.bytes.load(Relaxed))).sum(),
        queue_peak: frames.depth.iter().chain(lock_depth).copied().max().unwrap_or(0),
        blocked_ns: 0,
        upload_ns: frames.upload_ns.iter().sum(),
        submit_ns: frames.submit_ns.iter().sum(),
        lock_ns: locks.iter().map(|lock| lock.lock_ns.load(Relaxed)).sum(),
        copy_ns: frames.copy_ns.iter().sum(),
        unlock_ns: frames.unlock_ns.iter().sum(),
        drain_ns,
    }
}

/// When a packet was the client's: the end of its unlock, or of its lock where it was never unlocked.
fn end_of(lock: &Locked) -> u64 {
    match lock.unlock_at_ns.load(Relaxed) {
        0 => lock.lock_at_ns.load(Relaxed) + lock.lock_ns.load(Relaxed),
        unlock_at_ns => unlock_at_ns + lock.unlock_ns.load(Relaxed),
    }
}

/// Pictures in display order, which is the order of submission, each with the lock that gave it back.
fn columns(submits: &[Submitted], locks: &[Locked], start_ns: u64) -> (Columns, Vec<u32>) {
    let mut columns = Columns::default();
    let mut lock_depth = Vec::with_capacity(submits.len());
    let matched = matching(submits, locks);
    for (submit, lock_idx) in submits.iter().zip(matched) {
        let lock = lock_idx.and_then(|idx| locks.get(idx));
        let submit_at_ns = submit.submit_at_ns.load(Relaxed);
        columns.begin_at_ns.push(submit.begin_at_ns.load(Relaxed).saturating_sub(start_ns));
        columns.source_wait_ns.push(0);
        columns.blocked_ns.push(0);
        columns.upload_ns.push(submit.upload_ns.load(Relaxed));
        columns.submit_at_ns.push(submit_at_ns.saturating_sub(start_ns));
        columns.submit_ns.push(submit.submit_ns.load(Relaxed));
        columns.depth.push(submit.depth.load(Relaxed));
        let of_lock = |value: fn(&Locked) -> u64| lock.map_or(0, value);
        columns.lock_at_ns.push(of_lock(|lock| lock.lock_at_ns.load(Relaxed)).saturating_sub(start_ns));
        columns.lock_ns.push(of_lock(|lock| lock.lock_ns.load(Relaxed)));
        columns.copy_ns.push(of_lock(copy_ns));
        columns.unlock_ns.push(of_lock(|lock| lock.unlock_ns.load(Relaxed)));
        columns.latency_ns.push(of_lock(end_of).saturating_sub(submit_at_ns));
        columns.bytes.push(lock.map_or(0, |lock| lock.bytes.load(Relaxed)));
        columns.encode_idx.push(lock_idx.and_then(|idx| u32::try_from(idx).ok()).unwrap_or(0));
        columns.kinds.push(lock.map_or('?', |lock| kind_letter(lock.pic_type.load(Relaxed))));
        lock_depth.push(lock.map_or(0, |lock| lock.depth.load(Relaxed)));
    }
    (columns, lock_depth)
}

/// What the client did between lock and unlock: it copies the packet there.
fn copy_ns(lock: &Locked) -> u64 {
    // A lock that was asked for several times ends later than its last call's start plus all calls' time would say,
    // so this may come out short, never long.
    let locked_ns = lock.lock_at_ns.load(Relaxed) + lock.lock_ns.load(Relaxed);
    lock.unlock_at_ns.load(Relaxed).saturating_sub(locked_ns)
}

/// Which lock gave back each submitted picture: the one with its time stamp, the older first where a client gives
/// several pictures the same.
fn matching(submits: &[Submitted], locks: &[Locked]) -> Vec<Option<usize>> {
    let mut by_timestamp: HashMap<u64, VecDeque<usize>> = HashMap::new();
    for (idx, lock) in locks.iter().enumerate() {
        by_timestamp.entry(lock.timestamp.load(Relaxed)).or_default().push_back(idx);
    }
    let find = |submit: &Submitted| by_timestamp.get_mut(&submit.timestamp.load(Relaxed))?.pop_front();
    submits.iter().map(find).collect()
}

/// Most memory this process had resident so far. Asked for here, because the parent cannot know: what the system tells
/// it of a child that has exited includes what the parent itself had resident when it started the child.
fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib << 10)
}
