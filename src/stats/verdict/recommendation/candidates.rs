//! The cases that could be used: which of them take part, which are fast enough, and in which order they come.

use schemars::JsonSchema;
use serde::Serialize;

use super::Field;
use crate::contract::{Codec, LockPlacement};
use crate::plan::Goal;
use crate::record::Case;
use crate::stats::evidence::decision::{Decision, Evidence, Standard};
use crate::stats::evidence::quantity::Quantity;
use crate::stats::evidence::sides::{Paired, Sides};
use crate::stats::evidence::streams::{self, StreamDiffers};
use crate::stats::math::descriptive::median;
use crate::stats::runs::metrics::{Metric, PRIMARY, tail_of};
use crate::stats::runs::summary::{RunSummary, groups};
use crate::stats::runs::values_of;
use crate::stats::verdict::error_of;
use crate::stats::verdict::judge::ask_guard;

/// Tails that are not shown to differ by more than this are equal, and the smaller threshold decides.
const TAIL_TIE_PCT: f64 = 5.0;

/// One case that could be used.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Candidate {
    /// Which.
    pub case: Case,
    /// Median over the good planned runs.
    pub wall_ms: f64,
    /// Median of the runs' latency p99, or of the highest percentile that their frames bear.
    pub tail_ms: Option<f64>,
    /// Where it stands.
    pub standing: Standing,
    /// Wall time from the fastest to this one, at most the margin? `None`: it is the fastest, or takes no part.
    pub slower: Option<Decision>,
    /// What its latency is limited by: the guard against the reference, or for live use the budget. `None`: nothing limits it.
    pub limit: Option<Decision>,
    /// Where its stream differs from the reference's; `None`: it is the same, or is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamDiffers>,
    /// No other case has both a shorter wall time and a lower tail.
    pub is_pareto_optimal: bool,
}

/// Where a candidate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Provably not slower than the fastest by more than the margin.
    Fast,
    /// Provably slower than that.
    Slower,
    /// The runs do not say whether it is.
    Undecided,
    /// Refused: its latency grew further than its throughput, or exceeds the budget.
    Refused,
    /// A run of it failed, warm-ups included.
    Failed,
    /// It gives another stream than the reference: it is another encode, and no faster one.
    OtherStream,
}

impl Candidate {
    /// The fastest, or by the estimate as fast and not shown to be slower?
    pub fn seems_fast(&self) -> bool {
        let seems_as_fast = self.slower.as_ref().map(seems_within);
        match self.standing {
            Standing::Fast => seems_as_fast.unwrap_or(true),
            Standing::Undecided => seems_as_fast.unwrap_or(false),
            Standing::Slower | Standing::Refused | Standing::Failed | Standing::OtherStream => false,
        }
    }
}

/// Does the estimate lie within half of the limit? What is chosen by it has room for the proof.
pub(super) fn seems_within(decision: &Decision) -> bool {
    decision.interval.estimate_pct <= decision.limit_pct / 2.0
}

impl Standing {
    /// Does it take part?
    pub fn is_eligible(self) -> bool {
        matches!(self, Self::Fast | Self::Slower | Self::Undecided)
    }
}

