//! The virtual device's memory: plain memory of this computer.

use std::ffi::c_void;
use std::sync::Arc;

use super::nv12;

use crate::memory::{DeviceBuffer, DeviceMemory, DeviceRows, HostBuffer, MemoryError, ToNv12};

/// As a GPU's memory has it: rows that are not a multiple of this have a gap after them.
const PITCH_ALIGN_BYTES: usize = 256;

/// Memory of a virtual device.
#[derive(Debug)]
pub(super) struct HostMemory(pub(super) Arc<virtual_nvenc::Device>);

impl DeviceMemory for HostMemory {
    fn bind(&self) -> Result<(), MemoryError> {
        virtual_nvenc::decode::bind(&self.0);
        Ok(())
    }

    fn host_buffer(&self, num_bytes: usize) -> Result<Arc<dyn HostBuffer>, MemoryError> {
        Ok(Arc::new(Plain::new(num_bytes)?))
    }

    fn device_buffer(&self, row_bytes: usize, rows: usize) -> Result<Arc<dyn DeviceBuffer>, MemoryError> {
        let pitch_bytes = row_bytes.next_multiple_of(PITCH_ALIGN_BYTES);
        Ok(Arc::new(Rows { memory: Plain::new(pitch_bytes * rows)?, pitch_bytes }))
    }

    fn stream(&self) -> *mut c_void {
        std::ptr::null_mut()
    }

    unsafe fn copy_out(&self, from: DeviceRows, into: &dyn HostBuffer) -> Result<(), MemoryError> {
        let (at, _) = into.raw();
        for (row, place) in places(from) {
            // SAFETY: the caller's promise for both ends.
            unsafe { std::ptr::copy_nonoverlapping(place, at.add(row * from.row_bytes), from.row_bytes) };
        }
        Ok(())
    }

    unsafe fn copy_in(&self, from: *const u8, to: DeviceRows) -> Result<(), MemoryError> {
        for (row, place) in places(to) {
            // SAFETY: the caller's promise for both ends.
            unsafe { std::ptr::copy_nonoverlapping(from.add(row * to.row_bytes), place, to.row_bytes) };
        }
        Ok(())
    }

    unsafe fn copy_within(&self, from: DeviceRows, to: u64, to_pitch_bytes: usize) -> Result<(), MemoryError> {
        let to = DeviceRows { at: to, pitch_bytes: to_pitch_bytes, ..from };
        for ((_, from_row), (_, to_row)) in places(from).zip(places(to)) {
            // SAFETY: the caller's promise for both ends.
            unsafe { std::ptr::copy_nonoverlapping(from_row, to_row, from.row_bytes) };
        }
        Ok(())
    }

    fn nv12_converter(&self) -> Result<Arc<dyn ToNv12>, MemoryError> {
        Ok(Arc::new(OnProcessor))
    }

    fn wait(&self) -> Result<(), MemoryError> {
        Ok(())
    }
}

/// The conversion by the processor.
#[derive(Debug)]
struct OnProcessor;

impl ToNv12 for OnProcessor {
    unsafe fn queue(&self, from: DeviceRows, to: u64, to_pitch_bytes: usize) -> Result<(), MemoryError> {
        let (width, height) = (from.row_bytes / 4, from.num_rows);
        let rows = |at: u64, pitch_bytes: usize, row_bytes: usize, num_rows: usize| {
            let rows = DeviceRows { at, pitch_bytes, row_bytes, num_rows };
            // SAFETY: the caller's promise: so many bytes lie there, and nobody else writes to them.
            places(rows).map(move |(_, row)| unsafe { std::slice::from_raw_parts_mut(row, row_bytes) })
        };
        let mut pixels = rows(from.at, from.pitch_bytes, 4 * width, height);
        let mut luma = rows(to, to_pitch_bytes, width, height);
        let chroma = rows(to + (height * to_pitch_bytes) as u64, to_pitch_bytes, width, height / 2);
        for chroma in chroma {
            if let (Some(above), Some(below)) = (pixels.next(), pixels.next()) {
                nv12::luma_row(above, luma.next().unwrap_or_default());
                nv12::luma_row(below, luma.next().unwrap_or_default());
                nv12::chroma_row([above, below], chroma);
            }
        }
        Ok(())
    }
}

/// The number of each row, and where it begins.
fn places(rows: DeviceRows) -> impl Iterator<Item = (usize, *mut u8)> {
    let first = std::ptr::with_exposed_provenance_mut::<u8>(rows.at as usize);
    (0..rows.num_rows).map(move |row| (row, first.wrapping_add(row * rows.pitch_bytes)))
}

/// Plain memory in the place of a GPU's.
#[derive(Debug)]
struct Rows {
    memory: Plain,
    pitch_bytes: usize,
}

impl DeviceBuffer for Rows {
    fn at(&self) -> u64 {
        self.memory.0.cast::<u8>().expose_provenance() as u64
    }

    fn pitch_bytes(&self) -> usize {
        self.pitch_bytes
    }
}

/// Owned bytes, reached through a pointer as pinned memory is.
#[derive(Debug)]
struct Plain(*mut [u8]);

// SAFETY: plain memory, which any thread may read and free; who may write is the rule of whoever asked for it (`DeviceMemory`).
unsafe impl Send for Plain {}
// SAFETY: as above.
unsafe impl Sync for Plain {}

impl Plain {
    fn new(num_bytes: usize) -> Result<Self, MemoryError> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(num_bytes).map_err(|error| MemoryError {
            what: "the allocation of host memory",
            answer: error.to_string(),
            advice: "close other programs, or use smaller frames",
        })?;
        bytes.resize(num_bytes, 0_u8);
        Ok(Self(Box::into_raw(bytes.into_boxed_slice())))
    }
}

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
