//! The window's state, and what one frame does with it before drawing: take up news, perform commands, update models.

pub mod background;
mod drawing;
mod frame;
mod news;
mod notices;
mod perform;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use eframe::egui::{self, Context, Popup, Rect, ViewportCommand};

use crate::measure::sweep_thread::{Starter, SweepThread};
use crate::plan::Plan;
use crate::record::LiveSample;
use crate::ui::app::background::Background;
use crate::ui::app::drawing::Drawing;
use crate::ui::bar::Progress;
use crate::ui::commands::{Command, HelpPage, TABLE, View};
use crate::ui::data::LoadedSession;
use crate::ui::help::Help;
use crate::ui::log::Log;
use crate::ui::palette::Palette;
use crate::ui::path_dialog::PathDialog;
use crate::ui::theme;
use crate::ui::verdict_bar::{Ended, Unfolded};
use crate::ui::views::compare::model::CompareModel;
use crate::ui::views::live::model::LiveModel;
use crate::ui::views::live::view::Listed;
use crate::ui::views::plots::Plots;
use crate::ui::views::report::ReportModel;
use crate::ui::views::sessions::view::SessionsModel;
use crate::ui::views::setup::model::Setup;
use crate::ui::views::setup::preview::PreviewModel;
use crate::ui::views::setup::saving::Existing;

/// How often a sweep is drawn while a run is in progress. Runs that are shorter are drawn in between, where nothing is
/// measured (`measure::sweep_thread`).
const LIVE_FRAME: Duration = Duration::from_millis(1000);
/// What is kept under these names from one start to the next. Runs never are.
pub(in crate::ui) const QUIET_KEY: &str = "draw nothing while measuring";
pub(in crate::ui) const PLAN_KEY: &str = "plan";

/// The whole window.
#[derive(Debug)]
pub struct App {
    /// Where sessions are looked for and made.
    pub(in crate::ui) folder: PathBuf,
    pub(in crate::ui) starter: Starter,
    pub(in crate::ui) preview: PreviewModel,
    /// Sessions from elsewhere that were named at the start.
    pub(in crate::ui) named: Vec<PathBuf>,
    pub(in crate::ui) setup: Setup,
    pub(in crate::ui) sweep: Option<Sweep>,
    pub(in crate::ui) live: LiveModel,
    /// Below the live plots.
    pub(in crate::ui) listed: Listed,
    pub(in crate::ui) loaded: Option<Box<LoadedSession>>,
    /// How far the session is read that is being opened.
    pub(in crate::ui) opening: Option<f32>,
    pub(in crate::ui) plots: Plots,
    pub(in crate::ui) compare: CompareModel,
    pub(in crate::ui) report: ReportModel,
    pub(in crate::ui) sessions: SessionsModel,
    pub(in crate::ui) view: View,
    /// Where it was last drawn.
    pub(in crate::ui) view_area: Rect,
    /// Where the answer was last drawn: an image of a view shows it too, with the badge of a virtual device.
    pub(in crate::ui) verdict_area: Rect,
    /// Nothing is drawn of a run in progress, for those whose window is drawn by the GPU under test.
    pub(in crate::ui) is_quiet: bool,
    pub(in crate::ui) palette: Palette,
    /// A path that is being typed, where the system has no file dialog.
    pub(in crate::ui) path_dialog: Option<PathDialog>,
    pub(in crate::ui) help: Help,
    /// What happened since the start.
    pub(in crate::ui) log: Log,
    /// What is unfolded below the answer.
    pub(in crate::ui) unfolded: Unfolded,
    /// Of the window, as last set.
    title: String,
    /// How long drawing takes after the program has said what to draw.
    pub(in crate::ui) drawing: Drawing,
    /// How the last sweep ended, if it did not come to its end.
    pub(in crate::ui) ended: Option<Ended>,
    /// Closing was asked for while a sweep runs.
    pub(in crate::ui) asks_to_quit: bool,
    /// Close as soon as the sweep has ended.
    pub(in crate::ui) quits_when_done: bool,
    /// To be closed by itself; true once the first frame is drawn.
    pub(in crate::ui) closes_next_frame: Option<bool>,
    /// A file in the way of a plan that is to be saved.
    pub(in crate::ui) existing_plan: Option<Existing>,
    /// What was done that cannot be seen from its place, until dismissed.
    pub(in crate::ui) told: Option<String>,
    /// What went wrong, until dismissed.
    pub(in crate::ui) problems: VecDeque<String>,
    pub(in crate::ui) background: Background,
    pub(in crate::ui) queue: Vec<Command>,
}

