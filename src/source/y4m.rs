//! Y4M (YUV4MPEG2): one text line, then a short line and the planes for each frame.
//!
//! Reads 8-bit 4:2:0, which is what NVENC takes as IYUV, 8-bit 4:4:4, and 10-bit 4:2:0, of which it makes P010; knows
//! nothing of where the bytes come from. The header decides how much memory a frame takes, so every number in it is checked
//! before it is used.

use std::io::{self, BufRead, Read};

use super::geometry::{GeometryError, checked_dimensions, reduced_rate, saturated, whole};
use super::samples::make_p010;
use super::{FrameSource, Length, SourceError, SourceInfo};
use crate::contract::{Colour, Dimensions, FrameRate, PixelFormat};

/// What a Y4M stream begins with.
pub const MAGIC: &[u8] = b"YUV4MPEG2 ";

const FRAME_MAGIC: &[u8] = b"FRAME";
/// An extension of FFmpeg: the sampling, for streams without C.
const SAMPLING: &[u8] = b"XYSCSS=";

/// Longest header line, of the stream or of a frame, that is read. Those in the wild are below 100 bytes.
const MAX_LINE_BYTES: u64 = 1024;

/// Frames of a stream that names no rate, as FFmpeg reads it.
const DEFAULT_RATE: FrameRate = FrameRate { num: 25, den: 1 };

/// What is wrong with a Y4M stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum Y4mError {
    #[error("it does not begin with YUV4MPEG2; convert it with ffmpeg -i IN -pix_fmt yuv420p OUT.y4m")]
    NotY4m,
    #[error("the header does not end within {MAX_LINE_BYTES} bytes")]
    HeaderTooLong,
    #[error("the header has no {0}")]
    Missing(&'static str),
    #[error("the header's {what} '{value}' is not a whole number")]
    Number { what: &'static str, value: String },
    #[error("the header's frame rate '{0}' is invalid: it must look like F30000:1001")]
    Rate(String),
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    #[error(
        "unsupported pixel format '{0}': 420, 420p10 and 444 are supported, convert it with ffmpeg -i IN \
         -pix_fmt yuv420p OUT.y4m"
    )]
    PixelFormat(String),
    #[error("frame {frame} does not begin with FRAME but with '{found}'")]
    FrameHeader { frame: u64, found: String },
    #[error("it is cut off in the header of frame {frame}")]
    TruncatedFrameHeader { frame: u64 },
    #[error("it is cut off in frame {frame}: {missing_bytes} of {frame_bytes} bytes are missing")]
    TruncatedFrame { frame: u64, missing_bytes: usize, frame_bytes: usize },
}

/// A Y4M stream, read frame by frame as I420, P010 or YUV444.
pub struct Y4mSource<R> {
    info: SourceInfo,
    reader: R,
    next_frame_idx: u64,
    line: Vec<u8>,
    /// Two chroma planes while they are interleaved.
    chroma: Vec<u8>,
}

/// What the first line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    dimensions: Dimensions,
    frame_rate: FrameRate,
    format: PixelFormat,
    is_full_range: bool,
}

impl<R: BufRead> Y4mSource<R> {
    /// Reads the first line. `spec` names the input in errors.
    pub fn new(spec: String, mut reader: R) -> Result<Self, SourceError> {
        let mut line = Vec::new();
        let complete = read_line(&mut reader, &mut line).map_err(|cause| SourceError::Io {
            action: "read",
            cause,
            input: spec.clone(),
        })?;
        let header = match (line.starts_with(MAGIC), complete) {
            (false, _) => Err(Y4mError::NotY4m),
            (true, false) => Err(Y4mError::HeaderTooLong),
            (true, true) => parse_header(&line),
        };
        let header = header.map_err(|cause| SourceError::Y4m { cause, input: spec.clone() })?;
        let info = SourceInfo {
            spec,
            format: header.format,
            dimensions: header.dimensions,
            frame_rate: header.frame_rate,
            has_variable_rate: false,
            colour: Colour { is_full_range: header.is_full_range, ..Colour::default() }.if_said(),
            length: Length::Unknown,
        };
        Ok(Self { info, reader, next_frame_idx: 0, line, chroma: Vec::new() })
    }

