//! Media files, decoded by an installed ffmpeg.
//!
//! ffmpeg writes Y4M to a pipe, because its header states exactly what no log line does: the size after rotation and
//! the rate as a ratio. The two chroma planes are then interleaved to NV12 or P010, the layouts that NVENC's clients feed.
//! Pixels decoded as 4:2:0 of 8 or 10 bits or as 8-bit 4:4:4 arrive bit for bit, in their own range; ffmpeg converts all others
//! to 8-bit 4:2:0.
//! Knows nothing of containers and codecs: whatever ffmpeg decodes is taken, every frame once, sound ignored.

use std::io::{BufReader, Read};
use std::path::Path;

use ffmpeg_sidecar::command::FfmpegCommand;

use super::ffmpeg::{InputForm, KillSwitch, Process, WatchedOutput, looks_like_a_pattern};
use super::samples::interleave_chroma;
use super::y4m::{Y4mError, Y4mSource};
use super::{FrameSource, SourceError, SourceInfo, media_facts};
use crate::contract::{Codec, Colour, FrameRate, PixelFormat};

/// Bytes of a file that are looked at before ffmpeg gets it.
pub const SNIFFED_BYTES: u64 = 1024;

/// Every decoded frame once, whatever its time stamp: the spelling since FFmpeg 5.1, and the one before.
const PASSTHROUGH: [[&str; 2]; 2] = [["-fps_mode", "passthrough"], ["-vsync", "passthrough"]];

/// What ffmpeg is asked to write as Y4M. More than 8 bits are its own extension, which it wants to be told.
const AS_420: &[&str] = &["-pix_fmt", "yuv420p"];
/// See [`AS_420`].
const AS_420_10: &[&str] = &["-pix_fmt", "yuv420p10le", "-strict", "-1"];
/// See [`AS_420`].
const AS_444: &[&str] = &["-pix_fmt", "yuv444p"];
/// Full range, which ffmpeg has names of its own for, and would squeeze otherwise.
const AS_FULL_420: &[&str] = &["-pix_fmt", "yuvj420p"];
/// See [`AS_FULL_420`].
const AS_FULL_444: &[&str] = &["-pix_fmt", "yuvj444p"];

/// The first video of a media file as NV12, P010 or YUV444.
pub struct MediaSource {
    info: SourceInfo,
    // Dropped before the process: an ffmpeg that finds its output closed ends by itself, even behind a wrapper script
    // that a kill would stop at.
    frames: Y4mSource<BufReader<WatchedOutput>>,
    /// One frame's Cb and Cr planes while they are interleaved.
    chroma: Vec<u8>,
    process: Process,
}

impl MediaSource {
    /// Starts ffmpeg on the file at `path`, whose first bytes are `head`. `spec` names the input in errors.
    pub fn open(spec: String, path: &Path, head: &[u8]) -> Result<Self, SourceError> {
        if is_text(head) {
            return Err(SourceError::Text(path.to_owned()));
        }
        let facts = media_facts(path);
        let decoded = facts.as_ref().and_then(|facts| facts.pixel_format.as_deref());
        let mut source = Self::open_with(FfmpegCommand::new, asked_for(decoded), spec, path)?;
        let is_full_range = source.info.colour.is_some_and(|colour| colour.is_full_range);
        let average = facts.as_ref().and_then(|facts| facts.average_rate).map(Average);
        let colour = facts.map(|facts| Colour { is_full_range, ..facts.colour });
        source.info.colour = colour.map_or(source.info.colour, Colour::if_said);
        // Each picture is encoded once, so the rate of the grid on which they lie would be wrong.
        if let Some(average) = average.filter(|average| average.differs(source.info.frame_rate)) {
            source.info.frame_rate = average.0;
            source.info.has_variable_rate = true;
        }
        Ok(source)
    }

