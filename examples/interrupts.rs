//! Interrupts the program (SIGINT, a Ctrl-C) at random moments of each of its phases: how long until it has ended?
//!
//! `cargo build --release --workspace && cargo run --release --example interrupts -- 20`: so many interrupts of each phase; exit code 1
//! if one took more than 200 ms, ended with another code than 130, or cost a finished run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "an example that cannot go on stops"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_millis(200);

/// Decodes once, then hangs after some frames.
const STUCK_LATER: &str =
    "#!/bin/sh\nif mkdir once 2>/dev/null; then exec REAL \"$@\"; fi\nREAL \"$@\" | head -c 60000\nexec sleep 1000\n";
const STUCK_AT_ONCE: &str = "#!/bin/sh\nexec sleep 1000\n";

/// Where it is interrupted.
struct Phase {
    name: &'static str,
    words: &'static str,
    /// Stands for ffmpeg and ffprobe.
    ffmpeg: Option<&'static str>,
    /// The interrupt comes within so many milliseconds after the start, and not before.
    within_ms: std::ops::Range<u64>,
}

const SWEEP: &str = "sweep --reap-threshold 1,4 --lock inline --warmup 0 --session s --set telemetry=false";

const PHASES: [Phase; 14] = [
    Phase { name: "input is read", words: "--input big.mp4", ffmpeg: None, within_ms: 20..900 },
    Phase {
        name: "ffmpeg hangs when the input is opened",
        words: "--input clip.mp4",
        ffmpeg: Some(STUCK_AT_ONCE),
        within_ms: 50..300,
    },
    Phase {
        name: "rehearsal on a slow device",
        words: "--input synthetic:64x64@30 --device virtual:interval_us=90000,latency_us=90000 --set isolate=false",
        ffmpeg: None,
        within_ms: 50..300,
    },
    Phase {
        name: "rehearsal in a child",
        words: "--input synthetic:64x64@30 --device virtual:interval_us=90000,latency_us=90000 --set isolate=true",
        ffmpeg: None,
        within_ms: 50..300,
    },
    Phase {
        name: "a driver hangs when it is opened, in a child",
        words: "--input synthetic:64x64@30 --device virtual:turing,fault=open:hang",
        ffmpeg: None,
        within_ms: 50..300,
    },
    Phase {
        name: "a driver hangs when it is opened, in process",
        words: "--input synthetic:64x64@30 --device virtual:turing,fault=open:hang --in-process",
        ffmpeg: None,
        within_ms: 50..300,
    },
    Phase {
        name: "runs in process",
        words: "--input synthetic:640x360@30 --repeat 100000",
        ffmpeg: None,
        within_ms: 300..2000,
    },
    Phase {
        name: "runs in a child",
        words: "--input synthetic:640x360@30 --repeat 100000 --set isolate=true",
        ffmpeg: None,
        within_ms: 300..2000,
    },
    Phase {
        name: "host work of 71 minutes a frame",
        words: "--input synthetic:64x64@30 --host-work-us 4294967295",
        ffmpeg: None,
        within_ms: 200..600,
    },
    Phase {
        name: "a frame in 100 s",
        words: "--input synthetic:64x64@30 --pace 0.01",
        ffmpeg: None,
        within_ms: 200..600,
    },
    Phase {
        name: "the source hangs in a run",
        words: "--input clip.mp4 --preload-mib 0 --frames 100",
        ffmpeg: Some(STUCK_LATER),
        within_ms: 600..1200,
    },
    Phase {
        name: "with a baseline",
        words: "--input synthetic:640x360@30 --frames 600 --repeat 100 --baseline ffmpeg --host-work-us 0",
        ffmpeg: None,
        within_ms: 50..6000,
    },
    Phase {
        name: "with a baseline that is verified",
        words: "--input synthetic:1920x1080@30 --frames 300 --repeat 100 --baseline ffmpeg --verify --host-work-us 0 --device virtual:latency_us=200,interval_us=100",
        ffmpeg: None,
        within_ms: 50..9000,
    },
    Phase {
        name: "eight streams",
        words: "--input synthetic:640x360@30 --streams 8 --repeat 1000",
        ffmpeg: None,
        within_ms: 100..2000,
    },
];

fn in_folder(folder: &Path, program: impl AsRef<std::ffi::OsStr>, words: &str) -> Command {
    let mut command = Command::new(program);
    command.args(words.split_whitespace()).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Puts a script in the place of ffmpeg; answers where to find it first.
fn stand_in(folder: &Path, script: &str) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).unwrap();
    let real = std::env::split_paths(&path).map(|dir| dir.join("ffmpeg")).find(|file| file.exists()).unwrap();
    let file = bin.join("ffmpeg");
    fs::write(&file, script.replace("REAL", &real.display().to_string())).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{path}", bin.display())
}

/// How long it took to end, and what is wrong with how it did.
fn interrupt(program: &Path, folder: &Path, phase: &Phase) -> (Duration, Option<String>) {
    let words = format!("{SWEEP} {}", phase.words);
    let mut command = in_folder(folder, program, &words);
    if let Some(script) = phase.ffmpeg {
        command.env("PATH", stand_in(folder, script));
    }
    let child = command.spawn().expect("build the program first");
    let (from, to) = (phase.within_ms.start, phase.within_ms.end);
    std::thread::sleep(Duration::from_micros(fastrand::u64(1000 * from..1000 * to)));
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    let start = Instant::now();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
    let ended = child.wait_with_output().unwrap();
    let took = start.elapsed();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    if ended.status.code() != Some(130) {
        return (took, Some(format!("it ended with {}: {said}", ended.status)));
    }
    let session = folder.join("s/manifest.json");
    let opens = !session.exists()
        || in_folder(folder, program, "status s").stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    (took, (!opens).then(|| "its session does not open".to_owned()))
}

fn main() {
    let num: usize = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(10);
    let only = std::env::args().nth(2);
    let program = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("inflight");
    let clips = tempfile::tempdir().unwrap();
    let clip = |name: &str, size: &str, seconds: u32| {
        let words =
            format!("-v error -f lavfi -i testsrc2=s={size}:r=30:d={seconds} -c:v libx264 -preset ultrafast {name}");
        assert!(in_folder(clips.path(), "ffmpeg", &words).status().unwrap().success());
    };
    clip("clip.mp4", "64x64", 10);
    clip("big.mp4", "1920x1080", 20);
    let mut is_good = true;
    for phase in PHASES.iter().filter(|phase| only.as_ref().is_none_or(|only| phase.name.contains(only))) {
        let (mut took, mut wrong) = (Vec::new(), Vec::new());
        for _ in 0..num {
            let folder = tempfile::tempdir().unwrap();
            for name in ["clip.mp4", "big.mp4"] {
                fs::hard_link(clips.path().join(name), folder.path().join(name)).unwrap();
            }
            let (ended_after, problem) = interrupt(&program, folder.path(), phase);
            took.push(ended_after);
            wrong.extend(problem);
        }
        took.sort();
        let (median, most) = (took[took.len() / 2], *took.last().unwrap());
        println!(
            "{}: median {} ms, most {} ms, {} wrong",
            phase.name,
            median.as_millis(),
            most.as_millis(),
            wrong.len()
        );
        wrong.iter().take(3).for_each(|wrong| println!("  {}", wrong.trim()));
        is_good &= wrong.is_empty() && most <= LIMIT;
    }
    std::process::exit(i32::from(!is_good));
}
