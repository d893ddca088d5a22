//! Which case to use: of those that are not slower than the fastest by more than the margin the one with the lowest latency,
//! and of equal ones the smallest threshold.
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
use crate::stats::verdict::error_of;
use crate::stats::verdict::sweep_effects::{peers, references};

mod candidates;
mod headline;
#[cfg(test)]
mod tests;
mod words;

pub use candidates::{Candidate, Standing};
pub use headline::{DefaultPair, Unsettled, default_pair, pairs_of, rounds_to_confirm, unsettled};

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
    /// What counts as slower.
    pub margin: Margin,
    /// Every case of the codec that this program ran itself, in the order of the plan.
    pub candidates: Vec<Candidate>,
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
        self.together.as_ref().is_some_and(|all| all.interval.estimate_pct > all.limit_pct)
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
        let (mut case, mut competitors) = (chosen, self.competitors(chosen, fastest, &candidates));
        // What confirmation rounds refute gives way to what refuted it, and that to the next, but none twice.
        let mut tried = vec![chosen];
        while let Some(winner) = refuted_by(&competitors).filter(|winner| !tried.contains(winner)) {
            tried.push(winner);
            case = winner;
            competitors = self.competitors(case, fastest, &candidates);
        }
        let is_refuted = tried.len() > 1;
        let guard = candidates.iter().find(|one| one.case == case).and_then(|one| one.limit.as_ref());
        let keeps_limit = guard.is_none_or(|guard| guard.is_met == Some(true));
        let preferred = competitors.iter().find(|one| one.is_preferred()).map(|one| one.case);
        let undecided =
            competitors.iter().find(|one| one.planned.as_ref().is_none_or(|planned| planned.is_met != Some(true)));
        let all = |ask: fn(&Competitor) -> Option<&Decision>| {
            competitors.iter().all(|one| ask(one).is_some_and(|decision| decision.is_met == Some(true)))
        };
        let state = match () {
            () if competitors.is_empty() => State::Alone,
            () if keeps_limit && all(|one| one.confirmation.as_ref()) => State::Confirmed,
            () if is_refuted => State::Refuted,
            () if preferred.is_none() && undecided.is_none() => State::Likely,
            () => State::Open,
        };
        let mut or = undecided.map(|one| one.case).filter(|_| state == State::Open);
        // Undecided, and all rounds together lean the other way: the other is used for now. That makes it no surer.
        if let Some(preferred) = preferred.filter(|_| state == State::Open) {
            or = Some(case);
            case = preferred;
            competitors = self.competitors(case, fastest, &candidates);
        }
        let margin = self.margin(case, fastest);
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
            reason: String::new(),
        };
        found.reason = words::reason(&found);
        Some(found)
    }

    /// The fastest of the other eligible ones, and the fastest of those with fewer frames in flight that are slower.
    fn competitors(&self, case: Case, fastest: Case, candidates: &[Candidate]) -> Vec<Competitor> {
        let eligible = || candidates.iter().filter(|one| one.standing.is_eligible() && one.case != case);
        let quickest = |smaller: bool| {
            let fits =
                eligible().filter(|one| !smaller || one.case.reap_threshold < case.reap_threshold && !one.seems_fast());
            fits.min_by(|a, b| a.wall_ms.total_cmp(&b.wall_ms)).map(|one| one.case)
        };
        let fastest_other = if fastest == case { quickest(false) } else { Some(fastest) };
        let smaller = quickest(true).filter(|&one| Some(one) != fastest_other || fastest == case);
        let roles = match (fastest_other, smaller) {
            // The only other is smaller and slower: beating it is all there is to show.
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
        let confirmation = ask(|run| run.is_confirmation, ERROR);
        let together = confirmation.as_ref().and_then(|_| ask(|_| true, ERROR));
        Competitor { case: other, role, planned, confirmation, together }
    }

    fn margin(&self, one: Case, other: Case) -> Margin {
        Margin::of(PRIMARY, [(self.terms.noise, one), (self.terms.noise, other)]).capped()
    }

    fn goal(&self) -> Goal {
        self.terms.plan.goal
    }
}

/// The competitor for which confirmation rounds have decided.
fn refuted_by(competitors: &[Competitor]) -> Option<Case> {
    let is_lost = |one: &&Competitor| one.confirmation.as_ref().is_some_and(|decision| decision.is_met == Some(false));
    competitors.iter().find(is_lost).map(|one| one.case)
}
