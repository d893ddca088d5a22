//! Reading headers bit by bit: fixed fields, and the Exp-Golomb codes of NAL units (H.264 and HEVC, clauses 7.2 and 9.1).
//!
//! Past the end everything is 0: a header that was cut off gives wrong numbers, and no panic.

/// Headers that matter here are shorter.
const MAX_BYTES: usize = 512;

/// The beginning of a header; of a NAL unit, without its emulation prevention bytes.
pub struct Bits {
    bytes: [u8; MAX_BYTES],
    num_bytes: usize,
    at: usize,
}

impl Bits {
    /// Of what follows a NAL unit's header. Asks for no memory: a client measures meanwhile.
    pub fn of(payload: &[u8]) -> Self {
        let (mut bytes, mut num_bytes) = ([0; MAX_BYTES], 0);
        let mut num_zeros = 0;
        for &byte in payload.iter().take(MAX_BYTES) {
            if num_zeros >= 2 && byte == 3 {
                num_zeros = 0;
                continue;
            }
            num_zeros = if byte == 0 { num_zeros + 1 } else { 0 };
            bytes[num_bytes] = byte;
            num_bytes += 1;
        }
        Self { bytes, num_bytes, at: 0 }
    }

    /// Of bytes that are meant as they are.
    pub fn plain(header: &[u8]) -> Self {
        let (mut bytes, num_bytes) = ([0; MAX_BYTES], header.len().min(MAX_BYTES));
        bytes[..num_bytes].copy_from_slice(&header[..num_bytes]);
        Self { bytes, num_bytes, at: 0 }
    }

    pub fn flag(&mut self) -> bool {
        let bit = self.bytes.get(self.at / 8).is_some_and(|byte| byte >> (7 - self.at % 8) & 1 == 1);
        self.at += 1;
        bit
    }

    /// u(n), of at most 32 bits.
    pub fn number(&mut self, num_bits: u32) -> u32 {
        (0..num_bits).fold(0, |value, _| value << 1 | u32::from(self.flag()))
    }

    pub fn skip(&mut self, num_bits: usize) {
        self.at = self.at.saturating_add(num_bits);
    }

    /// ue(v)
    pub fn unsigned(&mut self) -> u32 {
        let mut num_zeros = 0;
        while !self.flag() {
            num_zeros += 1;
            if num_zeros > 31 || self.is_at_end() {
                return 0;
            }
        }
        (1 << num_zeros) - 1 + self.number(num_zeros)
    }

    /// se(v)
    pub fn signed(&mut self) -> i32 {
        let code = i64::from(self.unsigned());
        (if code % 2 == 1 { code / 2 + 1 } else { -(code / 2) }) as i32
    }

    /// Was more read than there is?
    pub fn is_past_end(&self) -> bool {
        self.at > 8 * self.num_bytes
    }

    fn is_at_end(&self) -> bool {
        self.at >= 8 * self.num_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_the_standard_lists_them() {
        // 1, 010, 011, 00100, 00101: 0 to 4
        let mut bits = Bits::of(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        assert_eq!([(); 5].map(|()| bits.unsigned()), [0, 1, 2, 3, 4]);
        let mut bits = Bits::of(&[0b0100_1100, 0b1000_0101, 0]);
        assert_eq!([(); 4].map(|()| bits.signed()), [1, -1, 2, -2]);
    }

    #[test]
    fn emulation_prevention_is_left_out_and_the_end_is_zero() {
        let mut bits = Bits::of(&[0, 0, 3, 1, 0, 0, 3]);
        assert_eq!((bits.number(24), bits.number(16)), (1, 0));
        assert_eq!((bits.unsigned(), bits.number(32), bits.flag()), (0, 0, false));
    }
}
