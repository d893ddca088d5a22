//! Choosing one of several, and the one button that matters.

use eframe::egui::{Button, Color32, Rect, Response, Stroke, Ui, Vec2, pos2, vec2};

use crate::ui::theme;

const SHORT_WIDTH: f32 = 96.0;

/// A tab: its name, underlined where it is chosen.
pub fn tab_ui(ui: &mut Ui, is_chosen: bool, title: &str) -> Response {
    let ink = theme::ink(ui);
    let text = if is_chosen { theme::semibold(title).color(ink.text) } else { theme::plain(title).color(ink.dim) };
    let tab = ui.add(Button::new(text).frame(false).min_size(vec2(0.0, 36.0)));
    if is_chosen {
        let bottom = tab.rect.bottom();
        let line = Rect::from_min_max(pos2(tab.rect.left(), bottom - 1.0), pos2(tab.rect.right(), bottom + 1.0));
        ui.painter().rect_filled(line, 0.0, ink.accent);
    }
    tab
}

/// One of several words in a row of equal parts, as wide as there is room; answers the one that was clicked.
pub fn segments_ui(ui: &mut Ui, titles: &[&str], chosen: Option<usize>) -> Option<usize> {
    let width = ui.available_width() / titles.len().max(1) as f32;
    parts_ui(ui, titles, chosen, width)
}

/// The same, no wider than the words need.
pub fn short_segments_ui(ui: &mut Ui, titles: &[&str], chosen: Option<usize>) -> Option<usize> {
    parts_ui(ui, titles, chosen, SHORT_WIDTH)
}

fn parts_ui(ui: &mut Ui, titles: &[&str], chosen: Option<usize>, width: f32) -> Option<usize> {
    let ink = theme::ink(ui);
    let mut clicked = None;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        // The parts are as wide as they are made; padding must not widen them.
        ui.spacing_mut().button_padding.x = 2.0;
        for (idx, title) in titles.iter().enumerate() {
            let is_chosen = chosen == Some(idx);
            let text =
                if is_chosen { theme::semibold(*title).color(ink.text) } else { theme::plain(*title).color(ink.dim) };
            let fill = if is_chosen { ink.accent_ground } else { Color32::TRANSPARENT };
            let part = Button::new(text).fill(fill).stroke(Stroke::new(1.0, ink.line)).corner_radius(0);
            if ui.add_sized(vec2(width, 26.0), part.selected(is_chosen)).clicked() {
                clicked = Some(idx);
            }
        }
    });
    clicked
}

/// The one filled button.
pub fn primary_button(ui: &mut Ui, is_enabled: bool, title: &str, width: f32) -> Response {
    let ink = theme::ink(ui);
    let text = theme::semibold(title).color(Color32::WHITE);
    let button = Button::new(text).fill(ink.accent_fill).stroke(Stroke::NONE).min_size(Vec2::new(width, 32.0));
    ui.add_enabled(is_enabled, button)
}
