//! Can FFmpeg be compared with on this computer? Is it there, does it encode with NVENC, are our libraries there?
//!
//! Knows no plan and no device: whether the device works is seen when it is opened.

use std::io;
use std::process::{Command, Stdio};

use super::driver_folder::{DriverFolderError, are_built};
use crate::contract::Codec;

/// Why FFmpeg cannot be compared with, in a line.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum NoFfmpeg {
    #[error("{name} is not beside this program: build with cargo build --release --workspace")]
    NotBuilt { name: &'static str },
    #[error("comparing with other programs works on Linux only")]
    NotHere,
    #[error("no ffmpeg found on this computer: install it (Debian, Ubuntu: apt install ffmpeg)")]
    Missing,
    #[error("ffmpeg cannot be started: {0}; reinstall it")]
    NotStarted(io::Error),
    #[error("this ffmpeg has no NVENC encoder: install a build with h264_nvenc")]
    NoNvenc,
}

/// The codecs that the installed ffmpeg encodes with NVENC. Starts a process; does not open a device.
///
/// # Errors
/// There is none, or no way to measure it.
pub fn nvenc_codecs() -> Result<Vec<Codec>, NoFfmpeg> {
    are_built().map_err(|error| match error {
        DriverFolderError::NotBuilt { name, .. } => NoFfmpeg::NotBuilt { name },
        _ => NoFfmpeg::NotHere,
    })?;
    let asked = Command::new("ffmpeg").args(["-hide_banner", "-encoders"]).stdin(Stdio::null()).output();
    let listed = asked.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => NoFfmpeg::Missing,
        _ => NoFfmpeg::NotStarted(error),
    })?;
    let codecs = codecs_in(&String::from_utf8_lossy(&listed.stdout));
    if codecs.is_empty() { Err(NoFfmpeg::NoNvenc) } else { Ok(codecs) }
}

/// FFmpeg's name for the encoder.
pub fn encoder_of(codec: Codec) -> String {
    format!("{codec}_nvenc")
}

/// Has the encoder an option of that name? Options come and go with versions.
pub fn has_option(codec: Codec, option: &str) -> bool {
    let encoder = format!("encoder={}", encoder_of(codec));
    let asked = Command::new("ffmpeg").args(["-hide_banner", "-h", &encoder]).stdin(Stdio::null()).output();
    asked.is_ok_and(|told| {
        let told = String::from_utf8_lossy(&told.stdout);
        told.split_whitespace().any(|word| word.strip_prefix('-') == Some(option))
    })
}

/// From lines such as " V....D h264_nvenc           NVIDIA NVENC H.264 encoder (codec h264)".
fn codecs_in(listed: &str) -> Vec<Codec> {
    let names: Vec<_> = listed.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    let is_listed = |codec: &Codec| names.contains(&encoder_of(*codec).as_str());
    Codec::ENCODED.into_iter().filter(is_listed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encoders_of_nvenc_count() {
        let listed = " V..... = Video\n ------\n V....D libx264              libx264 (codec h264)\n \
                      V....D h264_nvenc           NVIDIA NVENC H.264 encoder (codec h264)\n \
                      V....D av1_nvenc            NVIDIA NVENC av1 encoder (codec av1)\n";
        assert_eq!(codecs_in(listed), [Codec::H264, Codec::Av1]);
        assert_eq!(codecs_in(" V....D libx264              not h264_nvenc\n"), []);
    }
}
