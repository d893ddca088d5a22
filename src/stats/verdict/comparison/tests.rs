//! Which sides are comparable, and what a comparison says.

use super::*;
use crate::contract::LockPlacement::{Inline, Thread};
use crate::stats::fixture::{Origin, case, summary};
use crate::stats::runs::metrics::Metric;
use crate::stats::runs::summary::RunSummary;

/// Six runs of each case, each with this wall and lock time.
fn runs(cases: &[(Case, f64, f64)]) -> Vec<RunSummary> {
    let mut runs = Vec::new();
    for (case, wall_ms, lock_ms) in cases {
        for round in 0..6 {
            let mut run = summary(*case, runs.len() as u32, *wall_ms);
            run.repeat_index = round;
            run.values.set(Metric::LockMs, Some(*lock_ms));
            run.values.set(Metric::LatencyP99Ms, Some(1.0));
            runs.push(run);
        }
    }
    runs
}

fn sweep() -> Vec<RunSummary> {
    runs(&[(case(1, Inline), 100.0, 50.0), (case(4, Inline), 60.0, 5.0), (case(4, Thread), 99.0, 50.0)])
}

fn filter(text: &str) -> CaseFilter {
    text.parse().unwrap()
}

fn refusal(before: &Side<'_>, after: &Side<'_>) -> CompareError {
    compare(before, after, &Criteria::default(), Allowances::default()).unwrap_err()
}

#[test]
fn one_session_two_cases() {
    let (origin, runs) = (Origin::default(), sweep());
    let (before, after) = (origin.side(&runs, filter("reap=1")), origin.side(&runs, filter("reap=4,lock=inline")));
    let comparison = compare(&before, &after, &Criteria::default(), Allowances::default()).unwrap();
    assert_eq!((comparison.verdict, comparison.warnings), (Verdict::Pass, vec![]));
    let [codec] = &comparison.codecs[..] else { panic!("one codec") };
    assert_eq!((codec.before.case, codec.after.case), (case(1, Inline), case(4, Inline)));
    assert_eq!(codec.after.mean(Metric::WallMs), Some(60.0));
}

#[test]
fn rounds_of_one_side_alone_are_no_part_of_its_mean() {
    let (origin, mut runs) = (Origin::default(), sweep());
    // T=4 was confirmed against another case, while the computer was slow.
    let afresh = |round: u32| {
        let mut run = RunSummary { repeat_index: round, is_confirmation: true, ..runs[6].clone() };
        run.values.set(Metric::WallMs, Some(500.0));
        run
    };
    let afresh: Vec<_> = (6..12).map(afresh).collect();
    runs.extend(afresh);
    let (before, after) = (origin.side(&runs, filter("reap=1")), origin.side(&runs, filter("reap=4,lock=inline")));
    let comparison = compare(&before, &after, &Criteria::default(), Allowances::default()).unwrap();
    let wall = &comparison.codecs[0].criteria[0];
    assert_eq!((wall.after, wall.verdict), (Some(60.0), Verdict::Pass));
}

#[test]
fn any_failed_codec_fails_all() {
    let hevc = |case: Case| Case { codec: Codec::Hevc, ..case };
    let mut all = sweep();
    all.extend(runs(&[(hevc(case(1, Inline)), 100.0, 50.0), (hevc(case(4, Inline)), 99.0, 5.0)]));
    let origin = Origin::default();
    let (before, after) = (origin.side(&all, filter("reap=1")), origin.side(&all, filter("reap=4,lock=inline")));
    let comparison = compare(&before, &after, &Criteria::default(), Allowances::default()).unwrap();
    let verdicts: Vec<_> = comparison.codecs.iter().map(|codec| codec.verdict).collect();
    assert_eq!((verdicts, comparison.verdict), (vec![Verdict::Pass, Verdict::Fail], Verdict::Fail));
}

#[test]
fn an_unclear_choice_lists_the_cases() {
    let (origin, runs) = (Origin::default(), sweep());
    let serial = origin.side(&runs, filter("reap=1"));
    let message = refusal(&serial, &origin.side(&runs, filter(""))).to_string();
    assert!(message.contains("h264 T=4 (inline); h264 T=4 (lock thread)"), "{message}");
    let by_threshold =
        compare(&serial, &origin.side(&runs, filter("reap=4")), &Criteria::default(), Allowances::default());
    assert_eq!(by_threshold.unwrap().codecs[0].after.case, case(4, Inline));
    let message = refusal(&serial, &origin.side(&runs, filter("reap=3"))).to_string();
    assert!(message.contains("'reap=3'") && message.contains("T=1 (inline)"), "{message}");
    assert_eq!(refusal(&serial, &serial), CompareError::Itself { case: case(1, Inline) });
    assert!(matches!(refusal(&serial, &origin.side(&[], filter(""))), CompareError::NoRuns { .. }));
}

#[test]
fn codecs_must_meet() {
    let origin = Origin::default();
    let h264 = runs(&[(case(1, Inline), 100.0, 50.0)]);
    let hevc = runs(&[(Case { codec: Codec::Hevc, ..case(1, Inline) }, 100.0, 50.0)]);
    let refusal = refusal(&origin.side(&h264, filter("")), &origin.side(&hevc, filter("")));
    assert!(matches!(refusal, CompareError::NoCommonCodec { .. }));
}

