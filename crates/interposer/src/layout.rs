//! Where the members that are read lie. Offsets come from the 12.1 header through `offset_of!`, and only members are
//! named whose offset is the same in every header from 11.0 to 13.0.

use std::ffi::c_void;
use std::mem::offset_of;

use moq_nvenc::sys::nvEncodeAPI as sys;

/// A member of type `T` at a fixed place.
#[derive(Clone, Copy)]
pub struct Member<T> {
    offset: usize,
    of: std::marker::PhantomData<fn() -> T>,
}

/// Types that may be read from any bytes.
///
/// # Safety
/// Implementers have no invalid bit patterns.
pub unsafe trait Plain: Copy {}

// SAFETY: a number takes any bits.
unsafe impl Plain for u32 {}
// SAFETY: as above.
unsafe impl Plain for u64 {}
// SAFETY: as above.
unsafe impl Plain for sys::GUID {}
// SAFETY: a raw pointer takes any bits.
unsafe impl Plain for *mut c_void {}

impl<T: Plain> Member<T> {
    const fn at(offset: usize) -> Self {
        Self { offset, of: std::marker::PhantomData }
    }

    /// Reads the member; `None` where there is no struct.
    ///
    /// # Safety
    /// A `base` that is not null points to the struct that the member belongs to, in any header's version.
    pub unsafe fn read(self, base: *const c_void) -> Option<T> {
        if base.is_null() {
            return None;
        }
        // SAFETY: not null; the caller vouches for the struct, and the member's offset is the same in every version.
        Some(unsafe { base.cast::<u8>().add(self.offset).cast::<T>().read_unaligned() })
    }
}

pub const OPEN_API_VERSION: Member<u32> = Member::at(offset_of!(sys::NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS, apiVersion));

pub const INIT_CODEC: Member<sys::GUID> = Member::at(offset_of!(sys::NV_ENC_INITIALIZE_PARAMS, encodeGUID));
pub const INIT_PRESET: Member<sys::GUID> = Member::at(offset_of!(sys::NV_ENC_INITIALIZE_PARAMS, presetGUID));
pub const INIT_CONFIG: Member<*mut c_void> = Member::at(offset_of!(sys::NV_ENC_INITIALIZE_PARAMS, encodeConfig));
pub const INIT_WIDTH: Member<u32> = Member::at(offset_of!(sys::NV_ENC_INITIALIZE_PARAMS, encodeWidth));
pub const INIT_HEIGHT: Member<u32> = Member::at(offset_of!(sys::NV_ENC_INITIALIZE_PARAMS, encodeHeight));
pub const INIT_FPS_NUM: Member<u32> = Member::at(offset_of!(sys::NV_ENC_INITIALIZE_PARAMS, frameRateNum));
pub const INIT_FPS_DEN: Member<u32> = Member::at(offset_of!(sys::NV_ENC_INITIALIZE_PARAMS, frameRateDen));

pub const CONFIG_PROFILE: Member<sys::GUID> = Member::at(offset_of!(sys::NV_ENC_CONFIG, profileGUID));

pub const PIC_FLAGS: Member<u32> = Member::at(offset_of!(sys::NV_ENC_PIC_PARAMS, encodePicFlags));
pub const PIC_TIMESTAMP: Member<u64> = Member::at(offset_of!(sys::NV_ENC_PIC_PARAMS, inputTimeStamp));
pub const PIC_INPUT: Member<*mut c_void> = Member::at(offset_of!(sys::NV_ENC_PIC_PARAMS, inputBuffer));
pub const PIC_FORMAT: Member<u32> = Member::at(offset_of!(sys::NV_ENC_PIC_PARAMS, bufferFmt));

pub const LOCK_OUTPUT: Member<*mut c_void> = Member::at(offset_of!(sys::NV_ENC_LOCK_BITSTREAM, outputBitstream));
pub const LOCK_SIZE: Member<u32> = Member::at(offset_of!(sys::NV_ENC_LOCK_BITSTREAM, bitstreamSizeInBytes));
pub const LOCK_TIMESTAMP: Member<u64> = Member::at(offset_of!(sys::NV_ENC_LOCK_BITSTREAM, outputTimeStamp));
pub const LOCK_KIND: Member<u32> = Member::at(offset_of!(sys::NV_ENC_LOCK_BITSTREAM, pictureType));

/// `NV_ENC_PIC_FLAG_EOS`.
pub const FLAG_END_OF_STREAM: u32 = 8;

/// Our name for a codec's GUID.
pub fn codec_name(guid: sys::GUID) -> Option<&'static str> {
    match guid {
        guid if guid == sys::NV_ENC_CODEC_H264_GUID => Some("h264"),
        guid if guid == sys::NV_ENC_CODEC_HEVC_GUID => Some("hevc"),
        guid if guid == sys::NV_ENC_CODEC_AV1_GUID => Some("av1"),
        _ => None,
    }
}

/// The letter that our records have for `NV_ENC_PIC_TYPE`.
pub fn kind_letter(pic_type: u32) -> char {
    match pic_type {
        0 | 7 => 'P',
        1 => 'B',
        2 => 'I',
        3 => 'K',
        _ => '?',
    }
}
