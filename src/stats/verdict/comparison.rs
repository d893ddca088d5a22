//! Before against after: are the two sides comparable, and does after meet the criteria?
//!
//! Knows no file; a [`Side`] is what a session offers. What "better" means is in `criteria` and `judge`.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::{Codec, EngineKind, LockPlacement};
use crate::record::{Case, DeviceKind};
use crate::stats::evidence::decision::{Evidence, Open, Standard};
use crate::stats::evidence::detect_doubts;
use crate::stats::evidence::doubts::{Doubt, DoubtKind};
use crate::stats::evidence::noise_floor::Margin;
use crate::stats::evidence::peers::Peers;
use crate::stats::evidence::quantile_shift::{Column, Shift, shift};
use crate::stats::evidence::sides::{Sides, in_common_rounds};
use crate::stats::evidence::warnings::{settings, warnings};
use crate::stats::runs::counted;
use crate::stats::runs::metrics::{COMPARED_METRICS, Metric};
use crate::stats::runs::selector::CaseFilter;
use crate::stats::runs::summary::Group;
use crate::stats::verdict::criteria::{Criteria, CriterionResult, Verdict};
use crate::stats::verdict::effects::Effect;
use crate::stats::verdict::error_of;
use crate::stats::verdict::judge::{Judged, judge};
use crate::stats::verdict::sweep_effects::references;

pub use crate::stats::evidence::side::{Side, SideInfo};
pub use crate::stats::evidence::side_name::SideName;
pub use crate::stats::evidence::warnings::{NotComparable, Warning};

/// Differences that the user has said to accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowances {
    /// A virtual device against a real one.
    pub device_kind: bool,
    /// Other frames, or another number of them.
    pub input: bool,
    /// Settings that are not under test; else the sides are not comparable.
    pub settings: bool,
}

/// Before against after.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    /// Not comparable if the sides differ in what is not under test. Else any criterion failed: fail. Else any inconclusive:
    /// inconclusive.
    pub verdict: Verdict,
    /// What makes the sides not comparable, field by field.
    pub not_comparable: Vec<NotComparable>,
    /// Codecs that both sides have.
    pub codecs: Vec<CodecComparison>,
    /// What weakens the answer.
    pub warnings: Vec<Warning>,
    /// The limits used.
    pub criteria: Criteria,
    /// Where the before side comes from.
    pub before: SideInfo,
    /// Where the after side comes from.
    pub after: SideInfo,
}

/// One codec, judged.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the types say it")]
pub struct CodecComparison {
    pub codec: Codec,
    /// Whose words are used.
    #[serde(skip)]
    pub engine: EngineKind,
    pub verdict: Verdict,
    pub before: Group,
    pub after: Group,
    pub criteria: Vec<CriterionResult>,
    /// How many comparisons of the session share the error of each answer about it; 1: it is alone.
    pub num_peers: u32,
    /// In how many of the pairs before was made first; `None`: the sides are not paired.
    pub num_before_first: Option<u32>,
    /// What each metric did, the primary one first.
    pub effects: Vec<Effect>,
    /// Tails that were not looked at, since the runs have too few frames for them.
    pub too_thin: Vec<ThinTail>,
    /// Where in the distribution of frames it happened.
    pub shifts: Vec<Shift>,
    /// Was the GPU throttled throughout on one side, and not on the other?
    pub is_one_side_throttled: bool,
}

/// A percentile that rests on single frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ThinTail {
    pub metric: Metric,
    pub needed_frames: u64,
    pub frames: u64,
}

/// Why two sides cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum CompareError {
    #[error(
        "cannot compare a virtual device with a real one ({before} before, {after} after): modelled times are no measurement; pass --allow-virtual-against-real to do it all the same"
    )]
    DeviceKind { before: String, after: String },
    #[error(
        "cannot compare different inputs ({before} before, {after} after): encode the same frames on both sides, or pass --allow-different-input"
    )]
    Input { before: String, after: String },
    #[error("{session} has no finished run: let the sweep get further, or name another session")]
    NoRuns { session: String },
    #[error("no case of {session} fits '{filter}': it has {cases}")]
    NoCase { session: String, filter: CaseFilter, cases: Cases },
    #[error(
        "the {side} side has several cases for {codec}, and one is needed: choose with {session}:reap=N,lock=PLACEMENT from {cases}"
    )]
    SeveralCases { side: SideName, codec: Codec, session: String, cases: Cases },
    #[error("the sides have no codec in common: {before} before, {after} after")]
    NoCommonCodec { before: Cases, after: Cases },
    #[error("both sides are the same runs ({case}): name two cases, for example :reap=1 and :reap=4")]
    Itself { case: Case },
}

