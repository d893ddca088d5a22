//! What more frames in flight buy and what they cost: each metric against the threshold, a line for each lock placement, and of
//! a transcode one for each threshold of the decoder, in its colour.

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
    let mut lines: Vec<_> = own.iter().map(|group| LineOf::of(&group.case)).collect();
    lines.sort_unstable();
    lines.dedup();
    let mut steps: Vec<_> = lines.iter().filter_map(|line| line.step()).collect();
    steps.sort_unstable();
    steps.dedup();
    let is_one_lock = lines.windows(2).all(|two| two[0].lock == two[1].lock);
    let mut key: Vec<_> = lines.iter().map(|line| Key::line(line.title(!is_one_lock), line.pen(&steps))).collect();
    if let Some(case) = recommended {
        key.push(Key::area(
            format!("ringed: {}, recommended", case.title()),
            LineOf::of(&case).dot(case.reap_threshold, (&thresholds, &steps)),
        ));
    }
    let panels: Vec<_> =
        metrics.iter().filter_map(|metric| panel(&own, (&lines, &steps), &thresholds, *metric, recommended)).collect();
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

/// What the cases of one line have in common.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct LineOf {
    lock: LockPlacement,
    /// The decoder's threshold in a transcode.
    decoder: Option<u32>,
    /// Where several were compared.
    pool: Option<u32>,
}

impl LineOf {
    fn of(case: &Case) -> Self {
        Self { lock: case.lock, decoder: case.decode.map(|ring| ring.reap_threshold), pool: case.named_pool() }
    }

    /// Of a transcode's lines, which have the decoder's threshold for a name, the lock is said only where they differ in it.
    fn title(self, says_lock: bool) -> String {
        let line = match self.decoder {
            None => lock_title(self.lock).to_owned(),
            Some(threshold) if says_lock => format!("decoder T={threshold}, {}", lock_title(self.lock)),
            Some(threshold) => format!("decoder T={threshold}"),
        };
        self.pool.map_or(line.clone(), |pool| format!("{line}, pool {pool}"))
    }

    /// What tells lines apart by colour: the decoder's threshold, or the pool.
    fn step(self) -> Option<u32> {
        self.decoder.or(self.pool)
    }

    /// The colour of a case: of its own threshold, or where lines have colours, of its line.
    fn dot(self, own: u32, (thresholds, steps): (&[u32], &[u32])) -> Colour {
        match self.step() {
            None => Colour::step(own, thresholds),
            Some(step) => Colour::step(step, steps),
        }
    }

    /// `steps`: those of all lines, ascending.
    fn pen(self, steps: &[u32]) -> Pen {
        let colour = self.step().map_or(Colour::Muted, |step| Colour::step(step, steps));
        Pen::new(colour, 1.6).of_lock(self.lock)
    }
}

fn panel(
    groups: &[&Group],
    (lines, steps): (&[LineOf], &[u32]),
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
    for &of_line in lines {
        let mut points: Vec<_> = groups
            .iter()
            .filter(|group| LineOf::of(&group.case) == of_line)
            .filter_map(|group| Some((group, value(group)?)))
            .collect();
        points.sort_by(|one, other| one.1.0.total_cmp(&other.1.0));
        let line = points.iter().map(|(_, (x, mean, _))| (*x, *mean)).collect();
        let pen = of_line.pen(steps);
        layers.push(Layer::Line { name: String::new(), pen, points: line });
        for (group, (x, mean, stddev)) in points {
            let colour = of_line.dot(group.case.reap_threshold, (thresholds, steps));
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
