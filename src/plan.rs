//! The plan of a sweep: what to measure, whether it can be run, and the order of its runs.
//!
//! Knows no device and no clock. A plan is saved with the session it made and can be run again from there.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, reason = "numbers of files, which may be anything"))]

mod baseline;
mod coding;
mod criteria;
mod engine;
mod error;
mod rings;
mod runs;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::{
    BReference, Codec, Colour, EngineKind, InputPath, LockPlacement, Preset, RateControl, SplitEncoding, TuningInfo,
};
use crate::record::{Case, Client};
pub use baseline::{Baseline, BaselineError};
pub use criteria::{Criteria, CriteriaError};
pub use error::PlanError;
pub use runs::{PlannedRun, in_round};

/// One frame in a quarter of an hour. The time of a frame at a pace near 0 would not fit in a clock.
const MIN_PACE_FPS: f64 = 0.001;
const MAX_PACE_FPS: f64 = 100_000.0;
/// Threads, and each of them has a session.
const MAX_STREAMS: u32 = 256;
/// So many processes or more are a mistake of the hand.
const MAX_BLOCKS: u32 = 1001;

/// The modelled computer of the published measurements: anybody can run it, and it shows what frames in flight gain.
pub const DEFAULT_DEVICE: &str = "virtual:video-hw-2026-02";
/// The decoder's thresholds of a transcode, where nobody says which.
pub const DECODE_THRESHOLDS: [u32; 3] = [1, 2, 4];

/// A sweep: every combination of codec, threshold and lock placement, each `warmup + repeat` times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The engine to measure. A decoder's codec, size and rate are those of its clip, and settings of encoding do not count.
    #[serde(default, skip_serializing_if = "EngineKind::is_usual")]
    pub engine: EngineKind,
    /// Device, as on the command line: `virtual`, `virtual:ada`, `cuda:0`, the path of a library.
    pub device: String,
    /// Input, as on the command line: `synthetic`, a file, `raw:nv12:640x360@30:FILE`, `-`.
    pub input: String,
    /// Frames per run; a shorter clip ends the run earlier.
    pub frames: u64,
    /// Codecs to sweep.
    pub codecs: Vec<Codec>,
    /// Reap thresholds to sweep.
    pub reap_thresholds: Vec<u32>,
    /// Lock placements to sweep.
    pub locks: Vec<LockPlacement>,
    /// Numbers of buffer pairs to sweep; a case that one is too small for is left out. Empty: one number for all cases, which is
    /// enough for each ([`Plan::usual_pool`]), so that thresholds differ in nothing else.
    #[serde(default, alias = "pool", skip_serializing_if = "Vec::is_empty", deserialize_with = "rings::one_or_many")]
    pub pools: Vec<u32>,
    /// Frames that each run submits on its session before the clock starts; `None`: twice the largest pool. Sessions of older
    /// versions had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preroll: Option<u32>,
    /// How frames get to the encoder.
    #[serde(default, skip_serializing_if = "InputPath::is_driver")]
    pub input_path: InputPath,
    /// Reap thresholds of the decoder to sweep in a transcode, each with each of the encoder's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decode_reap_thresholds: Vec<u32>,
    /// The thread that takes frames back from the decoder of a transcode, and submits them to the encoder.
    #[serde(default, skip_serializing_if = "is_inline")]
    pub decode_lock: LockPlacement,
    /// NVENC preset.
    pub preset: Preset,
    /// NVENC tuning info.
    pub tuning: TuningInfo,
    /// Do several engines encode one frame? HEVC and AV1 only.
    #[serde(default, skip_serializing_if = "SplitEncoding::is_off")]
    pub split_encode: SplitEncoding,
    /// Rate control.
    pub rate_control: RateControl,
    /// Size of the rate control's buffer (VBV) in bits; `None`: the preset's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vbv_bits: Option<u32>,
    /// Frames from one IDR to the next; `None`: only the first frame is an IDR, or with B-frames every 250th.
    pub gop_length: Option<u32>,
    /// B-frames between two reference frames.
    pub b_frames: u32,
    /// Frames that the encoder looks ahead; `None`: as the preset does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookahead: Option<u16>,
    /// Which B-frames may others refer to? `None`: as the preset does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub b_reference: Option<BReference>,
    /// Frames from one intra refresh to the next, each of which takes all of them but one; needs an endless GOP without B-frames.
    /// `None`: as the preset does; 0: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intra_refresh: Option<u32>,
    /// What the stream says of its samples; `None`: what the input says of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<Colour>,
    /// The caller's own work before each frame, in microseconds of busy CPU.
    pub host_work_us: u32,
    /// Frame rate of a simulated live source: frames arrive at this rate.
    pub pace_fps: Option<f64>,
    /// Streams at once: so many sessions, each fed with the same frames by a thread of its own.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub streams: u32,
    /// Are the GPU's instruments read while a run is made (clocks, limits, power, temperature), 20 times a second?
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub telemetry: bool,
    /// Clock in MHz at which the GPU is kept during the sweep, where the user may; `None`: as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_clocks_mhz: Option<u32>,
    /// Are our runs made in a process of their own, which a driver may end or hang without ending the sweep? `None`: unless the driver
    /// is our own. Frames on standard input are always encoded in this process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolate: Option<bool>,
    /// How long a driver's call may take, in seconds, before the run fails and its process is ended; calls that make a device or an
    /// encoder ready may take twelve times as long. Only of isolated runs.
    #[serde(default = "usual_stall_limit", skip_serializing_if = "is_usual_stall_limit")]
    pub stall_limit_s: u32,
    /// Warm-up runs per case; they are not counted.
    pub warmup: u32,
    /// Counted runs per case and block; with `looks`, those before the first look.
    pub repeat: u32,
    /// How often the whole sweep is repeated, each time in a process of its own. What differs from process to process
    /// (where memory lies, what state the driver is in) is the same for all rounds of one process.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub blocks: u32,
    /// Looks at the data beyond the first, as counted runs per case: the sweep runs on to the next look with the cases that
    /// are undecided, and ends as soon as none is. The looks share the error of 5 %. Empty: exactly `repeat` runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looks: Vec<u32>,
    /// Seed of the random order within each round; `None`: not drawn yet. Sessions of older versions have none: their order
    /// was fixed (ABBA).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_seed: Option<u64>,
    /// Criteria for the recommended case compared with the serial one; a sweep with looks runs on until they are decided.
    #[serde(default, skip_serializing_if = "Criteria::is_usual")]
    pub criteria: Criteria,
    /// The purpose of the encoder.
    #[serde(default, skip_serializing_if = "Goal::is_batch")]
    pub goal: Goal,
    /// Rounds beyond `repeat`, until the change is known precisely enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Until>,
    /// Confirmation rounds: they re-test the recommended case against its nearest competitors, because the best of many looks
    /// better than it is. With looks this is the smallest number, and the measured scatter may require more. Made only if every
    /// case has at least 5 counted runs.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub confirm: u32,
    /// Is every decoded frame copied to host memory?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub copy_out: bool,
    /// Is a clip taken that breaks off or has damaged parts, with what can be decoded of it?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_damaged: bool,
    /// Largest input to load into memory before the clock starts, in MiB; a separate thread reads a larger one ahead.
    pub preload_mib: u32,
    /// Other programs that encode the same frames in the same rounds, each as a separate process; with any of them, every
    /// case also runs as a separate process.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub baselines: Vec<Baseline>,
    /// Does ffprobe decode the output of the processes and count its frames?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verify: bool,
}

