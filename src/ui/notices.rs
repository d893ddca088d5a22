//! Messages of the window: errors, written files, whether to close.

use std::collections::VecDeque;
use std::path::Path;

use eframe::egui::{self, Context, Ui};

use super::commands::Command;
use super::theme;
use super::words::in_window;

/// The last export, from whichever view.
pub(super) fn written_ui(ui: &mut Ui, written: Option<&Path>, queue: &mut Vec<Command>) {
    let Some(path) = written else { return };
    ui.horizontal_wrapped(|ui| {
        ui.label(format!("Written to {}", path.display()));
        if ui.small_button("Open the folder").clicked() {
            queue.push(Command::OpenFolder);
        }
        if ui.small_button("Dismiss").clicked() {
            queue.push(Command::DismissWritten);
        }
    });
}

/// Errors stay until they are dismissed.
pub(super) fn problems_ui(ui: &mut Ui, problems: &VecDeque<String>, queue: &mut Vec<Command>) {
    for (idx, problem) in problems.iter().enumerate() {
        ui.horizontal_wrapped(|ui| {
            ui.colored_label(theme::alert(ui), in_window(problem));
            if ui.small_button("Dismiss").clicked() {
                queue.push(Command::DismissProblem(idx));
            }
        });
    }
}

/// Shown instead of any view while a sweep runs and drawing is paused.
pub(super) fn quiet_ui(ui: &mut Ui, queue: &mut Vec<Command>) {
    ui.vertical_centered(|ui| {
        ui.add_space(ui.available_height() * 0.3);
        ui.heading("Drawing is paused while measuring");
        ui.label("The line at the top changes once per run. Esc stops the sweep and keeps all finished runs.");
        ui.add_space(theme::GAP);
        if ui.button("Resume drawing").clicked() {
            queue.push(Command::ToggleQuiet);
        }
    });
}

pub(super) fn quit_ui(ctx: &Context, queue: &mut Vec<Command>) {
    egui::Modal::new(egui::Id::unique("quit")).show(ctx, |ui| {
        ui.heading("A sweep is running");
        ui.label("Stopping it drains the frames in flight and keeps all finished runs.");
        ui.horizontal(|ui| {
            if ui.button("Stop, save and close").clicked() {
                queue.push(Command::StopAndQuit);
            }
            if ui.button("Keep running").clicked() {
                queue.push(Command::KeepRunning);
            }
        });
    });
}
