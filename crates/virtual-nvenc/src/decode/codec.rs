//! What can be decoded, by its number in cuviddec.h, and what it costs.

use moq_nvenc::sys::cuviddec::cudaVideoCodec;

use crate::payload;

/// The format of a stream to be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    H264,
    Hevc,
    Vp9,
}

impl Codec {
    /// The codec of a cudaVideoCodec.
    pub fn of(word: u32) -> Option<Self> {
        match word {
            word if word == cudaVideoCodec::cudaVideoCodec_H264 as u32 => Some(Self::H264),
            word if word == cudaVideoCodec::cudaVideoCodec_HEVC as u32 => Some(Self::Hevc),
            word if word == cudaVideoCodec::cudaVideoCodec_VP9 as u32 => Some(Self::Vp9),
            _ => None,
        }
    }

    /// The codec whose costs the device's model gives it. A model has none for VP9, which takes as long as HEVC, on the
    /// devices that have HEVC.
    pub fn modelled(self) -> payload::Codec {
        match self {
            Self::H264 => payload::Codec::H264,
            Self::Hevc | Self::Vp9 => payload::Codec::Hevc,
        }
    }
}
