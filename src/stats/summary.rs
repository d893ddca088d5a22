//! One run in numbers, and the runs of one case side by side.
//!
//! A summary keeps no frames, so a session of any size fits in memory. Knows no file and judges nothing.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::record::{Case, DeviceInfo, GpuState, RunRecord};
use crate::stats::metrics::Metric;
use crate::stats::spread::{Spread, per_mille};

/// One run without its frames. Serialises to flat keys, metrics under [`Metric::key`].
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "Metric::definition and record.rs say it")]
pub struct RunSummary {
    #[serde(flatten)]
    pub case: Case,
    pub repeat_index: u32,
    pub order_index: u32,
    pub started_unix_ms: u64,
    pub warmup: bool,
    /// Made after the sweep, to see whether what it recommends holds in runs that had no part in choosing it.
    pub fresh: bool,
    pub error: Option<String>,
    pub frames: u64,
    pub packets: u64,
    pub bytes: u64,
    pub wall_ms: f64,
    /// `None`: the run took no measurable time.
    pub fps: Option<f64>,
    pub lock_ms: f64,
    pub submit_blocked_ms: f64,
    pub upload_ms: f64,
    pub submit_ms: f64,
    pub copy_ms: f64,
    pub unlock_ms: f64,
    pub drain_ms: f64,
    pub source_wait_ms: f64,
    pub open_ms: f64,
    pub queue_peak: u32,
    /// Percentiles are `None` where the run has no frame.
    pub latency_p50_ms: Option<f64>,
    pub latency_p95_ms: Option<f64>,
    pub latency_p99_ms: Option<f64>,
    pub latency_p999_ms: Option<f64>,
    pub latency_max_ms: Option<f64>,
    pub lock_p50_ms: Option<f64>,
    pub lock_p95_ms: Option<f64>,
    pub lock_p99_ms: Option<f64>,
    pub lock_p999_ms: Option<f64>,
    pub model_late: Option<u64>,
    /// `None`: no GPU, or it does not say.
    pub gpu: Option<GpuState>,
    /// These are of processes only.
    pub process_wall_ms: Option<f64>,
    pub process_cpu_ms: Option<f64>,
    pub cpu_per_frame_ms: Option<f64>,
    pub peak_memory_bytes: Option<u64>,
    pub lock_depth: Option<u32>,
    pub verified_frames: Option<u64>,
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
        let (metrics, frames) = (&record.metrics, &record.frames);
        let latency = Percentiles::of(&frames.latency_ns);
        let lock = Percentiles::of(&frames.lock_ns);
        let process = record.process.as_ref();
        let cpu_ms = process.map(|process| ms(process.user_ns + process.system_ns));
        Self {
            case: record.case,
            repeat_index: record.repeat_index,
            order_index: record.order_index,
            started_unix_ms: record.started_unix_ms,
            warmup: record.warmup,
            fresh: record.fresh,
            error: record.error.clone(),
            frames: metrics.frames,
            packets: metrics.packets,
            bytes: metrics.bytes,
            wall_ms: ms(record.wall_ns),
            fps: (record.wall_ns > 0).then(|| metrics.packets as f64 / (record.wall_ns as f64 / 1e9)),
            lock_ms: ms(metrics.lock_ns),
            submit_blocked_ms: ms(metrics.blocked_ns),
            upload_ms: ms(metrics.upload_ns),
            submit_ms: ms(metrics.submit_ns),
            copy_ms: ms(metrics.copy_ns),
            unlock_ms: ms(metrics.unlock_ns),
            drain_ms: ms(metrics.drain_ns),
            source_wait_ms: frames.source_wait_ns.iter().map(|&wait_ns| ms(wait_ns)).sum(),
            open_ms: ms(record.open_ns),
            queue_peak: metrics.queue_peak,
            latency_p50_ms: latency.p50_ms,
            latency_p95_ms: latency.p95_ms,
            latency_p99_ms: latency.p99_ms,
            latency_p999_ms: latency.p999_ms,
            latency_max_ms: latency.max_ms,
            lock_p50_ms: lock.p50_ms,
            lock_p95_ms: lock.p95_ms,
            lock_p99_ms: lock.p99_ms,
            lock_p999_ms: lock.p999_ms,
            model_late: record.model_late,
            gpu: record.gpu,
            process_wall_ms: process.map(|process| ms(process.wall_ns)),
            process_cpu_ms: cpu_ms,
            cpu_per_frame_ms: cpu_ms.filter(|_| metrics.packets > 0).map(|cpu_ms| cpu_ms / metrics.packets as f64),
            peak_memory_bytes: process.and_then(|process| process.peak_memory_bytes),
            lock_depth: process.map(|process| process.lock_depth),
            verified_frames: process.and_then(|process| process.verified_frames),
            lock_deciles_ms: lock.deciles_ms,
            latency_deciles_ms: latency.deciles_ms,
        }
    }

    /// Is it one of the runs that means and percentiles are made of?
    pub fn counts(&self) -> bool {
        !self.warmup && self.error.is_none()
    }

    /// The metric's value, in the metric's unit.
    pub fn value(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::WallMs => Some(self.wall_ms),
            Metric::Fps => self.fps,
            Metric::LockMs => Some(self.lock_ms),
            Metric::SubmitBlockedMs => Some(self.submit_blocked_ms),
            Metric::UploadMs => Some(self.upload_ms),
            Metric::SubmitMs => Some(self.submit_ms),
            Metric::CopyMs => Some(self.copy_ms),
            Metric::UnlockMs => Some(self.unlock_ms),
            Metric::DrainMs => Some(self.drain_ms),
            Metric::SourceWaitMs => Some(self.source_wait_ms),
            Metric::OpenMs => Some(self.open_ms),
            Metric::QueuePeak => Some(f64::from(self.queue_peak)),
            Metric::LatencyP50Ms => self.latency_p50_ms,
            Metric::LatencyP95Ms => self.latency_p95_ms,
            Metric::LatencyP99Ms => self.latency_p99_ms,
            Metric::LatencyP999Ms => self.latency_p999_ms,
            Metric::LatencyMaxMs => self.latency_max_ms,
            Metric::LockP50Ms => self.lock_p50_ms,
            Metric::LockP95Ms => self.lock_p95_ms,
            Metric::LockP99Ms => self.lock_p99_ms,
            Metric::LockP999Ms => self.lock_p999_ms,
            Metric::Bytes => Some(self.bytes as f64),
            Metric::ProcessWallMs => self.process_wall_ms,
            Metric::ProcessCpuMs => self.process_cpu_ms,
            Metric::CpuPerFrameMs => self.cpu_per_frame_ms,
            Metric::PeakMemoryBytes => self.peak_memory_bytes.map(|bytes| bytes as f64),
            Metric::LockDepth => self.lock_depth.map(f64::from),
        }
    }
}

