//! What the thresholds view shows: each metric against the threshold, where the time went, and which threshold to use.
//!
//! Puts numbers of `stats` side by side and computes none. Knows no egui.

use crate::contract::{Codec, LockPlacement};
use crate::record::Case;
use crate::report::draw::{PARTS, bars};
use crate::stats::analysis::{Analysis, Answer};
use crate::stats::runs::metrics::Metric;
use crate::stats::runs::summary::{Group, RunSummary, groups};
use crate::stats::verdict::sweep_effects::Cell;

/// What is drawn against the threshold.
pub const METRICS: [Metric; 4] = [Metric::Fps, Metric::LatencyP95Ms, Metric::LockMs, Metric::SubmitBlockedMs];

/// A session's thresholds.
#[derive(Debug, Clone, Default)]
pub struct Knees {
    /// One for each codec and lock placement.
    pub lines: Vec<Line>,
    /// One for each case with a good counted run, in plan order.
    pub splits: Vec<Split>,
    /// What has a part in any of `splits`, in their order.
    pub parts: Vec<Metric>,
    /// What to use for each codec.
    pub answers: Vec<Answer>,
    /// Every case against the reference of its codec.
    pub cells: Vec<Cell>,
}

/// One codec and lock placement.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the types say it")]
pub struct Line {
    pub codec: Codec,
    pub lock: LockPlacement,
    /// Ascending by threshold.
    pub points: Vec<Point>,
}

/// One case.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Which.
    pub case: Case,
    /// T.
    pub threshold: u32,
    /// Longest wall time of its runs.
    pub worst_ms: Option<f64>,
    /// Mean over the runs and their standard deviation (0 where one run has none), in the order of [`METRICS`].
    pub values: [Option<(f64, f64)>; 4],
}

/// Where the time of one case went, on average.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// Which case.
    pub case: Case,
    /// One bar a thread, each with the milliseconds of every one of the parts.
    pub bars_ms: Vec<Vec<f64>>,
    /// The wall time.
    pub wall_ms: f64,
    /// Is it the one to use?
    pub is_recommended: bool,
}

impl Knees {
    /// Of a session's runs and what they say; `None`: they cannot be judged.
    pub fn of(runs: &[RunSummary], analysis: Option<Analysis>) -> Self {
        let groups = &groups(runs)[..];
        let (answers, cells) = analysis.map_or_else(Default::default, |analysis| (analysis.answers, analysis.cells));
        let is_seen = |metric: &Metric| groups.iter().any(|group| group.mean(*metric).is_some_and(|ms| ms > 0.0));
        let parts: Vec<_> = PARTS.into_iter().filter(is_seen).collect();
        let split = |group: &Group| {
            Some(Split {
                case: group.case,
                bars_ms: bars(group, &parts),
                wall_ms: group.mean(Metric::WallMs)?,
                is_recommended: answers.iter().any(|answer| answer.case == group.case),
            })
        };
        let splits = groups.iter().filter_map(split).collect();
        Self { lines: lines(groups), splits, parts, answers, cells }
    }

    /// Where this point stands in the answer of its codec.
    pub fn outcome(&self, point: &Point) -> Option<String> {
        let known = &self.answers.iter().find(|answer| answer.codec == point.case.codec)?.recommendation;
        let one = known.candidates.iter().find(|one| one.case == point.case)?;
        Some(known.outcome(one))
    }

    /// What this point did against the reference of its codec.
    pub fn cell(&self, line: &Line, point: &Point) -> Option<&Cell> {
        self.cells.iter().find(|cell| {
            (cell.case.codec, cell.case.lock, cell.case.reap_threshold) == (line.codec, line.lock, point.threshold)
        })
    }

    /// The answer that names this point, if one does.
    pub fn answer(&self, line: &Line, point: &Point) -> Option<&Answer> {
        self.answers.iter().find(|known| {
            (known.codec, known.case.lock, known.case.reap_threshold) == (line.codec, line.lock, point.threshold)
        })
    }
}

fn lines(groups: &[Group]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    // What another process did has no threshold that could be set here.
    for group in groups.iter().filter(|group| group.case.client.is_here() && !group.spreads.is_empty()) {
        let (case, Case { codec, lock, reap_threshold, .. }) = (group.case, group.case);
        let value = |metric| group.spread(metric).map(|spread| (spread.mean, spread.stddev.unwrap_or(0.0)));
        let worst_ms = group.spread(Metric::WallMs).map(|spread| spread.max);
        let point = Point { case, threshold: reap_threshold, worst_ms, values: METRICS.map(value) };
        match lines.iter_mut().find(|line| line.codec == codec && line.lock == lock) {
            Some(line) => line.points.push(point),
            None => lines.push(Line { codec, lock, points: vec![point] }),
        }
    }
    for line in &mut lines {
        line.points.sort_by_key(|point| point.threshold);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::fixture::{case, summary};

    use LockPlacement::{Inline, Thread};

    #[test]
    fn a_line_for_each_lock_placement_ascending() {
        let walls =
            [(case(4, Inline), 100.0), (case(4, Inline), 102.0), (case(1, Inline), 200.0), (case(4, Thread), 99.0)];
        let runs: Vec<_> = (0..).zip(walls).map(|(order, (case, wall_ms))| summary(case, order, wall_ms)).collect();
        let origin = crate::stats::fixture::Origin::default();
        let analysis = Analysis::of(&origin.side(&runs, Default::default())).unwrap();
        let knees = Knees::of(&runs, Some(analysis));
        let thresholds = |line: &Line| line.points.iter().map(|point| point.threshold).collect::<Vec<_>>();
        assert_eq!(knees.lines.iter().map(thresholds).collect::<Vec<_>>(), [vec![1, 4], vec![4]]);
        assert_eq!(knees.lines[0].points[0].values[0], Some((500.0, 0.0)));
        assert_eq!(knees.lines[0].points[0].values[1], None);
        assert_eq!(knees.splits.iter().map(|split| split.is_recommended).collect::<Vec<_>>(), [false, false, true]);
        assert_eq!(knees.splits[1].wall_ms, 101.0);
        let is_it =
            |line: &Line| line.points.iter().map(|point| knees.answer(line, point).is_some()).collect::<Vec<_>>();
        assert_eq!(knees.lines.iter().map(is_it).collect::<Vec<_>>(), [vec![false, false], vec![true]]);
    }
}
