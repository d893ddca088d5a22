//! `inflight sweep`: a plan run through, saved run by run, and told at the end as a table or as JSON.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use serde_json::json;

use super::args::SweepArgs;
#[cfg(not(feature = "gui"))]
use super::args::{Cli, Command};
use super::exit::{Exit, Failure};
use super::progress::Progress;
use super::set_field::with_fields_set;
use super::stop::OnCtrlC;
use super::sweep_args::Allowed;
use super::{outputs, print_json, report, warn};
use crate::device::DeviceSpec;
use crate::measure::calibrate::{NOTE, finish};
use crate::measure::estimate::Estimate;
use crate::measure::metrics_line::{is_wanted, metrics_line};
use crate::measure::recording::{Recording, session_dir_in};
use crate::measure::strangers::{Power, powers};
use crate::measure::sweep::{Event, Outcome};
use crate::plan::Plan;
use crate::record::{Case, RunRecord};
use crate::session::{Manifest, Session, SessionPlace, SessionWriter, load_plan, save_plan};
use crate::shell::{shell_path, shell_word};
use crate::stats::analysis::Answer;
use crate::stats::runs::metrics::{Metric, swept_metrics};
use crate::stats::runs::summary::{Group, RunOnDevice, RunSummary, groups};
use crate::stats::verdict::effects::Answer as EffectAnswer;
use crate::stats::verdict::sweep_effects::Cell;
use crate::units;

/// What `inflight` alone does where no window was built in.
#[cfg(not(feature = "gui"))]
pub(super) fn default_sweep() -> Result<Exit, Failure> {
    let parsed = <Cli as clap::Parser>::try_parse_from(["inflight", "sweep"]);
    match parsed.map_err(Failure::usage)?.command {
        Some(Command::Sweep(args)) => sweep(&args, |_| false),
        _ => Err(Failure::usage("there is no default sweep")),
    }
}

/// `is_given`: which options were typed, by their names.
pub(super) fn sweep(args: &SweepArgs, is_given: impl Fn(&str) -> bool) -> Result<Exit, Failure> {
    if let Some(dir) = &args.resume {
        return resume(args, dir);
    }
    let plan = plan_of(args, is_given)?;
    if args.save_plan.is_some() || args.dry_run {
        return foretell(args, &plan);
    }
    forewarn(&plan);
    // Before the device is touched: a clock that is locked is unlocked on every way out.
    let on_ctrl_c = OnCtrlC::watch()?;
    let place = SessionPlace::of(args.session.clone(), || session_dir_in(Path::new("output")));
    place.check()?;
    let input = plan.input.clone();
    let prepared = Recording::prepare(plan, command_line(), false, on_ctrl_c.flag());
    let mut recording = prepared.map_err(|error| Failure::from(error).about(&input))?;
    let writer = recording.create(&place)?;
    let made = measure(&mut recording, writer, on_ctrl_c.drains())?;
    tell(args, &recording, made)
}

/// The rest of a sweep that ended early.
fn resume(args: &SweepArgs, dir: &Path) -> Result<Exit, Failure> {
    let on_ctrl_c = OnCtrlC::watch()?;
    let session = report::open(dir)?;
    check_powers(args, &session.manifest.plan, |_| false)?;
    let (mut recording, writer) = Recording::resume(&session, command_line(), false, on_ctrl_c.flag())?;
    let made = measure(&mut recording, writer, on_ctrl_c.drains())?;
    let runs = Session::open(&made.dir)?.summaries;
    if !made.outcome.stopped && session.manifest.note.as_deref() == Some(NOTE) {
        finish(&made.dir, None)?;
    }
    tell(args, &recording, Measured { runs, ..made })
}

fn tell(args: &SweepArgs, recording: &Recording, made: Measured) -> Result<Exit, Failure> {
    let Measured { outcome, runs, dir, moved_from } = made;
    Told { dir: &dir, manifest: recording.manifest(), runs: &runs }.tell(args.json, outcome)?;
    if let Some(gone) = moved_from {
        return Err(Failure::failed(format!(
            "session {} was removed, renamed, replaced or cut short while it was written; it went on in {}",
            gone.display(),
            dir.display()
        )));
    }
    Ok(exit_of(outcome))
}

/// What a sweep came to.
pub(super) struct Measured {
    pub(super) outcome: Outcome,
    pub(super) runs: Vec<RunSummary>,
    /// Where the session is.
    pub(super) dir: PathBuf,
    /// Where it was to be, if it was taken away from there.
    pub(super) moved_from: Option<PathBuf>,
}

/// Makes the runs into a session, saying how far it is, until they are through or Ctrl-C ends them.
pub(super) fn measure(
    recording: &mut Recording,
    mut writer: SessionWriter,
    stop: &AtomicBool,
) -> Result<Measured, Failure> {
    let mut teller = Teller::new();
    let ended = recording.measure(&mut writer, stop, &mut |event| {
        teller.on(event);
        Ok(())
    });
    teller.done();
    let (dir, moved_from) = (writer.dir().to_owned(), writer.moved_from().map(Path::to_owned));
    Ok(Measured { outcome: ended?, runs: teller.runs, dir, moved_from })
}

