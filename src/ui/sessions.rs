//! Sessions on disk: the list, opening one, and what is damaged about the open one.

use std::path::PathBuf;

use eframe::egui::{Grid, ScrollArea, TextEdit, Ui};

use super::commands::{Command, Purpose};
use super::library::Found;
use super::theme;
use crate::units::NO_VALUE;

/// What the view remembers.
#[derive(Debug, Default)]
pub struct SessionsModel {
    /// Found when last looked; `None` before the first look is through.
    pub found: Option<Vec<Found>>,
    /// Typed folder.
    pub path: String,
    /// Only sessions whose folder, device or input holds this.
    pub search: String,
}

/// The whole view.
pub fn sessions_ui(ui: &mut Ui, model: &mut SessionsModel, queue: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        let name = ui.label("Session folder");
        let typed = ui.add(TextEdit::singleline(&mut model.path).desired_width(360.0)).labelled_by(name.id);
        let is_entered = typed.lost_focus() && ui.input(|input| input.key_pressed(eframe::egui::Key::Enter));
        let can_open = !model.path.is_empty();
        if ui.add_enabled(can_open, eframe::egui::Button::new("Open")).clicked() || (is_entered && can_open) {
            queue.push(Command::OpenSession(PathBuf::from(&model.path)));
        }
        if ui.button("Choose…").clicked() {
            queue.push(Command::Pick(Purpose::Session));
        }
    });
    ui.horizontal(|ui| {
        let name = ui.label("Search");
        ui.add(TextEdit::singleline(&mut model.search).desired_width(200.0)).labelled_by(name.id);
        if ui.button("Look again").clicked() {
            queue.push(Command::FindSessions);
        }
    });
    ui.separator();
    match &model.found {
        None => drop(ui.label("Looking for sessions in the folder output.")),
        Some(found) if found.is_empty() => {
            ui.label("The folder output holds no session yet. Press Run to make one.");
        }
        Some(found) => list_ui(ui, found, &model.search, queue),
    }
}

fn list_ui(ui: &mut Ui, found: &[Found], search: &str, queue: &mut Vec<Command>) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        Grid::new("sessions").num_columns(4).striped(true).spacing([20.0, 6.0]).show(ui, |ui| {
            for title in ["Session", "Made", "Device", "Input"] {
                ui.strong(title);
            }
            ui.end_row();
            found.iter().filter(|found| is_wanted(found, search)).for_each(|found| line_ui(ui, found, queue));
        });
    });
}

fn line_ui(ui: &mut Ui, found: &Found, queue: &mut Vec<Command>) {
    if ui.link(found.dir.display().to_string()).on_hover_text("Open this session").clicked() {
        queue.push(Command::OpenSession(found.dir.clone()));
    }
    match &found.manifest {
        Ok(manifest) => {
            ui.label(moment(manifest.created_unix_ms));
            ui.label(device_text(manifest));
            ui.label(manifest.input.to_string());
        }
        Err(error) => {
            ui.label(NO_VALUE);
            ui.colored_label(theme::alert(ui), "damaged").on_hover_text(error);
            ui.label(NO_VALUE);
        }
    }
    ui.end_row();
}

fn is_wanted(found: &Found, search: &str) -> bool {
    let search = search.to_lowercase();
    let about = found
        .manifest
        .as_ref()
        .map_or_else(Clone::clone, |manifest| format!("{} {}", device_text(manifest), manifest.input));
    format!("{} {about}", found.dir.display()).to_lowercase().contains(&search)
}

fn device_text(manifest: &crate::session::Manifest) -> String {
    let mark = if manifest.device.kind == crate::record::DeviceKind::Virtual { "VIRTUAL " } else { "" };
    format!("{mark}{}", manifest.plan.device)
}

fn moment(unix_ms: u64) -> String {
    let time = i64::try_from(unix_ms).ok().and_then(|unix_ms| jiff::Timestamp::from_millisecond(unix_ms).ok());
    time.map_or_else(|| NO_VALUE.to_owned(), |time| time.strftime("%Y-%m-%d %H:%M UTC").to_string())
}
