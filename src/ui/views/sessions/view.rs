//! Sessions on disk: listing, opening, labelling, deleting and restoring them.

use std::path::{Path, PathBuf};

use eframe::egui::{Button, Grid, Key, TextEdit, Ui};

use crate::session::{Discarded, Label as SessionLabel};
use crate::ui::commands::{Command, Purpose};
use crate::ui::views::sessions::cells::Asked;
use crate::ui::views::sessions::judged::{Judgement, Judgements};
use crate::ui::views::sessions::library::{Found, Stamp};
use crate::ui::views::sessions::model::{self, Order, SessionRow};
use crate::ui::views::sessions::table::table_ui;
use crate::units;

/// What the view remembers.
#[derive(Debug, Default)]
pub struct SessionsModel {
    /// Found when last looked; `None` before the first look is through.
    pub found: Option<Vec<Found>>,
    /// Typed folder.
    pub path: String,
    /// Only sessions whose row, folder, note or device holds each of these words.
    pub search: String,
    /// Deleted since the window was opened, the last one last.
    pub deleted: Vec<Discarded>,
    editing: Option<Editing>,
    judgements: Judgements,
    /// One for each of `found`.
    rows: Vec<SessionRow>,
    order: Order,
    /// Places in `rows`, and what they were searched and sorted for; `None`: the rows are new.
    shown: Vec<usize>,
    shown_for: Option<(String, Order)>,
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
    /// Takes up which sessions there are.
    pub fn take_found(&mut self, found: Vec<Found>) {
        self.found = Some(found);
        self.refresh_rows();
    }

    /// Takes up what sessions say.
    pub fn take_judgements(&mut self, judgements: Vec<Judgement>) {
        self.judgements.take(judgements);
        self.refresh_rows();
    }

    /// The sessions to be read now; empty while others are being read.
    pub fn begin_judging(&mut self) -> Vec<(PathBuf, Stamp)> {
        self.judgements.begin(self.found.as_deref().unwrap_or_default())
    }

    fn refresh_rows(&mut self) {
        self.rows = model::rows(self.found.as_deref().unwrap_or_default(), &self.judgements);
        self.shown_for = None;
    }

    /// Filters and sorts again where the rows, the search or the order have changed.
    fn refresh_shown(&mut self) {
        let is_current = |(search, order): &(String, Order)| *search == self.search && *order == self.order;
        if !self.shown_for.as_ref().is_some_and(is_current) {
            self.shown = model::shown(&self.rows, &self.search, self.order);
            self.shown_for = Some((self.search.clone(), self.order));
        }
    }

    fn take_asked(&mut self, asked: Option<Asked>, queue: &mut Vec<Command>) {
        match asked {
            Some(Asked::Order(order)) => self.order = order,
            Some(Asked::Label(place)) => {
                let found = self.found.as_ref().and_then(|found| found.get(place));
                self.editing = found.map(|found| {
                    let label = found.label.clone().unwrap_or_default();
                    Editing { dir: found.dir.clone(), tags: label.tags.join(", "), label }
                });
            }
            Some(Asked::Command(command)) => queue.push(command),
            None => {}
        }
    }

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
    folder_ui(ui, model, queue);
    model.refresh_shown();
    search_ui(ui, model, queue);
    deleted_ui(ui, &model.deleted, queue);
    editing_ui(ui, &mut model.editing, queue);
    ui.separator();
    match &model.found {
        None => drop(ui.label("Looking for sessions in the folder output.")),
        Some(found) if found.is_empty() => {
            ui.label("There are no sessions in the folder output yet. Press Run to create one.");
        }
        Some(_) if model.shown.is_empty() => {
            ui.label(format!("No session contains '{}'.", model.search));
        }
        Some(_) => {
            let asked = table_ui(ui, &model.rows, &model.shown, model.order, open);
            model.take_asked(asked, queue);
        }
    }
}

fn folder_ui(ui: &mut Ui, model: &mut SessionsModel, queue: &mut Vec<Command>) {
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
}

fn search_ui(ui: &mut Ui, model: &mut SessionsModel, queue: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        let name = ui.label("Search");
        let field = TextEdit::singleline(&mut model.search).desired_width(200.0).hint_text("likely T=4 hevc");
        ui.add(field).labelled_by(name.id);
        if ui.button("Refresh").on_hover_text("Looks for sessions again").clicked() {
            queue.push(Command::FindSessions);
        }
        let (num_shown, num) = (units::count(model.shown.len() as f64), units::count(model.rows.len() as f64));
        let sessions = if model.rows.len() == 1 { "session" } else { "sessions" };
        ui.weak(if num_shown == num {
            format!("{num} {sessions}")
        } else {
            format!("{num_shown} of {num} {sessions}")
        });
    });
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
