//! What comes back from other threads: answers of the background, and the news of a sweep.
//!
//! Taken up once a frame, before drawing; nothing in here waits.

use std::time::Instant;

use eframe::egui::{Context, ViewportCommand};

use crate::measure::recording::RecordingError;
use crate::measure::sweep_thread::SweepEvent;
use crate::plan::PlannedRun;
use crate::session::{Discarded, Session};
use crate::stats::runs::summary::RunSummary;
use crate::ui::app::App;
use crate::ui::app::background::Message;
use crate::ui::app::drawing::Drawing;
use crate::ui::commands::View;
use crate::ui::data::LoadedSession;
use crate::ui::path_dialog::PathDialog;
use crate::ui::verdict_bar::Ended;
use crate::ui::views::live::model::LiveModel;
use crate::ui::views::setup::saving::Saved;

impl App {
    pub(super) fn take_message(&mut self, ctx: &Context, message: Message) {
        match message {
            Message::Devices(findings) => {
                self.help.about.findings = Some(findings.clone());
                self.setup.devices.found(findings);
            }
            Message::Ffmpeg(found) => self.setup.ffmpeg = Some(found),
            Message::System(facts) => self.help.about.system = Some(facts),
            Message::Sessions(found) => self.sessions.take_found(found),
            Message::Judged(judgements) => self.sessions.take_judgements(judgements),
            Message::Opening(share) => self.opening = Some(share),
            Message::Opened(Ok(loaded)) => {
                self.opening = None;
                self.open(loaded);
            }
            Message::Opened(Err(problem)) => {
                self.opening = None;
                self.complain(problem);
            }
            Message::Picked(purpose, Some(path)) => self.take_picked(purpose, path),
            Message::Picked(_, None) => {}
            Message::NoDialog(purpose) => self.path_dialog = Some(PathDialog::open(purpose)),
            Message::Rendered(version, path, report) => self.report.take(version, &path, report),
            Message::Exported(Ok(path)) => {
                self.log.note(format!("Written to {}", path.display()));
                self.report.note_written(path);
            }
            Message::BeforeOpened(Ok(session)) => self.compare.other = Some(session),
            Message::Labelled(Ok(())) => self.find_sessions(),
            Message::Restored(Ok(dir)) => {
                self.log.note(format!("Restored {}", dir.display()));
                self.find_sessions();
            }
            Message::Deleted(Ok(discarded)) => self.forget(discarded),
            Message::Exported(Err(problem))
            | Message::PlanLoaded(_, Err(problem))
            | Message::FolderShown(Err(problem))
            | Message::BeforeOpened(Err(problem))
            | Message::Labelled(Err(problem))
            | Message::Deleted(Err(problem))
            | Message::PlanSaved(Err(problem))
            | Message::Sample(Err(problem))
            | Message::Restored(Err(problem)) => self.complain(problem),
            Message::FolderShown(Ok(())) => {}
            Message::PlanLoaded(path, Ok(plan)) => {
                let name = self.sessions.name_of(&path);
                let left_out = self.setup.take_foreign(&plan);
                let told = match left_out.as_slice() {
                    [] => format!("The form on the left now holds the plan of {name}. Nothing has run yet."),
                    words => format!(
                        "The form on the left now holds the plan of {name}, without what it {}. Choose that by hand if you trust it.",
                        words.join("; and what it ")
                    ),
                };
                self.log.note(told.clone());
                self.told = Some(told);
            }
            Message::PlanSaved(Ok(saved)) => self.take_saved(saved),
            Message::Sample(Ok(path)) => self.setup.plan.input = path.display().to_string(),
            Message::Previewed(preview) => self.preview.take(ctx, *preview),
        }
    }

    fn take_saved(&mut self, saved: Saved) {
        match saved.note() {
            Ok(note) => {
                self.log.note(note.clone());
                self.told = Some(note);
            }
            Err(existing) => self.existing_plan = Some(existing),
        }
    }

    /// Looks for sessions again.
    pub(in crate::ui) fn find_sessions(&mut self) {
        self.background.find_sessions(self.folder.clone(), self.named.clone());
    }

    /// A session is gone from its place: it is not shown any longer, and can be had back.
    fn forget(&mut self, discarded: Discarded) {
        if self.loaded.as_ref().is_some_and(|loaded| loaded.session.dir == discarded.from) {
            self.loaded = None;
            self.live = LiveModel::default();
        }
        self.log.note(format!("Deleted {}: it is now in {}", discarded.from.display(), discarded.to.display()));
        self.sessions.deleted.push(discarded);
        self.find_sessions();
    }

