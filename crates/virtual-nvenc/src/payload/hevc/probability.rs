//! The adaptive probability of a bin, and the standard's tables behind it. It does not know syntax elements.

/// A context variable: pStateIdx, and valMps in the lowest bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Context(u8);

impl Context {
    /// The state at the start of a slice (9.3.2.2).
    pub(super) fn new(init_value: u8, slice_qp: i32) -> Self {
        let slope = i32::from(init_value >> 4) * 5 - 45;
        let offset = (i32::from(init_value & 15) << 3) - 16;
        let state = (((slope * slice_qp.clamp(0, 51)) >> 4) + offset).clamp(1, 126);
        Self(if state <= 63 { (63 - state) << 1 } else { (state - 64) << 1 | 1 } as u8)
    }

    /// valMps.
    #[inline]
    pub(super) fn most_probable(self) -> bool {
        self.0 & 1 == 1
    }

    /// The part of `range`, between 256 and 510, that stands for the least probable bin.
    #[inline]
    pub(super) fn lps_range(self, range: u32) -> u32 {
        RANGE_LPS[usize::from(self.0 >> 1 & 63)][(range >> 6 & 3) as usize].into()
    }

    /// The state after a least or a most probable bin.
    #[inline]
    pub(super) fn after(self, is_lps: bool) -> Self {
        NEXT[usize::from(self.0 & 127)][usize::from(is_lps)]
    }
}

/// rangeTabLps (9.3.4.3.2.1), by pStateIdx and by the two bits of the range below its highest.
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
static NEXT: [[Context; 2]; 128] = next_contexts();

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

/// transIdxLps (9.3.4.3.2.2).
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

    #[test]
    fn contexts_start_as_the_formula_says() {
        // By hand: 154 has slope 0 and offset 64, whatever the QP; 184 has slope 10 and offset 48.
        assert_eq!(Context::new(154, 34), Context(1));
        assert_eq!(Context::new(184, 34), Context(5 << 1 | 1));
    }

    #[test]
    fn a_surprise_in_the_evenest_state_turns_the_expectation_round() {
        let even = Context(1);
        assert_eq!((even.after(false), even.after(true)), (Context(3), Context(0)));
        assert_eq!(Context(62 << 1).after(false), Context(62 << 1), "the surest state stays");
    }
}
