//! What engines ask of their device's memory: a current context, host and device memory, and copies between them.
//!
//! The device implements it: CUDA for a GPU, plain memory for the virtual device.

use std::ffi::c_void;
use std::fmt::Debug;
use std::sync::Arc;

mod pool;

pub use pool::FramePool;

/// The bytes of one frame, wherever they are kept.
pub type FrameBytes = Box<dyn AsRef<[u8]> + Send + Sync>;

/// Rows in a device's memory.
#[derive(Debug, Clone, Copy)]
pub struct DeviceRows {
    /// The address of the first, on the device.
    pub at: u64,
    /// From the begin of a row to that of the next.
    pub pitch_bytes: usize,
    /// The length of a row.
    pub row_bytes: usize,
    /// How many there are.
    pub num_rows: usize,
}

/// Memory of a device.
pub trait DeviceMemory: Debug + Send + Sync {
    /// Makes the device's context current on the calling thread. Cheap when it is already.
    ///
    /// # Errors
    /// The driver refuses.
    fn bind(&self) -> Result<(), MemoryError>;

    /// Host memory that the device can copy to and from without a detour (pinned).
    ///
    /// # Errors
    /// There is none left.
    fn host_buffer(&self, num_bytes: usize) -> Result<Arc<dyn HostBuffer>, MemoryError>;

    /// Device memory for `rows` rows of `row_bytes` bytes.
    ///
    /// # Errors
    /// There is none left.
    fn device_buffer(&self, row_bytes: usize, rows: usize) -> Result<Arc<dyn DeviceBuffer>, MemoryError>;

    /// The CUDA stream that copies are queued on; null where there is none. What the driver still does to a
    /// mapped frame must be queued on it, or else the copy takes it too early.
    fn stream(&self) -> *mut c_void;

    /// Copies rows to `into`, without gaps, and returns when they are there.
    ///
    /// # Errors
    /// The driver refuses.
    ///
    /// # Safety
    /// `from` must be device memory of this device that holds those rows until the call returns; `into` must have room for
    /// them, and nobody else may use it meanwhile.
    unsafe fn copy_out(&self, from: DeviceRows, into: &dyn HostBuffer) -> Result<(), MemoryError>;

    /// Queues the copy of rows, which lie without gaps at `from`.
    ///
    /// # Errors
    /// The driver refuses.
    ///
    /// # Safety
    /// `from` must hold those rows, unchanged until [`DeviceMemory::wait`] returns; `to` must be device memory of this
    /// device with room for them, which nobody else uses until then.
    unsafe fn copy_in(&self, from: *const u8, to: DeviceRows) -> Result<(), MemoryError>;

    /// Queues the copy of rows to other rows of this device, whose first begins at `to` and which are `to_pitch_bytes` apart.
    ///
    /// # Errors
    /// The driver refuses.
    ///
    /// # Safety
    /// Both must be memory of this device with room for those rows, which nobody else writes to until [`DeviceMemory::wait`]
    /// returns.
    unsafe fn copy_within(&self, from: DeviceRows, to: u64, to_pitch_bytes: usize) -> Result<(), MemoryError>;

    /// Conversion of frames in this memory, made ready: a device may have to compile it first.
    ///
    /// # Errors
    /// The driver refuses.
    fn nv12_converter(&self) -> Result<Arc<dyn ToNv12>, MemoryError>;

    /// Returns when all queued copies and conversions are there.
    ///
    /// # Errors
    /// A copy failed.
    fn wait(&self) -> Result<(), MemoryError>;
}

/// Conversion of four-byte pixels (B, G, R, A in memory, which is NVENC's ARGB) to NV12: BT.601 in limited range, in integers, with
/// chroma of the average of 2x2 pixels, as the virtual encoder converts them itself.
pub trait ToNv12: Debug + Send + Sync {
    /// Queues the conversion of a frame to rows that begin at `to` and are `to_pitch_bytes` apart: luma, and right after it chroma.
    ///
    /// # Errors
    /// The driver refuses.
    ///
    /// # Safety
    /// Both must be memory of the device with room for such frames, of even width and height, which nobody else writes to until
    /// [`DeviceMemory::wait`] returns.
    unsafe fn queue(&self, from: DeviceRows, to: u64, to_pitch_bytes: usize) -> Result<(), MemoryError>;
}

/// Device memory, freed when the last holder lets go.
pub trait DeviceBuffer: Debug + Send + Sync {
    /// Its address on the device.
    fn at(&self) -> u64;

    /// From the begin of a row to that of the next.
    fn pitch_bytes(&self) -> usize;
}

/// Host memory that a device copies to and from.
pub trait HostBuffer: Debug + Send + Sync {
    /// Where it lies, and its number of bytes.
    fn raw(&self) -> (*mut u8, usize);
}

/// A refused request for memory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} failed with {answer}: {advice}")]
#[allow(missing_docs, reason = "the message says it")]
pub struct MemoryError {
    pub what: &'static str,
    pub answer: String,
    pub advice: &'static str,
}
