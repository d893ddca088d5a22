//! The command line's words: what can be asked for, its defaults and its help. Does nothing.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::driver_args::VirtualDriverArgs;
pub use super::sweep_args::{CalibrateArgs, SweepArgs};
use crate::contract::{Codec, LockPlacement, Preset, RateControl, TuningInfo};
use crate::plan::{DEFAULT_DEVICE, Plan};
use crate::source::InputSpec;

const EXIT_CODES: &str = "\
Exit codes:
  0    done; compare: all criteria met
  1    a run failed, or something could not be read or written
  2    usage: a wrong word, number or combination
  3    compare: criteria not met (with --fail-on inconclusive also: not known to be met)
  4    compare: inconclusive, the runs do not say
  5    device or driver not available
  130  stopped by Ctrl-C; what was finished is saved";

const INPUT_HELP: &str = "\
Frames to encode: synthetic[:WxH@FPS] (built-in pattern), a Y4M file, raw:FORMAT:WxH@FPS:FILE (nv12, i420, argb), \
- (Y4M on standard input), or any media file (needs an installed ffmpeg)";

const DEVICE_HELP: &str = "\
virtual (no GPU needed), virtual:PROFILE, virtual:key=value,… , cuda:N, or a path to a driver library; \
inflight doctor lists what is there";

/// See where an NVENC pipeline waits, tune how many pictures it keeps in flight, prove the difference.
#[derive(Debug, Parser)]
#[command(name = "inflight", version, after_help = EXIT_CODES, propagate_version = true)]
pub struct Cli {
    /// What to do; without it the window opens (without the feature `gui`: a sweep with the defaults).
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Encode once and write the stream to a file
    Encode(EncodeArgs),
    /// Measure every combination of codec, threshold and lock placement, several times, into a session folder
    Sweep(SweepArgs),
    /// Measure what this machine shows between two equal things, for the plan at hand: the margin of later comparisons
    Calibrate(CalibrateArgs),
    /// Judge after against before by the criteria
    Compare(CompareArgs),
    /// Write the report of a session
    Report(ReportArgs),
    /// Write docs/status from a session: the analysis and the status page
    Status(StatusArgs),
    /// Run another NVENC program on the virtual driver, or on the real one, and see what it does with it
    VirtualDriver(VirtualDriverArgs),
    /// Say what works on this machine, and what to do about what does not
    Doctor(DoctorArgs),
    /// Open the window, on sessions if any are named
    #[cfg(feature = "gui")]
    Gui(GuiArgs),
}

/// What encode and sweep share.
#[derive(Debug, Args)]
pub struct CodingArgs {
    #[arg(long, default_value = DEFAULT_DEVICE, help = DEVICE_HELP)]
    pub device: String,
    #[arg(long, default_value = "synthetic", help = INPUT_HELP)]
    pub input: String,
    /// Buffer pairs; default: as many as the threshold needs
    #[arg(long)]
    pub pool: Option<u32>,
    /// NVENC preset, p1 (fastest) to p7
    #[arg(long, default_value = "p1")]
    pub preset: Preset,
    /// NVENC tuning: ull, ll or hq
    #[arg(long, default_value = "ull")]
    pub tuning: TuningInfo,
    #[command(flatten)]
    pub rate: RateArgs,
    /// Pictures from one IDR to the next; default: only the first is one, with B pictures every 250th
    #[arg(long)]
    pub gop: Option<u32>,
    /// B pictures between references
    #[arg(long, default_value_t = 0)]
    pub b_frames: u32,
    /// The caller's own work before each frame, in microseconds of busy processor; default: what the device's profile models
    #[arg(long, conflicts_with = "pace")]
    pub host_work_us: Option<u32>,
    /// Real-time source: frames become available at this rate
    #[arg(long, value_name = "FPS")]
    pub pace: Option<f64>,
    /// Input above this many MiB is read by a thread that runs ahead, instead of being in memory before the clock starts
    #[arg(long, default_value_t = 2048)]
    pub preload_mib: u32,
}

