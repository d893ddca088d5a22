//! What becomes of a sweep whose driver fails: every call, every kind of fault, at the first frame, in the middle, at the last and
//! at the end; printed as the table of docs/faults.md.
//!
//! `cargo build --release && cargo run --release --example fault_table`; exit code 1 if a case is not explained.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "an example that cannot go on stops"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use inflight::measure::recording::Recording;
use inflight::plan::Plan;
use inflight::session::SessionPlace;
use serde_json::Value;

/// Frames of a run, and those before its clock starts.
const FRAMES: u64 = 20;
const PREROLL: u64 = 4;
/// The session that the fault strikes: one only tries the codec, one is asked for its settings, and then there is one a run.
const STRUCK: u64 = 4;
/// Longer than any sweep here, in which one call may take a minute by the rules.
const LIMIT: Duration = Duration::from_secs(90);
/// Sweeps at once: most of their time they wait.
const AT_ONCE: usize = 4;

/// Calls of each frame, and calls of each session.
const OF_FRAMES: [&str; 5] = ["lockin", "unlockin", "encode", "lock", "unlock"];
const OF_SESSIONS: [&str; 5] = ["open", "init", "create", "eos", "destroy"];
/// Statuses: INVALID_PARAM, OUT_OF_MEMORY, LOCK_BUSY, GENERIC.
const ANYWHERE: [&str; 8] = ["8", "10", "13", "20", "delay=30ms", "hang", "crash", "exit"];
const OF_PACKETS: [&str; 7] = ["badpts", "oldpts", "empty", "null", "truncate", "badtype", "huge"];
const PLACES: [(&str, u64); 4] =
    [("pre-roll", 0), ("first", PREROLL), ("middle", PREROLL + FRAMES / 2), ("last", PREROLL + FRAMES - 1)];

/// One sweep.
#[derive(Debug, Clone)]
struct Case {
    site: &'static str,
    kind: &'static str,
    place: &'static str,
    at: Option<u64>,
    lock: &'static str,
    isolated: bool,
}

/// What it came to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Outcome {
    words: String,
    is_explained: bool,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |site, kind: &'static str, place, at| {
        for lock in ["inline", "thread"] {
            // What ends or hangs a process would end this program's own: it is always made apart.
            let can_be_here = !matches!(kind, "hang" | "crash" | "exit");
            for isolated in [true, false].into_iter().filter(|isolated| *isolated || can_be_here) {
                cases.push(Case { site, kind, place, at, lock, isolated });
            }
        }
    };
    for site in OF_FRAMES {
        let of_site: &[&str] = match site {
            "lock" => &OF_PACKETS,
            "lockin" => &["null"],
            _ => &[],
        };
        for kind in ANYWHERE.iter().chain(of_site).copied() {
            PLACES.iter().for_each(|&(place, at)| add(site, kind, place, Some(at)));
        }
    }
    for site in OF_SESSIONS {
        ANYWHERE.iter().for_each(|kind| add(site, kind, "once", None));
    }
    cases
}

impl Case {
    fn device(&self) -> String {
        let at = self.at.map_or_else(String::new, |at| format!("@{at}"));
        format!("virtual:latency_us=200,interval_us=100,fault={}:{}{at}#{STRUCK}", self.site, self.kind)
    }

    /// Makes the sweep in this process; answers how many handles of the driver are left afterwards.
    fn num_left_here(&self, folder: &Path) -> usize {
        let plan = Plan {
            device: self.device(),
            input: "synthetic:64x48@30".to_owned(),
            frames: FRAMES,
            preroll: Some(u32::try_from(PREROLL).unwrap()),
            locks: vec![self.lock.parse().unwrap()],
            reap_thresholds: vec![1, 4],
            warmup: 0,
            repeat: 2,
            looks: Vec::new(),
            confirm: 0,
            stall_limit_s: 1,
            telemetry: false,
            isolate: Some(false),
            ..Plan::default()
        };
        let go_on = AtomicBool::new(false);
        let place = SessionPlace::Named(tempfile::tempdir_in(folder).unwrap().keep());
        // What it comes to is told by the same sweep in a process.
        let _ = Recording::prepare(plan, String::new(), false, &go_on).and_then(|mut recording| {
            let mut writer = recording.create(&place)?;
            recording.measure(&mut writer, &go_on, &mut |_| Ok(()))
        });
        virtual_nvenc::num_unreturned_handles()
    }
}

