//! What a media file's container says about its first video: codec, pixel format, length. Asked of ffprobe.
//!
//! For people to look at: a run finds out from the frames themselves what they are.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use serde::Deserialize;

use super::colour::named;
use super::ffmpeg::{InputForm, input_words, looks_like_a_pattern};
use super::geometry::parse_rate;
use crate::contract::{Colour, FrameRate};

/// The container's word about a video; what it does not say is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaFacts {
    /// ffmpeg's name: `h264`, `prores`.
    pub codec: String,
    /// ffmpeg's name: `yuv420p`, `yuv422p10le`.
    pub pixel_format: Option<String>,
    /// What it says of its colours; of the range the frames themselves tell.
    pub colour: Colour,
    /// Frames by their time; another than that of the frames themselves where the rate varies.
    pub average_rate: Option<FrameRate>,
    /// How many frames there are.
    pub frames: Option<u64>,
    /// How long it plays.
    pub duration: Option<Duration>,
}

#[derive(Deserialize)]
struct Probed {
    streams: Vec<Stream>,
    #[serde(default)]
    format: Format,
}

/// ffprobe writes numbers as text.
#[derive(Deserialize)]
struct Stream {
    codec_name: String,
    pix_fmt: Option<String>,
    color_primaries: Option<String>,
    color_transfer: Option<String>,
    color_space: Option<String>,
    avg_frame_rate: Option<String>,
    nb_frames: Option<String>,
    duration: Option<String>,
}

#[derive(Deserialize, Default)]
struct Format {
    duration: Option<String>,
}

/// How long ffprobe may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// More than any answer to what is asked has.
const MAX_ANSWER_BYTES: u64 = 1 << 16;

/// `None` where there is no ffprobe, it hangs, or nothing in the file is known to it.
pub fn media_facts(path: &Path) -> Option<MediaFacts> {
    let as_one_picture = || looks_like_a_pattern(path).then(|| facts(InputForm::OnePicture, path)).flatten();
    facts(InputForm::Any, path).or_else(as_one_picture)
}

fn facts(form: InputForm, path: &Path) -> Option<MediaFacts> {
    const FIELDS: &str = "stream=codec_name,pix_fmt,color_primaries,color_transfer,color_space,avg_frame_rate,nb_frames,duration:format=duration";
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-select_streams", "V:0", "-of", "json", "-show_entries", FIELDS]);
    command.args(input_words(form, path));
    read(&answer(command.stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::piped()))?)
}

/// What a command writes to standard output; `None` where it cannot be started or takes too long.
fn answer(command: &mut Command) -> Option<Vec<u8>> {
    let mut child = command.spawn().ok()?;
    let stdout = child.stdout.take()?;
    let (sender, answered) = channel();
    // Ends with the child.
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.take(MAX_ANSWER_BYTES).read_to_end(&mut bytes);
        drop(sender.send(read.map(|_| bytes)));
    });
    let bytes = answered.recv_timeout(PATIENCE);
    // One that has ended, or is of no more use.
    drop(child.kill());
    drop(child.wait());
    bytes.ok()?.ok()
}

fn read(json: &[u8]) -> Option<MediaFacts> {
    let Probed { streams, format } = serde_json::from_slice(json).ok()?;
    let stream = streams.into_iter().next()?;
    let seconds = |text: Option<String>| text.and_then(|text| text.parse::<f64>().ok());
    let duration_s = seconds(stream.duration).or(seconds(format.duration));
    let names = [&stream.color_primaries, &stream.color_transfer, &stream.color_space];
    // 0/0 where it is unknown.
    let average_rate = stream.avg_frame_rate.and_then(|text| parse_rate(&text).ok());
    let [primaries, transfer, matrix] = names.map(Option::as_deref);
    Some(MediaFacts {
        colour: named(primaries, transfer, matrix),
        codec: stream.codec_name,
        average_rate,
        pixel_format: stream.pix_fmt,
        frames: stream.nb_frames.and_then(|text| text.parse().ok()),
        duration: duration_s.and_then(|duration_s| Duration::try_from_secs_f64(duration_s).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_containers_word_is_taken_where_the_stream_has_none() {
        let mkv =
            br#"{"streams": [{"codec_name": "hevc", "pix_fmt": "yuv420p10le"}], "format": {"duration": "2.500000"}}"#;
        let facts = read(mkv).unwrap();
        assert_eq!((facts.codec.as_str(), facts.frames), ("hevc", None));
        assert_eq!(facts.duration, Some(Duration::from_millis(2500)));
        assert_eq!(read(b"{\"streams\": []}"), None);
        assert_eq!(read(b""), None);
    }
}
