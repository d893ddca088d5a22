//! One encode session: opened, asked, initialised, fed, locked, closed. Thin: one method a driver call.
//!
//! Keeps what the driver needs kept (device, buffers) and gives it back in the order the API asks for, on every
//! path. Knows no threshold and no clock; the order of pictures is [`crate::pipeline`]'s business.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use moq_nvenc::sys::nvEncodeAPI as sys;

use super::api::{Api, check};
use super::error::{CallError, NvencError, Status};
use super::params::{self, get, put};
use super::upload;
use crate::calls::{self, Call};
use crate::contract::{EncoderConfig, FrameView, InputPath, PictureKind, PixelFormat};
use crate::memory::{DeviceMemory, FramePool};
use crate::pipeline::engine::Ready;

mod abilities;
mod ask;
mod inputs;
mod registered;
mod settings;

pub use abilities::CodecCaps;
pub use ask::LockAnswer;
use inputs::Input;
use registered::Conversion;

/// How long a busy driver is asked again. GStreamer's clients wait as long.
/// A packet is no larger than so many raw frames, whatever the settings, and the headers with it. What claims to be is not read.
const MAX_PACKETS_OF_RAW: usize = 4;
const PACKET_HEADERS_BYTES: usize = 1 << 20;
/// So much is read of a driver's text.
const MAX_TEXT_BYTES: usize = 1024;
const BUSY_LIMIT: Duration = Duration::from_millis(100);
const BUSY_PAUSE: Duration = Duration::from_micros(100);

/// What a session is opened on.
#[derive(Debug, Clone)]
pub struct DeviceHandle {
    ptr: *mut c_void,
    memory: Option<Arc<dyn DeviceMemory>>,
    _keep_alive: Arc<dyn KeepAlive>,
}

/// What an encoder was set up by.
type SetUp = (Box<MaybeUninit<sys::NV_ENC_PRESET_CONFIG>>, MaybeUninit<sys::NV_ENC_INITIALIZE_PARAMS>);

/// Anything that can be kept.
pub trait KeepAlive: Send + Sync + std::fmt::Debug {}

impl<T: Send + Sync + std::fmt::Debug> KeepAlive for T {}

impl DeviceHandle {
    /// A `CUcontext`, or what stands for one, and whatever must live as long as it is used.
    ///
    /// # Safety
    /// `ptr` must be what the driver that it is given to takes for a device, for as long as `keep_alive` lives.
    pub unsafe fn new(ptr: *mut c_void, keep_alive: Arc<dyn KeepAlive>) -> Self {
        Self { ptr, memory: None, _keep_alive: keep_alive }
    }

    /// The same with the device's memory, which frames can be registered in.
    pub fn with_memory(self, memory: Arc<dyn DeviceMemory>) -> Self {
        Self { memory: Some(memory), ..self }
    }

    /// The device's memory, where there is any.
    pub fn memory(&self) -> Option<&Arc<dyn DeviceMemory>> {
        self.memory.as_ref()
    }

    /// The pointer as the driver gets it; good for as long as this value lives.
    pub fn as_ptr(&self) -> *mut c_void {
        self.ptr
    }
}

// SAFETY: the pointer is never dereferenced here, only handed to the driver, which takes it on any thread.
unsafe impl Send for DeviceHandle {}
// SAFETY: as above.
unsafe impl Sync for DeviceHandle {}

/// An open encode session with its buffers.
#[derive(Debug)]
pub struct Session {
    api: Arc<Api>,
    encoder: *mut c_void,
    /// The `k`-th frame goes in by the `k`-th input, modulo their number, and the `k`-th packet comes out by the `k`-th output.
    inputs: Vec<Input>,
    outputs: Vec<*mut c_void>,
    /// Who fills the inputs, where it is not this session; each is a buffer of it, in the same order.
    filled_by: Option<Arc<FramePool>>,
    /// Converts frames on the device, where they are not encoded as they come.
    conversion: Option<Conversion>,
    /// Frames that the encoder looks ahead, once it is set up.
    lookahead: u32,
    /// No packet is larger, once it is set up.
    max_packet_bytes: usize,
    /// Pictures were submitted after the last end-of-stream: the API wants one before the session is destroyed.
    needs_end_of_stream: AtomicBool,
    /// Dropped last: the driver uses the device until the session is gone.
    device: DeviceHandle,
}

