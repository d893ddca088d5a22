//! The Compare view: the choice of two cases, the answer in words, each criterion and each metric.

use std::path::{Path, PathBuf};

use eframe::egui::{Button, CollapsingHeader, ComboBox, DragValue, Grid, Key, RichText, ScrollArea, TextEdit, Ui};

use crate::record::Case;
use crate::report::words::codec_title;
use crate::stats::analysis::before_after;
use crate::stats::evidence::noise_floor::NoiseFloor;
use crate::stats::runs::summary::Group;
use crate::stats::verdict::comparison::{CodecComparison, Comparison};
use crate::stats::verdict::criteria::Criteria;
use crate::ui::commands::{Command, Purpose};
use crate::ui::data::LoadedSession;
use crate::ui::theme;
use crate::ui::views::compare::effects::{EffectsModel, answer_line, effects_ui};
use crate::ui::views::compare::model::CompareModel;
use crate::ui::views::sessions::library::Found;
use crate::ui::words::in_window;
use crate::ui::words::said;
use crate::units;

/// The whole view; `found` are the sessions to choose the before side from.
pub fn compare_ui(
    ui: &mut Ui,
    model: &mut CompareModel,
    loaded: &LoadedSession,
    found: Option<&[Found]>,
    is_running: bool,
    queue: &mut Vec<Command>,
) {
    let cases_of = |groups: &[Group]| groups.iter().map(|group| group.case).collect::<Vec<_>>();
    let cases = cases_of(&loaded.groups);
    let before_cases = model.other.as_ref().map_or_else(|| cases.clone(), |other| cases_of(&other.groups));
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.horizontal_wrapped(|ui| {
            case_ui(ui, "Before", &mut model.before, &before_cases, None);
            ui.weak("→");
            let before = model.before;
            case_ui(ui, "After", &mut model.after, &cases, before);
            let swap =
                ui.add_enabled(model.other.is_none(), Button::new("Swap")).on_hover_text("Swap before and after");
            if swap.on_disabled_hover_text("The after side is always from the open session").clicked() {
                queue.push(Command::SwapSides);
            }
        });
        other_ui(ui, model, loaded, found.unwrap_or_default(), queue);
        ui.add_space(theme::GAP);
        match model.judged.as_ref().map(|judged| &judged.comparison) {
            None => drop(ui.label("To compare, choose two different cases with at least one good run each.")),
            Some(Err(error)) => drop(ui.colored_label(theme::alert(ui), in_window(error))),
            Some(Ok(comparison)) => {
                comparison_ui(ui, comparison, &mut model.effects, loaded, is_running, queue);
            }
        }
        ui.add_space(theme::GAP);
        if let Some(noise) = &loaded.session.noise {
            let is_its_own = Path::new(&noise.session) == loaded.session.dir;
            let section = CollapsingHeader::new("Noise floor of this computer").default_open(is_its_own);
            section.id_salt(&noise.session).show(ui, |ui| noise_ui(ui, noise));
        }
        ui.collapsing("Criteria", |ui| {
            criteria_ui(ui, &mut model.criteria);
            ui.checkbox(&mut model.allowances.device_kind, "Allow comparing a virtual device with a real one");
            ui.checkbox(&mut model.allowances.input, "Allow different inputs");
            ui.checkbox(&mut model.allowances.settings, "Allow different settings, driver, processor or build");
        });
    });
}

