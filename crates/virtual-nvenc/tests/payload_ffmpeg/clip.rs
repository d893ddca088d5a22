//! A made-up clip in any input layout, and what a decoder should make of it. Each frame differs from all others.

use virtual_nvenc::payload::{Chroma, PixelFormat, Pixels};

/// Frames by number.
pub struct Clip {
    size: (usize, usize),
    format: PixelFormat,
}

/// One frame: the bytes of an NVENC input buffer, and the samples in them.
pub struct Frame {
    format: PixelFormat,
    height: u32,
    pitch_bytes: usize,
    buffer: Vec<u8>,
    /// Y, Cb, Cr; or R, G, B.
    planes: Planar,
}

/// Planes of samples.
#[derive(Clone, Debug)]
pub struct Planar {
    pub planes: [Vec<u16>; 3],
    /// Width and height of each plane.
    pub sizes: [(usize, usize); 3],
}

impl Clip {
    pub fn new((width, height): (u32, u32), format: PixelFormat) -> Self {
        Self { size: (width as usize, height as usize), format }
    }

    /// Frame `index`: noise around a level of its own per component, and neighbours as far apart as samples can be.
    pub fn frame(&self, index: usize) -> Frame {
        let chroma = self.format.chroma().unwrap_or(Chroma::Yuv444);
        let sizes = plane_sizes(self.size, chroma);
        let max = (1_u32 << self.format.bit_depth()) - 1;
        let planes = std::array::from_fn(|component| {
            let (width, height) = sizes[component];
            let at = |i: usize| sample(index, component, i % width, i / width, max);
            (0..width * height).map(at).collect()
        });
        let planes = Planar { planes, sizes };
        let pitch_bytes = pitch_bytes(self.format, self.size.0);
        let buffer = buffer(self.format, &planes, pitch_bytes);
        Frame { format: self.format, height: self.size.1 as u32, pitch_bytes, buffer, planes }
    }
}

impl Frame {
    pub fn pixels(&self) -> Pixels<'_> {
        Pixels::from_buffer(self.format, self.height, &self.buffer, self.pitch_bytes)
    }

    /// The samples of a stream with this sampling and depth.
    pub fn expected(&self, chroma: Chroma, bit_depth: u8) -> Planar {
        let shift = bit_depth - self.format.bit_depth();
        if self.format.is_rgb() {
            return yuv_of_rgb(&self.planes, chroma, shift);
        }
        let mut planar = self.planes.clone();
        planar.planes.iter_mut().flatten().for_each(|sample| *sample <<= shift);
        planar
    }
}

impl Planar {
    /// Each block filled with the average of its uppermost rows, one in `share`, rounded halves up. `block` is its side in luma
    /// samples.
    pub fn mosaic(&self, block: usize, share: usize) -> Self {
        let mut mosaic = self.clone();
        for component in 0..3 {
            let (width, height) = self.sizes[component];
            let side = block * width.div_ceil(2).max(1) / self.sizes[0].0.div_ceil(2).max(1);
            for (top, left) in (0..height).step_by(side).flat_map(|y| (0..width).step_by(side).map(move |x| (y, x))) {
                let rows = height.min(top + side) - top;
                let of_rows = |rows| {
                    (top..top + rows).flat_map(move |y| (left..width.min(left + side)).map(move |x| y * width + x))
                };
                let counted = || of_rows(rows.div_ceil(share));
                let sum: u32 = counted().map(|i| u32::from(self.planes[component][i])).sum();
                let count = counted().count() as u32;
                of_rows(rows).for_each(|i| mosaic.planes[component][i] = ((sum + count / 2) / count) as u16);
            }
        }
        mosaic
    }

    pub fn sample(&self, component: usize, x: usize, y: usize) -> u16 {
        self.planes[component][y * self.sizes[component].0 + x]
    }

    /// Component and place of the first sample that differs by more than `tolerance`.
    pub fn first_difference(&self, other: &Self, tolerance: u16) -> Option<(usize, usize, usize)> {
        (0..3).find_map(|component| {
            let pairs = self.planes[component].iter().zip(&other.planes[component]);
            let place = pairs.into_iter().position(|(a, b)| a.abs_diff(*b) > tolerance)?;
            let width = self.sizes[component].0;
            Some((component, place % width, place / width))
        })
    }
}

/// Width and height of each plane.
pub fn plane_sizes((width, height): (usize, usize), chroma: Chroma) -> [(usize, usize); 3] {
    match chroma {
        Chroma::Yuv420 => [(width, height), (width / 2, height / 2), (width / 2, height / 2)],
        Chroma::Yuv444 => [(width, height); 3],
    }
}

