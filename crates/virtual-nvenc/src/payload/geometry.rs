//! How a picture divides into blocks. It does not know what is in them.

use super::{Chroma, Codec, StreamParams};

/// The block grid of a stream. The last column and row may reach beyond the picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Side of a block in luma samples: a macroblock, or a coding tree unit.
    pub(super) block: usize,
    pub(super) blocks_wide: usize,
    pub(super) blocks_high: usize,
    /// Chroma is sampled once per `1 << chroma_shift` pixels in both directions.
    pub(super) chroma_shift: u32,
    pub(super) bit_depth: u32,
}

impl Geometry {
    pub(super) fn new(params: &StreamParams) -> Self {
        let (width, height) = (params.width as usize, params.height as usize);
        let block = match params.codec {
            Codec::H264 => 16,
            Codec::Hevc => 32,
        };
        Self {
            width,
            height,
            block,
            blocks_wide: width.div_ceil(block),
            blocks_high: height.div_ceil(block),
            chroma_shift: match params.chroma {
                Chroma::Yuv420 => 1,
                Chroma::Yuv444 => 0,
            },
            bit_depth: params.bit_depth.into(),
        }
    }

    /// Size in samples of one component (0 is luma) of the displayed picture.
    pub(super) fn component_size(&self, component: usize) -> (usize, usize) {
        let shift = self.shift(component);
        (self.width >> shift, self.height >> shift)
    }

    /// Side of a block in samples of one component.
    pub(super) fn component_block(&self, component: usize) -> usize {
        self.block >> self.shift(component)
    }

    /// What the coded picture has beyond the displayed one at the right and at the bottom, in chroma samples, which is the
    /// unit of cropping in both standards (H.264 7.4.2.1.1, H.265 7.4.3.2.1).
    pub(super) fn crop(&self) -> (u32, u32) {
        let beyond = |blocks: usize, size: usize| ((blocks * self.block - size) >> self.chroma_shift) as u32;
        (beyond(self.blocks_wide, self.width), beyond(self.blocks_high, self.height))
    }

    fn shift(&self, component: usize) -> u32 {
        if component == 0 { 0 } else { self.chroma_shift }
    }
}
