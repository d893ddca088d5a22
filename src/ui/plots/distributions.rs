//! Lock wait and latency of every case: histogram, percentile curve, boxes with each run's own dots, depth over time.
//!
//! Draws `cases`' models. A range dragged on the histogram marks the frames in it.

use eframe::egui::{Color32, DragValue, Sense, Ui};
use egui_plot::{
    AxisHints, BoxElem, BoxPlot, BoxSpread, HoverPosition, Line, LineStyle, PlotPoint, PlotPoints, Points, Span,
};

use super::cases::CaseModel;
use super::histogram::brushed;
use super::parts::{
    BarChart, BarRow, KeyEntry, axis, bars_ui, case_line, key_ui, marks, plot_height, still_plot, thresholds, title_ui,
};
use super::scale::{linear_ticks, log_label, log_ns, log_ticks, tail, tail_label, tail_ticks, tick_label};
use super::selection::{FrameSelection, FrameTime};
use crate::stats::runs::metrics::Metric;
use crate::ui::commands::{Command, View};
use crate::ui::data::LoadedSession;
use crate::ui::{pictures, theme};
use crate::units;

/// More nines than a session has frames for are not shown.
const MOST_NINES: f64 = 6.0;

/// The user's choices in this view.
#[derive(Debug, Clone, Copy, Default)]
pub struct DistributionsState {
    /// The time that is shown.
    pub time: FrameTime,
    /// Where the brush went down, on the axis of decades.
    brush_from: Option<f64>,
}

/// Draws everything for `cases`, which are of one codec.
pub fn ui(
    ui: &mut Ui,
    session: &LoadedSession,
    cases: &[&CaseModel],
    state: &mut DistributionsState,
    selection: &mut Option<FrameSelection>,
    queue: &mut Vec<Command>,
) {
    let thresholds = thresholds(cases.iter().map(|case| &case.case));
    let line = |case: &CaseModel| case_line(&case.case, &thresholds);
    ui.horizontal(|ui| {
        for time in FrameTime::ALL {
            ui.selectable_value(&mut state.time, time, time.title()).on_hover_text(time.definition());
        }
        ui.separator();
        if selection.is_none() {
            mark_slowest_ui(ui, cases, state.time, selection);
        }
        if selection_ui(ui, selection) && ui.button("Show on timeline").clicked() {
            queue.push(Command::Show(View::Timeline));
        }
    });
    let entry = |case: &&CaseModel| {
        let (colour, style) = line(case);
        KeyEntry { style, ..KeyEntry::solid(case.case.title(), colour) }
    };
    key_ui(ui, cases.iter().map(entry));
    ui.columns_const(|[left, right]| {
        histogram_ui(left, session, cases, &line, state, selection);
        boxes_ui(left, session, cases, &line, state.time);
        curve_ui(right, session, cases, &line, state.time);
        depth_ui(right, session, cases);
    });
    table_ui(ui, cases, state.time);
}

/// The marked range, with controls to change and clear it. Is anything marked?
pub fn selection_ui(ui: &mut Ui, selection: &mut Option<FrameSelection>) -> bool {
    let Some(marked) = selection else { return false };
    let edge_ui = |ui: &mut Ui, title: &str, edge_ns: &mut u64| {
        let label = ui.label(title);
        let mut edge_us = *edge_ns as f64 / 1e3;
        let value = DragValue::new(&mut edge_us).range(0.0..=1e9).speed(1.0).max_decimals(1).suffix(" µs");
        if ui.add(value).labelled_by(label.id).changed() {
            *edge_ns = (edge_us * 1e3).round() as u64;
        }
    };
    edge_ui(ui, &format!("Marked: {} from", marked.time.title().to_lowercase()), &mut marked.from_ns);
    edge_ui(ui, "to", &mut marked.to_ns);
    if ui.button("Clear marks").clicked() {
        *selection = None;
    }
    selection.is_some()
}

