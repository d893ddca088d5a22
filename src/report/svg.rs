//! Figures as SVG text: the canvas of `figures::paint` on white paper.
//!
//! Knows no data and no axis: coordinates are pixels from the top left corner. Text from outside is escaped
//! here. Every figure brings its own paper, so it reads the same on a light and on a dark page.

use std::fmt::Write as _;

use super::text::xml;
use crate::figures::colour::{Colour, Dash, Ground, Pen};
use crate::figures::paint::{Anchor, Area, Canvas, Point, Type};

/// Behind everything.
const PAPER: &str = "#ffffff";
const FONTS: &str = "Inter, system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif";
/// Width of a letter as a share of the size: fonts differ between viewers, so every letter counts as a wide one.
const LETTER: f64 = 0.6;

/// A drawing under construction.
pub struct Svg {
    width: f64,
    height: f64,
    body: String,
}

impl Svg {
    /// An empty sheet of `width` x `height` pixels.
    pub fn new(width: f64, height: f64) -> Self {
        let mut svg = Self { width, height, body: String::new() };
        let sheet = Area { left: 0.5, top: 0.5, width: width - 1.0, height: height - 1.0 };
        let edge = hex(Colour::Grid);
        svg.put(format_args!("<rect {} rx=\"6\" fill=\"{PAPER}\" stroke=\"{edge}\"/>", corners(sheet)));
        svg
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

impl Canvas for Svg {
    fn line(&mut self, points: &[Point], pen: Pen, _: &dyn Fn(usize) -> String) {
        let Pen { colour, width, dash } = pen;
        let dash = match dash {
            Dash::Solid => "",
            Dash::Dashed => " stroke-dasharray=\"7 3\"",
            Dash::LongDashed => " stroke-dasharray=\"14 4\"",
            Dash::Dotted => " stroke-dasharray=\"2 3\"",
        };
        self.put(format_args!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"{dash} stroke-linejoin=\"round\"/>",
            list(points.iter().copied()),
            hex(colour),
            px(width)
        ));
    }

    fn band(&mut self, edge: &[(f64, f64, f64)], colour: Colour, opacity: f64) {
        let low = edge.iter().map(|&(x, low, _)| (x, low));
        let high = edge.iter().rev().map(|&(x, _, high)| (x, high));
        let (points, colour) = (list(low.chain(high)), hex(colour));
        self.put(format_args!("<polygon points=\"{points}\" fill=\"{colour}\" fill-opacity=\"{opacity}\"/>"));
    }

    fn bar(&mut self, area: Area, colour: Colour, opacity: f64, tip: &str) {
        let (corners, colour) = (corners(area), hex(colour));
        let opacity = if opacity < 1.0 { format!(" fill-opacity=\"{opacity}\"") } else { String::new() };
        self.put(format_args!("<rect {corners} fill=\"{colour}\"{opacity}>{}</rect>", title(tip)));
    }

    fn dot(&mut self, (x, y): Point, radius: f64, colour: Colour, is_filled: bool, tip: &str) {
        let (x, y, radius, colour, tip) = (px(x), px(y), px(radius), hex(colour), title(tip));
        let look = if is_filled {
            format!("fill=\"{colour}\"")
        } else {
            format!("fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.4\"")
        };
        self.put(format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" {look}>{tip}</circle>"));
    }

    fn text(&mut self, at: Point, text: &str, style: Type) {
        if !text.is_empty() {
            self.put(format_args!("<text x=\"{}\" y=\"{}\" {}>{}</text>", px(at.0), px(at.1), attrs(style), xml(text)));
        }
    }

    fn text_width(&self, text: &str, style: Type) -> f64 {
        text.chars().count() as f64 * style.size * LETTER
    }
}

/// What a viewer shows where somebody points.
fn title(tip: &str) -> String {
    if tip.is_empty() { String::new() } else { format!("<title>{}</title>", xml(tip)) }
}

fn hex(colour: Colour) -> String {
    let [red, green, blue] = colour.rgb(Ground::Light);
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn attrs(style: Type) -> String {
    let anchor = match style.anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let weight = if style.is_strong { " font-weight=\"600\"" } else { "" };
    format!("font-size=\"{}\" fill=\"{}\" text-anchor=\"{anchor}\"{weight}", px(style.size), hex(style.colour))
}

fn corners(area: Area) -> String {
    let Area { left, top, width, height } = area;
    format!("x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"", px(left), px(top), px(width.max(0.0)), px(height.max(0.0)))
}

fn list(points: impl Iterator<Item = Point>) -> String {
    let words: Vec<_> = points.map(|(x, y)| format!("{},{}", px(x), px(y))).collect();
    words.join(" ")
}

/// A tenth of a pixel is as fine as anyone sees, and keeps files small and equal. Adding zero turns -0 into 0.
fn px(value: f64) -> f64 {
    (value * 10.0).round() / 10.0 + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::paint::fit;

    #[test]
    fn long_text_is_cut_where_it_no_longer_fits() {
        let svg = Svg::new(10.0, 10.0);
        let style = Type { size: 10.0, ..Type::new(Anchor::Start) };
        assert_eq!(fit(&svg, "short", style, 100.0), "short");
        assert_eq!(fit(&svg, "0123456789", style, 30.0), "0123…");
        assert_eq!(fit(&svg, "0123456789", style, 0.0), "…");
    }

    #[test]
    fn coordinates_are_tenths_and_never_minus_zero() {
        assert_eq!(px(-0.01).to_string(), "0");
        assert_eq!(px(12.345).to_string(), "12.3");
    }
}
