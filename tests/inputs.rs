//! Clips as people have them: damaged, of variable rate, under any name; and advice that works when it is pasted.
//!
//! Needs ffmpeg.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]
#![cfg(unix)]

mod program;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use program::{Bench, Ended};
use serde_json::Value;

/// Has ffmpeg make a file in the folder.
fn make(bench: &Bench, words: &str) {
    let words = words.split_whitespace();
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-nostdin"]).args(words).current_dir(bench.path(""));
    assert!(ffmpeg.status().expect("these tests need ffmpeg").success());
}

fn encode(bench: &Bench, input: &str, more: &[&str]) -> Ended {
    bench.run(&[&["encode", "--input", input, "--output", "a.264", "--json"], more].concat())
}

fn input_of(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    ended.json()["input"].clone()
}

#[test]
fn a_damaged_clip_is_refused_or_taken_with_what_is_wrong() {
    let bench = Bench::new();
    make(
        &bench,
        "-f lavfi -i testsrc2=s=320x240:r=30:d=2 -c:v libx264 -preset ultrafast -g 10 -movflags +faststart good.mp4",
    );
    let good = fs::read(bench.path("good.mp4")).unwrap();
    bench.write("cut.mp4", &good[..good.len() * 6 / 10]);
    let mut hurt = good.clone();
    hurt[good.len() / 2..][..3000].fill(0x55);
    bench.write("hurt.mp4", &hurt);
    make(&bench, "-i good.mp4 -c copy good.mkv");
    let good = fs::read(bench.path("good.mkv")).unwrap();
    bench.write("cut.mkv", &good[..good.len() * 6 / 10]);
    make(&bench, "-i good.mp4 -pix_fmt yuv420p -frames:v 3 good.y4m");
    let good = fs::read(bench.path("good.y4m")).unwrap();
    bench.write("cut.y4m", &good[..good.len() - 9]);

    let whole = input_of(&encode(&bench, "good.mp4", &[]));
    assert_eq!((&whole["frames"], whole.get("remarks")), (&60.into(), None));
    for name in ["cut.mp4", "hurt.mp4", "cut.mkv", "cut.y4m"] {
        let refused = encode(&bench, name, &[]);
        assert!(
            refused.code == Some(2) && !bench.path("a.264").exists() || name == "cut.mp4",
            "{name}: {}",
            refused.stderr
        );
        let taken = input_of(&encode(&bench, name, &["--set", "allow_damaged=true"]));
        let frames = taken["frames"].as_u64().unwrap();
        assert!((2..=60).contains(&frames), "{name}: {frames}");
        assert!(taken["remarks"][0].as_str().unwrap().starts_with("damaged: "), "{name}: {taken}");
        fs::remove_file(bench.path("a.264")).unwrap();
    }
    // What lies beyond the damage is not read.
    assert_eq!(input_of(&encode(&bench, "cut.y4m", &["--frames", "2"]))["frames"], 2);
}

#[test]
fn a_decoder_is_not_fed_with_a_clip_that_breaks_off() {
    let bench = Bench::new();
    make(&bench, "-f lavfi -i testsrc2=s=320x240:r=30:d=1 -c:v libvpx-vp9 -deadline realtime good.ivf");
    let good = fs::read(bench.path("good.ivf")).unwrap();
    bench.write("cut.ivf", &good[..good.len() - 5]);
    let sweep =
        "sweep --engine nvdec --device virtual --input cut.ivf --reap-threshold 1,2 --warmup 0 --repeat 1 --confirm 0";
    let ended = bench.run(&sweep.split(' ').collect::<Vec<_>>());
    assert!(ended.code == Some(2) && ended.stderr.contains("its last frame is cut off"), "{}", ended.stderr);
}

#[test]
fn the_encoder_is_told_the_average_of_a_variable_rate() {
    let bench = Bench::new();
    make(
        &bench,
        "-f lavfi -i testsrc2=s=64x48:r=30:d=2 -vf settb=1/120,setpts=N*5+mod(N\\,2)*(1+mod(N\\,3)) -fps_mode passthrough \
         -enc_time_base 1/120 -video_track_timescale 120 -c:v libx264 -preset ultrafast -bf 0 vfr.mp4",
    );
    let input = input_of(&encode(&bench, "vfr.mp4", &[]));
    let rate = input["frame_rate"]["num"].as_f64().unwrap() / input["frame_rate"]["den"].as_f64().unwrap();
    assert!((23.0..25.0).contains(&rate) && input["frames"] == 60, "{input}");
    assert!(input["remarks"][0].as_str().unwrap().contains("rate varies"), "{input}");
}

