//! Views of the caller's pixels in NVENC's input layouts. They are checked once per picture; after that rows are simply read.

use super::{Chroma, PayloadError, StreamParams};

/// Memory layout of a picture, named after `NV_ENC_BUFFER_FORMAT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// 8-bit 4:2:0: plane Y, then a plane of Cb and Cr in turn.
    Nv12,
    /// 8-bit 4:2:0: planes Y, Cb, Cr.
    Iyuv,
    /// 8-bit 4:2:0: planes Y, Cr, Cb in memory.
    Yv12,
    /// 8-bit words A8R8G8B8: the bytes B, G, R, A.
    Argb,
    /// 8-bit words A8B8G8R8: the bytes R, G, B, A.
    Abgr,
    /// 8-bit 4:4:4: planes Y, Cb, Cr.
    Yuv444,
    /// 10-bit 4:2:0 (`YUV420_10BIT`): as NV12, in the high bits of little-endian 16-bit samples.
    P010,
    /// 10-bit 4:4:4 (`YUV444_10BIT`): as YUV444, in the high bits of little-endian 16-bit samples.
    Yuv444P10,
}

/// Rows of bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plane<'a> {
    /// From the first byte of the first row on.
    pub data: &'a [u8],
    /// Distance between the starts of two rows.
    pub stride_bytes: usize,
}

/// One picture's pixels.
#[derive(Clone, Copy, Debug)]
pub struct Pixels<'a> {
    /// Layout of the planes.
    pub format: PixelFormat,
    /// In the order Y, Cb, Cr, also for YV12. Planes that the format does not have stay empty.
    pub planes: [Plane<'a>; 3],
}

impl PixelFormat {
    /// Bits per sample.
    pub fn bit_depth(self) -> u8 {
        match self {
            Self::P010 | Self::Yuv444P10 => 10,
            _ => 8,
        }
    }

    /// Whether the samples are red, green and blue.
    pub fn is_rgb(self) -> bool {
        matches!(self, Self::Argb | Self::Abgr)
    }

    /// Chroma sampling; `None` for RGB, which is converted to what the stream has.
    pub fn chroma(self) -> Option<Chroma> {
        match self {
            Self::Nv12 | Self::Iyuv | Self::Yv12 | Self::P010 => Some(Chroma::Yuv420),
            Self::Yuv444 | Self::Yuv444P10 => Some(Chroma::Yuv444),
            Self::Argb | Self::Abgr => None,
        }
    }

    /// Bytes per row and rows of each plane of a `width` x `height` picture.
    fn plane_sizes(self, width: usize, height: usize) -> [(usize, usize); 3] {
        let none = (0, 0);
        let half = (width / 2, height / 2);
        match self {
            Self::Nv12 => [(width, height), (width, height / 2), none],
            Self::Iyuv | Self::Yv12 => [(width, height), half, half],
            Self::Argb | Self::Abgr => [(4 * width, height), none, none],
            Self::Yuv444 => [(width, height); 3],
            Self::P010 => [(2 * width, height), (2 * width, height / 2), none],
            Self::Yuv444P10 => [(2 * width, height); 3],
        }
    }
}

impl<'a> Plane<'a> {
    /// The first `num_bytes` of row `y`, both inside what [`Pixels::check`] has passed.
    pub(super) fn row(&self, y: usize, num_bytes: usize) -> &'a [u8] {
        &self.data[y * self.stride_bytes..][..num_bytes]
    }
}

impl<'a> Pixels<'a> {
    /// The planes of one NVENC input buffer: they follow each other, luma rows `pitch_bytes` apart, and the rows of
    /// planar 4:2:0 chroma half of that.
    ///
    /// A buffer that is too short gives planes that are too short, which
    /// [`write_picture`](super::PayloadWriter::write_picture) refuses.
    pub fn from_buffer(format: PixelFormat, height: u32, buffer: &'a [u8], pitch_bytes: usize) -> Self {
        let height = height as usize;
        // Of an odd number of rows the last has chroma of its own. Planar clients leave it no room: their second plane
        // begins where half the height, rounded down, ends.
        let (chroma_stride, chroma_rows, rows_apart) = match format {
            PixelFormat::Nv12 | PixelFormat::P010 => (pitch_bytes, height.div_ceil(2), 0),
            PixelFormat::Iyuv | PixelFormat::Yv12 => (pitch_bytes / 2, height.div_ceil(2), height / 2),
            PixelFormat::Yuv444 | PixelFormat::Yuv444P10 => (pitch_bytes, height, height),
            PixelFormat::Argb | PixelFormat::Abgr => (0, 0, 0),
        };
        let luma_bytes = pitch_bytes.saturating_mul(height);
        let luma = plane(buffer, 0, pitch_bytes, height);
        let second = plane(buffer, luma_bytes, chroma_stride, chroma_rows);
        let third_at = luma_bytes.saturating_add(chroma_stride.saturating_mul(rows_apart));
        let third = plane(buffer, third_at, chroma_stride, if rows_apart > 0 { chroma_rows } else { 0 });
        let planes = match format {
            PixelFormat::Yv12 => [luma, third, second],
            _ => [luma, second, third],
        };
        Self { format, planes }
    }

    /// Whether the pixels fit the stream and every row of every plane is there.
    pub(super) fn check(&self, params: &StreamParams) -> Result<(), PayloadError> {
        let chroma = self.format.chroma().unwrap_or(params.chroma);
        if chroma != params.chroma || self.format.bit_depth() > params.bit_depth {
            return Err(PayloadError::Format { format: self.format });
        }
        let sizes = self.format.plane_sizes(params.width as usize, params.height as usize);
        for (index, (plane, (row_bytes, rows))) in self.planes.iter().zip(sizes).enumerate() {
            let (stride, len) = (plane.stride_bytes, plane.data.len());
            let need = stride.saturating_mul(rows.saturating_sub(1)).saturating_add(row_bytes);
            if rows > 0 && (stride < row_bytes || len < need) {
                let need_bytes = (row_bytes, need);
                return Err(PayloadError::Plane { plane: index, need_bytes, have_bytes: (stride, len) });
            }
        }
        Ok(())
    }
}

/// A plane inside a buffer, or what there is of it.
fn plane(buffer: &[u8], begin: usize, stride_bytes: usize, rows: usize) -> Plane<'_> {
    let end = begin.saturating_add(stride_bytes.saturating_mul(rows)).min(buffer.len());
    Plane { data: buffer.get(begin..end).unwrap_or_default(), stride_bytes }
}
