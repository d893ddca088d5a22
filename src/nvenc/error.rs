//! Driver statuses as errors: the call, the code, the driver's own message, the likely cause, and what to do.
//!
//! Knows nothing of sessions. Causes and advice are written once, per status and call.

use std::fmt;

use crate::contract::{Codec, Dimensions, PixelFormat};
use crate::library::LoadError;
use crate::memory::MemoryError;
use crate::pipeline::RingError;

/// An `NVENCSTATUS` as a number: newer drivers may return codes that are in no enum of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub u32);

/// Everything that can go wrong between us and a driver.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NvencError {
    /// The driver refused a call.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The library cannot be loaded.
    #[error("cannot load the driver library {library}: {cause}; {advice}")]
    #[allow(missing_docs, reason = "the message says it")]
    Load { library: String, cause: String, advice: &'static str },
    /// The library was loaded but is not a complete NVENC driver.
    #[error(
        "{library} has no {entry}: it is not an NVENC driver library, or it is damaged; reinstall the NVIDIA driver or name another library"
    )]
    #[allow(missing_docs, reason = "the message says it")]
    MissingEntry { library: String, entry: &'static str },
    /// The device cannot encode this codec.
    #[error("the device does not encode {codec}: it supports {offered}; choose one of those, or another device")]
    #[allow(missing_docs, reason = "the message says it")]
    NoCodec { codec: Codec, offered: String },
    /// The device cannot encode frames of this size.
    #[error(
        "the device does not encode {codec} at {dimensions}: it supports {min} to {max}; scale the input, or use another device"
    )]
    #[allow(missing_docs, reason = "the message says it")]
    Size { codec: Codec, dimensions: Dimensions, min: Dimensions, max: Dimensions },
    /// The device does not support this many B-frames.
    #[error("the device supports at most {max} B-frames for {codec}, not {asked}: lower --b-frames")]
    #[allow(missing_docs, reason = "the message says it")]
    BFrames { codec: Codec, asked: u32, max: u32 },
    /// The device does not use B-frames that way.
    #[error(
        "the device cannot use B-frames as references that way with {codec}: use --set b_reference={known}, or leave it out for the preset's way"
    )]
    #[allow(missing_docs, reason = "the message says it")]
    BReference { codec: Codec, known: &'static str },
    /// The device has no intra refresh.
    #[error(
        "the device has no intra refresh with {codec}: leave out intra_refresh, or use --gop for whole intra frames"
    )]
    #[allow(missing_docs, reason = "the message says it")]
    IntraRefresh { codec: Codec },
    /// NVENC's API 12.1 encodes H.264 from 8 bits only.
    #[error(
        "frames of {format} have {bits} bits a sample, and H.264 is encoded from 8: choose hevc, or make 8 bits of the input with ffmpeg -i IN -pix_fmt yuv420p OUT.y4m"
    )]
    #[allow(missing_docs, reason = "the message says it")]
    H264Bits { format: PixelFormat, bits: u32 },
    /// The device does not have the depth or the sampling.
    #[error(
        "the device does not encode {codec} from frames of {format}: use another codec or device, or convert the input with ffmpeg -i IN -pix_fmt yuv420p OUT.y4m"
    )]
    #[allow(missing_docs, reason = "the message says it")]
    Samples { codec: Codec, format: PixelFormat },
    /// It reported success.
    #[error(
        "the driver's answer to {call} cannot be true: {problem}; update the driver, and report this if it persists"
    )]
    #[allow(missing_docs, reason = "the message says it")]
    Absurd { call: &'static str, problem: String },
    /// A frame that does not match the encoder's configuration.
    #[error(
        "cannot encode frame {pts}: it is {got}, but the encoder expects {wanted}; all frames of a run must have the same size and format"
    )]
    #[allow(missing_docs, reason = "the message says it")]
    Frame { pts: u64, got: String, wanted: String },
    /// The device's memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// There is no memory that could be registered.
    #[error("this device has no CUDA memory for frames: leave out --input-path cuda, or use a GPU or a virtual device")]
    NoMemory,
    /// Only some frames can be converted.
    #[error(
        "frames of {format} at {dimensions} cannot be converted to NV12 on the GPU, only ARGB of even width and height: use --input-path cuda, or another input"
    )]
    #[allow(missing_docs, reason = "the message says it")]
    NotConvertible { format: PixelFormat, dimensions: Dimensions },
    /// Whoever was to fill a frame has not.
    #[error("frame {pts} is not in the encoder's memory: this is a bug, please report it")]
    #[allow(missing_docs, reason = "the message says it")]
    NoFrame { pts: u64 },
    /// The ring itself.
    #[error(transparent)]
    Ring(#[from] RingError),
}