#[test]
fn advice_works_when_it_is_pasted() {
    let bench = Bench::new();
    for format in ["yuv422p", "yuv420p10le", "yuv444p10le", "gray"] {
        let name = format!("my {format} clip.y4m");
        make(&bench, &format!("-f lavfi -i testsrc2=s=64x48:r=25:d=0.2 -pix_fmt {format} -strict -1 in.y4m"));
        fs::rename(bench.path("in.y4m"), bench.path(&name)).unwrap();
        let refused = encode(&bench, &name, &[]);
        assert_eq!(refused.code, Some(2), "{format}: {}", refused.stderr);
        paste(&bench, &refused.stderr, &name);
        assert_eq!(input_of(&encode(&bench, "OUT.y4m", &[]))["frames"], 5, "{format}");
        fs::remove_file(bench.path("OUT.y4m")).unwrap();
    }
    make(&bench, "-f lavfi -i testsrc=s=63x47:r=25:d=0.2 odd.gif");
    let refused = encode(&bench, "odd.gif", &[]);
    paste(&bench, &refused.stderr.replace(" IN ", " odd.gif "), "odd.gif");
    assert_eq!(input_of(&encode(&bench, "OUT.y4m", &[]))["frames"], 5);
}

/// Runs the ffmpeg command that a message advises.
fn paste(bench: &Bench, message: &str, name: &str) {
    let (from, until) = (message.find("ffmpeg -i ").expect(message), message.find("OUT.y4m").expect(message));
    let advice = &message[from..until + "OUT.y4m".len()];
    assert!(advice.contains(name), "{advice}");
    let shell =
        Command::new("sh").args(["-c", &format!("{advice} -v error -nostdin")]).current_dir(bench.path("")).output();
    let shell = shell.unwrap();
    assert!(shell.status.success(), "{advice}: {}", String::from_utf8_lossy(&shell.stderr));
}

#[test]
fn any_name_is_the_file_of_that_name() {
    let bench = Bench::new();
    make(&bench, "-f lavfi -i testsrc2=s=64x48:r=25:d=0.04 -frames:v 1 -update 1 p.png");
    make(&bench, "-f lavfi -i testsrc2=s=64x48:r=25:d=0.04 -frames:v 1 -update 1 p.jpg");
    // Files that the names below would match if they were patterns.
    fs::copy(bench.path("p.jpg"), bench.path("shot_001.png")).unwrap();
    fs::copy(bench.path("p.jpg"), bench.path("ab5.png")).unwrap();
    for (kind, names) in
        [("png", ["shot_%03d.png", "a*[0-9].png", "%d.png"]), ("jpg", ["%05d.jpg", "?.jpg", "x%%.jpg"])]
    {
        let plain = input_of(&encode(&bench, &format!("p.{kind}"), &[]));
        for name in names {
            fs::copy(bench.path(&format!("p.{kind}")), bench.path(name)).unwrap();
            let read = input_of(&encode(&bench, name, &[]));
            assert_eq!((&read["digest"], &read["frames"]), (&plain["digest"], &plain["frames"]), "{name}");
        }
    }
    // A name of bytes that are no text, in a plan and back again.
    let name = OsStr::from_bytes(b"f\xfcr.png");
    fs::copy(bench.path("p.png"), bench.path("").join(name)).unwrap();
    let mut command = bench.command(&["encode", "--output", "a.264", "--json", "--input"]);
    let read = input_of(&Ended::from(command.arg(name).output().unwrap()));
    assert_eq!(read["spec"], "percent:f%FCr.png");
    assert_eq!(input_of(&encode(&bench, "percent:f%FCr.png", &[]))["digest"], read["digest"]);
}

#[test]
fn a_playlist_opens_nothing_however_it_is_disguised() {
    let bench = Bench::new();
    make(&bench, "-f lavfi -i testsrc2=s=64x48:r=25:d=0.2 -c:v libx264 secret.ts");
    let lists = [
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.ts\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile secret.ts\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    ];
    for (idx, list) in lists.into_iter().enumerate() {
        for ending in ["mp4", "m3u8", "ts", "sdp"] {
            // With a zero byte it is no text.
            for disguise in ["", "\0", "# \0\n"] {
                let name = format!("list{idx}.{ending}");
                bench.write(&name, format!("{list}{disguise}").as_bytes());
                let ended = encode(&bench, &name, &[]);
                assert_eq!(ended.code, Some(2), "{name} {disguise:?}: {} {}", ended.stdout, ended.stderr);
            }
        }
    }
}

#[test]
fn y4m_is_read_with_the_sampling_that_it_names() {
    let bench = Bench::new();
    let stream = |header: &str, bytes: usize| [header.as_bytes(), b"\nFRAME\n", &vec![9; bytes]].concat();
    bench.write("a.y4m", &stream("YUV4MPEG2 W64 H48 F25:1 XYSCSS=422", 64 * 48 * 2));
    let refused = encode(&bench, "a.y4m", &[]);
    assert!(refused.code == Some(2) && refused.stderr.contains("pixel format '422'"), "{}", refused.stderr);
    bench.write("a.y4m", &stream("YUV4MPEG2 W64 H48 F25:1 XYSCSS=420JPEG", 64 * 48 * 3 / 2));
    assert_eq!(input_of(&encode(&bench, "a.y4m", &[]))["format"], "i420");
    bench.write("a.y4m", &stream("YUV4MPEG2 W160 H64 F25:1 XYSCSS=444", 160 * 64 * 3));
    assert_eq!(input_of(&encode(&bench, "a.y4m", &["--codec", "hevc"]))["format"], "yuv444");
}
