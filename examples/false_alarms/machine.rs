//! The virtual device on a simulated clock: the same engine arithmetic, a client that keeps T pictures in flight, and a
//! machine that is never quite the same.

use std::rc::Rc;

use inflight::contract::LockPlacement::Inline;
use inflight::contract::{Codec, EncodeMetrics};
use inflight::record::{Case, FrameColumns, RunRecord};
use inflight::stats::runs::summary::RunSummary;
use virtual_nvenc::engine::{Engine, Jitter, Service};

/// A run with the frames that other tools would throw together.
#[derive(Debug, Clone)]
pub struct Run {
    pub summary: RunSummary,
    pub frames: Rc<FrameColumns>,
}

impl Run {
    pub fn of(record: RunRecord) -> Self {
        Self { summary: RunSummary::of(&record), frames: Rc::new(record.frames) }
    }
}

/// A device and the machine around it.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    pub service: Service,
    /// The caller's own work before each frame.
    pub host_work_ns: f64,
    /// Inside nvEncEncodePicture.
    pub submit_ns: f64,
    /// Standard deviation of whole runs around each other.
    pub run_pct: f64,
    /// Standard deviation of frames around their run, and how much of it passes from a frame to the next.
    pub frame_pct: f64,
    pub phi: f64,
    /// Uniform jitter of the engine.
    pub jitter_pct: f64,
    /// From the first to the last run of an experiment, linear.
    pub drift_pct: f64,
    pub frames: usize,
}

impl Machine {
    /// The host that the plan started from, with everything in it that spoils comparisons.
    pub fn usual() -> Self {
        Self {
            service: Service { latency_ns: 700_000, interval_ns: 350_000 },
            host_work_ns: 175_000.0,
            submit_ns: 5_000.0,
            run_pct: 2.0,
            frame_pct: 5.0,
            phi: 0.9,
            jitter_pct: 5.0,
            drift_pct: 2.0,
            frames: 1000,
        }
    }

    /// One run. `place`: where in the experiment it is made, 0 to 1. `cost`: of a picture, 1 for the device as it is.
    pub fn run(&self, random: &mut fastrand::Rng, threshold: u32, round: u32, place: f64, cost: f64) -> Run {
        let run_factor = cost * (self.run_pct / 100.0 * normal(random)).exp() * (1.0 + self.drift_pct / 100.0 * place);
        let jitter = Jitter { seed: random.u64(..), percent: self.jitter_pct };
        let mut engine = Engine::default();
        let (mut now, mut walk) = (0.0_f64, normal(random));
        let mut in_flight = std::collections::VecDeque::new();
        let (mut lock_ns, mut latency_ns) = (Vec::with_capacity(self.frames), Vec::with_capacity(self.frames));
        let mut take_back = |now: &mut f64, (submitted, done): (f64, f64)| {
            let wait = (done - *now).max(0.0);
            *now += wait + 2_000.0;
            lock_ns.push(wait as u64);
            latency_ns.push((*now - submitted) as u64);
        };
        for frame in 0..self.frames {
            walk = self.phi * walk + (1.0 - self.phi * self.phi).sqrt() * normal(random);
            let factor = run_factor * (self.frame_pct / 100.0 * walk).exp();
            if in_flight.len() >= threshold as usize
                && let Some(oldest) = in_flight.pop_front()
            {
                take_back(&mut now, oldest);
            }
            now += self.host_work_ns * factor + self.submit_ns;
            let service = self.service.scaled(factor * jitter.factor(0, frame as u64));
            in_flight.push_back((now, engine.schedule(now as u64, service).done_ns as f64));
        }
        for oldest in in_flight {
            take_back(&mut now, oldest);
        }
        let frames = FrameColumns { lock_ns, latency_ns, ..FrameColumns::default() };
        Run::of(self.record(threshold, round, now as u64, frames))
    }

    fn record(&self, threshold: u32, round: u32, wall_ns: u64, frames: FrameColumns) -> RunRecord {
        let num = self.frames as u64;
        let lock_ns = frames.lock_ns.iter().sum();
        RunRecord {
            case: case(threshold),
            warmup: false,
            is_confirmation: false,
            repeat_index: round,
            order_index: round,
            block: 0,
            started_unix_ms: 0,
            error: None,
            open_ns: 0,
            wall_ns,
            model_late: None,
            model_late_ns: None,
            gpu: None,
            process: None,
            metrics: EncodeMetrics {
                frames: num,
                packets: num,
                lock_ns,
                queue_peak: threshold,
                ..EncodeMetrics::default()
            },
            frames,
            resumes: 0,
            dimensions: None,
            digest_ns: None,
            preroll: None,
            other_streams: Vec::new(),
            telemetry: None,
            warm_up: None,
            decode: None,
        }
    }
}

/// A good run of 300 frames that says nothing yet.
pub fn blank(case: Case, round: u32, order_index: u32) -> RunSummary {
    let record =
        Machine { frames: 300, ..Machine::usual() }.record(case.reap_threshold, round, 0, FrameColumns::default());
    RunSummary { case, repeat_index: round, order_index, ..RunSummary::of(&record) }
}

fn case(threshold: u32) -> Case {
    Case {
        codec: Codec::H264,
        reap_threshold: threshold,
        lock: Inline,
        pool: threshold,
        names_pool: false,
        client: Default::default(),
        decode: None,
    }
}

/// Box–Muller.
pub fn normal(random: &mut fastrand::Rng) -> f64 {
    let radius = (-2.0 * (1.0 - random.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.f64()).cos()
}
