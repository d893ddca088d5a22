//! The part of a configuration that each codec has in a struct of its own: samples, references, intra refresh, colours.
//!
//! Calls nothing. Only the union member of the codec being set up is written, and bit fields are plain bytes: every `unsafe` block
//! here relies on that.

use std::mem::MaybeUninit;

use moq_nvenc::sys::nvEncodeAPI as sys;

use super::put;
use crate::contract::{BReference, Codec, Colour, EncoderConfig, PixelFormat};

/// `chroma_format_idc` of 4:4:4 (H.264 table 6-1, H.265 table 6-1).
const CHROMA_444: u32 = 3;
/// `video_format` (H.264 table E-2, H.265 table E.2).
const UNSPECIFIED_VIDEO_FORMAT: u32 = 5;

/// Turns what the preset says of pictures into what was asked for.
pub(super) fn adjust(preset: &mut MaybeUninit<sys::NV_ENC_PRESET_CONFIG>, config: &EncoderConfig) {
    adjust_samples(preset, config.codec, config.encoded_format());
    if let Some(mode) = config.nvenc.b_reference {
        refer_to_b(preset, config.codec, mode);
    }
    if let Some(period) = config.nvenc.intra_refresh {
        refresh(preset, config.codec, period);
    }
    if let Some(colour) = config.colour {
        say_colour(preset, config.codec, colour);
    }
}

/// A preset is for 8-bit 4:2:0; other samples need their depth or sampling said, and a profile that has it.
fn adjust_samples(preset: &mut MaybeUninit<sys::NV_ENC_PRESET_CONFIG>, codec: Codec, format: PixelFormat) {
    // SAFETY: only the union member of the codec being set up is written; bit fields are plain bytes.
    unsafe {
        match (format, codec) {
            (PixelFormat::P010, Codec::Hevc) => {
                put!(preset.presetCfg.profileGUID = sys::NV_ENC_HEVC_PROFILE_MAIN10_GUID);
                (*preset.as_mut_ptr()).presetCfg.encodeCodecConfig.hevcConfig._bitfield_1.set(11, 3, 2); // pixelBitDepthMinus8
            }
            (PixelFormat::P010, Codec::Av1) => {
                (*preset.as_mut_ptr()).presetCfg.encodeCodecConfig.av1Config._bitfield_1.set(12, 3, 2); // inputPixelBitDepthMinus8
                (*preset.as_mut_ptr()).presetCfg.encodeCodecConfig.av1Config._bitfield_1.set(15, 3, 2); // pixelBitDepthMinus8
            }
            (PixelFormat::Yuv444, Codec::H264) => {
                put!(preset.presetCfg.profileGUID = sys::NV_ENC_H264_PROFILE_HIGH_444_GUID);
                put!(preset.presetCfg.encodeCodecConfig.h264Config.chromaFormatIDC = CHROMA_444);
            }
            (PixelFormat::Yuv444, Codec::Hevc) => {
                put!(preset.presetCfg.profileGUID = sys::NV_ENC_HEVC_PROFILE_FREXT_GUID);
                let idc = u64::from(CHROMA_444);
                (*preset.as_mut_ptr()).presetCfg.encodeCodecConfig.hevcConfig._bitfield_1.set(9, 2, idc); // chromaFormatIDC
            }
            // Refused before: no device offers it.
            (PixelFormat::P010, Codec::H264 | Codec::Vp9) | (PixelFormat::Yuv444, Codec::Av1 | Codec::Vp9) => {}
            (PixelFormat::Nv12 | PixelFormat::I420 | PixelFormat::Argb, _) => {}
        }
    }
}

fn refer_to_b(preset: &mut MaybeUninit<sys::NV_ENC_PRESET_CONFIG>, codec: Codec, mode: BReference) {
    use sys::NV_ENC_BFRAME_REF_MODE as Mode;
    let mode = match mode {
        BReference::Off => Mode::NV_ENC_BFRAME_REF_MODE_DISABLED,
        BReference::Each => Mode::NV_ENC_BFRAME_REF_MODE_EACH,
        BReference::Middle => Mode::NV_ENC_BFRAME_REF_MODE_MIDDLE,
    };
    // SAFETY: only the union member of the codec being set up is written.
    unsafe {
        match codec {
            Codec::H264 => put!(preset.presetCfg.encodeCodecConfig.h264Config.useBFramesAsRef = mode),
            Codec::Hevc => put!(preset.presetCfg.encodeCodecConfig.hevcConfig.useBFramesAsRef = mode),
            Codec::Av1 => put!(preset.presetCfg.encodeCodecConfig.av1Config.useBFramesAsRef = mode),
            Codec::Vp9 => {}
        }
    }
}

/// The place of `enableIntraRefresh` in the codec's bit field.
pub(in crate::nvenc) fn intra_refresh_bit(codec: Codec) -> usize {
    match codec {
        Codec::H264 => 10,
        Codec::Hevc => 8,
        Codec::Av1 | Codec::Vp9 => 6,
    }
}