/// One refused call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct CallError {
    pub call: &'static str,
    pub status: Status,
    /// The text of nvEncGetLastErrorString; often empty.
    pub driver_text: String,
}

impl Status {
    #![allow(missing_docs, reason = "the header's names")]
    pub const SUCCESS: Self = Self(0);
    pub const NO_ENCODE_DEVICE: Self = Self(1);
    pub const UNSUPPORTED_DEVICE: Self = Self(2);
    pub const DEVICE_NOT_EXIST: Self = Self(5);
    pub const INVALID_PARAM: Self = Self(8);
    pub const OUT_OF_MEMORY: Self = Self(10);
    pub const LOCK_BUSY: Self = Self(13);
    pub const INVALID_VERSION: Self = Self(15);
    pub const NEED_MORE_INPUT: Self = Self(17);
    pub const ENCODER_BUSY: Self = Self(18);
    pub const GENERIC: Self = Self(20);
    pub const INCOMPATIBLE_CLIENT_KEY: Self = Self(21);

    /// The header's name, without its prefix.
    pub fn name(self) -> &'static str {
        self.known_name().unwrap_or("a status this program does not know")
    }

    /// The header's name as it stands there, where it has one.
    pub fn header_name(self) -> Option<String> {
        let prefix = if self == Self::SUCCESS { "NV_ENC" } else { "NV_ENC_ERR" };
        self.known_name().map(|name| format!("{prefix}_{name}"))
    }

    fn known_name(self) -> Option<&'static str> {
        const NAMES: [&str; 27] = [
            "SUCCESS",
            "NO_ENCODE_DEVICE",
            "UNSUPPORTED_DEVICE",
            "INVALID_ENCODERDEVICE",
            "INVALID_DEVICE",
            "DEVICE_NOT_EXIST",
            "INVALID_PTR",
            "INVALID_EVENT",
            "INVALID_PARAM",
            "INVALID_CALL",
            "OUT_OF_MEMORY",
            "ENCODER_NOT_INITIALIZED",
            "UNSUPPORTED_PARAM",
            "LOCK_BUSY",
            "NOT_ENOUGH_BUFFER",
            "INVALID_VERSION",
            "MAP_FAILED",
            "NEED_MORE_INPUT",
            "ENCODER_BUSY",
            "EVENT_NOT_REGISTERD",
            "GENERIC",
            "INCOMPATIBLE_CLIENT_KEY",
            "UNIMPLEMENTED",
            "RESOURCE_REGISTER_FAILED",
            "RESOURCE_NOT_REGISTERED",
            "RESOURCE_NOT_MAPPED",
            "NEED_MORE_OUTPUT",
        ];
        NAMES.get(self.0 as usize).copied()
    }

    /// The likely cause, and what to do.
    fn cause_and_advice(self, call: &str) -> (&'static str, &'static str) {
        const CLOSE_OTHERS: &str =
            "close other encoders (OBS, ShadowPlay, browsers); GeForce cards limit the number of sessions";
        let at_open = call == "nvEncOpenEncodeSessionEx";
        match self {
            Self::NO_ENCODE_DEVICE => ("this driver finds no encoder on the device", "use an NVIDIA GPU with NVENC"),
            Self::UNSUPPORTED_DEVICE => (
                "this GPU has no NVENC engine (A100, H100 and H200 have none) or it is not exposed here",
                "use a GeForce, RTX or L-series card, or --device virtual",
            ),
            Self(3 | 4) => ("the driver does not know the device handle", "check --device"),
            Self::DEVICE_NOT_EXIST => ("the device was lost", "check the driver's log, then start again"),
            Self(6) => ("a pointer that the driver needs is null", "this is a bug in this program: please report it"),
            Self::INVALID_PARAM => ("the driver rejects a parameter", "check codec, preset, size and frame rate"),
            Self(9) => ("the call came in the wrong order", "this is a bug in this program: please report it"),
            Self::INCOMPATIBLE_CLIENT_KEY => ("too many encode sessions are open on this system", CLOSE_OTHERS),
            Self::OUT_OF_MEMORY if at_open => ("too many encode sessions are open on this system", CLOSE_OTHERS),
            // Some drivers count sessions only here.
            Self::OUT_OF_MEMORY if call == "nvEncInitializeEncoder" => {
                ("too many encode sessions are open on this system, or the device is out of memory", CLOSE_OTHERS)
            }
            Self::OUT_OF_MEMORY => {
                ("the device is out of memory", "lower --pool or the frame size, or close other programs")
            }
            Self(11) => ("the encoder is not initialised", "this is a bug in this program: please report it"),
            Self(12) => ("the device does not support this setting", "try another preset, tuning or rate control"),
            Self::INVALID_VERSION => (
                "the driver is older than API 12.1, which this program needs",
                "install driver 530.41.03 or newer (Windows: 531.61)",
            ),
            Self::LOCK_BUSY | Self::ENCODER_BUSY => ("the encoder stayed busy", "try again; lower the load on the GPU"),
            Self(14) => ("a buffer is too small", "this is a bug in this program: please report it"),
            Self::GENERIC => (
                "the driver reports an internal error",
                "start again; if it persists, restart the computer or change the driver",
            ),
            Self(16 | 23) => ("the driver does not take this memory as input", "leave out --input-path cuda"),
            Self(24 | 25) => {
                ("memory was not registered, or not mapped", "this is a bug in this program: please report it")
            }
            Self(22) => ("the driver does not implement this call", "update the driver"),
            _ => ("the cause is not known", "look the code up in nvEncodeAPI.h of a newer SDK"),
        }
    }
}

