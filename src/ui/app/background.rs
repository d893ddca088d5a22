//! Work that takes time, off the thread that draws: reading sessions, rendering reports, asking for GPUs, file dialogs.
//!
//! Each piece runs on a thread of its own and answers with one message, which the app takes up in its next frame.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use eframe::egui::{ColorImage, Context};
use jiff::Timestamp;

use crate::contract::Codec;
use crate::device::nvidia_driver;
use crate::doctor::{self, Finding};
use crate::measure::environment;
use crate::plan::Plan;
use crate::process::ffmpeg::nvenc_codecs;
use crate::record::DeviceInfo;
use crate::report::{Report, ReportError, Subject, csv, render, trace};
use crate::session::{Discarded, Label, Session, discard, load_plan};
use crate::ui::commands::{Export, Purpose};
use crate::ui::data::LoadedSession;
use crate::ui::help::SystemFacts;
use crate::ui::pictures::{self, FigureWish, Wish};
use crate::ui::views::compare::model::OtherSession;
use crate::ui::views::sessions::judged::{Judgement, judge_some};
use crate::ui::views::sessions::library::{self, Found, Stamp};
use crate::ui::views::setup::preview::Preview;
use crate::ui::views::setup::sample::sample_clip;
use crate::ui::views::setup::saving::{self, Saved};

/// A dialog that is gone sooner was never there.
const QUICKEST_HAND: Duration = Duration::from_millis(800);

/// What came of it.
#[derive(Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Message {
    Devices(Vec<Finding>),
    System(SystemFacts),
    Sessions(Vec<Found>),
    /// What some of them say.
    Judged(Vec<Judgement>),
    /// Share of it that is read, 0 to 1.
    Opening(f32),
    Opened(Result<Box<LoadedSession>, String>),
    Picked(Purpose, Option<PathBuf>),
    /// The system has no file dialog.
    NoDialog(Purpose),
    /// Of the session in this state.
    Rendered(u64, PathBuf, Result<Report, String>),
    /// Where to, or why not.
    Exported(Result<PathBuf, String>),
    Labelled(Result<(), String>),
    Deleted(Result<Discarded, String>),
    /// The folder where it is again.
    Restored(Result<PathBuf, String>),
    /// A session for the before side, without its frames.
    BeforeOpened(Result<Box<OtherSession>, String>),
    /// From this file or session.
    PlanLoaded(PathBuf, Result<Box<Plan>, String>),
    PlanSaved(Result<Saved, String>),
    /// Where the sample clip is.
    Sample(Result<PathBuf, String>),
    /// The codecs that FFmpeg encodes with NVENC, or why it cannot be compared with.
    Ffmpeg(Result<Vec<Codec>, String>),
    Previewed(Box<Preview>),
    FolderShown(Result<(), String>),
}

/// Starts work and collects what came of it.
#[derive(Debug)]
pub struct Background {
    sender: Sender<Message>,
    messages: Receiver<Message>,
    ctx: Context,
}

impl Background {
    /// `ctx` is woken by every message.
    pub fn new(ctx: Context) -> Self {
        let (sender, messages) = mpsc::channel();
        Self { sender, messages, ctx }
    }

    /// The next message, if there is one; does not wait.
    pub fn next(&self) -> Option<Message> {
        self.messages.try_recv().ok()
    }

    /// Which devices work, what can they do, and can FFmpeg be compared with?
    pub fn examine(&self) {
        self.spawn(|| {
            let mut findings = doctor::examine_models();
            findings.extend(doctor::examine());
            Message::Devices(findings)
        });
        self.spawn(|| Message::Ffmpeg(nvenc_codecs().map_err(|why| why.to_string())));
    }

    /// What computer is this, and which driver has it?
    pub fn ask_system(&self) {
        self.spawn(|| {
            let environment = environment::capture(String::new());
            Message::System(SystemFacts { environment, driver: nvidia_driver() })
        });
    }

    /// Which sessions are there?
    pub fn find_sessions(&self, folder: PathBuf, named: Vec<PathBuf>) {
        self.spawn(move || Message::Sessions(library::find(&folder, &named)));
    }

    /// What do the first of these sessions say?
    pub fn judge(&self, sessions: Vec<(PathBuf, Stamp)>) {
        self.spawn(move || Message::Judged(judge_some(sessions)));
    }

    /// Reads a session whole, telling how far it is.
    pub fn open(&self, dir: PathBuf) {
        let (sender, ctx) = (self.sender.clone(), self.ctx.clone());
        self.spawn(move || {
            let tell = |share| {
                drop(sender.send(Message::Opening(share)));
                ctx.request_repaint();
            };
            let opened = LoadedSession::open(&dir, tell).map(Box::new);
            Message::Opened(opened.map_err(|error| error.to_string()))
        });
    }

    /// Reads what a comparison needs of another session.
    pub fn open_before(&self, dir: PathBuf) {
        self.spawn(move || {
            let opened = OtherSession::open(&dir).map(Box::new);
            Message::BeforeOpened(opened.map_err(|error| error.to_string()))
        });
    }

    /// Looks at an input.
    pub fn preview(&self, input: String) {
        self.spawn(move || Message::Previewed(Box::new(Preview::of(input))));
    }

    /// Writes what somebody says about a session.
    pub fn label(&self, dir: PathBuf, label: Label) {
        self.spawn(move || Message::Labelled(label.save(&dir).map_err(|error| error.to_string())));
    }

    /// Moves a session out of the way.
    pub fn delete(&self, dir: PathBuf) {
        self.spawn(move || Message::Deleted(discard(&dir).map_err(|error| error.to_string())));
    }

