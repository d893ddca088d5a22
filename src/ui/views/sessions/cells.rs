//! The cells of the list of sessions: what one row shows, line by line where its codecs disagree. Draws `session_rows`.

use eframe::egui::{
    Align, Button, Color32, Layout, Link, Rect, RichText, Role, Sense, TextWrapMode, Ui, UiBuilder, WidgetInfo, pos2,
    vec2,
};

use crate::session::TRASH_FOLDER;
use crate::ui::commands::Command;
use crate::ui::theme::{self, Ink};
use crate::ui::verdict_bar::{state_text, tone};
use crate::ui::views::sessions::judged::Line;
use crate::ui::views::sessions::model::{Field, Order, RowState, SessionRow, codecs_text};
use crate::ui::widgets::{Tone, icons};
use crate::units::{self, NO_VALUE};

/// Height of one line of a row, and of the line that says what is wrong with it.
const LINE_HEIGHT: f32 = 24.0;
const DAMAGE_HEIGHT: f32 = 20.0;
/// Room above and below the lines of a row.
const ROW_MARGIN: f32 = 2.0;
/// Between a number and what stands to the right of it, beside the usual spacing.
const NUMBER_MARGIN: f32 = 6.0;
/// Before the name: the mark of the session that is open.
pub(in crate::ui) const MARK_WIDTH: f32 = 12.0;
const MARK_RADIUS: f32 = 3.5;

/// What a click in the list asks of the view.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::ui) enum Asked {
    /// Another order of rows.
    Order(Order),
    /// The form for the label of the row at this place.
    Label(usize),
    /// Something that changes more than the view.
    Command(Command),
}

fn num_lines(row: &SessionRow) -> usize {
    row.state.lines().len().max(1)
}

/// Height of a row.
pub(in crate::ui) fn height(row: &SessionRow) -> f32 {
    let damage = if row.damage.is_some() { DAMAGE_HEIGHT } else { 0.0 };
    LINE_HEIGHT.mul_add(num_lines(row) as f32, damage + 2.0 * ROW_MARGIN)
}

/// The `idx`-th line of the cell that `ui` fills.
fn line_rect(ui: &Ui, idx: usize) -> Rect {
    let cell = ui.max_rect();
    let top = cell.top() + ROW_MARGIN + LINE_HEIGHT * idx as f32;
    Rect::from_min_size(pos2(cell.left(), top), vec2(cell.width(), LINE_HEIGHT))
}

/// Draws in `rect`; what is too long ends in "…" and is whole in its tooltip. Numbers stand to the right.
pub(in crate::ui) fn in_rect(ui: &mut Ui, mut rect: Rect, is_number: bool) -> Ui {
    if is_number {
        rect.max.x -= NUMBER_MARGIN;
    }
    let layout = if is_number { Layout::right_to_left(Align::Center) } else { Layout::left_to_right(Align::Center) };
    let mut child = ui.new_child(UiBuilder::new().max_rect(rect).layout(layout));
    child.style_mut().wrap_mode = Some(TextWrapMode::Truncate);
    child
}

/// The name, and a dot before that of the open session. Was it clicked?
pub(in crate::ui) fn name_ui(ui: &mut Ui, row: &SessionRow, is_open: bool) -> bool {
    let mut line = line_rect(ui, 0);
    if is_open {
        let mark = Rect::from_min_size(line.min, vec2(MARK_WIDTH, line.height()));
        let (response, painter) = in_rect(ui, mark, false).allocate_painter(mark.size(), Sense::hover());
        painter.circle_filled(mark.center() - vec2(2.0, 0.0), MARK_RADIUS, theme::ink(ui).accent);
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("{} is open", row.name)));
        response.on_hover_text("This session is open");
    }
    line.min.x += MARK_WIDTH;
    let tip = format!("Open {}\n{}", row.dir.display(), row.note);
    in_rect(ui, line, false).add(Link::new(&row.name)).on_hover_text(tip.trim_end()).clicked()
}

/// Any other column.
pub(in crate::ui) fn cell_ui(ui: &mut Ui, row: &SessionRow, field: Field) {
    match field {
        Field::Session => {}
        Field::Verdict => verdicts_ui(ui, row),
        Field::Threshold => each_line(ui, row, |ui, line| {
            let case = line.map_or_else(|| NO_VALUE.to_owned(), |line| line.case.title());
            drop(ui.label(case));
        }),
        Field::Codecs => each_line(ui, row, |ui, line| {
            let codecs = codecs_text(line.map_or(&row.codecs, |line| &line.codecs));
            drop(ui.label(RichText::new(codecs).small()));
        }),
        field => {
            let line = line_rect(ui, 0);
            value_ui(&mut in_rect(ui, line, field.is_number()), row, field);
        }
    }
}

