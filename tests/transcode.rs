//! A decoder that feeds an encoder, on virtual devices: every frame goes through both, whoever takes it back, and both rings
//! are measured.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by failing")]

mod common;

use std::ffi::c_void;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use common::{good_table, keeping_sink};
use inflight::contract::{
    Codec, Encoder as _, EncoderConfig, EngineKind, FrameRate, FrameView, InputPath, LockPlacement, NvencOptions,
    PixelFormat, Tuning,
};
use inflight::device::Device;
use inflight::measure::recording::Recording;
use inflight::memory::FramePool;
use inflight::nvdec::api as nvdec;
use inflight::nvdec::engine::{DecodeConfig, DecodeEngine, DecodedFrame};
use inflight::nvenc::api::Api;
use inflight::nvenc::encoder::NvencEncoder;
use inflight::nvenc::session::Session as EncodeSession;
use inflight::pipeline::engine::Frame;
use inflight::pipeline::{HarvestSample, Submits as _, TakenFrames};
use inflight::plan::{Plan, PlanError};
use inflight::record::{DecodeRing, FrameColumns};
use inflight::session::{Session, SessionPlace};
use inflight::source::{Clip, InputSpec};
use inflight::stats::runs::metrics::Metric;
use inflight::transcode::{DecodeRingSize, TranscodeError, Transcoder};
use moq_nvenc::sys::nvEncodeAPI as sys;

const PLACEMENTS: [LockPlacement; 4] =
    [LockPlacement::Inline, LockPlacement::Thread, LockPlacement::Ready, LockPlacement::Poll];
const NUM_FRAMES: u64 = 40;
const FAST: &str = "virtual:latency_us=200,interval_us=100,decode_us=100";

/// Forty frames of H.264; with B-frames they come back in another order than they go in.
fn clip(folder: &Path, b_frames: &str) -> Clip {
    let path = folder.join(format!("b{b_frames}.h264"));
    let made = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-y",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=322x182:r=25",
            "-frames:v",
            "40",
            "-c:v",
            "libx264",
        ])
        .args(["-pix_fmt", "yuv420p", "-b_strategy", "0", "-bf", b_frames])
        .arg(&path)
        .status();
    assert!(made.expect("this test needs ffmpeg: apt install ffmpeg").success());
    Clip::open(&InputSpec::File(path), u64::MAX, 1 << 30).expect("what ffmpeg wrote can be read")
}

fn open(spec: &str, engine: EngineKind) -> Device {
    Device::open_for(&spec.parse().expect("a device"), engine).expect("the virtual device opens everywhere")
}

fn ring(reap_threshold: u32, lock: LockPlacement) -> Tuning {
    Tuning { reap_threshold, lock, pool: None }
}

fn configs(
    device: &Device,
    clip: &Clip,
    decoder: Tuning,
    encoder: Tuning,
    b_frames: u32,
) -> (DecodeConfig, EncoderConfig) {
    let format = device.stream_format(clip.codec, clip.units.iter().map(Vec::as_slice)).expect("a format");
    let expected_frames = clip.units.len();
    let rate = FrameRate { num: 25, den: 1 };
    let encode = EncoderConfig {
        tuning: encoder,
        b_frames,
        expected_frames,
        nvenc: NvencOptions { input_path: InputPath::Cuda, ..NvencOptions::default() },
        ..EncoderConfig::new(Codec::Hevc, format.shown, rate, PixelFormat::Nv12)
    };
    (DecodeConfig { format, tuning: decoder, copies_out: false, expected_frames }, encode)
}

struct Transcoded {
    packets: Vec<(u64, Vec<u8>)>,
    frames: FrameColumns,
    decoded: FrameColumns,
    /// Of the decoder, then of the encoder.
    peaks: [u32; 2],
}

fn transcode(spec: &str, clip: &Clip, decoder: Tuning, encoder: Tuning, b_frames: u32) -> Transcoded {
    let device = open(spec, EngineKind::Transcode);
    let (decode, encode) = configs(&device, clip, decoder, encoder, b_frames);
    let (sink, packets) = keeping_sink();
    let mut both = device.transcoder(&decode, &encode, sink).expect("both engines take this");
    for (pts, unit) in (0..).zip(&clip.units) {
        both.submit(&Frame { data: unit, pts }).expect("a good unit is taken");
    }
    both.finish().expect("a good stream ends well");
    let own_peak = both.metrics().queue_peak;
    let TakenFrames { frames, decode, .. } = both.take_frames();
    let stage = decode.expect("a decoder took part");
    let packets = std::mem::take(&mut *packets.lock().expect("no sink panics"));
    let packets = packets.into_iter().map(|packet| (packet.pts, packet.data)).collect();
    Transcoded { packets, frames, decoded: stage.frames, peaks: [stage.metrics.queue_peak, own_peak] }
}

