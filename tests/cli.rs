//! The command line held to its promises: exit codes, one-line causes, JSON that is whole, nothing half-written.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

mod program;

use std::fs::File;
use std::io::Write;
use std::process::Stdio;

use program::{Bench, Ended, interrupt, num_lines, wait_until};
use serde_json::Value;

const RUN_NUMBERS: [&str; 18] = [
    "reap_threshold",
    "pool",
    "repeat_index",
    "order_index",
    "frames",
    "packets",
    "bytes",
    "wall_ms",
    "open_ms",
    "lock_ms",
    "queue_peak",
    "submit_blocked_ms",
    "upload_ms",
    "submit_ms",
    "copy_ms",
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_p99_ms",
];
const SMALL: &str = "synthetic:64x48@30";

/// A folder with every kind of input that is not one, and two small sessions.
fn bench_of_bad_inputs() -> Bench {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("folder")).unwrap();
    bench.write("folder/file", b"x");
    bench.write("zero.y4m", b"YUV4MPEG2 W0 H0 F30:1 C420\nFRAME\n");
    bench.write("huge.y4m", b"YUV4MPEG2 W1000000000 H1000000000 F30:1 C420\nFRAME\n");
    bench.write("cut.y4m", b"YUV4MPEG2 W64 H64 F30:1 C420\nFRAME\nabc");
    bench.write("deep.y4m", b"YUV4MPEG2 W64 H64 F30:1 C444p12\nFRAME\nabc");
    bench.write("none.y4m", b"YUV4MPEG2 W64 H64 F30:1 C420\n");
    bench.write("empty.mp4", b"");
    bench.write("clip.mp4", &[0, 0, 0, 24, b'f', b't', b'y', b'p', 0xff, 0, 0xfe, 1]);
    bench.write("text.toml", b"min_wal = 5\n");
    bench.write("odd.nv12", &[0; 1000]);
    let sweep = |name, input| sweep_args(name, input, "1,4", 1);
    bench.done(&sweep("one", SMALL));
    bench.done(&sweep("other", "synthetic:96x64@30"));
    pretend(&bench, "one", "real", |manifest| manifest["device"]["kind"] = "cuda".into());
    pretend(&bench, "one", "newer", |manifest| manifest["format_version"] = 999.into());
    bench
}

/// Copies a session with a change in its manifest.
fn pretend(bench: &Bench, session: &str, copy: &str, change: impl FnOnce(&mut Value)) {
    std::fs::create_dir(bench.path(copy)).unwrap();
    std::fs::copy(bench.path(session).join("runs.jsonl"), bench.path(copy).join("runs.jsonl")).unwrap();
    let text = std::fs::read(bench.path(session).join("manifest.json")).unwrap();
    let mut manifest = serde_json::from_slice(&text).unwrap();
    change(&mut manifest);
    bench.write(&format!("{copy}/manifest.json"), manifest.to_string().as_bytes());
}

fn sweep_args<'a>(session: &'a str, input: &'a str, thresholds: &'a str, repeat: u32) -> Vec<&'a str> {
    let repeat = if repeat == 1 { "1" } else { "6" };
    let mut args = vec!["sweep", "--input", input, "--frames", "8", "--reap-threshold", thresholds];
    args.extend(["--warmup", "1", "--repeat", repeat, "--confirm", "0", "--session", session, "--lock", "inline"]);
    args
}

/// One line of cause and advice that holds `words`, and nothing anywhere else.
fn assert_refused(ended: &Ended, code: i32, words: &str, what: &str) {
    let Ended { stdout, stderr, .. } = ended;
    assert_eq!(ended.code, Some(code), "{what}: {stderr}");
    assert_eq!(stdout, "", "{what}");
    assert!(stderr.starts_with("inflight: ") && stderr.ends_with('\n'), "{what}: {stderr}");
    assert_eq!(stderr.lines().count(), 1, "{what}: {stderr}");
    assert!(stderr.contains(words), "{what}: '{words}' is not in: {stderr}");
}

