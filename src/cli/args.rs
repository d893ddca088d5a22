//! The command line: commands, options, defaults and help texts. Runs nothing.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::coding_args::{CodingArgs, DEVICE_HELP};
use super::driver_args::VirtualDriverArgs;
pub use super::sweep_args::{CalibrateArgs, SweepArgs};
use crate::contract::{Codec, EngineKind, LockPlacement};
use crate::plan::{DEFAULT_DEVICE, Plan};
use crate::source::InputSpec;

const EXIT_CODES: &str = "\
Exit codes:
  0    success; compare: all criteria met
  1    a run failed, or a file could not be read or written
  2    usage error: an invalid word, number or combination
  3    compare: a criterion is not met (with --fail-on inconclusive: also if inconclusive or not comparable);
       doctor --conformance: an answer differs from the virtual driver's
  4    compare: inconclusive or not comparable
  5    device or driver not available
  130  stopped by Ctrl-C; finished runs are saved";

/// Find out where an NVENC pipeline waits and how many frames it should keep in flight, and measure the gain.
#[derive(Debug, Parser)]
#[command(name = "inflight", version, after_help = EXIT_CODES, propagate_version = true)]
pub struct Cli {
    /// The command; without one the window opens (without the feature `gui`: a sweep with the defaults runs).
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Encode the input once and write the stream to a file
    Encode(EncodeArgs),
    /// Measure every combination of codec, reap threshold and lock placement several times, and save the runs as a session
    Sweep(SweepArgs),
    /// Measure this computer's noise floor for a plan; later comparisons use it as their margin
    Calibrate(CalibrateArgs),
    /// Compare two cases, of one session or of two, by the acceptance criteria
    Compare(CompareArgs),
    /// Write a report on a session
    Report(ReportArgs),
    /// Write the analysis and status pages of docs/status from a session
    Status(StatusArgs),
    /// Run another NVENC program on the virtual driver, or on the real one, and measure where it waits
    VirtualDriver(VirtualDriverArgs),
    /// Join sessions of several processes or computers into one, each as a block of it
    Merge(MergeArgs),
    /// Remove a temporary folder once the program that made it is gone
    #[command(hide = true)]
    Guard(GuardArgs),
    /// Make the runs that a sweep names on standard input
    #[command(hide = true)]
    Runs,
    /// Check what works on this computer, and say how to fix what does not
    Doctor(DoctorArgs),
    /// Ask a card what it does: times, queues, limits and answers, as one file that names no computer and no user
    Qualify(QualifyArgs),
    /// Ask a driver the questions of `doctor --conformance` with the words of one header
    #[command(hide = true)]
    AskDriver(AskDriverArgs),
    /// Open the window, optionally with sessions
    #[cfg(feature = "gui")]
    Gui(GuiArgs),
}

/// `inflight encode`
#[derive(Debug, Args)]
pub struct EncodeArgs {
    #[command(flatten)]
    pub coding: CodingArgs,
    /// Codec: h264, hevc or av1
    #[arg(long, default_value = "h264")]
    pub codec: Codec,
    /// Number of frames to encode (default: the whole input; 300 of the built-in pattern)
    #[arg(long)]
    pub frames: Option<u64>,
    /// Reap threshold T: with this many frames in flight, the oldest is reaped before the next is submitted; 1 with --lock
    /// inline is serial
    #[arg(long, default_value_t = 4)]
    pub reap_threshold: u32,
    /// Lock placement: inline (submitting thread), thread (a separate thread), ready (a separate thread that locks only finished frames) or poll (submitting thread, without blocking)
    #[arg(long, default_value = "thread")]
    pub lock: LockPlacement,
    /// Read the input file only once, while encoding (only for files that state their number of frames); the checksum of the
    /// input is then unknown
    #[arg(long)]
    pub one_pass: bool,
    /// File to write the elementary stream to
    #[arg(short, long)]
    pub output: PathBuf,
    /// Print the run's numbers as one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// The outcomes of `compare` that count as a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum FailOn {
    /// Exit with code 3 only where a criterion is known not to be met, and with 4 where it is inconclusive
    Fail,
    /// Exit with code 3 also where a criterion is inconclusive
    Inconclusive,
}

