//! How the bytes of a frame divide into planes.

use super::{Dimensions, PixelFormat};

impl PixelFormat {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Nv12, Self::I420, Self::Argb, Self::P010, Self::Yuv444];

    /// Bits of a sample that count.
    pub fn bits(self) -> u32 {
        match self {
            Self::Nv12 | Self::I420 | Self::Argb | Self::Yuv444 => 8,
            Self::P010 => 10,
        }
    }

    /// Bytes of one frame without padding. 4:2:0 with an odd size rounds the chroma planes up, as every client does.
    pub fn frame_bytes(self, dimensions: Dimensions) -> usize {
        self.planes(dimensions).iter().map(|plane| plane.row_bytes * plane.rows).sum()
    }

    /// Planes in memory order.
    pub fn planes(self, dimensions: Dimensions) -> PlaneLayouts {
        let (width, height) = (dimensions.width as usize, dimensions.height as usize);
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        let plane = |row_bytes, rows| PlaneLayout { row_bytes, rows };
        match self {
            Self::Nv12 => PlaneLayouts::of(&[plane(width, height), plane(2 * half_width, half_height)]),
            Self::I420 => PlaneLayouts::of(&[
                plane(width, height),
                plane(half_width, half_height),
                plane(half_width, half_height),
            ]),
            Self::Argb => PlaneLayouts::of(&[plane(4 * width, height)]),
            Self::P010 => PlaneLayouts::of(&[plane(2 * width, height), plane(4 * half_width, half_height)]),
            Self::Yuv444 => PlaneLayouts::of(&[plane(width, height); 3]),
        }
    }
}

/// One plane of a frame without padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct PlaneLayout {
    pub row_bytes: usize,
    pub rows: usize,
}

/// Up to three planes, without an allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaneLayouts {
    planes: [PlaneLayout; 3],
    num_planes: usize,
}

impl PlaneLayouts {
    fn of(planes: &[PlaneLayout]) -> Self {
        let mut all = [PlaneLayout::default(); 3];
        all[..planes.len()].copy_from_slice(planes);
        Self { planes: all, num_planes: planes.len() }
    }
}

impl std::ops::Deref for PlaneLayouts {
    type Target = [PlaneLayout];

    fn deref(&self) -> &[PlaneLayout] {
        &self.planes[..self.num_planes]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_sizes_have_chroma_for_their_last_column_and_row() {
        let bytes = |format: PixelFormat, width, height| format.frame_bytes(Dimensions { width, height });
        for format in PixelFormat::ALL {
            let (even, odd) = match format {
                PixelFormat::Nv12 | PixelFormat::I420 => (4 * 2 * 3 / 2, 5 * 3 + 2 * 3 * 2),
                PixelFormat::P010 => (4 * 2 * 3, 2 * (5 * 3 + 2 * 3 * 2)),
                PixelFormat::Yuv444 => (3 * 4 * 2, 3 * 5 * 3),
                PixelFormat::Argb => (4 * 4 * 2, 4 * 5 * 3),
            };
            assert_eq!((bytes(format, 4, 2), bytes(format, 5, 3)), (even, odd), "{format}");
        }
    }
}
