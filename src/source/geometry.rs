//! Size and frame rate of a clip: which values can be encoded, and how they are written.
//!
//! Knows no file and no container; the `--input` grammar and the Y4M header both ask here.

use crate::contract::{Dimensions, FrameRate};

/// Longest side accepted, in pixels: more than any NVENC generation encodes, and small enough that a frame's
/// bytes fit in 32 bits.
pub const MAX_SIDE: u32 = 16_384;

/// Largest numerator and denominator of a rate: H.264 E.2.1 holds twice the numerator in 32 bits.
const MAX_RATE_TERM: u64 = i32::MAX as u64;

/// Most decimals of a rate that are read, as in `23.976`.
const MAX_DECIMALS: usize = 6;

/// Why a size or rate cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum GeometryError {
    #[error("'{0}' is not a size: write WIDTHxHEIGHT in pixels, for example 640x360")]
    SizeSyntax(String),
    #[error("size {0} has no pixels: both sides must be at least 2")]
    NoPixels(Dimensions),
    #[error("size {0} is too large: each side may have at most {MAX_SIDE} pixels")]
    TooLarge(Dimensions),
    #[error(
        "size {0} is odd, and NVENC needs even sides: crop it first, with ffmpeg -i IN \
         -vf \"crop=trunc(iw/2)*2:trunc(ih/2)*2\" -pix_fmt yuv420p OUT.y4m"
    )]
    Odd(Dimensions),
    #[error("'{0}' is not a frame rate: write frames per second, for example 30, 59.94 or 30000/1001")]
    Rate(String),
}

/// Accepts a size that an encoder can take.
///
/// # Errors
/// A side is 0, above [`MAX_SIDE`], or odd.
pub fn checked_dimensions(dimensions: Dimensions) -> Result<Dimensions, GeometryError> {
    let sides = [dimensions.width, dimensions.height];
    if sides.contains(&0) {
        return Err(GeometryError::NoPixels(dimensions));
    }
    if sides.iter().any(|&side| side > MAX_SIDE) {
        return Err(GeometryError::TooLarge(dimensions));
    }
    if sides.iter().any(|side| side % 2 == 1) {
        return Err(GeometryError::Odd(dimensions));
    }
    Ok(dimensions)
}

/// Reads `WIDTHxHEIGHT`.
///
/// # Errors
/// Not two whole numbers, or a size that cannot be encoded.
pub fn parse_dimensions(text: &str) -> Result<Dimensions, GeometryError> {
    let sides = text.split_once('x').and_then(|(width, height)| Some((whole(width)?, whole(height)?)));
    let Some((width, height)) = sides else {
        return Err(GeometryError::SizeSyntax(text.to_owned()));
    };
    checked_dimensions(Dimensions { width: saturated(width), height: saturated(height) })
}

/// Reads `30`, `59.94` or `30000/1001`. A decimal that is a rounded NTSC rate (23.976, 29.97, 59.94, …) becomes
/// exactly that rate, n × 1000/1001, since nothing else is ever meant by it.
///
/// # Errors
/// No such number, zero, or terms above 2³¹ − 1.
pub fn parse_rate(text: &str) -> Result<FrameRate, GeometryError> {
    let ratio = match (text.split_once('/'), text.split_once('.')) {
        (Some((num, den)), _) => whole(num).zip(whole(den)),
        (None, Some((units, decimals))) => decimal_rate(units, decimals),
        (None, None) => whole(text).map(|num| (num, 1)),
    };
    ratio.and_then(|(num, den)| reduced_rate(num, den)).ok_or_else(|| GeometryError::Rate(text.to_owned()))
}

/// The rate `num / den` in lowest terms; `None` where it is zero or does not fit.
pub fn reduced_rate(num: u64, den: u64) -> Option<FrameRate> {
    let divisor = gcd(num, den);
    let term = |value: u64| match value.checked_div(divisor)? {
        term @ 1..=MAX_RATE_TERM => u32::try_from(term).ok(),
        _ => None,
    };
    Some(FrameRate { num: term(num)?, den: term(den)? })
}

/// A number of decimal digits and nothing else: no sign, no blanks.
pub fn whole(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A side too long for 32 bits is too large in any case, and is refused as such.
pub fn saturated(side: u64) -> u32 {
    u32::try_from(side).unwrap_or(u32::MAX)
}

fn decimal_rate(units: &str, decimals: &str) -> Option<(u64, u64)> {
    if decimals.len() > MAX_DECIMALS {
        return None;
    }
    let den = 10u64.pow(decimals.len() as u32);
    let num = whole(units)?.checked_mul(den)?.checked_add(whole(decimals)?)?;
    Some(ntsc_rate(num, den).unwrap_or((num, den)))
}

/// `num / den` as n × 1000/1001 with n a multiple of 24 or 30, if it is that number rounded to the digits of `den`.
fn ntsc_rate(num: u64, den: u64) -> Option<(u64, u64)> {
    let nominal = num.div_ceil(den);
    let error = num.checked_mul(1001)?.abs_diff(nominal.checked_mul(1000)?.checked_mul(den)?);
    let is_film_or_video = nominal.is_multiple_of(24) || nominal.is_multiple_of(30);
    let is_ntsc = is_film_or_video && !num.is_multiple_of(den) && error <= 1001 / 2;
    is_ntsc.then_some((nominal * 1000, 1001))
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_exact_and_in_lowest_terms() {
        let cases = [
            ("30", (30, 1)),
            ("60/2", (30, 1)),
            ("30000/1001", (30_000, 1001)),
            ("29.97", (30_000, 1001)),
            ("59.94", (60_000, 1001)),
            ("23.976", (24_000, 1001)),
            ("23.98", (24_000, 1001)),
            ("119.88", (120_000, 1001)),
            ("12.5", (25, 2)),
            ("30.0", (30, 1)),
            ("29.5", (59, 2)),
            ("2147483647/1", (2_147_483_647, 1)),
        ];
        for (text, (num, den)) in cases {
            assert_eq!(parse_rate(text), Ok(FrameRate { num, den }), "{text}");
        }
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        let huge = "9".repeat(400);
        for text in ["", "0", "0/1", "30/0", "0.0", "-30", "+30", "1e3", "30/", "/30", ".", "30.1234567", "3 0", &huge]
        {
            assert_eq!(parse_rate(text), Err(GeometryError::Rate(text.to_owned())));
        }
        assert!(parse_rate("2147483648").is_err());
        assert!(parse_rate("18446744073709551615.9").is_err());
    }

    #[test]
    fn sizes_that_cannot_be_encoded_are_refused() {
        use GeometryError::{NoPixels, Odd, SizeSyntax, TooLarge};
        let size = |width, height| Dimensions { width, height };
        assert_eq!(parse_dimensions("16384x2"), Ok(size(16_384, 2)));
        assert_eq!(parse_dimensions("0x0"), Err(NoPixels(size(0, 0))));
        assert_eq!(parse_dimensions("641x360"), Err(Odd(size(641, 360))));
        assert_eq!(parse_dimensions("16386x2"), Err(TooLarge(size(16_386, 2))));
        assert_eq!(parse_dimensions("2x99999999999"), Err(TooLarge(size(2, u32::MAX))));
        for text in ["", "640", "x", "640x", "640X360", "1e9x1e9", "-2x2", "640x360x2"] {
            assert_eq!(parse_dimensions(text), Err(SizeSyntax(text.to_owned())));
        }
    }
}
