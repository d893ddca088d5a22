//! Throughput and latency of each threshold, where the time went, and the recommended threshold.
//!
//! Draws `knees`' model.

use eframe::egui::{Align, Color32, Layout, RichText, Ui};
use egui_extras::{Column, TableBuilder};
use egui_plot::{AxisHints, HoverPosition, Line as PlotLine, PlotPoint, PlotPoints, Points};

use super::front;
use super::knees::{Knees, Line, METRICS, Point};
use super::parts::{BarChart, BarRow, KeyEntry, axis, bars_ui, key_ui, marks, plot_height, still_plot, title_ui};
use super::scale::linear_ticks;
use crate::contract::{Codec, LockPlacement};
use crate::report::draw::{FigureKind, PARTS};
use crate::stats::runs::metrics::Metric;
use crate::stats::verdict::sweep_effects::Cell;
use crate::ui::data::LoadedSession;
use crate::ui::widgets::sub_ui;
use crate::ui::{pictures, theme};
use crate::units;

/// Draws everything for `codec`.
pub fn ui(ui: &mut Ui, session: &LoadedSession, knees: &Knees, codec: Codec) {
    let lines: Vec<_> = knees.lines.iter().filter(|line| line.codec == codec).collect();
    key_ui(ui, lines.iter().map(|line| KeyEntry::solid(lock_title(line.lock), theme::lock_placement(line.lock))));
    metrics_ui(ui, session, knees, &lines, [0, 1]);
    table_ui(ui, &lines, knees);
    split_ui(ui, session, knees, codec);
    ui.add_space(theme::GAP);
    metrics_ui(ui, session, knees, &lines, [2, 3]);
    for answer in knees.answers.iter().filter(|answer| answer.codec == codec) {
        front::ui(ui, session, &answer.recommendation);
    }
}

fn metrics_ui(ui: &mut Ui, session: &LoadedSession, knees: &Knees, lines: &[&Line], which: [usize; 2]) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = 3.0 * theme::GRID;
        ui.columns_const(|columns: &mut [Ui; 2]| {
            for (column, idx) in columns.iter_mut().zip(which) {
                column.spacing_mut().item_spacing.x = theme::GRID;
                metric_ui(column, session, knees, lines, idx, METRICS[idx]);
            }
        });
    });
}

fn lock_title(lock: LockPlacement) -> &'static str {
    match lock {
        LockPlacement::Inline => "locked on the submit thread",
        LockPlacement::Thread => "locked on a separate thread",
        LockPlacement::Poll => "polled",
    }
}

fn metric_ui(ui: &mut Ui, session: &LoadedSession, knees: &Knees, lines: &[&Line], idx: usize, metric: Metric) {
    title_ui(ui, metric.title(), metric.definition(), session);
    let mut thresholds: Vec<u32> = lines.iter().flat_map(|line| &line.points).map(|point| point.threshold).collect();
    thresholds.sort_unstable();
    thresholds.dedup();
    let log2 = |threshold: u32| f64::from(threshold.max(1)).log2();
    let ticks: Vec<_> = thresholds.iter().map(|&threshold| log2(threshold)).collect();
    let values =
        lines.iter().flat_map(|line| &line.points).filter_map(|point| point.values.get(idx).copied().flatten());
    let highest = values.fold(0.0, |most: f64, (mean, stddev)| most.max(mean + stddev));
    let plot = still_plot(ui, metric.key(), plot_height(ui) * 0.85)
        .include_y(0.0)
        // Room for the ring around the highest point; an axis around nothing but zeros would go below them.
        .include_y(if highest > 0.0 { 1.1 * highest } else { 1.0 })
        .custom_x_axes(vec![axis(AxisHints::new_x(), "reap threshold T [frames in flight]", threshold_text)])
        .custom_y_axes(vec![axis(AxisHints::new_y(), metric.unit().symbol(), |value| value.to_string())])
        .x_grid_spacer(move |_| marks(ticks.iter().copied()))
        .y_grid_spacer(|input| marks(linear_ticks(input.bounds)))
        .label_formatter(|at| match at {
            HoverPosition::NearDataPoint { plot_name, position, .. } => {
                let threshold = threshold_text(position.x);
                Some(format!("{plot_name}, T={threshold}\n{}", metric.unit().text(position.y)))
            }
            HoverPosition::Elsewhere { .. } => None,
        });
    let response = plot.show(ui, |plot| {
        for line in lines {
            let colour = theme::lock_placement(line.lock);
            let value = |point: &Point| {
                let (mean, stddev) = point.values.get(idx).copied().flatten()?;
                Some((log2(point.threshold), mean, stddev))
            };
            let values: Vec<_> = line.points.iter().filter_map(value).collect();
            let means: Vec<_> = values.iter().map(|&(x, mean, _)| PlotPoint::new(x, mean)).collect();
            let name = line.lock.to_string();
            let points = PlotPoints::Owned(means.clone());
            plot.line(PlotLine::new(&name, points).color(colour).width(theme::LINE_WIDTH).allow_hover(false));
            for (x, mean, stddev) in values {
                let whisker =
                    PlotPoints::Owned(vec![PlotPoint::new(x, mean - stddev), PlotPoint::new(x, mean + stddev)]);
                plot.line(PlotLine::new(&name, whisker).color(colour).width(theme::LINE_WIDTH).allow_hover(false));
            }
            plot.points(Points::new(&name, PlotPoints::Owned(means)).color(colour).radius(3.5));
            let ringed = line.points.iter().filter(|point| knees.answer(line, point).is_some()).filter_map(value);
            let ringed: Vec<_> = ringed.map(|(x, mean, _)| PlotPoint::new(x, mean)).collect();
            let ring = Points::new(&name, PlotPoints::Owned(ringed)).color(colour).filled(false).radius(7.0);
            plot.points(ring.allow_hover(false));
        }
    });
    pictures::offer(&response.response, format!("{} against the threshold", metric.title()));
}

