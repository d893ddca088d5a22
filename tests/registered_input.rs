//! Frames in memory that is registered with the encoder: the same packets as from the driver's own buffers, and the calls
//! around them in the record.
#![allow(clippy::expect_used, reason = "a test that cannot go on says so by failing")]

mod common;

use common::{config, device, keeping_sink, view};
use inflight::contract::{
    Codec, Dimensions, Encoder as _, EncoderConfig, InputPath, LockPlacement, NvencOptions, PixelFormat,
};
use inflight::device::DeviceSpec;
use inflight::plan::{Plan, PlanError};
use inflight::record::FrameColumns;

const PLACEMENTS: [LockPlacement; 4] =
    [LockPlacement::Inline, LockPlacement::Thread, LockPlacement::Ready, LockPlacement::Poll];
const NUM_FRAMES: u64 = 40;

/// Every byte of a frame has its own value, so that a row in the wrong place is seen.
fn pixels(config: &EncoderConfig, idx: u64) -> Vec<u8> {
    let num_bytes = config.format.frame_bytes(config.dimensions) as u64;
    (0..num_bytes).map(|byte| ((byte * 7 + byte / 61 + idx * 13) % 200) as u8).collect()
}

const DEVICE: &str = "virtual:latency_us=400,interval_us=200";

fn encode(config: &EncoderConfig, input_path: InputPath) -> (Vec<common::KeptPacket>, FrameColumns) {
    encode_on(DEVICE, config, input_path)
}

fn encode_on(spec: &str, config: &EncoderConfig, input_path: InputPath) -> (Vec<common::KeptPacket>, FrameColumns) {
    let config = &EncoderConfig { nvenc: NvencOptions { input_path, ..config.nvenc }, ..*config };
    let (sink, packets) = keeping_sink();
    let device = device(spec);
    let mut encoder = device.encoder(config, sink).expect("the device takes this configuration");
    for pts in 0..NUM_FRAMES {
        let data = pixels(config, pts);
        // The caller's memory is its own again after each call.
        encoder.submit(&view(config, &data, pts)).expect("a good frame is taken");
    }
    encoder.finish().expect("a good stream ends well");
    let packets = std::mem::take(&mut *packets.lock().expect("no sink panics"));
    (packets, encoder.take_frames())
}

#[test]
fn packets_do_not_depend_on_where_the_frames_were() {
    let even = Dimensions { width: 64, height: 48 };
    // Rows that are no multiple of any alignment.
    let narrow = Dimensions { width: 322, height: 182 };
    // Higher than wide, and chroma a byte wider than luma.
    let odd = Dimensions { width: 161, height: 321 };
    for lock in PLACEMENTS {
        for (format, dimensions, b_frames) in [
            (PixelFormat::Nv12, even, 0),
            (PixelFormat::Nv12, narrow, 2),
            (PixelFormat::I420, narrow, 0),
            (PixelFormat::Argb, narrow, 0),
            (PixelFormat::Nv12, odd, 0),
            (PixelFormat::I420, odd, 0),
            (PixelFormat::P010, narrow, 2),
            (PixelFormat::P010, odd, 0),
            (PixelFormat::Yuv444, narrow, 2),
            (PixelFormat::Yuv444, odd, 0),
        ] {
            let codec = if format == PixelFormat::P010 { Codec::Hevc } else { Codec::H264 };
            let config = EncoderConfig { codec, format, dimensions, b_frames, ..config(3, lock) };
            let bytes = |path| encode(&config, path).0.into_iter().map(|it| (it.pts, it.data)).collect::<Vec<_>>();
            let (by_driver, by_cuda) = (bytes(InputPath::Driver), bytes(InputPath::Cuda));
            assert_eq!(by_driver.len() as u64, NUM_FRAMES);
            assert!(by_driver[0].1 != by_driver[NUM_FRAMES as usize - 1].1, "packets depend on the pixels");
            assert!(by_driver == by_cuda, "{format} {dimensions} with {b_frames} B-frames, {lock}");
        }
    }
}

/// The formula of the conversion is the virtual encoder's own, so it does not matter who converts. Without loss: a mosaic's blocks
/// are averages, which are rounded once where the encoder makes them of ARGB.
#[test]
fn frames_converted_on_the_device_give_the_stream_of_those_that_the_encoder_converts() {
    for dimensions in [Dimensions { width: 64, height: 48 }, Dimensions { width: 322, height: 182 }] {
        for (lock, b_frames) in [(LockPlacement::Inline, 0), (LockPlacement::Thread, 2)] {
            let config = EncoderConfig { format: PixelFormat::Argb, dimensions, b_frames, ..config(3, lock) };
            let spec = format!("{DEVICE},payload=lossless");
            let packets = |path| encode_on(&spec, &config, path).0.into_iter();
            let bytes = |path| packets(path).map(|it| (it.pts, it.data)).collect::<Vec<_>>();
            assert!(bytes(InputPath::Driver) == bytes(InputPath::Convert), "{dimensions}, {b_frames} B-frames, {lock}");
        }
    }
    let (_, frames) =
        encode(&EncoderConfig { format: PixelFormat::Argb, ..config(2, LockPlacement::Inline) }, InputPath::Convert);
    assert_eq!(frames.convert_ns.len() as u64, NUM_FRAMES);
    assert!(frames.convert_ns.iter().chain(&frames.upload_ns).all(|&ns| ns > 0));
}

#[test]
fn what_cannot_be_converted_is_refused() {
    let argb = EncoderConfig { format: PixelFormat::Argb, ..config(2, LockPlacement::Inline) };
    let odd = Dimensions { width: 161, height: 96 };
    for config in [EncoderConfig { format: PixelFormat::Nv12, ..argb }, EncoderConfig { dimensions: odd, ..argb }] {
        let config = EncoderConfig { nvenc: NvencOptions { input_path: InputPath::Convert, ..config.nvenc }, ..config };
        let error = device("virtual").encoder(&config, Box::new(|_| ())).err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("cannot be converted to NV12")));
    }
}

#[test]
fn mapping_and_unmapping_are_columns_only_where_they_happen() {
    let config = config(2, LockPlacement::Inline);
    let (_, frames) = encode(&config, InputPath::Driver);
    assert!(frames.map_ns.is_empty() && frames.unmap_ns.is_empty());
    for b_frames in [0, 2] {
        let (_, frames) = encode(&EncoderConfig { b_frames, ..config }, InputPath::Cuda);
        for column in [&frames.map_ns, &frames.unmap_ns] {
            assert_eq!(column.len() as u64, NUM_FRAMES);
            assert!(column.iter().all(|&ns| ns > 0), "{b_frames} B-frames: {column:?}");
        }
    }
}

#[test]
fn a_model_on_a_gpu_is_named_by_both() {
    for (text, spelt) in [("virtual+cuda:0", "+cuda:0"), ("virtual:engines=2+cuda:GPU-12ab", "engines=2+cuda:GPU-12ab")]
    {
        let spec: DeviceSpec = text.parse().expect("a device");
        assert!(spec.to_string().ends_with(spelt), "{spec}");
        assert_eq!(spec.to_string().parse(), Ok(spec));
    }
    assert!("cuda:0+cuda:1".parse::<DeviceSpec>().is_err());
    assert!("virtual+cuda:x".parse::<DeviceSpec>().is_err());
}

#[test]
fn a_decoder_has_no_input_path() {
    let plan = Plan { engine: inflight::contract::EngineKind::Nvdec, input_path: InputPath::Cuda, ..Plan::default() };
    assert_eq!(plan.check(), Err(PlanError::DecoderAndInputPath));
}