/// The same by way of host memory: decoded to the end, and then encoded from the driver's own buffers.
fn one_after_the_other(clip: &Clip, b_frames: u32) -> Vec<(u64, Vec<u8>)> {
    let serial = ring(1, LockPlacement::Inline);
    let device = open(FAST, EngineKind::Nvdec);
    let (decode, encode) = configs(&device, clip, serial, serial, b_frames);
    let frames: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let into = Arc::clone(&frames);
    let keep = move |frame: &DecodedFrame, _: HarvestSample| {
        into.lock().expect("nobody panics").push(frame.data().expect("frames are copied out").to_vec());
    };
    let mut decoder = device.decoder(&DecodeConfig { copies_out: true, ..decode }, Box::new(keep)).expect("a decoder");
    for (pts, unit) in (0..).zip(&clip.units) {
        decoder.submit(&Frame { data: unit, pts }).expect("a good unit is taken");
    }
    decoder.finish().expect("a good stream ends well");
    let (sink, packets) = keeping_sink();
    let encode = EncoderConfig { nvenc: NvencOptions::default(), ..encode };
    let mut encoder = open(FAST, EngineKind::Nvenc).encoder(&encode, sink).expect("an encoder");
    let EncoderConfig { format, dimensions, .. } = encode;
    for (pts, data) in (0..).zip(&*frames.lock().expect("nobody panics")) {
        encoder.submit(&FrameView { format, dimensions, data, pts }).expect("a good frame is taken");
    }
    encoder.finish().expect("a good stream ends well");
    let packets = std::mem::take(&mut *packets.lock().expect("no sink panics"));
    packets.into_iter().map(|packet| (packet.pts, packet.data)).collect()
}

#[test]
fn packets_are_those_of_both_engines_one_after_the_other() {
    let folder = tempfile::tempdir().expect("a folder");
    for (clip_b, b_frames) in [("0", 0), ("3", 0), ("3", 2)] {
        let clip = clip(folder.path(), clip_b);
        let expected = one_after_the_other(&clip, b_frames);
        assert_eq!(expected.len() as u64, NUM_FRAMES);
        for decode_lock in PLACEMENTS {
            for lock in PLACEMENTS {
                for (decoders, own) in [(1, 1), (2, 4), (4, 1)] {
                    let both = transcode(FAST, &clip, ring(decoders, decode_lock), ring(own, lock), b_frames);
                    let case =
                        format!("T={own} {lock}, decoder T={decoders} {decode_lock}, B-frames {clip_b} to {b_frames}");
                    assert!(both.packets == expected, "{case}");
                    // What a decoder holds back for its order counts too.
                    let is_in_order = clip_b == "0";
                    assert!(!is_in_order || both.peaks[0] <= decoders, "{case}: {:?}", both.peaks);
                    assert!(both.peaks[1] <= own + b_frames, "{case}: {:?}", both.peaks);
                }
            }
        }
    }
}

#[test]
fn both_rings_share_one_clock_and_one_numbering() {
    let folder = tempfile::tempdir().expect("a folder");
    let clip = clip(folder.path(), "3");
    for decode_lock in [LockPlacement::Inline, LockPlacement::Thread] {
        let Transcoded { frames, decoded, .. } =
            transcode(FAST, &clip, ring(2, decode_lock), ring(2, LockPlacement::Inline), 0);
        assert_eq!((frames.len() as u64, decoded.len() as u64), (NUM_FRAMES, NUM_FRAMES));
        // Each frame is at the encoder after it has come back from the decoder.
        for frame in 0..frames.len() {
            let decoded_at_ns = decoded.lock_at_ns[frame] + decoded.lock_ns[frame] + decoded.copy_ns[frame];
            assert!(decoded_at_ns <= frames.begin_at_ns[frame], "frame {frame}");
        }
        let mut units = decoded.encode_idx.clone();
        assert!(!units.is_sorted(), "with B-frames units come in another order than frames");
        units.sort_unstable();
        assert_eq!(units, (0..NUM_FRAMES as u32).collect::<Vec<_>>());
        assert!(decoded.copy_ns.iter().all(|&ns| ns > 0) && frames.map_ns.iter().all(|&ns| ns > 0));
    }
}

