//! What a client asks before it initializes: codecs, profiles, formats, capabilities, presets.

use super::foreign::{Foreign, write_list, write_out};
use super::layout::{Caps, Config, HEVC_CHROMA_420, PresetConfig, at, bit_depth_fields, idr_period_field};
use super::{Encoder, with_session};
use crate::caps;
use crate::guids;
use crate::params::{offered_codec, preset_and_tuning};
use crate::payload::Codec;
use crate::presets::{self, PresetDefaults};
use crate::rules::{Answer, Rule, Status};
use crate::session::Session;
use crate::versions::{ApiVersion, Struct, V12_1};

pub type Guid = moq_nvenc::sys::nvEncodeAPI::GUID;
pub type ListOfSession<T> = unsafe extern "C" fn(Encoder, *mut T, u32, *mut u32) -> u32;
pub type CountOfCodec = unsafe extern "C" fn(Encoder, Guid, *mut u32) -> u32;
pub type ListOfCodec<T> = unsafe extern "C" fn(Encoder, Guid, *mut T, u32, *mut u32) -> u32;
pub type CapsOfCodec = unsafe extern "C" fn(Encoder, Guid, *mut Caps, *mut i32) -> u32;
pub type Preset = unsafe extern "C" fn(Encoder, Guid, Guid, *mut PresetConfig) -> u32;
pub type PresetEx = unsafe extern "C" fn(Encoder, Guid, Guid, u32, *mut PresetConfig) -> u32;

/// # Safety
/// As the header says of `NvEncGetEncodeGUIDCount`: pointers that are not null are valid.
pub unsafe extern "C" fn codec_count(encoder: Encoder, count: *mut u32) -> u32 {
    with_session(encoder, "NvEncGetEncodeGUIDCount", |session| {
        // SAFETY: the caller's promise.
        unsafe { write_out(count, session.model.config.codecs.len() as u32) }?;
        Ok(Status::Success)
    })
}

/// # Safety
/// As the header says of `NvEncGetEncodeGUIDs`.
pub unsafe extern "C" fn codecs(encoder: Encoder, array: *mut Guid, capacity: u32, count: *mut u32) -> u32 {
    with_session(encoder, "NvEncGetEncodeGUIDs", |session| {
        let guids: Vec<Guid> = session.model.config.codecs.iter().map(|codec| guids::codec_guid(*codec)).collect();
        // SAFETY: the caller's promise.
        unsafe { write_list(array, capacity, count, &guids) }?;
        Ok(Status::Success)
    })
}

/// # Safety
/// As the header says of `NvEncGetEncodeProfileGUIDCount`.
pub unsafe extern "C" fn profile_count(encoder: Encoder, codec: Guid, count: *mut u32) -> u32 {
    with_codec(encoder, "NvEncGetEncodeProfileGUIDCount", codec, |_, codec| {
        // SAFETY: the caller's promise.
        unsafe { write_out(count, guids::profiles(codec).len() as u32) }?;
        Ok(())
    })
}

/// # Safety
/// As the header says of `NvEncGetEncodeProfileGUIDs`.
pub unsafe extern "C" fn profiles(
    encoder: Encoder,
    codec: Guid,
    array: *mut Guid,
    capacity: u32,
    count: *mut u32,
) -> u32 {
    with_codec(encoder, "NvEncGetEncodeProfileGUIDs", codec, |_, codec| {
        // SAFETY: the caller's promise.
        unsafe { write_list(array, capacity, count, guids::profiles(codec)) }?;
        Ok(())
    })
}

/// # Safety
/// As the header says of `NvEncGetInputFormatCount`.
pub unsafe extern "C" fn format_count(encoder: Encoder, codec: Guid, count: *mut u32) -> u32 {
    with_codec(encoder, "NvEncGetInputFormatCount", codec, |_, codec| {
        // SAFETY: the caller's promise.
        unsafe { write_out(count, guids::format_codes(codec).len() as u32) }?;
        Ok(())
    })
}

/// # Safety
/// As the header says of `NvEncGetInputFormats`.
pub unsafe extern "C" fn formats(
    encoder: Encoder,
    codec: Guid,
    array: *mut u32,
    capacity: u32,
    count: *mut u32,
) -> u32 {
    with_codec(encoder, "NvEncGetInputFormats", codec, |_, codec| {
        // SAFETY: the caller's promise.
        unsafe { write_list(array, capacity, count, &guids::format_codes(codec)) }?;
        Ok(())
    })
}

/// # Safety
/// As the header says of `NvEncGetEncodePresetCount`.
pub unsafe extern "C" fn preset_count(encoder: Encoder, codec: Guid, count: *mut u32) -> u32 {
    with_codec(encoder, "NvEncGetEncodePresetCount", codec, |session, _| {
        // SAFETY: the caller's promise.
        unsafe { write_out(count, offered_presets(session.api).len() as u32) }?;
        Ok(())
    })
}

