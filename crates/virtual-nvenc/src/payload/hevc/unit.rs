//! One coding tree unit that is one coding unit (H.265 7.3.8.5): flat or raw. It does not know its neighbours, since all of
//! them are predicted alike.

use super::cabac::Cabac;
use super::contexts::{Component, Contexts};
use crate::payload::PictureKind;
use crate::payload::bits::BitWriter;
use crate::payload::mosaic::Step;
use crate::payload::samples::SampleRows;

/// rem_intra_luma_pred_mode of the horizontal mode, 10, where neither neighbour is: the likely modes are then planar (0),
/// DC (1) and vertical (26), and two of them come before it (8.4.2).
const HORIZONTAL_REMAINDER: u32 = 8;

/// Writes the coding tree units of one slice after another.
#[derive(Debug)]
pub(super) struct UnitWriter {
    cabac: Cabac,
    contexts: Contexts,
    slice_qp: i32,
    has_inter_syntax: bool,
    is_first: bool,
}

/// Where a unit lies in its row, which decides how likely its prediction mode is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    First,
    Later,
}

impl UnitWriter {
    /// A writer that keeps its bytes in `bytes`.
    pub(super) fn new(bytes: Vec<u8>, slice_qp: i32) -> Self {
        let contexts = Contexts::new(PictureKind::I, slice_qp);
        Self { cabac: Cabac::new(bytes), contexts, slice_qp, has_inter_syntax: false, is_first: true }
    }

    /// The memory of the last slice, to be filled with the next one's header and given to [`begin`](Self::begin).
    pub(super) fn take_cleared(&mut self) -> Vec<u8> {
        self.cabac.take_cleared()
    }

    /// Starts the units of a slice behind its header.
    pub(super) fn begin(&mut self, header: Vec<u8>, kind: PictureKind) {
        self.cabac.restart_after(header);
        self.contexts = Contexts::new(kind, self.slice_qp);
        self.has_inter_syntax = matches!(kind, PictureKind::P | PictureKind::B);
        self.is_first = true;
    }

    /// A unit predicted horizontally, with one DC level per component.
    ///
    /// Horizontal prediction without a left neighbour takes the sample above, and without either mid grey, by the
    /// substitution of 8.4.4.2.2. In blocks of 32x32 no filter touches it (8.4.4.2.3, 8.4.4.2.6).
    pub(super) fn flat(&mut self, column: Column, step: Step) {
        let [y, cb, cr] = step.map(i32::from);
        self.start();
        self.prediction_mode(column);
        // transform_tree() (7.3.8.8): the unit is as large as the largest transform, so nothing is said of a split.
        let Self { cabac, contexts, .. } = self;
        cabac.encode(&mut contexts.cbf_chroma, cb != 0);
        cabac.encode(&mut contexts.cbf_chroma, cr != 0);
        cabac.encode(&mut contexts.cbf_luma, y != 0);
        residual(cabac, &mut contexts.luma, y);
        residual(cabac, &mut contexts.chroma, cb);
        residual(cabac, &mut contexts.chroma, cr);
    }

    /// A unit of pcm samples (7.3.8.7): block `column` of the row of samples.
    pub(super) fn raw(&mut self, samples: &SampleRows, column: usize, bit_depth: u32) {
        self.start();
        self.cabac.terminate(true); // pcm_flag
        let mut bytes = self.cabac.take_bytes();
        for component in 0..3 {
            bytes = match bit_depth {
                8 => append_bytes(bytes, samples.block(component, column)),
                _ => append_samples(bytes, samples.block(component, column), bit_depth),
            };
        }
        self.cabac.restart_after(bytes);
    }

    /// Ends the slice.
    pub(super) fn finish(&mut self) {
        self.cabac.terminate(true); // end_of_slice_segment_flag
    }

    /// The finished slice.
    pub(super) fn bytes(&self) -> &[u8] {
        self.cabac.bytes()
    }

    /// What comes first in every unit: the one before was not the last, and this one is intra and in one part.
    fn start(&mut self) {
        let Self { cabac, contexts, .. } = self;
        if !self.is_first {
            cabac.terminate(false); // end_of_slice_segment_flag (7.3.8.1)
        }
        self.is_first = false;
        if self.has_inter_syntax {
            cabac.encode(&mut contexts.cu_skip_flag, false);
            cabac.encode(&mut contexts.pred_mode_flag, true);
        }
        cabac.encode(&mut contexts.part_mode, true);
    }

    /// The horizontal mode for luma, and the same for chroma. A left neighbour, having that mode, makes it the likeliest.
    fn prediction_mode(&mut self, column: Column) {
        let Self { cabac, contexts, .. } = self;
        cabac.encode(&mut contexts.prev_intra_luma_pred_flag, column == Column::Later);
        match column {
            Column::First => cabac.bypass(HORIZONTAL_REMAINDER, 5),
            Column::Later => cabac.bypass(0, 1), // mpm_idx
        }
        cabac.encode(&mut contexts.intra_chroma_pred_mode, false);
    }
}

/// residual_coding() (7.3.8.11) of a block whose only level is the first; nothing where that is zero.
fn residual(cabac: &mut Cabac, contexts: &mut Component, level: i32) {
    if level == 0 {
        return;
    }
    let magnitude = level.unsigned_abs();
    cabac.encode(&mut contexts.last_sig_coeff_x_prefix, false);
    cabac.encode(&mut contexts.last_sig_coeff_y_prefix, false);
    cabac.encode(&mut contexts.greater1_flag, magnitude > 1);
    if magnitude > 1 {
        cabac.encode(&mut contexts.greater2_flag, magnitude > 2);
    }
    cabac.bypass((level < 0).into(), 1);
    if magnitude > 2 {
        remaining(cabac, magnitude - 3);
    }
}

/// coeff_abs_level_remaining with cRiceParam 0 (9.3.3.11): up to 3 in unary, above that four ones and EG1.
fn remaining(cabac: &mut Cabac, value: u32) {
    if value < 4 {
        cabac.bypass((1 << (value + 1)) - 2, value + 1);
        return;
    }
    // EG1 (9.3.3.3): as many ones as the number has bits beyond the first two, a zero, and then all bits but the first.
    let number = value - 4 + 2;
    let num_ones = number.ilog2() - 1;
    cabac.bypass((1 << (4 + num_ones + 1)) - 2, 4 + num_ones + 1);
    cabac.bypass(number & ((1 << (num_ones + 1)) - 1), num_ones + 1);
}

fn append_bytes<'a>(mut bytes: Vec<u8>, lines: impl Iterator<Item = &'a [u16]>) -> Vec<u8> {
    for line in lines {
        bytes.extend(line.iter().map(|sample| *sample as u8));
    }
    bytes
}

/// A line of a block is a multiple of 16 samples, so that it ends on a byte whatever the depth.
fn append_samples<'a>(bytes: Vec<u8>, lines: impl Iterator<Item = &'a [u16]>, bit_depth: u32) -> Vec<u8> {
    let mut bits = BitWriter::new(bytes);
    for line in lines {
        for sample in line {
            bits.u((*sample).into(), bit_depth);
        }
    }
    bits.into_bytes()
}
