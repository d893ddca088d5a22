//! Answers in words, once for all who show them.

use crate::contract::LockPlacement;
use crate::record::Case;
use crate::stats::evidence::change::ChangeInterval;
use crate::stats::evidence::decision::{Decision, Open};
use crate::units;

/// "4 frames in flight, with a lock thread"
pub fn setting_text(case: &Case) -> String {
    let frames = if case.reap_threshold == 1 { "frame" } else { "frames" };
    let lock = match case.lock {
        LockPlacement::Inline => "locked inline",
        LockPlacement::Thread => "with a lock thread",
        LockPlacement::Ready => "with a ready thread",
        LockPlacement::Poll => "polled",
    };
    let decoder = case.decode.map_or_else(String::new, |ring| format!(", decoder {ring}"));
    format!("{} {frames} in flight, {lock}{decoder}", case.reap_threshold)
}

/// "12.1 % lower", "3.0 % higher", "unchanged"
pub fn change_text(change_pct: f64) -> String {
    if change_pct.is_infinite() {
        return "no longer 0".to_owned();
    }
    let text = units::pct(change_pct.abs());
    match change_pct {
        // What rounds to nothing is nothing.
        _ if text == units::pct(0.0) => "unchanged".to_owned(),
        change if change < 0.0 => format!("{text} lower"),
        _ => format!("{text} higher"),
    }
}

/// Why a question of "at most so much" has the answer it has: "7.5 % lower, at least 5.2 %".
pub fn decision_text(decision: &Decision) -> String {
    let Decision { limit_pct, interval, is_met, open, .. } = decision;
    let change = change_text(interval.estimate_pct);
    let bound =
        |pct: Option<f64>| pct.map_or_else(String::new, |pct| format!(" (95 % bound: {})", units::change_pct(pct)));
    let limit = units::change_pct(*limit_pct);
    match (is_met, open) {
        (Some(true), _) => format!("{change}{}; the limit of {limit} is met", bound(interval.high_pct)),
        (Some(false), _) => format!("{change}{}; the limit of {limit} is not met", bound(interval.low_pct)),
        (None, Some(Open::Doubtful)) => {
            let doubts: Vec<_> =
                decision.doubts.iter().map(|doubt| format!("{} {}", doubt.title(), doubt.size_text())).collect();
            format!("{change}; the runs alone would decide, but not with these doubts: {}", doubts.join(", "))
        }
        (None, Some(Open::TooFew { more })) => too_few_text(interval, *more),
        (None, open) => {
            let more = open.and_then(Open::more);
            format!(
                "{change} ({}), so the limit of {limit} may be met or not; {}",
                interval.ends_text(),
                more_text(more, interval)
            )
        }
    }
}

/// "too few rounds: 4; one more could decide it"
pub fn too_few_text(interval: &ChangeInterval, more: u32) -> String {
    let unit = match interval.num_pairs {
        _ if interval.is_of_blocks => "the blocks differ, and there are too few",
        Some(_) => "too few rounds",
        None => "too few runs a side",
    };
    let could = if more == 1 { "one more could".to_owned() } else { format!("{more} more could") };
    format!("{unit}: {}; {could} decide it", interval.num_runs)
}

/// "about 8 more rounds would decide it"
pub fn more_text(more: Option<u32>, interval: &ChangeInterval) -> String {
    let unit = |num: u32| match (interval.num_pairs.is_some(), num) {
        (_, 1) if interval.is_of_blocks => "block",
        _ if interval.is_of_blocks => "blocks",
        (true, 1) => "round",
        (true, _) => "rounds",
        (false, 1) => "run a side",
        (false, _) => "runs a side",
    };
    match more {
        Some(more) => format!("about {more} more {} would decide it", unit(more)),
        None => format!("too close to call: 1,000 more {} might not decide it", unit(2)),
    }
}
