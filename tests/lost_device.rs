//! A driver that answers GENERIC, which is its word for anything: the device is asked again before a sweep is given up.
#![allow(clippy::expect_used, reason = "a test that cannot go on says so by failing")]

mod common;

use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use common::{good_table, records_of};
use inflight::contract::LockPlacement;
use inflight::measure::sweep::{Outcome, SweepError};
use inflight::nvenc::api::Api;
use inflight::plan::Plan;
use inflight::record::RunRecord;
use moq_nvenc::sys::nvEncodeAPI as sys;

/// Sessions from the first to the last of these fail at their first lock.
static FAILING: [AtomicU32; 2] = [AtomicU32::new(0), AtomicU32::new(0)];
static NUM_SESSIONS: AtomicU32 = AtomicU32::new(0);
/// Their handles, which come once only.
static ENCODERS: Mutex<Vec<usize>> = Mutex::new(Vec::new());

fn failing() -> MutexGuard<'static, Vec<usize>> {
    ENCODERS.lock().unwrap_or_else(PoisonError::into_inner)
}

unsafe extern "C" fn initialize(encoder: *mut c_void, params: *mut sys::NV_ENC_INITIALIZE_PARAMS) -> sys::NVENCSTATUS {
    let number = NUM_SESSIONS.fetch_add(1, Ordering::SeqCst) + 1;
    let [first, last] = [&FAILING[0], &FAILING[1]].map(|number| number.load(Ordering::SeqCst));
    if (first..=last).contains(&number) {
        failing().push(encoder.addr());
    }
    // SAFETY: the caller's arguments go on unchanged.
    unsafe { good_table().nvEncInitializeEncoder.expect("the virtual driver fills every slot")(encoder, params) }
}

unsafe extern "C" fn lock(encoder: *mut c_void, params: *mut sys::NV_ENC_LOCK_BITSTREAM) -> sys::NVENCSTATUS {
    if failing().contains(&encoder.addr()) {
        return sys::NVENCSTATUS::NV_ENC_ERR_GENERIC;
    }
    // SAFETY: the caller's arguments go on unchanged.
    unsafe { good_table().nvEncLockBitstream.expect("the virtual driver fills every slot")(encoder, params) }
}

/// Eight runs, each of which opens a session for each stream.
fn measure(streams: u32, first_failing: u32, last_failing: u32) -> (Result<Outcome, SweepError>, Vec<RunRecord>) {
    NUM_SESSIONS.store(0, Ordering::SeqCst);
    FAILING[0].store(first_failing, Ordering::SeqCst);
    FAILING[1].store(last_failing, Ordering::SeqCst);
    let plan = Plan {
        device: "virtual:latency_us=100,interval_us=100".to_owned(),
        input: "synthetic:64x48@30".to_owned(),
        frames: 10,
        streams,
        reap_thresholds: vec![1, 2],
        locks: vec![LockPlacement::Inline],
        warmup: 1,
        repeat: 3,
        looks: Vec::new(),
        confirm: 0,
        ..Plan::default()
    };
    let list = sys::NV_ENCODE_API_FUNCTION_LIST {
        nvEncInitializeEncoder: Some(initialize),
        nvEncLockBitstream: Some(lock),
        ..*good_table()
    };
    // SAFETY: every entry is the virtual driver's or one of the stand-ins above.
    let api = unsafe { Api::from_table(&list, 0xd0) }.expect("no entry is missing");
    records_of(&plan, Some(api))
}

/// One test, since the driver's memory is one.
#[test]
fn a_device_that_works_again_is_measured_on_and_one_that_does_not_is_given_up() {
    let failed = |records: &[RunRecord]| -> Vec<bool> { records.iter().map(|run| run.error.is_some()).collect() };
    // The third run fails, and the session that asks after it works.
    let (outcome, records) = measure(1, 3, 3);
    let outcome = outcome.expect("the device is there");
    assert_eq!((outcome.num_done, outcome.num_failed), (8, 1));
    assert_eq!(failed(&records), [false, false, true, false, false, false, false, false]);
    // The same with one of two streams.
    let (outcome, records) = measure(2, 5, 5);
    assert_eq!(outcome.expect("the device is there").num_failed, 1);
    assert!(records[2].error.as_ref().is_some_and(|error| error.starts_with("stream ")), "{:?}", records[2].error);
    // So do all sessions after it.
    let (outcome, records) = measure(1, 3, u32::MAX);
    let error = outcome.expect_err("the device is lost").to_string();
    assert!(error.contains("the device was lost after 3 of 8 runs") && error.contains("GENERIC"), "{error}");
    assert_eq!(failed(&records), [false, false, true]);
}
