//! Session to report: Markdown with figures beside it, tables of samples, a trace, status pages.
//!
//! Pure functions of stored data: no device, no clock (the caller passes the time); `stats` computes all numbers, and
//! `units` formats them. Only [`Report::write`] and [`write_export`] touch files.

pub mod chart;
pub mod csv;
pub mod density;
pub mod html;
mod instruments;
pub mod status;
pub mod svg;
pub mod text;
pub mod trace;

mod appendix;
pub mod draw;
mod effects;
mod files;
mod gather;
mod process_settings;
pub mod processes;
mod sections;
pub mod table;
pub mod words;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::contract::{Codec, EngineKind};
use crate::figures::Figure;
use crate::files::{OutputFile, fitting_name, free_name, is_standard_output};
use crate::session::{Session, SessionError};
use crate::stats::analysis::{Analysis, Answer, AnswerState};
use crate::stats::verdict::comparison::Comparison;
use crate::units::NO_VALUE;
use draw::{FigureKind, ReportFigure};
use gather::Material;
use words::codec_title;

/// The subject of a report.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The session reported on. The after side of `comparison` is part of it.
    pub session: &'a Session,
    /// The analysis of the session.
    pub analysis: &'a Analysis,
    /// The session of the before side, if it is another one.
    pub before: Option<&'a Session>,
    /// The comparison; without one, the report describes and recommends but judges no criteria.
    pub comparison: Option<&'a Comparison>,
}

impl<'a> Subject<'a> {
    /// A session by itself, with its headline pair compared.
    pub fn own(session: &'a Session, analysis: &'a Analysis) -> Self {
        Self { session, analysis, before: None, comparison: analysis.comparison.as_ref() }
    }

    /// What it is made from.
    fn kept_files(self) -> Vec<PathBuf> {
        self.before.into_iter().chain([self.session]).flat_map(Session::kept_files).collect()
    }

    /// The engine whose words the report uses.
    fn engine(&self) -> EngineKind {
        self.session.manifest.device.engine
    }
}

/// A finished report, not yet on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The path to which [`Report::write`] writes it.
    pub path: PathBuf,
    /// The text. It refers to the figures by file name, so they belong in the same folder.
    pub markdown: String,
    /// File name and content of each figure.
    pub figures: Vec<(String, String)>,
    /// What these files show, in the same order.
    pub models: Vec<Figure>,
    /// Files that it may not replace: those that it was made from.
    pub kept: Vec<PathBuf>,
}

/// Why a report or export cannot be written.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum ReportError {
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error("cannot write the report to {path}: {source}; name a file in a folder that can be written to")]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot write the export: {0}")]
    Export(#[from] io::Error),
    #[error("cannot write a report to {path}: it is not a file name; use for example report.md")]
    NoFileName { path: PathBuf },
    #[error("cannot find run {order_index}: the session has {num_runs} runs, counted from 0")]
    NoSuchRun { order_index: u32, num_runs: usize },
}

/// Renders the report that is to be written to `path`, after which its figures are named. The text depends on
/// `generated` in its last line only.
///
/// # Errors
/// `path` has no file name, or a run of a session could not be read.
pub fn render(subject: Subject<'_>, path: &Path, generated: Timestamp) -> Result<Report, ReportError> {
    let stem = &stem(path)?;
    // The page is written beside the Markdown, under the same name: whoever names the page means both.
    let is_page = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("html"));
    let path = if is_page { path.with_extension("md") } else { path.to_owned() };
    let material = Material::gather(subject)?;
    let figures = draw::figures(&material);
    let markdown = compose(&material, &figures, stem) + &generated_line(generated);
    let named = |figure: ReportFigure| ((file_name(stem, figure.codec, figure.kind), figure.svg), figure.model);
    let (figures, models) = figures.into_iter().map(named).unzip();
    let kept = subject.kept_files();
    Ok(Report { path, markdown, figures, models, kept })
}

