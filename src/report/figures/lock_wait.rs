//! How long one lock waits, as a percentile curve with a stretched tail: one curve a case.
//!
//! A curve that lies low and turns up only at the far right waits seldom; one that is high from the left always waits.

use crate::report::axis::Axis;
use crate::report::chart::{Heading, Key, MARGIN, Mark, Panel, Sheet, WIDTH};
use crate::report::svg::{Pen, Rect};

/// One case.
pub struct Curve {
    /// In the legend.
    pub label: String,
    /// Its line.
    pub pen: Pen,
    /// Ascending: share of the frames (0..1) that waited at most so long (µs).
    pub points: Vec<(f64, f64)>,
}

/// Waits below this are drawn as this: less than a clock reading takes.
const SHORTEST_US: f64 = 0.1;
const PLOT_HEIGHT: f64 = 260.0;

/// Draws all curves into one panel.
pub fn draw(heading: Heading<'_>, curves: &[Curve]) -> Option<String> {
    let max_us = curves.iter().flat_map(|curve| &curve.points).map(|point| point.1).reduce(f64::max)?;
    let min_us = curves.iter().flat_map(|curve| &curve.points).map(|point| point.1).fold(max_us, f64::min);
    // The point at 1 is the maximum; it stands at the right edge, whose place the point before it decides.
    let inner = curves.iter().flat_map(|curve| &curve.points).map(|point| point.0).filter(|&share| share < 1.0);
    let widest = inner.fold(0.9, f64::max);

    let legend: Vec<_> =
        curves.iter().map(|curve| Key { label: curve.label.clone(), mark: Mark::Line(curve.pen) }).collect();
    let mut sheet = Sheet::new(heading, &legend, PLOT_HEIGHT + 60.0);
    let left = MARGIN + 56.0;
    let rect = Rect { left, top: sheet.top + 8.0, width: WIDTH - left - MARGIN - 8.0, height: PLOT_HEIGHT };
    let panel = Panel {
        rect,
        x: Axis::tail(widest, (rect.left, rect.right())),
        y: Axis::decades(min_us.max(SHORTEST_US), max_us.max(SHORTEST_US), (rect.bottom(), rect.top)),
        x_title: "percentile of frames [%]",
        y_title: "wait in nvEncLockBitstream [µs]",
    };
    panel.draw(&mut sheet.svg);
    for curve in curves {
        let points: Vec<_> =
            curve.points.iter().map(|&(share, us)| panel.at(share.min(widest), us.max(SHORTEST_US))).collect();
        sheet.svg.polyline(&points, curve.pen);
    }
    Some(sheet.finish())
}
