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
mod tests {
    use super::*;
    use crate::contract::LockPlacement::Inline;
    use crate::stats::fixture::{case, summary};

    /// Nine runs of a case; `change` sees each run with its number.
    fn runs(threshold: u32, change: impl Fn(usize, &mut RunSummary)) -> Vec<RunSummary> {
        let mut runs: Vec<_> = (0..9).map(|order| summary(case(threshold, Inline), order, 100.0)).collect();
        for (idx, run) in runs.iter_mut().enumerate() {
            (run.lock_ms, run.latency_p99_ms, run.packets) = (50.0, Some(1.0), 1000);
            change(idx, run);
        }
        runs
    }

    fn verdict(name: CriterionName, before: &[RunSummary], after: &[RunSummary]) -> CriterionResult {
        let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
        let (good_before, good_after) = (counted(&before), counted(&after));
        let sides = Sides { before: &good_before, after: &good_after, is_paired: false };
        let gates = inspect::of_runs(&sides);
        let all = judge(&Criteria::default(), Codec::H264, &Runs { before: &before, after: &after, sides }, &gates);
        all.into_iter().find(|result| result.name == name).unwrap()
    }

    fn set_wall(run: &mut RunSummary, wall_ms: f64) {
        run.wall_ms = wall_ms;
        run.fps = Some(run.packets as f64 * 1000.0 / wall_ms);
    }

    #[test]
    fn the_limit_itself_is_met() {
        let before = runs(1, |_, _| ());
        let pass = |wall_ms| verdict(CriterionName::WallMs, &before, &runs(4, |_, run| set_wall(run, wall_ms))).pass;
        assert_eq!(pass(95.0), Some(true));
        assert_eq!(pass(95.01), Some(false));
        assert_eq!(pass(120.0), Some(false));
    }

    #[test]
    fn changes_are_relative_to_before() {
        let result = verdict(CriterionName::LockMs, &runs(1, |_, _| ()), &runs(4, |_, run| run.lock_ms = 5.0));
        assert_eq!((result.before, result.after, result.change_pct), (Some(50.0), Some(5.0), Some(-90.0)));
        assert_eq!((result.threshold, result.pass, result.verdict), (20.0, Some(true), Verdict::Pass));
        assert_eq!(result.reason, "−90.0 % (95 %: −90.0 % to −90.0 %, not paired), −20.0 % asked");
    }

    #[test]
    fn an_answer_that_hangs_on_one_run_is_open() {
        let before = runs(1, |_, _| ());
        // Too few for an interval: two runs at 94 pass by a little; the third, disturbed, drags the mean to 103.
        let after = runs(4, |idx, run| set_wall(run, if idx == 2 { 121.0 } else { 94.0 }));
        let result = verdict(CriterionName::WallMs, &before[..3], &after[..3]);
        assert_eq!((result.pass, result.verdict), (None, Verdict::Inconclusive));
        assert_eq!(result.reason, "hangs on one run: without run #2 (after) it would be met");
    }

    #[test]
    fn one_disturbed_run_of_nine_turns_nothing() {
        let before = runs(1, |_, _| ());
        let after = runs(4, |idx, run| set_wall(run, if idx == 8 { 121.0 } else { 94.0 }));
        let result = verdict(CriterionName::WallMs, &before, &after);
        assert_eq!(result.pass, Some(true), "{}", result.reason);
    }

    #[test]
    fn an_interval_across_the_limit_is_open() {
        let before = runs(1, |_, _| ());
        let after = runs(4, |idx, run| set_wall(run, 93.0 + 0.5 * idx as f64));
        let result = verdict(CriterionName::WallMs, &before, &after);
        assert_eq!((result.pass, result.verdict), (None, Verdict::Inconclusive));
        assert!(result.reason.contains("reaches across the −5.0 % asked"), "{}", result.reason);
    }

    #[test]
    fn too_few_runs_leave_it_open() {
        let (before, after) = (runs(1, |_, _| ()), runs(4, |_, run| run.lock_ms = 1.0));
        let result = verdict(CriterionName::LockMs, &before[..2], &after);
        assert_eq!((result.pass, result.reason.as_str()), (None, "2 good counted runs before, 3 are needed"));
        let result = verdict(CriterionName::LockMs, &before, &[]);
        assert_eq!((result.pass, result.after, result.change_pct), (None, None, None));
    }

