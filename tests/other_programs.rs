//! Other people's programs on the virtual driver, by the command line: `virtual-driver` and `sweep --baseline`.
//!
//! Needs ffmpeg, and the libraries that `cargo build --workspace` puts beside the program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

mod program;

use std::process::Command;

use program::{Bench, Ended};
use serde_json::Value;

const DEVICE: &str = "virtual:latency_us=700,interval_us=700";

/// Thirty frames of a pattern through NVENC.
const FFMPEG: [&str; 14] = [
    "ffmpeg",
    "-nostdin",
    "-v",
    "error",
    "-f",
    "lavfi",
    "-i",
    "testsrc=64x64:r=30:d=1",
    "-pix_fmt",
    "nv12",
    "-c:v",
    "h264_nvenc",
    "-preset",
    "p1",
];

fn watch(bench: &Bench, session: &str, words: &[&str]) -> Ended {
    let mut args = vec!["virtual-driver", "run", "--device", DEVICE, "--session", session, "--json", "--"];
    args.extend(FFMPEG);
    args.extend(words);
    bench.done(&args)
}

fn numbers(run: &Value, keys: [&str; 3]) -> [u64; 3] {
    keys.map(|key| run[key].as_u64().unwrap_or_else(|| panic!("no {key} in {run}")))
}

