//! H.264: intra macroblocks in slices of every type, either flat (Intra_16x16 with a DC level) or raw (I_PCM).
//! It does not know where averages and samples come from.
//!
//! At QP 28 (20 + 8; chroma at 22) one DC level is one sample step: the scaled DC is 64 per level, and the transform shifts
//! by 6 (8.5.10, 8.5.11, 8.5.12). So the reconstruction is the prediction plus the level, and nothing has to be tracked.

mod cavlc;
mod headers;

pub(super) use headers::headers;

use super::bits::{BitWriter, Code};
use super::geometry::Geometry;
use super::history::POC_LSB_BITS;
use super::history::{History, Place};
use super::mosaic::Step;
use super::samples::SampleRows;
use super::slice::{SliceWriter, max_rbsp_bytes};
use super::{Chroma, PictureKind, StreamParams};
use headers::FRAME_NUM_BITS;

/// mb_type of I_PCM in an I slice (Table 7-11).
const I_PCM: u32 = 25;

/// Which neighbour a macroblock is predicted from; neither means mid grey.
#[derive(Clone, Copy)]
enum Neighbour {
    Left,
    Above,
    Neither,
}

/// Writes the slice of one picture after another.
pub(super) struct Slice {
    geometry: Geometry,
    chroma: Chroma,
    nal_header: [u8; 1],
    bits: BitWriter,
    kind: PictureKind,
    is_first_row: bool,
    /// Everything of a macroblock before its levels, by prediction and by whether chroma has levels.
    prefixes: [[Code; 2]; 3],
}

impl Slice {
    pub(super) fn new(params: &StreamParams, geometry: Geometry) -> Self {
        Self {
            geometry,
            chroma: params.chroma,
            nal_header: [0],
            bits: BitWriter::new(Vec::with_capacity(max_rbsp_bytes(params, &geometry))),
            kind: PictureKind::Idr,
            is_first_row: true,
            prefixes: [[Code::EMPTY; 2]; 3],
        }
    }

    fn prefix(&self, from: Neighbour, has_chroma_levels: bool) -> Code {
        self.prefixes[from as usize][usize::from(has_chroma_levels)]
    }

    fn macroblock(&mut self, from: Neighbour, step: Step) {
        let [y, cb, cr] = step;
        match self.chroma {
            Chroma::Yuv420 => {
                let has_chroma_levels = cb != 0 || cr != 0;
                self.bits.put(self.prefix(from, has_chroma_levels));
                self.bits.put(cavlc::luma_dc(y));
                if has_chroma_levels {
                    self.bits.put(cavlc::chroma_dc(cb));
                    self.bits.put(cavlc::chroma_dc(cr));
                }
            }
            // Cb and Cr are coded like luma (7.3.5.3).
            Chroma::Yuv444 => {
                self.bits.put(self.prefix(from, false));
                step.map(cavlc::luma_dc).into_iter().for_each(|code| self.bits.put(code));
            }
        }
    }
}

impl SliceWriter for Slice {
    fn begin(&mut self, place: &Place, _history: &History) {
        self.nal_header = [nal_header(place)];
        self.kind = place.kind;
        self.is_first_row = true;
        self.prefixes = [Neighbour::Left, Neighbour::Above, Neighbour::Neither]
            .map(|from| [false, true].map(|levels| mosaic_prefix(place.kind, self.chroma, from, levels)));
        self.bits.clear();
        slice_header(&mut self.bits, place);
    }

    fn mosaic_row(&mut self, steps: &[Step]) {
        let mut from = if self.is_first_row { Neighbour::Neither } else { Neighbour::Above };
        for step in steps {
            self.macroblock(from, *step);
            from = Neighbour::Left;
        }
        self.is_first_row = false;
    }

    fn raw_row(&mut self, samples: &SampleRows) {
        let prefix = macroblock_start(self.kind).then(mb_type(self.kind, I_PCM));
        for column in 0..self.geometry.blocks_wide {
            self.bits.put(prefix);
            self.bits.align_zero();
            let bytes = self.bits.aligned_bytes();
            for component in 0..3 {
                for line in samples.block(component, column) {
                    bytes.extend(line.iter().map(|sample| *sample as u8));
                }
            }
        }
    }

