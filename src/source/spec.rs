//! The grammar of `--input`.
//!
//! Parsing touches no file; [`super::open`] finds out whether a path exists and what it holds.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::geometry::{GeometryError, parse_dimensions, parse_rate};
use crate::contract::{Dimensions, FrameRate, PixelFormat, UnknownWord};

/// Which frames to read. [`fmt::Display`] gives the canonical spelling, which parses back to the same value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum InputSpec {
    /// `synthetic[:WxH@FPS]`: a moving pattern.
    Synthetic { dimensions: Dimensions, frame_rate: FrameRate },
    /// `raw:FORMAT:WxH@FPS:FILE`: frames one after the other, without any header.
    Raw { format: PixelFormat, dimensions: Dimensions, frame_rate: FrameRate, path: PathBuf },
    /// `-`: Y4M on standard input.
    Stdin,
    /// Anything else is a path: to Y4M, or to media for ffmpeg.
    File(PathBuf),
}

/// Why a text is not an input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum InputSpecError {
    #[error("the input is empty: name a file, - for Y4M on standard input, or synthetic")]
    Empty,
    #[error("input '{text}' is incomplete: write {form}, for example {example}")]
    Incomplete { text: String, form: &'static str, example: &'static str },
    #[error("input '{text}': {cause}")]
    Geometry { text: String, cause: GeometryError },
    #[error("input '{text}': {cause} (any other format: ffmpeg -i IN -pix_fmt yuv420p OUT.y4m)")]
    Format { text: String, cause: UnknownWord },
    #[error(
        "input '{0}': raw frames can only be read from a file: save them first, or pipe Y4M instead and use - as the input"
    )]
    RawStdin(String),
    #[error(
        "input '{0}' is no percent-encoded name that is not text: write two hexadecimal digits after each %, or ./percent:… for a file of that name"
    )]
    Percent(String),
}

const SYNTHETIC_FORM: &str = "synthetic:WIDTHxHEIGHT@FPS";
/// What stands before the name of a file that is no text.
const PERCENT: &str = "percent:";
const RAW_FORM: &str = "raw:FORMAT:WIDTHxHEIGHT@FPS:FILE";

impl InputSpec {
    /// The file that frames are read from, if any.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Raw { path, .. } | Self::File(path) => Some(path),
            Self::Synthetic { .. } | Self::Stdin => None,
        }
    }

    /// That of an input as a plan or a session names it: no output may take its place.
    pub fn files_of(text: &str) -> Vec<PathBuf> {
        match text.parse() {
            Ok(Self::Stdin) if cfg!(unix) => vec![PathBuf::from("/dev/stdin")],
            Ok(spec) => spec.file().map(Path::to_owned).into_iter().collect(),
            Err(_) => Vec::new(),
        }
    }
}

impl Default for InputSpec {
    /// `synthetic:640x360@30`.
    fn default() -> Self {
        Self::Synthetic {
            dimensions: Dimensions { width: 640, height: 360 },
            frame_rate: FrameRate { num: 30, den: 1 },
        }
    }
}

impl fmt::Display for InputSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Synthetic { dimensions, frame_rate } => write!(f, "synthetic:{dimensions}@{frame_rate}"),
            Self::Raw { format, dimensions, frame_rate, path } => {
                write!(f, "raw:{format}:{dimensions}@{frame_rate}:{}", path_text(path))
            }
            Self::Stdin => f.write_str("-"),
            Self::File(path) => f.write_str(&path_text(path)),
        }
    }
}

impl FromStr for InputSpec {
    type Err = InputSpecError;

    fn from_str(text: &str) -> Result<Self, InputSpecError> {
        match text.split_once(':') {
            _ if text.is_empty() => Err(InputSpecError::Empty),
            _ if text == "-" => Ok(Self::Stdin),
            _ if text == "synthetic" => Ok(Self::default()),
            Some(("synthetic", geometry)) => parse_synthetic(text, geometry),
            Some(("raw", rest)) => parse_raw(text, rest),
            _ => Ok(Self::File(parse_path(text)?)),
        }
    }
}

/// A path in a text, as a plan and a session have it. On Linux a name is bytes: one that is no text is percent-encoded
/// after `percent:`.
pub fn path_text(path: &Path) -> String {
    match path.to_str() {
        Some(text) if text.starts_with(PERCENT) => format!("./{text}"),
        Some(text) => text.to_owned(),
        None => {
            let bytes = path.as_os_str().as_encoded_bytes().iter();
            let letter = |&byte: &u8| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'/' => char::from(byte).to_string(),
                _ => format!("%{byte:02X}"),
            };
            std::iter::once(PERCENT.to_owned()).chain(bytes.map(letter)).collect()
        }
    }
}

fn parse_path(text: &str) -> Result<PathBuf, InputSpecError> {
    let Some(encoded) = text.strip_prefix(PERCENT) else { return Ok(PathBuf::from(text)) };
    let wrong = || InputSpecError::Percent(text.to_owned());
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        let digit = |digit: Option<u8>| digit.and_then(|digit| char::from(digit).to_digit(16)).ok_or_else(wrong);
        bytes.push(match byte {
            b'%' => (16 * digit(rest.next())? + digit(rest.next())?) as u8,
            byte => byte,
        });
    }
    // A name that is text has one spelling, itself.
    let is_text = str::from_utf8(&bytes).is_ok();
    path_of(bytes).filter(|_| !is_text).ok_or_else(wrong)
}

#[cfg(unix)]
fn path_of(bytes: Vec<u8>) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    Some(std::ffi::OsString::from_vec(bytes).into())
}

/// Names are text elsewhere.
#[cfg(not(unix))]
fn path_of(bytes: Vec<u8>) -> Option<PathBuf> {
    String::from_utf8(bytes).ok().map(PathBuf::from)
}

