//! Before against after: are the two sides comparable, and does after meet the criteria?
//!
//! Knows no file; a [`Side`] is what a session offers. What "better" means is in `criteria` and `judge`.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::Codec;
use crate::record::{Case, DeviceKind};
use crate::stats::criteria::{Criteria, CriterionResult, Verdict};
use crate::stats::effect::{Effect, LOOKED_AT};
use crate::stats::gate::Gate;
use crate::stats::inspect;
use crate::stats::interval::{Sides, in_common_rounds};
use crate::stats::judge::{Runs, counted, judge};
use crate::stats::margin::Margin;
use crate::stats::metrics::Metric;
use crate::stats::selector::CaseFilter;
use crate::stats::shift::{Column, Shift, shift};
use crate::stats::summary::Group;
use crate::stats::warning::{settings, warnings};

pub use crate::stats::side::{Side, SideInfo, SideName};
pub use crate::stats::warning::Warning;

/// Differences that the user has said to accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowances {
    /// A virtual device against a real one.
    pub device_kind: bool,
    /// Other frames, or another number of them.
    pub input: bool,
    /// Settings that are not under test; else they leave every verdict open.
    pub settings: bool,
}

/// Before against after.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    /// Any criterion failed: fail. Else any inconclusive: inconclusive.
    pub verdict: Verdict,
    /// Codecs that both sides have.
    pub codecs: Vec<CodecComparison>,
    /// What weakens the answer.
    pub warnings: Vec<Warning>,
    /// The limits used.
    pub criteria: Criteria,
    /// Where the before side comes from.
    pub before: SideInfo,
    /// Where the after side comes from.
    pub after: SideInfo,
}

/// One codec, judged.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the types say it")]
pub struct CodecComparison {
    pub codec: Codec,
    pub verdict: Verdict,
    pub before: Group,
    pub after: Group,
    pub criteria: Vec<CriterionResult>,
    /// In how many of the pairs before was made first; `None`: the sides are not paired.
    pub num_before_first: Option<u32>,
    /// What each metric did, the primary one first.
    pub effects: Vec<Effect>,
    /// Tails that were not looked at, since the runs have too few frames for them.
    pub too_thin: Vec<ThinTail>,
    /// Where in the distribution of frames it happened.
    pub shifts: Vec<Shift>,
}

/// A percentile that rests on single frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ThinTail {
    pub metric: Metric,
    pub needed_frames: u64,
    pub frames: u64,
}

/// Why two sides cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum CompareError {
    #[error(
        "cannot compare a virtual device with a real one ({before} before, {after} after): modelled times are no measurement; pass --allow-virtual-against-real to do it all the same"
    )]
    DeviceKind { before: String, after: String },
    #[error(
        "cannot compare different inputs ({before} before, {after} after): encode the same frames on both sides, or pass --allow-different-input"
    )]
    Input { before: String, after: String },
    #[error("{session} has no finished run: let the sweep get further, or name another session")]
    NoRuns { session: String },
    #[error("no case of {session} fits '{filter}': it has {cases}")]
    NoCase { session: String, filter: CaseFilter, cases: Cases },
    #[error(
        "the {side} side has several cases for {codec}, and one is needed: choose with {session}:reap=N,lock=PLACEMENT from {cases}"
    )]
    SeveralCases { side: SideName, codec: Codec, session: String, cases: Cases },
    #[error("the sides have no codec in common: {before} before, {after} after")]
    NoCommonCodec { before: Cases, after: Cases },
    #[error("both sides are the same runs ({case}): name two cases, for example :reap=1 and :reap=4")]
    Itself { case: Case },
}

/// A list of cases for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cases(pub Vec<Case>);

/// Compares codec by codec.
///
/// # Errors
/// The sides are not comparable, or a filter leaves no case or several of a codec.
pub fn compare(
    before: &Side<'_>,
    after: &Side<'_>,
    criteria: &Criteria,
    allow: Allowances,
) -> Result<Comparison, CompareError> {
    check_comparable(before, after, allow)?;
    let codecs = common_codecs(before, after)?
        .into_iter()
        .map(|codec| compare_codec(codec, before, after, criteria, allow))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Comparison {
        verdict: Verdict::of_all(codecs.iter().map(|codec| codec.verdict)),
        warnings: warnings(
            before,
            after,
            &codecs.iter().map(|codec| (&codec.before, &codec.after)).collect::<Vec<_>>(),
        ),
        codecs,
        criteria: *criteria,
        before: before.info(),
        after: after.info(),
    })
}

