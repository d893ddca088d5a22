//! What came out is looked at: a setting that returns other bytes is no faster encode, and a driver that loses or empties a
//! packet fails the run. The driver is the virtual one with the lock replaced.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by failing")]

mod common;

use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use common::{good_table, records_of};
use inflight::contract::LockPlacement;
use inflight::nvenc::api::Api;
use inflight::plan::Plan;
use inflight::record::RunRecord;
use inflight::stats::runs::summary::RunSummary;
use inflight::stats::verdict::recommendation::{Standing, State, Terms, recommend};
use moq_nvenc::sys::nvEncodeAPI as sys;

/// What the replaced driver does.
static DEED: AtomicU32 = AtomicU32::new(HONEST);
const HONEST: u32 = 0;
/// With eight frames in flight a packet loses its last byte.
const CUTS_WHEN_DEEP: u32 = 1;
/// Success, and nothing in the packet.
const EMPTIES_ONE: u32 = 2;
/// A packet has the time stamp of the one before.
const REPEATS_A_TIME: u32 = 3;
/// Every second session returns other bytes.
const VARIES: u32 = 4;

static NUM_ENCODED: AtomicU32 = AtomicU32::new(0);
static NUM_LOCKED: AtomicU32 = AtomicU32::new(0);
static NUM_SESSIONS: AtomicU32 = AtomicU32::new(0);

/// The tests share what is above, so they take turns.
fn turn(deed: u32) -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    DEED.store(deed, Ordering::SeqCst);
    NUM_SESSIONS.store(0, Ordering::SeqCst);
    turn
}

unsafe extern "C" fn initialize(encoder: *mut c_void, params: *mut sys::NV_ENC_INITIALIZE_PARAMS) -> sys::NVENCSTATUS {
    NUM_ENCODED.store(0, Ordering::SeqCst);
    NUM_LOCKED.store(0, Ordering::SeqCst);
    NUM_SESSIONS.fetch_add(1, Ordering::SeqCst);
    // SAFETY: the caller's arguments go on unchanged.
    unsafe { good_table().nvEncInitializeEncoder.expect("the virtual driver fills every slot")(encoder, params) }
}

unsafe extern "C" fn encode(encoder: *mut c_void, params: *mut sys::NV_ENC_PIC_PARAMS) -> sys::NVENCSTATUS {
    NUM_ENCODED.fetch_add(1, Ordering::SeqCst);
    // SAFETY: the caller's arguments go on unchanged.
    unsafe { good_table().nvEncEncodePicture.expect("the virtual driver fills every slot")(encoder, params) }
}

unsafe extern "C" fn lock(encoder: *mut c_void, params: *mut sys::NV_ENC_LOCK_BITSTREAM) -> sys::NVENCSTATUS {
    // SAFETY: the caller's arguments go on unchanged.
    let status =
        unsafe { good_table().nvEncLockBitstream.expect("the virtual driver fills every slot")(encoder, params) };
    if status != sys::NVENCSTATUS::NV_ENC_SUCCESS {
        return status;
    }
    let number = NUM_LOCKED.fetch_add(1, Ordering::SeqCst);
    let is_deep = NUM_ENCODED.load(Ordering::SeqCst) - number >= 8;
    let is_second = NUM_SESSIONS.load(Ordering::SeqCst).is_multiple_of(2);
    // SAFETY: the driver has written the parameters, which are the caller's and valid.
    let params = unsafe { &mut *params };
    match DEED.load(Ordering::SeqCst) {
        CUTS_WHEN_DEEP if is_deep && number >= 3 => params.bitstreamSizeInBytes -= 1,
        EMPTIES_ONE if number == 5 => params.bitstreamSizeInBytes = 0,
        REPEATS_A_TIME if number == 5 => params.outputTimeStamp = 4,
        VARIES if is_second && number >= 2 => params.bitstreamSizeInBytes -= 1,
        _ => {}
    }
    status
}