impl NvencError {
    pub(super) fn load(LoadError { library, cause }: LoadError, advice: &'static str) -> Self {
        Self::Load { library, cause, advice }
    }

    /// Is the device lost or unusable, so that further runs are pointless?
    pub fn is_device_lost(&self) -> bool {
        match self {
            Self::Call(error) => matches!(error.status, Status::DEVICE_NOT_EXIST | Status::GENERIC),
            Self::Ring(RingError::Stalled { .. }) => true,
            _ => false,
        }
    }

    /// Did the device fail to open?
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Load { .. } | Self::MissingEntry { .. } => true,
            Self::Call(error) => matches!(
                error.call,
                "nvEncOpenEncodeSessionEx" | "NvEncodeAPICreateInstance" | "NvEncodeAPIGetMaxSupportedVersion"
            ),
            _ => false,
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed with {} ({})", self.call, self.status.0, self.status.name())?;
        if !self.driver_text.is_empty() {
            write!(f, ", the driver says \"{}\"", self.driver_text)?;
        }
        let (cause, advice) = self.status.cause_and_advice(self.call);
        write!(f, ": {cause}; {advice}")
    }
}

impl std::error::Error for CallError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(call: &'static str, status: u32) -> String {
        CallError { call, status: Status(status), driver_text: String::new() }.to_string()
    }

    #[test]
    fn the_same_code_means_another_thing_at_open() {
        assert!(text("nvEncOpenEncodeSessionEx", 10).contains("too many encode sessions"));
        assert!(text("nvEncInitializeEncoder", 10).contains("too many encode sessions are open on this system, or"));
        assert!(text("nvEncInitializeEncoder", 21).contains("too many encode sessions"));
        assert!(!text("nvEncCreateInputBuffer", 10).contains("sessions"));
        assert!(text("nvEncCreateInputBuffer", 10).contains("out of memory"));
    }

    #[test]
    fn unknown_codes_are_said_not_guessed() {
        assert!(text("nvEncEncodePicture", 4711).contains("4711 (a status this program does not know)"));
    }
}
