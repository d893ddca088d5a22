//! Lock wait and latency of every case: a ranked list, histogram and percentile curves of the cases in focus, queue depth.
//!
//! Draws `model`'s figures. A range dragged on the histogram marks the frames in it; a click on a row of the ranked list
//! brings its case into focus.

use eframe::egui::{DragValue, Pos2, Sense, Ui};

use crate::record::Case;
use crate::stats::runs::metrics::Metric;
use crate::ui::commands::{Command, View};
use crate::ui::theme;
use crate::ui::views::distributions::cases::CaseModel;
use crate::ui::views::distributions::model::{DistributionFigures, Shown, marked_text, usual_focus};
use crate::ui::views::distributions::selection::{FrameSelection, FrameTime};
use crate::ui::widgets::{figure_ui, key_ui, keyless_figure_ui, short_segments_ui, sub_ui};
use crate::ui::words::said;
use crate::units;

/// The user's choices in this view, and the figures made for them.
#[derive(Debug, Default)]
pub struct DistributionsState {
    /// The time that is shown.
    pub time: FrameTime,
    /// Where the brush went down, in nanoseconds.
    brush_from_ns: Option<f64>,
    /// The cases that somebody chose; `None`: the usual ones.
    focus: Option<Vec<Case>>,
    /// What the figures were made of.
    made_of: Option<(u64, FrameTime, Vec<Case>)>,
    figures: DistributionFigures,
    /// The marked frames in words, and what they were counted in.
    marked: Option<(u64, FrameSelection, String)>,
}

/// Draws everything.
pub fn ui(
    ui: &mut Ui,
    shown: &Shown<'_>,
    state: &mut DistributionsState,
    selection: &mut Option<FrameSelection>,
    queue: &mut Vec<Command>,
) {
    let focus = state.focus.clone().unwrap_or_else(|| usual_focus(shown.cases, shown.answer));
    controls_ui(ui, shown, state, selection, queue);
    let key = (shown.version, state.time, focus);
    if state.made_of.as_ref() != Some(&key) {
        state.figures = DistributionFigures::of(shown, state.time, &key.2);
        state.made_of = Some(key);
    }
    if let Some(figure) = &state.figures.histogram {
        // The percentile curves have the same.
        key_ui(ui, &figure.key);
    }
    ui.columns_const(|[left, right]| {
        ranked_ui(left, state, shown);
        if let Some(figure) = &state.figures.depth {
            left.add_space(theme::GAP);
            figure_ui(left, figure, Sense::hover());
        }
        histogram_ui(right, state, selection);
        if let Some(figure) = &state.figures.percentiles {
            right.add_space(theme::GAP);
            keyless_figure_ui(right, figure, Sense::hover());
        }
    });
    table_ui(ui, shown, state);
}

