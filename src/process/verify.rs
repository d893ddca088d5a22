//! Does another decoder find every frame in a stream? Asks ffprobe.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::contract::Codec;

/// Between two looks whether ffprobe has ended. It takes tens of milliseconds to start.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// More than anybody needs of what it says.
const MAX_SAID_BYTES: u64 = 1 << 16;

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
    #[error("cannot read what ffprobe says: {0}; choose another folder for temporary files with TMPDIR")]
    Unheard(io::Error),
    #[error("stopped before its end")]
    Stopped,
}

/// Counts and decodes an elementary stream, from where `stream` is: every frame must be there, and decode without a word. Answers
/// their number. `stop` ends it early.
///
/// # Errors
/// There is no ffprobe, or it finds something wrong.
pub fn verify(stream: File, codec: Codec, expected: u64, stop: &AtomicBool) -> Result<u64, VerifyError> {
    let format = if codec == Codec::Av1 { "obu".to_owned() } else { codec.to_string() };
    // Files hold whatever it says, so that nobody has to read on while it works.
    let (mut answer, mut errors) = (said_to_file()?, said_to_file()?);
    let mut ffprobe = Command::new("ffprobe")
        .args(["-v", "error", "-count_frames", "-select_streams", "v"])
        .args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"])
        .args(["-f", &format, "pipe:0"])
        .stdin(Stdio::from(stream))
        .stdout(answer.try_clone().map_err(VerifyError::Unheard)?)
        .stderr(errors.try_clone().map_err(VerifyError::Unheard)?)
        .spawn()
        .map_err(VerifyError::NoFfprobe)?;
    wait(&mut ffprobe, stop)?;
    if let Some(line) = text(&mut errors)?.lines().find(|line| !line.trim().is_empty()) {
        return Err(VerifyError::Damaged(line.to_owned()));
    }
    match text(&mut answer)?.trim().trim_end_matches(',').parse::<u64>() {
        Ok(found) if found == expected => Ok(found),
        Ok(found) => Err(VerifyError::Count { found, expected }),
        Err(_) => Err(VerifyError::Nothing),
    }
}

/// Without a name, so that nothing stays where this program is killed.
fn said_to_file() -> Result<File, VerifyError> {
    tempfile::tempfile().map_err(VerifyError::Unheard)
}

fn text(said: &mut File) -> Result<String, VerifyError> {
    let mut bytes = Vec::new();
    said.rewind().map_err(VerifyError::Unheard)?;
    said.take(MAX_SAID_BYTES).read_to_end(&mut bytes).map_err(VerifyError::Unheard)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn wait(ffprobe: &mut Child, stop: &AtomicBool) -> Result<(), VerifyError> {
    while ffprobe.try_wait().map_err(VerifyError::Unheard)?.is_none() {
        if stop.load(Ordering::Relaxed) {
            // It has ended by itself, or ends now.
            let _ = ffprobe.kill();
            let _ = ffprobe.wait();
            return Err(VerifyError::Stopped);
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}
