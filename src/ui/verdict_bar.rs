//! The bar above the views: how sure the answer is, what to do, three figures, and the one next step.
//!
//! Shows `stats::analysis` and the progress of a sweep; decides nothing but which command the button gives.

use eframe::egui::{Align, Frame, Label, Layout, ProgressBar, RichText, ScrollArea, Ui, vec2};

use super::bar::Progress;
use super::commands::{Command, View};
use super::theme;
use super::widgets::{Tone, chip_ui, icons, primary_button, sub_ui, tile_ui, whisker_ui};
use crate::advice::Proof;
use crate::record::{Case, DeviceInfo, DeviceKind};
use crate::report::words::codec_title;
use crate::stats::analysis::{Answer, AnswerState, Figure, NextStep};
use crate::stats::runs::metrics::Better;
use crate::ui::words::said;
use crate::units;

/// Height for one codec, and for each of several.
const HEIGHT: f32 = 104.0;
const LINE_HEIGHT: f32 = 52.0;
const BUTTON_WIDTH: f32 = 176.0;
const TILE_WIDTH: f32 = 176.0;
const WHISKER_WIDTH: f32 = 64.0;
/// Below this width of the window tiles would push the answer out.
const ROOM_FOR_TILES: f32 = 1100.0;

/// What the bar shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    /// Of the open session; `None`: no session is open, or its answers are being computed.
    pub answers: Option<&'a [Answer]>,
    /// That the open session was measured on.
    pub device: Option<&'a DeviceInfo>,
    /// Of the sweep that runs.
    pub progress: Option<&'a Progress>,
    /// How the last sweep ended, if it did not come to its end.
    pub ended: Option<&'a Ended>,
    /// Runs that are missing of the open session, where they can be made.
    pub num_missing: u32,
    /// Codecs of the session, or of the form.
    pub num_codecs: usize,
    /// Can the form be run?
    pub can_run: bool,
}

/// A sweep that did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// By the user, after so many runs.
    Stopped { num_done: u64 },
    /// By an error.
    Failed,
}

/// What is unfolded below the bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Unfolded {
    #[default]
    Nothing,
    /// The reasons.
    Why,
    /// How to set the case in other programs.
    How,
}

impl Unfolded {
    /// Folds `which` in or out.
    fn toggle(&mut self, which: Self) {
        *self = if *self == which { Self::Nothing } else { which };
    }
}

/// Height of the bar: the same while a sweep runs and after it, so that nothing below it moves.
pub(super) fn height(num_codecs: usize) -> f32 {
    if num_codecs > 1 { LINE_HEIGHT.mul_add(num_codecs as f32, theme::GAP) } else { HEIGHT }
}

/// The whole bar.
pub(super) fn verdict_bar_ui(ui: &mut Ui, shown: &Shown<'_>, unfolded: &mut Unfolded, queue: &mut Vec<Command>) {
    ui.horizontal_centered(|ui| {
        let room = ui.available_width() - BUTTON_WIDTH - theme::GAP;
        ui.allocate_ui_with_layout(vec2(room, ui.available_height()), Layout::top_down(Align::Min), |ui| {
            ui.set_width(room);
            ui.spacing_mut().item_spacing.y = 2.0;
            left_ui(ui, shown);
        });
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.vertical_centered(|ui| button_ui(ui, shown, unfolded, queue));
        });
    });
}

fn left_ui(ui: &mut Ui, shown: &Shown<'_>) {
    match (shown.progress, shown.answers) {
        (Some(progress), _) => running_ui(ui, shown, progress),
        (None, Some([answer])) => answer_ui(ui, shown, answer),
        (None, Some(answers)) if answers.len() > 1 => answers.iter().for_each(|answer| line_ui(ui, shown, answer)),
        (None, Some(_)) => {
            chips_ui(ui, shown, Tone::Plain, "No answer");
            ui.label(theme::title("Not enough good runs"));
            sub_ui(
                ui,
                match shown.num_missing {
                    0 => "The Live view lists every run and its error.".to_owned(),
                    num => format!("The sweep ended early: {} missing.", runs_are(num)),
                },
            );
        }
        (None, None) if shown.device.is_some() => {
            chips_ui(ui, shown, Tone::Plain, "Reading the session");
            ui.label(theme::title("…"));
        }
        (None, None) => {
            match shown.ended {
                Some(_) => chips_ui(ui, shown, Tone::Plain, "No answer"),
                None => ui.add_space(theme::GRID),
            }
            ui.label(theme::title(said(ui, "How many frames should your encoder keep in flight?")));
            sub_ui(ui, "Press Run: the defaults measure a modelled encoder. No GPU is needed.");
        }
    }
}

