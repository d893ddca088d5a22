//! What one frame draws: the menus, the answer, the form, the view, and whatever lies above them.
//!
//! Reads the app's state and pushes commands; changes nothing else.

use eframe::egui::{CentralPanel, Context, Frame, Margin, Panel, ProgressBar, Rect, Ui, vec2};

use crate::ui::app::notices::{Notices, notices_ui, quiet_ui, quit_ui};
use crate::ui::app::{App, PLAN_KEY, QUIET_KEY};
use crate::ui::bar;
use crate::ui::commands::View;
use crate::ui::help::help_ui;
use crate::ui::palette;
use crate::ui::path_dialog::Picked;
use crate::ui::possible::Possible;
use crate::ui::theme;
use crate::ui::verdict_bar::{self, Shown, Unfolded};
use crate::ui::views::compare::view::compare_ui;
use crate::ui::views::first_start::first_start_ui;
use crate::ui::views::live::view::live_ui;
use crate::ui::views::report::report_ui;
use crate::ui::views::sessions::view::sessions_ui;
use crate::ui::views::setup::saving::existing_ui;
use crate::ui::views::setup::view::setup_ui;
use crate::ui::words;

impl App {
    /// The window's content.
    pub fn show(&mut self, ui: &mut Ui) {
        let is_running = self.sweep.is_some();
        let of_form = self.setup.plan.engine;
        let engine = self.loaded.as_ref().map_or(of_form, |loaded| loaded.session.manifest.device.engine);
        words::use_words_of(ui.ctx(), engine);
        let possible = self.possible(ui.ctx());
        let panel = Frame::side_top_panel(ui.style()).fill(theme::ink(ui).panel);
        Panel::top("bar").frame(panel).show(ui, |ui| {
            let session = self.loaded.as_ref().map(|loaded| self.sessions.name_of(&loaded.session.dir));
            bar::bar_ui(ui, &session.unwrap_or_default(), &possible, &mut self.queue);
            if let Some(share) = self.opening {
                ui.add(ProgressBar::new(share).text("Opening the session")).accessible_name("Opening the session");
            }
        });
        self.verdict_ui(ui, panel);
        Panel::left("setup").resizable(false).exact_size(theme::SETUP_WIDTH).frame(panel).show(ui, |ui| {
            setup_ui(ui, &mut self.setup, &mut self.preview, is_running, &mut self.queue);
        });
        let views = Frame::central_panel(ui.style()).inner_margin(Margin { left: 24, right: 24, top: 0, bottom: 8 });
        CentralPanel::default().frame(views).show(ui, |ui| {
            bar::tabs_ui(ui, self.view, &mut self.queue);
            self.view_area = ui.available_rect_before_wrap();
            self.view_ui(ui);
        });
        let ctx = ui.ctx().clone();
        let notices =
            Notices { told: self.told.as_deref(), written: self.report.written.as_deref(), problems: &self.problems };
        notices_ui(&ctx, notices, &mut self.queue);
        palette::palette_ui(&ctx, &mut self.palette, &possible, &mut self.queue);
        match self.path_dialog.as_mut().and_then(|dialog| dialog.show(&ctx)) {
            Some(Picked::Path(purpose, path)) => {
                self.path_dialog = None;
                self.take_picked(purpose, path);
            }
            Some(Picked::Nothing) => self.path_dialog = None,
            None => {}
        }
        if let Some(existing) = &self.existing_plan {
            existing_ui(&ctx, existing, &mut self.queue);
        }
        help_ui(&ctx, &mut self.help, &self.log);
        if self.asks_to_quit {
            quit_ui(&ctx, &mut self.queue);
        }
        if let Some(sweep) = &self.sweep
            && let Some(rest) = self.drawing.lay_out(&ctx)
        {
            sweep.thread.has_drawn(rest);
        }
    }

