//! What is known of a card: the file that `inflight qualify` writes and `virtual:card=FILE` reads, as plain data.
//!
//! Holds nothing private: no name of a computer or a user, no path, no UUID. Asks nothing, and knows no device.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, reason = "numbers of files, which may be anything"))]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::{Codec, Dimensions, Preset, TuningInfo};
use crate::record::{DeviceKind, EncodeSettings, GpuState};

mod behaviour;

pub use behaviour::{
    Bitstream, Gates, LockWords, Lockable, Locks, Question, Questions, Queue, QueueStep, SessionLimit, Sessions,
    Waiting,
};

/// Raised when an older program would misread the file.
pub const FORMAT: u32 = 1;

/// All that was found out about one engine of a card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Qualification {
    /// [`FORMAT`] of the program that wrote it.
    pub format: u32,
    /// Version of that program.
    pub inflight_version: String,
    /// Was it built with optimisation?
    pub optimised_build: bool,
    /// Fewer presets and shorter runs (`--quick`).
    pub is_quick: bool,
    /// Time that it took.
    pub took_ms: u64,
    /// The card and its driver.
    pub identity: Identity,
    /// The encoder; left out where the decoder was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<EncoderFacts>,
    /// The decoder; left out where the encoder was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoder: Option<DecoderFacts>,
}

/// Which card, and through which driver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Identity {
    /// In one line, which says of a virtual device that it is virtual.
    pub title: String,
    /// Virtual, GPU or library.
    pub kind: DeviceKind,
    /// Name of the card; of a virtual device its description, of a library the name of its file without its folder.
    pub name: String,
    /// Version of the driver.
    pub driver: String,
    /// Highest NVENC API version that the driver supports; empty for a decoder.
    pub api_version: String,
    /// Clocks and temperature right after the measurements, with the video clock while they were made; left out where the device
    /// does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<GpuState>,
}

/// An answer, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Asked<T> {
    /// There is none.
    Not {
        /// Why, in words.
        not_asked: String,
    },
    /// There is one.
    Answer(T),
}

/// A time: the median of some samples, and how far they lie apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Figure {
    pub median_ns: u64,
    pub lowest_ns: u64,
    pub highest_ns: u64,
    pub num_samples: u32,
}

/// What an encoder was found to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EncoderFacts {
    /// Codec by codec.
    pub codecs: Asked<Vec<CodecFacts>>,
    /// What nvEncLockBitstream with doNotWait answers before and after a frame is complete.
    pub do_not_wait: Asked<Locks>,
    /// From how many frames on nvEncEncodePicture waits.
    pub queue: Asked<Queue>,
    /// Does an nvEncLockBitstream that waits keep nvEncEncodePicture of the same session out?
    pub waiting_lock: Asked<Waiting>,
    /// How many sessions can be open at a time.
    pub sessions: Asked<Sessions>,
    /// Reading packets from the driver's memory.
    pub bitstream_read: Asked<Bitstream>,
    /// The questions of `doctor --conformance`, many of which the virtual driver answers by its own choice.
    pub questions: Asked<Questions>,
}

/// What was found out about one codec.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CodecFacts {
    /// Which.
    pub codec: Codec,
    /// What the driver says that it can do.
    pub abilities: Asked<Abilities>,
    /// How the driver sets an encoder up.
    pub settings: Vec<Settings>,
    /// Times by preset and size.
    pub costs: Vec<CostRow>,
    /// The first frame of a session compared with later ones.
    pub first_frame: Asked<FirstFrame>,
    /// Which submissions release which frames.
    pub gates: Vec<Gates>,
}

/// What a driver says that it can do in a codec.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Abilities {
    /// Least size of a frame.
    pub min: Dimensions,
    /// Largest size of a frame.
    pub max: Dimensions,
    /// Most B-frames between two reference frames.
    pub max_b_frames: u32,
    /// Number of engines.
    pub engines: u32,
}

/// How the driver sets an encoder up for one preset and tuning, at 1920x1080.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Settings {
    pub preset: Preset,
    pub tuning: TuningInfo,
    /// Names as in NVENC's header.
    pub settings: Asked<EncodeSettings>,
}

