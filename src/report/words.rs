//! What things are called in reports, once.

use crate::contract::Codec;
use crate::record::{Case, Client};
use crate::stats::compare::SideName;
use crate::stats::criteria::Verdict;
use crate::stats::recommend::Recommendation;

/// A codec in running text.
pub fn codec_title(codec: Codec) -> &'static str {
    match codec {
        Codec::H264 => "H.264",
        Codec::Hevc => "HEVC",
        Codec::Av1 => "AV1",
    }
}

/// A side in running text.
pub fn side_title(side: SideName) -> &'static str {
    match side {
        SideName::Before => "before",
        SideName::After => "after",
    }
}

/// A verdict in a table: a word, since a colour alone does not reach everyone.
pub fn verdict_title(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "**FAIL**",
        Verdict::Inconclusive => "inconclusive",
    }
}

/// A case within its codec: "T=4 inline", and the pool where it is larger than it must be.
pub fn case_title(case: &Case) -> String {
    let Case { reap_threshold, lock, pool, .. } = case;
    if let Client::Foreign(_) = case.client {
        return case.client.to_string();
    }
    let process = if case.client.is_here() { "" } else { ", process" };
    let pool = if pool == reap_threshold { String::new() } else { format!(", pool {pool}") };
    format!("T={reap_threshold} {lock}{pool}{process}")
}

/// What to use, said as surely as it is known.
pub fn recommendation_title(known: &Recommendation) -> String {
    let case = case_title(&known.case);
    match () {
        () if known.is_confirmed() => format!("Use {case}"),
        () if known.rival.is_some() => format!("{case} looks best, not confirmed"),
        () => format!("{case} has no other to be held against"),
    }
}

/// The same beside a case.
pub fn recommendation_word(known: &Recommendation) -> &'static str {
    if known.is_confirmed() { "recommended" } else { "suggested" }
}

/// A case in a figure, its side first.
pub fn case_label(case: &Case, side: Option<SideName>) -> String {
    let side = side.map_or_else(String::new, |side| format!("{}: ", side_title(side)));
    format!("{side}{}", case_title(case))
}
