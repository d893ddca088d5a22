//! Throughput against latency, with each case as a point: what a faster setting costs.

use super::axis::Axis;
use super::colour::{Colour, Pen};
use super::{Figure, Layer, Panel, thresholds_of};
use crate::record::Case;
use crate::stats::runs::metrics::{Metric, tail_of};
use crate::stats::runs::summary::Group;
use crate::stats::verdict::recommendation::{Candidate, Recommendation};
use crate::units::Unit;

const HEIGHT: f64 = 220.0;

/// Of one codec; `frames` is the number of frames of a run.
pub fn of(title: impl Into<String>, known: &Recommendation, groups: &[Group], frames: u64) -> Option<Figure> {
    let place = |one: &Candidate| Some((1e3 * frames as f64 / one.wall_ms, one.tail_ms?));
    let points: Vec<_> = known.candidates.iter().filter_map(|one| Some((one, place(one)?))).collect();
    if points.len() < 2 {
        return None;
    }
    let thresholds = thresholds_of(points.iter().map(|(one, _)| &one.case));
    let mut front: Vec<_> = points.iter().filter(|(one, _)| one.is_pareto_optimal).map(|(_, place)| *place).collect();
    front.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut layers = vec![Layer::Line { name: String::new(), pen: Pen::new(Colour::Muted, 1.5), points: front }];
    // The words of the first lie above those of the last.
    let is_first = |case: Case| case == known.case;
    let mut ordered = points.clone();
    ordered.sort_by_key(|(one, _)| (!is_first(one.case), known.or != Some(one.case), !one.is_pareto_optimal));
    for (one, at) in ordered {
        let colour = Colour::step(one.case.reap_threshold, &thresholds);
        layers.extend(whiskers(groups, one.case, at, frames).map(|(from, to)| Layer::rule(from, to, colour, 1.0)));
        layers.push(Layer::Dots { name: one.case.title(), colour, radius: 3.5, is_filled: true, points: vec![at] });
        if is_first(one.case) {
            layers.push(Layer::Ring { colour, at });
        }
        let remark = if known.or == Some(one.case) { ", undecided" } else { "" };
        layers.push(Layer::Word { text: format!("{}{remark}", one.case.title()), at });
    }
    let most = |of: fn(&(f64, f64)) -> f64| 1.05 * points.iter().map(|(_, at)| of(at)).fold(0.0, f64::max);
    let panel = Panel {
        title: String::new(),
        subtitle: "latency tail of a run, ms".to_owned(),
        x: Axis::from_zero("throughput, frames per second", Unit::FramesPerSecond, most(|at| at.0)),
        y: Axis::from_zero("", Unit::Milliseconds, most(|at| at.1)),
        height: HEIGHT,
        layers,
    };
    Some(Figure {
        title: title.into(),
        explanation: "Each case by its median throughput and the median latency tail of its runs (p99; p95 or the median for \
                      runs with few frames), with one standard deviation of its runs as whiskers. The line joins the cases that no other case \
                      beats in both; the recommended case has a ring.".into(),
        key: Vec::new(),
        columns: 1,
        panels: vec![panel],
    })
}

/// One standard deviation of the runs to both sides.
fn whiskers(
    groups: &[Group],
    case: Case,
    (fps, tail_ms): (f64, f64),
    frames: u64,
) -> impl Iterator<Item = ((f64, f64), (f64, f64))> {
    let group = groups.iter().find(|group| group.case == case);
    let stddev = |metric: Metric| group.and_then(|group| group.spread(metric)?.stddev);
    let of_fps = stddev(Metric::Fps).map(|one| ((fps - one, tail_ms), (fps + one, tail_ms)));
    let of_tail = stddev(tail_of(frames)).map(|one| ((fps, tail_ms - one), (fps, tail_ms + one)));
    of_fps.into_iter().chain(of_tail)
}
