//! What of NVIDIA's management library monitoring tools and encoders' clients ask for, about one device without a GPU.
//!
//! `cargo build -p virtual-nvml` leaves it as `target/debug/libvirtual_nvml.so` (`--release`: `target/release/`). Copied
//! as `libnvidia-ml.so.1` into a folder on `LD_LIBRARY_PATH`, beside the virtual NVENC, it serves unmodified clients.
//!
//! Clocks, throttling, P-state, utilisation and sessions are those of the engine that the virtual driver models in the
//! same process (`driver`). What the model does not know is a constant of this library, or answers
//! `NVML_ERROR_NOT_SUPPORTED`. Types and names are NVML's; nothing here knows NVENC's API.

mod driver;
mod encoder;
mod identity;
mod instruments;

use std::ffi::{CStr, c_char, c_uint};
use std::sync::atomic::{AtomicU32, Ordering};

use nvml_wrapper_sys::bindings::nvmlDevice_t;

/// `nvmlReturn_t`
pub type Status = c_uint;

/// `NVML_SUCCESS`
pub const SUCCESS: Status = 0;
/// `NVML_ERROR_UNINITIALIZED`
pub const UNINITIALIZED: Status = 1;
/// `NVML_ERROR_INVALID_ARGUMENT`
pub const INVALID_ARGUMENT: Status = 2;
/// `NVML_ERROR_NOT_SUPPORTED`
pub const NOT_SUPPORTED: Status = 3;
/// `NVML_ERROR_NOT_FOUND`
pub const NOT_FOUND: Status = 6;
/// `NVML_ERROR_INSUFFICIENT_SIZE`
pub const INSUFFICIENT_SIZE: Status = 7;
/// `NVML_ERROR_DRIVER_NOT_LOADED`: what a client is told where the device's description is wrong.
pub const DRIVER_NOT_LOADED: Status = 9;
/// `NVML_ERROR_ARGUMENT_VERSION_MISMATCH`
pub const VERSION_MISMATCH: Status = 25;

const TEXTS: [(Status, &CStr); 8] = [
    (SUCCESS, c"Success"),
    (UNINITIALIZED, c"Uninitialized"),
    (INVALID_ARGUMENT, c"Invalid Argument"),
    (NOT_SUPPORTED, c"Not Supported"),
    (NOT_FOUND, c"Not Found"),
    (INSUFFICIENT_SIZE, c"Insufficient Size"),
    (DRIVER_NOT_LOADED, c"Driver Not Loaded"),
    (VERSION_MISMATCH, c"Argument Version Mismatch"),
];

/// What a call answers; an error is a [`Status`].
type Answer = Result<(), Status>;

/// Defines entries of the library.
macro_rules! entries {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) $body:block)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Safety
            /// As NVML's reference says of this entry: pointers that are not null point to what it names.
            #[allow(non_snake_case, reason = "named as NVML names it")]
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name($($argument: $type),*) -> $crate::Status {
                let answer = || -> $crate::Answer { $body };
                answer().map_or_else(|status| status, |()| $crate::SUCCESS)
            }
        )*
    };
}

/// Defines entries that give one value of the device.
macro_rules! values {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $value:expr;)*) => {
        $crate::entries! { $(
            $(#[$doc])*
            fn $name(device: nvmlDevice_t, value: *mut $type) {
                $crate::check(device)?;
                // SAFETY: the caller's promise.
                unsafe { $crate::give(value, $value) }
            }
        )* }
    };
}
pub(crate) use {entries, values};

/// Calls of nvmlInit without their nvmlShutdown.
static NUM_USERS: AtomicU32 = AtomicU32::new(0);

/// Is the library at work?
fn check_initialised() -> Answer {
    if NUM_USERS.load(Ordering::Relaxed) > 0 { Ok(()) } else { Err(UNINITIALIZED) }
}

/// The one device's handle: a number that is never followed.
fn handle() -> nvmlDevice_t {
    std::ptr::without_provenance_mut(0x10)
}

/// Is the library at work, and the device its own?
fn check(device: nvmlDevice_t) -> Answer {
    check_initialised()?;
    if device == handle() { Ok(()) } else { Err(INVALID_ARGUMENT) }
}

/// Writes a result through a pointer argument.
///
/// # Safety
/// A pointer that is not null points to writable memory for a `T`.
unsafe fn give<T>(to: *mut T, value: T) -> Answer {
    if to.is_null() {
        return Err(INVALID_ARGUMENT);
    }
    // SAFETY: not null; the caller vouches for the rest.
    unsafe { to.write(value) };
    Ok(())
}

/// Writes a text into a buffer of `len` bytes.
///
/// # Safety
/// A pointer that is not null points to `len` writable bytes.
unsafe fn give_text(to: *mut c_char, len: c_uint, text: &CStr) -> Answer {
    let bytes = text.to_bytes_with_nul();
    if to.is_null() {
        return Err(INVALID_ARGUMENT);
    }
    if (len as usize) < bytes.len() {
        return Err(INSUFFICIENT_SIZE);
    }
    // SAFETY: not null, and large enough by the caller's promise.
    unsafe { to.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    Ok(())
}

/// Counts a user; the last [`nvmlShutdown`] ends the library's work.
#[allow(non_snake_case, reason = "named as NVML names it")]
#[unsafe(no_mangle)]
pub extern "C" fn nvmlInit_v2() -> Status {
    if !driver::is_described() {
        return DRIVER_NOT_LOADED;
    }
    NUM_USERS.fetch_add(1, Ordering::Relaxed);
    SUCCESS
}

/// As [`nvmlInit_v2`]: there is a device, and nothing to attach to.
#[allow(non_snake_case, reason = "named as NVML names it")]
#[unsafe(no_mangle)]
pub extern "C" fn nvmlInitWithFlags(_: c_uint) -> Status {
    nvmlInit_v2()
}

/// One user less.
#[allow(non_snake_case, reason = "named as NVML names it")]
#[unsafe(no_mangle)]
pub extern "C" fn nvmlShutdown() -> Status {
    let one_less = |users: u32| users.checked_sub(1);
    match NUM_USERS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less) {
        Ok(_) => SUCCESS,
        Err(_) => UNINITIALIZED,
    }
}

/// What a status means, before nvmlInit too.
#[allow(non_snake_case, reason = "named as NVML names it")]
#[unsafe(no_mangle)]
pub extern "C" fn nvmlErrorString(status: Status) -> *const c_char {
    TEXTS.iter().find(|(known, _)| *known == status).map_or(c"Unknown Error", |(_, text)| text).as_ptr()
}
