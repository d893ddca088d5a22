//! `inflight encode`: one run whose packets go to a file that appears whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use super::args::EncodeArgs;
use super::exit::{Exit, Failure};
use super::set_field::with_fields_set;
use super::stop::OnCtrlC;
use super::sweep::forewarn;
use super::{outputs, print_json, warn};
use crate::contract::PacketSink;
use crate::device::{Device, DeviceSpec};
use crate::files::OutputFile;
use crate::measure::in_process::caller;
use crate::measure::metrics_line::{is_wanted, metrics_line};
use crate::measure::opened::Opened;
use crate::measure::run::{RunError, RunSetup};
use crate::plan::Plan;
use crate::record::RunRecord;
use crate::source::{Feed, InputSpec};
use crate::stats::runs::metrics::Metric;
use crate::stats::runs::summary::{RunOnDevice, RunSummary};
use crate::units;

pub(super) fn encode(args: &EncodeArgs) -> Result<Exit, Failure> {
    let spec: DeviceSpec = args.coding.device.parse()?;
    let plan = args.plan(spec.suggested_host_work_us());
    let plan = with_fields_set(plan, &args.coding.set).map_err(Failure::usage)?;
    plan.check()?;
    forewarn(&plan);
    let input = plan.input.clone();
    run(args, plan).map_err(|failure| failure.about(&input))
}

fn run(args: &EncodeArgs, plan: Plan) -> Result<Exit, Failure> {
    outputs::check(&[&args.output], args.json)?;
    let on_ctrl_c = OnCtrlC::watch()?;
    let output = StreamFile::create(&args.output, &InputSpec::files_of(&plan.input))?;
    if let Some(draft) = output.output.draft() {
        on_ctrl_c.removes(draft.to_owned());
    }
    let opened = if args.one_pass { Opened::open_unread(&plan)? } else { Opened::open(&plan, on_ctrl_c.flag())? };
    let plan = opened.adapted(plan)?;
    let planned = plan.runs().first().copied().ok_or_else(|| Failure::usage("the plan has no run"))?;
    let config = opened.config(&plan, &planned.case);
    let runner = RunSetup { opened: &opened, config: &config, caller: caller(&plan), stop: on_ctrl_c.drains() };
    let (record, error) = runner.run(&planned, output.sink(), &mut |_| ());
    if is_wanted() {
        warn(&metrics_line(&record));
    }
    let interrupted = matches!(error, Some(RunError::Stopped));
    if let Some(error) = error.filter(|error| !matches!(error, RunError::Stopped)) {
        return Err(error.into());
    }
    output.finish()?;
    show(args, &opened.device, &opened.feed, &record)?;
    Ok(if interrupted { Exit::Interrupted } else { Exit::Done })
}

fn show(args: &EncodeArgs, device: &Device, feed: &Feed, record: &RunRecord) -> Result<(), Failure> {
    let summary = RunSummary::of(record);
    if args.json {
        return print_json(&json!({
            "output": args.output.to_string_lossy(),
            "input": feed.info(),
            "run": RunOnDevice { run: &summary, device: device.info() },
        }));
    }
    let mut out = outputs::prose(&[&args.output]);
    writeln!(
        out,
        "{} frames, {} → {} in {} ({}); lock wait {}, submit blocked {}, queue peak {}, latency p99 {}",
        record.metrics.frames,
        units::bytes(record.metrics.bytes as f64),
        args.output.display(),
        units::ns(record.wall_ns),
        summary.value(Metric::Fps).map_or_else(|| "–".to_owned(), units::fps),
        units::ns(record.metrics.lock_ns),
        units::ns(record.metrics.blocked_ns),
        record.metrics.queue_peak,
        summary.value(Metric::LatencyP99Ms).map_or_else(|| "–".to_owned(), units::ms),
    )?;
    Ok(writeln!(out, "{}", device.info())?)
}

/// The elementary stream on its way to its place.
struct StreamFile {
    /// Not with the sink's part: a sink on a thread that hangs in a driver is leaked, and this must go all the same.
    output: OutputFile,
    state: Arc<Mutex<StreamState>>,
    path: PathBuf,
}

/// About a packet at a time. More in one call holds the locking thread up for as long as a queue of two or three lasts:
/// a MiB took 0.8 ms, every 17th picture of 1920x1080.
const WRITE_BYTES: usize = 1 << 16;

struct StreamState {
    writer: BufWriter<Arc<File>>,
    error: Option<io::Error>,
}

impl StreamFile {
    fn create(path: &Path, kept: &[PathBuf]) -> Result<Self, Failure> {
        let output = OutputFile::create(path, kept).map_err(|error| write_failure(path, &error))?;
        let state = StreamState { writer: BufWriter::with_capacity(WRITE_BYTES, output.file()), error: None };
        Ok(Self { output, state: Arc::new(Mutex::new(state)), path: path.to_owned() })
    }

    /// Writes packets in the order they come. After the first error the rest is dropped; [`Self::finish`] tells it.
    fn sink(&self) -> PacketSink {
        let state = Arc::clone(&self.state);
        Box::new(move |packet| {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.error.is_none() {
                state.error = state.writer.write_all(packet.data).err();
            }
        })
    }

    fn finish(self) -> Result<(), Failure> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let written = match state.error.take() {
            Some(error) => Err(error),
            None => state.writer.flush(),
        };
        let placed = written.and_then(|()| self.output.place());
        placed.map_err(|error| write_failure(&self.path, &error))
    }
}

fn write_failure(path: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("cannot write {}: {error}; choose another place with --output", path.display()))
}
