//! What the window costs: `cargo build --release && cargo run --release --example watching`, on a screen
//! (`xvfb-run -s '-screen 0 1280x800x24'` where there is none).
//!
//! The same sweep with and without the window that draws it, in turns (ABBA), on the virtual device at an interval of
//! 300 µs; then how long the window takes from the start of the process to its end right after the first frame, and
//! what it uses of a processor while nothing happens.

use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use inflight::plan::Plan;
use inflight::session::{Session, save_plan};
use inflight::stats::metrics::Metric;
use inflight::units;

const PLAN: &str = "plan.json";
const PAIRS: usize = 10;
const STARTS: usize = 11;
const IDLE: Duration = Duration::from_secs(10);
const HEADLESS: [&str; 3] = ["sweep", "--plan", PLAN];
const WATCHED: [&str; 5] = ["gui", "--plan", PLAN, "--then", "run"];
const QUIET: [&str; 5] = ["gui", "--plan", PLAN, "--then", "run-quiet"];
/// The clock of /proc/PID/stat, on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

fn main() -> Result<(), Box<dyn Error>> {
    let here = tempfile::tempdir()?;
    let window = Window { program: program()?, folder: here.path().to_owned() };
    let plan = Plan {
        device: "virtual:fixed,interval_us=300,latency_us=600".to_owned(),
        reap_thresholds: vec![4],
        frames: 3000,
        warmup: 1,
        repeat: 3,
        host_work_us: 0,
        ..Plan::default()
    };
    save_plan(&plan, &here.path().join(PLAN))?;
    for (name, watching) in [("watched", WATCHED), ("quiet mode", QUIET)] {
        let mut changes = Vec::new();
        for pair in 0..PAIRS {
            let (headless, watched) = if pair % 2 == 0 {
                let headless = window.wall_ms(&HEADLESS)?;
                (headless, window.wall_ms(&watching)?)
            } else {
                let watched = window.wall_ms(&watching)?;
                (window.wall_ms(&HEADLESS)?, watched)
            };
            let change_pct = 100.0 * (watched / headless - 1.0);
            println!(
                "pair {pair}: headless {}, {name} {} ({change_pct:+.2} %)",
                units::ms(headless),
                units::ms(watched)
            );
            changes.push(change_pct);
        }
        let middle = middle(&mut changes, |pct| format!("{pct:+.2} %"));
        println!("encode wall, {name} against headless, VIRTUAL device: {middle}");
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
    program: PathBuf,
    folder: PathBuf,
}

impl Window {
    fn command<I: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = I>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).current_dir(&self.folder).env("HOME", &self.folder).env("XDG_DATA_HOME", &self.folder);
        command.stdout(Stdio::null()).stderr(Stdio::inherit());
        command
    }

    /// The mean wall time of a run of the plan.
    fn wall_ms(&self, words: &[&str]) -> Result<f64, Box<dyn Error>> {
        let output = self.folder.join("output");
        must(self.command(words).status()?.success(), "a sweep failed; is there a screen? (xvfb-run)")?;
        let session = fs::read_dir(&output)?.flatten().map(|entry| entry.path()).next();
        let session = Session::open(session.as_deref().unwrap_or(&output))?;
        let wall = session.groups().first().and_then(|group| group.spread(Metric::WallMs)).map(|spread| spread.mean);
        fs::remove_dir_all(&output)?;
        Ok(wall.ok_or("a sweep has no good run")?)
    }

    fn start_ms(&self) -> Result<f64, Box<dyn Error>> {
        let begin = Instant::now();
        must(self.command(["gui", "--then", "close"]).status()?.success(), "the window did not open")?;
        Ok(begin.elapsed().as_secs_f64() * 1e3)
    }

    fn idle_pct(&self) -> Result<f64, Box<dyn Error>> {
        let mut window = self.command(["gui"]).spawn()?;
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
