//! Errors of the decoder: the call, the code, the likely cause, and what to do. Knows nothing of sessions.

use std::fmt;

use crate::contract::{Codec, Dimensions};
use crate::library::LoadError;
use crate::memory::MemoryError;
use crate::pipeline::RingError;

/// Everything that can go wrong between us and a decoder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum NvdecError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Memory(#[from] MemoryError),
    #[error("cannot load the driver library {library}: {cause}; {advice}")]
    Load { library: String, cause: String, advice: &'static str },
    #[error(
        "{library} has no {entry}: it is not an NVDEC driver library, or it is damaged; reinstall the NVIDIA driver"
    )]
    MissingEntry { library: String, entry: &'static str },
    #[error(
        "the device does not decode {codec} with {bits} bits and {chroma} chroma; choose another clip, or another device (see inflight doctor)"
    )]
    NoCodec { codec: Codec, bits: u32, chroma: &'static str },
    #[error(
        "the device does not decode {codec} at {dimensions}: it supports {min} to {max}; scale the clip, or use another device"
    )]
    Size { codec: Codec, dimensions: Dimensions, min: Dimensions, max: Dimensions },
    #[error(
        "the driver's parser finds no {codec} stream in the clip: its first frame has no sequence header, or it is damaged; start the clip at a key frame"
    )]
    NoSequence { codec: Codec },
    #[error(
        "the driver refuses a decoder with {surfaces} surfaces, {references} for the clip's own references and the rest for frames in flight; lower the reap threshold or --pool"
    )]
    Surfaces { surfaces: u32, references: u32 },
    #[error("the clip is interlaced: only progressive clips can be measured; deinterlace it first (ffmpeg -vf bwdif)")]
    Interlaced,
    #[error("the clip's size {0} is odd: crop it to even sides first (ffmpeg -vf crop)")]
    Odd(Dimensions),
    #[error(
        "the clip changes from {from} to {to} at frame {frame}: all frames of a run must have the same size and format; cut the clip there"
    )]
    Changed { frame: u64, from: String, to: String },
    #[error(
        "the driver cannot decode frame {frame}: its data is damaged; check the clip with ffmpeg -v error -i CLIP -f null -"
    )]
    Corrupt { frame: u64 },
    #[error(
        "the driver does not say whether a frame of {codec} is finished, which polling and a ready thread ask: use --lock inline or thread"
    )]
    NoStatus { codec: Codec },
    #[error(
        "the driver's parser put frame {frame} into surface {surface}, which is still in flight; raise the pool (--pool)"
    )]
    SurfaceInFlight { frame: u64, surface: u32 },
    #[error(
        "the driver returned {returned} frames for {submitted} access units: a unit that shows no frame cannot be measured; of VP9, merge hidden frames with ffmpeg -i CLIP -c copy NEW.ivf, and encode without frames that are shown again (libvpx: -auto-alt-ref 1)"
    )]
    Missing { submitted: u64, returned: u64 },
    #[error(
        "there is no free memory for decoded frame {frame}: the encoder gave none back; this is a bug, please report it"
    )]
    NoFreeFrame { frame: u64 },
    #[error(transparent)]
    Ring(#[from] RingError),
}

/// One refused call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct CallError {
    pub call: &'static str,
    pub status: u32,
}

impl NvdecError {
    pub(super) fn load(LoadError { library, cause }: LoadError, advice: &'static str) -> Self {
        Self::Load { library, cause, advice }
    }

    /// Is the device lost or unusable, so that further runs are pointless?
    pub fn is_device_lost(&self) -> bool {
        match self {
            // What a context answers for good after a fault on the GPU, and a GPU that is gone.
            Self::Call(CallError { status, .. }) => matches!(status, 46 | 700..=719 | 999),
            Self::Ring(RingError::Stalled { .. }) => true,
            _ => false,
        }
    }
}

impl CallError {
    /// The name in cuda.h, and the likely cause with advice.
    fn explained(&self) -> (&'static str, &'static str) {
        match (self.status, self.call) {
            (1, _) => (
                "INVALID_VALUE",
                "the driver rejects a parameter; check the clip, and report this if other programs play it",
            ),
            (2, _) => {
                ("OUT_OF_MEMORY", "the GPU is out of memory; lower --pool or the frame size, or close other programs")
            }
            (3 | 201, _) => ("no current CUDA context", "this is a bug in this program: please report it"),
            (46, _) => ("DEVICE_UNAVAILABLE", "another program uses the GPU alone; close it, then start again"),
            (100, _) => ("NO_DEVICE", "no NVIDIA GPU is visible; see inflight doctor"),
            (205 | 206, _) => ("MAP_FAILED", "the driver cannot map a surface; lower --pool, then try again"),
            (801, _) => ("NOT_SUPPORTED", "this GPU's decoder cannot do that; choose another clip, or another device"),
            (999, "cuvidCreateDecoder") => (
                "UNKNOWN",
                "the decoder cannot start; in a container, the driver's video libraries and devices must be passed through (NVIDIA_DRIVER_CAPABILITIES=video)",
            ),
            (700..=719 | 999, _) => {
                ("a fault on the GPU", "restart the program; if it persists, check the driver's log (dmesg, Xid)")
            }
            _ => ("a status this program does not know", "look the code up in cuda.h"),
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, advice) = self.explained();
        write!(f, "{} failed with {} ({name}): {advice}", self.call, self.status)
    }
}

impl std::error::Error for CallError {}
