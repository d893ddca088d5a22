//! The pair that stands in the headline, and what the runs leave unsettled about it and about the recommendation.
//!
//! The pair is the reference of the codec, which the plan fixes, against the recommended case, which is picked from the data
//! and so is judged as one of the session's family.

use serde::Serialize;

use super::{Competitor, Recommendation, Terms, recommend, recommend_among};
use crate::contract::Codec;
use crate::plan::Plan;
use crate::record::Case;
use crate::stats::evidence::decision::{Decision, Evidence, Open, Standard};
use crate::stats::evidence::peers::Peers;
use crate::stats::evidence::quantity::Quantity;
use crate::stats::evidence::sides::Paired;
use crate::stats::runs::metrics::PRIMARY;
use crate::stats::runs::summary::{RunSummary, groups};
use crate::stats::verdict::judge::{Judged, judge};
use crate::stats::verdict::sweep_effects::{peers, reference};
use crate::stats::verdict::{error_of, error_of_confirmation};

/// Which two cases of one session are compared when nobody said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct DefaultPair {
    pub codec: Codec,
    pub before: Case,
    pub after: Case,
}

/// A question that more rounds of two cases could settle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsettled {
    /// The two.
    pub cases: [Case; 2],
    /// About how many more rounds; `None`: a thousand would not do.
    pub more: Option<u32>,
}

/// For each codec with two cases or more: before is the serial case, or else the smallest threshold of the first lock
/// placement. After is the recommended case; if that is what before is already, the fastest of the others.
pub fn default_pair(runs: &[RunSummary], terms: &Terms<'_>) -> Vec<DefaultPair> {
    pairs_of(&recommend(runs, terms), runs)
}

/// The pairs that go with what is recommended.
pub fn pairs_of(known: &[Recommendation], runs: &[RunSummary]) -> Vec<DefaultPair> {
    let groups = groups(runs);
    let of =
        |codec| groups.iter().map(|group| group.case).filter(move |case| case.codec == codec && case.client.is_here());
    known.iter().filter_map(|known| pair(known, &of(known.codec).collect::<Vec<_>>())).collect()
}

/// `cases`: all of the codec. Before may be one that failed: that is what a comparison should say.
fn pair(known: &Recommendation, cases: &[Case]) -> Option<DefaultPair> {
    let before = reference(cases)?;
    let others = known.candidates.iter().filter(|one| one.case != before);
    let after = match known.case {
        case if case == before => others.min_by(|a, b| a.wall_ms.total_cmp(&b.wall_ms))?.case,
        case => case,
    };
    Some(DefaultPair { codec: known.codec, before, after })
}

/// What more planned rounds could settle: the criteria of the headline pair, and whether the recommended case stands up to
/// its competitors.
pub fn unsettled(runs: &[RunSummary], terms: &Terms<'_>) -> Vec<Unsettled> {
    let peers = peers(runs);
    let known = recommend_among(runs, terms, &peers);
    let of_pairs = pairs_of(&known, runs).into_iter().flat_map(|pair| unsettled_criteria(&pair, runs, terms, &peers));
    let of_competitors = known.iter().flat_map(|known| {
        let open = known.competitors.iter().map(|one| (one.case, one.planned.as_ref()));
        open.filter_map(|(other, decision)| Some(Unsettled { cases: [other, known.case], more: more(decision?)? }))
    });
    of_pairs.chain(of_competitors).collect()
}

fn unsettled_criteria(pair: &DefaultPair, runs: &[RunSummary], terms: &Terms<'_>, peers: &Peers<'_>) -> Vec<Unsettled> {
    let paired = Paired::of(runs, pair.before, pair.after, |_| true);
    let standard = Standard { error: error_of(terms.plan), peers: Some(peers) };
    let evidence = Evidence { standard, ..Evidence::plain(paired.sides()) };
    let judged = Judged { before: &paired.before, after: &paired.after, evidence };
    let results = judge(&terms.plan.criteria, pair.codec, &judged);
    let open = results.into_iter().filter(|result| result.pass.is_none()).filter_map(|result| more(&result.decision?));
    open.map(|more| Unsettled { cases: [pair.before, pair.after], more }).collect()
}

/// `None`: it is settled, or more rounds are not what is missing.
fn more(decision: &Decision) -> Option<Option<u32>> {
    match decision.open? {
        Open::Doubtful => None,
        Open::TooFew { more } => Some(Some(more)),
        Open::Spans { more } => Some(more),
    }
}

/// The cases of the confirmation that follows the rounds made, each with the number of its rounds, up to `most` with those
/// that there are. A competitor that is shown needs no more; the recommended case runs beside all.
pub fn rounds_to_confirm(known: &Recommendation, runs: &[RunSummary], plan: &Plan, most: u32) -> Vec<(Case, u32)> {
    let of_each = |(one, num): (&Competitor, u32)| {
        let made = one.confirmation.as_ref().map_or(0, |decision| decision.interval.num_runs);
        (one.case, num.saturating_sub(made).max(plan.confirm))
    };
    let competitors: Vec<_> = whole_confirmation(known, runs, plan, most).into_iter().map(of_each).collect();
    let own = competitors.iter().map(|&(_, num)| num).max().map(|num| (known.case, num));
    competitors.into_iter().chain(own).collect()
}

/// The competitors that are not shown by confirmation rounds yet, each with as many of these, up to `most`, as it takes by
/// the scatter of the rounds made: a look at them confirms five of six sweeps like this one. (What the rounds made say may
/// be off as far as they scatter.) A competitor that is far off needs few.
pub fn whole_confirmation<'a>(
    known: &'a Recommendation,
    runs: &[RunSummary],
    plan: &Plan,
    most: u32,
) -> Vec<(&'a Competitor, u32)> {
    let standard = Standard { error: error_of_confirmation(plan), peers: None };
    let needed = |one: &Competitor| {
        let paired = Paired::of(runs, one.case, known.case, |_| true);
        let evidence = Evidence { standard, ..Evidence::plain(paired.sides()) };
        let limit_pct = one.planned.as_ref()?.limit_pct;
        let interval = evidence.at_most(Quantity::Metric(PRIMARY), limit_pct)?.interval;
        // In units of the bound's distance z₀.₉₇₅ σₚ, the gap g must hold that of the new bound, x = √(nₚ ÷ n), and
        // z₀.₈₃ ≈ z₀.₉₇₅ ÷ 2 standard deviations of what the new rounds may say given those made: g = x + √(x² + 1) ÷ 2.
        let gap = (limit_pct - interval.estimate_pct) / (interval.high_pct? - interval.estimate_pct);
        let reach = (4.0 * gap - (4.0 * gap * gap + 3.0).sqrt()) / 3.0;
        let rounds = f64::from(interval.num_runs) / (reach * reach);
        (reach > 0.0 && rounds.is_finite()).then_some(rounds.ceil() as u32)
    };
    let is_open = |one: &&Competitor| one.confirmation.as_ref().is_none_or(|decision| decision.is_met != Some(true));
    known.competitors.iter().filter(is_open).map(|one| (one, needed(one).unwrap_or(most).min(most))).collect()
}
