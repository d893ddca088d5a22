//! The decoder on the virtual device: every unit comes back as a frame, in display order, whoever takes it back.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by failing")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use inflight::contract::{Codec, Dimensions, EngineKind, LockPlacement, Tuning};
use inflight::device::{Device, DeviceError};
use inflight::nvdec::engine::DecodeConfig;
use inflight::nvdec::error::NvdecError;
use inflight::pipeline::engine::Frame;
use inflight::source::{Clip, InputSpec};

const PLACEMENTS: [LockPlacement; 4] =
    [LockPlacement::Inline, LockPlacement::Thread, LockPlacement::Ready, LockPlacement::Poll];
const FRAMES: u64 = 40;

/// A clip that ffmpeg encodes; `args` choose the codec.
fn clip(folder: &Path, name: &str, args: &[&str]) -> Clip {
    let path = folder.join(name);
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", "-frames:v", "40"])
        .args(args)
        .arg(&path)
        .status();
    assert!(made.expect("this test needs ffmpeg: apt install ffmpeg").success());
    open(&path).expect("what ffmpeg wrote can be read")
}

fn open(path: &Path) -> Result<Clip, inflight::source::SourceError> {
    Clip::open(&InputSpec::File(path.to_owned()), u64::MAX, 1 << 30)
}

fn device(spec: &str) -> Device {
    Device::open_for(&spec.parse().expect("a device"), EngineKind::Nvdec).expect("the virtual device opens everywhere")
}

struct Decoded {
    /// Which unit each frame came from, in the order of coming back.
    pts: Vec<u64>,
    /// What the frame says of itself: how many pictures were decoded before it.
    number: Vec<u64>,
    columns: inflight::record::FrameColumns,
    peak: u32,
}

fn decode(spec: &str, clip: &Clip, reap_threshold: u32, lock: LockPlacement) -> Result<Decoded, DeviceError> {
    let device = device(spec);
    let format = device.stream_format(clip.codec, clip.units.iter().map(Vec::as_slice))?;
    let tuning = Tuning { reap_threshold, lock, pool: None };
    let config = DecodeConfig { format, tuning, copies_out: true, expected_frames: clip.units.len() };
    let seen = Arc::new(Mutex::new((Vec::new(), Vec::new())));
    let into = Arc::clone(&seen);
    let sink = move |frame: inflight::nvdec::engine::DecodedFrame, back: inflight::pipeline::HarvestSample| {
        let data = frame.data().expect("frames are copied out");
        let number = u64::from_le_bytes(std::array::from_fn(|idx| data[idx]));
        let mut seen = into.lock().expect("nobody panics");
        seen.0.push(back.pts);
        seen.1.push(number);
    };
    let mut pipeline = device.decoder(&config, Box::new(sink))?;
    for (pts, unit) in (0..).zip(&clip.units) {
        pipeline.submit(&Frame { data: unit, pts })?;
    }
    pipeline.finish()?;
    let peak = pipeline.metrics().queue_peak;
    let columns = pipeline.take_frames();
    let (pts, number) = std::mem::take(&mut *seen.lock().expect("nobody panics"));
    Ok(Decoded { pts, number, columns, peak })
}

#[test]
fn every_unit_comes_back_once_in_display_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let x264 = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"];
    let x265 = ["-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-x265-params"];
    let clips = [
        clip(folder.path(), "plain.h264", &[&x264[..], &["-bf", "0"]].concat()),
        clip(folder.path(), "b.h264", &[&x264[..], &["-bf", "3", "-b_strategy", "0"]].concat()),
        clip(folder.path(), "plain.hevc", &[&x265[..], &["bframes=0:log-level=none"]].concat()),
        clip(folder.path(), "b.hevc", &[&x265[..], &["bframes=3:b-adapt=0:log-level=none"]].concat()),
        clip(folder.path(), "b.mp4", &[&x264[..], &["-bf", "2", "-b_strategy", "0"]].concat()),
    ];
    for clip in &clips {
        assert_eq!(clip.units.len() as u64, FRAMES, "{}", clip.spec);
        let has_b_frames = !clip.spec.contains("plain");
        for lock in PLACEMENTS {
            for threshold in [1, 2, 4, 8] {
                let decoded = decode("virtual:latency_us=300,interval_us=100", clip, threshold, lock);
                let Decoded { pts, number, columns, .. } =
                    decoded.unwrap_or_else(|error| panic!("{} {lock} T={threshold}: {error}", clip.spec));
                assert_eq!(
                    pts, number,
                    "{} {lock} T={threshold}: the frame of the unit it was submitted with",
                    clip.spec
                );
                let mut all = pts.clone();
                all.sort_unstable();
                assert_eq!(all, (0..FRAMES).collect::<Vec<_>>(), "{} {lock} T={threshold}", clip.spec);
                assert_eq!(all != pts, has_b_frames, "{} {lock}: shown in another order than decoded", clip.spec);
                let bytes: Vec<_> = clip.units.iter().map(|unit| unit.len() as u32).collect();
                assert_eq!(columns.bytes, bytes, "{} {lock}: each frame with the size of its unit", clip.spec);
                // The order in which they come back is the display order: it follows the picture order count.
                assert!(columns.latency_ns.iter().all(|&ns| ns >= 300_000), "{} {lock} T={threshold}", clip.spec);
            }
        }
    }
}

