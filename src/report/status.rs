//! The two status pages that the plan of docs/plan.md asks for, from the same blocks as the report.
//!
//! Judges nothing itself: outcomes come from the comparison, and a virtual device is named first.

use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;

use super::draw::{FigureKind, ReportFigure, figures};
use super::gather::Material;
use super::text::markdown;
use super::words::{codec_title, verdict_title};
use super::{Report, ReportError, Subject, appendix, figure_link, file_name, generated_line, sections, stem, utc};
use crate::contract::{Codec, EngineKind};
use crate::stats::runs::metrics::Metric;
use crate::stats::runs::summary::Group;
use crate::stats::verdict::comparison::CodecComparison;
use crate::stats::verdict::criteria::Verdict;
use crate::units::{NO_VALUE, pct};

/// File name of [`analysis`], with the date of the session, so that the same session has the same page.
pub fn analysis_name(subject: &Subject<'_>) -> String {
    let made = utc(subject.session.manifest.created_unix_ms);
    let engine = match subject.engine() {
        EngineKind::Nvenc => "NV",
        EngineKind::Nvdec => "NVDEC",
        EngineKind::Transcode => "TRANSCODE",
    };
    format!("{engine}_PRECISE_ANALYSIS_{}.md", made.get(..10).unwrap_or("undated"))
}

