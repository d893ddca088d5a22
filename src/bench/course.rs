//! Which runs come next: the planned rounds, more of them while the change is not known well enough, and at last fresh
//! rounds of what the others recommend and of its rival.
//!
//! Decides from summaries alone; makes no run. Nothing here looks at a verdict: a sweep that went on until the answer
//! pleased would find something in the end.

use crate::plan::{MIN_CONFIRM, Plan, PlannedRun, Until, in_round};
use crate::record::Case;
use crate::stats::effect::PRIMARY;
use crate::stats::interval::Sides;
use crate::stats::judge::counted;
use crate::stats::margin::NoiseFloor;
use crate::stats::recommend::{DefaultPair, default_pair, recommend};
use crate::stats::summary::RunSummary;

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
            Stage::More => {
                let num_more = self.plan.until.map_or(0, |until| self.missing_rounds(until, made));
                if num_more > 0 {
                    return Some(self.rounds(num_more, &self.plan.cases(), false));
                }
                self.stage = Stage::Confirmed;
                let rounds = self.rounds(self.plan.confirm, &self.to_confirm(made), true);
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

    fn rounds(&mut self, num: u32, cases: &[Case], fresh: bool) -> Vec<PlannedRun> {
        (0..num).flat_map(|_| self.round(cases, fresh)).collect()
    }

    /// How many more rounds the width is likely to take: for every codec, of the change between the two cases that anybody
    /// would compare. At most as many as there are, and up to the cap; all of them are made before it is asked again. A
    /// sweep that looked after each round would stop where its runs happen to lie close together, and its interval would
    /// miss too often.
    fn missing_rounds(&self, until: Until, made: &[RunSummary]) -> u32 {
        let missing = |pair: DefaultPair| {
            let of = |case: Case| counted(&made.iter().filter(|run| run.case == case).collect::<Vec<_>>());
            let (before, after) = (of(pair.before), of(pair.after));
            let change = Sides { before: &before, after: &after, is_paired: true }.change(PRIMARY);
            change.map_or(1, |change| change.more_to_narrow(until.half_width_pct))
        };
        let most = default_pair(made, self.noise).into_iter().map(missing).max().unwrap_or(0);
        most.min(self.next_round).min(until.max_repeat.saturating_sub(self.next_round))
    }

    fn to_confirm(&self, made: &[RunSummary]) -> Vec<Case> {
        // Fewer rounds bound nothing, so there is nothing sure to confirm.
        if self.next_round < MIN_CONFIRM {
            return Vec::new();
        }
        let known = recommend(made, self.noise);
        known.iter().flat_map(|known| known.rival.into_iter().flat_map(|rival| [rival, known.chosen])).collect()
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
        let batches = |plan: &Plan| course(plan, noisy)[1..].iter().map(|batch| batch.1 as u32 / 3).collect::<Vec<_>>();
        assert_eq!(batches(&until(50.0, 60)).len(), 0);
        assert_eq!(batches(&until(0.1, 12)), [3]);
        let some = batches(&until(0.8, 60));
        assert!((1..51).contains(&some.iter().sum::<u32>()) && some.len() < 4, "few looks: {some:?}");
    }
}
