//! `inflight virtual-driver`: runs other NVENC programs on the virtual driver, or on the real one, and shows what they did.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use super::driver_args::{DriverCommand, DriverInstallArgs, DriverRunArgs, VirtualDriverArgs};
use super::exit::{Exit, Failure};
use super::{outputs, print_json, stop, warn};
use crate::device::DeviceSpec;
use crate::measure::observed_session::{self, Observed};
use crate::process::child::{Finished, ProcessError, Under};
use crate::process::driver_folder::{DriverFolder, TrueDriver};
use crate::process::scratch::Scratch;
use crate::process::tree::Left;
use crate::record::RunRecord;
use crate::session::SessionPlace;
use crate::shell::shell_path;
use crate::stats::runs::metrics::Metric;
use crate::stats::runs::summary::{RunOnDevice, RunSummary};
use crate::units;

pub(super) fn virtual_driver(args: &VirtualDriverArgs) -> Result<Exit, Failure> {
    match &args.command {
        DriverCommand::Install(args) => install(args),
        DriverCommand::Run(args) => run(args),
    }
}

fn install(args: &DriverInstallArgs) -> Result<Exit, Failure> {
    let drivers = DriverFolder::install(&args.folder, true)?;
    // Absolute, so that the line works from any folder.
    let folder = std::path::absolute(&args.folder).unwrap_or_else(|_| args.folder.clone());
    let folder = shell_path(&folder);
    let mut out = outputs::prose(&[]);
    writeln!(out, "The virtual driver is in {folder}. To run a program on it:")?;
    writeln!(out, "  LD_LIBRARY_PATH={folder} VIRTUAL_NVENC=latency_us=1400,interval_us=350 PROGRAM …")?;
    writeln!(
        out,
        "To measure a program through {}: inflight virtual-driver run -- PROGRAM …",
        shell_path(&drivers.interposer())
    )?;
    Ok(Exit::Done)
}

fn run(args: &DriverRunArgs) -> Result<Exit, Failure> {
    let driver = true_driver(args)?;
    let (program, words) = args.command.split_first().ok_or_else(|| Failure::usage("no command to run"))?;
    let place = SessionPlace::of(args.session.clone(), || observed_session::session_dir_in(Path::new("output")));
    place.check()?;
    // Before anything is there that a signal could leave behind.
    let is_in_terminal = std::io::stdin().is_terminal();
    let signals = stop::caught(is_in_terminal)?;
    let scratch = Scratch::new().map_err(ProcessError::Scratch)?;
    let drivers = DriverFolder::install(&scratch.path().join("drivers"), matches!(driver, TrueDriver::Virtual { .. }))?;
    let log = scratch.path().join("protocol.jsonl");
    let under = Under {
        drivers: &drivers,
        driver: &driver,
        scratch: scratch.path(),
        asks_cuda: true,
        log: Some(log.clone()),
        keeps_errors: false,
    };
    let mut command = Command::new(program);
    command.args(words);
    if args.json {
        // Standard output is for the object alone.
        command.stdout(own_errors()?);
    }
    let finished = under.follow(&mut command, is_in_terminal, &signals, &mut |left| warn(&still_there(left)))?;
    let exit = ending(&finished);
    let observed = Observed::of(&args.command, &driver, &finished, observed_session::rules_broken(&log));
    let dir = if observed.runs.is_empty() { None } else { Some(save(&place, &observed)?) };
    if args.json {
        tell_json(dir.as_deref(), &observed)?
    } else {
        tell_people(dir.as_deref(), &observed)?
    }
    match (exit, observed.runs.is_empty()) {
        (Some(code), _) => Ok(Exit::OfCommand(code)),
        (None, true) => Err(Failure::failed(format!(
            "{} encoded nothing with this driver: check that it uses NVENC and loads the driver by its soname",
            program.display()
        ))),
        (None, false) => Ok(Exit::Done),
    }
}

/// For the standard output of a command: the standard error of this program.
fn own_errors() -> Result<Stdio, Failure> {
    #[cfg(unix)]
    let own = std::os::fd::AsFd::as_fd(&std::io::stderr()).try_clone_to_owned();
    #[cfg(windows)]
    let own = std::os::windows::io::AsHandle::as_handle(&std::io::stderr()).try_clone_to_owned();
    own.map(Stdio::from).map_err(|error| Failure::failed(format!("cannot keep standard output apart: {error}")))
}

/// What is waited for after the command's end.
fn still_there(left: &[Left]) -> String {
    let names: Vec<_> = left.iter().map(|left| format!("{} ({})", left.name, left.pid)).collect();
    format!(
        "inflight: the command has ended, and processes that it started have not: waiting for {}; Ctrl-C ends them",
        names.join(", ")
    )
}

