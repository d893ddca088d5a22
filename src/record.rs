//! What was measured: plain data, written by the encoder and the runner, read by everything else.
//!
//! Holds no behaviour beyond building itself and knows no statistics: whoever wants a mean asks `stats`.
//! Times are integers in nanoseconds; offsets (`*_at_ns`) count from the first frame handed to the encoder.

mod client;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::{Codec, Dimensions, EncodeMetrics, FrameRate, LockPlacement, PixelFormat};
pub use client::{BadName, Client, ClientName, MAX_NAME_BYTES};

/// Real or not. A virtual result never passes for a GPU result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// The embedded driver: modelled times, no GPU.
    Virtual,
    /// A GPU through NVIDIA's driver.
    Cuda,
    /// A driver library given by path; may be anything.
    Library,
}

/// Which device made the numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceInfo {
    /// Real or not.
    pub kind: DeviceKind,
    /// GPU name, virtual profile with its parameters, or library path.
    pub name: String,
    /// Driver version, or the emulation's own.
    pub driver: String,
    /// Highest NVENC API the driver speaks, like "13.0".
    pub api_version: String,
}

/// The machine around the device.
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
    /// Version of this program.
    pub inflight_version: String,
    /// Was it built with optimisation? A debug build's numbers say little.
    pub optimised_build: bool,
    /// The command line that was run.
    pub command: String,
}

/// Which frames went in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InputInfo {
    /// What was asked for, in its canonical spelling.
    pub spec: String,
    /// Layout of the frames handed to the encoder.
    pub format: PixelFormat,
    /// Size of every frame.
    pub dimensions: Dimensions,
    /// Nominal rate.
    pub frame_rate: FrameRate,
    /// Frames of each run.
    pub frames: u64,
    /// XXH3-64 in hex over the pixels of each distinct frame of a run: with equal `frames`, equal digests mean equal
    /// input.
    pub digest: String,
}

/// One cell of a sweep: everything that differs between its runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Case {
    /// What was produced.
    pub codec: Codec,
    /// T.
    pub reap_threshold: u32,
    /// Who locked.
    pub lock: LockPlacement,
    /// P, as made. Of another program neither this nor the threshold is known beforehand: both are 0.
    pub pool: u32,
    /// Who encoded; left out where it was this program itself.
    #[serde(default, skip_serializing_if = "is_here")]
    pub client: Client,
}

fn is_here(client: &Client) -> bool {
    client.is_here()
}

/// How fast a GPU was allowed to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GpuState {
    /// Clock of the shader cores.
    pub sm_mhz: Option<u32>,
    /// Clock of the video engines, NVENC's.
    pub video_mhz: Option<u32>,
    /// Held down by heat, power or an emergency brake (not: by being idle, or by a clock that somebody set).
    pub is_throttled: bool,
    /// Of the chip.
    pub temperature_c: Option<u32>,
}

/// What a whole process took, start and end included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessUse {
    /// From starting the process until it was gone.
    pub wall_ns: u64,
    /// Processor time in its own code, all threads.
    pub user_ns: u64,
    /// Processor time in the system on its behalf.
    pub system_ns: u64,
    /// Most memory it had resident, as it saw itself; `None` where the system does not say.
    pub peak_memory_bytes: Option<u64>,
    /// In flight when an output was locked, the median over the run: the queue depth that the client kept.
    pub lock_depth: u32,
    /// What the output held by another decoder's count, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_frames: Option<u64>,
}

/// One finished (or failed) run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunRecord {
    /// Which cell.
    pub case: Case,
    /// Run for warming up: kept, marked, never counted.
    pub warmup: bool,
    /// Made after the planned rounds, to see whether what they recommend holds in runs that had no part in choosing it.
    #[serde(rename = "fresh", default, skip_serializing_if = "std::ops::Not::not")]
    pub is_confirmation: bool,
    /// 0.. within the case (warm-ups count on their own).
    pub repeat_index: u32,
    /// 0.. within the session, in the order in which runs were made.
    pub order_index: u32,
    /// Milliseconds since 1970 at the start.
    pub started_unix_ms: u64,
    /// `None`: the run is good. Otherwise what went wrong; counts below then cover what happened before.
    pub error: Option<String>,
    /// Opening the session, initialising it, making buffers. Not part of `wall_ns`.
    pub open_ns: u64,
    /// From fetching the first frame to the last packet out, the caller's own work included.
    pub wall_ns: u64,
    /// Pictures that the emulation could not make in their modelled time; `None` on a real device.
    pub model_late: Option<u64>,
    /// By how much these came late, all together; `None` on a real device, and in sessions that did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_late_ns: Option<u64>,
    /// The GPU right after the run, while it is still warm; `None` without one, or where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<GpuState>,
    /// The process that encoded, where it was not this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessUse>,
    /// Totals of the encoder.
    pub metrics: EncodeMetrics,
    /// One entry a frame, in display order.
    pub frames: FrameColumns,
}

