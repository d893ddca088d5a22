//! The API's structs as memory: a version word, then words at the places that the header gives them.
//!
//! Each is larger than in any header, so that no driver writes past it. Calls nothing.

use std::ffi::c_void;
use std::ptr::{null_mut, with_exposed_provenance_mut};

use super::Answer;

/// Memory for any one struct. The largest has 5128 bytes.
#[repr(C, align(16))]
pub(super) struct Struct([u8; 8192]);

/// The header's GUID.
#[repr(C)]
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(super) struct Guid(pub u32, pub u16, pub u16, pub [u8; 8]);

/// `NV_ENCODE_API_FUNCTION_LIST`, which has 2552 bytes in all headers.
#[repr(C)]
pub(super) struct FunctionList {
    version: u32,
    reserved: u32,
    entries: [*mut c_void; 511],
}

/// Where the members of the structs lie, from 11.0 to 13.0.
pub(super) mod at {
    pub const OPEN_DEVICE_TYPE: usize = 4;
    pub const OPEN_DEVICE: usize = 8;
    pub const OPEN_API_VERSION: usize = 24;
    pub const CAPS_QUERY: usize = 4;
    pub const PRESET_CONFIG: usize = 8;
    pub const INIT_CODEC: usize = 4;
    pub const INIT_PRESET: usize = 20;
    pub const INIT_WIDTH: usize = 36;
    pub const INIT_HEIGHT: usize = 40;
    pub const INIT_FPS_NUM: usize = 52;
    pub const INIT_FPS_DEN: usize = 56;
    pub const INIT_ASYNC: usize = 60;
    pub const INIT_PTD: usize = 64;
    pub const INIT_TUNING: usize = 136;
    pub const INPUT_WIDTH: usize = 4;
    pub const INPUT_HEIGHT: usize = 8;
    pub const INPUT_FORMAT: usize = 16;
    pub const BITSTREAM_BUFFER: usize = 16;
    pub const LOCK_FLAGS: usize = 4;
    pub const LOCK_OUTPUT: usize = 8;
    pub const PIC_FLAGS: usize = 16;
}

/// The list's entries in their order; the last two came with 12.1.
const ENTRIES: [&str; 43] = [
    "nvEncOpenEncodeSession",
    "nvEncGetEncodeGUIDCount",
    "nvEncGetEncodeProfileGUIDCount",
    "nvEncGetEncodeProfileGUIDs",
    "nvEncGetEncodeGUIDs",
    "nvEncGetInputFormatCount",
    "nvEncGetInputFormats",
    "nvEncGetEncodeCaps",
    "nvEncGetEncodePresetCount",
    "nvEncGetEncodePresetGUIDs",
    "nvEncGetEncodePresetConfig",
    "nvEncInitializeEncoder",
    "nvEncCreateInputBuffer",
    "nvEncDestroyInputBuffer",
    "nvEncCreateBitstreamBuffer",
    "nvEncDestroyBitstreamBuffer",
    "nvEncEncodePicture",
    "nvEncLockBitstream",
    "nvEncUnlockBitstream",
    "nvEncLockInputBuffer",
    "nvEncUnlockInputBuffer",
    "nvEncGetEncodeStats",
    "nvEncGetSequenceParams",
    "nvEncRegisterAsyncEvent",
    "nvEncUnregisterAsyncEvent",
    "nvEncMapInputResource",
    "nvEncUnmapInputResource",
    "nvEncDestroyEncoder",
    "nvEncInvalidateRefFrames",
    "nvEncOpenEncodeSessionEx",
    "nvEncRegisterResource",
    "nvEncUnregisterResource",
    "nvEncReconfigureEncoder",
    RESERVED,
    "nvEncCreateMVBuffer",
    "nvEncDestroyMVBuffer",
    "nvEncRunMotionEstimationOnly",
    "nvEncGetLastErrorString",
    "nvEncSetIOCudaStreams",
    "nvEncGetEncodePresetConfigEx",
    "nvEncGetSequenceParamEx",
    "nvEncRestoreEncoderState",
    "nvEncLookaheadPicture",
];
const RESERVED: &str = "reserved1";

/// The entries that are functions.
pub(super) fn named_entries() -> impl Iterator<Item = &'static str> {
    ENTRIES.into_iter().filter(|name| *name != RESERVED)
}

impl Struct {
    pub fn new(version: u32) -> Self {
        Self([0; 8192]).with(0, version)
    }

    pub fn with(self, offset: usize, value: u32) -> Self {
        self.with_bytes(offset, &value.to_ne_bytes())
    }

    pub fn with_pointer(self, offset: usize, pointer: *mut c_void) -> Self {
        self.with_bytes(offset, &pointer.expose_provenance().to_ne_bytes())
    }

    pub fn with_guid(self, offset: usize, Guid(first, second, third, rest): Guid) -> Self {
        let this = self.with(offset, first).with_bytes(offset + 4, &second.to_ne_bytes());
        this.with_bytes(offset + 6, &third.to_ne_bytes()).with_bytes(offset + 8, &rest)
    }

