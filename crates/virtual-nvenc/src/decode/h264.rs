//! What a parser must know of H.264: sequence and picture parameter sets, and the order of pictures (H.264 2021, clauses
//! 7.3.2, 7.3.3 and 8.2.1). Frames only; of a stream with fields it says that it has them.

use super::bits::Bits;
use super::sequence::{NOT_TOLD, Picture, Sequence, next_msb};

/// Profiles whose sequence parameter sets have the fields of High (7.3.2.1.1).
const HIGH: [u32; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// The parameter sets of a stream, and where its order stands.
#[derive(Debug, Default)]
pub struct Headers {
    sps: Option<Sps>,
    has_pic_order_in_frame: bool,
    prev_msb: i32,
    prev_lsb: i32,
    /// Pictures since the last IDR, for streams whose coding order is their display order.
    num_since_idr: i32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sps {
    frame_num_bits: u32,
    poc_type: u32,
    poc_lsb_bits: u32,
    is_progressive: bool,
}

impl Headers {
    /// Reads one NAL unit; its header is its first byte.
    pub fn read(&mut self, nal: &[u8]) -> (Option<Sequence>, Option<Picture>) {
        let Some((&header, payload)) = nal.split_first() else { return (None, None) };
        match header & 0x1f {
            7 => (Some(self.sequence(payload)), None),
            8 => {
                let mut bits = Bits::of(payload);
                let _ids = (bits.unsigned(), bits.unsigned());
                let _is_cabac = bits.flag();
                self.has_pic_order_in_frame = bits.flag();
                (None, None)
            }
            // first_mb_in_slice is 0: further slices belong to the same picture.
            kind @ (1 | 5) if payload.first().is_some_and(|byte| byte & 0x80 != 0) => {
                (None, self.picture(payload, kind == 5, header >> 5 & 3 != 0))
            }
            _ => (None, None),
        }
    }

    fn sequence(&mut self, payload: &[u8]) -> Sequence {
        let mut bits = Bits::of(payload);
        let (profile, _constraints, level) = (bits.number(8), bits.number(8), bits.number(8));
        bits.unsigned();
        let (mut chroma, mut luma_bits) = (1, 8);
        if HIGH.contains(&profile) {
            chroma = bits.unsigned();
            if chroma == 3 {
                bits.flag();
            }
            luma_bits = 8 + bits.unsigned().min(8);
            bits.unsigned();
            bits.flag();
            if bits.flag() {
                skip_scaling_lists(&mut bits, chroma);
            }
        }
        let frame_num_bits = 4 + bits.unsigned().min(12);
        let poc_type = bits.unsigned();
        let mut poc_lsb_bits = 0;
        match poc_type {
            0 => poc_lsb_bits = 4 + bits.unsigned().min(12),
            1 => {
                bits.flag();
                let _offsets = (bits.signed(), bits.signed());
                let num = bits.unsigned().min(255);
                (0..num).for_each(|_| _ = bits.signed());
            }
            _ => {}
        }
        bits.unsigned();
        bits.flag();
        let (width_mbs, height_units) = (bits.unsigned().saturating_add(1), bits.unsigned().saturating_add(1));
        let is_progressive = bits.flag();
        let height_mbs = height_units.saturating_mul(2 - u32::from(is_progressive));
        if !is_progressive {
            bits.flag();
        }
        bits.flag();
        // In units of chroma samples (7.4.2.1.1), which of 4:2:0 are two luma samples, and of fields four lines.
        let (unit_x, unit_y) = if chroma == 1 { (2, 2 * (2 - u32::from(is_progressive))) } else { (1, 1) };
        let crop = if bits.flag() { [(); 4].map(|()| bits.unsigned()) } else { [0; 4] };
        let mbs = u64::from(width_mbs) * u64::from(height_mbs);
        let dpb = (max_dpb_mbs(level) / mbs.max(1)).clamp(1, 16) as u32;
        let mut vui = Vui::default();
        if bits.flag() {
            vui = Vui::read(&mut bits);
        }
        self.sps = Some(Sps { frame_num_bits, poc_type, poc_lsb_bits, is_progressive });
        Sequence {
            coded: (width_mbs.saturating_mul(16), height_mbs.saturating_mul(16)),
            crop: [0, 1, 2, 3].map(|side| crop[side].saturating_mul(if side < 2 { unit_x } else { unit_y })),
            frame_rate: vui.frame_rate,
            colour: vui.colour.unwrap_or(NOT_TOLD),
            bits: luma_bits,
            chroma,
            num_reorder: if poc_type == 2 { 0 } else { vui.num_reorder.unwrap_or(dpb) },
            num_references: dpb,
            is_progressive,
        }
    }

    fn picture(&mut self, payload: &[u8], is_idr: bool, is_reference: bool) -> Option<Picture> {
        let sps = self.sps?;
        let mut bits = Bits::of(payload);
        bits.unsigned();
        let slice_type = bits.unsigned() % 5;
        bits.unsigned();
        bits.number(sps.frame_num_bits);
        if !sps.is_progressive && bits.flag() {
            bits.flag();
        }
        if is_idr {
            bits.unsigned();
            (self.prev_msb, self.prev_lsb, self.num_since_idr) = (0, 0, 0);
        }
        let order = if sps.poc_type == 0 {
            let lsb = bits.number(sps.poc_lsb_bits) as i32;
            let msb = next_msb(self.prev_msb, self.prev_lsb, lsb, 1 << sps.poc_lsb_bits);
            if is_reference {
                (self.prev_msb, self.prev_lsb) = (msb, lsb);
            }
            msb.wrapping_add(lsb)
        } else {
            self.num_since_idr
        };
        self.num_since_idr = self.num_since_idr.wrapping_add(1);
        Some(Picture { order, starts_anew: is_idr, is_intra: slice_type == 2, is_reference })
    }
}

/// What is read of the video usability information (annex E).
#[derive(Debug, Default)]
struct Vui {
    frame_rate: (u32, u32),
    colour: Option<(bool, [u8; 3])>,
    num_reorder: Option<u32>,
}

impl Vui {
    fn read(bits: &mut Bits) -> Self {
        let mut vui = Self::default();
        if bits.flag() && bits.number(8) == 255 {
            bits.skip(32);
        }
        if bits.flag() {
            bits.flag();
        }
        if bits.flag() {
            bits.skip(3);
            let (is_full_range, is_described) = (bits.flag(), bits.flag());
            let numbers = if is_described { [(); 3].map(|()| bits.number(8) as u8) } else { NOT_TOLD.1 };
            vui.colour = Some((is_full_range, numbers));
        }
        if bits.flag() {
            let _locations = (bits.unsigned(), bits.unsigned());
        }
        if bits.flag() {
            // Two ticks are a frame.
            let (tick, scale) = (bits.number(32), bits.number(32));
            vui.frame_rate = (scale, tick.saturating_mul(2));
            bits.flag();
        }
        let has_nal_hrd = bits.flag();
        if has_nal_hrd {
            skip_hrd(bits);
        }
        let has_vcl_hrd = bits.flag();
        if has_vcl_hrd {
            skip_hrd(bits);
        }
        if has_nal_hrd || has_vcl_hrd {
            bits.flag();
        }
        bits.flag();
        if bits.flag() {
            bits.flag();
            let _limits = [(); 4].map(|()| bits.unsigned());
            vui.num_reorder = Some(bits.unsigned().min(16));
        }
        vui
    }
}

fn skip_hrd(bits: &mut Bits) {
    let num = bits.unsigned().min(31) + 1;
    bits.skip(8);
    for _ in 0..num {
        let _rates = (bits.unsigned(), bits.unsigned(), bits.flag());
    }
    bits.skip(20);
}

fn skip_scaling_lists(bits: &mut Bits, chroma: u32) {
    for list in 0..if chroma == 3 { 12 } else { 8 } {
        if !bits.flag() {
            continue;
        }
        let (mut last, mut next) = (8, 8);
        for _ in 0..if list < 6 { 16 } else { 64 } {
            if next != 0 {
                next = (last + bits.signed()).rem_euclid(256);
            }
            last = if next == 0 { last } else { next };
        }
    }
}

/// Table A-1, MaxDpbMbs.
fn max_dpb_mbs(level: u32) -> u64 {
    match level {
        0..=10 => 396,
        11 => 900,
        12..=20 => 2_376,
        21 => 4_752,
        22..=30 => 8_100,
        31 => 18_000,
        32 => 20_480,
        33..=41 => 32_768,
        42 => 34_816,
        43..=50 => 110_400,
        51..=52 => 184_320,
        _ => 696_320,
    }
}
