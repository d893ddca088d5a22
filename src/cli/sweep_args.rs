//! The options of `inflight sweep` and `inflight calibrate`, and the plan that they make. Runs nothing.

use std::path::PathBuf;

use clap::Args;

use super::coding_args::CodingArgs;
use crate::contract::{Codec, EngineKind, LockPlacement};
use crate::measure::calibrate::CALIBRATION_PAIRS;
use crate::plan::{Baseline, DECODE_THRESHOLDS, Goal, Plan, Until};

/// `inflight sweep`
#[derive(Debug, Args)]
pub struct SweepArgs {
    #[command(flatten)]
    pub coding: CodingArgs,
    /// Engine to measure: nvenc (encoder), nvdec (decoder; --input names a compressed clip), or transcode (one into the other)
    #[arg(long, default_value = "nvenc", hide_short_help = true)]
    pub engine: EngineKind,
    /// Codecs, comma-separated: h264, hevc, av1
    #[arg(long, value_delimiter = ',', default_value = "h264")]
    pub codec: Vec<Codec>,
    /// Frames per run; a shorter clip ends the run earlier
    #[arg(long, default_value_t = 300)]
    pub frames: u64,
    /// Reap thresholds T (most frames in flight), comma-separated; 1 with --lock inline is serial
    #[arg(long, value_delimiter = ',', default_value = "1,2,4,8")]
    pub reap_threshold: Vec<u32>,
    /// Lock placements, comma-separated: inline (submitting thread), thread (a separate thread), ready (a separate thread, finished frames only), poll (without blocking)
    #[arg(long, value_delimiter = ',', default_value = "inline,thread")]
    pub lock: Vec<LockPlacement>,
    /// Warm-up runs per case; they are not counted
    #[arg(long, default_value_t = 2, hide_short_help = true)]
    pub warmup: u32,
    /// Number of counted runs per case (default: 10; cases that are still undecided continue to 20 and then to 40)
    #[arg(long, value_name = "ROUNDS")]
    pub repeat: Option<u32>,
    /// Repeat the sweep in this many processes, one after the other, to measure how far processes differ; each makes --repeat
    /// rounds (default: 10)
    #[arg(long, default_value_t = 1, hide_short_help = true)]
    pub blocks: u32,
    /// Add rounds until the 95 % interval of the change in wall time is at most ± this many percentage points
    #[arg(long, value_name = "±PERCENT", value_parser = half_width, hide_short_help = true)]
    pub until: Option<f64>,
    /// Largest number of counted runs per case, with --until
    #[arg(long, default_value_t = 60, hide_short_help = true)]
    pub max_repeat: u32,
    /// Smallest number of confirmation rounds, which re-test the recommended case against its nearest competitors; 0: none
    #[arg(long, default_value_t = 6, value_name = "ROUNDS", hide_short_help = true)]
    pub confirm: u32,
    /// For a live source (with --pace): recommend the fastest setting whose latency p99 (p95 for runs of fewer than 1,000
    /// frames) stays within this many milliseconds (without a number: 1.5 frame intervals)
    #[arg(long, value_name = "MS", num_args = 0..=1, hide_short_help = true)]
    pub live: Option<Option<f64>>,
    /// In every round, also run ffmpeg on the same frames and device, and run every case once more as a separate process.
    /// Value: ffmpeg, or ffmpeg:"-delay 0" with output options; can be given several times
    #[arg(long, value_name = "ffmpeg[:OPTIONS]", hide_short_help = true)]
    pub baseline: Vec<Baseline>,
    /// Decode the output of the --baseline processes with ffprobe, and count its frames
    #[arg(long, hide_short_help = true)]
    pub verify: bool,
    /// Streams at once: so many sessions in one process. Several numbers are swept one after the other, and the report says how
    /// many streams the device carries
    #[arg(long, value_delimiter = ',', default_values_t = [1], hide_short_help = true)]
    pub streams: Vec<u32>,
    /// Raise the number of streams until they miss their pace or their latency budget (with --pace, and --live for a budget of your own)
    #[arg(long, hide_short_help = true)]
    pub until_misses: bool,
    /// Do not read the GPU's clocks, limits and power during runs, and do not bring its clock up before the first
    #[arg(long, hide_short_help = true)]
    pub no_telemetry: bool,
    /// Make the runs in this process, also with a driver that is not our own: if it crashes or hangs, so does the sweep
    #[arg(long, hide_short_help = true)]
    pub in_process: bool,
    /// Keep the GPU's clock at so many MHz during the sweep; usually only an administrator may
    #[arg(long, value_name = "MHZ", hide_short_help = true)]
    pub lock_clocks: Option<u32>,
    /// Start from a plan file, or from the plan of a session; other options override it
    #[arg(long, value_name = "FILE.json|SESSION")]
    pub plan: Option<PathBuf>,
    /// What a plan from a file may do beyond measuring: library (load a driver library), baseline (give options to FFmpeg)
    #[arg(long, value_name = "KINDS", value_delimiter = ',', hide_short_help = true)]
    pub allow_from_plan: Vec<Allowed>,
    /// Write the plan to a file, print its estimated duration and memory, and measure nothing
    #[arg(long, value_name = "FILE.json", hide_short_help = true)]
    pub save_plan: Option<PathBuf>,
    /// Print the plan's estimated duration and memory, and measure nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Session folder to create (default: output/sweep-DATE-TIME)
    #[arg(long)]
    pub session: Option<PathBuf>,
    /// Make the rest of a session that was stopped, killed or lost its device, after its last whole run
    #[arg(long, value_name = "SESSION", hide_short_help = true, conflicts_with_all = ["session", "plan", "set", "save_plan", "dry_run"])]
    pub resume: Option<PathBuf>,
    /// Print the result as one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// The words of `--allow-from-plan`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[allow(missing_docs, reason = "the option's help says it")]
pub enum Allowed {
    Library,
    Baseline,
}

/// `inflight calibrate`
#[derive(Debug, Args)]
pub struct CalibrateArgs {
    #[command(flatten)]
    pub sweep: SweepArgs,
    /// Pairs of runs per case; each pair compares the case with itself
    #[arg(long, default_value_t = CALIBRATION_PAIRS)]
    pub pairs: u32,
    /// Also measure how much the open window slows down a run, by alternating runs with and without it
    #[cfg(feature = "gui")]
    #[arg(long)]
    pub watching: bool,
}

/// "±1%", "1 %", "1".
fn half_width(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_start_matches(['±', '+', '-']).trim_end_matches('%').trim();
    number.parse().map_err(|_| format!("'{text}' is not a percentage: write for example ±1%"))
}

impl SweepArgs {
    fn until(&self) -> Option<Until> {
        self.until.map(|half_width_pct| Until { half_width_pct, max_repeat: self.max_repeat })
    }

