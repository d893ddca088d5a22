//! HEVC: intra coding units of 32x32 in slices of every type, either flat (one DC level per component) or raw (pcm).
//! It does not know where averages and samples come from.
//!
//! At luma QP 34 (chroma: 28 for its 16x16 blocks) and 8 bits one DC level is one sample step: it is scaled to 128
//! (H.265 8.6.3), which the two stages of the transform, of gain 64 each, shift down by 7 and 12 (8.6.4, 8.6.2). At 10 bits
//! the QP is 12 lower, which the offset QpBdOffset makes up for. So the reconstruction is the prediction plus the level, and
//! nothing has to be tracked.

mod cabac;
mod contexts;
mod headers;
mod probability;
mod unit;

pub(super) use headers::headers;

use super::bits::BitWriter;
use super::geometry::Geometry;
use super::history::POC_LSB_BITS;
use super::history::{History, Place};
use super::mosaic::Step;
use super::samples::SampleRows;
use super::slice::{SliceWriter, max_rbsp_bytes};
use super::{PictureKind, StreamParams};
use unit::{Column, UnitWriter};

/// nal_unit_type (Table 7-1).
const TRAIL_N: u8 = 0;
const TRAIL_R: u8 = 1;
/// No leading pictures follow: nothing shown before an IDR picture is written after it.
const IDR_N_LP: u8 = 20;

/// Writes the slice of one picture after another.
pub(super) struct Slice {
    geometry: Geometry,
    nal_header: [u8; 2],
    units: UnitWriter,
}

impl Slice {
    pub(super) fn new(params: &StreamParams, geometry: Geometry) -> Self {
        let bytes = Vec::with_capacity(max_rbsp_bytes(params, &geometry));
        Self { geometry, nal_header: [0; 2], units: UnitWriter::new(bytes, headers::slice_qp(params)) }
    }
}

impl SliceWriter for Slice {
    fn begin(&mut self, place: &Place, history: &History) {
        self.nal_header = nal_header(place);
        let mut bits = BitWriter::new(self.units.take_cleared());
        slice_segment_header(&mut bits, place, history);
        self.units.begin(bits.into_bytes(), place.kind);
    }

    fn mosaic_row(&mut self, steps: &[Step]) {
        let mut column = Column::First;
        for step in steps {
            self.units.flat(column, *step);
            column = Column::Later;
        }
    }

    fn raw_row(&mut self, samples: &SampleRows) {
        for column in 0..self.geometry.blocks_wide {
            self.units.raw(samples, column, self.geometry.bit_depth);
        }
    }

    fn finish(&mut self) {
        self.units.finish();
    }

    fn nal_header(&self) -> &[u8] {
        &self.nal_header
    }

    fn rbsp(&self) -> &[u8] {
        self.units.bytes()
    }
}

/// nal_unit_header() (7.3.1.2): the type, layer 0, temporal layer 0.
fn nal_header(place: &Place) -> [u8; 2] {
    let nal_unit_type = match (place.kind, place.is_reference) {
        (PictureKind::Idr, _) => IDR_N_LP,
        (_, true) => TRAIL_R,
        (_, false) => TRAIL_N,
    };
    [nal_unit_type << 1, 1]
}

/// slice_segment_header() and byte_alignment() (7.3.6.1).
fn slice_segment_header(bits: &mut BitWriter, place: &Place, history: &History) {
    let is_idr = place.kind == PictureKind::Idr;
    bits.flag(true); // first_slice_segment_in_pic_flag
    if is_idr {
        bits.flag(false); // no_output_of_prior_pics_flag
    }
    bits.ue(0); // slice_pic_parameter_set_id
    bits.ue(match place.kind {
        PictureKind::B => 0,
        PictureKind::P => 1,
        PictureKind::Idr | PictureKind::I => 2,
    });
    if !is_idr {
        bits.u(place.poc as u32 & ((1 << POC_LSB_BITS) - 1), POC_LSB_BITS);
        bits.flag(false); // short_term_ref_pic_set_sps_flag
        reference_picture_set(bits, place.poc, history);
    }
    if matches!(place.kind, PictureKind::P | PictureKind::B) {
        bits.flag(false); // num_ref_idx_active_override_flag
    }
    if place.kind == PictureKind::B {
        bits.flag(false); // mvd_l1_zero_flag
    }
    if matches!(place.kind, PictureKind::P | PictureKind::B) {
        bits.ue(0); // five_minus_max_num_merge_cand
    }
    bits.se(0); // slice_qp_delta
    bits.stop();
}

/// st_ref_pic_set(0) (7.3.7): every reference picture that the decoder holds, so that it drops exactly the others.
fn reference_picture_set(bits: &mut BitWriter, poc: i32, history: &History) {
    let lists = [history.distances_before(poc), history.distances_after(poc)];
    for list in &lists {
        bits.ue(list.as_slice().len() as u32);
    }
    for list in &lists {
        let mut previous = 0;
        for distance in list.as_slice() {
            bits.ue(distance - previous - 1); // delta_poc_s0_minus1, delta_poc_s1_minus1
            bits.flag(true); // used_by_curr_pic_flag
            previous = *distance;
        }
    }
}
