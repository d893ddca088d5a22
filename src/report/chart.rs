//! A figure on paper: title, device, key, panels. A virtual device is spelled out, so that a figure cut out of its report
//! still says what it shows.

use super::svg::Svg;
use crate::figures::colour::{Colour, Pen};
use crate::figures::paint::{Anchor, Area, Canvas, Point, Type, fit, height_of, paint, shared_room};
use crate::figures::{Figure, Key, Mark, Panel};
use crate::record::{DeviceInfo, DeviceKind};

/// Width of every figure in pixels: what GitHub shows without shrinking it.
pub const WIDTH: f64 = 760.0;
/// Free room at all edges.
const MARGIN: f64 = 20.0;
/// Between panels.
const GAP: f64 = 24.0;
const KEY_HEIGHT: f64 = 20.0;
/// The mark of a key and the room around it.
const MARK_WIDTH: f64 = 28.0;

/// The words that go with every number of a virtual device.
pub const VIRTUAL_NOTICE: &str = "VIRTUAL DEVICE — modelled times, not a GPU measurement";

/// A library given by path may be an emulation as well.
/// Of a transcode whose decoder is real.
const HALF_NOTICE: &str = "VIRTUAL ENCODER — its times are modelled, not a GPU measurement; the decoder is a GPU's";
const LIBRARY_NOTICE: &str = "DRIVER LIBRARY GIVEN BY PATH — not known to be a GPU";

/// What must be said of every number that `device` made.
pub fn notice(device: &DeviceInfo) -> Option<&'static str> {
    match device.kind {
        DeviceKind::Virtual if device.has_real_decoder() => Some(HALF_NOTICE),
        DeviceKind::Virtual => Some(VIRTUAL_NOTICE),
        DeviceKind::Library => Some(LIBRARY_NOTICE),
        DeviceKind::Cuda => None,
    }
}

/// The whole file.
pub fn svg(figure: &Figure, device: &DeviceInfo) -> String {
    let notice = notice(device);
    let head = if notice.is_some() { 66.0 } else { 46.0 };
    let keys = key_rows(&figure.key);
    let top = head + 12.0 + KEY_HEIGHT * keys.len() as f64;
    let rows: Vec<_> = figure.panels.chunks(figure.columns.max(1)).collect();
    let height: f64 = rows.iter().map(|row| row_height(row) + GAP).sum();
    let mut svg = Svg::new(WIDTH, top + height);

    let title = Type { size: 15.0, ..Type::title() };
    svg.text((MARGIN, 27.0), &fit(&svg, &figure.title, title, WIDTH - 2.0 * MARGIN), title);
    if let Some(notice) = notice {
        let style = Type { colour: Colour::Alert, is_strong: true, ..Type::new(Anchor::Start) };
        svg.text((MARGIN, 46.0), notice, style);
    }
    let style = Type::muted(Anchor::Start);
    let device = fit(&svg, &device.name, style, WIDTH - 2.0 * MARGIN);
    svg.text((MARGIN, head), &device, style);
    for (idx, row) in keys.iter().enumerate() {
        draw_keys(&mut svg, row, head + 24.0 + KEY_HEIGHT * idx as f64);
    }
    let mut row_top = top;
    let room = match figure.columns {
        0 | 1 => shared_room(&svg, &figure.panels, WIDTH - 2.0 * MARGIN),
        _ => 0.0,
    };
    for row in rows {
        draw_row(&mut svg, row, figure.columns, row_top, room);
        row_top += row_height(row) + GAP;
    }
    let name =
        [Some(figure.title.as_str()), notice, Some(&device)].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    svg.finish(&name)
}

fn row_height(row: &[Panel]) -> f64 {
    row.iter().map(height_of).fold(0.0, f64::max)
}

fn draw_row(svg: &mut Svg, row: &[Panel], columns: usize, top: f64, room: f64) {
    let columns = columns.max(1) as f64;
    let width = (WIDTH - 2.0 * MARGIN - GAP * (columns - 1.0)) / columns;
    for (idx, panel) in row.iter().enumerate() {
        paint(svg, panel, (MARGIN + (width + GAP) * idx as f64, top), width, room);
    }
}

/// Keys broken into rows that fit the width.
fn key_rows(keys: &[Key]) -> Vec<&[Key]> {
    let mut rows = Vec::new();
    let mut rest = keys;
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

fn draw_keys(svg: &mut Svg, row: &[Key], base: f64) {
    let mut left = MARGIN;
    for key in row {
        draw_mark(svg, key, (left, base - 4.0));
        svg.text((left + MARK_WIDTH, base), &key.label, Type::new(Anchor::Start));
        left += key_width(key);
    }
}

fn draw_mark(svg: &mut Svg, key: &Key, (left, middle): Point) {
    match key.mark {
        Mark::Line(pen) => {
            svg.line(&[(left, middle), (left + 22.0, middle)], Pen { width: 2.5, ..pen }, &|_| String::new());
        }
        Mark::Box(colour) => {
            let area = Area { left: left + 8.0, top: middle - 6.0, width: 12.0, height: 12.0 };
            svg.bar(area, colour, 1.0, "");
        }
    }
}

fn key_width(key: &Key) -> f64 {
    key.label.chars().count() as f64 * 7.2 + MARK_WIDTH + 16.0
}
