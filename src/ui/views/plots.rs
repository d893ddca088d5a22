//! Distributions, thresholds and the timeline of a session: models without egui, and the views that draw them.
//!
//! [`Plots`] is what a person has chosen in the three views, with the models made for it so far. Models are made on
//! threads of their own, so that the window never waits for one.

use std::sync::Arc;

use eframe::egui::{ComboBox, Context, ScrollArea, Ui};

use crate::contract::Codec;
use crate::record::{DeviceKind, FrameColumns};
use crate::report::words::codec_title;
use crate::stats::analysis::Answer;
use crate::ui::commands::{Command, View};
use crate::ui::data::{LoadedRun, LoadedSession};
use crate::ui::made::Made;
use crate::ui::views::distributions::cases::{CaseModel, Cases};
use crate::ui::views::distributions::model::Shown;
use crate::ui::views::distributions::selection::FrameSelection;
use crate::ui::views::distributions::view::{self as distributions, DistributionsState};
use crate::ui::views::thresholds::model::Thresholds;
use crate::ui::views::thresholds::view as thresholds;
use crate::ui::views::timeline::model::{Marks, Timeline};
use crate::ui::views::timeline::{self, TimelineState};
use crate::ui::words::said;
use crate::ui::{pictures, theme};
use crate::units;

/// The three views' state. One for all of them, so that what is marked in one is marked in the others.
#[derive(Debug, Default)]
pub struct Plots {
    models: Made<u64, Models>,
    pub(super) timeline: Made<RunKey, Timeline>,
    marks: Option<(RunKey, Option<FrameSelection>, Marks)>,
    pub(super) selection: Option<FrameSelection>,
    codec: Option<Codec>,
    order_index: Option<u32>,
    distributions: DistributionsState,
    pub(super) timeline_state: TimelineState,
    /// Which run `timeline_state` looks at.
    looked_at: Option<RunKey>,
}

/// What is made of a whole session.
#[derive(Debug, Default)]
struct Models {
    cases: Cases,
    thresholds: Thresholds,
}

/// A run's frames by where they lie: the timeline holds on to them, so no other run can come to lie there.
type RunKey = usize;

impl Plots {
    /// What the session says, once that is known.
    pub fn answers(&mut self, ctx: &Context, session: &LoadedSession) -> Option<&[Answer]> {
        self.refresh(ctx, session);
        self.models.current(session.version).map(|models| &models.thresholds.answers[..])
    }

    /// Histogram, percentile curve, boxes and depth of each case.
    pub fn distributions_ui(&mut self, ui: &mut Ui, session: &LoadedSession, queue: &mut Vec<Command>) {
        self.refresh(ui.ctx(), session);
        let codec = self.codec_ui(ui, session);
        let (Some(models), Some(codec)) = (self.models.newest(), codec) else { return missing_ui(ui, session) };
        let cases: Vec<&CaseModel> = models.cases.cases.iter().filter(|case| case.case.codec == codec).collect();
        if cases.is_empty() {
            return missing_ui(ui, session);
        }
        let answer = models.thresholds.answers.iter().find(|answer| answer.codec == codec);
        let engine = session.session.manifest.device.engine;
        let shown = Shown { cases: &cases, answer, engine, version: session.version };
        let num_commands = queue.len();
        let (state, mut selection) = (&mut self.distributions, self.selection);
        ScrollArea::vertical().id_salt("distributions").auto_shrink(false).show(ui, |ui| {
            // Beside the scroll bar, not below it.
            ui.set_max_width(ui.available_width() - theme::GRID);
            distributions::ui(ui, &shown, state, &mut selection, queue);
        });
        self.selection = selection;
        if queue[num_commands..].contains(&Command::Show(View::Timeline)) {
            self.choose_longest(session, codec);
        }
    }

