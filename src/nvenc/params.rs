//! From our configuration to NVENC's parameter structs, and from its numbers to our words.
//!
//! Calls nothing. Parameter structs live as `MaybeUninit` and are written and read field by field through their
//! address: several hold enums without a zero, and drivers may write values that the header's enums do not have, so
//! such a struct must never exist as a Rust value.

mod pictures;

pub(super) use pictures::intra_refresh_bit;

use std::mem::MaybeUninit;

use moq_nvenc::sys::nvEncodeAPI as sys;

use crate::contract::{Codec, EncoderConfig, PictureKind, PixelFormat, Preset, RateControl, SplitEncoding, TuningInfo};

/// A bit of `NV_ENC_RC_PARAMS`.
const ENABLE_LOOKAHEAD: usize = 5;
/// GOP where nobody asked for one and B pictures forbid an infinite one.
const GOP_WITH_B: u32 = 250;

/// Writes one field of a `MaybeUninit` parameter struct.
macro_rules! put {
    ($params:ident.$($field:ident).+ = $value:expr) => {
        (&raw mut (*$params.as_mut_ptr()).$($field).+).write($value)
    };
}

/// Reads one field of a `MaybeUninit` parameter struct as a plain type of the same size.
macro_rules! get {
    ($params:ident.$($field:ident).+ as $type:ty) => {
        (&raw const (*$params.as_ptr()).$($field).+).cast::<$type>().read()
    };
}

pub(super) use {get, put};

/// Names the codec in NVENC's words.
pub(super) fn codec_guid(codec: Codec) -> sys::GUID {
    match codec {
        Codec::H264 => sys::NV_ENC_CODEC_H264_GUID,
        Codec::Hevc => sys::NV_ENC_CODEC_HEVC_GUID,
        Codec::Av1 => sys::NV_ENC_CODEC_AV1_GUID,
        // It has none, and no driver offers the empty GUID.
        Codec::Vp9 => sys::GUID { Data1: 0, Data2: 0, Data3: 0, Data4: [0; 8] },
    }
}

/// The codec of a GUID, if it is one of ours.
pub(super) fn codec_of(guid: &sys::GUID) -> Option<Codec> {
    Codec::ENCODED.into_iter().find(|&codec| codec_guid(codec) == *guid)
}

pub(super) fn preset_guid(preset: Preset) -> sys::GUID {
    match preset {
        Preset::P1 => sys::NV_ENC_PRESET_P1_GUID,
        Preset::P2 => sys::NV_ENC_PRESET_P2_GUID,
        Preset::P3 => sys::NV_ENC_PRESET_P3_GUID,
        Preset::P4 => sys::NV_ENC_PRESET_P4_GUID,
        Preset::P5 => sys::NV_ENC_PRESET_P5_GUID,
        Preset::P6 => sys::NV_ENC_PRESET_P6_GUID,
        Preset::P7 => sys::NV_ENC_PRESET_P7_GUID,
    }
}

pub(super) fn tuning_info(tuning: TuningInfo) -> sys::NV_ENC_TUNING_INFO {
    match tuning {
        TuningInfo::Ull => sys::NV_ENC_TUNING_INFO::NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY,
        TuningInfo::Ll => sys::NV_ENC_TUNING_INFO::NV_ENC_TUNING_INFO_LOW_LATENCY,
        TuningInfo::Hq => sys::NV_ENC_TUNING_INFO::NV_ENC_TUNING_INFO_HIGH_QUALITY,
    }
}

/// Numbers of `NV_ENC_SPLIT_ENCODE_MODE`; four strips came with API 13.0.
fn split_mode(split: SplitEncoding) -> u8 {
    match split {
        SplitEncoding::Auto => 0,
        SplitEncoding::Two => 2,
        SplitEncoding::Three => 3,
        SplitEncoding::Four => 4,
        SplitEncoding::Off => 15,
    }
}

