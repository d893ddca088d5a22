//! A clip decoded and encoded again without its frames leaving the device, to a file.
//!
//!     transcode CLIP OUT.h264|OUT.hevc [DEVICE] [DECODER'S T] [DECODER'S LOCK] [T] [LOCK]
//!
//! On `virtual:payload=lossless+cuda:0` NVDEC decodes and the virtual encoder loses nothing, so the result holds the very frames:
//! `tests/gpu` decodes it again and compares.

use std::sync::{Arc, Mutex, PoisonError};

use inflight::contract::{
    Codec, EncodedPacket, EncoderConfig, EngineKind, FrameRate, InputPath, NvencOptions, PixelFormat, Tuning,
};
use inflight::device::Device;
use inflight::nvdec::engine::DecodeConfig;
use inflight::pipeline::Submits as _;
use inflight::pipeline::engine::Frame;
use inflight::source::{Clip, InputSpec};

const MAX_CLIP_BYTES: u64 = 1 << 31;
const DEVICE: &str = "virtual:payload=lossless+cuda:0";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let word = |idx: usize, usual: &'static str| args.get(idx).map_or(usual, String::as_str);
    let [Some(clip), Some(out)] = [args.first(), args.get(1)] else {
        return Err("usage: transcode CLIP OUT [DEVICE] [DECODER'S T] [DECODER'S LOCK] [T] [LOCK]".into());
    };
    let device = Device::open_for(&word(2, DEVICE).parse()?, EngineKind::Transcode)?;
    let ring = |at: usize| -> Result<Tuning, Box<dyn std::error::Error>> {
        Ok(Tuning { reap_threshold: word(at, "4").parse()?, lock: word(at + 1, "inline").parse()?, pool: None })
    };
    let clip = Clip::open(&InputSpec::File(clip.into()), u64::MAX, MAX_CLIP_BYTES)?;
    let format = device.stream_format(clip.codec, clip.units.iter().map(Vec::as_slice))?;
    let codec = if out.ends_with("hevc") { Codec::Hevc } else { Codec::H264 };
    let expected_frames = clip.units.len();
    let decode = DecodeConfig { format, tuning: ring(3)?, copies_out: false, expected_frames };
    let encode = EncoderConfig {
        tuning: ring(5)?,
        nvenc: NvencOptions { input_path: InputPath::Cuda, ..NvencOptions::default() },
        expected_frames,
        ..EncoderConfig::new(codec, format.shown, FrameRate { num: 30, den: 1 }, PixelFormat::Nv12)
    };
    let stream = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&stream);
    let keep = move |packet: EncodedPacket<'_>| {
        into.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(packet.data);
    };
    let mut both = device.transcoder(&decode, &encode, Box::new(keep))?;
    for (pts, unit) in (0..).zip(&clip.units) {
        both.submit(&Frame { data: unit, pts })?;
    }
    both.finish()?;
    std::fs::write(out, &*stream.lock().unwrap_or_else(PoisonError::into_inner))?;
    eprintln!("{expected_frames} frames, {format}");
    Ok(())
}
