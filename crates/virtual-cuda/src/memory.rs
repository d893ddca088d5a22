//! Device memory, which is host memory, and copies.
//!
//! Freed memory is kept for the next of its size and never given back to the system: a client that frees a picture's
//! memory while the picture is in flight, as some do on their way out of an error, must not crash the driver that reads
//! it. A device pointer is looked up before it is used; one that is not known is refused, not followed.

use std::alloc::{Layout, alloc_zeroed};
use std::collections::BTreeMap;
use std::ffi::{c_int, c_uint, c_ushort, c_void};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::context::Context;
use crate::sync::Stream;
use crate::{INVALID_VALUE, NOT_SUPPORTED, OUT_OF_MEMORY, SUCCESS, Status, device, exports, give};

/// `CUdeviceptr`
pub type DevicePtr = u64;

/// Beginnings and rows of memory lie at multiples of this, as on a GPU.
const ALIGN_BYTES: usize = 512;

static BLOCKS: Mutex<Blocks> = Mutex::new(Blocks { used: BTreeMap::new(), free: BTreeMap::new(), used_bytes: 0 });

struct Blocks {
    /// Bytes by address.
    used: BTreeMap<usize, usize>,
    /// Addresses by bytes.
    free: BTreeMap<usize, Vec<usize>>,
    used_bytes: usize,
}

fn blocks() -> MutexGuard<'static, Blocks> {
    BLOCKS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Blocks {
    fn take(&mut self, num_bytes: usize) -> Option<usize> {
        let num_bytes = num_bytes.checked_next_multiple_of(ALIGN_BYTES).filter(|&bytes| bytes > 0)?;
        if self.used_bytes + num_bytes > device::total_bytes() {
            return None;
        }
        let kept = self.free.get_mut(&num_bytes).and_then(Vec::pop);
        let address = kept.or_else(|| {
            let layout = Layout::from_size_align(num_bytes, ALIGN_BYTES).ok()?;
            // SAFETY: the size is not zero.
            let ptr = unsafe { alloc_zeroed(layout) };
            (!ptr.is_null()).then(|| ptr.expose_provenance())
        })?;
        self.used.insert(address, num_bytes);
        self.used_bytes += num_bytes;
        Some(address)
    }

    fn put_back(&mut self, address: usize) -> Status {
        let Some(num_bytes) = self.used.remove(&address) else { return INVALID_VALUE };
        self.used_bytes -= num_bytes;
        self.free.entry(num_bytes).or_default().push(address);
        SUCCESS
    }

    /// The block that holds the address: its beginning and length.
    fn holding(&self, address: usize) -> Option<(usize, usize)> {
        let (&begin, &len) = self.used.range(..=address).next_back()?;
        (address - begin < len).then_some((begin, len))
    }
}

/// Device memory by its address: known, and long enough.
fn known(ptr: DevicePtr, num_bytes: usize) -> Option<*mut u8> {
    let address = usize::try_from(ptr).ok()?;
    let (begin, len) = blocks().holding(address)?;
    (num_bytes <= len - (address - begin)).then(|| std::ptr::with_exposed_provenance_mut(address))
}

/// Either side of a copy for which CUDA tells by the address what it is.
fn any(ptr: DevicePtr, num_bytes: usize) -> Option<*mut u8> {
    known(ptr, num_bytes).or_else(|| {
        let address = usize::try_from(ptr).ok().filter(|&address| address != 0)?;
        Some(std::ptr::with_exposed_provenance_mut(address))
    })
}

/// # Safety
/// Pointers that are there hold `num_bytes` bytes.
unsafe fn copy(to: Option<*mut u8>, from: Option<*const u8>, num_bytes: usize) -> Status {
    match (to, from) {
        _ if num_bytes == 0 => SUCCESS,
        // SAFETY: the caller's promise; the two may overlap.
        (Some(to), Some(from)) if !to.is_null() && !from.is_null() => unsafe {
            from.copy_to(to, num_bytes);
            SUCCESS
        },
        _ => INVALID_VALUE,
    }
}

unsafe fn allocate(ptr: *mut DevicePtr, num_bytes: usize) -> Status {
    if ptr.is_null() || num_bytes == 0 {
        return INVALID_VALUE;
    }
    match blocks().take(num_bytes) {
        // SAFETY: the caller's promise.
        Some(address) => unsafe { give(ptr, address as DevicePtr) },
        None => OUT_OF_MEMORY,
    }
}

/// `CUDA_MEMCPY2D`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Copy2d {
    src_x_bytes: usize,
    src_y: usize,
    src_type: c_uint,
    src_host: *const c_void,
    src_device: DevicePtr,
    src_array: *const c_void,
    src_pitch: usize,
    dst_x_bytes: usize,
    dst_y: usize,
    dst_type: c_uint,
    dst_host: *mut c_void,
    dst_device: DevicePtr,
    dst_array: *mut c_void,
    dst_pitch: usize,
    width_bytes: usize,
    height: usize,
}

