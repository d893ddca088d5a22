//! What a media file's container says about its first video: codec, pixel format, length. Asked of ffprobe.
//!
//! For people to look at: a run finds out from the frames themselves what they are.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

use super::colour::named;
use crate::contract::Colour;

/// The container's word about a video; what it does not say is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaFacts {
    /// ffmpeg's name: `h264`, `prores`.
    pub codec: String,
    /// ffmpeg's name: `yuv420p`, `yuv422p10le`.
    pub pixel_format: Option<String>,
    /// What it says of its colours; of the range the frames themselves tell.
    pub colour: Colour,
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
    nb_frames: Option<String>,
    duration: Option<String>,
}

#[derive(Deserialize, Default)]
struct Format {
    duration: Option<String>,
}

/// `None` where there is no ffprobe, or nothing in the file that it knows.
pub fn media_facts(path: &Path) -> Option<MediaFacts> {
    // As in `media`: a name with a colon is no protocol.
    let mut url = std::ffi::OsString::from("file:");
    url.push(path);
    let asked = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "V:0", "-of", "json", "-show_entries"])
        .arg("stream=codec_name,pix_fmt,color_primaries,color_transfer,color_space,nb_frames,duration:format=duration")
        .arg(url)
        .stdin(Stdio::null())
        .output();
    read(&asked.ok()?.stdout)
}

fn read(json: &[u8]) -> Option<MediaFacts> {
    let Probed { streams, format } = serde_json::from_slice(json).ok()?;
    let stream = streams.into_iter().next()?;
    let seconds = |text: Option<String>| text.and_then(|text| text.parse::<f64>().ok());
    let duration_s = seconds(stream.duration).or(seconds(format.duration));
    let names = [&stream.color_primaries, &stream.color_transfer, &stream.color_space];
    let [primaries, transfer, matrix] = names.map(Option::as_deref);
    Some(MediaFacts {
        colour: named(primaries, transfer, matrix),
        codec: stream.codec_name,
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