/// The default path of a report: `output/benchmark-nv-precise-<codec>-<date>-<time>.md`, several codecs joined by `-`, in UTC.
/// One that was written within the same minute stays, and this is numbered.
pub fn default_path(session: &Session, now: Timestamp) -> PathBuf {
    let codecs: Vec<_> = session.manifest.plan.codecs.iter().map(ToString::to_string).collect();
    let name = format!("output/benchmark-nv-precise-{}-{}.md", codecs.join("-"), now.strftime("%Y-%m-%d-%H%M"));
    free_name(Path::new(&name))
}

/// Writes a table or trace to `path`, whole or not at all, and not in the place of one of `kept`.
///
/// # Errors
/// The error of `write`, or the file cannot be written.
pub fn write_export(
    path: &Path,
    kept: &[PathBuf],
    write: impl FnOnce(&mut BufWriter<Arc<File>>) -> Result<(), ReportError>,
) -> Result<(), ReportError> {
    let failure = |source| ReportError::Write { path: path.to_owned(), source };
    let output = OutputFile::create(path, kept).map_err(failure)?;
    let mut buffered = BufWriter::new(output.file());
    write(&mut buffered)?;
    buffered.flush().map_err(failure)?;
    output.place().map_err(failure)
}

impl Report {
    /// Where [`Report::write`] puts the same as one HTML page: beside the Markdown.
    pub fn html_path(&self) -> PathBuf {
        let stem = self.path.file_stem().unwrap_or_default();
        match stem.to_str() {
            Some(stem) => self.path.with_file_name(fitting_name(stem, ".html")),
            None => self.path.with_extension("html"),
        }
    }

    /// Is it one text, because its path is no file that others could stand beside (standard output, a pipe)?
    pub fn is_text_alone(&self) -> bool {
        is_standard_output(&self.path)
            || fs::metadata(&self.path).is_ok_and(|there| !there.is_file() && !there.is_dir())
    }

    /// Writes the Markdown file, its figures and the HTML page. All are complete on disk before the first takes its name.
    /// [`Report::is_text_alone`]: the Markdown without figures.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self) -> Result<(), ReportError> {
        if self.is_text_alone() {
            let is_text = |line: &&str| !line.starts_with("![");
            let text: String = self.markdown.split_inclusive('\n').filter(is_text).collect();
            return files::write_all(&[(self.path.clone(), &text)], &self.kept);
        }
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let figures = self.figures.iter().map(|(name, svg)| (folder.join(name), svg.as_str()));
        let page = html::page(self);
        let texts = [(self.html_path(), page.as_str()), (self.path.clone(), self.markdown.as_str())];
        // The texts come last: they are what a reader opens, and the Markdown needs the figures.
        files::write_all(&figures.chain(texts).collect::<Vec<_>>(), &self.kept)
    }
}

/// The part of a path that figures are named after; letters of theirs for bytes that are no text.
fn stem(path: &Path) -> Result<String, ReportError> {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    stem.ok_or_else(|| ReportError::NoFileName { path: path.to_owned() })
}

