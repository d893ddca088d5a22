//! The few shapes that figures are made of, written as SVG text.
//!
//! Knows no data and no axis: coordinates are pixels from the top left corner. Text from outside is escaped
//! here. Every figure brings its own paper, so it reads the same on a light and on a dark page.

use std::fmt::Write as _;

use super::text::xml;

/// Behind everything.
pub const PAPER: &str = "#ffffff";
/// Text and the lines that carry it.
pub const INK: &str = "#1f2328";
/// Text that stands back.
pub const MUTED: &str = "#59636e";
/// Grid lines.
pub const GRID: &str = "#e4e8ec";
/// What must not be overlooked.
pub const ALERT: &str = "#b33000";
/// Distinct for every common form of colour blindness and dark enough for thin lines on paper: the palette of Okabe and
/// Ito ("Color Universal Design", 2008) without its yellow, its orange darkened.
pub const SERIES: [&str; 7] = ["#d55e00", "#0072b2", "#009e73", "#c0609a", "#b57b00", "#3d9bd6", "#4d4d4d"];

const FONTS: &str = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif";

/// Pixels to the right, pixels down.
pub type Point = (f64, f64);

/// A drawing under construction.
pub struct Svg {
    width: f64,
    height: f64,
    body: String,
}

/// An upright rectangle.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Rect {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

/// How a line is drawn.
#[derive(Clone, Copy)]
pub struct Pen {
    /// As in CSS.
    pub colour: &'static str,
    /// Pixels.
    pub width: f64,
    /// SVG's dash list; empty: solid.
    pub dash: &'static str,
}

/// How text is set.
#[derive(Clone, Copy)]
pub struct Type {
    /// Pixels.
    pub size: f64,
    /// Which end of the text stands at its point.
    pub anchor: Anchor,
    /// As in CSS.
    pub colour: &'static str,
    /// Heavier?
    pub bold: bool,
}

/// Which end of a text stands at its point.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "SVG's names")]
pub enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    /// An empty sheet of `width` x `height` pixels.
    pub fn new(width: f64, height: f64) -> Self {
        let mut svg = Self { width, height, body: String::new() };
        let sheet = Rect { left: 0.5, top: 0.5, width: width - 1.0, height: height - 1.0 };
        svg.put(format_args!("<rect {} rx=\"6\" fill=\"{PAPER}\" stroke=\"{GRID}\"/>", corners(sheet)));
        svg
    }

    /// A straight line.
    pub fn line(&mut self, from: Point, to: Point, pen: Pen) {
        self.polyline(&[from, to], pen);
    }

    /// A line through `points`.
    pub fn polyline(&mut self, points: &[Point], pen: Pen) {
        let Pen { colour, width, dash } = pen;
        let dash = if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") };
        self.put(format_args!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{}\"{dash} stroke-linejoin=\"round\"/>",
            list(points),
            px(width)
        ));
    }

    /// A filled shape without outline.
    pub fn area(&mut self, points: &[Point], colour: &str, opacity: f64) {
        self.put(format_args!("<polygon points=\"{}\" fill=\"{colour}\" fill-opacity=\"{opacity}\"/>", list(points)));
    }

    /// A filled rectangle; `tip` is shown where a viewer points at it.
    pub fn bar(&mut self, rect: Rect, colour: &str, tip: &str) {
        self.put(format_args!("<rect {} fill=\"{colour}\"><title>{}</title></rect>", corners(rect), xml(tip)));
    }

    /// A filled circle; `tip` is shown where a viewer points at it.
    pub fn dot(&mut self, (x, y): Point, radius: f64, colour: &str, tip: &str) {
        let (x, y, radius, tip) = (px(x), px(y), px(radius), xml(tip));
        self.put(format_args!(
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{colour}\"><title>{tip}</title></circle>"
        ));
    }

    /// An unfilled circle.
    pub fn ring(&mut self, (x, y): Point, radius: f64, pen: Pen) {
        let (x, y, radius, colour, width) = (px(x), px(y), px(radius), pen.colour, px(pen.width));
        self.put(format_args!(
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"/>"
        ));
    }

    /// One line of text; `at` is on its base line.
    pub fn text(&mut self, at: Point, text: &str, style: Type) {
        self.put(format_args!("<text x=\"{}\" y=\"{}\" {}>{}</text>", px(at.0), px(at.1), attrs(style), xml(text)));
    }

    /// One line of text that reads upwards; `at` is on its base line.
    pub fn text_upwards(&mut self, at: Point, text: &str, style: Type) {
        let (x, y) = (px(at.0), px(at.1));
        self.put(format_args!(
            "<text x=\"{x}\" y=\"{y}\" transform=\"rotate(-90 {x} {y})\" {}>{}</text>",
            attrs(style),
            xml(text)
        ));
    }

    /// The finished file. `title` is its name for whoever cannot see it.
    pub fn finish(self, title: &str) -> String {
        let (width, height, title) = (px(self.width), px(self.height), xml(title));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" font-family=\"{FONTS}\">\n<title>{title}</title>\n{}</svg>\n",
            self.body
        )
    }

    fn put(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.body, "{element}");
    }
}

impl Pen {
    /// A solid line.
    pub const fn new(colour: &'static str, width: f64) -> Self {
        Self { colour, width, dash: "" }
    }
}

impl Type {
    /// Ordinary text of 12 pixels.
    pub const fn new(anchor: Anchor) -> Self {
        Self { size: 12.0, anchor, colour: INK, bold: false }
    }

    /// The same, standing back.
    pub const fn muted(anchor: Anchor) -> Self {
        Self { colour: MUTED, ..Self::new(anchor) }
    }
}

impl Rect {
    /// Its other vertical edge.
    pub fn right(self) -> f64 {
        self.left + self.width
    }

    /// Its lower edge.
    pub fn bottom(self) -> f64 {
        self.top + self.height
    }
}

/// Pixels that `text` takes at most: fonts differ between viewers, so every letter counts as a wide one.
pub fn text_width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.6
}

/// `text` cut to what fits into `width` pixels.
pub fn fit(text: &str, width: f64, size: f64) -> String {
    let max = (width / (size * 0.6)).max(1.0) as usize;
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max - 1).chain(['…']).collect()
}

fn attrs(style: Type) -> String {
    let anchor = match style.anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let weight = if style.bold { " font-weight=\"600\"" } else { "" };
    format!("font-size=\"{}\" fill=\"{}\" text-anchor=\"{anchor}\"{weight}", px(style.size), style.colour)
}

fn corners(rect: Rect) -> String {
    let Rect { left, top, width, height } = rect;
    format!("x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"", px(left), px(top), px(width), px(height))
}

fn list(points: &[Point]) -> String {
    let words: Vec<_> = points.iter().map(|&(x, y)| format!("{},{}", px(x), px(y))).collect();
    words.join(" ")
}

/// A tenth of a pixel is as fine as anyone sees, and keeps files small and equal. Adding zero turns -0 into 0.
fn px(value: f64) -> f64 {
    (value * 10.0).round() / 10.0 + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_where_it_no_longer_fits() {
        assert_eq!(fit("short", 100.0, 10.0), "short");
        assert_eq!(fit("0123456789", 30.0, 10.0), "0123…");
        assert_eq!(fit("0123456789", 0.0, 10.0), "…");
    }

    #[test]
    fn coordinates_are_tenths_and_never_minus_zero() {
        assert_eq!(px(-0.01).to_string(), "0");
        assert_eq!(px(12.345).to_string(), "12.3");
    }
}
