//! Which runs come next: the planned rounds, more of them at each planned look while something is undecided, and at last
//! confirmation rounds of the recommended case and its nearest competitors.
//!
//! Decides from summaries alone; makes no run. A sweep that went on until the result was welcome would always find one in
//! the end; here the looks are planned, and share the error.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::plan::{MAX_CONFIRM, MIN_CONFIRM, Plan, PlannedRun, Until, in_round};
use crate::record::Case;
use crate::stats::evidence::blocks::Unit;
use crate::stats::evidence::change::ChangeInterval;
use crate::stats::evidence::noise_floor::NoiseFloor;
use crate::stats::evidence::quantity::Quantity;
use crate::stats::evidence::sides::Paired;
use crate::stats::math::descriptive::mean;
use crate::stats::runs::metrics::PRIMARY;
use crate::stats::runs::summary::RunSummary;
use crate::stats::verdict::recommendation::{
    DefaultPair, Recommendation, State, Terms, default_pair, recommend, rounds_to_confirm, unsettled,
};

/// Where confirmation rounds refute the first choice, the next one is tested too, and no third; where they leave it
/// undecided, a sweep with looks makes more of them once.
const MAX_CONFIRMATIONS: u32 = 2;

/// The forecast of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forecast {
    /// Runs of the batch that begins.
    pub num_runs: u64,
    /// Runs that are likely to follow it, by the scatter measured so far.
    pub num_later: u64,
    /// Duration of all of them; `None` before anything was measured.
    pub remaining: Option<Duration>,
}

/// The progress of a sweep.
#[derive(Debug)]
pub struct Schedule<'a> {
    plan: &'a Plan,
    noise: Option<&'a NoiseFloor>,
    stage: Stage,
    next_round: u32,
    next_order: u32,
    next_block: u32,
    next_look: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    Planned,
    More,
    /// How often so far.
    Confirmed(u32),
}

/// How many runs a sweep that ended early lacks until it is to decide what comes next; 0: it came to its end. `made`: those that it
/// made.
pub fn num_missing(plan: &Plan, noise: Option<&NoiseFloor>, made: &[RunSummary]) -> u32 {
    let by_order: BTreeMap<u32, &RunSummary> = made.iter().map(|run| (run.order_index, run)).collect();
    let mut schedule = Schedule::of(plan, noise);
    let mut before = Vec::new();
    while let Some(batch) = schedule.next(&before) {
        let there: Vec<_> = batch.iter().filter_map(|run| by_order.get(&run.order_index)).collect();
        if there.len() < batch.len() {
            return (batch.len() - there.len()) as u32;
        }
        before.extend(there.into_iter().map(|&run| run.clone()));
    }
    0
}

