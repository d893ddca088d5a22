//! The wrapped table of the built-in virtual driver under our own encoder, which measures the same from outside.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on stops")]

use std::mem::MaybeUninit;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

use inflight::contract::{
    Codec, Dimensions, Encoder, EncoderConfig, FrameRate, FrameView, LockPlacement, PixelFormat, Tuning,
};
use inflight::nvenc::api::Api;
use inflight::nvenc::encoder::NvencEncoder;
use inflight::nvenc::session::{DeviceHandle, Session};
use inflight::record::FrameColumns;
use moq_nvenc::sys::nvEncodeAPI as sys;
use serde_json::Value;

use crate::{registry, trace, wrap};

const SIZE: Dimensions = Dimensions { width: 64, height: 48 };
const NUM_FRAMES: u64 = 40;

/// The folder variable and the list of sessions are the process', so tests take turns.
static TURN: Mutex<()> = Mutex::new(());

fn wrapped_api() -> Arc<Api> {
    let mut list = MaybeUninit::<sys::NV_ENCODE_API_FUNCTION_LIST>::zeroed();
    // SAFETY: an all-zero list is valid, the driver fills in functions, and `wrap` replaces some by its own.
    unsafe {
        (*list.as_mut_ptr()).version = sys::NV_ENCODE_API_FUNCTION_LIST_VER;
        assert_eq!(virtual_nvenc::create_instance(list.as_mut_ptr().cast()) as u32, 0);
        wrap(list.as_mut_ptr().cast());
        Api::from_table(&list.assume_init(), 0xc1).unwrap()
    }
}

fn config(reap_threshold: u32, lock: LockPlacement, b_frames: u32) -> EncoderConfig {
    EncoderConfig {
        tuning: Tuning { reap_threshold, lock, pool: None },
        b_frames,
        expected_frames: NUM_FRAMES as usize,
        ..EncoderConfig::new(Codec::H264, SIZE, FrameRate { num: 30, den: 1 }, PixelFormat::Nv12)
    }
}

/// Encodes [`NUM_FRAMES`] through the wrapped table; answers what the encoder measured and what was written down.
fn encode(config: &EncoderConfig) -> (FrameColumns, Value) {
    let folder = tempfile::tempdir().unwrap();
    let mut encoder = encoder(config, folder.path());
    submit(&mut encoder, NUM_FRAMES);
    encoder.finish().unwrap();
    let frames = encoder.take_frames();
    drop(encoder);
    (frames, only_trace(folder.path()))
}

/// An encoder on the wrapped table whose session will be written to `folder`.
fn encoder(config: &EncoderConfig, folder: &Path) -> NvencEncoder {
    // SAFETY: the tests take turns, and no other thread of this process reads the environment meanwhile.
    unsafe { std::env::set_var(trace::FOLDER_VARIABLE, folder) };
    let device = Arc::new(virtual_nvenc::Device::new("latency_us=900,interval_us=300".parse().unwrap()));
    // SAFETY: the virtual driver looks its devices up by this value and never follows it.
    let handle = unsafe { DeviceHandle::new(device.as_ptr(), device.clone()) };
    let session = Session::open(wrapped_api(), handle).unwrap();
    NvencEncoder::new(session, config, Box::new(|_| ())).unwrap()
}

fn submit(encoder: &mut NvencEncoder, num_frames: u64) {
    for pts in 0..num_frames {
        let data = vec![pts as u8; PixelFormat::Nv12.frame_bytes(SIZE)];
        encoder.submit(&FrameView { format: PixelFormat::Nv12, dimensions: SIZE, data: &data, pts }).unwrap();
    }
}

fn only_trace(folder: &Path) -> Value {
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    serde_json::from_slice(&std::fs::read(&files[0]).unwrap()).unwrap()
}

fn column(trace: &Value, name: &str) -> Vec<u64> {
    trace["frames"][name].as_array().unwrap().iter().map(|value| value.as_u64().unwrap()).collect()
}

