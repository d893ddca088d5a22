//! One run in numbers, and the runs of one case side by side.
//!
//! A summary keeps no frames, so a session of any size fits in memory. Knows no file and judges nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::Dimensions;
use crate::record::{Case, ClockWarmUp, DeviceInfo, EncodeSettings, GpuState, RunRecord};
use crate::stats::math::descriptive::Spread;
use crate::stats::runs::instruments::Instruments;
use crate::stats::runs::metrics::{Measured, Metric};
use crate::stats::runs::stream::{Stream, shared};
use crate::stats::runs::values::Values;

/// One run without its frames. Serialises to flat keys, metrics under [`Metric::key`].
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "Metric::definition and record.rs say it")]
pub struct RunSummary {
    #[serde(flatten)]
    pub case: Case,
    pub repeat_index: u32,
    pub order_index: u32,
    #[serde(skip_serializing_if = "is_first")]
    pub block: u32,
    pub started_unix_ms: u64,
    pub warmup: bool,
    /// Made after the sweep, to see whether what it recommends holds in runs that had no part in choosing it.
    #[serde(rename = "fresh")]
    pub is_confirmation: bool,
    pub error: Option<String>,
    pub frames: u64,
    pub packets: u64,
    #[serde(skip_serializing_if = "is_first")]
    pub resumes: u32,
    /// Of the frames, where they were not the session's input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<Dimensions>,
    /// Every metric.
    #[serde(flatten)]
    pub values: Values,
    pub model_late: Option<u64>,
    /// What the metrics would be at best, had no frame of the emulated engine come late; `None`: none did.
    #[serde(skip)]
    pub on_time: Option<Box<Values>>,
    /// Standard deviation of the time from one frame to the next; `None`: there were fewer than three frames.
    #[serde(skip)]
    pub frame_stddev_ms: Option<f64>,
    /// `None`: no GPU, or it does not say.
    pub gpu: Option<GpuState>,
    /// What its instruments showed meanwhile; `None`: nobody looked.
    pub instruments: Option<Box<Instruments>>,
    pub warm_up: Option<ClockWarmUp>,
    pub verified_frames: Option<u64>,
    /// How another process set its encoder up; `None`: it is not known. Not in JSON, whose readers have the runs.
    #[serde(skip)]
    pub settings: Option<Arc<EncodeSettings>>,
    /// What came out; `None`: it is not known. Not in JSON, whose readers have the frames.
    #[serde(skip)]
    pub stream: Option<Arc<Stream>>,
    /// Not in JSON, whose readers have the frames.
    #[serde(skip)]
    pub lock_deciles_ms: Option<Deciles>,
    /// As `lock_deciles_ms`.
    #[serde(skip)]
    pub latency_deciles_ms: Option<Deciles>,
}

/// p10, p20 … p90 over a run's frames, in milliseconds.
pub type Deciles = [f64; 9];

/// A summary with the device it was made on, for JSON that is read away from its session.
#[derive(Debug, Clone, Copy, Serialize)]
#[allow(missing_docs, reason = "the types say it")]
pub struct RunOnDevice<'a> {
    #[serde(flatten)]
    pub run: &'a RunSummary,
    pub device: &'a DeviceInfo,
}

/// The runs of one case.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Group {
    /// What the runs have in common.
    #[serde(flatten)]
    pub case: Case,
    /// Runs that count: no warm-up, good or failed.
    pub num_runs: u32,
    /// Runs that failed, warm-ups included: a crash is one at any time.
    pub num_failed: u32,
    /// Each metric over the good counted runs; a metric without a value is absent.
    pub spreads: BTreeMap<Metric, Spread>,
}

impl RunSummary {
    /// Totals from the encoder's metrics, percentiles exactly from the sorted columns (nearest rank).
    ///
    /// Exact, not from a histogram: the columns are at hand, and criteria judge these numbers.
    pub fn of(record: &RunRecord) -> Self {
        let run = Measured {
            record,
            sorted_lock_ns: sorted(record.streams().flat_map(|frames| frames.of_packets(&frames.lock_ns))),
            sorted_latency_ns: sorted(latencies_ns(record)),
        };
        let values = Values(Metric::ALL.map(|metric| metric.of(&run)));
        Self {
            case: record.case,
            repeat_index: record.repeat_index,
            order_index: record.order_index,
            block: record.block,
            started_unix_ms: record.started_unix_ms,
            warmup: record.warmup,
            is_confirmation: record.is_confirmation,
            error: record.error.clone(),
            frames: record.metrics.frames,
            packets: record.metrics.packets,
            resumes: record.resumes,
            dimensions: record.dimensions,
            model_late: record.model_late,
            frame_stddev_ms: frame_stddev_ms(&record.frames.begin_at_ns),
            on_time: values.on_time(&run).map(Box::new),
            values,
            gpu: record.gpu,
            settings: settings(record),
            stream: Stream::of(record),
            instruments: record.telemetry.as_ref().map(|told| Box::new(Instruments::of(told))),
            warm_up: record.warm_up,
            verified_frames: record.process.as_ref().and_then(|process| process.verified_frames),
            lock_deciles_ms: deciles(|share| run.lock_at(share)),
            latency_deciles_ms: deciles(|share| run.latency_at(share)),
        }
    }