/// A sweep in progress.
#[derive(Debug)]
pub(in crate::ui) struct Sweep {
    pub(in crate::ui) thread: SweepThread,
    pub(in crate::ui) dir: PathBuf,
    /// What the log calls it.
    pub(in crate::ui) name: &'static str,
    pub(in crate::ui) progress: Progress,
    /// A calibration measures this computer, and replaces nothing that is open.
    pub(in crate::ui) is_beside: bool,
    /// Does it go on with the open session?
    pub(in crate::ui) resumes: bool,
    /// Goes back and forth with the sweep's thread.
    pub(in crate::ui) samples: Vec<LiveSample>,
}

impl App {
    /// A window on the first session `named`, or on nothing yet; the others stand in the list. Sessions are looked for
    /// and made in `folder`, sweeps by `starter`.
    pub fn new(ctx: &Context, starter: Starter, folder: PathBuf, named: Vec<PathBuf>) -> Self {
        theme::apply(ctx);
        let first = named.first().cloned();
        let background = Background::new(ctx.clone());
        background.examine();
        background.find_sessions(folder.clone(), named.clone());
        Self {
            folder,
            starter,
            setup: Setup::default(),
            preview: PreviewModel::default(),
            sweep: None,
            live: LiveModel::default(),
            listed: Listed::default(),
            loaded: None,
            opening: None,
            plots: Plots::default(),
            compare: CompareModel::default(),
            report: ReportModel::default(),
            sessions: SessionsModel::default(),
            view: View::default(),
            view_area: Rect::NOTHING,
            verdict_area: Rect::NOTHING,
            is_quiet: false,
            palette: Palette::default(),
            path_dialog: None,
            help: Help::default(),
            log: Log::default(),
            unfolded: Unfolded::Nothing,
            title: String::new(),
            drawing: Drawing::default(),
            ended: None,
            asks_to_quit: false,
            quits_when_done: false,
            closes_next_frame: None,
            existing_plan: None,
            told: None,
            problems: VecDeque::new(),
            background,
            queue: first.map(Command::OpenSession).into_iter().collect(),
            named,
        }
    }

    /// Takes up what was preferred when the window was last closed.
    pub(in crate::ui) fn remember(&mut self, storage: &dyn eframe::Storage) {
        self.is_quiet = eframe::get_value(storage, QUIET_KEY).unwrap_or_default();
        if let Some(plan) = eframe::get_value::<Plan>(storage, PLAN_KEY) {
            self.setup.take_plan(&plan);
        }
    }

    /// The form, for who sets it without a hand.
    pub fn setup_mut(&mut self) -> &mut Setup {
        &mut self.setup
    }

    /// Where the report is to be written.
    pub fn set_report_path(&mut self, path: &std::path::Path) {
        self.report.path = path.display().to_string();
    }

    /// Runs `plan` at once and closes the window at its end: for who measures the window itself.
    pub(in crate::ui) fn run_and_close(&mut self, plan: &Plan, is_quiet: bool) {
        self.is_quiet = is_quiet;
        self.setup.take_plan(plan);
        self.quits_when_done = true;
        self.queue.push(Command::Run);
    }

    /// Closes the window once it has been drawn: for who measures how long that takes.
    pub(in crate::ui) fn close_after_first_frame(&mut self) {
        self.closes_next_frame = Some(false);
    }

    /// Does a sweep run?
    pub fn is_running(&self) -> bool {
        self.sweep.is_some()
    }

    /// What is open.
    pub fn loaded(&self) -> Option<&LoadedSession> {
        self.loaded.as_deref()
    }

