//! Holds the runs of two cases against the criteria.
//!
//! Knows no session and no device; `compare` picks the runs. Whether the wall time and the lock wait fell far enough, and
//! whether the latency tail grew too far, is asked of the interval of their change: the whole of it must clear the limit,
//! or lie short of it, else the criterion is left open. Where there are too few runs for an interval, an answer is left
//! open that hangs on one run: that leaving out any single run would turn around.

use crate::contract::Codec;
use crate::stats::criteria::{Criteria, CriterionName, CriterionResult, Verdict};
use crate::stats::effect::more_text;
use crate::stats::gate::Gate;
use crate::stats::guard::{p95_is_paid_for, p99_is_paid_for};
use crate::stats::inspect;
use crate::stats::interval::{ChangeInterval, Sides};
use crate::stats::metrics::Metric;
use crate::stats::spread::mean;
use crate::stats::summary::RunSummary;
use crate::units;

/// The runs of two cases.
pub struct Runs<'a> {
    /// All of them, warm-ups and failed ones included.
    pub before: &'a [&'a RunSummary],
    /// As `before`.
    pub after: &'a [&'a RunSummary],
    /// Those that count ([`counted`]).
    pub sides: Sides<'a>,
}

/// Judges every criterion for one codec. `gates` are those that concern every metric.
pub fn judge(criteria: &Criteria, codec: Codec, runs: &Runs<'_>, gates: &[Gate]) -> Vec<CriterionResult> {
    let bench = Bench { criteria, codec, sides: runs.sides, gates };
    let decided = [
        bench.ask_interval(CriterionName::WallMs, Metric::WallMs, wall_falls),
        bench.ask_interval(CriterionName::LockMs, Metric::LockMs, lock_falls),
        bench.ask(CriterionName::QueuePeak, queue_fills),
    ];
    let failed = no_run_fails(criteria, codec, runs.before, runs.after);
    decided.into_iter().chain(bench.ask_tail()).chain([failed]).collect()
}

/// Was the latency of after paid for by its throughput? `None`: the runs have too few frames for a tail.
pub fn judge_tail(criteria: &Criteria, codec: Codec, sides: Sides<'_>, gates: &[Gate]) -> Option<CriterionResult> {
    Bench { criteria, codec, sides, gates }.ask_tail()
}

/// Two sides before the judge.
struct Bench<'a> {
    criteria: &'a Criteria,
    codec: Codec,
    sides: Sides<'a>,
    gates: &'a [Gate],
}

impl Bench<'_> {
    fn ask(&self, name: CriterionName, question: Question) -> CriterionResult {
        answer(self.criteria, self.codec, name, question, self.sides.before, self.sides.after)
    }

    fn ask_interval(&self, name: CriterionName, metric: Metric, question: Question) -> CriterionResult {
        let num_runs = self.sides.before.len().min(self.sides.after.len());
        let interval = self.sides.change(metric).filter(|_| num_runs >= self.criteria.min_runs as usize);
        let gates = [self.gates, &inspect::of_metric(metric, &self.sides)].concat();
        by_interval(self.ask(name, question), interval, &gates)
    }

    fn ask_tail(&self) -> Option<CriterionResult> {
        let tails: [(_, _, Question); 2] = [
            (CriterionName::LatencyP99, Metric::LatencyP99Ms, p99_is_paid_for),
            (CriterionName::LatencyP95, Metric::LatencyP95Ms, p95_is_paid_for),
        ];
        let frames = self.sides.before.iter().chain(self.sides.after).map(|run| run.packets).min().unwrap_or(0);
        let (name, metric, question) = tails.into_iter().find(|(_, metric, _)| metric.min_frames() <= frames)?;
        Some(self.ask_interval(name, metric, question))
    }
}

