//! Frames in: a synthetic pattern, Y4M, raw frames, or any media that an installed ffmpeg decodes.
//!
//! [`InputSpec`] names the input, [`open()`] opens it as a [`FrameSource`], and a run reads from a [`Feed`]. Nothing
//! here knows encoders or devices, and the only thing measured is how long a run waited for its next frame.

mod clip;
mod colour;
mod error;
mod feed;
mod ffmpeg;
mod geometry;
mod media;
mod probe;
mod raw;
mod reader;
mod samples;
mod spec;
mod synthetic;
mod y4m;

use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Read, Seek};
use std::path::Path;

pub use clip::Clip;
pub use error::SourceError;
pub use feed::{Cursor, Damaged, Feed};
pub use ffmpeg::KillSwitch;
pub use geometry::{GeometryError, MAX_SIDE, parse_rate};
pub use probe::{MediaFacts, media_facts};
pub use spec::{InputSpec, InputSpecError, path_text};
pub use synthetic::PERIOD as SYNTHETIC_PERIOD;
pub use y4m::Y4mError;

use crate::contract::{Colour, Dimensions, FrameRate, PixelFormat};
use media::MediaSource;
use raw::RawSource;
use synthetic::SyntheticSource;
use y4m::Y4mSource;

/// Facts about a source that are known before its first frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceInfo {
    /// Canonical spelling of the input.
    pub spec: String,
    /// Layout of every frame.
    pub format: PixelFormat,
    /// Size of every frame, both sides even.
    pub dimensions: Dimensions,
    /// Nominal rate; of a video whose rate varies the average.
    pub frame_rate: FrameRate,
    /// Does the rate vary?
    pub has_variable_rate: bool,
    /// What the input says of its samples, where it says anything.
    pub colour: Option<Colour>,
    /// How many frames there are.
    pub length: Length,
}

/// How many frames a source delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// This many.
    Frames(u64),
    /// Known only after reading to the end.
    Unknown,
    /// Endless. Frame i and frame i + `period` are equal, and any `period` frames in a row are distinct.
    Endless {
        /// In frames.
        period: u64,
    },
}

/// Frames in display order, each delivered once.
pub trait FrameSource: Send {
    /// Facts about the frames.
    fn info(&self) -> &SourceInfo;

    /// Fills `frame`, which must have exactly [`SourceInfo::frame_bytes`] bytes; false at the end, with undefined contents
    /// in `frame`.
    ///
    /// # Errors
    /// The input is damaged, cut off or no longer readable.
    fn next_frame(&mut self, frame: &mut [u8]) -> Result<bool, SourceError>;

    /// Number of frames to read ahead of a run: enough to cover a decoder's delays (a key frame, a flush) of some ten
    /// milliseconds.
    fn frames_ahead(&self) -> usize {
        8
    }

    /// What was wrong with the frames so far, although they could be read. Nothing is read afterwards.
    fn damage(&mut self) -> Option<String> {
        None
    }

    /// For a source whose [`FrameSource::next_frame`] waits for another process: a switch that ends the wait from outside.
    fn kill_switch(&self) -> Option<KillSwitch> {
        None
    }
}

impl SourceInfo {
    /// Bytes of every frame.
    pub fn frame_bytes(&self) -> usize {
        self.format.frame_bytes(self.dimensions)
    }
}

/// Opens an input at its first frame.
///
/// # Errors
/// Missing, unreadable or unsupported input, each with its own cause.
pub fn open(spec: &InputSpec) -> Result<Box<dyn FrameSource>, SourceError> {
    match spec {
        InputSpec::Synthetic { dimensions, frame_rate } => {
            Ok(Box::new(SyntheticSource::new(spec.to_string(), *dimensions, *frame_rate)?))
        }
        InputSpec::Raw { format, dimensions, frame_rate, path } => {
            let file = open_file(path)?;
            Ok(Box::new(RawSource::new(spec.to_string(), *format, *dimensions, *frame_rate, path, file)?))
        }
        InputSpec::Stdin if io::stdin().is_terminal() => Err(SourceError::Terminal),
        InputSpec::Stdin => Ok(Box::new(Y4mSource::new(spec.to_string(), BufReader::new(io::stdin()))?)),
        InputSpec::File(path) => open_path(spec, path),
    }
}

/// Any bytes as a Y4M stream, for `tests/fuzz`: frames or an error, in bounded memory.
#[cfg(fuzzing)]
pub fn fuzzed_y4m(bytes: &[u8]) {
    let Ok(mut source) = Y4mSource::new(String::new(), bytes) else { return };
    // A header of one line may ask for a frame of any size; it has to be there to be read.
    if source.info().frame_bytes() > bytes.len() {
        return;
    }
    let mut frame = vec![0; source.info().frame_bytes()];
    while source.next_frame(&mut frame).is_ok_and(|is_frame| is_frame) {}
}

/// Any bytes as a compressed clip, for `tests/fuzz`: its units are parts of it, in order.
#[cfg(fuzzing)]
pub fn fuzzed_clip(bytes: &[u8]) {
    clip::fuzzed(bytes);
}

fn open_path(spec: &InputSpec, path: &Path) -> Result<Box<dyn FrameSource>, SourceError> {
    let mut file = open_file(path)?;
    let failed = |cause| SourceError::Io { action: "read", cause, input: spec.to_string() };
    let mut head = Vec::new();
    file.by_ref().take(media::SNIFFED_BYTES).read_to_end(&mut head).map_err(failed)?;
    if !head.starts_with(y4m::MAGIC) {
        return Ok(Box::new(MediaSource::open(spec.to_string(), path, &head)?));
    }
    file.rewind().map_err(failed)?;
    Ok(Box::new(Y4mSource::new(spec.to_string(), BufReader::new(file))?))
}

/// Opens a regular file that is not empty. Checks the kind of file before opening it, because opening a pipe may block
/// for ever.
fn open_file(path: &Path) -> Result<File, SourceError> {
    let failed = |cause: io::Error| match cause.kind() {
        io::ErrorKind::NotFound => SourceError::Missing(path.to_owned()),
        _ => SourceError::Io { action: "open", cause, input: path.display().to_string() },
    };
    let metadata = path.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(SourceError::Directory(path.to_owned()));
    }
    if !metadata.is_file() {
        return Err(SourceError::NotAFile(path.to_owned()));
    }
    if metadata.len() == 0 {
        return Err(SourceError::EmptyFile(path.to_owned()));
    }
    File::open(path).map_err(failed)
}

/// Memory for a frame. How much is up to a file's header, so that there may be too little is an error like any other.
fn frame_buffer(bytes: usize) -> Result<Vec<u8>, SourceError> {
    let mut frame = Vec::new();
    frame.try_reserve_exact(bytes).map_err(|_| SourceError::OutOfMemory { bytes })?;
    frame.resize(bytes, 0);
    Ok(frame)
}
