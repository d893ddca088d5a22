//! The arithmetic encoder of HEVC (H.265 9.3.4.3, 9.3.5). It does not know syntax elements.
//!
//! The standard holds back bits whose value a carry may still change. Here bits go out at once, and the rare carry runs
//! back through the bytes already written; the bits are the same.

/// Bits of the standard's register ivlLow that are not yet output.
const REGISTER_BITS: i32 = 10;

/// The range after initialisation (9.3.2.5).
const FIRST_RANGE: u32 = 510;

/// A context variable: pStateIdx, and valMps in the lowest bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Context(u8);

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

impl Context {
    /// The state at the start of a slice (9.3.2.2).
    pub(super) fn new(init_value: u8, slice_qp: i32) -> Self {
        let slope = i32::from(init_value >> 4) * 5 - 45;
        let offset = (i32::from(init_value & 15) << 3) - 16;
        let state = (((slope * slice_qp.clamp(0, 51)) >> 4) + offset).clamp(1, 126);
        Self(if state <= 63 { (63 - state) << 1 } else { (state - 64) << 1 | 1 } as u8)
    }
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
        let state = usize::from(context.0 & 127);
        let is_lps = u8::from(bin) ^ (context.0 & 1);
        let lps_range = u32::from(RANGE_LPS[state >> 1][(self.range >> 6 & 3) as usize]);
        let mps_range = self.range - lps_range;
        let mask = u32::from(is_lps).wrapping_neg();
        self.low += u64::from(mps_range & mask);
        self.range = (lps_range & mask) | (mps_range & !mask);
        *context = NEXT_CONTEXT[state][usize::from(is_lps)];
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

    /// RenormE (9.3.5.3): the range gets its nine bits back.
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

    /// EncodeFlush (9.3.5.6): two more bits of the register, a one, and zeros up to the next byte.
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

/// rangeTabLps (Table 9-52), by pStateIdx and by the two bits of the range below its highest.
#[rustfmt::skip]
static RANGE_LPS: [[u8; 4]; 64] = [
    [128, 176, 208, 240], [128, 167, 197, 227], [128, 158, 187, 216], [123, 150, 178, 205],
    [116, 142, 169, 195], [111, 135, 160, 185], [105, 128, 152, 175], [100, 122, 144, 166],
    [ 95, 116, 137, 158], [ 90, 110, 130, 150], [ 85, 104, 123, 142], [ 81,  99, 117, 135],
    [ 77,  94, 111, 128], [ 73,  89, 105, 122], [ 69,  85, 100, 116], [ 66,  80,  95, 110],
    [ 62,  76,  90, 104], [ 59,  72,  86,  99], [ 56,  69,  81,  94], [ 53,  65,  77,  89],
    [ 51,  62,  73,  85], [ 48,  59,  69,  80], [ 46,  56,  66,  76], [ 43,  53,  63,  72],
    [ 41,  50,  59,  69], [ 39,  48,  56,  65], [ 37,  45,  54,  62], [ 35,  43,  51,  59],
    [ 33,  41,  48,  56], [ 32,  39,  46,  53], [ 30,  37,  43,  50], [ 29,  35,  41,  48],
    [ 27,  33,  39,  45], [ 26,  31,  37,  43], [ 24,  30,  35,  41], [ 23,  28,  33,  39],
    [ 22,  27,  32,  37], [ 21,  26,  30,  35], [ 20,  24,  29,  33], [ 19,  23,  27,  31],
    [ 18,  22,  26,  30], [ 17,  21,  25,  28], [ 16,  20,  23,  27], [ 15,  19,  22,  25],
    [ 14,  18,  21,  24], [ 14,  17,  20,  23], [ 13,  16,  19,  22], [ 12,  15,  18,  21],
    [ 12,  14,  17,  20], [ 11,  14,  16,  19], [ 11,  13,  15,  18], [ 10,  12,  15,  17],
    [ 10,  12,  14,  16], [  9,  11,  13,  15], [  9,  11,  12,  14], [  8,  10,  12,  14],
    [  8,   9,  11,  13], [  7,   9,  11,  12], [  7,   9,  10,  12], [  7,   8,  10,  11],
    [  6,   8,   9,  11], [  6,   7,   9,  10], [  6,   7,   8,   9], [  2,   2,   2,   2],
];

/// The context after a most and after a least probable bin (9.3.4.3.2.2), by context.
static NEXT_CONTEXT: [[Context; 2]; 128] = next_contexts();

const fn next_contexts() -> [[Context; 2]; 128] {
    let mut next = [[Context(0); 2]; 128];
    let mut context = 0;
    while context < 128 {
        let (state, mps) = (context as u8 >> 1, context as u8 & 1);
        let after_mps = if state < 62 { state + 1 } else { state };
        let mps_after_lps = if state == 0 { 1 - mps } else { mps };
        let after_lps = NEXT_STATE_LPS[state as usize] << 1 | mps_after_lps;
        next[context] = [Context(after_mps << 1 | mps), Context(after_lps)];
        context += 1;
    }
    next
}

/// transIdxLps (Table 9-53).
#[rustfmt::skip]
const NEXT_STATE_LPS: [u8; 64] = [
     0,  0,  1,  2,  2,  4,  4,  5,  6,  7,  8,  9,  9, 11, 11, 12,
    13, 13, 15, 15, 16, 16, 18, 18, 19, 19, 21, 21, 22, 22, 23, 24,
    24, 25, 26, 26, 27, 27, 28, 29, 29, 30, 30, 30, 31, 32, 32, 33,
    33, 33, 34, 34, 35, 35, 35, 36, 36, 36, 37, 37, 37, 38, 38, 63,
];

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
            let (state, mps) = ((context.0 >> 1) as usize, context.0 & 1);
            let lps_range = u32::from(RANGE_LPS[state][(self.range >> 6 & 3) as usize]);
            self.range -= lps_range;
            let mut bin = mps;
            if self.offset >= self.range {
                bin = 1 - mps;
                self.offset -= self.range;
                self.range = lps_range;
                let next_mps = if state == 0 { 1 - mps } else { mps };
                *context = Context(NEXT_STATE_LPS[state] << 1 | next_mps);
            } else {
                *context = Context((state as u8 + u8::from(state < 62)) << 1 | mps);
            }
            while self.range < 256 {
                self.range <<= 1;
                self.offset = self.offset << 1 | self.read_bit();
            }
            bin == 1
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
    fn contexts_start_as_the_formula_says() {
        // By hand: 154 has slope 0 and offset 64, whatever the QP; 184 has slope 10 and offset 48.
        assert_eq!(Context::new(154, 34), Context(1));
        assert_eq!(Context::new(184, 34), Context(5 << 1 | 1));
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
