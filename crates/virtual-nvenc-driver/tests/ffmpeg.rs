//! An unmodified ffmpeg on the drop-in driver: every stream decodes, bit for bit where the payload is lossless, and no
//! rule of the API is broken. Needs an ffmpeg that was built with NVENC, as Debian's is.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use common::Drivers;

const NUM_FRAMES: usize = 40;
const ENCODERS: [&str; 2] = ["h264_nvenc", "hevc_nvenc"];
/// Frames in CUDA memory.
const ON_CUDA: [&str; 6] = ["-init_hw_device", "cuda=cu:0", "-filter_hw_device", "cu", "-vf", "hwupload"];

/// One way to encode.
struct Case<'a> {
    encoder: &'a str,
    pixels: &'a str,
    size: (usize, usize),
    container: &'a str,
    options: Vec<&'a str>,
}

impl<'a> Case<'a> {
    fn new(encoder: &'a str, options: &[&'a str]) -> Self {
        Self { encoder, pixels: "yuv420p", size: (160, 120), container: "mp4", options: options.to_vec() }
    }

    fn pixels(self, pixels: &'a str) -> Self {
        Self { pixels, ..self }
    }

    fn name(&self) -> String {
        format!("{} {} {:?} {} {:?}", self.encoder, self.pixels, self.size, self.container, self.options)
    }

    /// Bytes of a frame; chroma of an odd size is rounded up.
    fn frame_bytes(&self) -> usize {
        let (width, height) = self.size;
        let halves = 2 * width.div_ceil(2) * height.div_ceil(2);
        match self.pixels {
            "nv12" | "yuv420p" => width * height + halves,
            "p010le" => 2 * (width * height + halves),
            "yuv444p" => 3 * width * height,
            other => panic!("no such pixels: {other}"),
        }
    }

    /// Encodes noise, decodes what came of it, and compares.
    fn check(&self, drivers: &Drivers) {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let frames = noise(self.frame_bytes() * NUM_FRAMES, self.pixels == "p010le");
        fs::write(path("in.raw"), &frames).unwrap();
        let device = format!("latency_us=200,interval_us=200,payload=lossless,log={}", path("calls.jsonl").display());
        let (stream, size) = (path(&format!("out.{}", self.container)), format!("{}x{}", self.size.0, self.size.1));
        let mut encode = drivers.command("ffmpeg", &device);
        encode.args(["-nostdin", "-v", "error", "-f", "rawvideo", "-pix_fmt", self.pixels, "-video_size", &size, "-i"]);
        encode.arg(path("in.raw")).args(&self.options).args(["-c:v", self.encoder]).arg(&stream);
        quiet(&self.name(), &encode.output().unwrap());
        assert_eq!(rules_broken(&path("calls.jsonl")), Vec::<String>::new(), "{}", self.name());
        assert_eq!(
            decode(&stream, self.pixels, &path("out.raw"), &self.name()),
            frames,
            "{}: other pixels",
            self.name()
        );
    }
}

/// Bytes without a pattern, within limited range; of 16-bit samples the low six bits are empty.
fn noise(num_bytes: usize, is_10_bit: bool) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..num_bytes)
        .map(|idx| match next() {
            low if is_10_bit && idx % 2 == 0 => low & 0xc0,
            byte => 16 + byte % 220,
        })
        .collect()
}

fn decode(stream: &Path, pixels: &str, to: &Path, name: &str) -> Vec<u8> {
    let mut decode = Command::new("ffmpeg");
    decode.args(["-nostdin", "-v", "error", "-i"]).arg(stream).args(["-pix_fmt", pixels, "-f", "rawvideo"]).arg(to);
    quiet(name, &decode.output().unwrap());
    fs::read(to).unwrap()
}

fn quiet(name: &str, output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{name}: {} {said}", output.status);
}

