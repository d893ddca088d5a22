//! A bit string, written most significant bit first, with the variable-length codes that both standards share.
//! It does not know start codes or emulation prevention.

/// A fixed code word: the low `len` bits of `bits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) bits: u64,
    pub(super) len: u32,
}

/// Collects bits into bytes.
#[derive(Debug)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// The last `64 - free` bits written, in its low end; what is above them is stale.
    pending: u64,
    free: u32,
}

impl Code {
    pub(super) const EMPTY: Self = Self { bits: 0, len: 0 };

    /// The low `len` bits of `bits`.
    pub(super) const fn new(bits: u64, len: u32) -> Self {
        Self { bits, len }
    }

    /// ue(v) (H.264 9.1, H.265 9.2).
    pub(super) const fn ue(value: u32) -> Self {
        let plus_one = value as u64 + 1;
        Self { bits: plus_one, len: 2 * plus_one.ilog2() + 1 }
    }

    /// se(v): 0, 1, -1, 2, -2 … are numbered in this order (H.264 9.1.1, H.265 9.2.2).
    pub(super) const fn se(value: i32) -> Self {
        let magnitude = value.unsigned_abs();
        Self::ue(if value > 0 { 2 * magnitude - 1 } else { 2 * magnitude })
    }

    /// This code and then `next`; together at most 63 bits.
    pub(super) const fn then(self, next: Self) -> Self {
        Self { bits: self.bits << next.len | next.bits, len: self.len + next.len }
    }
}

impl BitWriter {
    /// Continues a byte string.
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, pending: 0, free: 64 }
    }

    /// Appends a code of at most 63 bits.
    #[inline]
    pub(super) fn put(&mut self, code: Code) {
        if code.len < self.free {
            self.pending = self.pending << code.len | code.bits;
            self.free -= code.len;
        } else {
            let rest = code.len - self.free;
            // In two shifts, since `free` is 64 where nothing is pending.
            let word = self.pending << (self.free - 1) << 1 | code.bits >> rest;
            self.bytes.extend_from_slice(&word.to_be_bytes());
            self.pending = code.bits;
            self.free = 64 - rest;
        }
    }

    /// Appends the low `len` bits of `value`: u(len).
    pub(super) fn u(&mut self, value: u32, len: u32) {
        self.put(Code::new(value.into(), len));
    }

    /// Appends a flag: u(1).
    pub(super) fn flag(&mut self, value: bool) {
        self.u(value.into(), 1);
    }

    /// Appends ue(v).
    pub(super) fn ue(&mut self, value: u32) {
        self.put(Code::ue(value));
    }

    /// Appends se(v).
    pub(super) fn se(&mut self, value: i32) {
        self.put(Code::se(value));
    }

    /// Appends zero bits up to the next byte.
    pub(super) fn align_zero(&mut self) {
        self.u(0, self.free % 8);
    }

    /// Appends rbsp_trailing_bits, which HEVC calls byte_alignment elsewhere: a one and then zeros up to the next byte.
    pub(super) fn stop(&mut self) {
        self.flag(true);
        self.align_zero();
    }

    /// The byte string behind the bits; the position must be byte aligned.
    pub(super) fn aligned_bytes(&mut self) -> &mut Vec<u8> {
        debug_assert_eq!(self.free % 8, 0, "bytes are asked for inside a byte");
        let num_bytes = (64 - self.free as usize) / 8;
        let word = self.pending.to_be_bytes();
        self.bytes.extend_from_slice(&word[8 - num_bytes..]);
        self.pending = 0;
        self.free = 64;
        &mut self.bytes
    }

    /// Forgets everything written.
    pub(super) fn clear(&mut self) {
        *self = Self::new(std::mem::take(&mut self.bytes));
        self.bytes.clear();
    }

    /// The bytes up to the last call of [`aligned_bytes`](Self::aligned_bytes).
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Ends the bit string, which must be byte aligned.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        std::mem::take(self.aligned_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(codes: &[Code]) -> Vec<u8> {
        let mut bits = BitWriter::new(Vec::new());
        codes.iter().for_each(|code| bits.put(*code));
        bits.align_zero();
        bits.into_bytes()
    }

    #[test]
    fn unsigned_exp_golomb_follows_table_9_1() {
        assert_eq!(Code::ue(0), Code::new(0b1, 1));
        assert_eq!(Code::ue(1), Code::new(0b010, 3));
        assert_eq!(Code::ue(2), Code::new(0b011, 3));
        assert_eq!(Code::ue(3), Code::new(0b00100, 5));
        assert_eq!(Code::ue(7), Code::new(0b0001000, 7));
        assert_eq!(Code::ue(u32::MAX), Code::new(1 << 32, 65));
    }

    #[test]
    fn signed_exp_golomb_alternates() {
        let numbers: Vec<_> = [0, 1, -1, 2, -2].map(Code::se).to_vec();
        assert_eq!(numbers, [0, 1, 2, 3, 4].map(Code::ue));
    }

    #[test]
    fn bits_are_written_most_significant_first() {
        assert_eq!(
            bytes_of(&[Code::new(1, 1), Code::new(0b0110, 4), Code::new(0b101, 3), Code::new(1, 1)]),
            [0xb5, 0x80]
        );
    }

    #[test]
    fn codes_cross_the_word_boundary_at_every_offset() {
        for first in 0..=63 {
            let ones = (1 << first) - 1;
            let bytes =
                bytes_of(&[Code::new(ones, first), Code::new(0, 3), Code::new(0x5a5a_5a5a_5a5a, 47), Code::new(1, 1)]);
            let total = first + 3 + 47 + 1;
            let mut expected = u128::from(ones) << 3 << 47 | 0x5a5a_5a5a_5a5a;
            expected = (expected << 1 | 1) << (128 - total);
            assert_eq!(bytes, expected.to_be_bytes()[..total.div_ceil(8) as usize], "after {first} bits");
        }
    }

    #[test]
    fn aligning_an_aligned_position_writes_nothing() {
        let mut bits = BitWriter::new(vec![7]);
        bits.align_zero();
        bits.u(0xab, 8);
        bits.align_zero();
        assert_eq!(bits.into_bytes(), [7, 0xab]);
    }

    #[test]
    fn stop_on_an_aligned_position_adds_a_byte() {
        let mut bits = BitWriter::new(Vec::new());
        bits.stop();
        assert_eq!(bits.into_bytes(), [0x80]);
    }
}
