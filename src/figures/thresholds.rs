//! What more frames in flight buy and what they cost: each metric against the threshold, a line for each lock placement.

use super::axis::Axis;
use super::colour::{Colour, Pen};
use super::{Figure, Key, Layer, Panel, thresholds_of};
use crate::contract::LockPlacement;
use crate::record::Case;
use crate::stats::runs::metrics::Metric;
use crate::stats::runs::summary::Group;
use crate::units::Unit;

/// What is drawn against the threshold, the two that pull in different directions first.
pub const METRICS: [Metric; 4] = [Metric::Fps, Metric::LatencyP95Ms, Metric::LockMs, Metric::SubmitBlockedMs];

const HEIGHT: f64 = 170.0;
const DOT_RADIUS: f64 = 3.5;

/// A panel for each of `metrics`, of the cases of one codec that this program ran itself; what another process did has no
/// threshold that could be set here. `recommended` has a ring.
pub fn of(title: impl Into<String>, groups: &[Group], recommended: Option<Case>, metrics: &[Metric]) -> Option<Figure> {
    let own: Vec<_> = groups.iter().filter(|group| group.case.client.is_here() && !group.spreads.is_empty()).collect();
    let thresholds = thresholds_of(own.iter().map(|group| &group.case));
    thresholds.first()?;
    let mut locks: Vec<_> = own.iter().map(|group| group.case.lock).collect();
    locks.sort_unstable();
    locks.dedup();
    let mut key: Vec<_> = locks.iter().map(|&lock| Key::line(lock_title(lock), pen(lock))).collect();
    if let Some(case) = recommended {
        key.push(Key::area(
            format!("ringed: {}, recommended", case.title()),
            Colour::step(case.reap_threshold, &thresholds),
        ));
    }
    let panels: Vec<_> =
        metrics.iter().filter_map(|metric| panel(&own, &locks, &thresholds, *metric, recommended)).collect();
    panels.first()?;
    Some(Figure {
        title: title.into(),
        explanation:
            "Means over the counted runs, with whiskers of one standard deviation. Beyond the threshold after which \
                      throughput no longer rises, more frames in flight only add latency."
                .into(),
        key,
        columns: 2,
        panels,
    })
}

fn lock_title(lock: LockPlacement) -> &'static str {
    match lock {
        LockPlacement::Inline => "inline: the submit thread locks",
        LockPlacement::Thread => "lock thread",
        LockPlacement::Ready => "ready thread",
        LockPlacement::Poll => "polling on the submit thread",
    }
}

fn pen(lock: LockPlacement) -> Pen {
    Pen::new(Colour::Muted, 1.6).of_lock(lock)
}

fn panel(
    groups: &[&Group],
    locks: &[LockPlacement],
    thresholds: &[u32],
    metric: Metric,
    recommended: Option<Case>,
) -> Option<Panel> {
    let value = |group: &Group| {
        let spread = group.spread(metric)?;
        Some((f64::from(group.case.reap_threshold), spread.mean, spread.stddev.unwrap_or(0.0)))
    };
    let highest = groups.iter().filter_map(|group| value(group)).map(|(_, mean, stddev)| mean + stddev);
    // Room for the ring around the highest point.
    let highest = 1.02 * highest.reduce(f64::max)?;
    let mut layers = Vec::new();
    for &lock in locks {
        let mut points: Vec<_> = groups
            .iter()
            .filter(|group| group.case.lock == lock)
            .filter_map(|group| Some((group, value(group)?)))
            .collect();
        points.sort_by(|one, other| one.1.0.total_cmp(&other.1.0));
        let line = points.iter().map(|(_, (x, mean, _))| (*x, *mean)).collect();
        layers.push(Layer::Line { name: String::new(), pen: pen(lock), points: line });
        for (group, (x, mean, stddev)) in points {
            let colour = Colour::step(group.case.reap_threshold, thresholds);
            layers.push(Layer::rule((x, mean - stddev), (x, mean + stddev), colour, 1.2));
            let (name, radius, points) = (group.case.title(), DOT_RADIUS, vec![(x, mean)]);
            layers.push(Layer::Dots { name, colour, radius, is_filled: true, points });
            if recommended == Some(group.case) {
                layers.push(Layer::Ring { colour, at: (x, mean) });
            }
        }
    }
    Some(Panel {
        title: metric.title().to_owned(),
        subtitle: subtitle(metric),
        x: Axis::thresholds(thresholds),
        y: Axis::from_zero("", metric.unit(), highest),
        height: HEIGHT,
        layers,
    })
}

fn subtitle(metric: Metric) -> String {
    let unit = match metric.unit() {
        Unit::FramesPerSecond => "frames per second",
        Unit::Milliseconds => "ms",
        other => other.symbol(),
    };
    let what = match metric {
        Metric::LatencyP95Ms => "submit to packet, ",
        Metric::LockMs | Metric::SubmitBlockedMs => "per run, ",
        _ => "",
    };
    format!("{what}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::fixture::{case, summary};
    use crate::stats::runs::summary::groups;
    use LockPlacement::{Inline, Thread};

    #[test]
    fn a_line_for_each_lock_placement_ascending_and_a_ring_around_the_recommended_case() {
        let walls =
            [(case(4, Inline), 100.0), (case(4, Inline), 102.0), (case(1, Inline), 200.0), (case(4, Thread), 99.0)];
        let runs: Vec<_> = (0..).zip(walls).map(|(order, (case, wall_ms))| summary(case, order, wall_ms)).collect();
        let figure = of("", &groups(&runs), Some(case(4, Thread)), &METRICS).unwrap();
        let lines = |panel: &Panel| {
            let of = |layer: &Layer| match layer {
                Layer::Line { pen, points, .. } if pen.colour == Colour::Muted => {
                    Some(points.iter().map(|point| point.0).collect::<Vec<_>>())
                }
                _ => None,
            };
            panel.layers.iter().filter_map(of).collect::<Vec<_>>()
        };
        assert_eq!(lines(&figure.panels[0]), [vec![1.0, 4.0], vec![4.0]]);
        let rings = figure.panels[0].layers.iter().filter(|layer| matches!(layer, Layer::Ring { .. })).count();
        assert_eq!((figure.key.len(), rings), (3, 1));
        assert!(figure.panels.iter().all(|panel| panel.title != "Latency p95"), "the runs have no latency");
        assert_eq!(of("", &[], None, &METRICS), None);
    }
}
