//! Each criterion, its limit, and what leaves it open.

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
    let side =
        |late, p99_ms| move |_, run: &mut RunSummary| (run.model_late, run.latency_p99_ms) = (Some(late), Some(p99_ms));
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
        let open: Vec<_> = asked(num).into_iter().filter(|(_, pass)| pass.is_none()).map(|(name, _)| name).collect();
        assert_eq!(open, ["wall_ms", "lock_ms", "latency_p99"], "{num} runs");
    }
}

#[test]
fn one_disturbed_run_is_not_the_tail() {
    let before = runs(1, |_, _| ());
    let after = runs(4, |idx, run| run.latency_p99_ms = Some(if idx == 0 { 400.0 } else { 1.1 }));
    assert_eq!(verdict(CriterionName::LatencyP99, &before, &after).pass, Some(true));
}
