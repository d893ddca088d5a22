//! What both codecs have in common: a picture is one slice, written block row by block row.

use super::geometry::Geometry;
use super::history::{History, Place};
use super::mosaic::Step;
use super::samples::SampleRows;
use super::{Mode, StreamParams};

/// Room for a NAL header, a slice header and the end of a slice.
const OVERHEAD_BYTES: usize = 64;

/// More than the syntax around one block takes, whatever its steps are: three levels of at most 35 bits in CAVLC, less than
/// 200 bits in CABAC.
const BLOCK_SYNTAX_BYTES: usize = 32;

/// Writes the slice of one picture after another.
pub(super) trait SliceWriter: Send {
    /// Starts a picture.
    fn begin(&mut self, place: &Place, history: &History);
    /// Writes the next row of blocks as steps between averages.
    fn mosaic_row(&mut self, steps: &[Step]);
    /// Writes the next row of blocks as samples.
    fn raw_row(&mut self, samples: &SampleRows);
    /// Ends the picture.
    fn finish(&mut self);
    /// The NAL unit header of the picture begun last.
    fn nal_header(&self) -> &[u8];
    /// The slice, without emulation prevention, once it is finished.
    fn rbsp(&self) -> &[u8];
}

/// The most bytes a slice takes without emulation prevention.
pub(super) fn max_rbsp_bytes(params: &StreamParams, geometry: &Geometry) -> usize {
    let samples_per_block: usize = (0..3).map(|component| geometry.component_block(component).pow(2)).sum();
    let raw_bytes = match params.mode {
        Mode::Mosaic | Mode::Sparse => 0,
        Mode::Lossless => samples_per_block * geometry.bit_depth as usize / 8,
    };
    OVERHEAD_BYTES + geometry.blocks_wide * geometry.blocks_high * (BLOCK_SYNTAX_BYTES + raw_bytes)
}