#[test]
fn without_the_libraries_it_says_how_to_build_them() {
    let bench = Bench::new();
    let alone = bench.path("inflight");
    std::fs::copy(env!("CARGO_BIN_EXE_inflight"), &alone).unwrap();
    for args in [&["virtual-driver", "run", "--", "true"][..], &["virtual-driver", "install", "drivers"]] {
        let ended = Ended::from(Command::new(&alone).args(args).current_dir(bench.path("")).output().unwrap());
        assert_eq!(ended.code, Some(5), "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("cargo build --release --workspace"), "{}", ended.stderr);
    }
}

#[test]

fn a_foreign_client_is_seen_as_it_queues() {
    let bench = Bench::new();
    // How many pictures ffmpeg keeps in flight follows from its options, not from any clock.
    for (session, words, depth) in
        [("usual", &[][..], 3), ("eager", &["-delay", "0"], 1), ("deep", &["-surfaces", "8"], 7)]
    {
        let told = watch(&bench, session, &[words, &["-f", "h264", "-y", "out.h264"]].concat()).json();
        let runs = told["runs"].as_array().unwrap();
        assert_eq!(runs.len(), 1, "{told}");
        assert_eq!(numbers(&runs[0], ["frames", "packets", "lock_depth"]), [30, 30, depth], "{session}");
        assert_eq!(runs[0]["client"], "ffmpeg");
        bench.done(&["report", session, "-o", "report.md"]);
    }
    let compared = bench.run(&["compare", "--before", "eager", "--after", "usual"]);
    assert!(matches!(compared.code, Some(0 | 3 | 4)), "{}", compared.stderr);
}

#[test]

fn the_command_decides_the_exit_code() {
    let bench = Bench::new();
    for (command, code) in [("exit 7", 7), ("kill -TERM $$", 143), ("true", 1)] {
        let ended = bench.run(&["virtual-driver", "run", "--device", DEVICE, "--", "sh", "-c", command]);
        assert_eq!(ended.code, Some(code), "{command}: {}", ended.stderr);
    }
    assert_eq!(bench.names(), Vec::<String>::new());
}

#[test]

fn a_baseline_runs_in_the_same_rounds_and_is_verified() {
    let bench = Bench::new();
    let sweep =
        ["sweep", "--device", DEVICE, "--input", "synthetic:64x64@30", "--frames", "20", "--reap-threshold", "2"];
    let rest = [
        "--lock",
        "inline",
        "--warmup",
        "1",
        "--repeat",
        "2",
        "--baseline",
        "ffmpeg",
        "--verify",
        "--session",
        "s",
        "--json",
    ];
    let told = bench.done(&[&sweep[..], &rest].concat()).json();
    let runs = told["runs"].as_array().unwrap();
    let client = |run: &Value| run["client"].as_str().unwrap_or("here").to_owned();
    let order: Vec<_> = runs.iter().map(client).collect();
    for round in order.chunks(3) {
        let mut clients = round.to_vec();
        clients.sort();
        assert_eq!(clients, ["ffmpeg", "here", "inflight"], "{order:?}");
    }
    assert_eq!(order.len(), 9);
    for run in runs.iter().filter(|run| client(run) != "here") {
        assert_eq!(numbers(run, ["frames", "packets", "verified_frames"]), [20, 20, 20], "{run}");
        for key in ["process_wall_ms", "process_cpu_ms", "peak_memory_bytes"] {
            assert!(run[key].as_f64().is_some_and(|value| value > 0.0), "{key}: {run}");
        }
        assert!(run["submit_blocked_ms"].is_null(), "waits between its calls are not in its trace: {run}");
    }
    let told = bench.done(&["report", "s", "--json"]).json();
    let elsewhere = &told["analysis"]["answers"][0]["elsewhere"][0];
    assert_eq!((&elsewhere["program"]["client"], &elsewhere["own"]["client"]), (&"ffmpeg".into(), &"inflight".into()));
    bench.done(&["status", "s", "--into", "."]);
    let page = bench.names().into_iter().find(|name| name.starts_with("FFMPEG_NV_COMPARISON_")).unwrap();
    let page = std::fs::read_to_string(bench.path(&page)).unwrap();
    assert!(page.contains("decodes, complete") && page.contains("VIRTUAL DEVICE"), "{page}");
}

/// A sweep with FFmpeg beside it, of one round; the session's name is `session`.
fn beside_ffmpeg(bench: &Bench, session: &str, words: &str, baselines: &[&str]) -> Value {
    let sweep = "sweep --input synthetic:64x64@30 --frames 20 --reap-threshold 2 --lock inline --warmup 0 --repeat 1";
    let mut args: Vec<_> = sweep.split(' ').chain(words.split_whitespace()).collect();
    args.extend(["--device", DEVICE, "--session", session, "--json"]);
    args.extend(baselines.iter().flat_map(|baseline| ["--baseline", baseline]));
    bench.done(&args).json()
}

/// Names of the settings that differ between FFmpeg and our own process, for each baseline, and how many were compared at least.
fn differing(bench: &Bench, session: &str) -> (Vec<Vec<String>>, u64) {
    let told = bench.done(&["report", session, "--json"]).json();
    let all = told["analysis"]["answers"][0]["elsewhere"].as_array().unwrap().clone();
    let names = |one: &Value| {
        let differing = one["settings"]["differing"].as_array().unwrap_or_else(|| panic!("not known: {one}"));
        differing.iter().map(|setting| setting["name"].as_str().unwrap().to_owned()).collect()
    };
    let compared = all.iter().map(|one| one["settings"]["num_compared"].as_u64().unwrap()).min();
    (all.iter().map(names).collect(), compared.unwrap())
}

#[test]
fn ffmpeg_is_told_to_encode_as_we_do() {
    let bench = Bench::new();
    // FFmpeg's VBR always begins with a QP of its own; no option leaves that out.
    let cases: [(&str, &[&str]); 9] = [
        ("", &[]),
        ("--cqp 23 --gop 10", &[]),
        ("--bitrate-kbps 4000", &[]),
        ("--codec hevc --bitrate-kbps 900 --tuning ll", &[]),
        ("--cqp 30 --tuning hq --preset p5 --b-frames 2", &[]),
        ("--set vbv_bits=300000", &[]),
        ("--codec hevc --set intra_refresh=5", &[]),
        (
            "--b-frames 3 --tuning hq --cqp 30 --set b_reference=middle --set colour={\"is_full_range\":true,\"primaries\":9,\"transfer\":16,\"matrix\":9}",
            &[],
        ),
        ("--vbr --bitrate-kbps 4000 --tuning hq", &["enableInitialRCQP"]),
    ];
    for (idx, (words, expected)) in cases.into_iter().enumerate() {
        let session = format!("s{idx}");
        beside_ffmpeg(&bench, &session, words, &["ffmpeg"]);
        let (names, num_compared) = differing(&bench, &session);
        assert_eq!(names, [expected], "{words}");
        assert!(num_compared >= 24, "{words}: {num_compared}");
    }
}

#[test]
fn ffmpeg_gets_ten_bits_and_full_chroma_as_we_do() {
    let bench = Bench::new();
    bench.write("ten.raw", &vec![0x40; 20 * 2 * 64 * 64 * 3 / 2]);
    bench.write("full.raw", &vec![0x40; 20 * 64 * 64 * 3]);
    let cases = [("p010", "ten.raw", "hevc"), ("yuv444", "full.raw", "hevc"), ("yuv444", "full.raw", "h264")];
    for (idx, (format, file, codec)) in cases.into_iter().enumerate() {
        let (input, session) = (format!("raw:{format}:64x64@30:{file}"), format!("s{idx}"));
        let sweep = "sweep --reap-threshold 2 --lock inline --warmup 0 --repeat 1 --cqp 30 --baseline ffmpeg --verify";
        let rest = ["--codec", codec, "--input", &input, "--device", DEVICE, "--session", &session, "--json"];
        let told = bench.done(&sweep.split(' ').chain(rest).collect::<Vec<_>>()).json();
        let others = told["runs"].as_array().unwrap().iter().filter(|run| run["client"].is_string());
        let verified: Vec<_> = others.map(|run| run["verified_frames"].as_u64()).collect();
        assert_eq!(verified, [Some(20), Some(20)], "{input} {codec}: {told}");
        assert_eq!(differing(&bench, &session).0, [[""; 0]], "{input} {codec}");
    }
}

#[test]
fn what_ffmpeg_encodes_otherwise_is_named_and_costs_time() {
    let bench = Bench::new();
    let told = beside_ffmpeg(&bench, "s", "", &["ffmpeg:-multipass fullres -g 5"]);
    assert_eq!(differing(&bench, "s").0, [["gopLength", "idrPeriod", "multiPass"]]);
    // Two passes take the modelled engine twice its interval of 700 µs; nothing makes it faster.
    let ffmpeg = told["runs"].as_array().unwrap().iter().find(|run| run["client"] != "inflight" && run["pool"] == 0);
    assert!(ffmpeg.unwrap()["wall_ms"].as_f64().unwrap() >= 19.0 * 1.4, "{ffmpeg:?}");
    let sentence = "multiPass (ffmpeg -multipass fullres -g 5: full resolution, inflight: off)";
    let answer = bench.done(&["report", "s", "--json"]).json();
    assert!(answer["analysis"]["answers"][0]["sentence"].as_str().unwrap().contains(sentence), "{answer}");
    let compared =
        bench.run(&["compare", "--before", "s:client=ffmpeg -multipass fullres -g 5", "--after", "s:client=inflight"]);
    assert!(
        compared.stdout.contains("set their h264 encoders up differently"),
        "{}{}",
        compared.stdout,
        compared.stderr
    );
    bench.done(&["report", "s", "-o", "report.md"]);
    let report = std::fs::read_to_string(bench.path("report.md")).unwrap();
    assert!(report.contains("| `multiPass` | off"), "{report}");
}
