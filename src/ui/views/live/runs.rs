//! The list of finished runs, one line each.

use eframe::egui::{Align, Label, Layout, RichText, Ui};
use egui_extras::{Column, TableBuilder};

use crate::report::words::codec_title;
use crate::stats::runs::metrics::Metric;
use crate::stats::runs::summary::RunSummary;
use crate::ui::theme;
use crate::ui::words::said;

const METRICS: [Metric; 6] =
    [Metric::WallMs, Metric::LockMs, Metric::SubmitBlockedMs, Metric::QueuePeak, Metric::LatencyP99Ms, Metric::Fps];

/// All of `runs`, the newest at the bottom and in sight while they come in.
pub fn runs_ui(ui: &mut Ui, runs: &[RunSummary], is_live: bool) {
    ui.spacing_mut().item_spacing.y = 0.0;
    let has_failed = runs.iter().any(|run| run.error.is_some());
    let mut table = TableBuilder::new(ui)
        .striped(true)
        .stick_to_bottom(is_live)
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Column::exact(32.0))
        .column(Column::exact(160.0))
        .column(Column::exact(80.0))
        .columns(Column::remainder().at_least(56.0).clip(true), METRICS.len());
    if has_failed {
        table = table.column(Column::remainder().at_least(120.0).clip(true));
    }
    table
        .header(theme::ROW_HEIGHT, |mut header| {
            for title in ["Run", "Case", "Kind"] {
                header.col(|ui| drop(ui.weak(title)));
            }
            for metric in METRICS {
                header.col(|ui| {
                    right_ui(ui, |ui| {
                        let title = RichText::new(said(ui, metric.title())).color(theme::ink(ui).dim);
                        ui.add(Label::new(title).truncate()).on_hover_text(said(ui, metric.definition()));
                    })
                });
            }
            if has_failed {
                header.col(|ui| drop(ui.weak("Error")));
            }
        })
        .body(|body| {
            body.rows(theme::ROW_HEIGHT, runs.len(), |mut row| {
                let Some(run) = runs.get(row.index()) else { return };
                row.col(|ui| drop(ui.label(run.order_index.to_string())));
                row.col(|ui| drop(ui.label(format!("{} {}", codec_title(run.case.codec), run.case.title()))));
                row.col(|ui| kind_ui(ui, run));
                for metric in METRICS {
                    row.col(|ui| right_ui(ui, |ui| number_ui(ui, run, metric)));
                }
                if has_failed {
                    let error = run.error.as_deref().unwrap_or_default();
                    row.col(|ui| drop(ui.add(Label::new(error).truncate()).on_hover_text(error)));
                }
            });
        });
}

/// Numbers stand with their ends below each other.
fn right_ui(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    ui.with_layout(Layout::right_to_left(Align::Center), content);
}

fn kind_ui(ui: &mut Ui, run: &RunSummary) {
    let text = match run {
        RunSummary { error: Some(_), .. } => RichText::new("failed").color(theme::alert(ui)),
        RunSummary { warmup: true, .. } => RichText::new("warm-up").weak(),
        RunSummary { is_confirmation: true, .. } => RichText::new("confirmation"),
        _ => RichText::new("counted"),
    };
    ui.label(text);
}

fn number_ui(ui: &mut Ui, run: &RunSummary, metric: Metric) {
    let text = RichText::new(metric.unit().text_or_none(run.value(metric)));
    ui.label(if run.warmup { text.weak() } else { text });
}
