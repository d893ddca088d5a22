//! What each command does. Runs once a frame, before drawing; nothing in here waits.

use std::path::{Path, PathBuf};
use std::time::Instant;

use eframe::egui::{Context, ViewportCommand};

use crate::files::free_name;
use crate::measure::calibrate::{CALIBRATION_PAIRS, NOTE, calibration_dir_in, calibration_plan};
use crate::measure::command::{calibrate_command, sweep_command};
use crate::measure::estimate::Estimate;
use crate::measure::recording::session_dir_in;
use crate::measure::strangers::without_new_powers;
use crate::measure::sweep_thread::{SweepRequest, SweepThread};
use crate::session::{Manifest, SessionPlace};
use crate::ui::app::drawing::SOON;
use crate::ui::app::{App, Sweep};
use crate::ui::bar::Progress;
use crate::ui::commands::{Command, Export, HelpPage, Purpose, View};
use crate::ui::pictures::{self, Wish};
use crate::ui::views::setup::ready_plans::ReadyPlan;
use crate::units;

impl App {
    pub(in crate::ui) fn perform(&mut self, ctx: &Context, command: Command) {
        match command {
            Command::Run => self.run(ctx),
            Command::RunRounds(repeat) => {
                if let Some(loaded) = &self.loaded {
                    let left_out = self.setup.take_foreign(&loaded.session.manifest.plan);
                    // The seed of the session would repeat its order.
                    self.setup.plan.order_seed = None;
                    // A number fixed beforehand goes on for nothing.
                    (self.setup.plan.repeat, self.setup.plan.until) = (repeat, None);
                    self.setup.plan.looks.clear();
                    self.run_unless(ctx, &left_out);
                }
            }
            Command::RunConfirming(rounds) => {
                if let Some(loaded) = &self.loaded {
                    let left_out = self.setup.take_foreign(&loaded.session.manifest.plan);
                    self.setup.plan.confirm = rounds;
                    self.run_unless(ctx, &left_out);
                }
            }
            Command::Resume => self.resume(ctx),
            Command::Calibrate => self.calibrate(ctx),
            Command::Stop => self.stop(),
            Command::Show(view) => self.show_view(view),
            Command::OpenSession(dir) => {
                self.opening = Some(0.0);
                self.background.open(dir);
            }
            Command::Preview(input) => self.background.preview(input),
            Command::LoadPlan(path) => self.background.load_plan(path),
            Command::SavePlan => self.save_plan(false),
            Command::ReplacePlan => self.save_plan(true),
            Command::SavePlanAs(path) => {
                self.setup.plan_path = path.display().to_string();
                self.save_plan(false);
            }
            Command::KeepPlanFile => self.existing_plan = None,
            Command::TakeReady(ready) => self.setup.take_ready(ready),
            Command::CompareWithFfmpeg => {
                self.setup.take_ready(ReadyPlan::WithFfmpeg);
                self.setup.shows_to_try = true;
            }
            Command::TryModel => {
                self.setup.take_default();
                self.run(ctx);
            }
            Command::UseSample => self.background.find_sample(),
            Command::ToggleQuiet => self.is_quiet = !self.is_quiet,
            Command::FindSessions => self.find_sessions(),
            Command::CompareWith(Some(dir)) => self.background.open_before(dir),
            Command::CompareWith(None) => self.compare.other = None,
            Command::SetLabel(dir, label) => self.background.label(dir, label),
            Command::Delete(dir) => self.background.delete(dir),
            Command::UndoDelete => {
                if let Some(discarded) = self.sessions.deleted.pop() {
                    self.background.restore(discarded);
                }
            }
            Command::Pick(purpose) => self.background.pick(purpose),
            Command::RenderReport => self.render_report(),
            Command::Export(export) => self.export(ctx, export),
            Command::CopyReport => self.copy_report(ctx),
            Command::OpenFolder => self.open_folder(),
            Command::SwapSides => self.compare.swap(),
            Command::Theme(theme) => ctx.set_theme(theme),
            Command::TogglePalette => self.palette.toggle(),
            Command::Help(page) => self.show_help(page),
            Command::DismissProblem(idx) => drop(self.problems.remove(idx)),
            Command::DismissTold => self.told = None,
            Command::DismissWritten => self.report.written = None,
            // Asked at once: the way through a close request takes two more frames.
            Command::Quit if self.closing_loses_runs() => self.asks_to_quit = true,
            Command::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
            Command::StopAndQuit => {
                (self.asks_to_quit, self.quits_when_done) = (false, true);
                self.stop();
            }
            Command::KeepRunning => self.asks_to_quit = false,
        }
    }

