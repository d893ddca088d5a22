//! One run as a trace for Perfetto and chrome://tracing (Trace Event Format, JSON).
//!
//! Three processes, and of a transcode a fourth: the threads of the caller (what each was busy with), those calls that were the
//! decoder's, the buffer slots (which frame held them), and the frames in flight as one asynchronous span each, since they overlap, with a counter of how many there are.

use std::io::Write;

use serde_json::{Value, json};

use super::ReportError;
use super::chart::notice;
use crate::contract::{EngineKind, LockPlacement};
use crate::figures::depth::steps;
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
/// The calls of the decoder that feeds the encoder.
const DECODER: u32 = 4;

const SUBMITTING: u32 = 1;
const LOCKING: u32 = 2;
/// A track of its own: the naps of a polling thread lie between calls that have slices themselves.
const POLLING: u32 = 3;

/// Writes `run`, which `device` made.
///
/// # Errors
/// `out` could not be written to.
pub fn write_run(run: &RunRecord, device: &DeviceInfo, out: &mut impl Write) -> std::io::Result<()> {
    let about = json!({
        "case": run.case.to_string(),
        "device": device.to_string(),
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
    names(run, &title).into_iter().try_for_each(&mut put)?;
    let own = Calls { frames: &run.frames, lock: run.case.lock, process: THREADS, engine: device.engine };
    let of_decoder = run.decode.as_ref().zip(run.case.decode).map(|(stage, ring)| Calls {
        frames: &stage.frames,
        lock: ring.lock,
        process: DECODER,
        engine: EngineKind::Nvdec,
    });
    for idx in 0..run.frames.len() {
        of_decoder.iter().flat_map(|decoder| decoder.slices(idx)).flatten().try_for_each(&mut put)?;
        own.slices(idx).into_iter().chain(span(&run.frames, idx)).flatten().try_for_each(&mut put)?;
    }
    slot_events(run).try_for_each(&mut put)?;
    steps(&run.frames).into_iter().map(counter).try_for_each(&mut put)?;
    writeln!(out, "\n]}}")
}

/// What the tracks are called.
fn names(run: &RunRecord, title: &str) -> Vec<Value> {
    let process = |pid, what| json!({"ph": "M", "name": "process_name", "pid": pid, "args": {"name": format!("{what}: {title}")}});
    let thread = |pid, tid, name: &str| json!({"ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": {"name": name}});
    let mut names = vec![process(THREADS, "threads"), process(SLOTS, "buffer slots"), process(PICTURES, "frames")];
    names.push(thread(THREADS, SUBMITTING, "submitting"));
    match run.case.lock {
        LockPlacement::Inline => {}
        LockPlacement::Thread | LockPlacement::Ready => names.push(thread(THREADS, LOCKING, "locking")),
        LockPlacement::Poll => names.push(thread(THREADS, POLLING, "submitting: waits between polls")),
    }
    if let Some(ring) = run.case.decode {
        names.extend([process(DECODER, "decoder"), thread(DECODER, SUBMITTING, "submitting")]);
        names.extend(ring.lock.has_own_thread().then(|| thread(DECODER, LOCKING, "mapping")));
    }
    names.extend((0..run.case.pool).map(|slot| thread(SLOTS, slot, &format!("slot {slot}"))));
    names
}

/// The calls for one engine, as columns.
#[derive(Clone, Copy)]
struct Calls<'a> {
    frames: &'a FrameColumns,
    /// Who takes frames back.
    lock: LockPlacement,
    process: u32,
    engine: EngineKind,
}

impl Calls<'_> {
    /// What the threads did for one frame. A time that was not recorded, or is 0, has no slice.
    fn slices(&self, idx: usize) -> [Option<Value>; 8] {
        let Self { frames, lock: placement, process, engine } = *self;
        let get = |column: &[u64]| column.get(idx).copied();
        let slice = |tid, name: &str, at_ns: Option<u64>, took_ns: Option<u64>| {
            let (at_ns, took_ns) = (at_ns?, took_ns.filter(|&took_ns| took_ns > 0)?);
            let (ts, dur) = (us(at_ns), us(took_ns));
            Some(
                json!({"ph": "X", "name": name, "pid": process, "tid": tid, "ts": ts, "dur": dur, "args": {"frame": idx}}),
            )
        };
        let before = |at_ns: Option<u64>, took_ns: Option<u64>| at_ns?.checked_sub(took_ns?);
        let after = |at_ns: Option<u64>, took_ns: Option<u64>| Some(at_ns?.saturating_add(took_ns?));
        let (upload, submit, blocked) = (get(&frames.upload_ns), get(&frames.submit_ns), get(&frames.blocked_ns));
        let (lock, copy, unlock) = (get(&frames.lock_ns), get(&frames.copy_ns), get(&frames.unlock_ns));
        let (submit_at, lock_at) = (get(&frames.submit_at_ns), get(&frames.lock_at_ns));
        // The input buffer is given back where nvEncEncodePicture is called, and the packet is there once its
        // bitstream is unlocked.
        let (input_lock, input_unlock) = (get(&frames.input_lock_ns), get(&frames.input_unlock_ns));
        let input_unlock_at = before(submit_at, input_unlock.or(Some(0)));
        let upload_at = before(input_unlock_at, upload);
        let unlock_at = before(frames.packet_at_ns(idx), unlock);
        let copy_at = before(unlock_at, copy);
        // When polling, the time of the lock is that of many calls, of which only the last one has a place.
        let last_lock = lock.min(before(copy_at, lock_at));
        let locking = if placement.has_own_thread() { LOCKING } else { SUBMITTING };
        let (waiting, blocked_at) = match placement {
            LockPlacement::Poll => (POLLING, after(submit_at, submit)),
            LockPlacement::Inline | LockPlacement::Thread | LockPlacement::Ready => {
                (SUBMITTING, get(&frames.begin_at_ns))
            }
        };
        [
            slice(waiting, "blocked", blocked_at, blocked),
            slice(SUBMITTING, "nvEncLockInputBuffer", before(upload_at, input_lock), input_lock),
            slice(SUBMITTING, "upload", upload_at, upload),
            slice(SUBMITTING, "nvEncUnlockInputBuffer", input_unlock_at, input_unlock),
            slice(SUBMITTING, &engine.say("nvEncEncodePicture"), submit_at, submit),
            slice(locking, &engine.say("nvEncLockBitstream"), lock_at, last_lock),
            slice(locking, "copy", copy_at, copy),
            slice(locking, &engine.say("nvEncUnlockBitstream"), unlock_at, unlock),
        ]
    }
}