fn controls_ui(
    ui: &mut Ui,
    shown: &Shown<'_>,
    state: &mut DistributionsState,
    selection: &mut Option<FrameSelection>,
    queue: &mut Vec<Command>,
) {
    ui.horizontal_wrapped(|ui| {
        let chosen = FrameTime::ALL.iter().position(|time| *time == state.time);
        let titles = FrameTime::ALL.map(|time| said(ui, time.title()));
        if let Some(idx) = short_segments_ui(ui, &titles.each_ref().map(String::as_str), chosen) {
            state.time = FrameTime::ALL[idx];
        }
        if selection.is_none() {
            mark_slowest_ui(ui, shown.cases, state.time, selection);
        }
        if selection_ui(ui, selection) && ui.button("Show on timeline").clicked() {
            queue.push(Command::Show(View::Timeline));
        }
    });
    if let Some(marked) = selection {
        let is_counted = |(version, of, _): &(u64, FrameSelection, String)| (*version, of) == (shown.version, &*marked);
        if !state.marked.as_ref().is_some_and(is_counted) {
            state.marked = Some((shown.version, *marked, marked_text(shown.cases, marked)));
        }
        if let Some((_, _, text)) = &state.marked {
            ui.label(text);
        }
    }
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
    edge_ui(ui, &said(ui, &format!("Marked: {} from", marked.time.title().to_lowercase())), &mut marked.from_ns);
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

/// A click on a row brings its case into focus, or takes it out.
fn ranked_ui(ui: &mut Ui, state: &mut DistributionsState, shown: &Shown<'_>) {
    let Some(figure) = &state.figures.ranked else { return };
    let drawn = figure_ui(ui, figure, Sense::click());
    let Some((drawn, panel)) = drawn.first().zip(figure.panels.first()) else { return };
    let at = drawn.response.interact_pointer_pos().filter(|_| drawn.response.clicked());
    let row = at.and_then(|at| drawn.values_at(panel, at)).map(|(_, row)| row as usize);
    if let Some(case) = row.and_then(|row| state.figures.ranked_cases.get(row).copied()) {
        toggle_focus(state, shown, case);
    }
    sub_ui(ui, "Click a row to draw its case in colour on the right. Click again to stop.");
}

fn toggle_focus(state: &mut DistributionsState, shown: &Shown<'_>, case: Case) {
    let mut focus = state.focus.take().unwrap_or_else(|| usual_focus(shown.cases, shown.answer));
    match focus.iter().position(|one| *one == case) {
        Some(idx) => drop(focus.remove(idx)),
        None => focus.push(case),
    }
    state.focus = Some(focus);
}

fn histogram_ui(ui: &mut Ui, state: &mut DistributionsState, selection: &mut Option<FrameSelection>) {
    let Some(figure) = &state.figures.histogram else { return };
    let drawn = keyless_figure_ui(ui, figure, Sense::click_and_drag());
    let Some((drawn, panel)) = drawn.first().zip(figure.panels.first()) else { return };
    let response = &drawn.response;
    let values_at = |at: Option<Pos2>| at.and_then(|at| drawn.values_at(panel, at)).map(|(at_ns, _)| at_ns);
    if response.drag_started() {
        // Where the button went down, not where the pointer was when that became a drag.
        state.brush_from_ns = values_at(ui.input(|input| input.pointer.press_origin()));
    }
    let at_ns = values_at(ui.input(|input| input.pointer.latest_pos()));
    if let (Some(one), Some(other)) = (state.brush_from_ns, at_ns) {
        *selection = Some(brushed(state.time, one, other, panel.x.value(0.0)));
    }
    if response.drag_stopped() {
        state.brush_from_ns = None;
    }
    if response.clicked() {
        *selection = None;
    }
    if let (Some(marked), Some(painted)) = (selection.filter(|marked| marked.time == state.time), drawn.painted) {
        let edge = |at_ns: u64| painted.at(panel, (at_ns as f64, 0.0)).0 as f32;
        let mut area = response.rect;
        (area.min.x, area.max.x) = (edge(marked.from_ns), edge(marked.to_ns));
        (area.min.y, area.max.y) = (painted.data.top as f32, painted.data.bottom() as f32);
        ui.painter().rect_filled(area, 0.0, theme::mark(ui).gamma_multiply(0.2));
    }
}

/// The times between two places, in either order. What is drawn at the axis' low end stands for every shorter time.
fn brushed(time: FrameTime, one_ns: f64, other_ns: f64, low_end_ns: f64) -> FrameSelection {
    let (low, high) = (one_ns.min(other_ns), one_ns.max(other_ns));
    let from_ns = if low > 1.001 * low_end_ns { low.round() as u64 } else { 0 };
    FrameSelection { time, from_ns, to_ns: high.round() as u64 }
}

/// The same in numbers; a click on a case does what a click on its row does.
fn table_ui(ui: &mut Ui, shown: &Shown<'_>, state: &mut DistributionsState) {
    ui.add_space(theme::GAP);
    let mut toggled = None;
    eframe::egui::Grid::new("distribution numbers").striped(true).spacing([18.0, 4.0]).show(ui, |ui| {
        for title in ["Case", "Runs", "5 %", "50 %", "95 %"] {
            ui.strong(title);
        }
        let [_, p99] = state.time.run_metrics();
        ui.strong(said(ui, &format!("{}, each run", p99.title()))).on_hover_text(said(ui, p99.definition()));
        ui.strong(format!("{}, each run", Metric::QueuePeak.title())).on_hover_text(Metric::QueuePeak.definition());
        ui.end_row();
        let focus = state.made_of.as_ref().map(|made| &made.2[..]).unwrap_or_default();
        for case in shown.cases {
            let model = case.time(state.time);
            let name = ui.selectable_label(focus.contains(&case.case), case.case.title());
            if name.on_hover_text("Draw this case in colour").clicked() {
                toggled = Some(case.case);
            }
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
    if let Some(case) = toggled {
        toggle_focus(state, shown, case);
    }
}

/// As many as a line has room for.
fn some_of(mut texts: impl Iterator<Item = String>) -> String {
    let first: Vec<_> = texts.by_ref().take(6).collect();
    let more = if texts.next().is_some() { ", …" } else { "" };
    first.join(", ") + more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_low_end_stands_for_everything_shorter() {
        let range = |one, other| {
            let FrameSelection { from_ns, to_ns, .. } = brushed(FrameTime::Latency, one, other, 100.0);
            (from_ns, to_ns)
        };
        assert_eq!(range(1e6, 100.0), (0, 1_000_000));
        assert_eq!(range(1e3, 1e4), (1000, 10_000));
    }
}
