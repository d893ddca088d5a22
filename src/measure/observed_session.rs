//! Measurements of another program, as a session like any other.
//!
//! Its plan has the known facts (codec, frames, device); the input's digest is empty, because the pixels are not read,
//! so comparing it with another session needs `--allow-different-input`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;

use super::environment;
use crate::contract::{Codec, EngineKind, LockPlacement, PixelFormat};
use crate::plan::{Plan, PlannedRun};
use crate::process::child::Finished;
use crate::process::driver_folder::TrueDriver;
use crate::process::interposer_trace::InterposerTrace;
use crate::record::{Case, Client, ClientName, DeviceInfo, DeviceKind, InputInfo, ProcessUse, RunRecord};
use crate::session::{FORMAT_VERSION, Manifest};
use crate::shell::shell_word;

/// A command that ran under the interposer.
#[derive(Debug)]
pub struct Observed {
    /// Plan, input and device.
    pub manifest: Manifest,
    /// One run for each encode session that encoded a frame.
    pub runs: Vec<RunRecord>,
    /// Time and memory of the whole command.
    pub usage: ProcessUse,
    /// How often each API rule was broken, where the driver checks them.
    pub rules_broken: Option<BTreeMap<String, u64>>,
    /// Limits of the measurement, to be shown to the user.
    pub warnings: Vec<String>,
}

impl Observed {
    /// Builds the session.
    pub fn of(
        command: &[OsString],
        driver: &TrueDriver,
        finished: &Finished,
        rules_broken: Option<BTreeMap<String, u64>>,
    ) -> Self {
        let encoding: Vec<_> = finished.traces.iter().filter(|trace| trace.metrics.frames > 0).collect();
        let run = |(order_index, trace): (u32, &&InterposerTrace)| {
            let planned = PlannedRun {
                case: case(command, trace, &encoding),
                block: 0,
                warmup: false,
                is_confirmation: false,
                repeat_index: order_index,
                order_index,
            };
            let record = (*trace).clone().measured(planned.record(0), Some(of_session(&finished.usage, trace)));
            RunRecord { dimensions: Some(trace.dimensions()), ..record }
        };
        let runs: Vec<_> = (0..).zip(&encoding).map(run).collect();
        let warnings = encoding.iter().filter_map(|trace| warning(trace)).collect();
        let manifest = manifest(command, driver, &encoding);
        Self { manifest, runs, usage: finished.usage.clone(), rules_broken, warnings }
    }
}

/// The default folder of a session: `FOLDER/observed-DATE-TIME`.
pub fn session_dir_in(folder: &Path) -> PathBuf {
    folder.join(Timestamp::now().strftime("observed-%Y%m%d-%H%M%S").to_string())
}

/// The rules that were broken, by the virtual driver's protocol, with their counts. `None`: there is no protocol.
pub fn rules_broken(log: &Path) -> Option<BTreeMap<String, u64>> {
    let text = fs::read_to_string(log).ok()?;
    let mut counts = BTreeMap::new();
    for line in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        if let Some(rule) = line.get("rule").and_then(Value::as_str) {
            *counts.entry(rule.to_owned()).or_insert(0) += 1;
        }
    }
    Some(counts)
}

/// The process' use beside one of its sessions, with that session's own depth and settings.
fn of_session(usage: &ProcessUse, trace: &InterposerTrace) -> ProcessUse {
    ProcessUse { lock_depth: trace.median_lock_depth(), settings: trace.settings(), ..usage.clone() }
}

