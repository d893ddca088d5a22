//! What several cards of the set-up draw: a number in a row, problems, an entry of two lines.

use eframe::egui::text::LayoutJob;
use eframe::egui::{Button, DragValue, FontSelection, Response, RichText, Ui};

use crate::ui::theme;
use crate::ui::views::setup::model::{Part, Problem};
use crate::ui::widgets::row_ui;

/// Of what opens from a control.
pub(in crate::ui) const LIST_WIDTH: f32 = 360.0;

/// A number with its unit.
pub(in crate::ui) fn number_ui(ui: &mut Ui, label: &str, value: &mut u32, unit: &str) {
    row_ui(ui, label, |ui| {
        ui.add(DragValue::new(value).speed(0.1).suffix(unit)).accessible_name(label);
    });
}

/// What is wrong with these parts of the form.
pub(in crate::ui) fn problems_ui(ui: &mut Ui, problems: &[Problem], parts: &[Part]) {
    for problem in problems.iter().filter(|problem| parts.contains(&problem.part)) {
        ui.colored_label(theme::alert(ui), &problem.message);
    }
}

/// An entry of a list: its name, and below it what it is.
pub(in crate::ui) fn entry_ui(ui: &mut Ui, is_enabled: bool, is_chosen: bool, title: &str, about: &str) -> Response {
    let ink = theme::ink(ui);
    let mut text = LayoutJob::default();
    let mut put = |piece: RichText, ui: &Ui| {
        piece.append_to(&mut text, ui.style(), FontSelection::Default, eframe::egui::Align::Min);
    };
    put(RichText::new(title).color(ink.text), ui);
    if !about.is_empty() {
        put(RichText::new(format!("\n{about}")).small().color(ink.dim), ui);
    }
    let entry = Button::selectable(is_chosen, text).wrap().min_size([ui.available_width(), 0.0].into());
    ui.add_enabled(is_enabled, entry).accessible_name(title)
}
