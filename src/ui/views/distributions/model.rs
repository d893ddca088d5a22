//! The figures of the distributions view, made again when the session, the time that is shown or the cases in focus change.
//!
//! Knows no egui.

use crate::contract::EngineKind;
use crate::figures::distribution::{self, CaseTimes, MAX_FOCUS, by_median};
use crate::figures::{Figure, depth};
use crate::record::Case;
use crate::stats::analysis::Answer;
use crate::ui::views::distributions::cases::CaseModel;
use crate::ui::views::distributions::selection::{FrameSelection, FrameTime};

/// What is drawn.
pub struct Shown<'a> {
    /// Of one codec.
    pub cases: &'a [&'a CaseModel],
    /// What is said about it.
    pub answer: Option<&'a Answer>,
    /// Whose words are used.
    pub engine: EngineKind,
    /// Of the session.
    pub version: u64,
}

/// Of one codec.
#[derive(Debug, Clone, Default)]
pub struct DistributionFigures {
    /// Share of the frames at each time.
    pub histogram: Option<Figure>,
    /// Percentile curves.
    pub percentiles: Option<Figure>,
    /// A row for each case.
    pub ranked: Option<Figure>,
    /// The cases of these rows, top to bottom.
    pub ranked_cases: Vec<Case>,
    /// Share of time at each queue depth.
    pub depth: Option<Figure>,
}

/// The cases to look at until somebody chooses: all, or where they are too many those that the answer speaks of.
pub fn usual_focus(cases: &[&CaseModel], answer: Option<&Answer>) -> Vec<Case> {
    let all: Vec<_> = cases.iter().map(|case| case.case).collect();
    if all.len() <= MAX_FOCUS {
        return all;
    }
    let Some(answer) = answer else { return all.into_iter().take(MAX_FOCUS).collect() };
    let known = &answer.recommendation;
    let told = answer
        .compared
        .into_iter()
        .flatten()
        .chain([known.case, known.fastest])
        .chain(known.competitors.iter().map(|one| one.case));
    let mut focus = Vec::new();
    for case in told.filter(|case| all.contains(case)) {
        if !focus.contains(&case) {
            focus.push(case);
        }
    }
    focus
}

impl DistributionFigures {
    /// Of the cases that are shown, the recommended one marked.
    pub fn of<'a>(shown: &Shown<'a>, time: FrameTime, focus: &[Case]) -> Self {
        let Shown { cases, answer, engine, .. } = *shown;
        let kept = answer.map(|answer| answer.case);
        let times = |case: &&'a CaseModel| {
            let model = case.time(time);
            CaseTimes {
                case: case.case,
                label: case.case.title(),
                is_in_focus: focus.contains(&case.case),
                is_strong: kept == Some(case.case),
                bars: &model.bars,
                curve: &model.curve,
                quantiles_ns: model.quantiles_ns,
                run_dots: &model.run_dots,
            }
        };
        let of_cases: Vec<_> = cases.iter().map(times).collect();
        let shares = |case: &&'a CaseModel| depth::Shares {
            label: case.case.title(),
            is_strong: kept == Some(case.case),
            shares: &case.depth_shares,
        };
        let of_depth: Vec<_> = cases.iter().map(shares).collect();
        let name = time.title();
        let said = |figure: Option<Figure>| figure.map(|figure| figure.in_words_of(engine));
        Self {
            histogram: said(distribution::histogram(format!("{name} per frame"), &of_cases)),
            percentiles: said(distribution::percentiles(format!("{name} by percentile"), &of_cases)),
            ranked: said(distribution::ranked(format!("{name} by case and run"), &of_cases)),
            ranked_cases: by_median(&of_cases).iter().map(|case| case.case).collect(),
            depth: said(depth::shares("Queue depth", &of_depth)),
        }
    }
}

/// "412 frames marked: T=1 (inline) 300, T=2 (inline) 112", the cases with the most first.
pub fn marked_text(cases: &[&CaseModel], selection: &FrameSelection) -> String {
    let mut counts: Vec<_> = cases.iter().map(|case| (case.num_marked(selection), case.case)).collect();
    counts.retain(|(num, _)| *num > 0);
    counts.sort_by_key(|(num, _)| std::cmp::Reverse(*num));
    let count = |num: u64| crate::units::count(num as f64);
    let total = count(counts.iter().map(|(num, _)| num).sum());
    let (named, others) = counts.split_at(counts.len().min(4));
    let mut parts: Vec<_> = named.iter().map(|(num, case)| format!("{} {}", case.title(), count(*num))).collect();
    if !others.is_empty() {
        parts.push(format!("other cases {}", count(others.iter().map(|(num, _)| num).sum())));
    }
    if parts.is_empty() { "No frame marked".to_owned() } else { format!("{total} frames marked: {}", parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::fixture::{push_run, session};
    use crate::ui::views::distributions::cases::Cases;

    #[test]
    fn marked_frames_are_counted_case_by_case() {
        let mut session = session();
        push_run(&mut session, 1, &[100_000, 900_000, 950_000], 1_000_000);
        push_run(&mut session, 2, &[100_000, 120_000, 990_000], 1_000_000);
        let cases = Cases::of(&session, &Cases::default());
        let cases: Vec<_> = cases.cases.iter().collect();
        let selection = FrameSelection { time: FrameTime::Latency, from_ns: 500_000, to_ns: 2_000_000 };
        assert_eq!(marked_text(&cases, &selection), "3 frames marked: T=1 (inline) 2, T=2 (inline) 1");
        let none = FrameSelection { from_ns: 5_000_000, to_ns: 6_000_000, ..selection };
        assert_eq!(marked_text(&cases, &none), "No frame marked");
    }

    #[test]
    fn with_many_cases_those_of_the_answer_are_in_focus() {
        let mut session = session();
        (1..=20).for_each(|threshold| push_run(&mut session, threshold, &[100_000; 4], 1_000_000));
        let cases = Cases::of(&session, &Cases::default());
        let cases: Vec<_> = cases.cases.iter().collect();
        assert_eq!(usual_focus(&cases, None).len(), MAX_FOCUS);
        assert_eq!(usual_focus(&cases[..3], None).len(), 3);
        let shown = Shown { cases: &cases, answer: None, engine: EngineKind::Nvenc, version: 0 };
        let figures = DistributionFigures::of(&shown, FrameTime::Latency, &usual_focus(&cases, None));
        assert_eq!((figures.histogram.unwrap().key.len(), figures.ranked_cases.len()), (MAX_FOCUS + 1, 20));
    }
}
