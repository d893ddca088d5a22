//! How many streams a device carries: what a number of streams at once came to, and whether that is good enough.
//!
//! A stream is carried if it keeps the pace of its source and its latency tail stays within the budget. Knows the runs of one
//! session, in which every case has the same number of streams.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::Codec;
use crate::plan::Plan;
use crate::record::{Case, DeviceInfo};
use crate::stats::runs::metrics::{Metric, tail_of};
use crate::stats::runs::summary::{Group, RunSummary, groups};
use crate::units;

/// What was found, number by number.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Density {
    /// Of all sweeps; each had another number of streams.
    pub plan: Plan,
    /// On this device.
    pub device: DeviceInfo,
    /// In the order in which they were tried.
    pub loads: Vec<Load>,
    /// Stopped by request before all were tried?
    pub is_stopped: bool,
}

/// A number of streams at once, in the case that serves them best.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Load {
    /// How many.
    pub streams: u32,
    /// Their codec.
    pub codec: Codec,
    /// Good enough?
    pub outcome: Outcome,
    /// What was measured in that case, medians over its runs; `None`: no run is good.
    pub measured: Option<Measured>,
}

/// Medians over the runs of one case.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names are Metric's")]
pub struct Measured {
    pub case: Case,
    /// Of all streams together.
    pub fps: f64,
    pub slowest_stream_fps: f64,
    pub fairness_pct: f64,
    /// Which percentile the tail is.
    pub tail: Metric,
    pub tail_ms: f64,
    /// Of all streams together, a frame.
    pub lock_ms_per_frame: f64,
    /// Of each stream, in a run: fewer than planned of a shorter clip.
    pub frames_per_stream: u64,
    /// Frames of all its runs that this computer finished later than a modelled engine would have.
    pub model_late: u64,
}

/// Is a number of streams carried?
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[allow(missing_docs, reason = "Display says it")]
pub enum Outcome {
    Carried,
    /// Nothing was asked of them: there is neither a pace nor a budget.
    NoLimit,
    Late {
        tail_ms: f64,
        budget_ms: f64,
    },
    Behind {
        fps: f64,
        pace_fps: f64,
    },
    Failed {
        error: String,
    },
}

impl Load {
    /// Of the runs of a session; `preferred` is the case that its answer names, and wins among equals.
    pub fn of(plan: &Plan, runs: &[RunSummary], codec: Codec, preferred: Option<Case>) -> Self {
        let of_codec: Vec<Group> = groups(runs).into_iter().filter(|group| group.case.codec == codec).collect();
        let tried = of_codec.iter().filter_map(|group| {
            let measured = Measured::of(plan, group, runs)?;
            Some((measured.outcome(plan), measured))
        });
        let best = tried.min_by(|(one, a), (other, b)| {
            let is_preferred = |measured: &Measured| Some(measured.case) == preferred;
            let key = |outcome: &Outcome, measured: &Measured| (!outcome.is_carried(), !is_preferred(measured));
            let by_tail = a.tail_ms.total_cmp(&b.tail_ms);
            let by_speed = b.fps.total_cmp(&a.fps);
            let by_value = if *one == Outcome::NoLimit { by_speed } else { by_tail };
            key(one, a).cmp(&key(other, b)).then(by_value)
        });
        let failed = || {
            let error = runs.iter().filter(|run| run.case.codec == codec).find_map(|run| run.error.clone());
            Outcome::Failed { error: error.unwrap_or_else(|| "no run was made".to_owned()) }
        };
        match best {
            Some((outcome, measured)) => Self { streams: plan.streams, codec, outcome, measured: Some(measured) },
            None => Self { streams: plan.streams, codec, outcome: failed(), measured: None },
        }
    }
}

impl Measured {
    fn of(plan: &Plan, group: &Group, runs: &[RunSummary]) -> Option<Self> {
        let median = |metric: Metric| Some(group.spread(metric)?.p50);
        let own = || runs.iter().filter(|run| run.case == group.case && run.counts());
        let frames = own().map(|run| run.packets).min().filter(|_| group.num_failed == 0)?;
        let (tail, fps) = (tail_of(frames), median(Metric::Fps)?);
        Some(Self {
            case: group.case,
            fps,
            // Of one stream the run is the stream.
            slowest_stream_fps: median(Metric::SlowestStreamFps).unwrap_or(fps / f64::from(plan.streams.max(1))),
            fairness_pct: median(Metric::FairnessPct).unwrap_or(100.0),
            tail,
            tail_ms: median(tail)?,
            frames_per_stream: frames / u64::from(plan.streams.max(1)),
            lock_ms_per_frame: median(Metric::LockMs)? / frames.max(1) as f64,
            model_late: own().filter_map(|run| run.model_late).sum(),
        })
    }

    fn outcome(&self, plan: &Plan) -> Outcome {
        let budget_ms = plan.latency_budget_ms();
        if let Some(pace_fps) = plan.pace_fps {
            // The last packet comes a latency after the last frame. A source that is one frame behind by then does not catch up.
            let frame_ms = 1e3 / pace_fps;
            let frames = self.frames_per_stream as f64;
            let took_ms = 1e3 * frames / self.slowest_stream_fps;
            if took_ms > (frames - 1.0) * frame_ms + self.tail_ms.max(budget_ms.unwrap_or(0.0)) + frame_ms {
                return Outcome::Behind { fps: self.slowest_stream_fps, pace_fps };
            }
        }
        match budget_ms {
            Some(budget_ms) if self.tail_ms > budget_ms => Outcome::Late { tail_ms: self.tail_ms, budget_ms },
            None if plan.pace_fps.is_none() => Outcome::NoLimit,
            _ => Outcome::Carried,
        }
    }
}

