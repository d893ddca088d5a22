//! The main job on real input: clips that ffmpeg made are encoded, swept, compared and reported, and ffmpeg judges
//! the streams. Needs ffmpeg and ffprobe; fails where they are missing.
//!
//! Asserts counts, pixels and bounds that the model's deadlines guarantee, no speed that a busy machine could break.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

mod program;

use program::Bench;
use serde_json::Value;

const LOSSLESS: &str = "virtual:payload=lossless,latency_us=300,interval_us=200";

/// H.264 in MP4, as a camera or a download would be.
fn make_clip(bench: &Bench, name: &str, picture: &str, num_frames: u32) {
    let num_frames = num_frames.to_string();
    let args = ["-v", "error", "-f", "lavfi", "-i", picture, "-frames:v", &num_frames, "-c:v", "libx264"];
    bench.tool("ffmpeg", &[&args[..], &["-preset", "ultrafast", "-pix_fmt", "yuv420p", name]].concat());
}

/// A digest of each picture in the order of display, as ffmpeg decodes it. A warning fails the test.
fn digests(bench: &Bench, file: &str) -> Vec<String> {
    digests_as(bench, file, "yuv420p")
}

/// The same of samples laid out as `pixels`.
fn digests_as(bench: &Bench, file: &str, pixels: &str) -> Vec<String> {
    // A lossless picture has megabytes; unless ffmpeg may look at several of them it warns of a rate it cannot guess.
    let args = ["-v", "warning", "-probesize", "100M", "-i", file, "-fps_mode", "passthrough"];
    let args = [&args[..], &["-pix_fmt", pixels, "-f", "framemd5", "-"]].concat();
    let text = bench.tool("ffmpeg", &args);
    let digest = |line: &str| line.rsplit(',').next().unwrap().trim().to_owned();
    text.lines().filter(|line| !line.starts_with('#')).map(digest).collect()
}

/// Codec, width, height and number of pictures as ffprobe sees them.
fn probe(bench: &Bench, file: &str) -> String {
    let entries = "stream=codec_name,width,height,nb_read_frames";
    let args = ["-v", "warning", "-count_frames", "-show_entries", entries, "-of", "csv=p=0", file];
    bench.tool("ffprobe", &args).trim().to_owned()
}

/// Encodes `clip` with both codecs, with and without B-frames, and hands each stream to `check`.
fn encode_all(bench: &Bench, clip: &str, device: &str, check: impl Fn(&str, &str)) {
    for codec in ["h264", "hevc"] {
        for b_frames in ["0", "2"] {
            let out = format!("{b_frames}.{codec}");
            let args = ["encode", "--device", device, "--codec", codec, "--b-frames", b_frames, "--input", clip];
            let told = bench.done(&[&args[..], &["-o", &out, "--json"]].concat()).json();
            assert_eq!(told["run"]["frames"], told["run"]["packets"]);
            check(codec, &out);
        }
    }
}

fn lossless_is_bit_equal(picture: &str, num_frames: u32) {
    let bench = Bench::new();
    make_clip(&bench, "clip.mp4", picture, num_frames);
    let expected = digests(&bench, "clip.mp4");
    assert_eq!(expected.len(), num_frames as usize);
    encode_all(&bench, "clip.mp4", LOSSLESS, |_, out| assert_eq!(digests(&bench, out), expected, "{picture} {out}"));
}

#[test]
fn lossless_640x360_is_bit_equal_and_in_order() {
    lossless_is_bit_equal("testsrc2=size=640x360:rate=30", 12);
}

#[test]
fn lossless_1920x1080_is_bit_equal_and_in_order() {
    lossless_is_bit_equal("mandelbrot=size=1920x1080:rate=30", 4);
}

#[test]
fn lossless_642x358_is_bit_equal_and_in_order() {
    lossless_is_bit_equal("testsrc2=size=642x358:rate=25", 12);
}

/// The format's word, what ffmpeg calls the same samples in planes and in memory, and what a stream of them is: codec, profile.
const OTHER_SAMPLES: [[&str; 5]; 3] = [
    ["p010", "yuv420p10le", "p010le", "hevc", "Main 10"],
    ["yuv444", "yuv444p", "yuv444p", "h264", "High 4:4:4 Predictive"],
    ["yuv444", "yuv444p", "yuv444p", "hevc", "Rext"],
];