/// An intra refresh begins every `period` frames, and takes all of them but one, which is the most that the header allows and
/// what FFmpeg asks for.
fn refresh(preset: &mut MaybeUninit<sys::NV_ENC_PRESET_CONFIG>, codec: Codec, period: u32) {
    macro_rules! put_refresh {
        ($member:ident) => {{
            let num_frames = period.saturating_sub(1);
            put!(preset.presetCfg.encodeCodecConfig.$member.intraRefreshPeriod = period);
            put!(preset.presetCfg.encodeCodecConfig.$member.intraRefreshCnt = num_frames);
            let flags = &raw mut (*preset.as_mut_ptr()).presetCfg.encodeCodecConfig.$member._bitfield_1;
            (*flags).set_bit(intra_refresh_bit(codec), period > 0);
        }};
    }
    // SAFETY: only the union member of the codec being set up is written; bit fields are plain bytes.
    unsafe {
        match codec {
            Codec::H264 => put_refresh!(h264Config),
            Codec::Hevc => put_refresh!(hevcConfig),
            Codec::Av1 => put_refresh!(av1Config),
            Codec::Vp9 => {}
        }
    }
}

/// Into the VUI of H.264 and HEVC, and the colour description of AV1. The header's numbers are those of H.273; a number that its
/// enums lack is written as it is.
fn say_colour(preset: &mut MaybeUninit<sys::NV_ENC_PRESET_CONFIG>, codec: Codec, colour: Colour) {
    let [primaries, transfer, matrix] = [colour.primaries, colour.transfer, colour.matrix].map(u32::from);
    macro_rules! put_number {
        ($($field:ident).+ = $number:expr) => {
            (&raw mut (*preset.as_mut_ptr()).presetCfg.encodeCodecConfig.$($field).+).cast::<u32>().write($number)
        };
    }
    macro_rules! put_vui {
        ($member:ident.$vui:ident) => {{
            put_number!($member.$vui.videoSignalTypePresentFlag = 1);
            put_number!($member.$vui.videoFormat = UNSPECIFIED_VIDEO_FORMAT);
            put_number!($member.$vui.videoFullRangeFlag = colour.is_full_range.into());
            put_number!($member.$vui.colourDescriptionPresentFlag = colour.has_description().into());
            put_number!($member.$vui.colourPrimaries = primaries);
            put_number!($member.$vui.transferCharacteristics = transfer);
            put_number!($member.$vui.colourMatrix = matrix);
        }};
    }
    // SAFETY: only the union member of the codec being set up is written; each field is 32 bits wide.
    unsafe {
        match codec {
            Codec::H264 => put_vui!(h264Config.h264VUIParameters),
            Codec::Hevc => put_vui!(hevcConfig.hevcVUIParameters),
            Codec::Av1 => {
                put_number!(av1Config.colorRange = colour.is_full_range.into());
                put_number!(av1Config.colorPrimaries = primaries);
                put_number!(av1Config.transferCharacteristics = transfer);
                put_number!(av1Config.matrixCoefficients = matrix);
            }
            Codec::Vp9 => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{adjust_preset, get};
    use super::*;
    use crate::contract::{Dimensions, FrameRate};

    /// An adjusted preset, and what the header's own accessors find in it.
    fn adjusted<R>(codec: Codec, format: PixelFormat, read: impl Fn(&sys::NV_ENC_CODEC_CONFIG) -> R) -> (sys::GUID, R) {
        let (dimensions, rate) = (Dimensions { width: 64, height: 48 }, FrameRate { num: 30, den: 1 });
        let mut preset = MaybeUninit::<sys::NV_ENC_PRESET_CONFIG>::zeroed();
        adjust_preset(&mut preset, &EncoderConfig::new(codec, dimensions, rate, format));
        // SAFETY: both fields are in the zeroed struct, and every enum of the codecs' configurations has a zero.
        unsafe {
            let profile = get!(preset.presetCfg.profileGUID as sys::GUID);
            (profile, read(&(*preset.as_ptr()).presetCfg.encodeCodecConfig))
        }
    }

    #[test]
    fn depth_and_sampling_are_where_the_header_has_them() {
        // SAFETY: see `adjusted`.
        let hevc = |all: &sys::NV_ENC_CODEC_CONFIG| unsafe {
            (all.hevcConfig.pixelBitDepthMinus8(), all.hevcConfig.chromaFormatIDC())
        };
        // SAFETY: see `adjusted`.
        let av1 = |all: &sys::NV_ENC_CODEC_CONFIG| unsafe {
            (all.av1Config.inputPixelBitDepthMinus8(), all.av1Config.pixelBitDepthMinus8())
        };
        // SAFETY: see `adjusted`.
        let h264 = |all: &sys::NV_ENC_CODEC_CONFIG| unsafe { all.h264Config.chromaFormatIDC };
        let none = sys::GUID { Data1: 0, Data2: 0, Data3: 0, Data4: [0; 8] };
        assert_eq!(adjusted(Codec::Hevc, PixelFormat::P010, hevc), (sys::NV_ENC_HEVC_PROFILE_MAIN10_GUID, (2, 0)));
        assert_eq!(adjusted(Codec::Hevc, PixelFormat::Yuv444, hevc), (sys::NV_ENC_HEVC_PROFILE_FREXT_GUID, (0, 3)));
        assert_eq!(adjusted(Codec::Av1, PixelFormat::P010, av1), (none, (2, 2)));
        assert_eq!(adjusted(Codec::H264, PixelFormat::Yuv444, h264), (sys::NV_ENC_H264_PROFILE_HIGH_444_GUID, 3));
        for format in [PixelFormat::Nv12, PixelFormat::I420, PixelFormat::Argb] {
            assert_eq!(adjusted(Codec::Hevc, format, hevc), (none, (0, 0)), "the preset's own stays");
        }
    }
}
