//! Messages of the window: errors, written files, whether to close; and how errors and ends of sweeps come into the log.

use std::collections::VecDeque;
use std::path::Path;

use eframe::egui::{self, Context, Ui};

use crate::measure::recording::RecordingError;
use crate::measure::sweep::Outcome;
use crate::ui::app::App;
use crate::ui::commands::Command;
use crate::ui::theme;
use crate::ui::widgets::icons;
use crate::ui::words::in_window;

/// Of a notice, at most.
const WIDTH: f32 = 560.0;

impl App {
    /// Shows an error until it is dismissed; the log keeps it.
    pub(in crate::ui) fn complain(&mut self, problem: String) {
        self.log.error(in_window(&problem));
        self.problems.push_back(problem);
    }

    /// Logs how a sweep ended.
    pub(in crate::ui) fn note_end(&mut self, ended: &Result<Outcome, RecordingError>) {
        let Some(sweep) = &self.sweep else { return };
        let (name, dir) = (sweep.name, sweep.dir.display());
        match ended {
            Ok(Outcome { stopped, num_done, num_failed }) => {
                let how = if *stopped { "stopped" } else { "ended" };
                let failed = if *num_failed == 0 { String::new() } else { format!(", {num_failed} of them failed") };
                self.log.note(format!("{name} {how} after {num_done} runs{failed}: {dir}"));
            }
            Err(_) => self.log.error(format!("{name} failed: {dir}")),
        }
    }
}

/// What there is to say.
#[derive(Debug, Clone, Copy)]
pub(in crate::ui) struct Notices<'a> {
    /// What was done that cannot be seen from its place.
    pub told: Option<&'a str>,
    /// The last export.
    pub written: Option<&'a Path>,
    /// All errors.
    pub problems: &'a VecDeque<String>,
}

/// How long what was done is told. Errors stay until they are dismissed.
const TOLD_S: f64 = 12.0;

/// Has this been shown for long enough? Asks for a drawing at that time.
fn is_over(ui: &Ui, text: &str) -> bool {
    let now_s = ui.input(|input| input.time);
    let since_s: f64 = ui.data_mut(|data| *data.get_temp_mut_or(egui::Id::unique(("told", text)), now_s));
    let left_s = since_s + TOLD_S - now_s;
    if left_s > 0.0 {
        ui.ctx().request_repaint_after_secs(left_s as f32);
    } else {
        ui.data_mut(|data| data.remove_temp::<f64>(egui::Id::unique(("told", text))));
    }
    left_s <= 0.0
}

/// At the lower right above everything, so that nothing moves.
pub(in crate::ui) fn notices_ui(ctx: &Context, notices: Notices<'_>, queue: &mut Vec<Command>) {
    let Notices { told, written, problems } = notices;
    if told.is_none() && written.is_none() && problems.is_empty() {
        return;
    }
    let area = egui::Area::new(egui::Id::unique("notices")).order(egui::Order::Foreground);
    area.anchor(egui::Align2::RIGHT_BOTTOM, egui::vec2(-theme::GAP, -theme::GAP)).show(ctx, |ui| {
        ui.set_max_width(WIDTH);
        if let Some(told) = told {
            card_ui(ui, |ui| {
                ui.label(told);
                if ui.small_button("Dismiss").clicked() || is_over(ui, told) {
                    queue.push(Command::DismissTold);
                }
            });
        }
        if let Some(path) = written {
            card_ui(ui, |ui| {
                let text = format!("Written to {}", path.display());
                ui.label(&text);
                if ui.small_button("Open the folder").clicked() {
                    queue.push(Command::OpenFolder);
                }
                if ui.small_button("Dismiss").clicked() || is_over(ui, &text) {
                    queue.push(Command::DismissWritten);
                }
            });
        }
        for (idx, problem) in problems.iter().enumerate() {
            card_ui(ui, |ui| {
                ui.colored_label(theme::alert(ui), icons::WARNING);
                ui.label(in_window(problem));
                if ui.small_button("Dismiss").clicked() {
                    queue.push(Command::DismissProblem(idx));
                }
            });
        }
    });
}

fn card_ui(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    egui::Frame::popup(ui.style()).show(ui, |ui| ui.horizontal_wrapped(content));
}

/// Shown instead of any view while a sweep runs and drawing is paused.
pub(in crate::ui) fn quiet_ui(ui: &mut Ui, queue: &mut Vec<Command>) {
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

pub(in crate::ui) fn quit_ui(ctx: &Context, queue: &mut Vec<Command>) {
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