/// A column that has one value however many codecs there are.
fn value_ui(ui: &mut Ui, row: &SessionRow, field: Field) {
    let ink = theme::ink(ui);
    let small = |text: &str| RichText::new(text).small().color(ink.dim);
    match field {
        Field::Device => {
            let colour = if row.is_virtual { theme::virtual_device(ui) } else { ink.dim };
            ui.label(small(&row.device).color(colour)).on_hover_text(&row.device_facts);
        }
        Field::Runs => {
            let runs = ui.label(row.runs());
            if row.num_failed > 0 {
                let failed = units::count(row.num_failed as f64);
                runs.on_hover_text(format!("Of these, {failed} failed"));
            }
        }
        Field::Size => drop(ui.label(small(&units::bytes(row.size_bytes as f64)))),
        Field::Created => drop(ui.label(small(&row.created()))),
        Field::Input => drop(ui.label(small(&row.input))),
        Field::Tags => drop(ui.label(small(&row.tags))),
        // These have a line a codec.
        Field::Session | Field::Verdict | Field::Threshold | Field::Codecs => {}
    }
}

/// Each answer on its own line; a row without one has one line.
fn each_line(ui: &mut Ui, row: &SessionRow, mut draw: impl FnMut(&mut Ui, Option<&Line>)) {
    for idx in 0..num_lines(row) {
        let rect = line_rect(ui, idx);
        draw(&mut in_rect(ui, rect, false), row.state.lines().get(idx));
    }
}

fn verdicts_ui(ui: &mut Ui, row: &SessionRow) {
    let ink = theme::ink(ui);
    each_line(ui, row, |ui, line| match line {
        Some(line) => {
            let word = theme::semibold(state_text(line.state)).small().color(colour(ink, tone(line.state)));
            drop(ui.label(word).on_hover_text(&line.summary));
        }
        None => {
            let colour = match row.state {
                RowState::Unreadable => ink.alert,
                RowState::Running => ink.accent,
                _ => ink.dim,
            };
            for title in row.state.titles() {
                let word = ui.label(RichText::new(title).small().color(colour));
                if row.state == RowState::Unread {
                    word.on_hover_text("Sessions are read one after the other while nothing is measured");
                }
            }
        }
    });
}

/// The tone of the verdict bar's chip as a colour of text.
fn colour(ink: &Ink, tone: Tone) -> Color32 {
    match tone {
        Tone::Good => ink.good,
        Tone::Warn => ink.warn,
        Tone::Plain => ink.dim,
        Tone::Accent => ink.accent,
    }
}

/// What is wrong with a session, below its row and over the whole width of it; `left` is how far the row reaches to the
/// left of the last cell, which `ui` fills.
pub(in crate::ui) fn damage_ui(ui: &mut Ui, row: &SessionRow, left: f32) {
    let Some(damage) = &row.damage else { return };
    let cell = ui.max_rect();
    let top = line_rect(ui, num_lines(row)).top() - ROW_MARGIN;
    let rect = Rect::from_min_max(pos2(cell.left() - left + MARK_WIDTH, top), pos2(cell.right(), top + DAMAGE_HEIGHT));
    let text = RichText::new(format!("{} {damage}", icons::WARNING)).small().color(theme::alert(ui));
    in_rect(ui, rect, false).label(text);
}

/// The buttons of a row.
pub(in crate::ui) fn actions_ui(ui: &mut Ui, row: &SessionRow, place: usize, is_long: bool) -> Option<Asked> {
    let line = line_rect(ui, 0);
    let ui = &mut ui.new_child(UiBuilder::new().max_rect(line).layout(Layout::right_to_left(Align::Center)));
    ui.spacing_mut().item_spacing.x = theme::GRID / 2.0;
    ui.spacing_mut().button_padding.x = theme::GRID / 2.0;
    let mut asked = None;
    let icon = |ui: &mut Ui, icon: &str, name: String, tip: &str| {
        let text = RichText::new(icon).color(theme::ink(ui).dim);
        ui.add(Button::new(text).small().frame_when_inactive(false)).accessible_name(name).on_hover_text(tip).clicked()
    };
    let tip = format!("Delete: moves it to the folder {TRASH_FOLDER} beside it, which this program never empties");
    if icon(ui, icons::TRASH, format!("Delete {}", row.name), &tip) {
        asked = Some(Asked::Command(Command::Delete(row.dir.clone())));
    }
    if icon(ui, icons::PENCIL, format!("Label {}", row.name), "Label: title, tags, note") {
        asked = Some(Asked::Label(place));
    }
    ui.spacing_mut().button_padding.x = theme::GRID;
    let title = if is_long { "Use this plan" } else { "Use plan" };
    let plan = ui.add_enabled(row.has_plan(), Button::new(title).small());
    let plan = plan.accessible_name(format!("Use the plan of {}", row.name));
    if plan.on_hover_text("Fills the form on the left with the plan of this session").clicked() {
        asked = Some(Asked::Command(Command::LoadPlan(row.dir.clone())));
    }
    asked
}