/// Makes the sweep and judges it.
fn tried(program: &Path, folder: &Path, idx: usize, case: &Case) -> Outcome {
    let session = folder.join(format!("s{idx}"));
    let mut command = Command::new(program);
    command.args(["sweep", "--input", "synthetic:64x48@30", "--warmup", "0", "--repeat", "2", "--confirm", "0"]);
    command.args(["--reap-threshold", "1,4", "--lock", case.lock, "--device", &case.device()]);
    command.args(["--frames", &FRAMES.to_string(), "--set", &format!("preroll={PREROLL}"), "--set", "stall_limit_s=1"]);
    command.args(["--set", "telemetry=false", "--set", "looks=", "--set", &format!("isolate={}", case.isolated)]);
    command.arg("--session").arg(&session).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let begun = Instant::now();
    let mut child = command.spawn().expect("build the program first: cargo build --release");
    while child.try_wait().expect("a child can be waited for").is_none() {
        if begun.elapsed() > LIMIT {
            drop(child.kill());
            drop(child.wait());
            return Outcome { words: "the sweep hangs".to_owned(), is_explained: false };
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().expect("its words");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let text = std::fs::read_to_string(session.join("runs.jsonl")).unwrap_or_default();
    let runs: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a run")).collect();
    judged(case, output.status.code(), &said, &runs)
}

fn judged(case: &Case, code: Option<i32>, said: &str, runs: &[Value]) -> Outcome {
    let failed: Vec<&str> = runs.iter().filter_map(|run| run["error"].as_str()).collect();
    let good = runs.iter().filter(|run| run["error"].is_null());
    let is_whole = |run: &Value| {
        let packets = run["metrics"]["packets"].as_u64();
        let latencies = run["frames"]["latency_ns"].as_array().expect("a column");
        packets == Some(FRAMES)
            && latencies.iter().all(|ns| ns.as_u64().is_some_and(|ns| (1..1_000_000_000).contains(&ns)))
    };
    let are_whole = good.clone().all(is_whole);
    let names_call = |error: &&str| {
        let call = match case.site {
            "open" => "nvEncOpenEncodeSessionEx",
            "init" => "nvEncInitializeEncoder",
            "create" => "nvEncCreate",
            "lockin" => "nvEncLockInputBuffer",
            "unlockin" => "nvEncUnlockInputBuffer",
            "lock" => "nvEncLockBitstream",
            "unlock" => "nvEncUnlockBitstream",
            "destroy" => "nvEncDestroy",
            _ => "nvEncEncodePicture",
        };
        // A child names a buffer's call by what it is for, and a packet that is wrong by its frame.
        let others = ["creating or registering a buffer", "a frame that is not in flight", "never came back"];
        error.contains(call) || others.iter().any(|words| error.contains(words))
    };
    let is_explained = are_whole && !said.contains("panicked") && failed.iter().all(names_call);
    let words = match (code, failed.as_slice()) {
        (Some(0), []) if runs.len() == 4 => "nothing is lost".to_owned(),
        (Some(1), [error]) if runs.len() == 4 => format!("one run: {}", short(error)),
        (Some(1), [.., error]) if runs.len() < 4 => format!("the sweep ends after {}: {}", runs.len(), short(error)),
        (Some(code), []) => format!("code {code}: {}", short(said.lines().last().unwrap_or_default())),
        (code, errors) => format!("code {code:?}, {} of {} runs failed", errors.len(), runs.len()),
    };
    let is_known = words.starts_with("nothing") || words.starts_with("one run");
    Outcome { words, is_explained: is_explained && is_known }
}

/// The cause, without its numbers and advice.
fn short(error: &str) -> String {
    let cause = error.strip_prefix("before the clock started, ").unwrap_or(error);
    let cause = cause.split([';', ',']).next().unwrap_or_default();
    let cause = cause
        .split(": ")
        .take(if cause.starts_with("the driver's answer") { 2 } else { 1 })
        .collect::<Vec<_>>()
        .join(": ");
    cause.split(", the driver says").next().unwrap_or_default().replace('|', "/")
}

fn main() {
    let program = std::env::current_exe().expect("this program").parent().unwrap().parent().unwrap().join("inflight");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (cases, next) = (cases(), AtomicUsize::new(0));
    let outcomes = Mutex::new(vec![None; cases.len()]);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let idx = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(idx) else { break };
                    let outcome = tried(&program, folder.path(), idx, case);
                    outcomes.lock().unwrap()[idx] = Some(outcome);
                }
            });
        }
    });
    let outcomes: Vec<Outcome> = outcomes.into_inner().unwrap().into_iter().flatten().collect();
    // Cases that came to the same are told together.
    let mut rows: BTreeMap<(&str, &str, &Outcome), Vec<String>> = BTreeMap::new();
    for (case, outcome) in cases.iter().zip(&outcomes) {
        let where_ = format!("{} {} {}", case.place, case.lock, if case.isolated { "apart" } else { "here" });
        rows.entry((case.site, case.kind, outcome)).or_default().push(where_);
    }
    println!("| call | fault | outcome | cases |\n|---|---|---|---:|");
    for ((site, kind, outcome), places) in &rows {
        let mark = if outcome.is_explained { "" } else { "**not explained** " };
        println!("| {site} | {kind} | {mark}{} | {} |", outcome.words, places.len());
        if !outcome.is_explained {
            eprintln!("{site}:{kind}: {}: {}", outcome.words, places.join(", "));
        }
    }
    let (mut num_here, mut num_left) = (0, 0);
    for case in cases.iter().filter(|case| !case.isolated) {
        let before = virtual_nvenc::num_unreturned_handles();
        let left = case.num_left_here(folder.path()) - before;
        (num_here, num_left) = (num_here + 1, num_left + left);
        if left > 0 {
            eprintln!("{}:{} {} {}: {left} handles left", case.site, case.kind, case.place, case.lock);
        }
    }
    println!("\n{num_here} of them once more in one process: {num_left} handles of the driver left.");
    let num_unexplained = outcomes.iter().filter(|outcome| !outcome.is_explained).count();
    println!("\n{} cases, {num_unexplained} not explained.", outcomes.len());
    std::process::exit(i32::from(num_unexplained > 0));
}
