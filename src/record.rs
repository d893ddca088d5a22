//! The measurements: plain data, written by the encoder and the runner, read by everything else.
//!
//! Has no behaviour of its own and knows no statistics; `stats` computes means.
//! Times are integers in nanoseconds; offsets (`*_at_ns`) count from the first frame handed to the encoder.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, reason = "numbers of files, which may be anything"))]

mod client;
mod columns;
mod gpu;
mod telemetry;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::{Codec, Colour, Dimensions, EncodeMetrics, EngineKind, FrameRate, LockPlacement, PixelFormat};
pub use client::{BadName, Client, ClientName, MAX_NAME_BYTES};
pub use columns::FrameColumns;
pub use gpu::{ClockWarmUp, GpuState, WorkingClock};
pub use telemetry::{Reading, Telemetry, is_limit};

/// The kind of device. A virtual result must never pass for a GPU result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// The built-in virtual driver: modelled times, no GPU.
    Virtual,
    /// A GPU through NVIDIA's driver.
    Cuda,
    /// A driver library given by its path; it may be anything.
    Library,
}

/// The device that was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceInfo {
    /// Virtual, GPU or library.
    pub kind: DeviceKind,
    /// GPU name, virtual profile with its parameters, or library path.
    pub name: String,
    /// Driver version, or that of the virtual driver.
    pub driver: String,
    /// Highest NVENC API version that the driver supports, like "13.0"; empty for a decoder, which has none.
    pub api_version: String,
    /// The engine that was measured.
    #[serde(default, skip_serializing_if = "EngineKind::is_usual")]
    pub engine: EngineKind,
    /// Which card it is; left out where it is no GPU, or is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardIdentity>,
}

/// Which card a GPU is, and how it is plugged in. What the driver does not say is left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct CardIdentity {
    /// As `nvidia-smi -L` prints it; it stays with the card.
    pub uuid: String,
    /// domain:bus:device.function
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pci: Option<String>,
    /// Generation of the PCIe link, when the session began: an idle card may have lowered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pcie_generation: Option<u32>,
    /// Lanes of the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pcie_lanes: Option<u32>,
    /// Version of the card's firmware.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vbios: Option<String>,
    /// Does it show a desktop?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_display: Option<bool>,
    /// Is it divided into instances (MIG)?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_partitioned: Option<bool>,
}

impl std::fmt::Display for CardIdentity {
    /// "GPU-1a2b…, PCI 00000000:06:00.0, PCIe 5.0 x16, VBIOS 96.00.…, shows a desktop"
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let link = self.pcie_generation.zip(self.pcie_lanes);
        let parts = [
            Some(self.uuid.clone()),
            self.pci.as_ref().map(|pci| format!("PCI {pci}")),
            link.map(|(generation, lanes)| format!("PCIe {generation}.0 x{lanes}")),
            self.vbios.as_ref().map(|version| format!("VBIOS {version}")),
            self.has_display.filter(|has_display| *has_display).map(|_| "shows a desktop".to_owned()),
            self.is_partitioned.filter(|is_partitioned| *is_partitioned).map(|_| "MIG".to_owned()),
        ];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

/// The computer that the device is in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// Name and version.
    pub os: String,
    /// Kernel or build.
    pub kernel: String,
    /// Brand string.
    pub cpu: String,
    /// Logical processors this process may use.
    pub num_cpus: u32,
    /// Installed memory.
    pub memory_mib: u64,
    /// How the system chooses the processor's clock, like "performance"; left out where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_governor: Option<String>,
    /// Of this process, −20 (first) to 19; left out likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub niceness: Option<i32>,
    /// By how much the system may wake a sleeping thread too late in order to wake several at once; left out likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timer_slack_ns: Option<u64>,
    /// Version of this program.
    pub inflight_version: String,
    /// Was it built with optimisation? The numbers of a debug build mean little.
    pub optimised_build: bool,
    /// The command line that started the measurement.
    pub command: String,
}

/// How an encoder was set up: names as in NVENC's header, values in words or numbers.
pub type EncodeSettings = std::collections::BTreeMap<String, String>;

/// The value of a setting that is left to the driver.
pub const BY_DRIVER: &str = "chosen by the driver";

/// What a first try of an encoder found, before anything was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rehearsal {
    /// Frames that were encoded, all of which came back.
    pub frames: u32,
    /// What ffprobe finds wrong with the stream; left out where it decodes, and where there is no ffprobe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undecodable: Option<String>,
}

