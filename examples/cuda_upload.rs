//! Frames from pinned memory to the GPU: the program's upload beside the plainest one, of the same bytes.
//!
//!     cuda_upload WxH FRAMES RUNS
//!
//! Plain: cuMemcpyHtoDAsync from pinned memory, then cuStreamSynchronize, frame by frame, with a pause of 2 ms between them:
//! copies that follow each other at once find link and GPU awake, those of an encoder do not. Ours: the upload column of an
//! encode with `--device virtual+cuda:0 --input-path cuda`, whose engine takes no time. In turn, `RUNS` times each; prints the
//! median time a frame in microseconds of each run's pair, and the median ratio plain ÷ ours.

use std::time::{Duration, Instant};

use cudarc::driver::sys::cuMemcpyHtoDAsync_v2;
use cudarc::driver::{CudaContext, result};
use inflight::contract::{
    Codec, Dimensions, Encoder as _, EncoderConfig, FrameRate, FrameView, InputPath, NvencOptions, PixelFormat,
};
use inflight::device::Device;
use inflight::source::InputSpec;

/// About what an encoder takes for such a frame.
const PAUSE: Duration = Duration::from_millis(2);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [size, frames, runs] = &args[..] else { return Err("usage: cuda_upload WxH FRAMES RUNS".into()) };
    let InputSpec::Synthetic { dimensions, .. } = format!("synthetic:{size}@30").parse()? else {
        return Err("the size is WxH".into());
    };
    let (frames, runs): (usize, usize) = (frames.parse()?, runs.parse()?);
    if frames == 0 || runs == 0 {
        return Err("FRAMES and RUNS must be 1 or more".into());
    }
    let mut ratios = Vec::new();
    for _ in 0..runs {
        let (plain_us, ours_us) = (plain(dimensions, frames)?, ours(dimensions, frames)?);
        println!("plain {plain_us:.1} µs, ours {ours_us:.1} µs, {:.3}", plain_us / ours_us);
        ratios.push(plain_us / ours_us);
    }
    println!("median {:.3}", median(&mut ratios));
    Ok(())
}

/// Median time a frame in microseconds.
fn plain(dimensions: Dimensions, frames: usize) -> Result<f64, Box<dyn std::error::Error>> {
    let num_bytes = PixelFormat::Nv12.frame_bytes(dimensions);
    let context = CudaContext::new(0)?;
    let stream = context.new_stream()?;
    // SAFETY: both are given back below, and the copies in between stay within them.
    let (host, device) = unsafe { (result::malloc_host(num_bytes, 0)?, result::malloc_sync(num_bytes)?) };
    // SAFETY: so many bytes were allocated.
    unsafe { std::ptr::write_bytes(host.cast::<u8>(), 1, num_bytes) };
    let mut times_us = Vec::with_capacity(frames);
    for _ in 0..frames {
        let pause = Instant::now();
        while pause.elapsed() < PAUSE {
            std::hint::spin_loop();
        }
        let start = Instant::now();
        // SAFETY: as above.
        unsafe { cuMemcpyHtoDAsync_v2(device, host.cast(), num_bytes, stream.cu_stream()) }.result()?;
        stream.synchronize()?;
        times_us.push(1e6 * start.elapsed().as_secs_f64());
    }
    // SAFETY: allocated above, and the copies are done.
    unsafe {
        result::free_host(host.cast())?;
        result::free_sync(device)?;
    }
    Ok(median(&mut times_us))
}

fn ours(dimensions: Dimensions, frames: usize) -> Result<f64, Box<dyn std::error::Error>> {
    let device = Device::open(&"virtual:latency_us=1,interval_us=1+cuda:0".parse()?)?;
    let config = EncoderConfig {
        nvenc: NvencOptions { input_path: InputPath::Cuda, ..NvencOptions::default() },
        expected_frames: frames,
        ..EncoderConfig::new(Codec::H264, dimensions, FrameRate { num: 30, den: 1 }, PixelFormat::Nv12)
    };
    let pinned = device.pinned(&vec![1; PixelFormat::Nv12.frame_bytes(dimensions)])?;
    let mut encoder = device.encoder(&config, Box::new(|_| ()))?;
    for pts in 0..frames as u64 {
        let data = (*pinned).as_ref();
        encoder.submit(&FrameView { format: PixelFormat::Nv12, dimensions, data, pts })?;
    }
    encoder.finish()?;
    let mut times_us: Vec<f64> = encoder.take_frames().upload_ns.iter().map(|&ns| ns as f64 / 1e3).collect();
    Ok(median(&mut times_us))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
