//! How the encoder was set up: the preset as the driver resolved it, with our changes, and the headers that it will write. Read
//! back so that two encodes can be told apart, and named as in NVENC's header.

use std::mem::MaybeUninit;

use moq_nvenc::sys::nvEncodeAPI as sys;

use super::Session;
use crate::contract::{Codec, EncoderConfig};
use crate::nvenc::error::NvencError;
use crate::nvenc::params::{self, get, put};
use crate::nvenc::words::{
    VideoSignal, const_qp_in_words, guid_in_words, guid_text, number_in_words, video_signal_in_words,
};
use crate::record::EncodeSettings;

/// More than any parameter sets take.
const HEADER_BYTES: usize = 1024;

/// Places in the bit field of `NV_ENC_RC_PARAMS`.
const ENABLE_AQ: usize = 3;
const ENABLE_LOOKAHEAD: usize = 5;
const ENABLE_TEMPORAL_AQ: usize = 8;
const ZERO_REORDER_DELAY: usize = 9;
const AQ_STRENGTH: (usize, u8) = (12, 4);
/// In that of `NV_ENC_INITIALIZE_PARAMS`.
const SPLIT_ENCODE_MODE: (usize, u8) = (5, 4);

impl Session {
    /// Sets an encoder up, asks how it is set up, and closes the session.
    ///
    /// # Errors
    /// What the device cannot do, or the driver's refusal.
    pub fn settings(mut self, config: &EncoderConfig) -> Result<EncodeSettings, NvencError> {
        self.enter_thread(config)?;
        let (preset, init) = self.set_up(config)?;
        let engines = self.caps(config.codec)?.engines;
        let mut settings = EncodeSettings::new();
        let mut put = |name: &str, value: String| drop(settings.insert(name.to_owned(), value));
        // SAFETY: both were zeroed, and then written by the driver and by us; every field is read as the number it is.
        unsafe {
            let mut put_number = |name: &str, value: i64| put(name, number_in_words(name, value));
            put_number("rateControlMode", get!(preset.presetCfg.rcParams.rateControlMode as u32).into());
            put_number("averageBitRate", get!(preset.presetCfg.rcParams.averageBitRate as u32).into());
            put_number("maxBitRate", get!(preset.presetCfg.rcParams.maxBitRate as u32).into());
            put_number("vbvBufferSize", get!(preset.presetCfg.rcParams.vbvBufferSize as u32).into());
            put_number("vbvInitialDelay", get!(preset.presetCfg.rcParams.vbvInitialDelay as u32).into());
            put_number("multiPass", get!(preset.presetCfg.rcParams.multiPass as u32).into());
            let rate = &raw const (*preset.as_ptr()).presetCfg.rcParams;
            let bit = |place: usize| (*rate)._bitfield_1.get_bit(place).into();
            put_number("enableAQ", bit(ENABLE_AQ));
            put_number("aqStrength", (*rate)._bitfield_1.get(AQ_STRENGTH.0, AQ_STRENGTH.1).cast_signed());
            put_number("enableTemporalAQ", bit(ENABLE_TEMPORAL_AQ));
            put_number("enableLookahead", bit(ENABLE_LOOKAHEAD));
            put_number("zeroReorderDelay", bit(ZERO_REORDER_DELAY));
            put_number("lookaheadDepth", get!(preset.presetCfg.rcParams.lookaheadDepth as u16).into());
            put_number("gopLength", get!(preset.presetCfg.gopLength as u32).into());
            put_number("frameIntervalP", get!(preset.presetCfg.frameIntervalP as i32).into());
            if config.codec != Codec::H264 {
                let split = (*init.as_ptr())._bitfield_1.get(SPLIT_ENCODE_MODE.0, SPLIT_ENCODE_MODE.1);
                put_number("splitEncodeMode", split.cast_signed());
            }
            of_codec(config.codec, &preset, &mut put_number);
            let signal = video_signal(config.codec, &preset);
            put("video signal", video_signal_in_words(signal));
            let sys::NV_ENC_QP { qpInterP, qpInterB, qpIntra } = (&raw const (*rate).constQP).read();
            put("constQP", const_qp_in_words(qpInterP.into(), qpInterB.into(), qpIntra.into()));
            put("profileGUID", guid_in_words(&guid_text(get!(preset.presetCfg.profileGUID as sys::GUID))));
        }
        put("encoder engines", engines.to_string());
        if let Some(headers) = self.sequence_headers() {
            put("sequence headers", headers.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        Ok(settings)
    }

    /// SPS and PPS, with the VPS of HEVC, or AV1's sequence header; `None`: the driver does not give them.
    fn sequence_headers(&self) -> Option<Vec<u8>> {
        let entry = self.api.sequence_params?;
        let (mut headers, mut num_bytes) = (vec![0; HEADER_BYTES], 0_u32);
        let mut params = MaybeUninit::<sys::NV_ENC_SEQUENCE_PARAM_PAYLOAD>::zeroed();
        // SAFETY: the struct is zeroed and written in place; both pointers are valid during the call, and the buffer has as many
        // bytes as is said.
        let status = unsafe {
            put!(params.version = sys::NV_ENC_SEQUENCE_PARAM_PAYLOAD_VER);
            put!(params.inBufferSize = HEADER_BYTES as u32);
            put!(params.spsppsBuffer = headers.as_mut_ptr().cast());
            put!(params.outSPSPPSPayloadSize = &raw mut num_bytes);
            entry(self.encoder, params.as_mut_ptr())
        };
        headers.truncate(num_bytes as usize);
        (status == sys::NVENCSTATUS::NV_ENC_SUCCESS).then_some(headers)
    }
}

/// # Safety
/// The preset must have been filled for `codec`.
unsafe fn of_codec(codec: Codec, preset: &MaybeUninit<sys::NV_ENC_PRESET_CONFIG>, put: &mut impl FnMut(&str, i64)) {
    macro_rules! put_field {
        ($name:literal, $member:ident.$field:ident) => {
            put($name, get!(preset.presetCfg.encodeCodecConfig.$member.$field as u32).into())
        };
    }
    macro_rules! put_common {
        ($member:ident) => {{
            put_field!("level", $member.level);
            put_field!("useBFramesAsRef", $member.useBFramesAsRef);
            put_field!("idrPeriod", $member.idrPeriod);
            put_field!("intraRefreshPeriod", $member.intraRefreshPeriod);
            put_field!("intraRefreshCnt", $member.intraRefreshCnt);
            let flags = &raw const (*preset.as_ptr()).presetCfg.encodeCodecConfig.$member._bitfield_1;
            put("enableIntraRefresh", (*flags).get_bit(params::intra_refresh_bit(codec)).into());
        }};
    }
    // SAFETY: the caller's promise says which member of the union is there; every field is read as the number it is.
    unsafe {
        match codec {
            Codec::H264 => {
                put_common!(h264Config);
                put_field!("entropyCodingMode", h264Config.entropyCodingMode);
            }
            Codec::Hevc => {
                put_common!(hevcConfig);
                put_field!("tier", hevcConfig.tier);
            }
            Codec::Av1 => {
                put_common!(av1Config);
                put_field!("tier", av1Config.tier);
            }
            // Refused before: no device offers it.
            Codec::Vp9 => {}
        }
    }
}

/// # Safety
/// The preset must have been filled for `codec`.
unsafe fn video_signal(codec: Codec, preset: &MaybeUninit<sys::NV_ENC_PRESET_CONFIG>) -> VideoSignal {
    macro_rules! number {
        ($($field:ident).+) => {
            i64::from(get!(preset.presetCfg.encodeCodecConfig.$($field).+ as u32))
        };
    }
    macro_rules! of_vui {
        ($member:ident.$vui:ident) => {
            VideoSignal {
                is_said: number!($member.$vui.videoSignalTypePresentFlag) != 0,
                is_full_range: number!($member.$vui.videoFullRangeFlag) != 0,
                description: [
                    number!($member.$vui.colourPrimaries),
                    number!($member.$vui.transferCharacteristics),
                    number!($member.$vui.colourMatrix),
                ],
            }
        };
    }
    // SAFETY: the caller's promise says which member of the union is there; every field is read as the number it is.
    unsafe {
        match codec {
            Codec::H264 => of_vui!(h264Config.h264VUIParameters),
            Codec::Hevc => of_vui!(hevcConfig.hevcVUIParameters),
            Codec::Av1 => VideoSignal::always_said(
                number!(av1Config.colorRange) != 0,
                [
                    number!(av1Config.colorPrimaries),
                    number!(av1Config.transferCharacteristics),
                    number!(av1Config.matrixCoefficients),
                ],
            ),
            // Refused before: no device offers it.
            Codec::Vp9 => VideoSignal::default(),
        }
    }
}
