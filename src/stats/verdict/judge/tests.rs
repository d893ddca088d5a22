//! Each criterion, its limit, and what leaves it open.

use super::*;
use crate::contract::LockPlacement::Inline;
use crate::stats::evidence::sides::Sides;
use crate::stats::fixture::{case, summary};
use crate::stats::runs::counted;

/// Ten runs of a case; `change` sees each run with its number.
fn runs(threshold: u32, change: impl Fn(usize, &mut RunSummary)) -> Vec<RunSummary> {
    let run = |order: u32| RunSummary { repeat_index: order, ..summary(case(threshold, Inline), order, 100.0) };
    let mut runs: Vec<_> = (0..10).map(run).collect();
    for (idx, run) in runs.iter_mut().enumerate() {
        run.packets = 1000;
        run.values.set(Metric::LockMs, Some(50.0));
        run.values.set(Metric::LatencyP99Ms, Some(1.0));
        change(idx, run);
    }
    runs
}

fn set(metric: Metric, value: f64) -> impl Fn(usize, &mut RunSummary) {
    move |_, run| run.values.set(metric, Some(value))
}

fn results(criteria: &Criteria, before: &[RunSummary], after: &[RunSummary], is_paired: bool) -> Vec<CriterionResult> {
    let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
    let (good_before, good_after) = (counted(&before), counted(&after));
    let sides = Sides { before: &good_before, after: &good_after, is_paired };
    judge(criteria, Codec::H264, &Judged { before: &before, after: &after, evidence: Evidence::plain(sides) })
}

fn verdict(name: CriterionName, before: &[RunSummary], after: &[RunSummary]) -> CriterionResult {
    let all = results(&Criteria::default(), before, after, true);
    all.into_iter().find(|result| result.name == name).unwrap()
}

#[test]
fn the_limit_itself_is_met() {
    let before = runs(1, |_, _| ());
    let pass = |wall_ms| verdict(CriterionName::WallMs, &before, &runs(4, set(Metric::WallMs, wall_ms))).pass;
    assert_eq!((pass(95.0), pass(95.01), pass(120.0)), (Some(true), Some(false), Some(false)));
}

#[test]
fn changes_are_relative_to_before() {
    let result = verdict(CriterionName::LockMs, &runs(1, |_, _| ()), &runs(4, set(Metric::LockMs, 5.0)));
    assert_eq!((result.before, result.after), (Some(50.0), Some(5.0)));
    assert!((result.change_pct.unwrap() + 90.0).abs() < 1e-9);
    assert_eq!((result.threshold, result.pass, result.verdict), (20.0, Some(true), Verdict::Pass));
    assert_eq!(result.reason, "90.0 % lower (95 % bound: −90.0 %); the limit of −20.0 % is met");
}

#[test]
fn one_disturbed_run_of_ten_turns_nothing() {
    let after = runs(4, |idx, run| run.values.set(Metric::WallMs, Some(if idx == 8 { 121.0 } else { 94.0 })));
    let result = verdict(CriterionName::WallMs, &runs(1, |_, _| ()), &after);
    assert_eq!(result.pass, Some(true), "{}", result.reason);
}

#[test]
fn bounds_on_both_sides_of_the_limit_leave_it_open() {
    let after = runs(4, |idx, run| run.values.set(Metric::WallMs, Some(92.0 + 0.5 * (idx * 3 % 10) as f64)));
    let result = verdict(CriterionName::WallMs, &runs(1, |_, _| ()), &after);
    assert_eq!((result.pass, result.verdict), (None, Verdict::Inconclusive));
    assert!(result.reason.contains("so the limit of −5.0 % may be met or not; about"), "{}", result.reason);
}

#[test]
fn four_rounds_decide_nothing_whatever_they_say() {
    let (before, after) = (runs(1, |_, _| ()), runs(4, set(Metric::WallMs, 40.0)));
    let pass = |num: usize| verdict(CriterionName::WallMs, &before[..num], &after[..num]);
    assert_eq!((pass(4).pass, pass(5).pass), (None, Some(true)));
    assert_eq!(pass(4).reason, "too few rounds: 4; one more could decide it");
    assert_eq!(pass(2).reason, "too few rounds: 2 good counted runs before, 3 are needed");
    let none = verdict(CriterionName::LockMs, &before, &[]);
    assert_eq!((none.pass, none.after, none.change_pct), (None, None, None));
}

#[test]
fn a_wait_that_is_gone_has_fallen_and_none_has_nothing_left_to_fall() {
    let lock = |before, after| {
        verdict(CriterionName::LockMs, &runs(1, set(Metric::LockMs, before)), &runs(4, set(Metric::LockMs, after)))
    };
    assert_eq!((lock(100.0, 0.0).pass, lock(0.0, 100.0).pass), (Some(true), Some(false)));
    let nothing = lock(0.0, 0.0);
    assert_eq!((nothing.pass, nothing.reason.as_str()), (Some(true), "0 on both sides: nothing left to remove"));
}

#[test]
fn every_run_must_fill_the_queue() {
    let pass = |peak: fn(usize) -> f64| {
        let after = runs(4, |idx, run| run.values.set(Metric::QueuePeak, Some(peak(idx))));
        verdict(CriterionName::QueuePeak, &runs(1, |_, _| ()), &after).pass
    };
    assert_eq!(pass(|_| 2.0), Some(true));
    assert_eq!(pass(|_| 1.0), Some(false));
    assert_eq!(pass(|idx| if idx < 2 { 1.0 } else { 4.0 }), Some(false));
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
            run.values.set(Metric::WallMs, Some(wall_ms));
            run.values.set(Metric::LatencyP99Ms, Some(p99_ms));
        }
    };
    verdict(CriterionName::LatencyP99, &runs(1, side(before)), &runs(4, side(after)))
}

