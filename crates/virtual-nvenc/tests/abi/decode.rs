//! The whole way: pixels written through the driver's pitch, packets out, and a decoder's word for what is in them.

use std::path::Path;
use std::process::Command;

use moq_nvenc::sys::nvEncodeAPI as sys;

use crate::client::*;

/// Wide enough that the driver's pitch (512 and 1024 bytes) differs from the row, and no multiple of a block.
const SIZES: [(u32, u32); 2] = [(322, 66), (642, 34)];
const NUM_PICTURES: u8 = 14;
const BRIGHT: u8 = 220;

/// Every picture has a level of its own in its left half, and the same level in its right half.
fn level(picture: u8) -> u8 {
    30 + 12 * picture
}

fn check(codec: sys::GUID, name: &str, interval_p: i32) {
    for (width, height) in SIZES {
        let device = instant_device();
        let client = Client::opened(&device);
        let mut config = client.preset_config_of(codec);
        (config.gopLength, config.frameIntervalP) = (6, interval_p);
        if codec == sys::NV_ENC_CODEC_H264_GUID {
            config.encodeCodecConfig.h264Config.idrPeriod = 6;
        } else {
            config.encodeCodecConfig.hevcConfig.idrPeriod = 6;
        }
        let mut init = sys::NV_ENC_INITIALIZE_PARAMS {
            encodeGUID: codec,
            encodeWidth: width,
            encodeHeight: height,
            encodeConfig: &mut config,
            ..client.init_params()
        };
        assert_eq!(client.initialize(&mut init), SUCCESS, "{}", client.last_error());
        let stream = encode(&client, width, height);
        client.destroy();

        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("driver-{name}-{interval_p}-{width}.bin"));
        std::fs::write(&path, stream).unwrap();
        assert_eq!(decoded_levels(&path, name, width, height), (0..NUM_PICTURES).map(level).collect::<Vec<_>>());
    }
}

/// All packets behind each other.
fn encode(client: &Client<'_>, width: u32, height: u32) -> Vec<u8> {
    let slots: Vec<Slot> = (0..NUM_PICTURES)
        .map(|_| Slot { input: client.create_input(NV12, width, height).1, output: client.create_output().1 })
        .collect();
    for (picture, slot) in (0..NUM_PICTURES).zip(&slots) {
        paint(client, slot.input, level(picture), width as usize, height as usize);
        let mut params = client.picture(*slot, picture.into());
        (params.inputWidth, params.inputHeight) = (width, height);
        assert!([SUCCESS, NEED_MORE_INPUT].contains(&client.encode(&mut params)), "{}", client.last_error());
    }
    assert_eq!(client.end_of_stream(), SUCCESS);
    slots.iter().flat_map(|slot| client.reap(*slot).bytes).collect()
}

fn paint(client: &Client<'_>, input: *mut std::ffi::c_void, left: u8, width: usize, height: usize) {
    let (status, address, pitch) = client.lock_input(input, false);
    assert_eq!(status, SUCCESS);
    for row in 0..height + height / 2 {
        // SAFETY: the buffer is locked, and an NV12 picture has `height * 3 / 2` rows of `pitch` bytes.
        let row = unsafe { std::slice::from_raw_parts_mut(address.add(row * pitch as usize), width) };
        let (left_half, right_half) = row.split_at_mut(width / 2);
        left_half.fill(left);
        right_half.fill(BRIGHT);
    }
    assert_eq!(client.unlock_input(input), SUCCESS);
}

/// The left level of each decoded picture, in display order; the right level is checked on the way.
fn decoded_levels(path: &Path, format: &str, width: u32, height: u32) -> Vec<u8> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "warning", "-nostdin", "-err_detect", "explode", "-f", format, "-i"]).arg(path);
    ffmpeg.args(["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]);
    let output = ffmpeg.output().unwrap();
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && messages.is_empty(), "{ffmpeg:?}: {messages}");
    let (width, height) = (width as usize, height as usize);
    let levels = output.stdout.chunks_exact(width * height * 3 / 2).map(|picture| {
        let row = &picture[(height / 2) * width..][..width];
        assert_eq!(row[width - 4], BRIGHT);
        row[4]
    });
    levels.collect()
}

#[test]
fn h264_shows_every_picture_once_and_in_order() {
    check(sys::NV_ENC_CODEC_H264_GUID, "h264", 1);
    check(sys::NV_ENC_CODEC_H264_GUID, "h264", 3);
}

#[test]
fn hevc_shows_every_picture_once_and_in_order() {
    check(sys::NV_ENC_CODEC_HEVC_GUID, "hevc", 1);
    check(sys::NV_ENC_CODEC_HEVC_GUID, "hevc", 3);
}
