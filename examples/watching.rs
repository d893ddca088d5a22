//! What the window costs: `cargo build --release && cargo run --release --example watching`, on a screen
//! (`xvfb-run -s '-screen 0 1280x800x24'` where there is none).
//!
//! The same sweep with and without the window that draws it, in turns (ABBA), on the virtual device at an interval of
//! 300 µs; then how long the window takes from the start of the process to its end right after the first frame, and
//! what it uses of a processor while nothing happens.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use inflight::contract::LockPlacement;
use inflight::measure::window_overhead::{Stage, Watching};
use inflight::plan::Plan;
use inflight::units;

const PAIRS: u32 = 10;
const STARTS: usize = 11;
const IDLE: Duration = Duration::from_secs(10);
/// The clock of /proc/PID/stat, on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

fn main() -> Result<(), Box<dyn Error>> {
    let here = tempfile::tempdir()?;
    let plan = Plan {
        device: "virtual:fixed,interval_us=300,latency_us=600".to_owned(),
        reap_thresholds: vec![4],
        locks: vec![LockPlacement::Inline],
        frames: 3000,
        warmup: 1,
        repeat: 3,
        looks: Vec::new(),
        confirm: 0,
        host_work_us: 0,
        ..Plan::default()
    };
    let window = Window { stage: Stage::new(program()?, here.path().to_owned(), &plan)? };
    for (name, watching) in [("watched", Watching::Drawing), ("quiet mode", Watching::Quiet)] {
        let cost = window.stage.cost(watching, PAIRS, |pair, headless, watched| {
            let change_pct = 100.0 * (watched / headless - 1.0);
            println!(
                "pair {pair}: headless {}, {name} {} ({change_pct:+.2} %)",
                units::ms(headless),
                units::ms(watched)
            );
        })?;
        let cost = cost.map_or_else(|| "no good runs".to_owned(), |cost| cost.to_string());
        println!("encode wall, {name} against headless, VIRTUAL device: {cost}");
    }
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(window.start_ms()?);
    }
    println!("start of the process to its end after the first frame: {}", middle(&mut starts, units::ms));
    println!("idle: {:.2} % of a processor over {IDLE:?}", window.idle_pct()?);
    Ok(())
}

struct Window {
    stage: Stage,
}

impl Window {
    fn start_ms(&self) -> Result<f64, Box<dyn Error>> {
        let begin = Instant::now();
        must(self.stage.command(["gui", "--then", "close"]).status()?.success(), "the window did not open")?;
        Ok(begin.elapsed().as_secs_f64() * 1e3)
    }

    fn idle_pct(&self) -> Result<f64, Box<dyn Error>> {
        let mut window = self.stage.command(["gui"]).spawn()?;
        // Opening is over long before; were it not, the figure would only be worse.
        std::thread::sleep(Duration::from_secs(5));
        let before = ticks(window.id());
        std::thread::sleep(IDLE);
        let after = ticks(window.id());
        window.kill()?;
        window.wait()?;
        Ok(100.0 * (after? - before?) / TICKS_PER_SECOND / IDLE.as_secs_f64())
    }
}

/// Processor time of a process and its threads, in ticks.
fn ticks(pid: u32) -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"))?;
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let field = |idx: usize| fields.get(idx).and_then(|ticks| ticks.parse::<f64>().ok()).ok_or("no such field");
    // utime and stime are the 14th and 15th, counted with the two before.
    Ok(field(11)? + field(12)?)
}

/// The program lies one folder above the examples.
fn program() -> Result<PathBuf, Box<dyn Error>> {
    let program = std::env::current_exe()?.with_file_name("../inflight");
    must(program.exists(), "build the program first: cargo build --release")?;
    Ok(program.canonicalize()?)
}

fn must(holds: bool, otherwise: &str) -> Result<(), Box<dyn Error>> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}

/// Median and extremes.
fn middle(values: &mut [f64], text: impl Fn(f64) -> String) -> String {
    values.sort_by(f64::total_cmp);
    let at = |idx: usize| values.get(idx).map_or_else(String::new, |value| text(*value));
    format!("median {}, {} to {} ({} times)", at(values.len() / 2), at(0), at(values.len() - 1), values.len())
}
