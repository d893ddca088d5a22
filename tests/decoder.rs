//! The decoder on the virtual device: every unit comes back as a frame, in display order, whoever takes it back.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by failing")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use inflight::contract::{Codec, Dimensions, EngineKind, LockPlacement, Tuning};
use inflight::device::{Device, DeviceError};
use inflight::nvdec::engine::DecodeConfig;
use inflight::nvdec::error::NvdecError;
use inflight::pipeline::Submits as _;
use inflight::pipeline::engine::Frame;
use inflight::source::{Clip, InputSpec};

const PLACEMENTS: [LockPlacement; 4] =
    [LockPlacement::Inline, LockPlacement::Thread, LockPlacement::Ready, LockPlacement::Poll];
const FRAMES: u64 = 40;

/// A clip that ffmpeg encodes; `args` choose the codec.
fn clip(folder: &Path, name: &str, args: &[&str]) -> Clip {
    let path = folder.join(name);
    encode(&path, args);
    open(&path).expect("what ffmpeg wrote can be read")
}

fn encode(path: &Path, args: &[&str]) {
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", "-frames:v", "40"])
        .args(args)
        .arg(path)
        .status();
    assert!(made.expect("this test needs ffmpeg: apt install ffmpeg").success());
}

fn open(path: &Path) -> Result<Clip, inflight::source::SourceError> {
    Clip::open(&InputSpec::File(path.to_owned()), u64::MAX, 1 << 30)
}

fn device(spec: &str) -> Device {
    Device::open_for(&spec.parse().expect("a device"), EngineKind::Nvdec).expect("the virtual device opens everywhere")
}

/// Those that ask nothing before they take a frame back.
const WAITING: [LockPlacement; 2] = [LockPlacement::Inline, LockPlacement::Thread];

/// A clip of VP9. Only in the second of two passes libvpx writes hidden frames, each in a superframe with a shown one.
fn vp9_clip(folder: &Path, name: &str) -> Clip {
    let log = folder.join(name).with_extension("log").display().to_string();
    let vp9 =
        ["-c:v", "libvpx-vp9", "-pix_fmt", "yuv420p", "-cpu-used", "4", "-lag-in-frames", "16", "-passlogfile", &log];
    let pass = |number| [&vp9[..], &["-auto-alt-ref", "1", "-pass", number]].concat();
    encode(Path::new("-"), &[&pass("1")[..], &["-f", "null"]].concat());
    clip(folder, name, &pass("2"))
}

/// The pictures in a unit of VP9: those of its superframe index, or the unit (VP9 bitstream specification, annex B).
fn vp9_pictures(unit: &[u8]) -> Vec<&[u8]> {
    let marker = unit[unit.len() - 1];
    let (size_bytes, num) = (usize::from(marker >> 3 & 3) + 1, usize::from(marker & 7) + 1);
    if marker >> 5 != 0b110 || unit.len() < 2 + size_bytes * num {
        return vec![unit];
    }
    let (mut rest, index) = unit.split_at(unit.len() - 2 - size_bytes * num);
    let sizes = index[1..index.len() - 1].chunks(size_bytes);
    let size = |bytes: &[u8]| bytes.iter().rev().fold(0, |size, byte| size << 8 | usize::from(*byte));
    sizes.map(|bytes| rest.split_off(..size(bytes)).expect("it is in the unit")).collect()
}

