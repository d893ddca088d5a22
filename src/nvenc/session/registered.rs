//! A GPU's memory as input: registered once, mapped while the engine reads it.
//!
//! The order is the API's: register, then for each frame map, submit, lock, unlock, unmap; unregister before the memory is
//! freed. Knows no copies: who fills the memory does so between unmap and map.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use moq_nvenc::sys::nvEncodeAPI as sys;

use super::{Session, given, params, upload};
use crate::calls::{self, Call};
use crate::contract::{EncoderConfig, FrameView, PixelFormat};
use crate::memory::{DeviceBuffer, DeviceRows, ToNv12};
use crate::nvenc::error::NvencError;
use crate::nvenc::params::{get, put};

/// One buffer of a GPU, registered with a session.
#[derive(Debug)]
pub(super) struct Registered {
    /// Freed after it was unregistered.
    buffer: Arc<dyn DeviceBuffer>,
    handle: *mut c_void,
    /// Null while it is not mapped.
    mapped: AtomicPtr<c_void>,
    /// The time stamp of the frame in it.
    pts: AtomicU64,
}

impl Registered {
    /// What a frame is submitted with; null before it is mapped.
    pub(super) fn mapped(&self) -> *mut c_void {
        self.mapped.load(Ordering::Relaxed)
    }

    /// Somebody else has filled it with a frame. Returns the pitch of its rows in bytes.
    pub(super) fn take_filled(&self, pts: u64) -> u32 {
        self.pts.store(pts, Ordering::Relaxed);
        self.buffer.pitch_bytes() as u32
    }

    /// Is this frame in it?
    pub(super) fn holds(&self, pts: u64) -> bool {
        self.pts.load(Ordering::Relaxed) == pts
    }
}

/// Where frames are converted from, and by what.
#[derive(Debug)]
pub(super) struct Conversion {
    converter: Arc<dyn ToNv12>,
    /// A frame as it came. One is enough: it is converted before the next is copied.
    original: Arc<dyn DeviceBuffer>,
    row_bytes: usize,
    num_rows: usize,
}

impl Session {
    /// Makes ready what converts frames of this configuration.
    pub(super) fn create_conversion(&self, config: &EncoderConfig) -> Result<Conversion, NvencError> {
        let EncoderConfig { format, dimensions, .. } = *config;
        let is_even = dimensions.width.is_multiple_of(2) && dimensions.height.is_multiple_of(2);
        if format != PixelFormat::Argb || !is_even {
            return Err(NvencError::NotConvertible { format, dimensions });
        }
        let memory = self.device.memory.as_ref().ok_or(NvencError::NoMemory)?;
        let (row_bytes, num_rows) = (4 * dimensions.width as usize, dimensions.height as usize);
        let original = memory.device_buffer(row_bytes, num_rows)?;
        Ok(Conversion { converter: memory.nv12_converter()?, original, row_bytes, num_rows })
    }

    /// Converts the frame that was copied last, and waits for it.
    pub(super) fn convert(&self, conversion: &Conversion, registered: &Registered) -> Result<(), NvencError> {
        let memory = self.device.memory.as_ref().ok_or(NvencError::NoMemory)?;
        let Conversion { converter, original, row_bytes, num_rows } = conversion;
        let (row_bytes, num_rows) = (*row_bytes, *num_rows);
        let from = DeviceRows { at: original.at(), pitch_bytes: original.pitch_bytes(), row_bytes, num_rows };
        // SAFETY: the one was made for frames as they come, the other for NV12 of the same even size, and it is not mapped; only
        // this thread writes to them.
        let queued = unsafe { converter.queue(from, registered.buffer.at(), registered.buffer.pitch_bytes()) };
        Ok(queued.and_then(|()| memory.wait())?)
    }

    /// Allocates and registers memory for frames of this configuration.
    pub(super) fn create_registered(&self, config: &EncoderConfig) -> Result<Registered, NvencError> {
        let memory = self.device.memory.as_ref().ok_or(NvencError::NoMemory)?;
        let planes = config.encoded_format().planes(config.dimensions);
        // Chroma of an odd width is a byte wider than luma; planes of half width have half the pitch, so that two of their rows
        // take one of these.
        let row_bytes = planes.iter().map(|plane| plane.row_bytes).max().unwrap_or(0);
        let luma_bytes = planes.first().map_or(1, |plane| plane.row_bytes);
        let rows = planes.iter().map(|plane| (plane.rows * plane.row_bytes).div_ceil(luma_bytes)).sum();
        self.register(memory.device_buffer(row_bytes, rows)?, config)
    }