#[test]
fn what_is_written_down_lies_inside_of_what_the_client_measured() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let cases = [(1, LockPlacement::Inline, 0), (4, LockPlacement::Inline, 0), (4, LockPlacement::Thread, 2)];
    for (threshold, lock, b_frames) in cases {
        let (frames, trace) = encode(&config(threshold, lock, b_frames));
        assert_eq!((&trace["codec"], &trace["width"], &trace["fps_num"]), (&"h264".into(), &64.into(), &30.into()));
        assert_eq!(trace["metrics"]["packets"].as_u64(), Some(NUM_FRAMES));
        assert_eq!((&trace["is_destroyed"], &trace["failed_calls"]), (&true.into(), &0.into()));
        assert_eq!(trace["frames"]["kinds"].as_str(), Some(frames.kinds.as_str()));
        let as_u64 = |values: &[u32]| values.iter().map(|&value| u64::from(value)).collect::<Vec<_>>();
        assert_eq!(column(&trace, "bytes"), as_u64(&frames.bytes));
        assert_eq!(column(&trace, "encode_idx"), as_u64(&frames.encode_idx));
        // Both clocks are the system's own, and the stand-in is called by the client's call: inside is never longer.
        for (name, outside) in
            [("lock_ns", &frames.lock_ns), ("submit_ns", &frames.submit_ns), ("latency_ns", &frames.latency_ns)]
        {
            let inside = column(&trace, name);
            let longer: Vec<_> = inside.iter().zip(outside).filter(|(inside, outside)| inside > outside).collect();
            assert!(longer.is_empty(), "{name} at {threshold} {lock}: {longer:?}");
            assert!(inside.iter().all(|&inside_ns| inside_ns > 0), "{name}");
        }
    }
}

#[test]
fn inline_locking_keeps_the_depth_that_was_asked_for() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for threshold in [1_u64, 3] {
        let (_, trace) = encode(&config(threshold as u32, LockPlacement::Inline, 0));
        let depths: Vec<_> =
            trace["lock_depth"].as_array().unwrap().iter().map(|depth| depth.as_u64().unwrap()).collect();
        let steady = depths.len() - threshold as usize;
        assert!(depths[..steady].iter().all(|&depth| depth == threshold), "{depths:?}");
        assert_eq!(trace["metrics"]["queue_peak"].as_u64(), Some(threshold));
    }
}

#[test]
fn more_pictures_than_there_is_room_for_are_counted() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: the tests take turns.
    unsafe { std::env::set_var("INFLIGHT_TRACE_PICTURES", "10") };
    let (_, trace) = encode(&config(2, LockPlacement::Inline, 0));
    // SAFETY: as above.
    unsafe { std::env::remove_var("INFLIGHT_TRACE_PICTURES") };
    assert_eq!((&trace["not_recorded"], &trace["metrics"]["frames"]), (&(NUM_FRAMES - 10).into(), &NUM_FRAMES.into()));
    assert_eq!(column(&trace, "lock_ns").len(), 10);
}

#[test]
fn a_session_that_nobody_closes_is_written_at_the_end_of_the_process() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let mut encoder = encoder(&config(3, LockPlacement::Inline, 0), folder.path());
    submit(&mut encoder, 8);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    trace::write_rest();
    let trace = only_trace(folder.path());
    assert_eq!((&trace["is_destroyed"], &trace["metrics"]["frames"]), (&false.into(), &8.into()));
    // What never came back has zeros after its submission.
    let kinds = trace["frames"]["kinds"].as_str().unwrap();
    assert_eq!((kinds.len(), kinds.matches('?').count()), (8, 2), "{kinds}");
    encoder.finish().unwrap();
}

#[test]
fn a_session_is_written_once() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    encode(&config(2, LockPlacement::Inline, 0));
    let (number, recorder) = registry::all().last().unwrap();
    let folder = tempfile::tempdir().unwrap();
    // SAFETY: the tests take turns.
    unsafe { std::env::set_var(trace::FOLDER_VARIABLE, folder.path()) };
    trace::write(number, recorder, false);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!(recorder.failed_calls.load(Relaxed), 0);
}