/// The purpose of an encoder.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// The highest throughput; latency may grow as far as throughput does.
    #[default]
    Batch,
    /// A live source: the latency tail must stay within a budget.
    Live {
        /// In milliseconds; `None`: one and a half frame times.
        budget_ms: Option<f64>,
    },
}

impl Goal {
    /// Is throughput the only goal?
    pub fn is_batch(&self) -> bool {
        matches!(self, Self::Batch)
    }
}

fn is_inline(lock: &LockPlacement) -> bool {
    *lock == LockPlacement::Inline
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

fn yes() -> bool {
    true
}

fn is_yes(value: &bool) -> bool {
    *value
}

fn usual_stall_limit() -> u32 {
    5
}

fn is_usual_stall_limit(value: &u32) -> bool {
    *value == usual_stall_limit()
}

fn one() -> u32 {
    1
}

fn is_one(value: &u32) -> bool {
    *value == 1
}

/// When a sweep has enough rounds: at an interval width that is chosen beforehand, never at a welcome result.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Until {
    /// Largest half width of the 95 % interval of the change in wall time, in percentage points.
    pub half_width_pct: f64,
    /// Most counted runs per case.
    pub max_repeat: u32,
}

/// With fewer rounds there is no one-sided bound at 95 %.
pub const MIN_CONFIRM: u32 = 5;
/// More confirmation rounds than this are not made by themselves or advised, however much the runs scatter.
pub const MAX_CONFIRM: u32 = 60;