/// A plan from a file may be somebody else's: what it would do beyond measuring is said, and not done unless that is allowed. What
/// the user typed is the user's.
fn check_powers(args: &SweepArgs, plan: &Plan, is_given: impl Fn(&str) -> bool) -> Result<(), Failure> {
    for (power, words) in powers(plan) {
        let (allowed, option) = match power {
            Power::Library => (Allowed::Library, "device"),
            Power::Baseline => (Allowed::Baseline, "baseline"),
        };
        if is_given(option) || args.allow_from_plan.contains(&allowed) {
            continue;
        }
        if args.dry_run {
            warn(&format!("inflight: the plan {words}; a sweep will need --allow-from-plan {power}"));
        } else {
            return Err(Failure::usage(format!("the plan {words}: if you trust it, add --allow-from-plan {power}")));
        }
    }
    Ok(())
}

pub(super) fn plan_of(args: &SweepArgs, is_given: impl Fn(&str) -> bool) -> Result<Plan, Failure> {
    let plan = match &args.plan {
        Some(path) => {
            let plan = args.changed(load_plan(path)?, &is_given);
            check_powers(args, &plan, &is_given)?;
            plan
        }
        None => {
            let spec: DeviceSpec = args.coding.device.parse()?;
            args.plan(spec.suggested_host_work_us())
        }
    };
    let plan = with_fields_set(plan, &args.coding.set).map_err(Failure::usage)?;
    if is_given("max_repeat") && plan.until.is_none() {
        return Err(Failure::usage("--max-repeat has no effect without --until: add for example --until ±1%"));
    }
    Ok(plan)
}

/// A number that is typed may be legal and take a year.
pub(super) fn forewarn(plan: &Plan) {
    // One that cannot be run says so where it is begun, in one line.
    let warning = plan.check().ok().and_then(|()| Estimate::of(plan).warning());
    if let Some(warning) = warning {
        warn(&format!("inflight: {warning}"));
    }
}

/// What the plan comes to, without a device.
fn foretell(args: &SweepArgs, plan: &Plan) -> Result<Exit, Failure> {
    use std::io::Write;
    plan.check()?;
    let written: Vec<_> = args.save_plan.as_deref().into_iter().collect();
    outputs::check(&written, args.json)?;
    let sum = Estimate::of(plan);
    if args.json {
        print_json(&json!({
            "plan": plan,
            "num_runs": sum.num_runs,
            "num_more_at_most": sum.num_more_at_most,
            "duration_s": sum.duration.map(|duration| duration.as_secs_f64()),
            "num_more_usually": sum.num_more_usually,
            "usually_s": sum.usually.map(|usually| usually.as_secs_f64()),
            "frame_bytes": sum.frame_bytes,
            "run_bytes": sum.run_bytes,
        }))?;
    } else {
        let mut out = outputs::prose(&written);
        let range = |least: String, most: String| if least == most { least } else { format!("{least} to {most}") };
        let times =
            sum.duration.zip(sum.usually).map(|(least, most)| range(units::duration(least), units::duration(most)));
        let duration = times.unwrap_or_else(|| "known after the first run".to_owned());
        let memory =
            sum.memory_bytes().map_or_else(|| "unknown".to_owned(), |all_bytes| units::bytes(all_bytes as f64));
        let runs = range(sum.num_runs.to_string(), sum.num_runs_usually().to_string());
        writeln!(out, "{} cases, {runs} runs of {} frames", sum.num_cases, plan.frames)?;
        writeln!(out, "estimated duration: {duration}; memory for frames and measurements: {memory}")?;
    }
    if let Some(path) = &args.save_plan {
        save_plan(plan, path)?;
    }
    Ok(Exit::Done)
}

pub(super) fn exit_of(outcome: Outcome) -> Exit {
    match outcome {
        Outcome { stopped: true, .. } => Exit::Interrupted,
        Outcome { num_failed: 1.., .. } => Exit::Failed,
        _ => Exit::Done,
    }
}

/// Says how far it is and keeps each run's summary.
pub(super) struct Teller {
    runs: Vec<RunSummary>,
    progress: Progress,
}

impl Teller {
    pub(super) fn new() -> Self {
        Self { runs: Vec::new(), progress: Progress::new() }
    }

    /// All runs are made.
    pub(super) fn done(&mut self) {
        self.progress.done();
    }

    pub(super) fn on(&mut self, event: Event<'_>) {
        match event {
            Event::RunsAhead(forecast) => self.progress.foresee(forecast),
            Event::RunStarted(run) => self.progress.run_started(run),
            // Drawing here would be work inside the measured loop.
            Event::RunWatched(..) => {}
            Event::RunFinished(record) => self.note(&record),
        }
    }

    fn note(&mut self, record: &RunRecord) {
        if is_wanted() {
            self.progress.line(&metrics_line(record));
        }
        if let Some(error) = &record.error {
            self.progress.line(&format!("inflight: run {} ({}) failed: {error}", record.order_index, record.case));
        }
        self.runs.push(RunSummary::of(record));
        self.progress.run_finished();
    }
}

