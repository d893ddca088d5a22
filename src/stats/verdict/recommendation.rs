//! Which case to use: of those that seem as fast as the fastest the one with the lowest latency, and of equal ones the
//! smallest threshold. It must be shown not to be slower than the fastest by more than a margin.
//!
//! Pure, from runs. A case that the latency guard refused, or that had a failed run, takes no part in any role. The best of
//! many looks better than it is, so what was chosen is compared with its nearest competitors once more, in confirmation
//! rounds that had no part in the choice: with the fastest, which it must not fall behind, and with the next smaller
//! threshold, which it must beat.

use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::Codec;
use crate::plan::{Goal, Plan};
use crate::record::Case;
use crate::stats::evidence::decision::{Decision, ERROR, Evidence, Standard};
use crate::stats::evidence::noise_floor::{Margin, NoiseFloor};
use crate::stats::evidence::peers::Peers;
use crate::stats::evidence::quantity::Quantity;
use crate::stats::evidence::sides::Paired;
use crate::stats::runs::metrics::PRIMARY;
use crate::stats::runs::summary::RunSummary;
use crate::stats::verdict::sweep_effects::{peers, references};
use crate::stats::verdict::{error_of, error_of_confirmation};

mod candidates;
mod headline;
mod moved;
mod stages;
#[cfg(test)]
mod tests;
mod words;

pub use candidates::{Candidate, Standing};
pub use headline::{DefaultPair, Unsettled, default_pair, pairs_of, rounds_to_confirm, unsettled, whole_confirmation};
pub use moved::{Cause, MovedWait};
pub use stages::{Stages, ThresholdEffect};

/// What to use for one codec.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Recommendation {
    /// For what.
    pub codec: Codec,
    /// The case to use, as far as it is known.
    pub case: Case,
    /// How sure that is.
    pub state: State,
    /// What the planned rounds alone chose.
    pub chosen: Case,
    /// The eligible case with the shortest median wall time, maybe the same.
    pub fastest: Case,
    /// What `case` was compared with.
    pub competitors: Vec<Competitor>,
    /// Where the state is open: the case that might be right instead.
    pub or: Option<Case>,
    /// How much slower than the fastest it may be.
    pub margin: Margin,
    /// Every case of the codec that this program ran itself, in the order of the plan.
    pub candidates: Vec<Candidate>,
    /// Waits that left the lock for the submit call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<MovedWait>,
    /// Of a transcode: which of its thresholds matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stages: Option<Stages>,
    /// Why, in words.
    pub reason: String,
}

/// How sure a recommendation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Confirmation rounds, which had no part in the choice, agree.
    Confirmed,
    /// The planned rounds decide it; nothing has confirmed it yet.
    Likely,
    /// The runs do not decide between two cases.
    Open,
    /// Confirmation rounds refuted what the planned rounds chose; this is the next best, unconfirmed.
    Refuted,
    /// There is no other case.
    Alone,
}

/// Why a case is compared with the chosen one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The fastest of the others: the choice must not be slower by more than the margin.
    Fastest,
    /// The fastest of those with fewer frames in flight: the choice must be faster.
    NextSmaller,
}

/// A case that the choice was compared with: wall time from this one to the choice.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Competitor {
    /// Which.
    pub case: Case,
    /// Why.
    pub role: Role,
    /// What the planned rounds say.
    pub planned: Option<Decision>,
    /// What the confirmation rounds say; `None`: there are none of both.
    pub confirmation: Option<Decision>,
    /// What the planned and the confirmation rounds say together; `None`: there are no confirmation rounds of both.
    pub together: Option<Decision>,
}

/// By which terms cases are weighed.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// What the sweep was to do.
    pub plan: &'a Plan,
    /// What this machine was found to show between equal things.
    pub noise: Option<&'a NoiseFloor>,
}

impl Competitor {
    /// What the latest rounds say: the confirmation rounds, where there are any.
    pub fn latest(&self) -> Option<&Decision> {
        self.confirmation.as_ref().or(self.planned.as_ref())
    }

