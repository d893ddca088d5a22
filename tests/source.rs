//! Clips made by ffmpeg go through the sources and feeds: every frame once, in order, bit for bit.
//!
//! Needs ffmpeg, as the program itself does for media; fails where it is missing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;

use inflight::contract::{Dimensions, FrameRate, PixelFormat};
use inflight::source::{Cursor, Feed, InputSpec, SourceError};
use tempfile::TempDir;

static GO_ON: AtomicBool = AtomicBool::new(false);

const ALL_IN_MEMORY: u64 = 1 << 30;

fn ffmpeg(args: &[&str]) -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-loglevel", "error", "-y"])
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("these tests need ffmpeg: apt install ffmpeg");
    assert!(output.status.success(), "ffmpeg {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A folder for clips, gone at the end of the test.
struct Clips(TempDir);

impl Clips {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Has ffmpeg draw `source` (a lavfi graph) and encode it into `name` as `args` say.
    fn make(&self, name: &str, source: &str, args: &[&str]) -> PathBuf {
        let path = self.path(name);
        let before = ["-f", "lavfi", "-i", source];
        ffmpeg(&[&before, args, &[text(&path)]].concat());
        path
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn file(path: &Path) -> InputSpec {
    InputSpec::File(path.to_owned())
}

fn raw(layout: &str, path: &Path) -> InputSpec {
    format!("raw:{layout}:{}", path.display()).parse().unwrap()
}

fn open(spec: &InputSpec) -> Feed {
    Feed::open(spec, None, ALL_IN_MEMORY).unwrap_or_else(|error| panic!("{error}"))
}

fn error_of<T>(outcome: Result<T, SourceError>) -> String {
    let message = outcome.err().expect("must be refused").to_string();
    assert!(!message.contains('\n') && !message.ends_with('.'), "{message}");
    message
}

/// All frames of a run, one after the other.
fn pixels(mut cursor: Cursor<'_>) -> Vec<u8> {
    let mut pixels = Vec::new();
    while let Some((frame, _)) = cursor.next().unwrap_or_else(|error| panic!("{error}")) {
        pixels.extend_from_slice(frame);
    }
    assert!(cursor.next().unwrap().is_none(), "the end stays the end");
    pixels
}

fn size(width: u32, height: u32) -> Dimensions {
    Dimensions { width, height }
}

#[test]
fn media_is_decoded_to_the_very_pixels_of_ffmpeg() {
    let clips = Clips::new();
    let x264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-bf", "2"];
    let cases = [
        ("testsrc2.mp4", "testsrc2=size=320x180:rate=30000/1001:duration=1", size(320, 180), (30_000, 1001), 30),
        ("mandelbrot.mkv", "mandelbrot=size=642x358:rate=25,trim=end_frame=7", size(642, 358), (25, 1), 7),
        ("a:b %d.mp4", "testsrc2=size=64x64:rate=60,trim=end_frame=3", size(64, 64), (60, 1), 3),
    ];
    for (name, source, dimensions, (num, den), num_frames) in cases {
        let clip = clips.make(name, source, &x264);
        let feed = open(&file(&clip));
        let info = feed.info();
        assert_eq!((info.dimensions, info.frame_rate), (dimensions, FrameRate { num, den }), "{name}");
        assert_eq!((info.format, info.frames), (PixelFormat::Nv12, num_frames), "{name}");

        let url = format!("file:{}", clip.display());
        let expected = ffmpeg(&["-i", &url, "-pix_fmt", "nv12", "-f", "rawvideo", "-"]);
        assert!(pixels(feed.start(&GO_ON).unwrap()) == expected, "{name}: pixels differ from ffmpeg's");
    }
}

#[test]
fn ten_bits_and_full_chroma_are_kept_and_everything_else_becomes_nv12() {
    let clips = Clips::new();
    let source = "testsrc2=size=64x48:rate=30,format=gbrp16,noise=alls=20:allf=t,trim=end_frame=3";
    for (pixel_format, format, as_ffmpeg_says) in [
        ("yuv420p10le", PixelFormat::P010, "p010le"),
        ("yuv444p", PixelFormat::Yuv444, "yuv444p"),
        ("yuv420p", PixelFormat::Nv12, "nv12"),
        ("yuv422p", PixelFormat::Nv12, "nv12"),
        ("yuv422p10le", PixelFormat::Nv12, "nv12"),
        ("yuv444p10le", PixelFormat::Nv12, "nv12"),
    ] {
        let clip = clips.make(&format!("{pixel_format}.mkv"), source, &["-c:v", "ffv1", "-pix_fmt", pixel_format]);
        let feed = open(&file(&clip));
        assert_eq!((feed.info().format, feed.info().frames), (format, 3), "{pixel_format}");
        // By way of planes, as a difference in how two conversions round is none of ours.
        let planes = if format == PixelFormat::Nv12 { "format=yuv420p" } else { "null" };
        let expected = ffmpeg(&["-i", text(&clip), "-vf", planes, "-pix_fmt", as_ffmpeg_says, "-f", "rawvideo", "-"]);
        assert!(pixels(feed.start(&GO_ON).unwrap()) == expected, "{pixel_format}: pixels differ from ffmpeg's");
    }
}

#[test]
fn a_stream_read_ahead_is_the_same_as_one_in_memory() {
    let clips = Clips::new();
    let source = "testsrc2=size=160x90:rate=30,trim=end_frame=40";
    let mp4 = clips.make("clip.mp4", source, &["-c:v", "libx264", "-pix_fmt", "yuv420p"]);
    let y4m = clips.make("clip.y4m", source, &["-pix_fmt", "yuv420p"]);
    let i420 = clips.make("clip.yuv", source, &["-pix_fmt", "yuv420p", "-f", "rawvideo"]);
    let argb = clips.make("clip.bgra", source, &["-pix_fmt", "bgra", "-f", "rawvideo"]);
    let specs = [
        file(&mp4),
        file(&y4m),
        raw("i420:160x90@30", &i420),
        raw("argb:160x90@30", &argb),
        "synthetic:160x90@30".parse().unwrap(),
    ];
    for spec in specs {
        for max_frames in [None, Some(1), Some(8), Some(9), Some(39), Some(1000)] {
            let held = Feed::open(&spec, max_frames, ALL_IN_MEMORY).unwrap();
            let frame_bytes = held.info().format.frame_bytes(held.info().dimensions) as u64;
            let ahead = Feed::open(&spec, max_frames, 2 * frame_bytes - 1).unwrap();
            assert!(held.is_preloaded(), "{spec}");
            assert_eq!(ahead.is_preloaded(), max_frames == Some(1), "{spec}");
            assert_eq!(held.info(), ahead.info(), "{spec}");
            let expected = pixels(held.start(&GO_ON).unwrap());
            assert_eq!(expected.len() as u64, held.info().frames * frame_bytes, "{spec}");
            for _ in 0..2 {
                assert!(pixels(ahead.start(&GO_ON).unwrap()) == expected, "{spec}: {max_frames:?}");
            }
        }
    }
}

#[test]
fn the_clip_decides_how_long_a_run_is_unless_it_never_ends() {
    let clips = Clips::new();
    let y4m = clips.make("clip.y4m", "testsrc2=size=64x64:rate=30,trim=end_frame=5", &["-pix_fmt", "yuv420p"]);
    let frames = |spec: &InputSpec, max_frames| Feed::open(spec, max_frames, ALL_IN_MEMORY).unwrap().info().frames;
    assert_eq!(frames(&file(&y4m), None), 5);
    assert_eq!(frames(&file(&y4m), Some(4)), 4);
    assert_eq!(frames(&file(&y4m), Some(6)), 5);
    let synthetic = "synthetic:16x16@30".parse().unwrap();
    assert_eq!(frames(&synthetic, None), 512);
    assert_eq!(frames(&synthetic, Some(100_000)), 100_000);
}

#[test]
fn equal_digests_mean_equal_input() {
    let clips = Clips::new();
    let one = clips.write("one.yuv", &[7; 4 * 96]);
    let two = clips.write("two.yuv", &[&[7; 4 * 96 - 1][..], &[8]].concat());
    let digest = |path: &Path| open(&raw("nv12:8x8@30", path)).info().digest.clone();
    assert_eq!(digest(&one), digest(&one));
    assert_ne!(digest(&one), digest(&two));
    assert_eq!(digest(&one), format!("{:016x}", xxhash_rust::xxh3::xxh3_64(&[7; 4 * 96])));
}

#[test]
fn a_rotated_clip_comes_upright_and_a_variable_rate_keeps_its_frames() {
    let clips = Clips::new();
    let source = "testsrc2=size=64x36:rate=30,trim=end_frame=12";
    let flat = clips.make("flat.mp4", source, &["-c:v", "libx264", "-pix_fmt", "yuv420p"]);
    let rotated = clips.write("rotated.mp4", &turned(fs::read(&flat).unwrap()));
    let info = open(&file(&rotated)).info().clone();
    assert_eq!((info.dimensions, info.frames), (size(36, 64), 12));

    // Every frame but the first comes later and later: at a constant rate ffmpeg would repeat most of them.
    let uneven = format!("{source},setpts=N*N/(30*TB)");
    let variable = clips.make("variable.mkv", &uneven, &["-c:v", "libx264", "-pix_fmt", "yuv420p"]);
    assert_eq!(open(&file(&variable)).info().frames, 12);
}

/// An MP4 file with a quarter turn in its track header (ISO/IEC 14496-12 8.3.2), since each version of ffmpeg has another
/// option for that.
fn turned(mut mp4: Vec<u8>) -> Vec<u8> {
    let header = mp4.windows(4).position(|window| window == b"tkhd").unwrap();
    let matrix = [0, 0x1_0000, 0, -0x1_0000, 0, 0, 0, 0, 0x4000_0000i32].map(i32::to_be_bytes);
    mp4[header + 44..header + 80].copy_from_slice(&matrix.concat());
    mp4
}

#[test]
fn sound_and_cover_pictures_are_not_the_video() {
    let clips = Clips::new();
    let tone = clips.make("tone.wav", "sine=duration=1", &[]);
    let message = error_of(Feed::open(&file(&tone), None, ALL_IN_MEMORY));
    assert!(message.contains("it has no video"), "{message}");

    let cover = clips.make("cover.png", "testsrc2=size=64x64,trim=end_frame=1", &["-update", "1"]);
    let song = clips.path("song.m4a");
    let maps = ["-map", "0", "-map", "1", "-c:a", "aac", "-c:v", "png", "-disposition:v:0", "attached_pic"];
    ffmpeg(&[&["-i", text(&tone), "-i", text(&cover)], &maps[..], &[text(&song)]].concat());
    let message = error_of(Feed::open(&file(&song), None, ALL_IN_MEMORY));
    assert!(message.contains("it has no video"), "{message}");
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let clips = Clips::new();
    let noise: Vec<u8> = (0..50_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let y4m = clips.make("whole.y4m", "testsrc2=size=64x64:rate=30,trim=end_frame=3", &["-pix_fmt", "yuv420p"]);
    let whole = fs::read(&y4m).unwrap();
    let odd = ["-c:v", "libx264", "-pix_fmt", "yuv444p"];
    let cases: &[(InputSpec, &str)] = &[
        (file(&clips.path("nowhere.mp4")), "no such file"),
        (file(clips.0.path()), "it is a directory"),
        (file(Path::new("/dev/zero")), "a pipe or a device"),
        (file(&clips.write("empty.mp4", b"")), "the file is empty"),
        (file(&clips.write("noise.mp4", &noise)), "ffmpeg says: "),
        (file(&clips.write("readme.txt", b"hello, world\n")), "it is text, not media"),
        (file(&clips.make("odd.mp4", "testsrc=size=65x33,trim=end_frame=2", &odd)), "size 65x33 is odd"),
        (file(&clips.write("cut.y4m", &whole[..whole.len() - 1])), "cut off in frame 2: 1 of 6144 bytes are missing"),
        (file(&clips.write("header.y4m", b"YUV4MPEG2 W64 H64 F30:1\n")), "it has no frames"),
        (file(&clips.write("huge.y4m", b"YUV4MPEG2 W1000000000 H1000000000 F30:1\n")), "too large"),
        (raw("nv12:64x64@30", &clips.write("odd.yuv", &[0; 6145])), "(6144 bytes each), bytes left over: 1"),
        (raw("argb:64x64@30", &clips.write("short.yuv", &[0; 6144])), "(16384 bytes each), bytes left over: 6144"),
        (raw("nv12:64x64@30", &clips.write("none.yuv", b"")), "the file is empty"),
        (raw("nv12:64x64@30", clips.0.path()), "it is a directory"),
        (raw("nv12:64x64@30", &clips.path("nowhere.yuv")), "no such file"),
    ];
    for (spec, expected) in cases {
        for preload_bytes in [ALL_IN_MEMORY, 0] {
            let outcome = Feed::open(spec, None, preload_bytes);
            assert!(outcome.is_err(), "{spec}");
            let message = error_of(outcome);
            assert!(message.contains(expected), "{message}");
        }
    }
}

#[test]
fn an_input_that_changed_between_runs_is_noticed() {
    let clips = Clips::new();
    let path = clips.write("clip.yuv", &[0; 20 * 96]);
    let feed = Feed::open(&raw("nv12:8x8@30", &path), None, 0).unwrap();
    assert!(!feed.is_preloaded());
    clips.write("clip.yuv", &[0; 19 * 96]);
    assert!(error_of(feed.start(&GO_ON)).contains("has changed since it was opened"));
    fs::remove_file(&path).unwrap();
    assert!(error_of(feed.start(&GO_ON)).contains("no such file"));
}

#[test]
fn a_cursor_can_be_dropped_at_any_frame() {
    let clips = Clips::new();
    let mp4 = clips.make("clip.mp4", "testsrc2=size=640x360,trim=end_frame=60", &["-c:v", "libx264"]);
    for spec in [file(&mp4), "synthetic".parse().unwrap()] {
        let feed = Feed::open(&spec, Some(60), 0).unwrap();
        for num_taken in [0, 1, 9, 59, 60] {
            let mut cursor = feed.start(&GO_ON).unwrap();
            for _ in 0..num_taken {
                assert!(cursor.next().unwrap().is_some());
            }
        }
    }
}
