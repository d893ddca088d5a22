//! Lays a panel out on a canvas: title, labels, grid, data. The same steps for window, report and image.
//!
//! Knows no canvas but the trait, and no figure in particular.

use super::colour::{Colour, Pen};
use super::{Layer, Panel, Values};

/// Pixels to the right, pixels down.
pub type Point = (f64, f64);

/// Size of every text but titles.
pub const TEXT_SIZE: f64 = 12.0;
/// Size of titles.
pub const TITLE_SIZE: f64 = 13.0;
const LINE_HEIGHT: f64 = 18.0;
/// Between the data and its labels.
const LABEL_GAP: f64 = 8.0;
/// Labels of rows are cut beyond this share of the width.
const MAX_LABEL_SHARE: f64 = 0.34;
const RING_RADIUS: f64 = 7.0;

/// An upright rectangle.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Area {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

/// How a text is set. Its place is on its base line.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Type {
    pub size: f64,
    pub anchor: Anchor,
    pub colour: Colour,
    pub is_strong: bool,
}

/// Which end of a text is at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// What a panel is painted on. A `tip` explains a shape under the pointer; an empty one does not.
pub trait Canvas {
    /// A line through `points`; each of them is explained by its own text.
    fn line(&mut self, points: &[Point], pen: Pen, tip: &dyn Fn(usize) -> String);
    /// A shape between a low and a high edge: x, y of the low one, y of the high one.
    fn band(&mut self, edge: &[(f64, f64, f64)], colour: Colour, opacity: f64);
    /// A filled rectangle.
    fn bar(&mut self, area: Area, colour: Colour, opacity: f64, tip: &str);
    /// A circle.
    fn dot(&mut self, at: Point, radius: f64, colour: Colour, is_filled: bool, tip: &str);
    /// One line of text.
    fn text(&mut self, at: Point, text: &str, style: Type);
    /// The width that a text takes at most.
    fn text_width(&self, text: &str, style: Type) -> f64;
}

/// Where a painted panel has its data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Painted {
    /// Of the data alone.
    pub data: Area,
}

impl Area {
    /// Its other vertical edge.
    pub fn right(self) -> f64 {
        self.left + self.width
    }

    /// Its lower edge.
    pub fn bottom(self) -> f64 {
        self.top + self.height
    }

    /// Do the two share any room?
    fn overlaps(self, other: Self) -> bool {
        self.left < other.right() && other.left < self.right() && self.top < other.bottom() && other.top < self.bottom()
    }
}

impl Type {
    /// Text of the usual size.
    pub const fn new(anchor: Anchor) -> Self {
        Self { size: TEXT_SIZE, anchor, colour: Colour::Ink, is_strong: false }
    }

    /// The same, standing back.
    pub const fn muted(anchor: Anchor) -> Self {
        Self { colour: Colour::Muted, ..Self::new(anchor) }
    }

    /// A title.
    pub const fn title() -> Self {
        Self { size: TITLE_SIZE, is_strong: true, ..Self::new(Anchor::Start) }
    }
}

/// The height that `panel` takes with its texts.
pub fn height_of(panel: &Panel) -> f64 {
    head_of(panel) + panel.height + foot_of(panel)
}

fn head_of(panel: &Panel) -> f64 {
    let lines = [&panel.title, &panel.subtitle].into_iter().filter(|text| !text.is_empty()).count() as f64;
    // Half a label stands above the highest grid line.
    lines * LINE_HEIGHT + 8.0
}

fn foot_of(panel: &Panel) -> f64 {
    let labels = if panel.x.ticks.is_empty() { 0.0 } else { LINE_HEIGHT };
    labels + if panel.x.title.is_empty() { 4.0 } else { LINE_HEIGHT + 2.0 }
}

/// The room that the labels left of each of `panels` need at most, where they stand above each other on one x axis.
pub fn shared_room(canvas: &dyn Canvas, panels: &[Panel], width: f64) -> f64 {
    panels.iter().map(|panel| label_room(canvas, panel, width)).fold(0.0, f64::max)
}

fn label_room(canvas: &dyn Canvas, panel: &Panel, width: f64) -> f64 {
    let label = Type::muted(Anchor::End);
    let widest = panel.y.ticks.iter().map(|tick| canvas.text_width(&tick.label, strong(label, tick.is_strong)));
    widest.fold(0.0, f64::max).min(MAX_LABEL_SHARE * width) + LABEL_GAP
}