/// One frame from nvEncEncodePicture to the packet; its number is the span's id, since spans overlap.
fn span(frames: &FrameColumns, idx: usize) -> [Option<Value>; 2] {
    let end = |phase, at_ns| {
        let name = format!("frame {idx}");
        json!({"ph": phase, "cat": "in flight", "id": idx, "name": name, "pid": PICTURES, "tid": 0, "ts": us(at_ns)})
    };
    let at_ns = frames.submit_at_ns.get(idx).copied();
    match (at_ns, frames.packet_at_ns(idx)) {
        (Some(at_ns), Some(until_ns)) => [Some(end("b", at_ns)), Some(end("e", until_ns))],
        _ => [None, None],
    }
}

fn counter((at_ns, depth): (u64, u32)) -> Value {
    json!({"ph": "C", "name": "in flight", "pid": PICTURES, "ts": us(at_ns), "args": {"pictures": depth}})
}

/// Which frame held which buffer pair. A slot is free again once its bitstream is unlocked, which may be a moment
/// before the packet is handed on: the next frame ends the slice then, so that slices of a slot never overlap.
fn slot_events(run: &RunRecord) -> impl Iterator<Item = Value> {
    let mut held = held_slots(&run.frames, run.case.pool);
    held.sort_unstable();
    let nexts: Vec<_> = held.iter().skip(1).map(|next| Some((next.slot, next.from_ns))).chain([None]).collect();
    held.into_iter().zip(nexts).map(|(Held { slot, from_ns, until_ns, idx }, next)| {
        let next = next.filter(|next| next.0 == slot).map_or(u64::MAX, |next| next.1);
        let dur = us(until_ns.min(next).saturating_sub(from_ns));
        json!({"ph": "X", "name": format!("frame {idx}"), "pid": SLOTS, "tid": slot, "ts": us(from_ns), "dur": dur})
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
    let columns = frames.submit_at_ns.iter().zip(&frames.encode_idx).enumerate();
    let held = |(idx, (&from_ns, encode_idx)): (usize, (&u64, &u32))| {
        Some(Held { slot: encode_idx.checked_rem(pool)?, from_ns, until_ns: frames.packet_at_ns(idx)?, idx })
    };
    columns.filter_map(held).collect()
}

/// The format counts in microseconds.
fn us(value_ns: u64) -> f64 {
    value_ns as f64 / 1e3
}
