//! Every figure as one model: what it shows, in which words, on which axes. Window, report and images paint the same.
//!
//! A figure is made from what `stats` found and computes nothing of its own. `paint` lays a panel out on any canvas; it knows
//! neither egui nor SVG. `None` from a builder: there is nothing to draw.

pub mod axis;
pub mod clocks;
pub mod colour;
pub mod density;
pub mod depth;
pub mod distribution;
pub mod front;
pub mod paint;
pub mod rounds;
pub mod shift;
pub mod thresholds;
pub mod wait_split;

use std::borrow::Cow;

use crate::contract::EngineKind;
use crate::record::Case;
use axis::Axis;
use colour::{Colour, Pen};

/// A figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Says what it shows, and of which codec.
    pub title: String,
    /// How to read it, in a few sentences.
    pub explanation: Cow<'static, str>,
    /// What its lines and colours stand for.
    pub key: Vec<Key>,
    /// Panels side by side where there is room.
    pub columns: usize,
    /// Left to right, top to bottom.
    pub panels: Vec<Panel>,
}

/// One thing that a figure tells apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Its name.
    pub label: String,
    /// What it looks like.
    pub mark: Mark,
    /// What it is, where the name does not say it.
    pub definition: Cow<'static, str>,
}

/// How a thing looks.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Mark {
    Line(Pen),
    Box(Colour),
}

/// Data between two axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Empty where the figure's title says it.
    pub title: String,
    /// What it measures, with the unit; empty where the axes say it.
    pub subtitle: String,
    /// Left to right.
    pub x: Axis,
    /// Bottom to top.
    pub y: Axis,
    /// Of the data alone, in points.
    pub height: f64,
    /// The later ones lie above.
    pub layers: Vec<Layer>,
}

/// A pair of values.
pub type Values = (f64, f64);

/// What is drawn in a panel, in values of its axes. What has a name is explained under the pointer.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Layer {
    Line {
        name: String,
        pen: Pen,
        points: Vec<Values>,
    },
    /// Between a low and a high value at each x.
    Band {
        colour: Colour,
        opacity: f64,
        edge: Vec<(f64, f64, f64)>,
    },
    Dots {
        name: String,
        colour: Colour,
        radius: f64,
        is_filled: bool,
        points: Vec<Values>,
    },
    /// Around what is recommended.
    Ring {
        colour: Colour,
        at: Values,
    },
    Bar {
        name: String,
        colour: Colour,
        opacity: f64,
        x: (f64, f64),
        y: (f64, f64),
    },
    /// Beside a point.
    Word {
        text: String,
        at: Values,
    },
}

impl Figure {
    /// The same, with things called as they are at `engine`.
    pub fn in_words_of(mut self, engine: EngineKind) -> Self {
        if engine.encodes() {
            return self;
        }
        let say = |text: &mut String| *text = engine.say(text).into_owned();
        say(&mut self.title);
        say(self.explanation.to_mut());
        for Key { label, definition, .. } in &mut self.key {
            say(label);
            say(definition.to_mut());
        }
        for panel in &mut self.panels {
            say(&mut panel.title);
            say(&mut panel.subtitle);
            panel.layers.iter_mut().filter_map(Layer::name_mut).for_each(say);
        }
        self
    }
}

impl Layer {
    /// What it is called where a pointer explains it.
    fn name_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Line { name, .. } | Self::Dots { name, .. } | Self::Bar { name, .. } => Some(name),
            Self::Band { .. } | Self::Ring { .. } | Self::Word { .. } => None,
        }
    }
}

impl Key {
    /// A line.
    pub fn line(label: impl Into<String>, pen: Pen) -> Self {
        Self { label: label.into(), mark: Mark::Line(pen), definition: Cow::Borrowed("") }
    }

    /// An area.
    pub fn area(label: impl Into<String>, colour: Colour) -> Self {
        Self { label: label.into(), mark: Mark::Box(colour), definition: Cow::Borrowed("") }
    }
}

impl Layer {
    /// A straight line that explains nothing.
    pub fn rule(from: Values, to: Values, colour: Colour, width: f64) -> Self {
        Self::Line { name: String::new(), pen: Pen::new(colour, width), points: vec![from, to] }
    }
}

/// The distinct thresholds of `cases`, ascending.
pub fn thresholds_of<'a>(cases: impl Iterator<Item = &'a Case>) -> Vec<u32> {
    let mut thresholds: Vec<_> = cases.filter(|case| case.client.is_here()).map(|case| case.reap_threshold).collect();
    thresholds.sort_unstable();
    thresholds.dedup();
    thresholds
}

/// A case's line: colour by threshold, dash by who locks; another program's is muted.
pub fn case_pen(case: &Case, thresholds: &[u32]) -> Pen {
    if !case.client.is_here() {
        return Pen::new(Colour::Muted, 1.5);
    }
    Pen::new(Colour::step(case.reap_threshold, thresholds), 1.6).of_lock(case.lock)
}