/// All runs of a sweep over 1, 2 and 8 frames in flight.
fn measure(locks: Vec<LockPlacement>, repeat: u32, preroll: u32) -> (Plan, Vec<RunRecord>) {
    let plan = Plan {
        device: "virtual:latency_us=300,interval_us=300".to_owned(),
        input: "synthetic:64x48@30".to_owned(),
        frames: 30,
        reap_thresholds: vec![1, 2, 8],
        locks,
        warmup: 1,
        preroll: Some(preroll),
        repeat,
        looks: Vec::new(),
        confirm: 0,
        ..Plan::default()
    };
    let list = sys::NV_ENCODE_API_FUNCTION_LIST {
        nvEncInitializeEncoder: Some(initialize),
        nvEncEncodePicture: Some(encode),
        nvEncLockBitstream: Some(lock),
        ..*good_table()
    };
    // SAFETY: every entry is the virtual driver's or one of the stand-ins above.
    let api = unsafe { Api::from_table(&list, 0xd0) }.expect("no entry is missing");
    let (ended, records) = records_of(&plan, Some(api));
    ended.expect("no device is lost");
    (plan, records)
}

fn summaries(records: &[RunRecord]) -> Vec<RunSummary> {
    records.iter().map(RunSummary::of).collect()
}

#[test]
fn an_honest_encoder_gives_one_stream_in_every_case() {
    let _turn = turn(HONEST);
    let placements = [LockPlacement::Inline, LockPlacement::Thread, LockPlacement::Ready, LockPlacement::Poll];
    let (plan, records) = measure(placements.to_vec(), 2, 16);
    for record in &records {
        assert_eq!((&record.error, record.frames.len()), (&None, 30));
        assert!(!record.warmup || record.digest_ns.is_some(), "warm-ups are digested");
    }
    let first = &records[0].frames.packet_digest;
    assert!(first.iter().all(|digest| *digest != 0));
    for record in records.iter().filter(|record| record.digest_ns.is_some()) {
        assert_eq!(&record.frames.packet_digest, first, "{}", record.case);
    }
    let known = recommend(&summaries(&records), &Terms { plan: &plan, noise: None });
    assert!(known[0].candidates.iter().all(|one| one.standing != Standing::OtherStream && one.stream.is_none()));
}

#[test]
fn a_setting_that_returns_other_bytes_takes_no_part_and_is_named() {
    let _turn = turn(CUTS_WHEN_DEEP);
    let (plan, records) = measure(vec![LockPlacement::Inline], 6, 0);
    let known = recommend(&summaries(&records), &Terms { plan: &plan, noise: None });
    let deep = known[0].candidates.iter().find(|one| one.case.reap_threshold == 8).expect("it ran");
    assert_eq!(deep.standing, Standing::OtherStream);
    assert_eq!(deep.stream.map(|stream| (stream.than.reap_threshold, stream.from_frame)), Some((1, 3)));
    assert_ne!(known[0].case.reap_threshold, 8);
    assert_ne!(known[0].state, State::Alone);
    let said = "h264 T=8 (inline) returns other bytes than h264 T=1 (inline) from frame 3 on";
    assert!(known[0].reason.contains(said), "{}", known[0].reason);
}

/// Nothing can be said of thresholds then.
#[test]
fn an_encoder_that_does_not_repeat_itself_is_not_blamed_on_a_threshold() {
    let _turn = turn(VARIES);
    let (plan, records) = measure(vec![LockPlacement::Inline], 3, 0);
    let runs = summaries(&records);
    let known = recommend(&runs, &Terms { plan: &plan, noise: None });
    assert!(known[0].candidates.iter().all(|one| one.standing != Standing::OtherStream));
    let varies = inflight::stats::evidence::streams::varies(&runs, known[0].candidates[0].case);
    assert_eq!(varies.map(|varies| varies.from_frame), Some(2));
}

#[test]
fn an_empty_and_a_repeated_packet_fail_the_run() {
    for (deed, expected) in [
        (EMPTIES_ONE, "nvEncLockBitstream cannot be true: the packet of time stamp 5 is empty"),
        (REPEATS_A_TIME, "a frame that is not in flight: time stamp 4 was never submitted"),
    ] {
        let _turn = turn(deed);
        let locks = vec![LockPlacement::Inline, LockPlacement::Thread];
        // Also where the frame is one of those before the clock starts.
        let records = [0, 16].into_iter().flat_map(|preroll| measure(locks.clone(), 1, preroll).1);
        for record in records {
            let error = record.error.unwrap_or_default();
            assert!(error.contains(expected), "{}: {error}", record.case);
        }
    }
}
