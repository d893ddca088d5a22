//! Why a case is recommended, in words.

use super::{Candidate, Fresh, Sound};
use crate::record::Case;
use crate::stats::margin::Margin;
use crate::units;

fn name(case: &Case) -> String {
    format!("T={} {}", case.reap_threshold, case.lock)
}

pub(super) fn why_chosen(chosen: &Candidate, fastest: &Sound<'_>, candidates: &[Candidate], margin: &Margin) -> String {
    let (own, takes, margin) = (name(&chosen.case), units::ms(chosen.wall_ms), units::pct(margin.pct));
    let fastest_text = format!("{}, {}", name(&fastest.case), units::ms(fastest.wall_ms));
    let unpaid = candidates.iter().filter(|one| !one.is_paid_for && one.wall_ms < fastest.wall_ms);
    let unpaid = unpaid.min_by(|a, b| a.wall_ms.total_cmp(&b.wall_ms));
    let mut text = match chosen.slower_at_most_pct {
        _ if chosen.case == fastest.case && unpaid.is_some() => {
            format!("{own} has the shortest median wall time of those whose latency was paid for, {takes}")
        }
        _ if chosen.case == fastest.case => format!("{own} has the shortest median wall time, {takes}"),
        Some(bound) => format!(
            "{own} takes {takes}: at most {} longer than the fastest ({fastest_text}), within the margin of {margin}",
            units::pct(bound.max(0.0))
        ),
        None => format!(
            "{own} takes {takes}, within {margin} of the fastest ({fastest_text}) by medians alone: 5 rounds would give a bound"
        ),
    };
    if let Some(one) = unpaid {
        let faster = units::pct(100.0 * (1.0 - one.wall_ms / fastest.wall_ms));
        text.push_str(&format!("; {} is faster by {faster}, which does not pay for its latency", name(&one.case)));
    }
    let smaller = candidates.iter().filter(|one| one.case.reap_threshold < chosen.case.reap_threshold);
    if let Some(best) = smaller.min_by(|a, b| a.wall_ms.total_cmp(&b.wall_ms)) {
        let slower = units::pct(100.0 * (best.wall_ms / fastest.wall_ms - 1.0));
        let at_most = best.slower_at_most_pct.map_or_else(String::new, |pct| format!(", at most {}", units::pct(pct)));
        text.push_str(&format!("; of fewer in flight {} comes nearest, {slower} longer{at_most}", name(&best.case)));
        if let Some(more) = best.more_rounds {
            text.push_str(&format!(": about {more} more rounds would tell whether it does as well"));
        }
    }
    text
}

/// `case`: what is recommended after all.
pub(super) fn what_fresh_runs_say(fresh: &Fresh, rival: Case, case: Case) -> String {
    let Fresh { change, holds, gate } = fresh;
    let verb = match holds {
        Some(true) => "confirm it",
        Some(false) => "speak against it",
        None => "leave it open",
    };
    let bound = change.high_pct.map_or_else(String::new, |high| format!(", at most {}", units::change_pct(high)));
    let then = match gate {
        Some(gate) => format!(", but {gate}"),
        None if *holds == Some(false) => format!("; {} is next in line", name(&case)),
        None => String::new(),
    };
    let estimate = units::change_pct(change.estimate_pct);
    format!(". {} fresh rounds {verb}: {estimate}{bound} against {}{then}", change.num_runs, name(&rival))
}