/// Each of several encoders that a program had at the same time is a case of its own, by its size and, where that is no
/// difference, its number.
fn case(command: &[OsString], trace: &InterposerTrace, all: &[&InterposerTrace]) -> Case {
    let program = command.first().map(Path::new).and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let codec = trace.codec.unwrap_or(Codec::H264);
    let beside = |other: &&&InterposerTrace| other.is_beside(trace) && other.codec == trace.codec;
    let differs = |other: &&InterposerTrace| other.dimensions() != trace.dimensions();
    let mut name = program.into_owned();
    if all.iter().filter(beside).any(differs) {
        name = format!("{name} {}", trace.dimensions());
    }
    let alike = || all.iter().filter(beside).filter(|other| !differs(other));
    if alike().count() > 1 {
        let number = alike().position(|other| std::ptr::eq(*other, trace)).unwrap_or(0) + 1;
        name = format!("{name} #{number}");
    }
    Case {
        codec,
        reap_threshold: 0,
        lock: LockPlacement::Inline,
        pool: trace.num_outputs,
        names_pool: false,
        client: Client::Foreign(ClientName::shortened(&name)),
        decode: None,
    }
}

fn warning(trace: &InterposerTrace) -> Option<String> {
    (trace.not_recorded > 0).then(|| {
        format!(
            "{} frames were not recorded, because there was room for {} only: raise INFLIGHT_TRACE_PICTURES",
            trace.not_recorded,
            trace.frames.len()
        )
    })
}

fn manifest(command: &[OsString], driver: &TrueDriver, encoding: &[&InterposerTrace]) -> Manifest {
    let command: Vec<_> = command.iter().map(|word| shell_word(&word.to_string_lossy())).collect();
    let command = command.join(" ");
    let mut codecs: Vec<_> = encoding.iter().filter_map(|trace| trace.codec).collect();
    codecs.sort_unstable();
    codecs.dedup();
    let frames = encoding.iter().map(|trace| trace.metrics.frames).max().unwrap_or(0);
    let device = device(driver, encoding);
    let plan = Plan {
        device: device.name.clone(),
        input: format!("the input of {command}"),
        frames,
        codecs,
        reap_thresholds: Vec::new(),
        locks: Vec::new(),
        warmup: 0,
        repeat: 1,
        confirm: 0,
        ..Plan::default()
    };
    Manifest {
        settings: Default::default(),
        rehearsals: Default::default(),
        format_version: FORMAT_VERSION,
        created_unix_ms: u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0),
        plan,
        input: input(&command, encoding, frames),
        device,
        environment: environment::capture(format!("inflight virtual-driver run -- {command}")),
        note: None,
        resumptions: Vec::new(),
    }
}

fn input(command: &str, encoding: &[&InterposerTrace], frames: u64) -> InputInfo {
    let first = encoding.first();
    InputInfo {
        spec: format!("the input of {command}"),
        format: first.map_or(PixelFormat::Nv12, |trace| trace.pixel_format()),
        dimensions: first.map_or(crate::contract::Dimensions { width: 0, height: 0 }, |trace| trace.dimensions()),
        frame_rate: first.map_or(crate::contract::FrameRate { num: 0, den: 1 }, |trace| trace.frame_rate()),
        colour: None,
        frames,
        digest: String::new(),
        remarks: Vec::new(),
    }
}

fn device(driver: &TrueDriver, encoding: &[&InterposerTrace]) -> DeviceInfo {
    let (kind, name) = match driver {
        TrueDriver::Virtual { config } => (DeviceKind::Virtual, format!("virtual:{config}")),
        // Noise floors and comparisons know the device by this name: it stays, whatever words are in use.
        TrueDriver::System => (DeviceKind::Cuda, "the installed driver's".to_owned()),
        TrueDriver::Library(path) => (DeviceKind::Library, path.display().to_string()),
    };
    // The driver's own version is behind the client; what is known is the header that the client was built with.
    let api = encoding.first().map_or(0, |trace| trace.client_api);
    let driver = match kind {
        DeviceKind::Virtual => format!("virtual NVENC {}", env!("CARGO_PKG_VERSION")),
        DeviceKind::Cuda | DeviceKind::Library => "unknown (measured through the program)".to_owned(),
    };
    let api_version = format!("{}.{} (the program's)", api & 0xff, api >> 24);
    DeviceInfo { kind, name, driver, api_version, engine: EngineKind::Nvenc, card: None }
}
