//! The Live view: the newest frames, and below them every case or every run so far.
//!
//! Draws `model` and the summaries of the session.

use eframe::egui::{Align, Layout, Sense, Ui, pos2, vec2};
use egui_extras::{Column, TableBuilder};

use crate::figures::clocks;
use crate::record::Case;
use crate::report::words::codec_title;
use crate::stats::runs::metrics::Metric;
use crate::stats::runs::summary::RunSummary;
use crate::ui::commands::{Command, View};
use crate::ui::data::LoadedSession;
use crate::ui::theme;
use crate::ui::views::live::model::LiveModel;
use crate::ui::views::live::runs::runs_ui;
use crate::ui::widgets::{figure_ui, short_segments_ui, sub_ui};
use crate::ui::words::said;

const METRICS: [Metric; 4] = [Metric::WallMs, Metric::LockMs, Metric::LatencyP95Ms, Metric::QueuePeak];
/// Of the clock's panel.
const CLOCK_HEIGHT: f64 = 60.0;
const SPARK_WIDTH: f32 = 130.0;
/// Below this width the table has no room for all metrics.
const ROOM_FOR_ALL: f32 = 760.0;
/// Least height of the list below the plots.
const MIN_LIST: f32 = 150.0;

/// What is listed below the plots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Listed {
    /// One row a case.
    #[default]
    Cases,
    /// One row a run.
    Runs,
}

/// The whole view.
pub fn live_ui(
    ui: &mut Ui,
    live: &LiveModel,
    loaded: &LoadedSession,
    is_running: bool,
    listed: &mut Listed,
    queue: &mut Vec<Command>,
) {
    // Of each panel besides its data, and of the key and the choice below.
    let has_clock = loaded.session.summaries.iter().any(|run| run.instruments.is_some());
    let texts = 3.0 * 50.0 + 110.0 + if has_clock { CLOCK_HEIGHT as f32 + 90.0 } else { 0.0 };
    let height = ((ui.available_height() - MIN_LIST - texts) / 3.0).clamp(40.0, 130.0);
    if let Some(figure) = live.figure(height.into()) {
        figure_ui(ui, &figure, Sense::hover());
    } else if !is_running {
        sub_ui(ui, "The frames of a sweep are drawn here while it runs. These are the runs of the open session.");
    }
    if let Some(figure) = clocks::over_runs(&loaded.session.summaries, CLOCK_HEIGHT) {
        figure_ui(ui, &figure, Sense::hover());
    }
    ui.horizontal(|ui| {
        let chosen = usize::from(*listed == Listed::Runs);
        match short_segments_ui(ui, &["Newest run of each case", "All runs"], Some(chosen)) {
            Some(0) => *listed = Listed::Cases,
            Some(_) => *listed = Listed::Runs,
            None => {}
        }
        if !is_running && !loaded.session.summaries.is_empty() && ui.link("Compare the thresholds").clicked() {
            queue.push(Command::Show(View::Thresholds));
        }
    });
    match listed {
        Listed::Cases => cases_ui(ui, loaded),
        Listed::Runs => runs_ui(ui, &loaded.session.summaries, is_running),
    }
}

/// Each case with its newest run, and the wall times of all of them as a line.
fn cases_ui(ui: &mut Ui, loaded: &LoadedSession) {
    ui.spacing_mut().item_spacing.y = 0.0;
    let cases: Vec<Case> = loaded.groups.iter().map(|group| group.case).collect();
    let runs = &loaded.session.summaries;
    let metrics = if ui.available_width() < ROOM_FOR_ALL { &METRICS[..2] } else { &METRICS[..] };
    TableBuilder::new(ui)
        .striped(true)
        .cell_layout(Layout::right_to_left(Align::Center))
        .column(Column::exact(172.0))
        .column(Column::exact(48.0))
        .columns(Column::remainder().at_least(58.0).clip(true), metrics.len())
        .column(Column::exact(SPARK_WIDTH + 16.0))
        .header(theme::ROW_HEIGHT, |mut header| {
            header.col(|ui| left_ui(ui, |ui| drop(ui.weak("Case"))));
            header.col(|ui| drop(ui.weak("Runs")));
            for metric in metrics {
                header.col(|ui| {
                    let hint = said(ui, &format!("Newest run. {}", metric.definition()));
                    drop(ui.weak(said(ui, metric.title())).on_hover_text(hint))
                });
            }
            header.col(|ui| {
                ui.weak("Wall time, all runs")
                    .on_hover_text("From the first counted run to the newest, from 0 to the longest");
            });
        })
        .body(|body| {
            body.rows(theme::ROW_HEIGHT, cases.len(), |mut row| {
                let Some(&case) = cases.get(row.index()) else { return };
                let own: Vec<_> = runs.iter().filter(|run| run.case == case && run.counts()).collect();
                let name = format!("{} {}", codec_title(case.codec), case.title());
                row.col(|ui| left_ui(ui, |ui| drop(ui.label(&name))));
                row.col(|ui| drop(ui.label(own.len().to_string())));
                for metric in metrics {
                    let value = own.last().and_then(|run| run.value(*metric));
                    row.col(|ui| drop(ui.label(metric.unit().text_or_none(value))));
                }
                let walls: Vec<f64> = own.iter().map(|run| RunSummary::wall_ms(run)).collect();
                row.col(|ui| spark_ui(ui, &walls, &name));
            });
        });
}

fn left_ui(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    ui.with_layout(Layout::left_to_right(Align::Center), content);
}

/// Values as a line on a scale of their own: drift, jumps and single slow runs are seen.
fn spark_ui(ui: &mut Ui, values: &[f64], name: &str) {
    let (response, painter) = ui.allocate_painter(vec2(SPARK_WIDTH, theme::ROW_HEIGHT - 6.0), Sense::hover());
    let most = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let rect = response.rect;
    let step = rect.width() / (values.len().max(2) - 1) as f32;
    let at = |(idx, value): (usize, &f64)| {
        pos2(rect.left() + step * idx as f32, rect.bottom() - rect.height() * (value / most) as f32)
    };
    let points: Vec<_> = values.iter().enumerate().map(at).collect();
    let colour = theme::ink(ui).dim;
    if let Some(last) = points.last() {
        painter.circle_filled(*last, 2.0, theme::ink(ui).text);
    }
    painter.line(points, (1.3, colour));
    let unit = Metric::WallMs.unit();
    let least = values.iter().copied().reduce(f64::min);
    let text = format!(
        "{name}: {} runs, {} to {}",
        values.len(),
        unit.text_or_none(least),
        unit.text_or_none(least.map(|_| most))
    );
    response.on_hover_text(text);
}