    /// `ffmpeg` begins the command line of each attempt; `pixels` are the options of what it writes.
    fn open_with(
        ffmpeg: impl Fn() -> FfmpegCommand,
        pixels: &[&str],
        spec: String,
        path: &Path,
    ) -> Result<Self, SourceError> {
        let start = |form: InputForm, passthrough: [&str; 2]| {
            let output = [&passthrough[..], pixels, &["-f", "yuv4mpegpipe", "-"]].concat();
            Self::start(ffmpeg(), form, &output, spec.clone(), path)
        };
        let [new, old] = PASSTHROUGH;
        let in_either_spelling = |form| match start(form, new) {
            Err(SourceError::Ffmpeg { message, .. }) if message.contains("'fps_mode'") => start(form, old),
            outcome => outcome,
        };
        let outcome = match in_either_spelling(InputForm::Any) {
            Err(SourceError::NotInOneFile(path)) if looks_like_a_pattern(&path) => {
                in_either_spelling(InputForm::OnePicture)
            }
            outcome => outcome,
        };
        match outcome {
            Err(SourceError::Ffmpeg { message, path }) if message.contains("matches no streams") => {
                Err(SourceError::NoVideo(path))
            }
            outcome => outcome,
        }
    }

    fn start(
        ffmpeg: FfmpegCommand,
        form: InputForm,
        output: &[&str],
        spec: String,
        path: &Path,
    ) -> Result<Self, SourceError> {
        let (mut process, stdout) = Process::spawn(ffmpeg, form, output, path)?;
        let frames = match Y4mSource::new(spec.clone(), BufReader::new(stdout)) {
            Err(SourceError::Y4m { cause: Y4mError::Geometry(cause), input }) => {
                return Err(SourceError::Geometry { cause, input });
            }
            // No header: either ffmpeg failed, which says more, or it found nothing to decode.
            Err(_) => return Err(process.finish().err().unwrap_or(SourceError::NoFrames(spec))),
            Ok(frames) => frames,
        };
        let mut info = frames.info().clone();
        if info.format == PixelFormat::I420 {
            info.format = PixelFormat::Nv12;
        }
        let chroma = Vec::with_capacity(info.dimensions.pixels() as usize / 2);
        Ok(Self { info, frames, chroma, process })
    }
}

impl FrameSource for MediaSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, frame: &mut [u8]) -> Result<bool, SourceError> {
        match self.frames.next_frame(frame) {
            Ok(true) => {
                if self.info.format == PixelFormat::Nv12 {
                    let num_luma = self.info.dimensions.pixels() as usize;
                    interleave_chroma::<1>(&mut frame[num_luma..], &mut self.chroma);
                }
                Ok(true)
            }
            // The end, or a stream that was cut off: good only if ffmpeg thinks so too.
            outcome => self.process.finish().and(outcome),
        }
    }

    fn kill_switch(&self) -> Option<KillSwitch> {
        Some(self.process.kill_switch())
    }

    fn damage(&mut self) -> Option<String> {
        self.process.complaints()
    }
}

/// The first video of a media file as it is coded, without its container: an elementary stream (Annex B), or IVF for AV1
/// and VP9. ffmpeg merges the hidden frames of VP9 into superframes when it writes IVF, so that each unit shows one frame.
/// `head` is the beginning of the file. The last answer is what ffmpeg complained of, if anything.
pub fn copy_video(path: &Path, head: &[u8]) -> Result<(Codec, Vec<u8>, Option<String>), SourceError> {
    if is_text(head) {
        return Err(SourceError::Text(path.to_owned()));
    }
    let codec = media_facts(path).map(|facts| facts.codec).unwrap_or_default();
    let (codec, muxer) = match codec.as_str() {
        "h264" => (Codec::H264, "h264"),
        "hevc" => (Codec::Hevc, "hevc"),
        "av1" => (Codec::Av1, "ivf"),
        "vp9" => (Codec::Vp9, "ivf"),
        // Without an answer: ffmpeg says why when it is asked to copy.
        "" => (Codec::H264, "h264"),
        _ => return Err(SourceError::CodecNotMeasured { codec, path: path.to_owned() }),
    };
    let (mut process, mut stdout) =
        Process::spawn(FfmpegCommand::new(), InputForm::Any, &["-c", "copy", "-f", muxer, "-"], path)?;
    let mut stream = Vec::new();
    let read = stdout.read_to_end(&mut stream);
    match process.finish() {
        Err(SourceError::Ffmpeg { message, path }) if message.contains("matches no streams") => {
            return Err(SourceError::NoVideo(path));
        }
        outcome => outcome?,
    }
    read.map_err(|cause| SourceError::Io { action: "read", cause, input: path.display().to_string() })?;
    Ok((codec, stream, process.complaints()))
}