/// A list of cases for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cases(pub Vec<Case>);

/// Compares codec by codec.
///
/// # Errors
/// The sides are not comparable, or a filter leaves no case or several of a codec.
pub fn compare(
    before: &Side<'_>,
    after: &Side<'_>,
    criteria: &Criteria,
    allow: Allowances,
) -> Result<Comparison, CompareError> {
    compare_among(before, after, criteria, allow, None)
}

/// As [`compare`], where the comparisons of the session with the same references are known already.
///
/// # Errors
/// As [`compare`].
pub fn compare_among(
    before: &Side<'_>,
    after: &Side<'_>,
    criteria: &Criteria,
    allow: Allowances,
    known: Option<&Peers<'_>>,
) -> Result<Comparison, CompareError> {
    check_comparable(before, after, allow)?;
    let mut not_comparable: Vec<_> = if allow.settings { Vec::new() } else { settings(before, after) };
    let pairs = common_codecs(before, after)?
        .into_iter()
        .map(|codec| pair_of(codec, before, after))
        .collect::<Result<Vec<_>, _>>()?;
    let has_other_streams = |&(one, other): &CasePair| NotComparable::streams(before, after, [one, other]);
    not_comparable.extend(pairs.iter().filter(|_| !allow.settings).filter_map(has_other_streams));
    let is_paired = before.is_same_session(after);
    let own = (is_paired && known.is_none()).then(|| Peers::of(before.runs, &references_of(before, &pairs)));
    let peers = known.filter(|_| is_paired).or(own.as_ref());
    // Lists of two sessions cannot be turned around together: their codecs share the error evenly.
    let share = if is_paired { 1.0 } else { pairs.len() as f64 };
    let error = error_of(before.plan).min(error_of(after.plan)) / share;
    let standard = Standard { error, peers };
    let mut codecs: Vec<_> = pairs.iter().map(|&pair| compare_codec(pair, before, after, criteria, standard)).collect();
    for codec in &mut codecs {
        if codec.is_one_side_throttled && !not_comparable.contains(&NotComparable::throttled()) {
            not_comparable.push(NotComparable::throttled());
        }
    }
    if !not_comparable.is_empty() {
        codecs.iter_mut().for_each(CodecComparison::make_not_comparable);
    }
    Ok(Comparison {
        verdict: Verdict::of_all(codecs.iter().map(|codec| codec.verdict)),
        not_comparable,
        warnings: warnings(
            before,
            after,
            &codecs.iter().map(|codec| (&codec.before, &codec.after)).collect::<Vec<_>>(),
        ),
        codecs,
        criteria: *criteria,
        before: before.info(),
        after: after.info(),
    })
}

/// The before and the after case of one codec.
type CasePair = (Case, Case);

/// What all cases of the session are compared with: the before side of each codec that is compared, and what would be it of
/// the others.
fn references_of(before: &Side<'_>, pairs: &[CasePair]) -> Vec<(Codec, Case)> {
    let compared = pairs.iter().map(|&(before, _)| (before.codec, before));
    let others =
        references(before.runs).into_iter().filter(|(codec, _)| pairs.iter().all(|pair| pair.0.codec != *codec));
    compared.chain(others).collect()
}

fn check_comparable(before: &Side<'_>, after: &Side<'_>, allow: Allowances) -> Result<(), CompareError> {
    let is_virtual = |side: &Side<'_>| side.device.kind == DeviceKind::Virtual;
    if is_virtual(before) != is_virtual(after) && !allow.device_kind {
        let (before, after) = (before.device.name.clone(), after.device.name.clone());
        return Err(CompareError::DeviceKind { before, after });
    }
    if before.input_text() != after.input_text() && !allow.input {
        return Err(CompareError::Input { before: before.input_text(), after: after.input_text() });
    }
    Ok(())
}

