//! One driver, called as a program calls it that was built with one of the headers: structs as raw words, statuses as plain
//! numbers.
//!
//! Knows how each entry is called, and not what it should answer. A struct is zeroed memory, larger than in any header, so
//! that no driver writes past it. Whoever asks what a driver does with a null pointer trusts it not to follow it: a driver
//! that is not our own is asked in a process of its own (`apart`).

use std::ffi::c_void;
use std::mem::transmute;
use std::ptr::null_mut;

use super::Answer;
use super::headers::{FUTURE_API, Header};
use super::structs::{FunctionList, Guid, Struct, at, named_entries};
use crate::device::{self, DeviceError, DeviceSpec};
use crate::nvenc::api::Exports;
use crate::nvenc::session::DeviceHandle;

/// A driver and, where there is one, a device that it works on.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) exports: Exports,
    pub(super) device: Option<DeviceHandle>,
}

/// A program that was built with one header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client<'a> {
    driver: &'a Driver,
    pub header: &'static Header,
}

/// What is said when a session is opened.
pub(super) struct Opening {
    pub version: u32,
    pub device_type: u32,
    pub device: *mut c_void,
    pub api: u32,
    /// What is in the handle before the call.
    pub handle: *mut c_void,
}

/// An open session, or the null session. Closed at the end.
pub(super) struct Session {
    list: Box<FunctionList>,
    encoder: *mut c_void,
    is_open: bool,
    pub header: &'static Header,
}

/// `NV_ENC_DEVICE_TYPE_CUDA`.
const CUDA: u32 = 1;

/// Entries in an array that a driver fills; no list of the API is as long.
const ROOM: usize = 256;

/// Calls an entry of a list by its name; a null entry is the answer.
macro_rules! call {
    ($list:expr, $entry:expr, $($argument:expr => $type:ty),+) => {{
        let entry = $list.entry($entry)?;
        // SAFETY: the driver put the function there that the header names so, and the header gives it these parameters.
        // Pointers among them lead to live memory of sufficient size, or are null on purpose (see the top of the file).
        unsafe { transmute::<*mut c_void, unsafe extern "C" fn($($type),+) -> u32>(entry)($($argument),+) }
    }};
}

impl Driver {
    /// Loads the driver of a device. Where the device itself is missing, questions about it remain unanswered.
    ///
    /// # Errors
    /// There is no such library, or it is no NVENC driver; or there is a GPU that CUDA does not open.
    pub fn of(spec: &DeviceSpec) -> Result<Self, DeviceError> {
        let exports = match spec {
            DeviceSpec::Virtual(_) | DeviceSpec::VirtualOnCuda(..) => Exports::built_in(),
            DeviceSpec::Cuda(_) => Exports::system()?,
            DeviceSpec::Library(path) => Exports::load(path)?,
        };
        let device = match device::handle(spec) {
            Ok(handle) => Some(handle),
            Err(DeviceError::NoCuda { .. } | DeviceError::NoGpu { .. }) => None,
            Err(DeviceError::Cuda { answer, .. }) if answer == "CUDA_ERROR_NO_DEVICE" => None,
            Err(error) => return Err(error),
        };
        Ok(Self { exports, device })
    }

    pub(super) fn client(&self, header: &'static Header) -> Client<'_> {
        Client { driver: self, header }
    }
}

impl Client<'_> {
    /// `NvEncodeAPIGetMaxSupportedVersion`.
    pub fn max_version(&self) -> Answer {
        let mut version = 0;
        // SAFETY: the pointer is valid for the u32 that is written.
        let status = unsafe { (self.driver.exports.max_version)(&raw mut version) };
        Answer::with_value(status, format!("{version:#x} ({}.{})", version >> 4, version & 0xf))
    }

    pub fn max_version_into_null(&self) -> Answer {
        // SAFETY: null is a case that the header has a status for.
        Answer::status(unsafe { (self.driver.exports.max_version)(null_mut()) })
    }

    /// `NvEncodeAPICreateInstance` with this version word.
    pub fn create(&self, word: u32) -> Answer {
        Answer::status(self.fill(word).0)
    }

    pub fn create_into_null(&self) -> Answer {
        // SAFETY: null is a case that the header has a status for.
        Answer::status(unsafe { (self.driver.exports.create)(null_mut()) })
    }