/// Marking by hand begins here, for those who do not drag.
fn mark_slowest_ui(ui: &mut Ui, cases: &[&CaseModel], time: FrameTime, selection: &mut Option<FrameSelection>) {
    let high = cases.iter().filter_map(|case| case.time(time).quantiles_ns?.last().copied()).max();
    let longest = cases.iter().filter_map(|case| case.time(time).curve.last().map(|point| point.value_ns)).max();
    if let (Some(from_ns), Some(to_ns)) = (high, longest) {
        let tip = "Marks the frames that are slower than 95 % of the frames of every case";
        if ui.button("Mark the slowest").on_hover_text(tip).clicked() {
            *selection = Some(FrameSelection { time, from_ns, to_ns });
        }
    }
    ui.weak("or drag across the histogram");
}

type LineOf<'a> = dyn Fn(&CaseModel) -> (Color32, LineStyle) + 'a;

fn histogram_ui(
    ui: &mut Ui,
    session: &LoadedSession,
    cases: &[&CaseModel],
    line: &LineOf<'_>,
    state: &mut DistributionsState,
    selection: &mut Option<FrameSelection>,
) {
    let time = state.time;
    title_ui(ui, &format!("{} per frame", time.title()), time.definition(), session);
    let plot = still_plot(ui, "histogram", plot_height(ui))
        .sense(Sense::click_and_drag())
        .include_y(0.0)
        .custom_x_axes(vec![axis(AxisHints::new_x(), "time per frame", tick_label)])
        .custom_y_axes(vec![axis(AxisHints::new_y(), "share of frames [%]", |percent| percent.to_string())])
        .x_grid_spacer(|input| marks(log_ticks(input.bounds)))
        .y_grid_spacer(|input| marks(linear_ticks(input.bounds)))
        .label_formatter(|at| hover_text(at, |x, y| format!("{}\n{}", log_label(x), units::pct(y))));
    let mark_colour = theme::mark(ui);
    let response = plot.show(ui, |plot| {
        if let Some(marked) = selection.filter(|marked| marked.time == time) {
            let range = log_ns(marked.from_ns)..=log_ns(marked.to_ns);
            plot.span(Span::new("", range).fill(mark_colour.gamma_multiply(0.15)).border_color(mark_colour));
        }
        for case in cases {
            let (colour, style) = line(case);
            let steps = case.time(time).bars.iter().flat_map(|bar| {
                let percent = 100.0 * bar.share;
                [PlotPoint::new(bar.from, percent), PlotPoint::new(bar.to, percent)]
            });
            let steps = PlotPoints::Owned(closed(steps.collect()));
            let line = Line::new(case.case.title(), steps).color(colour).style(style).width(theme::LINE_WIDTH);
            plot.line(line.allow_band(false));
        }
        plot.pointer_coordinate().map(|at| at.x)
    });
    brush(&response.response, response.inner, state, selection);
    pictures::offer(&response.response, format!("Histogram of {} per frame", time.title().to_lowercase()));
}

/// A range dragged with the pointer becomes the selection; a click takes it away.
fn brush(
    response: &eframe::egui::Response,
    at: Option<f64>,
    state: &mut DistributionsState,
    selection: &mut Option<FrameSelection>,
) {
    if response.drag_started() {
        state.brush_from = at;
    }
    if let (Some(from), Some(to)) = (state.brush_from, at) {
        let (from_ns, to_ns) = brushed(from, to);
        *selection = Some(FrameSelection { time: state.time, from_ns, to_ns });
    }
    if response.drag_stopped() {
        state.brush_from = None;
    }
    if response.clicked() {
        *selection = None;
    }
}

