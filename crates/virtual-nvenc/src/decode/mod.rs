//! A decoder without a GPU: NVDEC's functions over the same time model. The parser reads real headers, counts pictures and
//! puts them in order; the decoder books them on the engine and hands out frames that say which picture they are.
//!
//! | module | what lives there |
//! |---|---|
//! | `codec` | what can be decoded |
//! | `bits`, `sequence`, `h264`, `hevc`, `stream` | headers, and the order of pictures |
//! | `vp9` | the same of a codec with superframes and hidden frames |
//! | `parser` | access units in, callbacks out |
//! | `decoder` | surfaces, when a picture is done, frames out |

mod bits;
mod codec;
mod decoder;
mod h264;
mod hevc;
mod parser;
mod sequence;
mod stream;
mod vp9;

use std::cell::RefCell;
use std::sync::Arc;

use crate::device::{Device, Model};

pub use decoder::{caps, create as create_decoder, decode, destroy as destroy_decoder, map, status, unmap};
pub use parser::{create as create_parser, destroy as destroy_parser, parse};

/// Answers of these functions, as in cuda.h.
mod answer {
    pub const SUCCESS: u32 = 0;
    pub const INVALID_VALUE: u32 = 1;
    pub const INVALID_CONTEXT: u32 = 201;
    pub const NOT_SUPPORTED: u32 = 801;
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Model>>> = const { RefCell::new(None) };
}

/// Makes a device the calling thread's: what setting a CUDA context is on a GPU.
pub fn bind(device: &Device) {
    CURRENT.with_borrow_mut(|current| *current = Some(Arc::clone(device.model())));
}

fn current() -> Option<Arc<Model>> {
    CURRENT.with_borrow(Clone::clone)
}
