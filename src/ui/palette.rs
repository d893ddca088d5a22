//! The command palette and the sheet of keys, both from the table of commands.

use eframe::egui::{Context, Grid, Id, Key, Modal, ScrollArea, TextEdit, Ui};

use super::commands::{Command, Entry, TABLE};

/// What is typed into the palette.
#[derive(Debug, Default)]
pub struct Palette {
    /// Is it open?
    pub is_open: bool,
    typed: String,
}

impl Palette {
    /// Opens it empty, or closes it.
    pub fn toggle(&mut self) {
        self.is_open = !self.is_open;
        self.typed.clear();
    }
}

/// Entries in whose title every typed word occurs.
fn matching(typed: &str) -> impl Iterator<Item = &'static Entry> {
    let words: Vec<_> = typed.to_lowercase().split_whitespace().map(str::to_owned).collect();
    TABLE.iter().filter(move |entry| {
        let title = entry.title.to_lowercase();
        words.iter().all(|word| title.contains(word))
    })
}

/// The palette, if it is open. Enter takes the first line.
pub fn palette_ui(ctx: &Context, palette: &mut Palette, queue: &mut Vec<Command>) {
    if !palette.is_open {
        return;
    }
    let shown = Modal::new(Id::unique("palette")).show(ctx, |ui| {
        ui.set_width(420.0);
        let field = TextEdit::singleline(&mut palette.typed).desired_width(f32::INFINITY);
        ui.add(field).accessible_name("Find a command").request_focus();
        let is_entered = ui.input(|input| input.key_pressed(Key::Enter));
        let first = matching(&palette.typed).next().filter(|_| is_entered).map(|entry| entry.command.clone());
        first.or_else(|| lines_ui(ui, &palette.typed))
    });
    if shown.should_close() || shown.inner.is_some() {
        palette.toggle();
    }
    queue.extend(shown.inner);
}

fn lines_ui(ui: &mut Ui, typed: &str) -> Option<Command> {
    let mut chosen = None;
    ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
        for entry in matching(typed) {
            let keys = entry.shortcut.map(|keys| ui.ctx().format_shortcut(&keys)).unwrap_or_default();
            let line = eframe::egui::Button::new(entry.title).frame(false).shortcut_text(keys);
            if ui.add(line.min_size(eframe::egui::vec2(ui.available_width(), 0.0))).clicked() {
                chosen = Some(entry.command.clone());
            }
        }
    });
    chosen
}

/// Every key there is; false once it is closed.
pub fn keys_ui(ctx: &Context) -> bool {
    let shown = Modal::new(Id::unique("keys")).show(ctx, |ui| {
        ui.heading("Keys");
        Grid::new("keys").num_columns(2).striped(true).spacing([24.0, 6.0]).show(ui, |ui| {
            for entry in &TABLE {
                if let Some(shortcut) = &entry.shortcut {
                    ui.label(entry.title);
                    ui.monospace(ui.ctx().format_shortcut(shortcut));
                    ui.end_row();
                }
            }
            ui.label("Show these keys");
            ui.monospace("?");
            ui.end_row();
        });
        ui.button("Close").clicked()
    });
    !shown.inner && !shown.should_close()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_order() {
        let titles = |typed| matching(typed).map(|entry| entry.title).collect::<Vec<_>>();
        assert_eq!(titles("csv frames"), ["Export frames as CSV"]);
        assert_eq!(titles("").len(), TABLE.len());
        assert!(titles("no such command").is_empty());
    }

    #[test]
    fn no_two_commands_share_a_key() {
        for (idx, entry) in TABLE.iter().enumerate() {
            let others = TABLE.iter().skip(idx + 1);
            assert!(entry.shortcut.is_none() || others.clone().all(|other| other.shortcut != entry.shortcut));
        }
    }
}
