//! What to measure: a sweep as data, its check, and the order of its runs.
//!
//! Knows no device and no clock. A plan is saved with the session it made and can be run again from there.

mod baseline;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::{Codec, LockPlacement, MAX_IN_FLIGHT, Preset, RateControl, Tuning, TuningInfo};
use crate::record::{Case, Client};
pub use baseline::{Baseline, BaselineError};

/// One frame in a quarter of an hour. The time of a frame at a pace near 0 would not fit in a clock.
const MIN_PACE_FPS: f64 = 0.001;
const MAX_PACE_FPS: f64 = 100_000.0;

/// The modelled host of the measurements that the plan started from: what anybody can run, and shows what depth is worth.
pub const DEFAULT_DEVICE: &str = "virtual:video-hw-2026-02";

/// A sweep: every combination of codec, threshold and lock placement, each `warmup + repeat` times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Device as on the command line: `virtual`, `virtual:ada`, `cuda:0`, a library's path.
    pub device: String,
    /// Input as on the command line: `synthetic`, a file, `raw:nv12:640x360@30:FILE`, `-`.
    pub input: String,
    /// Frames of each run, at most; a shorter clip ends the run earlier.
    pub frames: u64,
    /// Codecs to sweep.
    pub codecs: Vec<Codec>,
    /// Reap thresholds to sweep.
    pub reap_thresholds: Vec<u32>,
    /// Lock placements to sweep.
    pub locks: Vec<LockPlacement>,
    /// Buffer pairs of every case; `None`: as many as its threshold needs.
    pub pool: Option<u32>,
    /// NVENC preset.
    pub preset: Preset,
    /// NVENC tuning info.
    pub tuning: TuningInfo,
    /// How bits are spent.
    pub rate_control: RateControl,
    /// Pictures from one IDR to the next; `None`: only the first is one, or with B pictures every 250th.
    pub gop_length: Option<u32>,
    /// B pictures between references.
    pub b_frames: u32,
    /// The caller's own work before each frame, in microseconds of busy processor.
    pub host_work_us: u32,
    /// A real-time source: frames become available at this rate.
    pub pace_fps: Option<f64>,
    /// Runs of each case made first and not counted.
    pub warmup: u32,
    /// Counted runs of each case.
    pub repeat: u32,
    /// More rounds than that, until the change is known well enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Until>,
    /// Rounds made afterwards of what the others recommend and its rival alone, so that the recommendation rests on runs
    /// that had no part in choosing it. Made only where there are 5 counted runs of a case or more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub confirm: u32,
    /// Input above this is read by a thread that runs ahead, instead of being in memory before the clock starts.
    pub preload_mib: u32,
    /// Other programs to encode the same frames in the same rounds, each as a process of its own; with any of them,
    /// every cell is also run as a process of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub baselines: Vec<Baseline>,
    /// Are the outputs of processes counted and decoded by ffmpeg?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verify: bool,
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// When a sweep has enough rounds: at a width named beforehand, never at an answer that pleases.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Until {
    /// The 95 % interval of the wall time's change reaches no farther than this from its middle, in percent points.
    pub half_width_pct: f64,
    /// Counted runs of each case at most.
    pub max_repeat: u32,
}

/// One run to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedRun {
    /// Which cell.
    pub case: Case,
    /// Not counted?
    pub warmup: bool,
    /// One of the rounds that confirm a recommendation?
    pub fresh: bool,
    /// Its round: 0.. within the case, warm-ups on their own.
    pub repeat_index: u32,
    /// 0.. in the order of making.
    pub order_index: u32,
}

/// Fewer rounds give no one-sided bound at 95 %.
pub const MIN_CONFIRM: u32 = 5;

