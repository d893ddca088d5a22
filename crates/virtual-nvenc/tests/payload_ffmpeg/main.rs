//! FFmpeg as the judge of the payload writer: what it decodes must be complete, in display order, and equal to the input or
//! to its block averages, and it must have nothing to say. A missing ffmpeg or ffprobe fails these tests.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, also in what its cases share")]

mod clip;
mod tools;

use std::path::Path;

use clip::{Clip, Frame, Planar};
use virtual_nvenc::payload::{
    Chroma, Codec, Mode, PayloadWriter, PictureHeader, PictureKind, PixelFormat, StreamParams,
};

const CODECS: [Codec; 2] = [Codec::H264, Codec::Hevc];
const MODES: [Mode; 3] = [Mode::Mosaic, Mode::Sparse, Mode::Lossless];

/// One stream to be written and judged.
#[derive(Clone, Copy, Debug)]
struct Case {
    codec: Codec,
    mode: Mode,
    size: (u32, u32),
    format: PixelFormat,
    chroma: Chroma,
    bit_depth: u8,
    max_reorder: u32,
    /// Picture kinds in encode order with their display indices; lower case is no reference.
    order: &'static str,
}

const IPPP: &str = "I0 P1 P2 P3";
const IBBP: &str = "I0 P3 b1 b2 P6 b4 b5 I0 P3 b1 b2";

impl Case {
    fn new(codec: Codec, mode: Mode, size: (u32, u32), order: &'static str) -> Self {
        let max_reorder = u32::from(order.contains('b'));
        let format = PixelFormat::Nv12;
        Self { codec, mode, size, format, chroma: Chroma::Yuv420, bit_depth: 8, max_reorder, order }
    }

    fn params(&self) -> StreamParams {
        StreamParams {
            codec: self.codec,
            mode: self.mode,
            width: self.size.0,
            height: self.size.1,
            chroma: self.chroma,
            bit_depth: self.bit_depth,
            frame_rate: (30, 1),
            max_reorder: self.max_reorder,
            colour: None,
        }
    }

    /// Picture headers in encode order. `I0` is an IDR picture, any other `I` is not.
    fn headers(&self) -> Vec<PictureHeader> {
        let header = |word: &str| {
            let (kind, poc) = word.split_at(1);
            let poc = poc.parse().expect("an order holds display indices");
            let is_reference = kind != "b";
            let kind = match kind {
                "I" if poc == 0 => PictureKind::Idr,
                "I" => PictureKind::I,
                "P" => PictureKind::P,
                _ => PictureKind::B,
            };
            PictureHeader { kind, poc, is_reference }
        };
        self.order.split_whitespace().map(header).collect()
    }
}

/// Writes the stream, lets FFmpeg decode it, and compares. Each picture's content is that of its place in the clip.
fn check_pictures(case: Case) {
    judge(case, &case.headers(), |_| ());
}

/// The same, and what ffprobe says of each picture.
fn check_pictures_and_types(case: Case, headers: &[PictureHeader]) {
    judge(case, headers, |path| {
        let shown = display_places(headers);
        let mut pictures: Vec<_> = shown.into_iter().zip(headers.iter().map(|header| letter(header.kind))).collect();
        pictures.sort_unstable();
        let types: String = pictures.into_iter().map(|(_, letter)| letter).collect();
        assert_eq!(tools::picture_types(path), types, "{case:?}: picture types in display order");
    });
}

fn judge(case: Case, headers: &[PictureHeader], check_file: impl Fn(&Path)) {
    let clip = Clip::new(case.size, case.format);
    let frames: Vec<_> = (0..headers.len()).map(|index| clip.frame(index)).collect();
    let path = tools::save(&write(&case, headers, &frames), case.codec);
    let decoded = tools::decode(&path, case.size, case.chroma, case.bit_depth);
    assert_eq!(decoded.len(), headers.len(), "{case:?}: number of pictures");
    for (place, (decoded, frame)) in decoded.iter().zip(&frames).enumerate() {
        compare(&case, place, decoded, frame.expected(case.chroma, case.bit_depth));
    }
    check_file(&path);
    std::fs::remove_file(&path).expect("the stream can be removed");
}

fn write(case: &Case, headers: &[PictureHeader], frames: &[Frame]) -> Vec<u8> {
    let mut writer = PayloadWriter::new(case.params()).expect("the parameters are valid");
    let mut stream = Vec::new();
    for (header, place) in headers.iter().zip(display_places(headers)) {
        if header.kind == PictureKind::Idr {
            stream.extend_from_slice(writer.headers());
        }
        let before = stream.len();
        writer.write_picture(*header, &frames[place].pixels(), &mut stream).expect("the picture is valid");
        let num_bytes = stream.len() - before;
        assert!(num_bytes <= writer.max_picture_bytes(), "{case:?}: {num_bytes} bytes exceed the bound");
    }
    stream
}

/// Place in display order of each picture of a stream given in encode order.
fn display_places(headers: &[PictureHeader]) -> Vec<usize> {
    let mut first = 0;
    let mut places = Vec::new();
    for (index, header) in headers.iter().enumerate() {
        if header.kind == PictureKind::Idr {
            first = index;
        }
        places.push(first + header.poc as usize);
    }
    places
}

/// What ffprobe says of a picture: its type, and an exclamation mark for a key frame.
fn letter(kind: PictureKind) -> &'static str {
    match kind {
        PictureKind::Idr => "I!",
        PictureKind::I => "I",
        PictureKind::P => "P",
        PictureKind::B => "B",
    }
}

