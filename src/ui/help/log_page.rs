//! What happened in this window, the newest last.

use eframe::egui::{Label, RichText, ScrollArea, Ui};

use crate::ui::log::Log;
use crate::ui::theme;
use crate::ui::widgets::icons;

pub(super) fn log_ui(ui: &mut Ui, log: &Log, height: f32) {
    let ink = theme::ink(ui);
    let area = ScrollArea::vertical().max_height(height).min_scrolled_height(height).auto_shrink([false, true]);
    area.stick_to_bottom(true).show(ui, |ui| {
        if log.lines().is_empty() {
            ui.weak("Nothing yet: sweeps, files, sessions and errors are listed here while the window is open.");
        }
        for line in log.lines() {
            ui.horizontal_top(|ui| {
                let time = line.at.strftime("%H:%M:%S").to_string();
                ui.label(RichText::new(time).monospace().color(ink.dim)).on_hover_text("UTC");
                match line.is_error {
                    true => {
                        ui.label(RichText::new(icons::WARNING).color(ink.alert)).on_hover_text("Error");
                        ui.add(Label::new(RichText::new(&line.text).color(ink.alert)).wrap())
                    }
                    false => ui.add(Label::new(&line.text).wrap()),
                };
            });
        }
    });
}