/// Why a plan cannot be run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum PlanError {
    #[error("no {what} to sweep: name at least one")]
    Nothing { what: &'static str },
    #[error("{what} {value} is named twice: name it once, and raise --repeat for more runs")]
    Twice { what: &'static str, value: String },
    #[error("reap threshold {0} is out of range: it counts pictures in flight, 1 (serial) to {MAX_IN_FLIGHT}")]
    Threshold(u32),
    #[error(
        "pool {pool} is smaller than reap threshold {threshold}: a picture in flight needs a buffer pair of its own, so use --pool {threshold} or more, or leave it out"
    )]
    PoolTooSmall { pool: u32, threshold: u32 },
    #[error("pool {pool} cannot hold reap threshold {threshold} and the {held} pictures that {held} B-frames keep back: use --pool {} or more, or leave it out", threshold + held)]
    PoolTooSmallForReorder { pool: u32, threshold: u32, held: u32 },
    #[error("pool {0} is out of range: at most {max} buffer pairs", max = 2 * MAX_IN_FLIGHT)]
    PoolTooLarge(u32),
    #[error("0 frames leave nothing to measure: use --frames 1 or more (300 is usual)")]
    NoFrames,
    #[error("0 counted runs leave nothing to compare: use --repeat 1 or more (9 is usual)")]
    NoRuns,
    #[error("{0} % is no width that an interval could be brought to: use --until 0.1 % to 50 %")]
    Width(f64),
    #[error(
        "--until narrows the change between two cases, and there is one: sweep a second threshold or lock placement"
    )]
    NothingToNarrow,
    #[error(
        "{0} rounds cannot confirm anything, a bound takes {MIN_CONFIRM}: use --confirm {MIN_CONFIRM} or more, or 0"
    )]
    ConfirmTooFew(u32),
    #[error("{pairs} pairs bound nothing: a calibration takes {least} or more")]
    TooFewPairs { pairs: u32, least: u32 },
    #[error(
        "at most {max} runs are fewer than the {repeat} planned: use --max-repeat {repeat} or more, or lower --repeat"
    )]
    CapTooLow { max: u32, repeat: u32 },
    #[error("{0} runs are more than this program keeps apart: lower --repeat or sweep fewer values")]
    TooManyRuns(u64),
    #[error("pace of {0} frames a second cannot be kept: use {MIN_PACE_FPS} to {MAX_PACE_FPS}")]
    Pace(f64),
    #[error("--host-work-us and --pace exclude each other: a paced source already decides when the next frame comes")]
    PaceAndWork,
    #[error("GOP length 0 has no picture in it: use 1 or more, or leave it out for one IDR at the start")]
    Gop,
    #[error("GOP length {gop} has no room for {b_frames} B-frames between references: use --gop {} or more", b_frames + 1)]
    GopTooShort { gop: u32, b_frames: u32 },
    #[error("{0} B-frames are more than NVENC takes: use 0 to 4")]
    BFrames(u32),
    #[error("--host-work-us and --baseline exclude each other: another program cannot be made to do our caller's work")]
    WorkAndBaseline,
    #[error("--verify looks at what processes wrote, and there is none: add --baseline ffmpeg")]
    NothingToVerify,
    #[error("a bit rate of 0 leaves no bits: use for example --bitrate-kbps 5000")]
    Bitrate,
    #[error("the peak bit rate {max} is below the average {average}: use --max-bitrate-kbps of at least the average")]
    PeakBelowAverage { average: u32, max: u32 },
    #[error("QP {qp} is out of range for {codec}: use 0 to {max}")]
    Qp { qp: u32, codec: Codec, max: u32 },
}

impl Default for Plan {
    /// The plan's own experiment: 300 frames, thresholds 1 2 4 8, two warm-ups, nine counted runs; and six to confirm what
    /// they recommend.
    fn default() -> Self {
        Self {
            device: DEFAULT_DEVICE.to_owned(),
            input: "synthetic".to_owned(),
            frames: 300,
            codecs: vec![Codec::H264],
            reap_thresholds: vec![1, 2, 4, 8],
            locks: vec![LockPlacement::Inline],
            pool: None,
            preset: Preset::default(),
            tuning: TuningInfo::default(),
            rate_control: RateControl::Preset,
            gop_length: None,
            b_frames: 0,
            host_work_us: 0,
            pace_fps: None,
            warmup: 2,
            repeat: 9,
            until: None,
            confirm: 6,
            preload_mib: 2048,
            baselines: Vec::new(),
            verify: false,
        }
    }
}

