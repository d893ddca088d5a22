//! RGB to YCbCr after BT.601 in limited range, in integers, so that everyone who repeats the formula gets the same samples.
//! It does not know where the pixels lie.

use super::PixelFormat;

/// Weights of R, G, B in 1/256, and the sample that stands for black or for no colour.
///
/// BT.601 with luma in 219 and chroma in 224 steps above 16: `Y = 16 + 65.7R + 129.1G + 25.1B` in 1/256 for R, G, B up to 255.
const BT_601_LIMITED: [([i32; 3], i32); 3] = [([66, 129, 25], 16), ([-38, -74, 112], 128), ([112, -94, -18], 128)];

/// One component (Y, Cb or Cr) of four-byte pixels of one format.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conversion {
    /// By place in the pixel; alpha weighs nothing.
    weights: [i32; 4],
    offset: i32,
}

impl Conversion {
    /// Fractional bits of what [`apply`](Self::apply) returns.
    pub(super) const FRACTION_BITS: u32 = 8;

    pub(super) fn new(format: PixelFormat, component: usize) -> Self {
        let ([r, g, b], offset) = BT_601_LIMITED[component];
        let weights = match format {
            PixelFormat::Abgr => [r, g, b, 0],
            _ => [b, g, r, 0],
        };
        Self { weights, offset }
    }

    /// The sum, in 1/256, of the component over `count` pixels whose bytes add up to `sums`. At most 1024 pixels fit.
    #[inline]
    pub(super) fn apply(&self, sums: [i32; 4], count: i32) -> u32 {
        let products: [i32; 4] = std::array::from_fn(|place| self.weights[place] * sums[place]);
        // Never negative: the offset outweighs the negative weights, which add up to 112 at most.
        (products.iter().sum::<i32>() + (self.offset << Self::FRACTION_BITS) * count) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(format: PixelFormat, pixel: [i32; 4], count: i32) -> [u32; 3] {
        [0, 1, 2].map(|component| {
            let sum = Conversion::new(format, component).apply(pixel.map(|byte| byte * count), count);
            let divisor = (count << Conversion::FRACTION_BITS) as u32;
            (sum + divisor / 2) / divisor
        })
    }

    #[test]
    fn black_white_and_the_primaries_match_bt_601() {
        let of_rgb = |[r, g, b]: [i32; 3]| convert(PixelFormat::Abgr, [r, g, b, 255], 1);
        assert_eq!(of_rgb([0, 0, 0]), [16, 128, 128]);
        assert_eq!(of_rgb([255, 255, 255]), [235, 128, 128]);
        assert_eq!(of_rgb([255, 0, 0]), [82, 90, 240]);
        assert_eq!(of_rgb([0, 255, 0]), [144, 54, 34]);
        assert_eq!(of_rgb([0, 0, 255]), [41, 240, 110]);
    }

    #[test]
    fn the_formats_differ_in_byte_order_only() {
        assert_eq!(convert(PixelFormat::Argb, [10, 90, 200, 0], 1), convert(PixelFormat::Abgr, [200, 90, 10, 255], 1));
    }

    #[test]
    fn an_average_of_equal_pixels_is_the_pixel() {
        for count in [4, 256, 1024] {
            for pixel in [[13, 200, 77, 0], [255, 255, 0, 0], [0, 0, 255, 255]] {
                assert_eq!(convert(PixelFormat::Argb, pixel, count), convert(PixelFormat::Argb, pixel, 1));
            }
        }
    }
}
