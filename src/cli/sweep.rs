//! `inflight sweep`: a plan run through, saved run by run, and told at the end as a table or as JSON.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::args::{Cli, Command, SweepArgs};
use super::exit::{Exit, Failure};
use super::progress::Progress;
use super::{print_json, stop};
use crate::bench::environment;
use crate::bench::metrics_line::{is_wanted, metrics_line};
use crate::bench::sweep::{Event, Outcome, rehearse, sweep as run_sweep};
use crate::device::{Device, DeviceSpec};
use crate::plan::Plan;
use crate::record::RunRecord;
use crate::report::own_comparison;
use crate::session::{FORMAT_VERSION, Manifest, Session, SessionWriter};
use crate::source::{Feed, InputSpec};
use crate::stats::criteria::Criteria;
use crate::stats::metrics::Metric;
use crate::stats::recommend::recommend;
use crate::stats::summary::{Group, RunOnDevice, RunSummary, groups};

/// What `inflight` alone does.
pub(super) fn default_sweep() -> Result<Exit, Failure> {
    let parsed = <Cli as clap::Parser>::try_parse_from(["inflight", "sweep"]);
    match parsed.map_err(Failure::usage)?.command {
        Some(Command::Sweep(args)) => sweep(&args),
        _ => Err(Failure::usage("there is no default sweep")),
    }
}

pub(super) fn sweep(args: &SweepArgs) -> Result<Exit, Failure> {
    let spec: DeviceSpec = args.coding.device.parse()?;
    let plan = args.plan(spec.suggested_host_work_us());
    plan.check()?;
    let input: InputSpec = plan.input.parse()?;
    let device = Device::open(&spec)?;
    let feed = Feed::open(&input, Some(plan.frames), u64::from(plan.preload_mib) << 20)?;
    rehearse(&plan, &device, feed.info())?;
    let manifest = manifest(plan, &device, &feed);
    let dir = args.session.clone().unwrap_or_else(default_session_dir);
    let stop = stop::on_ctrl_c(Arc::default())?;
    let mut keeper = Keeper::new(SessionWriter::create(&dir, &manifest)?, manifest.plan.num_runs());
    let ended = run_sweep(&manifest.plan, &device, &feed, &stop, &mut |event| keeper.on(event));
    keeper.progress.done();
    let outcome = ended?;
    Told { dir: &dir, manifest: &manifest, runs: &keeper.runs }.tell(args.json, outcome)?;
    Ok(exit_of(outcome))
}

fn manifest(plan: Plan, device: &Device, feed: &Feed) -> Manifest {
    Manifest {
        format_version: FORMAT_VERSION,
        created_unix_ms: u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0),
        plan,
        input: feed.info().clone(),
        device: device.info().clone(),
        environment: environment::capture(command_line()),
        note: None,
    }
}

fn exit_of(outcome: Outcome) -> Exit {
    match outcome {
        Outcome { stopped: true, .. } => Exit::Interrupted,
        Outcome { num_failed: 1.., .. } => Exit::Failed,
        _ => Exit::Done,
    }
}

/// Saves each run as it comes and keeps its summary.
struct Keeper {
    writer: SessionWriter,
    runs: Vec<RunSummary>,
    progress: Progress,
}

impl Keeper {
    fn new(writer: SessionWriter, num_runs: u64) -> Self {
        Self { writer, runs: Vec::new(), progress: Progress::new(num_runs) }
    }

    fn on(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::RunStarted(run) => {
                self.progress.run_started(run);
                Ok(())
            }
            // Drawing here would be work inside the measured loop.
            Event::RunWatched(..) => Ok(()),
            Event::RunFinished(record) => self.keep(&record),
        }
    }

    fn keep(&mut self, record: &RunRecord) -> Result<(), String> {
        if is_wanted() {
            self.progress.line(&metrics_line(record));
        }
        if let Some(error) = &record.error {
            self.progress.line(&format!("inflight: run {} ({}) failed: {error}", record.order_index, record.case));
        }
        self.runs.push(RunSummary::of(record));
        self.progress.run_finished();
        self.writer.append(record).map_err(|error| error.to_string())
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
        let comparison = own_comparison(&session, &Criteria::default()).map_err(Failure::usage)?;
        let criteria: Vec<_> =
            comparison.iter().flat_map(|all| &all.codecs).flat_map(|codec| &codec.criteria).collect();
        print_json(&json!({
            "session": self.dir.to_string_lossy(),
            "device": device,
            "input": self.manifest.input,
            "plan": self.manifest.plan,
            "stopped": outcome.stopped,
            "failed_runs": outcome.num_failed,
            "runs": runs,
            "groups": groups,
            "recommendations": recommend(groups),
            "comparison": comparison,
            "criteria": criteria,
        }))
    }

    fn tell_people(&self, outcome: Outcome, groups: &[Group]) -> Result<(), Failure> {
        use std::io::Write;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", self.manifest.device)?;
        writeln!(out, "{}\n", self.manifest.input)?;
        write!(out, "{}", table(groups))?;
        writeln!(out)?;
        for recommendation in recommend(groups) {
            writeln!(out, "{}: {}", recommendation.codec, recommendation.reason)?;
        }
        let stopped = if outcome.stopped { "stopped; what was finished is saved" } else { "saved" };
        writeln!(out, "\nSession {stopped} in {dir}; next: inflight report {dir}", dir = self.dir.display())?;
        Ok(())
    }
}

/// One line a case: means over the counted runs, ± standard deviation where there is one.
fn table(groups: &[Group]) -> String {
    const METRICS: [Metric; 6] =
        [Metric::WallMs, Metric::LockMs, Metric::SubmitBlockedMs, Metric::LatencyP99Ms, Metric::QueuePeak, Metric::Fps];
    let mut text = format!("{:<28}", "case");
    METRICS.iter().for_each(|metric| text.push_str(&format!("{:>24}", metric.key())));
    text.push('\n');
    for group in groups {
        text.push_str(&format!("{:<28}", group.case.to_string()));
        for metric in METRICS {
            let unit = metric.unit();
            let cell = group.spread(metric).map_or_else(
                || "–".to_owned(),
                |spread| match spread.stddev {
                    Some(stddev) => format!("{} ± {}", unit.text(spread.mean), unit.text(stddev)),
                    None => unit.text(spread.mean),
                },
            );
            text.push_str(&format!("{cell:>24}"));
        }
        text.push('\n');
    }
    text
}

fn default_session_dir() -> PathBuf {
    let now = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string();
    Path::new("output").join(format!("sweep-{now}"))
}

/// The command as typed, for the report's "how to repeat".
fn command_line() -> String {
    let words = std::env::args_os().skip(1).map(|word| shell_word(&word.to_string_lossy()));
    std::iter::once("inflight".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=:,./@+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
