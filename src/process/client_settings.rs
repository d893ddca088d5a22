//! How another program set its encoder up, as the interposer saw it, under the names and in the words in which our own
//! settings are kept; and what the stream's header says of what it left to the driver.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use crate::contract::Codec;
use crate::nvenc::words::{VideoSignal, const_qp_in_words, guid_in_words, number_in_words, video_signal_in_words};
use crate::record::EncodeSettings;

/// Parameter sets come first, and are shorter.
const HEADER_BYTES: u64 = 4096;

/// One setting together.
const OF_VIDEO_SIGNAL: [&str; 5] =
    ["videoSignalTypePresentFlag", "videoFullRangeFlag", "colourPrimaries", "transferCharacteristics", "colourMatrix"];

/// What a client gave nvEncInitializeEncoder; crates/interposer writes it.
#[derive(Debug, Clone, Deserialize)]
pub struct ClientSetup {
    /// `None`: the client's header is none that the interposer knows.
    has_config: Option<bool>,
    numbers: BTreeMap<String, i64>,
    guids: BTreeMap<String, String>,
}

impl ClientSetup {
    /// The settings, with the number of later changes; empty where nothing could be read.
    pub fn settings(&self, codec: Option<Codec>, num_reconfigured: u64) -> EncodeSettings {
        let mut settings = EncodeSettings::new();
        let mut put = |name: &str, value: String| drop(settings.insert(name.to_owned(), value));
        let number = |name: &str| self.numbers.get(name).copied();
        // No frame of H.264 is split, and NVENC has one profile of AV1: who names it and who does not encode the same.
        let applies = |name: &str| match codec {
            Some(Codec::H264) => name != "splitEncodeMode",
            Some(Codec::Av1) => name != "profileGUID",
            _ => true,
        };
        let is_whole = |name: &str| {
            !name.starts_with("constQP.") && !name.starts_with("frameRate") && !OF_VIDEO_SIGNAL.contains(&name)
        };
        for (name, &value) in self.numbers.iter().filter(|(name, _)| applies(name) && is_whole(name)) {
            put(name, number_in_words(name, value));
        }
        for (name, guid) in self.guids.iter().filter(|(name, _)| applies(name)) {
            put(name, guid_in_words(guid));
        }
        let qp = |kind: &str| number(&format!("constQP.{kind}"));
        if let (Some(inter_p), Some(inter_b), Some(intra)) = (qp("qpInterP"), qp("qpInterB"), qp("qpIntra")) {
            put("constQP", const_qp_in_words(inter_p, inter_b, intra));
        }
        if let Some((num, den)) = number("frameRateNum").zip(number("frameRateDen")) {
            put("frameRate", format!("{num}/{den}"));
        }
        if let Some(signal) = self.video_signal() {
            put("video signal", video_signal_in_words(signal));
        }
        if let Some(has_config) = self.has_config {
            put("encodeConfig", if has_config { "of its own" } else { "preset alone" }.to_owned());
            put("reconfigured", format!("{num_reconfigured} times"));
        }
        settings
    }

    /// `None`: the codec's part could not be read.
    fn video_signal(&self) -> Option<VideoSignal> {
        let [is_said, is_full_range, primaries, transfer, matrix] =
            OF_VIDEO_SIGNAL.map(|name| self.numbers.get(name).copied());
        let (is_full_range, description) = (is_full_range? != 0, [primaries?, transfer?, matrix?]);
        // AV1 has no flag for it.
        Some(match is_said {
            Some(is_said) => VideoSignal { is_said: is_said != 0, is_full_range, description },
            None => VideoSignal::always_said(is_full_range, description),
        })
    }
}

/// `profile_idc` and `level_idc` of an elementary stream in a file; empty where it is not known.
pub fn of_stream(path: &Path, codec: Codec) -> EncodeSettings {
    let mut begin = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEADER_BYTES).read_to_end(&mut begin));
    let found = read.ok().and_then(|_| profile_and_level(&begin, codec));
    let named = |(profile, level): (u8, u8)| [("profile_idc", profile), ("level_idc", level)];
    let entry = |(name, value): (&str, u8)| (name.to_owned(), value.to_string());
    found.into_iter().flat_map(named).map(entry).collect()
}

