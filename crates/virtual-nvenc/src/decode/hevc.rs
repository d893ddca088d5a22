//! What a parser must know of HEVC: sequence and picture parameter sets, and the order of pictures (HEVC 2021, clauses 7.3.2,
//! 7.3.6 and 8.3.1).

use super::bits::Bits;
use super::sequence::{NOT_TOLD, Picture, Sequence, next_msb};

/// The parameter sets of a stream, and where its order stands.
#[derive(Debug, Default)]
pub struct Headers {
    poc_lsb_bits: Option<u32>,
    has_output_flag: bool,
    num_extra_bits: u32,
    prev_msb: i32,
    prev_lsb: i32,
}

impl Headers {
    /// Reads one NAL unit; its header is its first two bytes.
    pub fn read(&mut self, nal: &[u8]) -> (Option<Sequence>, Option<Picture>) {
        let &[first, second, ref payload @ ..] = nal else { return (None, None) };
        let (kind, layer, temporal_id) = (first >> 1 & 0x3f, (first & 1) << 5 | second >> 3, second & 7);
        match kind {
            _ if layer != 0 => (None, None),
            33 => (Some(self.sequence(payload)), None),
            34 => {
                let mut bits = Bits::of(payload);
                let _ids = (bits.unsigned(), bits.unsigned());
                let _has_dependent_slices = bits.flag();
                (self.has_output_flag, self.num_extra_bits) = (bits.flag(), bits.number(3));
                (None, None)
            }
            0..=9 | 16..=21 if payload.first().is_some_and(|byte| byte & 0x80 != 0) => {
                (None, self.picture(payload, kind, temporal_id))
            }
            _ => (None, None),
        }
    }

    fn sequence(&mut self, payload: &[u8]) -> Sequence {
        let mut bits = Bits::of(payload);
        bits.skip(4);
        let max_sub_layer = bits.number(3);
        bits.skip(1);
        skip_profile_tier_level(&mut bits, max_sub_layer);
        bits.unsigned();
        let chroma = bits.unsigned();
        if chroma == 3 {
            bits.flag();
        }
        let coded = (bits.unsigned(), bits.unsigned());
        let unit = if chroma == 1 { 2 } else { 1 };
        let crop = if bits.flag() { [(); 4].map(|()| bits.unsigned().saturating_mul(unit)) } else { [0; 4] };
        let luma_bits = 8 + bits.unsigned().min(8);
        bits.unsigned();
        self.poc_lsb_bits = Some(4 + bits.unsigned().min(12));
        let is_told_for_each = bits.flag();
        let (mut num_references, mut num_reorder) = (1, 0);
        for _ in if is_told_for_each { 0 } else { max_sub_layer }..=max_sub_layer {
            num_references = bits.unsigned().saturating_add(1).min(16);
            num_reorder = bits.unsigned().min(16);
            bits.unsigned();
        }
        // Where rate and colours are told, they lie behind the reference picture sets: nobody here needs them enough.
        let frame_rate = (0, 0);
        let (bits, colour, is_progressive) = (luma_bits, NOT_TOLD, true);
        Sequence { coded, crop, frame_rate, colour, bits, chroma, num_reorder, num_references, is_progressive }
    }

    fn picture(&mut self, payload: &[u8], kind: u8, temporal_id: u8) -> Option<Picture> {
        let poc_lsb_bits = self.poc_lsb_bits?;
        let (is_random_access, is_idr) = (kind >= 16, matches!(kind, 19 | 20));
        let mut bits = Bits::of(payload);
        bits.flag();
        if is_random_access {
            bits.flag();
        }
        bits.unsigned();
        bits.number(self.num_extra_bits);
        let slice_type = bits.unsigned();
        if self.has_output_flag {
            bits.flag();
        }
        let lsb = if is_idr { 0 } else { bits.number(poc_lsb_bits) as i32 };
        let msb = if is_idr { 0 } else { next_msb(self.prev_msb, self.prev_lsb, lsb, 1 << poc_lsb_bits) };
        // Pictures that nothing at their level refers to, and those that are skipped with the access point before them, are
        // not counted from (8.3.1).
        let is_reference = is_random_access || kind % 2 == 1;
        if temporal_id == 1 && is_reference && !(6..=9).contains(&kind) {
            (self.prev_msb, self.prev_lsb) = (msb, lsb);
        }
        Some(Picture { order: msb.wrapping_add(lsb), starts_anew: is_idr, is_intra: slice_type == 2, is_reference })
    }
}

/// 7.3.3
fn skip_profile_tier_level(bits: &mut Bits, max_sub_layer: u32) {
    bits.skip(88 + 8);
    let told: Vec<_> = (0..max_sub_layer).map(|_| (bits.flag(), bits.flag())).collect();
    if max_sub_layer > 0 {
        bits.skip(2 * (8 - max_sub_layer as usize));
    }
    for (has_profile, has_level) in told {
        bits.skip(if has_profile { 88 } else { 0 } + if has_level { 8 } else { 0 });
    }
}
