//! How often the recommendation is right: default sweeps of devices whose best setting is known, with knees and with soft
//! curves, under noise of one state and of two.

use inflight::contract::{Codec, LockPlacement};
use inflight::measure::schedule::Schedule;
use inflight::plan::Plan;
use inflight::record::Case;
use inflight::stats::runs::metrics::{Metric, PRIMARY};
use inflight::stats::runs::summary::RunSummary;
use inflight::stats::verdict::recommendation::{Standing, State, Terms, recommend};

use crate::machine::blank;
use crate::noise::{Course, Noise};
use crate::share_text;

const DEVICES: usize = 400;
const FRAMES: f64 = 300.0;

/// How a device's wall time falls with the threshold.
#[derive(Debug, Clone, Copy)]
enum Curve {
    /// Until the engine or the caller is busy: interval, latency and host work in milliseconds a frame.
    Knee { interval: f64, latency: f64, host: f64 },
    /// Like 1 + a ÷ T, for ever.
    Soft { interval: f64, a: f64 },
}

impl Curve {
    fn frame_ms(self, threshold: u32) -> f64 {
        let t = f64::from(threshold);
        match self {
            Self::Knee { interval, latency, host } => interval.max(host).max((latency + host) / t),
            Self::Soft { interval, a } => interval * (1.0 + a / t),
        }
    }

    /// By Little's law; a thread takes back what is ready and does not wait for the threshold.
    fn tail_ms(self, case: &Case) -> f64 {
        let queued = f64::from(case.reap_threshold) * self.frame_ms(case.reap_threshold);
        match (self, case.lock) {
            (Self::Knee { interval, latency, host }, LockPlacement::Thread) if host > interval => latency,
            _ => queued,
        }
    }

    fn drawn(kind: usize, random: &mut fastrand::Rng) -> Self {
        let interval = 0.1 + 0.9 * random.f64();
        match kind {
            0 => Self::Knee {
                interval,
                latency: interval * (1.0 + 4.0 * random.f64()),
                host: interval * 1.2 * random.f64(),
            },
            _ => Self::Soft { interval, a: 0.2 + 2.0 * random.f64() },
        }
    }
}

fn run_of(
    curve: Curve,
    case: Case,
    (round, order): (u32, u32),
    course: &mut Course,
    random: &mut fastrand::Rng,
) -> RunSummary {
    let mut run = blank(case, round, order);
    let quiet_ms = FRAMES * curve.frame_ms(case.reap_threshold);
    let wall_ms = course.ms(random, order, quiet_ms);
    run.values.set(PRIMARY, Some(wall_ms));
    run.values.set(Metric::LockMs, Some(if case.reap_threshold == 1 { 0.6 } else { 0.1 } * wall_ms));
    run.values.set(Metric::LatencyP95Ms, Some(curve.tail_ms(&case) * wall_ms / quiet_ms));
    run
}

/// A default sweep of the device.
fn sweep(plan: &Plan, curve: Curve, noise: Noise, random: &mut fastrand::Rng) -> Vec<RunSummary> {
    let mut schedule = Schedule::of(plan, None);
    let mut course = Course::new(noise, plan.num_runs() as u32, random);
    let mut made = Vec::new();
    while let Some(planned) = schedule.next(&made) {
        for one in planned {
            let run = run_of(curve, one.case, (one.repeat_index, one.order_index), &mut course, random);
            made.push(RunSummary { warmup: one.warmup, is_confirmation: one.is_confirmation, ..run });
        }
    }
    made
}

/// One line for each kind of device and noise.
pub fn run() {
    println!(
        "\nRecommendation: {DEVICES} devices a line, default plan (T = 1 2 4 8, inline and thread, looks at 10 20 40)"
    );
    for (kind, name) in ["knees", "soft curves"].into_iter().enumerate() {
        for noise in [Noise::Normal(0.5), Noise::Normal(1.0), Noise::Normal(2.0), Noise::TwoClocks, Noise::Stragglers] {
            line(kind, name, noise);
        }
    }
}

fn line(kind: usize, name: &str, noise: Noise) {
    let mut random = fastrand::Rng::with_seed(5 + kind as u64);
    let [mut within, mut refused, mut confirmed, mut wrong, mut open, mut likely] = [0; 6];
    let (mut num_runs, mut worst_pct) = (0, 0.0_f64);
    for _ in 0..DEVICES {
        let curve = Curve::drawn(kind, &mut random);
        let plan = Plan { codecs: vec![Codec::H264], order_seed: Some(random.u64(..)), ..Plan::default() };
        let runs = sweep(&plan, curve, noise, &mut random);
        num_runs += runs.len();
        let Some(found) = recommend(&runs, &Terms { plan: &plan, noise: None }).into_iter().next() else { continue };
        // Of the cases that may be used: their true latency ÷ throughput against serial keeps the guard.
        let frame_ms = |case: &Case| curve.frame_ms(case.reap_threshold);
        let serial = found.candidates.iter().map(|one| one.case).find(Case::is_serial);
        let paid = |case: &Case| {
            let of = |case: &Case, forgiven: f64| (curve.tail_ms(case) - forgiven * frame_ms(case)) * frame_ms(case);
            serial.is_none_or(|serial| *case == serial || of(case, 0.25) <= 1.25 * of(&serial, 0.0))
        };
        let usable = found.candidates.iter().map(|one| one.case).filter(|case| paid(case));
        let best = usable.map(|case| frame_ms(&case)).fold(f64::INFINITY, f64::min);
        let slower_pct = 100.0 * (frame_ms(&found.case) / best - 1.0);
        let is_refused =
            |case: Case| found.candidates.iter().any(|one| one.case == case && one.standing == Standing::Refused);
        within += usize::from(slower_pct <= found.margin.pct);
        refused += usize::from(is_refused(found.case) || found.competitors.iter().any(|one| is_refused(one.case)));
        confirmed += usize::from(found.state == State::Confirmed);
        wrong += usize::from(found.state == State::Confirmed && slower_pct > found.margin.pct);
        open += usize::from(found.state == State::Open);
        likely += usize::from(found.state == State::Likely);
        worst_pct = worst_pct.max(slower_pct);
    }
    let share = |count: usize| 100.0 * count as f64 / DEVICES as f64;
    println!(
        "{name:<12} {noise:<18} within the margin {:.1} %, worst {worst_pct:.1} % slower; confirmed {:.1} %, confirmed and wrong {}, likely {:.1} %, undecided {:.1} %, refused in any role {:.1} %; {:.0} runs",
        share(within),
        share(confirmed),
        share_text(wrong, confirmed),
        share(likely),
        share(open),
        share(refused),
        num_runs as f64 / DEVICES as f64
    );
}