    /// Only a transcode has them; `--set` says others.
    fn decode_reap_thresholds(&self) -> Vec<u32> {
        if self.engine == EngineKind::Transcode { DECODE_THRESHOLDS.to_vec() } else { Vec::new() }
    }

    fn goal(&self) -> Goal {
        self.live.map_or(Goal::Batch, |budget_ms| Goal::Live { budget_ms })
    }

    /// The whole plan, without the changes of `--set`.
    pub fn plan(&self, suggested_host_work_us: u32) -> Plan {
        let usual = Plan::default();
        // A fixed number of rounds, or rounds until a width, leave no further looks.
        let is_fixed = self.repeat.is_some() || self.until.is_some() || self.blocks > 1;
        let looks = if is_fixed { Vec::new() } else { usual.looks };
        Plan {
            engine: self.engine,
            decode_reap_thresholds: self.decode_reap_thresholds(),
            codecs: self.codec.clone(),
            frames: self.frames,
            reap_thresholds: self.reap_threshold.clone(),
            locks: self.lock.clone(),
            warmup: self.warmup,
            repeat: self.repeat.unwrap_or(usual.repeat),
            blocks: self.blocks,
            looks,
            goal: self.goal(),
            until: self.until(),
            confirm: self.confirm,
            streams: self.streams.first().copied().unwrap_or(1),
            telemetry: !self.no_telemetry,
            isolate: self.in_process.then_some(false),
            lock_clocks_mhz: self.lock_clocks,
            baselines: self.baseline.clone(),
            verify: self.verify,
            // Another program cannot be made to do the modelled caller's work, so nobody does it.
            ..self.coding.plan(if self.baseline.is_empty() { suggested_host_work_us } else { 0 })
        }
    }

