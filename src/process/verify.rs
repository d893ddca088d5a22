//! Does another decoder find every frame in a stream? Asks ffprobe.

use std::fs::File;
use std::io;
use std::process::{Command, Stdio};

use crate::contract::Codec;

/// Why a stream is not taken for whole.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum VerifyError {
    #[error("cannot start ffprobe: {0}; install ffmpeg, or leave --verify out")]
    NoFfprobe(io::Error),
    #[error("ffprobe says: {0}")]
    Damaged(String),
    #[error("ffprobe decodes {found} of {expected} frames")]
    Count { found: u64, expected: u64 },
    #[error("ffprobe finds no frames in it")]
    Nothing,
}

/// Counts and decodes an elementary stream, from where `stream` is: every frame must be there, and decode without a word. Answers
/// their number.
///
/// # Errors
/// There is no ffprobe, or it finds something wrong.
pub fn verify(stream: File, codec: Codec, expected: u64) -> Result<u64, VerifyError> {
    let format = if codec == Codec::Av1 { "obu".to_owned() } else { codec.to_string() };
    let probed = Command::new("ffprobe")
        .args(["-v", "error", "-count_frames", "-select_streams", "v"])
        .args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"])
        .args(["-f", &format, "pipe:0"])
        .stdin(Stdio::from(stream))
        .output()
        .map_err(VerifyError::NoFfprobe)?;
    let said = String::from_utf8_lossy(&probed.stderr);
    if let Some(line) = said.lines().find(|line| !line.trim().is_empty()) {
        return Err(VerifyError::Damaged(line.to_owned()));
    }
    match String::from_utf8_lossy(&probed.stdout).trim().trim_end_matches(',').parse::<u64>() {
        Ok(found) if found == expected => Ok(found),
        Ok(found) => Err(VerifyError::Count { found, expected }),
        Err(_) => Err(VerifyError::Nothing),
    }
}
