//! The words of `inflight sweep` and of `inflight calibrate`, and the plan they make. Does nothing.

use std::path::PathBuf;

use clap::Args;

use super::args::CodingArgs;
use crate::bench::calibrate::CALIBRATION_PAIRS;
use crate::contract::{Codec, LockPlacement};
use crate::plan::{Baseline, Plan, Until};

/// `inflight sweep`
#[derive(Debug, Args)]
pub struct SweepArgs {
    #[command(flatten)]
    pub coding: CodingArgs,
    /// Codecs, separated by commas: h264, hevc, av1
    #[arg(long, value_delimiter = ',', default_value = "h264")]
    pub codec: Vec<Codec>,
    /// Frames of each run; a shorter clip ends the run earlier
    #[arg(long, default_value_t = 300)]
    pub frames: u64,
    /// Reap thresholds, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "1,2,4,8")]
    pub reap_threshold: Vec<u32>,
    /// Lock placements, separated by commas: inline, thread, poll
    #[arg(long, value_delimiter = ',', default_value = "inline")]
    pub lock: Vec<LockPlacement>,
    /// Runs of each case made first and not counted
    #[arg(long, default_value_t = 2)]
    pub warmup: u32,
    /// Counted runs of each case; typed with --plan, it also takes the place of the plan's --until
    #[arg(long, default_value_t = 9)]
    pub repeat: u32,
    /// More rounds than --repeat, until the 95 % interval of the wall time's change reaches no farther than this from its
    /// middle
    #[arg(long, value_name = "±PERCENT", value_parser = half_width)]
    pub until: Option<f64>,
    /// Counted runs of each case at most, with --until
    #[arg(long, default_value_t = 60)]
    pub max_repeat: u32,
    /// Rounds made afterwards of what the others recommend and its rival alone; 0: none
    #[arg(long, default_value_t = 6, value_name = "ROUNDS")]
    pub confirm: u32,
    /// Also run another program on the same frames and device, in the same rounds, and every cell as a process of its
    /// own beside it: ffmpeg, or ffmpeg:"-delay 0" with output options of its own; may be given several times
    #[arg(long, value_name = "ffmpeg[:OPTIONS]")]
    pub baseline: Vec<Baseline>,
    /// Count and decode what the processes of --baseline wrote, with ffprobe
    #[arg(long)]
    pub verify: bool,
    /// Start from a plan in a file, or from that of a session; other options given change it
    #[arg(long, value_name = "FILE.json|SESSION")]
    pub plan: Option<PathBuf>,
    /// Write the plan to a file, say what it comes to, and measure nothing
    #[arg(long, value_name = "FILE.json")]
    pub save_plan: Option<PathBuf>,
    /// Say what the plan comes to, and measure nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Session folder to make; default: output/sweep-DATE-TIME
    #[arg(long)]
    pub session: Option<PathBuf>,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// `inflight calibrate`
#[derive(Debug, Args)]
pub struct CalibrateArgs {
    #[command(flatten)]
    pub sweep: SweepArgs,
    /// Pairs of runs of each case against itself
    #[arg(long, default_value_t = CALIBRATION_PAIRS)]
    pub pairs: u32,
    /// Also measure what it costs to watch: the window against the command line, in turns
    #[cfg(feature = "gui")]
    #[arg(long)]
    pub watching: bool,
}

/// "±1%", "1 %", "1".
fn half_width(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_start_matches(['±', '+', '-']).trim_end_matches('%').trim();
    number.parse().map_err(|_| format!("'{text}' is no percentage: write for example ±1%"))
}

impl SweepArgs {
    fn until(&self) -> Option<Until> {
        self.until.map(|half_width_pct| Until { half_width_pct, max_repeat: self.max_repeat })
    }

    /// The whole plan.
    pub fn plan(&self, suggested_host_work_us: u32) -> Plan {
        Plan {
            codecs: self.codec.clone(),
            frames: self.frames,
            reap_thresholds: self.reap_threshold.clone(),
            locks: self.lock.clone(),
            warmup: self.warmup,
            repeat: self.repeat,
            until: self.until(),
            confirm: self.confirm,
            baselines: self.baseline.clone(),
            verify: self.verify,
            // Another program cannot be made to do the modelled caller's work, so nobody does it.
            ..self.coding.plan(if self.baseline.is_empty() { suggested_host_work_us } else { 0 })
        }
    }

    /// `base` with everything changed that was asked for in so many words; `is_given` knows options by their names.
    pub fn changed(&self, base: Plan, is_given: impl Fn(&str) -> bool) -> Plan {
        let (own, coding, rate) = (self.plan(0), &self.coding, ["cbr", "vbr", "cqp", "bitrate_kbps"]);
        let mut plan = base;
        let mut take = |name: &str, change: &dyn Fn(&mut Plan)| {
            if is_given(name) {
                change(&mut plan);
            }
        };
        take("device", &|plan| plan.device.clone_from(&coding.device));
        take("input", &|plan| plan.input.clone_from(&coding.input));
        take("pool", &|plan| plan.pool = coding.pool);
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
        take("repeat", &|plan| (plan.repeat, plan.until) = (self.repeat, None));
        take("until", &|plan| plan.until = own.until);
        take("max_repeat", &|plan| {
            plan.until = plan.until.map(|until| Until { max_repeat: self.max_repeat, ..until });
        });
        take("confirm", &|plan| plan.confirm = self.confirm);
        take("baseline", &|plan| plan.baselines.clone_from(&self.baseline));
        take("verify", &|plan| plan.verify = self.verify);
        for name in rate {
            take(name, &|plan| plan.rate_control = own.rate_control);
        }
        plan
    }
}
