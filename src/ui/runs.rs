//! The list of finished runs, one line each.

use eframe::egui::{RichText, Ui};
use egui_extras::{Column, TableBuilder};

use super::theme;
use crate::report::words::{case_title, codec_title};
use crate::stats::runs::metrics::Metric;
use crate::stats::runs::summary::RunSummary;

const METRICS: [Metric; 6] =
    [Metric::WallMs, Metric::LockMs, Metric::SubmitBlockedMs, Metric::QueuePeak, Metric::LatencyP99Ms, Metric::Fps];

/// All of `runs`, the newest at the bottom and in sight while they come in.
pub fn runs_ui(ui: &mut Ui, runs: &[RunSummary], is_live: bool) {
    TableBuilder::new(ui)
        .striped(true)
        .stick_to_bottom(is_live)
        .column(Column::exact(36.0))
        .column(Column::initial(130.0).at_least(100.0).clip(true))
        .column(Column::exact(84.0))
        .columns(Column::initial(103.0).at_least(70.0), METRICS.len())
        .column(Column::remainder().at_least(40.0).clip(true))
        .header(theme::ROW_HEIGHT, |mut header| {
            for title in ["Run", "Case", "Kind"] {
                header.col(|ui| drop(ui.strong(title)));
            }
            for metric in METRICS {
                header.col(|ui| drop(ui.strong(metric.title()).on_hover_text(metric.definition())));
            }
            header.col(|_| ());
        })
        .body(|body| {
            body.rows(theme::ROW_HEIGHT, runs.len(), |mut row| {
                let Some(run) = runs.get(row.index()) else { return };
                row.col(|ui| drop(ui.label(run.order_index.to_string())));
                row.col(|ui| drop(ui.label(format!("{} {}", codec_title(run.case.codec), case_title(&run.case)))));
                row.col(|ui| kind_ui(ui, run));
                for metric in METRICS {
                    row.col(|ui| number_ui(ui, run, metric));
                }
                row.col(|ui| drop(run.error.as_ref().map(|error| ui.label(error).on_hover_text(error))));
            });
        });
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