/// What an encoder takes is asked for as it is; everything else, and what ffprobe does not tell, as 8-bit 4:2:0.
fn asked_for(decoded: Option<&str>) -> &'static [&'static str] {
    match decoded {
        Some("yuv420p10le" | "yuv420p10be" | "p010le" | "p010be") => AS_420_10,
        Some("yuv444p") => AS_444,
        Some("yuvj444p") => AS_FULL_444,
        Some(name) if name.starts_with("yuvj") => AS_FULL_420,
        _ => AS_420,
    }
}

/// The average rate of a video.
#[derive(Debug, Clone, Copy)]
struct Average(FrameRate);

impl Average {
    /// By more than what rounding in a container does.
    fn differs(self, rate: FrameRate) -> bool {
        let fps = |rate: FrameRate| f64::from(rate.num) / f64::from(rate.den);
        (fps(self.0) / fps(rate) - 1.0).abs() > 0.01
    }
}

/// Text is refused here, because ffmpeg draws some of it as pictures of a terminal, and because a playlist would make
/// it open whatever the list names.
fn is_text(head: &[u8]) -> bool {
    let is_utf8 = match str::from_utf8(head) {
        Ok(_) => true,
        // Nothing wrong but a character cut at the end of `head`.
        Err(error) => error.error_len().is_none(),
    };
    is_utf8 && head.iter().all(|byte| !byte.is_ascii_control() || byte.is_ascii_whitespace())
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::{Command, Stdio};
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::source::reader::ReadAhead;

    const HEADER: &str = "printf 'YUV4MPEG2 W2 H2 F30:1\\n';";
    const FRAME: &str = "printf 'FRAME\\nyyyybr';";

    /// A shell script in the place of ffmpeg. Not a file: one just written may be too busy to be run.
    fn open_script(script: &str) -> Result<MediaSource, SourceError> {
        let ffmpeg = || {
            let mut command = Command::new("sh");
            command.args(["-c", script, "ffmpeg"]);
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            FfmpegCommand::from(command)
        };
        MediaSource::open_with(ffmpeg, AS_420, "clip.mp4".to_owned(), Path::new("clip.mp4"))
    }

    /// The number of frames that a script delivers.
    fn count_frames(script: &str) -> Result<usize, SourceError> {
        let mut source = open_script(script)?;
        let mut frame = vec![0; source.info().frame_bytes()];
        let mut num_frames = 0;
        while source.next_frame(&mut frame)? {
            assert_eq!(frame, b"yyyybr");
            num_frames += 1;
        }
        Ok(num_frames)
    }

    #[test]
    fn only_what_an_encoder_takes_is_asked_for_as_it_is() {
        for decoded in [None, Some("yuv420p"), Some("nv12"), Some("yuv422p10le"), Some("yuv444p10le"), Some("gbrp")] {
            assert_eq!(asked_for(decoded), AS_420, "{decoded:?}");
        }
        assert_eq!(asked_for(Some("yuv420p10le")), AS_420_10);
        assert_eq!(asked_for(Some("yuv444p")), AS_444);
        assert_eq!(asked_for(Some("yuvj444p")), AS_FULL_444);
        for decoded in ["yuvj420p", "yuvj422p"] {
            assert_eq!(asked_for(Some(decoded)), AS_FULL_420, "{decoded}: its range stays");
        }
    }

    #[test]
    fn text_is_told_from_media() {
        for text in ["hello\r\n", "#EXTM3U\n", "a\tb\u{e4}"] {
            assert!(is_text(text.as_bytes()), "{text:?}");
        }
        assert!(is_text(&"\u{e4}".as_bytes()[..1]), "a character cut at the end");
        assert!(!is_text(b"\0\0\0\x20ftypisom") && !is_text(b"\x1aE\xdf\xa3") && !is_text(b"\xe4bc"));
    }

    #[test]
    fn without_ffmpeg_the_error_names_what_needs_none() {
        let ffmpeg = || FfmpegCommand::new_with_path("no-such-folder/ffmpeg");
        let outcome = MediaSource::open_with(ffmpeg, AS_420, "clip.mp4".to_owned(), Path::new("clip.mp4"));
        let message = outcome.err().unwrap().to_string();
        assert!(message.contains("ffmpeg not found") && message.contains("synthetic, a Y4M file, raw:"), "{message}");
    }

    #[test]
    fn an_ffmpeg_before_5_1_is_asked_in_its_own_words() {
        let old = "case \"$*\" in *fps_mode*) echo \"Unrecognized option 'fps_mode'.\" >&2; exit 1;; esac;";
        assert_eq!(count_frames(&format!("{old} {HEADER} {FRAME} {FRAME}")).unwrap(), 2);
    }

    #[test]
    fn a_failing_ffmpeg_is_quoted_wherever_it_fails() {
        let cases = [
            ("before the header", "echo it burns >&2; exit 1".to_owned(), "ffmpeg says: it burns; check with ffprobe"),
            ("in a frame", format!("{HEADER} {FRAME} printf FRAM; echo it burns >&2; exit 1"), "ffmpeg says: it burns"),
            ("at the end", format!("{HEADER} {FRAME} echo it burns >&2; exit 1"), "ffmpeg says: it burns"),
            ("without a word", format!("{HEADER} {FRAME} kill -9 $$"), "signal: 9"),
            ("at length", "seq 9 >&2; exit 1".to_owned(), "ffmpeg says: 1; 8; 9; check"),
            ("in colour", "printf '\\033[31mred\\033[0m\\r\\n' >&2; exit 1".to_owned(), "says: [31mred [0m; check"),
            (
                "by a part of its",
                "echo '[mov,mp4 @ 0x55d0] [error] no atom' >&2; exit 1".to_owned(),
                "says: no atom; check",
            ),
            ("without video", "echo \"Stream map '' matches no streams.\" >&2; exit 1".to_owned(), "it has no video"),
            ("in silence", "true".to_owned(), "it has no frames"),
            ("well, but cut off", format!("{HEADER} {FRAME} printf FRAM"), "cut off in the header of frame 1"),
        ];
        for (when, script, expected) in cases {
            let message = count_frames(&script).expect_err(when).to_string();
            assert!(message.contains(expected), "{when}: {message}");
        }
    }

    #[test]
    fn a_talkative_ffmpeg_does_not_block() {
        assert_eq!(count_frames(&format!("{HEADER} yes | head -c 300000 >&2; {FRAME}")).unwrap(), 1);
    }

    #[test]
    fn a_reader_that_waits_for_a_stuck_ffmpeg_can_be_stopped_and_dropped() {
        let stop = AtomicBool::new(false);
        let source = open_script(&format!("{HEADER} {} exec sleep 1000", FRAME.repeat(8))).unwrap();
        let mut reader = ReadAhead::start(Box::new(source), 100, &stop).unwrap();
        for _ in 0..8 {
            assert!(reader.next().unwrap().is_some());
        }
        stop.store(true, Ordering::Relaxed);
        assert!(matches!(reader.next(), Err(SourceError::Stopped)));
        drop(reader);
    }

    #[test]
    fn a_killed_ffmpeg_ends_the_wait_for_it() {
        let mut source = open_script(&format!("{HEADER} {FRAME} exec sleep 1000")).unwrap();
        let kill_switch = source.kill_switch().unwrap();
        assert!(source.next_frame(&mut [0; 6]).unwrap());
        kill_switch.kill();
        assert!(source.next_frame(&mut [0; 6]).is_err());
    }
}
