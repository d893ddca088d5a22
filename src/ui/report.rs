//! The report as it will be written, and its path.

use std::fmt;
use std::path::PathBuf;

use eframe::egui::{CollapsingHeader, ScrollArea, TextEdit, Ui};
use egui_commonmark::{CommonMarkCache, CommonMarkViewer};
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
    cache: Cache,
}

/// What the viewer keeps from frame to frame; it says nothing about itself.
#[derive(Default)]
struct Cache(CommonMarkCache);

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cache")
    }
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
    let ReportModel { rendered, cache, .. } = model;
    match rendered.as_ref().map(|rendered| &rendered.report) {
        None => drop(ui.label("The report is being rendered.")),
        Some(Err(error)) => drop(ui.colored_label(theme::alert(ui), error)),
        Some(Ok(report)) => preview_ui(ui, cache, &report.markdown),
    }
}

/// As it reads; everything under "Details" is folded away, and the table of runs is left to the file.
fn preview_ui(ui: &mut Ui, cache: &mut Cache, markdown: &str) {
    let (answer, details) = markdown.split_once("# Details\n").unwrap_or((markdown, ""));
    let details = details.split_once("\n## Runs\n").map_or(details, |(details, _)| details);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.set_max_width(ui.available_width().min(960.0));
        CommonMarkViewer::new().show(ui, &mut cache.0, &without_figures(answer));
        if !details.is_empty() {
            CollapsingHeader::new("Details").show_unindented(ui, |ui| {
                CommonMarkViewer::new().show(ui, &mut cache.0, &without_figures(details));
                ui.weak("The exported report continues with every run, the environment, and the command to repeat it.");
            });
        }
    });
}

/// The window's own views draw the figures; here only their captions stand.
fn without_figures(markdown: &str) -> String {
    let line = |line: &str| match line.strip_prefix("![").and_then(|rest| rest.split_once("](")) {
        Some((caption, _)) => format!("*Figure: {caption}*"),
        None => line.to_owned(),
    };
    markdown.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_becomes_its_caption() {
        let text = without_figures("a\n![H.264: the knee](r-h264-knee.svg)\nb [link](x)");
        assert_eq!(text, "a\n*Figure: H.264: the knee*\nb [link](x)");
    }
}
