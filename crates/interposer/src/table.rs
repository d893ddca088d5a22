//! The wrapped entries of the function table. Each calls the driver's own entry with the client's arguments and answers
//! what the driver answered; what is written down comes after.

use std::ffi::c_void;
use std::mem::{offset_of, transmute};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering::Relaxed};

use moq_nvenc::sys::nvEncodeAPI as sys;

use crate::layout::{self, codec_name};
use crate::recorder::{LockCall, Recorder, now_ns};
use crate::setup::Setup;
use crate::{registry, trace};

const SUCCESS: u32 = 0;
const NEED_MORE_INPUT: u32 = 17;
/// `NV_ENC_ERR_LOCK_BUSY` and `NV_ENC_ERR_ENCODER_BUSY`: asked without waiting, and not finished.
const NOT_YET: [u32; 2] = [13, 18];
/// `NV_ENC_ERR_INVALID_PTR`: what a table without this entry answers.
const NO_ENTRY: u32 = 6;

/// Defines the wrapped entries: the driver's own kept in a static each, a stand-in each, and the list of both.
macro_rules! wrapped {
    ($($name:ident = $slot:ident($($argument:ident: $type:ty),*) $seen:block)*) => {
        /// The driver's own entries; null until a table was wrapped.
        mod real {
            use super::*;
            $(#[allow(non_upper_case_globals, reason = "named as the header names it")]
            pub static $slot: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());)*
        }

        /// What the driver answers.
        mod call {
            use super::*;
            $(pub fn $name($($argument: $type),*) -> u32 {
                let entry = real::$slot.load(Relaxed);
                if entry.is_null() {
                    return NO_ENTRY;
                }
                // SAFETY: `wrap` took the pointer from this slot of a driver's table, so it has the slot's signature
                // (its status enum being a u32); the arguments are the client's own.
                unsafe {
                    transmute::<*mut c_void, unsafe extern "system" fn($($type),*) -> u32>(entry)($($argument),*)
                }
            })*
        }

        $(unsafe extern "system" fn $name($($argument: $type),*) -> u32 $seen)*

        const SLOTS: &[Slot] = &[$(Slot {
            offset: offset_of!(sys::NV_ENCODE_API_FUNCTION_LIST, $slot),
            real: &real::$slot,
            stand_in: || $name as unsafe extern "system" fn($($type),*) -> u32 as *mut c_void,
        }),*];
    };
}

struct Slot {
    offset: usize,
    real: &'static AtomicPtr<c_void>,
    stand_in: fn() -> *mut c_void,
}

/// Puts the stand-ins into a table that a driver has filled. Slots that are empty stay empty.
///
/// # Safety
/// `list` points to an `NV_ENCODE_API_FUNCTION_LIST` that a driver has filled and whose entries stay callable for as
/// long as the process runs. All tables that are wrapped come from the same driver.
pub unsafe fn wrap(list: *mut c_void) {
    trace::write_rest_at_exit();
    for slot in SLOTS {
        // SAFETY: the list's slots have the same offsets in every header; the caller vouches for the memory.
        let entry = unsafe { list.cast::<u8>().add(slot.offset).cast::<*mut c_void>() };
        // SAFETY: as above.
        let of_driver = unsafe { entry.read_unaligned() };
        let stand_in = (slot.stand_in)();
        if !of_driver.is_null() && of_driver != stand_in {
            slot.real.store(of_driver, Relaxed);
            if slot.offset == offset_of!(sys::NV_ENCODE_API_FUNCTION_LIST, nvEncOpenEncodeSessionEx) {
                // SAFETY: as above; the list starts with its version word.
                keep_opener(unsafe { list.cast::<u32>().read_unaligned() }, of_driver);
            }
            // SAFETY: as above; the client gave the list to be written to.
            unsafe { entry.write_unaligned(stand_in) };
        }
    }
}

/// A driver may hand out another entry for opening to each header that its clients were built with, since which header
/// that was is known there first. Kept by the header's version, like `minor << 24 | major`; 0: free.
static OPENERS: [(AtomicU32, AtomicPtr<c_void>); 16] =
    [const { (AtomicU32::new(0), AtomicPtr::new(ptr::null_mut())) }; 16];
/// What of a struct's version word is the header's version; the rest is the struct's own.
const HEADER_BITS: u32 = 0x0f00_ffff;

