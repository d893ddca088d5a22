//! Block averages, and their steps from block to block. It knows neither codec nor bits: both standards predict a flat
//! block from its left neighbour, the first of a row from the one above, and the very first from mid grey.
//!
//! Rows are summed first, whole and without regard to channels, in 16-bit lanes; channels and blocks are told apart only
//! in the one row of sums that is left. This is what keeps a picture's averages near the speed of reading it.

use std::ops::Range;

use super::geometry::Geometry;
use super::rgb;
use super::{PixelFormat, Pixels, Plane};

/// Luma, Cb and Cr of a block minus those of the block it is predicted from.
pub(super) type Step = [i16; 3];

/// The averages of one row of blocks, and what is needed to make them.
#[derive(Debug)]
pub(super) struct Mosaic {
    geometry: Geometry,
    /// Sums down the columns of a block row, one per sample of a picture row. 32 rows of 10 bits fit in 16.
    column_sums: Vec<u16>,
    averages: Vec<[i16; 3]>,
    steps: Vec<Step>,
}

/// Rounded division by a number known beforehand, without dividing.
#[derive(Clone, Copy)]
struct Mean {
    count: u32,
    reciprocal: u64,
}

impl Mosaic {
    pub(super) fn new(geometry: Geometry) -> Self {
        let blocks = geometry.blocks_wide;
        Self {
            geometry,
            column_sums: vec![0; 4 * geometry.width],
            averages: vec![[0; 3]; blocks],
            steps: vec![[0; 3]; blocks],
        }
    }

    /// The steps of a row of blocks. Rows must be asked for from the first on, since each builds on the one before.
    pub(super) fn steps_of_row(&mut self, pixels: &Pixels<'_>, row: usize) -> &[Step] {
        let mid_grey = 1 << (self.geometry.bit_depth - 1);
        let mut predicted = if row == 0 { [mid_grey; 3] } else { self.averages[0] };
        self.average_row(pixels, row);
        for (step, average) in self.steps.iter_mut().zip(&self.averages) {
            *step = std::array::from_fn(|component| average[component] - predicted[component]);
            predicted = *average;
        }
        &self.steps
    }

    fn average_row(&mut self, pixels: &Pixels<'_>, row: usize) {
        let planes = &pixels.planes;
        match pixels.format {
            PixelFormat::Argb | PixelFormat::Abgr => self.average_rgb(pixels, row),
            PixelFormat::Nv12 | PixelFormat::P010 => {
                self.average_plane(pixels.format, &planes[0], row, [0]);
                self.average_plane(pixels.format, &planes[1], row, [1, 2]);
            }
            PixelFormat::Iyuv | PixelFormat::Yv12 | PixelFormat::Yuv444 | PixelFormat::Yuv444P10 => {
                for (component, plane) in planes.iter().enumerate() {
                    self.average_plane(pixels.format, plane, row, [component]);
                }
            }
        }
    }

    /// Averages a plane in which the samples of `components` take turns.
    fn average_plane<const N: usize>(
        &mut self,
        format: PixelFormat,
        plane: &Plane<'_>,
        row: usize,
        components: [usize; N],
    ) {
        let (width, rows) = self.rows_of(components[0], row);
        let block = self.geometry.component_block(components[0]);
        let shift = self.geometry.bit_depth - u32::from(format.bit_depth());
        let sums = &mut self.column_sums[..N * width];
        match format.bit_depth() {
            8 => sum_columns(sums, plane, rows.clone()),
            _ => sum_columns_10bit(sums, plane, rows.clone()),
        }
        let full = Mean::of(block * rows.len());
        for (average, columns) in self.averages.iter_mut().zip(sums.chunks(N * block)) {
            let mean = if columns.len() == N * block { full } else { Mean::of(columns.len() / N * rows.len()) };
            for (component, sum) in components.into_iter().zip(channel_sums::<N>(columns)) {
                average[component] = mean.round(sum << shift) as i16;
            }
        }
    }