fn sample(frame: usize, component: usize, x: usize, y: usize, max: u32) -> u16 {
    let place = (x / 32 * 29 + y / 32 * 17 + frame * 53 + component * 97) as u32;
    let noise = (x * 7919 + y * 40_503 + frame * 977) as u32;
    let noise = noise.wrapping_mul(2_654_435_761) >> 16;
    let sample = match place % 7 {
        0 | 2 => 0,
        1 => max,
        3 => place * 13 + noise % 4,
        _ => place * 29 + noise,
    };
    (if sample > max { sample % (max + 1) } else { sample }) as u16
}

/// Wider than the picture, and odd in units of a sample where the format allows it.
fn pitch_bytes(format: PixelFormat, width: usize) -> usize {
    let bytes_per_pixel = match format {
        PixelFormat::Argb | PixelFormat::Abgr => 4,
        PixelFormat::P010 | PixelFormat::Yuv444P10 => 2,
        _ => 1,
    };
    width * bytes_per_pixel + 26
}

fn buffer(format: PixelFormat, planar: &Planar, pitch: usize) -> Vec<u8> {
    let [y, u, v] = [0, 1, 2].map(|component| (planar.planes[component].as_slice(), planar.sizes[component].0));
    let mut out = Vec::new();
    let bytes = |samples: &[u16]| samples.iter().map(|sample| *sample as u8).collect::<Vec<_>>();
    let words =
        |samples: &[u16]| samples.iter().flat_map(|sample| (sample << 6 | 0x2a).to_le_bytes()).collect::<Vec<_>>();
    let in_turn: Vec<u16> = u.0.iter().zip(v.0).flat_map(|(u, v)| [*u, *v]).collect();
    match format {
        PixelFormat::Nv12 => {
            push_rows(&mut out, &bytes(y.0), y.1, pitch);
            push_rows(&mut out, &bytes(&in_turn), 2 * u.1, pitch);
        }
        PixelFormat::P010 => {
            push_rows(&mut out, &words(y.0), 2 * y.1, pitch);
            push_rows(&mut out, &words(&in_turn), 4 * u.1, pitch);
        }
        PixelFormat::Iyuv | PixelFormat::Yv12 => {
            let (second, third) = if format == PixelFormat::Iyuv { (u, v) } else { (v, u) };
            push_rows(&mut out, &bytes(y.0), y.1, pitch);
            push_rows(&mut out, &bytes(second.0), second.1, pitch / 2);
            push_rows(&mut out, &bytes(third.0), third.1, pitch / 2);
        }
        PixelFormat::Yuv444 => {
            [y, u, v].iter().for_each(|(plane, width)| push_rows(&mut out, &bytes(plane), *width, pitch))
        }
        PixelFormat::Yuv444P10 => {
            [y, u, v].iter().for_each(|(plane, width)| push_rows(&mut out, &words(plane), 2 * width, pitch));
        }
        PixelFormat::Argb | PixelFormat::Abgr => {
            let is_argb = format == PixelFormat::Argb;
            let pixels = y.0.iter().zip(u.0).zip(v.0);
            let pixels: Vec<u16> =
                pixels.flat_map(|((r, g), b)| if is_argb { [*b, *g, *r, 99] } else { [*r, *g, *b, 99] }).collect();
            push_rows(&mut out, &bytes(&pixels), 4 * y.1, pitch);
        }
    }
    out
}

/// Rows at a pitch, with something unlike any sample behind each.
fn push_rows(out: &mut Vec<u8>, bytes: &[u8], row_bytes: usize, pitch: usize) {
    for row in bytes.chunks(row_bytes) {
        out.extend_from_slice(row);
        out.resize(out.len() + pitch - row_bytes, 0xaa);
    }
}

/// BT.601, limited range, in the integers that the writer documents.
fn yuv_of_rgb(rgb: &Planar, chroma: Chroma, shift: u8) -> Planar {
    let (width, height) = rgb.sizes[0];
    let sizes = plane_sizes((width, height), chroma);
    let convert = |component: usize| -> Vec<u16> {
        let side = width / sizes[component].0;
        let ([r, g, b], offset) = [([66, 129, 25], 16), ([-38, -74, 112], 128), ([112, -94, -18], 128)][component];
        let at = |(x, y): (usize, usize)| {
            let square = (0..side * side).map(|i| (y * side + i / side) * width + x * side + i % side);
            let sum: i32 = square
                .map(|i| {
                    r * i32::from(rgb.planes[0][i]) + g * i32::from(rgb.planes[1][i]) + b * i32::from(rgb.planes[2][i])
                })
                .sum();
            let divisor = 256 * (side * side) as i32;
            (((sum << shift) + divisor / 2).div_euclid(divisor) + (offset << shift)) as u16
        };
        (0..sizes[component].1).flat_map(|y| (0..sizes[component].0).map(move |x| (x, y))).map(at).collect()
    };
    Planar { planes: [convert(0), convert(1), convert(2)], sizes }
}
