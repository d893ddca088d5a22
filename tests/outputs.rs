//! Outputs: whole or not there, where they were asked for, and never in the place of what is read.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]
#![cfg(unix)]

mod program;

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use program::{Bench, Ended};

const ENCODE: [&str; 5] = ["encode", "--input", "synthetic:64x48@30", "--frames", "5"];

/// A clip under several names, and a session of two cases on it.
fn bench() -> Bench {
    let bench = Bench::new();
    let frame = [&b"FRAME\n"[..], &[7; 64 * 48 * 3 / 2]].concat();
    bench.write("clip.y4m", &[&b"YUV4MPEG2 W64 H48 F30:1\n"[..], &frame, &frame].concat());
    fs::create_dir(bench.path("d")).unwrap();
    symlink("clip.y4m", bench.path("link")).unwrap();
    fs::hard_link(bench.path("clip.y4m"), bench.path("hard")).unwrap();
    let sweep = "sweep --input clip.y4m --frames 2 --reap-threshold 1,2 --warmup 0 --repeat 3 --confirm 0 --session s";
    bench.done(&sweep.split(' ').collect::<Vec<_>>());
    fs::hard_link(bench.path("s/runs.jsonl"), bench.path("runs")).unwrap();
    bench
}

fn words<'a>(start: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [start, more].concat()
}

#[test]
fn what_is_read_is_never_replaced() {
    let bench = bench();
    let (clip, runs) = (fs::read(bench.path("clip.y4m")).unwrap(), fs::read(bench.path("s/runs.jsonl")).unwrap());
    let names = ["clip.y4m", "./d/../clip.y4m", "link", "hard"];
    let of_clip = names.into_iter().flat_map(|name| {
        [
            vec!["encode", "--input", "clip.y4m", "--output", name],
            vec!["encode", "--set", "input=clip.y4m", "--output", name],
            vec!["encode", "--input", "raw:i420:64x48@30:clip.y4m", "--output", name],
            vec!["sweep", "--input", "clip.y4m", "--dry-run", "--save-plan", name],
            vec!["report", "s", "-o", name],
            vec!["report", "s", "-o", "r.md", "--runs-csv", name],
            vec!["compare", "--before", "s:reap=1", "--after", "s:reap=2", "--report", name],
        ]
    });
    let of_session = ["runs", "s/runs.jsonl", "s/manifest.json"].into_iter().flat_map(|name| {
        [
            vec!["report", "s", "-o", name],
            vec!["report", "s", "-o", "r.md", "--trace", name],
            vec!["report", "s", "-o", "r.md", "--frames-csv", name],
        ]
    });
    for args in of_clip.chain(of_session) {
        let ended = bench.run(&args);
        // The raw input is refused before its output is looked at.
        assert!(matches!(ended.code, Some(1 | 2)), "{args:?}: {:?} {}", ended.code, ended.stdout);
        assert_eq!(fs::read(bench.path("clip.y4m")).unwrap(), clip, "{args:?}");
        assert_eq!(fs::read(bench.path("s/runs.jsonl")).unwrap(), runs, "{args:?}");
    }
    let mut piped = bench.command(&["encode", "--input", "-", "--output", "clip.y4m"]);
    let ended = Ended::from(piped.stdin(File::open(bench.path("clip.y4m")).unwrap()).output().unwrap());
    assert!(ended.code == Some(1) && ended.stderr.contains("which is read"), "{}", ended.stderr);
    assert_eq!(fs::read(bench.path("clip.y4m")).unwrap(), clip);
}

#[test]
fn a_dash_is_standard_output_and_nothing_else_is_said_there() {
    let bench = bench();
    bench.done(&words(&ENCODE, &["--output", "a.264"]));
    let stream = fs::read(bench.path("a.264")).unwrap();
    symlink("/proc/self/fd/1", bench.path("out")).unwrap();
    for name in ["-", "out"] {
        let piped = bench.command(&words(&ENCODE, &["--output", name])).output().unwrap();
        assert_eq!((piped.status.code(), piped.stdout), (Some(0), stream.clone()), "{name}");
        assert!(String::from_utf8(piped.stderr).unwrap().contains("5 frames"));
        // Where a file is behind standard output it is written all the same.
        let file = File::create(bench.path("redirected")).unwrap();
        assert!(bench.command(&words(&ENCODE, &["--output", name])).stdout(file).status().unwrap().success());
        assert_eq!(fs::read(bench.path("redirected")).unwrap(), stream, "{name}");
    }
    assert!(bench.path("out").is_symlink() && !bench.path("-").exists());
    let page = bench.done(&["report", "s", "-o", "-"]).stdout;
    assert!(page.starts_with("# ") && page.contains("Repeat it") && !page.contains("]("), "{page}");
    let table = bench.done(&["report", "s", "-o", "r.md", "--runs-csv", "-"]).stdout;
    assert!(table.lines().count() > 6 && table.starts_with("order_index") && !table.contains("r.md"), "{table}");
    let plan = bench.run(&["sweep", "--save-plan", "-"]);
    assert!(plan.code == Some(0) && plan.json()["plan"].is_object(), "{}", plan.stderr);
    let refused = [
        words(&ENCODE, &["--output", "-", "--json"]),
        vec!["report", "s", "-o", "-", "--runs-csv", "-"],
        vec!["report", "s", "-o", "r.md", "--runs-csv", "a.csv", "--frames-csv", "d/../a.csv"],
    ];
    for args in refused {
        assert_eq!(bench.run(&args).code, Some(2), "{args:?}");
    }
}

