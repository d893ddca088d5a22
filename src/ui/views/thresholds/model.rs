//! What the thresholds view shows: figures of each codec, and every case with what it measured and how it came out.
//!
//! Puts numbers of `stats` side by side and computes none. Knows no egui.

use crate::contract::{Codec, EngineKind};
use crate::figures::{Figure, front, thresholds, wait_split};
use crate::record::Case;
use crate::report::words::codec_title;
use crate::stats::analysis::{Analysis, Answer};
use crate::stats::runs::metrics::Metric;
use crate::stats::runs::summary::{Group, RunSummary, groups};
use crate::stats::verdict::sweep_effects::Cell;

/// A session's thresholds.
#[derive(Debug, Clone, Default)]
pub struct Thresholds {
    /// One for each codec with a good counted run, in plan order.
    pub codecs: Vec<OfCodec>,
    /// What to use for each codec.
    pub answers: Vec<Answer>,
}

/// One codec.
#[derive(Debug, Clone)]
pub struct OfCodec {
    /// Which.
    pub codec: Codec,
    /// Throughput and latency against the threshold.
    pub trade: Option<Figure>,
    /// The waits against the threshold.
    pub waits: Option<Figure>,
    /// Where the time went.
    pub split: Option<Figure>,
    /// Throughput against latency.
    pub front: Option<Figure>,
    /// Every case, other programs last.
    pub rows: Vec<Row>,
}

/// One case.
#[derive(Debug, Clone)]
pub struct Row {
    /// Which.
    pub case: Case,
    /// Means over its runs, in the order of [`thresholds::METRICS`].
    pub values: [Option<f64>; 4],
    /// Longest wall time of its runs.
    pub worst_ms: Option<f64>,
    /// What it did against the reference of its codec; `None`: it is that, or cannot be compared with it.
    pub cell: Option<Cell>,
    /// Where it stands in the answer.
    pub outcome: String,
    /// Is it the one to use?
    pub is_kept: bool,
}

impl Thresholds {
    /// Of a session's runs of so many frames on an engine, and what they say; `None`: they cannot be judged.
    pub fn of(runs: &[RunSummary], analysis: Option<Analysis>, (engine, frames): (EngineKind, u64)) -> Self {
        let groups: Vec<_> = groups(runs).into_iter().filter(|group| !group.spreads.is_empty()).collect();
        let mut codecs: Vec<_> = groups.iter().map(|group| group.case.codec).collect();
        codecs.dedup();
        let of_codec = |codec| {
            let own: Vec<_> = groups.iter().filter(|group| group.case.codec == codec).cloned().collect();
            OfCodec::of(codec, &own, analysis.as_ref(), (engine, frames))
        };
        let codecs = codecs.into_iter().map(of_codec).collect();
        Self { codecs, answers: analysis.map(|analysis| analysis.answers).unwrap_or_default() }
    }
}

impl OfCodec {
    fn of(codec: Codec, groups: &[Group], analysis: Option<&Analysis>, (engine, frames): (EngineKind, u64)) -> Self {
        let answer = analysis.and_then(|analysis| analysis.answer(codec));
        let kept = answer.map(|answer| answer.case);
        let title = |what: &str| format!("{what}, {}", codec_title(codec));
        let said = |figure: Option<Figure>| figure.map(|figure| figure.in_words_of(engine));
        let (trade, waits) = thresholds::METRICS.split_at(2);
        let split: Vec<_> = groups
            .iter()
            .map(|group| wait_split::Row { label: group.case.title(), is_strong: kept == Some(group.case), group })
            .collect();
        Self {
            codec,
            trade: said(thresholds::of(title("Throughput and latency against the threshold"), groups, kept, trade)),
            waits: said(thresholds::of(title("Waits against the threshold"), groups, kept, waits)),
            split: said(wait_split::of(title("Where the time is spent"), &split)),
            front: answer.and_then(|answer| {
                front::of(title("Throughput against latency"), &answer.recommendation, groups, frames)
            }),
            rows: groups.iter().map(|group| Row::of(group, analysis, answer)).collect(),
        }
    }
}

impl Row {
    fn of(group: &Group, analysis: Option<&Analysis>, answer: Option<&Answer>) -> Self {
        let case = group.case;
        let known = answer.map(|answer| &answer.recommendation);
        let candidate =
            known.and_then(|known| known.candidates.iter().find(|one| one.case == case).map(|one| (known, one)));
        let outcome = match candidate {
            Some((known, one)) => known.outcome(one),
            // What a process took includes its start; the report has a table of its own for processes.
            None if !case.client.is_here() => "whole process".to_owned(),
            None => String::new(),
        };
        Self {
            case,
            values: thresholds::METRICS.map(|metric| group.mean(metric)),
            worst_ms: group.spread(Metric::WallMs).map(|spread| spread.max),
            cell: analysis.and_then(|analysis| analysis.cells.iter().find(|cell| cell.case == case)).cloned(),
            outcome,
            is_kept: answer.is_some_and(|answer| answer.case == case),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::LockPlacement::{Inline, Thread};
    use crate::record::{Client, ClientName};
    use crate::stats::fixture::{case, summary};

    #[test]
    fn every_case_has_a_row_and_other_programs_are_no_candidates() {
        let ffmpeg = Case { client: Client::Foreign(ClientName::new("ffmpeg").unwrap()), ..case(4, Inline) };
        let walls = [(case(1, Inline), 200.0), (case(4, Inline), 100.0), (case(4, Thread), 99.0), (ffmpeg, 300.0)];
        let runs: Vec<_> = (0..).zip(walls).map(|(order, (case, wall_ms))| summary(case, order, wall_ms)).collect();
        let origin = crate::stats::fixture::Origin::default();
        let analysis = Analysis::of(&origin.side(&runs, Default::default())).unwrap();
        let thresholds = Thresholds::of(&runs, Some(analysis), (EngineKind::Nvenc, 100));
        let [codec] = &thresholds.codecs[..] else { panic!("one codec") };
        assert_eq!(codec.rows.iter().filter(|row| row.is_kept).count(), 1);
        assert_eq!(codec.rows.iter().find(|row| row.case == case(4, Inline)).unwrap().values[0], Some(1000.0));
        let other = codec.rows.last().unwrap();
        assert_eq!((other.case, other.outcome.as_str(), &other.cell), (ffmpeg, "whole process", &None));
        assert!(codec.trade.is_some() && codec.split.is_some());
    }
}
