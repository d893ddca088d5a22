//! `inflight report` and `inflight status`: a session's pages and exports, each file whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::args::{ReportArgs, StatusArgs};
use super::exit::{Exit, Failure};
use super::{outputs, print_json, warn};
use crate::files::is_standard_output;
use crate::report::{
    Report, ReportError, Subject, csv, default_path, processes, render, status as pages, trace, write_export,
};
use crate::session::Session;

pub(super) fn report(args: &ReportArgs) -> Result<Exit, Failure> {
    let session = open(&args.session)?;
    let now = jiff::Timestamp::now();
    let page = (!args.json).then(|| args.output.clone().unwrap_or_else(|| default_path(&session, now)));
    let exports = [&args.runs_csv, &args.frames_csv, &args.trace];
    let outputs: Vec<_> = page.iter().chain(exports.into_iter().flatten()).map(PathBuf::as_path).collect();
    outputs::check(&outputs, args.json)?;
    let out = &mut outputs::prose(&outputs);
    let kept = session.kept_files();
    let analysis = session.analysis().map_err(Failure::usage)?;
    let subject = Subject::own(&session, &analysis);
    if let Some(path) = &page {
        write(out, &render(subject, path, now)?)?;
    } else {
        print_json(&json!({
            "session": args.session.to_string_lossy(),
            "device": session.manifest.device,
            "input": session.manifest.input,
            "analysis": analysis,
        }))?;
    }
    if let Some(path) = &args.runs_csv {
        export(out, path, &kept, |out| csv::write_runs(&session, out))?;
    }
    if let Some(path) = &args.frames_csv {
        export(out, path, &kept, |out| csv::write_frames(&session, out))?;
    }
    if let Some(path) = &args.trace {
        let last = session.summaries.last().map_or(0, |run| run.order_index);
        export(out, path, &kept, |out| trace::write_trace(&session, args.trace_run.unwrap_or(last), out))?;
    }
    Ok(Exit::Done)
}

pub(super) fn status(args: &StatusArgs) -> Result<Exit, Failure> {
    let session = open(&args.session)?;
    let now = jiff::Timestamp::now();
    let analysis = session.analysis().map_err(Failure::usage)?;
    let subject = Subject::own(&session, &analysis);
    let out = &mut outputs::prose(&[]);
    if !args.only_programs {
        write(out, &pages::analysis(subject, &args.into, now)?)?;
    }
    match processes::comparison(subject, &args.into, now)? {
        Some(page) => write(out, &page)?,
        None if args.only_programs => {
            let dir = args.session.display();
            return Err(Failure::usage(format!(
                "{dir} has no other program to compare with: measure one with sweep --baseline ffmpeg"
            )));
        }
        None => {}
    }
    if args.only_programs {
        return Ok(Exit::Done);
    }
    let text = pages::status(subject, now)?;
    let page = args.into.join(pages::status_name(&subject));
    export(out, &page, &session.kept_files(), |out| Ok(out.write_all(text.as_bytes())?))?;
    Ok(Exit::Done)
}

/// Writes the report of a comparison.
pub(super) fn write_report(subject: Subject<'_>, path: &Path) -> Result<(), Failure> {
    Ok(render(subject, path, jiff::Timestamp::now())?.write()?)
}

/// A session with its damage, if any, said aloud.
pub(super) fn open(dir: &Path) -> Result<Session, Failure> {
    let session = Session::open(dir)?;
    warn_of_damage(&session);
    Ok(session)
}

/// Two of them, read at the same time; the same folder is read once.
pub(super) fn open_both(one: &Path, other: &Path) -> Result<[Session; 2], Failure> {
    if one == other {
        let session = open(one)?;
        return Ok([session.clone(), session]);
    }
    let both = Session::open_both(one, other)?;
    both.iter().for_each(warn_of_damage);
    Ok(both)
}

fn warn_of_damage(session: &Session) {
    for damage in &session.damage {
        warn(&format!("inflight: {}: {damage}", session.dir.display()));
    }
}

fn write(out: &mut impl Write, report: &Report) -> Result<(), Failure> {
    report.write()?;
    if !report.is_text_alone() {
        writeln!(out, "{}\n{}", report.path.display(), report.html_path().display())?;
    }
    Ok(())
}

/// Writes one file and prints its name.
fn export(
    out: &mut impl Write,
    path: &Path,
    kept: &[PathBuf],
    write: impl FnOnce(&mut BufWriter<Arc<File>>) -> Result<(), ReportError>,
) -> Result<(), Failure> {
    write_export(path, kept, write)?;
    if !is_standard_output(path) {
        writeln!(out, "{}", path.display())?;
    }
    Ok(())
}