    /// What can be done as things are now.
    fn possible(&self, ctx: &Context) -> Possible {
        Possible {
            has_session: self.loaded.is_some(),
            has_runs: self.loaded.as_ref().is_some_and(|loaded| !loaded.runs.is_empty()),
            is_running: self.sweep.is_some(),
            is_unfinished: self.loaded.as_ref().is_some_and(|loaded| loaded.num_missing > 0),
            problem: self.setup.problems().into_iter().next().map(|problem| problem.message),
            has_deleted: !self.sessions.deleted.is_empty(),
            has_written: self.report.written.is_some(),
            view: self.view,
            is_quiet: self.is_quiet,
            theme: ctx.options(|options| options.theme_preference),
        }
    }

    /// The answer, always at the same place and of the same height.
    fn verdict_ui(&mut self, ui: &mut Ui, panel: Frame) {
        let progress = self.sweep.as_ref().map(|sweep| &sweep.progress);
        let loaded = self.loaded.as_deref();
        let answers = match loaded {
            Some(loaded) if progress.is_none() => self.plots.answers(ui.ctx(), loaded),
            _ => None,
        };
        let of_form = self.setup.plan.codecs.len();
        let shown = Shown {
            answers,
            device: loaded.map(|loaded| &loaded.session.manifest.device),
            progress,
            ended: self.ended.as_ref(),
            num_missing: loaded.map_or(0, |loaded| loaded.num_missing),
            num_codecs: loaded.map_or(of_form, |loaded| loaded.session.manifest.plan.codecs.len()),
            can_run: self.setup.problems().is_empty(),
        };
        let height = verdict_bar::height(shown.num_codecs);
        let panel = panel.inner_margin(Margin::symmetric(16, 8));
        self.verdict_area =
            Rect::from_min_size(ui.available_rect_before_wrap().min, vec2(ui.available_width(), height));
        Panel::top("verdict").resizable(false).exact_size(height).frame(panel).show(ui, |ui| {
            verdict_bar::verdict_bar_ui(ui, &shown, &mut self.unfolded, &mut self.queue);
        });
        let (Some(answers), unfolded) = (answers, self.unfolded) else { return };
        if unfolded != Unfolded::Nothing {
            Panel::top("unfolded").resizable(false).frame(panel).show(ui, |ui| match unfolded {
                Unfolded::How => verdict_bar::how_ui(ui, answers),
                _ => verdict_bar::why_ui(ui, answers),
            });
        }
    }

    fn view_ui(&mut self, ui: &mut Ui) {
        let queue = &mut self.queue;
        if self.is_quiet && self.sweep.is_some() {
            return quiet_ui(ui, queue);
        }
        match (self.view, self.loaded.as_deref()) {
            (View::Sessions, open) => {
                let open = open.map(|open| open.session.dir.as_path());
                sessions_ui(ui, &mut self.sessions, open, queue)
            }
            (View::Live, Some(loaded)) => {
                live_ui(ui, &self.live, loaded, self.sweep.is_some(), &mut self.listed, queue);
            }
            (View::Distributions, Some(loaded)) => self.plots.distributions_ui(ui, loaded, queue),
            (View::Thresholds, Some(loaded)) => self.plots.thresholds_ui(ui, loaded),
            (View::Timeline, Some(loaded)) => self.plots.timeline_ui(ui, loaded),
            (View::Compare, Some(loaded)) => {
                let is_running = self.sweep.is_some();
                compare_ui(ui, &mut self.compare, loaded, self.sessions.found.as_deref(), is_running, queue)
            }
            (View::Report, Some(_)) if self.sweep.is_some() => {
                ui.label("The report is rendered when the sweep has ended.");
            }
            (View::Report, Some(loaded)) => report_ui(ui, &mut self.report, loaded, queue),
            (_, None) => {
                let can_run = self.sweep.is_none();
                first_start_ui(ui, self.sessions.found.as_deref(), &self.setup, can_run, queue)
            }
        }
    }
}

impl eframe::App for App {
    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        eframe::set_value(storage, QUIET_KEY, &self.is_quiet);
        eframe::set_value(storage, PLAN_KEY, &self.setup.plan());
    }

    fn logic(&mut self, ctx: &Context, _: &mut eframe::Frame) {
        self.tick(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        self.show(ui);
    }
}