    /// Moves it back.
    pub fn restore(&self, discarded: Discarded) {
        self.spawn(move || {
            let restored = discarded.restore().map(|()| discarded.from).map_err(|error| error.to_string());
            Message::Restored(restored)
        });
    }

    /// Reads a plan.
    pub fn load_plan(&self, path: PathBuf) {
        self.spawn(move || {
            let plan = load_plan(&path).map(Box::new).map_err(|error| error.to_string());
            Message::PlanLoaded(path, plan)
        });
    }

    /// Writes a plan, and replaces a file only where that is asked for.
    pub fn save_plan(&self, plan: Plan, path: PathBuf, may_replace: bool) {
        self.spawn(move || {
            Message::PlanSaved(saving::save(&plan, path, may_replace).map_err(|error| error.to_string()))
        });
    }

    /// Makes the sample clip a file.
    pub fn find_sample(&self) {
        self.spawn(|| Message::Sample(sample_clip()));
    }

    /// Asks for a file by the system's dialog. Nobody closes one within a second: so quick a no means that there is none.
    pub fn pick(&self, purpose: Purpose) {
        self.spawn(move || {
            let asked = Instant::now();
            let dialog = rfd::FileDialog::new();
            let picked = match purpose {
                Purpose::Input => dialog.set_title("Clip").pick_file(),
                Purpose::Plan => dialog.set_title("Plan").pick_file(),
                Purpose::Session | Purpose::Before => dialog.set_title("Session folder").pick_folder(),
                Purpose::Report => dialog.set_title("Report").set_file_name("report.md").save_file(),
            };
            match picked {
                None if asked.elapsed() < QUICKEST_HAND => Message::NoDialog(purpose),
                picked => Message::Picked(purpose, picked),
            }
        });
    }

    /// Renders the report that `inflight report` would write to `path`.
    pub fn render(&self, session: Session, version: u64, path: PathBuf) {
        self.spawn(move || {
            let report = render_own(&session, &path);
            Message::Rendered(version, path, report)
        });
    }

    /// Writes a rendered report.
    pub fn write(&self, report: Report) {
        self.spawn(move || {
            let written = report.write().map_err(|error| error.to_string());
            Message::Exported(written.map(|()| report.path))
        });
    }

    /// Writes one of the other exports beside the report at `report_path`.
    pub fn export(&self, session: Session, export: Export, report_path: &Path) {
        let path = report_path.with_extension(extension(export));
        self.spawn(move || {
            let written = write_export(&session, export, &path).map_err(|error| error.to_string());
            Message::Exported(written.map(|()| path))
        });
    }

    /// Shows a folder in the system's file manager.
    pub fn open_folder(&self, folder: PathBuf) {
        self.spawn(move || {
            let shown = open::that_detached(&folder);
            Message::FolderShown(shown.map_err(|error| {
                let cause = match error.kind() {
                    // The helper programs only say that they failed.
                    std::io::ErrorKind::Other => "no file manager answers here".to_owned(),
                    _ => error.to_string(),
                };
                format!("cannot show the folder {}: {cause}; open it by hand", folder.display())
            }))
        });
    }

    /// Draws a figure and writes it.
    pub fn save_figure(&self, wish: FigureWish, device: DeviceInfo, path: PathBuf) {
        self.spawn(move || {
            let written = wish.write(&device, &path).map_err(|error| error.to_string());
            Message::Exported(written.map(|()| path))
        });
    }

    /// Writes what the window shows after its next drawing.
    pub fn take_picture(&self, wish: Wish, path: PathBuf) {
        let (sender, ctx) = (self.sender.clone(), self.ctx.clone());
        self.ctx.request_screenshot(move |window| {
            let scale = ctx.pixels_per_point();
            std::thread::spawn(move || {
                drop(sender.send(Message::Exported(write_picture(&wish, &window, scale, path))));
                ctx.request_repaint();
            });
        });
    }

    fn spawn(&self, work: impl FnOnce() -> Message + Send + 'static) {
        let (sender, ctx) = (self.sender.clone(), self.ctx.clone());
        std::thread::spawn(move || {
            // A window that is gone needs no answer.
            drop(sender.send(work()));
            ctx.request_repaint();
        });
    }
}

fn write_picture(wish: &Wish, window: &ColorImage, scale: f32, path: PathBuf) -> Result<PathBuf, String> {
    let picture = wish
        .cut(window, scale)
        .ok_or_else(|| format!("cannot save an image of {}: it is not visible; scroll to it first", wish.name))?;
    pictures::write(&picture, &path).map_err(|error| error.to_string())?;
    Ok(path)
}

fn render_own(session: &Session, path: &Path) -> Result<Report, String> {
    let analysis = session.analysis().map_err(|error| error.to_string())?;
    render(Subject::own(session, &analysis), path, Timestamp::now()).map_err(|error| error.to_string())
}

fn extension(export: Export) -> &'static str {
    match export {
        Export::Report => "md",
        Export::RunsCsv => "runs.csv",
        Export::FramesCsv => "frames.csv",
        Export::Trace => "trace.json",
        Export::Picture => "png",
    }
}

fn write_export(session: &Session, export: Export, path: &Path) -> Result<(), ReportError> {
    let last = session.summaries.last().map_or(0, |run| run.order_index);
    crate::report::write_export(path, &session.kept_files(), |out| match export {
        // Both are written elsewhere.
        Export::Report | Export::Picture => Ok(()),
        Export::RunsCsv => csv::write_runs(session, out),
        Export::FramesCsv => csv::write_frames(session, out),
        Export::Trace => trace::write_trace(session, last, out),
    })
}
