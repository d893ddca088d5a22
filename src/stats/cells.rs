//! Many cells of one sweep: each against the same reference, by the one metric that was named beforehand.
//!
//! With ten cells one of ten intervals at 95 % is likely to miss, so Holm's adjustment decides what may be called a
//! finding. Every other metric, and every pair somebody picks afterwards, is exploratory.

use schemars::JsonSchema;
use serde::Serialize;

use crate::record::Case;
use crate::stats::effect::{Answer, Effect, PRIMARY};
use crate::stats::inspect;
use crate::stats::interval::{Sides, in_common_rounds};
use crate::stats::judge::counted;
use crate::stats::margin::{Margin, NoiseFloor};
use crate::stats::rank::holm;
use crate::stats::recommend::default_pair;
use crate::stats::summary::{RunSummary, groups};

/// Family-wise: the chance that one of the findings of a sweep is none.
const ALPHA: f64 = 0.05;

/// A cell against the reference of its codec.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Cell {
    /// Which.
    pub case: Case,
    /// Held against this one: the serial case, or the smallest threshold.
    pub reference: Case,
    /// The primary metric; its answer heeds Holm's adjustment.
    pub effect: Effect,
    /// Holm's p over all cells of the sweep.
    pub p_holm: f64,
}

/// Every cell of every codec but the references. Cells without a common round with their reference are left out.
pub fn cells(runs: &[RunSummary], noise: Option<&NoiseFloor>) -> Vec<Cell> {
    let references: Vec<_> = default_pair(runs, noise).into_iter().map(|pair| pair.before).collect();
    let cases = groups(runs).into_iter().map(|group| group.case);
    let cell = |case: Case| {
        let reference = *references.iter().find(|reference| reference.codec == case.codec && **reference != case)?;
        let effect = effect(case, reference, runs, noise)?;
        let p_holm = effect.interval?.p;
        Some(Cell { case, reference, effect, p_holm })
    };
    let mut cells: Vec<_> = cases.filter(|case| case.client.is_here()).filter_map(cell).collect();
    let adjusted = holm(&cells.iter().map(|cell| cell.p_holm).collect::<Vec<_>>());
    for (cell, p_holm) in cells.iter_mut().zip(adjusted) {
        cell.p_holm = p_holm;
        cell.heed_holm();
    }
    cells
}

fn effect(case: Case, reference: Case, runs: &[RunSummary], noise: Option<&NoiseFloor>) -> Option<Effect> {
    let of = |case: Case| counted(&runs.iter().filter(|run| run.case == case).collect::<Vec<_>>());
    let [before, after] = in_common_rounds(&of(reference), &of(case));
    let sides = Sides { before: &before, after: &after, is_paired: true };
    let gates = [inspect::of_runs(&sides), inspect::of_metric(PRIMARY, &sides)].concat();
    Effect::of(PRIMARY, &sides, Margin::of(PRIMARY, [(noise, reference), (noise, case)]), gates)
}

impl Cell {
    fn heed_holm(&mut self) {
        let is_change = matches!(self.effect.answer, Answer::Improved | Answer::Worse);
        if is_change && self.p_holm > ALPHA {
            let plain = self.effect.answer;
            self.effect.gated = Some(plain);
            self.effect.answer = Answer::Inconclusive;
            self.effect.reason = format!(
                "alone it would be {plain}, but p is {:.3} after Holm's adjustment for all cells: make more rounds",
                self.p_holm
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::LockPlacement::Inline;
    use crate::stats::fixture::{case, summary};

    /// T=1 takes 100 ms, all others 97 ms.
    fn sweep(num_cells: u32, num_rounds: u32) -> Vec<RunSummary> {
        let run = |round: u32, threshold: u32| {
            let wall_ms = if threshold == 1 { 100.0 } else { 97.0 } + 0.1 * f64::from((round * threshold) % 4);
            RunSummary { repeat_index: round, ..summary(case(threshold, Inline), round, wall_ms) }
        };
        (0..num_rounds).flat_map(|round| (1..=num_cells).map(move |threshold| run(round, threshold))).collect()
    }

    #[test]
    fn few_cells_need_few_rounds() {
        let cells = cells(&sweep(2, 6), None);
        assert_eq!((cells.len(), cells[0].case, cells[0].reference), (1, case(2, Inline), case(1, Inline)));
        assert_eq!(cells[0].effect.answer, Answer::Improved);
        assert!((cells[0].p_holm - 0.03125).abs() < 1e-9);
    }

    #[test]
    fn many_cells_need_more_rounds() {
        let (few, enough) = (cells(&sweep(5, 6), None), cells(&sweep(5, 9), None));
        assert!(few.iter().all(|cell| cell.effect.answer == Answer::Inconclusive), "{few:?}");
        assert!(few[0].effect.reason.contains("Holm"));
        assert!(enough.iter().all(|cell| cell.effect.answer == Answer::Improved), "{enough:?}");
    }
}
