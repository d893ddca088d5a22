//! What a decoder asks of its device's memory: a current context, host memory for copies, and the copy of one frame.
//!
//! The device implements it: CUDA for a GPU, plain memory for the virtual device.

use std::ffi::c_void;
use std::fmt::Debug;
use std::sync::Arc;

/// Memory of a device, as a decoder uses it.
pub trait DeviceMemory: Debug + Send + Sync {
    /// Makes the device's context current on the calling thread. Cheap when it is already.
    ///
    /// # Errors
    /// The driver refuses.
    fn bind(&self) -> Result<(), MemoryError>;

    /// Host memory that the device can copy to without a detour (pinned).
    ///
    /// # Errors
    /// There is none left.
    fn host_buffer(&self, num_bytes: usize) -> Result<Arc<dyn HostBuffer>, MemoryError>;

    /// The CUDA stream that [`DeviceMemory::copy_out`] copies on; null where there is none. What the driver still does to a
    /// mapped frame must be queued on it, or else the copy takes it too early.
    fn stream(&self) -> *mut c_void;

    /// Copies `rows` rows of `row_bytes` bytes from device memory at `from` with `pitch` to `into`, without gaps, and
    /// returns when they are there.
    ///
    /// # Errors
    /// The driver refuses.
    ///
    /// # Safety
    /// `from` must be device memory of this device that holds those rows until the call returns; `into` must have room for
    /// them, and nobody else may use it meanwhile.
    unsafe fn copy_out(
        &self,
        from: u64,
        pitch: usize,
        row_bytes: usize,
        rows: usize,
        into: &dyn HostBuffer,
    ) -> Result<(), MemoryError>;
}

/// Host memory that a device copies to.
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