    fn save_plan(&mut self, may_replace: bool) {
        (self.existing_plan, self.told) = (None, None);
        self.background.save_plan(self.setup.plan(), PathBuf::from(&self.setup.plan_path), may_replace);
    }

    fn show_view(&mut self, view: View) {
        self.view = view;
        // Others make sessions too.
        if view == View::Sessions {
            self.find_sessions();
        }
    }

    fn show_help(&mut self, page: HelpPage) {
        self.help.open(page);
        // Never while somebody measures: what it starts would disturb the run.
        if page == HelpPage::About && self.help.about.system.is_none() && self.sweep.is_none() {
            self.background.ask_system();
        }
    }

    /// A session's plan that does more than measure is not run by a click on the session.
    fn run_unless(&mut self, ctx: &Context, left_out: &[String]) {
        match left_out {
            [] => self.run(ctx),
            words => self.complain(not_by_a_click(words)),
        }
    }

    fn run(&mut self, ctx: &Context) {
        if self.sweep.is_some() || !self.setup.problems().is_empty() {
            return;
        }
        let plan = self.setup.plan();
        let (command, dir) = (sweep_command(&plan), session_dir_in(&self.folder));
        self.start(
            ctx,
            SweepRequest { plan, place: SessionPlace::ByClock(dir), command, calibrates: false, resumes: None },
        );
        self.view = View::Live;
    }

    /// What is missing of the open session.
    fn resume(&mut self, ctx: &Context) {
        let Some(session) = self.loaded.as_ref().filter(|loaded| loaded.num_missing > 0).map(|loaded| &loaded.session)
        else {
            return;
        };
        let Manifest { plan, note, .. } = session.manifest.clone();
        let (_, left_out) = without_new_powers(&plan, &self.setup.plan());
        if !left_out.is_empty() {
            return self.complain(not_by_a_click(&left_out));
        }
        let place = SessionPlace::Named(session.dir.clone());
        let calibrates = note.as_deref() == Some(NOTE);
        let (command, resumes) = (sweep_command(&plan), Some(Box::new(session.clone())));
        self.start(ctx, SweepRequest { plan, place, command, calibrates, resumes });
        self.view = View::Live;
    }

    /// The cases of the form, each against itself.
    fn calibrate(&mut self, ctx: &Context) {
        if self.sweep.is_some() || !self.setup.problems().is_empty() {
            return;
        }
        let plan = self.setup.plan();
        // A floor of fewer pairs than the sweep has rounds would be wider than what the sweep can tell.
        let pairs = plan.repeat.max(CALIBRATION_PAIRS);
        match calibration_plan(plan, pairs) {
            Ok(plan) => {
                let (command, dir) = (calibrate_command(&plan), calibration_dir_in(&self.folder));
                self.start(
                    ctx,
                    SweepRequest { plan, place: SessionPlace::ByClock(dir), command, calibrates: true, resumes: None },
                );
            }
            Err(error) => self.complain(error.to_string()),
        }
    }