/// A damaged unit ends the run with the decoder's reason, whatever is in flight at the encoder.
#[test]
fn a_damaged_clip_ends_the_run_with_a_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut damaged = clip(folder.path(), "0");
    damaged.units[20] = vec![0, 0, 0, 1, 0x65, 0];
    for lock in PLACEMENTS {
        let device = open(FAST, EngineKind::Transcode);
        let (decode, encode) = configs(&device, &damaged, ring(4, lock), ring(4, lock), 0);
        let (sink, _) = keeping_sink();
        let mut both = device.transcoder(&decode, &encode, sink).expect("both engines take this");
        let submitted = (0..).zip(&damaged.units).try_for_each(|(pts, unit)| both.submit(&Frame { data: unit, pts }));
        let ended = submitted.and_then(|()| both.finish());
        assert!(ended.is_err(), "{lock}");
    }
}

/// Submissions that still succeed.
static GOOD_CALLS: AtomicU32 = AtomicU32::new(0);

/// Stands in for nvEncEncodePicture: fails from some call on, as a driver that has lost its device.
unsafe extern "C" fn failing_encode(encoder: *mut c_void, params: *mut sys::NV_ENC_PIC_PARAMS) -> sys::NVENCSTATUS {
    match GOOD_CALLS.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
        // SAFETY: the caller's arguments go on unchanged.
        Ok(_) => unsafe {
            good_table().nvEncEncodePicture.expect("the virtual driver fills every slot")(encoder, params)
        },
        Err(_) => sys::NVENCSTATUS::NV_ENC_ERR_DEVICE_NOT_EXIST,
    }
}

/// The encoder is fed by a thread that has nobody to tell of an error: the next submission of an access unit tells it, and says
/// what the encoder said.
#[test]
fn an_encoder_that_fails_ends_the_run_with_its_own_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let clip = clip(folder.path(), "3");
    let list = sys::NV_ENCODE_API_FUNCTION_LIST { nvEncEncodePicture: Some(failing_encode), ..*good_table() };
    // SAFETY: every entry is the virtual driver's or the stand-in above.
    let api = unsafe { Api::from_table(&list, 0xd0) }.expect("no entry is missing");
    for decode_lock in PLACEMENTS {
        for lock in PLACEMENTS {
            GOOD_CALLS.store(7, Ordering::SeqCst);
            let device = open(FAST, EngineKind::Transcode);
            let memory = device.memory().expect("it has memory");
            let (decode, encode) = configs(&device, &clip, ring(4, decode_lock), ring(4, lock), 0);
            let (row_bytes, rows) = decode.format.rows();
            let frames = Arc::new(FramePool::new(&**memory, row_bytes, rows, 5).expect("there is memory"));
            let spec = FAST.parse().expect("a device");
            let handle = inflight::device::handle(&spec).expect("a handle").with_memory(Arc::clone(memory));
            let session = EncodeSession::open(Arc::clone(&api), handle).expect("a session");
            let encoder =
                NvencEncoder::new_on(session, &encode, Arc::clone(&frames), Box::new(|_| ())).expect("an encoder");
            let decoder = DecodeEngine::new(nvdec::Api::built_in(), Arc::clone(memory), &decode).expect("a decoder");
            let size = DecodeRingSize { threshold: 4, lock: decode_lock, expected_frames: 40 };
            let mut both = Transcoder::new(decoder, size, encoder, frames).expect("two pipelines");
            let submitted = (0..).zip(&clip.units).try_for_each(|(pts, unit)| both.submit(&Frame { data: unit, pts }));
            let error = submitted.and_then(|()| both.finish()).expect_err("the encoder has failed");
            assert!(
                matches!(&error, TranscodeError::Nvenc(error) if error.is_device_lost()),
                "{decode_lock} {lock}: {error}"
            );
        }
    }
}

fn plan(folder: &Path, device: &str) -> Plan {
    let clip = clip(folder, "0");
    let plan = Plan { device: device.to_owned(), input: clip.spec, frames: NUM_FRAMES, ..Plan::default() };
    Plan {
        codecs: vec![Codec::H264],
        reap_thresholds: vec![1, 4],
        locks: vec![LockPlacement::Inline],
        decode_reap_thresholds: vec![1, 2],
        warmup: 0,
        repeat: 8,
        looks: Vec::new(),
        confirm: 0,
        ..plan.with_engine(EngineKind::Transcode)
    }
}

fn measure(plan: Plan, dir: &Path) -> Session {
    let mut recording = Recording::prepare(plan, String::new(), false, &AtomicBool::new(false)).expect("it can be run");
    let mut writer = recording.create(&SessionPlace::Named(dir.to_owned())).expect("a folder");
    recording.measure(&mut writer, &AtomicBool::new(false), &mut |_| Ok(())).expect("all runs are made");
    Session::open(dir).expect("it was just written")
}

