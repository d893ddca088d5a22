//! Whole processes side by side: the cases that ran outside of the measuring process.

use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;

use super::gather::{CaseMaterial, Material};
use super::table::Table;
use super::words::codec_title;
use super::{Report, ReportError, Subject, appendix, generated_line, process_settings, sections, utc};
use crate::contract::Codec;
use crate::record::Client;
use crate::stats::runs::metrics::Metric;
use crate::stats::runs::summary::Group;
use crate::units::{NO_VALUE, change_pct_or_none, pct};

/// The metrics of a process, in the order of the columns.
const COLUMNS: [Metric; 6] = [
    Metric::Fps,
    Metric::ProcessWallMs,
    Metric::CpuPerFrameMs,
    Metric::PeakMemoryBytes,
    Metric::LockDepth,
    Metric::LatencyP99Ms,
];

/// Does the session hold processes at all?
pub fn has_any(material: &Material<'_>) -> bool {
    material.cases.iter().any(|case| is_process(&case.group))
}

/// Medians over the counted runs of every process of `codec`, and how their encoders were set up; `None` where there is none.
pub fn table(material: &Material<'_>, codec: Codec) -> Option<String> {
    let cases: Vec<_> = material.cases_of(codec).filter(|case| is_process(&case.group)).collect();
    if cases.is_empty() {
        return None;
    }
    let heads = COLUMNS.map(|metric| format!(">`{}`", metric.key()));
    let heads = heads.iter().map(String::as_str);
    let titles: Vec<_> = ["program"].into_iter().chain(heads).chain([">lock share", ">runs", "output"]).collect();
    let mut table = Table::new(&titles);
    cases.iter().for_each(|case| table.row(cells(material, case)));
    let settings = process_settings::section(material, codec).map_or_else(String::new, |text| format!("\n{text}"));
    Some(format!("{table}\nMedians over the counted runs. {HOW}\n{settings}"))
}

const HOW: &str = "Every process reads the same raw frames from one file, writes an elementary stream to a file and uses \
    the same driver through the interposer, which adds the same overhead to each. `fps` is measured from the first \
    frame's input to the last packet, as the interposer sees it; `process_wall_ms` covers the whole process. \
    \"inflight\" here is `inflight encode` as a separate process.";

fn is_process(group: &Group) -> bool {
    !group.case.client.is_here()
}

fn cells(material: &Material<'_>, case: &CaseMaterial) -> Vec<String> {
    let group = &case.group;
    let name = match group.case.client {
        Client::Process => format!("inflight, {}", group.case.title().trim_end_matches(", process")),
        Client::Here | Client::Foreign(_) => group.case.client.to_string(),
    };
    let mut cells = vec![name];
    cells.extend(COLUMNS.map(|metric| metric.unit().text_or_none(median(group, metric))));
    let share =
        median(group, Metric::LockMs).zip(median(group, Metric::WallMs)).map(|(lock, wall)| 100.0 * lock / wall);
    cells.push(share.map_or_else(|| NO_VALUE.to_owned(), pct));
    let failed = if group.num_failed == 0 { String::new() } else { format!(", **{} failed**", group.num_failed) };
    cells.push(format!("{}{failed}", group.num_runs));
    cells.push(verified(material, group));
    cells
}

fn verified(material: &Material<'_>, group: &Group) -> String {
    let runs = material.subject.session.summaries.iter().filter(|run| run.case == group.case && run.counts());
    let (num, checked) =
        runs.fold((0, 0), |(num, checked), run| (num + 1, checked + u32::from(run.verified_frames.is_some())));
    match checked {
        0 => "not checked".to_owned(),
        checked if checked == num => "decodes, complete".to_owned(),
        checked => format!("{checked} of {num} checked"),
    }
}

fn median(group: &Group, metric: Metric) -> Option<f64> {
    group.spread(metric).map(|spread| spread.p50)
}

/// File name of [`comparison`], dated by when the session was made.
pub fn comparison_name(subject: &Subject<'_>) -> String {
    let made = utc(subject.session.manifest.created_unix_ms);
    format!("FFMPEG_NV_COMPARISON_{}.md", made.get(..10).unwrap_or("undated"))
}

/// `FFMPEG_NV_COMPARISON_<date>.md` in `folder`; `None` where the session has no process in it.
///
/// # Errors
/// A run of a session could not be read.
pub fn comparison(subject: Subject<'_>, folder: &Path, generated: Timestamp) -> Result<Option<Report>, ReportError> {
    let material = Material::gather(subject)?;
    if !has_any(&material) {
        return Ok(None);
    }
    let manifest = &subject.session.manifest;
    let mut text = format!("# FFmpeg and Inflight on the same NVENC\n\n{}\n", sections::device(&manifest.device));
    for codec in material.codecs() {
        let Some(table) = table(&material, codec) else { continue };
        let answers: String = answers(&material, codec).into_iter().map(|line| format!("- {line}\n")).collect();
        // Writing to a String cannot fail.
        let _ = write!(text, "## {}\n\n{answers}\n{table}\n", codec_title(codec));
    }
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "## Environment\n\n{}\n## Repeat it\n\n{}\n",
        appendix::environment(manifest),
        appendix::commands(&subject)
    );
    let markdown = text + "\n" + &generated_line(generated);
    let (path, kept) = (folder.join(comparison_name(&subject)), subject.kept_files());
    Ok(Some(Report { path, markdown, figures: Vec::new(), models: Vec::new(), kept }))
}

/// Our fastest process compared with each other program, in a sentence.
fn answers(material: &Material<'_>, codec: Codec) -> Vec<String> {
    let groups = || material.cases_of(codec).map(|case| &case.group);
    let wall = |group: &Group| median(group, Metric::ProcessWallMs).unwrap_or(f64::INFINITY);
    let ours = groups().filter(|group| group.case.client == Client::Process && group.num_failed == 0);
    let Some(ours) = ours.min_by(|a, b| wall(a).total_cmp(&wall(b))) else { return Vec::new() };
    let others = groups().filter(|group| matches!(group.case.client, Client::Foreign(_)));
    others.map(|other| answer(ours, other)).collect()
}

fn answer(ours: &Group, other: &Group) -> String {
    let words = |metric: Metric, title: &str| {
        let (mine, theirs) = (median(ours, metric), median(other, metric));
        let change = mine.zip(theirs).map(|(mine, theirs)| 100.0 * (mine - theirs) / theirs);
        let text = |value| metric.unit().text_or_none(value);
        format!("{title} {} vs. {} ({})", text(mine), text(theirs), change_pct_or_none(change))
    };
    format!(
        "`inflight encode` ({}) compared with `{}`: {}, {}, {}, {}",
        ours.case.title().trim_end_matches(", process"),
        other.case.client,
        words(Metric::Fps, "throughput"),
        words(Metric::ProcessWallMs, "whole process"),
        words(Metric::CpuPerFrameMs, "CPU time per frame"),
        words(Metric::LatencyP99Ms, "submit-to-packet p99"),
    )
}