fn running_ui(ui: &mut Ui, shown: &Shown<'_>, progress: &Progress) {
    chips_ui(ui, shown, Tone::Accent, &progress.state());
    ui.add_space(theme::GRID);
    let width = ui.available_width().min(560.0);
    let bar = ProgressBar::new(progress.share()).desired_width(width).desired_height(8.0).fill(theme::ink(ui).accent);
    ui.add(bar).accessible_name("Progress");
    ui.add_space(theme::GRID / 2.0);
    sub_ui(ui, progress.text());
}

/// The state, and what nobody may overlook.
fn chips_ui(ui: &mut Ui, shown: &Shown<'_>, tone: Tone, state: &str) {
    ui.horizontal(|ui| {
        chip_ui(ui, tone, state);
        match shown.ended {
            Some(Ended::Stopped { num_done }) => {
                let runs = if *num_done == 1 { "run" } else { "runs" };
                chip_ui(ui, Tone::Plain, &format!("Stopped after {num_done} {runs}"));
            }
            Some(Ended::Failed) => drop(chip_ui(ui, Tone::Warn, "Sweep failed")),
            // Opened again, nobody remembers how it ended.
            None if shown.num_missing > 0 => {
                chip_ui(ui, Tone::Plain, &format!("Ended early: {} missing", runs_are(shown.num_missing)));
            }
            None => {}
        }
        if let Some(device) = shown.device.filter(|device| device.kind == DeviceKind::Virtual) {
            let what = if device.has_real_decoder() { "Virtual encoder" } else { "Virtual device" };
            chip_ui(ui, Tone::Warn, what).on_hover_text(format!("Modelled times, not a GPU measurement. {device}"));
        }
    });
}

/// The colour of a state, here and in the list of sessions.
pub(super) fn tone(state: AnswerState) -> Tone {
    match state {
        AnswerState::Confirmed => Tone::Good,
        AnswerState::Likely => Tone::Accent,
        AnswerState::Refuted | AnswerState::NotComparable => Tone::Warn,
        AnswerState::Undecided | AnswerState::Single => Tone::Plain,
    }
}

/// The word of a state, with a tick where nothing is left to do.
pub(super) fn state_text(state: AnswerState) -> String {
    match state {
        AnswerState::Confirmed => format!("{} {}", icons::CHECK, state.title()),
        _ => state.title().to_owned(),
    }
}

fn answer_ui(ui: &mut Ui, shown: &Shown<'_>, answer: &Answer) {
    let has_tiles = ui.ctx().content_rect().width() >= ROOM_FOR_TILES;
    ui.horizontal(|ui| {
        let tiles = if has_tiles { answer.figures.len() as f32 * (TILE_WIDTH + theme::GAP) } else { 0.0 };
        let width = (ui.available_width() - tiles).max(200.0);
        ui.allocate_ui_with_layout(vec2(width, 88.0), Layout::top_down(Align::Min), |ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.horizontal(|ui| {
                chips_ui(ui, shown, tone(answer.state), &state_text(answer.state));
                for other in &answer.elsewhere {
                    chip_ui(ui, Tone::Accent, &other.text()).on_hover_text(&answer.sentence);
                }
            });
            ui.add(Label::new(theme::title(&answer.headline)).truncate());
            let small = |text: &str| Label::new(RichText::new(text).small().color(theme::ink(ui).dim)).truncate();
            let basis = small(&answer.basis);
            let figures: Vec<_> = answer.figures.iter().map(Answer::after_text).collect();
            let figures = small(&figures.join(" · "));
            ui.spacing_mut().item_spacing.y = 0.0;
            ui.add(basis);
            if !has_tiles {
                ui.add(figures);
            }
        });
        if has_tiles {
            ui.spacing_mut().item_spacing.x = theme::GAP;
            let before = answer.compared.map(|[before, _]| before);
            for (idx, figure) in answer.figures.iter().enumerate() {
                // All start from the same case; said once, it leaves room for the longest title.
                let from = before
                    .filter(|_| idx == 0)
                    .map_or_else(String::new, |case| format!(", from T={}", case.reap_threshold));
                figure_ui(ui, figure, &from, before);
            }
        }
    });
}

