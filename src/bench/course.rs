//! Which runs come next: the planned rounds, more of them while the change is not known well enough, and at last fresh
//! rounds of what the others recommend and of its rival.
//!
//! Decides from summaries alone; makes no run. Nothing here looks at a verdict: a sweep that went on until the answer
//! pleased would find something in the end.

use crate::plan::{Plan, PlannedRun, Until, in_round};
use crate::record::Case;
use crate::stats::effect::PRIMARY;
use crate::stats::interval::Sides;
use crate::stats::judge::counted;
use crate::stats::margin::NoiseFloor;
use crate::stats::recommend::{default_pair, recommend};
use crate::stats::summary::RunSummary;

/// Fewer rounds bound nothing, so there is nothing sure to confirm.
pub const MIN_ROUNDS: u32 = 5;
/// Fewer pairs give an interval no ends.
const MIN_PAIRS: u32 = 6;

/// Where a sweep is.
#[derive(Debug)]
pub struct Course<'a> {
    plan: &'a Plan,
    noise: Option<&'a NoiseFloor>,
    stage: Stage,
    next_round: u32,
    next_order: u32,
}

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    Planned,
    More,
    Confirmed,
}

impl<'a> Course<'a> {
    /// At the start. `noise`: what this machine was found to show between equal things.
    pub fn of(plan: &'a Plan, noise: Option<&'a NoiseFloor>) -> Self {
        Self { plan, noise, stage: Stage::Planned, next_round: plan.repeat, next_order: 0 }
    }

    /// The runs to make after those in `made`; `None`: the sweep is through.
    pub fn next(&mut self, made: &[RunSummary]) -> Option<Vec<PlannedRun>> {
        match self.stage {
            Stage::Planned => {
                self.stage = Stage::More;
                let runs = self.plan.runs();
                self.next_order = runs.len() as u32;
                Some(runs)
            }
            Stage::More if self.plan.until.is_some_and(|until| self.asks_for_more(until, made)) => {
                Some(self.round(&self.plan.cases(), false))
            }
            Stage::More => {
                self.stage = Stage::Confirmed;
                let cases = self.to_confirm(made);
                let rounds = (0..self.plan.confirm).flat_map(|_| self.round(&cases, true)).collect::<Vec<_>>();
                (!rounds.is_empty()).then_some(rounds)
            }
            Stage::Confirmed => None,
        }
    }

    fn round(&mut self, cases: &[Case], fresh: bool) -> Vec<PlannedRun> {
        let (repeat_index, first) = (self.next_round, self.next_order);
        let run = |(order_index, case)| PlannedRun { case, warmup: false, fresh, repeat_index, order_index };
        let runs: Vec<_> = (first..).zip(in_round(cases, repeat_index)).map(run).collect();
        self.next_round += 1;
        self.next_order += runs.len() as u32;
        runs
    }

    fn asks_for_more(&self, until: Until, made: &[RunSummary]) -> bool {
        self.next_round < until.max_repeat && !self.is_known(until, made)
    }

    /// Is the change between the two cases that anybody would compare known well enough, for every codec?
    fn is_known(&self, until: Until, made: &[RunSummary]) -> bool {
        default_pair(made, self.noise).into_iter().all(|pair| {
            let of = |case: Case| counted(&made.iter().filter(|run| run.case == case).collect::<Vec<_>>());
            let (before, after) = (of(pair.before), of(pair.after));
            let sides = Sides { before: &before, after: &after, is_paired: true };
            // Too few good runs after all that were planned: more are needed, up to the cap.
            sides.change(PRIMARY).and_then(|change| Some((change.num_runs, change.half_width_pct()?))).is_some_and(
                |(num_pairs, half_width_pct)| num_pairs >= MIN_PAIRS && half_width_pct <= until.half_width_pct,
            )
        })
    }

    fn to_confirm(&self, made: &[RunSummary]) -> Vec<Case> {
        if self.next_round < MIN_ROUNDS {
            return Vec::new();
        }
        let known = recommend(made, self.noise);
        known.iter().flat_map(|known| known.rival.into_iter().flat_map(|rival| [rival, known.case])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Codec;

    /// A run as a machine would make it whose walls are `wall_ms(threshold, round)`.
    fn make(runs: &[PlannedRun], wall_ms: impl Fn(u32, u32) -> f64) -> Vec<RunSummary> {
        let run = |planned: &PlannedRun| RunSummary {
            repeat_index: planned.repeat_index,
            warmup: planned.warmup,
            fresh: planned.fresh,
            ..crate::stats::fixture::summary(
                planned.case,
                planned.order_index,
                wall_ms(planned.case.reap_threshold, planned.repeat_index),
            )
        };
        runs.iter().map(run).collect()
    }

    /// Rounds of each batch as (first round, cases, fresh).
    fn course(plan: &Plan, wall_ms: impl Fn(u32, u32) -> f64 + Copy) -> Vec<(u32, usize, bool)> {
        let mut course = Course::of(plan, None);
        let (mut made, mut batches) = (Vec::new(), Vec::new());
        while let Some(runs) = course.next(&made) {
            assert_eq!(runs[0].order_index as usize, made.len());
            batches.push((runs[0].repeat_index, runs.len(), runs[0].fresh));
            made.extend(make(&runs, wall_ms));
        }
        batches
    }

    fn plan() -> Plan {
        Plan { codecs: vec![Codec::H264], reap_thresholds: vec![1, 2, 4], warmup: 1, repeat: 9, ..Plan::default() }
    }

    #[test]
    fn the_recommended_case_and_its_rival_run_afresh() {
        let walls = |threshold: u32, round: u32| 200.0 / f64::from(threshold) + 0.01 * f64::from(round % 3);
        assert_eq!(course(&plan(), walls), [(0, 30, false), (9, 12, true)]);
        assert_eq!(course(&Plan { confirm: 0, ..plan() }, walls), [(0, 30, false)]);
        assert_eq!(course(&Plan { repeat: 4, ..plan() }, walls), [(0, 15, false)], "nothing sure to confirm");
        assert_eq!(
            course(&Plan { reap_thresholds: vec![4], ..plan() }, walls),
            [(0, 10, false)],
            "nothing to stand up to"
        );
    }

    #[test]
    fn rounds_are_added_until_the_change_is_known_or_the_cap_is_met() {
        let noisy = |threshold: u32, round: u32| 200.0 / f64::from(threshold) + f64::from((round * 7 + threshold) % 5);
        let until = |half_width_pct, max_repeat| Plan {
            until: Some(Until { half_width_pct, max_repeat }),
            confirm: 0,
            ..plan()
        };
        let added = |plan: &Plan| course(plan, noisy).len() - 1;
        assert_eq!(added(&until(50.0, 60)), 0);
        assert_eq!(added(&until(0.1, 12)), 3);
        let some = added(&until(0.8, 60));
        assert!((1..51).contains(&some), "{some}");
    }
}