pub(super) fn buffer_format(format: PixelFormat) -> sys::NV_ENC_BUFFER_FORMAT {
    match format {
        PixelFormat::Nv12 => sys::_NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_NV12,
        PixelFormat::I420 => sys::_NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_IYUV,
        PixelFormat::Argb => sys::_NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_ARGB,
        PixelFormat::P010 => sys::_NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_YUV420_10BIT,
        PixelFormat::Yuv444 => sys::_NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_YUV444,
    }
}

/// Numbers of `NV_ENC_PIC_TYPE`.
pub(super) fn picture_kind(pic_type: u32) -> PictureKind {
    match pic_type {
        // 6: the first of an intra refresh, as the header has it; 7: one that nothing refers to.
        0 | 6 | 7 => PictureKind::P,
        1 => PictureKind::B,
        2 => PictureKind::I,
        3 => PictureKind::Idr,
        _ => PictureKind::Other,
    }
}

/// Turns the driver's preset into what was asked for: GOP, B pictures, rate control, parameter sets before each IDR.
pub(super) fn adjust_preset(preset: &mut MaybeUninit<sys::NV_ENC_PRESET_CONFIG>, config: &EncoderConfig) {
    // The header: with an infinite GOP, frameIntervalP should be 1.
    let default_gop = if config.b_frames == 0 { sys::NVENC_INFINITE_GOPLENGTH } else { GOP_WITH_B };
    let gop_length = config.gop_length.unwrap_or(default_gop);
    // SAFETY: writes stay inside `preset`, whose every field was zeroed before the driver filled it.
    unsafe {
        put!(preset.presetCfg.version = sys::NV_ENC_CONFIG_VER);
        put!(preset.presetCfg.gopLength = gop_length);
        put!(preset.presetCfg.frameIntervalP = config.b_frames as i32 + 1);
    }
    adjust_codec(preset, config.codec, gop_length);
    pictures::adjust(preset, config);
    adjust_rate_control(preset, config.rate_control);
    if let Some(num_frames) = config.nvenc.lookahead {
        look_ahead(preset, num_frames);
    }
    if let Some(bits) = config.nvenc.vbv_bits {
        // SAFETY: as above.
        unsafe { put!(preset.presetCfg.rcParams.vbvBufferSize = bits) };
    }
}

/// Frames that the encoder looks ahead, as the driver's preset has it or as it was changed.
pub(super) fn lookahead_of(preset: &MaybeUninit<sys::NV_ENC_PRESET_CONFIG>) -> u32 {
    // SAFETY: every field was zeroed before the driver filled the struct; bit fields are plain bytes.
    let (is_on, depth) = unsafe {
        let rate = &raw const (*preset.as_ptr()).presetCfg.rcParams;
        ((*rate)._bitfield_1.get_bit(ENABLE_LOOKAHEAD), get!(preset.presetCfg.rcParams.lookaheadDepth as u16))
    };
    if is_on { depth.into() } else { 0 }
}

/// Makes the encoder look so many frames ahead.
fn look_ahead(preset: &mut MaybeUninit<sys::NV_ENC_PRESET_CONFIG>, num_frames: u16) {
    // SAFETY: writes stay inside `preset`; bit fields are plain bytes.
    unsafe {
        (*preset.as_mut_ptr()).presetCfg.rcParams._bitfield_1.set_bit(ENABLE_LOOKAHEAD, num_frames > 0);
        put!(preset.presetCfg.rcParams.lookaheadDepth = num_frames);
    }
}

