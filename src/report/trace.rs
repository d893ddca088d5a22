//! One run as a trace for Perfetto and chrome://tracing (Trace Event Format, JSON).
//!
//! Three processes: the threads of the caller (what each was busy with), the buffer slots (which picture held them), and
//! the pictures in flight as one asynchronous span each, since they overlap, with a counter of how many there are.

use std::io::Write;

use serde_json::{Value, json};

use super::ReportError;
use super::chart::{device_line, notice};
use super::figures::depth::steps;
use crate::contract::LockPlacement;
use crate::record::{DeviceInfo, FrameColumns, RunRecord};
use crate::session::Session;

/// Writes run `order_index` of the session.
///
/// # Errors
/// There is no such run, it could not be read, or `out` could not be written to.
pub fn write_trace(session: &Session, order_index: u32, out: &mut impl Write) -> Result<(), ReportError> {
    for run in session.records()? {
        let run = run?;
        if run.order_index == order_index {
            return Ok(write_run(&run, &session.manifest.device, out)?);
        }
    }
    Err(ReportError::NoSuchRun { order_index, num_runs: session.summaries.len() })
}

const THREADS: u32 = 1;
const SLOTS: u32 = 2;
const PICTURES: u32 = 3;

const SUBMITTING: u32 = 1;
const LOCKING: u32 = 2;

/// Writes `run`, which `device` made.
///
/// # Errors
/// `out` could not be written to.
pub fn write_run(run: &RunRecord, device: &DeviceInfo, out: &mut impl Write) -> std::io::Result<()> {
    let about = json!({
        "case": run.case.to_string(),
        "device": device_line(device),
        "notice": notice(device),
        "warmup": run.warmup,
        "error": run.error,
    });
    // Event by event: a long run would be large as one value.
    write!(out, "{{\"displayTimeUnit\":\"ms\",\"otherData\":{about},\"traceEvents\":[")?;
    let title = notice(device).map_or_else(|| run.case.to_string(), |notice| format!("{} [{notice}]", run.case));
    let mut is_first = true;
    let mut put = |event: Value| {
        let comma = if std::mem::take(&mut is_first) { "" } else { "," };
        write!(out, "{comma}\n{event}")
    };
    for event in names(run, &title) {
        put(event)?;
    }
    for idx in 0..run.frames.len() {
        frame_events(run, idx).into_iter().flatten().try_for_each(&mut put)?;
    }
    slot_events(run).try_for_each(&mut put)?;
    let counter = |(at_ns, depth)| json!({"ph": "C", "pid": PICTURES, "name": "in flight", "ts": us(at_ns), "args": {"pictures": depth}});
    steps(&run.frames).into_iter().map(counter).try_for_each(&mut put)?;
    writeln!(out, "\n]}}")
}

/// What the tracks are called.
fn names(run: &RunRecord, title: &str) -> Vec<Value> {
    let process = |pid, name: &str| json!({"ph": "M", "pid": pid, "name": "process_name", "args": {"name": name}});
    let thread = |pid, tid: u32, name: String| json!({"ph": "M", "pid": pid, "tid": tid, "name": "thread_name", "args": {"name": name}});
    let mut names = vec![
        process(THREADS, &format!("threads: {title}")),
        process(SLOTS, &format!("buffer slots: {title}")),
        process(PICTURES, &format!("pictures: {title}")),
        thread(THREADS, SUBMITTING, "submitting".to_owned()),
    ];
    if run.case.lock == LockPlacement::Thread {
        names.push(thread(THREADS, LOCKING, "locking".to_owned()));
    }
    names.extend((0..run.case.pool).map(|slot| thread(SLOTS, slot, format!("slot {slot}"))));
    names
}

/// What one picture made the threads do, and its span in flight. A time that was not recorded has no event.
fn frame_events(run: &RunRecord, idx: usize) -> [Option<Value>; 8] {
    let frames = &run.frames;
    let locking = if run.case.lock == LockPlacement::Thread { LOCKING } else { SUBMITTING };
    let slice = |tid, name: &str, at_ns: Option<u64>, took_ns: Option<&u64>| {
        let (at_ns, took_ns) = (at_ns?, took_ns.copied().filter(|&took_ns| took_ns > 0)?);
        Some(json!({"ph": "X", "pid": THREADS, "tid": tid, "name": name, "ts": us(at_ns), "dur": us(took_ns), "args": {"frame": idx}}))
    };
    let get = |column: &[u64]| column.get(idx).copied();
    let (begin, submit, lock) = (get(&frames.begin_at_ns), get(&frames.submit_at_ns), get(&frames.lock_at_ns));
    let after = |at_ns: Option<u64>, column: &[u64]| Some(at_ns?.saturating_add(get(column)?));
    let copy = after(lock, &frames.lock_ns);
    let unlock = after(copy, &frames.copy_ns);
    // The copy into the input buffer ends where nvEncEncodePicture is called.
    let upload = get(&frames.upload_ns).and_then(|took_ns| submit?.checked_sub(took_ns));
    let span = |phase: &str, at_ns: Option<u64>| {
        Some(json!({"ph": phase, "cat": "in flight", "id": idx, "pid": PICTURES, "tid": 0, "name": format!("frame {idx}"), "ts": us(at_ns?)}))
    };
    [
        slice(SUBMITTING, "blocked", begin, frames.blocked_ns.get(idx)),
        slice(SUBMITTING, "upload", upload, frames.upload_ns.get(idx)),
        slice(SUBMITTING, "nvEncEncodePicture", submit, frames.submit_ns.get(idx)),
        slice(locking, "nvEncLockBitstream", lock, frames.lock_ns.get(idx)),
        slice(locking, "copy", copy, frames.copy_ns.get(idx)),
        slice(locking, "nvEncUnlockBitstream", unlock, frames.unlock_ns.get(idx)),
        span("b", submit),
        span("e", after(submit, &frames.latency_ns)),
    ]
}

/// Which picture held which buffer pair. A slot is free again once its bitstream is unlocked, which may be a moment
/// before the packet is handed on: the next picture ends the slice then, so that slices of a slot never overlap.
fn slot_events(run: &RunRecord) -> impl Iterator<Item = Value> {
    let mut held = held_slots(&run.frames, run.case.pool);
    held.sort_unstable();
    let ends: Vec<_> = held
        .iter()
        .zip(held.iter().skip(1).map(Some).chain([None]))
        .map(|(this, next)| match next {
            Some(next) if next.slot == this.slot => this.until_ns.min(next.from_ns),
            _ => this.until_ns,
        })
        .collect();
    held.into_iter().zip(ends).map(|(Held { slot, from_ns, idx, .. }, until_ns)| {
        let dur = us(until_ns.saturating_sub(from_ns));
        json!({"ph": "X", "pid": SLOTS, "tid": slot, "name": format!("frame {idx}"), "ts": us(from_ns), "dur": dur})
    })
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Held {
    slot: u32,
    from_ns: u64,
    until_ns: u64,
    idx: usize,
}

fn held_slots(frames: &FrameColumns, pool: u32) -> Vec<Held> {
    let columns = frames.submit_at_ns.iter().zip(&frames.latency_ns).zip(&frames.encode_idx).enumerate();
    let held = |(idx, ((&from_ns, latency_ns), encode_idx)): (usize, ((&u64, &u64), &u32))| {
        Some(Held { slot: encode_idx.checked_rem(pool)?, from_ns, until_ns: from_ns.saturating_add(*latency_ns), idx })
    };
    columns.filter_map(held).collect()
}

/// The format counts in microseconds.
fn us(value_ns: u64) -> f64 {
    value_ns as f64 / 1e3
}
