//! A compressed clip in memory, cut into access units: what a decoder is fed with.
//!
//! H.264 and HEVC elementary streams (Annex B) and IVF files are read as they are; any other file goes through an
//! installed ffmpeg, which copies its video out of the container. Cutting looks at headers only; whether the data can be
//! decoded, nobody here knows.

use std::io::Read;
use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

use super::{InputSpec, SourceError, media, open_file};
use crate::contract::{Codec, Colour, Dimensions, FrameRate, PixelFormat};
use crate::record::InputInfo;

/// Bytes that are looked at to tell what a file is.
const SNIFFED_BYTES: usize = 1024;
const IVF_MAGIC: &[u8] = b"DKIF";
const IVF_FRAME_HEADER_BYTES: usize = 12;

/// A compressed clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    /// The input as given, in its canonical spelling.
    pub spec: String,
    /// What it is coded in.
    pub codec: Codec,
    /// Access units in coding order; each is one frame.
    pub units: Vec<Vec<u8>>,
    /// What is wrong with the file, although units could be cut out of it.
    pub damage: Option<String>,
}

impl Clip {
    /// Reads up to `max_units` access units.
    ///
    /// # Errors
    /// The input is missing, is not compressed, or has no unit in it.
    pub fn open(spec: &InputSpec, max_units: u64, max_bytes: u64) -> Result<Self, SourceError> {
        let InputSpec::File(path) = spec else { return Err(SourceError::NotCompressed(spec.to_string())) };
        let max_units = usize::try_from(max_units).unwrap_or(usize::MAX);
        let bytes = read_file(path, max_bytes)?;
        let mut damage = None;
        let (codec, mut units) = match container_of(&bytes) {
            Container::Y4m => return Err(SourceError::NotCompressed(spec.to_string())),
            Container::AnnexB(codec) => (codec, annex_b_units(&bytes, codec, max_units)),
            Container::Ivf => {
                let (codec, units, num_left_over) = ivf_units(&bytes, path)?;
                let words = || format!("its last frame is cut off, {num_left_over} bytes are left over");
                damage = (num_left_over > 0 && units.len() < max_units).then(words);
                (codec, units)
            }
            Container::Other => {
                let (codec, stream, complaints) = media::copy_video(path, &bytes[..bytes.len().min(SNIFFED_BYTES)])?;
                damage = complaints;
                match codec {
                    Codec::H264 | Codec::Hevc => (codec, annex_b_units(&stream, codec, max_units)),
                    Codec::Av1 | Codec::Vp9 => ivf_units(&stream, path).map(|(codec, units, _)| (codec, units))?,
                }
            }
        };
        units.truncate(max_units);
        match units.is_empty() {
            true => Err(SourceError::NoFrames(spec.to_string())),
            false => Ok(Self { spec: spec.to_string(), codec, units, damage }),
        }
    }

    /// The clip, unless it is damaged.
    ///
    /// # Errors
    /// It is.
    pub fn whole(self) -> Result<Self, SourceError> {
        match self.damage {
            Some(problem) => Err(SourceError::Damaged { problem, frames: self.units.len() as u64, input: self.spec }),
            None => Ok(self),
        }
    }

    /// The units as the input of a run; what their frames are is the driver's word.
    pub fn info(
        &self,
        format: PixelFormat,
        dimensions: Dimensions,
        frame_rate: FrameRate,
        colour: Option<Colour>,
    ) -> InputInfo {
        let mut digest = Xxh3::new();
        for unit in &self.units {
            digest.update(unit);
        }
        InputInfo {
            spec: self.spec.clone(),
            format,
            dimensions,
            frame_rate,
            colour,
            frames: self.units.len() as u64,
            digest: format!("{:016x}", digest.digest()),
            remarks: self.damage.iter().map(|words| format!("damaged: {words}")).collect(),
        }
    }
}

fn read_file(path: &Path, max_bytes: u64) -> Result<Vec<u8>, SourceError> {
    let mut file = open_file(path)?;
    let failed = |cause| SourceError::Io { action: "read", cause, input: path.display().to_string() };
    let num_bytes = file.metadata().map_err(failed)?.len();
    if num_bytes > max_bytes {
        return Err(SourceError::ClipTooLarge { num_bytes, max_bytes, path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(num_bytes as usize).map_err(|_| SourceError::OutOfMemory { bytes: num_bytes as usize })?;
    file.by_ref().take(max_bytes).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// How a file holds its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    Y4m,
    AnnexB(Codec),
    Ivf,
    Other,
}

fn container_of(bytes: &[u8]) -> Container {
    if bytes.starts_with(super::y4m::MAGIC) {
        return Container::Y4m;
    }
    if bytes.starts_with(IVF_MAGIC) {
        return Container::Ivf;
    }
    let starts_a_unit = bytes.starts_with(&[0, 0, 1]) || bytes.starts_with(&[0, 0, 0, 1]);
    match starts_a_unit.then(|| NalUnits::of(bytes).next()).flatten() {
        Some(first) => Container::AnnexB(codec_of(&bytes[first.header_at..])),
        None => Container::Other,
    }
}

/// H.264 and HEVC by the header of the first NAL unit. HEVC begins with a parameter set, a delimiter or a prefix SEI
/// message (types 32 to 35 and 39) of layer 0 and sub-layer 0; H.264 has no unit with these two bytes at a stream's start.
fn codec_of(header: &[u8]) -> Codec {
    match header {
        [0x40 | 0x42 | 0x44 | 0x46 | 0x4e, 0x01, ..] => Codec::Hevc,
        _ => Codec::H264,
    }
}

/// Where one NAL unit lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct NalUnit {
    /// Its start code, with the zero byte before it.
    from: usize,
    /// The first byte after the start code.
    header_at: usize,
}

/// All NAL units of a byte stream (H.264 and HEVC, Annex B), in order.
struct NalUnits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> NalUnits<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }
}