impl<'a> Schedule<'a> {
    /// The start of a sweep. `noise`: the noise floor of this computer.
    pub fn of(plan: &'a Plan, noise: Option<&'a NoiseFloor>) -> Self {
        Self {
            plan,
            noise,
            stage: Stage::Planned,
            next_round: plan.num_rounds(),
            next_order: 0,
            next_block: plan.blocks,
            next_look: 0,
        }
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
                    return Some(self.rounds(num_more, &self.plan.cases()));
                }
                if let Some(&look) = self.plan.looks.get(self.next_look) {
                    let contenders = self.contenders(made);
                    if !contenders.is_empty() {
                        self.next_look += 1;
                        return Some(self.rounds(look.saturating_sub(self.next_round), &contenders));
                    }
                }
                self.stage = Stage::Confirmed(0);
                self.confirm(made)
            }
            Stage::Confirmed(MAX_CONFIRMATIONS..) => None,
            Stage::Confirmed(_) => self.confirm(made),
        }
    }

    /// What begins with `batch`, which [`Schedule::next`] has just given after `made`.
    pub fn forecast(&self, batch: &[PlannedRun], made: &[RunSummary]) -> Forecast {
        let num_runs = batch.len() as u64;
        if made.is_empty() {
            return Forecast { num_runs, ..Forecast::default() };
        }
        let later = if batch.iter().any(|run| run.is_confirmation) { Vec::new() } else { self.likely_later(made) };
        let cases = batch.iter().map(|run| run.case).chain(later.iter().copied());
        let remaining = cases.map(|case| run_ns(case, made)).sum::<Option<f64>>();
        let remaining = remaining.and_then(|ns| Duration::try_from_secs_f64(ns / 1e9).ok());
        Forecast { num_runs, num_later: later.len() as u64, remaining }
    }

    /// One case for each run: of further looks as far as the scatter asks for them, and of the confirmation.
    fn likely_later(&self, made: &[RunSummary]) -> Vec<Case> {
        let mut later = Vec::new();
        let needed = unsettled(made, &self.terms()).into_iter().map(|open| open.more.unwrap_or(u32::MAX)).max();
        // What is said to settle a question in nine cases of ten is twice of what usually does.
        let rounds = needed.map_or(0, |more| self.plan.repeat.saturating_add(more / 2));
        // The look that is under way counts in `next_round` already.
        let from = self.next_round;
        let looks = || self.plan.looks.iter().copied().skip(self.next_look);
        let until = looks().find(|&look| look >= rounds).or(looks().last()).filter(|_| rounds > from).unwrap_or(from);
        let contenders = self.contenders(made);
        (from..until).for_each(|_| later.extend(&contenders));
        let confirmation = self.confirmation(made, 0);
        later.extend(confirmation.iter().flat_map(|&(case, num)| std::iter::repeat_n(case, num as usize)));
        later
    }

    fn terms(&self) -> Terms<'a> {
        Terms { plan: self.plan, noise: self.noise }
    }

    /// The cases that more rounds could decide about, in the order of the plan; none once everything is decided.
    fn contenders(&self, made: &[RunSummary]) -> Vec<Case> {
        let open: Vec<Case> = unsettled(made, &self.terms()).into_iter().flat_map(|open| open.cases).collect();
        let is_twin = |case: &Case| {
            let here = Case { client: Default::default(), ..*case };
            open.contains(case) || (!case.client.is_here() && open.contains(&here))
        };
        if open.is_empty() { open } else { self.plan.cases().into_iter().filter(is_twin).collect() }
    }

    fn confirm(&mut self, made: &[RunSummary]) -> Option<Vec<PlannedRun>> {
        let Stage::Confirmed(num) = self.stage else { return None };
        self.stage = Stage::Confirmed(num + 1);
        let confirmation = self.confirmation(made, num);
        let num_rounds = confirmation.iter().map(|one| one.1).max()?;
        let cases_of = |round| confirmation.iter().filter(move |one| one.1 > round).map(|one| one.0);
        Some((0..num_rounds).flat_map(|round| self.round(&cases_of(round).collect::<Vec<_>>(), true)).collect())
    }

    /// The cases of the confirmation after `num` of them, each with the number of its rounds.
    fn confirmation(&self, made: &[RunSummary], num: u32) -> Vec<(Case, u32)> {
        // Fewer rounds bound nothing, so there is nothing sure to confirm.
        if self.next_round < MIN_CONFIRM || self.plan.confirm == 0 {
            return Vec::new();
        }
        let most = if self.plan.looks.is_empty() { self.plan.confirm } else { MAX_CONFIRM };
        let is_due = |known: &Recommendation| match known.state {
            _ if num == 0 => true,
            State::Refuted => true,
            State::Likely | State::Open => num < self.plan.num_confirmation_looks(),
            State::Confirmed | State::Alone => false,
        };
        let due = recommend(made, &self.terms()).into_iter().filter(is_due);
        due.flat_map(|known| rounds_to_confirm(&known, made, self.plan, most)).collect()
    }

    /// In a sweep with blocks each further round is a block, with warm-ups: rounds of one process would share its effect.
    fn round(&mut self, cases: &[Case], is_confirmation: bool) -> Vec<PlannedRun> {
        let repeat_index = self.next_round;
        let (block, warmups) = if self.plan.blocks > 1 { (self.next_block, self.plan.warmup) } else { (0, 0) };
        let mut runs = Vec::new();
        for (warmup, repeat_index) in (0..warmups).map(|k| (true, k)).chain([(false, repeat_index)]) {
            for case in in_round(cases, self.plan.order_seed, (warmup, repeat_index)) {
                let order_index = self.next_order;
                let is_confirmation = is_confirmation && !warmup;
                runs.push(PlannedRun { case, block, warmup, is_confirmation, repeat_index, order_index });
                self.next_order += 1;
            }
        }
        self.next_round += 1;
        self.next_block += 1;
        runs
    }

    fn rounds(&mut self, num: u32, cases: &[Case]) -> Vec<PlannedRun> {
        (0..num).flat_map(|_| self.round(cases, false)).collect()
    }

    /// How many more rounds the width is likely to take: for every codec, of the change between the two cases that anybody
    /// would compare. At most as many as there are, and up to the cap; all of them are made before it is asked again. A
    /// sweep that looked after each round would stop where its runs happen to lie close together, and its interval would
    /// miss too often.
    fn missing_rounds(&self, until: Until, made: &[RunSummary]) -> u32 {
        let missing = |pair: DefaultPair| {
            let paired = Paired::of(made, pair.before, pair.after, |_| true);
            let sample = paired.sides().sample(Quantity::Metric(PRIMARY), Unit::Run);
            sample.map_or(1, |sample| more_to_narrow(&ChangeInterval::plain(&sample), until.half_width_pct))
        };
        let most = default_pair(made, &self.terms()).into_iter().map(missing).max().unwrap_or(0);
        most.min(self.next_round).min(until.max_repeat.saturating_sub(self.next_round))
    }
}

