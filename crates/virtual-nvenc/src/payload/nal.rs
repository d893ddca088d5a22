//! NAL units as a byte stream: start code, header, and a payload in which no start code can appear (Annex B of both
//! standards). It does not know what the payload means.

use super::Codec;

/// The most bytes of [`delimiter`].
pub const DELIMITER_BYTES: usize = 7;

/// An access unit delimiter with its start code, for pictures of any kind (H.264 7.3.2.4, H.265 7.3.2.5).
pub fn delimiter(codec: Codec) -> &'static [u8] {
    match codec {
        Codec::H264 => &[0, 0, 0, 1, 0x09, 0xf0],
        Codec::Hevc => &[0, 0, 0, 1, 0x46, 0x01, 0x50],
    }
}

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// Bytes looked at together when no escape is near.
const STRIDE: usize = 64;

/// Appends one NAL unit with its start code. `rbsp` must end in a byte other than zero, as its stop bit provides.
pub(super) fn append(out: &mut Vec<u8>, header: &[u8], rbsp: &[u8]) {
    out.extend_from_slice(&START_CODE);
    out.extend_from_slice(header);
    append_escaped(out, rbsp);
}

/// The most bytes that [`append`] makes of a payload: every second zero of a run of zeros costs one byte.
pub(super) fn max_bytes(rbsp_bytes: usize) -> usize {
    START_CODE.len() + 2 + rbsp_bytes + rbsp_bytes / 2
}

/// Puts a 3 between two zeros and any byte of at most 3 (H.264 7.4.1, H.265 7.4.2).
///
/// Bytes without two neighbouring zeros are copied in long runs; near such a pair the bytes go one by one.
fn append_escaped(out: &mut Vec<u8>, rbsp: &[u8]) {
    let mut copied = 0;
    let mut zeros = 0;
    while let Some(pair) = next_zero_pair(rbsp, copied) {
        out.extend_from_slice(&rbsp[copied..pair]);
        copied = pair;
        for &byte in &rbsp[pair..] {
            if zeros == 2 && byte <= 3 {
                out.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            out.push(byte);
            copied += 1;
            if zeros == 0 {
                break;
            }
        }
    }
    out.extend_from_slice(&rbsp[copied..]);
}

/// Index of the first of two neighbouring zeros at or after `from`.
fn next_zero_pair(bytes: &[u8], from: usize) -> Option<usize> {
    let mut start = from;
    while let Some(window) = bytes.get(start..=start + STRIDE) {
        if has_zero_pair(window) {
            break;
        }
        start += STRIDE;
    }
    let pair = bytes[start..].windows(2).position(|two| two == [0, 0])?;
    Some(start + pair)
}

/// Without an early way out, so that it compiles to vector instructions.
fn has_zero_pair(window: &[u8]) -> bool {
    window.iter().zip(&window[1..]).fold(u8::MAX, |least, (a, b)| least.min(a | b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(rbsp: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        append_escaped(&mut out, rbsp);
        out
    }

    #[test]
    fn only_small_bytes_after_two_zeros_are_escaped() {
        assert_eq!(escaped(&[0, 0, 1, 9]), [0, 0, 3, 1, 9]);
        assert_eq!(escaped(&[0, 0, 3, 9]), [0, 0, 3, 3, 9]);
        assert_eq!(escaped(&[0, 0, 4, 9]), [0, 0, 4, 9]);
        assert_eq!(escaped(&[0, 1, 0, 2]), [0, 1, 0, 2]);
        assert_eq!(escaped(&[0, 0, 0, 0, 0, 0, 1]), [0, 0, 3, 0, 0, 3, 0, 0, 3, 1]);
    }

    #[test]
    fn a_pair_is_found_at_every_place() {
        for place in 0..3 * STRIDE {
            let mut rbsp = vec![0x80; 4 * STRIDE];
            rbsp[place..place + 3].copy_from_slice(&[0, 0, 2]);
            let mut expected = rbsp.clone();
            expected.insert(place + 2, 3);
            assert_eq!(escaped(&rbsp), expected, "pair at {place}");
        }
    }

    #[test]
    fn the_bound_holds_for_zeros() {
        let mut rbsp = vec![0; 1001];
        rbsp.push(0x80);
        let mut out = Vec::new();
        append(&mut out, &[0, 0], &rbsp);
        assert!(out.len() <= max_bytes(rbsp.len()), "{} bytes", out.len());
    }
}
