//! Estimates a plan before it is run: number of runs, duration, memory.
//!
//! The duration of a frame is known beforehand only on a virtual device; on a real one the first runs show it. Opens
//! nothing.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, reason = "numbers of files, which may be anything"))]

use std::time::Duration;

use crate::contract::{Codec, Dimensions, LockPlacement, PixelFormat};
use crate::device::DeviceSpec;
use crate::plan::{MAX_CONFIRM, MIN_CONFIRM, Plan};
use crate::record::{Case, Client};
use crate::source::{InputSpec, SYNTHETIC_PERIOD};
use crate::units;

/// Memory for the measurements of a frame (docs/methodology.md, "Memory").
const BYTES_OF_A_FRAME: u64 = 270;
/// Longer, and more, than anybody expects who was not told.
const LONG: Duration = Duration::from_secs(3600);
const MUCH_BYTES: u64 = 4 << 30;

/// The frames of an input, as far as they are known before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clip {
    /// Layout of each.
    pub format: PixelFormat,
    /// Size of each.
    pub dimensions: Dimensions,
    /// How many there are; `None`: nobody says, or there is no end.
    pub frames: Option<u64>,
    /// How many of them differ; `None`: all.
    pub distinct: Option<u64>,
}

/// The estimate of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Frames of a run: as planned, or all that the clip has.
    pub num_frames: u64,
    /// Cases of the sweep.
    pub num_cases: u64,
    /// Planned runs, warm-ups included.
    pub num_runs: u64,
    /// Runs that may be added: until the change is known, and for confirmation rounds.
    pub num_more_at_most: u64,
    /// Of those, what few sweeps exceed: further rounds of a codec's last three cases, and their confirmation.
    pub num_more_usually: u64,
    /// Duration of the planned runs by the device's model; `None` if it is unknown before the first run.
    pub duration: Option<Duration>,
    /// Duration of the planned runs and the usual further ones, on a computer that is slower than the model; `None` where `duration` is.
    pub usually: Option<Duration>,
    /// Does the input's name, or who has looked into it, say how many frames there are?
    pub is_length_known: bool,
    /// What the caller's own work and pace alone take in the planned runs, on any device; with one frame a run where nobody knows
    /// their number.
    pub at_least: Duration,
    /// Bytes of the measurements of a run.
    pub run_bytes: u64,
    /// Bytes of the frames held in memory; `None` where only the file itself says how large they are.
    pub frame_bytes: Option<u64>,
}

impl Estimate {
    /// The estimate of a plan, whether or not it can be run.
    pub fn of(plan: &Plan) -> Self {
        Self::with_clip(plan, clip_by_name(plan))
    }

    /// The estimate by who has looked into the input.
    pub fn with_clip(plan: &Plan, clip: Option<Clip>) -> Self {
        let num_frames = clip.and_then(|clip| clip.frames).map_or(plan.frames, |frames| frames.min(plan.frames));
        let is_length_known = clip.is_some_and(|clip| clip.frames.is_some() || clip.distinct.is_some());
        let planned = clip.and_then(|clip| duration(plan, clip.dimensions, num_frames));
        Self {
            num_frames,
            num_cases: plan.num_cases(),
            num_runs: plan.num_runs(),
            num_more_at_most: num_more_at_most(plan),
            num_more_usually: num_more_usually(plan),
            duration: planned,
            usually: planned.and_then(|planned| usually(plan, planned)),
            is_length_known,
            at_least: at_least(plan, if is_length_known { num_frames } else { 1 }),
            run_bytes: num_frames.saturating_mul(BYTES_OF_A_FRAME),
            frame_bytes: clip.map(|clip| frame_bytes(plan, clip, num_frames)),
        }
    }

    /// The upper end of the announced range.
    pub fn num_runs_usually(&self) -> u64 {
        self.num_runs.saturating_add(self.num_more_usually)
    }

    /// Frames and measurements; `None` where only the file itself says how large its frames are.
    pub fn memory_bytes(&self) -> Option<u64> {
        self.frame_bytes.map(|frame_bytes| frame_bytes.saturating_add(self.run_bytes))
    }