/// First what to do and on which numbers that rests; everything else follows under "Details".
fn compose(material: &Material<'_>, figures: &[ReportFigure], stem: &str) -> String {
    let session = material.subject.session;
    let engine = material.subject.engine();
    let figure = |codec, kind| figure_link(figures, stem, engine, codec, kind);
    let mut text = format!("# Frames in flight: {}\n\n", sections::headline(material));
    let mut put = |block: String| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{}\n\n", block.trim_end());
    };
    put(sections::verdict(material));
    put(sections::device(&session.manifest.device));
    sections::doubts(material).into_iter().for_each(&mut put);
    for codec in material.codecs() {
        put(format!("## Thresholds, {}\n\n{}", codec_title(codec), sections::thresholds(material, codec)));
        put(figure(codec, FigureKind::Thresholds));
        put(format!("## Where the time is spent, {}", codec_title(codec)));
        put(figure(codec, FigureKind::WaitSplit));
    }
    for answer in subject_answers(material) {
        let title = codec_title(answer.codec);
        put(format!("## Set it in your program, {title}\n\n{}", sections::in_other_programs(answer)));
    }
    put("# Details".to_owned());
    if let Some(comparison) = material.subject.comparison {
        put(format!("## Criteria\n\n{}", sections::criteria(comparison)));
        for codec in &comparison.codecs {
            put(format!("## What changed, {}\n\n{}", codec_title(codec.codec), effects::changes(codec)));
            if codec.num_before_first.is_some() {
                put(figure(codec.codec, FigureKind::Rounds));
            }
            put(format!("## Before and after, {}\n\n{}", codec_title(codec.codec), sections::before_after(codec)));
            put(format!("## Parts of the time, {}\n\n{}", codec_title(codec.codec), sections::wait_split(codec)));
            if let Some(shifts) = effects::shifts(codec) {
                put(format!("## Change by decile, {}\n\n{}", codec_title(codec.codec), engine.say(&shifts)));
                put(figure(codec.codec, FigureKind::Shift));
            }
        }
    }
    for answer in &material.subject.analysis.answers {
        if let Some(repetition) = &answer.repetition {
            put(format!("## Blocks, {}\n\n{}", codec_title(answer.codec), sections::blocks(answer, repetition)));
        }
    }
    for codec in material.codecs() {
        put(format!("## Cases, {}\n\n{}", codec_title(codec), sections::cases(material, codec)));
        if let Some(cells) = effects::cells_of(material.subject.analysis, codec) {
            put(format!("## Every case and the reference, {}\n\n{cells}", codec_title(codec)));
        }
        if let Some(processes) = processes::table(material, codec) {
            put(format!("## Whole processes, {}\n\n{processes}", codec_title(codec)));
        }
        for kind in [FigureKind::LockWait, FigureKind::Depth] {
            put(figure(codec, kind));
        }
    }
    put(format!("## Runs\n\n{}", appendix::runs(session)));
    if let Some(instruments) = instruments::section(session) {
        put(format!("## The GPU during the runs\n\n{instruments}"));
    }
    put(format!("## Environment\n\n{}", appendix::environment(&session.manifest)));
    if let Some(settings) = appendix::encoder_settings(&session.manifest) {
        put(format!("## How the encoder was set up\n\n{settings}"));
    }
    put(format!("## Repeat it\n\n{}", appendix::commands(&material.subject)));
    let compared = material.subject.comparison.map_or(&[][..], |comparison| &comparison.codecs);
    put(format!("## Methods\n\n{}{}", effects::methods(compared), appendix::methods(session)));
    text
}

/// Those that name a case to use.
fn subject_answers<'a>(material: &Material<'a>) -> impl Iterator<Item = &'a Answer> {
    let is_usable = |answer: &&Answer| matches!(answer.state, AnswerState::Confirmed | AnswerState::Likely);
    material.subject.analysis.answers.iter().filter(is_usable)
}

fn figure_link(figures: &[ReportFigure], stem: &str, engine: EngineKind, codec: Codec, kind: FigureKind) -> String {
    let caption = engine.say(kind.caption());
    let Some(figure) = figures.iter().find(|figure| figure.codec == codec && figure.kind == kind) else {
        return format!("*No figure ({}): there is no good run to draw.*", caption);
    };
    let link = text::link(&file_name(stem, codec, kind));
    format!("![{}: {caption}]({link})\n\n{}", codec_title(codec), figure.model.explanation)
}

fn file_name(stem: &str, codec: Codec, kind: FigureKind) -> String {
    fitting_name(stem, &format!("-{codec}-{}.svg", kind.file_word()))
}

fn generated_line(generated: Timestamp) -> String {
    format!("Generated {} by inflight {}\n", moment(generated), env!("CARGO_PKG_VERSION"))
}

/// A time for the reader, in UTC so that it is the same everywhere.
fn utc(unix_ms: u64) -> String {
    let time = i64::try_from(unix_ms).ok().and_then(|unix_ms| Timestamp::from_millisecond(unix_ms).ok());
    time.map_or_else(|| NO_VALUE.to_owned(), moment)
}

fn moment(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