impl Default for Plan {
    /// 300 frames, thresholds 1, 2, 4 and 8, locked inline and on a thread; two warm-ups and ten counted runs per case, up to
    /// forty for undecided cases; six or more confirmation rounds.
    fn default() -> Self {
        Self {
            engine: EngineKind::Nvenc,
            device: DEFAULT_DEVICE.to_owned(),
            input: "synthetic".to_owned(),
            frames: 300,
            codecs: vec![Codec::H264],
            reap_thresholds: vec![1, 2, 4, 8],
            locks: vec![LockPlacement::Inline, LockPlacement::Thread],
            pools: Vec::new(),
            preroll: None,
            input_path: InputPath::Driver,
            decode_reap_thresholds: Vec::new(),
            decode_lock: LockPlacement::Inline,
            preset: Preset::default(),
            tuning: TuningInfo::default(),
            split_encode: SplitEncoding::Off,
            rate_control: RateControl::Preset,
            vbv_bits: None,
            gop_length: None,
            b_frames: 0,
            lookahead: None,
            b_reference: None,
            intra_refresh: None,
            colour: None,
            host_work_us: 0,
            pace_fps: None,
            streams: 1,
            telemetry: true,
            lock_clocks_mhz: None,
            isolate: None,
            stall_limit_s: usual_stall_limit(),
            warmup: 2,
            repeat: 10,
            blocks: 1,
            looks: vec![20, 40],
            order_seed: None,
            criteria: Criteria::default(),
            goal: Goal::Batch,
            until: None,
            confirm: 6,
            copy_out: false,
            allow_damaged: false,
            preload_mib: 2048,
            baselines: Vec::new(),
            verify: false,
        }
    }
}

