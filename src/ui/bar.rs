//! The menus at the top, the tabs of the views, and the progress of a sweep in words.

use std::time::{Duration, Instant};

use eframe::egui::containers::menu::MenuButton;
use eframe::egui::{Align, AtomExt as _, Button, Label, Layout, RichText, Role, Separator, Ui, WidgetInfo, vec2};

use super::commands::{Command, Entry, Menu, TABLE, View};
use super::possible::Possible;
use super::theme;
use super::widgets::{icons, tab_ui};
use crate::measure::schedule::Forecast;
use crate::plan::PlannedRun;
use crate::report::words::codec_title;
use crate::units;

/// Before the titles of a menu that has ticks.
const TICK_WIDTH: f32 = 16.0;

/// How far apart the percentages are that the window's title shows.
const TITLE_STEP_PCT: u64 = 5;

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
    pub(super) fn share(&self) -> f32 {
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

    /// "Running 35 %", for the title of the window.
    pub(super) fn in_title(&self) -> String {
        if self.is_stopping || self.num_runs == 0 {
            return self.state();
        }
        let share_pct = 100 * self.num_done / self.num_runs;
        format!("Running {} %", share_pct - share_pct % TITLE_STEP_PCT)
    }

    /// "Running 34 of 56", in the verdict bar.
    pub(super) fn state(&self) -> String {
        match (self.is_stopping, self.num_runs) {
            (true, _) => "Stopping".to_owned(),
            (false, 0) => "Opening".to_owned(),
            // After the last run nothing is left but to close the session.
            (false, num_runs) => format!("Running {} of {num_runs}", (self.num_done + 1).min(num_runs)),
        }
    }

    /// "H.264 T=4 (inline), 3 s left"
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
                format!("{} {}{warmup}", codec_title(run.case.codec), run.case.title())
            },
        );
        let left = self.remaining().map_or_else(String::new, |left| format!(", {} left", units::duration(left)));
        let failed = if self.num_failed == 0 { String::new() } else { format!(", {} failed", self.num_failed) };
        format!("{current}{left}{failed}")
    }
}

/// Menus on the left, what is open on the right.
pub(super) fn bar_ui(ui: &mut Ui, session: &str, possible: &Possible, queue: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        ui.label(theme::semibold("Inflight"));
        for menu in Menu::ALL {
            let button = Button::new(RichText::new(menu.title()).color(theme::ink(ui).dim)).frame_when_inactive(false);
            MenuButton::from_button(button).ui(ui, |ui| menu_ui(ui, menu, possible, queue));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let keys = TABLE.iter().find(|entry| entry.command == Command::TogglePalette);
            let keys = keys.and_then(|entry| Some(ui.ctx().format_shortcut(entry.shortcut.as_ref()?)));
            let palette = RichText::new(keys.unwrap_or_default()).small().color(theme::ink(ui).dim);
            let palette = ui.add(Button::new(palette)).accessible_name("Find a command");
            if palette.on_hover_text("Find a command").clicked() {
                queue.push(Command::TogglePalette);
            }
            ui.add(Label::new(RichText::new(session).color(theme::ink(ui).dim)).truncate());
        });
    });
}

fn menu_ui(ui: &mut Ui, menu: Menu, possible: &Possible, queue: &mut Vec<Command>) {
    let entries = || TABLE.iter().filter(|entry| entry.menu == menu);
    let has_ticks = entries().any(|entry| possible.is_on(&entry.command).is_some());
    for (idx, entry) in entries().enumerate() {
        if entry.begins_group && idx > 0 {
            ui.separator();
        }
        if entry_ui(ui, entry, possible, has_ticks) {
            queue.push(entry.command.clone());
        }
    }
}

/// One line of a menu. Was it chosen?
fn entry_ui(ui: &mut Ui, entry: &Entry, possible: &Possible, has_ticks: bool) -> bool {
    let is_on = possible.is_on(&entry.command);
    let tick = if is_on == Some(true) { icons::CHECK } else { "" };
    let mut button = Button::new(entry.title);
    if has_ticks {
        button = Button::new((RichText::new(tick).atom_size(vec2(TICK_WIDTH, TICK_WIDTH)), entry.title));
    }
    if let Some(shortcut) = &entry.shortcut {
        button = button.shortcut_text(ui.ctx().format_shortcut(shortcut));
    }
    let why_not = possible.why_not(&entry.command);
    let chosen = ui.add_enabled(why_not.is_none(), button).accessible_name(entry.title);
    if let Some(is_on) = is_on {
        chosen.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, is_on, entry.title));
    }
    chosen.on_disabled_hover_text(why_not.unwrap_or_default()).clicked()
}

/// One tab a view.
pub fn tabs_ui(ui: &mut Ui, view: View, queue: &mut Vec<Command>) {
    let spacing = ui.spacing().item_spacing;
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 3.0 * theme::GRID;
        for tab in View::ALL {
            if tab_ui(ui, view == tab, tab.title()).clicked() {
                queue.push(Command::Show(tab));
            }
        }
    });
    ui.add(Separator::default().spacing(1.0));
    ui.add_space(theme::GRID);
    ui.spacing_mut().item_spacing = spacing;
}
