//! Why a stream or a picture cannot be written.

use std::fmt;

use super::{Codec, MAX_REORDER, PixelFormat};

/// Why a stream or a picture cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadError {
    /// The size is zero, or larger than the highest level of the standard allows.
    Size {
        /// The coding standard asked for.
        codec: Codec,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// 4:2:0 with an odd width or height.
    OddSize {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// A sample size that the codec is not written with.
    BitDepth {
        /// The coding standard asked for.
        codec: Codec,
        /// Bits per sample.
        bit_depth: u8,
    },
    /// A frame rate that the timing fields cannot hold.
    FrameRate {
        /// Numerator.
        num: u32,
        /// Denominator.
        den: u32,
    },
    /// More reordering than the decoded picture buffer allows.
    Reorder {
        /// What was asked for.
        max_reorder: u32,
    },
    /// Pixels whose sampling or depth the stream cannot carry.
    Format {
        /// Layout of the pixels.
        format: PixelFormat,
    },
    /// A plane that ends before its last row, or whose rows overlap.
    Plane {
        /// Index of the plane.
        plane: usize,
        /// The least stride and length in bytes that would do.
        need_bytes: (usize, usize),
        /// The stride and length in bytes that were given.
        have_bytes: (usize, usize),
    },
    /// A picture other than IDR where nothing can be referred to.
    NoIdr,
    /// A display index that is not after the IDR picture's, or too far from that of the last reference picture.
    DisplayIndex {
        /// The index asked for.
        poc: i32,
        /// How far it may lie from the last reference picture.
        max_step: u32,
    },
}

impl std::error::Error for PayloadError {}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size { codec, width, height } => {
                write!(
                    f,
                    "no level of {codec:?} allows frames of {width}x{height}; use a size from 2x2 up to 8192x4320"
                )
            }
            Self::OddSize { width, height } => {
                write!(f, "4:2:0 cannot hold {width}x{height}: use an even width and height")
            }
            Self::BitDepth { codec, bit_depth } => {
                write!(f, "{codec:?} does not support {bit_depth} bits per sample here; use 8, or 10 with HEVC")
            }
            Self::FrameRate { num, den } => {
                write!(f, "frame rate {num}/{den} cannot be signalled: both must be above 0, the first below 2^31")
            }
            Self::Reorder { max_reorder } => {
                write!(f, "reordering by {max_reorder} frames is not possible; use at most {MAX_REORDER}")
            }
            Self::Format { format } => {
                write!(f, "{format:?} pixels do not fit the stream's chroma sampling and bit depth")
            }
            Self::Plane { plane, need_bytes, have_bytes } => write!(
                f,
                "plane {plane} is too small: stride {} and length {} bytes, but {} and {} are needed",
                have_bytes.0, have_bytes.1, need_bytes.0, need_bytes.1
            ),
            Self::DisplayIndex { poc, max_step } => write!(
                f,
                "display index {poc} cannot be coded: it must be above 0 and within {max_step} of the last reference frame"
            ),
            Self::NoIdr => write!(f, "the first frame of a stream must be an IDR frame"),
        }
    }
}