    /// Would all rounds together rather use this one, by their estimate?
    fn is_preferred(&self) -> bool {
        self.together.as_ref().is_some_and(|all| !candidates::seems_within(all))
    }
}

impl Recommendation {
    /// Have runs said so that had no part in the choice?
    pub fn is_confirmed(&self) -> bool {
        self.state == State::Confirmed
    }
}

/// For each codec of which a case could be used. Only runs made by this program itself count: no other program's threshold
/// can be set here.
pub fn recommend(runs: &[RunSummary], terms: &Terms<'_>) -> Vec<Recommendation> {
    recommend_among(runs, terms, &peers(runs))
}

/// As [`recommend`], where the comparisons of the session are known already.
pub fn recommend_among(runs: &[RunSummary], terms: &Terms<'_>, peers: &Peers<'_>) -> Vec<Recommendation> {
    let references = references(runs);
    let of = |&(codec, reference): &(Codec, Case)| {
        let field = Field { runs, terms, peers, reference };
        field.recommend(codec)
    };
    references.iter().filter_map(of).collect()
}

/// The cases of one codec and what they are weighed by.
struct Field<'a> {
    runs: &'a [RunSummary],
    terms: &'a Terms<'a>,
    peers: &'a Peers<'a>,
    reference: Case,
}

