//! Kills sweeps and profiles at random moments: no finished run may be lost, each session must open and be finished by
//! `--resume`, and a minute later no process and no temporary folder may be left.
//!
//! `cargo build --release --workspace && cargo run --release --example kills -- 500`: so many kills in each of four modes; exit code 1 if
//! anything was lost or left.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "an example that cannot go on stops"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Kills at once.
const AT_ONCE: usize = 4;
/// How long what is left may take to vanish.
const PATIENCE: Duration = Duration::from_secs(60);

const SWEEP: &str = "sweep --device virtual:latency_us=600,interval_us=400 --input synthetic:64x48@30 --frames 20 --reap-threshold 1,2 \
                     --lock inline --warmup 0 --set looks= --confirm 0 --set telemetry=false --session s";
/// Encodes for four seconds in the background, beside a process in a session of its own.
const PROFILED: &str =
    "ffmpeg -v error -nostdin -f lavfi -i testsrc2=s=64x64:r=25:d=4 -c:v h264_nvenc -f null - & setsid sleep 5 & wait";

/// What is killed.
#[derive(Debug, Clone, Copy)]
struct Mode {
    name: &'static str,
    /// Of a sweep; `None`: it is a profile.
    options: Option<&'static str>,
    /// Runs of the whole sweep.
    num_runs: usize,
    /// Kills come within so many milliseconds.
    within_ms: u64,
}

const MODES: [Mode; 4] = [
    Mode { name: "in process", options: Some("--repeat 6 --set isolate=false"), num_runs: 12, within_ms: 900 },
    Mode { name: "isolated", options: Some("--repeat 6 --set isolate=true"), num_runs: 12, within_ms: 1000 },
    Mode {
        name: "with a baseline",
        options: Some("--repeat 2 --host-work-us 0 --baseline ffmpeg"),
        num_runs: 10,
        within_ms: 2500,
    },
    Mode { name: "profiled", options: None, num_runs: 0, within_ms: 700 },
];

/// What came of all kills of a mode.
#[derive(Debug, Default)]
struct Found {
    num_killed: usize,
    num_resumed: usize,
    wrong: Vec<String>,
}

fn command(program: &Path, folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(words).current_dir(folder).env("TMPDIR", folder.join("tmp"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// One kill. Answers whether there was something to kill, and a session that was finished afterwards; an error is what was lost.
fn kill(program: &Path, folder: &Path, mode: Mode) -> Result<(bool, bool), String> {
    fs::create_dir_all(folder.join("tmp")).expect("a folder");
    let words: Vec<&str> = match mode.options {
        Some(options) => SWEEP.split_whitespace().chain(options.split_whitespace()).collect(),
        None => ["virtual-driver", "run", "--session", "s", "--", "sh", "-c", PROFILED].into(),
    };
    let mut child = command(program, folder, &words).spawn().expect("build the program first");
    std::thread::sleep(Duration::from_micros(fastrand::u64(0..1000 * mode.within_ms)));
    let was_running = child.try_wait().expect("a child can be waited for").is_none();
    drop(child.kill());
    drop(child.wait());
    let log = folder.join("s/runs.jsonl");
    if mode.options.is_none() || !folder.join("s/manifest.json").exists() {
        return Ok((was_running, false));
    }
    let before = fs::read(&log).unwrap_or_default();
    let whole = &before[..before.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1)];
    let resumed =
        command(program, folder, &["sweep", "--resume", "s"]).stderr(Stdio::piped()).output().expect("it starts");
    if !resumed.status.success() {
        return Err(format!("not resumed: {}", String::from_utf8_lossy(&resumed.stderr)));
    }
    let after = fs::read(&log).unwrap_or_default();
    let num_runs = after.iter().filter(|&&byte| byte == b'\n').count();
    match after.starts_with(whole) && num_runs == mode.num_runs {
        true => Ok((was_running, true)),
        false => Err(format!("{num_runs} of {} runs, {} bytes were there", mode.num_runs, whole.len())),
    }
}

/// Processes and temporary folders of this program that are left, once nothing changes or patience ends.
fn left(folder: &Path) -> (usize, usize) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let place = folder.as_os_str().as_encoded_bytes();
        let is_of = |process: &Path| {
            let surroundings = fs::read(process.join("environ")).unwrap_or_default();
            surroundings.windows(place.len()).any(|part| part == place)
        };
        let processes = fs::read_dir("/proc").unwrap().flatten().filter(|entry| is_of(&entry.path())).count();
        let tmps = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path().join("tmp"));
        let folders = tmps.filter_map(|tmp| fs::read_dir(tmp).ok()).map(Iterator::count).sum();
        if (processes, folders) == (0, 0) || Instant::now() > deadline {
            return (processes, folders);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn main() {
    let num: usize = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(50);
    let program = std::env::current_exe().expect("this program").parent().unwrap().parent().unwrap().join("inflight");
    let mut is_good = true;
    for mode in MODES {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (next, found) = (AtomicUsize::new(0), Mutex::new(Found::default()));
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    loop {
                        let idx = next.fetch_add(1, Ordering::Relaxed);
                        if idx >= num {
                            break;
                        }
                        let killed = kill(&program, &folder.path().join(idx.to_string()), mode);
                        let mut found = found.lock().unwrap();
                        match killed {
                            Ok((was_running, is_resumed)) => {
                                found.num_killed += usize::from(was_running);
                                found.num_resumed += usize::from(is_resumed);
                            }
                            Err(wrong) => found.wrong.push(wrong),
                        }
                    }
                });
            }
        });
        let Found { num_killed, num_resumed, wrong } = found.into_inner().unwrap();
        let (num_processes, num_folders) = left(folder.path());
        println!(
            "{}: {num} kills ({num_killed} while it ran), {num_resumed} sessions finished by --resume, {} lost; left: {num_processes} processes, {num_folders} files or folders",
            mode.name,
            wrong.len()
        );
        wrong.iter().take(5).for_each(|wrong| eprintln!("  {wrong}"));
        is_good &= wrong.is_empty() && num_processes + num_folders == 0;
    }
    std::process::exit(i32::from(!is_good));
}