    /// `base` with every option applied that was typed; `is_given` knows options by their names.
    pub fn changed(&self, base: Plan, is_given: impl Fn(&str) -> bool) -> Plan {
        let (own, coding, rate) = (self.plan(0), &self.coding, ["cbr", "vbr", "cqp", "bitrate_kbps"]);
        let mut plan = base;
        let mut take = |name: &str, change: &dyn Fn(&mut Plan)| {
            if is_given(name) {
                change(&mut plan);
            }
        };
        take("engine", &|plan| {
            plan.engine = self.engine;
            plan.decode_reap_thresholds = self.decode_reap_thresholds();
        });
        take("device", &|plan| plan.device.clone_from(&coding.device));
        take("input", &|plan| plan.input.clone_from(&coding.input));
        take("pool", &|plan| plan.pools.clone_from(&coding.pool));
        take("input_path", &|plan| plan.input_path = coding.input_path);
        take("preset", &|plan| plan.preset = coding.preset);
        take("tuning", &|plan| plan.tuning = coding.tuning);
        take("gop", &|plan| plan.gop_length = coding.gop);
        take("b_frames", &|plan| plan.b_frames = coding.b_frames);
        // A source with a pace of its own and a busy caller exclude each other: what was asked for last holds.
        take("host_work_us", &|plan| (plan.host_work_us, plan.pace_fps) = (own.host_work_us, None));
        take("pace", &|plan| (plan.host_work_us, plan.pace_fps) = (0, coding.pace));
        take("preload_mib", &|plan| plan.preload_mib = coding.preload_mib);
        take("codec", &|plan| plan.codecs.clone_from(&self.codec));
        take("frames", &|plan| plan.frames = self.frames);
        take("reap_threshold", &|plan| plan.reap_thresholds.clone_from(&self.reap_threshold));
        take("lock", &|plan| plan.locks.clone_from(&self.lock));
        take("warmup", &|plan| plan.warmup = self.warmup);
        // A fixed number of rounds is none that goes on until something is known.
        take("repeat", &|plan| (plan.repeat, plan.until, plan.looks) = (own.repeat, None, Vec::new()));
        take("blocks", &|plan| {
            plan.blocks = self.blocks;
            if self.blocks > 1 {
                plan.looks = Vec::new();
            }
        });
        take("until", &|plan| (plan.until, plan.looks) = (own.until, Vec::new()));
        take("live", &|plan| plan.goal = self.goal());
        take("max_repeat", &|plan| {
            plan.until = plan.until.map(|until| Until { max_repeat: self.max_repeat, ..until });
        });
        take("confirm", &|plan| plan.confirm = self.confirm);
        take("streams", &|plan| plan.streams = own.streams);
        take("no_telemetry", &|plan| plan.telemetry = !self.no_telemetry);
        take("in_process", &|plan| plan.isolate = own.isolate);
        take("lock_clocks", &|plan| plan.lock_clocks_mhz = self.lock_clocks);
        take("baseline", &|plan| plan.baselines.clone_from(&self.baseline));
        take("verify", &|plan| plan.verify = self.verify);
        for name in rate {
            take(name, &|plan| plan.rate_control = own.rate_control);
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What most people need fits on one screen; the rest is behind `--help` and `--set`.
    #[test]
    fn the_short_help_of_a_sweep_has_at_most_fifteen_options() {
        let mut sweep = SweepArgs::augment_args(clap::Command::new("sweep").version("0"));
        let help = sweep.render_help().to_string();
        let options = help.lines().filter(|line| line.trim_start().starts_with('-')).count();
        assert!((5..=15).contains(&options), "{options} options:\n{help}");
    }
}