    /// What somebody should know before a plan begins that takes long or much.
    pub fn warning(&self) -> Option<String> {
        let planned = self.duration.filter(|_| self.is_length_known);
        let least = planned.unwrap_or_default().max(self.at_least);
        let time = (least >= LONG).then(|| format!("{} or more", units::duration(least)));
        let memory = self.memory_bytes().filter(|&bytes| self.is_length_known && bytes >= MUCH_BYTES);
        let memory = memory.map(|bytes| format!("{} of memory", units::bytes(bytes as f64)));
        let takes: Vec<_> = time.into_iter().chain(memory).collect();
        (!takes.is_empty())
            .then(|| format!("this takes {}; Ctrl-C ends it and keeps what is finished", takes.join(" and ")))
    }

    /// Is the actual duration within the announced range?
    pub fn holds(&self, took: Duration, num_runs: u64) -> bool {
        let runs = self.num_runs..=self.num_runs_usually();
        let is_in_time = self.duration.zip(self.usually).is_some_and(|(least, most)| least <= took && took <= most);
        runs.contains(&num_runs) && is_in_time
    }
}

/// The runs that usually come, each with its opening and saving, on a computer that is a good deal slower than the model.
fn usually(plan: &Plan, planned: Duration) -> Option<Duration> {
    const SLOWER: f64 = 1.5;
    const AROUND_A_RUN_S: f64 = 0.05;
    /// Loading libraries, opening CUDA, reading the frames from a file.
    const AROUND_A_PROCESS_S: f64 = 0.15;
    let num_runs = plan.num_runs().max(1) as f64;
    let run_s = planned.as_secs_f64() / num_runs;
    let processes = plan.cases().iter().filter(|case| case.client != Client::Here).count();
    let around_s = AROUND_A_RUN_S + AROUND_A_PROCESS_S * processes as f64 / plan.num_cases().max(1) as f64;
    let all = plan.num_runs().saturating_add(num_more_usually(plan));
    Duration::try_from_secs_f64((SLOWER * run_s + around_s) * all as f64).ok()
}

/// The cases that are left when a codec's others have fallen out: the choice and two competitors.
const USUAL_CONTENDERS: u64 = 3;

fn num_more_usually(plan: &Plan) -> u64 {
    let most = num_more_at_most(plan);
    if plan.looks.is_empty() {
        return most;
    }
    // Beside other programs each contender runs as a process too, until it is confirmed.
    let runs_of_each = if plan.baselines.is_empty() { 1 } else { 2 };
    let later = u64::from(plan.max_repeat().saturating_sub(plan.num_rounds())).saturating_mul(runs_of_each);
    // One of the two competitors is far off, and confirmed by few rounds.
    let confirm =
        if plan.confirm > 0 { u64::from(MAX_CONFIRM).saturating_mul(2).saturating_add(plan.confirm.into()) } else { 0 };
    let of_codec = later.saturating_mul(USUAL_CONTENDERS).saturating_add(confirm);
    most.min(of_codec.saturating_mul(plan.codecs.len() as u64))
}

fn num_more_at_most(plan: &Plan) -> u64 {
    let most = plan.max_repeat();
    let until = u64::from(most.saturating_sub(plan.num_rounds()));
    let has_rival = plan.locks.len().max(plan.reap_thresholds.len()) > 1;
    // The choice and two competitors, and where the first choice is refuted once more.
    let rounds = if plan.looks.is_empty() { plan.confirm } else { MAX_CONFIRM };
    let confirm =
        if has_rival && most >= MIN_CONFIRM && plan.confirm > 0 { u64::from(rounds).saturating_mul(6) } else { 0 };
    // With blocks each confirmation round is a process, which warms up.
    let runs_of_each = if plan.blocks > 1 { u64::from(plan.warmup).saturating_add(1) } else { 1 };
    let confirmations = confirm.saturating_mul(runs_of_each).saturating_mul(plan.codecs.len() as u64);
    plan.num_cases().saturating_mul(until).saturating_add(confirmations)
}

fn at_least(plan: &Plan, num_frames: u64) -> Duration {
    let frame_s = (f64::from(plan.host_work_us) / 1e6).max(plan.pace_fps.map_or(0.0, |fps| 1.0 / fps));
    Duration::try_from_secs_f64(frame_s * num_frames as f64 * plan.num_runs() as f64).unwrap_or(Duration::MAX)
}

