//! The bar at the top: menus, the device that is measured, the progress of the sweep, Run and Stop.

use std::time::{Duration, Instant};

use eframe::egui::{Button, ProgressBar, RichText, Ui};

use super::commands::{Command, Menu, TABLE, View};
use super::theme;
use crate::bench::schedule::Forecast;
use crate::plan::PlannedRun;
use crate::record::{DeviceInfo, DeviceKind};
use crate::units;

/// The progress of a sweep.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Progress {
    pub num_runs: u64,
    /// For all runs, by the device's model.
    pub expected: Option<Duration>,
    pub num_done: u64,
    pub num_failed: u64,
    pub started: Instant,
    pub current: Option<PlannedRun>,
    pub is_stopping: bool,
    /// By the last forecast.
    pub ends_at: Option<Instant>,
}

impl Progress {
    /// Share of the runs that have ended.
    fn share(&self) -> f32 {
        self.num_done as f32 / self.num_runs.max(1) as f32
    }

    /// Takes up the latest forecast.
    pub fn foresee(&mut self, forecast: Forecast) {
        self.num_runs = self.num_done + forecast.num_runs + forecast.num_later;
        self.ends_at = forecast.remaining.map(|remaining| Instant::now() + remaining);
    }

    /// Time left by the last forecast; without one, if the remaining runs take as long as the finished ones; before the
    /// first run, the expected time.
    fn remaining(&self) -> Option<Duration> {
        if let Some(ends_at) = self.ends_at {
            return Some(ends_at.saturating_duration_since(Instant::now()));
        }
        if self.num_done == 0 {
            return self.expected.map(|expected| expected.saturating_sub(self.started.elapsed()));
        }
        let left = self.num_runs.saturating_sub(self.num_done) as f64;
        Some(self.started.elapsed().mul_f64(left / self.num_done as f64))
    }

    /// "run 12 of 44, H.264 T=4 inline, 3 s left"
    pub fn text(&self) -> String {
        if self.is_stopping {
            return "stopping: draining the frames in flight".to_owned();
        }
        let current = self.current.as_ref().map_or_else(
            || "opening".to_owned(),
            |run| {
                let warmup = match run {
                    PlannedRun { warmup: true, .. } => ", warm-up",
                    PlannedRun { is_confirmation: true, .. } => ", confirmation",
                    _ => "",
                };
                format!("run {} of {}, {}{warmup}", run.order_index + 1, self.num_runs, run.case)
            },
        );
        let left = self.remaining().map_or_else(String::new, |left| format!(", {} left", units::duration(left)));
        let failed = if self.num_failed == 0 { String::new() } else { format!(", {} failed", self.num_failed) };
        format!("{current}{left}{failed}")
    }
}

/// Menus on the left, the sweep on the right.
pub fn bar_ui(ui: &mut Ui, progress: Option<&Progress>, can_run: bool, is_quiet: bool, queue: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        for menu in Menu::ALL {
            ui.menu_button(menu.title(), |ui| menu_ui(ui, menu, is_quiet, queue));
        }
        ui.separator();
        match progress {
            None => {
                if ui.add_enabled(can_run, Button::new("Run")).on_hover_text("Run the sweep (Ctrl+R)").clicked() {
                    queue.push(Command::Run);
                }
            }
            Some(progress) => {
                let stop = ui.add_enabled(!progress.is_stopping, Button::new("Stop"));
                if stop.on_hover_text("Stop the sweep and keep all finished runs (Esc)").clicked() {
                    queue.push(Command::Stop);
                }
                let bar = ProgressBar::new(progress.share()).desired_width(160.0).show_percentage();
                ui.add(bar).accessible_name("Progress");
                ui.label(progress.text());
            }
        }
    });
}

fn menu_ui(ui: &mut Ui, menu: Menu, mut is_quiet: bool, queue: &mut Vec<Command>) {
    for entry in TABLE.iter().filter(|entry| entry.menu == menu) {
        if entry.command == Command::ToggleQuiet {
            if ui.checkbox(&mut is_quiet, entry.title).clicked() {
                queue.push(Command::ToggleQuiet);
            }
            continue;
        }
        let mut button = Button::new(entry.title);
        if let Some(shortcut) = &entry.shortcut {
            button = button.shortcut_text(ui.ctx().format_shortcut(shortcut));
        }
        if ui.add(button).clicked() {
            queue.push(entry.command.clone());
        }
    }
}

/// The device that was measured; a virtual device is marked as virtual.
pub fn device_ui(ui: &mut Ui, device: Option<&DeviceInfo>, session: &str) {
    ui.horizontal_wrapped(|ui| match device {
        None => {
            drop(ui.label(RichText::new("No session yet. Choose what to measure on the left and press Run.").weak()))
        }
        Some(device) => {
            let text = RichText::new(device.to_string());
            let is_virtual = device.kind == DeviceKind::Virtual;
            ui.label(if is_virtual { text.color(theme::virtual_device(ui)) } else { text });
            ui.label(RichText::new(session).weak());
        }
    });
}

/// One tab a view.
pub fn tabs_ui(ui: &mut Ui, view: View, queue: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        for tab in View::ALL {
            if ui.selectable_label(view == tab, tab.title()).clicked() {
                queue.push(Command::Show(tab));
            }
        }
    });
}