    /// Which entries of this header's list are null.
    pub fn null_entries(&self) -> Result<Answer, Answer> {
        let list = self.list()?;
        let missing: Vec<_> = named_entries().filter(|name| list.entry(name).is_err()).collect();
        Ok(Answer::with_value(0, if missing.is_empty() { "none".to_owned() } else { missing.join(", ") }))
    }

    /// `nvEncOpenEncodeSessionEx` with the right words but for what `change` writes.
    pub fn open(&self, change: impl FnOnce(&mut Opening)) -> Result<Answer, Answer> {
        Ok(Answer::status(self.try_open(change)?.0))
    }

    /// What a refused open leaves in the session's handle, which was null before, or else pointed to zeroed memory.
    pub fn handle_after_refusal(&self, was_null: bool) -> Result<Answer, Answer> {
        let mut memory = Struct::new(0);
        let before = if was_null { null_mut() } else { memory.as_mut_ptr().cast() };
        let (status, session) = self.try_open(|it| (it.api, it.handle) = (FUTURE_API, before))?;
        let after = match session.encoder {
            handle if handle.is_null() => "null",
            handle if handle == before => "unchanged",
            _ => "changed",
        };
        Ok(Answer::with_value(status, after.to_owned()))
    }

    pub fn open_with_null_params(&self) -> Result<Answer, Answer> {
        self.device()?;
        let mut session = self.null_session()?;
        Ok(Answer::status(call!(session.list, "nvEncOpenEncodeSessionEx",
            null_mut() => *mut Struct, &raw mut session.encoder => *mut *mut c_void)))
    }

    /// The deprecated `nvEncOpenEncodeSession`.
    pub fn open_as_of_old(&self) -> Result<Answer, Answer> {
        let mut session = self.null_session()?;
        let status = call!(session.list, "nvEncOpenEncodeSession",
            self.device()? => *mut c_void, CUDA => u32, &raw mut session.encoder => *mut *mut c_void);
        session.is_open = !session.encoder.is_null();
        Ok(Answer::status(status))
    }

    /// What a program has that goes on after a refused open.
    pub fn null_session(&self) -> Result<Session, Answer> {
        Ok(Session { list: self.list()?, encoder: null_mut(), is_open: false, header: self.header })
    }

    /// An open session; or why there is none.
    pub fn session(&self) -> Result<Session, Answer> {
        match self.try_open(|_| {})? {
            (0, session) => Ok(session),
            (1 | 2, _) => Err(Answer::NeedsEngine),
            (status, _) => Err(Answer::with_value(status, "from nvEncOpenEncodeSessionEx".to_owned())),
        }
    }

    /// The driver's status for these words, and the session; a driver may hand one out and refuse all the same.
    fn try_open(&self, change: impl FnOnce(&mut Opening)) -> Result<(u32, Session), Answer> {
        let Header { open: version, api, .. } = *self.header;
        let mut opening = Opening { version, device_type: CUDA, device: self.device()?, api, handle: null_mut() };
        change(&mut opening);
        let mut params = Struct::new(opening.version)
            .with(at::OPEN_DEVICE_TYPE, opening.device_type)
            .with_pointer(at::OPEN_DEVICE, opening.device)
            .with(at::OPEN_API_VERSION, opening.api);
        let mut session = self.null_session()?;
        session.encoder = opening.handle;
        let status = call!(session.list, "nvEncOpenEncodeSessionEx",
            params.as_mut_ptr() => *mut Struct, &raw mut session.encoder => *mut *mut c_void);
        session.is_open = session.encoder != opening.handle && !session.encoder.is_null();
        Ok((status, session))
    }

    fn device(&self) -> Result<*mut c_void, Answer> {
        self.driver.device.as_ref().map(DeviceHandle::as_ptr).ok_or(Answer::NeedsGpu)
    }

    /// This header's function list.
    fn list(&self) -> Result<Box<FunctionList>, Answer> {
        match self.fill(self.header.list) {
            (0, list) => Ok(list),
            (status, _) => Err(Answer::with_value(status, "from NvEncodeAPICreateInstance".to_owned())),
        }
    }

    fn fill(&self, word: u32) -> (u32, Box<FunctionList>) {
        let mut list = Box::new(FunctionList::new(word));
        // SAFETY: the list is larger than any header's and lives through the call.
        let status = unsafe { (self.driver.exports.create)((&raw mut *list).cast()) };
        (status, list)
    }
}

impl Session {
    /// Calls an entry that takes a struct.
    pub fn pass(&self, entry: &str, mut params: Struct) -> Result<u32, Answer> {
        Ok(call!(self.list, entry, self.encoder => *mut c_void, params.as_mut_ptr() => *mut Struct))
    }

