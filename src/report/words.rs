//! Names of things in reports, defined once.

use crate::contract::Codec;
use crate::record::Case;
use crate::stats::verdict::comparison::SideName;
use crate::stats::verdict::criteria::Verdict;

/// A codec in running text.
pub fn codec_title(codec: Codec) -> &'static str {
    codec.title()
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
        Verdict::NotComparable => "not comparable",
    }
}

/// A case in a figure, its side first.
pub fn case_label(case: &Case, side: Option<SideName>) -> String {
    let side = side.map_or_else(String::new, |side| format!("{}: ", side_title(side)));
    format!("{side}{}", case.title())
}

/// "4", and of a transcode "4, decoder 2".
pub fn thresholds_text(case: &Case) -> String {
    match case.decode {
        Some(ring) => format!("{}, decoder {}", case.reap_threshold, ring.reap_threshold),
        None => case.reap_threshold.to_string(),
    }
}