/// A criterion about a change, decided by the interval where that has ends, unless a gate stands against it. A limit that
/// is switched off stays so.
fn by_interval(result: CriterionResult, interval: Option<ChangeInterval>, gates: &[Gate]) -> CriterionResult {
    let limit_pct = result.limit_pct();
    if !limit_pct.is_finite() {
        return CriterionResult { interval, ..result };
    }
    let Some(bounded) = interval.filter(|interval| interval.ends().is_some()) else {
        return CriterionResult { interval, ..unless_gated(result, gates) };
    };
    let plain = bounded.is_at_most(limit_pct);
    let gate = gates.iter().find(|gate| gate.turns(plain, |pct| bounded.widened(pct).is_at_most(limit_pct)));
    let pass = plain.filter(|_| gate.is_none());
    let more_pairs = if plain.is_none() { bounded.more_to_clear(limit_pct) } else { None };
    let limit = format!("{} {}", units::change_pct(limit_pct), if limit_pct > 0.0 { "allowed" } else { "asked" });
    let reason = match (plain, gate) {
        (_, Some(gate)) => format!("{bounded}, {limit}, but {gate}"),
        (Some(_), None) => format!("{bounded}, {limit}"),
        (None, None) => format!("{bounded} reaches across the {limit}; {}", more_text(more_pairs, &bounded)),
    };
    let change_pct = Some(bounded.estimate_pct);
    CriterionResult { change_pct, interval, more_pairs, pass, verdict: Verdict::from(pass), reason, ..result }
}

/// An answer that no interval stands behind, unless a gate stands against it: the doubt is held against the change itself.
fn unless_gated(result: CriterionResult, gates: &[Gate]) -> CriterionResult {
    let change = result.change_pct.map(ChangeInterval::exactly);
    let again = |doubt_pct| change.and_then(|change| change.widened(doubt_pct).is_at_most(result.limit_pct()));
    match gates.iter().find(|gate| gate.turns(result.pass, again)) {
        Some(gate) => {
            let reason = format!("{}, but {gate}", result.reason);
            CriterionResult { pass: None, verdict: Verdict::Inconclusive, reason, ..result }
        }
        None => result,
    }
}

/// What a criterion finds in two lists of good counted runs.
pub(super) struct Finding {
    pub(super) rule: String,
    pub(super) threshold: f64,
    pub(super) before: Option<f64>,
    pub(super) after: Option<f64>,
    /// `None`: a number is missing or means nothing, as `reason` says.
    pub(super) pass: Option<bool>,
    pub(super) reason: String,
}

type Question = fn(&Criteria, &[&RunSummary], &[&RunSummary]) -> Finding;

fn answer(
    criteria: &Criteria,
    codec: Codec,
    name: CriterionName,
    question: Question,
    before: &[&RunSummary],
    after: &[&RunSummary],
) -> CriterionResult {
    let finding = question(criteria, before, after);
    match doubt(criteria, question, finding.pass, before, after) {
        Some(reason) => finding.result(name, codec, None, reason),
        None => finding.result(name, codec, finding.pass, finding.reason.clone()),
    }
}

/// Why the runs do not settle it, where the finding does not say so itself.
fn doubt(
    criteria: &Criteria,
    question: Question,
    pass: Option<bool>,
    before: &[&RunSummary],
    after: &[&RunSummary],
) -> Option<String> {
    for (runs, side) in [(before, "before"), (after, "after")] {
        if runs.len() < criteria.min_runs as usize {
            return Some(format!("{} good counted runs {side}, {} are needed", runs.len(), criteria.min_runs));
        }
    }
    let pass = pass?;
    let turns = |without: Finding| without.pass == Some(!pass);
    let hinge = (0..before.len())
        .find(|&idx| turns(question(criteria, &without(before, idx), after)))
        .map(|idx| (before[idx], "before"))
        .or_else(|| {
            let idx = (0..after.len()).find(|&idx| turns(question(criteria, before, &without(after, idx))))?;
            Some((after[idx], "after"))
        });
    let (run, side) = hinge?;
    let turned = if pass { "not met" } else { "met" };
    Some(format!("hangs on one run: without run #{} ({side}) it would be {turned}", run.order_index))
}

fn wall_falls(criteria: &Criteria, before: &[&RunSummary], after: &[&RunSummary]) -> Finding {
    mean_falls(Metric::WallMs, criteria.min_wall_improvement_pct, before, after)
}