    /// The same among others: an equal stream is kept once, and so are equal settings.
    pub fn among(mut self, earlier: &[Self]) -> Self {
        self.settings = self.settings.map(|own| shared(own, earlier.iter().filter_map(|run| run.settings.as_ref())));
        self.stream = self.stream.map(|own| shared(own, earlier.iter().filter_map(|run| run.stream.as_ref())));
        self
    }

    /// Is it one of the runs that means and percentiles are made of?
    pub fn counts(&self) -> bool {
        !self.warmup && self.error.is_none()
    }

    /// The metric's value, in the metric's unit.
    pub fn value(&self, metric: Metric) -> Option<f64> {
        self.values.of(metric)
    }

    /// The encode wall time, which every run has.
    pub fn wall_ms(&self) -> f64 {
        self.value(Metric::WallMs).unwrap_or(0.0)
    }
}

/// The runs sorted into cases, in the order of [`Case::place`].
pub fn groups(runs: &[RunSummary]) -> Vec<Group> {
    let mut in_order: Vec<&RunSummary> = runs.iter().collect();
    in_order.sort_by_key(|run| run.order_index);
    let mut cases: Vec<(Case, Vec<&RunSummary>)> = Vec::new();
    for run in in_order {
        match cases.iter_mut().find(|(case, _)| *case == run.case) {
            Some((_, members)) => members.push(run),
            None => cases.push((run.case, vec![run])),
        }
    }
    cases.sort_by_key(|(case, _)| case.place());
    cases.into_iter().map(|(case, members)| Group::of(case, &members)).collect()
}

impl Group {
    /// Describes the runs of `case`.
    pub fn of(case: Case, runs: &[&RunSummary]) -> Self {
        let good: Vec<_> = runs.iter().filter(|run| run.counts()).collect();
        let spread = |metric| {
            let values: Vec<f64> = good.iter().filter_map(|run| run.value(metric)).collect();
            Spread::of(&values).map(|spread| (metric, spread))
        };
        Self {
            case,
            num_runs: runs.iter().filter(|run| !run.warmup).count() as u32,
            num_failed: runs.iter().filter(|run| run.error.is_some()).count() as u32,
            spreads: Metric::ALL.into_iter().filter_map(spread).collect(),
        }
    }

    /// How the metric lies over the good counted runs.
    pub fn spread(&self, metric: Metric) -> Option<&Spread> {
        self.spreads.get(&metric)
    }

    /// The metric's mean over the good counted runs.
    pub fn mean(&self, metric: Metric) -> Option<f64> {
        self.spread(metric).map(|spread| spread.mean)
    }
}

fn is_first(block: &u32) -> bool {
    *block == 0
}

fn settings(record: &RunRecord) -> Option<Arc<EncodeSettings>> {
    let settings = record.process.as_ref().map(|process| &process.settings)?;
    (!settings.is_empty()).then(|| Arc::new(settings.clone()))
}

fn frame_stddev_ms(begin_at_ns: &[u64]) -> Option<f64> {
    let steps_ms: Vec<_> = begin_at_ns.windows(2).map(|two| two[1].saturating_sub(two[0]) as f64 / 1e6).collect();
    Spread::of(&steps_ms)?.stddev
}

/// From submission to packet, of all streams; of a transcode from the submission to the decoder, of the first.
fn latencies_ns(record: &RunRecord) -> Vec<u64> {
    let frames = &record.frames;
    let Some(stage) = &record.decode else {
        return record.streams().flat_map(|frames| frames.of_packets(&frames.latency_ns)).collect();
    };
    let units_at = stage.frames.submit_at_ns.iter().enumerate();
    units_at.filter_map(|(frame, unit_ns)| Some(frames.packet_at_ns(frame)?.saturating_sub(*unit_ns))).collect()
}

