//! NVENC's function table from three origins: built in, loaded from a library, handed over. Same code from there on.
//!
//! Knows how a table is got and what its entries are called with; knows no session. Entries are called with the
//! header's parameter types but answer a plain number, because a newer driver may answer a status that the header's
//! enum does not have, and such a value must not exist in Rust.

use std::ffi::c_void;
use std::mem::{MaybeUninit, transmute};
use std::path::Path;
use std::sync::Arc;

use moq_nvenc::sys::nvEncodeAPI as sys;

use super::error::{CallError, NvencError, Status};
use crate::library::Library;

/// What the driver's two exports look like, with numbers for statuses.
type CreateInstance = unsafe extern "C" fn(*mut sys::NV_ENCODE_API_FUNCTION_LIST) -> u32;
type MaxSupportedVersion = unsafe extern "C" fn(*mut u32) -> u32;

/// The two functions that a driver library exports.
#[derive(Debug)]
pub struct Exports {
    name: String,
    pub(crate) create: CreateInstance,
    pub(crate) max_version: MaxSupportedVersion,
    library: Option<Library>,
}

/// A driver's function table.
#[derive(Debug)]
pub struct Api {
    pub(super) entries: Entries,
    pub(super) last_error: LastError,
    pub(super) sequence_params: SequenceParams,
    max_version: u32,
    _library: Option<Library>,
}

/// Major and minor version of the header that every call is made with.
pub const HEADER_VERSION: (u32, u32) = (sys::NVENCAPI_MAJOR_VERSION, sys::NVENCAPI_MINOR_VERSION);

/// Names each entry once: our name, the header's name, its parameters.
macro_rules! entries {
    ($($name:ident = $slot:ident($($parameter:ty),*);)*) => {
        /// The entries this program calls.
        #[derive(Debug, Clone, Copy)]
        pub(super) struct Entries {
            $(pub(super) $name: unsafe extern "C" fn($($parameter),*) -> u32,)*
        }

        impl Entries {
            fn take(list: &sys::NV_ENCODE_API_FUNCTION_LIST) -> Result<Self, &'static str> {
                Ok(Self {
                    $($name: match list.$slot {
                        // SAFETY: only the return type changes, from the header's `repr(u32)` enum to `u32`; both are
                        // returned the same way by the C ABI, and `u32` may hold whatever the driver answers.
                        Some(entry) => unsafe {
                            transmute::<unsafe extern "C" fn($($parameter),*) -> sys::NVENCSTATUS,
                                unsafe extern "C" fn($($parameter),*) -> u32>(entry)
                        },
                        None => return Err(stringify!($slot)),
                    },)*
                })
            }
        }
    };
}

entries! {
    open = nvEncOpenEncodeSessionEx(*mut sys::NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS, *mut *mut c_void);
    guid_count = nvEncGetEncodeGUIDCount(*mut c_void, *mut u32);
    guids = nvEncGetEncodeGUIDs(*mut c_void, *mut sys::GUID, u32, *mut u32);
    caps = nvEncGetEncodeCaps(*mut c_void, sys::GUID, *mut sys::NV_ENC_CAPS_PARAM, *mut i32);
    preset_config = nvEncGetEncodePresetConfigEx(*mut c_void, sys::GUID, sys::GUID, sys::NV_ENC_TUNING_INFO, *mut sys::NV_ENC_PRESET_CONFIG);
    initialize = nvEncInitializeEncoder(*mut c_void, *mut sys::NV_ENC_INITIALIZE_PARAMS);
    create_input = nvEncCreateInputBuffer(*mut c_void, *mut sys::NV_ENC_CREATE_INPUT_BUFFER);
    destroy_input = nvEncDestroyInputBuffer(*mut c_void, *mut c_void);
    create_output = nvEncCreateBitstreamBuffer(*mut c_void, *mut sys::NV_ENC_CREATE_BITSTREAM_BUFFER);
    destroy_output = nvEncDestroyBitstreamBuffer(*mut c_void, *mut c_void);
    encode = nvEncEncodePicture(*mut c_void, *mut sys::NV_ENC_PIC_PARAMS);
    lock_output = nvEncLockBitstream(*mut c_void, *mut sys::NV_ENC_LOCK_BITSTREAM);
    unlock_output = nvEncUnlockBitstream(*mut c_void, *mut c_void);
    register = nvEncRegisterResource(*mut c_void, *mut sys::NV_ENC_REGISTER_RESOURCE);
    unregister = nvEncUnregisterResource(*mut c_void, *mut c_void);
    map_input = nvEncMapInputResource(*mut c_void, *mut sys::NV_ENC_MAP_INPUT_RESOURCE);
    unmap_input = nvEncUnmapInputResource(*mut c_void, *mut c_void);
    lock_input = nvEncLockInputBuffer(*mut c_void, *mut sys::NV_ENC_LOCK_INPUT_BUFFER);
    unlock_input = nvEncUnlockInputBuffer(*mut c_void, *mut c_void);
    destroy = nvEncDestroyEncoder(*mut c_void);
}

/// The last-error text is no status call, so it stands apart.
pub(super) type LastError = Option<unsafe extern "C" fn(*mut c_void) -> *const std::ffi::c_char>;

/// What is asked only once, before anything is measured; a driver without it is good too.
pub(super) type SequenceParams =
    Option<unsafe extern "C" fn(*mut c_void, *mut sys::NV_ENC_SEQUENCE_PARAM_PAYLOAD) -> sys::NVENCSTATUS>;