/// Paints `panel` from `left`, `top` on, `width` wide and [`height_of`] high, its data not before `room` for labels.
pub fn paint(canvas: &mut dyn Canvas, panel: &Panel, (left, top): Point, width: f64, room: f64) -> Painted {
    let mut base = top + 13.0;
    for (text, style) in [(&panel.title, Type::title()), (&panel.subtitle, Type::muted(Anchor::Start))] {
        if !text.is_empty() {
            canvas.text((left, base), &fit(canvas, text, style, width), style);
            base += LINE_HEIGHT;
        }
    }
    let label = Type::muted(Anchor::End);
    let labels = label_room(canvas, panel, width).max(room);
    // Part of the last label may stand beyond the data.
    let beyond = panel.x.ticks.last().map_or(0.0, |tick| {
        canvas.text_width(&tick.label, label) / 2.0 - (1.0 - panel.x.share(tick.value)) * (width - labels)
    });
    let data = Area {
        left: left + labels,
        top: top + head_of(panel),
        width: (width - labels - beyond.max(8.0)).max(1.0),
        height: panel.height,
    };
    rows(canvas, panel, data, labels - LABEL_GAP);
    columns(canvas, panel, data, (left, left + width));
    let foot = (data.left + data.width / 2.0, data.bottom() + LINE_HEIGHT + 14.0);
    canvas.text(foot, &panel.x.title, Type::muted(Anchor::Middle));
    panel.layers.iter().for_each(|layer| draw(canvas, panel, data, layer));
    words(canvas, panel, data);
    Painted { data }
}

impl Painted {
    /// Where a pair of values stands.
    pub fn at(&self, panel: &Panel, (x, y): Values) -> Point {
        let Area { left, width, height, .. } = self.data;
        (left + width * panel.x.share(x), self.data.bottom() - height * panel.y.share(y))
    }
}

/// Labels at the left, and unless they name rows a line for each.
fn rows(canvas: &mut dyn Canvas, panel: &Panel, data: Area, room: f64) {
    // Of labels that would touch, the upper one is left out.
    let mut free_to = f64::INFINITY;
    for tick in &panel.y.ticks {
        let (_, y) = Painted { data }.at(panel, (0.0, tick.value));
        if !panel.y.is_rows() {
            line(canvas, (data.left, y), (data.right(), y), Pen::new(Colour::Grid, 1.0));
        }
        if y > free_to && !panel.y.is_rows() {
            continue;
        }
        free_to = y - TEXT_SIZE - 2.0;
        let style = strong(Type::muted(Anchor::End), tick.is_strong);
        canvas.text((data.left - LABEL_GAP, y + 4.0), &fit(canvas, &tick.label, style, room), style);
    }
}

/// Labels below the data, within `room`.
fn columns(canvas: &mut dyn Canvas, panel: &Panel, data: Area, room: (f64, f64)) {
    // A label that would touch its left neighbour or stick out is left out; its grid line stays.
    let mut free_from = room.0;
    let style = Type::muted(Anchor::Middle);
    for tick in &panel.x.ticks {
        let x = data.left + data.width * panel.x.share(tick.value);
        let half = canvas.text_width(&tick.label, style) / 2.0;
        if panel.y.is_rows() {
            line(canvas, (x, data.top), (x, data.bottom()), Pen::new(Colour::Grid, 1.0));
        }
        if x - half >= free_from && x + half <= room.1 {
            canvas.text((x, data.bottom() + 16.0), &tick.label, style);
            free_from = x + half + 6.0;
        }
    }
    line(canvas, (data.left, data.bottom()), (data.right(), data.bottom()), Pen::new(Colour::Muted, 1.0));
}

fn line(canvas: &mut dyn Canvas, from: Point, to: Point, pen: Pen) {
    canvas.line(&[from, to], pen, &|_| String::new());
}

fn draw(canvas: &mut dyn Canvas, panel: &Panel, data: Area, layer: &Layer) {
    let at = |values: Values| Painted { data }.at(panel, values);
    let place = |values: Values| match (panel.x.text(values.0), panel.y.text(values.1)) {
        (x, y) if x.is_empty() || y.is_empty() => x + &y,
        (x, y) => format!("{x}\n{y}"),
    };
    let tip = |name: &str, values: Option<&Values>| match values {
        Some(values) if !name.is_empty() => format!("{name}\n{}", place(*values)),
        _ => String::new(),
    };
    match layer {
        Layer::Line { name, pen, points } => {
            let line: Vec<_> = points.iter().map(|values| at(*values)).collect();
            canvas.line(&line, *pen, &|idx| tip(name, points.get(idx)));
        }
        Layer::Band { colour, opacity, edge } => {
            let edge: Vec<_> =
                edge.iter().map(|&(x, low, high)| (at((x, low)).0, at((x, low)).1, at((x, high)).1)).collect();
            canvas.band(&edge, *colour, *opacity);
        }
        Layer::Dots { name, colour, radius, is_filled, points } => {
            for values in points {
                canvas.dot(at(*values), *radius, *colour, *is_filled, &tip(name, Some(values)));
            }
        }
        Layer::Ring { colour, at: values } => canvas.dot(at(*values), RING_RADIUS, *colour, false, ""),
        Layer::Bar { name, colour, opacity, x, y } => {
            let ((left, one), (right, other)) = (at((x.0, y.0)), at((x.1, y.1)));
            let area = Area { left, top: one.min(other), width: right - left, height: (one - other).abs() };
            let tip = if name.is_empty() { String::new() } else { format!("{name}: {}", panel.x.text(x.1 - x.0)) };
            canvas.bar(area, *colour, *opacity, &tip);
        }
        // Above all data: see `words`.
        Layer::Word { .. } => {}
    }
}