// SAFETY: the API allows submitting on one thread while another takes frames back (programming guide, "threading model");
// the pipeline keeps to that split, and buffers are made only through `&mut self`. Memory that is registered is mapped by the
// first thread and unmapped by the second, and mapped again only after the ring, behind its mutex, has counted its frame as
// taken back, or after `FramePool` has given the memory out again.
unsafe impl Send for Session {}
// SAFETY: as above.
unsafe impl Sync for Session {}

/// A finished picture, locked: its bytes lie in the driver's memory until it is unlocked.
#[derive(Debug)]
pub struct Locked<'a> {
    session: &'a Session,
    output: *mut c_void,
    data: *const u8,
    num_bytes: usize,
    /// The time stamp of the input it was made from.
    pub(super) pts: u64,
    /// As the driver said.
    pub(super) kind: PictureKind,
}

impl Session {
    /// Opens a session on a device.
    ///
    /// # Errors
    /// What the driver answers: no engine, too many sessions, a driver too old.
    pub fn open(api: Arc<Api>, device: DeviceHandle) -> Result<Self, NvencError> {
        let mut params = MaybeUninit::<sys::NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS>::zeroed();
        let mut encoder = std::ptr::null_mut();
        let _call = calls::enter(Call::OpenSession);
        // SAFETY: the struct is zeroed and written in place; both pointers are valid during the call, and the device
        // is kept alive by `device`.
        let status = unsafe {
            put!(params.version = sys::NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS_VER);
            put!(params.deviceType = sys::_NV_ENC_DEVICE_TYPE::NV_ENC_DEVICE_TYPE_CUDA);
            put!(params.device = device.ptr);
            put!(params.apiVersion = sys::NVENCAPI_VERSION);
            (api.entries.open)(params.as_mut_ptr(), &raw mut encoder)
        };
        // A driver may hand out a handle and refuse all the same; dropping the session then destroys it.
        let needs_end_of_stream = AtomicBool::new(false);
        let (inputs, outputs) = (Vec::new(), Vec::new());
        let (filled_by, conversion) = (None, None);
        let (lookahead, max_packet_bytes) = (0, 0);
        let session = Self {
            api,
            encoder,
            inputs,
            outputs,
            filled_by,
            conversion,
            lookahead,
            max_packet_bytes,
            needs_end_of_stream,
            device,
        };
        session.check("nvEncOpenEncodeSessionEx", status)?;
        given("nvEncOpenEncodeSessionEx", encoder)?;
        Ok(session)
    }

    /// Frames that the encoder looks ahead, once it is set up.
    pub(super) fn num_ahead(&self) -> u32 {
        self.lookahead
    }

    /// Sets the encoder up: preset, then what the configuration changes of it.
    ///
    /// # Errors
    /// What the device cannot do, said before the driver has to refuse it; or the driver's refusal.
    pub(super) fn initialize(&mut self, config: &EncoderConfig) -> Result<(), NvencError> {
        let raw_bytes = config.encoded_format().frame_bytes(config.dimensions);
        self.max_packet_bytes = MAX_PACKETS_OF_RAW * raw_bytes + PACKET_HEADERS_BYTES;
        self.set_up(config).map(drop)
    }

