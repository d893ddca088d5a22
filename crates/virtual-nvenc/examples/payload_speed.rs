//! Prints what a picture's payload costs, in microseconds per picture, by codec, mode, layout and size.
//!
//! Run it optimised: `cargo run --release -p virtual-nvenc --example payload_speed`. The pictures move and carry noise, so
//! that averages change from picture to picture and few steps between blocks are zero.

use std::time::{Duration, Instant};

use virtual_nvenc::payload::{
    Chroma, Codec, Mode, PayloadError, PayloadWriter, PictureHeader, PictureKind, PixelFormat, Pixels, StreamParams,
};

const SIZES: [(u32, u32); 3] = [(640, 360), (1920, 1080), (3840, 2160)];
const FORMATS: [(PixelFormat, usize); 2] = [(PixelFormat::Nv12, 1), (PixelFormat::Argb, 4)];
const NUM_PICTURES: usize = 8;
const TIME_PER_LINE: Duration = Duration::from_millis(400);

fn main() -> Result<(), PayloadError> {
    println!(
        "{:<6} {:<9} {:<5} {:>9} {:>8} {:>8} {:>10}",
        "codec", "mode", "input", "size", "best_us", "mean_us", "bytes"
    );
    for codec in [Codec::H264, Codec::Hevc] {
        for mode in [Mode::Mosaic, Mode::Sparse, Mode::Lossless] {
            for (format, bytes_per_pixel) in FORMATS {
                for size in SIZES {
                    measure(codec, mode, format, bytes_per_pixel, size)?;
                }
            }
        }
    }
    Ok(())
}

fn measure(
    codec: Codec,
    mode: Mode,
    format: PixelFormat,
    bytes_per_pixel: usize,
    (width, height): (u32, u32),
) -> Result<(), PayloadError> {
    let (chroma, bit_depth, frame_rate) = (Chroma::Yuv420, 8, (60, 1));
    let params =
        StreamParams { codec, mode, width, height, chroma, bit_depth, frame_rate, max_reorder: 0, colour: None };
    let mut writer = PayloadWriter::new(params)?;
    let mut out = Vec::with_capacity(writer.max_picture_bytes());
    let pitch_bytes = (width as usize * bytes_per_pixel).next_multiple_of(512);
    let pictures: Vec<_> = (0..NUM_PICTURES).map(|index| picture(index, pitch_bytes, height as usize)).collect();

    let (mut times, mut total) = (Vec::new(), Duration::ZERO);
    while total < TIME_PER_LINE {
        let poc = (times.len() % 250) as i32;
        let kind = if poc == 0 { PictureKind::Idr } else { PictureKind::P };
        let pixels = Pixels::from_buffer(format, height, &pictures[times.len() % NUM_PICTURES], pitch_bytes);
        out.clear();
        let start = Instant::now();
        writer.write_picture(PictureHeader { kind, poc, is_reference: true }, &pixels, &mut out)?;
        times.push(start.elapsed());
        total += start.elapsed();
    }
    let best_us = times.iter().min().map_or(0, Duration::as_micros);
    let mean_us = total.as_micros() / times.len() as u128;
    let size = format!("{width}x{height}");
    println!(
        "{:<6} {:<9} {:<5} {size:>9} {best_us:>8} {mean_us:>8} {:>10}",
        format!("{codec:?}"),
        format!("{mode:?}"),
        format!("{format:?}"),
        out.len()
    );
    Ok(())
}

/// Enough bytes for either layout: a moving gradient with noise.
fn picture(index: usize, pitch_bytes: usize, height: usize) -> Vec<u8> {
    let mut noise = index as u32 + 1;
    let byte = |at: usize| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let gradient = (at % pitch_bytes + index * 5) / 9 + at / pitch_bytes / 3;
        gradient as u8 / 2 + 40 + (noise >> 26) as u8
    };
    (0..pitch_bytes * height * 3 / 2).map(byte).collect()
}
