//! Why a case is recommended, in words.

use super::{Candidate, Cause, Competitor, MovedWait, Recommendation, Role, Stages, Standing, State};
use crate::contract::LockPlacement;
use crate::stats::evidence::decision::{Decision, Open};
use crate::stats::math::ratio::turned_over_pct;
use crate::stats::verdict::words::more_text;
use crate::units;

pub(super) fn reason(known: &Recommendation) -> String {
    let mut sentences = Vec::new();
    sentences.push(standing(known));
    sentences.extend(known.competitors.iter().filter_map(|one| competitor(known, one)));
    sentences.extend(known.candidates.iter().filter_map(|one| left_out(known, one)));
    let other_streams = known.candidates.iter().filter_map(|one| one.stream.as_ref());
    sentences.extend(other_streams.map(|stream| format!("{stream}: it is another encode, and takes no part.")));
    sentences.push(confirmation(known));
    sentences.extend(known.stages.iter().map(Stages::sentence));
    sentences.extend(known.moved.iter().map(|one| moved(known, one)));
    sentences.retain(|sentence| !sentence.is_empty());
    sentences.join(" ")
}

fn standing(known: &Recommendation) -> String {
    let own = known.case.title();
    let Some(candidate) = known.candidates.iter().find(|one| one.case == known.case) else { return String::new() };
    let takes = units::ms(candidate.wall_ms);
    if known.case != known.fastest {
        return format!("{own} takes {takes} a run.");
    }
    let is_fastest_of_all = known.candidates.iter().all(|one| one.wall_ms >= candidate.wall_ms);
    let of = if is_fastest_of_all { "all cases" } else { "the cases that can be used" };
    format!("{own} has the shortest median wall time of {of}: {takes}.")
}

fn competitor(known: &Recommendation, one: &Competitor) -> Option<String> {
    // What confirmation rounds say is said there, once.
    let decision = one.planned.as_ref().filter(|_| one.confirmation.is_none())?;
    let other = one.case.title();
    let (estimate, margin) = (decision.interval.estimate_pct, units::pct(decision.limit_pct));
    let bound = decision.interval.high_pct;
    Some(match (one.role, decision.is_met) {
        (Role::Fastest, Some(true)) if one.case == known.fastest => {
            format!("The fastest, {other}, is at most {} faster.", units::pct(bound.unwrap_or(0.0).max(0.0)))
        }
        (Role::Fastest, Some(true)) => format!("No other case is faster by more than {margin}."),
        (Role::NextSmaller, Some(true)) => {
            let [slower, at_least] = [estimate, bound.unwrap_or(estimate)].map(|pct| units::pct(turned_over_pct(pct)));
            format!("The next smaller setting, {other}, is {slower} slower (95 %: at least {at_least}).")
        }
        (_, Some(false)) => format!("{other} is faster by more than {margin}."),
        (_, None) => format!("Undecided between it and {other}: {}.", undecided(decision)),
    })
}

impl Recommendation {
    /// Where a case stands, in a few words: "keep", "as fast", "17.0 % slower", "latency too high".
    pub fn outcome(&self, one: &Candidate) -> String {
        match (one.standing, &one.slower) {
            _ if one.case == self.case => "keep".to_owned(),
            (Standing::Failed, _) => "a run failed".to_owned(),
            (Standing::OtherStream, _) => "other stream".to_owned(),
            (Standing::Refused, _) => "latency too high".to_owned(),
            (Standing::Fast, _) if one.seems_fast() => "as fast".to_owned(),
            (Standing::Slower | Standing::Fast, Some(slower)) => {
                format!("{} slower", units::pct(slower.interval.estimate_pct))
            }
            _ => "undecided".to_owned(),
        }
    }
}

fn undecided(decision: &Decision) -> String {
    let interval = &decision.interval;
    match decision.open {
        Some(Open::TooFew { more }) => crate::stats::verdict::words::too_few_text(interval, more),
        Some(Open::Doubtful) => "the runs alone would decide, but the doubts are larger".to_owned(),
        open => format!(
            "wall time {} ({}); {}",
            crate::stats::verdict::words::change_text(interval.estimate_pct),
            interval.ends_text(),
            more_text(open.and_then(Open::more), interval)
        ),
    }
}