#[test]
fn unlike_sides_are_refused_unless_allowed() {
    let (origin, runs) = (Origin::default(), sweep());
    let mut other = Origin::default();
    other.device.kind = DeviceKind::Cuda;
    let (before, real) = (origin.side(&runs, filter("reap=1")), other.side(&runs, filter("reap=4,lock=inline")));
    assert!(matches!(refusal(&before, &real), CompareError::DeviceKind { .. }));
    let mut other = Origin::default();
    other.input.digest = "ffff".to_owned();
    let changed = other.side(&runs, filter("reap=4,lock=inline"));
    assert!(matches!(refusal(&before, &changed), CompareError::Input { .. }));
    let allow = Allowances { device_kind: true, input: true, settings: false };
    for after in [real, changed] {
        assert!(compare(&before, &after, &Criteria::default(), allow).is_ok());
    }
}

#[test]
fn two_sessions_may_lie_apart_by_themselves() {
    let (origin, later) = (Origin::default(), Origin { created_unix_ms: 1, ..Origin::default() });
    let answer = |after_ms: f64, session_drift_pct: f64| {
        let (runs, other) = (runs(&[(case(1, Inline), 100.0, 50.0)]), runs(&[(case(1, Inline), after_ms, 5.0)]));
        let (before, after) = (origin.side(&runs, filter("")), later.side(&other, filter("")));
        let criteria = Criteria { session_drift_pct, ..Criteria::default() };
        let comparison = compare(&before, &after, &criteria, Allowances::default()).unwrap();
        (comparison.codecs[0].effects[0].answer, comparison.codecs[0].criteria[0].verdict)
    };
    use crate::stats::verdict::effects::Answer;
    assert_eq!(answer(94.0, 3.0), (Answer::Improved, Verdict::Inconclusive), "−6 ± 3 % spans −5 %");
    assert_eq!(answer(97.5, 3.0), (Answer::Inconclusive, Verdict::Inconclusive));
    assert_eq!(answer(98.0, 0.5), (Answer::Improved, Verdict::Fail));
    assert_eq!(answer(60.0, 3.0), (Answer::Improved, Verdict::Pass));
    assert_eq!(answer(100.0, 3.0).0, Answer::Inconclusive, "who knows");
}

#[test]
fn encoders_that_were_set_up_differently_are_named_field_by_field() {
    let runs = sweep();
    let set_up = |created_unix_ms, multi_pass: &str| {
        let of_codec = [("multiPass", multi_pass), ("rateControlMode", "CBR")];
        let of_codec = of_codec.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Origin { created_unix_ms, settings: [(Codec::H264, of_codec.into())].into(), ..Origin::default() }
    };
    let (off, full, also_off) = (set_up(0, "off"), set_up(1, "full resolution"), set_up(2, "off"));
    let compared = |after: &Origin| {
        let (before, after) = (off.side(&runs, filter("reap=1")), after.side(&runs, filter("reap=4,lock=inline")));
        compare(&before, &after, &Criteria::default(), Allowances::default()).unwrap()
    };
    let named: Vec<_> = compared(&full).not_comparable.iter().map(ToString::to_string).collect();
    assert_eq!(named, ["h264 multiPass: off before, full resolution after"]);
    assert_eq!(compared(&full).verdict, Verdict::NotComparable);
    assert!(compared(&also_off).not_comparable.is_empty());
}

#[test]
fn other_settings_make_sides_not_comparable_and_the_rest_is_a_warning() {
    let (origin, mut runs) = (Origin::default(), sweep());
    let mut later = Origin { created_unix_ms: 1, ..Origin::default() };
    later.plan.host_work_us = 175;
    later.environment.optimised_build = false;
    for (run, wall_ms) in runs.iter_mut().zip([80.0, 120.0, 90.0, 110.0, 100.0, 130.0]) {
        run.values.set(Metric::WallMs, Some(wall_ms));
    }
    let (before, after) = (origin.side(&runs, filter("reap=1")), later.side(&runs, filter("reap=4,lock=inline")));
    let compared = |settings: bool| {
        let allow = Allowances { settings, ..Allowances::default() };
        compare(&before, &after, &Criteria::default(), allow).unwrap()
    };
    let comparison = compared(false);
    let fields: Vec<_> = comparison.not_comparable.iter().map(ToString::to_string).collect();
    assert_eq!(fields, ["host_work_us: 0 before, 175 after", "build: optimised before, debug after"]);
    assert_eq!((comparison.verdict, comparison.codecs[0].criteria[0].pass), (Verdict::NotComparable, None));
    let texts: Vec<_> = comparison.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 2, "{texts:#?}");
    assert!(texts[0].starts_with("A debug build measured the after side"), "{texts:#?}");
    assert!(texts[1].starts_with("Wall times scatter by"), "{texts:#?}");
    let allowed = compared(true);
    assert_eq!((allowed.not_comparable, allowed.verdict == Verdict::NotComparable), (vec![], false));
}
