//! Sweeps on drivers with random faults, one after the other in a window without a screen, in process and isolated in turn: does
//! memory stay flat, do handles and threads stay as many, and does the window's thread answer?
//!
//! `cargo build --release --workspace && cargo run --release --example soak -- 30`: so many minutes; exit code 1 if memory in the
//! last third is more than 1.05 times that of the second, if handles or threads have become more, or if the 99th percentile of
//! what a frame takes the window's thread is above 16 ms.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "an example that cannot go on stops"
)]

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use eframe::egui::{Context, Ui};
use egui_kittest::Harness;
use inflight::measure::sweep_thread::Starter;
use inflight::plan::Plan;
use inflight::ui::app::App;
use inflight::ui::commands::{Command, View};

const FRAME_EVERY: Duration = Duration::from_millis(33);
const SAMPLE_EVERY: Duration = Duration::from_secs(5);
const MOST_FRAME_MS: f64 = 16.0;
const MOST_GROWTH: f64 = 1.05;

/// In percent of the calls.
const FAULTS: &str = "open:10%3+init:8%2+create:10%0.5+lockin:13%0.2+encode:20%0.2+lock:badpts%0.1+lock:empty%0.1+lock:null%0.1+\
                      lock:truncate%0.1+lock:badtype%0.1+lock:huge%0.1+lock:delay=40ms%0.2+unlock:10%0.1+eos:20%1+destroy:8%2";
/// What ends or hangs a process as well.
const FATAL: &str = "+lock:crash%0.05+encode:exit%0.05+lock:hang%0.02";

/// What this process and its children have.
#[derive(Debug, Clone, Copy, Default)]
struct Sample {
    memory_kib: u64,
    num_handles: usize,
    num_threads: usize,
    num_children: usize,
}

impl Sample {
    fn now() -> Self {
        let own = Path::new("/proc/self");
        let count = |folder: &str| fs::read_dir(own.join(folder)).map_or(0, Iterator::count);
        let status = fs::read_to_string(own.join("status")).unwrap_or_default();
        let memory =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok());
        let threads = fs::read_dir(own.join("task")).unwrap().flatten();
        let children = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
        Self {
            memory_kib: memory.unwrap_or(0),
            num_handles: count("fd"),
            num_threads: count("task"),
            num_children: children.map(|list| list.split_whitespace().count()).sum(),
        }
    }
}

fn plan(number: u64) -> Plan {
    let isolated = number % 2 == 1;
    let faults = format!("{FAULTS}{}", if isolated { FATAL } else { "" });
    Plan {
        device: format!("virtual:latency_us=600,interval_us=400,seed={number},fault={faults}"),
        input: "synthetic:160x96@30".to_owned(),
        frames: 60,
        reap_thresholds: vec![1, 2, 4],
        repeat: 20,
        looks: Vec::new(),
        confirm: 0,
        stall_limit_s: 1,
        isolate: Some(isolated),
        ..Plan::default()
    }
}

fn window(folder: &Path) -> Harness<'static, App> {
    let app = App::new(&Context::default(), Starter::new().unwrap(), folder.to_owned(), Vec::new());
    let frame = |ui: &mut Ui, app: &mut App| {
        app.tick(ui.ctx());
        app.show(ui);
    };
    let builder = Harness::builder().with_size([1280.0, 800.0]).with_context_setup(inflight::ui::theme::apply);
    builder.build_ui_state(frame, app)
}

/// The median of what `of` says of the samples.
fn median(samples: &[Sample], of: impl Fn(&Sample) -> u64) -> u64 {
    let mut values: Vec<u64> = samples.iter().map(of).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

fn main() -> ExitCode {
    // Isolated runs are made by this program, started again.
    if std::env::args().nth(1).is_some_and(|word| word == "runs") {
        return inflight::cli::main();
    }
    let minutes: f64 = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(1.0);
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    let (start, length) = (Instant::now(), Duration::from_secs_f64(60.0 * minutes));
    let (mut samples, mut idle, mut frames_ms) = (Vec::new(), Vec::new(), Vec::new());
    let (mut number, mut num_runs, mut num_failed, mut next_sample) = (0, 0, 0, start);
    while start.elapsed() < length {
        if !window.state().is_running() {
            if let Some(loaded) = window.state().loaded() {
                num_runs += loaded.runs.len();
                num_failed += loaded.runs.iter().filter(|run| run.summary.error.is_some()).count();
            }
            // Between two sweeps nothing of one is left: handles and threads are counted here.
            idle.push(Sample::now());
            fs::read_dir(folder.path()).unwrap().flatten().for_each(|old| drop(fs::remove_dir_all(old.path())));
            window.state_mut().setup_mut().plan = plan(number);
            number += 1;
            window.step();
            window.state_mut().ask(Command::Run);
            window.step();
        }
        window.state_mut().ask(Command::Show(View::ALL[(start.elapsed().as_secs() / 7) as usize % 4]));
        let begun = Instant::now();
        window.step();
        let took = begun.elapsed();
        frames_ms.push(took.as_secs_f64() * 1e3);
        if begun >= next_sample {
            samples.push(Sample::now());
            next_sample += SAMPLE_EVERY;
        }
        std::thread::sleep(FRAME_EVERY.saturating_sub(took));
    }
    frames_ms.sort_unstable_by(f64::total_cmp);
    let p99_ms = frames_ms[frames_ms.len() * 99 / 100];
    let third = |which: usize| &samples[which * samples.len() / 3..(which + 1) * samples.len() / 3];
    let [_, second, last] = [0, 1, 2].map(|which| median(third(which), |sample| sample.memory_kib));
    let growth = last as f64 / second as f64;
    let idle_third = |which: usize| &idle[which * idle.len() / 3..(which + 1) * idle.len() / 3];
    let of_idle = |of: fn(&Sample) -> u64| [1, 2].map(|which| median(idle_third(which), of));
    let handles = of_idle(|sample| sample.num_handles as u64);
    let threads = of_idle(|sample| sample.num_threads as u64);
    let children = idle.last().map_or(0, |sample| sample.num_children);
    println!(
        "{number} sweeps, {num_runs} runs, {num_failed} failed; memory, second and last third: {} and {} MiB ({growth:.3}); \
         handles between sweeps: {} and {}; threads: {} and {}; processes left at the end: {children}; \
         {} frames of the window, p50 {:.2} ms, p99 {p99_ms:.2} ms, longest {:.1} ms",
        second / 1024,
        last / 1024,
        handles[0],
        handles[1],
        threads[0],
        threads[1],
        frames_ms.len(),
        frames_ms[frames_ms.len() / 2],
        frames_ms[frames_ms.len() - 1],
    );
    let is_good =
        growth <= MOST_GROWTH && handles[1] <= handles[0] && threads[1] <= threads[0] && p99_ms <= MOST_FRAME_MS;
    ExitCode::from(u8::from(!is_good))
}