#[test]
fn each_bad_word_leaves_with_its_code_one_line_and_nothing_behind() {
    let bench = bench_of_bad_inputs();
    let before = bench.names();
    // Exit code, words of the message, command line; "@" stands for an encode of the small input to out.h264.
    let cases = [
        (2, "no such file", "@ --input missing.mp4"),
        (2, "directory", "@ --input folder"),
        (2, "0x0", "@ --input zero.y4m"),
        (2, "too large", "@ --input huge.y4m"),
        (2, "cut off", "@ --input cut.y4m"),
        (2, "444p12", "@ --input deep.y4m"),
        (2, "no frames", "@ --input none.y4m"),
        (2, "empty", "@ --input empty.mp4"),
        (2, "ffmpeg says", "@ --input clip.mp4"),
        (2, "text, not media", "@ --input text.toml"),
        (2, "left over", "@ --input raw:nv12:64x64@30:odd.nv12"),
        (2, "odd", "@ --input raw:nv12:63x64@30:odd.nv12"),
        (2, "not a known pixel format", "@ --input raw:rgb9:64x64@30:odd.nv12"),
        (2, "YUV4MPEG2", "@ --input -"),
        (2, "incomplete", "@ --input synthetic:wide"),
        (2, "frame rate", "@ --input synthetic:64x48@0"),
        (2, "does not encode h264 at", "@ --input synthetic:8192x8192@30"),
        (2, "0 frames", "@ --frames 0"),
        (2, "--frames", "@ --frames 99999999999999999999"),
        (2, "--frames", "@ --frames many"),
        (2, "threshold 0", "@ --reap-threshold 0"),
        (2, "threshold 65", "@ --reap-threshold 65"),
        (2, "pool 2 is smaller", "@ --pool 2 --reap-threshold 4"),
        (2, "pool 4 cannot hold", "@ --pool 4 --reap-threshold 4 --b-frames 2"),
        (2, "out of range", "@ --pool 4294967295"),
        (2, "B-frames", "@ --b-frames 5"),
        (2, "GOP", "@ --gop 0"),
        (2, "pace", "@ --pace 0"),
        (2, "pace", "@ --pace nan"),
        (2, "pace", "@ --pace 1e-300"),
        (2, "cannot be used with", "@ --pace 30 --host-work-us 5"),
        (2, "QP 52", "@ --cqp 52"),
        (2, "--bitrate-kbps", "@ --vbr"),
        (2, "use h264, hevc, av1", "@ --codec vp8"),
        (2, "NVENC does not encode VP9", "@ --codec vp9"),
        (2, "does not encode av1", "@ --codec av1"),
        (2, "it supports hevc", "@ --device virtual:codecs=hevc"),
        (2, "use inline, thread, ready, poll", "@ --lock sometimes"),
        (2, "unknown profile", "@ --device virtual:warp"),
        (2, "unknown key", "@ --device virtual:speed=9"),
        (2, "latency_us", "@ --device virtual:latency_us=-1"),
        (2, "is not a device", "@ --device gpu"),
        (2, "is not a device", "@ --device cuda:first"),
        (5, "missing.so", "@ --device ./missing.so"),
        (5, "odd.nv12", "@ --device ./odd.nv12"),
        (5, "install the NVIDIA driver", "@ --device cuda:0"),
        (1, "no such folder", "encode --frames 3 -o nowhere/out.h264"),
        (1, "it is a folder", "encode --frames 3 -o folder"),
        (1, "No space left", "encode --frames 3 -o /dev/full"),
        (2, "--output", "encode"),
        (2, "--speed", "encode --speed 9 -o out.h264"),
        (2, "frobnicate", "frobnicate"),
        (2, "named twice", "sweep --codec h264,h264 --session new"),
        (2, "not a known codec", "sweep --codec= --session new"),
        (2, "0 counted runs", "sweep --repeat 0 --session new"),
        (2, "more than one session can hold", "sweep --repeat 4294967295 --session new"),
        (2, "more than one session can hold", "sweep --confirm 4294967295 --session new"),
        (
            2,
            "more than one session can hold",
            "sweep --until 1 --max-repeat 4294967295 --confirm 4294967295 --session new",
        ),
        (2, "is not a percentage", "sweep --until narrow --session new"),
        (2, "not a possible width", "sweep --until 0 --session new"),
        (2, "not a possible width", "sweep --until nan --session new"),
        (2, "--until", "sweep --max-repeat 20 --session new"),
        (2, "and there is one", "sweep --reap-threshold 4 --lock inline --until ±1% --session new"),
        (2, "is not KEY=VALUE", "sweep --set looks --session new"),
        (2, "unknown field", "sweep --set luks=3 --session new"),
        (2, "must be ascending", "sweep --set looks=40,20 --session new"),
        (2, "frame rate of its source", "sweep --live 20 --session new"),
        (2, "cannot set", "sweep --set criteria.min_wall_improvement_pct=many --session new"),
        (2, "--confirm 5 or more", "sweep --confirm 4 --session new"),
        (2, "at most 5 counted runs", "sweep --until ±1% --max-repeat 5 --session new"),
        (2, "2 pairs are too few", "calibrate --pairs 2 --session new"),
        (2, "cannot be used with calibrate", "calibrate --repeat 9 --session new"),
        (2, "not empty", "sweep --frames 3 --session one"),
        (2, "not empty", "sweep --frames 3 --session folder"),
        (2, "a file of that name", "sweep --frames 3 --session odd.nv12"),
        (1, "cannot write", "sweep --frames 3 --session odd.nv12/new"),
        (2, "does not encode av1", "sweep --codec h264,av1 --session new"),
        (5, "install the NVIDIA driver", "sweep --device cuda:0 --session new"),
        (2, "no such folder", "compare --before missing --after one:reap=4"),
        (2, "manifest.json", "compare --before folder --after one:reap=4"),
        (2, "it is a file", "compare --before odd.nv12 --after one:reap=4"),
        (2, "newer inflight", "compare --before newer:reap=1 --after one:reap=4"),
        (2, "no case", "compare --before one:reap=7 --after one:reap=4"),
        (2, "cannot select", "compare --before one:speed=7 --after one:reap=4"),
        (2, "several cases", "compare --before one --after one:reap=4"),
        (2, "input", "compare --before one:reap=1 --after other:reap=4"),
        (2, "virtual", "compare --before real:reap=1 --after one:reap=4"),
        (2, "criteria", "compare --before one:reap=1 --after one:reap=4 --criteria text.toml"),
        (2, "criteria", "compare --before one:reap=1 --after one:reap=4 --criteria missing.toml"),
        (2, "--fail-on", "compare --before one:reap=1 --after one:reap=4 --fail-on doubt"),
        (2, "must be a number", "compare --before one:reap=1 --after one:reap=4 --min-wall-improvement nan"),
        (2, "no such folder", "report missing"),
        (2, "newer inflight", "report newer"),
        (1, "cannot write", "report one -o odd.nv12/report.md"),
        (2, "no such folder", "status missing"),
    ];
    for (code, words, line) in cases {
        let line = line.replace("@ ", &format!("encode -o out.h264 --input {SMALL} "));
        let mut args: Vec<_> = line.split_whitespace().collect();
        // The last --input is the one that is meant.
        while args.iter().filter(|&&arg| arg == "--input").count() > 1 {
            let first = args.iter().position(|&arg| arg == "--input").unwrap();
            args.drain(first..first + 2);
        }
        assert_refused(&bench.run(&args), code, words, &line);
        assert_eq!(bench.names(), before, "{line}");
    }
}