fn duration(plan: &Plan, dimensions: Dimensions, num_frames: u64) -> Option<Duration> {
    let frame_ns: Option<f64> = plan.cases().iter().map(|case| frame_ns(plan, case, dimensions)).sum();
    let runs_of_each = (f64::from(plan.warmup) + f64::from(plan.repeat)) * f64::from(plan.blocks);
    Duration::try_from_secs_f64(frame_ns? * num_frames as f64 * runs_of_each / 1e9).ok()
}

/// FFmpeg's frames in flight without options, as `virtual-driver run` shows them.
const IN_FLIGHT_ELSEWHERE: u32 = 3;

/// Time of a frame in the steady state: the slowest of the engine, the caller, the locking thread, the source, and the
/// way of a picture through all of them when only so many may be under way.
fn frame_ns(plan: &Plan, case: &Case, dimensions: Dimensions) -> Option<f64> {
    let DeviceSpec::Virtual(config) = plan.device.parse().ok()? else { return None };
    let codec = match case.codec {
        Codec::H264 => virtual_nvenc::Codec::H264,
        // The virtual decoder takes as long for VP9 as for HEVC.
        Codec::Hevc | Codec::Vp9 => virtual_nvenc::Codec::Hevc,
        Codec::Av1 => return None,
    };
    let preset = (plan.preset as u32).saturating_add(1);
    let (latency_ns, interval_ns) = config.picture_cost_ns(codec, preset, dimensions.width, dimensions.height);
    let submitting_ns = 1e3 * (f64::from(plan.host_work_us) + f64::from(config.submit_us));
    let locking_ns = config.lock_ns(codec) as f64;
    let busiest_thread_ns = match case.lock {
        LockPlacement::Inline | LockPlacement::Poll => submitting_ns + locking_ns,
        LockPlacement::Thread | LockPlacement::Ready => submitting_ns.max(locking_ns),
    };
    // Another program has no threshold that this one sets.
    let in_flight = if matches!(case.client, Client::Foreign(_)) { IN_FLIGHT_ELSEWHERE } else { case.reap_threshold };
    let way_ns = (latency_ns as f64 + submitting_ns + locking_ns) / f64::from(in_flight.max(1));
    let pace_ns = plan.pace_fps.map_or(0.0, |fps| 1e9 / fps);
    Some(way_ns.max(interval_ns as f64).max(busiest_thread_ns).max(pace_ns))
}

fn frame_bytes(plan: &Plan, clip: Clip, num_frames: u64) -> u64 {
    let held = clip.distinct.map_or(num_frames, |distinct| distinct.min(num_frames));
    let all_bytes = (clip.format.frame_bytes(clip.dimensions) as u64).saturating_mul(held);
    all_bytes.min(u64::from(plan.preload_mib) << 20)
}