    /// Copies a frame to the GPU and waits for it: to where it is encoded from, or where it is converted from. Returns the pitch of
    /// the rows that are encoded, in bytes.
    pub(super) fn upload_by_cuda(&self, registered: &Registered, frame: &FrameView<'_>) -> Result<u32, NvencError> {
        let memory = self.device.memory.as_ref().ok_or(NvencError::NoMemory)?;
        // Only where a driver gave another time stamp back than it got: `unmap_input_of` did not find the frame then.
        self.unmap(registered)?;
        let target = self.conversion.as_ref().map_or(&registered.buffer, |conversion| &conversion.original);
        let pitch = target.pitch_bytes();
        let queued = upload::place_planes(frame, pitch, |plane| {
            let to = DeviceRows {
                at: target.at() + plane.offset as u64,
                pitch_bytes: plane.pitch,
                row_bytes: plane.row_bytes,
                num_rows: plane.num_rows,
            };
            // SAFETY: the rows are the frame's, which the caller holds until `wait` below has returned; the buffer was made
            // for such a frame, and is not mapped, so nobody else uses it.
            unsafe { memory.copy_in(plane.rows.as_ptr(), to) }
        });
        // Also after an error: a plane that was queued before it is still being read.
        let waited = memory.wait();
        queued.and(waited)?;
        registered.pts.store(frame.pts, Ordering::Relaxed);
        Ok(registered.buffer.pitch_bytes() as u32)
    }

    /// Registers a buffer for frames of this configuration.
    pub(super) fn register(
        &self,
        buffer: Arc<dyn DeviceBuffer>,
        config: &EncoderConfig,
    ) -> Result<Registered, NvencError> {
        let mut params = MaybeUninit::<sys::NV_ENC_REGISTER_RESOURCE>::zeroed();
        let _call = calls::enter(Call::CreateBuffer);
        // SAFETY: the struct is zeroed and written in place, and valid during the call; the buffer lives until it is
        // unregistered.
        let status = unsafe {
            put!(params.version = sys::NV_ENC_REGISTER_RESOURCE_VER);
            put!(params.resourceType = sys::_NV_ENC_INPUT_RESOURCE_TYPE::NV_ENC_INPUT_RESOURCE_TYPE_CUDADEVICEPTR);
            put!(params.width = config.dimensions.width);
            put!(params.height = config.dimensions.height);
            put!(params.pitch = buffer.pitch_bytes() as u32);
            put!(params.resourceToRegister = std::ptr::with_exposed_provenance_mut(buffer.at() as usize));
            put!(params.bufferFormat = params::buffer_format(config.encoded_format()));
            put!(params.bufferUsage = sys::_NV_ENC_BUFFER_USAGE::NV_ENC_INPUT_IMAGE);
            (self.api.entries.register)(self.encoder, params.as_mut_ptr())
        };
        self.check("nvEncRegisterResource", status)?;
        // SAFETY: the driver succeeded, so it has written the handle.
        let handle = given("nvEncRegisterResource", unsafe { get!(params.registeredResource as *mut c_void) })?;
        Ok(Registered { buffer, handle, mapped: AtomicPtr::new(null_mut()), pts: AtomicU64::new(u64::MAX) })
    }

    /// Maps a buffer for the next frame that is submitted with it.
    pub(super) fn map(&self, registered: &Registered) -> Result<(), NvencError> {
        let mut params = MaybeUninit::<sys::NV_ENC_MAP_INPUT_RESOURCE>::zeroed();
        let _call = calls::enter(Call::MapInput);
        // SAFETY: the struct is zeroed and written in place, and valid during the call.
        let status = unsafe {
            put!(params.version = sys::NV_ENC_MAP_INPUT_RESOURCE_VER);
            put!(params.registeredResource = registered.handle);
            (self.api.entries.map_input)(self.encoder, params.as_mut_ptr())
        };
        self.check("nvEncMapInputResource", status)?;
        // SAFETY: the driver succeeded, so it has written the handle.
        let mapped = given("nvEncMapInputResource", unsafe { get!(params.mappedResource as *mut c_void) })?;
        registered.mapped.store(mapped, Ordering::Relaxed);
        Ok(())
    }

    /// Gives a buffer back to whoever fills it; does nothing where it is not mapped.
    pub(super) fn unmap(&self, registered: &Registered) -> Result<(), NvencError> {
        let mapped = registered.mapped.swap(null_mut(), Ordering::Relaxed);
        if mapped.is_null() {
            return Ok(());
        }
        let _call = calls::enter(Call::UnmapInput);
        // SAFETY: the handle is this session's, and is unmapped once.
        let status = unsafe { (self.api.entries.unmap_input)(self.encoder, mapped) };
        self.check("nvEncUnmapInputResource", status)
    }

    /// Before the session is destroyed. Answers are ignored, as there.
    pub(super) fn unregister(&self, registered: &Registered) {
        let _ = self.unmap(registered);
        let _call = calls::enter(Call::DestroyBuffer);
        // SAFETY: the handle is this session's, and is unregistered once.
        unsafe { (self.api.entries.unregister)(self.encoder, registered.handle) };
    }
}