/// How bits are spent.
#[derive(Debug, Args)]
pub struct RateArgs {
    /// Constant bit rate at --bitrate-kbps
    #[arg(long, requires = "bitrate_kbps", conflicts_with_all = ["vbr", "cqp"])]
    pub cbr: bool,
    /// Variable bit rate around --bitrate-kbps
    #[arg(long, requires = "bitrate_kbps", conflicts_with = "cqp")]
    pub vbr: bool,
    /// Constant quantiser
    #[arg(long, value_name = "QP", conflicts_with_all = ["bitrate_kbps", "max_bitrate_kbps"])]
    pub cqp: Option<u32>,
    /// Target in kbit/s; alone it means --cbr
    #[arg(long)]
    pub bitrate_kbps: Option<u32>,
    /// Peak in kbit/s for --vbr; default: twice the target
    #[arg(long, requires = "vbr")]
    pub max_bitrate_kbps: Option<u32>,
}

/// `inflight encode`
#[derive(Debug, Args)]
pub struct EncodeArgs {
    #[command(flatten)]
    pub coding: CodingArgs,
    /// h264, hevc or av1
    #[arg(long, default_value = "h264")]
    pub codec: Codec,
    /// Frames to encode; default: the whole input (300 of the built-in pattern)
    #[arg(long)]
    pub frames: Option<u64>,
    /// Pictures in flight at which the oldest is taken back; 1 is serial
    #[arg(long, default_value_t = 4)]
    pub reap_threshold: u32,
    /// Who locks: inline, thread or poll
    #[arg(long, default_value = "thread")]
    pub lock: LockPlacement,
    /// Read a file that says how many frames it has only once, while encoding, instead of looking it through before; its
    /// digest is then not known
    #[arg(long)]
    pub one_pass: bool,
    /// Where the elementary stream goes
    #[arg(short, long)]
    pub output: PathBuf,
    /// Print one JSON object with the run's numbers on standard output
    #[arg(long)]
    pub json: bool,
}

/// What `compare` calls a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum FailOn {
    /// Exit code 3 only for what is known not to be met; 4 for what is open
    Fail,
    /// Exit code 3 also for what is open
    Inconclusive,
}

/// `inflight compare`
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Session folder, with a choice of cases where it holds several: SESSION:reap=1,lock=inline
    #[arg(long)]
    pub before: String,
    /// As --before
    #[arg(long)]
    pub after: String,
    /// Criteria as a TOML file instead of the built-in set
    #[arg(long, value_name = "FILE.toml")]
    pub criteria: Option<PathBuf>,
    #[command(flatten)]
    pub overrides: CriteriaArgs,
    /// Compare although one side is virtual and the other is not
    #[arg(long)]
    pub allow_virtual_against_real: bool,
    /// Compare although the inputs differ
    #[arg(long)]
    pub allow_different_input: bool,
    /// Judge although settings differ that are not the threshold, the lock placement or the pool, or driver, processor or build
    #[arg(long)]
    pub allow_different_settings: bool,
    /// What leaves with exit code 3
    #[arg(long, value_enum, default_value = "fail")]
    pub fail_on: FailOn,
    /// Also write the report here (figures beside it)
    #[arg(long, value_name = "FILE.md")]
    pub report: Option<PathBuf>,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// Single criteria, changed.
#[derive(Debug, Args)]
pub struct CriteriaArgs {
    /// The encode wall time must improve by at least this; below 0: may grow by so much (built in: 5)
    #[arg(long, value_name = "PERCENT")]
    pub min_wall_improvement: Option<f64>,
    /// lock_ms must improve by at least this; -inf: not asked (built in: 20)
    #[arg(long, value_name = "PERCENT")]
    pub min_lock_improvement: Option<f64>,
    /// queue_peak must reach at least this (built in: 2)
    #[arg(long, value_name = "PICTURES")]
    pub min_queue_peak: Option<u32>,
    /// Latency p99 may grow by the gain in throughput and this much beyond (built in: 25)
    #[arg(long, value_name = "PERCENT")]
    pub max_latency_growth: Option<f64>,
    /// Two sessions of one and the same thing may lie so far apart; what decides between sides of two sessions has to stand
    /// against that (built in: 3)
    #[arg(long, value_name = "PERCENT")]
    pub session_drift: Option<f64>,
}