#[test]
fn media_without_ffmpeg_says_what_needs_none() {
    let bench = Bench::new();
    bench.write("clip.mp4", &[0xff; 64]);
    std::fs::create_dir(bench.path("empty")).unwrap();
    let encode = |input| {
        let args = ["encode", "--input", input, "--frames", "3", "-o", "out.h264"];
        Ended::from(bench.command(&args).env("PATH", bench.path("empty")).output().unwrap())
    };
    assert_refused(&encode("clip.mp4"), 2, "raw:FORMAT", "no ffmpeg");
    assert_eq!(bench.names(), ["clip.mp4", "empty"]);
    assert_eq!(encode(SMALL).code, Some(0));
}

#[test]
fn a_sweep_tells_every_run_and_group_in_one_json_object() {
    let bench = Bench::new();
    let mut args = sweep_args("s", SMALL, "1,4", 6);
    args.pop();
    args.extend(["inline,thread", "--codec", "h264,hevc", "--json"]);
    let told = bench.done(&args).json();
    let runs = told["runs"].as_array().unwrap();
    assert_eq!((runs.len(), told["groups"].as_array().unwrap().len()), (2 * 2 * 2 * 7, 8));
    for run in runs {
        for key in RUN_NUMBERS {
            assert!(run[key].is_number(), "{key}: {run}");
        }
        assert!(run["fps"].is_number() && run["model_late"].is_u64(), "{run}");
        assert!(["h264", "hevc"].contains(&run["codec"].as_str().unwrap()), "{run}");
        assert!(["inline", "thread"].contains(&run["lock"].as_str().unwrap()), "{run}");
        assert_eq!((&run["frames"], &run["packets"]), (&8.into(), &8.into()));
        assert_eq!(run["device"]["kind"], "virtual");
        for key in ["name", "driver", "api_version"] {
            assert!(run["device"][key].is_string(), "{key}: {run}");
        }
    }
    for group in told["groups"].as_array().unwrap() {
        assert_eq!(group["num_runs"], 6);
        for metric in ["wall_ms", "lock_ms", "queue_peak", "latency_p99_ms"] {
            for key in ["mean", "p50", "p95", "p99", "max", "stddev", "cv_pct"] {
                assert!(group["spreads"][metric][key].is_number(), "{metric}.{key}: {group}");
            }
        }
    }
}