/// One of several codecs.
fn line_ui(ui: &mut Ui, shown: &Shown<'_>, answer: &Answer) {
    ui.horizontal(|ui| {
        chip_ui(ui, tone(answer.state), &state_text(answer.state));
        ui.label(theme::number(format!("{}: {}", codec_title(answer.codec), answer.headline)));
        if shown.device.is_some_and(|device| device.kind == DeviceKind::Virtual) {
            chip_ui(ui, Tone::Warn, "Virtual");
        }
    });
    let figures: Vec<_> = answer.figures.iter().map(Answer::after_text).collect();
    let text = format!("{} · {}", answer.basis, figures.join(" · "));
    ui.add(Label::new(RichText::new(text).small().color(theme::ink(ui).dim)).truncate());
    ui.add_space(4.0);
}

/// `before`: the case that the change starts from; `from`: what the title says of it.
fn figure_ui(ui: &mut Ui, figure: &Figure, from: &str, before: Option<Case>) {
    let unit = figure.metric.unit();
    tile_ui(ui, TILE_WIDTH, &format!("{}{from}", figure.title), |ui| {
        ui.label(theme::number(unit.text_or_none(figure.after))).on_hover_text(format!(
            "{} with {}. {}",
            unit.text_or_none(figure.before),
            before.map_or_else(|| "the case before".to_owned(), |case| case.title()),
            said(ui, figure.metric.definition())
        ));
        let Some(change) = figure.change else { return drop(sub_ui(ui, "no change computed")) };
        ui.horizontal(|ui| {
            sub_ui(ui, units::change_pct(change.estimate_pct)).on_hover_text(format!("Paired median change: {change}"));
            if let Some((low, high)) = change.ends().filter(|(low, high)| low.is_finite() && high.is_finite()) {
                // Whether it matters is the criteria's question; the colour says only on which side of 0 all of it lies.
                let ink = theme::ink(ui);
                let colour = match figure.metric.better() {
                    Better::Lower if high < 0.0 => ink.good,
                    Better::Higher if low > 0.0 => ink.good,
                    Better::Lower if low > 0.0 => ink.warn,
                    Better::Higher if high < 0.0 => ink.warn,
                    _ => ink.dim,
                };
                whisker_ui(ui, WHISKER_WIDTH, (change.estimate_pct, low, high), colour);
            }
        });
    });
}

/// The next step, and below it the way to the reasons.
fn button_ui(ui: &mut Ui, shown: &Shown<'_>, unfolded: &mut Unfolded, queue: &mut Vec<Command>) {
    ui.add_space((ui.available_height() - 62.0).max(0.0) / 2.0);
    if let Some(progress) = shown.progress {
        let stop = primary_button(ui, !progress.is_stopping, "Stop", BUTTON_WIDTH);
        if stop.on_hover_text("Stop the sweep and keep all finished runs (Esc)").clicked() {
            queue.push(Command::Stop);
        }
        return;
    }
    if shown.device.is_none() {
        // Nothing is open: the button that runs the form is below the form.
        return;
    }
    let (title, command, hint) = step(shown);
    let is_run = command == Some(Command::Run);
    let button = primary_button(ui, shown.can_run || !is_run, &title, BUTTON_WIDTH);
    if button.on_hover_text(hint).clicked() {
        match command {
            Some(command) => queue.push(command),
            None => unfolded.toggle(Unfolded::How),
        }
    }
    if shown.answers.is_some_and(|answers| !answers.is_empty()) {
        let num: usize = shown.answers.unwrap_or_default().iter().map(|answer| answer.doubts.len()).sum();
        let notes = match num {
            0 => String::new(),
            1 => " 1 note".to_owned(),
            num => format!(" {num} notes"),
        };
        let caret = if *unfolded == Unfolded::Why { icons::CARET_UP } else { icons::CARET_DOWN };
        let text = RichText::new(format!("Why?{notes} {caret}")).small().color(theme::ink(ui).accent);
        let why = ui.add(eframe::egui::Button::new(text).frame(false)).accessible_name("Why?");
        if why.clicked() {
            unfolded.toggle(Unfolded::Why);
        }
    }
}

