//! RGB to YCbCr after BT.601 in limited range, in integers, so that everyone who repeats the formula gets the same samples.
//! It does not know where the pixels lie.

use super::PixelFormat;

/// BT.601, limited range, in 1/256: `Y = 16 + 65.5R + 128.6G + 25R`, scaled from 255 to 219 steps; chroma to 224 steps.
const LUMA: [i32; 3] = [66, 129, 25];
const CB: [i32; 3] = [-38, -74, 112];
const CR: [i32; 3] = [112, -94, -18];

/// Sums of red, green and blue over some pixels.
pub(super) type RgbSums = [i32; 3];

/// Where red, green and blue lie in the four bytes of a pixel.
pub(super) fn channel_offsets(format: PixelFormat) -> [usize; 3] {
    match format {
        PixelFormat::Abgr => [0, 1, 2],
        _ => [2, 1, 0],
    }
}

/// The average luma of `count` pixels: `round(66R + 129G + 25B)/256 + 16`, halves up. `count` is at most 1024.
#[inline]
pub(super) fn luma(sums: RgbSums, count: i32) -> i32 {
    average(LUMA, sums, count) + 16
}

/// The average Cb and Cr of `count` pixels: `round(-38R - 74G + 112B)/256 + 128` and `round(112R - 94G - 18B)/256 + 128`,
/// halves up. `count` is at most 1024.
#[inline]
pub(super) fn chroma(sums: RgbSums, count: i32) -> [i32; 2] {
    [average(CB, sums, count) + 128, average(CR, sums, count) + 128]
}

#[inline]
fn average(weights: [i32; 3], sums: RgbSums, count: i32) -> i32 {
    let [r, g, b] = sums;
    let weighted = weights[0] * r + weights[1] * g + weights[2] * b;
    (weighted + 128 * count).div_euclid(256 * count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_white_and_the_primaries_match_bt_601() {
        let convert = |rgb| (luma(rgb, 1), chroma(rgb, 1));
        assert_eq!(convert([0, 0, 0]), (16, [128, 128]));
        assert_eq!(convert([255, 255, 255]), (235, [128, 128]));
        assert_eq!(convert([255, 0, 0]), (82, [90, 240]));
        assert_eq!(convert([0, 255, 0]), (144, [54, 34]));
        assert_eq!(convert([0, 0, 255]), (41, [240, 110]));
    }

    #[test]
    fn an_average_of_equal_pixels_is_the_pixel() {
        for count in [1, 4, 256, 1024] {
            let sums = [13, 200, 77].map(|channel| channel * count);
            assert_eq!((luma(sums, count), chroma(sums, count)), (luma([13, 200, 77], 1), chroma([13, 200, 77], 1)));
        }
    }
}
