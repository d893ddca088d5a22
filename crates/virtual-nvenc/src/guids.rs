//! GUIDs of codecs, profiles and presets, and the codes of input formats: what NVENC calls the things this driver knows.

use moq_nvenc::sys::nvEncodeAPI as sys;
use sys::GUID;

use crate::payload::{Codec, PixelFormat};

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
