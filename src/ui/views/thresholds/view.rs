//! Throughput and latency of each threshold, every case in numbers, where the time went, and what a faster case costs.
//!
//! Draws `model`.

use eframe::egui::{Align, Layout, RichText, Sense, Ui};
use egui_extras::{Column, TableBuilder};

use crate::figures::thresholds::METRICS;
use crate::stats::runs::metrics::Metric;
use crate::stats::verdict::sweep_effects::Cell;
use crate::ui::theme;
use crate::ui::views::thresholds::model::{OfCodec, Row};
use crate::ui::widgets::figure_ui;
use crate::ui::words::said;
use crate::units;

/// Below this width the table has no room for all columns.
const ROOM_FOR_ALL: f32 = 760.0;

/// Draws everything of one codec.
pub fn ui(ui: &mut Ui, model: &OfCodec) {
    if let Some(figure) = &model.trade {
        figure_ui(ui, figure, Sense::hover());
    }
    table_ui(ui, &model.rows);
    for figure in [&model.split, &model.waits, &model.front].into_iter().flatten() {
        ui.add_space(theme::GAP);
        figure_ui(ui, figure, Sense::hover());
    }
}

/// The same in numbers, the case to keep marked. A narrow view leaves the last ones out.
fn table_ui(ui: &mut Ui, rows: &[Row]) {
    let height = theme::ROW_HEIGHT;
    let has_all = ui.available_width() >= ROOM_FOR_ALL;
    let num_metrics = if has_all { METRICS.len() } else { METRICS.len() - 1 };
    ui.add_space(theme::GRID);
    ui.push_id("threshold numbers", |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        // Its cases are named by two thresholds.
        let is_transcode = rows.iter().any(|row| row.case.decode.is_some());
        TableBuilder::new(ui)
            .vscroll(false)
            .cell_layout(Layout::right_to_left(Align::Center))
            .column(Column::exact(if is_transcode { 172.0 } else { 136.0 }))
            .column(Column::remainder().at_least(64.0).clip(true))
            .column(Column::exact(116.0))
            .columns(Column::remainder().at_least(52.0).clip(true), num_metrics - 1 + usize::from(has_all))
            .column(Column::exact(100.0))
            .header(height, |mut header| {
                header.col(|ui| left_ui(ui, |ui| drop(ui.weak("Case"))));
                header.col(|ui| drop(ui.weak("Throughput")));
                header.col(|ui| {
                    ui.weak("Wall time").on_hover_text(said(
                        ui,
                        "Change in wall time against the reference, the primary metric, which was chosen beforehand; all comparisons of the \
                         sweep share one error of 5 %",
                    ));
                });
                for metric in &METRICS[1..num_metrics] {
                    header.col(|ui| drop(ui.weak(said(ui, metric.title())).on_hover_text(said(ui, metric.definition()))));
                }
                if has_all {
                    header.col(|ui| drop(ui.weak("Worst run").on_hover_text("Longest wall time of its runs")));
                }
                header.col(|ui| drop(ui.weak("Result")));
            })
            .body(|body| {
                body.rows(height, rows.len(), |mut line| {
                    let Some(row) = rows.get(line.index()) else { return };
                    line.set_selected(row.is_kept);
                    let text = |text: String| if row.is_kept { theme::semibold(text) } else { theme::plain(text) };
                    line.col(|ui| left_ui(ui, |ui| drop(ui.label(text(row.case.title())))));
                    let value = |idx: usize| METRICS[idx].unit().text_or_none(row.values[idx]);
                    line.col(|ui| drop(ui.label(text(value(0)))));
                    line.col(|ui| change_ui(ui, row));
                    for idx in 1..num_metrics {
                        line.col(|ui| drop(ui.label(text(value(idx)))));
                    }
                    if has_all {
                        line.col(|ui| drop(ui.label(text(Metric::WallMs.unit().text_or_none(row.worst_ms)))));
                    }
                    line.col(|ui| outcome_ui(ui, row));
                });
            });
    });
}

fn left_ui(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    ui.with_layout(Layout::left_to_right(Align::Center), content);
}

fn outcome_ui(ui: &mut Ui, row: &Row) {
    let text = if row.is_kept { theme::semibold(&row.outcome) } else { theme::plain(&row.outcome) };
    let shown = ui.label(text);
    if !row.case.client.is_here() {
        shown.on_hover_text(
            "This is a whole process, including its start. Compare it with our own process in the Compare view.",
        );
    }
}

fn change_ui(ui: &mut Ui, row: &Row) {
    let Some(Cell { reference, effect, .. }) = &row.cell else {
        let text = if row.case.client.is_here() { "reference" } else { units::NO_VALUE };
        return drop(ui.weak(text));
    };
    let change = units::change_pct(effect.interval.estimate_pct);
    let width = effect.interval.half_width_pct().map_or_else(String::new, |pct| format!(" ±{}", units::pct(pct)));
    let text = RichText::new(format!("{change}{width}")).color(theme::answer(ui, effect.answer));
    ui.label(text).on_hover_text(format!(
        "{}, compared with {}: {}; {}",
        effect.answer,
        reference.title(),
        effect.interval,
        effect.reason
    ));
}
