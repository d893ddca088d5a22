//! H.264 sequence and picture parameter sets. It does not know pictures.

use crate::payload::bits::BitWriter;
use crate::payload::geometry::Geometry;
use crate::payload::history::POC_LSB_BITS;
use crate::payload::{Chroma, Codec, Colour, PayloadError, StreamParams, level, nal};

/// Bits of frame_num; MaxFrameNum must exceed the number of reference frames (7.4.2.1.1).
pub(super) const FRAME_NUM_BITS: u32 = 8;

const PROFILE_HIGH: u32 = 100;
const PROFILE_HIGH_444_PREDICTIVE: u32 = 244;

/// The QP at which a luma DC level is one sample step, minus 26.
const PIC_INIT_QP_MINUS26: i32 = 2;

/// SPS and PPS in Annex B form.
pub(in crate::payload) fn headers(params: &StreamParams) -> Result<Vec<u8>, PayloadError> {
    let StreamParams { width, height, .. } = *params;
    let level = level::of(params).ok_or(PayloadError::Size { codec: Codec::H264, width, height })?;
    let mut out = Vec::new();
    nal::append(&mut out, &[0x67], &sequence_parameter_set(params, level));
    nal::append(&mut out, &[0x68], &picture_parameter_set(params));
    Ok(out)
}

/// seq_parameter_set_rbsp() (7.3.2.1).
fn sequence_parameter_set(params: &StreamParams, level: u8) -> Vec<u8> {
    let mut bits = BitWriter::new(Vec::new());
    let (profile, chroma_format) = match params.chroma {
        Chroma::Yuv420 => (PROFILE_HIGH, 1),
        Chroma::Yuv444 => (PROFILE_HIGH_444_PREDICTIVE, 3),
    };
    bits.u(profile, 8);
    bits.u(0, 8); // constraint flags
    bits.u(level.into(), 8);
    bits.ue(0); // seq_parameter_set_id
    bits.ue(chroma_format);
    if params.chroma == Chroma::Yuv444 {
        bits.flag(false); // separate_colour_plane_flag
    }
    bits.ue(0); // bit_depth_luma_minus8
    bits.ue(0); // bit_depth_chroma_minus8
    bits.flag(false); // qpprime_y_zero_transform_bypass_flag
    bits.flag(false); // seq_scaling_matrix_present_flag
    bits.ue(FRAME_NUM_BITS - 4);
    bits.ue(0); // pic_order_cnt_type
    bits.ue(POC_LSB_BITS - 4);
    bits.ue(params.num_references());
    bits.flag(false); // gaps_in_frame_num_value_allowed_flag
    frame_size(&mut bits, params);
    bits.flag(true); // vui_parameters_present_flag
    video_usability(&mut bits, params);
    bits.stop();
    bits.into_bytes()
}

/// The size in macroblocks, and what of it is not shown.
fn frame_size(bits: &mut BitWriter, params: &StreamParams) {
    let grid = Geometry::new(params);
    bits.ue(grid.blocks_wide as u32 - 1);
    bits.ue(grid.blocks_high as u32 - 1);
    bits.flag(true); // frame_mbs_only_flag
    bits.flag(true); // direct_8x8_inference_flag
    let (crop_right, crop_bottom) = grid.crop();
    let is_cropped = crop_right > 0 || crop_bottom > 0;
    bits.flag(is_cropped);
    if is_cropped {
        [0, crop_right, 0, crop_bottom].into_iter().for_each(|units| bits.ue(units));
    }
}

/// vui_parameters() (E.1.1): what the samples mean, the frame rate, and how far pictures are reordered.
fn video_usability(bits: &mut BitWriter, params: &StreamParams) {
    bits.flag(false); // aspect_ratio_info_present_flag
    bits.flag(false); // overscan_info_present_flag
    Colour::put(params.colour, bits);
    bits.flag(false); // chroma_loc_info_present_flag
    bits.flag(true); // timing_info_present_flag
    let (num, den) = params.frame_rate;
    bits.u(den, 32); // num_units_in_tick
    bits.u(2 * num, 32); // time_scale: a tick is a field
    bits.flag(true); // fixed_frame_rate_flag
    bits.flag(false); // nal_hrd_parameters_present_flag
    bits.flag(false); // vcl_hrd_parameters_present_flag
    bits.flag(false); // pic_struct_present_flag
    bits.flag(true); // bitstream_restriction_flag
    bits.flag(true); // motion_vectors_over_pic_boundaries_flag
    bits.ue(0); // max_bytes_per_pic_denom: no limit
    bits.ue(0); // max_bits_per_mb_denom: no limit
    bits.ue(0); // log2_max_mv_length_horizontal: there are no vectors
    bits.ue(0); // log2_max_mv_length_vertical
    bits.ue(params.max_reorder);
    bits.ue(params.num_references()); // max_dec_frame_buffering
}

/// pic_parameter_set_rbsp() (7.3.2.2).
fn picture_parameter_set(params: &StreamParams) -> Vec<u8> {
    let mut bits = BitWriter::new(Vec::new());
    bits.ue(0); // pic_parameter_set_id
    bits.ue(0); // seq_parameter_set_id
    bits.flag(false); // entropy_coding_mode_flag: CAVLC
    bits.flag(false); // bottom_field_pic_order_in_frame_present_flag
    bits.ue(0); // num_slice_groups_minus1
    bits.ue(0); // num_ref_idx_l0_default_active_minus1
    bits.ue(0); // num_ref_idx_l1_default_active_minus1
    bits.flag(false); // weighted_pred_flag
    bits.u(0, 2); // weighted_bipred_idc
    bits.se(PIC_INIT_QP_MINUS26);
    bits.se(0); // pic_init_qs_minus26
    bits.se(chroma_qp_offset(params.chroma));
    bits.flag(true); // deblocking_filter_control_present_flag
    bits.flag(false); // constrained_intra_pred_flag
    bits.flag(false); // redundant_pic_cnt_present_flag
    bits.stop();
    bits.into_bytes()
}

/// The 2x2 chroma DC transform doubles what a level is worth, which six QP steps halve again. Chroma of 4:4:4 is coded
/// like luma.
fn chroma_qp_offset(chroma: Chroma) -> i32 {
    match chroma {
        Chroma::Yuv420 => -6,
        Chroma::Yuv444 => 0,
    }
}