    /// The same, with what the encoder was set up by: the preset as the driver resolved it, and the initialisation, whose pointer
    /// to it has had its day.
    fn set_up(&mut self, config: &EncoderConfig) -> Result<SetUp, NvencError> {
        self.check_abilities(config)?;
        let mut boxed = Box::new(MaybeUninit::<sys::NV_ENC_PRESET_CONFIG>::zeroed());
        let preset = &mut *boxed;
        let call = calls::enter(Call::PresetConfig);
        // SAFETY: the struct is zeroed and written in place, and valid during the call.
        let status = unsafe {
            put!(preset.version = sys::NV_ENC_PRESET_CONFIG_VER);
            put!(preset.presetCfg.version = sys::NV_ENC_CONFIG_VER);
            (self.api.entries.preset_config)(
                self.encoder,
                params::codec_guid(config.codec),
                params::preset_guid(config.nvenc.preset),
                params::tuning_info(config.nvenc.tuning_info),
                preset.as_mut_ptr(),
            )
        };
        drop(call);
        self.check("nvEncGetEncodePresetConfigEx", status)?;
        params::adjust_preset(preset, config);
        self.lookahead = params::lookahead_of(preset);
        let mut init = params::initialize_params(config, preset);
        let _call = calls::enter(Call::Initialize);
        // SAFETY: `init` points at `preset`, and both live until the call has returned.
        let status = unsafe { (self.api.entries.initialize)(self.encoder, init.as_mut_ptr()) };
        self.check("nvEncInitializeEncoder", status)?;
        Ok((boxed, init))
    }

    fn output(&self, idx: u64) -> *mut c_void {
        self.outputs[(idx % self.outputs.len() as u64) as usize]
    }

    fn create_output(&self) -> Result<*mut c_void, NvencError> {
        let mut params = MaybeUninit::<sys::NV_ENC_CREATE_BITSTREAM_BUFFER>::zeroed();
        let _call = calls::enter(Call::CreateBuffer);
        // SAFETY: the struct is zeroed and written in place, and valid during the call.
        let status = unsafe {
            put!(params.version = sys::NV_ENC_CREATE_BITSTREAM_BUFFER_VER);
            (self.api.entries.create_output)(self.encoder, params.as_mut_ptr())
        };
        self.check("nvEncCreateBitstreamBuffer", status)?;
        // SAFETY: the driver succeeded, so it has written the handle.
        given("nvEncCreateBitstreamBuffer", unsafe { get!(params.bitstreamBuffer as *mut c_void) })
    }

    /// Submits the `idx`-th frame, with the output of the same number; with B pictures that holds another frame's packet.
    ///
    /// # Errors
    /// What the driver answers.
    pub(super) fn encode(&self, idx: u64, frame: &FrameView<'_>, pitch: u32) -> Result<Ready, NvencError> {
        let input = match self.input(idx, frame.pts)? {
            Input::Own(input) => *input,
            Input::Registered(registered) => registered.mapped(),
        };
        let mut params = MaybeUninit::<sys::NV_ENC_PIC_PARAMS>::zeroed();
        // SAFETY: the struct is zeroed and written in place.
        unsafe {
            put!(params.version = sys::NV_ENC_PIC_PARAMS_VER);
            put!(params.inputWidth = frame.dimensions.width);
            put!(params.inputHeight = frame.dimensions.height);
            put!(params.inputPitch = pitch);
            put!(params.frameIdx = idx as u32);
            put!(params.inputTimeStamp = frame.pts);
            put!(params.inputDuration = 1);
            put!(params.inputBuffer = input);
            put!(params.outputBitstream = self.output(idx));
            let is_converted = self.conversion.is_some();
            put!(params.bufferFmt = params::buffer_format(if is_converted { PixelFormat::Nv12 } else { frame.format }));
            put!(params.pictureStruct = sys::_NV_ENC_PIC_STRUCT::NV_ENC_PIC_STRUCT_FRAME);
        }
        let _call = calls::enter(Call::Encode);
        // SAFETY: the struct is valid during each call; both buffers are this session's and stay until it is dropped.
        let status = retry_while_busy(|| unsafe { (self.api.entries.encode)(self.encoder, params.as_mut_ptr()) });
        if Status(status) == Status::NEED_MORE_INPUT {
            self.needs_end_of_stream.store(true, Ordering::Relaxed);
            return Ok(Ready::More(0));
        }
        self.check("nvEncEncodePicture", status)?;
        self.needs_end_of_stream.store(true, Ordering::Relaxed);
        Ok(Ready::All)
    }