/// An IVF file of VP9 with 25 frames a second.
fn ivf(units: &[&[u8]]) -> Vec<u8> {
    let mut file = b"DKIF\0\0\x20\0VP90\x40\x01\xb4\0\x19\0\0\0\x01\0\0\0".to_vec();
    file.resize(32, 0);
    for (pts, unit) in (0_u64..).zip(units) {
        file.extend([&(unit.len() as u32).to_le_bytes()[..], &pts.to_le_bytes(), unit].concat());
    }
    file
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
    let sink = move |frame: &inflight::nvdec::engine::DecodedFrame, back: inflight::pipeline::HarvestSample| {
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
    let columns = pipeline.take_frames().frames;
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
fn hidden_frames_of_vp9_are_decoded_and_each_unit_shows_one() {
    let folder = tempfile::tempdir().expect("a folder");
    for clip in [vp9_clip(folder.path(), "one.ivf"), vp9_clip(folder.path(), "two.webm")] {
        let num_shown = Command::new("ffprobe")
            .args(["-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"])
            .arg(&clip.spec)
            .output()
            .expect("this test needs ffprobe: apt install ffmpeg");
        assert_eq!(String::from_utf8_lossy(&num_shown.stdout).trim(), clip.units.len().to_string(), "{}", clip.spec);
        assert_eq!((clip.codec, clip.units.len() as u64), (Codec::Vp9, FRAMES));
        // The picture that each unit decodes last, which it shows.
        let mut num_pictures = 0;
        let last = clip.units.iter().map(|unit| {
            num_pictures += vp9_pictures(unit).len() as u64;
            num_pictures - 1
        });
        let last: Vec<_> = last.collect();
        assert!(num_pictures > FRAMES, "there are hidden ones");
        for lock in WAITING {
            for threshold in [1, 2, 4, 8] {
                let decoded = decode("virtual:latency_us=300,interval_us=100", &clip, threshold, lock);
                let what = format!("{} {lock} T={threshold}", clip.spec);
                let Decoded { pts, number, columns, .. } = decoded.unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!(pts, (0..FRAMES).collect::<Vec<_>>(), "{what}");
                assert_eq!(number, last, "{what}");
                let bytes: Vec<_> = clip.units.iter().map(|unit| unit.len() as u32).collect();
                assert_eq!(columns.bytes, bytes, "{what}: each frame with the size of its unit");
            }
        }
    }
}

/// NVIDIA's driver does not say whether a frame of VP9 is finished (580.159.04 on an H200), and so the virtual one does not.
#[test]
fn whoever_asks_for_finished_frames_of_vp9_is_told_to_wait() {
    let folder = tempfile::tempdir().expect("a folder");
    let clip = vp9_clip(folder.path(), "good.ivf");
    for lock in [LockPlacement::Ready, LockPlacement::Poll] {
        let error = decode("virtual", &clip, 2, lock).err();
        assert_eq!(error, Some(DeviceError::Nvdec(NvdecError::NoStatus { codec: Codec::Vp9 })), "{lock}");
    }
}

/// NVIDIA's parser does not announce such a frame (580.159.04): the unit shows none.
#[test]
fn a_frame_of_vp9_that_is_shown_again_cannot_be_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut clip = vp9_clip(folder.path(), "good.ivf");
    // show_existing_frame; a key frame is kept in all slots.
    clip.units.insert(1, vec![0x88]);
    for lock in WAITING {
        let error = decode("virtual:latency_us=0,interval_us=0", &clip, 4, lock).err();
        assert!(
            matches!(error, Some(DeviceError::Nvdec(NvdecError::Missing { returned: FRAMES, .. }))),
            "{lock}: {error:?}"
        );
    }
}

#[test]
fn hidden_frames_alone_are_an_error_until_ffmpeg_merges_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = vp9_clip(folder.path(), "good.ivf");
    let pictures: Vec<_> = good.units.iter().flat_map(|unit| vp9_pictures(unit)).collect();
    let (alone, merged) = (folder.path().join("alone.ivf"), folder.path().join("merged.ivf"));
    std::fs::write(&alone, ivf(&pictures)).expect("a file");
    for lock in WAITING {
        let error = decode("virtual:latency_us=0,interval_us=0", &open(&alone).expect("a clip"), 4, lock).err();
        assert!(
            matches!(error, Some(DeviceError::Nvdec(NvdecError::Missing { returned: FRAMES, .. }))),
            "{lock}: {error:?}"
        );
    }
    let made = Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(alone).args(["-c", "copy"]).arg(&merged).status();
    assert!(made.expect("this test needs ffmpeg: apt install ffmpeg").success());
    assert_eq!(open(&merged).expect("a clip").units, good.units);
}

#[test]
fn damaged_vp9_ends_a_run_with_a_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = vp9_clip(folder.path(), "good.ivf");
    type Damage = fn(&mut Vec<Vec<u8>>);
    let cases: [(&str, Damage); 6] = [
        ("no vp9 stream", |units| units[0].truncate(6)),
        ("no vp9 stream", |units| units[0] = vec![0x88]),
        ("no vp9 stream", |units| drop(units.remove(0))),
        ("check the clip", |units| units[5][0] = 0),
        // The size of the first picture in a superframe, and a superframe without its index: one hidden picture.
        ("check the clip", |units| {
            let unit = &mut units[1];
            let at = unit.len() - 2;
            unit[at] = 0xff;
        }),
        ("merge hidden frames", |units| _ = units[1].pop()),
    ];
    for (expected, damage) in cases {
        let mut clip = good.clone();
        damage(&mut clip.units);
        let error = decode("virtual:latency_us=0,interval_us=0", &clip, 2, LockPlacement::Inline).err();
        let said = error.map_or_else(String::new, |error| error.to_string());
        assert!(said.contains(expected), "{expected}: {said}");
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
        vp9_clip(folder.path(), "a.ivf"),
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
