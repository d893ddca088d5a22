//! The pictures people encode, by the command line: what was asked for is in the stream, in ffprobe's words.
//!
//! Needs ffmpeg, which makes the clips and reads the streams.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

mod program;

use std::process::Command;

use program::Bench;
use serde_json::Value;

const DEVICE: &str = "virtual:latency_us=200,interval_us=100";

/// Has ffmpeg draw 30 frames into `name`.
fn draw(bench: &Bench, name: &str, options: &str) {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=1.2"]);
    let made = ffmpeg.args(options.split_whitespace()).arg(bench.path(name)).status();
    assert!(made.unwrap().success(), "{options}");
}

/// What ffprobe finds in a stream: its first video, and the picture types in the order of display.
fn probed(bench: &Bench, name: &str) -> (Value, String) {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args([
        "-v",
        "error",
        "-of",
        "json",
        "-show_entries",
        "frame=pict_type",
        "-show_streams",
        "-select_streams",
        "v:0",
    ]);
    let output = ffprobe.arg(bench.path(name)).output().unwrap();
    assert!(output.stderr.is_empty(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let types = told["frames"].as_array().unwrap().iter().map(|frame| frame["pict_type"].as_str().unwrap());
    (told["streams"][0].clone(), types.collect())
}

fn encode(bench: &Bench, input: &str, output: &str, options: &str) {
    let args = ["encode", "--device", DEVICE, "--input", input, "--output", output];
    bench.done(&args.into_iter().chain(options.split_whitespace()).collect::<Vec<_>>());
}

#[test]
fn what_a_clip_says_of_its_samples_is_in_the_stream() {
    let bench = Bench::new();
    let hdr = "-pix_fmt yuv420p10le -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc -c:v ffv1";
    draw(&bench, "full.mkv", "-pix_fmt yuvj420p -color_primaries bt709 -c:v mjpeg");
    draw(&bench, "hdr.mkv", hdr);
    draw(&bench, "plain.mkv", "-pix_fmt yuv420p -c:v ffv1");
    let cases = [
        ("full.mkv", "h264", ["pc", "bt709", "", ""]),
        ("full.mkv", "hevc", ["pc", "bt709", "", ""]),
        ("hdr.mkv", "hevc", ["tv", "bt2020", "smpte2084", "bt2020nc"]),
        ("plain.mkv", "h264", ["", "", "", ""]),
    ];
    for (input, codec, [range, primaries, transfer, matrix]) in cases {
        encode(&bench, input, "out", &format!("--codec {codec}"));
        let (stream, _) = probed(&bench, "out");
        let of = |key: &str| match stream[key].as_str() {
            Some("unknown" | "unspecified" | "reserved") | None => "",
            Some(word) => word,
        };
        let matrix_word = of("color_space");
        assert_eq!(
            [of("color_range"), of("color_primaries"), of("color_transfer")],
            [range, primaries, transfer],
            "{input} {codec}"
        );
        // A JPEG is BT.601 by its standard, and ffprobe says so.
        assert!(matrix_word == matrix || input == "full.mkv", "{input} {codec}: {matrix_word}");
    }
}

#[test]
fn full_range_arrives_bit_for_bit_and_can_be_said_of_raw_frames() {
    let bench = Bench::new();
    draw(&bench, "full.mkv", "-pix_fmt yuvj420p -c:v mjpeg");
    draw(&bench, "full.y4m", "-pix_fmt yuvj420p");
    let decoded = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(bench.path("full.mkv"))
        .args(["-f", "rawvideo", "-pix_fmt", "yuvj420p", "-"])
        .output();
    bench.write("full.raw", &decoded.unwrap().stdout);
    let lossless = "--device virtual:payload=lossless,latency_us=0,interval_us=0";
    let said = r#"--set colour={"is_full_range":true,"primaries":2,"transfer":2,"matrix":2}"#;
    for (input, options) in [("full.mkv", ""), ("raw:i420:96x64@25:full.raw", said), ("full.y4m", "")] {
        let args = ["encode", "--input", input, "--output", "out.264"];
        let rest = lossless.split(' ').chain(options.split_whitespace());
        bench.done(&args.into_iter().chain(rest).collect::<Vec<_>>());
        let (stream, _) = probed(&bench, "out.264");
        assert_eq!(stream["color_range"], "pc", "{input}");
        let pixels = Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(bench.path("out.264"))
            .args(["-f", "rawvideo", "-pix_fmt", "yuvj420p", "-"])
            .output();
        let pixels = pixels.unwrap().stdout;
        assert!(input == "full.y4m" || pixels == std::fs::read(bench.path("full.raw")).unwrap(), "{input}");
    }
}

#[test]
fn b_frames_that_others_refer_to_decode_in_order() {
    let bench = Bench::new();
    for codec in ["h264", "hevc"] {
        for (b_frames, types) in [(3, "IBBBPBBBP"), (4, "IBBBBPBBBBP"), (1, "IBPBPBP")] {
            let options =
                format!("--codec {codec} --frames 23 --b-frames {b_frames} --set b_reference=middle --tuning hq");
            encode(&bench, "synthetic:96x64@25", "out", &options);
            let (stream, found) = probed(&bench, "out");
            assert!(found.len() == 23 && found.starts_with(types), "{codec}, {b_frames} B-frames: {found}");
            // A decoder has to wait for one frame more than without.
            let expected = if b_frames > 1 { 2 } else { 1 };
            assert_eq!(stream["has_b_frames"], expected, "{codec}, {b_frames} B-frames");
        }
    }
    let refused =
        bench.run(&["encode", "--device", DEVICE, "--b-frames", "2", "--set", "b_reference=each", "--output", "o"]);
    assert!(refused.stderr.contains("b_reference=middle or off"), "{}", refused.stderr);
    let refused = bench.run(&["encode", "--set", "b_reference=middle", "--output", "o"]);
    assert!(refused.stderr.contains("add --b-frames"), "{}", refused.stderr);
}

#[test]
fn an_intra_refresh_is_set_up_and_shown() {
    let bench = Bench::new();
    let sweep = "sweep --input synthetic:96x64@25 --frames 20 --reap-threshold 2 --lock inline --warmup 0 --repeat 1 \
                 --codec h264,hevc --set intra_refresh=5 --session s --device virtual:latency_us=200,interval_us=100";
    bench.done(&sweep.split_whitespace().collect::<Vec<_>>());
    bench.done(&["report", "s", "-o", "report.md"]);
    let report = std::fs::read_to_string(bench.path("report.md")).unwrap();
    let report = report.split_whitespace().collect::<Vec<_>>().join(" ");
    for row in ["`enableIntraRefresh` | yes | yes", "`intraRefreshPeriod` | 5 | 5", "`intraRefreshCnt` | 4 | 4"] {
        assert!(report.contains(row), "{row}: {report}");
    }
    assert!(report.contains("--set intra_refresh=5"), "it can be repeated: {report}");
    for (options, words) in [("--gop 30", "leave out --gop"), ("--b-frames 1", "leave out --gop and --b-frames")] {
        let args = ["encode", "--set", "intra_refresh=5", "--output", "o"];
        let refused = bench.run(&args.into_iter().chain(options.split(' ')).collect::<Vec<_>>());
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }
}