/// Codecs of both sides, in the order of the before side.
fn common_codecs(before: &Side<'_>, after: &Side<'_>) -> Result<Vec<Codec>, CompareError> {
    let (cases_before, cases_after) = (some_cases(before)?, some_cases(after)?);
    let theirs = after.codecs();
    let common: Vec<_> = before.codecs().into_iter().filter(|codec| theirs.contains(codec)).collect();
    if common.is_empty() {
        return Err(CompareError::NoCommonCodec { before: Cases(cases_before), after: Cases(cases_after) });
    }
    Ok(common)
}

fn some_cases(side: &Side<'_>) -> Result<Vec<Case>, CompareError> {
    let session = side.session.to_owned();
    let cases = side.cases();
    if side.runs.is_empty() {
        Err(CompareError::NoRuns { session })
    } else if cases.is_empty() {
        let all = Side { filter: CaseFilter::default(), ..*side }.cases();
        Err(CompareError::NoCase { session, filter: side.filter, cases: Cases(all) })
    } else {
        Ok(cases)
    }
}

fn pair_of(codec: Codec, before: &Side<'_>, after: &Side<'_>) -> Result<CasePair, CompareError> {
    let (case_before, case_after) =
        (only_case(codec, before, SideName::Before)?, only_case(codec, after, SideName::After)?);
    if case_before == case_after && before.is_same_session(after) {
        return Err(CompareError::Itself { case: case_before });
    }
    Ok((case_before, case_after))
}

fn compare_codec(
    (case_before, case_after): CasePair,
    before: &Side<'_>,
    after: &Side<'_>,
    criteria: &Criteria,
    standard: Standard<'_>,
) -> CodecComparison {
    let (runs_before, runs_after) = (before.runs_of(case_before), after.runs_of(case_after));
    let is_paired = before.is_same_session(after);
    let good = [counted(&runs_before), counted(&runs_after)];
    let [good_before, good_after] = if is_paired { in_common_rounds(&good[0], &good[1]) } else { good };
    let sides = Sides { before: &good_before, after: &good_after, is_paired };
    let drift_pct = criteria.session_drift_pct.abs();
    let of_origin =
        [Doubt { kind: DoubtKind::TwoSessions, of: String::new(), lower_pct: drift_pct, higher_pct: drift_pct }];
    let evidence = Evidence { sides, standard, of_origin: if is_paired { &[] } else { &of_origin } };
    let codec = case_before.codec;
    let results = judge(criteria, codec, &Judged { before: &runs_before, after: &runs_after, evidence });
    // Each metric but the primary one is exploratory, and alone.
    let alone = Evidence { standard: Standard { peers: None, ..standard }, ..evidence };
    let frames = sides.frames();
    let (offered, thin): (Vec<_>, Vec<_>) =
        COMPARED_METRICS.into_iter().partition(|metric| metric.min_frames() <= frames);
    let effect = |metric| {
        let margin = Margin::of(metric, [(before.noise, case_before), (after.noise, case_after)]);
        let is_primary = metric == crate::stats::runs::metrics::PRIMARY;
        Effect::of(metric, if is_primary { &evidence } else { &alone }, margin).filter(|effect| !effect.is_nothing())
    };
    let too_thin = |metric: Metric| ThinTail { metric, needed_frames: metric.min_frames(), frames };
    CodecComparison {
        codec,
        engine: after.device.engine,
        verdict: Verdict::of_all(results.iter().map(|criterion| criterion.verdict)),
        before: Group::of(case_before, &runs_before),
        after: Group::of(case_after, &runs_after),
        criteria: results,
        num_peers: standard.peers.map_or(1, |peers| peers.num().max(1) as u32),
        num_before_first: sides.is_paired.then(|| sides.num_before_first()),
        effects: offered.into_iter().filter_map(effect).collect(),
        too_thin: thin.into_iter().map(too_thin).collect(),
        shifts: [Column::LockWait, Column::Latency].into_iter().filter_map(|column| shift(column, &sides)).collect(),
        is_one_side_throttled: detect_doubts::is_one_side_throttled(&sides),
    }
}

fn only_case(codec: Codec, side: &Side<'_>, name: SideName) -> Result<Case, CompareError> {
    let cases: Vec<_> = side.cases().into_iter().filter(|case| case.codec == codec).collect();
    let inline: Vec<_> = cases.iter().copied().filter(|case| case.lock == LockPlacement::Inline).collect();
    // A threshold alone means locked inline, as the serial case is.
    let is_threshold_alone = side.filter.reap_threshold.is_some() && side.filter.lock.is_none();
    match if is_threshold_alone && inline.len() == 1 { &inline } else { &cases }[..] {
        [case] => Ok(case),
        _ => {
            let session = side.session.to_owned();
            Err(CompareError::SeveralCases { side: name, codec, session, cases: Cases(cases) })
        }
    }
}