/// A stream that can be joined at every IDR needs its parameter sets there, not only at the start.
fn adjust_codec(preset: &mut MaybeUninit<sys::NV_ENC_PRESET_CONFIG>, codec: Codec, gop_length: u32) {
    // SAFETY: only the union member of the codec being set up is written; bit fields are plain bytes.
    unsafe {
        match codec {
            Codec::H264 => {
                put!(preset.presetCfg.encodeCodecConfig.h264Config.idrPeriod = gop_length);
                (*preset.as_mut_ptr()).presetCfg.encodeCodecConfig.h264Config._bitfield_1.set_bit(12, true); // repeatSPSPPS
            }
            Codec::Hevc => {
                put!(preset.presetCfg.encodeCodecConfig.hevcConfig.idrPeriod = gop_length);
                (*preset.as_mut_ptr()).presetCfg.encodeCodecConfig.hevcConfig._bitfield_1.set_bit(7, true); // repeatSPSPPS
            }
            Codec::Av1 => {
                put!(preset.presetCfg.encodeCodecConfig.av1Config.idrPeriod = gop_length);
                (*preset.as_mut_ptr()).presetCfg.encodeCodecConfig.av1Config._bitfield_1.set_bit(5, true); // repeatSeqHdr
            }
            // Refused before: no device offers it.
            Codec::Vp9 => {}
        }
    }
}

fn adjust_rate_control(preset: &mut MaybeUninit<sys::NV_ENC_PRESET_CONFIG>, rate_control: RateControl) {
    use sys::_NV_ENC_PARAMS_RC_MODE as Mode;
    // SAFETY: writes stay inside `preset`.
    unsafe {
        match rate_control {
            RateControl::Preset => {}
            RateControl::Cbr { bitrate_bps } => {
                put!(preset.presetCfg.rcParams.rateControlMode = Mode::NV_ENC_PARAMS_RC_CBR);
                put!(preset.presetCfg.rcParams.averageBitRate = bitrate_bps);
                put!(preset.presetCfg.rcParams.maxBitRate = bitrate_bps);
            }
            RateControl::Vbr { bitrate_bps, max_bitrate_bps } => {
                put!(preset.presetCfg.rcParams.rateControlMode = Mode::NV_ENC_PARAMS_RC_VBR);
                put!(preset.presetCfg.rcParams.averageBitRate = bitrate_bps);
                put!(preset.presetCfg.rcParams.maxBitRate = max_bitrate_bps);
            }
            RateControl::Cqp { qp } => {
                put!(preset.presetCfg.rcParams.rateControlMode = Mode::NV_ENC_PARAMS_RC_CONSTQP);
                let qp = sys::NV_ENC_QP { qpInterP: qp, qpInterB: qp, qpIntra: qp };
                put!(preset.presetCfg.rcParams.constQP = qp);
            }
        }
    }
}

/// The initialisation that goes with an adjusted preset, whose configuration it points into.
pub(super) fn initialize_params(
    config: &EncoderConfig,
    preset: &mut MaybeUninit<sys::NV_ENC_PRESET_CONFIG>,
) -> MaybeUninit<sys::NV_ENC_INITIALIZE_PARAMS> {
    let mut params = MaybeUninit::<sys::NV_ENC_INITIALIZE_PARAMS>::zeroed();
    // SAFETY: writes stay inside `params`; the pointer written is that of `preset`, which the caller keeps until the
    // call that reads it has returned.
    unsafe {
        put!(params.version = sys::NV_ENC_INITIALIZE_PARAMS_VER);
        put!(params.encodeGUID = codec_guid(config.codec));
        put!(params.presetGUID = preset_guid(config.nvenc.preset));
        put!(params.tuningInfo = tuning_info(config.nvenc.tuning_info));
        put!(params.encodeWidth = config.dimensions.width);
        put!(params.encodeHeight = config.dimensions.height);
        put!(params.maxEncodeWidth = config.dimensions.width);
        put!(params.maxEncodeHeight = config.dimensions.height);
        put!(params.darWidth = config.dimensions.width);
        put!(params.darHeight = config.dimensions.height);
        put!(params.frameRateNum = config.frame_rate.num);
        put!(params.frameRateDen = config.frame_rate.den);
        // The driver decides picture types: without this, B pictures and FORCEIDR would be ours to arrange.
        put!(params.enablePTD = 1);
        // Bits 5 to 8. It does not apply to H.264.
        if config.codec != Codec::H264 {
            (*params.as_mut_ptr())._bitfield_1.set(5, 4, split_mode(config.nvenc.split).into());
        }
        put!(params.encodeConfig = &raw mut (*preset.as_mut_ptr()).presetCfg);
    }
    params
}
