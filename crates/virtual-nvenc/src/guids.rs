//! GUIDs of codecs, profiles and presets, and the codes of input formats: what NVENC calls the things this driver knows.

use moq_nvenc::sys::nvEncodeAPI as sys;
use sys::GUID;

use crate::payload::{Codec, PixelFormat};
use crate::presets::Tuning;

/// Input formats, best first; the 10-bit ones are HEVC's alone.
const FORMATS: [(u32, PixelFormat); 8] = [
    (sys::NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_NV12 as u32, PixelFormat::Nv12),
    (sys::NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_YV12 as u32, PixelFormat::Yv12),
    (sys::NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_IYUV as u32, PixelFormat::Iyuv),
    (sys::NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_YUV444 as u32, PixelFormat::Yuv444),
    (sys::NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_ARGB as u32, PixelFormat::Argb),
    (sys::NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_ABGR as u32, PixelFormat::Abgr),
    (sys::NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_YUV420_10BIT as u32, PixelFormat::P010),
    (sys::NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_YUV444_10BIT as u32, PixelFormat::Yuv444P10),
];

/// Presets P1 to P7.
pub const PRESETS: [GUID; 7] = [
    sys::NV_ENC_PRESET_P1_GUID,
    sys::NV_ENC_PRESET_P2_GUID,
    sys::NV_ENC_PRESET_P3_GUID,
    sys::NV_ENC_PRESET_P4_GUID,
    sys::NV_ENC_PRESET_P5_GUID,
    sys::NV_ENC_PRESET_P6_GUID,
    sys::NV_ENC_PRESET_P7_GUID,
];

/// The presets that left the header with 12.1, and what NVIDIA's migration table says they became.
pub const LEGACY_PRESETS: [(GUID, u32, Tuning); 9] = [
    (legacy(0xb2df_b705, 0x4ebd, 0x4c49, 0x9b5f_24a7_77d3_e587), 3, Tuning::HighQuality), // default
    (legacy(0x60e4_c59f, 0xe846, 0x4484, 0xa56d_cd45_be9f_ddf6), 2, Tuning::HighQuality), // high performance
    (legacy(0x34db_a71d, 0xa77b, 0x4b8f, 0x9c3e_b6d5_da24_c012), 4, Tuning::HighQuality), // high quality
    (legacy(0x82e3_e450, 0xbdbb, 0x4e40, 0x989c_82a9_0df9_ef32), 4, Tuning::HighQuality), // Blu-ray
    (legacy(0x49df_21c5, 0x6dfa, 0x4feb, 0x9787_6acc_9eff_b726), 3, Tuning::LowLatency),  // low latency
    (legacy(0xc5f7_33b9, 0xea97, 0x4cf9, 0xbec2_bf78_a74f_d105), 4, Tuning::LowLatency),  // its high quality
    (legacy(0x6708_2a44, 0x4bad, 0x48fa, 0x98ea_9305_6d15_0a58), 2, Tuning::LowLatency),  // its high performance
    (legacy(0xd5bf_b716, 0xc604, 0x44e7, 0x9bb8_dea5_510f_c3ac), 3, Tuning::Lossless),    // lossless
    (legacy(0x1499_98e7, 0x2364, 0x411d, 0x82ef_1798_8809_3409), 2, Tuning::Lossless),    // its high performance
];

const fn legacy(first: u32, second: u16, third: u16, rest: u64) -> GUID {
    GUID { Data1: first, Data2: second, Data3: third, Data4: rest.to_be_bytes() }
}

pub const AUTOSELECT_PROFILE: GUID = sys::NV_ENC_CODEC_PROFILE_AUTOSELECT_GUID;

const H264_PROFILES: [GUID; 6] = [
    AUTOSELECT_PROFILE,
    sys::NV_ENC_H264_PROFILE_BASELINE_GUID,
    sys::NV_ENC_H264_PROFILE_MAIN_GUID,
    sys::NV_ENC_H264_PROFILE_HIGH_GUID,
    sys::NV_ENC_H264_PROFILE_PROGRESSIVE_HIGH_GUID,
    sys::NV_ENC_H264_PROFILE_HIGH_444_GUID,
];

const HEVC_PROFILES: [GUID; 4] = [
    AUTOSELECT_PROFILE,
    sys::NV_ENC_HEVC_PROFILE_MAIN_GUID,
    sys::NV_ENC_HEVC_PROFILE_MAIN10_GUID,
    sys::NV_ENC_HEVC_PROFILE_FREXT_GUID,
];

pub fn format(code: u32) -> Option<PixelFormat> {
    FORMATS.into_iter().find(|(known, _)| *known == code).map(|(_, format)| format)
}

/// What `NV_ENC_BUFFER_FORMAT` calls the format.
pub fn format_code(format: PixelFormat) -> u32 {
    FORMATS.into_iter().find(|(_, known)| *known == format).map_or(0, |(code, _)| code)
}

/// The codes of the formats a codec takes.
pub fn format_codes(codec: Codec) -> Vec<u32> {
    let takes = |format: PixelFormat| codec == Codec::Hevc || format.bit_depth() == 8;
    FORMATS.into_iter().filter(|(_, format)| takes(*format)).map(|(code, _)| code).collect()
}

pub fn codec(guid: GUID) -> Option<Codec> {
    [Codec::H264, Codec::Hevc].into_iter().find(|codec| codec_guid(*codec) == guid)
}

pub fn codec_guid(codec: Codec) -> GUID {
    match codec {
        Codec::H264 => sys::NV_ENC_CODEC_H264_GUID,
        Codec::Hevc => sys::NV_ENC_CODEC_HEVC_GUID,
    }
}

pub fn profiles(codec: Codec) -> &'static [GUID] {
    match codec {
        Codec::H264 => &H264_PROFILES,
        Codec::Hevc => &HEVC_PROFILES,
    }
}

/// The preset's level, 1 to 7.
pub fn preset_level(guid: GUID) -> Option<u32> {
    (1..).zip(PRESETS).find(|(_, known)| *known == guid).map(|(level, _)| level)
}

/// The level and tuning that a preset of the older headers stands for.
pub fn legacy_preset(guid: GUID) -> Option<(u32, Tuning)> {
    LEGACY_PRESETS.into_iter().find(|(known, ..)| *known == guid).map(|(_, level, tuning)| (level, tuning))
}