    fn start(&mut self, ctx: &Context, request: SweepRequest) {
        let sum = Estimate::of(&request.plan);
        let (SessionPlace::Named(dir) | SessionPlace::ByClock(dir)) = request.place.clone();
        let name = if request.calibrates { "Calibration" } else { "Sweep" };
        let resumes = request.resumes.is_some();
        let is_beside = request.calibrates && self.loaded.is_some() && !resumes;
        (self.ended, self.told) = (None, None);
        let waker = ctx.clone();
        match SweepThread::start(&self.starter, request, move || waker.request_repaint_after(SOON)) {
            Ok(thread) => {
                let num_runs = units::count(sum.num_runs as f64);
                self.log.note(format!("{name} started: {num_runs} runs planned, into {}", dir.display()));
                let progress = Progress {
                    num_runs: 0,
                    expected: sum.duration,
                    num_done: 0,
                    num_failed: 0,
                    started: Instant::now(),
                    current: None,
                    is_stopping: false,
                    ends_at: None,
                };
                self.sweep = Some(Sweep { thread, dir, name, progress, is_beside, resumes, samples: Vec::new() });
            }
            Err(error) => {
                self.complain(format!("cannot start the sweep's thread: {error}; close other programs and try again"));
            }
        }
    }

    fn stop(&mut self) {
        if let Some(sweep) = &self.sweep {
            sweep.thread.stop();
        }
    }

    fn render_report(&mut self) {
        let Some(loaded) = &self.loaded else { return };
        self.report.ask(loaded);
        self.background.render(loaded.session.clone(), loaded.version, PathBuf::from(&self.report.path));
    }

    fn export(&mut self, ctx: &Context, export: Export) {
        let Some(loaded) = &self.loaded else { return };
        match (export, self.report.report(loaded)) {
            (Export::Report, Some(report)) => self.background.write(report.clone()),
            (Export::Report, None) => self.view = View::Report,
            (Export::Picture, _) => pictures::ask(
                ctx,
                Wish { name: self.view.title().to_owned(), areas: vec![self.verdict_area, self.view_area] },
            ),
            _ => self.background.export(loaded.session.clone(), export, Path::new(&self.report.path)),
        }
    }

    /// The folder of the last file that was written, or else that which exports go to.
    fn open_folder(&self) {
        let path = self.report.written.as_deref().unwrap_or(Path::new(&self.report.path));
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        self.background.open_folder(folder.unwrap_or(Path::new(".")).to_owned());
    }

    /// A picture can be taken of what was drawn with nothing above it, so one frame after it was asked for.
    pub(in crate::ui) fn take_picture(&self, ctx: &Context) {
        if let Some(wish) = pictures::take_wish(ctx) {
            let path = free_name(&wish.path(Path::new(&self.report.path)));
            self.background.take_picture(wish, path);
        }
    }

    pub(in crate::ui) fn take_figure(&self, ctx: &Context) {
        if let (Some(wish), Some(loaded)) = (pictures::take_figure_wish(ctx), &self.loaded) {
            // The same figure at another size, or after more rounds, is another file.
            let path = free_name(&wish.path(Path::new(&self.report.path)));
            self.background.save_figure(wish, loaded.session.manifest.device.clone(), path);
        }
    }

    fn copy_report(&mut self, ctx: &Context) {
        match self.loaded.as_ref().and_then(|loaded| self.report.report(loaded)) {
            Some(report) => ctx.copy_text(report.markdown.clone()),
            None => self.view = View::Report,
        }
    }

    pub(in crate::ui) fn take_picked(&mut self, purpose: Purpose, path: PathBuf) {
        match purpose {
            Purpose::Input => self.setup.plan.input = path.display().to_string(),
            Purpose::Plan => {
                self.setup.plan_path = path.display().to_string();
                self.queue.push(Command::LoadPlan(path));
            }
            Purpose::Session => self.queue.push(Command::OpenSession(path)),
            Purpose::Before => self.queue.push(Command::CompareWith(Some(path))),
            Purpose::Report => self.report.path = path.display().to_string(),
        }
    }

    /// A session folder is opened and a plan loaded; anything else is meant as input.
    pub(in crate::ui) fn take_dropped(&mut self, path: PathBuf) {
        match path.extension() {
            None => self.queue.push(Command::OpenSession(path)),
            Some(extension) if extension == "json" => self.queue.push(Command::LoadPlan(path)),
            Some(_) => self.setup.plan.input = path.display().to_string(),
        }
    }
}

fn not_by_a_click(left_out: &[String]) -> String {
    format!(
        "cannot run the plan of this session: it {}; if you trust it, choose that in the form and press Run",
        left_out.join(", and it ")
    )
}