fn sorted(column_ns: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let mut sorted: Vec<u64> = column_ns.into_iter().collect();
    sorted.sort_unstable();
    sorted
}

fn deciles(at: impl Fn(u32) -> Option<f64>) -> Option<Deciles> {
    at(1000)?;
    Some(std::array::from_fn(|idx| at((idx as u32).saturating_add(1).saturating_mul(100)).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::EncodeMetrics;
    use crate::contract::EngineKind;
    use crate::contract::LockPlacement::{Inline, Thread};
    use crate::record::{DeviceKind, FrameColumns};
    use crate::stats::fixture::{case, record, summary};

    #[test]
    fn times_are_milliseconds_and_percentiles_nearest_rank() {
        let mut record = record(case(4, Inline), 3, 200.0);
        record.metrics =
            EncodeMetrics { lock_ns: 22_500_000, blocked_ns: 1_000_000, packets: 100, ..EncodeMetrics::default() };
        record.frames = FrameColumns {
            latency_ns: (1..=100).rev().map(|k| k * 10_000).collect(),
            lock_ns: vec![3_000, 1_000],
            source_wait_ns: vec![500_000, 250_000],
            ..FrameColumns::default()
        };
        let run = RunSummary::of(&record);
        let value = |metric| run.value(metric);
        use Metric::*;
        assert_eq!([WallMs, LockMs, SubmitBlockedMs].map(value), [200.0, 22.5, 1.0].map(Some));
        assert_eq!([Fps, SourceWaitMs].map(value), [500.0, 0.75].map(Some));
        assert_eq!([LatencyP50Ms, LatencyP95Ms].map(value), [0.5, 0.95].map(Some));
        assert_eq!([LatencyP99Ms, LatencyMaxMs].map(value), [0.99, 1.0].map(Some));
        assert_eq!([LockP50Ms, LockP99Ms].map(value), [0.001, 0.003].map(Some));
    }

    #[test]
    fn a_run_that_ended_at_once_has_no_percentiles() {
        let run = summary(case(1, Inline), 0, 0.0);
        assert_eq!([Metric::Fps, Metric::LatencyP99Ms, Metric::LockP50Ms].map(|metric| run.value(metric)), [None; 3]);
    }

    #[test]
    fn json_holds_each_metric_under_its_key() {
        let run = summary(case(4, Thread), 0, 1.0);
        let device = DeviceInfo {
            kind: DeviceKind::Virtual,
            name: "virtual:fixed".to_owned(),
            driver: "0.1.0".to_owned(),
            api_version: "12.1".to_owned(),
            engine: EngineKind::Nvenc,
            card: None,
        };
        let json = serde_json::to_value(RunOnDevice { run: &run, device: &device }).unwrap();
        for metric in Metric::ALL {
            assert_eq!(json.get(metric.key()).and_then(serde_json::Value::as_f64), run.value(metric), "{metric}");
            assert!(json.get(metric.key()).is_some(), "{metric}");
        }
        assert_eq!(
            (&json["codec"], &json["lock"], &json["reap_threshold"]),
            (&"h264".into(), &"thread".into(), &4.into())
        );
        assert_eq!((&json["pool"], &json["device"]["kind"]), (&4.into(), &"virtual".into()));
    }

    #[test]
    fn warm_ups_and_failures_are_told_apart() {
        let mut runs: Vec<_> = (0..4).map(|order| summary(case(4, Inline), order, 100.0 + f64::from(order))).collect();
        runs[0].warmup = true;
        runs[1].error = Some("lost".to_owned());
        let group = &groups(&runs)[0];
        assert_eq!((group.num_runs, group.num_failed), (3, 1));
        assert_eq!(group.spread(Metric::WallMs).map(|wall| (wall.n, wall.mean)), Some((2, 102.5)));
        assert_eq!(group.mean(Metric::LatencyP99Ms), None);
    }

    #[test]
    fn groups_come_in_an_order_that_no_lot_decides() {
        let cases = [case(8, Inline), case(1, Thread), case(4, Inline), case(1, Inline), case(4, Inline)];
        let runs: Vec<_> = (0..).zip(cases).map(|(order, case)| summary(case, order, 1.0)).collect();
        let cases: Vec<_> = groups(&runs).iter().map(|group| group.case).collect();
        assert_eq!(cases, [case(1, Inline), case(4, Inline), case(8, Inline), case(1, Thread)]);
    }
}