    /// The run of the longest marked time is the one to look at.
    fn choose_longest(&mut self, session: &LoadedSession, codec: Codec) {
        let Some(selection) = self.selection else { return };
        let marked = |times: &[u64]| times.iter().copied().filter(|ns| selection.range_ns().contains(ns)).max();
        let runs = session.runs.iter().filter(|run| run.summary.counts() && run.summary.case.codec == codec);
        let longest =
            runs.filter_map(|run| Some((marked(selection.time.column(&run.frames))?, run))).max_by_key(|it| it.0);
        if let Some((_, run)) = longest {
            self.order_index = Some(run.summary.order_index);
            self.looked_at = None;
            self.timeline_state.worst_by = selection.time;
        }
    }

    /// Each metric against the threshold, where the time went, and which threshold to use.
    pub fn thresholds_ui(&mut self, ui: &mut Ui, session: &LoadedSession) {
        self.refresh(ui.ctx(), session);
        let codec = self.codec_ui(ui, session);
        let (Some(models), Some(codec)) = (self.models.newest(), codec) else { return missing_ui(ui, session) };
        let Some(model) = models.thresholds.codecs.iter().find(|model| model.codec == codec) else {
            return missing_ui(ui, session);
        };
        ScrollArea::vertical().id_salt("thresholds").auto_shrink(false).show(ui, |ui| {
            // Beside the scroll bar, not below it.
            ui.set_max_width(ui.available_width() - theme::GRID);
            thresholds::ui(ui, model);
        });
    }

    /// One run as it happened, slot by slot.
    pub fn timeline_ui(&mut self, ui: &mut Ui, session: &LoadedSession) {
        self.refresh(ui.ctx(), session);
        if self.models.newest().is_none() {
            return missing_ui(ui, session);
        }
        let Some(run) = self.run_ui(ui, session) else { return missing_ui(ui, session) };
        self.look_at(ui.ctx(), run);
        let key = run_key(&run.frames);
        let Some(timeline) = self.timeline.current(key) else {
            ui.spinner();
            return;
        };
        if !matches!(&self.marks, Some((of, selection, _)) if *of == key && *selection == self.selection) {
            self.marks = Some((key, self.selection, Marks::of(self.selection.as_ref(), timeline)));
        }
        if let Some((_, _, marks)) = &self.marks {
            timeline::ui(ui, timeline, marks, &mut self.timeline_state);
        }
    }

    /// Shows a run on the timeline, by its place in the order of making.
    pub fn choose_run(&mut self, order_index: u32) {
        self.order_index = Some(order_index);
    }

    /// Waits for every model that is on its way: for tests and benches.
    pub fn settle(&mut self) {
        self.models.settle();
        self.timeline.settle();
    }

    fn refresh(&mut self, ctx: &Context, session: &LoadedSession) {
        let prepare = |previous: Option<&Models>| {
            let previous = previous.map(|models| models.cases.clone()).unwrap_or_default();
            let session = session.clone();
            move || Models {
                cases: Cases::of(&session, &previous),
                thresholds: Thresholds::of(
                    &session.session.summaries,
                    session.session.analysis().ok(),
                    (session.session.manifest.device.engine, session.session.manifest.plan.frames),
                ),
            }
        };
        self.models.refresh(session.version, prepare, repaint(ctx));
    }

    fn look_at(&mut self, ctx: &Context, run: &LoadedRun) {
        let key = run_key(&run.frames);
        if self.looked_at != Some(key) {
            self.timeline_state.reset();
            self.looked_at = Some(key);
        }
        let prepare = |_: Option<&Timeline>| {
            let run = run.clone();
            move || Timeline::of(&run)
        };
        self.timeline.refresh(key, prepare, repaint(ctx));
    }

    /// Which codec is shown; asked only where there are several.
    fn codec_ui(&mut self, ui: &mut Ui, session: &LoadedSession) -> Option<Codec> {
        let mut codecs: Vec<Codec> = session.groups.iter().map(|group| group.case.codec).collect();
        codecs.dedup();
        let mut codec = self.codec.filter(|codec| codecs.contains(codec)).or(codecs.first().copied())?;
        if codecs.len() > 1 {
            ui.horizontal(|ui| {
                for other in codecs {
                    ui.selectable_value(&mut codec, other, codec_title(other));
                }
            });
        }
        self.codec = Some(codec);
        Some(codec)
    }