impl Iterator for NalUnits<'_> {
    type Item = NalUnit;

    fn next(&mut self) -> Option<NalUnit> {
        let found = self.bytes.get(self.at..)?.windows(3).position(|three| three == [0, 0, 1])?;
        let (start, header_at) = (self.at + found, self.at + found + 3);
        self.at = header_at;
        let from = if start > 0 && self.bytes[start - 1] == 0 { start - 1 } else { start };
        (header_at < self.bytes.len()).then_some(NalUnit { from, header_at })
    }
}

/// What a NAL unit means for where access units begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The first slice of a picture.
    FirstSlice,
    /// A further slice, or what follows the slices of a picture.
    Inside,
    /// A parameter set, delimiter or message, which comes before the first slice.
    Before,
}

/// H.264 (2021), 7.4.1.2.3 and table 7-1; HEVC (2021), 7.4.2.4.4 and table 7-1. With arbitrary slice order the first slice
/// need not begin at block 0, but no encoder writes it and the driver's decoder does not take it.
fn role(codec: Codec, nal: &[u8]) -> Role {
    let byte = |idx: usize| nal.get(idx).copied().unwrap_or(0);
    let slice = |flags: u8| if flags & 0x80 != 0 { Role::FirstSlice } else { Role::Inside };
    match codec {
        Codec::Hevc => match (byte(0) >> 1) & 0x3f {
            // Layers beyond the first belong to the picture of the first.
            _ if byte(0) & 1 != 0 || byte(1) >> 3 != 0 => Role::Inside,
            // first_slice_segment_in_pic_flag
            0..=31 => slice(byte(2)),
            32..=35 | 39 | 41..=44 | 48..=55 => Role::Before,
            _ => Role::Inside,
        },
        _ => match byte(0) & 0x1f {
            // first_mb_in_slice is 0, which is coded as a single 1
            1 | 2 | 5 => slice(byte(1)),
            6..=9 | 14..=18 => Role::Before,
            _ => Role::Inside,
        },
    }
}

/// Cuts an Annex B stream into access units. What comes before the first NAL unit belongs to none.
fn annex_b_units(bytes: &[u8], codec: Codec, max_units: usize) -> Vec<Vec<u8>> {
    let mut units = Vec::new();
    let mut start = None;
    let mut has_slice = false;
    for nal in NalUnits::of(bytes) {
        let role = role(codec, &bytes[nal.header_at..]);
        let begins = role != Role::Inside && has_slice;
        if begins {
            units.extend(start.map(|start: usize| bytes[start..nal.from].to_vec()));
            if units.len() >= max_units {
                return units;
            }
            has_slice = false;
        }
        if begins || start.is_none() {
            start = Some(nal.from);
        }
        has_slice |= role == Role::FirstSlice;
    }
    // What has no slice (parameter sets after the last picture) is no frame.
    units.extend(start.filter(|_| has_slice).map(|start| bytes[start..].to_vec()));
    units
}

/// The frames of an IVF file, whole, in the order of the file, and how many bytes are left over at its end.
fn ivf_units(bytes: &[u8], path: &Path) -> Result<(Codec, Vec<Vec<u8>>, usize), SourceError> {
    let damaged = || SourceError::Ivf(path.to_owned());
    let u16_at = |at: usize| bytes.get(at..at + 2).map(|two| u16::from_le_bytes([two[0], two[1]]));
    let header_bytes = usize::from(u16_at(6).ok_or_else(damaged)?);
    let codec = match bytes.get(8..12) {
        Some(b"AV01") => Codec::Av1,
        Some(b"VP90") => Codec::Vp9,
        Some(b"H264") => Codec::H264,
        Some(b"HEVC" | b"H265") => Codec::Hevc,
        Some(other) => {
            let codec = String::from_utf8_lossy(other).into_owned();
            return Err(SourceError::CodecNotMeasured { codec, path: path.to_owned() });
        }
        None => return Err(damaged()),
    };
    let mut units = Vec::new();
    let mut rest = bytes.get(header_bytes..).ok_or_else(damaged)?;
    while rest.len() >= IVF_FRAME_HEADER_BYTES {
        let num_bytes = u32::from_le_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
        // A last frame that was cut off is no frame.
        let Some(unit) = rest[IVF_FRAME_HEADER_BYTES..].get(..num_bytes) else { break };
        units.push(unit.to_vec());
        rest = &rest[IVF_FRAME_HEADER_BYTES + num_bytes..];
    }
    Ok((codec, units, rest.len()))
}