impl Api {
    /// The embedded virtual driver.
    ///
    /// # Errors
    /// Only if the two sides were built against different headers.
    pub fn built_in() -> Result<Arc<Self>, NvencError> {
        Self::from_exports(Exports::built_in())
    }

    /// The installed NVIDIA driver, as [`Exports::system`].
    ///
    /// # Errors
    /// As [`Exports::system`], or the driver's refusal where it is broken.
    pub fn system() -> Result<Arc<Self>, NvencError> {
        Self::from_exports(Exports::system()?)
    }

    /// Any driver library, by path.
    ///
    /// # Errors
    /// As [`Api::system`].
    pub fn load(path: &Path) -> Result<Arc<Self>, NvencError> {
        Self::from_exports(Exports::load(path)?)
    }

    /// A table that somebody filled: tests replace one entry of a good table and see what happens.
    ///
    /// # Errors
    /// [`NvencError::MissingEntry`] if an entry this program calls is null.
    ///
    /// # Safety
    /// Every non-null entry must be callable as the header says, for as long as the returned value lives.
    pub unsafe fn from_table(
        list: &sys::NV_ENCODE_API_FUNCTION_LIST,
        max_version: u32,
    ) -> Result<Arc<Self>, NvencError> {
        Self::from_list("the given table", list, max_version, None)
    }

    /// Highest NVENC API the driver speaks, as (major, minor).
    pub fn max_version(&self) -> (u32, u32) {
        (self.max_version >> 4, self.max_version & 0xf)
    }

    fn from_exports(exports: Exports) -> Result<Arc<Self>, NvencError> {
        let mut max_version = 0;
        // SAFETY: the pointer is valid for the one u32 that is written.
        check("NvEncodeAPIGetMaxSupportedVersion", unsafe { (exports.max_version)(&raw mut max_version) })?;
        // Version words first: CreateInstance checks this one, and refuses what is newer than the driver.
        let mut list = MaybeUninit::<sys::NV_ENCODE_API_FUNCTION_LIST>::zeroed();
        // SAFETY: an all-zero list is valid (numbers, and `None` for every function pointer), and the driver writes
        // only function pointers into it.
        let list = unsafe {
            (*list.as_mut_ptr()).version = sys::NV_ENCODE_API_FUNCTION_LIST_VER;
            check("NvEncodeAPICreateInstance", (exports.create)(list.as_mut_ptr()))?;
            list.assume_init()
        };
        Self::from_list(&exports.name, &list, max_version, exports.library)
    }

    fn from_list(
        name: &str,
        list: &sys::NV_ENCODE_API_FUNCTION_LIST,
        max_version: u32,
        library: Option<Library>,
    ) -> Result<Arc<Self>, NvencError> {
        let entries =
            Entries::take(list).map_err(|entry| NvencError::MissingEntry { library: name.to_owned(), entry })?;
        let (last_error, sequence_params) = (list.nvEncGetLastErrorString, list.nvEncGetSequenceParams);
        Ok(Arc::new(Self { entries, last_error, sequence_params, max_version, _library: library }))
    }
}

impl Exports {
    /// Those of the embedded virtual driver.
    pub fn built_in() -> Self {
        Self {
            name: "the built-in virtual driver".to_owned(),
            create: virtual_nvenc::create_instance,
            max_version: virtual_nvenc::max_supported_version,
            library: None,
        }
    }

    /// Those of the installed NVIDIA driver, by its full system name: on Linux the soname, on Windows from System32 only.
    ///
    /// # Errors
    /// [`NvencError::Load`] where there is none, [`NvencError::MissingEntry`] where it does not export both.
    pub fn system() -> Result<Self, NvencError> {
        const ADVICE: &str = "install the NVIDIA driver (Debian/Ubuntu: the package libnvidia-encode1; in a container, NVIDIA_DRIVER_CAPABILITIES=video), or use --device virtual";
        let name = if cfg!(windows) { "nvEncodeAPI64.dll" } else { "libnvidia-encode.so.1" };
        Self::of_library(Library::system(name).map_err(|error| NvencError::load(error, ADVICE))?)
    }

    /// Those of any driver library, by path.
    ///
    /// # Errors
    /// As [`Exports::system`].
    pub fn load(path: &Path) -> Result<Self, NvencError> {
        const ADVICE: &str = "name an NVENC driver library for this computer, such as libnvidia-encode.so.1";
        Self::of_library(Library::load(path).map_err(|error| NvencError::load(error, ADVICE))?)
    }

    fn of_library(library: Library) -> Result<Self, NvencError> {
        let name = library.name().to_owned();
        let missing = |entry| NvencError::MissingEntry { library: name.clone(), entry };
        // SAFETY: the header gives both exports these signatures; a library that exports other things under these
        // names is not one we can tell from a driver.
        let (create, max_version) = unsafe {
            (
                library
                    .function::<CreateInstance>(b"NvEncodeAPICreateInstance\0")
                    .ok_or_else(|| missing("NvEncodeAPICreateInstance"))?,
                library
                    .function::<MaxSupportedVersion>(b"NvEncodeAPIGetMaxSupportedVersion\0")
                    .ok_or_else(|| missing("NvEncodeAPIGetMaxSupportedVersion"))?,
            )
        };
        Ok(Self { name, create, max_version, library: Some(library) })
    }
}

/// A status as a result; the driver's text is added where a session is at hand.
pub(super) fn check(call: &'static str, status: u32) -> Result<(), CallError> {
    match Status(status) {
        Status::SUCCESS => Ok(()),
        status => Err(CallError { call, status, driver_text: String::new() }),
    }
}
