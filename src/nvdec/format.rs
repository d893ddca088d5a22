//! What a driver's parser says of a stream: codec, size, bits, and how many surfaces its references need.

use std::fmt;

use moq_nvenc::sys::cuviddec::{cudaVideoChromaFormat, cudaVideoCodec};
use moq_nvenc::sys::nvcuvid::CUVIDEOFORMAT;

use crate::contract::{Codec, Colour, Dimensions, FrameRate, PixelFormat};

/// The facts of a stream that a decoder is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamFormat {
    /// What it is coded in.
    pub codec: Codec,
    /// Size as coded, in whole blocks.
    pub coded: Dimensions,
    /// Upper left corner of the part that is shown.
    pub shown_at: (u32, u32),
    /// Size of the part that is shown.
    pub shown: Dimensions,
    /// Nominal rate; 0/0 where the stream does not say.
    pub frame_rate: FrameRate,
    /// Bits of a luma sample.
    pub bits: u32,
    /// How the chroma is sampled.
    pub chroma: Chroma,
    /// Surfaces that the decoder needs for references and reordering alone.
    pub min_surfaces: u32,
    /// What its samples mean, where the stream says it.
    pub colour: Option<Colour>,
    /// No fields.
    pub is_progressive: bool,
}

/// Chroma sampling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Chroma {
    Monochrome,
    C420,
    C422,
    C444,
    Unknown,
}

impl StreamFormat {
    /// Reads what the driver wrote.
    ///
    /// # Safety
    /// `format` must point at a format that the driver filled.
    pub(super) unsafe fn read(format: *const CUVIDEOFORMAT, codec: Codec) -> Self {
        // SAFETY: the caller's promise. The enum is read as the number it is: a newer driver may write one that has no name.
        unsafe {
            let area = &(*format).display_area;
            let signal = &(*format).video_signal_description;
            // 0 is reserved, and as a matrix it is RGB, which no such frame is.
            let named = |number: u8| if number == 0 { Colour::default().matrix } else { number };
            let side = |from: i32, to: i32| u32::try_from(to.saturating_sub(from)).unwrap_or(0);
            Self {
                codec,
                coded: Dimensions { width: (*format).coded_width, height: (*format).coded_height },
                shown_at: (area.left.max(0) as u32, area.top.max(0) as u32),
                shown: Dimensions { width: side(area.left, area.right), height: side(area.top, area.bottom) },
                frame_rate: FrameRate { num: (*format).frame_rate.numerator, den: (*format).frame_rate.denominator },
                bits: u32::from((*format).bit_depth_luma_minus8) + 8,
                chroma: Chroma::of((&raw const (*format).chroma_format).cast::<u32>().read()),
                min_surfaces: u32::from((*format).min_num_decode_surfaces).max(1),
                colour: Colour {
                    is_full_range: signal.video_full_range_flag() != 0,
                    primaries: named(signal.color_primaries),
                    transfer: named(signal.transfer_characteristics),
                    matrix: named(signal.matrix_coefficients),
                }
                .if_said(),
                is_progressive: (*format).progressive_sequence != 0,
            }
        }
    }

    /// May a decoder that was made for `self` go on with `other`? The parser repeats the format at every sequence header.
    pub(super) fn is_served_like(&self, other: &Self) -> bool {
        (self.coded, self.shown, self.bits, self.chroma) == (other.coded, other.shown, other.bits, other.chroma)
            && other.min_surfaces <= self.min_surfaces
    }

    /// Its decoded frames as an encoder takes them, which are 4:2:0; `None`: it takes none of so many bits. More than 8 bits are in
    /// the upper ones of two bytes (P016), and so are ten of P010.
    pub fn encodable(&self) -> Option<PixelFormat> {
        match self.bits {
            8 => Some(PixelFormat::Nv12),
            10 => Some(PixelFormat::P010),
            _ => None,
        }
    }

    /// Bytes of one sample in a decoded frame: more than 8 bits take two.
    pub fn sample_bytes(&self) -> usize {
        if self.bits > 8 { 2 } else { 1 }
    }

    /// Bytes of a row and number of rows of a decoded frame (NV12, or P016 with more than 8 bits): luma, and right after it
    /// the interleaved chroma, whose rows are as long because the width is even.
    pub fn rows(&self) -> (usize, usize) {
        let (width, height) = (self.shown.width as usize, self.shown.height as usize);
        (width * self.sample_bytes(), height + height / 2)
    }

    /// Bytes of a decoded frame without padding.
    pub fn frame_bytes(&self) -> usize {
        let (row_bytes, rows) = self.rows();
        row_bytes * rows
    }
}

impl fmt::Display for StreamFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} coded), {} bits, {}", self.shown, self.coded, self.bits, self.chroma.title())
    }
}

impl Chroma {
    fn of(value: u32) -> Self {
        match value {
            value if value == cudaVideoChromaFormat::cudaVideoChromaFormat_Monochrome as u32 => Self::Monochrome,
            value if value == cudaVideoChromaFormat::cudaVideoChromaFormat_420 as u32 => Self::C420,
            value if value == cudaVideoChromaFormat::cudaVideoChromaFormat_422 as u32 => Self::C422,
            value if value == cudaVideoChromaFormat::cudaVideoChromaFormat_444 as u32 => Self::C444,
            _ => Self::Unknown,
        }
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Monochrome => "no",
            Self::C420 => "4:2:0",
            Self::C422 => "4:2:2",
            Self::C444 => "4:4:4",
            Self::Unknown => "unknown",
        }
    }
}

/// NVDEC's name of a codec.
pub(super) fn codec_word(codec: Codec) -> cudaVideoCodec {
    match codec {
        Codec::H264 => cudaVideoCodec::cudaVideoCodec_H264,
        Codec::Hevc => cudaVideoCodec::cudaVideoCodec_HEVC,
        Codec::Av1 => cudaVideoCodec::cudaVideoCodec_AV1,
        Codec::Vp9 => cudaVideoCodec::cudaVideoCodec_VP9,
    }
}