fn curve_ui(ui: &mut Ui, session: &LoadedSession, cases: &[&CaseModel], line: &LineOf<'_>, time: FrameTime) {
    title_ui(
        ui,
        &format!("{} by percentile", time.title()),
        "Share of all frames of the counted runs that took at most this long. Each step to the right leaves a tenth of \
         the frames.",
        session,
    );
    let quantiles = cases.iter().flat_map(|case| &case.time(time).curve).map(|point| point.quantile);
    let widest = quantiles.filter(|&quantile| quantile < 1.0).fold(0.9, f64::max);
    let end = tail(widest, MOST_NINES);
    let plot = still_plot(ui, "percentiles", plot_height(ui))
        .custom_x_axes(vec![axis(AxisHints::new_x(), "percentile of frames", tail_label)])
        .custom_y_axes(vec![axis(AxisHints::new_y(), "time per frame", tick_label)])
        .x_grid_spacer(move |_| marks(tail_ticks(end)))
        .y_grid_spacer(|input| marks(log_ticks(input.bounds)))
        .label_formatter(|at| hover_text(at, |x, y| format!("{}\n{}", tail_label(x), log_label(y))));
    let response = plot.show(ui, |plot| {
        for case in cases {
            let (colour, style) = line(case);
            let points = case.time(time).curve.iter();
            let points = points.map(|point| PlotPoint::new(tail(point.quantile, end), log_ns(point.value_ns)));
            let points = PlotPoints::Owned(points.collect());
            let line = Line::new(case.case.title(), points).color(colour).style(style).width(theme::LINE_WIDTH);
            plot.line(line.allow_band(false));
        }
    });
    pictures::offer(&response.response, format!("Percentile curve of {}", time.title().to_lowercase()));
}

fn boxes_ui(ui: &mut Ui, session: &LoadedSession, cases: &[&CaseModel], line: &LineOf<'_>, time: FrameTime) {
    title_ui(
        ui,
        &format!("{} by case and run", time.title()),
        "Box: the middle half of all frames, with their median; whiskers: 5 % and 95 %. Dots: median (filled) and 99th \
         percentile (hollow) of each run.",
        session,
    );
    // Two lines, since eight cases stand side by side.
    let names: Vec<_> = cases.iter().map(|case| case.case.title().replacen(' ', "\n", 1)).collect();
    let name_at = move |x: f64| names.get(x.round() as usize).cloned().unwrap_or_default();
    let plot = still_plot(ui, "boxes", plot_height(ui))
        .custom_x_axes(vec![axis(AxisHints::new_x(), "", name_at)])
        .custom_y_axes(vec![axis(AxisHints::new_y(), "time per frame", tick_label)])
        .include_x(-0.6)
        .include_x(cases.len() as f64 - 0.4)
        .x_grid_spacer(|_| marks((0..cases.len()).map(|idx| idx as f64)))
        .y_grid_spacer(|input| marks(log_ticks(input.bounds)))
        .label_formatter(|at| hover_text(at, |_, y| log_label(y)));
    let response = plot.show(ui, |plot| {
        for (idx, case) in cases.iter().enumerate() {
            let (colour, _) = line(case);
            let (x, model) = (idx as f64, case.time(time));
            if let Some(quantiles) = model.quantiles_ns {
                let [low, lower, median, upper, high] = quantiles.map(log_ns);
                let element = BoxElem::new(x, BoxSpread::new(low, lower, median, upper, high))
                    .box_width(0.4)
                    .fill(colour.gamma_multiply(0.3))
                    .stroke((theme::LINE_WIDTH, colour));
                plot.box_plot(BoxPlot::new(case.case.title(), vec![element]).allow_hover(false));
            }
            for (of_run, is_filled) in [(0, true), (1, false)] {
                let values = model.run_dots.iter().filter_map(|dots| dots.get(of_run).copied().flatten());
                let dots: Vec<_> = values.map(|ms| PlotPoint::new(x + 0.32, log_ns((ms * 1e6) as u64))).collect();
                let name = format!("{}, each run", case.case.title());
                plot.points(Points::new(name, PlotPoints::Owned(dots)).color(colour).filled(is_filled).radius(2.5));
            }
        }
    });
    pictures::offer(&response.response, format!("Box plot of {} with a dot for each run", time.title().to_lowercase()));
}