    /// Tells the driver that no picture follows: everything submitted becomes lockable.
    ///
    /// # Errors
    /// What the driver answers.
    pub(super) fn end_of_stream(&self) -> Result<(), NvencError> {
        let mut params = MaybeUninit::<sys::NV_ENC_PIC_PARAMS>::zeroed();
        // SAFETY: as the header asks, all but version and flags stay zero.
        unsafe {
            put!(params.version = sys::NV_ENC_PIC_PARAMS_VER);
            put!(params.encodePicFlags = sys::_NV_ENC_PIC_FLAGS::NV_ENC_PIC_FLAG_EOS as u32);
        }
        self.needs_end_of_stream.store(false, Ordering::Relaxed);
        let _call = calls::enter(Call::EndOfStream);
        // SAFETY: the struct is valid during each call.
        let status = retry_while_busy(|| unsafe { (self.api.entries.encode)(self.encoder, params.as_mut_ptr()) });
        self.check("nvEncEncodePicture (end of stream)", status)
    }

    /// Makes the device's context current on the calling thread, where that is of use.
    ///
    /// # Errors
    /// CUDA refuses.
    pub(super) fn enter_thread(&self, config: &EncoderConfig) -> Result<(), NvencError> {
        match (&self.device.memory, config.nvenc.input_path) {
            (Some(memory), InputPath::Cuda | InputPath::Convert) => Ok(memory.bind()?),
            _ => Ok(()),
        }
    }

    /// Locks the `idx`-th output. Without `wait`, `None` means that it is not finished.
    ///
    /// # Errors
    /// What the driver answers.
    pub(super) fn lock_output(&self, idx: u64, wait: bool) -> Result<Option<Locked<'_>>, NvencError> {
        let mut params = MaybeUninit::<sys::NV_ENC_LOCK_BITSTREAM>::zeroed();
        let call = calls::enter(Call::LockBitstream);
        // SAFETY: the struct is zeroed and written in place.
        unsafe {
            put!(params.version = sys::NV_ENC_LOCK_BITSTREAM_VER);
            (*params.as_mut_ptr())._bitfield_1.set_bit(0, !wait); // doNotWait
            put!(params.outputBitstream = self.output(idx));
        }
        // SAFETY: the struct is valid during each call.
        let mut lock = || unsafe { (self.api.entries.lock_output)(self.encoder, params.as_mut_ptr()) };
        // A lock that waits has no reason to be busy; drivers have been seen to say so for a moment.
        let status = if wait { retry_while_busy(lock) } else { lock() };
        drop(call);
        if !wait && matches!(Status(status), Status::LOCK_BUSY | Status::ENCODER_BUSY) {
            return Ok(None);
        }
        self.check("nvEncLockBitstream", status)?;
        // SAFETY: the driver succeeded, so it has written these fields.
        let (locked, pic_type) = unsafe {
            let pic_type = get!(params.pictureType as u32);
            let locked = Locked {
                session: self,
                output: self.output(idx),
                data: get!(params.bitstreamBufferPtr as *const u8),
                num_bytes: get!(params.bitstreamSizeInBytes as u32) as usize,
                pts: get!(params.outputTimeStamp as u64),
                kind: params::picture_kind(pic_type),
            };
            (locked, pic_type)
        };
        // From here on it is unlocked in any case.
        match locked.problem(self.max_packet_bytes, pic_type) {
            Some(problem) => Err(NvencError::Absurd { call: "nvEncLockBitstream", problem }),
            None => Ok(Some(locked)),
        }
    }

    fn check(&self, call: &'static str, status: u32) -> Result<(), NvencError> {
        check(call, status).map_err(|error| CallError { driver_text: self.last_error_text(), ..error }.into())
    }

    fn last_error_text(&self) -> String {
        let Some(last_error) = self.api.last_error else { return String::new() };
        if self.encoder.is_null() {
            return String::new();
        }
        // SAFETY: the session is open, and the driver answers null or a string that lives as long as the session does,
        // by what the header says. It may be another failure's text: a second thread shares the session.
        let text = unsafe {
            let text = last_error(self.encoder);
            if text.is_null() { None } else { Some(beginning_of(text)) }
        };
        text.unwrap_or_default()
    }
}

