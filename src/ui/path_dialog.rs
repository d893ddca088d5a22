//! A path typed by hand, with completion: for systems on which no file dialog answers.

use std::path::{Path, PathBuf};

use eframe::egui::{Button, Context, Id, Key, Modal, ScrollArea, TextEdit, Ui, vec2};

use super::commands::Purpose;
use super::theme;
use super::widgets::{primary_button, sub_ui};

/// Longer lists help nobody.
const MAX_ENTRIES: usize = 200;
const LIST_HEIGHT: f32 = 240.0;

/// The dialog, while it is open.
#[derive(Debug)]
pub(super) struct PathDialog {
    purpose: Purpose,
    typed: String,
    /// What lies in the folder that is typed: its name and the names in it.
    listed: Option<(PathBuf, Vec<String>)>,
}

/// How it ended.
pub(super) enum Picked {
    Path(Purpose, PathBuf),
    Nothing,
}

impl PathDialog {
    /// Opens it in the folder that the program was started in.
    pub(super) fn open(purpose: Purpose) -> Self {
        let folder = std::env::current_dir().map_or_else(|_| String::new(), |dir| with_slash(&dir));
        Self { purpose, typed: folder, listed: None }
    }

    /// The folder that is typed, and what stands behind it.
    fn parts(&self) -> (PathBuf, String) {
        let at = self.typed.rfind(std::path::is_separator).map_or(0, |at| at + 1);
        let (folder, begun) = self.typed.split_at(at);
        (if folder.is_empty() { PathBuf::from(".") } else { PathBuf::from(folder) }, begun.to_lowercase())
    }

    /// Names in the typed folder that begin as typed; folders end with a slash.
    fn completions(&mut self) -> Vec<String> {
        let (folder, begun) = self.parts();
        if self.listed.as_ref().is_none_or(|(listed, _)| *listed != folder) {
            self.listed = Some((folder.clone(), names_in(&folder)));
        }
        let names = self.listed.iter().flat_map(|(_, names)| names);
        let fits =
            |name: &&String| name.to_lowercase().starts_with(&begun) && (!begun.is_empty() || !name.starts_with('.'));
        names.filter(fits).take(MAX_ENTRIES).cloned().collect()
    }

    fn complete(&mut self, name: &str) {
        let (folder, _) = self.parts();
        let folder = if folder == Path::new(".") { String::new() } else { with_slash(&folder) };
        self.typed = folder + name;
    }

    /// Draws it; answers once it is done.
    pub(super) fn show(&mut self, ctx: &Context) -> Option<Picked> {
        let shown = Modal::new(Id::unique("path")).show(ctx, |ui| {
            ui.set_width(520.0);
            ui.heading(title(self.purpose));
            sub_ui(ui, "No file dialog of the system answered, so type the path here. Tab completes it.");
            self.field_ui(ui)
        });
        if shown.should_close() { Some(Picked::Nothing) } else { shown.inner }
    }

    fn field_ui(&mut self, ui: &mut Ui) -> Option<Picked> {
        let completions = self.completions();
        let is_tab = ui.input_mut(|input| input.consume_key(eframe::egui::Modifiers::NONE, Key::Tab));
        if let Some(first) = completions.first().filter(|_| is_tab) {
            self.complete(first);
        }
        let field = ui.add(TextEdit::singleline(&mut self.typed).desired_width(f32::INFINITY).lock_focus(true));
        field.accessible_name("Path").request_focus();
        let is_entered = ui.input(|input| input.key_pressed(Key::Enter));
        // As high with few names as with many: what is below must not move away from under the pointer.
        ScrollArea::vertical().min_scrolled_height(LIST_HEIGHT).max_height(LIST_HEIGHT).auto_shrink(false).show(
            ui,
            |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                for name in &completions {
                    let line = Button::selectable(false, name).min_size(vec2(ui.available_width(), 0.0));
                    if ui.add(line).clicked() {
                        self.complete(name);
                    }
                }
                if completions.is_empty() {
                    ui.weak(match self.purpose {
                        Purpose::Report => "A new file",
                        _ => "No name in this folder begins like that",
                    });
                }
            },
        );
        let mut picked = None;
        ui.add_space(theme::GRID);
        ui.horizontal(|ui| {
            let path = PathBuf::from(self.typed.trim());
            let is_usable = !path.as_os_str().is_empty();
            if primary_button(ui, is_usable, "Use this path", 120.0).clicked() || (is_entered && is_usable) {
                picked = Some(Picked::Path(self.purpose, path));
            }
            if ui.button("Cancel").clicked() {
                picked = Some(Picked::Nothing);
            }
        });
        picked
    }
}

fn title(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Input => "Clip",
        Purpose::Plan => "Plan file or session folder",
        Purpose::Session | Purpose::Before => "Session folder",
        Purpose::Report => "Report",
    }
}

fn with_slash(folder: &Path) -> String {
    let text = folder.display().to_string();
    if text.ends_with(std::path::is_separator) { text } else { text + std::path::MAIN_SEPARATOR_STR }
}

/// Folders first, then files, each in order; nothing where the folder cannot be read.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| {
            let is_file = !entry.path().is_dir();
            let name = entry.file_name().to_string_lossy().into_owned();
            (is_file, if is_file { name } else { name + std::path::MAIN_SEPARATOR_STR })
        })
        .collect();
    names.sort();
    names.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_completed_from_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("clips")).unwrap();
        std::fs::write(dir.path().join("clip.y4m"), b"").unwrap();
        std::fs::write(dir.path().join("notes.txt"), b"").unwrap();
        let typed = |begun: &str| with_slash(dir.path()) + begun;
        let mut dialog = PathDialog { purpose: Purpose::Input, typed: typed("cl"), listed: None };
        assert_eq!(dialog.completions(), [format!("clips{}", std::path::MAIN_SEPARATOR), "clip.y4m".to_owned()]);
        dialog.complete("clip.y4m");
        assert_eq!(dialog.typed, typed("clip.y4m"));
        dialog.typed = typed("nothing");
        assert!(dialog.completions().is_empty());
        dialog.typed = "/no/such/folder/".to_owned();
        assert!(dialog.completions().is_empty());
    }
}
