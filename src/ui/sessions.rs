//! Sessions on disk: listing, opening, labelling, deleting and restoring them.

use std::path::{Path, PathBuf};

use eframe::egui::{Align, Button, Grid, Key, Label, Layout, Link, TextEdit, Ui};
use egui_extras::{Column, TableBuilder, TableRow};

use super::commands::{Command, Purpose};
use super::library::Found;
use super::theme;
use crate::report::words::codec_title;
use crate::session::{Discarded, Label as SessionLabel, TRASH_FOLDER};
use crate::units::NO_VALUE;

const ROW_HEIGHT: f32 = 28.0;
/// Below this width input and tags are left out.
const ROOM_FOR_ALL: f32 = 760.0;

/// What the view remembers.
#[derive(Debug, Default)]
pub struct SessionsModel {
    /// Found when last looked; `None` before the first look is through.
    pub found: Option<Vec<Found>>,
    /// Typed folder.
    pub path: String,
    /// Only sessions whose name, folder, label, device or input holds this.
    pub search: String,
    /// Deleted since the window was opened, the last one last.
    pub deleted: Vec<Discarded>,
    editing: Option<Editing>,
}

/// A label that is being written.
#[derive(Debug)]
struct Editing {
    dir: PathBuf,
    label: SessionLabel,
    /// The tags as they are typed.
    tags: String,
}

impl SessionsModel {
    /// What the session in `dir` is called: its title and folder, or the folder alone.
    pub fn name_of(&self, dir: &Path) -> String {
        let found = self.found.iter().flatten().find(|found| found.dir == dir);
        let title = found.and_then(|found| found.label.as_ref().ok()).map(|label| label.title.as_str());
        match title.filter(|title| !title.is_empty()) {
            Some(title) => format!("{title} ({})", dir.display()),
            None => dir.display().to_string(),
        }
    }
}

/// The whole view.
pub fn sessions_ui(ui: &mut Ui, model: &mut SessionsModel, open: Option<&Path>, queue: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        let name = ui.label("Session folder");
        let typed = ui.add(TextEdit::singleline(&mut model.path).desired_width(360.0)).labelled_by(name.id);
        let is_entered = typed.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let can_open = !model.path.is_empty();
        if ui.add_enabled(can_open, Button::new("Open")).clicked() || (is_entered && can_open) {
            queue.push(Command::OpenSession(PathBuf::from(&model.path)));
        }
        if ui.button("Choose…").clicked() {
            queue.push(Command::Pick(Purpose::Session));
        }
    });
    ui.horizontal(|ui| {
        let name = ui.label("Search");
        ui.add(TextEdit::singleline(&mut model.search).desired_width(200.0)).labelled_by(name.id);
        if ui.button("Refresh").clicked() {
            queue.push(Command::FindSessions);
        }
    });
    deleted_ui(ui, &model.deleted, queue);
    editing_ui(ui, &mut model.editing, queue);
    ui.separator();
    match &model.found {
        None => drop(ui.label("Looking for sessions in the folder output.")),
        Some(found) if found.is_empty() => {
            ui.label("There are no sessions in the folder output yet. Press Run to create one.");
        }
        Some(found) => list_ui(ui, (found, open), &model.search, &mut model.editing, queue),
    }
}

fn deleted_ui(ui: &mut Ui, deleted: &[Discarded], queue: &mut Vec<Command>) {
    let Some(last) = deleted.last() else { return };
    ui.horizontal_wrapped(|ui| {
        ui.label(format!("Deleted {}: it is now in {}", last.from.display(), last.to.display()));
        if ui.button("Undo").clicked() {
            queue.push(Command::UndoDelete);
        }
    });
}

fn editing_ui(ui: &mut Ui, editing: &mut Option<Editing>, queue: &mut Vec<Command>) {
    let Some(Editing { dir, label, tags }) = editing else { return };
    let mut is_done = false;
    ui.group(|ui| {
        ui.strong(dir.display().to_string());
        Grid::new("label").num_columns(2).show(ui, |ui| {
            let name = ui.label("Title");
            ui.add(TextEdit::singleline(&mut label.title).desired_width(360.0)).labelled_by(name.id);
            ui.end_row();
            let name = ui.label("Tags");
            let line = TextEdit::singleline(tags).desired_width(360.0).hint_text("comma-separated");
            ui.add(line).labelled_by(name.id);
            ui.end_row();
            let name = ui.label("Note");
            let text = TextEdit::multiline(&mut label.note).desired_width(360.0).desired_rows(2);
            ui.add(text).labelled_by(name.id);
            ui.end_row();
        });
        ui.horizontal(|ui| {
            if ui.button("Save label").clicked() {
                label.set_tags(tags);
                queue.push(Command::SetLabel(dir.clone(), label.clone()));
                is_done = true;
            }
            is_done |= ui.button("Cancel").clicked();
        });
    });
    if is_done {
        *editing = None;
    }
}