/// The frames that were encoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InputInfo {
    /// The input as given, in its canonical spelling.
    pub spec: String,
    /// Layout of the frames handed to the encoder.
    pub format: PixelFormat,
    /// Size of every frame.
    pub dimensions: Dimensions,
    /// Nominal rate.
    pub frame_rate: FrameRate,
    /// What it says of its samples, where it says anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<Colour>,
    /// Number of frames per run.
    pub frames: u64,
    /// XXH3-64, in hexadecimal, of the pixels of each distinct frame of a run: with equal `frames`, equal digests mean
    /// equal input.
    pub digest: String,
    /// What is unusual about it, in words: a rate that varies, damage that was allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// One case of a sweep: all settings that differ between its runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Case {
    /// Codec of the stream.
    pub codec: Codec,
    /// Reap threshold T.
    pub reap_threshold: u32,
    /// The thread that locked.
    pub lock: LockPlacement,
    /// Number of buffer pairs, P. For another program neither this nor the threshold is known beforehand: both are 0.
    pub pool: u32,
    /// Were several pools compared? Only then the title names this one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub names_pool: bool,
    /// The program that encoded; left out where it was this program itself.
    #[serde(default, skip_serializing_if = "is_here")]
    pub client: Client,
    /// The decoder that feeds the encoder; left out where none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decode: Option<DecodeRing>,
}

/// The decoder's frames in flight in a transcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct DecodeRing {
    /// The decoder's reap threshold.
    pub reap_threshold: u32,
    /// The thread that took its frames back, and submitted them to the encoder.
    pub lock: LockPlacement,
}

fn is_first(block: &u32) -> bool {
    *block == 0
}

fn is_zero(num: &u32) -> bool {
    *num == 0
}

fn is_here(client: &Client) -> bool {
    client.is_here()
}

/// Time and memory that a whole process used, from start to end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessUse {
    /// Time from starting the process to its end.
    pub wall_ns: u64,
    /// CPU time in its own code, all threads.
    pub user_ns: u64,
    /// CPU time in the system on its behalf.
    pub system_ns: u64,
    /// Peak resident memory, as measured by the process itself; `None` where the system does not say.
    pub peak_memory_bytes: Option<u64>,
    /// Frames in flight when an output was locked, the median over the run: the queue depth that the client kept.
    pub lock_depth: u32,
    /// How it set its encoder up, of its largest session; left out where that is not known.
    #[serde(default, skip_serializing_if = "EncodeSettings::is_empty")]
    pub settings: EncodeSettings,
    /// Number of frames that another decoder found in the output, where that was checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_frames: Option<u64>,
}

/// One finished (or failed) run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunRecord {
    /// The case.
    pub case: Case,
    /// A warm-up run: kept and marked, never counted.
    pub warmup: bool,
    /// A run of a confirmation round: made after the planned rounds, to re-test their recommendation with runs that had no
    /// part in choosing it.
    #[serde(rename = "fresh", default, skip_serializing_if = "std::ops::Not::not")]
    pub is_confirmation: bool,
    /// Round, counted from 0 within the case (warm-ups are counted separately).
    pub repeat_index: u32,
    /// Position in the order in which the session's runs were made, from 0.
    pub order_index: u32,
    /// Block, from 0: the runs of one process, or of one of the sessions that were merged.
    #[serde(default, skip_serializing_if = "is_first")]
    pub block: u32,
    /// Start time in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// `None` if the run is good; otherwise the error, and the counts below cover the time before it.
    pub error: Option<String>,
    /// Time to open and initialise the session and to create its buffers. Not part of `wall_ns`.
    pub open_ns: u64,
    /// Time from fetching the first frame to the last packet, including the caller's own work.
    pub wall_ns: u64,
    /// Number of frames that this computer finished later than their modelled time; `None` on a real device.
    pub model_late: Option<u64>,
    /// Total lateness of these frames; `None` on a real device, and in sessions that did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_late_ns: Option<u64>,
    /// State of the GPU right after the run, while it is still warm; `None` without a GPU, or where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<GpuState>,
    /// What the GPU's instruments showed during the run; left out where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telemetry: Option<Telemetry>,
    /// What was done before the run to bring the GPU's clock up; left out where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<ClockWarmUp>,
    /// Time and memory of the process that encoded, where it was not this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessUse>,
    /// Time spent on digests of the packets, on the thread that locks; left out where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_ns: Option<u64>,
    /// What was submitted before the clock started; left out where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preroll: Option<Preroll>,
    /// How often the sweep had been resumed before it; rounds that a resumption splits are no pairs.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub resumes: u32,
    /// Size of the frames, where the run did not encode the session's input; left out where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<Dimensions>,
    /// Totals of the encoder.
    pub metrics: EncodeMetrics,
    /// Measurements of each frame, in display order.
    pub frames: FrameColumns,
    /// The streams beside the first, of which `frames` tells; left out where there was one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_streams: Vec<StreamRecord>,
    /// The decoder's part of a transcode; left out where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decode: Option<DecodeStage>,
}

/// The first frames of a session, which no figure counts: an engine's clock, a driver's caches and its first calls settle here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Preroll {
    /// Time from the first of them to the last packet.
    pub wall_ns: u64,
    /// So many of them an encoder held back when the clock started (B-frames, lookahead): it finished them in the counted part.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub num_held: u32,
    /// Measurements of each; times count from the first. Of a transcode those of the encoder.
    pub frames: FrameColumns,
}

impl RunRecord {
    /// The columns of each stream, the first one's first.
    pub fn streams(&self) -> impl Iterator<Item = &FrameColumns> + Clone {
        [&self.frames].into_iter().chain(self.other_streams.iter().map(|stream| &stream.frames))
    }
}