/// How long a run of `case` takes, from one start to the next, by those made; `None`: there is none.
fn run_ns(case: Case, made: &[RunSummary]) -> Option<f64> {
    let walls = |runs: &mut dyn Iterator<Item = &RunSummary>| mean(&runs.map(RunSummary::wall_ms).collect::<Vec<_>>());
    let of_case = walls(&mut made.iter().filter(|run| run.case == case)).or_else(|| walls(&mut made.iter()))?;
    let (first, last) = (made.first()?, made.last()?);
    let whole_ms = last.started_unix_ms.saturating_sub(first.started_unix_ms) as f64;
    let num_before_last = made.len().saturating_sub(1);
    let walls_ms: f64 = made[..num_before_last].iter().map(RunSummary::wall_ms).sum();
    // Opening, saving, whatever stands between two runs.
    let around_ms = (whole_ms - walls_ms).max(0.0) / num_before_last.max(1) as f64;
    Some(1e6 * (of_case + around_ms))
}

/// How many more pairs bring the interval to `half_width_pct`: its width goes with 1 ÷ √n. 0: it is there.
fn more_to_narrow(interval: &ChangeInterval, half_width_pct: f64) -> u32 {
    let n = f64::from(interval.num_runs);
    match interval.half_width_pct() {
        // Six pairs have an interval at 95 %.
        None => 6_u32.saturating_sub(interval.num_runs).max(1),
        Some(now) if now <= half_width_pct => 0,
        Some(now) => (n * (now / half_width_pct).powi(2) - n).ceil().min(f64::from(u32::MAX)) as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Codec, LockPlacement};

    /// A run as a machine would make it whose walls are `wall_ms(threshold, round)`.
    fn make(runs: &[PlannedRun], wall_ms: impl Fn(u32, u32) -> f64) -> Vec<RunSummary> {
        let run = |planned: &PlannedRun| {
            let wall_ms = wall_ms(planned.case.reap_threshold, planned.repeat_index);
            let mut run = RunSummary {
                repeat_index: planned.repeat_index,
                warmup: planned.warmup,
                is_confirmation: planned.is_confirmation,
                ..crate::stats::fixture::summary(planned.case, planned.order_index, wall_ms)
            };
            // A wait that falls as far as the wall time does.
            run.values.set(crate::stats::runs::metrics::Metric::LockMs, Some(wall_ms / 2.0));
            run
        };
        runs.iter().map(run).collect()
    }

    /// Rounds of each batch as (first round, runs, is_confirmation).
    fn course(plan: &Plan, wall_ms: impl Fn(u32, u32) -> f64 + Copy) -> Vec<(u32, usize, bool)> {
        let mut schedule = Schedule::of(plan, None);
        let (mut made, mut batches) = (Vec::new(), Vec::new());
        while let Some(runs) = schedule.next(&made) {
            assert_eq!(runs[0].order_index as usize, made.len());
            batches.push((runs[0].repeat_index, runs.len(), runs[0].is_confirmation));
            made.extend(make(&runs, wall_ms));
        }
        batches
    }

    fn plan() -> Plan {
        Plan {
            codecs: vec![Codec::H264],
            reap_thresholds: vec![1, 2, 4],
            locks: vec![LockPlacement::Inline],
            warmup: 1,
            repeat: 9,
            looks: Vec::new(),
            order_seed: Some(1),
            ..Plan::default()
        }
    }

    fn noisy(amplitude: f64) -> impl Fn(u32, u32) -> f64 + Copy {
        move |threshold, round| {
            let noise = f64::from((round * 7 + threshold * 5 + round * threshold * 3) % 11) / 5.0 - 1.0;
            (200.0 / f64::from(threshold)) * (1.0 + amplitude * noise)
        }
    }

    #[test]
    fn the_recommended_case_and_its_nearest_competitor_are_confirmed() {
        let walls = noisy(0.001);
        assert_eq!(course(&plan(), walls), [(0, 30, false), (9, 12, true)]);
        assert_eq!(course(&Plan { confirm: 0, ..plan() }, walls), [(0, 30, false)]);
        assert_eq!(course(&Plan { repeat: 4, ..plan() }, walls), [(0, 15, false)], "nothing sure to confirm");
        assert_eq!(course(&Plan { reap_thresholds: vec![4], ..plan() }, walls), [(0, 10, false)], "no competitor");
    }

    #[test]
    fn a_sweep_with_looks_goes_on_with_what_is_undecided_and_ends_when_nothing_is() {
        let plan = Plan { looks: vec![20, 40], repeat: 10, confirm: 0, ..plan() };
        assert_eq!(course(&plan, noisy(0.001)), [(0, 33, false)]);
        // T=2 and T=4 are equal but for noise, which ten rounds do not average out.
        let open = |threshold: u32, round: u32| noisy(0.06)(threshold, round) * if threshold == 4 { 2.0 } else { 1.0 };
        let batches = course(&plan, open);
        assert!(batches.len() > 1 && batches[1].0 == 10, "{batches:?}");
        assert!(batches[1..].iter().all(|batch| batch.1 <= 60 && !batch.2), "{batches:?}");
    }

    #[test]
    fn scatter_asks_for_more_confirmation_rounds() {
        let plan = Plan { looks: vec![20, 40], repeat: 10, confirm: 6, ..plan() };
        // T=2 is slower than T=4 by 0.4 %, which is within the margin with little room for noise; T=1 is far off.
        let near = |amplitude: f64| {
            move |threshold: u32, round: u32| {
                let slower = [1.0, 2.0, 1.004, 1.0, 1.0][threshold as usize];
                noisy(amplitude)(threshold, round) * f64::from(threshold) / 2.0 * slower
            }
        };
        let confirming =
            |amplitude: f64| course(&plan, near(amplitude)).into_iter().find(|batch| batch.2).map(|batch| batch.1);
        assert_eq!(confirming(0.0001), Some(3 * 6));
        let num = confirming(0.02).unwrap();
        assert!(num > 3 * 6 && num % 2 == 0, "six of T=1, and more of the two others: {num}");
    }

    #[test]
    fn confirmation_rounds_that_leave_it_undecided_are_followed_by_more_once() {
        // The planned rounds are quiet. After them T=4 is the faster by far less than rounds scatter.
        let unsteady = |threshold: u32, round: u32| {
            let amplitude = if round < 10 { 0.0001 } else { 0.2 };
            noisy(amplitude)(threshold, round) * if threshold == 4 { 1.96 } else { 1.0 }
        };
        let with_looks = Plan { looks: vec![20, 40], repeat: 10, confirm: 6, ..plan() };
        let is_confirmation = |plan: &Plan| course(plan, unsteady).iter().map(|batch| batch.2).collect::<Vec<_>>();
        assert_eq!(is_confirmation(&with_looks), [false, true, true]);
        assert_eq!(is_confirmation(&Plan { looks: Vec::new(), ..with_looks }), [false, true], "as many as asked for");
    }

    #[test]
    fn rounds_are_added_until_the_change_is_known_or_the_cap_is_met() {
        let until = |half_width_pct, max_repeat| Plan {
            until: Some(Until { half_width_pct, max_repeat }),
            confirm: 0,
            ..plan()
        };
        let batches =
            |plan: &Plan| course(plan, noisy(0.03))[1..].iter().map(|batch| batch.1 as u32 / 3).collect::<Vec<_>>();
        assert_eq!(batches(&until(50.0, 60)).len(), 0);
        assert_eq!(batches(&until(0.01, 12)), [3]);
        let some = batches(&until(0.4, 60));
        assert!((1..52).contains(&some.iter().sum::<u32>()) && some.len() < 4, "few looks: {some:?}");
    }
}
