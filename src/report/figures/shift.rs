//! The change at each decile of a run's frames, with its interval.

use crate::report::axis::Axis;
use crate::report::chart::{Heading, MARGIN, Panel, Sheet};
use crate::report::svg::{MUTED, Pen, Rect, SERIES, Svg};

/// One column of the frames.
pub struct Column {
    /// With unit, in brackets.
    pub y_title: String,
    /// p10, p20 … p90.
    pub points: Vec<Point>,
}

/// One decile.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Point {
    pub percent: u32,
    pub difference_us: f64,
    /// `None`: too few runs for an interval.
    pub ends_us: Option<(f64, f64)>,
}

const PLOT_HEIGHT: f64 = 220.0;
const PLOT_WIDTH: f64 = 292.0;

/// Draws the columns side by side; there is room for two.
pub fn draw(heading: Heading<'_>, columns: &[Column]) -> Option<String> {
    columns.iter().find(|column| !column.points.is_empty())?;
    let mut sheet = Sheet::new(heading, &[], PLOT_HEIGHT + 64.0);
    for (idx, Column { y_title, points }) in columns.iter().take(2).enumerate() {
        let left = MARGIN + 56.0 + idx as f64 * (PLOT_WIDTH + 72.0);
        let rect = Rect { left, top: sheet.top + 10.0, width: PLOT_WIDTH, height: PLOT_HEIGHT };
        let ends = points.iter().filter_map(|point| point.ends_us).flat_map(|(low, high)| [low, high]);
        let all = points.iter().map(|point| point.difference_us).chain(ends).chain([0.0]);
        let panel = Panel {
            rect,
            x: Axis::counts(100, (rect.left, rect.right())),
            y: Axis::spanning(all, (rect.bottom(), rect.top)),
            x_title: "frames of a run, fastest first [%]",
            y_title,
        };
        panel.draw(&mut sheet.svg);
        let zero = panel.y.at(0.0);
        sheet.svg.line((rect.left, zero), (rect.right(), zero), Pen::new(MUTED, 1.0));
        points.iter().for_each(|point| draw_point(&mut sheet.svg, &panel, point));
    }
    Some(sheet.finish())
}

fn draw_point(svg: &mut Svg, panel: &Panel<'_>, point: &Point) {
    let Point { percent, difference_us, ends_us } = *point;
    let (x, y) = panel.at(percent.into(), difference_us);
    if let Some((low, high)) = ends_us {
        svg.line((x, panel.y.at(low)), (x, panel.y.at(high)), Pen::new(SERIES[0], 1.8));
    }
    svg.dot((x, y), 3.5, SERIES[0], &format!("p{percent}: {difference_us:+.2} µs"));
}
