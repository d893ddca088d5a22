//! How an encoder's driver behaves: when its calls wait, what they keep out, what it answers, and where it ends.

use std::time::{Duration, Instant};

use super::cost::warm_up;
use super::drive::{Drive, ns_between};
use super::encode::{LARGE, config, drive, status_text};
use super::fit::{Times, first, holds_session};
use super::{Asking, Effort, QualifyError};
use crate::card::{Bitstream, Figure, LockWords, Locks, Queue, QueueStep, SessionLimit, Sessions, Waiting};
use crate::contract::{Codec, Dimensions, EncoderConfig, Preset, RateControl};
use crate::device::DeviceError;
use crate::nvenc::error::{NvencError, Status};
use crate::nvenc::session::LockAnswer;
use crate::pipeline::engine::{Engine, Taken};

/// Longest queue of a driver that is looked for.
const MOST_QUEUED: u32 = 32;
const MOST_SESSIONS: u32 = 64;
const SESSION_SIZE: Dimensions = Dimensions { width: 320, height: 180 };
/// What a frame that must be finished has had time for, beside three times what it takes.
const SURELY_FINISHED: Duration = Duration::from_millis(5);
/// A trial that came to nothing is made again, but in all no more than so many times as many.
const MOST_REPEATS: u32 = 10;
/// Frames of noise, of which the largest packet is read.
const NOISE_FRAMES: u64 = 4;
/// Times that it is read.
const NUM_READS: u32 = 15;

/// What an encoder to ask about behaviour is: a codec, preset and size, and its times. The slowest: a wait is longest there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slowest {
    pub(super) config: EncoderConfig,
    pub(super) times: Times,
}

/// Asks with doNotWait right after a submission, and when the frame must be complete.
pub(super) fn do_not_wait(it: &Asking<'_>, slowest: &Slowest) -> Result<Locks, QualifyError> {
    let mut drive = drive(it, &slowest.config, 2)?;
    warm_up(&mut drive, 1, it.effort.warm_up)?;
    let frame_ns = slowest.times.latency_ns + slowest.times.lock_ns;
    let (mut before, mut after, mut asked_after) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..it.effort.trials {
        let submission = drive.submit()?;
        let called_at = Instant::now();
        let answer = drive.engine.ask_lock(drive.oldest());
        asked_after.push(ns_between(submission.called_at, called_at));
        before.push(answer);
        if answer.status != Status::SUCCESS {
            spin_sleep::sleep(SURELY_FINISHED + Duration::from_nanos(3 * frame_ns));
            let answer = drive.engine.ask_lock(drive.oldest());
            after.push(answer);
            if answer.status != Status::SUCCESS {
                drive.take()?;
                continue;
            }
        }
        drive.count_back(called_at, Instant::now());
    }
    let asked_after = Figure::of(asked_after);
    Ok(Locks { before: counted(&before), after: counted(&after), asked_after, latency_ns: slowest.times.latency_ns })
}

/// Each answer once, with how often it was given. Sizes differ from frame to frame, so only whether there is one counts.
fn counted(answers: &[LockAnswer]) -> Vec<LockWords> {
    let mut rows: Vec<LockWords> = Vec::new();
    for &LockAnswer { status, is_null, num_bytes, hw_encode_status } in answers {
        let row = LockWords {
            status: status.0,
            status_name: status.header_name().unwrap_or_default(),
            pointer_is_null: is_null,
            size_is_zero: num_bytes == 0,
            hw_encode_status,
            num_times: 0,
        };
        let place = rows.iter().position(|known| LockWords { num_times: 0, ..known.clone() } == row);
        let place = place.unwrap_or_else(|| {
            rows.push(row);
            rows.len() - 1
        });
        rows[place].num_times += 1;
    }
    rows
}

/// Finds the encoder's queue.
pub(super) fn encoder_queue(it: &Asking<'_>, slowest: &Slowest) -> Result<Queue, QualifyError> {
    let mut drive = drive(it, &slowest.config, MOST_QUEUED + 1)?;
    queue(&mut drive, slowest.times, MOST_QUEUED + 1, &it.effort)
}

/// Finds from how many frames in flight on the caller's wait is in the submission call: then the driver's queue is full.
pub(super) fn queue<E: Engine>(
    drive: &mut Drive<E>,
    times: Times,
    most_in_flight: u32,
    effort: &Effort,
) -> Result<Queue, QualifyError>
where
    E::Uploaded: Copy + Sync,
    QualifyError: From<E::Error>,
{
    if times.is_bound_by_calls() {
        return Err(QualifyError::CannotTell("the calls alone take as long as the engine, so that none of them waits"));
    }
    warm_up(drive, 1, effort.warm_up)?;
    let mut steps = Vec::new();
    // With one in flight nothing can wait for an older one.
    let found = first(most_in_flight, |in_flight| {
        let submit = Figure::of(drive.pace(in_flight, effort.least_frames)?.submit_ns);
        let waits = in_flight > 1 && times.waits_in_submit(submit.median_ns);
        steps.push(QueueStep { in_flight, submit, waits });
        Ok::<_, QualifyError>(waits)
    })?;
    Ok(Queue { queue: found.map(|in_flight| in_flight - 1), tried_up_to: most_in_flight - 1, steps })
}

