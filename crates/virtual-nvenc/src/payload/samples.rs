//! A row of blocks as plain samples, whatever the input's layout: what the lossless mode writes. It does not know the codec.

use super::geometry::Geometry;
use super::rgb;
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

fn load_rgb_line(line: &mut [u16], pixels: &Pixels<'_>, component: usize, y: usize, geometry: &Geometry) {
    let shift = geometry.bit_depth - 8;
    let offsets = rgb::channel_offsets(pixels.format);
    let row = |y| pixels.planes[0].row(y, 4 * geometry.width).as_chunks::<4>().0;
    let rgb_of = |pixel: &[u8; 4]| offsets.map(|offset| i32::from(pixel[offset]));
    match (component, geometry.chroma_shift) {
        (0, _) => copy(line, row(y).iter().map(|pixel| (rgb::luma(rgb_of(pixel), 1) << shift) as u16)),
        (_, 0) => copy(line, row(y).iter().map(|pixel| (rgb::chroma(rgb_of(pixel), 1)[component - 1] << shift) as u16)),
        _ => {
            let squares = row(2 * y).chunks_exact(2).zip(row(2 * y + 1).chunks_exact(2));
            copy(
                line,
                squares.map(|(upper, lower)| {
                    let mut sums = [0; 3];
                    for pixel in upper.iter().chain(lower) {
                        sums.iter_mut().zip(rgb_of(pixel)).for_each(|(sum, channel)| *sum += channel);
                    }
                    (rgb::chroma(sums, 4)[component - 1] << shift) as u16
                }),
            );
        }
    }
}

fn copy(line: &mut [u16], samples: impl Iterator<Item = u16>) {
    line.iter_mut().zip(samples).for_each(|(to, from)| *to = from);
}