// CUmemorytype
const HOST: c_uint = 1;
const DEVICE: c_uint = 2;
const UNIFIED: c_uint = 4;

/// One side of a 2D copy: where its first row begins, with room for all of them.
fn side(kind: c_uint, host: *mut u8, device: DevicePtr, begin: usize, span: usize) -> Result<*mut u8, Status> {
    let end = begin.checked_add(span).ok_or(INVALID_VALUE)?;
    let base = match kind {
        HOST if !host.is_null() => host,
        DEVICE => known(device, end).ok_or(INVALID_VALUE)?,
        UNIFIED => any(device, end).ok_or(INVALID_VALUE)?,
        HOST => return Err(INVALID_VALUE),
        _ => return Err(NOT_SUPPORTED),
    };
    Ok(base.wrapping_add(begin))
}

/// # Safety
/// The host memory that the copy names is there.
unsafe fn copy_2d(copy: *const Copy2d) -> Status {
    if copy.is_null() {
        return INVALID_VALUE;
    }
    // SAFETY: not null; the caller vouches for the struct.
    let copy = unsafe { copy.read_unaligned() };
    let (width, height) = (copy.width_bytes, copy.height);
    if width == 0 || height == 0 {
        return SUCCESS;
    }
    let pitch_of = |pitch: usize| if pitch == 0 { width } else { pitch };
    let (from_pitch, to_pitch) = (pitch_of(copy.src_pitch), pitch_of(copy.dst_pitch));
    let place = |kind, host, device, x: usize, y: usize, pitch: usize| {
        let begin = pitch.checked_mul(y).and_then(|rows| rows.checked_add(x)).ok_or(INVALID_VALUE)?;
        let span = pitch.checked_mul(height - 1).and_then(|rows| rows.checked_add(width)).ok_or(INVALID_VALUE)?;
        if pitch < width { Err(INVALID_VALUE) } else { side(kind, host, device, begin, span) }
    };
    let (src_host, dst_host) = (copy.src_host.cast_mut().cast::<u8>(), copy.dst_host.cast::<u8>());
    let from = place(copy.src_type, src_host, copy.src_device, copy.src_x_bytes, copy.src_y, from_pitch);
    let to = place(copy.dst_type, dst_host, copy.dst_device, copy.dst_x_bytes, copy.dst_y, to_pitch);
    let (from, to) = match (from, to) {
        (Ok(from), Ok(to)) => (from, to),
        (Err(status), _) | (_, Err(status)) => return status,
    };
    for row in 0..height {
        // SAFETY: `place` looked at the spans of device memory; the caller vouches for the host's.
        unsafe { from.add(row * from_pitch).copy_to(to.add(row * to_pitch), width) };
    }
    SUCCESS
}

/// # Safety
/// None beyond the pointer being looked up.
unsafe fn fill<T: Copy>(to: DevicePtr, value: T, pitch: usize, width: usize, height: usize) -> Status {
    let row_bytes = width.saturating_mul(size_of::<T>());
    let span = pitch.saturating_mul(height.saturating_sub(1)).saturating_add(row_bytes);
    if width == 0 || height == 0 {
        return SUCCESS;
    }
    let Some(to) = known(to, span) else { return INVALID_VALUE };
    for row in 0..height {
        let row = to.wrapping_add(row * pitch).cast::<T>();
        for idx in 0..width {
            // SAFETY: inside the span just looked up.
            unsafe { row.add(idx).write_unaligned(value) };
        }
    }
    SUCCESS
}