fn keep_opener(version_word: u32, opener: *mut c_void) {
    let header = version_word & HEADER_BITS;
    for (known, place) in &OPENERS {
        let found = known.compare_exchange(0, header, Relaxed, Relaxed);
        if found.is_ok() || found == Err(header) {
            place.store(opener, Relaxed);
            return;
        }
    }
}

fn opener_of(client_api: u32) -> Option<*mut c_void> {
    let opener = OPENERS.iter().find(|(known, _)| known.load(Relaxed) == client_api & HEADER_BITS);
    opener.map(|(_, place)| place.load(Relaxed)).filter(|opener| !opener.is_null())
}

type OpenEntry = unsafe extern "system" fn(*mut c_void, *mut *mut c_void) -> u32;

fn seen(encoder: *mut c_void, status: u32) -> Option<&'static Recorder> {
    let (_, recorder) = registry::of(encoder)?;
    if status != SUCCESS {
        recorder.failed_calls.fetch_add(1, Relaxed);
    }
    Some(recorder).filter(|_| status == SUCCESS)
}

fn opened(encoder: *mut *mut c_void, client_api: u32, at_ns: u64) {
    // SAFETY: the driver answered success, so it wrote the handle where the client asked it to.
    let encoder = unsafe { encoder.as_ref() };
    if let Some(&encoder) = encoder.filter(|encoder| !encoder.is_null()) {
        registry::enter(Recorder::new(encoder, client_api, at_ns));
    }
}

wrapped! {
    open_old = nvEncOpenEncodeSession(device: *mut c_void, device_type: u32, encoder: *mut *mut c_void) {
        let at_ns = now_ns();
        let status = call::open_old(device, device_type, encoder);
        if status == SUCCESS {
            opened(encoder, 0, at_ns);
        }
        status
    }

    open = nvEncOpenEncodeSessionEx(params: *mut c_void, encoder: *mut *mut c_void) {
        let at_ns = now_ns();
        // SAFETY: the struct is the client's own argument; null is looked at, and any version has the member there.
        let client_api = unsafe { layout::OPEN_API_VERSION.read(params) }.unwrap_or(0);
        let status = match opener_of(client_api) {
            // SAFETY: `wrap` took the pointer from this slot of a driver's table; the arguments are the client's own.
            Some(opener) => unsafe { transmute::<*mut c_void, OpenEntry>(opener)(params, encoder) },
            None => call::open(params, encoder),
        };
        if status == SUCCESS {
            opened(encoder, client_api, at_ns);
        }
        status
    }

    initialize = nvEncInitializeEncoder(encoder: *mut c_void, params: *mut c_void) {
        let status = call::initialize(encoder, params);
        if let Some(recorder) = seen(encoder, status) {
            // SAFETY: a struct that the driver took for one of its own.
            unsafe { note_setup(recorder, params) };
        }
        status
    }

    reconfigure = nvEncReconfigureEncoder(encoder: *mut c_void, params: *mut c_void) {
        let status = call::reconfigure(encoder, params);
        if let Some(recorder) = seen(encoder, status) {
            recorder.num_reconfigured.fetch_add(1, Relaxed);
        }
        status
    }

    create_output = nvEncCreateBitstreamBuffer(encoder: *mut c_void, params: *mut c_void) {
        let status = call::create_output(encoder, params);
        if let Some(recorder) = seen(encoder, status) {
            recorder.num_outputs.fetch_add(1, Relaxed);
        }
        status
    }

    lock_input = nvEncLockInputBuffer(encoder: *mut c_void, params: *mut c_void) {
        let at_ns = now_ns();
        let status = call::lock_input(encoder, params);
        if let Some(recorder) = seen(encoder, status) {
            recorder.upload_began(at_ns);
        }
        status
    }

    unlock_input = nvEncUnlockInputBuffer(encoder: *mut c_void, input: *mut c_void) {
        let status = call::unlock_input(encoder, input);
        if let Some(recorder) = seen(encoder, status) {
            recorder.upload_ended(now_ns());
        }
        status
    }

    encode = nvEncEncodePicture(encoder: *mut c_void, params: *mut c_void) {
        let at_ns = now_ns();
        let status = call::encode(encoder, params);
        let returned_at_ns = now_ns();
        if let Some((_, recorder)) = registry::of(encoder) {
            // SAFETY: a struct that the driver has just read.
            unsafe { note_picture(recorder, params, status, at_ns, returned_at_ns) };
        }
        status
    }

    lock = nvEncLockBitstream(encoder: *mut c_void, params: *mut c_void) {
        let recorder = registry::of(encoder).map(|(_, recorder)| recorder);
        let depth = recorder.map_or(0, Recorder::in_flight);
        let at_ns = now_ns();
        let status = call::lock(encoder, params);
        let returned_at_ns = now_ns();
        match recorder {
            Some(recorder) if status == SUCCESS => {
                // SAFETY: a struct that the driver has just filled.
                if let Some(lock) = unsafe { lock_call(params, depth, at_ns, returned_at_ns) } {
                    recorder.locked(&lock);
                }
            }
            Some(recorder) if NOT_YET.contains(&status) => recorder.lock_was_busy(returned_at_ns - at_ns),
            Some(recorder) => _ = recorder.failed_calls.fetch_add(1, Relaxed),
            None => {}
        }
        status
    }

    unlock = nvEncUnlockBitstream(encoder: *mut c_void, output: *mut c_void) {
        let at_ns = now_ns();
        let status = call::unlock(encoder, output);
        if let Some(recorder) = seen(encoder, status) {
            recorder.unlocked(output, at_ns, now_ns());
        }
        status
    }

    destroy = nvEncDestroyEncoder(encoder: *mut c_void) {
        // Before the call: afterwards the driver may give the same handle to another thread's session.
        let session = registry::of(encoder);
        let status = call::destroy(encoder);
        if let Some((number, recorder)) = session.filter(|_| status == SUCCESS) {
            trace::write(number, recorder, true);
        }
        status
    }
}

