//! The values of all metrics of one run, and what they would be at best had no frame of the emulated engine come late.
//!
//! Knows the metrics by their place in the table. As JSON each value stands under its metric's key.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::metrics::{Measured, Metric, ms};
use crate::stats::math::descriptive::per_mille;
use crate::units::Unit;

/// One value a metric, in the metric's unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Values(pub(super) [Option<f64>; Metric::ALL.len()]);

impl Values {
    /// The metric's value.
    pub fn of(&self, metric: Metric) -> Option<f64> {
        // In bounds, as everywhere here: there is one value a metric.
        self.0[metric as usize]
    }

    /// Puts another value in its place.
    pub fn set(&mut self, metric: Metric, value: Option<f64>) {
        self.0[metric as usize] = value;
    }

    /// The least that each time could have been. A late frame holds everything after it up by at most its own lateness, so
    /// a total shrinks by at most the sum. A percentile moves down by at most as many ranks as frames were touched: each
    /// late one, and those that were in flight behind it. `None`: no frame came late.
    pub(super) fn on_time(&self, run: &Measured<'_>) -> Option<Self> {
        let num_late = run.record.model_late.filter(|&num| num > 0)?;
        let late_ms = ms(late_ns(run, num_late));
        let num_touched = (num_late as usize).saturating_mul(run.record.metrics.queue_peak.max(1) as usize);
        let mut least = self.clone();
        let mut lower = |metric: Metric, value: Option<f64>| {
            if let Some((now, value)) = self.of(metric).zip(value) {
                least.set(metric, Some(value.clamp(0.0, now.max(0.0))));
            }
        };
        use Metric::{
            DrainMs, Fps, LatencyMaxMs, LatencyP50Ms, LatencyP95Ms, LatencyP99Ms, LatencyP999Ms, LockMs, LockP50Ms,
            LockP95Ms, LockP99Ms, LockP999Ms, ProcessWallMs, SubmitBlockedMs, SubmitWaitMs, WallMs,
        };
        for total in [WallMs, LockMs, SubmitBlockedMs, SubmitWaitMs, DrainMs, ProcessWallMs] {
            lower(total, self.of(total).map(|value| value - late_ms));
        }
        let columns = [
            (
                &run.sorted_latency_ns,
                &[
                    (LatencyP50Ms, 500),
                    (LatencyP95Ms, 950),
                    (LatencyP99Ms, 990),
                    (LatencyP999Ms, 999),
                    (LatencyMaxMs, 1000),
                ][..],
            ),
            (&run.sorted_lock_ns, &[(LockP50Ms, 500), (LockP95Ms, 950), (LockP99Ms, 990), (LockP999Ms, 999)][..]),
        ];
        for (sorted, percentiles) in columns {
            for &(metric, share) in percentiles {
                lower(
                    metric,
                    lowered(sorted, share, num_touched)
                        .map(|value| value.max(self.of(metric).unwrap_or(0.0) - late_ms)),
                );
            }
        }
        let wall_ms = least.of(WallMs).filter(|&wall_ms| wall_ms > 0.0);
        least.set(Fps, wall_ms.map(|wall_ms| run.record.metrics.packets as f64 / (wall_ms / 1e3)));
        Some(least)
    }
}

/// By how much all late frames together came late. Older sessions only counted them; no frame came later than its whole
/// latency.
fn late_ns(run: &Measured<'_>, num_late: u64) -> u64 {
    let slowest =
        || run.sorted_latency_ns.iter().rev().take(num_late as usize).fold(0, |sum: u64, &ns| sum.saturating_add(ns));
    run.record.model_late_ns.unwrap_or_else(slowest)
}

/// The percentile, `num` ranks further down.
fn lowered(sorted: &[u64], share: u32, num: usize) -> Option<f64> {
    let at = per_mille(sorted, share)?;
    let rank = sorted.partition_point(|&value| value < at);
    sorted.get(rank.saturating_sub(num)).copied().map(ms)
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for metric in Metric::ALL {
            match (metric.unit(), self.of(metric)) {
                // What is counted has no decimals.
                (Unit::Count | Unit::Bytes, Some(value)) => map.serialize_entry(metric.key(), &(value as u64))?,
                (_, value) => map.serialize_entry(metric.key(), &value)?,
            }
        }
        map.end()
    }
}

impl JsonSchema for Values {
    fn schema_name() -> Cow<'static, str> {
        "Values".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let property = |metric: Metric| {
            let words = serde_json::json!({ "type": ["number", "null"], "description": metric.definition() });
            (metric.key().to_owned(), words)
        };
        let properties: serde_json::Map<_, _> = Metric::ALL.into_iter().map(property).collect();
        json_schema!({ "type": "object", "properties": properties })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::LockPlacement::Inline;
    use crate::record::FrameColumns;
    use crate::stats::fixture::{case, record};
    use crate::stats::runs::summary::RunSummary;

    /// A hundred frames of 1.00 to 1.99 ms, of which some were late by 0.5 ms in all.
    fn late(num: u64, late_ns: Option<u64>) -> RunSummary {
        let mut record = record(case(1, Inline), 0, 200.0);
        record.metrics.lock_ns = 150_000_000;
        record.frames =
            FrameColumns { latency_ns: (100..200).map(|k| 10_000 * k).collect(), ..FrameColumns::default() };
        (record.model_late, record.model_late_ns) = (Some(num), late_ns);
        RunSummary::of(&record)
    }

    #[test]
    fn the_sum_of_what_came_late_bounds_totals_and_tails() {
        let run = late(3, Some(500_000));
        let least = |metric| run.on_time.as_ref().unwrap().of(metric).unwrap();
        assert_eq!((least(Metric::WallMs), least(Metric::LockMs)), (199.5, 149.5));
        assert!((least(Metric::LatencyP95Ms) - 1.91).abs() < 1e-9, "three ranks below 1.94 ms");
        assert_eq!(least(Metric::UploadMs), run.value(Metric::UploadMs).unwrap());
        assert_eq!(late(0, Some(0)).on_time, None);
    }

    #[test]
    fn an_old_session_bounds_it_by_its_slowest_frames() {
        let run = late(2, None);
        let least = run.on_time.as_ref().unwrap().of(Metric::WallMs).unwrap();
        assert!((least - (200.0 - 1.99 - 1.98)).abs() < 1e-9, "{least}");
    }
}
