//! Chips: a state in a word, or a value that can be removed.

use eframe::egui::{Button, Frame, Margin, Response, RichText, Ui};

use super::icons;
use crate::ui::theme;

/// What a chip says about its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Good.
    Good,
    /// To be noticed.
    Warn,
    /// Neither.
    Plain,
    /// In progress, or chosen.
    Accent,
}

/// A word on a coloured ground.
pub fn chip_ui(ui: &mut Ui, tone: Tone, text: &str) -> Response {
    let ink = theme::ink(ui);
    let (colour, ground) = match tone {
        Tone::Good => (ink.good, ink.good_ground),
        Tone::Warn => (ink.warn, ink.warn_ground),
        Tone::Plain => (ink.dim, ink.card),
        Tone::Accent => (ink.text, ink.accent_ground),
    };
    let frame = Frame::new().fill(ground).corner_radius(10).inner_margin(Margin::symmetric(10, 1));
    frame.show(ui, |ui| ui.label(theme::semibold(text).size(12.0).color(colour))).inner
}

/// A value with a cross. Was it clicked? `name`: accessible name, since a number alone says nothing.
pub fn removable_chip_ui(ui: &mut Ui, text: &str, name: &str) -> bool {
    let ink = theme::ink(ui);
    let label = RichText::new(format!("{text} {}", icons::X)).color(ink.text);
    let chip = Button::new(label).fill(ink.accent_ground).stroke((0.0, ink.accent_ground));
    ui.add(chip).accessible_name(name).on_hover_text(name).clicked()
}