/// # Safety
/// As the header says of `NvEncGetEncodePresetGUIDs`.
pub unsafe extern "C" fn presets(
    encoder: Encoder,
    codec: Guid,
    array: *mut Guid,
    capacity: u32,
    count: *mut u32,
) -> u32 {
    with_codec(encoder, "NvEncGetEncodePresetGUIDs", codec, |session, _| {
        // SAFETY: the caller's promise.
        unsafe { write_list(array, capacity, count, &offered_presets(session.api)) }?;
        Ok(())
    })
}

/// # Safety
/// As the header says of `NvEncGetEncodeCaps`.
pub unsafe extern "C" fn capability(encoder: Encoder, codec: Guid, query: *mut Caps, value: *mut i32) -> u32 {
    with_codec(encoder, "NvEncGetEncodeCaps", codec, |session, codec| {
        // SAFETY: the caller's promise.
        let query = unsafe { Foreign::new(query, session.api) }?;
        let known = caps::value(&session.model.config, codec, query.get(at::CAPS_QUERY)).ok_or(Rule::UnknownCap)?;
        // SAFETY: the caller's promise.
        unsafe { write_out(value, known) }?;
        Ok(())
    })
}

/// `NvEncGetEncodePresetConfig` names no tuning: high quality, as the API had it before tunings came.
///
/// # Safety
/// As the header says of that function.
pub unsafe extern "C" fn preset_config(encoder: Encoder, codec: Guid, preset: Guid, config: *mut PresetConfig) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { preset_config_ex(encoder, codec, preset, 1, config) }
}

/// # Safety
/// As the header says of `NvEncGetEncodePresetConfigEx`.
pub unsafe extern "C" fn preset_config_ex(
    encoder: Encoder,
    codec: Guid,
    preset: Guid,
    tuning: u32,
    config: *mut PresetConfig,
) -> u32 {
    with_codec(encoder, "NvEncGetEncodePresetConfigEx", codec, |session, codec| {
        // SAFETY: the caller's promise.
        let outer = unsafe { Foreign::new(config, session.api) }?;
        // SAFETY: the config lies inside the struct just checked.
        let config = unsafe { Foreign::new(outer.member(at::PRESET_CONFIG), session.api) }?;
        let (level, tuning) = preset_and_tuning(preset, tuning, session.api)?;
        write_preset(&config, codec, presets::defaults(level, tuning));
        Ok(())
    })
}

/// Fills a whole `NV_ENC_CONFIG` (3584 bytes in every header); what is not named is zero, "decided by the driver".
fn write_preset(config: &Foreign<Config>, codec: Codec, defaults: PresetDefaults) {
    let version = config.get(at::CONFIG_VERSION);
    // SAFETY: a config has this size in all supported headers, and its version word has been checked.
    unsafe { config.fill_zero(size_of::<Config>()) };
    config.set(at::CONFIG_VERSION, version);
    config.set(at::CONFIG_PROFILE, guids::AUTOSELECT_PROFILE);
    config.set(at::CONFIG_GOP_LENGTH, defaults.gop_length);
    config.set(at::CONFIG_INTERVAL_P, defaults.interval_p.cast_signed());
    config.set(at::CONFIG_FIELD_MODE, 1);
    config.set(at::CONFIG_RC_VERSION, Struct::RcParams.word(config.api));
    config.set(at::CONFIG_RC_MODE, defaults.rate_control as u32);
    let [qp_p, qp_b, qp_intra] = defaults.const_qp;
    config.set(at::CONFIG_QP_P, qp_p);
    config.set(at::CONFIG_QP_B, qp_b);
    config.set(at::CONFIG_QP_INTRA, qp_intra);
    config.set(at::CONFIG_AVERAGE_BPS, defaults.average_bps);
    config.set(at::CONFIG_MAX_BPS, defaults.max_bps);
    config.set(idr_period_field(codec), defaults.gop_length);
    if codec == Codec::H264 {
        config.set(at::H264_CHROMA_FORMAT, 1);
    } else {
        config.set(at::HEVC_FLAGS, HEVC_CHROMA_420);
    }
    for depth in bit_depth_fields(codec, config.api).into_iter().flatten() {
        config.set(depth, 8);
    }
}

/// P1 to P7, and to clients of the older headers what those have besides.
fn offered_presets(api: ApiVersion) -> Vec<Guid> {
    let legacy = guids::LEGACY_PRESETS.iter().map(|(guid, ..)| *guid).filter(|_| api < V12_1);
    guids::PRESETS.into_iter().chain(legacy).collect()
}

fn with_codec(encoder: Encoder, name: &'static str, codec: Guid, call: impl FnOnce(&Session, Codec) -> Answer) -> u32 {
    with_session(encoder, name, |session| {
        let codec = offered_codec(&session.model.config, codec)?;
        call(session, codec)?;
        Ok(Status::Success)
    })
}
