//! An input in three short lines: what it is, and what of it reaches the encoder.

use std::time::Duration;

use crate::contract::{FrameRate, PixelFormat};
use crate::source::{Length, MediaFacts, SourceInfo};
use crate::units;

/// "H.264 · 640x360 · 29.97 fps", "10 s · 10-bit 4:2:2" and "converted to 8-bit NV12".
pub(in crate::ui) fn lines(info: &SourceInfo, facts: Option<&MediaFacts>) -> Vec<String> {
    let average = if info.has_variable_rate { " on average" } else { "" };
    let (size, rate) = (info.dimensions, rate_text(info.frame_rate) + average);
    let Some(facts) = facts else {
        let (layout, length) = (layout(info.format), length_text(info.length));
        let third = match info.length {
            Length::Endless { .. } => "made in memory".to_owned(),
            _ => format!("passed on as {layout}"),
        };
        return vec![format!("{size} · {rate}"), format!("{}-bit {layout}{length}", info.format.bits()), third];
    };
    let pixels = facts.pixel_format.as_deref();
    let second: Vec<_> = facts.duration.map(duration_text).into_iter().chain(pixels.map(pixel_title)).collect();
    vec![
        format!("{} · {size} · {rate}", codec_title(&facts.codec)),
        second.join(" · "),
        arrival(info.format, pixels.unwrap_or_default()),
    ]
}

fn layout(format: PixelFormat) -> &'static str {
    match format {
        PixelFormat::Nv12 => "NV12",
        PixelFormat::I420 => "I420",
        PixelFormat::Argb => "ARGB",
        PixelFormat::P010 => "P010",
        PixelFormat::Yuv444 => "YUV444",
    }
}

fn length_text(length: Length) -> String {
    match length {
        Length::Frames(frames) => format!(" · {} frames", units::count(frames as f64)),
        // A stream of frames says it at its end.
        Length::Unknown => String::new(),
        Length::Endless { .. } => " · no end".to_owned(),
    }
}

/// ffmpeg's name where no other is usual.
fn codec_title(codec: &str) -> String {
    match codec {
        "h264" => "H.264".to_owned(),
        "hevc" => "HEVC".to_owned(),
        "av1" => "AV1".to_owned(),
        "prores" => "ProRes".to_owned(),
        "mpeg2video" => "MPEG-2".to_owned(),
        other => other.to_uppercase(),
    }
}

/// As people say it: 29.97, not 30000/1001.
fn rate_text(rate: FrameRate) -> String {
    let text = format!("{:.3}", rate.fps());
    format!("{} fps", text.trim_end_matches('0').trim_end_matches('.'))
}

fn duration_text(duration: Duration) -> String {
    if duration.as_secs() >= 10 {
        return units::duration(duration);
    }
    let text = format!("{:.1}", duration.as_secs_f64());
    format!("{} s", text.trim_end_matches('0').trim_end_matches('.'))
}

/// What is read as NV12 was that, or was converted to it; other formats are read only where the clip has them.
fn arrival(format: PixelFormat, pixel_format: &str) -> String {
    match (format, pixel_format) {
        (PixelFormat::Nv12, "yuv420p" | "yuvj420p" | "nv12") => "passed on as NV12".to_owned(),
        (PixelFormat::Nv12, _) => "converted to 8-bit NV12".to_owned(),
        (other, _) => format!("passed on as {}", layout(other)),
    }
}

/// "10-bit 4:2:2" of `yuv422p10le`; ffmpeg's name of what is no such format.
fn pixel_title(name: &str) -> String {
    let planar = name.strip_prefix("yuvj").or(name.strip_prefix("yuva")).or(name.strip_prefix("yuv"));
    let parts = planar.and_then(|rest| rest.split_once('p'));
    let (sampling, bits) = match (name, parts) {
        ("nv12", _) => ("420", ""),
        ("p010le" | "p010be", _) => ("420", "10"),
        (_, Some((sampling, bits))) => (sampling, bits.trim_end_matches(['l', 'b', 'e'])),
        (_, None) => return name.to_owned(),
    };
    match sampling.as_bytes() {
        [luma, blue, red] => {
            let [luma, blue, red] = [luma, blue, red].map(|digit| char::from(*digit));
            format!("{}-bit {luma}:{blue}:{red}", if bits.is_empty() { "8" } else { bits })
        }
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Dimensions;

    #[test]
    fn a_clip_says_what_it_is_and_what_of_it_is_encoded() {
        let info = |format, length| SourceInfo {
            spec: String::new(),
            format,
            dimensions: Dimensions { width: 1920, height: 1080 },
            frame_rate: FrameRate { num: 30000, den: 1001 },
            has_variable_rate: false,
            colour: None,
            length,
        };
        let facts = |pixel_format: &str, millis| MediaFacts {
            codec: "prores".to_owned(),
            pixel_format: Some(pixel_format.to_owned()),
            colour: Default::default(),
            average_rate: None,
            frames: None,
            duration: Some(Duration::from_millis(millis)),
        };
        let media = info(PixelFormat::Nv12, Length::Unknown);
        assert_eq!(
            lines(&media, Some(&facts("yuv422p10le", 62_000))),
            ["ProRes · 1920x1080 · 29.97 fps", "1 min 02 s · 10-bit 4:2:2", "converted to 8-bit NV12"]
        );
        assert_eq!(
            lines(&media, Some(&facts("yuv420p", 2_500)))[1..],
            ["2.5 s · 8-bit 4:2:0".to_owned(), "passed on as NV12".to_owned()]
        );
        assert_eq!(
            lines(&info(PixelFormat::P010, Length::Unknown), Some(&facts("yuv420p10le", 2_500)))[1..],
            ["2.5 s · 10-bit 4:2:0".to_owned(), "passed on as P010".to_owned()]
        );
        let ten_bits = info(PixelFormat::P010, Length::Frames(9));
        assert_eq!(lines(&ten_bits, None)[1..], ["10-bit P010 · 9 frames".to_owned(), "passed on as P010".to_owned()]);
        let raw = info(PixelFormat::I420, Length::Frames(1200));
        assert_eq!(lines(&raw, None), ["1920x1080 · 29.97 fps", "8-bit I420 · 1,200 frames", "passed on as I420"]);
    }

    #[test]
    fn a_pixel_format_is_read_from_its_name() {
        for (name, title) in [
            ("yuv444p", "8-bit 4:4:4"),
            ("yuva420p12be", "12-bit 4:2:0"),
            ("p010le", "10-bit 4:2:0"),
            ("gbrp10le", "gbrp10le"),
            ("rgb24", "rgb24"),
        ] {
            assert_eq!(pixel_title(name), title);
        }
    }
}
