//! Throughput and latency of each threshold, where the time went, and the recommended threshold.
//!
//! Draws `knees`' model.

use eframe::egui::{Color32, RichText, Ui};
use egui_plot::{AxisHints, HoverPosition, Line as PlotLine, PlotPoint, PlotPoints, Points};

use super::front;
use super::knees::{Knees, Line, METRICS, Point};
use super::parts::{BarChart, BarRow, KeyEntry, axis, bars_ui, key_ui, marks, plot_height, still_plot, title_ui};
use super::scale::linear_ticks;
use crate::contract::Codec;
use crate::report::draw::{FigureKind, PARTS};
use crate::report::words::case_title;
use crate::stats::analysis::AnswerState;
use crate::stats::runs::metrics::Metric;
use crate::stats::verdict::sweep_effects::Cell;
use crate::ui::data::LoadedSession;
use crate::ui::{pictures, theme};
use crate::units;

/// Draws everything for `codec`.
pub fn ui(ui: &mut Ui, session: &LoadedSession, knees: &Knees, codec: Codec) {
    let lines: Vec<_> = knees.lines.iter().filter(|line| line.codec == codec).collect();
    recommendation_ui(ui, knees, codec);
    key_ui(ui, lines.iter().map(|line| KeyEntry::solid(line.lock.to_string(), theme::lock_placement(line.lock))));
    ui.weak("Means over the counted runs with one standard deviation; the recommended threshold has a ring");
    let shown = [[(0, METRICS[0]), (1, METRICS[1])], [(2, METRICS[2]), (3, METRICS[3])]];
    for row in shown {
        ui.columns_const(|columns: &mut [Ui; 2]| {
            for (column, (idx, metric)) in columns.iter_mut().zip(row) {
                metric_ui(column, session, knees, &lines, idx, metric);
            }
        });
    }
    for answer in knees.answers.iter().filter(|answer| answer.codec == codec) {
        front::ui(ui, session, &answer.recommendation);
    }
    split_ui(ui, session, knees, codec);
    table_ui(ui, &lines, knees);
}

fn recommendation_ui(ui: &mut Ui, knees: &Knees, codec: Codec) {
    for answer in knees.answers.iter().filter(|answer| answer.codec == codec) {
        ui.label(RichText::new(answer.state.title()).heading());
        ui.label(&answer.sentence);
        ui.label(&answer.recommendation.reason);
        for doubt in &answer.doubts {
            ui.label(format!("{doubt}. To remove it: {}", doubt.advice()));
        }
        if let Some(repetition) = &answer.repetition {
            ui.label(format!("{repetition}."));
        }
        ui.label(RichText::new(format!("Next: {}", answer.next)).strong());
    }
}

fn metric_ui(ui: &mut Ui, session: &LoadedSession, knees: &Knees, lines: &[&Line], idx: usize, metric: Metric) {
    title_ui(ui, metric.title(), metric.definition(), session);
    let mut thresholds: Vec<u32> = lines.iter().flat_map(|line| &line.points).map(|point| point.threshold).collect();
    thresholds.sort_unstable();
    thresholds.dedup();
    let log2 = |threshold: u32| f64::from(threshold.max(1)).log2();
    let ticks: Vec<_> = thresholds.iter().map(|&threshold| log2(threshold)).collect();
    // An axis around nothing but zeros would go below them.
    let is_zero =
        lines.iter().flat_map(|line| &line.points).filter_map(|point| point.values.get(idx).copied().flatten());
    let is_zero = is_zero.fold(0.0, |most: f64, (mean, _)| most.max(mean)) == 0.0;
    let plot = still_plot(ui, metric.key(), plot_height(ui) * 0.85)
        .include_y(0.0)
        .include_y(if is_zero { 1.0 } else { 0.0 })
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
    title_ui(ui, "Where the time went", FigureKind::WaitSplit.explanation(), session);
    let part = |metric: &Metric| {
        let idx = PARTS.iter().position(|other| other == metric).unwrap_or(0);
        (metric.title().to_owned(), theme::series(idx))
    };
    let parts: Vec<_> = knees.parts.iter().map(part).collect();
    let of_codec = knees.splits.iter().filter(|split| split.case.codec == codec);
    let rows: Vec<_> = of_codec
        .map(|split| BarRow {
            label: case_title(&split.case),
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
    ui.weak("The vertical line is the wall time; the gap up to it is the caller's own work");
}

/// The same in numbers.
fn table_ui(ui: &mut Ui, lines: &[&Line], knees: &Knees) {
    ui.add_space(theme::GAP);
    eframe::egui::Grid::new("threshold numbers").striped(true).spacing([18.0, 4.0]).show(ui, |ui| {
        ui.strong("Lock");
        ui.strong("T");
        for metric in METRICS {
            ui.strong(metric.title()).on_hover_text(metric.definition());
        }
        ui.strong("Encode wall time compared with the reference").on_hover_text(
            "The primary metric, chosen beforehand; all comparisons of the sweep share one error of 5 %",
        );
        ui.strong("");
        ui.end_row();
        for line in lines {
            for point in &line.points {
                ui.label(line.lock.to_string());
                ui.label(point.threshold.to_string());
                for (metric, value) in METRICS.iter().zip(point.values) {
                    ui.label(metric.unit().text_or_none(value.map(|(mean, _)| mean)));
                }
                cell_ui(ui, knees.cell(line, point));
                let word = knees.answer(line, point).map(|answer| match answer.state {
                    AnswerState::Confirmed => "recommended, confirmed",
                    _ => "recommended",
                });
                let refused = || knees.is_refused(line, point).then_some("latency too high");
                ui.label(word.or_else(refused).unwrap_or_default());
                ui.end_row();
            }
        }
    });
}

fn cell_ui(ui: &mut Ui, cell: Option<&Cell>) {
    let Some(Cell { reference, effect, .. }) = cell else { return drop(ui.label("")) };
    let change = units::change_pct(effect.interval.estimate_pct);
    let text = RichText::new(format!("{} {change}", effect.answer)).color(theme::answer(ui, effect.answer));
    ui.label(text).on_hover_text(format!(
        "Compared with {}: {}; {}",
        case_title(reference),
        effect.interval,
        effect.reason
    ));
}
