//! What a caller says about a stream and about each of its pictures. It does not know how either is written.

use super::bits::BitWriter;
use super::{PayloadError, level};

/// The most pictures that may precede another in encode order and follow it in display order.
///
/// Keeps the decoded picture buffer at six pictures, which every HEVC level allows at full size (H.265 A.4.2).
pub const MAX_REORDER: u32 = 4;

/// The coding standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// H.264 / AVC: CAVLC, macroblocks of 16x16.
    H264,
    /// H.265 / HEVC: CABAC, coding tree units of 32x32.
    Hevc,
}

/// How much of the input is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The average of each block: small and fast.
    Mosaic,
    /// The average of the uppermost quarter of each block: for large frames on a computer that is too slow to read them whole
    /// in the modelled time.
    Sparse,
    /// Every sample, uncompressed.
    Lossless,
}

/// Chroma sampling of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chroma {
    /// One chroma sample per 2x2 pixels.
    Yuv420,
    /// One chroma sample per pixel.
    Yuv444,
}

/// What stays the same for a whole stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamParams {
    /// The coding standard.
    pub codec: Codec,
    /// How much of the input is kept.
    pub mode: Mode,
    /// Displayed width in pixels; even with 4:2:0. The coded size is larger where blocks demand it, and cropped.
    pub width: u32,
    /// Displayed height in pixels; even with 4:2:0.
    pub height: u32,
    /// Chroma sampling of the stream.
    pub chroma: Chroma,
    /// Bits per sample: 8, or 10 with HEVC.
    pub bit_depth: u8,
    /// Pictures per second as numerator and denominator.
    pub frame_rate: (u32, u32),
    /// The most pictures that precede another in encode order and follow it in display order: 0 without B pictures,
    /// 1 with any number of non-reference ones, 2 with one reference among them. A larger value only delays the decoder.
    pub max_reorder: u32,
    /// What the samples mean, where the client says it.
    pub colour: Option<Colour>,
}

/// The video signal type of a stream, by the numbers of H.273 that H.264 (E.2.1) and HEVC (E.3.1) share; 2: unspecified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// `video_format`, which is 5 where nobody says.
    pub video_format: u8,
    /// Samples go from 0 to their largest value.
    pub is_full_range: bool,
    /// Primaries, transfer characteristics and matrix coefficients.
    pub description: Option<[u8; 3]>,
}

/// How a picture is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PictureKind {
    /// Decoding can start here; nothing before it is referred to.
    Idr,
    /// Intra, but references before it stay.
    I,
    /// Has one list of reference pictures.
    P,
    /// Has two lists of reference pictures.
    B,
}

/// One picture's place in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureHeader {
    /// How the picture is coded.
    pub kind: PictureKind,
    /// Display index counted from the last IDR picture, which is 0.
    pub poc: i32,
    /// Whether later pictures may refer to this one. An IDR picture is a reference whatever is said here.
    pub is_reference: bool,
}

impl StreamParams {
    pub(super) fn check(&self) -> Result<(), PayloadError> {
        let Self { width, height, .. } = *self;
        if width == 0 || height == 0 || level::of(self).is_none() {
            return Err(PayloadError::Size { codec: self.codec, width, height });
        }
        if self.chroma == Chroma::Yuv420 && (width % 2 != 0 || height % 2 != 0) {
            return Err(PayloadError::OddSize { width, height });
        }
        if !(self.bit_depth == 8 || self.bit_depth == 10 && self.codec == Codec::Hevc) {
            return Err(PayloadError::BitDepth { codec: self.codec, bit_depth: self.bit_depth });
        }
        // H.264 counts fields, two per picture, in 32 bits.
        let (num, den) = self.frame_rate;
        if num == 0 || den == 0 || num > u32::MAX / 2 {
            return Err(PayloadError::FrameRate { num, den });
        }
        if self.max_reorder > MAX_REORDER {
            return Err(PayloadError::Reorder { max_reorder: self.max_reorder });
        }
        Ok(())
    }

    /// How many reference pictures a decoder keeps.
    pub(super) fn num_references(&self) -> u32 {
        self.max_reorder + 1
    }
}

impl Colour {
    /// The syntax from `video_signal_type_present_flag` on, which is the same in both standards.
    pub(super) fn put(this: Option<Self>, bits: &mut BitWriter) {
        bits.flag(this.is_some());
        let Some(Self { video_format, is_full_range, description }) = this else { return };
        bits.u(video_format.into(), 3);
        bits.flag(is_full_range);
        bits.flag(description.is_some());
        description.into_iter().flatten().for_each(|number| bits.u(number.into(), 8));
    }
}
