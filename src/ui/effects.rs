//! The change of each metric: the answer in a word, its interval, each round as a dot, and the doubts.
//!
//! Draws what `stats` found; the plots are of the metric that is chosen in the table.

use eframe::egui::{Color32, Grid, RichText, Stroke, Ui, vec2};
use egui_plot::{Axis, AxisHints, FilledArea, HLine, Line, PlotPoint, PlotPoints, Points, Span};

use super::data::LoadedSession;
use super::plots::parts::{axis, marks, still_plot, title_ui};
use super::plots::scale::linear_ticks;
use super::{pictures, theme};
use crate::stats::evidence::change::{ChangeInterval, narrowing};
use crate::stats::evidence::doubts::Doubt;
use crate::stats::evidence::quantile_shift::Shift;
use crate::stats::evidence::sides::PairChange;
use crate::stats::runs::metrics::Metric;
use crate::stats::verdict::comparison::{CodecComparison, thin_text};
use crate::stats::verdict::effects::{Answer, Effect};
use crate::units;

/// Ground under a badge.
const BADGE_TINT: f32 = 0.18;
/// The band that an interval has narrowed along, and the one in which a change does not matter.
const INTERVAL_TINT: f32 = 0.25;
const MARGIN_TINT: f32 = 0.2;

/// The data drawn last, so that intervals are not computed in every frame.
#[derive(Debug, Default)]
pub struct EffectsModel {
    /// Shown in the plot; the primary one until somebody chooses.
    chosen: Option<Metric>,
    /// Pairs, and the states of their interval as they came in.
    states: (Vec<PairChange>, Vec<ChangeInterval>),
}

/// The table of effects and the plots of one codec.
pub fn effects_ui(ui: &mut Ui, model: &mut EffectsModel, codec: &CodecComparison, loaded: &LoadedSession) {
    let is_chosen = |effect: &&Effect| model.chosen.is_none_or(|chosen| chosen == effect.metric);
    let Some(effect) = codec.effects.iter().find(is_chosen).or(codec.effects.first()) else { return };
    if !effect.pairs.is_empty() {
        pairs_ui(ui, model, effect, loaded);
    }
    ui.horizontal_wrapped(|ui| {
        ui.strong("What changed");
        ui.weak("The first metric is the primary one, chosen beforehand; the others are exploratory");
    });
    table_ui(ui, model, codec, effect.metric);
    if let Some(thin) = thin_text(&codec.too_thin) {
        ui.weak(format!("Left out: {thin}"));
    }
    ui.collapsing("Change by decile of frames", |ui| {
        codec.shifts.iter().for_each(|shift| shift_ui(ui, shift, loaded));
    });
}

fn table_ui(ui: &mut Ui, model: &mut EffectsModel, codec: &CodecComparison, shown: Metric) {
    Grid::new(("effects", codec.codec)).num_columns(7).striped(true).spacing([16.0, 6.0]).show(ui, |ui| {
        for title in ["Metric", "Paired median change", "Interval", "Mean", "Worst run", "Answer", "Why"] {
            ui.strong(title);
        }
        ui.end_row();
        for effect in &codec.effects {
            let name = if effect.is_primary {
                RichText::new(effect.metric.title()).strong()
            } else {
                effect.metric.title().into()
            };
            let choice = ui.selectable_label(shown == effect.metric, name);
            if choice.on_hover_text(format!("{} Click to draw its rounds.", effect.metric.definition())).clicked() {
                model.chosen = Some(effect.metric);
            }
            ui.label(units::change_pct(effect.interval.estimate_pct));
            interval_ui(ui, &effect.interval);
            let mean = effect.mean.map(|mean| 100.0 * (mean.estimate - 1.0));
            ui.label(units::change_pct_or_none(mean));
            worst_ui(ui, effect);
            ui.label(RichText::new(effect.answer.to_string()).strong().color(theme::answer(ui, effect.answer)));
            let reason = eframe::egui::Label::new(&effect.reason).wrap();
            if effect.doubts.is_empty() {
                ui.add(reason);
            } else {
                ui.vertical(|ui| {
                    ui.add(reason);
                    badges_ui(ui, &effect.doubts);
                });
            }
            ui.end_row();
        }
    });
}

fn interval_ui(ui: &mut Ui, change: &ChangeInterval) {
    let unit = change.num_pairs.map_or_else(|| "runs per side, not paired".to_owned(), |_| "pairs".to_owned());
    ui.label(change.ends_text()).on_hover_text(format!(
        "{} {unit}; exact {} bounds at {:.1} %, widened by the doubts",
        change.num_runs,
        if change.num_pairs.is_some() { "signed-rank" } else { "Mann–Whitney" },
        change.confidence_pct
    ));
}

/// How far the worst run lies above the median of its side.
fn worst_ui(ui: &mut Ui, effect: &Effect) {
    let both = effect.worst.before_pct.zip(effect.worst.after_pct);
    let text = both.map_or_else(
        || units::NO_VALUE.to_owned(),
        |(before, after)| format!("{} to {}", units::change_pct(before), units::change_pct(after)),
    );
    ui.label(text).on_hover_text("Distance of the worst run above the median of its side, before and after");
}

/// The doubts, each with its sentence as tooltip.
fn badges_ui(ui: &mut Ui, doubts: &[Doubt]) {
    ui.horizontal_wrapped(|ui| {
        for doubt in doubts {
            let alert = theme::alert(ui);
            let text = RichText::new(format!(" {} ", doubt.title()))
                .small()
                .background_color(alert.gamma_multiply(BADGE_TINT));
            ui.label(text).on_hover_text(doubt.to_string());
        }
    });
}