#[test]
fn ten_bits_and_full_chroma_are_bit_equal_from_every_kind_of_input() {
    for [word, pixels, in_memory, codec, profile] in OTHER_SAMPLES {
        let bench = Bench::new();
        // Every bit of a sample matters: a pattern drawn in 8 bits has none in the lowest two.
        let picture = "testsrc2=size=322x182:rate=30,format=gbrp16,noise=alls=20:allf=t";
        let make = ["-v", "error", "-f", "lavfi", "-i", picture, "-frames:v", "8", "-pix_fmt", pixels];
        bench.tool("ffmpeg", &[&make[..], &["-c:v", "ffv1", "clip.mkv"]].concat());
        let clip = ["-v", "error", "-i", "clip.mkv", "-pix_fmt"];
        bench.tool("ffmpeg", &[&clip[..], &[pixels, "-strict", "-1", "-f", "yuv4mpegpipe", "clip.y4m"]].concat());
        bench.tool("ffmpeg", &[&clip[..], &[in_memory, "-f", "rawvideo", "clip.raw"]].concat());
        let expected = digests_as(&bench, "clip.mkv", pixels);
        assert_eq!(expected.len(), 8);
        let raw = format!("raw:{word}:322x182@30:clip.raw");
        for (input, options) in [
            ("clip.mkv", "--b-frames 2"),
            ("clip.y4m", "--b-frames 0"),
            (&raw, "--b-frames 0 --lock thread --reap-threshold 3"),
            (&raw, "--input-path cuda --b-frames 2"),
        ] {
            let out = format!("out.{codec}");
            let args = ["encode", "--device", LOSSLESS, "--codec", codec, "--input", input, "-o", &out];
            bench.done(&args.into_iter().chain(options.split(' ')).collect::<Vec<_>>());
            assert_eq!(digests_as(&bench, &out, pixels), expected, "{input} {codec} {options}");
            let asked = ["-v", "error", "-show_entries", "stream=profile,pix_fmt", "-of", "csv=p=0", &out];
            assert_eq!(bench.tool("ffprobe", &asked).trim(), format!("{profile},{pixels}"), "{input} {codec}");
            std::fs::remove_file(bench.path(&out)).unwrap();
        }
    }
}

#[test]
fn samples_that_an_encoder_does_not_take_are_refused_in_words() {
    let bench = Bench::new();
    bench.write("ten.raw", &vec![0; 2 * 64 * 48 * 3 / 2]);
    bench.write("full.raw", &vec![0; 64 * 48 * 3]);
    bench.write("short.raw", &[0; 9217]);
    let (ten, full) = ("raw:p010:64x48@30:ten.raw", "raw:yuv444:64x48@30:full.raw");
    for (input, words, expected) in [
        (ten, "--codec h264", "frames of p010 have 10 bits a sample, and H.264 is encoded from 8: choose hevc"),
        (ten, "--codec hevc --input-path convert", "frames of p010 at 64x48 cannot be converted to NV12"),
        (full, "--codec h264 --input-path convert", "frames of yuv444 at 64x48 cannot be converted to NV12"),
        ("raw:p010:64x48@30:short.raw", "--codec hevc", "(9216 bytes each), bytes left over: 1"),
    ] {
        let args = ["encode", "--device", "virtual", "--input", input, "-o", "out"];
        let ended = bench.run(&args.into_iter().chain(words.split(' ')).collect::<Vec<_>>());
        assert!(ended.code != Some(0) && ended.stderr.contains(expected), "{input} {words}: {}", ended.stderr);
    }
}

#[test]
fn the_ordinary_stream_has_every_picture_and_decodes_without_a_warning() {
    let bench = Bench::new();
    for (width, height, num_frames) in [(640, 360, 30), (1920, 1080, 5), (642, 358, 30)] {
        let clip = format!("{width}.mp4");
        make_clip(&bench, &clip, &format!("mandelbrot=size={width}x{height}:rate=30"), num_frames);
        encode_all(&bench, &clip, "virtual", |codec, out| {
            assert_eq!(probe(&bench, out), format!("{codec},{width},{height},{num_frames}"), "{out}");
            assert_eq!(digests(&bench, out).len(), num_frames as usize, "{out}");
        });
    }
}