fn depth_ui(ui: &mut Ui, session: &LoadedSession, cases: &[&CaseModel]) {
    let definition = "Share of the encoding time with this many frames submitted and not yet reaped. At 0 the encoder \
                      has nothing to do.";
    title_ui(ui, "Queue depth over time", definition, session);
    let mut depths: Vec<u32> = cases.iter().flat_map(|case| &case.depth_shares).map(|share| share.0).collect();
    depths.sort_unstable();
    depths.dedup();
    let count = depths.len();
    let part = |(idx, depth): (usize, &u32)| {
        // An encoder with nothing to do is no shade of a busy one.
        let colour = if *depth == 0 { ui.visuals().weak_text_color() } else { theme::shade(idx, count) };
        (format!("{depth} in flight"), colour)
    };
    let parts: Vec<_> = depths.iter().enumerate().map(part).collect();
    let row = |case: &&CaseModel| {
        let share = |&depth: &u32| {
            let found = case.depth_shares.iter().find(|share| share.0 == depth);
            found.map_or(0.0, |share| 100.0 * share.1)
        };
        let bars = vec![depths.iter().map(share).collect()];
        BarRow { label: case.case.title(), bars, mark: None, is_strong: false }
    };
    let rows: Vec<_> = cases.iter().map(row).collect();
    let text = |value| units::pct(value);
    key_ui(ui, depths.iter().zip(&parts).map(|(depth, part)| KeyEntry::solid(depth.to_string(), part.1)));
    bars_ui(ui, &BarChart { name: "Share of time at each queue depth", parts: &parts, rows: &rows, text: &text });
}

/// The same in numbers.
fn table_ui(ui: &mut Ui, cases: &[&CaseModel], time: FrameTime) {
    ui.add_space(theme::GAP);
    eframe::egui::Grid::new("distribution numbers").striped(true).spacing([18.0, 4.0]).show(ui, |ui| {
        for title in ["Case", "Runs", "5 %", "50 %", "95 %"] {
            ui.strong(title);
        }
        let [_, p99] = time.run_metrics();
        ui.strong(format!("{}, each run", p99.title())).on_hover_text(p99.definition());
        ui.strong(format!("{}, each run", Metric::QueuePeak.title())).on_hover_text(Metric::QueuePeak.definition());
        ui.end_row();
        for case in cases {
            let model = case.time(time);
            ui.label(case.case.title());
            ui.label(units::count(model.run_dots.len() as f64));
            for idx in [0, 2, 4] {
                let value_ns = model.quantiles_ns.and_then(|quantiles| quantiles.get(idx).copied());
                ui.label(value_ns.map_or_else(|| units::NO_VALUE.to_owned(), units::ns));
            }
            let tails = model.run_dots.iter().map(|[_, p99_ms]| p99.unit().text_or_none(*p99_ms));
            ui.label(some_of(tails));
            ui.label(some_of(case.queue_peaks.iter().map(u32::to_string)));
            ui.end_row();
        }
    });
}

/// As many as a line has room for.
fn some_of(mut texts: impl Iterator<Item = String>) -> String {
    let first: Vec<_> = texts.by_ref().take(6).collect();
    let more = if texts.next().is_some() { ", …" } else { "" };
    first.join(", ") + more
}

/// A step line that begins and ends at 0.
fn closed(mut steps: Vec<PlotPoint>) -> Vec<PlotPoint> {
    if let (Some(first), Some(last)) = (steps.first().copied(), steps.last().copied()) {
        steps.insert(0, PlotPoint::new(first.x, 0.0));
        steps.push(PlotPoint::new(last.x, 0.0));
    }
    steps
}

fn hover_text(at: &HoverPosition<'_>, text: impl Fn(f64, f64) -> String) -> Option<String> {
    match at {
        HoverPosition::NearDataPoint { plot_name, position, .. } => {
            Some(format!("{plot_name}\n{}", text(position.x, position.y)))
        }
        HoverPosition::Elsewhere { .. } => None,
    }
}
