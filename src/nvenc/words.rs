//! NVENC's numbers in words, setting by setting, under the names of its header: the same for what our own encoder was set up
//! with and for what another program's was. Knows no struct and no driver.

use moq_nvenc::sys::nvEncodeAPI as sys;

use super::params::preset_guid;
use crate::contract::{Colour, Preset};
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
        ("useBFramesAsRef", 0) => "no",
        ("useBFramesAsRef", 1) => "each",
        ("useBFramesAsRef", 2) => "middle",
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

/// What a stream says of its samples, in NVENC's numbers, which are those of H.273.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct VideoSignal {
    pub is_said: bool,
    pub is_full_range: bool,
    /// Primaries, transfer and matrix; 0 is as good as 2, unspecified.
    pub description: [i64; 3],
}

impl VideoSignal {
    /// Of AV1, whose sequence header has no flag for it.
    pub fn always_said(is_full_range: bool, description: [i64; 3]) -> Self {
        Self { is_said: true, is_full_range, description }
    }
}

/// "full range, primaries 9, transfer 16, matrix 9". Saying what a decoder assumes anyway is as good as saying nothing.
pub fn video_signal_in_words(signal: VideoSignal) -> String {
    let number =
        |number: i64| u8::try_from(number).ok().filter(|&number| number > 0).unwrap_or(Colour::default().matrix);
    let [primaries, transfer, matrix] = signal.description.map(number);
    let colour = Colour { is_full_range: signal.is_full_range, primaries, transfer, matrix };
    colour.if_said().filter(|_| signal.is_said).map_or_else(|| "not said".to_owned(), |colour| colour.to_string())
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