/// The session of the before side.
fn other_ui(ui: &mut Ui, model: &mut CompareModel, loaded: &LoadedSession, found: &[Found], queue: &mut Vec<Command>) {
    const OPEN_ONE: &str = "the open session";
    let shown =
        model.other.as_ref().map_or_else(|| OPEN_ONE.to_owned(), |other| other.session.dir.display().to_string());
    ui.horizontal_wrapped(|ui| {
        ui.weak("Before from");
        let combo = ComboBox::from_id_salt("before session").selected_text(&shown).width(240.0);
        let combo = combo.show_ui(ui, |ui| {
            if ui.selectable_label(model.other.is_none(), OPEN_ONE).clicked() {
                queue.push(Command::CompareWith(None));
            }
            for other in found.iter().filter(|other| other.dir != loaded.session.dir) {
                let is_chosen = model.other.as_ref().is_some_and(|chosen| chosen.session.dir == other.dir);
                if ui.selectable_label(is_chosen, other.name()).on_hover_text(other.dir.display().to_string()).clicked()
                {
                    queue.push(Command::CompareWith(Some(other.dir.clone())));
                }
            }
        });
        combo.response.accessible_name("Before session");
        let path = TextEdit::singleline(&mut model.path).desired_width(200.0).hint_text("or a session folder");
        let typed = ui.add(path).accessible_name("Other session folder");
        if typed.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) && !model.path.is_empty() {
            queue.push(Command::CompareWith(Some(PathBuf::from(&model.path))));
        }
        if ui.button("Choose other…").clicked() {
            queue.push(Command::Pick(Purpose::Before));
        }
    });
}

/// A choice of cases. Those that `other` cannot be compared with are shown, and why.
fn case_ui(ui: &mut Ui, label: &str, choice: &mut Option<Case>, cases: &[Case], other: Option<Case>) {
    let title = |case: &Case| format!("{} {}", codec_title(case.codec), case.title());
    let selected = choice.as_ref().map_or_else(|| units::NO_VALUE.to_owned(), title);
    ui.weak(label);
    let combo = ComboBox::from_id_salt(label).selected_text(selected).width(150.0);
    let combo = combo.show_ui(ui, |ui| {
        for case in cases {
            // A whole process has its start and its files in its time, a case of this process has not.
            let is_like = other.is_none_or(|other| other.client.is_here() == case.client.is_here());
            let line = ui.add_enabled(is_like, Button::selectable(*choice == Some(*case), title(case)));
            let why = "One is a whole process, its start included, the other is not: choose two of the same kind";
            if line.on_disabled_hover_text(why).clicked() {
                *choice = Some(*case);
            }
        }
    });
    combo.response.accessible_name(label);
}

fn comparison_ui(
    ui: &mut Ui,
    comparison: &Comparison,
    effects: &mut EffectsModel,
    loaded: &LoadedSession,
    is_running: bool,
    queue: &mut Vec<Command>,
) {
    for codec in &comparison.codecs {
        before_after(codec).iter().for_each(|line| drop(ui.label(line)));
    }
    let verdict = RichText::new(format!("Criteria: {}", comparison.verdict)).heading();
    ui.label(verdict.color(theme::verdict(ui, comparison.verdict)));
    for warning in &comparison.warnings {
        ui.horizontal_wrapped(|ui| {
            ui.colored_label(theme::alert(ui), "Warning");
            ui.label(warning.to_string());
        });
    }
    for field in &comparison.not_comparable {
        ui.label(format!("Not comparable: {field}"));
    }
    if !comparison.not_comparable.is_empty() {
        ui.label(
            "Measure both sides with equal settings, or tick 'Allow different settings, driver, processor or build' under \
             Criteria.",
        );
    }
    ui.add_space(theme::GAP);
    for codec in &comparison.codecs {
        codec_ui(ui, codec);
        ui.add_space(theme::GAP);
        more_ui(ui, codec, loaded, is_running, queue);
        effects_ui(ui, effects, codec);
    }
}

/// The button for more rounds, and the margin that a change has to exceed.
fn more_ui(ui: &mut Ui, codec: &CodecComparison, loaded: &LoadedSession, is_running: bool, queue: &mut Vec<Command>) {
    let Some(primary) = codec.effects.first() else { return };
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(answer_line(primary, codec.engine)).strong());
        // Another session's side is not made again by running the open one.
        let can_run = !is_running && codec.num_before_first.is_some();
        if let Some(rounds) = codec.rounds_to_settle().filter(|_| can_run) {
            let button = ui.button(format!("Run again with {rounds} rounds"));
            let hint = "Starts a new sweep with this number of rounds. Adding rounds to this sweep until the result \
                        is welcome would find a change in the end, even where there is none";
            if button.on_hover_text(hint).clicked() {
                queue.push(Command::RunRounds(rounds));
            }
        }
    });
    ui.horizontal_wrapped(|ui| {
        let margin = units::pct(primary.margin.pct);
        match (&primary.margin.calibration, &loaded.session.noise) {
            (Some(session), _) => drop(ui.label(format!(
                "Changes under {margin} are ignored: this is the noise floor of this computer, measured in {session}"
            ))),
            (None, Some(noise)) if noise.floors.iter().any(|floor| floor.metric == primary.metric) => {
                drop(ui.label(format!(
                    "Changes under {margin} are ignored; the noise floor of this computer is lower, measured in {}",
                    noise.session
                )))
            }
            (None, _) => {
                ui.label(format!(
                    "Changes under {margin} are ignored. This computer's noise has not been measured yet."
                ));
                if !is_running && ui.button("Calibrate").on_hover_text("For the plan in the form on the left").clicked()
                {
                    queue.push(Command::Calibrate);
                }
            }
        }
    });
}

