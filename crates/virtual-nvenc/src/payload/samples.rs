//! A row of blocks as plain samples, whatever the input's layout: what the lossless mode writes. It does not know the codec.

use super::geometry::Geometry;
use super::rgb::Conversion;
use super::{PixelFormat, Pixels};

/// One row of blocks, filled up to whole blocks by repeating the last column and row of the picture.
#[derive(Debug)]
pub(super) struct SampleRows {
    geometry: Geometry,
    components: [Vec<u16>; 3],
}

impl SampleRows {
    pub(super) fn new(geometry: Geometry) -> Self {
        let components = std::array::from_fn(|component| {
            let block = geometry.component_block(component);
            vec![0; geometry.blocks_wide * block * block]
        });
        Self { geometry, components }
    }

    /// Loads row `row` of the blocks.
    pub(super) fn load_row(&mut self, pixels: &Pixels<'_>, row: usize) -> &Self {
        let geometry = self.geometry;
        for (component, samples) in self.components.iter_mut().enumerate() {
            let (width, height) = geometry.component_size(component);
            let block = geometry.component_block(component);
            for (y, line) in samples.chunks_exact_mut(geometry.blocks_wide * block).enumerate() {
                let (inside, beyond) = line.split_at_mut(width);
                load_line(inside, pixels, component, (row * block + y).min(height - 1), &geometry);
                beyond.fill(inside[width - 1]);
            }
        }
        self
    }

    /// The rows of one component of block `column`, top down.
    pub(super) fn block(&self, component: usize, column: usize) -> impl Iterator<Item = &[u16]> {
        let block = self.geometry.component_block(component);
        let stride = self.geometry.blocks_wide * block;
        self.components[component].chunks_exact(stride).map(move |line| &line[column * block..][..block])
    }
}

/// Loads line `y` of a component into `line`, which is as wide as the picture.
fn load_line(line: &mut [u16], pixels: &Pixels<'_>, component: usize, y: usize, geometry: &Geometry) {
    let width = line.len();
    let planes = &pixels.planes;
    let shift = geometry.bit_depth - u32::from(pixels.format.bit_depth());
    match (pixels.format, component) {
        (PixelFormat::Argb | PixelFormat::Abgr, _) => load_rgb_line(line, pixels, component, y, geometry),
        (PixelFormat::Nv12, 1 | 2) => {
            let (pairs, _) = planes[1].row(y, 2 * width).as_chunks::<2>();
            copy(line, pairs.iter().map(|pair| u16::from(pair[component - 1]) << shift));
        }
        (PixelFormat::P010, 1 | 2) => {
            let (pairs, _) = planes[1].row(y, 4 * width).as_chunks::<4>();
            let first = 2 * (component - 1);
            copy(line, pairs.iter().map(|pair| u16::from_le_bytes([pair[first], pair[first + 1]]) >> 6));
        }
        (PixelFormat::P010 | PixelFormat::Yuv444P10, _) => {
            let (samples, _) = planes[component].row(y, 2 * width).as_chunks();
            copy(line, samples.iter().map(|sample| u16::from_le_bytes(*sample) >> 6));
        }
        (PixelFormat::Nv12 | PixelFormat::Iyuv | PixelFormat::Yv12 | PixelFormat::Yuv444, _) => {
            copy(line, planes[component].row(y, width).iter().map(|sample| u16::from(*sample) << shift));
        }
    }
}

/// Chroma of 4:2:0 is that of the average of 2x2 pixels.
fn load_rgb_line(line: &mut [u16], pixels: &Pixels<'_>, component: usize, y: usize, geometry: &Geometry) {
    let shift = geometry.bit_depth - u32::from(pixels.format.bit_depth());
    let conversion = Conversion::new(pixels.format, component);
    let row = |y| pixels.planes[0].row(y, 4 * geometry.width);
    if component == 0 || geometry.chroma_shift == 0 {
        let (pixels, _) = row(y).as_chunks::<4>();
        copy(line, pixels.iter().map(|pixel| convert::<1>(&conversion, pixel.map(i32::from), shift)));
    } else {
        let (upper, _) = row(2 * y).as_chunks::<8>();
        let (lower, _) = row(2 * y + 1).as_chunks::<8>();
        let sums = |(upper, lower): (&[u8; 8], &[u8; 8])| {
            std::array::from_fn(|byte| {
                [upper[byte], upper[byte + 4], lower[byte], lower[byte + 4]].map(i32::from).iter().sum()
            })
        };
        copy(line, upper.iter().zip(lower).map(|pair| convert::<4>(&conversion, sums(pair), shift)));
    }
}

/// The component of the average of `COUNT` pixels.
#[inline]
fn convert<const COUNT: u32>(conversion: &Conversion, sums: [i32; 4], shift: u32) -> u16 {
    let divisor = COUNT << Conversion::FRACTION_BITS;
    (((conversion.apply(sums, COUNT as i32) << shift) + divisor / 2) / divisor) as u16
}

fn copy(line: &mut [u16], samples: impl Iterator<Item = u16>) {
    line.iter_mut().zip(samples).for_each(|(to, from)| *to = from);
}