/// # Safety
/// `params` is null or an `NV_ENC_INITIALIZE_PARAMS` of any version that a driver has just taken.
unsafe fn note_setup(recorder: &Recorder, params: *mut c_void) {
    // SAFETY: the caller vouches for the struct.
    unsafe {
        if let Some(codec) = layout::INIT_CODEC.read(params).and_then(codec_name) {
            // A second initialisation of a session keeps the first one's codec; drivers refuse to change it.
            let _ = recorder.codec.set(codec);
        }
        recorder.width.store(layout::INIT_WIDTH.read(params).unwrap_or(0), Relaxed);
        recorder.height.store(layout::INIT_HEIGHT.read(params).unwrap_or(0), Relaxed);
        recorder.fps_num.store(layout::INIT_FPS_NUM.read(params).unwrap_or(0), Relaxed);
        recorder.fps_den.store(layout::INIT_FPS_DEN.read(params).unwrap_or(0), Relaxed);
        let _ = recorder.setup.set(Setup::read(params, recorder.client_api));
    }
}

/// # Safety
/// `params` is null or an `NV_ENC_PIC_PARAMS` of any version.
unsafe fn note_picture(recorder: &Recorder, params: *mut c_void, status: u32, at_ns: u64, returned_at_ns: u64) {
    // SAFETY: the caller vouches for the struct.
    let (flags, input, format, timestamp) = unsafe {
        (
            layout::PIC_FLAGS.read(params).unwrap_or(0),
            layout::PIC_INPUT.read(params).unwrap_or(ptr::null_mut()),
            layout::PIC_FORMAT.read(params).unwrap_or(0),
            layout::PIC_TIMESTAMP.read(params).unwrap_or(0),
        )
    };
    let is_end = flags & layout::FLAG_END_OF_STREAM != 0 || input.is_null();
    match status {
        SUCCESS | NEED_MORE_INPUT if is_end => {
            let _ = recorder.end_of_stream_at_ns.compare_exchange(0, at_ns, Relaxed, Relaxed);
        }
        SUCCESS | NEED_MORE_INPUT => {
            recorder.submitted(timestamp, at_ns, returned_at_ns);
            recorder.buffer_format.store(format, Relaxed);
        }
        _ => _ = recorder.failed_calls.fetch_add(1, Relaxed),
    }
}

/// # Safety
/// `params` is null or an `NV_ENC_LOCK_BITSTREAM` of any version that a driver has filled.
unsafe fn lock_call(params: *mut c_void, depth: u32, at_ns: u64, returned_at_ns: u64) -> Option<LockCall> {
    // SAFETY: the caller vouches for the struct.
    unsafe {
        Some(LockCall {
            output: layout::LOCK_OUTPUT.read(params)?,
            timestamp: layout::LOCK_TIMESTAMP.read(params)?,
            bytes: layout::LOCK_SIZE.read(params)?,
            pic_type: layout::LOCK_KIND.read(params)?,
            depth,
            at_ns,
            returned_at_ns,
        })
    }
}
