//! A GPU's memory, as engines use it: buffers on both sides, and copies between them on a stream of their own.
//!
//! Knows no engine. Errors say what to do.

use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError};

use cudarc::driver::sys::{
    CUDA_MEMCPY2D_st, CUmemorytype, cuMemcpy2DAsync_v2, cuMemcpyDtoHAsync_v2, cuMemcpyHtoDAsync_v2,
};
use cudarc::driver::{CudaContext, CudaStream, result};

use super::DeviceError;
use super::cuda::{explained, failed, guarded};
use super::cuda_nv12::Kernel;
use crate::memory::{DeviceBuffer, DeviceMemory, DeviceRows, HostBuffer, MemoryError, ToNv12};

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

    /// Queues a copy of rows.
    ///
    /// # Safety
    /// Both ends must hold the rows, and nobody else may use the one that is written, until the stream is synchronised.
    unsafe fn queue_copy(&self, from: End, to: End, (row_bytes, num_rows): (usize, usize)) -> Result<(), MemoryError> {
        self.bind()?;
        let (num_bytes, stream) = (row_bytes * num_rows, self.stream.cu_stream());
        let is_whole = [from, to].iter().all(|end| end.pitch_bytes() == row_bytes);
        let copy = descriptor(from, to, (row_bytes, num_rows));
        // SAFETY: the caller's promise for both ends. The descriptor is read during the call only, and of each end the address
        // that belongs to its memory type.
        let (call, queued) = unsafe {
            match (from, to) {
                (End::Device(from, _), End::Host(to, _)) if is_whole => {
                    ("cuMemcpyDtoHAsync", cuMemcpyDtoHAsync_v2(to.cast(), from, num_bytes, stream))
                }
                (End::Host(from, _), End::Device(to, _)) if is_whole => {
                    ("cuMemcpyHtoDAsync", cuMemcpyHtoDAsync_v2(to, from.cast(), num_bytes, stream))
                }
                _ => ("cuMemcpy2DAsync", cuMemcpy2DAsync_v2(&raw const copy, stream)),
            }
        };
        queued.result().map_err(|error| failed(call, &error))
    }
}

/// One end of a copy: where its first row begins, and how many bytes the next is from there.
#[derive(Debug, Clone, Copy)]
enum End {
    Host(*mut u8, usize),
    Device(u64, usize),
}

impl End {
    fn pitch_bytes(self) -> usize {
        match self {
            Self::Host(_, pitch_bytes) | Self::Device(_, pitch_bytes) => pitch_bytes,
        }
    }

    /// Its kind, and its address as the one kind and as the other.
    fn parts(self) -> (CUmemorytype, *mut c_void, u64) {
        match self {
            Self::Host(at, _) => (CUmemorytype::CU_MEMORYTYPE_HOST, at.cast(), 0),
            Self::Device(at, _) => (CUmemorytype::CU_MEMORYTYPE_DEVICE, std::ptr::null_mut(), at),
        }
    }
}

/// What `cuMemcpy2DAsync` needs to know.
fn descriptor(from: End, to: End, (row_bytes, num_rows): (usize, usize)) -> CUDA_MEMCPY2D_st {
    let (from_type, from_host, from_device) = from.parts();
    let (to_type, to_host, to_device) = to.parts();
    CUDA_MEMCPY2D_st {
        srcXInBytes: 0,
        srcY: 0,
        srcMemoryType: from_type,
        srcHost: from_host,
        srcDevice: from_device,
        srcArray: std::ptr::null_mut(),
        srcPitch: from.pitch_bytes(),
        dstXInBytes: 0,
        dstY: 0,
        dstMemoryType: to_type,
        dstHost: to_host,
        dstDevice: to_device,
        dstArray: std::ptr::null_mut(),
        dstPitch: to.pitch_bytes(),
        WidthInBytes: row_bytes,
        Height: num_rows,
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
        let buffer = Allocated { at, pitch_bytes, context: Arc::clone(&self.context) };
        // Whoever reads it as one piece reads the gaps after its rows too, which nobody writes.
        // SAFETY: so many bytes were allocated above.
        unsafe { result::memset_d8_sync(at, 0, pitch_bytes * rows) }.map_err(|error| failed("cuMemsetD8", &error))?;
        Ok(Arc::new(buffer))
    }

    fn stream(&self) -> *mut c_void {
        self.stream.cu_stream().cast()
    }

    unsafe fn copy_out(&self, from: DeviceRows, into: &dyn HostBuffer) -> Result<(), MemoryError> {
        let DeviceRows { at, pitch_bytes, row_bytes, num_rows } = from;
        let (from, to) = (End::Device(at, pitch_bytes), End::Host(into.raw().0, row_bytes));
        // SAFETY: the caller's promise for both ends, until the stream is synchronised.
        unsafe { self.queue_copy(from, to, (row_bytes, num_rows)) }?;
        self.wait()
    }

    unsafe fn copy_in(&self, from: *const u8, to: DeviceRows) -> Result<(), MemoryError> {
        let DeviceRows { at, pitch_bytes, row_bytes, num_rows } = to;
        let (from, to) = (End::Host(from.cast_mut(), row_bytes), End::Device(at, pitch_bytes));
        // SAFETY: the caller's promise for both ends. Nothing is written to `from` in this direction.
        unsafe { self.queue_copy(from, to, (row_bytes, num_rows)) }
    }

    unsafe fn copy_within(&self, from: DeviceRows, to: u64, to_pitch_bytes: usize) -> Result<(), MemoryError> {
        let DeviceRows { at, pitch_bytes, row_bytes, num_rows } = from;
        let (from, to) = (End::Device(at, pitch_bytes), End::Device(to, to_pitch_bytes));
        // SAFETY: the caller's promise for both ends.
        unsafe { self.queue_copy(from, to, (row_bytes, num_rows)) }
    }

    fn nv12_converter(&self) -> Result<Arc<dyn ToNv12>, MemoryError> {
        Ok(Arc::new(Kernel::load(Arc::clone(&self.context), Arc::clone(&self.stream))?))
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