#[test]
fn rounds_visit_every_case_in_an_order_drawn_by_lot_and_kept() {
    let bench = Bench::new();
    let mut args = sweep_args("s", SMALL, "1,2,4", 6);
    args.push("--json");
    let told = bench.done(&args).json();
    assert!(told["plan"]["order_seed"].is_u64(), "{}", told["plan"]);
    let seen: Vec<_> = told["runs"].as_array().unwrap().iter().map(|run| run["reap_threshold"].as_u64()).collect();
    for round in seen.chunks(3) {
        let mut cases = round.to_vec();
        cases.sort_unstable();
        assert_eq!(cases, [1, 2, 4].map(Some), "{seen:?}");
    }
    let order: Vec<_> = told["runs"].as_array().unwrap().iter().map(|run| run["order_index"].as_u64()).collect();
    assert_eq!(order, (0..21).map(Some).collect::<Vec<_>>());
    // The same lot gives the same order.
    let again = bench.done(&["sweep", "--plan", "s", "--dry-run", "--json", "--set", "order_seed=5"]).json();
    assert_eq!(again["plan"]["order_seed"], 5);
}

/// A busy computer makes frames late and times scatter, and both can leave verdicts open: here each run takes what its case
/// takes.
fn make_punctual(bench: &Bench, session: &str) {
    let path = bench.path(session).join("runs.jsonl");
    let punctual = |line: &str| {
        let mut run: Value = serde_json::from_str(line).unwrap();
        (run["model_late"], run["model_late_ns"]) = (0.into(), 0.into());
        run["wall_ns"] = (8_000_000 / run["case"]["reap_threshold"].as_u64().unwrap()).into();
        format!("{run}\n")
    };
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, text.lines().map(punctual).collect::<String>()).unwrap();
}

#[test]
fn rounds_that_are_fixed_take_the_place_of_a_width() {
    let bench = Bench::new();
    bench.done(&["sweep", "--until", "±1%", "--max-repeat", "30", "--save-plan", "p.json"]);
    let plan = |more: &[&str]| {
        let told = bench.done(&[&["sweep", "--plan", "p.json", "--dry-run", "--json"], more].concat()).json();
        let plan = &told["plan"];
        (plan["repeat"].clone(), plan["until"]["max_repeat"].clone(), told["num_more_at_most"].clone())
    };
    // 8 cases; a choice and two competitors are confirmed, twice if the first choice is refuted.
    let confirm = 2 * 3 * 6;
    assert_eq!(plan(&[]), (10.into(), 30.into(), (8 * 20 + confirm).into()));
    assert_eq!(plan(&["--max-repeat", "12"]), (10.into(), 12.into(), (8 * 2 + confirm).into()));
    assert_eq!(plan(&["--repeat", "75"]), (75.into(), Value::Null, confirm.into()));
    assert_eq!(plan(&["--repeat", "5", "--until", "2"]), (5.into(), 60.into(), (8 * 55 + confirm).into()));
}