    fn open(&mut self, loaded: Box<LoadedSession>) {
        if self.sweep.is_some() {
            self.complain("cannot open a session while a sweep runs: stop the sweep first".to_owned());
            return;
        }
        self.log.note(format!("Opened {}", loaded.session.dir.display()));
        for damage in &loaded.session.damage {
            self.complain(format!("{}: {damage}", loaded.session.dir.display()));
        }
        self.show_last_runs(&loaded);
        self.report.begin(&loaded);
        self.loaded = Some(loaded);
        self.ended = None;
        self.view = View::Thresholds;
    }

    /// A reopened session looks as it did right after its sweep.
    fn show_last_runs(&mut self, loaded: &LoadedSession) {
        self.live = LiveModel::of(&loaded.session.manifest.plan);
        for run in &loaded.runs {
            let RunSummary { case, block, warmup, is_confirmation, repeat_index, order_index, .. } = run.summary;
            self.live.begin(PlannedRun { case, block, warmup, is_confirmation, repeat_index, order_index });
            self.live.finish(&run.frames);
        }
    }

    pub(super) fn take_news(&mut self, ctx: &Context) {
        let Some(sweep) = &mut self.sweep else { return };
        sweep.progress.is_stopping = sweep.thread.is_stopping();
        sweep.thread.take_samples(&mut sweep.samples);
        let mut is_of_one_run = true;
        while let Some(news) = self.sweep.as_ref().and_then(|sweep| sweep.thread.next_event()) {
            is_of_one_run = false;
            self.take_piece(ctx, news);
        }
        // Single frames do not say of which run they are. Those of a run that has ended came with its record.
        if let Some(sweep) = self.sweep.as_ref().filter(|_| is_of_one_run) {
            self.live.extend(&sweep.samples);
        }
    }

    fn take_piece(&mut self, ctx: &Context, news: SweepEvent) {
        let Some(sweep) = &mut self.sweep else { return };
        match news {
            SweepEvent::Begun(..) if sweep.is_beside => sweep.progress.started = Instant::now(),
            SweepEvent::Begun(_, manifest) if sweep.resumes => {
                self.drawing = Drawing::default();
                sweep.progress.started = Instant::now();
                if let Some(loaded) = &mut self.loaded {
                    loaded.resumed(*manifest);
                }
            }
            SweepEvent::Begun(dir, manifest) => {
                sweep.dir = dir;
                self.drawing = Drawing::default();
                let session = Session::begun(sweep.dir.clone(), *manifest);
                sweep.progress.started = Instant::now();
                self.live = LiveModel::of(&session.manifest.plan);
                self.loaded = Some(Box::new(LoadedSession::begun(session)));
            }
            SweepEvent::RunsAhead(forecast) => sweep.progress.foresee(forecast),
            SweepEvent::Calibrated(noise) => {
                if let Some(loaded) = &mut self.loaded {
                    // It holds for a session that is open only if that was measured alike.
                    let known = if sweep.is_beside { loaded.noise_floor() } else { Some(*noise) };
                    loaded.calibrated(known);
                }
                self.view = View::Compare;
            }
            SweepEvent::RunStarted(run) => {
                sweep.progress.current = Some(run);
                if !sweep.is_beside {
                    self.live.begin(run);
                }
            }
            SweepEvent::RunFinished(record) => {
                sweep.progress.num_done += 1;
                sweep.progress.num_failed += u64::from(record.error.is_some());
                if let Some(error) = &record.error {
                    self.log.error(format!("Run {} ({}) failed: {error}", record.order_index, record.case));
                }
                if let Some(loaded) = self.loaded.as_mut().filter(|_| !sweep.is_beside) {
                    self.live.finish(&record.frames);
                    loaded.push(*record);
                }
            }
            SweepEvent::Ended(ended) => {
                let dir = sweep.dir.clone();
                self.note_end(&ended);
                self.ended = match &ended {
                    Ok(outcome) if outcome.stopped => Some(Ended::Stopped { num_done: outcome.num_done }),
                    Err(RecordingError::NoNumbers) => Some(Ended::Stopped { num_done: 0 }),
                    Ok(_) => None,
                    Err(_) => Some(Ended::Failed),
                };
                let own = self.loaded.as_mut().filter(|loaded| loaded.session.dir == dir);
                if let Some(loaded) = own.filter(|_| self.ended.is_some()) {
                    loaded.ended_early();
                }
                if let Err(error) = ended
                    && !matches!(error, RecordingError::NoNumbers)
                {
                    self.complain(error.to_string());
                }
                self.end_sweep(ctx);
            }
        }
    }

    fn end_sweep(&mut self, ctx: &Context) {
        self.sweep = None;
        self.live.end();
        self.asks_to_quit = false;
        if let Some(loaded) = &self.loaded {
            self.report.begin(loaded);
        }
        self.find_sessions();
        if self.quits_when_done {
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
    }
}
