//! Odd sizes under 4:2:0: the stream is a column or a row larger than the picture, and repeats its last ones there.
//!
//! Chroma of an odd size is rounded up by every client, so only the plane that is sampled once a pixel (luma, or RGB) has
//! to grow. It knows neither codec nor buffers.

use crate::payload::{PixelFormat, Pixels, Plane};

/// Room for a padded plane, kept from picture to picture; empty as long as sizes are even.
#[derive(Debug, Default)]
pub struct Padding {
    bytes: Vec<u8>,
}

impl Padding {
    /// The picture with its first plane grown to an even `size`; nothing where that is even already, or where the format
    /// has chroma for every pixel, so that nothing is missing.
    pub fn fill<'a>(&'a mut self, pixels: &Pixels<'a>, (width, height): (u32, u32)) -> Option<Pixels<'a>> {
        let is_full = matches!(pixels.format, PixelFormat::Yuv444 | PixelFormat::Yuv444P10);
        if is_full || width % 2 == 0 && height % 2 == 0 {
            return None;
        }
        let pixel_bytes = match pixels.format {
            PixelFormat::Argb | PixelFormat::Abgr => 4,
            format => usize::from(format.bit_depth().div_ceil(8)),
        };
        let (row_bytes, rows) = (pixel_bytes * width as usize, height as usize);
        let stride_bytes = row_bytes + pixel_bytes * (width as usize % 2);
        self.bytes.clear();
        for row in (0..rows).chain((rows % 2 == 1).then(|| rows - 1)) {
            let first = row * pixels.planes[0].stride_bytes;
            let row = pixels.planes[0].data.get(first..first + row_bytes)?;
            self.bytes.extend_from_slice(row);
            if width % 2 == 1 {
                self.bytes.extend_from_slice(&row[row_bytes - pixel_bytes..]);
            }
        }
        let [_, second, third] = pixels.planes;
        let luma = Plane { data: &self.bytes, stride_bytes };
        Some(Pixels { format: pixels.format, planes: [luma, second, third] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_column_and_row_are_repeated() {
        let buffer: Vec<u8> = (0..64).collect();
        let pixels = Pixels::from_buffer(PixelFormat::Nv12, 3, &buffer, 8);
        let mut padding = Padding::default();
        let padded = padding.fill(&pixels, (3, 3)).unwrap();
        assert_eq!(padded.planes[0].data, [0, 1, 2, 2, 8, 9, 10, 10, 16, 17, 18, 18, 16, 17, 18, 18]);
        assert_eq!(padded.planes[1].data, pixels.planes[1].data);
        assert!(Padding::default().fill(&pixels, (4, 2)).is_none());
    }
}
