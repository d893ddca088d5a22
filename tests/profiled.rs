//! The life of a profiled program: signals, wrapper scripts, daemons, kills; what it encodes is saved, and nothing of it is left.
//!
//! Needs ffmpeg, and the libraries that `cargo build --workspace` puts beside the program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]
#![cfg(target_os = "linux")]

mod program;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use program::{Bench, Ended, num_lines, wait_until};

const ENCODE: &str = "ffmpeg -v error -nostdin -y -f lavfi -i testsrc2=s=64x64:r=25:d=0.4 -c:v h264_nvenc -f null -";
/// Until it is told to end.
const LIVE: &str =
    "ffmpeg -v error -nostdin -y -re -f lavfi -i testsrc2=s=64x64:r=25 -c:v h264_nvenc -flush_packets 1 live.mkv";

/// `virtual-driver run` of a shell's command, its temporary files in the bench's folder `tmp`.
fn profile(bench: &Bench, options: &str, script: &str) -> Command {
    fs::create_dir_all(bench.path("tmp")).unwrap();
    let words =
        ["virtual-driver", "run"].into_iter().chain(options.split_whitespace()).chain(["--", "sh", "-c", script]);
    let mut command = bench.command(&words.collect::<Vec<_>>());
    command.env("TMPDIR", bench.path("tmp")).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", child.id())]).status().unwrap();
    assert!(sent.success());
}

/// Processes that were started with the libraries of a profile in this bench.
fn num_left(bench: &Bench) -> usize {
    let place = bench.path("tmp");
    let is_of = |process: &Path| {
        let surroundings = fs::read(process.join("environ")).unwrap_or_default();
        let place = [b"INFLIGHT_TRACE_DIR=", place.as_os_str().as_encoded_bytes()].concat();
        surroundings.split(|&byte| byte == 0).any(|word| word.starts_with(&place))
    };
    fs::read_dir("/proc").unwrap().flatten().filter(|entry| is_of(&entry.path())).count()
}

fn nothing_is_left(bench: &Bench) {
    wait_until("nothing is left", || fs::read_dir(bench.path("tmp")).unwrap().next().is_none() && num_left(bench) == 0);
}

/// Starts a live encode and waits until it writes.
fn live(bench: &Bench, script: &str) -> Child {
    let child = profile(bench, "--session s", script).spawn().unwrap();
    wait_until("it encodes", || fs::metadata(bench.path("live.mkv")).is_ok_and(|file| file.len() > 2_000));
    child
}

#[test]
fn a_signal_goes_on_to_the_program_and_what_it_did_is_saved() {
    for (name, script) in [("INT", LIVE.to_owned()), ("TERM", format!("exec {LIVE}"))] {
        let bench = Bench::new();
        let child = live(&bench, &script);
        signal(&child, name);
        let ended = Ended::from(child.wait_with_output().unwrap());
        assert_eq!(num_lines(&bench.path("s/runs.jsonl")), 1, "{name}: {}", ended.stderr);
        let frames = bench.tool(
            "ffprobe",
            &["-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", "live.mkv"],
        );
        assert!(frames.trim().parse::<u32>().unwrap() > 1, "{name}: the program's own file is whole");
        nothing_is_left(&bench);
    }
}

#[test]
fn a_second_signal_ends_a_program_that_does_not_listen() {
    let bench = Bench::new();
    let mut child = live(&bench, &format!("trap '' INT TERM; {} & sleep 1000", LIVE.replace("ffmpeg", "exec ffmpeg")));
    signal(&child, "INT");
    signal(&child, "TERM");
    wait_until("it ends", || child.try_wait().unwrap().is_some());
    nothing_is_left(&bench);
}

#[test]
fn a_killed_profile_leaves_no_process_and_no_folder() {
    let bench = Bench::new();
    let mut child = live(&bench, &format!("setsid {LIVE} & sleep 1000"));
    assert!(num_left(&bench) >= 2);
    child.kill().unwrap();
    child.wait().unwrap();
    nothing_is_left(&bench);
}

#[test]
fn what_goes_to_the_background_is_waited_for() {
    for script in [format!("{ENCODE} & exit 0"), format!("setsid sh -c 'sleep 0.3; {ENCODE}' & exit 0")] {
        let bench = Bench::new();
        let ended = Ended::from(profile(&bench, "--session s", &script).output().unwrap());
        assert_eq!((ended.code, num_lines(&bench.path("s/runs.jsonl"))), (Some(0), 1), "{}", ended.stderr);
        nothing_is_left(&bench);
    }
}

