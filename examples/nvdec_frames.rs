//! One digest a decoded frame, in display order: is what NVDEC decodes bit for bit what another decoder decodes?
//!
//!     nvdec_frames decode CLIP [DEVICE]       of every frame of a clip, decoded by DEVICE (cuda:0)
//!     nvdec_frames hash FRAME_BYTES           of raw frames on standard input
//!
//! `tests/gpu` compares the two.

#![allow(clippy::expect_used, reason = "an example that cannot go on stops")]

use std::io::{Read, stdin};
use std::sync::{Arc, Mutex};

use inflight::contract::{EngineKind, LockPlacement, Tuning};
use inflight::device::Device;
use inflight::nvdec::engine::DecodeConfig;
use inflight::pipeline::Submits as _;
use inflight::pipeline::engine::Frame;
use inflight::source::{Clip, InputSpec};
use xxhash_rust::xxh3::xxh3_64;

const IN_FLIGHT: u32 = 4;
const MAX_CLIP_BYTES: u64 = 1 << 31;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["decode", clip] => decode(clip, "cuda:0"),
        ["decode", clip, device] => decode(clip, device),
        ["hash", frame_bytes] => hash(frame_bytes.parse()?),
        _ => Err("usage: nvdec_frames decode CLIP [DEVICE] | nvdec_frames hash FRAME_BYTES < raw frames".into()),
    }
}

fn decode(clip: &str, device: &str) -> Result<(), Box<dyn std::error::Error>> {
    let device = Device::open_for(&device.parse()?, EngineKind::Nvdec)?;
    let clip = Clip::open(&InputSpec::File(clip.into()), u64::MAX, MAX_CLIP_BYTES)?;
    let format = device.stream_format(clip.codec, clip.units.iter().map(Vec::as_slice))?;
    let tuning = Tuning { reap_threshold: IN_FLIGHT, lock: LockPlacement::Inline, pool: None };
    let config = DecodeConfig { format, tuning, copies_out: true, expected_frames: clip.units.len() };
    let digests = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&digests);
    let mut pipeline = device.decoder(
        &config,
        Box::new(move |frame, _| {
            into.lock().expect("nobody panics").push(frame.data().map_or(0, xxh3_64));
        }),
    )?;
    for (pts, unit) in (0..).zip(&clip.units) {
        pipeline.submit(&Frame { data: unit, pts })?;
    }
    pipeline.finish()?;
    for digest in digests.lock().expect("nobody panics").iter() {
        println!("{digest:016x}");
    }
    eprintln!("{} frames, {format}", clip.units.len());
    Ok(())
}

fn hash(frame_bytes: usize) -> Result<(), Box<dyn std::error::Error>> {
    let (mut input, mut frame) = (stdin().lock(), vec![0; frame_bytes]);
    while input.by_ref().take(1).read_exact(&mut frame[..1]).is_ok() {
        input.read_exact(&mut frame[1..])?;
        println!("{:016x}", xxh3_64(&frame));
    }
    Ok(())
}