/// The first words of a driver's text, as one line that can be shown.
///
/// # Safety
/// `text` points to a string with a zero at its end, or to [`MAX_TEXT_BYTES`] bytes.
unsafe fn beginning_of(text: *const c_char) -> String {
    // SAFETY: the caller's promise; nothing behind the zero is read.
    let bytes =
        (0..MAX_TEXT_BYTES).map(|idx| unsafe { text.add(idx).cast::<u8>().read() }).take_while(|&byte| byte != 0);
    let bytes: Vec<u8> = bytes.collect();
    String::from_utf8_lossy(&bytes).replace(char::is_control, " ").trim().to_owned()
}

/// A handle that came with a success.
fn given(call: &'static str, handle: *mut c_void) -> Result<*mut c_void, NvencError> {
    match handle.is_null() {
        true => Err(NvencError::Absurd { call, problem: "it gave no handle".to_owned() }),
        false => Ok(handle),
    }
}

impl Locked<'_> {
    /// Why this cannot be a packet, if it cannot.
    fn problem(&self, max_bytes: usize, pic_type: u32) -> Option<String> {
        match self {
            Self { num_bytes: 0, .. } => Some(format!("the packet of time stamp {} is empty", self.pts)),
            Self { data, .. } if data.is_null() => Some("the packet lies at address 0".to_owned()),
            Self { num_bytes, .. } if *num_bytes > max_bytes => {
                Some(format!("a packet has {num_bytes} bytes, and its raw frame a fraction of that"))
            }
            Self { kind: PictureKind::Other, .. } => Some(format!("no frame has type {pic_type}")),
            _ => None,
        }
    }

    /// The coded bytes.
    pub(super) fn data(&self) -> &[u8] {
        // SAFETY: the driver gave this address, which is not 0, and size with the lock, and they hold until the unlock, which takes
        // or drops `self` and so ends this borrow.
        unsafe { std::slice::from_raw_parts(self.data, self.num_bytes) }
    }

    /// Gives the output back to the driver.
    ///
    /// # Errors
    /// What the driver answers.
    pub(super) fn unlock(self) -> Result<(), NvencError> {
        let this = std::mem::ManuallyDrop::new(self);
        let status = this.unlock_raw();
        this.session.check("nvEncUnlockBitstream", status)
    }

    fn unlock_raw(&self) -> u32 {
        let _call = calls::enter(Call::UnlockBitstream);
        // SAFETY: the handle is the session's and locked by us.
        unsafe { (self.session.api.entries.unlock_output)(self.session.encoder, self.output) }
    }
}

impl Drop for Locked<'_> {
    /// Only when it is no packet, or copying panicked between lock and unlock: the session could otherwise not be closed in order.
    fn drop(&mut self) {
        self.unlock_raw();
    }
}

impl Drop for Session {
    /// Gives everything back in the order the API asks for. Answers are ignored: there is nobody left to tell, and a
    /// driver that fails here must not take the program down with it.
    fn drop(&mut self) {
        if self.encoder.is_null() {
            return;
        }
        if self.needs_end_of_stream.load(Ordering::Relaxed) {
            let _ = self.end_of_stream();
        }
        let call = calls::enter(Call::DestroyBuffer);
        // SAFETY: each handle is this session's and is destroyed once; the session goes last.
        unsafe {
            for input in &self.inputs {
                match input {
                    Input::Own(input) => drop((self.api.entries.destroy_input)(self.encoder, *input)),
                    Input::Registered(registered) => self.unregister(registered),
                }
            }
            for &output in &self.outputs {
                (self.api.entries.destroy_output)(self.encoder, output);
            }
            drop(call);
            let _call = calls::enter(Call::DestroyEncoder);
            (self.api.entries.destroy)(self.encoder);
        }
    }
}

/// Asks again while the driver says it is busy, for a while.
fn retry_while_busy(mut call: impl FnMut() -> u32) -> u32 {
    let status = call();
    if !is_busy(status) {
        return status;
    }
    let start = Instant::now();
    loop {
        std::thread::sleep(BUSY_PAUSE);
        let status = call();
        if !is_busy(status) || start.elapsed() > BUSY_LIMIT {
            return status;
        }
    }
}

fn is_busy(status: u32) -> bool {
    matches!(Status(status), Status::LOCK_BUSY | Status::ENCODER_BUSY)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