/// The floors of every case and metric.
fn noise_ui(ui: &mut Ui, noise: &NoiseFloor) {
    ui.weak(format!("Measured in {}: the farther end of the 95 % interval between equal runs", noise.session));
    if let Some(cost) = noise.watching {
        ui.label(said(ui, &format!("Cost of watching in this window: wall time {cost}")));
    }
    Grid::new("noise").num_columns(4).striped(true).spacing([16.0, 4.0]).show(ui, |ui| {
        for title in ["Metric", "Case", "Pairs", "Floor"] {
            ui.strong(title);
        }
        ui.end_row();
        for floor in &noise.floors {
            ui.label(said(ui, floor.metric.title())).on_hover_text(said(ui, floor.metric.definition()));
            ui.label(format!("{} {}", codec_title(floor.case.codec), floor.case.title()));
            ui.label(floor.num_pairs.to_string());
            ui.label(units::pct(floor.floor_pct));
            ui.end_row();
        }
    });
}

fn codec_ui(ui: &mut Ui, codec: &CodecComparison) {
    Grid::new(("criteria", codec.codec)).num_columns(6).striped(true).spacing([16.0, 6.0]).show(ui, |ui| {
        for title in ["Criterion", "Before", "After", "Paired median change", "Verdict", "Why"] {
            ui.strong(title);
        }
        ui.end_row();
        for result in &codec.criteria {
            let unit = result.name.unit();
            ui.label(said(ui, result.title())).on_hover_text(&result.rule);
            ui.label(unit.text_or_none(result.before));
            ui.label(unit.text_or_none(result.after));
            ui.label(units::change_pct_or_none(result.change_pct));
            ui.label(RichText::new(result.verdict.to_string()).strong().color(theme::verdict(ui, result.verdict)));
            ui.add(eframe::egui::Label::new(&result.reason).wrap());
            ui.end_row();
        }
    });
}

fn criteria_ui(ui: &mut Ui, criteria: &mut Criteria) {
    Grid::new("limits").num_columns(2).show(ui, |ui| {
        percent_ui(ui, "Wall time falls by at least", &mut criteria.min_wall_improvement_pct);
        percent_ui(ui, "Lock wait falls by at least", &mut criteria.min_lock_improvement_pct);
        percent_ui(ui, "Latency ÷ throughput may grow by", &mut criteria.max_latency_p99_growth_pct);
        percent_ui(ui, "Assumed drift between sessions", &mut criteria.session_drift_pct);
        count_ui(ui, "Queue peak reaches at least", &mut criteria.min_queue_peak);
        count_ui(ui, "Failed runs, at most", &mut criteria.max_failed_runs);
        count_ui(ui, "Good runs per side, at least", &mut criteria.min_runs);
    });
    if ui.button("Built-in criteria").clicked() {
        *criteria = Criteria::default();
    }
}

fn percent_ui(ui: &mut Ui, label: &str, value: &mut f64) {
    let name = ui.label(said(ui, label));
    ui.add(DragValue::new(value).speed(0.5).suffix(" %")).labelled_by(name.id);
    ui.end_row();
}

fn count_ui(ui: &mut Ui, label: &str, value: &mut u32) {
    let name = ui.label(label);
    ui.add(DragValue::new(value).speed(0.1)).labelled_by(name.id);
    ui.end_row();
}