/// Words beside their points, on whichever side is free; one that has no room is left out, the last ones first.
fn words(canvas: &mut dyn Canvas, panel: &Panel, data: Area) {
    const BESIDE: [(f64, f64, Anchor); 4] =
        [(9.0, -6.0, Anchor::Start), (9.0, 15.0, Anchor::Start), (-9.0, -6.0, Anchor::End), (-9.0, 15.0, Anchor::End)];
    let mut taken: Vec<Area> = Vec::new();
    for layer in &panel.layers {
        let Layer::Word { text, at } = layer else { continue };
        let (x, y) = Painted { data }.at(panel, *at);
        for (right, down, anchor) in BESIDE {
            let (style, base) = (Type::new(anchor), (x + right, y + down));
            let width = canvas.text_width(text, style);
            let left = if anchor == Anchor::End { base.0 - width } else { base.0 };
            let area = Area { left, top: base.1 - TEXT_SIZE, width, height: TEXT_SIZE + 3.0 };
            let is_inside = left >= data.left && area.right() <= data.right() && area.bottom() <= data.bottom();
            if is_inside && !taken.iter().any(|other| other.overlaps(area)) {
                canvas.text(base, text, style);
                taken.push(area);
                break;
            }
        }
    }
}

fn strong(style: Type, is_strong: bool) -> Type {
    if is_strong { Type { colour: Colour::Ink, is_strong, ..style } } else { style }
}

/// `text` cut to what fits into `width`.
pub fn fit(canvas: &dyn Canvas, text: &str, style: Type, width: f64) -> String {
    if canvas.text_width(text, style) <= width {
        return text.to_owned();
    }
    let mut cut: Vec<char> = text.chars().collect();
    while cut.pop().is_some() {
        let shorter: String = cut.iter().chain(['…'].iter()).collect();
        if canvas.text_width(&shorter, style) <= width {
            return shorter;
        }
    }
    "…".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::axis::Axis;
    use crate::units::Unit;

    /// Remembers where texts stand; letters are six wide.
    #[derive(Default)]
    struct Texts(Vec<(String, Area)>);

    impl Canvas for Texts {
        fn line(&mut self, _: &[Point], _: Pen, _: &dyn Fn(usize) -> String) {}
        fn band(&mut self, _: &[(f64, f64, f64)], _: Colour, _: f64) {}
        fn bar(&mut self, _: Area, _: Colour, _: f64, _: &str) {}
        fn dot(&mut self, _: Point, _: f64, _: Colour, _: bool, _: &str) {}

        fn text(&mut self, (x, y): Point, text: &str, style: Type) {
            let width = self.text_width(text, style);
            let left = match style.anchor {
                Anchor::Start => x,
                Anchor::Middle => x - width / 2.0,
                Anchor::End => x - width,
            };
            self.0.push((text.to_owned(), Area { left, top: y - 10.0, width, height: 12.0 }));
        }

        fn text_width(&self, text: &str, _: Type) -> f64 {
            6.0 * text.chars().count() as f64
        }
    }

    fn painted(points: &[Values], height: f64, width: f64) -> Texts {
        let word = |(idx, at): (usize, &Values)| Layer::Word { text: format!("point {idx}"), at: *at };
        let panel = Panel {
            title: "A title".to_owned(),
            subtitle: "its unit".to_owned(),
            x: Axis::times("time", 1e3, 1e9),
            y: Axis::from_zero("", Unit::Count, 9.0),
            height,
            layers: points.iter().enumerate().map(word).collect(),
        };
        let mut texts = Texts::default();
        paint(&mut texts, &panel, (10.0, 10.0), width, 0.0);
        texts
    }

    #[test]
    fn no_two_texts_touch_however_little_room_there_is() {
        let crowd: Vec<_> = (0..40).map(|idx| (1e6 + f64::from(idx), 5.0 + 0.01 * f64::from(idx))).collect();
        for (height, width) in [(220.0, 600.0), (40.0, 200.0), (60.0, 90.0)] {
            let Texts(texts) = painted(&crowd, height, width);
            for (idx, (text, area)) in texts.iter().enumerate() {
                for (other, other_area) in &texts[idx + 1..] {
                    assert!(!area.overlaps(*other_area), "{text} {area:?}, {other} {other_area:?}");
                }
                assert!(area.left >= 9.9 && area.right() <= 10.1 + width, "{text} {area:?}");
            }
        }
    }

    #[test]
    fn the_first_words_have_room_before_the_last() {
        let Texts(texts) = painted(&[(1e6, 5.0); 6], 220.0, 600.0);
        let words: Vec<_> = texts.iter().filter(|(text, _)| text.starts_with("point")).map(|(text, _)| text).collect();
        assert_eq!(words, ["point 0", "point 1", "point 2", "point 3"]);
    }
}
