//! Sweeps that are killed, stopped, suspended or lose their folder: what was measured stays, and the rest can be made.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]
#![cfg(unix)]

mod program;

use std::fs;
use std::process::{Child, Command};

use program::{Bench, Ended, interrupt, num_lines, wait_until};
use serde_json::Value;

/// Sixteen runs of some 60 ms.
const SWEEP: &str = "sweep --device virtual:latency_us=3000,interval_us=2000 --input synthetic:64x48@30 --frames 20 --reap-threshold 1,2 \
                     --lock inline --warmup 0 --repeat 8 --set looks= --confirm 0 --set telemetry=false --session s";
const NUM_RUNS: usize = 16;

fn start(bench: &Bench, more: &str) -> Child {
    bench.start(&SWEEP.split_whitespace().chain(more.split_whitespace()).collect::<Vec<_>>())
}

fn runs(bench: &Bench, session: &str) -> Vec<Value> {
    let text = fs::read_to_string(bench.path(session).join("runs.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn manifest(bench: &Bench, session: &str) -> Value {
    serde_json::from_slice(&fs::read(bench.path(session).join("manifest.json")).unwrap()).unwrap()
}

/// The runs of the plan, each once, in the order of the plan.
fn is_complete(bench: &Bench, session: &str) {
    let order: Vec<_> = runs(bench, session).iter().map(|run| run["order_index"].as_u64().unwrap()).collect();
    assert_eq!(order, (0..NUM_RUNS as u64).collect::<Vec<_>>());
}

#[test]
fn a_sweep_that_was_killed_or_stopped_is_finished_in_its_folder() {
    for (isolate, by_kill) in [("false", true), ("true", true), ("false", false)] {
        let bench = Bench::new();
        let mut child = start(&bench, &format!("--set isolate={isolate}"));
        wait_until("some runs are there", || num_lines(&bench.path("s/runs.jsonl")) >= 5);
        if by_kill {
            child.kill().unwrap();
        } else {
            interrupt(&child);
        }
        child.wait().unwrap();
        let before = fs::read(bench.path("s/runs.jsonl")).unwrap();
        let whole = before.iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
        // Half a line, as a kill in the middle of a write leaves it.
        fs::write(bench.path("s/runs.jsonl"), [&before[..whole], b"{\"case\":"].concat()).unwrap();
        let ended = bench.done(&["sweep", "--resume", "s", "--json"]);
        is_complete(&bench, "s");
        assert!(fs::read(bench.path("s/runs.jsonl")).unwrap().starts_with(&before[..whole]), "nothing was rewritten");
        assert_eq!(fs::read(bench.path("s/runs.jsonl.half-1")).unwrap(), b"{\"case\":");
        let told = &manifest(&bench, "s")["resumptions"][0];
        let num_before = before[..whole].iter().filter(|&&byte| byte == b'\n').count();
        assert_eq!((told["num_runs"].as_u64(), told["set_aside_bytes"].as_u64()), (Some(num_before as u64), Some(8)));
        let resumes: Vec<_> = runs(&bench, "s").iter().map(|run| run["resumes"].as_u64().unwrap_or(0)).collect();
        assert!(resumes.iter().enumerate().all(|(idx, &resumes)| resumes == u64::from(idx >= num_before)));
        // A round that was split is no pair.
        let num_pairs = ended.json()["cells"][0]["effect"]["interval"]["num_pairs"].as_u64();
        let num_split = u64::from(num_before % 2 == 1);
        assert!(num_pairs.is_none_or(|num| num == 8 - num_split), "{num_pairs:?} of 8, {num_split} split");
        bench.done(&["report", "s", "-o", "r.md"]);
        assert!(
            fs::read_to_string(bench.path("r.md")).unwrap().contains("an unfinished line of 8 bytes was set aside")
        );
        // There is nothing more to make.
        bench.done(&["sweep", "--resume", "s"]);
        is_complete(&bench, "s");
    }
}

#[test]
fn only_the_same_sweep_is_resumed() {
    let bench = Bench::new();
    let write_clip = |shade: u8| {
        let frame = [&b"FRAME\n"[..], &[shade; 64 * 48 * 3 / 2]].concat();
        bench.write("clip.y4m", &[&b"YUV4MPEG2 W64 H48 F30:1\n"[..], &frame.repeat(20)].concat());
    };
    write_clip(7);
    let of_clip = SWEEP.replace("synthetic:64x48@30", "clip.y4m");
    let mut child = bench.start(&of_clip.split_whitespace().collect::<Vec<_>>());
    wait_until("a run is there", || num_lines(&bench.path("s/runs.jsonl")) >= 1);
    let refused = bench.run(&["sweep", "--resume", "s"]);
    assert!(refused.code == Some(2) && refused.stderr.contains("a sweep is writing it"), "{}", refused.stderr);
    child.kill().unwrap();
    child.wait().unwrap();
    write_clip(8);
    let refused = bench.run(&["sweep", "--resume", "s"]);
    assert!(refused.code == Some(2) && refused.stderr.contains("the input is another one"), "{}", refused.stderr);
}

#[test]
fn what_a_killed_start_left_can_be_used_again() {
    let bench = Bench::new();
    fs::create_dir(bench.path("s")).unwrap();
    bench.write("s/runs.jsonl", b"");
    bench.write("s/.inflight-x", b"half a manifest");
    let ended = Ended::from(start(&bench, "").wait_with_output().unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    is_complete(&bench, "s");
}

/// What is done to a session while it is written, in a word and as it is done.
type Deed = (&'static str, fn(&Bench));

#[test]
fn a_session_that_is_taken_away_goes_on_beside_it() {
    let deeds: [Deed; 4] = [
        ("removed", |bench| fs::remove_dir_all(bench.path("s")).unwrap()),
        ("renamed", |bench| fs::rename(bench.path("s"), bench.path("elsewhere")).unwrap()),
        ("replaced", |bench| {
            fs::rename(bench.path("s"), bench.path("elsewhere")).unwrap();
            fs::create_dir(bench.path("s")).unwrap();
            bench.write("s/runs.jsonl", b"somebody else's\n");
        }),
        ("cut short", |bench| {
            fs::OpenOptions::new().write(true).open(bench.path("s/runs.jsonl")).unwrap().set_len(9).unwrap()
        }),
    ];
    for (what, deed) in deeds {
        let bench = Bench::new();
        let child = start(&bench, "");
        wait_until("some runs are there", || num_lines(&bench.path("s/runs.jsonl")) >= 4);
        deed(&bench);
        let ended = Ended::from(child.wait_with_output().unwrap());
        assert!(ended.code == Some(1) && ended.stderr.contains("it went on in s-2"), "{what}: {}", ended.stderr);
        let num_runs = runs(&bench, "s-2").len();
        assert!(num_runs == NUM_RUNS || (what == "cut short" && num_runs >= NUM_RUNS - 5), "{what}: {num_runs}");
        if what == "replaced" {
            assert_eq!(fs::read(bench.path("s/runs.jsonl")).unwrap(), b"somebody else's\n");
        }
    }
}

#[test]
fn a_run_that_is_written_twice_counts_once() {
    let bench = Bench::new();
    let ended = Ended::from(start(&bench, "").wait_with_output().unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let text = fs::read_to_string(bench.path("s/runs.jsonl")).unwrap();
    let first = text.lines().next().unwrap();
    bench.write("s/runs.jsonl", format!("{text}{first}\n").as_bytes());
    let ended = bench.done(&["report", "s", "-o", "r.md", "--runs-csv", "-"]);
    assert_eq!(ended.stdout.lines().count(), 1 + NUM_RUNS);
    assert!(ended.stderr.contains("is run 0 once more"), "{}", ended.stderr);
}

#[test]
fn a_run_in_which_the_process_was_stopped_does_not_count() {
    let bench = Bench::new();
    let child = start(&bench, "--set isolate=false");
    wait_until("some runs are there", || num_lines(&bench.path("s/runs.jsonl")) >= 3);
    let signal = |name: &str| {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", child.id())]).status().unwrap();
        assert!(sent.success());
    };
    signal("STOP");
    let stat = format!("/proc/{}/stat", child.id());
    wait_until("it is stopped", || fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") T ")));
    signal("CONT");
    let ended = Ended::from(child.wait_with_output().unwrap());
    let failed: Vec<_> = runs(&bench, "s").into_iter().filter(|run| run["error"].is_string()).collect();
    // Between two runs nobody is disturbed.
    assert!(failed.len() <= 1, "{}", ended.stderr);
    assert!(failed.iter().all(|run| run["error"].as_str().unwrap().contains("was stopped and went on")), "{failed:?}");
}

#[test]
fn a_plan_of_somebody_else_loads_no_library_and_tells_ffmpeg_nothing() {
    let bench = Bench::new();
    bench.done(&["sweep", "--dry-run", "--save-plan", "plan.json"]);
    let plan = fs::read_to_string(bench.path("plan.json")).unwrap();
    bench.write("library.json", plan.replace("virtual:video-hw-2026-02", "./evil.so").as_bytes());
    bench.write(
        "baseline.json",
        plan.replace("\"codecs\"", "\"baselines\": [\"ffmpeg:-y victim\"], \"codecs\"").as_bytes(),
    );
    for (kind, says) in
        [("library", "loads the library ./evil.so"), ("baseline", "adds options to FFmpeg: ffmpeg:-y victim")]
    {
        let file = format!("{kind}.json");
        let refused = bench.run(&["sweep", "--plan", &file]);
        let advice = format!("--allow-from-plan {kind}");
        assert!(
            refused.code == Some(2) && refused.stderr.contains(says) && refused.stderr.contains(&advice),
            "{}",
            refused.stderr
        );
        let foretold = bench.run(&["sweep", "--plan", &file, "--dry-run"]);
        assert!(foretold.stderr.contains(says), "{}", foretold.stderr);
    }
    let allowed = bench.run(&["sweep", "--plan", "library.json", "--allow-from-plan", "library"]);
    assert!(allowed.code == Some(5) && allowed.stderr.contains("evil.so"), "{}", allowed.stderr);
}

#[test]
fn what_is_no_small_regular_file_is_refused_at_once() {
    let bench = Bench::new();
    let made = Command::new("mkfifo").arg(bench.path("pipe")).status().unwrap();
    assert!(made.success());
    fs::create_dir(bench.path("s")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", bench.path("s/manifest.json")).unwrap();
    bench.write("huge.json", &vec![b' '; 2 << 20]);
    for args in [
        ["sweep", "--dry-run", "--plan", "pipe"],
        ["sweep", "--dry-run", "--plan", "/dev/zero"],
        ["sweep", "--dry-run", "--plan", "huge.json"],
        ["sweep", "--dry-run", "--device", "virtual:card=pipe"],
        ["report", "s", "-o", "r.md"],
    ] {
        let ended = bench.run(&args);
        assert!(matches!(ended.code, Some(1 | 2)), "{args:?}: {:?} {}", ended.code, ended.stdout);
    }
}