    /// Which run is shown: the chosen one, or else the first counted one of the recommended case.
    fn run_ui<'a>(&mut self, ui: &mut Ui, session: &'a LoadedSession) -> Option<&'a LoadedRun> {
        let chosen = session.runs.iter().find(|run| Some(run.summary.order_index) == self.order_index);
        let knee = self.models.newest().and_then(|models| models.thresholds.answers.first());
        let is_telling =
            |run: &&LoadedRun| run.summary.counts() && knee.is_some_and(|knee| knee.case == run.summary.case);
        let mut run = chosen.or_else(|| session.runs.iter().find(is_telling)).or(session.runs.first())?;
        ui.horizontal(|ui| {
            ui.weak("Run");
            let combo = ComboBox::from_id_salt("run").selected_text(said(ui, &run_name(run))).width(330.0);
            let shown = combo.show_ui(ui, |ui| {
                // Case by case, since runs are made in an order drawn by lot.
                let mut runs: Vec<_> = session.runs.iter().collect();
                runs.sort_by_key(|run| (run.summary.case.place(), run.summary.warmup, run.summary.order_index));
                for other in runs {
                    let is_shown = other.summary.order_index == run.summary.order_index;
                    if ui.selectable_label(is_shown, said(ui, &run_name(other))).clicked() {
                        self.order_index = Some(other.summary.order_index);
                        run = other;
                    }
                }
            });
            shown.response.accessible_name("Run");
            title_ui(
                ui,
                "Timeline",
                "What the threads, the engine and the buffer slots did when; each box is a part of a frame's time.",
                session,
            );
            if self.selection.is_some() {
                distributions::selection_ui(ui, &mut self.selection);
            }
        });
        Some(run)
    }
}

fn run_key(frames: &Arc<FrameColumns>) -> RunKey {
    Arc::as_ptr(frames) as usize
}

fn run_name(run: &LoadedRun) -> String {
    let summary = &run.summary;
    let remark = match (&summary.error, summary.warmup) {
        (Some(_), _) => ", failed",
        (None, true) => ", warm-up",
        (None, false) => "",
    };
    let longest_ns = run.frames.lock_ns.iter().copied().max();
    let longest = longest_ns.map_or_else(String::new, |ns| format!(", longest lock {}", units::ns(ns)));
    let case = summary.case.title();
    format!("{}: {} {case}{longest}{remark}", summary.order_index, codec_title(summary.case.codec))
}

fn repaint(ctx: &Context) -> impl FnOnce() + Send + 'static {
    let ctx = ctx.clone();
    move || ctx.request_repaint()
}

/// A plot's title, with what it shows as tooltip. An exported picture of a virtual device's plot says so.
fn title_ui(ui: &mut Ui, title: &str, definition: &str, session: &LoadedSession) {
    let shown = ui.horizontal(|ui| {
        ui.heading(title).on_hover_text(definition);
        let device = &session.session.manifest.device;
        if device.kind == DeviceKind::Virtual && pictures::is_asked(ui.ctx()) {
            let what = if device.has_real_decoder() { "VIRTUAL ENCODER" } else { "VIRTUAL DEVICE" };
            ui.colored_label(theme::virtual_device(ui), what);
        }
    });
    pictures::note_title(ui, shown.response.rect);
}

/// Says why there is nothing to see.
fn missing_ui(ui: &mut Ui, session: &LoadedSession) {
    ui.centered_and_justified(|ui| {
        if session.runs.iter().any(|run| run.summary.counts()) {
            ui.spinner();
        } else {
            ui.weak("No finished run yet: press Run, or open a session");
        }
    });
}