/// "1 run is", "7 runs are".
fn runs_are(num: u32) -> String {
    if num == 1 { "1 run is".to_owned() } else { format!("{num} runs are") }
}

/// What the button says and does (nothing: it unfolds how to set the case). Of several codecs the first that is not settled
/// decides.
fn step(shown: &Shown<'_>) -> (String, Option<Command>, String) {
    if shown.num_missing > 0 {
        let hint = format!("{} missing: makes them in the same session", runs_are(shown.num_missing));
        return ("Finish the sweep".to_owned(), Some(Command::Resume), hint);
    }
    let answers = shown.answers.unwrap_or_default();
    let open = answers.iter().find(|answer| !matches!(answer.next, NextStep::Apply { .. })).or(answers.first());
    let Some(answer) = open else {
        return ("Run".to_owned(), Some(Command::Run), "Run the sweep of the form on the left (Ctrl+R)".to_owned());
    };
    let hint = format!("{}.", answer.next_text());
    match &answer.next {
        NextStep::Confirm { rounds } => {
            (format!("Confirm with {rounds} rounds"), Some(Command::RunConfirming(*rounds)), hint)
        }
        NextStep::MoreRounds { rounds } => (format!("Run {rounds} rounds"), Some(Command::RunRounds(*rounds)), hint),
        NextStep::MendRuns { .. } => ("Show failed runs".to_owned(), Some(Command::Show(View::Live)), hint),
        NextStep::AddCase | NextStep::EqualSettings { .. } => ("Run".to_owned(), Some(Command::Run), hint),
        NextStep::Apply { .. } => ("Set it in your program".to_owned(), None, hint),
        NextStep::MoreBlocks { .. } | NextStep::RemoveDoubt { .. } | NextStep::TakeEither { .. } => {
            ("Export report…".to_owned(), Some(Command::Show(View::Report)), hint)
        }
    }
}

/// How to set the case in other programs, and how to prove it there.
pub(super) fn how_ui(ui: &mut Ui, answers: &[Answer]) {
    ScrollArea::vertical().min_scrolled_height(240.0).max_height(280.0).id_salt("how").show(ui, |ui| {
        for answer in answers {
            if answers.len() > 1 {
                ui.heading(codec_title(answer.codec));
            }
            for advice in &answer.advice {
                let how = if advice.is_possible { "" } else { " (not exactly this case)" };
                ui.label(theme::semibold(format!("{}{how}", advice.program)));
                ui.label(&advice.note);
                code_ui(ui, &advice.change, advice.program);
            }
            let Some(Proof { before, after, compare, note }) = &answer.proof else { continue };
            ui.label(theme::semibold("To prove it, before and after the change"));
            ui.label(*note);
            code_ui(ui, &format!("{before}\n{after}\n{compare}"), "the commands");
        }
    });
}

/// Text to be taken over, with a button that copies it.
fn code_ui(ui: &mut Ui, code: &str, of: &str) {
    if code.is_empty() {
        return;
    }
    Frame::new().fill(theme::ink(ui).card).corner_radius(theme::RADIUS).inner_margin(8).show(ui, |ui| {
        ui.horizontal_top(|ui| {
            if ui.small_button("Copy").accessible_name(format!("Copy for {of}")).clicked() {
                ui.ctx().copy_text(code.to_owned());
            }
            ui.add(Label::new(RichText::new(code).monospace()).wrap());
        });
    });
}

/// The reasons, each once.
pub(super) fn why_ui(ui: &mut Ui, answers: &[Answer]) {
    ScrollArea::vertical().min_scrolled_height(160.0).max_height(220.0).id_salt("why").show(ui, |ui| {
        for answer in answers {
            if answers.len() > 1 {
                ui.heading(codec_title(answer.codec));
            }
            ui.label(&answer.sentence);
            ui.label(&answer.recommendation.reason);
            for doubt in &answer.doubts {
                ui.label(format!("{} {doubt}. To remove it: {}.", icons::WARNING, doubt.advice()));
            }
            if let Some(repetition) = &answer.repetition {
                ui.label(format!("{repetition}."));
            }
            ui.label(theme::semibold(format!("Next: {}.", answer.next_text())));
        }
    });
}