/// The threshold at a place on the axis of doublings.
fn threshold_text(x: f64) -> String {
    x.exp2().round().to_string()
}

fn split_ui(ui: &mut Ui, session: &LoadedSession, knees: &Knees, codec: Codec) {
    ui.add_space(theme::GAP);
    title_ui(ui, "Where the time is spent", FigureKind::WaitSplit.explanation(), session);
    sub_ui(
        ui,
        "Mean per run. The line is the wall time; the space up to it is your application's own work. With a separate thread the \
         upper bar is the submit thread and the lower one the locking thread, which waits in parallel.",
    );
    let part = |metric: &Metric| {
        let idx = PARTS.iter().position(|other| other == metric).unwrap_or(0);
        (metric.title().to_owned(), theme::series(idx))
    };
    let parts: Vec<_> = knees.parts.iter().map(part).collect();
    let of_codec = knees.splits.iter().filter(|split| split.case.codec == codec);
    let rows: Vec<_> = of_codec
        .map(|split| BarRow {
            label: split.case.title(),
            bars: split.bars_ms.clone(),
            mark: Some(split.wall_ms),
            is_strong: split.is_recommended,
        })
        .collect();
    let text = |value| units::ms(value);
    let entry = |(metric, (name, colour)): (&Metric, &(String, Color32))| KeyEntry {
        definition: metric.definition(),
        ..KeyEntry::solid(name, *colour)
    };
    key_ui(ui, knees.parts.iter().zip(&parts).map(entry));
    bars_ui(ui, &BarChart { name: "Where the time of each case went", parts: &parts, rows: &rows, text: &text });
}

/// The same in numbers, the case to keep marked.
fn table_ui(ui: &mut Ui, lines: &[&Line], knees: &Knees) {
    let points: Vec<_> = lines.iter().flat_map(|line| line.points.iter().map(move |point| (*line, point))).collect();
    let height = theme::ROW_HEIGHT;
    ui.add_space(theme::GRID);
    ui.push_id("threshold numbers", |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        TableBuilder::new(ui)
            .vscroll(false)
            .cell_layout(Layout::right_to_left(Align::Center))
            .column(Column::exact(92.0))
            .columns(Column::remainder().at_least(54.0).clip(true), METRICS.len() + 2)
            .column(Column::exact(112.0))
            .header(height, |mut header| {
                header.col(|ui| left_ui(ui, |ui| drop(ui.weak("Setting"))));
                header.col(|ui| drop(ui.weak("fps")));
                header.col(|ui| {
                    ui.weak("wall time change").on_hover_text(
                        "Change in encode wall time against the reference, the primary metric, which was chosen beforehand; all comparisons of the \
                         sweep share one error of 5 %",
                    );
                });
                for metric in &METRICS[1..] {
                    header.col(|ui| drop(ui.weak(metric.title()).on_hover_text(metric.definition())));
                }
                header.col(|ui| drop(ui.weak("Worst run").on_hover_text("Longest encode wall time of its runs")));
                header.col(|ui| drop(ui.weak("Result")));
            })
            .body(|body| {
                body.rows(height, points.len(), |mut row| {
                    let Some(&(line, point)) = points.get(row.index()) else { return };
                    let is_kept = knees.answer(line, point).is_some();
                    row.set_selected(is_kept);
                    let text = |text: String| if is_kept { theme::semibold(text) } else { theme::plain(text) };
                    row.col(|ui| left_ui(ui, |ui| drop(ui.label(text(point.case.title())))));
                    let value = |idx: usize| METRICS[idx].unit().text_or_none(point.values[idx].map(|(mean, _)| mean));
                    row.col(|ui| drop(ui.label(text(value(0)))));
                    row.col(|ui| cell_ui(ui, knees.cell(line, point)));
                    for idx in 1..METRICS.len() {
                        row.col(|ui| drop(ui.label(text(value(idx)))));
                    }
                    let worst = Metric::WallMs.unit().text_or_none(point.worst_ms);
                    row.col(|ui| drop(ui.label(text(worst))));
                    row.col(|ui| drop(ui.label(text(knees.outcome(point).unwrap_or_default()))));
                });
            });
    });
}

fn left_ui(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    ui.with_layout(Layout::left_to_right(Align::Center), content);
}

fn cell_ui(ui: &mut Ui, cell: Option<&Cell>) {
    let Some(Cell { reference, effect, .. }) = cell else { return drop(ui.weak("reference")) };
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