impl Outcome {
    /// May there be more streams?
    pub fn is_carried(&self) -> bool {
        matches!(self, Self::Carried | Self::NoLimit)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Carried => f.write_str("carried"),
            Self::NoLimit => f.write_str("measured"),
            Self::Late { tail_ms, budget_ms } => {
                write!(f, "too late: {} of {}", units::ms(*tail_ms), units::ms(*budget_ms))
            }
            Self::Behind { fps, pace_fps } => write!(f, "behind: {} of {}", units::fps(*fps), units::fps(*pace_fps)),
            Self::Failed { error } => write!(f, "failed: {error}"),
        }
    }
}

impl Density {
    /// The numbers of one codec, ascending.
    pub fn of_codec(&self, codec: Codec) -> Vec<&Load> {
        let mut loads: Vec<&Load> = self.loads.iter().filter(|load| load.codec == codec).collect();
        loads.sort_by_key(|load| load.streams);
        loads
    }

    /// The largest number of streams that is carried with every smaller one that was tried; `None`: not even the smallest.
    pub fn carried(&self, codec: Codec) -> Option<&Load> {
        self.of_codec(codec).into_iter().take_while(|load| load.outcome.is_carried()).last()
    }

    /// "h264: 23 streams of 60.0 fps are carried, with T=2 (inline); 24 are behind: 59.5 fps of 60.0 fps"
    pub fn sentence(&self, codec: Codec) -> String {
        let first_missed = self.of_codec(codec).into_iter().find(|load| !load.outcome.is_carried());
        let late = first_missed.and_then(|load| load.measured).map_or(0, |one| one.model_late);
        let host = if late > 0 {
            format!("; this computer was late for {late} frames of these, so the device may carry more")
        } else {
            String::new()
        };
        let missed =
            first_missed.map_or_else(String::new, |load| format!("; {} are {}{host}", load.streams, load.outcome));
        let paced = self.plan.pace_fps.map_or_else(String::new, |fps| format!(" of {}", units::fps(fps)));
        match self.carried(codec) {
            None => format!("{codec}: no stream{paced} is carried{missed}"),
            Some(Load { streams, outcome: Outcome::NoLimit, measured, .. }) => {
                let fps = measured.map_or_else(String::new, |one| format!(" encode {} together", units::fps(one.fps)));
                format!("{codec}: {streams} streams{fps}{missed}")
            }
            Some(Load { streams, measured, .. }) => {
                let case = measured.map_or_else(String::new, |one| format!(", with {}", one.case.title()));
                let more = if missed.is_empty() { "; more were not tried" } else { &missed };
                format!("{codec}: {streams} streams{paced} are carried{case}{more}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::LockPlacement::Inline;
    use crate::plan::Goal;
    use crate::stats::fixture::{Origin, case, summary};

    fn live(streams: u32) -> Plan {
        let goal = Goal::Live { budget_ms: Some(20.0) };
        Plan { streams, pace_fps: Some(50.0), frames: 100, goal, ..Plan::default() }
    }

    /// A run whose slowest stream has this throughput, and this latency.
    fn run(threshold: u32, slowest_fps: f64, latency_ms: f64) -> RunSummary {
        let mut run = summary(case(threshold, Inline), 0, 2000.0);
        run.packets = 200;
        run.values.set(Metric::Fps, Some(2.0 * slowest_fps));
        run.values.set(Metric::SlowestStreamFps, Some(slowest_fps));
        run.values.set(Metric::LatencyP95Ms, Some(latency_ms));
        run.values.set(Metric::LockMs, Some(50.0));
        run
    }

    #[test]
    fn a_stream_must_keep_its_pace_and_its_budget() {
        let outcome = |runs: &[RunSummary]| Load::of(&live(2), runs, Codec::H264, None).outcome;
        // 100 frames at 50 fps are there after 1,980 ms and a latency.
        assert_eq!(outcome(&[run(1, 50.2, 12.0)]), Outcome::Carried);
        assert!(matches!(outcome(&[run(1, 48.0, 12.0)]), Outcome::Behind { .. }));
        assert_eq!(outcome(&[run(1, 50.2, 21.0)]), Outcome::Late { tail_ms: 21.0, budget_ms: 20.0 });
        let failed = RunSummary { error: Some("too many sessions".to_owned()), ..run(1, 50.2, 12.0) };
        assert_eq!(outcome(&[failed]), Outcome::Failed { error: "too many sessions".to_owned() });
    }

    #[test]
    fn the_case_that_serves_them_best_stands_for_a_number_of_streams() {
        let runs = [run(1, 48.0, 5.0), run(2, 50.2, 9.0), run(4, 50.2, 15.0)];
        let chosen =
            |preferred| Load::of(&live(2), &runs, Codec::H264, preferred).measured.unwrap().case.reap_threshold;
        assert_eq!((chosen(None), chosen(Some(case(4, Inline))), chosen(Some(case(1, Inline)))), (2, 4, 2));
    }

    #[test]
    fn the_answer_is_the_last_number_before_the_first_that_is_not_carried() {
        let load = |streams, fps| Load::of(&live(streams), &[run(1, fps, 12.0)], Codec::H264, None);
        let loads = vec![load(4, 48.0), load(1, 50.2), load(2, 50.2), load(8, 50.2)];
        let found = Density { plan: live(1), device: Origin::default().device, loads, is_stopped: false };
        assert_eq!(found.carried(Codec::H264).map(|load| load.streams), Some(2));
        let said = found.sentence(Codec::H264);
        let expected = "h264: 2 streams of 50.0 fps are carried, with T=1 (inline); 4 are behind: 48.0 fps of 50.0 fps";
        assert_eq!(said, expected);
    }
}
