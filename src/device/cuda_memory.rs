//! A GPU's memory, as engines use it: buffers on both sides, and copies between them on a stream of their own.
//!
//! Knows no engine. Errors say what to do.

use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError};

use cudarc::driver::sys::{
    CUDA_MEMCPY2D_st, CUmemorytype, cuMemcpy2DAsync_v2, cuMemcpyDtoHAsync_v2, cuMemcpyHtoDAsync_v2,
};
use cudarc::driver::{CudaContext, CudaStream, DriverError, result};

use super::DeviceError;
use super::cuda::{explained, guarded};
use crate::memory::{DeviceBuffer, DeviceMemory, DeviceRows, HostBuffer, MemoryError};

/// Rows of device memory begin at multiples of this. Frames whose rows are one are copied in one piece.
const PITCH_ALIGN_BYTES: usize = 256;

/// A GPU's memory: its context, and a stream for copies that no other work is queued on.
#[derive(Debug)]
pub(super) struct CudaMemory {
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
}

impl CudaMemory {
    pub(super) fn new(context: Arc<CudaContext>) -> Result<Self, DeviceError> {
        let stream = guarded(|| context.new_stream())?;
        Ok(Self { context, stream })
    }

    /// Queues a copy between rows on the GPU and host memory without gaps.
    ///
    /// # Safety
    /// Both ends must hold the rows, and nobody else may use the one that is written, until the stream is synchronised.
    unsafe fn queue_copy(&self, direction: Direction, rows: DeviceRows, host: *mut u8) -> Result<(), MemoryError> {
        self.bind()?;
        let DeviceRows { at, pitch_bytes, row_bytes, num_rows } = rows;
        let (num_bytes, stream, host) = (row_bytes * num_rows, self.stream.cu_stream(), host.cast::<c_void>());
        let copy = descriptor(direction, rows, host);
        // SAFETY: the caller's promise for both ends. The descriptor is read during the call only, and of each end the address
        // that belongs to its memory type.
        let (call, queued) = unsafe {
            match direction {
                _ if pitch_bytes != row_bytes => ("cuMemcpy2DAsync", cuMemcpy2DAsync_v2(&raw const copy, stream)),
                Direction::Out => ("cuMemcpyDtoHAsync", cuMemcpyDtoHAsync_v2(host, at, num_bytes, stream)),
                Direction::In => ("cuMemcpyHtoDAsync", cuMemcpyHtoDAsync_v2(at, host, num_bytes, stream)),
            }
        };
        queued.result().map_err(|error| failed(call, &error))
    }
}

/// Which way a copy goes, as the host sees it.
#[derive(Debug, Clone, Copy)]
enum Direction {
    /// From the GPU.
    Out,
    /// To the GPU.
    In,
}

/// What `cuMemcpy2DAsync` needs to know.
fn descriptor(direction: Direction, rows: DeviceRows, host: *mut c_void) -> CUDA_MEMCPY2D_st {
    let on_device = (CUmemorytype::CU_MEMORYTYPE_DEVICE, rows.pitch_bytes);
    let on_host = (CUmemorytype::CU_MEMORYTYPE_HOST, rows.row_bytes);
    let ((from, from_pitch), (to, to_pitch)) = match direction {
        Direction::Out => (on_device, on_host),
        Direction::In => (on_host, on_device),
    };
    CUDA_MEMCPY2D_st {
        srcXInBytes: 0,
        srcY: 0,
        srcMemoryType: from,
        srcHost: host,
        srcDevice: rows.at,
        srcArray: std::ptr::null_mut(),
        srcPitch: from_pitch,
        dstXInBytes: 0,
        dstY: 0,
        dstMemoryType: to,
        dstHost: host,
        dstDevice: rows.at,
        dstArray: std::ptr::null_mut(),
        dstPitch: to_pitch,
        WidthInBytes: rows.row_bytes,
        Height: rows.num_rows,
    }
}

impl DeviceMemory for CudaMemory {
    fn bind(&self) -> Result<(), MemoryError> {
        self.context.bind_to_thread().map_err(|error| failed("cuCtxSetCurrent", &error))
    }

    fn host_buffer(&self, num_bytes: usize) -> Result<Arc<dyn HostBuffer>, MemoryError> {
        self.bind()?;
        // SAFETY: the memory is given back once, by `Pinned`. No flags: the receiver reads it, which write-combined memory
        // is slow at.
        let at = unsafe { result::malloc_host(num_bytes, 0) }.map_err(|error| MemoryError {
            what: "cuMemHostAlloc",
            answer: explained(&error).0,
            advice: "the computer has no more memory that a GPU can copy from; lower --preload-mib or --frames",
        })?;
        Ok(Arc::new(Pinned { at: at.cast(), num_bytes, context: Arc::clone(&self.context) }))
    }

