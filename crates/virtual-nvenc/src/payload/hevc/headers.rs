//! HEVC video, sequence and picture parameter sets. It does not know pictures.

use crate::payload::bits::BitWriter;
use crate::payload::geometry::Geometry;
use crate::payload::history::POC_LSB_BITS;
use crate::payload::{Chroma, Codec, Colour, Mode, PayloadError, StreamParams, level, nal};

/// VPS, SPS and PPS in Annex B form.
pub(in crate::payload) fn headers(params: &StreamParams) -> Result<Vec<u8>, PayloadError> {
    let StreamParams { width, height, .. } = *params;
    let level = level::of(params).ok_or(PayloadError::Size { codec: Codec::Hevc, width, height })?;
    let mut out = Vec::new();
    nal::append(&mut out, &[32 << 1, 1], &video_parameter_set(params, level));
    nal::append(&mut out, &[33 << 1, 1], &sequence_parameter_set(params, level));
    nal::append(&mut out, &[34 << 1, 1], &picture_parameter_set(params));
    Ok(out)
}

/// The luma QP at which one level is one sample step.
pub(super) fn slice_qp(params: &StreamParams) -> i32 {
    34 - 6 * (i32::from(params.bit_depth) - 8)
}

/// Chroma blocks of half the side need half the scale, which is six QP steps. Chroma of 4:4:4 is coded like luma.
fn chroma_qp_offset(chroma: Chroma) -> i32 {
    match chroma {
        Chroma::Yuv420 => -6,
        Chroma::Yuv444 => 0,
    }
}

/// video_parameter_set_rbsp() (7.3.2.1).
fn video_parameter_set(params: &StreamParams, level: u8) -> Vec<u8> {
    let mut bits = BitWriter::new(Vec::new());
    bits.u(0, 4); // vps_video_parameter_set_id
    bits.u(0b11, 2); // vps_base_layer_internal_flag, vps_base_layer_available_flag
    bits.u(0, 6); // vps_max_layers_minus1
    bits.u(0, 3); // vps_max_sub_layers_minus1
    bits.flag(true); // vps_temporal_id_nesting_flag
    bits.u(0xffff, 16); // vps_reserved_0xffff_16bits
    profile_tier_level(&mut bits, params, level);
    decoded_picture_buffer(&mut bits, params);
    bits.u(0, 6); // vps_max_layer_id
    bits.ue(0); // vps_num_layer_sets_minus1
    bits.flag(false); // vps_timing_info_present_flag: the SPS has it
    bits.flag(false); // vps_extension_flag
    bits.stop();
    bits.into_bytes()
}

/// profile_tier_level(1, 0) (7.3.3).
fn profile_tier_level(bits: &mut BitWriter, params: &StreamParams, level: u8) {
    // A decoder of Main 10 can also decode Main (A.3.3), which the compatibility flags say.
    let (profile, compatible) = match (params.chroma, params.bit_depth) {
        (Chroma::Yuv420, 8) => (1, [1, 2].as_slice()),
        (Chroma::Yuv420, _) => (2, [2].as_slice()),
        (Chroma::Yuv444, _) => (4, [4].as_slice()),
    };
    bits.u(0, 2); // general_profile_space
    bits.flag(false); // general_tier_flag
    bits.u(profile, 5);
    bits.u(compatible.iter().map(|profile| 1 << (31 - profile)).sum(), 32);
    bits.flag(true); // general_progressive_source_flag
    bits.flag(false); // general_interlaced_source_flag
    bits.flag(false); // general_non_packed_constraint_flag
    bits.flag(true); // general_frame_only_constraint_flag
    // Main 4:4:4 and Main 4:4:4 10 are told apart by these flags (Table A.2): at most 12, 10, 8 bits, 4:2:2, 4:2:0,
    // monochrome, intra, one picture only, lower bit rate.
    bits.u(
        match (params.chroma, params.bit_depth) {
            (Chroma::Yuv420, _) => 0,
            (Chroma::Yuv444, 8) => 0b1_1100_0001,
            (Chroma::Yuv444, _) => 0b1_1000_0001,
        },
        9,
    );
    bits.u(0, 32); // general_reserved_zero_34bits
    bits.u(0, 2);
    bits.flag(false); // general_inbld_flag
    bits.u(level.into(), 8);
}