impl Field<'_> {
    fn recommend(&self, codec: Codec) -> Option<Recommendation> {
        let (candidates, fastest) = self.candidates(codec)?;
        let chosen = *candidates::in_line(self, &candidates).first()?;
        let contender = |case: Case| {
            let limit = candidates.iter().find(|one| one.case == case).and_then(|one| one.limit.as_ref());
            let competitors = self.competitors(case, [fastest, chosen], &candidates);
            Contender { case, keeps_limit: limit.is_none_or(is_shown), competitors, is_chosen: case == chosen }
        };
        let mut best = contender(chosen);
        // What confirmation rounds refute gives way to what refuted it, and that to the next, but none twice.
        let mut tried = vec![chosen];
        while let Some(winner) = best.refuted_by().filter(|winner| !tried.contains(winner)) {
            tried.push(winner);
            best = contender(winner);
        }
        // That the one is fast enough and that the other is faster are two questions, of which at most one can be answered
        // wrongly: where the first is left undecided, the second may decide.
        let mut others = best.competitors.iter().map(|one| contender(one.case)).filter(|_| !best.is_confirmed());
        if let Some(shown) = others.find(Contender::is_confirmed) {
            best = shown;
        }
        let preferred = best.competitors.iter().find(|one| one.is_preferred()).map(|one| one.case);
        let undecided = best.competitors.iter().find(|one| !one.planned.as_ref().is_some_and(is_shown));
        let state = match () {
            () if best.competitors.is_empty() => State::Alone,
            () if best.is_confirmed() => State::Confirmed,
            () if tried.len() > 1 => State::Refuted,
            () if preferred.is_none() && undecided.is_none() => State::Likely,
            () => State::Open,
        };
        let mut or = undecided.map(|one| one.case).filter(|_| state == State::Open);
        // Undecided, and all rounds together lean the other way: the other is used for now. That makes it no surer.
        if let Some(preferred) = preferred.filter(|_| state == State::Open) {
            or = Some(best.case);
            best = contender(preferred);
        }
        let Contender { case, competitors, .. } = best;
        let margin = self.margin(case, fastest);
        let moved = moved::moved(self, &candidates, case, fastest);
        let mut found = Recommendation {
            codec,
            case,
            state,
            chosen,
            fastest,
            competitors,
            or,
            margin,
            candidates,
            moved,
            stages: stages::stages(self, case),
            reason: String::new(),
        };
        found.reason = words::reason(&found);
        Some(found)
    }

    /// The fastest of the other eligible ones, and the fastest of those with fewer frames in flight that are slower or were
    /// chosen.
    fn competitors(&self, case: Case, [fastest, chosen]: [Case; 2], candidates: &[Candidate]) -> Vec<Competitor> {
        let eligible = || candidates.iter().filter(|one| one.standing.is_eligible() && one.case != case);
        let is_smaller = |one: &Candidate| {
            one.case.most_in_flight() < case.most_in_flight() && (!one.seems_fast() || one.case == chosen)
        };
        let quickest = |smaller: bool| {
            let fits = eligible().filter(|one| !smaller || is_smaller(one));
            fits.min_by(|a, b| a.wall_ms.total_cmp(&b.wall_ms)).map(|one| one.case)
        };
        let fastest_other = if fastest == case { quickest(false) } else { Some(fastest) };
        let smaller = quickest(true);
        let roles = match (fastest_other, smaller) {
            // One that is both must be beaten, which is more than not to be slower.
            (Some(other), Some(smaller)) if other == smaller => vec![(smaller, Role::NextSmaller)],
            _ => [fastest_other.map(|one| (one, Role::Fastest)), smaller.map(|one| (one, Role::NextSmaller))]
                .into_iter()
                .flatten()
                .collect(),
        };
        roles.into_iter().map(|(one, role)| self.competitor(case, one, role)).collect()
    }

    fn competitor(&self, case: Case, other: Case, role: Role) -> Competitor {
        let limit_pct = match role {
            Role::Fastest => self.margin(case, other).pct,
            Role::NextSmaller => 0.0,
        };
        let ask = |keep: fn(&RunSummary) -> bool, error: f64| {
            let paired = Paired::of(self.runs, other, case, keep);
            let standard = Standard { error, peers: None };
            let evidence = Evidence { standard, ..Evidence::plain(paired.sides()) };
            evidence.at_most(Quantity::Metric(PRIMARY), limit_pct)
        };
        let planned = ask(|run| !run.is_confirmation, error_of(self.terms.plan));
        let confirmation = ask(|run| run.is_confirmation, error_of_confirmation(self.terms.plan));
        let together = confirmation.as_ref().and_then(|_| ask(|_| true, ERROR));
        Competitor { case: other, role, planned, confirmation, together }
    }

    /// Twice the least change that matters. A case is chosen if its estimate lies within half of it, and has the other half
    /// as room for the proof: with one limit for both, no number of rounds could decide about cases close to it.
    fn margin(&self, one: Case, other: Case) -> Margin {
        Margin::of(PRIMARY, [(self.terms.noise, one), (self.terms.noise, other)]).doubled()
    }

    fn goal(&self) -> Goal {
        self.terms.plan.goal
    }
}

/// A case that may be recommended, and what it must stand up to.
struct Contender {
    case: Case,
    /// Is its latency shown to be within the limit?
    keeps_limit: bool,
    competitors: Vec<Competitor>,
    /// Did the planned rounds choose it?
    is_chosen: bool,
}

impl Contender {
    /// Do confirmation rounds show all there is to show? The planned rounds may stand in for them where a case was not
    /// chosen by them: it does not look better in them than it is.
    fn is_confirmed(&self) -> bool {
        let shows = |one: &Competitor| match &one.confirmation {
            None if !self.is_chosen => one.planned.as_ref().is_some_and(is_shown),
            confirmation => confirmation.as_ref().is_some_and(is_shown),
        };
        let has_confirmation = self.competitors.iter().any(|one| one.confirmation.is_some());
        self.keeps_limit && has_confirmation && self.competitors.iter().all(shows)
    }

    /// The competitor for which confirmation rounds have decided.
    fn refuted_by(&self) -> Option<Case> {
        let is_lost =
            |one: &&Competitor| one.confirmation.as_ref().is_some_and(|decision| decision.is_met == Some(false));
        self.competitors.iter().find(is_lost).map(|one| one.case)
    }
}

fn is_shown(decision: &Decision) -> bool {
    decision.is_met == Some(true)
}