impl Plan {
    /// Is there something to run, and can every cell of it exist?
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), PlanError> {
        check_list("codec", &self.codecs)?;
        check_list("reap threshold", &self.reap_thresholds)?;
        check_list("lock placement", &self.locks)?;
        self.check_coding()?;
        if !self.baselines.is_empty() {
            check_list("baseline", &self.baselines)?;
        }
        if self.host_work_us > 0 && !self.baselines.is_empty() {
            return Err(PlanError::WorkAndBaseline);
        }
        if self.verify && self.baselines.is_empty() {
            return Err(PlanError::NothingToVerify);
        }
        for &threshold in &self.reap_thresholds {
            self.check_ring(threshold)?;
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
        match self.until {
            Some(_) if self.locks.len() * self.reap_thresholds.len() < 2 => return Err(PlanError::NothingToNarrow),
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
        let until = self.until.map_or(0, |until| until.max_repeat.saturating_sub(self.repeat));
        match self.num_runs() + self.num_cases() * (u64::from(until) + u64::from(self.confirm)) {
            runs if runs > 1_000_000 => Err(PlanError::TooManyRuns(runs)),
            _ => Ok(()),
        }
    }

    fn check_ring(&self, threshold: u32) -> Result<(), PlanError> {
        if !(1..=MAX_IN_FLIGHT).contains(&threshold) {
            return Err(PlanError::Threshold(threshold));
        }
        match self.pool {
            Some(pool) if pool > 2 * MAX_IN_FLIGHT => Err(PlanError::PoolTooLarge(pool)),
            Some(pool) if pool < threshold => Err(PlanError::PoolTooSmall { pool, threshold }),
            Some(pool) if pool < threshold + self.b_frames => {
                Err(PlanError::PoolTooSmallForReorder { pool, threshold, held: self.b_frames })
            }
            _ => Ok(()),
        }
    }

    fn check_coding(&self) -> Result<(), PlanError> {
        if self.gop_length == Some(0) {
            return Err(PlanError::Gop);
        }
        if self.b_frames > 4 {
            return Err(PlanError::BFrames(self.b_frames));
        }
        if let Some(gop) = self.gop_length.filter(|&gop| gop <= self.b_frames) {
            return Err(PlanError::GopTooShort { gop, b_frames: self.b_frames });
        }
        match self.rate_control {
            RateControl::Cbr { bitrate_bps: 0 } | RateControl::Vbr { bitrate_bps: 0, .. } => Err(PlanError::Bitrate),
            RateControl::Vbr { bitrate_bps: average, max_bitrate_bps: max } if max < average => {
                Err(PlanError::PeakBelowAverage { average, max })
            }
            RateControl::Cqp { qp } => {
                let too_high = |codec| (codec, if codec == Codec::Av1 { 255 } else { 51 });
                match self.codecs.iter().map(|&codec| too_high(codec)).find(|&(_, max)| qp > max) {
                    Some((codec, max)) => Err(PlanError::Qp { qp, codec, max }),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// The cells, codec by codec, in the order the values were named: our own, the same as processes, other programs.
    pub fn cases(&self) -> Vec<Case> {
        self.codecs.iter().flat_map(|&codec| self.cases_of(codec)).collect()
    }

    fn cases_of(&self, codec: Codec) -> Vec<Case> {
        let own = |client: Client| {
            self.locks.iter().flat_map(move |&lock| {
                self.reap_thresholds.iter().map(move |&reap_threshold| {
                    let tuning = Tuning { reap_threshold, lock, pool: self.pool };
                    Case { codec, reap_threshold, lock, pool: tuning.pool_size(self.b_frames), client }
                })
            })
        };
        let twins = own(Client::Process).filter(|_| !self.baselines.is_empty());
        let foreign = |baseline: &Baseline| Case {
            codec,
            reap_threshold: 0,
            lock: LockPlacement::Inline,
            pool: 0,
            client: baseline.client(),
        };
        own(Client::Here).chain(twins).chain(self.baselines.iter().map(foreign)).collect()
    }

    /// How many cells there are.
    pub fn num_cases(&self) -> u64 {
        let own = self.locks.len() * self.reap_thresholds.len();
        let twins = if self.baselines.is_empty() { 0 } else { own };
        (self.codecs.len() * (own + twins + self.baselines.len())) as u64
    }

    /// All runs of the planned rounds, warm-ups included; `until` and `confirm` may add some.
    pub fn num_runs(&self) -> u64 {
        self.num_cases() * (u64::from(self.warmup) + u64::from(self.repeat))
    }

    /// The runs in the order to make them: round by round, each round visiting every case ([`in_round`]).
    pub fn runs(&self) -> Vec<PlannedRun> {
        let cases = self.cases();
        let rounds = (0..self.warmup).map(|k| (true, k)).chain((0..self.repeat).map(|k| (false, k)));
        let mut runs = Vec::with_capacity(self.num_runs() as usize);
        for (warmup, repeat_index) in rounds {
            for case in in_round(&cases, repeat_index) {
                runs.push(PlannedRun { case, warmup, fresh: false, repeat_index, order_index: runs.len() as u32 });
            }
        }
        runs
    }
}

/// The order of one round. Rounds come in couples of which the second is the first in reverse (ABBA), so that a drift of
/// the machine falls on all cases alike instead of on the last ones. The first couple keeps the order of the cases; with
/// more than two of them every other couple shuffles them by its own number, so that no case has the same one before it
/// each time. The same round is in the same order wherever and whenever it is made.
pub fn in_round(cases: &[Case], round: u32) -> Vec<Case> {
    let mut order = cases.to_vec();
    let couple = u64::from(round / 2);
    if couple > 0 && order.len() > 2 {
        let mut random = fastrand::Rng::with_seed(couple);
        random.shuffle(&mut order);
    }
    if round % 2 == 1 {
        order.reverse();
    }
    order
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

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan { reap_thresholds: vec![1, 4], warmup: 1, repeat: 3, ..Plan::default() }
    }

    #[test]
    fn rounds_visit_every_case_and_turn_around() {
        let order: Vec<_> = plan().runs().iter().map(|run| (run.warmup, run.case.reap_threshold)).collect();
        let (warm, counted) = (true, false);
        assert_eq!(
            order,
            [(warm, 1), (warm, 4), (counted, 1), (counted, 4), (counted, 4), (counted, 1), (counted, 1), (counted, 4)]
        );
    }

    #[test]
    fn couples_of_rounds_mirror_each_other_and_no_case_keeps_its_place() {
        let cases = Plan::default().cases();
        let round = |idx| in_round(&cases, idx);
        for couple in 0..6 {
            let mirrored: Vec<_> = round(2 * couple + 1).into_iter().rev().collect();
            assert_eq!(round(2 * couple), mirrored);
        }
        assert_eq!(round(0), cases);
        let firsts: std::collections::BTreeSet<_> = (0..12).map(|idx| round(idx)[0]).collect();
        assert_eq!(firsts.len(), cases.len(), "every case is first at some time: {firsts:?}");
    }

    #[test]
    fn order_index_counts_all_runs() {
        let runs = plan().runs();
        assert_eq!(runs.len() as u64, plan().num_runs());
        assert!(runs.iter().enumerate().all(|(idx, run)| run.order_index as usize == idx));
    }

    #[test]
    fn what_cannot_run_is_refused() {
        let check = |change: fn(&mut Plan)| {
            let mut plan = plan();
            change(&mut plan);
            plan.check()
        };
        assert_eq!(check(|_| ()), Ok(()));
        assert_eq!(check(|plan| plan.frames = 0), Err(PlanError::NoFrames));
        assert_eq!(check(|plan| plan.repeat = 0), Err(PlanError::NoRuns));
        assert_eq!(check(|plan| plan.reap_thresholds = vec![0]), Err(PlanError::Threshold(0)));
        assert_eq!(check(|plan| plan.reap_thresholds = vec![65]), Err(PlanError::Threshold(65)));
        assert_eq!(check(|plan| plan.pool = Some(3)), Err(PlanError::PoolTooSmall { pool: 3, threshold: 4 }));
        assert_eq!(check(|plan| plan.codecs.clear()), Err(PlanError::Nothing { what: "codec" }));
        assert!(matches!(check(|plan| plan.reap_thresholds = vec![4, 4]), Err(PlanError::Twice { .. })));
        assert!(matches!(check(|plan| plan.pace_fps = Some(f64::NAN)), Err(PlanError::Pace(_))));
        assert_eq!(check(|plan| plan.confirm = 4), Err(PlanError::ConfirmTooFew(4)));
        let until = |plan: &mut Plan| plan.until = Some(Until { half_width_pct: 1.0, max_repeat: 60 });
        let mut alone = Plan { reap_thresholds: vec![4], ..plan() };
        until(&mut alone);
        assert_eq!((check(until), alone.check()), (Ok(()), Err(PlanError::NothingToNarrow)));
        assert!(matches!(check(|plan| plan.rate_control = RateControl::Cqp { qp: 52 }), Err(PlanError::Qp { .. })));
    }

    #[test]
    fn b_frames_enlarge_the_pool() {
        let plan = Plan { b_frames: 2, reap_thresholds: vec![4], ..Plan::default() };
        assert_eq!(plan.cases()[0].pool, 6);
    }
}