    #[test]
    fn nothing_can_fall_below_nothing() {
        let result = verdict(CriterionName::LockMs, &runs(1, |_, run| run.lock_ms = 0.0), &runs(4, |_, _| ()));
        assert_eq!((result.pass, result.change_pct), (None, None));
    }

    #[test]
    fn every_run_must_fill_the_queue() {
        let pass = |peak: fn(usize) -> u32| {
            verdict(CriterionName::QueuePeak, &runs(1, |_, _| ()), &runs(4, |idx, run| run.queue_peak = peak(idx))).pass
        };
        assert_eq!(pass(|_| 2), Some(true));
        assert_eq!(pass(|_| 1), Some(false));
        assert_eq!(pass(|idx| if idx < 2 { 1 } else { 4 }), Some(false));
    }

    #[test]
    fn a_failed_warm_up_is_a_failed_run() {
        let good = runs(1, |_, _| ());
        assert_eq!(verdict(CriterionName::FailedRuns, &good, &good).pass, Some(true));
        let bad = runs(4, |idx, run| {
            run.warmup = idx == 0;
            run.error = (idx == 0).then(|| "lost".to_owned());
        });
        let result = verdict(CriterionName::FailedRuns, &good, &bad);
        assert_eq!((result.before, result.after, result.pass), (Some(0.0), Some(1.0), Some(false)));
    }

    fn latency(before: (f64, f64), after: (f64, f64)) -> CriterionResult {
        let side = |(wall_ms, p99_ms): (f64, f64)| {
            move |_, run: &mut RunSummary| {
                set_wall(run, wall_ms);
                run.latency_p99_ms = Some(p99_ms);
            }
        };
        verdict(CriterionName::LatencyP99, &runs(1, side(before)), &runs(4, side(after)))
    }

    #[test]
    fn latency_that_bought_throughput_is_paid_for() {
        // 640x360, serial to four in flight: 300 frames in 330 ms, then in 180 ms.
        let result = latency((110.0, 0.9), (60.0, 1.3));
        assert_eq!(result.pass, Some(true), "{}", result.reason);
        // Gain 1.8333, so 83.3 % is paid for, and a quarter of 183.3 % is allowed beyond.
        assert!((result.threshold - 129.1667).abs() < 1e-3);
    }

    #[test]
    fn latency_that_bought_nothing_fails() {
        // A source of 100 frames a second, 4 to 8 buffers: 12.6 to 20 ms at the same throughput.
        let result = latency((1000.0, 12.6), (1000.0, 20.0));
        assert_eq!(result.pass, Some(false), "{}", result.reason);
        // At the knee already: twice the depth, twice the latency, no more throughput.
        assert_eq!(latency((100.0, 2.0), (100.0, 4.0)).pass, Some(false));
    }

    #[test]
    fn growth_that_nobody_can_see_is_tolerated() {
        // +0.02 ms on 0.05 ms is 40 %, but a five-hundredth of the 10 ms between frames.
        assert_eq!(latency((1000.0, 0.05), (1000.0, 0.07)).pass, Some(true));
        // Slower throughput pays for nothing, and takes nothing away.
        assert_eq!(latency((100.0, 10.0), (200.0, 12.0)).pass, Some(true));
    }

    #[test]
    fn late_pictures_settle_nothing_that_they_could_have_caused() {
        let side = |late, p99_ms| {
            move |_, run: &mut RunSummary| (run.model_late, run.latency_p99_ms) = (Some(late), Some(p99_ms))
        };
        let pass = |num: usize, before, after: (u64, f64)| {
            let (before, after) = (runs(1, side(before, 10.0)), runs(4, side(after.0, after.1)));
            let result = verdict(CriterionName::LatencyP99, &before[..num], &after[..num]);
            assert_eq!(result.pass.is_none(), result.reason.contains("than the emulated engine would have made"));
            result.pass
        };
        // Ten pictures of a thousand are late in a run; growth of 25 % is allowed. With an interval and without.
        for num in [9, 3] {
            assert_eq!(pass(num, 0, (10, 15.0)), None);
            assert_eq!(pass(num, 10, (0, 11.0)), None, "without the late ones before, it might have grown");
            assert_eq!(pass(num, 10, (0, 15.0)), Some(false));
            assert_eq!(pass(num, 0, (10, 11.0)), Some(true));
        }
    }