/// Each round as a dot, and the interval as it narrowed while they came in.
fn pairs_ui(ui: &mut Ui, model: &mut EffectsModel, effect: &Effect, loaded: &LoadedSession) {
    if model.states.0 != effect.pairs {
        model.states = (effect.pairs.clone(), narrowing(&effect.pairs));
    }
    let states = &model.states.1;
    let title = format!("{}: change in each round, and the narrowing interval", effect.metric.title());
    let definition = "Each dot is the change from before to after within one round. The coloured band is the 95 % interval of \
                      all rounds so far, the line the estimate. Changes within the grey band, which is shown if it is \
                      near, do not matter.";
    title_ui(ui, &title, definition, loaded);
    let colour = theme::series(0);
    let grey = ui.visuals().weak_text_color();
    let margin = effect.margin.pct;
    let num = effect.pairs.len() as f64;
    let is_near = effect.is_near_margin();
    let plot = still_plot(ui, "rounds", theme::PLOT_HEIGHT);
    let plot = if is_near { plot.include_y(-1.5 * margin).include_y(1.5 * margin) } else { plot };
    let plot = plot
        .include_x(0.5)
        .include_x(num.max(6.0) + 0.5)
        .custom_x_axes(vec![axis(AxisHints::new_x(), "rounds", |value| value.to_string())])
        .custom_y_axes(vec![axis(AxisHints::new_y(), "change [%]", |value| value.to_string())])
        .x_grid_spacer(|input| marks(linear_ticks(input.bounds).into_iter().filter(|tick| tick.fract() == 0.0)))
        .y_grid_spacer(|input| marks(linear_ticks(input.bounds)));
    let response = plot.show(ui, |plot| {
        if is_near {
            // Without a name: it would stand upright in a band that is rarely high enough for it.
            plot.span(Span::new("", -margin..=margin).axis(Axis::Y).fill(grey.gamma_multiply(MARGIN_TINT)));
            plot.hline(HLine::new("no change", 0.0).stroke(Stroke::new(1.0, grey)).allow_hover(false));
        }
        let bounded: Vec<_> =
            states.iter().filter_map(|state| Some((f64::from(state.num_runs), state.ends()?))).collect();
        let of = |value: fn(&(f64, (f64, f64))) -> f64| bounded.iter().map(value).collect::<Vec<_>>();
        let (xs, low, high) = (of(|state| state.0), of(|state| state.1.0), of(|state| state.1.1));
        let band = FilledArea::new("95 % interval", &xs, &low, &high).fill_color(colour.gamma_multiply(INTERVAL_TINT));
        plot.add(band.allow_hover(false));
        let centre = states.iter().map(|state| PlotPoint::new(f64::from(state.num_runs), state.estimate_pct)).collect();
        plot.line(
            Line::new("estimate", PlotPoints::Owned(centre)).color(colour).width(theme::LINE_WIDTH).allow_hover(false),
        );
        let dots = (1..).zip(&effect.pairs).map(|(place, pair)| PlotPoint::new(f64::from(place), pair.change_pct));
        plot.points(Points::new("round", PlotPoints::Owned(dots.collect())).color(theme::series(1)).radius(3.0));
    });
    pictures::offer(&response.response, title);
}

/// The difference at each decile with its interval.
fn shift_ui(ui: &mut Ui, shift: &Shift, loaded: &LoadedSession) {
    let title = format!("{}: change at each decile of a run's frames", shift.column.title());
    let definition = "The paired median difference at each decile of a run, with its exact 95 % interval";
    title_ui(ui, &title, definition, loaded);
    if shift.is_exploratory {
        ui.weak("Only a hint: fewer than 20 runs per side");
    }
    let colour: Color32 = theme::series(0);
    let plot = still_plot(ui, shift.column.title(), theme::PLOT_HEIGHT)
        .include_y(0.0)
        .include_x(5.0)
        .include_x(95.0)
        .custom_x_axes(vec![axis(AxisHints::new_x(), "decile [%]", |value| value.to_string())])
        .custom_y_axes(vec![axis(AxisHints::new_y(), "change [ms]", |value| value.to_string())])
        .x_grid_spacer(|_| marks((1..10).map(|tenth| f64::from(10 * tenth))))
        .y_grid_spacer(|input| marks(linear_ticks(input.bounds)));
    let response = plot.show(ui, |plot| {
        plot.hline(HLine::new("no change", 0.0).color(ui_grey(plot)).allow_hover(false));
        let mut centres = Vec::new();
        for point in &shift.points {
            let x = f64::from(point.percent);
            centres.push(PlotPoint::new(x, point.difference_ms));
            if let Some((low, high)) = point.low_ms.zip(point.high_ms) {
                let ends = vec![PlotPoint::new(x, low), PlotPoint::new(x, high)];
                plot.line(
                    Line::new("interval", PlotPoints::Owned(ends))
                        .color(colour)
                        .width(theme::LINE_WIDTH)
                        .allow_hover(false),
                );
            }
        }
        plot.points(Points::new("change", PlotPoints::Owned(centres)).color(colour).radius(3.5));
    });
    pictures::offer(&response.response, title);
    ui.add_space(vec2(0.0, theme::GAP).y);
}

fn ui_grey(plot: &egui_plot::PlotUi<'_>) -> Color32 {
    plot.ctx().global_style().visuals.weak_text_color()
}

/// The answer about a metric, as the heading of a comparison.
pub fn answer_line(effect: &Effect) -> String {
    let change = format!(" {}", effect.interval);
    match effect.answer {
        Answer::Inconclusive => format!("{}: inconclusive{change}", effect.metric.title()),
        answer => format!("{} {answer}{change}", effect.metric.title()),
    }
}