#[test]
fn the_queue_reaches_the_threshold_and_never_passes_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let clip = clip(folder.path(), "a.h264", &["-c:v", "libx264", "-bf", "0", "-pix_fmt", "yuv420p"]);
    for lock in PLACEMENTS {
        for threshold in [1, 2, 4, 8] {
            let decoded = decode("virtual:latency_us=2000,interval_us=2000", &clip, threshold, lock);
            assert_eq!(decoded.map(|decoded| decoded.peak).ok(), Some(threshold), "{lock} T={threshold}");
        }
    }
}

#[test]
fn the_parser_says_what_the_stream_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let args = ["-vf", "scale=322:178", "-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=none"];
    let clip = clip(folder.path(), "a.hevc", &args);
    let format = device("virtual").stream_format(clip.codec, clip.units.iter().map(Vec::as_slice)).expect("a format");
    assert_eq!((format.codec, format.bits), (Codec::Hevc, 10));
    assert_eq!(format.shown, Dimensions { width: 322, height: 178 });
    assert!(format.coded.width >= 322 && format.coded.width.is_multiple_of(8), "{format}");
}

/// Headers with any bits in them are read to some format or refused; they end in no panic, which in a callback of the driver
/// would end the program.
#[test]
fn damaged_headers_are_no_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = [
        clip(folder.path(), "a.h264", &["-c:v", "libx264", "-pix_fmt", "yuv420p"]),
        clip(folder.path(), "a.hevc", &["-c:v", "libx265", "-pix_fmt", "yuv420p", "-x265-params", "log-level=none"]),
    ];
    let device = device("virtual");
    let mut random = fastrand::Rng::with_seed(7);
    for clip in &good {
        for _ in 0..2000 {
            let mut unit = clip.units[0].clone();
            for _ in 0..random.usize(1..8) {
                let at = random.usize(4..unit.len().min(120));
                unit[at] = random.u8(..);
            }
            unit.truncate(random.usize(5..unit.len()));
            let _ = device.stream_format(clip.codec, [unit.as_slice(), clip.units[1].as_slice()]);
        }
    }
}

#[test]
fn what_is_no_clip_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    };
    let refused = |path: PathBuf| open(&path).map(|_| ()).expect_err("no clip").to_string();
    assert!(refused(path("a.y4m", b"YUV4MPEG2 W2 H2\nFRAME\nabcdef")).contains("not a compressed clip"));
    assert!(refused(path("a.ivf", b"DKIF\0\0")).contains("IVF"));
    assert!(refused(path("a.h264", &[0, 0, 0, 1, 0x67, 1])).contains("no frames"));
    // A slice without parameter sets: units there are, and no stream in them.
    let headless = open(&path("b.h264", &[0, 0, 0, 1, 0x65, 0x88, 1, 2])).expect("it has a unit");
    let error = device("virtual").stream_format(headless.codec, headless.units.iter().map(Vec::as_slice));
    assert!(matches!(error, Err(DeviceError::Nvdec(NvdecError::NoSequence { codec: Codec::H264 }))), "{error:?}");
    assert!(matches!(
        Device::open_for(&"./libnvcuvid.so.1".parse().expect("a path"), EngineKind::Nvdec),
        Err(DeviceError::NoDecoder(_))
    ));
}