impl Field<'_> {
    /// All candidates, and the fastest of those that take part.
    pub(super) fn candidates(&self, codec: Codec) -> Option<(Vec<Candidate>, Case)> {
        let cases = groups(self.runs).into_iter().map(|group| group.case);
        let own = cases.filter(|case| case.codec == codec && case.client.is_here());
        let mut all: Vec<_> = own.filter_map(|case| self.candidate(case)).collect();
        let eligible = all.iter().filter(|one| one.standing.is_eligible());
        let fastest = eligible.min_by(|a, b| a.wall_ms.total_cmp(&b.wall_ms))?.case;
        for one in all.iter_mut().filter(|one| one.standing.is_eligible()) {
            one.slower = self.slower(fastest, one.case);
            one.standing = match &one.slower {
                _ if one.case == fastest => Standing::Fast,
                Some(Decision { is_met: Some(true), .. }) => Standing::Fast,
                Some(Decision { is_met: Some(false), .. }) => Standing::Slower,
                _ => Standing::Undecided,
            };
        }
        let optimal: Vec<_> = all.iter().map(|one| is_pareto_optimal(one, &all)).collect();
        all.iter_mut().zip(optimal).for_each(|(one, is_optimal)| one.is_pareto_optimal = is_optimal);
        Some((all, fastest))
    }

    /// `None`: no good run.
    fn candidate(&self, case: Case) -> Option<Candidate> {
        let of_case = || self.runs.iter().filter(move |run| run.case == case);
        let good: Vec<_> = of_case().filter(|run| run.counts() && !run.is_confirmation).collect();
        let wall_ms = median(&values_of(&good, PRIMARY))?;
        let frames = good.iter().map(|run| run.packets).min().unwrap_or(0);
        let tail = tail_of(frames);
        let limit = self.limit(case, tail, &good);
        let is_refused = limit.as_ref().is_some_and(|limit| limit.is_met == Some(false));
        let stream = streams::differs(self.runs, case, self.reference);
        let standing = match () {
            () if of_case().any(|run| run.error.is_some()) => Standing::Failed,
            () if stream.is_some() => Standing::OtherStream,
            () if is_refused => Standing::Refused,
            () => Standing::Undecided,
        };
        let tail_ms = median(&values_of(&good, tail));
        Some(Candidate { case, wall_ms, tail_ms, standing, slower: None, limit, stream, is_pareto_optimal: false })
    }

    fn limit(&self, case: Case, tail: Metric, good: &[&RunSummary]) -> Option<Decision> {
        match self.goal() {
            Goal::Batch if case == self.reference => None,
            Goal::Batch => {
                let paired = Paired::of(self.runs, self.reference, case, |run| !run.is_confirmation);
                let standard = Standard { error: error_of(self.terms.plan), peers: Some(self.peers) };
                let evidence = Evidence { standard, ..Evidence::plain(paired.sides()) };
                ask_guard(&self.terms.plan.criteria, &evidence)
            }
            Goal::Live { .. } => {
                // Each run's tail beside the budget, as if that were the before side.
                let budget_ms = self.terms.plan.latency_budget_ms()?;
                let budget = |run: &&RunSummary| {
                    let mut run = (*run).clone();
                    (run.model_late, run.on_time, run.gpu) = (None, None, None);
                    run.values.set(tail, Some(budget_ms));
                    run
                };
                let budget: Vec<_> = good.iter().map(budget).collect();
                let budget: Vec<_> = budget.iter().collect();
                let sides = Sides { before: &budget, after: good, is_paired: true };
                let standard = Standard { error: error_of(self.terms.plan), peers: None };
                Evidence { standard, ..Evidence::plain(sides) }.at_most(Quantity::Metric(tail), 0.0)
            }
        }
    }

    fn slower(&self, fastest: Case, case: Case) -> Option<Decision> {
        if case == fastest {
            return None;
        }
        self.ask(fastest, case, Quantity::Metric(PRIMARY), self.margin(case, fastest).pct)
    }

    /// Of the planned rounds.
    fn ask(&self, before: Case, after: Case, quantity: Quantity, limit_pct: f64) -> Option<Decision> {
        let paired = Paired::of(self.runs, before, after, |run| !run.is_confirmation);
        let standard = Standard { error: error_of(self.terms.plan), peers: None };
        Evidence { standard, ..Evidence::plain(paired.sides()) }.at_most(quantity, limit_pct)
    }
}

/// Those that are as fast, or by the estimate seem so and are not shown to be slower: those with the lowest tail first, of
/// equal tails the smallest threshold, then the simplest placement. What is left to prove decides how sure the choice is.
pub(super) fn in_line(field: &Field<'_>, candidates: &[Candidate]) -> Vec<Case> {
    let fast = || candidates.iter().filter(|one| one.seems_fast());
    let tail = |one: &Candidate| one.tail_ms.unwrap_or(f64::INFINITY);
    let Some(quickest) = fast().min_by(|a, b| tail(a).total_cmp(&tail(b))) else { return Vec::new() };
    let frames = field.runs.iter().filter(|run| run.counts()).map(|run| run.packets).min().unwrap_or(0);
    let is_higher = |one: &Candidate| {
        let quantity = Quantity::Metric(tail_of(frames));
        let decision =
            if one.case == quickest.case { None } else { field.ask(quickest.case, one.case, quantity, TAIL_TIE_PCT) };
        decision.is_some_and(|decision| decision.is_met == Some(false))
    };
    let simplicity = |lock: LockPlacement| match lock {
        LockPlacement::Inline => 0,
        LockPlacement::Poll => 1,
        LockPlacement::Thread => 2,
        LockPlacement::Ready => 3,
    };
    let mut ranked: Vec<_> = fast()
        .map(|one| (is_higher(one), one.case.most_in_flight(), simplicity(one.case.lock), one.case.pool, one.case))
        .collect();
    ranked.sort_by_key(|one| (one.0, one.1, one.2, one.3));
    ranked.into_iter().map(|one| one.4).collect()
}

fn is_pareto_optimal(one: &Candidate, all: &[Candidate]) -> bool {
    let tail = |candidate: &Candidate| candidate.tail_ms.unwrap_or(f64::INFINITY);
    !all.iter().any(|other| other.wall_ms < one.wall_ms && tail(other) < tail(one))
}
