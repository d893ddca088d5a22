//! Before against after: which two cases, by which criteria, and the answer in words.
//!
//! The judgement is `stats`'; it is made again only when the session, the choice or a criterion has changed.

use eframe::egui::{ComboBox, DragValue, Grid, RichText, Ui};

use super::commands::Command;
use super::data::LoadedSession;
use super::theme;
use crate::record::Case;
use crate::report::words::{case_title, codec_title};
use crate::stats::compare::{Allowances, CodecComparison, Comparison, compare};
use crate::stats::criteria::{Criteria, Verdict};
use crate::stats::recommend::default_pair;
use crate::stats::selector::CaseFilter;
use crate::units;

/// The choice and what came of it.
#[derive(Debug, Default)]
pub struct CompareModel {
    /// The case on the before side; `None` until a session has two.
    pub before: Option<Case>,
    /// The case on the after side.
    pub after: Option<Case>,
    /// The limits.
    pub criteria: Criteria,
    judged: Option<Judged>,
}

#[derive(Debug)]
struct Judged {
    /// What it was made of.
    of: (u64, Case, Case, Criteria),
    comparison: Result<Comparison, String>,
}

impl CompareModel {
    /// Judges again if anything has changed since. Cases that the session does not have are replaced by the pair that
    /// `stats` suggests.
    pub fn update(&mut self, loaded: &LoadedSession) {
        let has = |case: Option<Case>| case.is_some_and(|case| loaded.groups.iter().any(|group| group.case == case));
        if !has(self.before) || !has(self.after) {
            let pair = default_pair(&loaded.groups).into_iter().next();
            (self.before, self.after) = (pair.as_ref().map(|pair| pair.before), pair.map(|pair| pair.after));
        }
        let (Some(before), Some(after)) = (self.before, self.after) else {
            self.judged = None;
            return;
        };
        let of = (loaded.version, before, after, self.criteria);
        if self.judged.as_ref().is_none_or(|judged| judged.of != of) {
            self.judged = Some(Judged { of, comparison: judge(loaded, before, after, &self.criteria) });
        }
    }

    /// Before becomes after, and the other way round.
    pub fn swap(&mut self) {
        std::mem::swap(&mut self.before, &mut self.after);
    }

    /// The judgement as it stands.
    pub fn verdict(&self) -> Option<Verdict> {
        self.judged.as_ref()?.comparison.as_ref().ok().map(|comparison| comparison.verdict)
    }
}

fn judge(loaded: &LoadedSession, before: Case, after: Case, criteria: &Criteria) -> Result<Comparison, String> {
    criteria.check().map_err(|error| error.to_string())?;
    let name = loaded.session.dir.display().to_string();
    let side = |case| loaded.session.side(&name, CaseFilter::from(case));
    compare(&side(before), &side(after), criteria, Allowances::default()).map_err(|error| error.to_string())
}

/// The whole view.
pub fn compare_ui(ui: &mut Ui, model: &mut CompareModel, loaded: &LoadedSession, queue: &mut Vec<Command>) {
    let cases: Vec<_> = loaded.groups.iter().map(|group| group.case).collect();
    ui.horizontal_wrapped(|ui| {
        case_ui(ui, "Before", &mut model.before, &cases);
        case_ui(ui, "After", &mut model.after, &cases);
        if ui.button("Swap").on_hover_text("Swap before and after").clicked() {
            queue.push(Command::SwapSides);
        }
    });
    ui.add_space(theme::GAP);
    match model.judged.as_ref().map(|judged| &judged.comparison) {
        None => drop(ui.label("Two cases with a good run each are needed to compare.")),
        Some(Err(error)) => drop(ui.colored_label(theme::alert(ui), error)),
        Some(Ok(comparison)) => comparison_ui(ui, comparison),
    }
    ui.add_space(theme::GAP);
    ui.collapsing("Criteria", |ui| criteria_ui(ui, &mut model.criteria));
}

fn case_ui(ui: &mut Ui, label: &str, choice: &mut Option<Case>, cases: &[Case]) {
    let title = |case: &Case| format!("{} {}", codec_title(case.codec), case_title(case));
    let selected = choice.as_ref().map_or_else(|| units::NO_VALUE.to_owned(), title);
    ComboBox::from_label(label).selected_text(selected).width(170.0).show_ui(ui, |ui| {
        for case in cases {
            ui.selectable_value(choice, Some(*case), title(case));
        }
    });
}

fn comparison_ui(ui: &mut Ui, comparison: &Comparison) {
    let verdict = RichText::new(format!("Overall {}", comparison.verdict)).heading();
    ui.label(verdict.color(theme::verdict(ui, comparison.verdict)));
    for warning in &comparison.warnings {
        ui.horizontal_wrapped(|ui| {
            ui.colored_label(theme::alert(ui), "Warning");
            ui.label(warning.to_string());
        });
    }
    ui.add_space(theme::GAP);
    comparison.codecs.iter().for_each(|codec| codec_ui(ui, codec));
}

fn codec_ui(ui: &mut Ui, codec: &CodecComparison) {
    Grid::new(("criteria", codec.codec)).num_columns(6).striped(true).spacing([16.0, 6.0]).show(ui, |ui| {
        for title in ["Criterion", "Before", "After", "Change", "Verdict", "Why"] {
            ui.strong(title);
        }
        ui.end_row();
        for result in &codec.criteria {
            let unit = result.name.unit();
            ui.label(result.name.title()).on_hover_text(&result.rule);
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
        percent_ui(ui, "Encode wall falls by at least", &mut criteria.min_wall_improvement_pct);
        percent_ui(ui, "Lock wait falls by at least", &mut criteria.min_lock_improvement_pct);
        percent_ui(ui, "Latency p99 may grow beyond throughput by", &mut criteria.max_latency_p99_growth_pct);
        count_ui(ui, "Queue peak reaches at least", &mut criteria.min_queue_peak);
        count_ui(ui, "Failed runs at most", &mut criteria.max_failed_runs);
        count_ui(ui, "Good runs a side at least", &mut criteria.min_runs);
    });
    if ui.button("Built-in criteria").clicked() {
        *criteria = Criteria::default();
    }
}

fn percent_ui(ui: &mut Ui, label: &str, value: &mut f64) {
    let name = ui.label(label);
    ui.add(DragValue::new(value).speed(0.5).suffix(" %")).labelled_by(name.id);
    ui.end_row();
}

fn count_ui(ui: &mut Ui, label: &str, value: &mut u32) {
    let name = ui.label(label);
    ui.add(DragValue::new(value).speed(0.1)).labelled_by(name.id);
    ui.end_row();
}