exports! {
    /// Zeroed when it is new.
    fn cuMemAlloc_v2(ptr: *mut DevicePtr, num_bytes: usize) {
        // SAFETY: the caller's promise.
        unsafe { allocate(ptr, num_bytes) }
    }

    /// Rows that begin at multiples of 512 bytes.
    fn cuMemAllocPitch_v2(ptr: *mut DevicePtr, pitch: *mut usize, width: usize, height: usize, _element: c_uint) {
        let Some(row_bytes) = width.checked_next_multiple_of(ALIGN_BYTES).filter(|_| !pitch.is_null()) else {
            return INVALID_VALUE;
        };
        // SAFETY: the caller's promise.
        unsafe { allocate(ptr, row_bytes.saturating_mul(height)).max(give(pitch, row_bytes)) }
    }

    /// All memory is managed.
    fn cuMemAllocManaged(ptr: *mut DevicePtr, num_bytes: usize, _flags: c_uint) {
        // SAFETY: the caller's promise.
        unsafe { allocate(ptr, num_bytes) }
    }

    /// At once, whatever the stream holds.
    fn cuMemAllocAsync(ptr: *mut DevicePtr, num_bytes: usize, _stream: Stream) {
        // SAFETY: the caller's promise.
        unsafe { allocate(ptr, num_bytes) }
    }

    /// Null is nothing to free.
    fn cuMemFree_v2(ptr: DevicePtr) {
        if ptr == 0 { SUCCESS } else { usize::try_from(ptr).map_or(INVALID_VALUE, |address| blocks().put_back(address)) }
    }

    /// As [`cuMemFree_v2`].
    fn cuMemFreeAsync(ptr: DevicePtr, _stream: Stream) {
        // SAFETY: the pointer is looked up.
        unsafe { cuMemFree_v2(ptr) }
    }

    /// Pinned memory is memory.
    fn cuMemHostAlloc(ptr: *mut *mut c_void, num_bytes: usize, _flags: c_uint) {
        let mut address: DevicePtr = 0;
        // SAFETY: the address is ours, `ptr` the caller's promise.
        unsafe {
            let status = allocate(&raw mut address, num_bytes);
            if status == SUCCESS { give(ptr, std::ptr::with_exposed_provenance_mut(address as usize)) } else { status }
        }
    }

    /// As [`cuMemHostAlloc`].
    fn cuMemAllocHost_v2(ptr: *mut *mut c_void, num_bytes: usize) {
        // SAFETY: the caller's promise.
        unsafe { cuMemHostAlloc(ptr, num_bytes, 0) }
    }

    /// As [`cuMemFree_v2`].
    fn cuMemFreeHost(ptr: *mut c_void) {
        // SAFETY: the pointer is looked up.
        unsafe { cuMemFree_v2(ptr.expose_provenance() as DevicePtr) }
    }

    /// Nothing need be pinned.
    fn cuMemHostRegister_v2(_ptr: *mut c_void, _num_bytes: usize, _flags: c_uint) {
        SUCCESS
    }

    /// As it was.
    fn cuMemHostUnregister(_ptr: *mut c_void) {
        SUCCESS
    }

    /// Host and device address are the same.
    fn cuMemHostGetDevicePointer_v2(device: *mut DevicePtr, host: *mut c_void, _flags: c_uint) {
        // SAFETY: the caller's promise.
        unsafe { give(device, host.expose_provenance() as DevicePtr) }
    }

    /// Free and all.
    fn cuMemGetInfo_v2(free: *mut usize, total: *mut usize) {
        let used_bytes = blocks().used_bytes;
        // SAFETY: the caller's promise.
        unsafe { give(free, device::total_bytes() - used_bytes).max(give(total, device::total_bytes())) }
    }

    /// The block around an address.
    fn cuMemGetAddressRange_v2(base: *mut DevicePtr, len: *mut usize, ptr: DevicePtr) {
        let found = usize::try_from(ptr).ok().and_then(|address| blocks().holding(address));
        let Some((begin, num_bytes)) = found else { return INVALID_VALUE };
        // SAFETY: the caller's promise; CUDA allows either to be null.
        unsafe {
            if !base.is_null() {
                base.write(begin as DevicePtr);
            }
            if !len.is_null() {
                len.write(num_bytes);
            }
        }
        SUCCESS
    }

    /// Context, kind and address of a pointer.
    fn cuPointerGetAttribute(value: *mut c_void, attribute: c_int, ptr: DevicePtr) {
        if known(ptr, 0).is_none() {
            return INVALID_VALUE;
        }
        // SAFETY: the caller's promise: as large as the attribute is.
        unsafe {
            match attribute {
                1 => give(value.cast::<Context>(), std::ptr::null_mut()),
                2 => give(value.cast::<c_uint>(), DEVICE),
                3 => give(value.cast::<DevicePtr>(), ptr),
                8 | 9 => give(value.cast::<c_int>(), 0), // not managed; on device 0
                _ => NOT_SUPPORTED,
            }
        }
    }

    /// Between any two addresses.
    fn cuMemcpy(to: DevicePtr, from: DevicePtr, num_bytes: usize) {
        // SAFETY: device memory is looked up, the caller vouches for the host's.
        unsafe { copy(any(to, num_bytes), any(from, num_bytes).map(<*mut u8>::cast_const), num_bytes) }
    }

    /// Done when it returns.
    fn cuMemcpyAsync(to: DevicePtr, from: DevicePtr, num_bytes: usize, _stream: Stream) {
        // SAFETY: the caller's promise.
        unsafe { cuMemcpy(to, from, num_bytes) }
    }

    /// To the device.
    fn cuMemcpyHtoD_v2(to: DevicePtr, from: *const c_void, num_bytes: usize) {
        // SAFETY: device memory is looked up, the caller vouches for the host's.
        unsafe { copy(known(to, num_bytes), Some(from.cast()), num_bytes) }
    }

    /// Done when it returns.
    fn cuMemcpyHtoDAsync_v2(to: DevicePtr, from: *const c_void, num_bytes: usize, _stream: Stream) {
        // SAFETY: the caller's promise.
        unsafe { cuMemcpyHtoD_v2(to, from, num_bytes) }
    }

    /// From the device.
    fn cuMemcpyDtoH_v2(to: *mut c_void, from: DevicePtr, num_bytes: usize) {
        // SAFETY: device memory is looked up, the caller vouches for the host's.
        unsafe { copy(Some(to.cast()), known(from, num_bytes).map(<*mut u8>::cast_const), num_bytes) }
    }

    /// Done when it returns.
    fn cuMemcpyDtoHAsync_v2(to: *mut c_void, from: DevicePtr, num_bytes: usize, _stream: Stream) {
        // SAFETY: the caller's promise.
        unsafe { cuMemcpyDtoH_v2(to, from, num_bytes) }
    }

    /// On the device.
    fn cuMemcpyDtoD_v2(to: DevicePtr, from: DevicePtr, num_bytes: usize) {
        // SAFETY: both sides are looked up.
        unsafe { copy(known(to, num_bytes), known(from, num_bytes).map(<*mut u8>::cast_const), num_bytes) }
    }

    /// Done when it returns.
    fn cuMemcpyDtoDAsync_v2(to: DevicePtr, from: DevicePtr, num_bytes: usize, _stream: Stream) {
        // SAFETY: both sides are looked up.
        unsafe { cuMemcpyDtoD_v2(to, from, num_bytes) }
    }

    /// Rows between host and device; arrays are not there.
    fn cuMemcpy2D_v2(copy: *const Copy2d) {
        // SAFETY: the caller's promise.
        unsafe { copy_2d(copy) }
    }

    /// As [`cuMemcpy2D_v2`].
    fn cuMemcpy2DUnaligned_v2(copy: *const Copy2d) {
        // SAFETY: the caller's promise.
        unsafe { copy_2d(copy) }
    }

    /// Done when it returns.
    fn cuMemcpy2DAsync_v2(copy: *const Copy2d, _stream: Stream) {
        // SAFETY: the caller's promise.
        unsafe { copy_2d(copy) }
    }

    /// Bytes.
    fn cuMemsetD8_v2(to: DevicePtr, value: u8, count: usize) {
        // SAFETY: the pointer is looked up.
        unsafe { fill(to, value, 0, count, 1) }
    }

    /// Words of 16 bits.
    fn cuMemsetD16_v2(to: DevicePtr, value: c_ushort, count: usize) {
        // SAFETY: the pointer is looked up.
        unsafe { fill(to, value, 0, count, 1) }
    }

    /// Words of 32 bits.
    fn cuMemsetD32_v2(to: DevicePtr, value: c_uint, count: usize) {
        // SAFETY: the pointer is looked up.
        unsafe { fill(to, value, 0, count, 1) }
    }

    /// Done when it returns.
    fn cuMemsetD8Async(to: DevicePtr, value: u8, count: usize, _stream: Stream) {
        // SAFETY: the pointer is looked up.
        unsafe { fill(to, value, 0, count, 1) }
    }

    /// Done when it returns.
    fn cuMemsetD16Async(to: DevicePtr, value: c_ushort, count: usize, _stream: Stream) {
        // SAFETY: the pointer is looked up.
        unsafe { fill(to, value, 0, count, 1) }
    }

    /// Done when it returns.
    fn cuMemsetD32Async(to: DevicePtr, value: c_uint, count: usize, _stream: Stream) {
        // SAFETY: the pointer is looked up.
        unsafe { fill(to, value, 0, count, 1) }
    }

    /// Rows of bytes.
    fn cuMemsetD2D8_v2(to: DevicePtr, pitch: usize, value: u8, width: usize, height: usize) {
        // SAFETY: the pointer is looked up.
        unsafe { fill(to, value, pitch, width, height) }
    }

    /// Rows of words of 16 bits.
    fn cuMemsetD2D16_v2(to: DevicePtr, pitch: usize, value: c_ushort, width: usize, height: usize) {
        // SAFETY: the pointer is looked up.
        unsafe { fill(to, value, pitch, width, height) }
    }

    /// Done when it returns.
    fn cuMemsetD2D8Async(to: DevicePtr, pitch: usize, value: u8, width: usize, height: usize, _stream: Stream) {
        // SAFETY: the pointer is looked up.
        unsafe { fill(to, value, pitch, width, height) }
    }
}
