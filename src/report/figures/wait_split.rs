//! Where each case's time went, as stacked bars: a wait that moved is seen as well as one that is gone.
//!
//! Two threads wait at the same time, so a case with a locking thread has a bar for each of them; no bar is longer than
//! its run. What is missing up to the wall is the caller's own.

use crate::report::axis::Axis;
use crate::report::chart::{Heading, Key, MARGIN, Mark, Panel, Sheet, WIDTH};
use crate::report::svg::{Anchor, INK, Pen, Rect, Svg, Type, fit};

/// One case.
pub struct Row {
    /// Left of the bars.
    pub label: String,
    /// One of the two that are compared?
    pub emphasis: bool,
    /// One bar a thread, top to bottom, each with one value for each of the figure's parts.
    pub bars_ms: Vec<Vec<f64>>,
    /// Marked by a line.
    pub wall_ms: f64,
}

/// What the bars are made of.
#[derive(Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Part {
    pub label: String,
    pub colour: &'static str,
}

const ROW_HEIGHT: f64 = 30.0;
const BAR_HEIGHT: f64 = 20.0;
const LABEL_WIDTH: f64 = 178.0;

/// Draws all rows onto one time axis.
pub fn draw(heading: Heading<'_>, parts: &[Part], rows: &[Row]) -> Option<String> {
    let longest = |row: &Row| row.bars_ms.iter().map(|bar| bar.iter().sum()).fold(row.wall_ms, f64::max);
    let max_ms = rows.iter().map(longest).reduce(f64::max)?;
    let mut legend: Vec<_> =
        parts.iter().map(|part| Key { label: part.label.clone(), mark: Mark::Box(part.colour) }).collect();
    legend.push(Key { label: "wall".to_owned(), mark: Mark::Line(Pen::new(INK, 2.5)) });

    let height = ROW_HEIGHT * rows.len() as f64;
    let mut sheet = Sheet::new(heading, &legend, height + 60.0);
    let left = MARGIN + LABEL_WIDTH;
    let rect = Rect { left, top: sheet.top + 8.0, width: WIDTH - left - MARGIN - 16.0, height };
    let x = Axis::from_zero(max_ms, (rect.left, rect.right()));
    let y = Axis::unlabelled((rect.bottom(), rect.top));
    let panel = Panel { rect, x, y, x_title: "time per run, mean [ms]", y_title: "" };
    panel.draw(&mut sheet.svg);
    for (idx, row) in rows.iter().enumerate() {
        draw_row(&mut sheet.svg, &panel.x, parts, row, rect.top + ROW_HEIGHT * idx as f64);
    }
    Some(sheet.finish())
}

fn draw_row(svg: &mut Svg, x: &Axis, parts: &[Part], row: &Row, top: f64) {
    let label = fit(&row.label, LABEL_WIDTH - 8.0, 12.0);
    let style = Type { bold: row.emphasis, ..Type::new(Anchor::End) };
    svg.text((x.at(0.0) - 8.0, top + 19.0), &label, style);
    let height = BAR_HEIGHT / row.bars_ms.len().max(1) as f64;
    for (idx, bar) in row.bars_ms.iter().enumerate() {
        let top = top + (ROW_HEIGHT - BAR_HEIGHT) / 2.0 + height * idx as f64;
        let mut from_ms = 0.0;
        for (part, &ms) in parts.iter().zip(bar) {
            let (left, right) = (x.at(from_ms), x.at(from_ms + ms));
            svg.bar(Rect { left, top, width: right - left, height }, part.colour, &part.label);
            from_ms += ms;
        }
    }
    let wall = x.at(row.wall_ms);
    svg.line((wall, top + 2.0), (wall, top + ROW_HEIGHT - 2.0), Pen::new(INK, 2.5));
}
