//! Block averages, and their steps from block to block. It knows neither codec nor bits: both standards predict a flat
//! block from its left neighbour, the first of a row from the one above, and the very first from mid grey.
//!
//! Rows are summed first, whole and without regard to channels, in 16-bit lanes; channels and blocks are told apart only
//! in the one row of sums that is left. This is what keeps a picture's averages near the speed of reading it.

use std::ops::Range;

use super::geometry::Geometry;
use super::rgb::Conversion;
use super::{PixelFormat, Pixels, Plane};

/// Luma, Cb and Cr of a block minus those of the block it is predicted from.
pub(super) type Step = [i16; 3];

/// The averages of one row of blocks, and what is needed to make them.
#[derive(Debug)]
pub(super) struct Mosaic {
    geometry: Geometry,
    /// Of the rows of a block, one in so many counts: the uppermost.
    share: usize,
    /// Sums down the columns of a block row, one per sample of a picture row. 32 rows of 10 bits fit in 16.
    column_sums: Vec<u16>,
    averages: Vec<[i16; 3]>,
    steps: Vec<Step>,
}

/// Rounded division by a number known beforehand, without dividing.
#[derive(Clone, Copy, Debug)]
struct Mean {
    count: u32,
    reciprocal: u64,
}

impl Mosaic {
    pub(super) fn new(geometry: Geometry, share: usize) -> Self {
        let blocks = geometry.blocks_wide;
        Self {
            geometry,
            share,
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
        average_blocks(&mut self.averages, sums, block, rows.len(), |average, mean, channels: [u32; N]| {
            for (component, sum) in components.into_iter().zip(channels) {
                average[component] = mean.round(sum << shift) as i16;
            }
        });
    }

    /// The conversion is linear, so the average is converted instead of each pixel.
    fn average_rgb(&mut self, pixels: &Pixels<'_>, row: usize) {
        let (width, rows) = self.rows_of(0, row);
        let block = self.geometry.block;
        let shift = self.geometry.bit_depth - u32::from(pixels.format.bit_depth());
        let sums = &mut self.column_sums[..4 * width];
        sum_columns(sums, &pixels.planes[0], rows.clone());
        let conversions: [_; 3] = std::array::from_fn(|component| Conversion::new(pixels.format, component));
        let weight = rows.len() << Conversion::FRACTION_BITS;
        average_blocks(&mut self.averages, sums, block, weight, |average, mean, channels: [u32; 4]| {
            let count = mean.count >> Conversion::FRACTION_BITS;
            let channels = channels.map(|sum| sum as i32);
            *average =
                conversions.map(|conversion| mean.round(conversion.apply(channels, count as i32) << shift) as i16);
        });
    }

    /// Width of a component, and the rows that count of those that block row `row` covers.
    fn rows_of(&self, component: usize, row: usize) -> (usize, Range<usize>) {
        let (width, height) = self.geometry.component_size(component);
        let block = self.geometry.component_block(component);
        let (from, end) = (row * block, height.min((row + 1) * block));
        (width, from..from + (end - from).div_ceil(self.share))
    }
}

impl Mean {
    /// Fractional bits of the reciprocal. It is rounded up, which is exact as long as sum times count is below 2^48: the
    /// largest is that of 1024 converted pixels, 1024 * 2^18 times 2^18.
    const SHIFT: u32 = 48;

    fn of(count: usize) -> Self {
        Self { count: count as u32, reciprocal: (1 << Self::SHIFT) / count as u64 + 1 }
    }

    #[inline]
    fn round(self, sum: u32) -> u32 {
        ((u64::from(sum + self.count / 2) * self.reciprocal) >> Self::SHIFT) as u32
    }
}

/// Gives `store` each block's average, the mean over its samples, and the sums of its `N` channels. A column weighs `weight`.
///
/// The last block may be narrower. It is treated apart, so that the means of the others are made once: they cost a division.
#[inline]
fn average_blocks<const N: usize>(
    averages: &mut [[i16; 3]],
    column_sums: &[u16],
    block: usize,
    weight: usize,
    store: impl Fn(&mut [i16; 3], Mean, [u32; N]),
) {
    let mut blocks = column_sums.chunks_exact(N * block);
    let (full, narrow) = averages.split_at_mut(blocks.len());
    let mean = Mean::of(block * weight);
    for (average, columns) in full.iter_mut().zip(&mut blocks) {
        store(average, mean, channel_sums(columns));
    }
    let rest = blocks.remainder();
    for average in narrow {
        store(average, Mean::of(rest.len() / N * weight), channel_sums(rest));
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

/// Sums each of `N` channels that take turns; `N` divides eight.
///
/// Eight lanes hold every channel a whole number of times, so they are told apart only at the end.
#[inline]
fn channel_sums<const N: usize>(columns: &[u16]) -> [u32; N] {
    let (groups, rest) = columns.as_chunks();
    let mut lanes = groups.iter().fold([0; 8], add_lanes);
    for (lane, column) in lanes.iter_mut().zip(rest) {
        *lane += u32::from(*column);
    }
    let mut sums = [0; N];
    for (index, lane) in lanes.into_iter().enumerate() {
        sums[index % N] += lane;
    }
    sums
}

#[inline]
fn add_lanes(lanes: [u32; 8], columns: &[u16; 8]) -> [u32; 8] {
    std::array::from_fn(|index| lanes[index] + u32::from(columns[index]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_rounded_exactly() {
        let check = |count: u32, max: u32, step: usize| {
            let mean = Mean::of(count as usize);
            for sum in (0..=max * count).step_by(step).chain([max * count]) {
                assert_eq!(mean.round(sum), (sum + count / 2) / count, "{sum} / {count}");
            }
        };
        for count in [1, 2, 3, 6, 34, 255, 256, 992, 1024] {
            check(count, 1023, 7);
            check(count << Conversion::FRACTION_BITS, 1023, 10_007);
        }
    }

    #[test]
    fn channels_that_take_turns_are_told_apart() {
        assert_eq!(channel_sums::<2>(&[1, 10, 2, 20, 3, 30]), [6, 60]);
        let columns: Vec<u16> = (0..44).collect();
        let expected = [0, 1, 2, 3].map(|channel| (channel..44).step_by(4).sum());
        assert_eq!(channel_sums::<4>(&columns), expected);
    }
}
