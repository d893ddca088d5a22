//! What the emulated engine writes: small, valid H.264 and HEVC streams made from the input pixels.
//!
//! Every picture is intra coded and flat per block, or raw samples, so that any decoder can prove that no picture was
//! lost, repeated or reordered. Nothing here knows NVENC, sessions or time: pixels and a picture's place come in, Annex B
//! bytes go out, in encode order.
//!
//! | [`Mode`]   | H.264 (blocks of 16x16)     | HEVC (blocks of 32x32)   | what a decoder gets back                          |
//! |------------|-----------------------------|--------------------------|---------------------------------------------------|
//! | `Mosaic`   | Intra_16x16, DC only, CAVLC | one DC-only TU, CABAC    | each block's average, rounded to the nearest level |
//! | `Lossless` | I_PCM                       | pcm coding unit          | the input, bit for bit                             |
//!
//! The quantisers are chosen so that one coded level is one sample step: what is decoded is *exactly* the rounded average.
//! From RGB input (BT.601, limited range) a mosaic block is the converted average, within one level of the average of the
//! converted pixels; in lossless mode "bit for bit" refers to the converted picture.

mod bits;
mod error;
mod geometry;
mod h264;
mod hevc;
mod history;
mod level;
mod mosaic;
mod nal;
mod params;
mod pixels;
mod rgb;
mod samples;
mod slice;

pub use error::PayloadError;
pub use nal::{DELIMITER_BYTES, delimiter};
pub use params::{Chroma, Codec, Colour, MAX_REORDER, Mode, PictureHeader, PictureKind, StreamParams};
pub use pixels::{PixelFormat, Pixels, Plane};

use geometry::Geometry;
use history::History;
use mosaic::Mosaic;
use samples::SampleRows;
use slice::SliceWriter;

/// Writes one elementary stream, picture by picture in encode order.
///
/// All working memory is made by [`PayloadWriter::new`]; [`write_picture`](Self::write_picture) allocates nothing as long
/// as `out` has [`max_picture_bytes`](Self::max_picture_bytes) to spare.
pub struct PayloadWriter {
    params: StreamParams,
    geometry: Geometry,
    headers: Vec<u8>,
    history: History,
    blocks: Blocks,
    slice: Box<dyn SliceWriter>,
}

/// One in so many rows of a block is read.
const SPARSE_SHARE: usize = 4;

/// How pixels become blocks; the working memory of the mode in use.
enum Blocks {
    Mosaic(Mosaic),
    Lossless(SampleRows),
}

impl PayloadWriter {
    /// Checks the parameters and prepares the working memory.
    pub fn new(params: StreamParams) -> Result<Self, PayloadError> {
        params.check()?;
        let geometry = Geometry::new(&params);
        let (headers, slice): (_, Box<dyn SliceWriter>) = match params.codec {
            Codec::H264 => (h264::headers(&params)?, Box::new(h264::Slice::new(&params, geometry))),
            Codec::Hevc => (hevc::headers(&params)?, Box::new(hevc::Slice::new(&params, geometry))),
        };
        let blocks = match params.mode {
            Mode::Mosaic => Blocks::Mosaic(Mosaic::new(geometry, 1)),
            Mode::Sparse => Blocks::Mosaic(Mosaic::new(geometry, SPARSE_SHARE)),
            Mode::Lossless => Blocks::Lossless(SampleRows::new(geometry)),
        };
        Ok(Self { params, geometry, headers, history: History::new(params.max_reorder), blocks, slice })
    }

    /// The parameter sets (HEVC: VPS; then SPS and PPS) with start codes, to be put before an IDR picture, at least the first.
    pub fn headers(&self) -> &[u8] {
        &self.headers
    }

    /// Appends one picture's slice, with its start code, to `out`. Pictures come in encode order.
    ///
    /// On an error nothing is appended and the writer stands as before the call.
    pub fn write_picture(
        &mut self,
        header: PictureHeader,
        pixels: &Pixels<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), PayloadError> {
        pixels.check(&self.params)?;
        let place = self.history.place(header)?;
        self.slice.begin(&place, &self.history);
        for row in 0..self.geometry.blocks_high {
            match &mut self.blocks {
                Blocks::Mosaic(mosaic) => self.slice.mosaic_row(mosaic.steps_of_row(pixels, row)),
                Blocks::Lossless(samples) => self.slice.raw_row(samples.load_row(pixels, row)),
            }
        }
        self.slice.finish();
        nal::append(out, self.slice.nal_header(), self.slice.rbsp());
        self.history.advance(&place);
        Ok(())
    }

    /// The most bytes one call of [`write_picture`](Self::write_picture) can append.
    pub fn max_picture_bytes(&self) -> usize {
        nal::max_bytes(slice::max_rbsp_bytes(&self.params, &self.geometry))
    }
}