/// `inflight compare`
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Session folder of the before side; where it has several cases, choose one: SESSION:reap=1,lock=inline
    #[arg(long)]
    pub before: String,
    /// Session folder of the after side, in the same form as --before
    #[arg(long)]
    pub after: String,
    /// TOML file with criteria to use instead of the built-in ones
    #[arg(long, value_name = "FILE.toml")]
    pub criteria: Option<PathBuf>,
    #[command(flatten)]
    pub overrides: CriteriaArgs,
    /// Allow comparing a virtual device with a real one
    #[arg(long)]
    pub allow_virtual_against_real: bool,
    /// Allow different inputs
    #[arg(long)]
    pub allow_different_input: bool,
    /// Allow the two sides to differ in driver, processor, build and all settings
    #[arg(long)]
    pub allow_different_settings: bool,
    /// Which outcomes make the program exit with code 3
    #[arg(long, value_enum, default_value = "fail")]
    pub fail_on: FailOn,
    /// Also write the report to this file, with its figures and an HTML page beside it
    #[arg(long, value_name = "FILE.md")]
    pub report: Option<PathBuf>,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// Overrides of single criteria.
#[derive(Debug, Args)]
pub struct CriteriaArgs {
    /// Percentage by which the wall time must fall; a negative value allows it to grow (default: 5)
    #[arg(long, value_name = "PERCENT")]
    pub min_wall_improvement: Option<f64>,
    /// Percentage by which lock_ms must fall; -inf turns the criterion off (default: 20)
    #[arg(long, value_name = "PERCENT")]
    pub min_lock_improvement: Option<f64>,
    /// Number of frames in flight that queue_peak must reach (default: 2)
    #[arg(long, value_name = "FRAMES")]
    pub min_queue_peak: Option<u32>,
    /// Percentage by which latency p99 ÷ throughput may grow; p95 for runs of fewer than 1,000 frames (default: 25)
    #[arg(long, value_name = "PERCENT")]
    pub max_latency_growth: Option<f64>,
    /// Assumed drift between two sessions, in percent; smaller changes between sessions are inconclusive (default: 3)
    #[arg(long, value_name = "PERCENT")]
    pub session_drift: Option<f64>,
}

/// `inflight report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Session folder
    pub session: PathBuf,
    /// File to write the report to (default: output/benchmark-nv-precise-CODEC-DATE-TIME.md)
    #[arg(short, long, value_name = "FILE.md")]
    pub output: Option<PathBuf>,
    /// Print the whole analysis as one JSON object instead of writing a report
    #[arg(long)]
    pub json: bool,
    /// Also write a CSV file with one line per run
    #[arg(long, value_name = "FILE.csv")]
    pub runs_csv: Option<PathBuf>,
    /// Also write a CSV file with one line per frame
    #[arg(long, value_name = "FILE.csv")]
    pub frames_csv: Option<PathBuf>,
    /// Also write the timeline of one run for chrome://tracing or Perfetto
    #[arg(long, value_name = "FILE.json")]
    pub trace: Option<PathBuf>,
    /// Number of the run that --trace writes, in the order of measuring (default: the last run)
    #[arg(long, requires = "trace")]
    pub trace_run: Option<u32>,
}

/// `inflight merge`
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// Session folders with the same cases, settings, input and kind of device
    #[arg(required = true, num_args = 2.., value_name = "SESSION")]
    pub sessions: Vec<PathBuf>,
    /// Session folder to create
    #[arg(long, value_name = "SESSION")]
    pub into: PathBuf,
}

/// `inflight status`
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Session folder
    pub session: PathBuf,
    /// Folder to write the pages to
    #[arg(long, default_value = "docs/status")]
    pub into: PathBuf,
    /// Write only the page that compares other programs with this one (FFMPEG_NV_COMPARISON); needs a sweep with --baseline
    #[arg(long)]
    pub only_programs: bool,
}

/// `inflight guard`
#[derive(Debug, Args)]
pub struct GuardArgs {
    /// The folder
    pub folder: PathBuf,
}

/// `inflight doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Make valid and invalid NVENC API calls to a driver library (default: the installed driver), as programs built with the
    /// headers 11.1, 12.1 and 13.0 do, and compare its answers with the virtual driver's
    #[arg(long, value_name = "LIB", num_args = 0..=1)]
    pub conformance: Option<Option<PathBuf>>,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// `inflight qualify`
#[derive(Debug, Args)]
pub struct QualifyArgs {
    #[arg(long, default_value = DEFAULT_DEVICE, help = DEVICE_HELP)]
    pub device: String,
    /// Engine to ask: nvenc or nvdec
    #[arg(long, default_value = "nvenc")]
    pub engine: EngineKind,
    /// File to write (default: qualification.json, or the next free name)
    #[arg(long, value_name = "FILE.json")]
    pub out: Option<PathBuf>,
    /// Fewer presets and shorter runs: about a minute
    #[arg(long)]
    pub quick: bool,
}