impl Plan {
    /// Can the plan be run?
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), PlanError> {
        check_list("codec", &self.codecs)?;
        check_list("reap threshold", &self.reap_thresholds)?;
        check_list("lock placement", &self.locks)?;
        self.check_engine()?;
        if !self.baselines.is_empty() {
            check_list("baseline", &self.baselines)?;
        }
        if self.host_work_us > 0 && !self.baselines.is_empty() {
            return Err(PlanError::WorkAndBaseline);
        }
        if self.verify && self.baselines.is_empty() {
            return Err(PlanError::NothingToVerify);
        }
        self.check_rings()?;
        if !(1..=MAX_STREAMS).contains(&self.streams) {
            return Err(PlanError::Streams(self.streams));
        }
        if self.streams > 1 && !self.baselines.is_empty() {
            return Err(PlanError::StreamsAndBaseline);
        }
        if !(1..=3600).contains(&self.stall_limit_s) {
            return Err(PlanError::StallLimit(self.stall_limit_s));
        }
        if self.frames == 0 {
            return Err(PlanError::NoFrames);
        }
        if self.repeat == 0 {
            return Err(PlanError::NoRuns);
        }
        if (1..MIN_CONFIRM).contains(&self.confirm) {
            return Err(PlanError::ConfirmTooFew(self.confirm));
        }
        self.check_blocks()?;
        self.criteria.check()?;
        if !self.looks.is_sorted_by(|one, next| one < next)
            || self.looks.first().is_some_and(|&look| look <= self.repeat)
        {
            return Err(PlanError::Looks(self.looks.clone(), self.repeat));
        }
        if self.until.is_some() && !self.looks.is_empty() {
            return Err(PlanError::UntilAndLooks);
        }
        match self.goal {
            Goal::Live { .. } if self.pace_fps.is_none() => return Err(PlanError::LiveWithoutPace),
            Goal::Live { budget_ms: Some(budget_ms) } if !(budget_ms > 0.0 && budget_ms.is_finite()) => {
                return Err(PlanError::Budget(budget_ms));
            }
            _ => {}
        }
        match self.until {
            Some(_) if self.locks.len().max(self.reap_thresholds.len()) < 2 => return Err(PlanError::NothingToNarrow),
            Some(Until { half_width_pct: pct, .. }) if !(0.1..=50.0).contains(&pct) => {
                return Err(PlanError::Width(pct));
            }
            Some(Until { max_repeat: max, .. }) if max < self.repeat => {
                return Err(PlanError::CapTooLow { max, repeat: self.repeat });
            }
            _ => {}
        }
        match self.pace_fps {
            Some(fps) if !(MIN_PACE_FPS..=MAX_PACE_FPS).contains(&fps) => return Err(PlanError::Pace(fps)),
            Some(_) if self.host_work_us > 0 => return Err(PlanError::PaceAndWork),
            _ => {}
        }
        let until = self.max_repeat().saturating_sub(self.num_rounds());
        let more = self.num_cases().saturating_mul(u64::from(until.saturating_add(self.confirm)));
        match self.num_runs().saturating_add(more) {
            runs if runs > 1_000_000 => Err(PlanError::TooManyRuns(runs)),
            _ => Ok(()),
        }
    }

    fn check_blocks(&self) -> Result<(), PlanError> {
        match self.blocks {
            0 | MAX_BLOCKS.. => Err(PlanError::Blocks(self.blocks)),
            1 => Ok(()),
            _ if !self.looks.is_empty() || self.until.is_some() => Err(PlanError::BlocksAndLooks),
            _ if !self.baselines.is_empty() => Err(PlanError::BlocksAndBaseline),
            _ if self.input == "-" => Err(PlanError::BlocksAndPipe),
            _ => Ok(()),
        }
    }

    /// The cells, codec by codec, in the order the values were named: our own, the same as processes, other programs.
    pub fn cases(&self) -> Vec<Case> {
        self.codecs.iter().flat_map(|&codec| self.cases_of(codec)).collect()
    }

    fn cases_of(&self, codec: Codec) -> Vec<Case> {
        let own = |client: Client| {
            let mut cases = Vec::new();
            for &lock in &self.locks {
                for (reap_threshold, pool) in self.rings() {
                    let names_pool = self.pools.len() > 1;
                    let case = |decode| Case { codec, reap_threshold, lock, pool, names_pool, client, decode };
                    cases.extend(self.decode_rings().into_iter().map(case));
                }
            }
            cases
        };
        let twins = if self.baselines.is_empty() { Vec::new() } else { own(Client::Process) };
        let foreign = |baseline: &Baseline| Case {
            codec,
            reap_threshold: 0,
            lock: LockPlacement::Inline,
            pool: 0,
            names_pool: false,
            client: baseline.client(),
            decode: None,
        };
        own(Client::Here).into_iter().chain(twins).chain(self.baselines.iter().map(foreign)).collect()
    }

    /// Are our runs made in a process of their own? `may_crash`: may the driver end a process, or hang it?
    pub fn is_isolated(&self, may_crash: bool) -> bool {
        self.isolate.unwrap_or(may_crash) && self.input != "-"
    }

    /// How many cells there are.
    pub fn num_cases(&self) -> u64 {
        let own = self.locks.len().saturating_mul(self.rings().len()).saturating_mul(self.decode_rings().len());
        let twins = if self.baselines.is_empty() { 0 } else { own };
        self.codecs.len().saturating_mul(own.saturating_add(twins).saturating_add(self.baselines.len())) as u64
    }

    /// All runs of the planned rounds, warm-ups included; `until` and `confirm` may add some.
    pub fn num_runs(&self) -> u64 {
        let rounds = u64::from(self.warmup).saturating_add(u64::from(self.repeat));
        self.num_cases().saturating_mul(rounds).saturating_mul(u64::from(self.blocks))
    }

    /// Planned rounds of all blocks.
    pub fn num_rounds(&self) -> u32 {
        self.repeat.saturating_mul(self.blocks)
    }

    /// Most counted runs per case.
    pub fn max_repeat(&self) -> u32 {
        let looks = self.looks.last().copied().unwrap_or(self.num_rounds());
        self.until.map_or(looks, |until| until.max_repeat).max(self.num_rounds())
    }

    /// How often the data is looked at before the sweep goes on or ends.
    pub fn num_looks(&self) -> u32 {
        (self.looks.len() as u32).saturating_add(1)
    }

    /// How often the confirmation rounds are looked at: a sweep that goes on while something is undecided does so here too,
    /// once.
    pub fn num_confirmation_looks(&self) -> u32 {
        if self.looks.is_empty() { 1 } else { 2 }
    }

    /// What the latency tail has to keep, in milliseconds; `None`: nothing, or nobody says at what rate frames come.
    pub fn latency_budget_ms(&self) -> Option<f64> {
        match self.goal {
            Goal::Batch => None,
            Goal::Live { budget_ms } => budget_ms.or(self.pace_fps.map(|fps| 1.5 * 1000.0 / fps)),
        }
    }

    /// The runs in the order to make them: block by block, each warming up and then going round by round, each round visiting
    /// every case ([`in_round`]).
    pub fn runs(&self) -> Vec<PlannedRun> {
        let cases = self.cases();
        let mut runs = Vec::with_capacity(self.num_runs() as usize);
        for block in 0..self.blocks {
            let until = |block: u32| block.saturating_mul(self.repeat);
            let counted = until(block)..until(block.saturating_add(1));
            let rounds = (0..self.warmup).map(|k| (true, k)).chain(counted.map(|k| (false, k)));
            for (warmup, repeat_index) in rounds {
                for case in in_round(&cases, self.order_seed, (warmup, repeat_index)) {
                    let order_index = runs.len() as u32;
                    runs.push(PlannedRun { case, block, warmup, is_confirmation: false, repeat_index, order_index });
                }
            }
        }
        runs
    }
}

fn check_list<T: PartialEq + ToString>(what: &'static str, values: &[T]) -> Result<(), PlanError> {
    if values.is_empty() {
        return Err(PlanError::Nothing { what });
    }
    for (idx, value) in values.iter().enumerate() {
        if values[..idx].contains(value) {
            return Err(PlanError::Twice { what, value: value.to_string() });
        }
    }
    Ok(())
}