fn true_driver(args: &DriverRunArgs) -> Result<TrueDriver, Failure> {
    if args.real {
        return Ok(TrueDriver::System);
    }
    match args.device.parse()? {
        DeviceSpec::Virtual(config) | DeviceSpec::VirtualOnCuda(config, _) => {
            Ok(TrueDriver::Virtual { config: format!("{config:#}") })
        }
        DeviceSpec::Library(path) => Ok(TrueDriver::Library(path)),
        DeviceSpec::Cuda(_) => Err(Failure::usage(
            "cannot choose the GPU for another program: use --real instead of --device cuda:N, and let the command choose",
        )),
    }
}

/// The code to leave with where the command failed; a signal as shells tell it.
fn ending(finished: &Finished) -> Option<u8> {
    if finished.status.success() {
        return None;
    }
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&finished.status) {
        return Some(u8::try_from(128 + signal).unwrap_or(1));
    }
    Some(finished.status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// Answers the folder.
fn save(place: &SessionPlace, observed: &Observed) -> Result<PathBuf, Failure> {
    let mut writer = place.create(&observed.manifest)?;
    observed.runs.iter().try_for_each(|run| writer.append(run))?;
    Ok(writer.dir().to_owned())
}

fn tell_json(dir: Option<&Path>, observed: &Observed) -> Result<(), Failure> {
    let summaries: Vec<_> = observed.runs.iter().map(RunSummary::of).collect();
    let device = &observed.manifest.device;
    let runs: Vec<_> = summaries.iter().map(|run| RunOnDevice { run, device }).collect();
    print_json(&json!({
        "session": dir.map(Path::to_string_lossy),
        "device": device,
        "input": observed.manifest.input,
        "process": observed.usage,
        "rules_broken": observed.rules_broken,
        "runs": runs,
    }))
}

fn tell_people(dir: Option<&Path>, observed: &Observed) -> Result<(), Failure> {
    let mut out = outputs::prose(&[]);
    writeln!(out, "{}", observed.manifest.device)?;
    for run in &observed.runs {
        tell_run(&mut out, run)?;
    }
    let usage = &observed.usage;
    let memory = usage.peak_memory_bytes.map_or_else(|| "–".to_owned(), |bytes| units::bytes(bytes as f64));
    writeln!(
        out,
        "process: {} wall, {} CPU, peak memory {memory}",
        units::ns(usage.wall_ns),
        units::ns(usage.user_ns + usage.system_ns),
    )?;
    match &observed.rules_broken {
        Some(rules) if rules.is_empty() => writeln!(out, "API rules broken: none")?,
        Some(rules) => {
            let rules: Vec<_> = rules.iter().map(|(rule, count)| format!("{rule} ({count})")).collect();
            writeln!(out, "API rules broken: {}", rules.join(", "))?;
        }
        None => writeln!(out, "API rules broken: unknown, this driver does not check them")?,
    }
    if let Some(dir) = dir {
        writeln!(out, "\nSession saved in {}; next: inflight gui {}", dir.display(), shell_path(dir))?;
    }
    for warning in &observed.warnings {
        warn(&format!("inflight: {warning}"));
    }
    Ok(())
}

fn tell_run(out: &mut impl Write, run: &RunRecord) -> Result<(), Failure> {
    let summary = RunSummary::of(run);
    let share = |part_ns: u64| units::pct(100.0 * part_ns as f64 / run.wall_ns.max(1) as f64);
    let ms = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), units::ms);
    writeln!(
        out,
        "{}: {} packets of {} frames in {} ({})",
        run.case,
        run.metrics.packets,
        run.metrics.frames,
        units::ns(run.wall_ns),
        summary.value(Metric::Fps).map_or_else(|| "–".to_owned(), units::fps),
    )?;
    writeln!(
        out,
        "  in flight at the lock {} (peak {}), lock {} of the wall time, submit {}, upload {}",
        summary.value(Metric::LockDepth).unwrap_or(0.0),
        run.metrics.queue_peak,
        share(run.metrics.lock_ns),
        share(run.metrics.submit_ns),
        share(run.metrics.upload_ns),
    )?;
    Ok(writeln!(
        out,
        "  submit-to-packet latency p50 {}, p95 {}, p99 {}, max {}",
        ms(summary.value(Metric::LatencyP50Ms)),
        ms(summary.value(Metric::LatencyP95Ms)),
        ms(summary.value(Metric::LatencyP99Ms)),
        ms(summary.value(Metric::LatencyMaxMs)),
    )?)
}
