//! What a session's device can encode, and what a configuration asks beyond that.

use std::mem::MaybeUninit;

use moq_nvenc::sys::nvEncodeAPI as sys;

use super::Session;
use crate::calls::{self, Call};
use crate::contract::{BReference, Codec, Dimensions, EncoderConfig, PixelFormat};
use crate::nvenc::error::NvencError;
use crate::nvenc::params::{self, put};

/// What a codec of this device can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct CodecCaps {
    pub codec: Codec,
    pub min: Dimensions,
    pub max: Dimensions,
    pub max_b_frames: u32,
    pub engines: u32,
}

/// More codecs than there are.
const MAX_GUIDS: u32 = 256;

impl Session {
    /// Codecs the device offers, of those this program knows.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn codecs(&self) -> Result<Vec<Codec>, NvencError> {
        let mut count = 0;
        let _call = calls::enter(Call::Ask);
        // SAFETY: the pointer is valid for the u32 written.
        let status = unsafe { (self.api.entries.guid_count)(self.encoder, &raw mut count) };
        self.check("nvEncGetEncodeGUIDCount", status)?;
        if count > MAX_GUIDS {
            return Err(NvencError::Absurd { call: "nvEncGetEncodeGUIDCount", problem: format!("{count} codecs") });
        }
        let mut guids = vec![sys::GUID { Data1: 0, Data2: 0, Data3: 0, Data4: [0; 8] }; count as usize];
        let mut filled = 0;
        let _call = calls::enter(Call::Ask);
        // SAFETY: `guids` has room for `count` entries, and the driver writes no more than that.
        let status = unsafe { (self.api.entries.guids)(self.encoder, guids.as_mut_ptr(), count, &raw mut filled) };
        self.check("nvEncGetEncodeGUIDs", status)?;
        guids.truncate(filled as usize);
        Ok(guids.iter().filter_map(params::codec_of).collect())
    }

    /// Limits of one codec the device offers.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn caps(&self, codec: Codec) -> Result<CodecCaps, NvencError> {
        use sys::_NV_ENC_CAPS as Caps;
        let ask = |cap| self.cap(codec, cap);
        Ok(CodecCaps {
            codec,
            min: Dimensions { width: ask(Caps::NV_ENC_CAPS_WIDTH_MIN)?, height: ask(Caps::NV_ENC_CAPS_HEIGHT_MIN)? },
            max: Dimensions { width: ask(Caps::NV_ENC_CAPS_WIDTH_MAX)?, height: ask(Caps::NV_ENC_CAPS_HEIGHT_MAX)? },
            max_b_frames: ask(Caps::NV_ENC_CAPS_NUM_MAX_BFRAMES)?,
            engines: ask(Caps::NV_ENC_CAPS_NUM_ENCODER_ENGINES)?,
        })
    }

    fn cap(&self, codec: Codec, cap: sys::NV_ENC_CAPS) -> Result<u32, NvencError> {
        let mut params = MaybeUninit::<sys::NV_ENC_CAPS_PARAM>::zeroed();
        let mut value = 0;
        let _call = calls::enter(Call::Ask);
        // SAFETY: the struct is zeroed and written in place; both pointers are valid during the call.
        let status = unsafe {
            put!(params.version = sys::NV_ENC_CAPS_PARAM_VER);
            put!(params.capsToQuery = cap);
            let guid = params::codec_guid(codec);
            (self.api.entries.caps)(self.encoder, guid, params.as_mut_ptr(), &raw mut value)
        };
        self.check("nvEncGetEncodeCaps", status)?;
        Ok(u32::try_from(value).unwrap_or(0))
    }

    /// Says what the device cannot do, before the driver has to refuse it.
    pub(super) fn check_abilities(&self, config: &EncoderConfig) -> Result<(), NvencError> {
        let (codec, dimensions) = (config.codec, config.dimensions);
        let offered = self.codecs()?;
        if !offered.contains(&codec) {
            let offered = offered.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            return Err(NvencError::NoCodec { codec, offered });
        }
        let CodecCaps { min, max, max_b_frames, .. } = self.caps(codec)?;
        let fits = |value, least, most| (least..=most).contains(&value);
        if !fits(dimensions.width, min.width, max.width) || !fits(dimensions.height, min.height, max.height) {
            return Err(NvencError::Size { codec, dimensions, min, max });
        }
        if config.b_frames > max_b_frames {
            return Err(NvencError::BFrames { codec, asked: config.b_frames, max: max_b_frames });
        }
        self.check_pictures(config)?;
        self.check_samples(codec, config.encoded_format())
    }

    /// Capabilities by the header: which B-frames may be referred to is 1 (each), 2 (the middle one) or 3 (either).
    fn check_pictures(&self, config: &EncoderConfig) -> Result<(), NvencError> {
        use sys::_NV_ENC_CAPS as Caps;
        let (codec, nvenc) = (config.codec, config.nvenc);
        let needed = match nvenc.b_reference {
            None | Some(BReference::Off) => 0,
            Some(BReference::Each) => 1,
            Some(BReference::Middle) => 2,
        };
        if needed > 0 {
            let modes = self.cap(codec, Caps::NV_ENC_CAPS_SUPPORT_BFRAME_REF_MODE)?;
            let known = if modes == 0 {
                "off"
            } else if modes == 1 {
                "each or off"
            } else {
                "middle or off"
            };
            if modes & needed == 0 {
                return Err(NvencError::BReference { codec, known });
            }
        }
        let refreshes = nvenc.intra_refresh.is_some_and(|period| period > 0);
        if refreshes && self.cap(codec, Caps::NV_ENC_CAPS_SUPPORT_INTRA_REFRESH)? == 0 {
            return Err(NvencError::IntraRefresh { codec });
        }
        Ok(())
    }

    fn check_samples(&self, codec: Codec, format: PixelFormat) -> Result<(), NvencError> {
        use sys::_NV_ENC_CAPS as Caps;
        let needed = match (format, codec) {
            (PixelFormat::Nv12 | PixelFormat::I420 | PixelFormat::Argb, _) => return Ok(()),
            // API 12.1 has no depth for H.264, whatever a newer device could do.
            (PixelFormat::P010, Codec::H264) => return Err(NvencError::H264Bits { format, bits: format.bits() }),
            // No engine has it, and no profile that NVENC names.
            (PixelFormat::Yuv444, Codec::Av1) => return Err(NvencError::Samples { codec, format }),
            (PixelFormat::P010, _) => Caps::NV_ENC_CAPS_SUPPORT_10BIT_ENCODE,
            (PixelFormat::Yuv444, _) => Caps::NV_ENC_CAPS_SUPPORT_YUV444_ENCODE,
        };
        if self.cap(codec, needed)? == 0 { Err(NvencError::Samples { codec, format }) } else { Ok(()) }
    }
}