fn check_comparable(before: &Side<'_>, after: &Side<'_>, allow: Allowances) -> Result<(), CompareError> {
    let is_virtual = |side: &Side<'_>| side.device.kind == DeviceKind::Virtual;
    if is_virtual(before) != is_virtual(after) && !allow.device_kind {
        let (before, after) = (before.device.name.clone(), after.device.name.clone());
        return Err(CompareError::DeviceKind { before, after });
    }
    if before.input_text() != after.input_text() && !allow.input {
        return Err(CompareError::Input { before: before.input_text(), after: after.input_text() });
    }
    Ok(())
}

/// Codecs of both sides, in the order of the before side.
fn common_codecs(before: &Side<'_>, after: &Side<'_>) -> Result<Vec<Codec>, CompareError> {
    let (cases_before, cases_after) = (some_cases(before)?, some_cases(after)?);
    let theirs = after.codecs();
    let common: Vec<_> = before.codecs().into_iter().filter(|codec| theirs.contains(codec)).collect();
    if common.is_empty() {
        return Err(CompareError::NoCommonCodec { before: Cases(cases_before), after: Cases(cases_after) });
    }
    Ok(common)
}

fn some_cases(side: &Side<'_>) -> Result<Vec<Case>, CompareError> {
    let session = side.session.to_owned();
    let cases = side.cases();
    if side.runs.is_empty() {
        Err(CompareError::NoRuns { session })
    } else if cases.is_empty() {
        let all = Side { filter: CaseFilter::default(), ..*side }.cases();
        Err(CompareError::NoCase { session, filter: side.filter, cases: Cases(all) })
    } else {
        Ok(cases)
    }
}

fn compare_codec(
    codec: Codec,
    before: &Side<'_>,
    after: &Side<'_>,
    criteria: &Criteria,
    allow: Allowances,
) -> Result<CodecComparison, CompareError> {
    let (case_before, case_after) =
        (only_case(codec, before, SideName::Before)?, only_case(codec, after, SideName::After)?);
    if case_before == case_after && before.is_same_session(after) {
        return Err(CompareError::Itself { case: case_before });
    }
    let (runs_before, runs_after) = (before.runs_of(case_before), after.runs_of(case_after));
    let is_paired = before.is_same_session(after);
    let good = [counted(&runs_before), counted(&runs_after)];
    let [good_before, good_after] = if is_paired { in_common_rounds(&good[0], &good[1]) } else { good };
    let sides = Sides { before: &good_before, after: &good_after, is_paired };
    let setting = |(setting, before, after)| Gate::SettingDiffers { setting, before, after };
    let other_settings = settings(before, after).into_iter().filter(|_| !allow.settings).map(setting);
    let between = (!is_paired).then_some(Gate::NotInterleaved { drift_pct: criteria.session_drift_pct });
    let gates: Vec<_> = other_settings.chain(between).chain(inspect::of_runs(&sides)).collect();
    let criteria = judge(criteria, codec, &Runs { before: &runs_before, after: &runs_after, sides }, &gates);
    let frames = good_before.iter().chain(&good_after).map(|run| run.packets).min().unwrap_or(0);
    let (offered, thin): (Vec<_>, Vec<_>) = LOOKED_AT.into_iter().partition(|metric| metric.min_frames() <= frames);
    let effect = |metric| {
        let margin = Margin::of(metric, [(before.noise, case_before), (after.noise, case_after)]);
        Effect::of(metric, &sides, margin, [gates.clone(), inspect::of_metric(metric, &sides)].concat())
    };
    let too_thin = |metric: Metric| ThinTail { metric, needed_frames: metric.min_frames(), frames };
    Ok(CodecComparison {
        codec,
        verdict: Verdict::of_all(criteria.iter().map(|criterion| criterion.verdict)),
        before: Group::of(case_before, &runs_before),
        after: Group::of(case_after, &runs_after),
        criteria,
        num_before_first: sides.is_paired.then(|| sides.num_before_first()),
        effects: offered.into_iter().filter_map(effect).collect(),
        too_thin: thin.into_iter().map(too_thin).collect(),
        shifts: [Column::LockWait, Column::Latency].into_iter().filter_map(|column| shift(column, &sides)).collect(),
    })
}

fn only_case(codec: Codec, side: &Side<'_>, name: SideName) -> Result<Case, CompareError> {
    let cases: Vec<_> = side.cases().into_iter().filter(|case| case.codec == codec).collect();
    match cases[..] {
        [case] => Ok(case),
        _ => {
            let session = side.session.to_owned();
            Err(CompareError::SeveralCases { side: name, codec, session, cases: Cases(cases) })
        }
    }
}

