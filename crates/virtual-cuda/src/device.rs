//! The one device, and what it says of itself.

use std::ffi::{c_char, c_int, c_uint};

use crate::{INVALID_DEVICE, INVALID_VALUE, SUCCESS, Status, exports, give};

const NAME: &[u8] = b"Virtual CUDA device (no GPU)\0";
/// CUDA 12.2.
const DRIVER_VERSION: c_int = 12_020;
/// Compute capability, such that every client takes the device for one that can encode.
const CAPABILITY: (c_int, c_int) = (8, 9);
const TOTAL_BYTES: usize = 8 << 30;

/// Is there such a device?
pub fn check(device: c_int) -> Status {
    if device == 0 { SUCCESS } else { INVALID_DEVICE }
}

/// Memory of the device, were it one.
pub fn total_bytes() -> usize {
    TOTAL_BYTES
}

/// `CUdevice_attribute` by number; what is not named is not there.
fn attribute(attribute: c_int) -> c_int {
    match attribute {
        1..=3 => 1024, // threads of a block, and its sides
        4 => 64,
        5 => i32::MAX, // a grid's sides
        6 | 7 => 65_535,
        8 => 49_152,          // shared memory of a block
        10 => 32,             // threads of a warp
        13 | 36 => 1_000_000, // clocks, in kHz
        14 | 37 => 512,       // alignment of textures
        16 => 1,              // processors
        41 | 83 => 1,         // one address space, managed memory
        75 => CAPABILITY.0,
        76 => CAPABILITY.1,
        _ => 0,
    }
}

exports! {
    /// Nothing is to be set up.
    fn cuInit(flags: c_uint) {
        if flags == 0 { SUCCESS } else { INVALID_VALUE }
    }

    /// The CUDA version that is spoken.
    fn cuDriverGetVersion(version: *mut c_int) {
        // SAFETY: the caller's promise.
        unsafe { give(version, DRIVER_VERSION) }
    }

    /// There is one device.
    fn cuDeviceGetCount(count: *mut c_int) {
        // SAFETY: the caller's promise.
        unsafe { give(count, 1) }
    }

    /// Its handle is its number.
    fn cuDeviceGet(device: *mut c_int, ordinal: c_int) {
        if check(ordinal) != SUCCESS {
            return INVALID_DEVICE;
        }
        // SAFETY: the caller's promise.
        unsafe { give(device, ordinal) }
    }

    /// A name that nobody takes for a GPU's.
    fn cuDeviceGetName(name: *mut c_char, len: c_int, device: c_int) {
        let room = usize::try_from(len).unwrap_or(0);
        if name.is_null() || room == 0 {
            return INVALID_VALUE;
        }
        let shown = NAME.len().min(room);
        // SAFETY: the caller vouches for `len` bytes.
        unsafe {
            name.cast::<u8>().copy_from_nonoverlapping(NAME.as_ptr(), shown);
            name.add(shown - 1).write(0);
        }
        check(device)
    }

    /// As old clients ask.
    fn cuDeviceComputeCapability(major: *mut c_int, minor: *mut c_int, device: c_int) {
        // SAFETY: the caller's promise.
        unsafe { check(device).max(give(major, CAPABILITY.0)).max(give(minor, CAPABILITY.1)) }
    }

    /// One property.
    fn cuDeviceGetAttribute(value: *mut c_int, which: c_int, device: c_int) {
        // SAFETY: the caller's promise.
        unsafe { check(device).max(give(value, attribute(which))) }
    }

    /// Its memory.
    fn cuDeviceTotalMem_v2(bytes: *mut usize, device: c_int) {
        // SAFETY: the caller's promise.
        unsafe { check(device).max(give(bytes, TOTAL_BYTES)) }
    }

    /// An identity that is the same everywhere.
    fn cuDeviceGetUuid(uuid: *mut [u8; 16], device: c_int) {
        // SAFETY: the caller's promise.
        unsafe { check(device).max(give(uuid, *b"virtual-cuda-000")) }
    }

    /// As [`cuDeviceGetUuid`].
    fn cuDeviceGetUuid_v2(uuid: *mut [u8; 16], device: c_int) {
        // SAFETY: the caller's promise.
        unsafe { cuDeviceGetUuid(uuid, device) }
    }

    /// It sits on no bus.
    fn cuDeviceGetPCIBusId(text: *mut c_char, len: c_int, device: c_int) {
        const NOWHERE: &[u8] = b"0000:00:00.0\0";
        if text.is_null() || usize::try_from(len).unwrap_or(0) < NOWHERE.len() {
            return INVALID_VALUE;
        }
        // SAFETY: the caller vouches for `len` bytes.
        unsafe { text.cast::<u8>().copy_from_nonoverlapping(NOWHERE.as_ptr(), NOWHERE.len()) };
        check(device)
    }
}
