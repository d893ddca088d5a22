//! The level a stream claims: the lowest whose picture size, sample rate and buffer hold it. Bit rates are not judged, since
//! raw samples exceed those of every level.

use super::geometry::Geometry;
use super::{Codec, StreamParams};

/// One row of H.264 Table A-1 or of H.265 Tables A.8 and A.9.
struct Level {
    idc: u8,
    /// Macroblocks in H.264, luma samples in HEVC; likewise below.
    per_picture: u64,
    per_second: u64,
    buffered: u64,
}

/// H.264 Table A-1; level_idc is ten times the level.
const H264: [Level; 17] = [
    h264(10, 99, 1485, 396),
    h264(11, 396, 3000, 900),
    h264(12, 396, 6000, 2376),
    h264(13, 396, 11_880, 2376),
    h264(21, 792, 19_800, 4752),
    h264(22, 1620, 20_250, 8100),
    h264(30, 1620, 40_500, 8100),
    h264(31, 3600, 108_000, 18_000),
    h264(32, 5120, 216_000, 20_480),
    h264(40, 8192, 245_760, 32_768),
    h264(42, 8704, 522_240, 34_816),
    h264(50, 22_080, 589_824, 110_400),
    h264(51, 36_864, 983_040, 184_320),
    h264(52, 36_864, 2_073_600, 184_320),
    h264(60, 139_264, 4_177_920, 696_320),
    h264(61, 139_264, 8_355_840, 696_320),
    h264(62, 139_264, 16_711_680, 696_320),
];

/// H.265 Tables A.8 and A.9; general_level_idc is thirty times the level.
const HEVC: [Level; 13] = [
    hevc(30, 36_864, 552_960),
    hevc(60, 122_880, 3_686_400),
    hevc(63, 245_760, 7_372_800),
    hevc(90, 552_960, 16_588_800),
    hevc(93, 983_040, 33_177_600),
    hevc(120, 2_228_224, 66_846_720),
    hevc(123, 2_228_224, 133_693_440),
    hevc(150, 8_912_896, 267_386_880),
    hevc(153, 8_912_896, 534_773_760),
    hevc(156, 8_912_896, 1_069_547_520),
    hevc(180, 35_651_584, 1_069_547_520),
    hevc(183, 35_651_584, 2_139_095_040),
    hevc(186, 35_651_584, 4_278_190_080),
];

/// Level 8.5, for pictures larger than those of any other level (H.265 A.4.1); cards encode up to 8192x8192.
const HEVC_WITHOUT_LIMITS: u8 = 255;
const MAX_HEVC_SIDE: u32 = 8192;

/// The level as level_idc or general_level_idc; `None` where no level holds a picture of this size.
///
/// A frame rate above all levels gets the highest.
pub(super) fn of(params: &StreamParams) -> Option<u8> {
    let (levels, unit) = match params.codec {
        Codec::H264 => (H264.as_slice(), 1),
        Codec::Hevc => (HEVC.as_slice(), 32 * 32),
    };
    let grid = Geometry::new(params);
    let (wide, high) = (grid.blocks_wide as u64, grid.blocks_high as u64);
    let per_picture = wide.checked_mul(high)?.checked_mul(unit)?;
    let (num, den) = (u64::from(params.frame_rate.0), u64::from(params.frame_rate.1));
    let sides = [wide, high].map(|side| (side * side).saturating_mul(unit));

    // No side may be longer than the square root of eight times the largest picture (H.264 A.3.1, H.265 A.4.1).
    let holds = |level: &&Level| {
        per_picture <= level.per_picture
            && sides.iter().all(|squared| *squared <= 8 * level.per_picture)
            && per_picture.saturating_mul(params.num_references().into()) <= level.buffered
    };
    let keeps_up = |level: &&Level| per_picture.saturating_mul(num) <= level.per_second.saturating_mul(den);
    let level = levels.iter().filter(holds).find(keeps_up).or_else(|| levels.last().filter(holds));
    let is_encoded = params.codec == Codec::Hevc && params.width.max(params.height) <= MAX_HEVC_SIDE;
    level.map(|level| level.idc).or(is_encoded.then_some(HEVC_WITHOUT_LIMITS))
}

const fn h264(idc: u8, per_picture: u64, per_second: u64, buffered: u64) -> Level {
    Level { idc, per_picture, per_second, buffered }
}

/// HEVC buffers at least six pictures of the largest size (H.265 A.4.2), one of which is the current one.
const fn hevc(idc: u8, per_picture: u64, per_second: u64) -> Level {
    Level { idc, per_picture, per_second, buffered: 5 * per_picture }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::{Chroma, Mode};

    fn level(codec: Codec, width: u32, height: u32, fps: u32, max_reorder: u32) -> Option<u8> {
        let (mode, chroma) = (Mode::Mosaic, Chroma::Yuv420);
        of(&StreamParams {
            codec,
            mode,
            width,
            height,
            chroma,
            bit_depth: 8,
            frame_rate: (fps, 1),
            max_reorder,
            colour: None,
        })
    }

    #[test]
    fn common_sizes_get_their_usual_levels() {
        assert_eq!(level(Codec::H264, 640, 360, 30, 0), Some(30));
        assert_eq!(level(Codec::H264, 1920, 1080, 30, 1), Some(40));
        assert_eq!(level(Codec::H264, 1920, 1080, 60, 1), Some(42));
        assert_eq!(level(Codec::H264, 3840, 2160, 60, 1), Some(52));
        assert_eq!(level(Codec::Hevc, 1920, 1080, 30, 1), Some(120));
        assert_eq!(level(Codec::Hevc, 3840, 2160, 60, 1), Some(153));
    }

    #[test]
    fn reordering_and_rates_raise_the_level() {
        assert_eq!(level(Codec::H264, 1920, 1080, 30, 4), Some(50));
        assert_eq!(level(Codec::Hevc, 1920, 1080, 1_000_000, 0), Some(186));
        assert_eq!(level(Codec::Hevc, 8192, 4320, 30, 0), Some(180));
        assert_eq!(level(Codec::Hevc, 8192, 8192, 30, 0), Some(255), "what cards encode is no level's");
    }

    #[test]
    fn what_no_level_holds_has_none() {
        assert_eq!(level(Codec::H264, 16_384, 8192, 30, 0), None);
        assert_eq!(level(Codec::Hevc, 16_960, 64, 30, 0), None, "too long a side");
        assert_eq!(level(Codec::Hevc, u32::MAX, u32::MAX, 30, 0), None);
    }
}