/// The sub-layer ordering information of VPS and SPS: buffer, reordering, latency.
fn decoded_picture_buffer(bits: &mut BitWriter, params: &StreamParams) {
    bits.flag(true); // sub_layer_ordering_info_present_flag
    bits.ue(params.num_references()); // max_dec_pic_buffering_minus1: the current picture counts
    bits.ue(params.max_reorder); // max_num_reorder_pics
    bits.ue(0); // max_latency_increase_plus1: no limit
}

/// seq_parameter_set_rbsp() (7.3.2.2).
fn sequence_parameter_set(params: &StreamParams, level: u8) -> Vec<u8> {
    let mut bits = BitWriter::new(Vec::new());
    bits.u(0, 4); // sps_video_parameter_set_id
    bits.u(0, 3); // sps_max_sub_layers_minus1
    bits.flag(true); // sps_temporal_id_nesting_flag
    profile_tier_level(&mut bits, params, level);
    bits.ue(0); // sps_seq_parameter_set_id
    frame_format(&mut bits, params);
    bits.ue(POC_LSB_BITS - 4);
    decoded_picture_buffer(&mut bits, params);
    block_sizes(&mut bits);
    bits.flag(false); // scaling_list_enabled_flag
    bits.flag(false); // amp_enabled_flag
    bits.flag(false); // sample_adaptive_offset_enabled_flag
    raw_format(&mut bits, params);
    bits.ue(0); // num_short_term_ref_pic_sets: each slice brings its own
    bits.flag(false); // long_term_ref_pics_present_flag
    bits.flag(false); // sps_temporal_mvp_enabled_flag
    bits.flag(false); // strong_intra_smoothing_enabled_flag
    bits.flag(true); // vui_parameters_present_flag
    video_usability(&mut bits, params);
    bits.flag(false); // sps_extension_present_flag
    bits.stop();
    bits.into_bytes()
}

/// Sampling, the size in luma samples, what of it is not shown, and the depth.
fn frame_format(bits: &mut BitWriter, params: &StreamParams) {
    match params.chroma {
        Chroma::Yuv420 => bits.ue(1),
        Chroma::Yuv444 => {
            bits.ue(3);
            bits.flag(false); // separate_colour_plane_flag
        }
    }
    let grid = Geometry::new(params);
    bits.ue((grid.blocks_wide * grid.block) as u32);
    bits.ue((grid.blocks_high * grid.block) as u32);
    let (crop_right, crop_bottom) = grid.crop();
    let is_cropped = crop_right > 0 || crop_bottom > 0;
    bits.flag(is_cropped); // conformance_window_flag
    if is_cropped {
        [0, crop_right, 0, crop_bottom].into_iter().for_each(|units| bits.ue(units));
    }
    bits.ue(u32::from(params.bit_depth) - 8); // bit_depth_luma_minus8
    bits.ue(u32::from(params.bit_depth) - 8); // bit_depth_chroma_minus8
}

/// Coding blocks of 32x32 only, and transforms as large.
fn block_sizes(bits: &mut BitWriter) {
    bits.ue(2); // log2_min_luma_coding_block_size_minus3
    bits.ue(0); // log2_diff_max_min_luma_coding_block_size
    bits.ue(0); // log2_min_luma_transform_block_size_minus2
    bits.ue(3); // log2_diff_max_min_luma_transform_block_size
    bits.ue(0); // max_transform_hierarchy_depth_inter
    bits.ue(0); // max_transform_hierarchy_depth_intra
}