    /// Takes the line before a frame; false where the stream ends instead.
    fn take_frame_header(&mut self) -> Result<bool, SourceError> {
        self.line.clear();
        let complete = read_line(&mut self.reader, &mut self.line).map_err(|cause| self.io_error(cause))?;
        let frame = self.next_frame_idx;
        let parameters = self.line.strip_prefix(FRAME_MAGIC);
        // Parameters of a single frame change its field order or sampling, never its size.
        match (parameters, complete) {
            _ if self.line.is_empty() && !complete => Ok(false),
            (Some([] | [b' ', ..]), true) => Ok(true),
            (None, false) if FRAME_MAGIC.starts_with(&self.line) => Err(Y4mError::TruncatedFrameHeader { frame }),
            (Some([]), false) => Err(Y4mError::TruncatedFrameHeader { frame }),
            _ => Err(Y4mError::FrameHeader { frame, found: shown(&self.line) }),
        }
        .map_err(|cause| self.y4m_error(cause))
    }

    fn io_error(&self, cause: io::Error) -> SourceError {
        SourceError::Io { action: "read", cause, input: self.info.spec.clone() }
    }

    fn y4m_error(&self, cause: Y4mError) -> SourceError {
        SourceError::Y4m { cause, input: self.info.spec.clone() }
    }
}

impl<R: BufRead + Send> FrameSource for Y4mSource<R> {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, frame: &mut [u8]) -> Result<bool, SourceError> {
        if !self.take_frame_header()? {
            return Ok(false);
        }
        let num_read = fill(&mut self.reader, frame).map_err(|cause| self.io_error(cause))?;
        if num_read < frame.len() {
            return Err(self.y4m_error(Y4mError::TruncatedFrame {
                frame: self.next_frame_idx,
                missing_bytes: frame.len() - num_read,
                frame_bytes: frame.len(),
            }));
        }
        if self.info.format == PixelFormat::P010 {
            make_p010(frame, 2 * self.info.dimensions.pixels() as usize, &mut self.chroma);
        }
        self.next_frame_idx += 1;
        Ok(true)
    }
}

/// Appends a line without its end to `line`; false where the line has no end, be it that the stream has one first or
/// that the line is too long.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    reader.take(MAX_LINE_BYTES).read_until(b'\n', line)?;
    Ok(line.pop_if(|byte| *byte == b'\n').is_some())
}