/// What is faster and is not recommended, and why.
fn left_out(known: &Recommendation, one: &Candidate) -> Option<String> {
    let own = known.candidates.iter().find(|other| other.case == known.case)?;
    if one.wall_ms >= own.wall_ms {
        return None;
    }
    let (title, faster) = (one.case.title(), units::pct(100.0 * (1.0 - one.wall_ms / own.wall_ms)));
    match one.standing {
        Standing::Failed => Some(format!("{title} is {faster} faster but is out: a run of it failed.")),
        Standing::Refused => {
            let limit = one.limit.as_ref()?;
            let growth = units::change_pct(limit.interval.estimate_pct);
            Some(format!(
                "{title} is {faster} faster but is out: its latency is too high ({growth}, {} allowed).",
                units::change_pct(limit.limit_pct)
            ))
        }
        // Said of every such case, however fast it is.
        Standing::OtherStream => None,
        Standing::Fast | Standing::Slower | Standing::Undecided => None,
    }
}

fn confirmation(known: &Recommendation) -> String {
    let confirmed: Vec<_> =
        known.competitors.iter().filter_map(|one| Some((one, one.confirmation.as_ref()?))).collect();
    let Some((_, first)) = confirmation_of_most(&confirmed) else {
        return match known.state {
            State::Likely | State::Open | State::Refuted => "No confirmation rounds were run.".to_owned(),
            State::Confirmed | State::Alone => String::new(),
        };
    };
    let rounds = first.interval.num_runs;
    let against = |(one, decision): &(&Competitor, &Decision)| {
        let (other, estimate) = (one.case.title(), decision.interval.estimate_pct);
        let bound = decision
            .interval
            .high_pct
            .map_or_else(String::new, |high| format!(" (95 % bound: {})", units::change_pct(high)));
        format!("compared with {other}: {}{bound}", units::change_pct(estimate))
    };
    let details: Vec<_> = confirmed.iter().map(against).collect();
    let verb = match known.state {
        State::Confirmed => "confirm it",
        State::Refuted => "refuted the first choice and do not confirm this one",
        State::Likely | State::Open | State::Alone => "were not enough to confirm it",
    };
    format!("{rounds} confirmation rounds {verb}. Wall time {}.", details.join("; "))
}

/// A wait that is in the submit call now: where the lock wait alone would promise a gain, or a loss has no visible cause.
fn moved(known: &Recommendation, one: &MovedWait) -> String {
    let us = |value_us: f64| units::ns((1e3 * value_us) as u64);
    let (case, than) = (one.case.title(), one.than.title());
    let [submit_before, submit_after] = one.submit_us.map(us);
    match one.cause {
        Cause::FullQueue => {
            let [wait_before, wait_after] = one.wait_us.map(us);
            let place = match one.case.lock {
                LockPlacement::Inline => "in the lock",
                LockPlacement::Thread | LockPlacement::Ready => "for room",
                LockPlacement::Poll => "in the lock and for room",
            };
            format!(
                "From {than} to {case} the wait only moves: {wait_before} → {wait_after} a frame {place}, {submit_before} → \
                 {submit_after} in the submit call, probably because the driver's own queue is full."
            )
        }
        Cause::BehindLock => {
            let slower = units::pct(one.wall_change_pct);
            let mut ready = known.candidates.iter().filter(|other| other.case.lock == LockPlacement::Ready);
            let instead = match ready.clone().find(|other| other.seems_fast()) {
                Some(ready) => format!(" {} asks first, and does not hold them up.", ready.case.title()),
                None if ready.next().is_some() => String::new(),
                None => " A ready thread asks first, and might not: try it.".to_owned(),
            };
            format!(
                "A lock thread is slower here: {case} takes {slower} longer than {than}. Its submit calls take {submit_after} a frame \
                 instead of {submit_before}, because each waits until the other thread's lock has returned.{instead}"
            )
        }
    }
}

fn confirmation_of_most<'a>(confirmed: &[(&'a Competitor, &'a Decision)]) -> Option<(&'a Competitor, &'a Decision)> {
    confirmed.iter().copied().max_by_key(|(_, decision)| decision.interval.num_runs)
}