    #[test]
    fn a_tail_that_scatters_across_its_limit_is_open() {
        // Growth of 25 % is allowed. The medians say 30 %, and leaving out any one run would say so too.
        let scattered = runs(4, |idx, run| run.latency_p99_ms = Some(1.3 + 0.15 * (idx as f64 - 4.0)));
        let result = verdict(CriterionName::LatencyP99, &runs(1, |_, _| ()), &scattered);
        assert_eq!(result.pass, None, "{}", result.reason);
        assert!(result.reason.contains("reaches across the +25.0 % allowed"), "{}", result.reason);
        assert!(result.more_pairs.is_some());
    }

    #[test]
    fn a_tail_of_single_frames_is_not_asked() {
        let names = |frames: u64| -> Vec<String> {
            let set = |_, run: &mut RunSummary| (run.packets, run.latency_p95_ms) = (frames, Some(1.0));
            let (before, after) = (runs(1, set), runs(4, set));
            let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
            let sides = Sides { before: &before, after: &after, is_paired: false };
            let all = judge(&Criteria::default(), Codec::H264, &Runs { before: &before, after: &after, sides }, &[]);
            all.into_iter().map(|result| result.name.to_string()).filter(|name| name.starts_with("latency")).collect()
        };
        assert_eq!(names(1000), ["latency_p99"]);
        assert_eq!(names(999), ["latency_p95"]);
        assert!(names(199).is_empty());
    }

    #[test]
    fn a_doubt_weighs_as_much_where_there_is_no_interval() {
        let before = runs(1, |_, _| ());
        // Scatter of about 30 %; the mean fell by 22 %, and leaving out no single run would turn that.
        let walls_ms = [60.0, 85.0, 90.0];
        let after = runs(4, |idx, run| set_wall(run, walls_ms[idx % 3]));
        let result = verdict(CriterionName::WallMs, &before[..3], &after[..3]);
        assert_eq!((result.pass, result.interval.map(|change| change.ends())), (None, Some(None)), "{}", result.reason);
        assert!(result.reason.contains("was not in one state"), "{}", result.reason);
    }

    #[test]
    fn a_limit_below_nothing_allows_growth() {
        let (before, after) = (runs(1, |_, _| ()), runs(4, |_, run| set_wall(run, 101.0)));
        let criteria = Criteria { min_wall_improvement_pct: -2.0, ..Criteria::default() };
        let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
        let sides = Sides { before: &before, after: &after, is_paired: false };
        let all = judge(&criteria, Codec::H264, &Runs { before: &before, after: &after, sides }, &[]);
        assert_eq!((all[0].rule.as_str(), all[0].pass), ("grows by at most 2.0 %", Some(true)));
        assert!(all[0].reason.ends_with("+2.0 % allowed"), "{}", all[0].reason);
    }

    #[test]
    fn other_settings_leave_open_what_compares() {
        let gates =
            [Gate::SettingDiffers { setting: "preset".to_owned(), before: "p1".to_owned(), after: "p4".to_owned() }];
        let asked = |num: usize| {
            let (before, after) = (runs(1, |_, _| ()), runs(4, |_, run| (run.lock_ms, run.wall_ms) = (5.0, 50.0)));
            let (before, after): (Vec<_>, Vec<_>) = (before[..num].iter().collect(), after[..num].iter().collect());
            let sides = Sides { before: &before, after: &after, is_paired: false };
            let all = judge(&Criteria::default(), Codec::H264, &Runs { before: &before, after: &after, sides }, &gates);
            all.into_iter().map(|result| (result.name.to_string(), result.pass)).collect::<Vec<_>>()
        };
        // With an interval and without.
        for num in [9, 3] {
            let open: Vec<_> =
                asked(num).into_iter().filter(|(_, pass)| pass.is_none()).map(|(name, _)| name).collect();
            assert_eq!(open, ["wall_ms", "lock_ms", "latency_p99"], "{num} runs");
        }
    }

    #[test]
    fn one_disturbed_run_is_not_the_tail() {
        let before = runs(1, |_, _| ());
        let after = runs(4, |idx, run| run.latency_p99_ms = Some(if idx == 0 { 400.0 } else { 1.1 }));
        assert_eq!(verdict(CriterionName::LatencyP99, &before, &after).pass, Some(true));
    }
}
