//! The virtual device's memory: plain memory of this computer.

use std::ffi::c_void;
use std::sync::Arc;

use crate::nvdec::memory::{DeviceMemory, HostBuffer, MemoryError};

/// Memory of a virtual device.
#[derive(Debug)]
pub(super) struct HostMemory(pub(super) Arc<virtual_nvenc::Device>);

impl DeviceMemory for HostMemory {
    fn bind(&self) -> Result<(), MemoryError> {
        virtual_nvenc::decode::bind(&self.0);
        Ok(())
    }

    fn host_buffer(&self, num_bytes: usize) -> Result<Arc<dyn HostBuffer>, MemoryError> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(num_bytes).map_err(|error| MemoryError {
            what: "the allocation of host memory",
            answer: error.to_string(),
            advice: "close other programs, or use smaller frames",
        })?;
        bytes.resize(num_bytes, 0_u8);
        let at = Box::into_raw(bytes.into_boxed_slice());
        Ok(Arc::new(Plain(at)))
    }

    fn stream(&self) -> *mut c_void {
        std::ptr::null_mut()
    }

    unsafe fn copy_out(
        &self,
        from: u64,
        pitch: usize,
        row_bytes: usize,
        rows: usize,
        into: &dyn HostBuffer,
    ) -> Result<(), MemoryError> {
        let (at, _) = into.raw();
        let from = std::ptr::with_exposed_provenance::<u8>(from as usize);
        for row in 0..rows {
            // SAFETY: the caller's promise for both ends.
            unsafe { std::ptr::copy_nonoverlapping(from.add(row * pitch), at.add(row * row_bytes), row_bytes) };
        }
        Ok(())
    }
}

/// Owned bytes, reached through a pointer as pinned memory is.
#[derive(Debug)]
struct Plain(*mut [u8]);

// SAFETY: plain memory, which any thread may read and free; who may write is `DeviceMemory::copy_out`'s rule.
unsafe impl Send for Plain {}
// SAFETY: as above.
unsafe impl Sync for Plain {}

impl HostBuffer for Plain {
    fn raw(&self) -> (*mut u8, usize) {
        (self.0.cast(), self.0.len())
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        // SAFETY: made by `Box::into_raw`, and dropped once.
        drop(unsafe { Box::from_raw(self.0) });
    }
}