    /// The conversion is linear, so the average is converted instead of each pixel.
    fn average_rgb(&mut self, pixels: &Pixels<'_>, row: usize) {
        let (width, rows) = self.rows_of(0, row);
        let shift = self.geometry.bit_depth - 8;
        let offsets = rgb::channel_offsets(pixels.format);
        let sums = &mut self.column_sums[..4 * width];
        sum_columns(sums, &pixels.planes[0], rows.clone());
        for (average, columns) in self.averages.iter_mut().zip(sums.chunks(4 * self.geometry.block)) {
            let count = (columns.len() / 4 * rows.len()) as i32;
            let channels = channel_sums::<4>(columns);
            let rgb_sums = offsets.map(|offset| channels[offset] as i32);
            let [cb, cr] = rgb::chroma(rgb_sums, count);
            *average = [rgb::luma(rgb_sums, count), cb, cr].map(|sample| (sample << shift) as i16);
        }
    }

    /// Width of a component, and its rows that block row `row` covers.
    fn rows_of(&self, component: usize, row: usize) -> (usize, Range<usize>) {
        let (width, height) = self.geometry.component_size(component);
        let block = self.geometry.component_block(component);
        (width, row * block..height.min((row + 1) * block))
    }
}

impl Mean {
    fn of(count: usize) -> Self {
        let count = count as u32;
        // Rounded up, this is exact for every sum below 2^32 / count; a block has at most 1024 samples of 10 bits.
        Self { count, reciprocal: (1 << 32) / u64::from(count) + 1 }
    }

    #[inline]
    fn round(self, sum: u32) -> u32 {
        ((u64::from(sum + self.count / 2) * self.reciprocal) >> 32) as u32
    }
}

/// Sums bytes down the columns, four rows at a time so that the sums are fetched and stored less often.
fn sum_columns(sums: &mut [u16], plane: &Plane<'_>, rows: Range<usize>) {
    let num_bytes = sums.len();
    let row = |y| plane.row(y, num_bytes);
    sums.fill(0);
    let mut y = rows.start;
    while y + 4 <= rows.end {
        let quad = row(y).iter().zip(row(y + 1)).zip(row(y + 2)).zip(row(y + 3));
        for (sum, (((a, b), c), d)) in sums.iter_mut().zip(quad) {
            *sum += u16::from(*a) + u16::from(*b) + u16::from(*c) + u16::from(*d);
        }
        y += 4;
    }
    for y in y..rows.end {
        for (sum, sample) in sums.iter_mut().zip(row(y)) {
            *sum += u16::from(*sample);
        }
    }
}

/// Sums samples in the high ten bits of little-endian words down the columns.
fn sum_columns_10bit(sums: &mut [u16], plane: &Plane<'_>, rows: Range<usize>) {
    sums.fill(0);
    for y in rows {
        let (samples, _) = plane.row(y, 2 * sums.len()).as_chunks();
        for (sum, sample) in sums.iter_mut().zip(samples) {
            *sum += u16::from_le_bytes(*sample) >> 6;
        }
    }
}

/// Sums each of `N` channels that take turns.
#[inline]
fn channel_sums<const N: usize>(columns: &[u16]) -> [u32; N] {
    let mut sums = [0; N];
    let (pixels, _) = columns.as_chunks::<N>();
    for pixel in pixels {
        for (sum, column) in sums.iter_mut().zip(pixel) {
            *sum += u32::from(*column);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_rounded_exactly() {
        for count in [1, 2, 3, 6, 34, 255, 256, 992, 1024] {
            let mean = Mean::of(count as usize);
            for sum in (0..=1023 * count).step_by(7).chain([1023 * count]) {
                assert_eq!(mean.round(sum), (sum + count / 2) / count, "{sum} / {count}");
            }
        }
    }

    #[test]
    fn channels_that_take_turns_are_told_apart() {
        assert_eq!(channel_sums::<2>(&[1, 10, 2, 20, 3, 30]), [6, 60]);
    }
}
