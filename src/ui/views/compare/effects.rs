//! The change of each metric: the answer in a word, its interval, each round as a dot, and the doubts.
//!
//! Draws what `stats` found; the plots are of the metric that is chosen in the table.

use eframe::egui::{Grid, RichText, Sense, Ui};

use crate::contract::EngineKind;
use crate::figures::{Figure, rounds, shift};
use crate::stats::evidence::change::ChangeInterval;
use crate::stats::evidence::doubts::Doubt;
use crate::stats::evidence::quantile_shift::Shift;
use crate::stats::evidence::sides::PairChange;
use crate::stats::runs::metrics::Metric;
use crate::stats::verdict::comparison::{CodecComparison, thin_text};
use crate::stats::verdict::effects::{Answer, Effect};
use crate::ui::memo::Memo;
use crate::ui::theme;
use crate::ui::widgets::figure_ui;
use crate::units;

/// Ground under a badge.
const BADGE_TINT: f32 = 0.18;

/// The choice, and the figures drawn last.
#[derive(Debug, Default)]
pub struct EffectsModel {
    /// Shown in the plot; the primary one until somebody chooses.
    chosen: Option<Metric>,
    rounds: Memo<(Metric, Vec<PairChange>), Option<Figure>>,
    shifts: Memo<Vec<Shift>, Option<Figure>>,
}

/// The table of effects and the plots of one codec.
pub fn effects_ui(ui: &mut Ui, model: &mut EffectsModel, codec: &CodecComparison) {
    let is_chosen = |effect: &&Effect| model.chosen.is_none_or(|chosen| chosen == effect.metric);
    let Some(effect) = codec.effects.iter().find(is_chosen).or(codec.effects.first()) else { return };
    let title =
        || format!("{}: change in each round, and the narrowing interval", codec.engine.say(effect.metric.title()));
    if let Some(figure) = model.rounds.of(&(effect.metric, effect.pairs.clone()), || rounds::of(title(), effect)) {
        figure_ui(ui, figure, Sense::hover());
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
        let make = || Some(shift::of("Change by decile of frames", &codec.shifts)?.in_words_of(codec.engine));
        if let Some(figure) = model.shifts.of(&codec.shifts, make) {
            figure_ui(ui, figure, Sense::hover());
        }
    });
}

fn table_ui(ui: &mut Ui, model: &mut EffectsModel, codec: &CodecComparison, shown: Metric) {
    Grid::new(("effects", codec.codec)).num_columns(7).striped(true).spacing([16.0, 6.0]).show(ui, |ui| {
        let level = codec.effects.first().map_or(95.0, |effect| effect.interval.confidence_pct);
        let interval = if level > 95.05 { format!("{level:.1} % interval") } else { "95 % interval".to_owned() };
        for title in ["Metric", "Paired median change", &interval, "Mean", "Worst run over median", "Answer", "Why"] {
            ui.strong(title);
        }
        ui.end_row();
        for effect in &codec.effects {
            let name = RichText::new(codec.engine.say(effect.metric.title()));
            let name = if effect.is_primary { name.strong() } else { name };
            let choice = ui.selectable_label(shown == effect.metric, name);
            if choice
                .on_hover_text(format!("{} Click to draw its rounds.", codec.engine.say(effect.metric.definition())))
                .clicked()
            {
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
        |(before, after)| format!("{}, then {}", units::change_pct(before), units::change_pct(after)),
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

/// The answer about a metric, as the heading of a comparison.
pub fn answer_line(effect: &Effect, engine: EngineKind) -> String {
    let title = engine.say(effect.metric.title());
    let change = format!(" {}", effect.interval);
    match effect.answer {
        Answer::Inconclusive => format!("{title}: inconclusive{change}"),
        answer => format!("{title} {answer}{change}"),
    }
}