/// What there is to tell at the end.
struct Told<'a> {
    dir: &'a Path,
    manifest: &'a Manifest,
    runs: &'a [RunSummary],
}

impl Told<'_> {
    fn tell(&self, as_json: bool, outcome: Outcome) -> Result<(), Failure> {
        let groups = groups(self.runs);
        if as_json { self.tell_json(outcome, &groups) } else { self.tell_people(outcome, &groups) }
    }

    fn tell_json(&self, outcome: Outcome, groups: &[Group]) -> Result<(), Failure> {
        let device = &self.manifest.device;
        let runs: Vec<_> = self.runs.iter().map(|run| RunOnDevice { run, device }).collect();
        let session = Session::open(self.dir)?;
        let analysis = session.analysis().map_err(Failure::usage)?;
        let criteria: Vec<_> =
            analysis.comparison.iter().flat_map(|all| &all.codecs).flat_map(|codec| &codec.criteria).collect();
        print_json(&json!({
            "session": self.dir.to_string_lossy(),
            "device": device,
            "input": self.manifest.input,
            "plan": self.manifest.plan,
            "stopped": outcome.stopped,
            "failed_runs": outcome.num_failed,
            "runs": runs,
            "groups": groups,
            "recommendations": analysis.answers.iter().map(|answer| &answer.recommendation).collect::<Vec<_>>(),
            "cells": analysis.cells,
            "comparison": analysis.comparison,
            "criteria": criteria,
            "answers": analysis.answers,
        }))
    }

    fn tell_people(&self, outcome: Outcome, groups: &[Group]) -> Result<(), Failure> {
        use std::io::Write;
        let mut out = outputs::prose(&[]);
        writeln!(out, "{}", self.manifest.device)?;
        writeln!(out, "{}\n", self.manifest.input)?;
        write!(out, "{}", table_of(groups, &swept_metrics(self.manifest.device.engine), |_| true))?;
        if groups.iter().any(|group| !group.case.client.is_here()) {
            write!(out, "\nWhole processes:\n{}", table_of(groups, &OF_PROCESSES, |case| !case.client.is_here()))?;
        }
        writeln!(out)?;
        let analysis = Session::open(self.dir)?.analysis().map_err(Failure::usage)?;
        for Cell { case, reference, effect } in &analysis.cells {
            // What is settled explains itself.
            let is_open = effect.answer == EffectAnswer::Inconclusive;
            let why = if is_open { format!("; {}", effect.reason) } else { String::new() };
            writeln!(
                out,
                "{case} compared with {reference}: {} {}, {}{why}",
                effect.metric, effect.answer, effect.interval
            )?;
        }
        for answer in &analysis.answers {
            writeln!(out, "\n{}: {}", answer.codec, answer.sentence)?;
            for figure in &answer.figures {
                writeln!(out, "  {}", Answer::figure_text(figure))?;
            }
            writeln!(out, "  {}", answer.recommendation.reason)?;
            for doubt in &answer.doubts {
                writeln!(out, "  doubt: {doubt}. To remove it: {}", doubt.advice())?;
            }
            if let Some(repetition) = &answer.repetition {
                writeln!(out, "  {repetition}.")?;
            }
            writeln!(out, "  Next: {}.", answer.next_text())?;
        }
        let stopped = if outcome.stopped { "stopped, with all finished runs saved" } else { "saved" };
        writeln!(
            out,
            "\nSession {stopped} in {dir}; next: inflight report {word}",
            dir = self.dir.display(),
            word = shell_path(self.dir)
        )?;
        Ok(())
    }
}

const OF_PROCESSES: [Metric; 5] =
    [Metric::ProcessWallMs, Metric::ProcessCpuMs, Metric::CpuPerFrameMs, Metric::PeakMemoryBytes, Metric::LockDepth];

/// One line a case: means over the counted runs, ± standard deviation where there is one.
fn table_of(groups: &[Group], metrics: &[Metric], is_shown: impl Fn(&Case) -> bool) -> String {
    let longest = groups.iter().map(|group| group.case.to_string().chars().count()).max().unwrap_or(0);
    let width = longest.max(26) + 2;
    let mut text = format!("{:<width$}", "case");
    metrics.iter().for_each(|metric| text.push_str(&format!("{:>24}", metric.key())));
    text.push('\n');
    for group in groups.iter().filter(|group| is_shown(&group.case)) {
        text.push_str(&format!("{:<width$}", group.case.to_string()));
        for &metric in metrics {
            let unit = metric.unit();
            let cell = group.spread(metric).map_or_else(
                || "–".to_owned(),
                |spread| match spread.stddev {
                    Some(stddev) if stddev > 0.0 => format!("{} ± {}", unit.text(spread.mean), unit.text(stddev)),
                    _ => unit.text(spread.mean),
                },
            );
            text.push_str(&format!("{cell:>24}"));
        }
        text.push('\n');
    }
    text
}

/// The command as typed, for the report's "how to repeat".
pub(super) fn command_line() -> String {
    let words = std::env::args_os().skip(1).map(|word| shell_word(&word.to_string_lossy()));
    std::iter::once("inflight".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}