    fn finish(&mut self) {
        self.bits.stop();
        self.bits.aligned_bytes();
    }

    fn nal_header(&self) -> &[u8] {
        &self.nal_header
    }

    fn rbsp(&self) -> &[u8] {
        self.bits.bytes()
    }
}

/// nal_ref_idc and nal_unit_type: a coded slice of an IDR or of another picture (Table 7-1).
fn nal_header(place: &Place) -> u8 {
    match (place.kind, place.is_reference) {
        (PictureKind::Idr, _) => 3 << 5 | 5,
        (_, true) => 2 << 5 | 1,
        (_, false) => 1,
    }
}

/// slice_header() (7.3.3).
fn slice_header(bits: &mut BitWriter, place: &Place) {
    let is_idr = place.kind == PictureKind::Idr;
    let low_bits = |value: u32, num_bits: u32| value & ((1 << num_bits) - 1);
    bits.ue(0); // first_mb_in_slice
    bits.ue(match place.kind {
        PictureKind::Idr | PictureKind::I => 7,
        PictureKind::P => 5,
        PictureKind::B => 6,
    });
    bits.ue(0); // pic_parameter_set_id
    bits.u(low_bits(place.frame_num, FRAME_NUM_BITS), FRAME_NUM_BITS);
    if is_idr {
        bits.ue(place.idr_pic_id);
    }
    // The count is in fields, two to a picture.
    bits.u(low_bits(place.poc.wrapping_mul(2) as u32, POC_LSB_BITS), POC_LSB_BITS);
    reference_lists(bits, place.kind);
    if is_idr {
        bits.flag(false); // no_output_of_prior_pics_flag
        bits.flag(false); // long_term_reference_flag
    } else if place.is_reference {
        bits.flag(false); // adaptive_ref_pic_marking_mode_flag: sliding window
    }
    bits.se(0); // slice_qp_delta
    bits.ue(1); // disable_deblocking_filter_idc: averages must stay what they are
}

/// The default lists with one entry each: no block ever refers to them.
fn reference_lists(bits: &mut BitWriter, kind: PictureKind) {
    match kind {
        PictureKind::Idr | PictureKind::I => {}
        PictureKind::P => {
            bits.flag(false); // num_ref_idx_active_override_flag
            bits.flag(false); // ref_pic_list_modification_flag_l0
        }
        PictureKind::B => {
            bits.flag(true); // direct_spatial_mv_pred_flag
            bits.flag(false); // num_ref_idx_active_override_flag
            bits.flag(false); // ref_pic_list_modification_flag_l0
            bits.flag(false); // ref_pic_list_modification_flag_l1
        }
    }
}

/// mb_skip_run of zero, where the slice type has it.
fn macroblock_start(kind: PictureKind) -> Code {
    match kind {
        PictureKind::Idr | PictureKind::I => Code::EMPTY,
        PictureKind::P | PictureKind::B => Code::ue(0),
    }
}

/// Intra types follow the inter types of the slice (Tables 7-11, 7-13, 7-14).
fn mb_type(kind: PictureKind, intra_type: u32) -> Code {
    Code::ue(match kind {
        PictureKind::Idr | PictureKind::I => intra_type,
        PictureKind::P => 5 + intra_type,
        PictureKind::B => 23 + intra_type,
    })
}

/// A flat macroblock up to its levels (7.3.5, 7.3.5.1).
fn mosaic_prefix(kind: PictureKind, chroma: Chroma, from: Neighbour, has_chroma_levels: bool) -> Code {
    // Intra16x16PredMode and intra_chroma_pred_mode number the directions differently (Tables 8-4, 8-5).
    let (luma_mode, chroma_mode) = match from {
        Neighbour::Above => (0, 2),
        Neighbour::Left => (1, 1),
        Neighbour::Neither => (2, 0),
    };
    let intra_type = 1 + luma_mode + 4 * u32::from(has_chroma_levels);
    let prefix = macroblock_start(kind).then(mb_type(kind, intra_type));
    let prefix = match chroma {
        Chroma::Yuv420 => prefix.then(Code::ue(chroma_mode)),
        Chroma::Yuv444 => prefix,
    };
    prefix.then(Code::se(0)) // mb_qp_delta
}
