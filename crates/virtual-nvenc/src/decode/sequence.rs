//! What both codecs say of a sequence and of a picture, and how they count the order of pictures.

/// What a sequence header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    /// Width and height in luma samples.
    pub coded: (u32, u32),
    /// Luma samples that are not shown: left, right, top, bottom.
    pub crop: [u32; 4],
    /// Frames per second as a ratio; 0/0 where it is not told.
    pub frame_rate: (u32, u32),
    /// Full range; primaries, transfer and matrix. [`NOT_TOLD`] also where it lies behind what nobody here reads.
    pub colour: (bool, [u8; 3]),
    /// Of a luma sample.
    pub bits: u32,
    /// chroma_format_idc
    pub chroma: u32,
    /// Pictures that may come before another in coding order and after it in display order.
    pub num_reorder: u32,
    /// Size of the decoded picture buffer.
    pub num_references: u32,
    pub is_progressive: bool,
}

/// Limited range, and three times unspecified (H.273).
pub const NOT_TOLD: (bool, [u8; 3]) = (false, [2; 3]);

/// One picture's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// Its picture order count.
    pub order: i32,
    /// Nothing after it comes before it, and counts begin anew.
    pub starts_anew: bool,
    pub is_intra: bool,
    pub is_reference: bool,
}

/// The most significant part of an order count whose least significant part has come round (H.264 8.2.1.1, HEVC 8.3.1).
pub fn next_msb(prev_msb: i32, prev_lsb: i32, lsb: i32, max_lsb: i32) -> i32 {
    match lsb - prev_lsb {
        step if -step >= max_lsb / 2 => prev_msb.wrapping_add(max_lsb),
        step if step > max_lsb / 2 => prev_msb.wrapping_sub(max_lsb),
        _ => prev_msb,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_counts_go_on_when_their_low_part_comes_round() {
        assert_eq!(next_msb(0, 14, 0, 16), 16);
        assert_eq!(next_msb(16, 0, 14, 16), 0);
        assert_eq!(next_msb(16, 4, 8, 16), 16);
    }
}