/// Each line of the protocol that names one.
fn rules_broken(protocol: &Path) -> Vec<String> {
    let text = fs::read_to_string(protocol).unwrap();
    assert!(text.contains(r#""call":"NvEncEncodePicture""#) && text.contains(r#""summary""#), "{text}");
    text.lines().filter(|line| line.contains(r#""rule":"#)).map(str::to_owned).collect()
}

/// Is there an ffmpeg with NVENC? Says so where there is none.
fn has_ffmpeg() -> bool {
    let listed = Command::new("ffmpeg").args(["-hide_banner", "-encoders"]).output();
    let has = listed.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("hevc_nvenc"));
    if !has {
        eprintln!("not tested: there is no ffmpeg with h264_nvenc and hevc_nvenc here");
    }
    has
}

fn check_all(options: &[&[&str]]) {
    if !has_ffmpeg() {
        return;
    }
    let drivers = Drivers::new();
    for encoder in ENCODERS {
        options.iter().for_each(|options| Case::new(encoder, options).check(&drivers));
    }
}

#[test]
fn presets() {
    check_all(&[&["-preset", "p1"], &["-preset", "p4"], &["-preset", "p4", "-bf", "3"], &["-preset", "p7"]]);
}

#[test]
fn presets_of_older_headers() {
    check_all(&[&["-preset", "hq"], &["-preset", "llhp"], &["-preset", "lossless"]]);
}

#[test]
fn latency_and_lookahead() {
    let ull = ["-tune", "ull", "-zerolatency", "1"];
    check_all(&[
        &ull,
        &["-delay", "0"],
        &["-rc-lookahead", "20"],
        &["-preset", "p4", "-bf", "2", "-rc-lookahead", "20"],
    ]);
}

#[test]
fn surfaces() {
    check_all(&[&["-surfaces", "1"], &["-surfaces", "2"], &["-surfaces", "8"], &["-surfaces", "32"]]);
}

#[test]
fn raw_streams_and_delimiters() {
    if !has_ffmpeg() {
        return;
    }
    let drivers = Drivers::new();
    for (encoder, container) in ENCODERS.into_iter().zip(["h264", "hevc"]) {
        Case { container, ..Case::new(encoder, &["-preset", "p1"]) }.check(&drivers);
        Case { container, ..Case::new(encoder, &["-aud", "1", "-g", "10"]) }.check(&drivers);
    }
}

#[test]
fn pixel_formats() {
    if !has_ffmpeg() {
        return;
    }
    let drivers = Drivers::new();
    for encoder in ENCODERS {
        for pixels in ["nv12", "yuv444p"] {
            Case::new(encoder, &["-preset", "p4"]).pixels(pixels).check(&drivers);
        }
    }
    Case::new("hevc_nvenc", &["-preset", "p4"]).pixels("p010le").check(&drivers);
}

#[test]
fn frames_in_cuda_memory() {
    if !has_ffmpeg() {
        return;
    }
    let drivers = Drivers::new();
    for encoder in ENCODERS {
        for pixels in ["nv12", "yuv420p", "yuv444p"] {
            Case::new(encoder, &ON_CUDA).pixels(pixels).check(&drivers);
        }
    }
    Case::new("hevc_nvenc", &ON_CUDA).pixels("p010le").check(&drivers);
}

/// Under 4:2:0 the stream is a column and a row larger; MP4 and H.264 decoders cut them off, HEVC decoders do not.
#[test]
fn odd_sizes() {
    if !has_ffmpeg() {
        return;
    }
    let drivers = Drivers::new();
    for size in [(162, 122), (161, 121), (33, 17), (160, 121)] {
        Case { size, ..Case::new("h264_nvenc", &[]).pixels("nv12") }.check(&drivers);
        for encoder in ENCODERS {
            Case { size, ..Case::new(encoder, &[]).pixels("yuv444p") }.check(&drivers);
        }
    }
}

#[test]
fn two_encodes_at_once_in_one_process() {
    if !has_ffmpeg() {
        return;
    }
    let drivers = Drivers::new();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let frames = noise(64 * 64 * 3 / 2 * NUM_FRAMES, false);
    fs::write(path("in.raw"), &frames).unwrap();
    let mut encode =
        drivers.command("ffmpeg", &format!("interval_us=200,payload=lossless,log={}", path("calls.jsonl").display()));
    encode.args(["-nostdin", "-v", "error", "-f", "rawvideo", "-pix_fmt", "nv12", "-video_size", "64x64", "-i"]);
    encode.arg(path("in.raw"));
    encode.args(["-map", "0:v", "-c:v", "h264_nvenc"]).arg(path("a.mp4"));
    encode.args(["-map", "0:v", "-c:v", "hevc_nvenc"]).arg(path("b.mp4"));
    quiet("two encodes", &encode.output().unwrap());
    assert_eq!(rules_broken(&path("calls.jsonl")), Vec::<String>::new());
    for name in ["a", "b"] {
        let decoded = decode(&path(&format!("{name}.mp4")), "nv12", &path(&format!("{name}.raw")), name);
        assert_eq!(decoded, frames, "{name}: other pixels");
    }
}