    /// Waits for the plots' models that are on their way: for tests.
    pub fn settle(&mut self) {
        self.plots.settle();
    }

    /// Has a command done from outside, as if a person had asked for it.
    pub fn ask(&mut self, command: Command) {
        self.queue.push(command);
    }

    /// Everything but drawing: news, keys, commands, models.
    pub fn tick(&mut self, ctx: &Context) {
        self.drawing.tick();
        if let Some(sweep) = &self.sweep {
            sweep.thread.begin_drawing();
        }
        while let Some(message) = self.background.next() {
            self.take_message(ctx, message);
        }
        self.take_news(ctx);
        self.take_keys(ctx);
        self.take_close_request(ctx);
        self.take_picture(ctx);
        self.take_figure(ctx);
        match &mut self.closes_next_frame {
            Some(true) => self.queue.push(Command::Quit),
            Some(is_drawn) => {
                *is_drawn = true;
                ctx.request_repaint();
            }
            None => {}
        }
        for command in std::mem::take(&mut self.queue) {
            self.perform(ctx, command);
        }
        self.update_models();
        self.update_title(ctx);
        if self.sweep.is_some() && !self.is_quiet {
            ctx.request_repaint_after(LIVE_FRAME);
        }
    }

    /// Shortcuts from the table, `?`, and files dropped on the window. A text field that is being typed into, and a
    /// sheet, list or menu that is open, come first where a key has no modifier: Escape closes a menu and stops no sweep.
    fn take_keys(&mut self, ctx: &Context) {
        let has_sheet = self.palette.is_open
            || self.help.page.is_some()
            || self.asks_to_quit
            || self.path_dialog.is_some()
            || self.existing_plan.is_some();
        let types = ctx.egui_wants_keyboard_input() || has_sheet || Popup::is_any_open(ctx);
        ctx.input_mut(|input| {
            for entry in &TABLE {
                if entry
                    .shortcut
                    .as_ref()
                    .is_some_and(|shortcut| (!types || shortcut.modifiers.any()) && input.consume_shortcut(shortcut))
                {
                    self.queue.push(entry.command.clone());
                }
            }
            let asks = |event: &egui::Event| matches!(event, egui::Event::Text(text) if text == "?");
            if !types && input.events.iter().any(asks) {
                self.queue.push(Command::Help(HelpPage::Keys));
            }
            if let Some(path) = input.raw.dropped_files.first().map(|file| file.path().to_owned()) {
                self.take_dropped(path);
            }
        });
    }

    fn take_close_request(&mut self, ctx: &Context) {
        if self.closing_loses_runs() && ctx.input(|input| input.viewport().close_requested()) {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.asks_to_quit = true;
        }
    }

    /// Is there a sweep that nobody has been asked about?
    fn closing_loses_runs(&self) -> bool {
        self.sweep.is_some() && !self.quits_when_done
    }

    /// A task bar shows the title: how far the sweep is, and which session is open. Sent only where it has changed, and
    /// that in large steps: each change makes egui draw two more pictures.
    fn update_title(&mut self, ctx: &Context) {
        let session = self.loaded.as_ref().map(|loaded| self.sessions.name_of(&loaded.session.dir));
        let session = session.map_or_else(|| "Inflight".to_owned(), |session| format!("Inflight: {session}"));
        let title = match &self.sweep {
            Some(sweep) => format!("{} – {session}", sweep.progress.in_title()),
            None => session,
        };
        if title != self.title {
            ctx.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    fn update_models(&mut self) {
        // Sessions are read where nobody measures, and only for those who look at the list.
        if self.view == View::Sessions && self.sweep.is_none() {
            let sessions = self.sessions.begin_judging();
            if !sessions.is_empty() {
                self.background.judge(sessions);
            }
        }
        let Some(loaded) = &self.loaded else { return };
        if self.view == View::Compare {
            self.compare.update(loaded, self.sweep.is_some());
        }
        if self.view == View::Report && self.sweep.is_none() && self.report.is_stale(loaded) {
            self.queue.push(Command::RenderReport);
        }
    }
}
