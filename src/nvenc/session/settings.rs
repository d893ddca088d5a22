//! How the encoder was set up: the preset as the driver resolved it, with our changes, and the headers that it will write. Read
//! back so that two encodes can be told apart, and named as in NVENC's header.

use std::mem::MaybeUninit;

use moq_nvenc::sys::nvEncodeAPI as sys;

use super::Session;
use crate::contract::{Codec, EncoderConfig};
use crate::nvenc::error::NvencError;
use crate::nvenc::params::{get, put};
use crate::record::EncodeSettings;

/// More than any parameter sets take.
const HEADER_BYTES: usize = 1024;

/// Places in the bit field of `NV_ENC_RC_PARAMS`.
const ENABLE_AQ: usize = 3;
const ENABLE_LOOKAHEAD: usize = 5;
const ENABLE_TEMPORAL_AQ: usize = 8;
const ZERO_REORDER_DELAY: usize = 9;
const AQ_STRENGTH: (usize, u8) = (12, 4);
/// How `NV_ENC_CODEC_PROFILE_AUTOSELECT_GUID` begins.
const PROFILE_AUTOSELECT: (u32, u16, u16) = (0xbfd6_f8e7, 0x233c, 0x4341);
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
            let number = |value: u32| value.to_string();
            put("rateControlMode", rate_control(get!(preset.presetCfg.rcParams.rateControlMode as u32)));
            put("averageBitRate", number(get!(preset.presetCfg.rcParams.averageBitRate as u32)));
            put("maxBitRate", number(get!(preset.presetCfg.rcParams.maxBitRate as u32)));
            put("vbvBufferSize", number(get!(preset.presetCfg.rcParams.vbvBufferSize as u32)));
            put("vbvInitialDelay", number(get!(preset.presetCfg.rcParams.vbvInitialDelay as u32)));
            put("multiPass", multi_pass(get!(preset.presetCfg.rcParams.multiPass as u32)));
            let qp = |at: *const sys::NV_ENC_QP| {
                let sys::NV_ENC_QP { qpInterP, qpInterB, qpIntra } = at.read();
                format!("P {qpInterP}, B {qpInterB}, I {qpIntra}")
            };
            let rate = &raw const (*preset.as_ptr()).presetCfg.rcParams;
            put("constQP", qp(&raw const (*rate).constQP));
            let bit = |place: usize| (*rate)._bitfield_1.get_bit(place);
            put("enableAQ", yes_no(bit(ENABLE_AQ)));
            put("aqStrength", (*rate)._bitfield_1.get(AQ_STRENGTH.0, AQ_STRENGTH.1).to_string());
            put("enableTemporalAQ", yes_no(bit(ENABLE_TEMPORAL_AQ)));
            put("enableLookahead", yes_no(bit(ENABLE_LOOKAHEAD)));
            put("zeroReorderDelay", yes_no(bit(ZERO_REORDER_DELAY)));
            put("lookaheadDepth", get!(preset.presetCfg.rcParams.lookaheadDepth as u16).to_string());
            put("gopLength", endless(get!(preset.presetCfg.gopLength as u32)));
            put("frameIntervalP", get!(preset.presetCfg.frameIntervalP as i32).to_string());
            let profile = get!(preset.presetCfg.profileGUID as sys::GUID);
            put("profileGUID", profile_name(profile));
            if config.codec != Codec::H264 {
                let split = (*init.as_ptr())._bitfield_1.get(SPLIT_ENCODE_MODE.0, SPLIT_ENCODE_MODE.1);
                put("splitEncodeMode", split_encoding(split));
            }
            of_codec(config.codec, &preset, &mut put);
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
unsafe fn of_codec(codec: Codec, preset: &MaybeUninit<sys::NV_ENC_PRESET_CONFIG>, put: &mut impl FnMut(&str, String)) {
    macro_rules! put_common {
        ($member:ident) => {{
            let level = get!(preset.presetCfg.encodeCodecConfig.$member.level as u32);
            put("level", if level == 0 { "chosen by the driver".to_owned() } else { level.to_string() });
            let b_as_reference = get!(preset.presetCfg.encodeCodecConfig.$member.useBFramesAsRef as u32);
            put("useBFramesAsRef", b_as_reference.to_string());
            put("idrPeriod", endless(get!(preset.presetCfg.encodeCodecConfig.$member.idrPeriod as u32)));
        }};
    }
    macro_rules! put_tier {
        ($member:ident) => {
            put("tier", get!(preset.presetCfg.encodeCodecConfig.$member.tier as u32).to_string())
        };
    }
    // SAFETY: the caller's promise says which member of the union is there; every field is read as the number it is.
    unsafe {
        match codec {
            Codec::H264 => {
                put_common!(h264Config);
                let coder = get!(preset.presetCfg.encodeCodecConfig.h264Config.entropyCodingMode as u32);
                put("entropyCodingMode", entropy_coder(coder));
            }
            Codec::Hevc => {
                put_common!(hevcConfig);
                put_tier!(hevcConfig);
            }
            Codec::Av1 => {
                put_common!(av1Config);
                put_tier!(av1Config);
            }
            // Refused before: no device offers it.
            Codec::Vp9 => {}
        }
    }
}

fn rate_control(mode: u32) -> String {
    match mode {
        0 => "constant QP".to_owned(),
        1 => "VBR".to_owned(),
        2 => "CBR".to_owned(),
        other => other.to_string(),
    }
}

fn multi_pass(mode: u32) -> String {
    match mode {
        0 => "off".to_owned(),
        1 => "quarter resolution".to_owned(),
        2 => "full resolution".to_owned(),
        other => other.to_string(),
    }
}

fn entropy_coder(mode: u32) -> String {
    match mode {
        0 => "chosen by the driver".to_owned(),
        1 => "CABAC".to_owned(),
        2 => "CAVLC".to_owned(),
        other => other.to_string(),
    }
}

fn split_encoding(mode: u64) -> String {
    match mode {
        0 => "chosen by the driver".to_owned(),
        15 => "off".to_owned(),
        other => other.to_string(),
    }
}

fn profile_name(guid: sys::GUID) -> String {
    let sys::GUID { Data1: first, Data2: second, Data3: third, .. } = guid;
    if (first, second, third) == PROFILE_AUTOSELECT {
        return "chosen by the driver".to_owned();
    }
    format!("{first:08x}-{second:04x}-{third:04x}")
}

fn endless(length: u32) -> String {
    if length == sys::NVENC_INFINITE_GOPLENGTH { "endless".to_owned() } else { length.to_string() }
}

fn yes_no(is_set: bool) -> String {
    if is_set { "yes" } else { "no" }.to_owned()
}
