//! Raw frames: a file of nothing but pixels, whose layout the user names.
//!
//! All that can be checked is that the file holds a whole number of frames, so that is checked before the first one.

use std::fs::File;
use std::io;
use std::path::Path;

use super::geometry::checked_dimensions;
use super::y4m::fill;
use super::{FrameSource, Length, SourceError, SourceInfo};
use crate::contract::{Dimensions, FrameRate, PixelFormat};

/// Raw frames from a file.
pub struct RawSource {
    info: SourceInfo,
    file: File,
}

impl RawSource {
    /// Reads `file`, whose `path` is for errors, from its first byte. `spec` names the input.
    pub fn new(
        spec: String,
        format: PixelFormat,
        dimensions: Dimensions,
        frame_rate: FrameRate,
        path: &Path,
        file: File,
    ) -> Result<Self, SourceError> {
        let dimensions = checked_dimensions(dimensions)
            .map_err(|cause| SourceError::Geometry { cause, input: path.display().to_string() })?;
        let file_bytes = file
            .metadata()
            .map_err(|cause| SourceError::Io { action: "read", cause, input: path.display().to_string() })?
            .len();
        let frame_bytes = format.frame_bytes(dimensions) as u64;
        let (num_frames, remainder) = (file_bytes / frame_bytes, file_bytes % frame_bytes);
        if remainder != 0 {
            let path = path.to_owned();
            return Err(SourceError::RawSize { file_bytes, frame_bytes, remainder, format, dimensions, path });
        }
        let info = SourceInfo {
            spec,
            format,
            dimensions,
            frame_rate,
            has_variable_rate: false,
            colour: None,
            length: Length::Frames(num_frames),
        };
        Ok(Self { info, file })
    }
}

impl FrameSource for RawSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    /// A file of pixels has no hiccups, and what lies in few buffers stays in the processor's cache on its way.
    fn frames_ahead(&self) -> usize {
        2
    }

    fn next_frame(&mut self, frame: &mut [u8]) -> Result<bool, SourceError> {
        match fill(&mut self.file, frame) {
            Ok(0) => Ok(false),
            Ok(num_read) if num_read == frame.len() => Ok(true),
            // The file was whole when it was opened.
            Ok(_) => Err(SourceError::Changed(self.info.spec.clone())),
            Err(cause) => Err(self.read_error(cause)),
        }
    }
}

impl RawSource {
    fn read_error(&self, cause: io::Error) -> SourceError {
        SourceError::Io { action: "read", cause, input: self.info.spec.clone() }
    }
}