/// `inflight ask-driver`
#[derive(Debug, Args)]
pub struct AskDriverArgs {
    /// Place of the header among all
    pub header: usize,
    /// Place of the first question among all
    pub from: usize,
    /// Driver library (default: the installed driver)
    pub library: Option<PathBuf>,
}

/// What the window does by itself, for measurements of the window.
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
    /// Session folders: the first is shown, the others are offered for comparison
    #[arg(value_name = "SESSION")]
    pub sessions: Vec<PathBuf>,
    /// Fill the form from a plan file, or from the plan of a session
    #[arg(long, value_name = "FILE.json|SESSION")]
    pub plan: Option<PathBuf>,
    /// Folder for sweeps and reports (default: output)
    #[arg(long, value_name = "FOLDER", hide = true)]
    pub folder: Option<PathBuf>,
    /// Action at the start: run or run-quiet (run the plan, then close), close (after the first frame)
    #[arg(long, hide = true)]
    pub then: Option<GuiThen>,
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
            // Every frame is in the output.
            preroll: Some(0),
            ..self.coding.plan(suggested_host_work_us)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::set_field::with_fields_set;
    use crate::contract::RateControl;
    use crate::measure::command::sweep_command;
    use crate::plan::{Goal, Until};

    /// An option that a plan knows and `changed` does not would be dropped without a word.
    #[test]
    fn every_option_of_a_plan_changes_a_plan() {
        let words = "inflight sweep --device cuda:1 --input a.y4m --codec hevc --reap-threshold 3 --lock thread \
                     --frames 7 --warmup 5 --repeat 6 --blocks 2 --preset p3 --tuning hq --pool 9 --gop 50 --b-frames 1 --pace 25 \
                     --preload-mib 3 --streams 3 --no-telemetry --lock-clocks 1500 --baseline ffmpeg --verify --until ±1% --max-repeat 40 --confirm 3 --live 25 --vbr --bitrate-kbps 5 --max-bitrate-kbps 9";
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
            ![
                "help",
                "version",
                "plan",
                "set",
                "save_plan",
                "allow_from_plan",
                "resume",
                "dry_run",
                "session",
                "json",
                "max_bitrate_kbps",
                "until_misses",
            ]
            .contains(&name)
        };
        let options = sweep.get_arguments().map(|option| option.get_id().as_str()).filter(|name| is_of_plan(name));
        for option in options {
            assert!(asked.contains(option), "--{option}");
        }
    }

    #[test]
    fn the_short_help_of_a_sweep_fits_on_a_screen() {
        let mut known = Cli::command();
        let sweep = known.find_subcommand_mut("sweep").unwrap();
        let num_options = |help: String| help.lines().filter(|line| line.trim_start().starts_with('-')).count();
        let short = num_options(sweep.render_help().to_string());
        let long = num_options(sweep.render_long_help().to_string());
        assert!((10..=15).contains(&short) && long > short, "{short} of {long}");
    }

    #[test]
    fn a_plan_written_as_a_command_is_read_back_as_the_same_plan() {
        let paced = Plan { pace_fps: Some(59.94), pools: vec![20], gop_length: Some(30), ..Plan::default() };
        let codecs = vec![Codec::H264, Codec::Hevc];
        let cqp = Plan { codecs, rate_control: RateControl::Cqp { qp: 23 }, host_work_us: 175, ..Plan::default() };
        let vbr = RateControl::Vbr { bitrate_bps: 5_000_000, max_bitrate_bps: 8_000_000 };
        let vbr = Plan { rate_control: vbr, b_frames: 2, preload_mib: 16, ..Plan::default() };
        let baselines = vec!["ffmpeg".parse().unwrap(), "ffmpeg:-rc-lookahead=20".parse().unwrap()];
        let until = Some(Until { half_width_pct: 0.5, max_repeat: 30 });
        let beside = Plan { baselines, verify: true, until, looks: vec![], confirm: 0, ..Plan::default() };
        let fixed = Plan { repeat: 7, looks: vec![], ..Plan::default() };
        let blocks = Plan { blocks: 5, repeat: 7, looks: vec![], ..Plan::default() };
        let looking = Plan { repeat: 8, looks: vec![16], ..Plan::default() };
        let live = Plan { goal: Goal::Live { budget_ms: Some(25.0) }, pace_fps: Some(60.0), ..Plan::default() };
        for plan in [Plan::default(), paced, cqp, vbr, beside, fixed, blocks, looking, live] {
            let command = sweep_command(&plan);
            let Some(Command::Sweep(args)) = Cli::try_parse_from(command.split(' ')).unwrap().command else {
                panic!("{command}")
            };
            assert_eq!(with_fields_set(args.plan(0), &args.coding.set).unwrap(), plan, "{command}");
        }
    }
}