/// `inflight report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Session folder
    pub session: PathBuf,
    /// Where to write; default: output/benchmark-nv-precise-CODEC-DATE-TIME.md
    #[arg(short, long, value_name = "FILE.md")]
    pub output: Option<PathBuf>,
    /// Print the whole analysis as one JSON object instead of writing a report
    #[arg(long)]
    pub json: bool,
    /// Also write one line a run as CSV
    #[arg(long, value_name = "FILE.csv")]
    pub runs_csv: Option<PathBuf>,
    /// Also write one line a frame as CSV
    #[arg(long, value_name = "FILE.csv")]
    pub frames_csv: Option<PathBuf>,
    /// Also write one run's timeline for chrome://tracing or Perfetto (see --trace-run)
    #[arg(long, value_name = "FILE.json")]
    pub trace: Option<PathBuf>,
    /// Which run --trace draws, by its order index; default: the last one
    #[arg(long, requires = "trace")]
    pub trace_run: Option<u32>,
}

/// `inflight status`
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Session folder
    pub session: PathBuf,
    /// Folder to write into
    #[arg(long, default_value = "docs/status")]
    pub into: PathBuf,
    /// Only the page that sets other programs against this one (FFMPEG_NV_COMPARISON), of a sweep with --baseline
    #[arg(long)]
    pub only_programs: bool,
}

/// `inflight doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// For those who measure the window.
#[cfg(feature = "gui")]
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum GuiThen {
    Run,
    RunQuiet,
    Close,
}

/// `inflight gui`
#[cfg(feature = "gui")]
#[derive(Debug, Default, Args)]
pub struct GuiArgs {
    /// Session folders: the first is shown, the others are at hand to compare with
    #[arg(value_name = "SESSION")]
    pub sessions: Vec<PathBuf>,
    /// Fill the form from a plan in a file, or from that of a session
    #[arg(long, value_name = "FILE.json|SESSION")]
    pub plan: Option<PathBuf>,
    /// Where its sweeps and reports go; default: output
    #[arg(long, value_name = "FOLDER", hide = true)]
    pub folder: Option<PathBuf>,
    /// What the window does by itself: run or run-quiet (the plan, then close), close (after the first frame)
    #[arg(long, hide = true)]
    pub then: Option<GuiThen>,
}

impl RateArgs {
    pub(super) fn rate_control(&self) -> RateControl {
        let bps = |kbps: u32| kbps.saturating_mul(1000);
        match (self.cqp, self.bitrate_kbps) {
            (Some(qp), _) => RateControl::Cqp { qp },
            (None, Some(kbps)) if self.vbr => RateControl::Vbr {
                bitrate_bps: bps(kbps),
                max_bitrate_bps: bps(self.max_bitrate_kbps.unwrap_or(kbps.saturating_mul(2))),
            },
            (None, Some(kbps)) => RateControl::Cbr { bitrate_bps: bps(kbps) },
            (None, None) => RateControl::Preset,
        }
    }
}

impl CodingArgs {
    /// The plan's part that encode and sweep share; `suggested_host_work_us` is the device's.
    pub fn plan(&self, suggested_host_work_us: u32) -> Plan {
        let modelled_work = if self.pace.is_some() { 0 } else { suggested_host_work_us };
        Plan {
            device: self.device.clone(),
            input: self.input.clone(),
            pool: self.pool,
            preset: self.preset,
            tuning: self.tuning,
            rate_control: self.rate.rate_control(),
            gop_length: self.gop,
            b_frames: self.b_frames,
            host_work_us: self.host_work_us.unwrap_or(modelled_work),
            pace_fps: self.pace,
            preload_mib: self.preload_mib,
            ..Plan::default()
        }
    }
}

