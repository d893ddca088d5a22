//! Asks the runs of two cases whether they meet the criteria.
//!
//! Knows no session and no device; `comparison` picks the runs. What is a measurement is decided by `evidence::decision`;
//! what is a count (failed runs, the queue's peak) is what it is.

use crate::contract::{Codec, LockPlacement};
use crate::stats::evidence::decision::{Decision, Evidence};
use crate::stats::evidence::quantity::Quantity;
use crate::stats::evidence::side_name::SideName;
use crate::stats::math::descriptive::median;
use crate::stats::runs::metrics::{Metric, wait_of};
use crate::stats::runs::summary::RunSummary;
use crate::stats::runs::values_of;
use crate::stats::verdict::criteria::{Criteria, CriterionName, CriterionResult, Verdict};
use crate::stats::verdict::words::decision_text;
use crate::units;

/// What is judged.
pub struct Judged<'a> {
    /// All runs of the before case, warm-ups and failed ones included.
    pub before: &'a [&'a RunSummary],
    /// As `before`.
    pub after: &'a [&'a RunSummary],
    /// Those that count, and what is known to be doubtful about them.
    pub evidence: Evidence<'a>,
}

/// Judges every criterion for one codec.
pub fn judge(criteria: &Criteria, codec: Codec, judged: &Judged<'_>) -> Vec<CriterionResult> {
    let bench = Bench { criteria, codec, evidence: &judged.evidence };
    let wall = bench.falls(CriterionName::WallMs, Metric::WallMs, criteria.min_wall_improvement_pct);
    let lock = bench.falls(CriterionName::LockMs, bench.wait(), criteria.min_lock_improvement_pct);
    let failed = bench.no_run_fails(judged.before, judged.after);
    [wall, lock, bench.queue_fills()].into_iter().chain(bench.tail_keeps_limit()).chain([failed]).collect()
}

/// What the guard on latency compares, and under which name; `None`: runs of so few frames have no tail.
pub fn guarded(criteria: &Criteria, frames: u64) -> Option<(CriterionName, Quantity)> {
    let tails = [(CriterionName::LatencyP99, Metric::LatencyP99Ms), (CriterionName::LatencyP95, Metric::LatencyP95Ms)];
    let (name, tail) = tails.into_iter().find(|(_, tail)| tail.min_frames() <= frames)?;
    let tolerance_intervals = criteria.latency_p99_tolerance_intervals;
    Some((name, Quantity::TailPerThroughput { tail, tolerance_intervals }))
}

/// Did throughput pay for the latency of the after side? `None`: the runs have too few frames for a tail, or the guard is off.
pub fn ask_guard(criteria: &Criteria, evidence: &Evidence<'_>) -> Option<Decision> {
    let (_, quantity) = guarded(criteria, evidence.sides.frames())?;
    let limit_pct = criteria.max_latency_p99_growth_pct;
    limit_pct.is_finite().then(|| evidence.at_most(quantity, limit_pct)).flatten()
}

struct Bench<'a> {
    criteria: &'a Criteria,
    codec: Codec,
    evidence: &'a Evidence<'a>,
}

