//! The guard on latency: was it paid for? Its reasons stand at [`Criteria`]; `judge` asks it, and its tests are there.

use crate::stats::criteria::Criteria;
use crate::stats::judge::{Finding, change_pct, from_to, values};
use crate::stats::metrics::Metric;
use crate::stats::spread::median;
use crate::stats::summary::RunSummary;
use crate::units;

/// Asked of runs whose frames bear a p99.
pub(super) fn p99_is_paid_for(criteria: &Criteria, before: &[&RunSummary], after: &[&RunSummary]) -> Finding {
    latency_is_paid_for(Metric::LatencyP99Ms, "p99", criteria, before, after)
}

/// The p99 of so few frames is a matter of single ones; p95 stands in for it.
pub(super) fn p95_is_paid_for(criteria: &Criteria, before: &[&RunSummary], after: &[&RunSummary]) -> Finding {
    latency_is_paid_for(Metric::LatencyP95Ms, "p95", criteria, before, after)
}

/// The guard whose reasons stand at [`Criteria`]. Medians over the runs, so that one run that the machine held up for
/// a while does not pass for the encoder's tail.
fn latency_is_paid_for(
    metric: Metric,
    name: &str,
    criteria: &Criteria,
    before: &[&RunSummary],
    after: &[&RunSummary],
) -> Finding {
    let (fps_before, fps_after) = (median(&values(before, Metric::Fps)), median(&values(after, Metric::Fps)));
    let (tail_before, tail_after) = (median(&values(before, metric)), median(&values(after, metric)));
    let gain = fps_before.zip(fps_after).map_or(1.0, |(before, after)| after / before).max(1.0);
    let paid_pct = 100.0 * (gain - 1.0) + gain * criteria.max_latency_p99_growth_pct;
    let tolerated_ms = fps_after.map_or(0.0, |fps| criteria.latency_p99_tolerance_intervals * 1000.0 / fps);
    let allowed_pct = paid_pct.max(tail_before.map_or(0.0, |tail_ms| 100.0 * tolerated_ms / tail_ms));
    let change = change_pct(tail_before, tail_after);
    Finding {
        rule: format!(
            "the median run's {name} grows by no more than the throughput, and {} beyond",
            units::pct(criteria.max_latency_p99_growth_pct)
        ),
        threshold: allowed_pct,
        before: tail_before,
        after: tail_after,
        pass: change.map(|change| change <= allowed_pct),
        reason: format!(
            "the median run's {name} went {}; {} is allowed at {gain:.2} times the throughput",
            from_to(metric, tail_before, tail_after),
            units::change_pct(allowed_pct)
        ),
    }
}
