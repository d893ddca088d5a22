//! The report as it will be written, and its path.

use std::fmt;
use std::path::{Path, PathBuf};

use eframe::egui::{CollapsingHeader, ScrollArea, Sense, TextEdit, Ui};
use egui_commonmark::{CommonMarkCache, CommonMarkViewer};
use jiff::Timestamp;

use crate::figures::Figure;
use crate::report::text::link;
use crate::report::{Report, default_path};
use crate::ui::commands::{Command, Export, Purpose};
use crate::ui::data::LoadedSession;
use crate::ui::theme;
use crate::ui::widgets::figure_ui;

/// Where to write, and what.
#[derive(Debug, Default)]
pub struct ReportModel {
    /// The Markdown file; its figures and the other exports take their names from it.
    pub path: String,
    /// The last file that was written, until that was read.
    pub written: Option<PathBuf>,
    /// Where that is.
    folder: Option<PathBuf>,
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
    /// A session was opened: propose a name for its report, in the folder that reports were written to before.
    pub fn begin(&mut self, loaded: &LoadedSession) {
        let usual = default_path(&loaded.session, Timestamp::now());
        let folder = self.folder.as_ref().zip(usual.file_name()).map(|(folder, name)| folder.join(name));
        self.path = folder.unwrap_or(usual).display().to_string();
        self.written = None;
    }

    /// A file was written.
    pub fn note_written(&mut self, path: PathBuf) {
        self.folder = path.parent().map(Path::to_owned);
        self.written = Some(path);
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

    /// A report has arrived. One that was asked for before the path changed again is nobody's.
    pub fn take(&mut self, version: u64, path: &Path, report: Result<Report, String>) {
        let is_it = |pending: &mut (u64, String)| pending.0 == version && Path::new(&pending.1) == path;
        let Some((version, path)) = self.pending.take_if(is_it) else { return };
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
        let width = (ui.available_width() - 96.0).min(600.0);
        ui.add(TextEdit::singleline(&mut model.path).desired_width(width)).labelled_by(name.id);
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
        Some(Ok(report)) => preview_ui(ui, cache, report),
    }
}

/// As it reads; everything under "Details" is folded away, and the table of runs is left to the file.
fn preview_ui(ui: &mut Ui, cache: &mut Cache, report: &Report) {
    let (answer, details) = report.markdown.split_once("# Details\n").unwrap_or((&report.markdown, ""));
    let details = details.split_once("\n## Runs\n").map_or(details, |(details, _)| details);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.set_max_width(ui.available_width().min(960.0));
        pieces_ui(ui, cache, answer, report);
        if !details.is_empty() {
            CollapsingHeader::new("Details").show_unindented(ui, |ui| {
                pieces_ui(ui, cache, details, report);
                ui.weak("The exported report continues with every run, the environment, and the command to repeat it.");
            });
        }
    });
}

/// Text and figures in turn.
fn pieces_ui(ui: &mut Ui, cache: &mut Cache, markdown: &str, report: &Report) {
    for (idx, piece) in pieces(markdown, report).into_iter().enumerate() {
        match piece {
            Piece::Text(text) => drop(ui.push_id(idx, |ui| CommonMarkViewer::new().show(ui, &mut cache.0, text))),
            Piece::Figure(figure) => drop(figure_ui(ui, figure, Sense::hover())),
        }
    }
}

/// A part of a report.
#[derive(Debug, PartialEq)]
enum Piece<'a> {
    Text(&'a str),
    Figure(&'a Figure),
}

/// Cut at the lines that show a figure.
fn pieces<'a>(markdown: &'a str, report: &'a Report) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    let mut rest = markdown;
    while let Some(at) = rest.find("\n![") {
        let (text, line) = rest.split_at(at + 1);
        let (line, after) = line.split_once('\n').unwrap_or((line, ""));
        let is_it = |(name, _): &(String, String)| line.contains(&format!("({})", link(name)));
        let figure = report.figures.iter().position(is_it).and_then(|idx| report.models.get(idx));
        pieces.push(Piece::Text(text));
        pieces.extend(figure.map(Piece::Figure));
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::thresholds;

    #[test]
    fn a_report_for_a_path_that_was_typed_on_is_not_written() {
        let loaded = crate::ui::fixture::sweep(100);
        let mut model = ReportModel { path: "/reports/strict".to_owned(), ..ReportModel::default() };
        model.ask(&loaded);
        model.path = "/reports/strict.md".to_owned();
        model.ask(&loaded);
        let report = |path: &str| Report {
            path: path.into(),
            markdown: String::new(),
            figures: vec![],
            models: vec![],
            kept: vec![],
        };
        model.take(loaded.version, Path::new("/reports/strict"), Ok(report("/reports/strict")));
        assert!(model.report(&loaded).is_none());
        model.take(loaded.version, Path::new("/reports/strict.md"), Ok(report("/reports/strict.md")));
        assert_eq!(model.report(&loaded).unwrap().path, Path::new("/reports/strict.md"));
        model.note_written("/reports/strict.md".into());
        model.begin(&loaded);
        assert!(model.path.starts_with("/reports/"), "{}", model.path);
    }

    #[test]
    fn a_figure_is_drawn_where_the_report_links_it() {
        let groups = crate::ui::fixture::sweep(100).groups;
        let figure = thresholds::of("Each metric", &groups, None, &thresholds::METRICS).unwrap();
        let markdown =
            "a\n\n![H.264: the metrics](my%20r-h264-thresholds.svg)\n\nb ![inline](x) c\n![unknown](y.svg)\nd"
                .to_owned();
        let figures = vec![("my r-h264-thresholds.svg".to_owned(), String::new())];
        let report = Report {
            path: "my r.md".into(),
            markdown: markdown.clone(),
            figures,
            models: vec![figure.clone()],
            kept: vec![],
        };
        let expected =
            [Piece::Text("a\n\n"), Piece::Figure(&figure), Piece::Text("\nb ![inline](x) c\n"), Piece::Text("d")];
        assert_eq!(pieces(&markdown, &report), expected);
    }
}