/// See [`super::fuzzed_clip`].
#[cfg(fuzzing)]
pub(super) fn fuzzed(bytes: &[u8]) {
    for codec in [Codec::H264, Codec::Hevc] {
        let units = annex_b_units(bytes, codec, usize::MAX).concat();
        let from = NalUnits::of(bytes).next().map_or(0, |first| first.from);
        assert!(bytes[from..].starts_with(&units));
    }
    if let Ok((_, units, num_left_over)) = ivf_units(bytes, Path::new("")) {
        assert!(units.iter().map(Vec::len).sum::<usize>() + num_left_over <= bytes.len());
    }
    let _ = container_of(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(nals: &[&[u8]]) -> Vec<u8> {
        nals.iter().flat_map(|nal| [&[0, 0, 0, 1], *nal].concat()).collect()
    }

    #[test]
    fn a_unit_begins_with_what_belongs_to_its_first_slice() {
        let (sps, pps, sei) = (&[0x67, 1][..], &[0x68, 1][..], &[0x06, 1][..]);
        let (idr, idr_rest, p) = (&[0x65, 0x88][..], &[0x65, 0x40][..], &[0x41, 0x9a][..]);
        let bytes = stream(&[sps, pps, idr, idr_rest, p, sei, p, sps]);
        assert_eq!(container_of(&bytes), Container::AnnexB(Codec::H264));
        let units = annex_b_units(&bytes, Codec::H264, usize::MAX);
        assert_eq!(units, [stream(&[sps, pps, idr, idr_rest]), stream(&[p]), stream(&[sei, p])]);
        assert_eq!(annex_b_units(&bytes, Codec::H264, 1).len(), 1);
    }

    #[test]
    fn hevc_units_are_cut_at_the_first_slice_segment() {
        let (vps, sps, pps) = (&[0x40, 1, 9][..], &[0x42, 1, 9][..], &[0x44, 1, 9][..]);
        let (idr, rest, trail, suffix_sei) =
            (&[0x26, 1, 0xaf][..], &[0x26, 1, 0x20][..], &[0x02, 1, 0xd0][..], &[0x50, 1, 9][..]);
        let bytes = stream(&[vps, sps, pps, idr, rest, suffix_sei, trail, trail]);
        assert_eq!(container_of(&bytes), Container::AnnexB(Codec::Hevc));
        let units = annex_b_units(&bytes, Codec::Hevc, usize::MAX);
        assert_eq!(units, [stream(&[vps, sps, pps, idr, rest, suffix_sei]), stream(&[trail]), stream(&[trail])]);
    }

    #[test]
    fn start_codes_of_three_bytes_count_too_and_no_bytes_are_lost() {
        let bytes = [&[0, 0, 1, 0x65, 0x80][..], &[0, 0, 1, 0x41, 0x80], &[0, 0, 0, 1, 0x41, 0x80]].concat();
        let units = annex_b_units(&bytes, Codec::H264, usize::MAX);
        assert_eq!((units.len(), units.concat()), (3, bytes));
    }

    #[test]
    fn an_ivf_file_that_was_cut_off_gives_its_whole_frames() {
        let mut bytes = [IVF_MAGIC, &[0, 0, 32, 0], b"AV01"].concat();
        bytes.resize(32, 0);
        for unit in [&b"one"[..], b"three"] {
            bytes.extend_from_slice(&(unit.len() as u32).to_le_bytes());
            bytes.extend_from_slice(&[0; 8]);
            bytes.extend_from_slice(unit);
        }
        assert_eq!(container_of(&bytes), Container::Ivf);
        let units = |bytes: &[u8]| ivf_units(bytes, Path::new("a.ivf"));
        assert_eq!(units(&bytes).unwrap(), (Codec::Av1, vec![b"one".to_vec(), b"three".to_vec()], 0));
        let (_, whole, num_left_over) = units(&bytes[..bytes.len() - 1]).unwrap();
        assert_eq!((whole.len(), num_left_over), (1, 16));
        assert!(matches!(units(&bytes[..10]), Err(SourceError::Ivf(_))));
        bytes[8..12].copy_from_slice(b"VP90");
        assert_eq!(units(&bytes).unwrap().0, Codec::Vp9);
        bytes[8..12].copy_from_slice(b"VP80");
        assert!(matches!(units(&bytes), Err(SourceError::CodecNotMeasured { .. })));
    }
}