    /// Calls an entry that takes a handle.
    pub fn hand(&self, entry: &str, handle: *mut c_void) -> Result<u32, Answer> {
        Ok(call!(self.list, entry, self.encoder => *mut c_void, handle => *mut c_void))
    }

    /// `nvEncGetEncodeGUIDCount`: its status and the number.
    pub fn codec_count(&self) -> Result<(u32, u32), Answer> {
        let mut count = 0;
        let status = call!(self.list, "nvEncGetEncodeGUIDCount",
            self.encoder => *mut c_void, &raw mut count => *mut u32);
        Ok((status, count))
    }

    /// `nvEncGetEncodeGUIDs`: its status and the list.
    pub fn codecs(&self) -> Result<(u32, Vec<Guid>), Answer> {
        let (mut guids, mut count) = (vec![Guid::default(); ROOM], 0);
        let status = call!(self.list, "nvEncGetEncodeGUIDs", self.encoder => *mut c_void,
            guids.as_mut_ptr() => *mut Guid, ROOM as u32 => u32, &raw mut count => *mut u32);
        guids.truncate(count as usize);
        Ok((status, guids))
    }

    /// One of the entries that count something of a codec: its status and the number.
    pub fn count(&self, entry: &str, codec: Guid) -> Result<(u32, u32), Answer> {
        let mut count = 0;
        let status = call!(self.list, entry,
            self.encoder => *mut c_void, codec => Guid, &raw mut count => *mut u32);
        Ok((status, count))
    }

    /// `nvEncGetEncodePresetGUIDs`: its status and the list.
    pub fn presets(&self, codec: Guid) -> Result<(u32, Vec<Guid>), Answer> {
        self.list_of("nvEncGetEncodePresetGUIDs", codec)
    }

    /// `nvEncGetInputFormats`: its status and the list.
    pub fn formats(&self, codec: Guid) -> Result<(u32, Vec<u32>), Answer> {
        self.list_of("nvEncGetInputFormats", codec)
    }

    /// An entry that lists values of the type `T` that a codec has.
    fn list_of<T: Default + Clone>(&self, entry: &str, codec: Guid) -> Result<(u32, Vec<T>), Answer> {
        let (mut values, mut count) = (vec![T::default(); ROOM], 0);
        let status = call!(self.list, entry, self.encoder => *mut c_void, codec => Guid,
            values.as_mut_ptr() => *mut T, ROOM as u32 => u32, &raw mut count => *mut u32);
        values.truncate(count as usize);
        Ok((status, values))
    }

    /// `nvEncGetEncodeCaps` with this version word: its status and the value.
    pub fn capability(&self, version: u32, codec: Guid, capability: u32) -> Result<(u32, i32), Answer> {
        let mut query = Struct::new(version).with(at::CAPS_QUERY, capability);
        let mut value = 0;
        let status = call!(self.list, "nvEncGetEncodeCaps", self.encoder => *mut c_void, codec => Guid,
            query.as_mut_ptr() => *mut Struct, &raw mut value => *mut i32);
        Ok((status, value))
    }

    /// `nvEncGetEncodePresetConfigEx`.
    pub fn preset_config(&self, codec: Guid, preset: Guid, tuning: u32) -> Result<u32, Answer> {
        let Header { preset_config, config, .. } = *self.header;
        let mut params = Struct::new(preset_config).with(at::PRESET_CONFIG, config);
        Ok(call!(self.list, "nvEncGetEncodePresetConfigEx", self.encoder => *mut c_void, codec => Guid,
            preset => Guid, tuning => u32, params.as_mut_ptr() => *mut Struct))
    }

    /// `nvEncCreateBitstreamBuffer`: its status and the handle.
    pub fn create_bitstream(&self) -> Result<(u32, *mut c_void), Answer> {
        let mut params = Struct::new(self.header.create_bitstream);
        let status = call!(self.list, "nvEncCreateBitstreamBuffer",
            self.encoder => *mut c_void, params.as_mut_ptr() => *mut Struct);
        Ok((status, params.pointer(at::BITSTREAM_BUFFER)))
    }

    /// `nvEncDestroyEncoder`.
    pub fn destroy(&mut self) -> Result<u32, Answer> {
        self.is_open = false;
        Ok(call!(self.list, "nvEncDestroyEncoder", self.encoder => *mut c_void))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.is_open {
            // The question has been answered.
            drop(self.destroy());
        }
    }
}