    fn device_buffer(&self, row_bytes: usize, rows: usize) -> Result<Arc<dyn DeviceBuffer>, MemoryError> {
        self.bind()?;
        let pitch_bytes = row_bytes.next_multiple_of(PITCH_ALIGN_BYTES);
        // SAFETY: the memory is given back once, by `Allocated`.
        let at = unsafe { result::malloc_sync(pitch_bytes * rows) }.map_err(|error| failed("cuMemAlloc", &error))?;
        Ok(Arc::new(Allocated { at, pitch_bytes, context: Arc::clone(&self.context) }))
    }

    fn stream(&self) -> *mut c_void {
        self.stream.cu_stream().cast()
    }

    unsafe fn copy_out(&self, from: DeviceRows, into: &dyn HostBuffer) -> Result<(), MemoryError> {
        // SAFETY: the caller's promise for both ends, until the stream is synchronised.
        unsafe { self.queue_copy(Direction::Out, from, into.raw().0) }?;
        self.wait()
    }

    unsafe fn copy_in(&self, from: *const u8, to: DeviceRows) -> Result<(), MemoryError> {
        // SAFETY: the caller's promise for both ends. Nothing is written to `from` in this direction.
        unsafe { self.queue_copy(Direction::In, to, from.cast_mut()) }
    }

    fn wait(&self) -> Result<(), MemoryError> {
        self.stream.synchronize().map_err(|error| failed("cuStreamSynchronize", &error))
    }
}

/// Memory of the GPU.
#[derive(Debug)]
struct Allocated {
    at: u64,
    pitch_bytes: usize,
    context: Arc<CudaContext>,
}

impl DeviceBuffer for Allocated {
    fn at(&self) -> u64 {
        self.at
    }

    fn pitch_bytes(&self) -> usize {
        self.pitch_bytes
    }
}

impl Drop for Allocated {
    fn drop(&mut self) {
        let _ = self.context.bind_to_thread();
        // SAFETY: allocated by `malloc_sync`, and freed once. There is nobody to tell of an error.
        let _ = unsafe { result::free_sync(self.at) };
    }
}

/// Reads a GPU's memory for the virtual encoder, into pinned memory of its own.
#[derive(Debug)]
pub(super) struct CudaReader {
    memory: CudaMemory,
    copy: Mutex<Option<Arc<dyn HostBuffer>>>,
}

impl CudaReader {
    pub(super) fn new(context: Arc<CudaContext>) -> Result<Self, DeviceError> {
        Ok(Self { memory: CudaMemory::new(context)?, copy: Mutex::new(None) })
    }

    fn read(&self, address: usize, num_bytes: usize, use_them: &mut dyn FnMut(&[u8])) -> Result<(), MemoryError> {
        let mut copy = self.copy.lock().unwrap_or_else(PoisonError::into_inner);
        let buffer = match copy.take().filter(|buffer| buffer.raw().1 >= num_bytes) {
            Some(buffer) => buffer,
            None => self.memory.host_buffer(num_bytes)?,
        };
        let rows = DeviceRows { at: address as u64, pitch_bytes: num_bytes, row_bytes: num_bytes, num_rows: 1 };
        // SAFETY: whoever registered the memory vouches for its size while it is mapped; the buffer has room, and is ours.
        unsafe { self.memory.copy_out(rows, &*buffer) }?;
        // SAFETY: the bytes were written by the copy above, and nobody writes to them while the mutex is held.
        use_them(unsafe { std::slice::from_raw_parts(buffer.raw().0, num_bytes) });
        *copy = Some(buffer);
        Ok(())
    }
}

impl virtual_nvenc::DeviceReader for CudaReader {
    fn with_bytes(&self, address: usize, num_bytes: usize, use_them: &mut dyn FnMut(&[u8])) -> bool {
        self.read(address, num_bytes, use_them).is_ok()
    }
}

fn failed(what: &'static str, error: &DriverError) -> MemoryError {
    let (answer, advice) = explained(error);
    MemoryError { what, answer, advice }
}

/// Host memory that stays where it is, so that the GPU can copy to it and from it.
#[derive(Debug)]
struct Pinned {
    at: *mut u8,
    num_bytes: usize,
    context: Arc<CudaContext>,
}

// SAFETY: plain memory, which any thread may read and free; who may write is the rule of whoever asked for it (`DeviceMemory`).
unsafe impl Send for Pinned {}
// SAFETY: as above.
unsafe impl Sync for Pinned {}

impl HostBuffer for Pinned {
    fn raw(&self) -> (*mut u8, usize) {
        (self.at, self.num_bytes)
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let _ = self.context.bind_to_thread();
        // SAFETY: allocated by `malloc_host`, and freed once. There is nobody to tell of an error.
        let _ = unsafe { result::free_host(self.at.cast()) };
    }
}
