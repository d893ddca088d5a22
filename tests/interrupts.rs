//! A Ctrl-C ends the program wherever it waits. `examples/interrupts.rs` measures how soon.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]
#![cfg(unix)]

mod program;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use program::{Bench, Ended, interrupt, wait_until};

const SWEEP: &str = "sweep --reap-threshold 1,2 --lock inline --warmup 0 --set telemetry=false --session s";

fn sweep(bench: &Bench, more: &str) -> Command {
    bench.command(&SWEEP.split_whitespace().chain(more.split_whitespace()).collect::<Vec<_>>())
}

/// Interrupts it once `is_there`; it must end, which the test waits for.
fn is_ended(bench: &Bench, command: &mut Command, is_there: &str) -> Ended {
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until(is_there, || bench.path(is_there).exists());
    interrupt(&child);
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    ended
}

#[test]
fn work_that_would_take_an_hour_is_left() {
    let bench = Bench::new();
    for isolate in ["true", "false"] {
        let more = format!("--input synthetic:64x64@30 --host-work-us 4294967295 --set isolate={isolate}");
        is_ended(&bench, &mut sweep(&bench, &more), "s/manifest.json");
        fs::remove_dir_all(bench.path("s")).unwrap();
    }
}

#[test]
fn an_input_that_hangs_is_left_and_ended() {
    let bench = Bench::new();
    // Says that it was called, and with which process number, and hangs.
    fs::create_dir(bench.path("bin")).unwrap();
    bench.write("bin/ffmpeg", b"#!/bin/sh\necho $$ > begun\nmv begun called\nexec sleep 1000\n");
    fs::set_permissions(bench.path("bin/ffmpeg"), fs::Permissions::from_mode(0o755)).unwrap();
    bench.write("clip.mp4", b"\0\0\0\x20ftypisom");
    let mut command = sweep(&bench, "--input clip.mp4");
    command.env("PATH", format!("{}:{}", bench.path("bin").display(), std::env::var("PATH").unwrap()));
    let ended = is_ended(&bench, &mut command, "called");
    assert!(ended.stderr.contains("nothing was lost"), "{}", ended.stderr);
    let pid = fs::read_to_string(bench.path("called")).unwrap();
    let status = format!("/proc/{}/status", pid.trim());
    let is_gone = || fs::read_to_string(&status).map_or(true, |status| status.contains("State:\tZ"));
    wait_until("it has ended too", is_gone);
    assert!(!bench.path("s").exists());
}
