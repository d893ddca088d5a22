//! The wrapped table of the built-in virtual driver under our own encoder, which measures the same from outside.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on stops")]

use std::mem::MaybeUninit;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

use inflight::contract::{
    Codec, Dimensions, Encoder, EncoderConfig, FrameRate, FrameView, LockPlacement, PixelFormat, RateControl, Tuning,
};
use inflight::nvenc::api::Api;
use inflight::nvenc::encoder::NvencEncoder;
use inflight::nvenc::session::{DeviceHandle, Session};
use inflight::record::FrameColumns;
use moq_nvenc::sys::nvEncodeAPI as sys;
use serde_json::Value;

use crate::setup::Setup;
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

#[test]
fn the_configuration_is_written_down_as_the_client_gave_it() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let rate_control = RateControl::Vbr { bitrate_bps: 3_000_000, max_bitrate_bps: 4_500_000 };
    let config = EncoderConfig { gop_length: Some(50), rate_control, ..config(2, LockPlacement::Inline, 2) };
    let (_, trace) = encode(&config);
    assert_eq!((&trace["num_reconfigured"], &trace["setup"]["has_config"]), (&0.into(), &true.into()));
    let number = |name: &str| trace["setup"]["numbers"][name].as_i64();
    let expected = [
        ("rateControlMode", 1),
        ("averageBitRate", 3_000_000),
        ("maxBitRate", 4_500_000),
        ("gopLength", 50),
        ("idrPeriod", 50),
        ("frameIntervalP", 3),
        ("encodeWidth", 64),
        ("encodeHeight", 48),
        ("frameRateNum", 30),
        ("tuningInfo", 3),
        ("enablePTD", 1),
        ("repeatSPSPPS", 1),
        ("splitEncodeMode", 0),
        ("multiPass", 0),
        ("enableAQ", 0),
    ];
    for (name, value) in expected {
        assert_eq!(number(name), Some(value), "{name}");
    }
    // P1, as the header writes its GUID.
    assert_eq!(trace["setup"]["guids"]["presetGUID"], "fc0a8d3e-45f8-4cf8-80c7298871590ebf");
}

/// The structs as a client has them, with a bit of everything set.
fn structs() -> (MaybeUninit<sys::NV_ENC_INITIALIZE_PARAMS>, Box<MaybeUninit<sys::NV_ENC_CONFIG>>) {
    let mut init = MaybeUninit::<sys::NV_ENC_INITIALIZE_PARAMS>::zeroed();
    let mut config = Box::new(MaybeUninit::<sys::NV_ENC_CONFIG>::zeroed());
    // SAFETY: plain writes into zeroed structs, which are never read as values.
    unsafe {
        (*init.as_mut_ptr()).version = sys::NV_ENC_INITIALIZE_PARAMS_VER;
        (*init.as_mut_ptr()).encodeGUID = sys::NV_ENC_CODEC_HEVC_GUID;
        (*init.as_mut_ptr())._bitfield_1.set(5, 4, 15);
        (*init.as_mut_ptr()).encodeConfig = config.as_mut_ptr();
        (*config.as_mut_ptr()).version = sys::NV_ENC_CONFIG_VER;
        (*config.as_mut_ptr()).frameIntervalP = -1;
        (*config.as_mut_ptr()).rcParams.targetQuality = 0xab;
        (*config.as_mut_ptr()).rcParams.lookaheadDepth = 0xcdef;
        (*config.as_mut_ptr()).rcParams._bitfield_1.set(12, 4, 9);
        (*config.as_mut_ptr()).encodeCodecConfig.hevcConfig.tier = 1;
    }
    (init, config)
}

fn read(init: &MaybeUninit<sys::NV_ENC_INITIALIZE_PARAMS>, client_api: u32) -> Value {
    // SAFETY: the struct and its configuration live in the caller.
    serde_json::to_value(unsafe { Setup::read(init.as_ptr().cast(), client_api) }).unwrap()
}

#[test]
fn members_of_every_width_are_read_and_the_split_mode_by_the_client_s_header() {
    let (init, _config) = structs();
    let numbers = read(&init, sys::NVENCAPI_VERSION)["numbers"].clone();
    let expected =
        [("frameIntervalP", -1), ("targetQuality", 0xab), ("lookaheadDepth", 0xcdef), ("aqStrength", 9), ("tier", 1)];
    for (name, value) in expected {
        assert_eq!(numbers[name].as_i64(), Some(value), "{name}");
    }
    let split = |api| read(&init, api)["numbers"]["splitEncodeMode"].as_i64();
    // 12.1, 12.0, and one that nobody knows.
    assert_eq!([split(0x0100_000c), split(0x0c), split(0x0e)], [Some(15), Some(0), None]);
}

#[test]
fn nothing_is_read_that_no_version_word_vouches_for() {
    let (mut init, mut config) = structs();
    // A pointer that would end the process if it were followed.
    let nowhere = std::ptr::without_provenance_mut(8);
    // SAFETY: plain writes into structs that live here.
    unsafe {
        (*init.as_mut_ptr()).version = 0x7000_0005;
        (*init.as_mut_ptr()).encodeConfig = nowhere;
    }
    assert_eq!(read(&init, sys::NVENCAPI_VERSION)["numbers"], serde_json::json!({}));
    // SAFETY: as above.
    unsafe {
        (*init.as_mut_ptr()).version = sys::NV_ENC_INITIALIZE_PARAMS_VER;
        (*init.as_mut_ptr()).encodeConfig = std::ptr::null_mut();
    }
    let alone = read(&init, sys::NVENCAPI_VERSION);
    assert_eq!((&alone["has_config"], &alone["numbers"]["gopLength"]), (&false.into(), &Value::Null));
    // SAFETY: as above.
    unsafe {
        (*init.as_mut_ptr()).encodeConfig = config.as_mut_ptr();
        (*config.as_mut_ptr()).version = 0xf00a_000e;
    }
    let unknown = read(&init, sys::NVENCAPI_VERSION);
    assert_eq!((&unknown["has_config"], &unknown["numbers"]["gopLength"]), (&Value::Null, &Value::Null));
    assert_eq!(unknown["numbers"]["enablePTD"], 0);
}
