//! Cards with rows of label and control, and tiles with one number.

use eframe::egui::collapsing_header::{CollapsingState, paint_default_icon};
use eframe::egui::{Align, Button, Frame, Layout, Margin, Response, RichText, Sense, Ui, vec2};

use crate::ui::theme;

/// Width of the labels left of the controls.
const LABEL_WIDTH: f32 = 72.0;

/// A card with a title, as wide as there is room.
pub fn card_ui(ui: &mut Ui, title: &str, content: impl FnOnce(&mut Ui)) {
    let frame = Frame::new().fill(theme::ink(ui).card).corner_radius(theme::CARD_RADIUS).inner_margin(Margin::same(12));
    frame.show(ui, |ui| {
        let width = ui.available_width();
        ui.set_min_width(width);
        ui.set_max_width(width);
        ui.heading(title);
        content(ui);
    });
}

/// Label left, control right. The label is the control's accessible name where that has none.
pub fn row_ui(ui: &mut Ui, label: &str, control: impl FnOnce(&mut Ui)) {
    ui.horizontal_top(|ui| {
        ui.allocate_ui_with_layout(vec2(LABEL_WIDTH, 24.0), Layout::left_to_right(Align::Center), |ui| {
            ui.set_width(LABEL_WIDTH);
            ui.weak(label);
        });
        ui.vertical(control);
    });
}

/// A part that is folded away until somebody asks for it. Its title stands where controls do.
pub fn more_ui(ui: &mut Ui, title: &str, content: impl FnOnce(&mut Ui)) {
    let id = ui.make_persistent_id(title);
    let mut fold = CollapsingState::load_with_default_open(ui.ctx(), id, false);
    row_ui(ui, "", |ui| {
        let (open, ink) = (fold.openness(ui.ctx()), theme::ink(ui));
        ui.spacing_mut().item_spacing.x = 2.0;
        let title = Button::new(RichText::new(title).small().color(ink.dim)).frame(false).min_size(vec2(0.0, 24.0));
        let row = ui.horizontal(|ui| {
            let (place, _) = ui.allocate_exact_size(vec2(12.0, 24.0), Sense::hover());
            (place, ui.add(title))
        });
        let (place, button) = row.inner;
        let triangle = button.clone().with_new_rect(place.shrink2(vec2(0.0, 6.0)));
        paint_default_icon(ui, open, &triangle);
        if button.clicked() {
            fold.toggle(ui);
        }
    });
    fold.show_body_unindented(ui, content);
}

/// A line of the second rank.
pub fn sub_ui(ui: &mut Ui, text: impl Into<String>) -> Response {
    ui.label(RichText::new(text).small().color(theme::ink(ui).dim))
}

/// A tile of `width` with a title.
pub fn tile_ui(ui: &mut Ui, width: f32, title: &str, content: impl FnOnce(&mut Ui)) {
    let frame =
        Frame::new().fill(theme::ink(ui).card).corner_radius(theme::CARD_RADIUS).inner_margin(Margin::symmetric(12, 8));
    frame.show(ui, |ui| {
        ui.set_width(width - 24.0);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            sub_ui(ui, title);
            content(ui);
        });
    });
}
