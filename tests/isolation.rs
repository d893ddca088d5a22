//! Drivers that crash, exit or hang: each costs the run in progress, which names the call, and the sweep goes on in another process.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test that cannot go on stops")]

mod program;

use program::{Bench, Ended};
use serde_json::Value;

const SWEEP: &str = "sweep --input synthetic:64x48@30 --frames 20 --warmup 0 --repeat 6 --confirm 0 --set preroll=4 \
                     --set stall_limit_s=1 --set telemetry=false --json";

/// Six runs of each case, on a virtual device that has this fault.
fn sweep(bench: &Bench, session: &str, fault: &str, options: &str) -> Ended {
    let device = format!("virtual:latency_us=200,interval_us=100,fault={fault}");
    let args = SWEEP.split_whitespace().chain(["--session", session, "--device", &device]);
    bench.run(&args.chain(options.split_whitespace()).collect::<Vec<_>>())
}

fn runs(bench: &Bench, session: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(bench.path(session).join("runs.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Why runs failed, each reason once.
fn errors(runs: &[Value]) -> Vec<&str> {
    let mut errors: Vec<_> = runs.iter().filter_map(|run| run["error"].as_str()).collect();
    errors.sort_unstable();
    errors.dedup();
    errors
}

#[test]
fn a_driver_that_ends_the_process_costs_the_run_in_progress() {
    // A child opens a session to try the codec, one to ask how it is set up, and then one a run: the seventh dies.
    let cases = [
        ("encode:crash@9#6", "--reap-threshold 1,4 --lock inline", "SIGSEGV", "nvEncEncodePicture"),
        ("lock:crash@9#6", "--reap-threshold 1,4 --lock thread", "SIGSEGV", "nvEncLockBitstream"),
        ("lock:exit@9#6", "--reap-threshold 4 --lock inline,poll", "exit status: 3", "nvEncLockBitstream"),
        ("unlockin:exit@9#6", "--reap-threshold 1,4 --lock inline", "exit status: 3", "nvEncUnlockInputBuffer"),
        ("eos:crash#6", "--reap-threshold 1,4 --lock ready", "SIGSEGV", "end of stream"),
        ("destroy:crash#6", "--reap-threshold 1,4 --lock inline", "SIGSEGV", "nvEncDestroyEncoder"),
        ("init:crash#6", "--reap-threshold 1,4 --lock inline", "SIGSEGV", "nvEncInitializeEncoder"),
    ];
    let bench = Bench::new();
    for (idx, (fault, options, ending, call)) in cases.into_iter().enumerate() {
        let session = format!("s{idx}");
        let ended = sweep(&bench, &session, fault, options);
        let runs = runs(&bench, &session);
        let errors = errors(&runs);
        assert_eq!(runs.len(), 12, "{fault}: {}", ended.stderr);
        assert!((1..=3).contains(&runs.iter().filter(|run| run["error"].is_string()).count()), "{fault}: {errors:?}");
        let says = |error: &&str| error.contains(ending) && error.contains(call);
        assert!(errors.iter().all(says), "{fault}: {errors:?}");
        let good = runs.iter().filter(|run| run["error"].is_null());
        assert!(good.clone().all(|run| run["metrics"]["packets"] == 20), "{fault}");
        assert!(good.count() >= 9, "{fault}");
    }
}

#[test]
fn a_call_that_never_returns_is_named_with_what_was_in_flight() {
    let bench = Bench::new();
    let cases = [
        (
            "lock:hang@9#6",
            "--reap-threshold 4 --lock inline",
            "hangs in nvEncLockBitstream, with 4 of 13 submitted frames",
        ),
        ("lock:hang@9#6", "--reap-threshold 1,4 --lock poll", "hangs in nvEncLockBitstream"),
        ("lock:hang@9#6", "--reap-threshold 1,4 --lock thread", "hangs in nvEncLockBitstream"),
        ("encode:hang@9#6", "--reap-threshold 1,4 --lock ready", "hangs in nvEncEncodePicture"),
        ("lockin:hang@9#6", "--reap-threshold 1,4 --lock inline", "hangs in nvEncLockInputBuffer"),
    ];
    for (idx, (fault, options, words)) in cases.into_iter().enumerate() {
        let session = format!("s{idx}");
        let ended = sweep(&bench, &session, fault, options);
        let runs = runs(&bench, &session);
        assert_eq!(runs.len() % 6, 0, "{fault}: {}", ended.stderr);
        assert!(errors(&runs).iter().all(|error| error.contains(words)), "{fault}: {:?}", errors(&runs));
        assert!(!runs.is_empty() && !errors(&runs).is_empty(), "{fault}");
    }
}

#[test]
fn a_driver_that_dies_again_and_again_ends_the_sweep() {
    let bench = Bench::new();
    // The first session only tries a few frames.
    let ended = sweep(&bench, "s", "lock:crash@18", "--reap-threshold 1,4 --lock inline");
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("device was lost after 3 of 12 runs") && ended.stderr.contains("SIGSEGV"),
        "{}",
        ended.stderr
    );
    assert_eq!(runs(&bench, "s").len(), 3);
    let ended = sweep(&bench, "t", "open:crash", "--reap-threshold 1,4 --lock inline");
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("nvEncOpenEncodeSessionEx"), "{}", ended.stderr);
    assert!(!bench.path("t").exists(), "nothing was written");
}

#[test]
fn a_refusal_keeps_its_words_and_its_exit_code() {
    let bench = Bench::new();
    let words = ["sweep", "--session", "s"];
    for (options, code, said) in [
        ("--input nowhere.y4m", 2, "nowhere.y4m"),
        ("--device nowhere.so", 5, "cannot load the driver library"),
        ("--b-frames 3 --codec h264 --set b_reference=each", 2, "b_reference=middle or off"),
    ] {
        let sweep = |isolate: &str| {
            let isolate = format!("isolate={isolate}");
            bench.run(&words.into_iter().chain(options.split(' ')).chain(["--set", &isolate]).collect::<Vec<_>>())
        };
        let (apart, here) = (sweep("true"), sweep("false"));
        assert_eq!((apart.code, here.code), (Some(code), Some(code)), "{options}: {}", apart.stderr);
        assert!(apart.stderr.contains(said), "{options}: {}", apart.stderr);
    }
}