/// Lossless pictures are equal. A mosaic's blocks are flat and equal to the rounded average, or within one level of it where
/// the input is RGB, since the average is converted and not the pixels.
fn compare(case: &Case, place: usize, decoded: &Planar, expected: Planar) {
    let block = match (case.mode, case.codec) {
        (Mode::Lossless, _) => 1,
        (Mode::Mosaic | Mode::Sparse, Codec::H264) => 16,
        (Mode::Mosaic | Mode::Sparse, Codec::Hevc) => 32,
    };
    let share = if case.mode == Mode::Sparse { 4 } else { 1 };
    let tolerance = match case.mode {
        Mode::Mosaic | Mode::Sparse if case.format.is_rgb() => 1,
        _ => 0,
    };
    let expected = if block == 1 { expected } else { expected.mosaic(block, share) };
    if let Some((component, x, y)) = decoded.first_difference(&expected, tolerance) {
        let (have, want) = (decoded.sample(component, x, y), expected.sample(component, x, y));
        panic!("{case:?}: picture {place}, component {component} at {x},{y} is {have}, not {want}");
    }
}

#[test]
fn pictures_without_reordering_come_back() {
    for codec in CODECS {
        for mode in MODES {
            for size in [(640, 360), (642, 358), (64, 64), (16, 16), (34, 18), (2, 2)] {
                check_pictures(Case::new(codec, mode, size, IPPP));
            }
        }
    }
}

#[test]
fn b_pictures_come_back_in_display_order() {
    for codec in CODECS {
        for mode in MODES {
            for size in [(640, 360), (642, 358), (64, 64)] {
                let case = Case::new(codec, mode, size, IBBP);
                check_pictures_and_types(case, &case.headers());
            }
        }
    }
}

#[test]
fn large_pictures_come_back() {
    for codec in CODECS {
        check_pictures(Case::new(codec, Mode::Lossless, (1920, 1080), "I0 P1"));
        check_pictures(Case::new(codec, Mode::Mosaic, (1920, 1080), "I0 P3 b1 b2"));
        check_pictures(Case::new(codec, Mode::Mosaic, (3840, 2160), "I0"));
    }
}

#[test]
fn every_order_comes_back_with_its_picture_types() {
    let orders = [
        (0, "I0"),
        (0, "I0 I0 I0"),
        (0, "I0 P1 I2 P3 I4 I5"),
        (1, "I0 P3 b1 b2 I6 b4 b5"),
        (2, "I0 P4 B2 b1 b3 P8 B6 b5 b7"),
        (3, "I0 P8 B4 B2 b1 b3 B6 b5 b7 P16 B12 B10 b9 b11 B14 b13 b15"),
    ];
    for codec in CODECS {
        for (max_reorder, order) in orders {
            let case = Case { max_reorder, ..Case::new(codec, Mode::Mosaic, (64, 64), order) };
            check_pictures_and_types(case, &case.headers());
        }
    }
}

#[test]
fn pictures_that_are_no_reference_are_not_missed() {
    for codec in CODECS {
        let case = Case::new(codec, Mode::Mosaic, (64, 64), "");
        let headers: Vec<_> = (0..8)
            .map(|poc| PictureHeader {
                kind: if poc == 0 { PictureKind::Idr } else { PictureKind::P },
                poc,
                is_reference: poc % 3 == 0,
            })
            .collect();
        check_pictures_and_types(case, &headers);
    }
}

#[test]
fn counters_wrap_in_long_groups() {
    let group =
        |num: i32| {
            std::iter::once(PictureHeader { kind: PictureKind::Idr, poc: 0, is_reference: true }).chain(
                (0..num).flat_map(|i| {
                    [(3, PictureKind::P), (1, PictureKind::B), (2, PictureKind::B)].map(|(offset, kind)| {
                        PictureHeader { kind, poc: 3 * i + offset, is_reference: kind == PictureKind::P }
                    })
                }),
            )
        };
    for codec in CODECS {
        let headers: Vec<_> = group(300).chain(group(2)).collect();
        check_pictures_and_types(Case::new(codec, Mode::Mosaic, (64, 64), "b"), &headers);
    }
}

#[test]
fn every_input_layout_comes_back() {
    use PixelFormat::{Abgr, Argb, Iyuv, Yuv444, Yv12};
    for codec in CODECS {
        for mode in MODES {
            let case = Case::new(codec, mode, (98, 70), IPPP);
            for format in [Iyuv, Yv12, Argb, Abgr] {
                check_pictures(Case { format, ..case });
            }
            for format in [Yuv444, Argb, Abgr] {
                check_pictures(Case { format, chroma: Chroma::Yuv444, size: (97, 71), ..case });
            }
        }
    }
}

#[test]
fn ten_bit_pictures_come_back() {
    use PixelFormat::{Argb, Nv12, P010, Yuv444, Yuv444P10};
    for mode in MODES {
        let case = Case { bit_depth: 10, ..Case::new(Codec::Hevc, mode, (98, 70), IBBP) };
        for format in [P010, Nv12, Argb] {
            check_pictures(Case { format, ..case });
        }
        for format in [Yuv444P10, Yuv444, Argb] {
            check_pictures(Case { format, chroma: Chroma::Yuv444, size: (97, 71), ..case });
        }
    }
}