/// "p99 takes 1000 frames a run, p99.9 takes 10000, and the shortest has 300"; `None`: every tail was looked at.
pub fn thin_text(tails: &[ThinTail]) -> Option<String> {
    let mut needed: Vec<u64> = tails.iter().map(|tail| tail.needed_frames).collect();
    needed.sort_unstable();
    needed.dedup();
    let name = |needed: u64| match needed {
        200 => "p95",
        1_000 => "p99",
        _ => "p99.9",
    };
    let all: Vec<_> = needed.iter().map(|&needed| format!("{} takes {needed} frames a run", name(needed))).collect();
    Some(format!("{}; the shortest has {}", all.join(", "), tails.first()?.frames))
}

impl CodecComparison {
    /// How many rounds a fresh sweep should have to settle what more rounds can settle: the verdict and the primary metric.
    /// `None`: neither is open, or more rounds are not what is missing.
    pub fn rounds_to_settle(&self) -> Option<u32> {
        let open = if self.verdict == Verdict::Inconclusive { &self.criteria[..] } else { &[] };
        let of_criteria = open.iter().map(|result| (result.interval, result.more_pairs));
        let of_primary = self.effects.iter().take(1).map(|effect| (effect.interval, effect.more_pairs));
        of_criteria.chain(of_primary).filter_map(|(interval, more)| Some(interval?.num_runs + more?)).max()
    }
}

impl fmt::Display for Cases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (idx, case) in self.0.iter().enumerate() {
            write!(f, "{}{case}", if idx == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::LockPlacement::{Inline, Thread};
    use crate::stats::effect::Answer;
    use crate::stats::fixture::{Origin, case, summary};
    use crate::stats::metrics::Metric;
    use crate::stats::summary::RunSummary;

    /// Five runs of each case, each with this wall and lock time.
    fn runs(cases: &[(Case, f64, f64)]) -> Vec<RunSummary> {
        let mut runs = Vec::new();
        for (case, wall_ms, lock_ms) in cases {
            for round in 0..5 {
                let mut run = summary(*case, runs.len() as u32, *wall_ms);
                run.repeat_index = round;
                (run.lock_ms, run.latency_p99_ms) = (*lock_ms, Some(1.0));
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
        // T=4 was run afresh against another case, while the machine was slow.
        let afresh = |round: u32| RunSummary { repeat_index: round, fresh: true, wall_ms: 500.0, ..runs[5].clone() };
        let afresh: Vec<_> = (5..11).map(afresh).collect();
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
        let message = refusal(&serial, &origin.side(&runs, filter("reap=4"))).to_string();
        assert!(message.contains("h264 T=4 inline pool 4; h264 T=4 thread pool 4"), "{message}");
        let message = refusal(&serial, &origin.side(&runs, filter("reap=3"))).to_string();
        assert!(message.contains("'reap=3'") && message.contains("T=1 inline"), "{message}");
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
        assert_eq!(answer(94.0, 3.0), (Answer::Improved, Verdict::Inconclusive), "−6 ± 3 % is across −5 %");
        assert_eq!(answer(98.0, 3.0), (Answer::Inconclusive, Verdict::Inconclusive));
        assert_eq!(answer(98.0, 0.5), (Answer::Improved, Verdict::Fail));
        assert_eq!(answer(60.0, 3.0), (Answer::Improved, Verdict::Pass));
        assert_eq!(answer(100.0, 3.0).0, Answer::Inconclusive, "who knows");
    }

    #[test]
    fn what_weakens_the_answer_is_named() {
        let (origin, mut runs) = (Origin::default(), sweep());
        let mut later = Origin { created_unix_ms: 1, ..Origin::default() };
        later.plan.host_work_us = 175;
        later.environment.optimised_build = false;
        runs[0].model_late = Some(3);
        runs[1].wall_ms = 150.0;
        let (before, after) = (origin.side(&runs, filter("reap=1")), later.side(&runs, filter("reap=4,lock=inline")));
        let comparison = compare(&before, &after, &Criteria::default(), Allowances::default()).unwrap();
        let texts: Vec<_> = comparison.warnings.iter().map(ToString::to_string).collect();
        let expected = [
            "two sessions",
            "host_work_us differs and is not under test: 0 before, 175 after",
            "build differs and is not under test: optimised before, debug after",
            "the after side was measured by a debug build",
            "wall_ms scatters by 20.3 %",
            "3 of the pictures before",
        ];
        assert_eq!(texts.len(), expected.len(), "{texts:#?}");
        for (text, expected) in texts.iter().zip(expected) {
            assert!(text.contains(expected), "{text}");
        }
    }
}
