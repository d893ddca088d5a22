//! Errors of reading frames, each one line with its cause.
//!
//! Knows no exit code; whoever shows the error chooses it.

use std::io;
use std::path::PathBuf;

use super::geometry::GeometryError;
use super::y4m::Y4mError;
use crate::contract::{Dimensions, PixelFormat};
use crate::shell::with_input;

/// Why frames cannot be read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum SourceError {
    #[error("cannot open the input: no such file, check the path: {}", .0.display())]
    Missing(PathBuf),
    #[error("cannot open the input: it is a directory, name a file in it: {}", .0.display())]
    Directory(PathBuf),
    #[error("cannot open the input: it is a pipe or a device, use - to read Y4M from standard input: {}", .0.display())]
    NotAFile(PathBuf),
    #[error("cannot read standard input: it is a terminal, pipe Y4M into it: ffmpeg -i IN -f yuv4mpegpipe - | …")]
    Terminal,
    #[error("cannot read the input: the file is empty, name one with frames in it: {}", .0.display())]
    EmptyFile(PathBuf),
    #[error("cannot {action} the input: {cause}: {input}")]
    Io { action: &'static str, cause: io::Error, input: String },
    #[error("cannot use the input: {cause}: {input}")]
    Geometry { cause: GeometryError, input: String },
    #[error("cannot read Y4M: {}: {input}", with_input(&cause.to_string(), input))]
    Y4m { cause: Y4mError, input: String },
    #[error(
        "cannot read raw frames: {file_bytes} bytes are not a whole number of {format} frames of {dimensions} \
         ({frame_bytes} bytes each), bytes left over: {remainder}; check format and size: {}", path.display()
    )]
    RawSize {
        file_bytes: u64,
        frame_bytes: u64,
        remainder: u64,
        format: PixelFormat,
        dimensions: Dimensions,
        path: PathBuf,
    },
    #[error(
        "cannot decode the input: ffmpeg not found; install it (Debian, Ubuntu: apt install ffmpeg), or use an input that \
         does not need it (synthetic, a Y4M file, raw:FORMAT:WxH@FPS:FILE): {}", .0.display()
    )]
    NoFfmpeg(PathBuf),
    #[error("cannot decode the input: it is text, not media, name a video file: {}", .0.display())]
    Text(PathBuf),
    #[error("cannot decode the input: its format names other files or places (a playlist, a stream description), or is unknown; name the video file itself: {}", .0.display())]
    NotInOneFile(PathBuf),
    #[error("cannot decode the input: it has no video, name a file with a video stream: {}", .0.display())]
    NoVideo(PathBuf),
    #[error("cannot decode the input: ffmpeg says: {message}; check with ffprobe that the video file is complete: {}", path.display())]
    Ffmpeg { message: String, path: PathBuf },
    #[error(
        "cannot decode the input: no frame came from ffmpeg for {seconds} s, so it was ended; it said: {message}; check with ffprobe that the video file is complete: {}", path.display()
    )]
    FfmpegHangs { seconds: u64, message: String, path: PathBuf },
    #[error(
        "cannot rely on the input: {problem}; repair it, or add --set allow_damaged=true to measure what can be decoded ({frames} frames): {input}"
    )]
    Damaged { problem: String, frames: u64, input: String },
    #[error("cannot decode the input: it is not a compressed clip, name an H.264, HEVC, AV1 or VP9 file: {0}")]
    NotCompressed(String),
    #[error("cannot decode the input: its codec {codec} is not measured, use H.264, HEVC, AV1 or VP9: {}", path.display())]
    CodecNotMeasured { codec: String, path: PathBuf },
    #[error("cannot read IVF: the header is cut off or damaged, make the file again: {}", .0.display())]
    Ivf(PathBuf),
    #[error(
        "cannot keep the clip in memory: it has {num_bytes} bytes, more than {max_bytes}: raise --preload-mib, or cut the clip: {}", path.display()
    )]
    ClipTooLarge { num_bytes: u64, max_bytes: u64, path: PathBuf },
    #[error("stopped while the input was read")]
    Stopped,
    #[error("cannot use the input: it has no frames, name a longer clip: {0}")]
    NoFrames(String),
    #[error(
        "cannot keep standard input in memory: it has more than {preload_bytes} bytes of frames and cannot be read \
         twice: raise --preload-mib, lower --frames, or save it to a file first"
    )]
    StdinTooLarge { preload_bytes: u64 },
    #[error("cannot keep the input in memory: {bytes} bytes for a frame could not be allocated: lower --preload-mib")]
    OutOfMemory { bytes: usize },
    #[error("cannot read the input again: it has changed since it was opened; start again: {0}")]
    Changed(String),
    #[error("cannot start the reader thread: {0}; free memory or raise the thread limit (ulimit -u)")]
    Thread(io::Error),
    #[error("cannot read the input to its end: the reader thread ended early; this is a bug, please report it: {0}")]
    ReaderLost(String),
}