/// As far as the input's name says it.
fn clip_by_name(plan: &Plan) -> Option<Clip> {
    match plan.input.parse().ok()? {
        InputSpec::Synthetic { dimensions, .. } => {
            let distinct = Some(SYNTHETIC_PERIOD);
            Some(Clip { format: PixelFormat::Nv12, dimensions, frames: None, distinct })
        }
        InputSpec::Raw { format, dimensions, .. } => Some(Clip { format, dimensions, frames: None, distinct: None }),
        InputSpec::Stdin | InputSpec::File(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(device: &str, thresholds: &[u32]) -> Plan {
        let reap_thresholds = thresholds.to_vec();
        Plan {
            device: device.to_owned(),
            reap_thresholds,
            frames: 1000,
            warmup: 1,
            repeat: 1,
            locks: vec![LockPlacement::Inline],
            ..Plan::default()
        }
    }

    fn seconds(plan: &Plan) -> f64 {
        Estimate::of(plan).duration.unwrap().as_secs_f64()
    }

    #[test]
    fn depth_shares_the_latency_until_the_engine_is_busy() {
        let device = "virtual:latency_us=1400,interval_us=350,submit_us=0";
        assert_eq!(seconds(&plan(device, &[1])), 2.8);
        assert_eq!(seconds(&plan(device, &[2])), 1.4);
        assert_eq!(seconds(&plan(device, &[4])), 0.7);
        assert_eq!(seconds(&plan(device, &[1, 8])), 3.5);
        assert_eq!(seconds(&Plan { pace_fps: Some(100.0), ..plan(device, &[8]) }), 20.0);
        assert_eq!(seconds(&Plan { host_work_us: 600, ..plan(device, &[8]) }), 1.2);
    }

    #[test]
    fn handing_out_falls_on_the_thread_that_locks() {
        let device = "virtual:latency_us=400,interval_us=100,submit_us=0,lock_us=200";
        let by = |lock| Plan { host_work_us: 300, locks: vec![lock], ..plan(device, &[4]) };
        assert_eq!(seconds(&by(LockPlacement::Inline)), 1.0);
        assert_eq!(seconds(&by(LockPlacement::Thread)), 0.6);
        assert_eq!(seconds(&Plan { host_work_us: 0, ..by(LockPlacement::Thread) }), 0.4);
        assert_eq!(seconds(&Plan { reap_thresholds: vec![1], ..by(LockPlacement::Thread) }), 1.8);
    }

    #[test]
    fn a_clip_that_was_looked_into_is_as_good_as_one_whose_name_says_it() {
        let named = plan("virtual", &[1, 4]);
        let file = Plan { input: "clip.mp4".to_owned(), ..named.clone() };
        let dimensions = Dimensions { width: 640, height: 360 };
        let clip = Clip { format: PixelFormat::Nv12, dimensions, frames: Some(300), distinct: None };
        let (short, whole) = (Estimate::with_clip(&file, Some(clip)), Estimate::of(&Plan { frames: 300, ..named }));
        assert_eq!(short, whole);
        assert_eq!((short.num_frames, short.frame_bytes), (300, Some(300 * 640 * 360 * 3 / 2)));
    }

    #[test]
    fn another_program_brings_our_own_as_processes_and_takes_longer() {
        let baselines = vec!["ffmpeg".parse().unwrap()];
        let alone = Plan { looks: Vec::new(), confirm: 0, ..plan("virtual", &[1, 4]) };
        let beside = Estimate::of(&Plan { baselines, ..alone.clone() });
        let alone = Estimate::of(&alone);
        assert_eq!((alone.num_runs, beside.num_cases, beside.num_runs), (4, 5, 10));
        let a_run = |sum: &Estimate| sum.usually.unwrap().as_secs_f64() / sum.num_runs as f64;
        assert!(a_run(&beside) > a_run(&alone));
    }

    #[test]
    fn what_takes_long_or_much_is_said_beforehand() {
        let small = plan("cuda:0", &[1]);
        assert_eq!(Estimate::of(&small).warning(), None);
        let warning = |plan: &Plan| Estimate::of(plan).warning().unwrap_or_default();
        let slow = warning(&Plan { host_work_us: u32::MAX, ..small.clone() });
        assert!(slow.starts_with("this takes 2386 h 05 min or more; Ctrl-C"), "{slow}");
        let file = warning(&Plan { host_work_us: u32::MAX, input: "clip.mp4".to_owned(), ..small.clone() });
        assert!(file.starts_with("this takes 2 h 23 min or more"), "a frame a run at least: {file}");
        let large = warning(&Plan { frames: u64::from(u32::MAX), ..small });
        assert!(large.contains("1.1 TiB of memory"), "{large}");
        let raw = "raw:nv12:64x64@30:clip.raw".to_owned();
        assert_eq!(warning(&Plan { frames: u64::MAX, input: raw, ..plan("virtual", &[1]) }), "", "all that there are");
    }

    #[test]
    fn what_nobody_knows_yet_is_not_made_up() {
        let gpu = Estimate::of(&plan("cuda:0", &[1, 4]));
        assert_eq!((gpu.num_cases, gpu.num_runs, gpu.duration), (2, 4, None));
        let file = Estimate::of(&Plan { input: "clip.mp4".to_owned(), ..plan("virtual", &[1]) });
        assert_eq!((file.duration, file.frame_bytes), (None, None));
        assert_eq!(Estimate::of(&plan("nonsense", &[1])).duration, None);
        let endless = Plan { frames: u64::MAX, pace_fps: Some(1e-300), ..plan("virtual", &[1]) };
        assert_eq!(Estimate::of(&endless).duration, None);
    }
}
