//! What more pictures in flight buy and what they cost: throughput and tail latency against the threshold.

use crate::report::axis::Axis;
use crate::report::chart::{Heading, Key, MARGIN, Mark, Panel, Sheet};
use crate::report::svg::{Pen, Rect, Svg};

/// One lock placement.
pub struct Series {
    /// In the legend.
    pub label: String,
    /// Its line.
    pub pen: Pen,
    /// Ascending by threshold.
    pub points: Vec<Point>,
    /// Ringed.
    pub recommended: Option<u32>,
}

/// One case.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Point {
    pub threshold: u32,
    pub fps: MeanAndSpread,
    pub latency_p99_ms: MeanAndSpread,
}

/// Mean over the runs and their standard deviation, 0 where one run has none.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub struct MeanAndSpread {
    pub mean: f64,
    pub stddev: f64,
}

/// What a panel shows of a case.
type Value = fn(&Point) -> MeanAndSpread;

const PLOT_HEIGHT: f64 = 220.0;
const PLOT_WIDTH: f64 = 292.0;

/// Draws two panels side by side.
pub fn draw(heading: Heading<'_>, series: &[Series]) -> Option<String> {
    let mut thresholds: Vec<_> = series.iter().flat_map(|line| &line.points).map(|point| point.threshold).collect();
    thresholds.sort_unstable();
    thresholds.dedup();
    thresholds.first()?;
    let legend: Vec<_> =
        series.iter().map(|line| Key { label: line.label.clone(), mark: Mark::Line(line.pen) }).collect();
    let mut sheet = Sheet::new(heading, &legend, PLOT_HEIGHT + 64.0);
    let values: [(&str, Value); 2] =
        [("throughput [frames/s]", |point| point.fps), ("submit to packet, p99 [ms]", |point| point.latency_p99_ms)];
    for (idx, (y_title, value)) in values.into_iter().enumerate() {
        let left = MARGIN + 56.0 + idx as f64 * (PLOT_WIDTH + 72.0);
        let rect = Rect { left, top: sheet.top + 10.0, width: PLOT_WIDTH, height: PLOT_HEIGHT };
        let tallest = |point: &Point| value(point).mean + value(point).stddev;
        let max = series.iter().flat_map(|line| &line.points).map(tallest).fold(0.0, f64::max);
        let x = Axis::ratios(&thresholds, (rect.left, rect.right()));
        let y = Axis::from_zero(max, (rect.bottom(), rect.top));
        let panel = Panel { rect, x, y, x_title: "reap threshold T [frames in flight]", y_title };
        panel.draw(&mut sheet.svg);
        series.iter().for_each(|line| draw_series(&mut sheet.svg, &panel, line, value));
    }
    Some(sheet.finish())
}

fn draw_series(svg: &mut Svg, panel: &Panel<'_>, line: &Series, value: Value) {
    let at = |point: &Point| panel.at(f64::from(point.threshold), value(point).mean);
    svg.polyline(&line.points.iter().map(at).collect::<Vec<_>>(), line.pen);
    for point in &line.points {
        let MeanAndSpread { mean, stddev } = value(point);
        let (x, y) = at(point);
        svg.line((x, panel.y.at(mean - stddev)), (x, panel.y.at(mean + stddev)), Pen::new(line.pen.colour, 1.2));
        if line.recommended == Some(point.threshold) {
            svg.ring((x, y), 7.5, Pen::new(line.pen.colour, 1.6));
        }
        svg.dot((x, y), 3.5, line.pen.colour, &format!("{}, T = {}", line.label, point.threshold));
    }
}