    fn with_bytes(mut self, offset: usize, bytes: &[u8]) -> Self {
        self.0[offset..offset + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// The pointer that a driver wrote there.
    pub fn pointer(&self, offset: usize) -> *mut c_void {
        let mut bytes = [0; size_of::<usize>()];
        bytes.copy_from_slice(&self.0[offset..offset + size_of::<usize>()]);
        with_exposed_provenance_mut(usize::from_ne_bytes(bytes))
    }

    pub fn as_mut_ptr(&mut self) -> *mut Self {
        self
    }
}

impl FunctionList {
    pub fn new(version: u32) -> Self {
        Self { version, reserved: 0, entries: [null_mut(); 511] }
    }

    /// The function behind a name.
    pub fn entry(&self, name: &str) -> Result<*mut c_void, Answer> {
        let entry = ENTRIES.into_iter().position(|known| known == name).map(|place| self.entries[place]);
        entry.filter(|entry| !entry.is_null()).ok_or(Answer::NoEntry)
    }
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use moq_nvenc::sys::nvEncodeAPI as sys;

    use super::*;

    macro_rules! assert_places {
        ($($place:ident = $owner:ident.$member:ident;)*) => {
            $(assert_eq!(at::$place, offset_of!(sys::$owner, $member), stringify!($place));)*
        };
    }

    #[test]
    fn members_lie_where_the_bindings_have_them() {
        assert_places! {
            OPEN_DEVICE_TYPE = NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS.deviceType;
            OPEN_DEVICE = NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS.device;
            OPEN_API_VERSION = NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS.apiVersion;
            CAPS_QUERY = NV_ENC_CAPS_PARAM.capsToQuery;
            PRESET_CONFIG = NV_ENC_PRESET_CONFIG.presetCfg;
            INIT_CODEC = NV_ENC_INITIALIZE_PARAMS.encodeGUID;
            INIT_PRESET = NV_ENC_INITIALIZE_PARAMS.presetGUID;
            INIT_WIDTH = NV_ENC_INITIALIZE_PARAMS.encodeWidth;
            INIT_HEIGHT = NV_ENC_INITIALIZE_PARAMS.encodeHeight;
            INIT_FPS_NUM = NV_ENC_INITIALIZE_PARAMS.frameRateNum;
            INIT_FPS_DEN = NV_ENC_INITIALIZE_PARAMS.frameRateDen;
            INIT_ASYNC = NV_ENC_INITIALIZE_PARAMS.enableEncodeAsync;
            INIT_PTD = NV_ENC_INITIALIZE_PARAMS.enablePTD;
            INIT_TUNING = NV_ENC_INITIALIZE_PARAMS.tuningInfo;
            INPUT_WIDTH = NV_ENC_CREATE_INPUT_BUFFER.width;
            INPUT_HEIGHT = NV_ENC_CREATE_INPUT_BUFFER.height;
            INPUT_FORMAT = NV_ENC_CREATE_INPUT_BUFFER.bufferFmt;
            BITSTREAM_BUFFER = NV_ENC_CREATE_BITSTREAM_BUFFER.bitstreamBuffer;
            LOCK_FLAGS = NV_ENC_LOCK_BITSTREAM._bitfield_1;
            LOCK_OUTPUT = NV_ENC_LOCK_BITSTREAM.outputBitstream;
            PIC_FLAGS = NV_ENC_PIC_PARAMS.encodePicFlags;
        }
        assert!(size_of::<Struct>() > size_of::<sys::NV_ENC_PRESET_CONFIG>());
        assert!(size_of::<FunctionList>() > size_of::<sys::NV_ENCODE_API_FUNCTION_LIST>());
    }

    #[test]
    fn entries_stand_in_the_headers_order() {
        let places = [
            ("nvEncGetEncodeGUIDs", offset_of!(sys::NV_ENCODE_API_FUNCTION_LIST, nvEncGetEncodeGUIDs)),
            ("nvEncLockBitstream", offset_of!(sys::NV_ENCODE_API_FUNCTION_LIST, nvEncLockBitstream)),
            ("nvEncOpenEncodeSessionEx", offset_of!(sys::NV_ENCODE_API_FUNCTION_LIST, nvEncOpenEncodeSessionEx)),
            (RESERVED, offset_of!(sys::NV_ENCODE_API_FUNCTION_LIST, reserved1)),
            ("nvEncLookaheadPicture", offset_of!(sys::NV_ENCODE_API_FUNCTION_LIST, nvEncLookaheadPicture)),
        ];
        for (name, place) in places {
            let own = ENTRIES.into_iter().position(|known| known == name).unwrap();
            assert_eq!(offset_of!(FunctionList, entries) + own * size_of::<usize>(), place, "{name}");
        }
    }
}
