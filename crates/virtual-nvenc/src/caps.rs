//! `NvEncGetEncodeCaps`: what the device says it can do, which is what this driver does and no more.

use moq_nvenc::sys::nvEncodeAPI::NV_ENC_CAPS;

use crate::config::DeviceConfig;
use crate::payload::Codec;

/// B pictures between two references.
pub const MAX_B_FRAMES: u32 = 4;

/// Pictures of lookahead.
pub const MAX_LOOKAHEAD: u32 = 32;

/// The smallest width and height.
pub const MIN_SIZE: u32 = 16;

/// The members of `NV_ENC_CAPS` that headers after 12.1 added and clients of 13.0 ask for.
const NUM_KNOWN_CAPS: u32 = 64;

/// The largest width and height.
pub fn max_size(codec: Codec) -> (u32, u32) {
    match codec {
        Codec::H264 => (4096, 4096),
        Codec::Hevc => (8192, 8192),
    }
}

/// The value of one capability; 0 where the device cannot do it, nothing where the capability does not exist.
pub fn value(config: &DeviceConfig, codec: Codec, capability: u32) -> Option<i32> {
    const fn is(cap: NV_ENC_CAPS) -> u32 {
        cap as u32
    }
    use NV_ENC_CAPS as C;
    let (max_width, max_height) = max_size(codec);
    let blocks = (max_width / 16) * (max_height / 16);
    let value: u32 = match capability {
        cap if cap == is(C::NV_ENC_CAPS_NUM_MAX_BFRAMES) => MAX_B_FRAMES,
        cap if cap == is(C::NV_ENC_CAPS_SUPPORTED_RATECONTROL_MODES) => 0b11, // VBR | CBR, constant QP is 0
        cap if cap == is(C::NV_ENC_CAPS_LEVEL_MAX) => max_level(codec),
        cap if cap == is(C::NV_ENC_CAPS_LEVEL_MIN) => min_level(codec),
        cap if cap == is(C::NV_ENC_CAPS_WIDTH_MAX) => max_width,
        cap if cap == is(C::NV_ENC_CAPS_HEIGHT_MAX) => max_height,
        cap if cap == is(C::NV_ENC_CAPS_WIDTH_MIN) || cap == is(C::NV_ENC_CAPS_HEIGHT_MIN) => MIN_SIZE,
        cap if cap == is(C::NV_ENC_CAPS_SUPPORT_DYN_RES_CHANGE) => 1,
        cap if cap == is(C::NV_ENC_CAPS_SUPPORT_DYN_BITRATE_CHANGE) => 1,
        cap if cap == is(C::NV_ENC_CAPS_SUPPORT_DYN_RCMODE_CHANGE) => 1,
        cap if cap == is(C::NV_ENC_CAPS_SUPPORT_CUSTOM_VBV_BUF_SIZE) => 1,
        cap if cap == is(C::NV_ENC_CAPS_MB_NUM_MAX) => blocks,
        cap if cap == is(C::NV_ENC_CAPS_MB_PER_SEC_MAX) => macroblocks_per_second(config, codec),
        cap if cap == is(C::NV_ENC_CAPS_SUPPORT_LOSSLESS_ENCODE) => 1,
        cap if cap == is(C::NV_ENC_CAPS_SUPPORT_YUV444_ENCODE) => 1,
        cap if cap == is(C::NV_ENC_CAPS_SUPPORT_10BIT_ENCODE) => u32::from(codec == Codec::Hevc),
        cap if cap == is(C::NV_ENC_CAPS_SUPPORT_LOOKAHEAD) => 1,
        cap if cap == is(C::NV_ENC_CAPS_SUPPORT_INTRA_REFRESH) => 1,
        cap if cap == is(C::NV_ENC_CAPS_SUPPORT_BFRAME_REF_MODE) => 2, // the middle one
        cap if cap == is(C::NV_ENC_CAPS_DYNAMIC_QUERY_ENCODER_CAPACITY) => 100, // "always" on Linux, says the header
        cap if cap == is(C::NV_ENC_CAPS_NUM_ENCODER_ENGINES) => config.engines,
        cap if cap < NUM_KNOWN_CAPS => 0,
        _ => return None,
    };
    i32::try_from(value).ok()
}

/// What one engine does at 1080p and preset P1.
fn macroblocks_per_second(config: &DeviceConfig, codec: Codec) -> u32 {
    let interval_ns = config.service(codec, 1, 1920, 1080).interval_ns.max(1);
    u32::try_from(8160 * 1_000_000_000 / interval_ns).unwrap_or(u32::MAX).min(i32::MAX as u32)
}

/// `NV_ENC_LEVEL`: H.264 5.2 as 52 (written 62 for 6.2), HEVC levels times 30.
fn max_level(codec: Codec) -> u32 {
    match codec {
        Codec::H264 => 62,
        Codec::Hevc => 186,
    }
}

fn min_level(codec: Codec) -> u32 {
    match codec {
        Codec::H264 => 10,
        Codec::Hevc => 30,
    }
}