/// Reads until `buf` is full or the stream ends, and says how far that was.
pub(super) fn fill(reader: &mut impl Read, buf: &mut [u8]) -> io::Result<usize> {
    let mut num_read = 0;
    while let Some(rest) = buf.get_mut(num_read..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(count) => num_read += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(num_read)
}

/// Reads the parameters, each a letter and its value. Interlacing (I), pixel aspect (A) and extensions (X) change
/// nothing about the bytes of a frame; one extension says what they mean.
fn parse_header(line: &[u8]) -> Result<Header, Y4mError> {
    let (mut width, mut height, mut frame_rate) = (None, None, DEFAULT_RATE);
    let (mut format, mut format_of_extension, mut is_full_range) = (None, None, false);
    for parameter in line[MAGIC.len()..].split(|&byte| byte == b' ') {
        match parameter {
            [b'W', value @ ..] => width = Some(parse_side("width", value)?),
            [b'H', value @ ..] => height = Some(parse_side("height", value)?),
            [b'F', value @ ..] => frame_rate = parse_rate(value)?,
            [b'C', value @ ..] => format = Some(parse_chroma(value)?),
            // Extensions of FFmpeg. The sampling counts where there is no C.
            _ if parameter.starts_with(SAMPLING) => format_of_extension = parameter.get(SAMPLING.len()..),
            b"XCOLORRANGE=FULL" => is_full_range = true,
            _ => {}
        }
    }
    let format = match (format, format_of_extension) {
        (Some(format), _) => format,
        (None, Some(value)) => parse_chroma(value)?,
        (None, None) => PixelFormat::I420,
    };
    let width = width.ok_or(Y4mError::Missing("width"))?;
    let height = height.ok_or(Y4mError::Missing("height"))?;
    let dimensions = checked_dimensions(Dimensions { width, height })?;
    Ok(Header { dimensions, frame_rate, format, is_full_range })
}

fn parse_side(what: &'static str, value: &[u8]) -> Result<u32, Y4mError> {
    let side = str::from_utf8(value).ok().and_then(whole);
    side.map(saturated).ok_or_else(|| Y4mError::Number { what, value: shown(value) })
}

/// `num:den`, where 0:0 says that the rate is unknown.
fn parse_rate(value: &[u8]) -> Result<FrameRate, Y4mError> {
    let terms = str::from_utf8(value).ok().and_then(|text| text.split_once(':'));
    let rate = match terms.and_then(|(num, den)| whole(num).zip(whole(den))) {
        Some((0, 0)) => Some(DEFAULT_RATE),
        Some((num, den)) => reduced_rate(num, den),
        None => None,
    };
    rate.ok_or_else(|| Y4mError::Rate(shown(value)))
}

/// The spellings of 8-bit 4:2:0 differ in where the chroma samples sit, which the encoder is not told.
fn parse_chroma(value: &[u8]) -> Result<PixelFormat, Y4mError> {
    match value.to_ascii_lowercase().as_slice() {
        b"420" | b"420jpeg" | b"420mpeg2" | b"420paldv" => Ok(PixelFormat::I420),
        b"420p10" => Ok(PixelFormat::P010),
        b"444" => Ok(PixelFormat::Yuv444),
        _ => Err(Y4mError::PixelFormat(shown(value))),
    }
}

/// Foreign bytes, fit for one line of an error.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().take(24).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(bytes: &[u8]) -> Result<Y4mSource<&[u8]>, SourceError> {
        Y4mSource::new("clip.y4m".to_owned(), bytes)
    }

    /// Every frame of a stream, or what went wrong.
    fn frames(bytes: &[u8]) -> Result<Vec<Vec<u8>>, SourceError> {
        let mut source = source(bytes)?;
        let mut frame = vec![0; source.info().frame_bytes()];
        let mut frames = Vec::new();
        while source.next_frame(&mut frame)? {
            frames.push(frame.clone());
        }
        Ok(frames)
    }

    #[test]
    fn header_and_frames_are_read() {
        let source = source(b"YUV4MPEG2 W4 H2 F30000:1001 Ip A1:1 C420jpeg XYSCSS=420JPEG\n").unwrap();
        assert_eq!(source.info().dimensions, Dimensions { width: 4, height: 2 });
        assert_eq!(source.info().frame_rate, FrameRate { num: 30_000, den: 1001 });
        assert_eq!(source.info().format, PixelFormat::I420);

        let stream = b"YUV4MPEG2 H2 W2 It C420paldv\nFRAME\nabcdefFRAME Ip XA=b\n123456";
        assert_eq!(frames(stream).unwrap(), [b"abcdef", b"123456"]);
        assert_eq!(frames(b"YUV4MPEG2 W2 H2\n").unwrap(), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn other_samples_are_read_as_nvenc_takes_them() {
        let format = |header: &[u8]| source(header).unwrap().info().format;
        assert_eq!(format(b"YUV4MPEG2 W2 H2 C420p10 XYSCSS=420P10\n"), PixelFormat::P010);
        assert_eq!(format(b"YUV4MPEG2 W2 H2 C444\n"), PixelFormat::Yuv444);

        let samples = [0x3ff, 1, 2, 3, 0x200, 0x155].map(u16::to_le_bytes).concat();
        let stream = [&b"YUV4MPEG2 W2 H2 C420p10\nFRAME\n"[..], &samples].concat();
        let upper = [0xffc0, 0x40, 0x80, 0xc0, 0x8000, 0x5540].map(u16::to_le_bytes).concat();
        assert_eq!(frames(&stream).unwrap(), [upper]);
        assert_eq!(frames(b"YUV4MPEG2 W2 H2 C444\nFRAME\nabcdefghijkl").unwrap(), [b"abcdefghijkl"]);
    }

    #[test]
    fn an_unknown_rate_is_read_as_ffmpeg_does() {
        for header in ["YUV4MPEG2 W2 H2\n", "YUV4MPEG2 W2 H2 F0:0\n"] {
            assert_eq!(source(header.as_bytes()).unwrap().info().frame_rate, FrameRate { num: 25, den: 1 });
        }
    }

    #[test]
    fn a_bad_stream_is_refused_with_its_cause() {
        let long = format!("YUV4MPEG2 W2 H2 X{}\n", "x".repeat(2000));
        let cases: &[(&str, &str)] = &[
            ("", "does not begin with YUV4MPEG2"),
            ("RIFF....", "does not begin with YUV4MPEG2"),
            ("YUV4MPEG2 W2 H2", "does not end within 1024 bytes"),
            (&long, "does not end within 1024 bytes"),
            ("YUV4MPEG2 \n", "has no width"),
            ("YUV4MPEG2 W2\n", "has no height"),
            ("YUV4MPEG2 H2\n", "has no width"),
            ("YUV4MPEG2 W H2\n", "width '' is not a whole number"),
            ("YUV4MPEG2 W0 H0\n", "0x0 has no pixels"),
            ("YUV4MPEG2 W1e9 H1e9\n", "width '1e9' is not a whole number"),
            ("YUV4MPEG2 W-2 H2\n", "width '-2' is not a whole number"),
            ("YUV4MPEG2 W\u{1b}[2J H2\n", "width '\\u{1b}[2J' is not a whole number"),
            ("YUV4MPEG2 W1000000000 H1000000000\n", "too large"),
            ("YUV4MPEG2 W99999999999999999999 H2\n", "is not a whole number"),
            ("YUV4MPEG2 W4294967298 H4294967298\n", "too large"),
            ("YUV4MPEG2 W3 H2\n", "3x2 is odd"),
            ("YUV4MPEG2 W2 H2 F30\n", "frame rate '30' is invalid"),
            ("YUV4MPEG2 W2 H2 F30:0\n", "frame rate '30:0' is invalid"),
            ("YUV4MPEG2 W2 H2 F99999999999:1\n", "frame rate '99999999999:1' is invalid"),
            ("YUV4MPEG2 W2 H2 C422\n", "unsupported pixel format '422'"),
            ("YUV4MPEG2 W2 H2 C444p10\n", "ffmpeg -i clip.y4m -pix_fmt yuv420p OUT.y4m"),
            ("YUV4MPEG2 W2 H2 Cmono\n", "unsupported pixel format 'mono'"),
            ("YUV4MPEG2 W2 H2 C420p12\n", "unsupported pixel format '420p12': 420, 420p10 and 444 are supported"),
            ("YUV4MPEG2 W2 H2 C420p10\nFRAME\nabc", "cut off in frame 0: 9 of 12 bytes are missing"),
            ("YUV4MPEG2 W2 H2 C444\nFRAME\nabc", "cut off in frame 0: 9 of 12 bytes are missing"),
            ("YUV4MPEG2 W2 H2\nFRAME\nabc", "cut off in frame 0: 3 of 6 bytes are missing"),
            ("YUV4MPEG2 W2 H2\nFRAME\nabcdefFRAME\n", "cut off in frame 1: 6 of 6 bytes are missing"),
            ("YUV4MPEG2 W2 H2\nFRAME\nabcdefFRA", "cut off in the header of frame 1"),
            ("YUV4MPEG2 W2 H2\nFRAME\nabcdefFRAME", "cut off in the header of frame 1"),
            ("YUV4MPEG2 W2 H2\nFRAME\nabcdef!", "frame 1 does not begin with FRAME but with '!'"),
            ("YUV4MPEG2 W2 H2\nFRAMES\nabcdef", "frame 0 does not begin with FRAME but with 'FRAMES'"),
            ("YUV4MPEG2 W2 H2\n\n", "frame 0 does not begin with FRAME but with ''"),
        ];
        for (stream, expected) in cases {
            let message = frames(stream.as_bytes()).expect_err(stream).to_string();
            assert!(message.contains(expected), "{stream:?}: {message}");
            assert!(!message.contains('\n') && message.ends_with(": clip.y4m"), "{message}");
        }
    }

    #[test]
    fn mutated_headers_are_read_or_refused() {
        const HEADER: &[u8] = b"YUV4MPEG2 W64 H36 F30000:1001 Ip A1:1 C420mpeg2 XCOLORRANGE=LIMITED\nFRAME\n";
        const BYTES: &[u8] = b"0123456789 WHFCIAX:\n\0\xff-+.exYUV4MPEG2FRAME";
        // A multiplicative generator (Park and Miller 1988): the same mutations on every run.
        let mut state = 1u64;
        let mut random = |bound: usize| {
            state = state * 16_807 % 2_147_483_647;
            state as usize % bound
        };
        let (mut read, mut refused) = (0, 0);
        for _ in 0..2000 {
            let mut stream = HEADER.to_vec();
            for _ in 0..=random(4) {
                let (at, byte) = (random(stream.len()), BYTES[random(BYTES.len())]);
                match random(4) {
                    0 => stream[at] = byte,
                    1 => stream.insert(at, byte),
                    2 => {
                        stream.remove(at);
                        stream.push(byte);
                    }
                    _ => stream.truncate(at.max(1)),
                }
            }
            let outcome = source(&stream).and_then(|mut source| source.next_frame(&mut []));
            *if outcome.is_ok() { &mut read } else { &mut refused } += 1;
        }
        assert!(read > 100 && refused > 500, "{read} read, {refused} refused");
    }
}
