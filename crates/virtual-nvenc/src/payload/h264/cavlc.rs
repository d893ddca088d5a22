//! CAVLC residual blocks (H.264 9.2) that hold nothing but a DC level, as tables from step to code word.
//!
//! The neighbours' AC levels are all absent, so nC is 0 everywhere (9.2.1) and the code of a step is always the same.

use crate::payload::bits::Code;

/// Two 8-bit averages differ by at most this.
const MAX_STEP: i32 = 255;

type Table = [Code; 2 * MAX_STEP as usize + 1];

/// coeff_token for no level, for one level of ±1 (a trailing one), and for one larger level (Table 9-5).
struct Tokens {
    none: Code,
    one: Code,
    larger: Code,
}

/// Intra16x16DCLevel, column 0 <= nC < 2.
static LUMA_DC: Table =
    table(&Tokens { none: Code::new(0b1, 1), one: Code::new(0b01, 2), larger: Code::new(0b000101, 6) });

/// ChromaDCLevel, column nC = -1.
static CHROMA_DC: Table =
    table(&Tokens { none: Code::new(0b01, 2), one: Code::new(0b1, 1), larger: Code::new(0b000111, 6) });

/// The luma DC block of a macroblock with this step.
#[inline]
pub(super) fn luma_dc(step: i16) -> Code {
    LUMA_DC[index(step)]
}

/// The DC block of one chroma component with this step.
#[inline]
pub(super) fn chroma_dc(step: i16) -> Code {
    CHROMA_DC[index(step)]
}

fn index(step: i16) -> usize {
    (i32::from(step).clamp(-MAX_STEP, MAX_STEP) + MAX_STEP) as usize
}

const fn table(tokens: &Tokens) -> Table {
    let mut table = [Code::EMPTY; 2 * MAX_STEP as usize + 1];
    let mut step = -MAX_STEP;
    while step <= MAX_STEP {
        table[(step + MAX_STEP) as usize] = residual_block(tokens, step);
        step += 1;
    }
    table
}

/// residual_block_cavlc() (7.3.5.3.2) with `level` first and nothing after it: total_zeros is 0, coded as one bit in both
/// block sizes (Tables 9-7 and 9-9).
const fn residual_block(tokens: &Tokens, level: i32) -> Code {
    let total_zeros = Code::new(1, 1);
    match level {
        0 => tokens.none,
        1 => tokens.one.then(Code::new(0, 1)).then(total_zeros),
        -1 => tokens.one.then(Code::new(1, 1)).then(total_zeros),
        _ => tokens.larger.then(level_code(level)).then(total_zeros),
    }
}

/// level_prefix and level_suffix (9.2.2.1) of a first level that is not a trailing one: numbered from ±2 on.
const fn level_code(level: i32) -> Code {
    let number = if level > 0 { 2 * level - 4 } else { -2 * level - 3 };
    match number {
        ..14 => Code::new(1, number as u32 + 1),
        14..30 => Code::new(1, 15).then(Code::new(number as u64 - 14, 4)),
        _ => Code::new(1, 16).then(Code::new(number as u64 - 30, 12)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_levels_match_the_tables() {
        assert_eq!(luma_dc(0), Code::new(0b1, 1));
        assert_eq!(luma_dc(1), Code::new(0b0101, 4));
        assert_eq!(luma_dc(-1), Code::new(0b0111, 4));
        assert_eq!(luma_dc(2), Code::new(0b0001_0111, 8));
        assert_eq!(luma_dc(-2), Code::new(0b0_0010_1011, 9));
        assert_eq!(chroma_dc(0), Code::new(0b01, 2));
        assert_eq!(chroma_dc(-1), Code::new(0b1_1_1, 3));
        assert_eq!(chroma_dc(3), Code::new(0b00_0111_0011, 10));
    }

    #[test]
    fn levels_change_their_form_at_the_escapes() {
        assert_eq!(level_code(8), Code::new(1, 13));
        assert_eq!(level_code(-8), Code::new(1, 14));
        assert_eq!(level_code(9), Code::new(0b1_0000, 19));
        assert_eq!(level_code(-16), Code::new(0b1_1111, 19));
        assert_eq!(level_code(17), Code::new(0b1_0000_0000_0000, 28));
        assert_eq!(level_code(-255), Code::new(0b1_0000_0000_0000 + 477, 28));
    }
}
