//! Every key there is: those of commands from the table of commands, and those that belong to one view.

use eframe::egui::{Grid, Label, RichText, ScrollArea, Ui};

use crate::ui::commands::{Command, Entry, HelpPage, TABLE};
use crate::ui::theme;

/// The keys of the timeline, which it has while it was clicked last or the pointer is on it.
const TIMELINE: [(&str, &str); 9] = [
    ("Zoom at the pointer", "Wheel"),
    ("Zoom in, zoom out", "W, S"),
    ("Move left, move right", "A, D"),
    ("Move", "Drag"),
    ("Next stall", "N"),
    ("Previous stall", "P"),
    ("Select a range", "Shift+Drag"),
    ("Show the numbers of a frame", "Click"),
    ("Show the whole run", "Double-click"),
];

const ROW_HEIGHT: f32 = 22.0;

/// Two lists beside each other.
pub(super) fn keys_ui(ui: &mut Ui, height: f32) {
    ScrollArea::vertical().max_height(height).min_scrolled_height(height).show(ui, |ui| {
        // Beside the scroll bar, not below it.
        ui.set_max_width(ui.available_width() - theme::GAP);
        ui.columns(2, |columns| {
            if let [left, right] = columns {
                left.vertical(commands_ui);
                right.vertical(timeline_ui);
            }
        });
    });
}

fn commands_ui(ui: &mut Ui) {
    ui.label(theme::semibold("Everywhere"));
    let keys = |entry: &Entry| {
        let keys = ui.ctx().format_shortcut(entry.shortcut.as_ref()?);
        // An alias: characters are no keys, so it is not in the table.
        let alias = if entry.command == Command::Help(HelpPage::Keys) { ", ?" } else { "" };
        Some((entry.title, format!("{keys}{alias}")))
    };
    let keys: Vec<_> = TABLE.iter().filter_map(keys).collect();
    list_ui(ui, "commands", keys.iter().map(|(title, keys)| (*title, keys.as_str())));
}

fn timeline_ui(ui: &mut Ui) {
    ui.label(theme::semibold("In the timeline"));
    list_ui(ui, "timeline", TIMELINE.into_iter());
    ui.add_space(theme::GRID);
    let hint = "Letters work after a click on the timeline, the wheel where the pointer is.";
    ui.add(Label::new(RichText::new(hint).weak()).wrap());
}

fn list_ui<'a>(ui: &mut Ui, id: &str, keys: impl Iterator<Item = (&'a str, &'a str)>) {
    Grid::new(id).num_columns(2).striped(true).min_row_height(ROW_HEIGHT).spacing([24.0, 0.0]).show(ui, |ui| {
        for (title, keys) in keys {
            ui.label(title);
            ui.monospace(keys);
            ui.end_row();
        }
    });
}