#[test]
fn standard_output_stays_the_programs_and_json_stands_apart() {
    let bench = Bench::new();
    let script = format!("echo hello; {ENCODE}");
    let ended = Ended::from(profile(&bench, "--session s", &script).output().unwrap());
    assert!(ended.stdout.starts_with("hello\n"), "{}", ended.stdout);
    let ended = Ended::from(profile(&bench, "--session j --json", &script).output().unwrap());
    assert!(ended.json()["runs"].is_array() && ended.stderr.contains("hello"), "{}", ended.stderr);
}

#[test]
fn a_session_that_cannot_be_made_is_refused_before_the_program_starts() {
    let bench = Bench::new();
    bench.write("file", b"x");
    fs::create_dir(bench.path("full")).unwrap();
    bench.write("full/x", b"x");
    for name in ["full", "file"] {
        let ended = Ended::from(profile(&bench, &format!("--session {name}"), "touch ran").output().unwrap());
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    }
    assert!(!bench.path("ran").exists());
}

#[test]
fn profiles_within_one_second_have_a_session_each() {
    let bench = Bench::new();
    let all: Vec<_> = (0..4).map(|_| profile(&bench, "", ENCODE).spawn().unwrap()).collect();
    for child in all {
        let ended = Ended::from(child.wait_with_output().unwrap());
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
    assert_eq!(fs::read_dir(bench.path("output")).unwrap().count(), 4);
}

#[test]
fn each_encoder_of_a_program_is_a_case_of_its_own() {
    let bench = Bench::new();
    let outputs = "-c:v h264_nvenc -f null - -s 48x48 -c:v h264_nvenc -f null - -s 48x48 -c:v h264_nvenc -f null -";
    let script = format!("ffmpeg -v error -nostdin -f lavfi -i testsrc2=s=64x64:r=25:d=1 {outputs}");
    let ended = Ended::from(profile(&bench, "--session s --json", &script).output().unwrap());
    let runs = ended.json()["runs"].as_array().unwrap().clone();
    let mut cases: Vec<_> = runs.iter().map(|run| run["client"].as_str().unwrap().to_owned()).collect();
    cases.sort();
    assert_eq!(cases, ["sh 48x48 #1", "sh 48x48 #2", "sh 64x64"], "{}", ended.stderr);
    assert!(runs.iter().all(|run| run["dimensions"]["width"].is_u64()));
    let again = Ended::from(profile(&bench, "--session t --json", &format!("{ENCODE}; {ENCODE}")).output().unwrap());
    let cases: Vec<_> = again.json()["runs"].as_array().unwrap().iter().map(|run| run["client"].clone()).collect();
    assert_eq!(cases, ["sh", "sh"], "one after the other they are the same thing twice");
}

#[test]
fn a_folder_that_libraries_cannot_be_loaded_from_is_named() {
    let bench = Bench::new();
    for (idx, name) in ["12:00", "a;b", "a b", "a,b", "ü"].into_iter().enumerate() {
        fs::create_dir(bench.path(name)).unwrap();
        let mut command = profile(&bench, &format!("--session s{idx}"), ENCODE);
        let ended = Ended::from(command.env("TMPDIR", bench.path(name)).output().unwrap());
        match ended.code {
            Some(0) => assert!(!name.contains([':', ';']), "{name}"),
            _ => assert!(ended.stderr.contains("TMPDIR") && name.contains([':', ';']), "{name}: {}", ended.stderr),
        }
    }
}

#[test]
fn pictures_that_never_came_back_have_no_latency() {
    let bench = Bench::new();
    // Ends in the middle, with pictures in flight.
    let script = "mkfifo f; exec 3<>f; ffmpeg -v error -y -nostdin -f lavfi -i testsrc2=s=640x360:r=25:d=60 -c:v h264_nvenc -g 1 -bf 0 \
                  -flush_packets 1 -f h264 f & p=$!; sleep 1.2; for k in 1 2 3 4 5 6 7 8; do kill -TERM $p 2>/dev/null; sleep 0.05; done; wait $p; true";
    let ended = Ended::from(profile(&bench, "--session s --json", script).output().unwrap());
    let run = ended.json()["runs"][0].clone();
    let (frames, packets) = (run["frames"].as_u64().unwrap(), run["packets"].as_u64().unwrap());
    assert!(packets < frames, "{frames} frames, {packets} packets");
    bench.done(&["report", "s", "-o", "r.md", "--frames-csv", "f.csv", "--trace", "t.json"]);
    let table = fs::read_to_string(bench.path("f.csv")).unwrap();
    let mut lines = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let titles = lines.next().unwrap();
    let latency = titles.iter().position(|title| *title == "latency_ns").unwrap();
    let empty = lines.filter(|fields| fields[latency].is_empty()).count() as u64;
    assert_eq!(empty, frames - packets);
    assert!(!table.contains(",0,0,0,0,0,0,"));
    let trace = fs::read_to_string(bench.path("t.json")).unwrap();
    assert_eq!(trace.matches("\"ph\":\"e\"").count() as u64, packets);
}