/// What a frame of one preset and size costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CostRow {
    /// With the tuning for ultra low latency; left out for a decoder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// Size of the frames.
    pub dimensions: Dimensions,
    /// Its times.
    pub cost: Asked<Cost>,
}

/// The times of a frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cost {
    /// From the submission call until a waiting lock (or map) has returned, on an idle engine, without what the call and the lock of
    /// a finished frame take.
    pub latency: Figure,
    /// Time per frame of a busy engine: of runs with as many frames in flight as were tried.
    pub interval: Figure,
    /// The calls alone took as long as the interval, so the engine may be faster.
    pub interval_is_upper_bound: bool,
    /// The submission call: what the fastest tenth of a run's calls stay below, at the depth where that is least.
    pub submit: Figure,
    /// The lock (or map) of a frame that is finished.
    pub lock: Figure,
    /// Frames of each run that the others were measured in.
    pub frames_per_run: u32,
    /// Time per frame by frames in flight, without work of the caller.
    pub sweep: Vec<SweepPoint>,
    /// Frames that this computer finished later than modelled; left out where the device is not modelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_frames: Option<u64>,
}

/// One depth of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SweepPoint {
    /// Frames in flight when the oldest is taken back.
    pub in_flight: u32,
    /// Time per frame; each sample is a run, and of that the median of its groups of eight frames.
    pub per_frame: Figure,
    /// What latency, interval, submit and lock make one expect.
    pub expected_ns: u64,
}

/// The first frame of a session compared with later ones: one frame in flight, 640x360, P1, an IDR frame every eighth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FirstFrame {
    /// Opening and setting up a session with its buffers.
    pub open: Figure,
    /// The submission call of the first frame.
    pub first_submit: Figure,
    /// From that call to the packet of the first frame.
    pub first_total: Figure,
    /// The submission call of a later frame.
    pub later_submit: Figure,
    /// From that call to the packet of a later IDR frame.
    pub later_idr_total: Figure,
    /// From that call to the packet of another later frame.
    pub later_total: Figure,
    /// Frames that this computer finished later than modelled, the first of each session among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_frames: Option<u64>,
}

/// What a decoder was found to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecoderFacts {
    /// Codec by codec.
    pub codecs: Asked<Vec<DecodeFacts>>,
    /// From how many frames on cuvidDecodePicture waits.
    pub queue: Asked<Queue>,
    /// Does a cuvidMapVideoFrame64 that waits keep cuvidDecodePicture out?
    pub waiting_map: Asked<Waiting>,
}

/// The largest size of frames with so many bits a sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct LargestSize {
    pub bits: u32,
    pub dimensions: Dimensions,
}

/// What was found out about one codec of a decoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecodeFacts {
    /// Which.
    pub codec: Codec,
    /// Largest sizes in 4:2:0.
    pub largest: Vec<LargestSize>,
    /// Number of engines, as the driver says.
    pub engines: u32,
    /// Times by size, of streams that the virtual encoder made.
    pub costs: Vec<CostRow>,
}

impl Cost {
    /// Did this computer finish more than a fiftieth of the frames later than modelled? Then its own times may be in these.
    pub fn is_late(&self) -> bool {
        self.late_frames.is_some_and(|late| late.saturating_mul(50) > self.num_frames())
    }

    /// Frames of all runs.
    pub fn num_frames(&self) -> u64 {
        let runs: u64 = self.sweep.iter().map(|point| u64::from(point.per_frame.num_samples)).sum();
        runs.saturating_mul(u64::from(self.frames_per_run))
    }
}

impl<T> Asked<T> {
    /// No answer, and why.
    pub fn not(why: impl std::fmt::Display) -> Self {
        Self::Not { not_asked: why.to_string() }
    }

    /// The answer, where there is one.
    pub fn answer(&self) -> Option<&T> {
        match self {
            Self::Answer(answer) => Some(answer),
            Self::Not { .. } => None,
        }
    }
}

impl<T, E: std::fmt::Display> From<Result<T, E>> for Asked<T> {
    /// A refusal is a finding.
    fn from(result: Result<T, E>) -> Self {
        result.map_or_else(|error| Self::not(format_args!("refused: {error}")), Self::Answer)
    }
}
