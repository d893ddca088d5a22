//! Many cells of one sweep: each against the same reference, by the one metric that was named beforehand, all of them one
//! family (`evidence::peers`).
//!
//! Every other metric is exploratory.

use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::Codec;
use crate::plan::Plan;
use crate::record::Case;
use crate::stats::evidence::decision::{Evidence, Standard};
use crate::stats::evidence::noise_floor::{Margin, NoiseFloor};
use crate::stats::evidence::peers::Peers;
use crate::stats::evidence::sides::Paired;
use crate::stats::runs::metrics::PRIMARY;
use crate::stats::runs::summary::{RunSummary, groups};
use crate::stats::verdict::effects::Effect;
use crate::stats::verdict::error_of;

/// A cell against the reference of its codec.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Cell {
    /// Which.
    pub case: Case,
    /// Compared with this one: the serial case, or the smallest threshold.
    pub reference: Case,
    /// The primary metric.
    pub effect: Effect,
}

/// Every cell of every codec but the references. Cells without a common round with their reference are left out.
pub fn cells(runs: &[RunSummary], plan: &Plan, noise: Option<&NoiseFloor>) -> Vec<Cell> {
    cells_among(runs, plan, noise, &peers(runs))
}

/// All comparisons of a session with the reference of each codec.
pub fn peers(runs: &[RunSummary]) -> Peers<'_> {
    Peers::of(runs, &references(runs))
}

/// As [`cells`], where `peers` are known already.
pub fn cells_among(runs: &[RunSummary], plan: &Plan, noise: Option<&NoiseFloor>, peers: &Peers<'_>) -> Vec<Cell> {
    let references = references(runs);
    let standard = Standard { error: error_of(plan), peers: Some(peers) };
    let cell = |case: Case| {
        let &(_, reference) =
            references.iter().find(|(codec, reference)| *codec == case.codec && *reference != case)?;
        let paired = Paired::of(runs, reference, case, |_| true);
        let margin = Margin::of(PRIMARY, [(noise, reference), (noise, case)]);
        let effect = Effect::of(PRIMARY, &Evidence { sides: paired.sides(), standard, of_origin: &[] }, margin)?;
        Some(Cell { case, reference, effect })
    };
    let cases = groups(runs).into_iter().map(|group| group.case);
    cases.filter(|case| case.client.is_here()).filter_map(cell).collect()
}

/// What the cells of each codec are compared with.
pub fn references(runs: &[RunSummary]) -> Vec<(Codec, Case)> {
    let cases: Vec<_> = groups(runs).into_iter().map(|group| group.case).filter(|case| case.client.is_here()).collect();
    let mut codecs: Vec<Codec> = Vec::new();
    for case in &cases {
        if !codecs.contains(&case.codec) {
            codecs.push(case.codec);
        }
    }
    let of = |codec: Codec| cases.iter().copied().filter(|case| case.codec == codec).collect::<Vec<_>>();
    codecs.into_iter().filter_map(|codec| Some((codec, reference(&of(codec))?))).collect()
}

/// Of the cases of one codec: the serial one, or else the smallest threshold of the first lock placement.
pub fn reference(cases: &[Case]) -> Option<Case> {
    let first_lock = cases.first()?.lock;
    let smallest = || cases.iter().filter(|case| case.lock == first_lock).min_by_key(|case| case.most_in_flight());
    cases.iter().find(|case| case.is_serial()).or_else(smallest).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::LockPlacement::Inline;
    use crate::stats::fixture::{case, summary};
    use crate::stats::verdict::effects::Answer;

    /// T=1 takes 100 ms, all others 97 ms.
    fn sweep(num_cells: u32, num_rounds: u32) -> Vec<RunSummary> {
        let run = |round: u32, threshold: u32| {
            let wall_ms = if threshold == 1 { 100.0 } else { 97.0 } + 0.1 * f64::from((round * threshold) % 4);
            RunSummary { repeat_index: round, ..summary(case(threshold, Inline), round, wall_ms) }
        };
        (0..num_rounds).flat_map(|round| (1..=num_cells).map(move |threshold| run(round, threshold))).collect()
    }

    fn answers(num_cells: u32, num_rounds: u32) -> Vec<Answer> {
        let plan = Plan { looks: Vec::new(), ..Plan::default() };
        cells(&sweep(num_cells, num_rounds), &plan, None).into_iter().map(|cell| cell.effect.answer).collect()
    }

    #[test]
    fn six_rounds_bear_as_many_cells_as_agree() {
        assert_eq!(answers(2, 6), [Answer::Improved]);
        assert_eq!(answers(12, 6), [Answer::Improved; 11]);
        assert_eq!(answers(5, 5), [Answer::Inconclusive; 4]);
    }

    #[test]
    fn looks_share_the_error() {
        let plan = Plan { looks: vec![20, 40], ..Plan::default() };
        let answer = |rounds| cells(&sweep(2, rounds), &plan, None)[0].effect.answer;
        // A third of 5 % takes 2 ÷ 2⁷.
        assert_eq!((answer(6), answer(7)), (Answer::Inconclusive, Answer::Improved));
    }
}