#[test]
fn a_comparison_leaves_with_its_verdict() {
    let bench = Bench::new();
    bench.done(&sweep_args("few", SMALL, "1,4", 1));
    bench.done(&sweep_args("s", SMALL, "1,4", 6));
    make_punctual(&bench, "s");
    let compare = |session: &str, limits: &[&str]| {
        let (before, after) = (format!("{session}:reap=1"), format!("{session}:reap=4"));
        let args = [&["compare", "--before", &before, "--after", &after, "--json"], limits].concat();
        let ended = bench.run(&args);
        (ended.code, ended.json())
    };
    let open = ["--min-wall-improvement=-inf", "--min-lock-improvement=-inf", "--max-latency-growth=inf"];
    let (code, met) = compare("s", &open);
    assert_eq!((code, &met["verdict"]), (Some(0), &"pass".into()));
    let (code, missed) = compare("s", &[&open[1..], &["--min-wall-improvement=100"]].concat());
    assert_eq!((code, &missed["verdict"]), (Some(3), &"fail".into()));
    let (code, unsaid) = compare("few", &open);
    assert_eq!((code, &unsaid["verdict"]), (Some(4), &"inconclusive".into()));
    let criteria = met["criteria"].as_array().unwrap();
    let names: Vec<_> = criteria.iter().filter_map(|criterion| criterion["name"].as_str()).collect();
    assert_eq!(names, ["wall_ms", "lock_ms", "queue_peak", "failed_runs"], "so few frames have no tail");
    for criterion in criteria {
        assert!(criterion["name"].is_string() && criterion["pass"].is_boolean(), "{criterion}");
        for key in ["before", "after"] {
            assert!(criterion[key].is_number(), "{key}: {criterion}");
        }
        for key in ["threshold", "change_pct"] {
            assert!(criterion.get(key).is_some(), "{key}: {criterion}");
        }
    }
}

#[test]
fn the_metrics_line_comes_once_a_run_and_only_when_asked_for() {
    let bench = Bench::new();
    let args = sweep_args("s", SMALL, "1,4", 1);
    let asked = Ended::from(bench.command(&args).env("VIDEO_HW_NV_METRICS", "1").output().unwrap());
    let lines: Vec<_> = asked.stderr.lines().filter(|line| line.starts_with("[nv.encode] ")).collect();
    assert_eq!(lines.len(), 4, "{}", asked.stderr);
    for line in lines {
        for key in ["frames=8", "packets=8", "queue_peak=", "upload_ms=", "submit_ms=", "encode_ms=", "lock_ms="] {
            assert!(line.contains(key), "{key}: {line}");
        }
    }
    assert_eq!(bench.done(&sweep_args("t", SMALL, "1,4", 1)).stderr, "");
}

#[test]
fn doctor_says_what_is_there_and_what_is_not() {
    let bench = Bench::new();
    let told = bench.done(&["doctor", "--json"]).json();
    let text = bench.done(&["doctor"]).stdout;
    for name in ["virtual", "libnvidia-encode", "libcuda", "ffmpeg"] {
        let finding = told["findings"].as_array().unwrap().iter().find(|finding| finding["name"] == name).unwrap();
        assert!(finding["works"].is_boolean() && finding["detail"].is_string(), "{finding}");
        assert!(text.contains(name), "{text}");
    }
    assert!(text.contains("video-hw-2026-02"), "{text}");
}

