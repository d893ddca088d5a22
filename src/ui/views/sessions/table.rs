//! The list of sessions as a table: which columns fit, headers that sort, one row a session. Draws `session_rows`.

use std::path::Path;

use eframe::egui::{Align, Button, Layout, Response, Ui};
use egui_extras::{Column, TableBuilder, TableRow};

use crate::ui::commands::Command;
use crate::ui::theme;
use crate::ui::views::sessions::cells::{Asked, MARK_WIDTH, actions_ui, cell_ui, damage_ui, height, in_rect, name_ui};
use crate::ui::views::sessions::model::{Field, Order, SessionRow};
use crate::ui::widgets::icons;

/// Of the three buttons, and of those with the longer title.
const ACTIONS_WIDTH: f32 = 124.0;
const LONG_ACTIONS_WIDTH: f32 = 152.0;
/// Beside the scroll bar, not below it.
const RIGHT_MARGIN: f32 = 4.0;

/// From left to right: width at least, and share of what is left over.
const COLUMNS: [(Field, f32, f32); 10] = [
    (Field::Session, 126.0, 3.0),
    (Field::Verdict, 90.0, 0.0),
    (Field::Threshold, 140.0, 0.5),
    (Field::Codecs, 76.0, 0.0),
    (Field::Device, 64.0, 3.0),
    (Field::Runs, 48.0, 0.0),
    (Field::Size, 62.0, 0.0),
    (Field::Created, 114.0, 0.0),
    (Field::Input, 140.0, 2.0),
    (Field::Tags, 100.0, 1.0),
];
/// Left out where there is no room, the first one first.
const LEFT_OUT_FIRST: [Field; 5] = [Field::Tags, Field::Input, Field::Size, Field::Device, Field::Created];

/// The columns that fit into `width`, and the width of each; the last number is that of the buttons.
fn columns(width: f32, spacing: f32) -> (Vec<(Field, f32)>, f32) {
    let mut fields = COLUMNS.to_vec();
    let taken = |fields: &[(Field, f32, f32)]| {
        let columns: f32 = fields.iter().map(|(_, width, _)| width + spacing).sum();
        columns + ACTIONS_WIDTH + RIGHT_MARGIN
    };
    for left_out in LEFT_OUT_FIRST {
        if taken(&fields) > width {
            fields.retain(|(field, ..)| *field != left_out);
        }
    }
    let mut spare = (width - taken(&fields)).max(0.0);
    let longer = LONG_ACTIONS_WIDTH - ACTIONS_WIDTH;
    let actions = if spare > 2.0 * longer { LONG_ACTIONS_WIDTH } else { ACTIONS_WIDTH };
    spare -= actions - ACTIONS_WIDTH;
    let shares: f32 = fields.iter().map(|(_, _, share)| share).sum();
    let fields = fields.into_iter().map(|(field, width, share)| (field, width + spare * share / shares));
    (fields.collect(), actions)
}

/// The rows at the places `shown`; `open` is marked.
pub(in crate::ui) fn table_ui(
    ui: &mut Ui,
    rows: &[SessionRow],
    shown: &[usize],
    order: Order,
    open: Option<&Path>,
) -> Option<Asked> {
    let mut asked = None;
    ui.spacing_mut().item_spacing.y = 0.0;
    let (fields, actions) = columns(ui.available_width(), ui.spacing().item_spacing.x);
    // A name of its own: otherwise it would be scrolled as far as the runs in the live view, which has the same place.
    let mut table =
        TableBuilder::new(ui).id_salt("sessions").striped(true).cell_layout(Layout::left_to_right(Align::Center));
    for (_, width) in &fields {
        table = table.column(Column::exact(*width).clip(true));
    }
    // What is wrong with a session stands below the whole row, and is drawn by its last cell.
    let table = table.column(Column::exact(actions).clip(false)).auto_shrink(false);
    let table = table.header(theme::ROW_HEIGHT, |mut header| {
        for (field, _) in &fields {
            header.col(|ui| {
                if header_ui(ui, *field, order).clicked() {
                    asked = Some(Asked::Order(order.clicked(*field)));
                }
            });
        }
        header.col(|_| ());
    });
    table.body(|body| {
        let rows_shown = || shown.iter().filter_map(|place| Some((*place, rows.get(*place)?)));
        let heights: Vec<f32> = rows_shown().map(|(_, row)| height(row)).collect();
        let rows_shown: Vec<_> = rows_shown().collect();
        body.heterogeneous_rows(heights.into_iter(), |mut table_row| {
            let Some(&(place, row)) = rows_shown.get(table_row.index()) else { return };
            let is_open = open == Some(&row.dir);
            table_row.set_selected(is_open);
            let clicked = row_ui(&mut table_row, row, place, is_open, (&fields, actions));
            asked = clicked.or(asked.take());
        });
    });
    asked
}

fn header_ui(ui: &mut Ui, field: Field, order: Order) -> Response {
    let (ink, title) = (theme::ink(ui), field.title());
    let (arrow, direction) =
        if order.is_descending { (icons::CARET_DOWN, "descending") } else { (icons::CARET_UP, "ascending") };
    let (text, name) = if order.by == field {
        (theme::semibold(format!("{title} {arrow}")).color(ink.text), format!("Sorted by {title}, {direction}"))
    } else {
        (theme::plain(title).color(ink.dim), format!("Sort by {title}"))
    };
    let cell = ui.max_rect();
    let ui = &mut in_rect(ui, cell, field.is_number());
    if field == Field::Session {
        ui.add_space(MARK_WIDTH);
    }
    ui.add(Button::new(text.small()).frame(false)).accessible_name(name)
}

fn row_ui(
    table_row: &mut TableRow<'_, '_>,
    row: &SessionRow,
    place: usize,
    is_open: bool,
    (fields, actions): (&[(Field, f32)], f32),
) -> Option<Asked> {
    let mut asked = None;
    for (field, _) in fields {
        table_row.col(|ui| match field {
            Field::Session => {
                if name_ui(ui, row, is_open) {
                    asked = Some(Asked::Command(Command::OpenSession(row.dir.clone())));
                }
            }
            field => cell_ui(ui, row, *field),
        });
    }
    table_row.col(|ui| {
        asked = actions_ui(ui, row, place, actions > ACTIONS_WIDTH).or(asked.take());
        let left: f32 = fields.iter().map(|(_, width)| width + ui.spacing().item_spacing.x).sum();
        damage_ui(ui, row, left);
    });
    asked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(width: f32) -> Vec<Field> {
        columns(width, 8.0).0.into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn a_narrow_table_keeps_what_says_which_session_said_what() {
        let all: Vec<_> = COLUMNS.iter().map(|(field, ..)| *field).collect();
        assert_eq!(fields(1600.0), all);
        // The views of a window of 1280 and of 1024 points.
        assert_eq!(fields(912.0), all[..8]);
        assert_eq!(fields(656.0), [Field::Session, Field::Verdict, Field::Threshold, Field::Codecs, Field::Runs]);
    }

    #[test]
    fn the_columns_fill_the_table_and_never_more() {
        for width in [656.0, 700.0, 912.0, 1000.0, 1600.0, 2500.0] {
            let (fields, actions) = columns(width, 8.0);
            let all: f32 = fields.iter().map(|(_, width)| width + 8.0).sum();
            assert!((all + actions + RIGHT_MARGIN - width).abs() < 0.1, "{width}: {all} + {actions}");
        }
    }
}