/// File name of [`status`]: each engine has a page of its own.
pub fn status_name(subject: &Subject<'_>) -> &'static str {
    match subject.engine() {
        EngineKind::Nvenc => "STATUS.md",
        EngineKind::Nvdec => "STATUS_NVDEC.md",
        EngineKind::Transcode => "STATUS_TRANSCODE.md",
    }
}

/// The page of [`analysis_name`] in `folder`: purpose, baseline, before and after, criteria, risks.
///
/// # Errors
/// A run of a session could not be read.
pub fn analysis(subject: Subject<'_>, folder: &Path, generated: Timestamp) -> Result<Report, ReportError> {
    let material = Material::gather(subject)?;
    let figures = figures(&material);
    let path = folder.join(analysis_name(&subject));
    let stem = stem(&path)?;
    let engine = subject.engine();
    let mut text = format!("# {} {}: precise analysis\n\n", engine.title(), engine.say("lock wait"));
    let mut put = |title: &str, block: String| {
        // Writing to a String cannot fail.
        let _ = write!(text, "## {title}\n\n{}\n\n", block.trim_end());
    };
    put("Result", format!("{}\n{}", sections::verdict(&material), sections::device(&subject.session.manifest.device)));
    if let Some(doubts) = sections::doubts(&material) {
        put("Doubts and warnings", doubts);
    }
    put("Purpose", engine.say(PURPOSE).into_owned());
    put("Baseline", baseline(&material));
    for codec in material.compared_codecs() {
        let (title, split) = (codec_title(codec.codec), sections::wait_split(codec));
        let figure = figure_link(&figures, &stem, engine, codec.codec, FigureKind::WaitSplit);
        let tables = sections::before_after(codec);
        put(
            &format!("Before and after, {title}"),
            format!("{tables}\n### Where the time is spent\n\n{split}\n{figure}"),
        );
    }
    put("Acceptance criteria", subject.comparison.map_or_else(|| NOT_COMPARED.to_owned(), sections::criteria));
    put("Risk: tail latency", engine.say(&tail_latency(&material)).into_owned());
    put("Risk: HEVC stability", hevc_stability(&material));
    for codec in material.codecs() {
        let thresholds = figure_link(&figures, &stem, engine, codec, FigureKind::Thresholds);
        let table = sections::thresholds(&material, codec);
        put(&format!("Thresholds, {}", codec_title(codec)), format!("{table}\n{thresholds}"));
    }
    put("Environment", appendix::environment(&subject.session.manifest));
    put("Repeat it", appendix::commands(&subject));
    let figures = figures.into_iter().filter(|figure| text.contains(&file_name(&stem, figure.codec, figure.kind)));
    let named = |figure: ReportFigure| ((file_name(&stem, figure.codec, figure.kind), figure.svg), figure.model);
    let (figures, models) = figures.map(named).unzip();
    let kept = subject.kept_files();
    Ok(Report { path, markdown: text + &generated_line(generated), figures, models, kept })
}

/// The page of [`status_name`]: the current state, on one screen.
///
/// # Errors
/// A run of a session could not be read.
pub fn status(subject: Subject<'_>, generated: Timestamp) -> Result<String, ReportError> {
    let material = Material::gather(subject)?;
    let mut text = format!(
        "# Status\n\n{}\n{}\n",
        sections::verdict(&material),
        sections::device(&subject.session.manifest.device)
    );
    for codec in material.compared_codecs() {
        let met = codec.criteria.iter().filter(|result| result.verdict == Verdict::Pass).count();
        let (verdict, count, title) = (verdict_title(codec.verdict), codec.criteria.len(), codec_title(codec.codec));
        let sides = format!("{} → {}", codec.before.case.title(), codec.after.case.title());
        // Writing to a String cannot fail.
        let _ = writeln!(text, "- {title}, {sides}: {verdict}, {met} of {count} criteria met");
    }
    let name = analysis_name(&subject);
    Ok(format!("{text}\nDetails: [{name}]({name})\n\n{}", generated_line(generated)))
}

const PURPOSE: &str = "The serial path spends most of its time inside nvEncLockBitstream, because each frame is locked \
    right after it was submitted. Keeping more frames in flight lets submitting and locking overlap. This page compares \
    the serial path with the recommended one, codec by codec, and says whether the acceptance criteria are met.";

const NOT_COMPARED: &str = "Nothing was compared, so no criterion is met or missed.";

/// The before side by itself.
fn baseline(material: &Material<'_>) -> String {
    let line = |codec: &CodecComparison| {
        let of = |metric: Metric| metric.unit().text_or_none(codec.before.mean(metric));
        format!(
            "- {} ({}): mean `lock_ms` is {} of a mean `wall_ms` of {}, `queue_peak` {}\n",
            codec_title(codec.codec),
            codec.before.case.title(),
            of(Metric::LockMs),
            of(Metric::WallMs),
            of(Metric::QueuePeak)
        )
    };
    let lines: String = material.compared_codecs().map(line).collect();
    if lines.is_empty() { NOT_COMPARED.to_owned() } else { lines }
}

/// p95, p99 and CV, because means alone hide the tail.
fn tail_latency(material: &Material<'_>) -> String {
    let line = |codec: &CodecComparison| {
        let guard = codec.criteria.iter().find(|result| result.name.is_guard())?;
        let of = |group: &Group, metric: Metric| metric.unit().text_or_none(group.mean(metric));
        let pair = |metric| format!("{} → {}", of(&codec.before, metric), of(&codec.after, metric));
        let cv = |group: &Group| group.spread(Metric::WallMs).and_then(|spread| spread.cv_pct);
        let cv = [cv(&codec.before), cv(&codec.after)].map(|cv| cv.map_or_else(|| NO_VALUE.to_owned(), pct));
        Some(format!(
            "- {}: mean over the runs of the latency from submit to packet: p95 {}, p99 {}; CV of the wall time {} → {}. \
             Latency ÷ throughput: {}, {}\n",
            codec_title(codec.codec),
            pair(Metric::LatencyP95Ms),
            pair(Metric::LatencyP99Ms),
            cv[0],
            cv[1],
            verdict_title(guard.verdict),
            markdown(&guard.reason)
        ))
    };
    let lines: String = material.compared_codecs().filter_map(line).collect();
    if lines.is_empty() { NOT_COMPARED.to_owned() } else { lines }
}

/// A crash that comes back would show as a failed run.
fn hevc_stability(material: &Material<'_>) -> String {
    let runs: Vec<_> = material.subject.session.summaries.iter().filter(|run| run.case.codec == Codec::Hevc).collect();
    if runs.is_empty() {
        return "HEVC was not run, so this session has no result for it.".to_owned();
    }
    let failed = runs.iter().filter(|run| run.error.is_some()).count();
    let outcome =
        if failed == 0 { "none failed".to_owned() } else { format!("**{failed} failed**, see the report's runs") };
    format!("{} HEVC runs, warm-ups included: {outcome}.", runs.len())
}