fn lock_falls(criteria: &Criteria, before: &[&RunSummary], after: &[&RunSummary]) -> Finding {
    mean_falls(Metric::LockMs, criteria.min_lock_improvement_pct, before, after)
}

fn mean_falls(metric: Metric, min_pct: f64, before: &[&RunSummary], after: &[&RunSummary]) -> Finding {
    let (before, after) = (mean(&values(before, metric)), mean(&values(after, metric)));
    let change = change_pct(before, after);
    Finding {
        rule: if min_pct < 0.0 {
            format!("grows by at most {}", units::pct(-min_pct))
        } else {
            format!("falls by at least {}", units::pct(min_pct))
        },
        threshold: min_pct,
        before,
        after,
        pass: change.map(|change| change <= -min_pct),
        reason: format!("the mean went {}", from_to(metric, before, after)),
    }
}

fn queue_fills(criteria: &Criteria, before: &[&RunSummary], after: &[&RunSummary]) -> Finding {
    let least = |runs: &[&RunSummary]| runs.iter().map(|run| run.queue_peak).min();
    let (before, after) = (least(before), least(after));
    Finding {
        rule: format!("every run reaches at least {}", criteria.min_queue_peak),
        threshold: f64::from(criteria.min_queue_peak),
        before: before.map(f64::from),
        after: after.map(f64::from),
        pass: after.map(|after| after >= criteria.min_queue_peak),
        reason: format!("the lowest peak of a run was {}", Metric::QueuePeak.unit().text_or_none(after.map(f64::from))),
    }
}

/// Counts, not measurements: no number of runs makes a crash more or less certain.
fn no_run_fails(criteria: &Criteria, codec: Codec, before: &[&RunSummary], after: &[&RunSummary]) -> CriterionResult {
    let failed = |runs: &[&RunSummary]| runs.iter().filter(|run| run.error.is_some()).count() as u32;
    let (before, after) = (failed(before), failed(after));
    let pass = before + after <= criteria.max_failed_runs;
    let finding = Finding {
        rule: format!("at most {} runs fail, warm-ups included", criteria.max_failed_runs),
        threshold: f64::from(criteria.max_failed_runs),
        before: Some(f64::from(before)),
        after: Some(f64::from(after)),
        pass: Some(pass),
        reason: match before + after {
            0 => "no run failed".to_owned(),
            failed => format!("{failed} failed"),
        },
    };
    let reason = finding.reason.clone();
    finding.result(CriterionName::FailedRuns, codec, Some(pass), reason)
}

impl Finding {
    fn result(&self, name: CriterionName, codec: Codec, pass: Option<bool>, reason: String) -> CriterionResult {
        CriterionResult {
            name,
            codec,
            rule: self.rule.clone(),
            threshold: self.threshold,
            before: self.before,
            after: self.after,
            change_pct: change_pct(self.before, self.after),
            interval: None,
            more_pairs: None,
            pass,
            verdict: Verdict::from(pass),
            reason,
        }
    }
}

/// From before to after in percent of before; `None` where before is 0 or one of them is missing.
pub fn change_pct(before: Option<f64>, after: Option<f64>) -> Option<f64> {
    let (before, after) = before.zip(after)?;
    (before != 0.0).then(|| 100.0 * (after - before) / before)
}

/// Good runs that are no warm-ups.
pub fn counted<'a>(runs: &[&'a RunSummary]) -> Vec<&'a RunSummary> {
    runs.iter().copied().filter(|run| run.counts()).collect()
}

fn without<'a>(runs: &[&'a RunSummary], left_out: usize) -> Vec<&'a RunSummary> {
    runs.iter().enumerate().filter(|&(idx, _)| idx != left_out).map(|(_, &run)| run).collect()
}

pub(super) fn values(runs: &[&RunSummary], metric: Metric) -> Vec<f64> {
    runs.iter().filter_map(|run| run.value(metric)).collect()
}

pub(super) fn from_to(metric: Metric, before: Option<f64>, after: Option<f64>) -> String {
    let unit = metric.unit();
    let change = units::change_pct_or_none(change_pct(before, after));
    format!("from {} to {} ({change})", unit.text_or_none(before), unit.text_or_none(after))
}

#[cfg(test)]
mod tests;