#[test]
fn a_sweep_tells_which_threshold_matters() {
    let folder = tempfile::tempdir().expect("a folder");
    // The encoder takes six times as long as the decoder: one frame more in flight at the decoder hides nothing that four
    // at the encoder do not.
    let device = "virtual:latency_us=3000,interval_us=3000,decode_us=500,submit_us=0,payload=sparse";
    let session = measure(plan(folder.path(), device), &folder.path().join("session"));
    assert_eq!(session.summaries.len(), 4 * 8);
    let cases: Vec<_> = session.groups().into_iter().map(|group| group.case).collect();
    let rings: Vec<_> =
        cases.iter().map(|case| (case.reap_threshold, case.decode.map(|ring| ring.reap_threshold))).collect();
    assert_eq!(rings, [(1, Some(1)), (4, Some(1)), (1, Some(2)), (4, Some(2))]);
    for group in session.groups() {
        let mean = |metric| group.mean(metric).expect("a transcode has it");
        let own_ms =
            [Metric::DecodeMapMs, Metric::DecodeSubmitMs, Metric::DecodeParseMs, Metric::DecodeCopyMs].map(mean);
        assert!(own_ms.iter().all(|&ms| ms > 0.0), "{own_ms:?}");
        assert!(mean(Metric::DecodeMapMs) + mean(Metric::LockMs) <= mean(Metric::WallMs), "one thread waits for both");
    }
    let analysis = inflight::stats::analysis::Analysis::of(&session.side("session", Default::default()))
        .expect("its cases can be compared");
    let known = &analysis.answers[0].recommendation;
    let stages = known.stages.as_ref().expect("it is a transcode");
    assert!(known.reason.contains("Of the two thresholds"), "{}", known.reason);
    assert!(stages.decoder_wait_us.is_some_and(|wait_us| stages.encoder_wait_us > wait_us), "{stages:?}");
}

#[test]
fn a_clip_of_ten_bits_stays_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ten.hevc");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=322x182:r=25", "-frames:v", "20"])
        .args(["-pix_fmt", "yuv420p10le", "-c:v", "libx265", "-x265-params", "log-level=error"])
        .arg(&path)
        .status();
    assert!(made.expect("this test needs ffmpeg: apt install ffmpeg").success());
    let plan = Plan { input: path.display().to_string(), ..plan(folder.path(), FAST) };
    let encoded = |codecs| Plan { codecs, repeat: 1, ..plan.clone() };
    let session = measure(encoded(vec![Codec::Hevc]), &folder.path().join("session"));
    assert_eq!(session.manifest.input.format, PixelFormat::P010);
    assert_eq!(session.manifest.settings[&Codec::Hevc]["profileGUID"], "Main 10");
    assert!(session.summaries.iter().all(|run| run.error.is_none() && run.packets == 20));
    let refused = Recording::prepare(encoded(vec![Codec::H264]), String::new(), false, &AtomicBool::new(false))
        .err()
        .expect("H.264 is encoded from 8 bits");
    assert!(refused.to_string().contains("choose hevc"), "{refused}");
}

#[test]
fn a_transcode_is_planned_as_every_pair_of_thresholds() {
    let plan = Plan { reap_thresholds: vec![1, 2], locks: PLACEMENTS.to_vec(), ..Plan::default() };
    let plan = plan.with_engine(EngineKind::Transcode);
    assert_eq!((plan.check(), plan.num_cases(), plan.cases().len()), (Ok(()), 2 * 4 * 3, 2 * 4 * 3));
    let serial: Vec<_> = plan.cases().into_iter().filter(|case| case.is_serial()).collect();
    let decode = Some(DecodeRing { reap_threshold: 1, lock: LockPlacement::Inline });
    assert_eq!(serial.iter().map(|case| case.decode).collect::<Vec<_>>(), [decode]);
    let refused = |change: fn(&mut Plan)| {
        let mut plan = plan.clone();
        change(&mut plan);
        plan.check().expect_err("it cannot be run")
    };
    assert!(matches!(refused(|plan| plan.decode_reap_thresholds.clear()), PlanError::Nothing { .. }));
    assert!(matches!(refused(|plan| plan.decode_reap_thresholds.push(1)), PlanError::Twice { .. }));
    assert_eq!(refused(|plan| plan.decode_reap_thresholds.push(65)), PlanError::Threshold(65));
    assert_eq!(refused(|plan| plan.copy_out = true), PlanError::CopyOutOfEncoder);
    assert_eq!(refused(|plan| plan.input_path = InputPath::Cuda), PlanError::DecoderAndInputPath);
    assert_eq!(refused(|plan| plan.codecs = vec![Codec::Vp9]), PlanError::NotEncoded(Codec::Vp9));
    let leftover = Plan { engine: EngineKind::Nvenc, ..plan.clone() };
    assert_eq!(leftover.check(), Err(PlanError::NothingDecodes));
    assert_eq!(plan.with_engine(EngineKind::Nvenc).check(), Ok(()));
}
