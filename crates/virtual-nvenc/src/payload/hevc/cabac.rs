//! The arithmetic encoder of HEVC (H.265 9.3.4.3, 9.3.5). It does not know syntax elements.
//!
//! The standard holds back bits whose value a carry may still change. Here bits go out at once, and the rare carry runs
//! back through the bytes already written; the bits are the same.

use super::probability::Context;

/// Bits of the standard's register ivlLow that are not yet output.
const REGISTER_BITS: i32 = 10;

/// The range after initialisation (9.3.2.5).
const FIRST_RANGE: u32 = 510;

/// An arithmetic code word in the making, behind the bytes it follows.
#[derive(Debug)]
pub(super) struct Cabac {
    bytes: Vec<u8>,
    /// The register, with the `pending` bits that have left it above, and a carry above these.
    low: u64,
    range: u32,
    /// Minus one at the start: the first bit that leaves the register is always zero and not output.
    pending: i32,
}

impl Cabac {
    /// An encoder that keeps its bytes in `bytes`.
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, low: 0, range: FIRST_RANGE, pending: -1 }
    }

    /// Starts a code word behind `bytes`.
    pub(super) fn restart_after(&mut self, bytes: Vec<u8>) {
        *self = Self::new(bytes);
    }

    /// The bytes of all code words ended so far, to be continued and given to [`restart_after`](Self::restart_after).
    pub(super) fn take_bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// The memory of the bytes, without them.
    pub(super) fn take_cleared(&mut self) -> Vec<u8> {
        let mut bytes = self.take_bytes();
        bytes.clear();
        bytes
    }

    /// The bytes of all code words ended so far.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Codes a bin with a context. Without a branch on the bin, which would be mispredicted often.
    #[inline]
    pub(super) fn encode(&mut self, context: &mut Context, bin: bool) {
        let is_lps = bin != context.most_probable();
        let lps_range = context.lps_range(self.range);
        let mps_range = self.range - lps_range;
        let mask = u32::from(is_lps).wrapping_neg();
        self.low += u64::from(mps_range & mask);
        self.range = (lps_range & mask) | (mps_range & !mask);
        *context = context.after(is_lps);
        self.renormalise();
    }

    /// Codes `num_bins` bins of even chance, at most 16, the highest bit first.
    #[inline]
    pub(super) fn bypass(&mut self, bins: u32, num_bins: u32) {
        self.low = (self.low << num_bins) + u64::from(bins) * u64::from(self.range);
        self.pending += num_bins as i32;
        self.output();
    }

    /// Codes a bin that may end the code word (9.3.4.3.5). If it does, the bytes are complete: the last bit written is one,
    /// which is the stop bit of a slice, and zeros fill the byte.
    #[inline]
    pub(super) fn terminate(&mut self, is_end: bool) {
        self.range -= 2;
        if is_end {
            self.low += u64::from(self.range);
            self.range = 2;
            self.renormalise();
            self.flush();
        } else {
            self.renormalise();
        }
    }

    /// RenormE (9.3.5): the range gets its nine bits back.
    #[inline]
    fn renormalise(&mut self) {
        let shift = self.range.leading_zeros() - (u32::BITS - 9);
        self.range <<= shift;
        self.low <<= shift;
        self.pending += shift as i32;
        self.output();
    }

    /// Moves pending bits out once there are four bytes of them; a call to the encoder adds at most 16.
    #[inline]
    fn output(&mut self) {
        if self.pending >= 32 {
            self.output_word();
        }
    }

    #[inline(never)]
    fn output_word(&mut self) {
        let shift = self.pending + REGISTER_BITS - 32;
        let word = self.low >> shift;
        self.low &= (1 << shift) - 1;
        self.pending -= 32;
        self.carry(word >> 32 != 0);
        self.bytes.extend_from_slice(&(word as u32).to_be_bytes());
    }

    /// EncodeFlush (9.3.5): two more bits of the register, a one, and zeros up to the next byte.
    fn flush(&mut self) {
        let bits = (self.low >> (REGISTER_BITS - 3)) | 1;
        let num_bits = (self.pending + 3) as u32;
        let num_bytes = num_bits.div_ceil(8);
        let word = bits << (8 * num_bytes - num_bits);
        self.carry(word >> (8 * num_bytes) != 0);
        self.bytes.extend_from_slice(&word.to_be_bytes()[8 - num_bytes as usize..]);
    }

    #[inline]
    fn carry(&mut self, is_set: bool) {
        if !is_set {
            return;
        }
        for byte in self.bytes.iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The arithmetic decoder of 9.3.4.3, kept as close to its text as possible.
    struct Decoder<'a> {
        bits: Box<dyn Iterator<Item = u32> + 'a>,
        range: u32,
        offset: u32,
    }

    impl<'a> Decoder<'a> {
        fn new(bytes: &'a [u8]) -> Self {
            let mut bits =
                Box::new(bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| u32::from(byte >> bit & 1))));
            let offset = bits.by_ref().take(9).fold(0, |value, bit| value << 1 | bit);
            Self { bits, range: 510, offset }
        }

        fn read_bit(&mut self) -> u32 {
            self.bits.next().expect("the code word is long enough")
        }

        fn decode(&mut self, context: &mut Context) -> bool {
            let lps_range = context.lps_range(self.range);
            self.range -= lps_range;
            let is_lps = self.offset >= self.range;
            if is_lps {
                self.offset -= self.range;
                self.range = lps_range;
            }
            let bin = context.most_probable() != is_lps;
            *context = context.after(is_lps);
            while self.range < 256 {
                self.range <<= 1;
                self.offset = self.offset << 1 | self.read_bit();
            }
            bin
        }

        fn bypass(&mut self) -> bool {
            self.offset = self.offset << 1 | self.read_bit();
            let bin = self.offset >= self.range;
            self.offset -= if bin { self.range } else { 0 };
            bin
        }

        fn terminate(&mut self) -> bool {
            self.range -= 2;
            if self.offset >= self.range {
                return true;
            }
            if self.range < 256 {
                self.range <<= 1;
                self.offset = self.offset << 1 | self.read_bit();
            }
            false
        }
    }

    #[test]
    fn a_lone_terminating_bin_is_seven_ones_a_zero_and_the_stop_bit() {
        // By hand: low = 508, and after seven shifts the bits 0 (dropped), 111111 have left; 1 0 and the stop bit follow.
        let mut cabac = Cabac::new(vec![0x55]);
        cabac.terminate(true);
        assert_eq!(cabac.bytes(), [0x55, 0b1111_1110, 0b1000_0000]);
    }

    #[test]
    fn a_decoder_reads_back_every_bin() {
        let mut seed = 1_u32;
        let mut random = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed >> 16
        };
        let bins: Vec<(u32, bool)> = (0..20_000).map(|_| (random() % 8, random() % 11 < 2)).collect();
        let start = [154, 63, 197, 92, 0, 255].map(|init_value| Context::new(init_value, 34));

        let (mut cabac, mut contexts) = (Cabac::new(Vec::new()), start);
        for (way, bin) in &bins {
            match contexts.get_mut(*way as usize) {
                Some(context) => cabac.encode(context, *bin),
                None if *way == 6 => cabac.bypass((*bin).into(), 1),
                None => cabac.terminate(false),
            }
        }
        cabac.terminate(true);

        let (mut decoder, mut contexts) = (Decoder::new(cabac.bytes()), start);
        for (index, (way, bin)) in bins.iter().enumerate() {
            let decoded = match contexts.get_mut(*way as usize) {
                Some(context) => decoder.decode(context),
                None if *way == 6 => decoder.bypass(),
                None => decoder.terminate() || *bin,
            };
            assert_eq!(decoded, *bin, "bin {index}");
        }
        assert!(decoder.terminate());
    }

    #[test]
    fn several_bypass_bins_are_as_good_as_one_by_one() {
        let (mut together, mut apart) = (Cabac::new(Vec::new()), Cabac::new(Vec::new()));
        for bins in (0..0x1_0000_u32).step_by(997) {
            together.bypass(bins, 16);
            (0..16).rev().for_each(|bit| apart.bypass(bins >> bit & 1, 1));
        }
        together.terminate(true);
        apart.terminate(true);
        assert_eq!(together.bytes(), apart.bytes());
    }
}