/// One of several streams that a run encoded at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StreamRecord {
    /// Its totals.
    pub metrics: EncodeMetrics,
    /// Of each frame, in display order; times count from its own first frame.
    pub frames: FrameColumns,
}

/// What the decoder of a transcode did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecodeStage {
    /// Its totals: of access units and frames.
    pub metrics: EncodeMetrics,
    /// Of each frame, in display order, as the encoder's columns; `encode_idx` is the frame's access unit.
    pub frames: FrameColumns,
}

/// One frame of a run in progress, for the live view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveSample {
    /// Position in display order.
    pub frame: u64,
    /// Time spent locking its output.
    pub lock_ns: u64,
    /// Time from the call of nvEncEncodePicture until the caller has the packet.
    pub latency_ns: u64,
    /// Frames in flight right after that call, this frame included.
    pub depth: u32,
}

impl Case {
    /// Sort key of cases wherever they are listed: by codec, then our own runs before our own processes before other
    /// programs, then by lock placement and threshold. The order in which runs are made is random and means nothing.
    pub fn place(&self) -> impl Ord + use<> {
        let client = match self.client {
            Client::Here => 0,
            Client::Process => 1,
            Client::Foreign(_) => 2,
        };
        let decode = self.decode.map(|ring| (ring.lock, ring.reap_threshold));
        (self.codec, client, self.lock, decode, self.reap_threshold, self.pool, self.client)
    }

    /// Most frames in flight, on both engines of a transcode together.
    pub fn most_in_flight(&self) -> u32 {
        self.decode.map_or(0, |ring| ring.reap_threshold).saturating_add(self.reap_threshold)
    }

    /// Within its codec: "T=4 (inline)", and the pool where several were compared: "T=4 (lock thread, pool 6)".
    pub fn title(&self) -> String {
        let Self { codec: _, reap_threshold, lock, pool: _, names_pool: _, client, decode } = self;
        if let Client::Foreign(_) = client {
            return client.to_string();
        }
        let pool = self.named_pool().map_or_else(String::new, |pool| format!(", pool {pool}"));
        let process = if client.is_here() { "" } else { ", process" };
        let decode = decode.map_or_else(String::new, |ring| format!(", decoder {ring}"));
        format!("T={reap_threshold} ({}{pool}{process}){decode}", lock.title())
    }

    /// The pool, where several were compared.
    pub fn named_pool(&self) -> Option<u32> {
        self.names_pool.then_some(self.pool)
    }

    /// The serial case: one frame in flight, locked by the thread that submitted it.
    pub fn is_serial(&self) -> bool {
        let is_serial = |threshold, lock| threshold == 1 && lock == LockPlacement::Inline;
        let is_fed_serially = self.decode.is_none_or(|ring| is_serial(ring.reap_threshold, ring.lock));
        self.client.is_here() && is_serial(self.reap_threshold, self.lock) && is_fed_serially
    }
}

impl std::fmt::Display for DecodeRing {
    /// "T=2", and who takes frames back where that is not the submitting thread.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "T={}", self.reap_threshold)?;
        if self.lock == LockPlacement::Inline { Ok(()) } else { write!(f, " ({})", self.lock.title()) }
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.codec, self.title())
    }
}

impl DeviceInfo {
    /// A transcode of which one half was measured on a GPU and the other is modelled?
    pub fn has_real_decoder(&self) -> bool {
        self.kind == DeviceKind::Virtual && self.engine == EngineKind::Transcode && self.card.is_some()
    }

    /// The driver, and which of its engines was measured: "580.159.04, NVENC API 13.0".
    pub fn driver_text(&self) -> String {
        match self.engine {
            EngineKind::Nvenc => format!("{}, NVENC API {}", self.driver, self.api_version),
            EngineKind::Nvdec => format!("{}, NVDEC (decoder)", self.driver),
            EngineKind::Transcode => format!("{}, NVDEC to NVENC API {}", self.driver, self.api_version),
        }
    }
}

impl std::fmt::Display for DeviceInfo {
    /// One line that marks a virtual device as virtual.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, name, .. } = self;
        match kind {
            DeviceKind::Virtual if self.has_real_decoder() => {
                write!(f, "VIRTUAL ENCODER (modelled times; the decoder is a GPU's): {name}")?;
            }
            DeviceKind::Virtual => write!(f, "VIRTUAL DEVICE (modelled times, not a GPU measurement): {name}")?,
            DeviceKind::Cuda => write!(f, "GPU {name}")?,
            DeviceKind::Library => write!(f, "driver library {name}")?,
        }
        write!(f, ", driver {}", self.driver_text())
    }
}

impl std::fmt::Display for InputInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { spec, format, dimensions, frame_rate, frames, .. } = self;
        write!(f, "{frames} frames of {spec}, {dimensions} {format} at {frame_rate} fps")?;
        self.remarks.iter().try_for_each(|remark| write!(f, "; {remark}"))
    }
}
