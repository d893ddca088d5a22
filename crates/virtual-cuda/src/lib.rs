//! What of CUDA's driver library NVENC clients ask for before they encode: one device, contexts, memory, copies,
//! streams, events. There is no GPU behind it.
//!
//! `cargo build -p virtual-cuda` leaves it as `target/debug/libvirtual_cuda.so` (`--release`: `target/release/`). Copied
//! as `libcuda.so.1` into a folder on `LD_LIBRARY_PATH`, beside the virtual NVENC, it serves unmodified clients.
//!
//! Device memory is host memory, so copies are copies and everything asynchronous is done when the call returns. What
//! needs a processor of its own (kernels, modules, textures, graphics) answers `CUDA_ERROR_NOT_SUPPORTED`. Types and
//! names are those of CUDA's driver API; nothing here knows NVENC.

mod context;
mod device;
mod lookup;
mod memory;
mod sync;
mod unsupported;

use std::ffi::{c_char, c_int};

/// `CUresult`
pub type Status = c_int;

/// `CUDA_SUCCESS`
pub const SUCCESS: Status = 0;
/// `CUDA_ERROR_INVALID_VALUE`
pub const INVALID_VALUE: Status = 1;
/// `CUDA_ERROR_OUT_OF_MEMORY`
pub const OUT_OF_MEMORY: Status = 2;
/// `CUDA_ERROR_INVALID_DEVICE`
pub const INVALID_DEVICE: Status = 101;
/// `CUDA_ERROR_INVALID_CONTEXT`
pub const INVALID_CONTEXT: Status = 201;
/// `CUDA_ERROR_INVALID_HANDLE`
pub const INVALID_HANDLE: Status = 400;
/// `CUDA_ERROR_NOT_FOUND`
pub const NOT_FOUND: Status = 500;
/// `CUDA_ERROR_NOT_SUPPORTED`
pub const NOT_SUPPORTED: Status = 801;

const TEXTS: [(Status, &std::ffi::CStr, &std::ffi::CStr); 8] = [
    (SUCCESS, c"CUDA_SUCCESS", c"no error"),
    (INVALID_VALUE, c"CUDA_ERROR_INVALID_VALUE", c"invalid argument"),
    (OUT_OF_MEMORY, c"CUDA_ERROR_OUT_OF_MEMORY", c"out of memory"),
    (INVALID_DEVICE, c"CUDA_ERROR_INVALID_DEVICE", c"invalid device ordinal: there is one virtual device"),
    (INVALID_CONTEXT, c"CUDA_ERROR_INVALID_CONTEXT", c"invalid device context"),
    (INVALID_HANDLE, c"CUDA_ERROR_INVALID_HANDLE", c"invalid resource handle"),
    (NOT_FOUND, c"CUDA_ERROR_NOT_FOUND", c"named symbol not found"),
    (NOT_SUPPORTED, c"CUDA_ERROR_NOT_SUPPORTED", c"not supported by the virtual CUDA, which has no processor"),
];

/// Defines entries of the library: exported under their own names, and listed for `cuGetProcAddress`.
macro_rules! exports {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) $body:block)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Safety
            /// As CUDA's reference says of this entry: pointers that are not null point to what it names.
            #[allow(non_snake_case, reason = "named as CUDA names it")]
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name($($argument: $type),*) -> $crate::Status $body
        )*

        /// Looks an entry of this file up.
        pub(crate) fn find(name: &str) -> Option<*mut std::ffi::c_void> {
            match name {
                $(stringify!($name) => Some($name as *mut std::ffi::c_void),)*
                _ => None,
            }
        }
    };
}
pub(crate) use exports;

/// Writes a result through a pointer argument.
///
/// # Safety
/// A pointer that is not null points to writable memory for a `T`.
pub(crate) unsafe fn give<T>(to: *mut T, value: T) -> Status {
    if to.is_null() {
        return INVALID_VALUE;
    }
    // SAFETY: not null; the caller vouches for the rest.
    unsafe { to.write_unaligned(value) };
    SUCCESS
}

mod errors {
    use super::*;

    exports! {
        /// The name of a status.
        fn cuGetErrorName(error: Status, name: *mut *const c_char) {
            let known = TEXTS.iter().find(|(status, ..)| *status == error);
            // SAFETY: the caller's promise.
            unsafe { known.map_or(INVALID_VALUE, |(_, text, _)| give(name, text.as_ptr())) }
        }

        /// What a status means.
        fn cuGetErrorString(error: Status, text: *mut *const c_char) {
            let known = TEXTS.iter().find(|(status, ..)| *status == error);
            // SAFETY: the caller's promise.
            unsafe { known.map_or(INVALID_VALUE, |(_, _, meaning)| give(text, meaning.as_ptr())) }
        }
    }
}
