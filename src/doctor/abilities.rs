//! What an engine can do, in words: whole for a list, and in a few words for a form.
//!
//! Knows what a driver answered; asks nothing.

use std::collections::BTreeMap;

use crate::contract::Codec;
use crate::device::DeviceError;
use crate::nvdec::engine::DecodeCaps;
use crate::nvenc::error::{NvencError, Status};
use crate::nvenc::session::CodecCaps;

/// "h264 up to 4096x4096 with up to 2 B-frames on 1 engine(s), hevc up to …"
pub(super) fn encoders(caps: &[CodecCaps]) -> String {
    let describe = |caps: &CodecCaps| {
        let CodecCaps { codec, max, max_b_frames, engines, .. } = caps;
        format!("{codec} up to {max} with up to {max_b_frames} B-frames on {engines} engine(s)")
    };
    caps.iter().map(describe).collect::<Vec<_>>().join(", ")
}

/// "H.264, HEVC · 1 engine · up to 4 B-frames"
pub(super) fn encoders_brief(caps: &[CodecCaps]) -> String {
    let codecs = caps.iter().map(|caps| caps.codec.title()).collect::<Vec<_>>().join(", ");
    let most = |of: fn(&CodecCaps) -> u32| caps.iter().map(of).max().unwrap_or(0);
    let b_frames = match most(|caps| caps.max_b_frames) {
        0 => "no B-frames".to_owned(),
        b_frames => format!("up to {b_frames} B-frames"),
    };
    format!("{codecs} · {} · {b_frames}", engines(most(|caps| caps.engines)))
}

/// "h264 (8 bits) up to 4096x4096 on 7 engine(s), hevc (8, 10, 12 bits) up to …"
pub(super) fn decoders(caps: &[DecodeCaps]) -> String {
    let describe = |(codec, of): (Codec, Vec<&DecodeCaps>)| {
        let bits = of.iter().map(|caps| caps.bits.to_string()).collect::<Vec<_>>().join(", ");
        // The same for all depths of a codec, on every device seen so far.
        let (max, engines) = of.first().map_or_else(Default::default, |caps| (caps.max.to_string(), caps.engines));
        format!("{codec} ({bits} bits) up to {max} on {engines} engine(s)")
    };
    by_codec(caps).into_iter().map(describe).collect::<Vec<_>>().join(", ")
}

/// "decodes H.264, HEVC · 7 engines"
pub(super) fn decoders_brief(caps: &[DecodeCaps]) -> String {
    let codecs = by_codec(caps).into_keys().map(Codec::title).collect::<Vec<_>>().join(", ");
    format!("{codecs} · {}", engines(caps.iter().map(|caps| caps.engines).max().unwrap_or(0)))
}

fn by_codec(caps: &[DecodeCaps]) -> BTreeMap<Codec, Vec<&DecodeCaps>> {
    let mut codecs: BTreeMap<Codec, Vec<&DecodeCaps>> = BTreeMap::new();
    caps.iter().for_each(|caps| codecs.entry(caps.codec).or_default().push(caps));
    codecs
}

fn engines(num: u32) -> String {
    if num == 1 { "1 engine".to_owned() } else { format!("{num} engines") }
}

/// Few words for the usual causes; the whole message for all others.
pub(super) fn why_not_brief(error: &DeviceError) -> String {
    match error {
        DeviceError::NoCuda { .. } => "No NVIDIA driver found on this computer".to_owned(),
        DeviceError::Cuda { answer, .. } if answer == "CUDA_ERROR_NO_DEVICE" => "no NVIDIA GPU is visible".to_owned(),
        DeviceError::Nvenc(NvencError::Load { library, .. }) => format!("the driver's {library} is missing"),
        DeviceError::Nvenc(NvencError::Call(call)) => match call.status {
            Status::NO_ENCODE_DEVICE | Status::UNSUPPORTED_DEVICE => {
                "no encoder engine (NVENC) on this card".to_owned()
            }
            Status::INVALID_VERSION => "its driver is too old for NVENC's API 12.1".to_owned(),
            Status::OUT_OF_MEMORY | Status::INCOMPATIBLE_CLIENT_KEY => "too many encode sessions are open".to_owned(),
            _ => error.to_string(),
        },
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Dimensions;
    use crate::nvenc::error::CallError;

    #[test]
    fn the_usual_causes_have_few_words() {
        let call = |status| {
            let refused = CallError { call: "nvEncOpenEncodeSessionEx", status, driver_text: String::new() };
            why_not_brief(&DeviceError::Nvenc(NvencError::Call(refused)))
        };
        assert_eq!(call(Status::UNSUPPORTED_DEVICE), "no encoder engine (NVENC) on this card");
        assert!(call(Status::GENERIC).contains("internal error"));
        let no_driver = why_not_brief(&DeviceError::NoCuda { library: "libcuda.so.1" });
        assert_eq!(no_driver, "No NVIDIA driver found on this computer");
    }

    #[test]
    fn decoders_are_listed_codec_by_codec() {
        let size = |width, height| Dimensions { width, height };
        let caps = |codec, bits| DecodeCaps { codec, bits, min: size(144, 144), max: size(8192, 8192), engines: 7 };
        let all = [caps(Codec::H264, 8), caps(Codec::Hevc, 8), caps(Codec::Hevc, 10)];
        let whole = "h264 (8 bits) up to 8192x8192 on 7 engine(s), hevc (8, 10 bits) up to 8192x8192 on 7 engine(s)";
        assert_eq!(decoders(&all), whole);
        assert_eq!(decoders_brief(&all), "H.264, HEVC · 7 engines");
    }
}