/// From the first SPS: H.264 7.3.2.1.1, H.265 7.3.2.2.1 and 7.3.3. `None` of other codecs.
pub fn profile_and_level(stream: &[u8], codec: Codec) -> Option<(u8, u8)> {
    let sps = nal_units(stream).find(|unit| match (codec, unit.first()) {
        (Codec::H264, Some(head)) => head & 0x1f == 7,
        (Codec::Hevc, Some(head)) => head >> 1 & 0x3f == 33,
        _ => false,
    })?;
    let sps = without_emulation_prevention(sps);
    let at = |idx: usize| sps.get(idx).copied();
    match codec {
        Codec::H264 => at(1).zip(at(3)),
        _ => at(3).map(|byte| byte & 0x1f).zip(at(14)),
    }
}

/// What follows each start code, up to the end of the stream.
fn nal_units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let starts = stream.windows(3).enumerate().filter(|(_, three)| **three == [0, 0, 1]);
    starts.filter_map(|(at, _)| stream.get(at + 3..))
}

/// The first bytes of a NAL unit, as many as are looked at.
fn without_emulation_prevention(unit: &[u8]) -> Vec<u8> {
    let mut payload: Vec<u8> = Vec::new();
    let mut num_zeros = 0;
    for &byte in unit.iter().take(32) {
        if num_zeros >= 2 && byte == 3 {
            num_zeros = 0;
            continue;
        }
        num_zeros = if byte == 0 { num_zeros + 1 } else { 0 };
        payload.push(byte);
    }
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_get_the_words_of_our_own_settings() {
        let setup = r#"{"has_config": true,
            "numbers": {"rateControlMode": 2, "gopLength": 4294967295, "idrPeriod": 2147483647, "enableAQ": 1, "splitEncodeMode": 15,
                "constQP.qpInterP": 28, "constQP.qpInterB": 31, "constQP.qpIntra": 25, "frameRateNum": 30, "frameRateDen": 1},
            "guids": {"presetGUID": "fc0a8d3e-45f8-4cf8-80c7298871590ebf",
                "profileGUID": "bfd6f8e7-233c-4341-8b3e4818523803f4"}}"#;
        let setup: ClientSetup = serde_json::from_str(setup).unwrap();
        let settings = setup.settings(Some(Codec::H264), 0);
        let of = |name: &str| settings.get(name).map(String::as_str);
        assert_eq!(
            [of("rateControlMode"), of("gopLength"), of("idrPeriod")],
            [Some("CBR"), Some("endless"), Some("endless")]
        );
        assert_eq!(
            [of("enableAQ"), of("constQP"), of("frameRate")],
            [Some("yes"), Some("P 28, B 31, I 25"), Some("30/1")]
        );
        assert_eq!([of("presetGUID"), of("profileGUID")], [Some("p1"), Some("chosen by the driver")]);
        assert_eq!(
            [of("encodeConfig"), of("splitEncodeMode")],
            [Some("of its own"), None],
            "it does not apply to H.264"
        );
        assert_eq!(setup.settings(Some(Codec::Hevc), 0).get("splitEncodeMode").map(String::as_str), Some("off"));
    }

    #[test]
    fn profile_and_level_are_read_from_the_sps() {
        let h264 = [0, 0, 0, 1, 0x09, 0x10, 0, 0, 0, 1, 0x67, 77, 0, 40, 0xff];
        assert_eq!(profile_and_level(&h264, Codec::H264), Some((77, 40)));
        // Flags of zero make emulation prevention bytes.
        let hevc = [
            0, 0, 1, 0x40, 1, 0x0c, 0, 0, 1, 0x42, 1, 0x01, 0x01, 0x60, 0, 0, 3, 0, 0xb0, 0, 0, 3, 0, 0, 3, 0, 93, 0xa0,
        ];
        assert_eq!(profile_and_level(&hevc, Codec::Hevc), Some((1, 93)));
        assert_eq!(profile_and_level(&h264[..12], Codec::H264), None);
    }
}
