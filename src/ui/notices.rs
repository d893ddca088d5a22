//! What the window says by itself: what went wrong, what was written, what is there to do, whether to close.

use std::collections::VecDeque;
use std::path::Path;

use eframe::egui::{self, Context, Ui};

use super::commands::{Command, View};
use super::theme;

/// What was last exported, whichever view it was asked for in.
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

/// What went wrong stays until it was read.
pub(super) fn problems_ui(ui: &mut Ui, problems: &VecDeque<String>, queue: &mut Vec<Command>) {
    for (idx, problem) in problems.iter().enumerate() {
        ui.horizontal_wrapped(|ui| {
            ui.colored_label(theme::alert(ui), problem);
            if ui.small_button("Dismiss").clicked() {
                queue.push(Command::DismissProblem(idx));
            }
        });
    }
}

/// In place of any view while a sweep runs and nothing is to be drawn.
pub(super) fn quiet_ui(ui: &mut Ui, queue: &mut Vec<Command>) {
    ui.vertical_centered(|ui| {
        ui.add_space(ui.available_height() * 0.3);
        ui.heading("Nothing is drawn while measuring");
        ui.label("The line on top changes once a run. Esc stops the sweep and keeps what is finished.");
        ui.add_space(theme::GAP);
        if ui.button("Draw again").clicked() {
            queue.push(Command::ToggleQuiet);
        }
    });
}

pub(super) fn empty_ui(ui: &mut Ui, queue: &mut Vec<Command>) {
    ui.vertical_centered(|ui| {
        ui.add_space(ui.available_height() * 0.3);
        ui.heading("How many pictures should your encoder keep in flight?");
        ui.label("The defaults on the left measure it on a virtual device in a few seconds, no GPU needed.");
        ui.add_space(theme::GAP);
        if ui.button("Run on defaults").clicked() {
            queue.push(Command::Run);
        }
        if ui.button("Open a session").clicked() {
            queue.push(Command::Show(View::Sessions));
        }
    });
}

pub(super) fn quit_ui(ctx: &Context, queue: &mut Vec<Command>) {
    egui::Modal::new(egui::Id::unique("quit")).show(ctx, |ui| {
        ui.heading("A sweep is running");
        ui.label("Stopping it drains what is in flight and keeps every finished run.");
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
