//! What a parser must know of VP9: the frames of a superframe, and the beginning of each one's uncompressed header (VP9
//! bitstream specification 0.6, clauses 6.2 and 7.2, and annex B). Names the slots that a frame is kept in; keeps none.

use super::bits::Bits;
use super::sequence::{NOT_TOLD, Sequence};

/// NUM_REF_FRAMES
pub const NUM_SLOTS: usize = 8;
const SYNC_CODE: u32 = 0x49_8342;
const CS_RGB: u32 = 7;

/// One frame of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// To be decoded.
    Coded(Coded),
    /// One that was decoded before is shown (show_existing_frame).
    Existing { slot: usize },
}

/// A frame to be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coded {
    /// Told by frames that refer to no other.
    pub sequence: Option<Sequence>,
    pub is_shown: bool,
    /// The slots that it is kept in, one a bit.
    pub refreshes: u8,
}

impl Frame {
    /// Reads the beginning of a frame; `None`: it is damaged or cut off.
    pub fn read(frame: &[u8]) -> Option<Self> {
        let mut bits = Bits::plain(frame);
        let read = uncompressed_header(&mut bits)?;
        (!bits.is_past_end()).then_some(read)
    }
}

/// The frames of a superframe, or the one frame that the unit is. A frame that its index places outside the unit is empty.
pub fn frames(unit: &[u8]) -> impl Iterator<Item = &[u8]> {
    let index = index(unit);
    let alone = index.is_none().then_some(unit);
    let (sizes, size_bytes) = index.unwrap_or((&[], 1));
    let mut rest = unit;
    alone.into_iter().chain(sizes.chunks_exact(size_bytes).map(move |size| {
        let num_bytes = size.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        let (frame, after) = rest.split_at_checked(num_bytes).unwrap_or_default();
        rest = after;
        frame
    }))
}

/// The sizes of a superframe's frames, and the bytes of each size (annex B.2).
fn index(unit: &[u8]) -> Option<(&[u8], usize)> {
    let &marker = unit.last()?;
    let (size_bytes, num_frames) = (usize::from(marker >> 3 & 3) + 1, usize::from(marker & 7) + 1);
    let sizes_at = unit.len().checked_sub(1 + size_bytes * num_frames)?;
    let is_index = marker >> 5 == 0b110 && unit[..sizes_at].last() == Some(&marker);
    is_index.then(|| (&unit[sizes_at..unit.len() - 1], size_bytes))
}

fn uncompressed_header(bits: &mut Bits) -> Option<Frame> {
    let frame_marker = bits.number(2);
    let profile = bits.number(1) | bits.number(1) << 1;
    if frame_marker != 2 || profile == 3 && bits.flag() {
        return None;
    }
    if bits.flag() {
        return Some(Frame::Existing { slot: bits.number(3) as usize });
    }
    let (is_key, is_shown, is_error_resilient) = (!bits.flag(), bits.flag(), bits.flag());
    let is_intra = is_key || !is_shown && bits.flag();
    if !is_key && !is_error_resilient {
        bits.skip(2);
    }
    if is_intra && bits.number(24) != SYNC_CODE {
        return None;
    }
    // Profile 0 without a key frame is 4:2:0 of 8 bits, and does not say so.
    let (depth, chroma) = if is_key || is_intra && profile > 0 { color_config(bits, profile) } else { (8, 1) };
    let refreshes = if is_key { u8::MAX } else { bits.number(8) as u8 };
    let sequence = is_intra.then(|| Sequence {
        coded: (bits.number(16) + 1, bits.number(16) + 1),
        crop: [0; 4],
        frame_rate: (0, 0),
        colour: NOT_TOLD,
        bits: depth,
        chroma,
        num_reorder: 0,
        num_references: NUM_SLOTS as u32,
        is_progressive: true,
    });
    Some(Frame::Coded(Coded { sequence, is_shown, refreshes }))
}

/// Bits of a sample, and the sampling of chroma as H.264's chroma_format_idc.
fn color_config(bits: &mut Bits, profile: u32) -> (u32, u32) {
    let depth = match profile {
        0 | 1 => 8,
        _ if bits.flag() => 12,
        _ => 10,
    };
    let is_rgb = bits.number(3) == CS_RGB;
    if !is_rgb {
        bits.flag();
    }
    if matches!(profile, 0 | 2) {
        return (depth, 1);
    }
    let (halves_x, halves_y) = if is_rgb { (false, false) } else { (bits.flag(), bits.flag()) };
    bits.flag();
    // 4:4:0 has no number there; as 4:2:2 it is no 4:2:0 either.
    (depth, 3 - u32::from(halves_x) - u32::from(halves_y))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coded(frame: &[u8]) -> Coded {
        match Frame::read(frame) {
            Some(Frame::Coded(coded)) => coded,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn key_frames_say_size_bits_and_chroma() {
        // libvpx, 320x180: 4:2:0 of 10 bits, and 4:4:4 of 8.
        let frames: [(&[u8], u32, u32); 2] = [
            (&[0x92, 0x49, 0x83, 0x42, 0x00, 0x09, 0xf8, 0x05, 0x9b, 0x02], 10, 1),
            (&[0xa2, 0x49, 0x83, 0x42, 0x00, 0x02, 0x7e, 0x01, 0x66, 0xc0], 8, 3),
        ];
        for (frame, depth, chroma) in frames {
            let Coded { sequence, is_shown, refreshes } = coded(frame);
            let sequence = sequence.unwrap();
            assert_eq!((sequence.coded, sequence.bits, sequence.chroma), ((320, 180), depth, chroma));
            assert_eq!((is_shown, refreshes), (true, 0xff));
            assert_eq!(Frame::read(&frame[..8]), None, "cut off");
            assert_eq!(Frame::read(&[&frame[..2], &[0; 8]].concat()), None, "no sync code");
        }
    }

    #[test]
    fn other_frames_say_whether_they_are_shown_and_where_they_are_kept() {
        // show_frame, and 2 bits of reset_frame_context before the flags
        assert_eq!(coded(&[0x86, 0b0000_0001, 0b0100_0000]), Coded { sequence: None, is_shown: true, refreshes: 5 });
        // Hidden: intra_only comes before them.
        assert_eq!(coded(&[0x84, 0b0000_0000, 0b1010_0000]), Coded { sequence: None, is_shown: false, refreshes: 5 });
        assert_eq!(Frame::read(&[0b1000_1101]), Some(Frame::Existing { slot: 5 }));
        assert_eq!((Frame::read(&[]), Frame::read(&[0x46; 9])), (None, None), "no frame marker");
    }

    #[test]
    fn a_superframe_is_cut_by_its_index() {
        let cut = |unit: &[u8]| frames(unit).map(<[u8]>::to_vec).collect::<Vec<_>>();
        let (one, two) = (vec![1, 2, 3], vec![4, 5]);
        let unit = [&one[..], &two, &[0xc9, 3, 0, 2, 0, 0xc9]].concat();
        assert_eq!(cut(&unit), [one.clone(), two]);
        assert_eq!(cut(&unit[..unit.len() - 1]), [&unit[..unit.len() - 1]], "without its end it is one frame");
        assert_eq!(cut(&[1, 2, 3, 0xc9, 3, 0, 99, 0, 0xc9]), [one, vec![]]);
        assert_eq!(cut(&[0xc1]), [[0xc1]]);
    }
}