#[test]
fn output_that_nobody_takes_is_no_panic() {
    let bench = Bench::new();
    bench.done(&sweep_args("s", SMALL, "1,4", 1));
    let sweep = sweep_args("t", SMALL, "1", 1);
    let lines: [&[&str]; 6] = [
        &["--help"],
        &["doctor"],
        &["doctor", "--json"],
        &["encode", "--frames", "3", "-o", "out.h264"],
        &["compare", "--before", "s:reap=1", "--after", "s:reap=4"],
        &sweep,
    ];
    for args in lines {
        let mut child = bench.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = Ended::from(child.wait_with_output().unwrap());
        assert!(matches!(ended.code, Some(0 | 1)), "{args:?}: {:?} {}", ended.code, ended.stderr);
        assert!(ended.stderr.lines().count() <= 1, "{args:?}: {}", ended.stderr);
    }
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let ended = Ended::from(bench.command(&["doctor"]).stdout(full()).output().unwrap());
    assert_refused(&ended, 1, "No space left", "doctor > /dev/full");
    assert_eq!(bench.command(&["frobnicate"]).stderr(full()).status().unwrap().code(), Some(2));
}

#[test]
fn ctrl_c_keeps_what_is_finished() {
    let bench = Bench::new();
    let sweep = [
        "sweep",
        "--input",
        SMALL,
        "--frames",
        "200",
        "--repeat",
        "100000",
        "--session",
        "s",
        "--json",
        "--set",
        "order_seed=1",
    ];
    let child = bench.start(&sweep);
    let runs = bench.path("s").join("runs.jsonl");
    wait_until("a round is saved", || num_lines(&runs) >= 8);
    interrupt(&child);
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    let told = ended.json();
    assert_eq!(told["stopped"], true);
    assert_eq!(told["runs"].as_array().unwrap().len(), num_lines(&runs));
    // The session opens: the comparison comes to a verdict, whatever it is.
    let compared = bench.run(&["compare", "--before", "s:reap=1", "--after", "s:reap=2", "--json"]);
    assert!(matches!(compared.code, Some(0 | 3 | 4)), "{}", compared.stderr);
}

#[test]
fn ctrl_c_once_or_twice_leaves_a_whole_stream_or_none() {
    for num_signals in [1, 2] {
        let bench = Bench::new();
        let args = ["encode", "--input", SMALL, "--frames", "1000", "--pace", "0.01", "-o", "out.h264"];
        let child = bench.start(&args);
        wait_until("the stream is begun", || bench.names().iter().any(|name| name.starts_with(".inflight-")));
        (0..num_signals).for_each(|_| interrupt(&child));
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
        let names = bench.names();
        assert!(names.is_empty() || names == ["out.h264"], "{names:?}");
    }
}

#[test]
fn of_two_sweeps_into_one_folder_one_is_refused() {
    let bench = Bench::new();
    let children = [(); 2].map(|()| bench.start(&sweep_args("s", SMALL, "1,4", 1)));
    let mut codes = children.map(|child| child.wait_with_output().unwrap().status.code());
    codes.sort();
    assert_eq!(codes, [Some(0), Some(2)]);
    assert_eq!(num_lines(&bench.path("s").join("runs.jsonl")), 4);
}

#[test]
fn names_may_hold_any_letter() {
    let bench = Bench::new();
    bench.done(&["encode", "--input", SMALL, "--frames", "3", "-o", "für 東京.h264"]);
    bench.done(&sweep_args("мера", SMALL, "1,4", 1));
    let compared = bench.run(&["compare", "--before", "мера:reap=1", "--after", "мера:reap=4"]);
    assert_eq!(compared.code, Some(4), "{}", compared.stderr);
    assert_eq!(bench.names(), ["für 東京.h264", "мера"]);
}

#[test]
fn y4m_comes_in_by_standard_input() {
    let bench = Bench::new();
    let mut child = bench
        .command(&["encode", "--input", "-", "-o", "out.h264", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"YUV4MPEG2 W64 H48 F30:1 C420\n").unwrap();
    for luma in 0..5 {
        stdin.write_all(b"FRAME\n").unwrap();
        stdin.write_all(&[luma; 64 * 48 * 3 / 2]).unwrap();
    }
    drop(stdin);
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!(ended.json()["run"]["packets"], 5);
}
