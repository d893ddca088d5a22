//! What the payload thread writes, seen from the driver. It knows no session and no time.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    H264,
    Hevc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    Mosaic,
    Lossless,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chroma {
    Yuv420,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamParams {
    pub codec: Codec,
    pub mode: Mode,
    pub width: u32,
    pub height: u32,
    pub chroma: Chroma,
    pub bit_depth: u8,
    pub frame_rate: (u32, u32),
    pub max_reorder: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PictureKind {
    Idr,
    I,
    P,
    B,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureHeader {
    pub kind: PictureKind,
    pub poc: i32,
    pub is_reference: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    Nv12,
    Iyuv,
    Yv12,
    Argb,
    Abgr,
}

pub struct Pixels<'a> {
    pub buffer: &'a [u8],
}

impl<'a> Pixels<'a> {
    pub fn from_buffer(_format: PixelFormat, _height: u32, buffer: &'a [u8], _pitch_bytes: usize) -> Self {
        Self { buffer }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct PayloadError;

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no payload")
    }
}

pub struct PayloadWriter {
    params: StreamParams,
}

/// A stand-in until the real writer is here.
impl PayloadWriter {
    pub fn new(params: StreamParams) -> Result<Self, PayloadError> {
        if !params.width.is_multiple_of(2) || !params.height.is_multiple_of(2) || params.frame_rate.1 == 0 {
            return Err(PayloadError);
        }
        Ok(Self { params })
    }

    pub fn headers(&self) -> &[u8] {
        b"HEAD"
    }

    pub fn write_picture(
        &mut self,
        header: PictureHeader,
        pixels: &Pixels<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), PayloadError> {
        out.push(header.kind as u8);
        out.extend_from_slice(&header.poc.to_le_bytes());
        out.extend(pixels.buffer.first());
        Ok(())
    }

    pub fn max_picture_bytes(&self) -> usize {
        self.params.width as usize * self.params.height as usize * 2 + 64
    }
}