impl Bench<'_> {
    fn wait(&self) -> Metric {
        let lock = |runs: &[&RunSummary]| runs.first().map_or(LockPlacement::Inline, |run| run.case.lock);
        wait_of([lock(self.evidence.sides.before), lock(self.evidence.sides.after)])
    }

    fn falls(&self, name: CriterionName, metric: Metric, min_pct: f64) -> CriterionResult {
        let rule = match min_pct {
            min_pct if min_pct == f64::NEG_INFINITY => "not asked".to_owned(),
            min_pct if min_pct < 0.0 => format!("grows by at most {}", units::pct(-min_pct)),
            _ => format!("falls by at least {}", units::pct(min_pct)),
        };
        self.limited(name, metric, Quantity::Metric(metric), (rule, min_pct, -min_pct))
    }

    fn tail_keeps_limit(&self) -> Option<CriterionResult> {
        let (name, quantity) = guarded(self.criteria, self.evidence.sides.frames())?;
        let tail = if name == CriterionName::LatencyP99 { Metric::LatencyP99Ms } else { Metric::LatencyP95Ms };
        let max_pct = self.criteria.max_latency_p99_growth_pct;
        let rule = match max_pct {
            max_pct if max_pct == f64::INFINITY => "not asked".to_owned(),
            _ => format!("latency ÷ throughput grows by at most {}", units::pct(max_pct)),
        };
        Some(self.limited(name, tail, quantity, (rule, max_pct, max_pct)))
    }

    /// `quantity` is limited, and about `metric`: (rule, threshold as the criteria name it, most change in percent).
    fn limited(
        &self,
        name: CriterionName,
        metric: Metric,
        quantity: Quantity,
        (rule, threshold, limit_pct): (String, f64, f64),
    ) -> CriterionResult {
        let sides = &self.evidence.sides;
        let middle = |runs: &[&RunSummary], side: SideName| {
            median(&runs.iter().filter_map(|run| quantity.value(run, side)).collect::<Vec<_>>())
        };
        let (before, after) = (middle(sides.before, SideName::Before), middle(sides.after, SideName::After));
        let decision = self.evidence.at_most(quantity, if limit_pct.is_finite() { limit_pct } else { 0.0 });
        let (pass, reason) = match &decision {
            // A limit that is switched off is met by whatever there is.
            _ if limit_pct == f64::INFINITY => (Some(true), "not asked".to_owned()),
            _ if limit_pct == f64::NEG_INFINITY => (Some(false), "nothing falls so far".to_owned()),
            None if self.is_hidden(metric) => (Some(true), "not asked: another process does not show it".to_owned()),
            None => (None, self.no_value(metric)),
            Some(_) if self.few_runs().is_some() => (None, self.few_runs().unwrap_or_default()),
            Some(decision) if before == Some(0.0) && after == Some(0.0) && decision.is_met == Some(true) => {
                (Some(true), "0 on both sides: nothing left to remove".to_owned())
            }
            Some(decision) => (decision.is_met, decision_text(decision)),
        };
        let change_pct = decision.as_ref().map(|decision| decision.interval.estimate_pct);
        let (codec, verdict) = (self.codec, Verdict::from(pass));
        CriterionResult {
            name,
            codec,
            metric: Some(metric),
            rule,
            threshold,
            before,
            after,
            change_pct,
            decision,
            pass,
            verdict,
            reason,
        }
    }

    /// Does a side's process not show this at all?
    fn is_hidden(&self, metric: Metric) -> bool {
        let shows_nothing = |runs: &[&RunSummary]| {
            let is_other = |run: &&RunSummary| !run.case.client.is_here() && run.value(metric).is_none();
            !runs.is_empty() && runs.iter().all(is_other)
        };
        shows_nothing(self.evidence.sides.before) || shows_nothing(self.evidence.sides.after)
    }

    fn few_runs(&self) -> Option<String> {
        let (sides, least) = (&self.evidence.sides, self.criteria.min_runs);
        let few = [(sides.before, "before"), (sides.after, "after")];
        let (runs, side) = few.into_iter().find(|(runs, _)| runs.len() < least as usize)?;
        Some(format!("too few rounds: {} good counted runs {side}, {least} are needed", runs.len()))
    }

    fn no_value(&self, metric: Metric) -> String {
        let Evidence { sides, .. } = self.evidence;
        match () {
            () if sides.before.is_empty() || sides.after.is_empty() => {
                self.few_runs().unwrap_or_else(|| "too few rounds: a side has no good run".to_owned())
            }
            () if sides.is_paired && sides.pairs().is_empty() => {
                "too few rounds: the sides have none in common".to_owned()
            }
            () => format!("a run has no {}", metric.title().to_lowercase()),
        }
    }

    fn queue_fills(&self) -> CriterionResult {
        let least = |runs: &[&RunSummary]| values_of(runs, Metric::QueuePeak).into_iter().reduce(f64::min);
        let (before, after) = (least(self.evidence.sides.before), least(self.evidence.sides.after));
        let asked = f64::from(self.criteria.min_queue_peak);
        let few = self.few_runs();
        let pass = after.map(|after| after >= asked).filter(|_| few.is_none());
        let peak = Metric::QueuePeak.unit().text_or_none(after);
        CriterionResult {
            name: CriterionName::QueuePeak,
            codec: self.codec,
            metric: Some(Metric::QueuePeak),
            rule: format!("every run reaches at least {}", self.criteria.min_queue_peak),
            threshold: asked,
            before,
            after,
            change_pct: None,
            decision: None,
            pass,
            verdict: Verdict::from(pass),
            reason: few.unwrap_or_else(|| format!("the lowest queue peak of any run was {peak}")),
        }
    }

    /// No number of runs makes a crash more or less certain.
    fn no_run_fails(&self, before: &[&RunSummary], after: &[&RunSummary]) -> CriterionResult {
        let failed = |runs: &[&RunSummary]| runs.iter().filter(|run| run.error.is_some()).count() as u32;
        let (before, after) = (failed(before), failed(after));
        let pass = Some(before + after <= self.criteria.max_failed_runs);
        CriterionResult {
            name: CriterionName::FailedRuns,
            codec: self.codec,
            metric: None,
            rule: match self.criteria.max_failed_runs {
                0 => "no run fails, warm-ups included".to_owned(),
                max => format!("at most {max} runs fail, warm-ups included"),
            },
            threshold: f64::from(self.criteria.max_failed_runs),
            before: Some(f64::from(before)),
            after: Some(f64::from(after)),
            change_pct: None,
            decision: None,
            pass,
            verdict: Verdict::from(pass),
            reason: match before + after {
                0 => "no run failed".to_owned(),
                failed => format!("{failed} failed"),
            },
        }
    }
}

#[cfg(test)]
mod tests;