impl EncodeArgs {
    /// A plan of one counted run.
    pub fn plan(&self, suggested_host_work_us: u32) -> Plan {
        let endless = matches!(self.coding.input.parse(), Ok(InputSpec::Synthetic { .. }));
        let whole = if endless { 300 } else { u64::MAX };
        Plan {
            codecs: vec![self.codec],
            frames: self.frames.unwrap_or(whole),
            reap_thresholds: vec![self.reap_threshold],
            locks: vec![self.lock],
            warmup: 0,
            repeat: 1,
            confirm: 0,
            ..self.coding.plan(suggested_host_work_us)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::bench::command::sweep_command;
    use crate::plan::{Goal, Until};

    /// An option that a plan knows and `changed` does not would be dropped without a word.
    #[test]
    fn every_option_of_a_plan_changes_a_plan() {
        let words = "inflight sweep --device cuda:1 --input a.y4m --codec hevc --reap-threshold 3 --lock thread \
                     --frames 7 --warmup 5 --repeat 6 --preset p3 --tuning hq --pool 9 --gop 50 --b-frames 1 --pace 25 \
                     --preload-mib 3 --baseline ffmpeg --verify --until ±1% --max-repeat 40 --confirm 3 --live 25 --vbr --bitrate-kbps 5 --max-bitrate-kbps 9";
        let Some(Command::Sweep(args)) = Cli::try_parse_from(words.split_whitespace()).unwrap().command else {
            panic!("no sweep")
        };
        assert_eq!(args.changed(Plan::default(), |_| true), args.plan(0));
        assert_eq!(args.changed(Plan::default(), |_| false), Plan::default());
        let known = Cli::command();
        let sweep = known.find_subcommand("sweep").unwrap();
        let mut asked = std::collections::BTreeSet::new();
        let asked_for = std::cell::RefCell::new(&mut asked);
        args.changed(Plan::default(), |name| {
            asked_for.borrow_mut().insert(name.to_owned());
            false
        });
        let is_of_plan = |name: &str| {
            !["help", "version", "plan", "set", "save_plan", "dry_run", "session", "json", "max_bitrate_kbps"]
                .contains(&name)
        };
        let options = sweep.get_arguments().map(|option| option.get_id().as_str()).filter(|name| is_of_plan(name));
        for option in options {
            assert!(asked.contains(option), "--{option}");
        }
    }

    #[test]
    fn a_plan_written_as_a_command_is_read_back_as_the_same_plan() {
        let paced = Plan { pace_fps: Some(59.94), pool: Some(20), gop_length: Some(30), ..Plan::default() };
        let codecs = vec![Codec::H264, Codec::Hevc];
        let cqp = Plan { codecs, rate_control: RateControl::Cqp { qp: 23 }, host_work_us: 175, ..Plan::default() };
        let vbr = RateControl::Vbr { bitrate_bps: 5_000_000, max_bitrate_bps: 8_000_000 };
        let vbr = Plan { rate_control: vbr, b_frames: 2, preload_mib: 16, ..Plan::default() };
        let baselines = vec!["ffmpeg".parse().unwrap(), "ffmpeg:-rc-lookahead=20".parse().unwrap()];
        let until = Some(Until { half_width_pct: 0.5, max_repeat: 30 });
        let beside = Plan { baselines, verify: true, until, looks: vec![], confirm: 0, ..Plan::default() };
        let fixed = Plan { repeat: 7, looks: vec![], ..Plan::default() };
        let looking = Plan { repeat: 8, looks: vec![16], ..Plan::default() };
        let live = Plan { goal: Goal::Live { budget_ms: Some(25.0) }, pace_fps: Some(60.0), ..Plan::default() };
        for plan in [Plan::default(), paced, cqp, vbr, beside, fixed, looking, live] {
            let command = sweep_command(&plan);
            let Some(Command::Sweep(args)) = Cli::try_parse_from(command.split(' ')).unwrap().command else {
                panic!("{command}")
            };
            assert_eq!(args.with_fields_set(args.plan(0)).unwrap(), plan, "{command}");
        }
    }
}