/// Does a waiting lock hold the encoder's session?
pub(super) fn waiting_lock(it: &Asking<'_>, slowest: &Slowest) -> Result<Waiting, QualifyError> {
    let mut drive = drive(it, &slowest.config, 4)?;
    warm_up(&mut drive, 1, it.effort.warm_up)?;
    waiting(&mut drive, slowest.times, it.effort.trials)
}

/// Times a submission while another thread waits for the frame before, and the same with nobody waiting.
pub(super) fn waiting<E: Engine>(drive: &mut Drive<E>, times: Times, num_trials: u32) -> Result<Waiting, QualifyError>
where
    E::Uploaded: Copy + Sync,
    QualifyError: From<E::Error>,
{
    // Long enough for the other thread to be inside the lock, and early enough for most of the wait to be left.
    let after = Duration::from_nanos(times.latency_ns / 4);
    let (mut meanwhile, mut alone, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..MOST_REPEATS * num_trials {
        let seen = drive.submit_while_locking(after)?;
        // Otherwise this computer was busy: the wait had hardly begun when the submission was called, or was over.
        if seen.waited_ns > times.latency_ns / 8 && seen.rest_ns > times.latency_ns / 4 {
            meanwhile.push(seen.call_ns);
            rest.push(seen.rest_ns);
        }
        if meanwhile.len() == num_trials as usize {
            break;
        }
    }
    if meanwhile.is_empty() {
        return Err(QualifyError::CannotTell(
            "this computer is too busy: no submission was called in the middle of a wait",
        ));
    }
    for _ in 0..meanwhile.len() {
        drive.submit()?;
        spin_sleep::sleep(after);
        alone.push(drive.submit()?.call_ns);
        drive.drain()?;
    }
    let [submit_meanwhile, submit_alone, rest_of_wait] = [meanwhile, alone, rest].map(Figure::of);
    let holds_session = holds_session(submit_meanwhile.median_ns, submit_alone.median_ns, rest_of_wait.median_ns);
    Ok(Waiting { holds_session, submit_meanwhile, submit_alone, rest_of_wait })
}

/// Opens sessions until one is refused, and closes all of them; then the same with encoders in them.
pub(super) fn sessions(it: &Asking<'_>, codec: Codec) -> Sessions {
    let config = config(codec, SESSION_SIZE, Preset::P1);
    Sessions { opened: limit(|| it.device.open_session()), initialised: limit(|| it.device.encode_engine(&config, 1)) }
}

fn limit<T>(open: impl Fn() -> Result<T, DeviceError>) -> SessionLimit {
    let mut sessions = Vec::new();
    for num in 0..MOST_SESSIONS {
        match open() {
            Ok(session) => sessions.push(session),
            Err(error) => return SessionLimit { num, refusal: Some(refusal(&error)) },
        }
    }
    SessionLimit { num: MOST_SESSIONS, refusal: None }
}

fn refusal(error: &DeviceError) -> String {
    match error {
        DeviceError::Nvenc(NvencError::Call(call)) => format!("{} answers {}", call.call, status_text(call.status)),
        error => error.to_string(),
    }
}

/// Copies the largest of some packets of noise out of the driver's memory, again and again.
pub(super) fn bitstream(it: &Asking<'_>, codec: Codec) -> Result<Bitstream, QualifyError> {
    let rate_control = RateControl::Cqp { qp: 1 };
    let config = EncoderConfig { rate_control, gop_length: Some(1), ..config(codec, LARGE, Preset::P1) };
    let engine = it.device.encode_engine(&config, 1)?;
    let mut noise = fastrand::Rng::with_seed(1);
    let mut frame = || (0..config.format.frame_bytes(LARGE)).map(|_| noise.u8(..)).collect::<Vec<u8>>();
    let mut drive = Drive::new(engine, vec![frame()], 1);
    let mut best: Option<Bitstream> = None;
    for _ in 0..NOISE_FRAMES {
        let called_at = drive.submit()?.called_at;
        if let Some(taken) = drive.engine.take_back(drive.oldest(), true)? {
            let seen = read_speed(taken.data());
            taken.release()?;
            if best.as_ref().is_none_or(|best| best.num_bytes < seen.num_bytes) {
                best = Some(seen);
            }
        }
        drive.count_back(called_at, Instant::now());
    }
    best.filter(|best| best.num_bytes > 0).ok_or(QualifyError::CannotTell("the packets are empty"))
}

fn read_speed(packet: &[u8]) -> Bitstream {
    // Written to before, so that no copy pays for fresh pages.
    let mut into = vec![1_u8; packet.len()];
    let ordinary = vec![2_u8; packet.len()];
    let mut copy = |from: &[u8]| {
        let began = Instant::now();
        into.copy_from_slice(from);
        let took_ns = ns_between(began, Instant::now());
        std::hint::black_box(&into);
        took_ns
    };
    let first_copy = Figure::of([copy(packet)]);
    let again = Figure::of((0..NUM_READS).map(|_| copy(packet)));
    let ordinary_copy = Figure::of((0..NUM_READS).map(|_| copy(&ordinary)));
    let num_bytes = packet.len() as u64;
    let bytes_per_second = num_bytes * 1_000_000_000 / again.median_ns.max(1);
    Bitstream { num_bytes, first_copy, copy: again, ordinary_copy, bytes_per_second }
}