/// Whether units may be pcm, which costs each flat unit a bin and is therefore said in lossless streams only.
fn raw_format(bits: &mut BitWriter, params: &StreamParams) {
    let is_enabled = params.mode == Mode::Lossless;
    bits.flag(is_enabled); // pcm_enabled_flag
    if is_enabled {
        bits.u(u32::from(params.bit_depth) - 1, 4); // pcm_sample_bit_depth_luma_minus1
        bits.u(u32::from(params.bit_depth) - 1, 4); // pcm_sample_bit_depth_chroma_minus1
        bits.ue(2); // log2_min_pcm_luma_coding_block_size_minus3
        bits.ue(0); // log2_diff_max_min_pcm_luma_coding_block_size
        bits.flag(true); // pcm_loop_filter_disabled_flag
    }
}

/// vui_parameters() (E.2.1): what the samples mean, and the frame rate.
fn video_usability(bits: &mut BitWriter, params: &StreamParams) {
    bits.flag(false); // aspect_ratio_info_present_flag
    bits.flag(false); // overscan_info_present_flag
    Colour::put(params.colour, bits);
    bits.flag(false); // chroma_loc_info_present_flag
    bits.flag(false); // neutral_chroma_indication_flag
    bits.flag(false); // field_seq_flag
    bits.flag(false); // frame_field_info_present_flag
    bits.flag(false); // default_display_window_flag
    bits.flag(true); // vui_timing_info_present_flag
    let (num, den) = params.frame_rate;
    bits.u(den, 32); // vui_num_units_in_tick
    bits.u(num, 32); // vui_time_scale
    bits.flag(false); // vui_poc_proportional_to_timing_flag
    bits.flag(false); // vui_hrd_parameters_present_flag
    bits.flag(false); // bitstream_restriction_flag
}

/// pic_parameter_set_rbsp() (7.3.2.3).
fn picture_parameter_set(params: &StreamParams) -> Vec<u8> {
    let mut bits = BitWriter::new(Vec::new());
    bits.ue(0); // pps_pic_parameter_set_id
    bits.ue(0); // pps_seq_parameter_set_id
    bits.flag(false); // dependent_slice_segments_enabled_flag
    bits.flag(false); // output_flag_present_flag
    bits.u(0, 3); // num_extra_slice_header_bits
    bits.flag(false); // sign_data_hiding_enabled_flag
    bits.flag(false); // cabac_init_present_flag
    bits.ue(0); // num_ref_idx_l0_default_active_minus1
    bits.ue(0); // num_ref_idx_l1_default_active_minus1
    bits.se(slice_qp(params) - 26); // init_qp_minus26
    bits.flag(false); // constrained_intra_pred_flag
    bits.flag(false); // transform_skip_enabled_flag
    bits.flag(false); // cu_qp_delta_enabled_flag
    bits.se(chroma_qp_offset(params.chroma)); // pps_cb_qp_offset
    bits.se(chroma_qp_offset(params.chroma)); // pps_cr_qp_offset
    bits.flag(false); // pps_slice_chroma_qp_offsets_present_flag
    bits.flag(false); // weighted_pred_flag
    bits.flag(false); // weighted_bipred_flag
    bits.flag(false); // transquant_bypass_enabled_flag
    bits.flag(false); // tiles_enabled_flag
    bits.flag(false); // entropy_coding_sync_enabled_flag
    bits.flag(false); // pps_loop_filter_across_slices_enabled_flag
    bits.flag(true); // deblocking_filter_control_present_flag
    bits.flag(false); // deblocking_filter_override_enabled_flag
    bits.flag(true); // pps_deblocking_filter_disabled_flag: averages must stay what they are
    bits.flag(false); // pps_scaling_list_data_present_flag
    bits.flag(false); // lists_modification_present_flag
    bits.ue(0); // log2_parallel_merge_level_minus2
    bits.flag(false); // slice_segment_header_extension_present_flag
    bits.flag(false); // pps_extension_present_flag
    bits.stop();
    bits.into_bytes()
}