/// Per-frame measurements of one run as columns of equal length, index = display order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct FrameColumns {
    /// When the frame was handed to the encoder.
    pub begin_at_ns: Vec<u64>,
    /// The runner waited this long for the reader (only when the input is not in memory).
    pub source_wait_ns: Vec<u64>,
    /// Submitting thread waited for room.
    pub blocked_ns: Vec<u64>,
    /// Copied into the driver's input buffer.
    pub upload_ns: Vec<u64>,
    /// When nvEncEncodePicture was called.
    pub submit_at_ns: Vec<u64>,
    /// How long that call took.
    pub submit_ns: Vec<u64>,
    /// In flight right after that call, this picture included.
    pub depth: Vec<u32>,
    /// When nvEncLockBitstream was (last) called for this picture's output.
    pub lock_at_ns: Vec<u64>,
    /// How long the calls for this picture took in all.
    pub lock_ns: Vec<u64>,
    /// Copied out.
    pub copy_ns: Vec<u64>,
    /// Inside nvEncUnlockBitstream.
    pub unlock_ns: Vec<u64>,
    /// From the call of nvEncEncodePicture to the end of the unlock, when the packet goes to its receiver.
    pub latency_ns: Vec<u64>,
    /// Size of the packet.
    pub bytes: Vec<u32>,
    /// Position in coding order; modulo the pool it is the buffer slot that the packet came from.
    pub encode_idx: Vec<u32>,
    /// One letter a frame: K (IDR), I, P, B, or ? for anything else.
    pub kinds: String,
}

/// One picture of a run that is still going on, for whoever watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveSample {
    /// Position in display order.
    pub frame: u64,
    /// Spent locking its output.
    pub lock_ns: u64,
    /// From the call of nvEncEncodePicture to the packet in the caller's hands.
    pub latency_ns: u64,
    /// In flight right after that call, this picture included.
    pub depth: u32,
}

impl FrameColumns {
    /// Number of frames.
    pub fn len(&self) -> usize {
        self.begin_at_ns.len()
    }

    /// No frame at all?
    pub fn is_empty(&self) -> bool {
        self.begin_at_ns.is_empty()
    }
}

impl Case {
    /// By which cases are sorted wherever they are listed: codec by codec, our own before the same as processes before other
    /// programs, placement by placement, thresholds ascending. The order of making is drawn by lot and says nothing.
    pub fn place(&self) -> impl Ord + use<> {
        let client = match self.client {
            Client::Here => 0,
            Client::Process => 1,
            Client::Foreign(_) => 2,
        };
        (self.codec, client, self.lock, self.reap_threshold, self.pool, self.client)
    }

    /// The plan's "before": one picture in flight, locked by the thread that submitted it.
    pub fn is_serial(&self) -> bool {
        self.client.is_here() && self.reap_threshold == 1 && self.lock == LockPlacement::Inline
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.client {
            Client::Here => write!(f, "{} T={} {} pool {}", self.codec, self.reap_threshold, self.lock, self.pool),
            Client::Process => write!(f, "{} T={} {} process", self.codec, self.reap_threshold, self.lock),
            Client::Foreign(_) => write!(f, "{} {}", self.codec, self.client),
        }
    }
}

impl std::fmt::Display for DeviceInfo {
    /// One line that never lets a virtual result pass for a GPU's.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, name, driver, api_version } = self;
        match kind {
            DeviceKind::Virtual => write!(f, "VIRTUAL DEVICE (modelled times, not a GPU measurement): {name}")?,
            DeviceKind::Cuda => write!(f, "GPU {name}")?,
            DeviceKind::Library => write!(f, "driver library {name}")?,
        }
        write!(f, ", driver {driver}, NVENC API {api_version}")
    }
}

impl std::fmt::Display for InputInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { spec, format, dimensions, frame_rate, frames, .. } = self;
        write!(f, "{frames} frames of {spec}, {dimensions} {format} at {frame_rate} fps")
    }
}
