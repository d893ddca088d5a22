//! What every figure has: a heading that names the device, a legend, and panels with axes.
//!
//! Knows no record. A virtual device is spelled out in the heading, so that a figure cut out of its report still says
//! what it shows.

use super::axis::Axis;
use super::svg::{ALERT, Anchor, GRID, INK, MUTED, Pen, Rect, Svg, Type, fit, text_width};
use crate::record::{DeviceInfo, DeviceKind};

/// Width of every figure in pixels: what GitHub shows without shrinking it.
pub const WIDTH: f64 = 760.0;
/// Free room at the left and right edge.
pub const MARGIN: f64 = 20.0;

/// The words that go with every number of a virtual device.
pub const VIRTUAL_NOTICE: &str = "VIRTUAL DEVICE — modelled times, not a GPU measurement";

/// A library given by path may be an emulation as well.
const LIBRARY_NOTICE: &str = "DRIVER LIBRARY GIVEN BY PATH — not known to be a GPU";

/// A figure under construction: heading and legend are drawn, the panels are not.
pub struct Sheet {
    /// Where to draw.
    pub svg: Svg,
    /// First free pixel row below heading and legend.
    pub top: f64,
    name: String,
}

/// What stands above a figure.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Heading<'a> {
    pub title: &'a str,
    pub device: &'a DeviceInfo,
}

/// One thing that the figure tells apart.
#[derive(Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Key {
    pub label: String,
    pub mark: Mark,
}

/// How a thing looks.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Mark {
    Line(Pen),
    Box(&'static str),
}

/// A plot's rectangle and its two directions.
pub struct Panel<'a> {
    /// Where the data goes; labels stand outside.
    pub rect: Rect,
    /// Left to right.
    pub x: Axis,
    /// Bottom to top.
    pub y: Axis,
    /// With unit, in brackets.
    pub x_title: &'a str,
    /// With unit, in brackets.
    pub y_title: &'a str,
}

impl Sheet {
    /// Draws heading and legend above `body_height` pixels of free room.
    pub fn new(heading: Heading<'_>, legend: &[Key], body_height: f64) -> Self {
        let Heading { title, device } = heading;
        let notice = notice(device);
        let rows = legend_rows(legend);
        let head = if notice.is_some() { 66.0 } else { 46.0 };
        let top = head + 12.0 + 20.0 * rows.len() as f64;
        let mut svg = Svg::new(WIDTH, top + body_height);
        svg.text((MARGIN, 27.0), title, Type { size: 15.0, bold: true, ..Type::new(Anchor::Start) });
        if let Some(notice) = notice {
            svg.text((MARGIN, 46.0), notice, Type { colour: ALERT, bold: true, ..Type::new(Anchor::Start) });
        }
        let line = fit(&device.name, WIDTH - 2.0 * MARGIN, 12.0);
        svg.text((MARGIN, head), &line, Type::muted(Anchor::Start));
        for (idx, row) in rows.into_iter().enumerate() {
            draw_legend_row(&mut svg, row, head + 24.0 + 20.0 * idx as f64);
        }
        let name = [Some(title), notice, Some(&line)].into_iter().flatten().collect::<Vec<_>>().join(" · ");
        Self { svg, top, name }
    }

    /// The finished file.
    pub fn finish(self) -> String {
        self.svg.finish(&self.name)
    }
}

impl Panel<'_> {
    /// Grid, labels and titles; the data comes on top.
    pub fn draw(&self, svg: &mut Svg) {
        self.draw_rows(svg);
        self.draw_columns(svg);
        let Rect { left, top, .. } = self.rect;
        let base = Pen::new(MUTED, 1.0);
        svg.line((left, self.rect.bottom()), (self.rect.right(), self.rect.bottom()), base);
        svg.text((left + self.rect.width / 2.0, self.rect.bottom() + 36.0), self.x_title, Type::muted(Anchor::Middle));
        svg.text_upwards((left - 44.0, top + self.rect.height / 2.0), self.y_title, Type::muted(Anchor::Middle));
    }

    /// Where a pair of values stands.
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.x.at(x), self.y.at(y))
    }

    fn draw_rows(&self, svg: &mut Svg) {
        for tick in &self.y.ticks {
            let y = self.y.at(tick.value);
            svg.line((self.rect.left, y), (self.rect.right(), y), Pen::new(GRID, 1.0));
            svg.text((self.rect.left - 6.0, y + 4.0), &tick.label, Type { size: 11.0, ..Type::muted(Anchor::End) });
        }
    }

    fn draw_columns(&self, svg: &mut Svg) {
        // A label that would touch its left neighbour is left out; its grid line stays.
        let mut free_from = f64::NEG_INFINITY;
        for tick in &self.x.ticks {
            let (x, half) = (self.x.at(tick.value), text_width(&tick.label, 11.0) / 2.0);
            svg.line((x, self.rect.top), (x, self.rect.bottom()), Pen::new(GRID, 1.0));
            if x - half >= free_from {
                let style = Type { size: 11.0, ..Type::muted(Anchor::Middle) };
                svg.text((x, self.rect.bottom() + 17.0), &tick.label, style);
                free_from = x + half + 4.0;
            }
        }
    }
}

/// What must be said of every number that `device` made.
pub fn notice(device: &DeviceInfo) -> Option<&'static str> {
    match device.kind {
        DeviceKind::Virtual => Some(VIRTUAL_NOTICE),
        DeviceKind::Library => Some(LIBRARY_NOTICE),
        DeviceKind::Cuda => None,
    }
}

/// Keys broken into rows that fit the width.
fn legend_rows(legend: &[Key]) -> Vec<&[Key]> {
    let mut rows = Vec::new();
    let mut rest = legend;
    while !rest.is_empty() {
        let mut width = 0.0;
        let fitting = rest.iter().take_while(|key| {
            width += key_width(key);
            width <= WIDTH - 2.0 * MARGIN
        });
        let (row, others) = rest.split_at(fitting.count().max(1));
        rows.push(row);
        rest = others;
    }
    rows
}

fn draw_legend_row(svg: &mut Svg, row: &[Key], base: f64) {
    let mut left = MARGIN;
    for key in row {
        match key.mark {
            Mark::Line(pen) => svg.line((left, base - 4.0), (left + 22.0, base - 4.0), Pen { width: 2.5, ..pen }),
            Mark::Box(colour) => {
                svg.bar(Rect { left: left + 8.0, top: base - 10.0, width: 12.0, height: 12.0 }, colour, &key.label);
            }
        }
        svg.text((left + 28.0, base), &key.label, Type { colour: INK, ..Type::new(Anchor::Start) });
        left += key_width(key);
    }
}

fn key_width(key: &Key) -> f64 {
    28.0 + text_width(&key.label, 12.0) + 14.0
}
