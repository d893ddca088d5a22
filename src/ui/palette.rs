//! The command palette, from the table of commands.

use eframe::egui::{Button, Context, Event, Id, InputState, Key, Modal, Modifiers, ScrollArea, TextEdit, Ui, vec2};

use super::commands::{Command, Entry, TABLE};
use super::possible::Possible;

/// Words that are at least this much alike (Jaro–Winkler) are the same word with a slip of the finger.
const ALIKE: f64 = 0.86;

/// What is typed into the palette, and which line Enter would take.
#[derive(Debug, Default)]
pub struct Palette {
    /// Is it open?
    pub is_open: bool,
    typed: String,
    chosen: usize,
    /// Its field has not been drawn yet.
    is_new: bool,
}

impl Palette {
    /// Opens it empty, or closes it.
    pub fn toggle(&mut self) {
        self.is_open = !self.is_open;
        self.is_new = self.is_open;
        self.typed.clear();
        self.chosen = 0;
    }
}

/// Entries in whose title every typed word occurs, slips of the finger forgiven; the best first.
fn matching(typed: &str) -> Vec<&'static Entry> {
    let typed: Vec<_> = typed.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let mut found: Vec<_> = TABLE.iter().filter_map(|entry| Some((likeness(&typed, entry.title)?, entry))).collect();
    // Stable: equal ones stay in the order of the menus.
    found.sort_by(|one, other| other.0.total_cmp(&one.0));
    found.into_iter().map(|(_, entry)| entry).collect()
}

/// How well the words fit, at most 1 each; `None`: one of them does not.
fn likeness(typed: &[String], title: &str) -> Option<f64> {
    let title = title.to_lowercase();
    let of_word = |word: &String| {
        if title.contains(word.as_str()) {
            return Some(1.0);
        }
        let alike = title.split_whitespace().map(|other| strsim::jaro_winkler(word, other)).fold(0.0, f64::max);
        (alike >= ALIKE).then_some(alike)
    };
    typed.iter().map(of_word).sum()
}

/// The palette, if it is open. The arrows choose a line, Enter takes it.
pub(super) fn palette_ui(ctx: &Context, palette: &mut Palette, possible: &Possible, queue: &mut Vec<Command>) {
    if !palette.is_open {
        return;
    }
    let shown = Modal::new(Id::unique("palette")).show(ctx, |ui| {
        ui.set_width(440.0);
        let step = ui.input_mut(|input| {
            let down = input.count_and_consume_key(Modifiers::NONE, Key::ArrowDown);
            down as isize - input.count_and_consume_key(Modifiers::NONE, Key::ArrowUp) as isize
        });
        // The field has no keys in its first frame, and beside a sweep that frame lasts longer than a word.
        if std::mem::take(&mut palette.is_new) {
            palette.typed = ui.input(typed_text);
        }
        let field = TextEdit::singleline(&mut palette.typed).desired_width(f32::INFINITY).hint_text("Find a command");
        let field = ui.add(field).accessible_name("Find a command");
        field.request_focus();
        if field.changed() {
            palette.chosen = 0;
        }
        let found = matching(&palette.typed);
        palette.chosen = palette.chosen.saturating_add_signed(step).min(found.len().saturating_sub(1));
        let is_entered = ui.input(|input| input.key_pressed(Key::Enter));
        let entered = found.get(palette.chosen).filter(|_| is_entered).map(|entry| entry.command.clone());
        let entered = entered.filter(|command| possible.why_not(command).is_none());
        if found.is_empty() {
            ui.weak(format!("No command is called '{}'", palette.typed));
        }
        entered.or_else(|| lines_ui(ui, &found, palette.chosen, step != 0, possible))
    });
    if shown.should_close() || shown.inner.is_some() {
        palette.toggle();
    }
    queue.extend(shown.inner);
}

/// What was typed since the last frame.
fn typed_text(input: &InputState) -> String {
    let text = |event: &Event| if let Event::Text(text) = event { Some(text.clone()) } else { None };
    input.events.iter().filter_map(text).collect()
}

fn lines_ui(ui: &mut Ui, found: &[&Entry], chosen: usize, has_moved: bool, possible: &Possible) -> Option<Command> {
    let mut clicked = None;
    ScrollArea::vertical().max_height(320.0).min_scrolled_height(320.0).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        for (idx, entry) in found.iter().enumerate() {
            let keys = entry.shortcut.map(|keys| ui.ctx().format_shortcut(&keys)).unwrap_or_default();
            let line = Button::selectable(idx == chosen, entry.title).shortcut_text(keys);
            let why_not = possible.why_not(&entry.command);
            let line = ui.add_enabled(why_not.is_none(), line.min_size(vec2(ui.available_width(), 0.0)));
            let line = line.accessible_name(entry.title).on_disabled_hover_text(why_not.unwrap_or_default());
            if idx == chosen && has_moved {
                line.scroll_to_me(None);
            }
            if line.clicked() {
                clicked = Some(entry.command.clone());
            }
        }
    });
    clicked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::commands::HelpPage;
    use eframe::egui::RawInput;

    #[test]
    fn words_are_found_in_any_order() {
        let titles = |typed| matching(typed).into_iter().map(|entry| entry.title).collect::<Vec<_>>();
        assert_eq!(titles("csv frames"), ["Export frames as CSV"]);
        assert_eq!(titles("").len(), TABLE.len());
        assert!(titles("no such command").is_empty());
        assert_eq!(titles("treshold")[0], "Show thresholds");
        assert_eq!(titles("calibarte")[0], "Calibrate this computer for the plan");
    }

    #[test]
    fn nothing_is_lost_of_what_is_typed_while_the_palette_opens() {
        let (ctx, mut palette, mut queue) = (Context::default(), Palette::default(), Vec::new());
        let enter = Event::Key {
            key: Key::Enter,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers: Modifiers::NONE,
        };
        palette.toggle();
        // All of it within the one frame in which the palette opens, and with it the key that takes the line.
        let events = vec![Event::Text("gloss".to_owned()), Event::Text("ary".to_owned()), enter];
        let input = RawInput { events, ..RawInput::default() };
        let mut output = ctx.run_ui(input, |ui| palette_ui(ui.ctx(), &mut palette, &Possible::default(), &mut queue));
        output.textures_delta.clear();
        assert_eq!(queue, [Command::Help(HelpPage::Glossary)]);
        assert!(!palette.is_open);
    }

    #[test]
    fn no_two_commands_share_a_key() {
        for (idx, entry) in TABLE.iter().enumerate() {
            let others = TABLE.iter().skip(idx + 1);
            assert!(entry.shortcut.is_none() || others.clone().all(|other| other.shortcut != entry.shortcut));
        }
    }
}