#[test]
fn neighbours_and_links_stay_and_long_names_are_written() {
    let bench = bench();
    let long = "n".repeat(248);
    let mine = ["r.md.part", ".r.md.tmp", "a.264.part", "runs.csv.part"];
    mine.iter().for_each(|name| bench.write(name, b"mine"));
    fs::create_dir(bench.path("disk")).unwrap();
    for name in ["r.md", "runs.csv", "a.264"] {
        symlink(format!("disk/{name}"), bench.path(name)).unwrap();
    }
    bench.done(&["report", "s", "-o", "r.md", "--runs-csv", "runs.csv"]);
    bench.done(&words(&ENCODE, &["--output", "a.264"]));
    for name in ["r.md", "runs.csv", "a.264"] {
        assert!(bench.path(name).is_symlink() && fs::metadata(bench.path(&format!("disk/{name}"))).unwrap().len() > 0);
    }
    mine.iter().for_each(|name| assert_eq!(fs::read(bench.path(name)).unwrap(), b"mine", "{name}"));
    bench.done(&["report", "s", "-o", &format!("{long}wwww.md"), "--trace", &format!("{long}.json")]);
    bench.done(&words(&ENCODE, &["--output", &format!("{long}.264")]));
    bench.done(&["sweep", "--dry-run", "--save-plan", &format!("{long}.json")]);
    let hidden = bench.names().into_iter().filter(|name| name.starts_with(".inflight")).count();
    assert_eq!(hidden, 0, "no working file is left");
}

#[test]
fn a_report_that_cannot_be_written_does_not_cost_the_verdict() {
    let bench = bench();
    let compare = ["compare", "--before", "s:reap=1", "--after", "s:reap=2", "--report"];
    let ended = bench.run(&words(&compare, &["d"]));
    assert!(ended.code == Some(1) && ended.stdout.contains("Overall: "), "{}", ended.stderr);
    assert!(ended.stderr.contains("it is a folder"), "{}", ended.stderr);
}

#[test]
fn reports_to_one_place_at_the_same_time_are_each_whole() {
    let bench = bench();
    let start = || bench.command(&["report", "s", "-o", "same.md"]).stdout(Stdio::null()).spawn().unwrap();
    let all: Vec<_> = (0..4).map(|_| start()).collect();
    all.into_iter().for_each(|mut child| assert!(child.wait().unwrap().success()));
    assert!(fs::read_to_string(bench.path("same.md")).unwrap().contains("Generated"));
}

#[test]
fn a_file_that_may_not_grow_is_told_and_what_fitted_stays() {
    let bench = Bench::new();
    let limited = |words: &str| {
        let script = format!("ulimit -f 64; exec {} {words}", env!("CARGO_BIN_EXE_inflight"));
        Ended::from(Command::new("sh").args(["-c", &script]).current_dir(bench.path("")).output().unwrap())
    };
    let sweep = "sweep --input synthetic:64x48@30 --frames 30 --reap-threshold 1 --warmup 0 --repeat 20 --confirm 0 --session s";
    let ended = limited(sweep);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("as large as a file may become"), "{}", ended.stderr);
    let saved = fs::read_to_string(bench.path("s/runs.jsonl")).unwrap();
    assert!(saved.ends_with('\n') && saved.lines().count() >= 1, "{} bytes", saved.len());
    bench.done(&["report", "s"]);
    let ended =
        limited("encode --input synthetic:640x360@30 --frames 100 --device virtual:payload=lossless -o out.h264");
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("out.h264: File too large"), "{}", ended.stderr);
    assert!(!bench.path("out.h264").exists());
}
