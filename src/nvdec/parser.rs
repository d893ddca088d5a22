//! The driver's parser: access units in; sequence headers, pictures to decode and frames to show out, as callbacks.
//!
//! The callbacks come from inside [`Parser::parse`], on the calling thread. Knows no decoder.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::Arc;

use moq_nvenc::sys::cuviddec::CUVIDPICPARAMS;
use moq_nvenc::sys::nvcuvid::{
    CUVIDEOFORMAT, CUVIDPARSERDISPINFO, CUVIDPARSERPARAMS, CUVIDSOURCEDATAPACKET, CUvideopacketflags, CUvideoparser,
};

use super::api::{Api, check};
use super::error::NvdecError;
use super::format::{StreamFormat, codec_word};
use crate::calls::{self, Call};
use crate::contract::Codec;

/// Hears what a parser finds.
pub(super) trait Listener {
    /// A sequence header. Returns the number of surfaces that the parser may use, 0 to stop.
    fn sequence(&mut self, format: StreamFormat) -> u32;
    /// A picture to decode. False: stop.
    fn picture(&mut self, params: &mut CUVIDPICPARAMS) -> bool;
    /// A frame is complete as far as the parser is concerned, in display order. False: stop.
    fn frame(&mut self, shown: &CUVIDPARSERDISPINFO) -> bool;
}

/// A parser and who hears it.
pub(super) struct Parser<L: Listener> {
    api: Arc<Api>,
    handle: CUvideoparser,
    /// Owned. A raw pointer, because the driver holds it too and gives it back in every callback.
    heard_by: NonNull<Heard<L>>,
}

struct Heard<L> {
    codec: Codec,
    listener: L,
}

// SAFETY: the driver's parser has no thread of its own and calls back only inside `parse`, which takes `&mut self`.
unsafe impl<L: Listener + Send> Send for Parser<L> {}

impl<L: Listener> Parser<L> {
    /// A parser of one codec's elementary stream.
    ///
    /// # Errors
    /// What the driver answers.
    pub(super) fn new(api: Arc<Api>, codec: Codec, listener: L) -> Result<Self, NvdecError> {
        let heard_by = NonNull::from(Box::leak(Box::new(Heard { codec, listener })));
        let mut parser = Self { api, handle: std::ptr::null_mut(), heard_by };
        let mut params = MaybeUninit::<CUVIDPARSERPARAMS>::zeroed();
        let _call = calls::enter(Call::CreateDecoder);
        // SAFETY: the struct is zeroed, which is valid for numbers, pointers and `None` callbacks, and written in place; the
        // driver copies it. What it calls back with lives until the parser is destroyed.
        let status = unsafe {
            let raw = params.as_mut_ptr();
            (&raw mut (*raw).CodecType).write(codec_word(codec));
            // The sequence callback says how many there are.
            (&raw mut (*raw).ulMaxNumDecodeSurfaces).write(1);
            // Frames are announced as soon as their order is known: holding them back longer is the caller's choice.
            (&raw mut (*raw).ulMaxDisplayDelay).write(0);
            (&raw mut (*raw).pUserData).write(heard_by.as_ptr().cast());
            (&raw mut (*raw).pfnSequenceCallback).write(Some(on_sequence::<L>));
            (&raw mut (*raw).pfnDecodePicture).write(Some(on_picture::<L>));
            (&raw mut (*raw).pfnDisplayPicture).write(Some(on_frame::<L>));
            (parser.api.entries.create_parser)(&raw mut parser.handle, raw)
        };
        check("cuvidCreateVideoParser", status)?;
        Ok(parser)
    }

    /// Parses one whole access unit.
    ///
    /// # Errors
    /// What the driver answers; the listener knows more where it stopped the parser.
    pub(super) fn parse(&mut self, unit: &[u8], pts: u64) -> Result<(), NvdecError> {
        use CUvideopacketflags::{CUVID_PKT_ENDOFPICTURE, CUVID_PKT_TIMESTAMP};
        self.packet(unit, CUVID_PKT_ENDOFPICTURE as u32 | CUVID_PKT_TIMESTAMP as u32, pts)
    }

