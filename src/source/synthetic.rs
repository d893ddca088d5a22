//! A moving pattern, made from nothing but the frame's index.
//!
//! Every frame can be told from its neighbours by block averages alone, so that a decoder can prove that no frame was
//! lost, repeated or reordered: a row of cells at the top shows the index in binary, a bar sweeps across a drifting
//! gradient. A frame is a few table look-ups and copies, so the pattern can also be made while a run goes on.

use super::geometry::checked_dimensions;
use super::{FrameSource, Length, SourceError, SourceInfo};
use crate::contract::{Dimensions, FrameRate, PixelFormat};

/// Cells of the binary index, least significant first.
const COUNTER_BITS: usize = 9;

/// After so many frames the pattern begins again: far beyond what is ever in flight, and few enough that they fit in
/// memory at 1920x1080.
pub const PERIOD: u64 = 1 << COUNTER_BITS;

/// Steps of the gradients from dark to bright and back. As long as the period, so that the drift begins again with it.
const RAMP: usize = 512;

const CELL_OFF: u8 = 32;
const CELL_ON: u8 = 220;

/// The moving pattern as NV12, without end.
pub struct SyntheticSource {
    info: SourceInfo,
    next_frame_idx: u64,
    /// Row `y` of the luma gradient is this from some offset below [`RAMP`] on.
    luma_ramp: Vec<u8>,
    /// Likewise for interleaved Cb and Cr, in pairs.
    chroma_ramp: Vec<u8>,
}

impl SyntheticSource {
    /// Draws nothing yet. `spec` names the input.
    pub fn new(spec: String, dimensions: Dimensions, frame_rate: FrameRate) -> Result<Self, SourceError> {
        let dimensions =
            checked_dimensions(dimensions).map_err(|cause| SourceError::Geometry { cause, input: spec.clone() })?;
        let steps = RAMP + dimensions.width as usize;
        let info = SourceInfo {
            spec,
            format: PixelFormat::Nv12,
            dimensions,
            frame_rate,
            has_variable_rate: false,
            colour: None,
            length: Length::Endless { period: PERIOD },
        };
        Ok(Self {
            info,
            next_frame_idx: 0,
            luma_ramp: (0..steps).map(|step| ramp(step, 48, 208)).collect(),
            chroma_ramp: (0..steps).flat_map(|step| [ramp(step, 64, 192), ramp(step + RAMP / 4, 64, 192)]).collect(),
        })
    }

    fn draw(&self, frame_idx: usize, frame: &mut [u8]) {
        let width = self.info.dimensions.width as usize;
        let (luma, chroma) = frame.split_at_mut(width * self.info.dimensions.height as usize);
        for (y, row) in luma.chunks_exact_mut(width).enumerate() {
            let from = (4 * frame_idx + 2 * y) % RAMP;
            row.copy_from_slice(&self.luma_ramp[from..from + width]);
        }
        for (y, row) in chroma.chunks_exact_mut(width).enumerate() {
            let from = 2 * ((3 * frame_idx + 4 * y) % RAMP);
            row.copy_from_slice(&self.chroma_ramp[from..from + width]);
        }
        draw_bar(frame_idx, luma, width);
        draw_counter(frame_idx, luma, width);
    }
}

impl FrameSource for SyntheticSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, frame: &mut [u8]) -> Result<bool, SourceError> {
        self.draw((self.next_frame_idx % PERIOD) as usize, frame);
        self.next_frame_idx += 1;
        Ok(true)
    }
}

/// A triangle wave over [`RAMP`] steps between two levels.
fn ramp(step: usize, low: usize, high: usize) -> u8 {
    let height = (step % RAMP).min(RAMP - step % RAMP);
    (low + (high - low) * height / (RAMP / 2)) as u8
}

/// A white bar, a sixteenth of the picture wide, that crosses it in 64 frames.
fn draw_bar(frame_idx: usize, luma: &mut [u8], width: usize) {
    let from = frame_idx % 64 * width / 64;
    let to = (from + width.div_ceil(16)).min(width);
    for row in luma.chunks_exact_mut(width) {
        row[from..to].fill(235);
    }
}

/// The index in binary along the top edge. Cells are whole multiples of 16 pixels where there is room, so that a block
/// of a codec never holds parts of two.
fn draw_counter(frame_idx: usize, luma: &mut [u8], width: usize) {
    let cell = match width / COUNTER_BITS {
        narrow @ 0..16 => narrow.max(1),
        wide => (wide / 16 * 16).min(64),
    };
    for row in luma.chunks_exact_mut(width).take(cell) {
        for (bit, pixels) in row.chunks_mut(cell).take(COUNTER_BITS).enumerate() {
            pixels.fill(if frame_idx >> bit & 1 == 1 { CELL_ON } else { CELL_OFF });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn source(width: u32, height: u32) -> SyntheticSource {
        let rate = FrameRate { num: 30, den: 1 };
        SyntheticSource::new("synthetic".to_owned(), Dimensions { width, height }, rate).unwrap()
    }

    #[test]
    fn a_period_holds_distinct_frames_and_then_begins_again() {
        for (width, height) in [(16, 16), (640, 360)] {
            let mut source = source(width, height);
            let mut frame = vec![0; source.info().frame_bytes()];
            let mut seen = HashSet::new();
            let mut digests = Vec::new();
            for _ in 0..PERIOD + 2 {
                assert!(source.next_frame(&mut frame).unwrap());
                let digest = xxhash_rust::xxh3::xxh3_64(&frame);
                seen.insert(digest);
                digests.push(digest);
            }
            assert_eq!(seen.len() as u64, PERIOD);
            assert_eq!(digests[..2], digests[PERIOD as usize..]);
        }
    }

    #[test]
    fn the_index_can_be_read_from_block_averages() {
        let mut source = source(640, 360);
        let mut frame = vec![0; source.info().frame_bytes()];
        for frame_idx in 0..PERIOD {
            source.next_frame(&mut frame).unwrap();
            let cell_mean = |bit: usize| {
                let rows = frame.chunks(640).take(64).flat_map(|row| &row[64 * bit..64 * bit + 64]);
                rows.map(|&pixel| u64::from(pixel)).sum::<u64>() / (64 * 64)
            };
            let read: u64 = (0..COUNTER_BITS).map(|bit| u64::from(cell_mean(bit) > 128) << bit).sum();
            assert_eq!(read, frame_idx);
        }
    }

    #[test]
    fn every_size_that_is_taken_can_be_drawn() {
        for (width, height) in [(2, 2), (2, 64), (64, 2), (144, 16), (146, 50), (16_384, 2), (2, 16_384)] {
            let mut source = source(width, height);
            let mut frame = vec![0; source.info().frame_bytes()];
            for _ in 0..70 {
                source.next_frame(&mut frame).unwrap();
            }
        }
    }
}
