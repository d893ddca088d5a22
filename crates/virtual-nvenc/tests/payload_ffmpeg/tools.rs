//! ffmpeg and ffprobe, run so strictly that a warning is a failure.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use virtual_nvenc::payload::{Chroma, Codec};

use crate::clip::{Planar, plane_sizes};

/// Writes a stream to a file of its own, named so that FFmpeg knows the codec.
pub fn save(stream: &[u8], codec: Codec) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let extension = match codec {
        Codec::H264 => "264",
        Codec::Hevc => "265",
    };
    let name = format!("payload-{}-{number}.{extension}", std::process::id());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, stream).expect("the stream can be written");
    path
}

/// Decodes a stream into its pictures in display order.
pub fn decode(path: &Path, (width, height): (u32, u32), chroma: Chroma, bit_depth: u8) -> Vec<Planar> {
    let pixel_format = match (chroma, bit_depth) {
        (Chroma::Yuv420, 8) => "yuv420p",
        (Chroma::Yuv420, _) => "yuv420p10le",
        (Chroma::Yuv444, 8) => "yuv444p",
        (Chroma::Yuv444, _) => "yuv444p10le",
    };
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "warning", "-nostdin", "-err_detect", "explode"]);
    // FFmpeg looks at the first 5 MB of a file for the frame rate, and warns where these hold less than three pictures.
    if width * height > 1 << 20 {
        ffmpeg.args(["-probesize", "100M"]);
    }
    ffmpeg.arg("-i").arg(path);
    ffmpeg.args(["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", pixel_format, "-"]);
    let bytes = run(&mut ffmpeg);
    let samples: Vec<u16> = match bit_depth {
        8 => bytes.into_iter().map(u16::from).collect(),
        _ => bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect(),
    };
    let sizes = plane_sizes((width as usize, height as usize), chroma);
    let picture_len: usize = sizes.iter().map(|(width, height)| width * height).sum();
    assert_eq!(samples.len() % picture_len, 0, "{path:?}: decoded size is not {width}x{height} {pixel_format}");
    samples.chunks(picture_len).map(|picture| planar(picture, sizes)).collect()
}

/// Picture types in display order, each key frame followed by an exclamation mark.
pub fn picture_types(path: &Path) -> String {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-select_streams", "v", "-show_entries", "frame=key_frame,pict_type"]);
    ffprobe.args(["-of", "csv=print_section=0"]).arg(path);
    let lines = String::from_utf8(run(&mut ffprobe)).expect("ffprobe prints text");
    let picture = |line: &str| {
        let (key_frame, kind) = line.split_once(',').expect("two fields");
        let mark = if key_frame == "1" { "!" } else { "" };
        format!("{}{mark}", kind.trim_end_matches(','))
    };
    lines.lines().filter(|line| !line.is_empty()).map(picture).collect()
}

/// Standard output of a command that must succeed and print no warning.
fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}; install ffmpeg"));
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && messages.is_empty(), "{command:?}: {}\n{messages}", output.status);
    output.stdout
}

fn planar(picture: &[u16], sizes: [(usize, usize); 3]) -> Planar {
    let mut rest = picture;
    let planes = sizes.map(|(width, height)| {
        let (plane, after) = rest.split_at(width * height);
        rest = after;
        plane.to_vec()
    });
    Planar { planes, sizes }
}
