//! What the plots have in common: titles, keys, plots that stand still, stacked bars.

use eframe::egui::{Color32, Sense, TextStyle, Ui, vec2};

use crate::record::DeviceKind;
use crate::ui::data::LoadedSession;
use crate::ui::{pictures, theme};

/// A line or area in a key.
pub struct KeyEntry {
    /// What it stands for.
    pub name: String,
    /// How it is drawn.
    pub colour: Color32,
    /// Its tooltip; empty where the name says it.
    pub definition: &'static str,
}

/// A plot's title, with what it shows as tooltip. An exported picture of a virtual device's plot says so.
pub fn title_ui(ui: &mut Ui, title: &str, definition: &str, session: &LoadedSession) {
    let shown = ui.horizontal(|ui| {
        ui.heading(title).on_hover_text(definition);
        if session.session.manifest.device.kind == DeviceKind::Virtual && pictures::is_asked(ui.ctx()) {
            ui.colored_label(theme::virtual_device(ui), "VIRTUAL DEVICE");
        }
    });
    pictures::note_title(ui, shown.response.rect);
}

/// Names and their colours in one row that wraps.
pub fn key_ui(ui: &mut Ui, entries: impl Iterator<Item = KeyEntry>) {
    let shown = ui.horizontal_wrapped(|ui| {
        for KeyEntry { name, colour, definition } in entries {
            let (rect, _) = ui.allocate_exact_size(vec2(18.0, ui.text_style_height(&TextStyle::Small)), Sense::hover());
            ui.painter().rect_filled(rect.shrink2(vec2(4.0, 3.0)), 2.0, colour);
            let label = ui.small(name);
            if !definition.is_empty() {
                label.on_hover_text(definition);
            }
            ui.add_space(6.0);
        }
    });
    pictures::note_key(ui, shown.response.rect);
}

impl KeyEntry {
    /// A solid line whose name says it all.
    pub fn solid(name: impl Into<String>, colour: Color32) -> Self {
        Self { name: name.into(), colour, definition: "" }
    }
}