#[test]
fn a_clip_goes_through_sweep_compare_and_report() {
    let bench = Bench::new();
    make_clip(&bench, "clip.mp4", "testsrc2=size=640x360:rate=30", 40);
    let sweep = [
        "sweep",
        "--codec",
        "h264,hevc",
        "--input",
        "clip.mp4",
        "--reap-threshold",
        "1,4",
        "--lock",
        "inline",
        "--session",
        "s",
    ];
    let told = bench.done(&[&sweep[..], &["--warmup", "1", "--repeat", "3", "--json"]].concat()).json();
    assert_eq!(told["input"]["frames"], 40);
    assert_eq!(told["runs"].as_array().unwrap().len(), 16);
    let compare = ["compare", "--before", "s:reap=1", "--after", "s:reap=4", "--report", "compared.md", "--json"];
    let compared = bench.run(&compare);
    assert!(matches!(compared.code, Some(0 | 3 | 4)), "{}", compared.stderr);
    assert_eq!(compared.json()["criteria"].as_array().unwrap().len(), 2 * 4, "40 frames have no tail");
    bench.done(&["report", "s", "-o", "report.md"]);
    for page in ["compared.md", "report.md"] {
        let text = std::fs::read_to_string(bench.path(page)).unwrap();
        assert!(text.contains("VIRTUAL") && text.contains("lock_ms"), "{page}: {text}");
        let figures: Vec<_> = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).collect();
        let figures: Vec<_> = figures.into_iter().filter(|(link, _)| link.ends_with(".svg")).collect();
        assert!(!figures.is_empty(), "{page}: {text}");
        for (figure, _) in figures {
            assert!(bench.path(figure).is_file(), "{page} shows {figure}");
        }
    }
}

/// What the deadlines guarantee: a serial caller waits out the latency of each picture, a deep one still has each picture
/// handed out, and the ring fills to T. The best of some runs, since a machine that is held up can only lose.
#[test]
fn the_published_host_waits_as_its_model_says() {
    const NUM_FRAMES: f64 = 100.0;
    let bench = Bench::new();
    let sweep = ["sweep", "--device", "virtual:video-hw-2026-02", "--codec", "h264,hevc", "--reap-threshold", "1,4"];
    let rest = ["--lock", "inline", "--frames", "100", "--warmup", "0", "--repeat", "4", "--json"];
    let told = bench.done(&[&sweep[..], &rest].concat());
    let told = told.json();
    for (codec, latency_ms, lock_ms_each) in [("h264", 0.662, 0.075), ("hevc", 0.612, 0.019)] {
        let runs_of = |threshold: u64| -> Vec<&Value> {
            let is_meant = |run: &&Value| run["codec"] == codec && run["reap_threshold"] == threshold;
            told["runs"].as_array().unwrap().iter().filter(is_meant).collect()
        };
        let lock_ms =
            |runs: &[&Value]| -> Vec<f64> { runs.iter().map(|run| run["lock_ms"].as_f64().unwrap()).collect() };
        let (serial, deep) = (runs_of(1), runs_of(4));
        assert!(serial.iter().all(|run| run["queue_peak"] == 1), "{codec}");
        assert!(deep.iter().all(|run| run["queue_peak"] == 4), "{codec}");
        let longest = lock_ms(&serial).into_iter().fold(0.0, f64::max);
        let shortest = lock_ms(&deep).into_iter().fold(f64::INFINITY, f64::min);
        let serial_ms = NUM_FRAMES * (latency_ms + lock_ms_each);
        assert!(longest >= 0.95 * serial_ms, "{codec}: {longest} ms of lock in a serial run");
        assert!(shortest < 0.5 * longest, "{codec}: {shortest} ms of lock with four in flight, {longest} ms serial");
        assert!(shortest >= NUM_FRAMES * lock_ms_each, "{codec}: {shortest} ms of lock with four in flight");
    }
}
