//! The report as it will be written, and its path.

use std::path::PathBuf;

use eframe::egui::{ScrollArea, TextEdit, TextStyle, Ui};
use jiff::Timestamp;

use super::commands::{Command, Export, Purpose};
use super::data::LoadedSession;
use super::theme;
use crate::report::{Report, default_path};

/// Where to write, and what.
#[derive(Debug, Default)]
pub struct ReportModel {
    /// The Markdown file; its figures and the other exports take their names from it.
    pub path: String,
    /// The last file that was written.
    pub written: Option<PathBuf>,
    rendered: Option<Rendered>,
    /// Asked for and not yet here.
    pending: Option<(u64, String)>,
}

#[derive(Debug)]
struct Rendered {
    version: u64,
    path: String,
    report: Result<Report, String>,
}

impl ReportModel {
    /// A session was opened: propose a name for its report.
    pub fn begin(&mut self, loaded: &LoadedSession) {
        self.path = default_path(&loaded.session, Timestamp::now()).display().to_string();
        self.written = None;
    }

    /// Is the shown report out of date, and no new one requested?
    pub fn is_stale(&self, loaded: &LoadedSession) -> bool {
        let wanted = (loaded.version, &self.path);
        let is_wanted = |rendered: &Rendered| (rendered.version, &rendered.path) == wanted;
        let is_pending = self.pending.as_ref().is_some_and(|(version, path)| (*version, path) == wanted);
        !is_pending && !self.rendered.as_ref().is_some_and(is_wanted)
    }

    /// The report has been requested.
    pub fn ask(&mut self, loaded: &LoadedSession) {
        self.pending = Some((loaded.version, self.path.clone()));
    }

    /// The report has arrived.
    pub fn take(&mut self, version: u64, report: Result<Report, String>) {
        let Some((_, path)) = self.pending.take_if(|pending| pending.0 == version) else { return };
        self.rendered = Some(Rendered { version, path, report });
    }

    /// The report to write, if it is up to date.
    pub fn report(&self, loaded: &LoadedSession) -> Option<&Report> {
        let rendered = self.rendered.as_ref().filter(|_| !self.is_stale(loaded) && self.pending.is_none())?;
        rendered.report.as_ref().ok()
    }
}

/// The whole view.
pub fn report_ui(ui: &mut Ui, model: &mut ReportModel, loaded: &LoadedSession, queue: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        let name = ui.label("Write to");
        ui.add(TextEdit::singleline(&mut model.path).desired_width(420.0)).labelled_by(name.id);
        if ui.button("Choose…").clicked() {
            queue.push(Command::Pick(Purpose::Report));
        }
    });
    let is_ready = model.report(loaded).is_some();
    ui.horizontal_wrapped(|ui| {
        let mut button = |ui: &mut Ui, title: &str, tip: &str, command: Command| {
            if ui.add_enabled(is_ready, eframe::egui::Button::new(title)).on_hover_text(tip).clicked() {
                queue.push(command);
            }
        };
        button(
            ui,
            "Export report",
            "Writes the report as Markdown with SVG figures, and as one HTML page",
            Command::Export(Export::Report),
        );
        button(ui, "Runs as CSV", "One line per run", Command::Export(Export::RunsCsv));
        button(ui, "Frames as CSV", "One line per frame", Command::Export(Export::FramesCsv));
        button(
            ui,
            "Trace",
            "The timeline of the last run, for chrome://tracing or Perfetto",
            Command::Export(Export::Trace),
        );
        button(ui, "Copy", "Copies the Markdown to the clipboard", Command::CopyReport);
    });
    ui.separator();
    match model.rendered.as_ref().map(|rendered| &rendered.report) {
        None => drop(ui.label("The report is being rendered.")),
        Some(Err(error)) => drop(ui.colored_label(theme::alert(ui), error)),
        Some(Ok(report)) => preview_ui(ui, &report.markdown),
    }
}

fn preview_ui(ui: &mut Ui, markdown: &str) {
    let lines: Vec<_> = markdown.lines().collect();
    let row_height = ui.text_style_height(&TextStyle::Monospace);
    ScrollArea::both().auto_shrink(false).show_rows(ui, row_height, lines.len(), |ui, rows| {
        ui.style_mut().wrap_mode = Some(eframe::egui::TextWrapMode::Extend);
        for line in lines.get(rows).unwrap_or_default() {
            ui.monospace(*line);
        }
    });
}
