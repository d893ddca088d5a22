//! NVENC's numbers in words, setting by setting, under the names of its header: the same for what our own encoder was set up
//! with and for what another program's was. Knows no struct and no driver.

use moq_nvenc::sys::nvEncodeAPI as sys;

use super::params::preset_guid;
use crate::contract::Preset;
use crate::record::BY_DRIVER;

/// FFmpeg keeps the length of a group of pictures as a signed number, and its largest is as good as none.
const AS_GOOD_AS_ENDLESS: i64 = i32::MAX as i64;

/// The value of the setting `name`.
pub fn number_in_words(name: &str, value: i64) -> String {
    let word = match (name, value) {
        ("rateControlMode", 0) => "constant QP",
        ("rateControlMode", 1) => "VBR",
        ("rateControlMode", 2) => "CBR",
        ("multiPass", 0) => "off",
        ("multiPass", 1) => "quarter resolution",
        ("multiPass", 2) => "full resolution",
        ("entropyCodingMode" | "level" | "splitEncodeMode", 0) => BY_DRIVER,
        ("entropyCodingMode", 1) => "CABAC",
        ("entropyCodingMode", 2) => "CAVLC",
        ("splitEncodeMode", 15) => "off",
        ("tuningInfo", 1) => "high quality",
        ("tuningInfo", 2) => "low latency",
        ("tuningInfo", 3) => "ultra low latency",
        ("tuningInfo", 4) => "lossless",
        ("gopLength" | "idrPeriod", AS_GOOD_AS_ENDLESS..) => "endless",
        (name, 0) if is_switch(name) => "no",
        (name, 1) if is_switch(name) => "yes",
        _ => return value.to_string(),
    };
    word.to_owned()
}

/// QPs of the kinds of picture.
pub fn const_qp_in_words(inter_p: i64, inter_b: i64, intra: i64) -> String {
    format!("P {inter_p}, B {inter_b}, I {intra}")
}

/// A preset or profile by its GUID, as [`guid_text`] writes it; one without a name by its first digits.
pub fn guid_in_words(guid: &str) -> String {
    const PRESETS: [Preset; 7] = [Preset::P1, Preset::P2, Preset::P3, Preset::P4, Preset::P5, Preset::P6, Preset::P7];
    const PROFILES: [(sys::GUID, &str); 9] = [
        (sys::NV_ENC_CODEC_PROFILE_AUTOSELECT_GUID, BY_DRIVER),
        (sys::NV_ENC_H264_PROFILE_BASELINE_GUID, "Baseline"),
        (sys::NV_ENC_H264_PROFILE_MAIN_GUID, "Main"),
        (sys::NV_ENC_H264_PROFILE_HIGH_GUID, "High"),
        (sys::NV_ENC_H264_PROFILE_HIGH_444_GUID, "High 4:4:4"),
        (sys::NV_ENC_HEVC_PROFILE_MAIN_GUID, "Main"),
        (sys::NV_ENC_HEVC_PROFILE_MAIN10_GUID, "Main 10"),
        (sys::NV_ENC_HEVC_PROFILE_FREXT_GUID, "Range Extensions"),
        (sys::NV_ENC_AV1_PROFILE_MAIN_GUID, "Main"),
    ];
    let preset = PRESETS.into_iter().find(|&preset| guid_text(preset_guid(preset)) == guid);
    let profile = PROFILES.into_iter().find(|&(known, _)| guid_text(known) == guid).map(|(_, name)| name.to_owned());
    let first_digits = || guid.get(..18).unwrap_or(guid).to_owned();
    preset.map(|preset| preset.to_string()).or(profile).unwrap_or_else(first_digits)
}

/// 32 hexadecimal digits in groups of 8, 4, 4 and 16, as the interposer writes them too.
pub fn guid_text(guid: sys::GUID) -> String {
    let sys::GUID { Data1, Data2, Data3, Data4 } = guid;
    format!("{Data1:08x}-{Data2:04x}-{Data3:04x}-{:016x}", u64::from_be_bytes(Data4))
}

fn is_switch(name: &str) -> bool {
    name.starts_with("enable") || name.starts_with("repeat") || name == "zeroReorderDelay"
}