#[test]
fn latency_that_bought_throughput_is_paid_for() {
    // 640x360, serial to four in flight: 300 frames in 330 ms, then in 180 ms.
    let result = latency((1100.0, 0.9), (600.0, 1.3));
    assert_eq!(result.pass, Some(true), "{}", result.reason);
    // (1.3 − 0.15) ÷ 0.9 at 6 ÷ 11 of the time.
    assert!((result.change_pct.unwrap() + 30.3).abs() < 0.1, "{result:?}");
}

#[test]
fn latency_that_bought_nothing_fails() {
    // A source of 100 frames a second, 4 to 8 buffers: 12.6 to 20 ms at the same throughput.
    let result = latency((10_000.0, 12.6), (10_000.0, 20.0));
    assert_eq!(result.pass, Some(false), "{}", result.reason);
    // At the knee already: twice the depth, twice the latency, no more throughput.
    assert_eq!(latency((100.0, 2.0), (100.0, 4.0)).pass, Some(false));
}

#[test]
fn growth_that_nobody_can_see_is_forgiven() {
    // +0.02 ms on 0.05 ms is 40 %, but a five-hundredth of the 10 ms between frames.
    assert_eq!(latency((10_000.0, 0.05), (10_000.0, 0.07)).pass, Some(true));
}

#[test]
fn one_disturbed_run_is_not_the_tail() {
    let after = runs(4, |idx, run| run.values.set(Metric::LatencyP99Ms, Some(if idx == 0 { 400.0 } else { 1.1 })));
    assert_eq!(verdict(CriterionName::LatencyP99, &runs(1, |_, _| ()), &after).pass, Some(true));
}

#[test]
fn late_frames_count_for_as_much_as_they_took() {
    let with_late = |threshold, late_pct: f64, p99_ms: f64| {
        runs(threshold, move |_, run| {
            run.values.set(Metric::LatencyP99Ms, Some(p99_ms));
            let mut on_time = run.values.clone();
            on_time.set(Metric::LatencyP99Ms, Some(p99_ms * (1.0 - late_pct / 100.0)));
            (run.model_late, run.on_time) = (Some(10), Some(Box::new(on_time)));
        })
    };
    let pass = |before: (f64, f64), after: (f64, f64)| {
        let result =
            verdict(CriterionName::LatencyP99, &with_late(1, before.0, before.1), &with_late(4, after.0, after.1));
        result.pass
    };
    assert_eq!(pass((0.0, 10.0), (1.0, 15.0)), Some(false), "1 % of lateness does not make 50 %");
    assert_eq!(pass((0.0, 10.0), (30.0, 15.0)), None, "30 % might");
    assert_eq!(pass((0.0, 10.0), (30.0, 11.0)), Some(true), "fast although frames were late");
    assert_eq!(pass((30.0, 10.0), (0.0, 11.0)), None, "without the late ones before, it might have grown");
}

#[test]
fn a_tail_of_single_frames_is_not_asked() {
    let names = |frames: u64| -> Vec<String> {
        let set = |_, run: &mut RunSummary| {
            run.packets = frames;
            run.values.set(Metric::LatencyP95Ms, Some(1.0));
        };
        let all = results(&Criteria::default(), &runs(1, set), &runs(4, set), false);
        all.into_iter().map(|result| result.name.to_string()).filter(|name| name.starts_with("latency")).collect()
    };
    assert_eq!((names(1000), names(999)), (vec!["latency_p99".to_owned()], vec!["latency_p95".to_owned()]));
    assert!(names(199).is_empty());
}

#[test]
fn a_limit_below_nothing_allows_growth_and_infinity_asks_nothing() {
    let criteria =
        Criteria { min_wall_improvement_pct: -2.0, min_lock_improvement_pct: f64::NEG_INFINITY, ..Criteria::default() };
    let all = results(&criteria, &runs(1, |_, _| ()), &runs(4, set(Metric::WallMs, 101.0)), false);
    assert_eq!((all[0].rule.as_str(), all[0].pass), ("grows by at most 2.0 %", Some(true)));
    assert!(all[0].reason.ends_with("the limit of +2.0 % is met"), "{}", all[0].reason);
    assert_eq!((all[1].pass, all[1].reason.as_str()), (Some(true), "not asked"));
}

#[test]
fn a_side_that_locks_on_a_thread_is_judged_by_what_its_caller_waits() {
    let before = runs(1, |_, run| {
        run.values.set(Metric::LockMs, Some(200.0));
        run.values.set(Metric::SubmitWaitMs, Some(200.0));
    });
    let after = |lock: LockPlacement| {
        runs(4, move |_, run| {
            run.case.lock = lock;
            run.values.set(Metric::LockMs, Some(190.0));
            run.values.set(Metric::SubmitWaitMs, Some(5.0));
        })
    };
    let lock = |after: &[RunSummary]| verdict(CriterionName::LockMs, &before, after);
    let (inline, thread) = (lock(&after(Inline)), lock(&after(LockPlacement::Thread)));
    assert_eq!((inline.metric, inline.pass), (Some(Metric::LockMs), Some(false)));
    assert_eq!((thread.metric, thread.after, thread.pass), (Some(Metric::SubmitWaitMs), Some(5.0), Some(true)));
}