/// The runs sorted into cases, which come in the order of their first run: the plan's order, since the first round
/// visits every case in it.
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

/// Percentiles of one frame column.
struct Percentiles {
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
    p99_ms: Option<f64>,
    p999_ms: Option<f64>,
    max_ms: Option<f64>,
    deciles_ms: Option<Deciles>,
}

impl Percentiles {
    fn of(column_ns: &[u64]) -> Self {
        let mut sorted = column_ns.to_vec();
        sorted.sort_unstable();
        let at = |share| per_mille(&sorted, share).map(ms);
        let deciles_ms = at(1000).map(|_| std::array::from_fn(|idx| at(100 * (idx as u32 + 1)).unwrap_or_default()));
        Self { p50_ms: at(500), p95_ms: at(950), p99_ms: at(990), p999_ms: at(999), max_ms: at(1000), deciles_ms }
    }
}

fn ms(value_ns: u64) -> f64 {
    value_ns as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::EncodeMetrics;
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
        assert_eq!((run.wall_ms, run.lock_ms, run.submit_blocked_ms), (200.0, 22.5, 1.0));
        assert_eq!((run.fps, run.source_wait_ms), (Some(500.0), 0.75));
        assert_eq!((run.latency_p50_ms, run.latency_p95_ms), (Some(0.5), Some(0.95)));
        assert_eq!((run.latency_p99_ms, run.latency_max_ms), (Some(0.99), Some(1.0)));
        assert_eq!((run.lock_p50_ms, run.lock_p99_ms), (Some(0.001), Some(0.003)));
    }

    #[test]
    fn a_run_that_ended_at_once_has_no_percentiles() {
        let run = summary(case(1, Inline), 0, 0.0);
        assert_eq!((run.fps, run.latency_p99_ms, run.lock_p50_ms), (None, None, None));
    }

    #[test]
    fn json_holds_each_metric_under_its_key() {
        let run = summary(case(4, Thread), 0, 1.0);
        let device = DeviceInfo {
            kind: DeviceKind::Virtual,
            name: "virtual:fixed".to_owned(),
            driver: "0.1.0".to_owned(),
            api_version: "12.1".to_owned(),
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
    fn groups_come_in_the_order_of_their_first_run() {
        let orders = [(8, 3), (4, 2), (1, 0), (4, 1)];
        let runs = orders.map(|(threshold, order)| summary(case(threshold, Inline), order, 1.0));
        let thresholds: Vec<_> = groups(&runs).iter().map(|group| group.case.reap_threshold).collect();
        assert_eq!(thresholds, [1, 4, 8]);
    }
}
