//! What only NVENC understands: its presets, how frames get to it, and whether several engines share one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// NVENC's quality/speed presets, fastest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "P1 to P7 are the names")]
pub enum Preset {
    #[default]
    P1,
    P2,
    P3,
    P4,
    P5,
    P6,
    P7,
}

/// NVENC's tuning infos.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TuningInfo {
    /// Ultra low latency.
    #[default]
    Ull,
    /// Low latency.
    Ll,
    /// High quality.
    Hq,
}

/// How frames get to the encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InputPath {
    /// The processor copies them into buffers of the driver (nvEncLockInputBuffer).
    #[default]
    Driver,
    /// CUDA copies them into memory of the GPU that is registered with the encoder, and mapped for each frame.
    Cuda,
    /// As `Cuda`, of ARGB frames, which a kernel converts to NV12 on the GPU: BT.601 in limited range.
    Convert,
}

impl InputPath {
    /// Is it the driver's own?
    pub fn is_driver(&self) -> bool {
        *self == Self::Driver
    }
}

/// Does one frame go to several engines at once (split-frame encoding)? HEVC and AV1 only. A driver that may choose does so by the
/// size of the frames: then two sizes are two encodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum SplitEncoding {
    /// To one.
    #[default]
    #[serde(rename = "off")]
    Off,
    /// As the driver chooses.
    #[serde(rename = "auto")]
    Auto,
    /// To two.
    #[serde(rename = "2")]
    Two,
    /// To three.
    #[serde(rename = "3")]
    Three,
    /// To four; only drivers of API 13.0 and newer know it.
    #[serde(rename = "4")]
    Four,
}

impl SplitEncoding {
    /// Is one engine all that is used?
    pub fn is_off(&self) -> bool {
        *self == Self::Off
    }
}

/// Which B-frames may others refer to?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BReference {
    /// None.
    Off,
    /// Each.
    Each,
    /// Of those between two reference frames, the one in the middle.
    Middle,
}

/// What only NVENC understands. Other backends ignore it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "the types say it")]
pub struct NvencOptions {
    pub preset: Preset,
    pub tuning_info: TuningInfo,
    pub input_path: InputPath,
    pub split: SplitEncoding,
    /// Frames that the encoder looks ahead before it decides on one; `None`: as the preset does, 0: none.
    pub lookahead: Option<u16>,
    /// Size of the VBV in bits; `None`: the preset's.
    pub vbv_bits: Option<u32>,
    /// Which B-frames may others refer to? `None`: as the preset does.
    pub b_reference: Option<BReference>,
    /// Frames from one intra refresh to the next, of which all but one take part: instead of whole intra frames after the first,
    /// which an endless GOP has none of; `None`: as the preset does.
    pub intra_refresh: Option<u32>,
}