fn parse_synthetic(text: &str, geometry: &str) -> Result<InputSpec, InputSpecError> {
    let incomplete = || incomplete(text, SYNTHETIC_FORM, "synthetic:1920x1080@60");
    let (dimensions, frame_rate) = parse_geometry(text, geometry, incomplete)?;
    Ok(InputSpec::Synthetic { dimensions, frame_rate })
}

fn parse_raw(text: &str, rest: &str) -> Result<InputSpec, InputSpecError> {
    let incomplete = || incomplete(text, RAW_FORM, "raw:nv12:1920x1080@60:clip.yuv");
    // The file comes last, so that it may hold colons itself.
    let mut parts = rest.splitn(3, ':');
    let (Some(format), Some(geometry), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(incomplete());
    };
    let format = format.parse().map_err(|cause| InputSpecError::Format { text: text.to_owned(), cause })?;
    let (dimensions, frame_rate) = parse_geometry(text, geometry, incomplete)?;
    match path {
        "" => Err(incomplete()),
        "-" => Err(InputSpecError::RawStdin(text.to_owned())),
        _ => Ok(InputSpec::Raw { format, dimensions, frame_rate, path: parse_path(path)? }),
    }
}

/// Reads `WxH@FPS`.
fn parse_geometry(
    text: &str,
    geometry: &str,
    incomplete: impl Fn() -> InputSpecError,
) -> Result<(Dimensions, FrameRate), InputSpecError> {
    let (size, rate) = geometry.split_once('@').ok_or_else(incomplete)?;
    let wrong = |cause| InputSpecError::Geometry { text: text.to_owned(), cause };
    Ok((parse_dimensions(size).map_err(wrong)?, parse_rate(rate).map_err(wrong)?))
}

fn incomplete(text: &str, form: &'static str, example: &'static str) -> InputSpecError {
    InputSpecError::Incomplete { text: text.to_owned(), form, example }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_parses_and_its_canonical_spelling_parses_back() {
        let cases = [
            ("synthetic", "synthetic:640x360@30"),
            ("synthetic:1920x1080@59.94", "synthetic:1920x1080@60000/1001"),
            ("synthetic:64x64@30000/1001", "synthetic:64x64@30000/1001"),
            ("raw:nv12:640x360@30:a.yuv", "raw:nv12:640x360@30:a.yuv"),
            ("raw:argb:640x360@25:C:\\a:b.rgb", "raw:argb:640x360@25:C:\\a:b.rgb"),
            ("raw:i420:2x2@60/2:-.yuv", "raw:i420:2x2@30:-.yuv"),
            ("raw:p010:2x2@30:a.yuv", "raw:p010:2x2@30:a.yuv"),
            ("raw:yuv444:2x2@30:a.yuv", "raw:yuv444:2x2@30:a.yuv"),
            ("-", "-"),
            ("clip.mp4", "clip.mp4"),
            ("C:\\clip.mp4", "C:\\clip.mp4"),
            ("synthetic.mp4", "synthetic.mp4"),
            ("./synthetic", "./synthetic"),
            ("--", "--"),
        ];
        for (text, canonical) in cases {
            let spec: InputSpec = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(spec.to_string(), canonical);
            assert_eq!(canonical.parse(), Ok(spec));
        }
        assert_eq!("synthetic".parse(), Ok(InputSpec::default()));
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_no_text_is_spelled_in_ascii_and_read_back() {
        use std::os::unix::ffi::OsStrExt;
        let path = Path::new(std::ffi::OsStr::from_bytes(b"d/f\xfc%r 1.y4m"));
        assert_eq!(path_text(path), "percent:d/f%FC%25r%201.y4m");
        for spec in [InputSpec::File(path.to_owned()), InputSpec::File("percent:x".into())] {
            let read: InputSpec = spec.to_string().parse().unwrap();
            assert_eq!(
                read.file().map(|path| path.components().next_back()),
                spec.file().map(|path| path.components().next_back())
            );
        }
        for wrong in
            ["percent:%", "percent:%F", "percent:%zz", "percent:a%é1", "percent:", "percent:%2D", "percent:synthetic"]
        {
            assert!(matches!(wrong.parse::<InputSpec>(), Err(InputSpecError::Percent(_))), "{wrong}");
        }
    }

    #[test]
    fn what_names_no_input_is_refused_in_one_line() {
        let cases = [
            ("", "the input is empty"),
            ("synthetic:", "is incomplete: write synthetic:WIDTHxHEIGHT@FPS"),
            ("synthetic:640x360", "is incomplete"),
            ("synthetic:640x360@0", "'0' is not a frame rate"),
            ("synthetic:640@30", "'640' is not a size"),
            ("synthetic:641x360@30", "is odd"),
            ("synthetic:1e9x1e9@30", "is not a size"),
            ("synthetic:1000000000x1000000000@30", "is too large"),
            ("raw:", "is incomplete: write raw:FORMAT"),
            ("raw:nv12:640x360@30", "is incomplete"),
            ("raw:nv12:640x360@30:", "is incomplete"),
            ("raw:nv12:640x360:a.yuv", "is incomplete"),
            ("raw:nv21:640x360@30:a.yuv", "'nv21' is not a known pixel format: use nv12, i420, argb, p010, yuv444"),
            ("raw:nv12:0x0@30:a.yuv", "has no pixels"),
            ("raw:nv12:640x360@30:-", "use - as the input"),
        ];
        for (text, expected) in cases {
            let message = text.parse::<InputSpec>().expect_err(text).to_string();
            assert!(message.contains(expected), "{text}: {message}");
            assert!(!message.contains('\n') && !message.ends_with('.'), "{message}");
        }
    }
}
