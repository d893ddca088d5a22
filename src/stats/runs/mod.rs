//! What was measured, run by run: metrics, summaries, distributions, and which cases are meant.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, reason = "numbers of files, which may be anything"))]

pub mod distribution;
pub mod histogram;
pub mod instruments;
pub mod metrics;
pub mod selector;
pub mod stream;
pub mod summary;
pub mod values;

use metrics::Metric;
use summary::RunSummary;

/// Good runs that are no warm-ups.
pub fn counted<'a>(runs: &[&'a RunSummary]) -> Vec<&'a RunSummary> {
    runs.iter().copied().filter(|run| run.counts()).collect()
}

/// The metric's value in each run that has one.
pub fn values_of(runs: &[&RunSummary], metric: Metric) -> Vec<f64> {
    runs.iter().filter_map(|run| run.value(metric)).collect()
}

/// From before to after in percent of before; `None` where before is 0 or one of them is missing.
pub fn change_pct(before: Option<f64>, after: Option<f64>) -> Option<f64> {
    let (before, after) = before.zip(after)?;
    (before != 0.0).then(|| 100.0 * (after - before) / before)
}