/// One row a session; `open` is marked.
fn list_ui(
    ui: &mut Ui,
    (found, open): (&[Found], Option<&Path>),
    search: &str,
    editing: &mut Option<Editing>,
    queue: &mut Vec<Command>,
) {
    let wanted: Vec<_> = found.iter().filter(|found| is_wanted(found, search)).collect();
    ui.spacing_mut().item_spacing.y = 0.0;
    let titles = ["Session", "Created", "Codecs", "Device", "Input", "Tags"];
    let num_shown = if ui.available_width() > ROOM_FOR_ALL { titles.len() } else { titles.len() - 2 };
    TableBuilder::new(ui)
        .striped(true)
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Column::remainder().at_least(100.0).clip(true))
        .column(Column::exact(136.0))
        .column(Column::exact(60.0))
        .columns(Column::remainder().at_least(60.0).clip(true), num_shown - 3)
        .column(Column::exact(204.0))
        .header(theme::ROW_HEIGHT, |mut header| {
            for title in titles.iter().take(num_shown).chain([&""]) {
                header.col(|ui| drop(ui.weak(*title)));
            }
        })
        .body(|body| {
            body.rows(ROW_HEIGHT, wanted.len(), |mut row| {
                let Some(found) = wanted.get(row.index()) else { return };
                row.set_selected(open == Some(&found.dir));
                row_ui(&mut row, found, num_shown, editing, queue);
            });
        });
}

fn row_ui(
    row: &mut TableRow<'_, '_>,
    found: &Found,
    num_shown: usize,
    editing: &mut Option<Editing>,
    queue: &mut Vec<Command>,
) {
    let has_all = num_shown > 4;
    let name = found.name();
    row.col(|ui| {
        let note = found.label.as_ref().map_or("", |label| label.note.as_str());
        let link = ui.add(Link::new(&name)).on_hover_text(format!("Open {}\n{note}", found.dir.display()));
        if link.clicked() {
            queue.push(Command::OpenSession(found.dir.clone()));
        }
    });
    let cell = |row: &mut TableRow<'_, '_>, text: &str| {
        row.col(|ui| drop(ui.add(Label::new(text).truncate())));
    };
    match &found.manifest {
        Ok(manifest) => {
            let codecs: Vec<_> = manifest.plan.codecs.iter().map(|codec| codec_title(*codec)).collect();
            cell(row, &moment(manifest.created_unix_ms));
            cell(row, &codecs.join(", "));
            cell(row, &device_text(manifest));
            if has_all {
                cell(row, &manifest.plan.input);
            }
        }
        Err(error) => {
            row.col(|ui| drop(ui.colored_label(theme::alert(ui), "damaged").on_hover_text(error)));
            // Created is damaged; tags, the last one, come from the label.
            (0..num_shown - 2 - usize::from(has_all)).for_each(|_| cell(row, NO_VALUE));
        }
    }
    match &found.label {
        _ if !has_all => {}
        Ok(label) => cell(row, &label.tags.join(", ")),
        Err(error) => {
            row.col(|ui| drop(ui.colored_label(theme::alert(ui), "damaged").on_hover_text(error)));
        }
    }
    row.col(|ui| actions_ui(ui, found, &name, editing, queue));
}

fn actions_ui(ui: &mut Ui, found: &Found, name: &str, editing: &mut Option<Editing>, queue: &mut Vec<Command>) {
    ui.spacing_mut().item_spacing.x = theme::GRID / 2.0;
    let plan = ui.small_button("Use plan").accessible_name(format!("Use the plan of {name}"));
    if plan.on_hover_text("Fills the form on the left with the plan of this session").clicked() {
        queue.push(Command::LoadPlan(found.dir.clone()));
    }
    if ui.small_button("Label").accessible_name(format!("Label {name}")).on_hover_text("Title, tags, note").clicked() {
        let label = found.label.clone().unwrap_or_default();
        *editing = Some(Editing { dir: found.dir.clone(), tags: label.tags.join(", "), label });
    }
    let tip = format!("Moves it to the folder {TRASH_FOLDER} beside it, which this program never empties");
    if ui.small_button("Delete").accessible_name(format!("Delete {name}")).on_hover_text(tip).clicked() {
        queue.push(Command::Delete(found.dir.clone()));
    }
}

fn is_wanted(found: &Found, search: &str) -> bool {
    let search = search.to_lowercase();
    let about = found
        .manifest
        .as_ref()
        .map_or_else(Clone::clone, |manifest| format!("{} {}", device_text(manifest), manifest.input));
    let label = found
        .label
        .as_ref()
        .map_or_else(|_| String::new(), |label| format!("{} {} {}", label.title, label.note, label.tags.join(" ")));
    format!("{} {about} {label}", found.dir.display()).to_lowercase().contains(&search)
}

fn device_text(manifest: &crate::session::Manifest) -> String {
    let mark = if manifest.device.kind == crate::record::DeviceKind::Virtual { "VIRTUAL " } else { "" };
    format!("{mark}{}", manifest.plan.device)
}

fn moment(unix_ms: u64) -> String {
    let time = i64::try_from(unix_ms).ok().and_then(|unix_ms| jiff::Timestamp::from_millisecond(unix_ms).ok());
    time.map_or_else(|| NO_VALUE.to_owned(), |time| time.strftime("%Y-%m-%d %H:%M UTC").to_string())
}
