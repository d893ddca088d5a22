//! Samples of planar frames, as decoders write them, in the places where NVENC takes them. Knows no file.

/// Bits by which a sample of 10 bits is moved up in P010.
const P010_SHIFT: u32 = 6;

/// Turns a Cb plane followed by a Cr plane into pairs, in place. `N` are the bytes of a sample.
pub fn interleave_chroma<const N: usize>(chroma: &mut [u8], planes: &mut Vec<u8>) {
    planes.clear();
    planes.extend_from_slice(chroma);
    let (cb, cr) = planes.split_at(planes.len() / 2);
    let (pairs, _) = chroma.as_chunks_mut::<N>();
    let (cb, cr) = (cb.as_chunks::<N>().0, cr.as_chunks::<N>().0);
    for ((pair, cb), cr) in pairs.chunks_exact_mut(2).zip(cb).zip(cr) {
        pair.copy_from_slice(&[*cb, *cr]);
    }
}

/// Turns 10-bit 4:2:0 (Y, Cb and Cr planes, little-endian, in the lower bits) into P010, in place. `num_luma_bytes` are
/// those of the Y plane.
pub fn make_p010(frame: &mut [u8], num_luma_bytes: usize, planes: &mut Vec<u8>) {
    let (samples, _) = frame.as_chunks_mut::<2>();
    for sample in samples {
        *sample = (u16::from_le_bytes(*sample) << P010_SHIFT).to_le_bytes();
    }
    interleave_chroma::<2>(frame.get_mut(num_luma_bytes..).unwrap_or_default(), planes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chroma_planes_become_pairs() {
        let mut chroma = *b"bbbrrr";
        interleave_chroma::<1>(&mut chroma, &mut Vec::new());
        assert_eq!(&chroma, b"brbrbr");
        let mut chroma = *b"bBbBrRrR";
        interleave_chroma::<2>(&mut chroma, &mut Vec::new());
        assert_eq!(&chroma, b"bBrRbBrR");
    }

    #[test]
    fn ten_bits_go_to_the_upper_ones() {
        let planar = [0x3ff, 1, 2, 0x200, 0x155, 0x2aa].map(u16::to_le_bytes).concat();
        let mut frame = planar.clone();
        make_p010(&mut frame, 8, &mut Vec::new());
        assert_eq!(frame, [0xffc0, 0x40, 0x80, 0x8000, 0x5540, 0xaa80].map(u16::to_le_bytes).concat());
        make_p010(&mut [], 8, &mut Vec::new());
    }
}