    /// Says that no unit follows: all frames that wait for their order are announced.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub(super) fn end(&mut self) -> Result<(), NvdecError> {
        self.packet(&[], CUvideopacketflags::CUVID_PKT_ENDOFSTREAM as u32, 0)
    }

    fn packet(&mut self, unit: &[u8], flags: u32, pts: u64) -> Result<(), NvdecError> {
        let mut packet = CUVIDSOURCEDATAPACKET {
            flags: flags.into(),
            // An access unit is smaller than 4 GiB, which is all that this type holds on Windows.
            payload_size: (unit.len() as u32).into(),
            payload: unit.as_ptr(),
            timestamp: pts as i64,
        };
        let _call = calls::enter(Call::ParseVideo);
        // SAFETY: packet and unit are valid during the call, and the driver copies what it keeps.
        Ok(check("cuvidParseVideoData", unsafe { (self.api.entries.parse)(self.handle, &raw mut packet) })?)
    }

    /// Who hears it.
    pub(super) fn listener(&mut self) -> &mut L {
        // SAFETY: owned by this parser, and no callback runs now: those run inside `parse`, which borrows `self` too.
        unsafe { &mut self.heard_by.as_mut().listener }
    }
}

impl<L: Listener> Drop for Parser<L> {
    fn drop(&mut self) {
        let _call = calls::enter(Call::DestroyDecoder);
        // SAFETY: the parser is destroyed once, and then nobody holds the listener but us.
        unsafe {
            if !self.handle.is_null() {
                (self.api.entries.destroy_parser)(self.handle);
            }
            drop(Box::from_raw(self.heard_by.as_ptr()));
        }
    }
}

unsafe extern "C" fn on_sequence<L: Listener>(user: *mut c_void, format: *mut CUVIDEOFORMAT) -> c_int {
    // SAFETY: `user` is the pointer that the parser was made with, borrowed by nobody while the driver calls; the format is
    // the driver's for the time of this call.
    unsafe {
        let heard = &mut *user.cast::<Heard<L>>();
        let format = StreamFormat::read(format, heard.codec);
        c_int::try_from(heard.listener.sequence(format)).unwrap_or(0)
    }
}

unsafe extern "C" fn on_picture<L: Listener>(user: *mut c_void, params: *mut CUVIDPICPARAMS) -> c_int {
    // SAFETY: as above.
    unsafe { c_int::from((*user.cast::<Heard<L>>()).listener.picture(&mut *params)) }
}

unsafe extern "C" fn on_frame<L: Listener>(user: *mut c_void, shown: *mut CUVIDPARSERDISPINFO) -> c_int {
    // SAFETY: as above; a null pointer says that the stream has ended.
    unsafe {
        match shown.as_ref() {
            Some(shown) => c_int::from((*user.cast::<Heard<L>>()).listener.frame(shown)),
            None => 1,
        }
    }
}

/// What the driver's parser says of a stream that begins with these access units.
///
/// # Errors
/// [`NvdecError::NoSequence`] if they hold no sequence header, or what the driver answers.
pub(super) fn format_of<'a>(
    api: &Arc<Api>,
    codec: Codec,
    units: impl IntoIterator<Item = &'a [u8]>,
) -> Result<StreamFormat, NvdecError> {
    let mut parser = Parser::new(Arc::clone(api), codec, First(None))?;
    for (pts, unit) in (0_u64..).zip(units) {
        // A parser that was stopped answers with an error; only whether it found something counts.
        let _ = parser.parse(unit, pts);
        if let Some(format) = parser.listener().0 {
            return Ok(format);
        }
    }
    Err(NvdecError::NoSequence { codec })
}

/// Hears the first sequence header and decodes nothing.
struct First(Option<StreamFormat>);

impl Listener for First {
    fn sequence(&mut self, format: StreamFormat) -> u32 {
        self.0 = Some(format);
        format.min_surfaces
    }

    fn picture(&mut self, _: &mut CUVIDPICPARAMS) -> bool {
        true
    }

    fn frame(&mut self, _: &CUVIDPARSERDISPINFO) -> bool {
        true
    }
}