/// "p99 takes 1000 frames a run, p99.9 takes 10000, and the shortest has 300"; `None`: every tail was looked at.
pub fn thin_text(tails: &[ThinTail]) -> Option<String> {
    let mut needed: Vec<u64> = tails.iter().map(|tail| tail.needed_frames).collect();
    needed.sort_unstable();
    needed.dedup();
    let name = |needed: u64| match needed {
        200 => "p95",
        1_000 => "p99",
        _ => "p99.9",
    };
    let all: Vec<_> = needed.iter().map(|&needed| format!("{} takes {needed} frames a run", name(needed))).collect();
    Some(format!("{}; the shortest has {}", all.join(", "), tails.first()?.frames))
}

impl Comparison {
    /// Takes up the codecs of another comparison of the same session.
    pub(in crate::stats) fn join(&mut self, one: Self) {
        self.verdict = Verdict::of_all([self.verdict, one.verdict]);
        self.codecs.extend(one.codecs);
        let news: Vec<_> = one.warnings.into_iter().filter(|warning| !self.warnings.contains(warning)).collect();
        self.warnings.extend(news);
        let news: Vec<_> =
            one.not_comparable.into_iter().filter(|field| !self.not_comparable.contains(field)).collect();
        self.not_comparable.extend(news);
        // Each codec has a pair of its own, which its groups name.
        self.before.filter.clear();
        self.after.filter.clear();
    }
}

impl CodecComparison {
    /// How many rounds a fresh sweep should have to settle what more rounds can settle: the verdict and the primary metric.
    /// `None`: neither is open, or more rounds are not what is missing.
    pub fn rounds_to_settle(&self) -> Option<u32> {
        self.to_settle(false)
    }

    /// As [`CodecComparison::rounds_to_settle`], where blocks are the unit.
    pub fn blocks_to_settle(&self) -> Option<u32> {
        self.to_settle(true)
    }

    fn to_settle(&self, is_of_blocks: bool) -> Option<u32> {
        let open = if self.verdict == Verdict::Inconclusive { &self.criteria[..] } else { &[] };
        let of_criteria = open.iter().filter_map(|result| result.decision.as_ref());
        let of_criteria = of_criteria.map(|decision| (decision.interval, decision.open));
        let of_primary = self.effects.iter().take(1).map(|effect| (effect.interval, effect.open));
        let asked = of_criteria.chain(of_primary).filter(|(interval, _)| interval.is_of_blocks == is_of_blocks);
        asked.filter_map(|(interval, open)| Some(interval.num_runs + open.and_then(Open::more)?)).max()
    }

    /// Every doubt that moved an answer of this codec by 0.1 % or more, each kind once with its largest size.
    pub fn doubts(&self) -> Vec<Doubt> {
        const LEAST_PCT: f64 = 0.1;
        let of_criteria =
            self.criteria.iter().filter_map(|result| result.decision.as_ref()).flat_map(|one| &one.doubts);
        let of_primary = self.effects.iter().take(1).flat_map(|effect| &effect.doubts);
        let mut all: Vec<Doubt> = Vec::new();
        for doubt in of_primary.chain(of_criteria).filter(|doubt| doubt.size_pct() >= LEAST_PCT) {
            match all.iter_mut().find(|known| known.title() == doubt.title()) {
                Some(known) if known.size_pct() < doubt.size_pct() => *known = doubt.clone(),
                Some(_) => {}
                None => all.push(doubt.clone()),
            }
        }
        all
    }

    fn make_not_comparable(&mut self) {
        self.verdict = Verdict::NotComparable;
        for result in self.criteria.iter_mut().filter(|result| result.decision.is_some()) {
            (result.pass, result.verdict) = (None, Verdict::NotComparable);
            result.reason = "the sides differ in what is not under test".to_owned();
        }
        for effect in &mut self.effects {
            effect.make_not_comparable();
        }
    }
}

impl fmt::Display for Cases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (idx, case) in self.0.iter().enumerate() {
            write!(f, "{}{case}", if idx == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
