//! NVDEC's functions, from a driver library or handed over as a table. Same code from there on.
//!
//! Entries are called with the header's parameter types but answer a plain number, because a newer driver may answer a
//! status that the header's enum does not have, and such a value must not exist in Rust.

use std::ffi::{c_int, c_uint, c_ulonglong};
use std::path::Path;
use std::sync::Arc;

use moq_nvenc::sys::cuviddec::{
    CUVIDDECODECAPS, CUVIDDECODECREATEINFO, CUVIDGETDECODESTATUS, CUVIDPICPARAMS, CUVIDPROCPARAMS, CUvideodecoder,
};
use moq_nvenc::sys::nvcuvid::{CUVIDPARSERPARAMS, CUVIDSOURCEDATAPACKET, CUvideoparser};

use super::error::{CallError, NvdecError};
use crate::library::Library;

/// A driver's decoder functions.
#[derive(Debug)]
pub struct Api {
    pub(super) entries: Entries,
    _library: Option<Library>,
}

/// Names each entry once: our name, the export's name, its parameters.
macro_rules! entries {
    ($($name:ident = $export:literal($($parameter:ty),*);)*) => {
        /// The functions this program calls, by what they do; the header's names are in the errors.
        #[derive(Debug, Clone, Copy)]
        #[allow(missing_docs, reason = "nvcuvid.h and cuviddec.h say it")]
        pub struct Entries {
            $(pub $name: unsafe extern "C" fn($($parameter),*) -> u32,)*
        }

        impl Entries {
            fn take(library: &Library) -> Result<Self, &'static str> {
                Ok(Self {
                    // SAFETY: the headers give the exports these signatures, with CUresult, an enum of 32 bits, as the
                    // answer; a library that exports other things under these names is not one we can tell from a driver.
                    $($name: unsafe { library.function(concat!($export, "\0").as_bytes()) }.ok_or($export)?,)*
                })
            }
        }
    };
}

entries! {
    create_parser = "cuvidCreateVideoParser"(*mut CUvideoparser, *mut CUVIDPARSERPARAMS);
    parse = "cuvidParseVideoData"(CUvideoparser, *mut CUVIDSOURCEDATAPACKET);
    destroy_parser = "cuvidDestroyVideoParser"(CUvideoparser);
    caps = "cuvidGetDecoderCaps"(*mut CUVIDDECODECAPS);
    create_decoder = "cuvidCreateDecoder"(*mut CUvideodecoder, *mut CUVIDDECODECREATEINFO);
    destroy_decoder = "cuvidDestroyDecoder"(CUvideodecoder);
    decode = "cuvidDecodePicture"(CUvideodecoder, *mut CUVIDPICPARAMS);
    status = "cuvidGetDecodeStatus"(CUvideodecoder, c_int, *mut CUVIDGETDECODESTATUS);
    map = "cuvidMapVideoFrame64"(CUvideodecoder, c_int, *mut c_ulonglong, *mut c_uint, *mut CUVIDPROCPARAMS);
    unmap = "cuvidUnmapVideoFrame64"(CUvideodecoder, c_ulonglong);
}

impl Api {
    /// The embedded virtual decoder.
    pub fn built_in() -> Arc<Self> {
        use virtual_nvenc::decode;
        let entries = Entries {
            create_parser: decode::create_parser,
            parse: decode::parse,
            destroy_parser: decode::destroy_parser,
            caps: decode::caps,
            create_decoder: decode::create_decoder,
            destroy_decoder: decode::destroy_decoder,
            decode: decode::decode,
            status: decode::status,
            map: decode::map,
            unmap: decode::unmap,
        };
        Arc::new(Self { entries, _library: None })
    }

    /// The installed NVIDIA driver's decoder library, by its full system name.
    ///
    /// # Errors
    /// [`NvdecError::Load`] where there is none, [`NvdecError::MissingEntry`] where it is broken.
    pub fn system() -> Result<Arc<Self>, NvdecError> {
        const ADVICE: &str = "install the NVIDIA driver (Debian/Ubuntu: the package libnvcuvid1; in a container, NVIDIA_DRIVER_CAPABILITIES=video), or use --device virtual";
        let name = if cfg!(windows) { "nvcuvid.dll" } else { "libnvcuvid.so.1" };
        Self::from_library(Library::system(name).map_err(|error| NvdecError::load(error, ADVICE))?)
    }

    /// Any decoder library, by path.
    ///
    /// # Errors
    /// As [`Api::system`].
    pub fn load(path: &Path) -> Result<Arc<Self>, NvdecError> {
        const ADVICE: &str = "name an NVDEC driver library for this computer, such as libnvcuvid.so.1";
        Self::from_library(Library::load(path).map_err(|error| NvdecError::load(error, ADVICE))?)
    }

    /// A table that somebody filled: the virtual decoder, or a test that replaces one entry of a good table.
    ///
    /// # Safety
    /// Every entry must be callable as the header says, for as long as the returned value lives.
    pub unsafe fn from_table(entries: Entries) -> Arc<Self> {
        Arc::new(Self { entries, _library: None })
    }

    /// The functions, for a program that calls them itself.
    pub fn entries(&self) -> &Entries {
        &self.entries
    }

    fn from_library(library: Library) -> Result<Arc<Self>, NvdecError> {
        let entries = Entries::take(&library)
            .map_err(|entry| NvdecError::MissingEntry { library: library.name().to_owned(), entry })?;
        Ok(Arc::new(Self { entries, _library: Some(library) }))
    }
}

/// A status as a result.
pub(super) fn check(call: &'static str, status: u32) -> Result<(), CallError> {
    if status == 0 { Ok(()) } else { Err(CallError { call, status }) }
}
