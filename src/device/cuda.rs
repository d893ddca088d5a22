//! CUDA: contexts, and the memory that a decoder's frames are copied to. Errors say what to do.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use cudarc::driver::sys::{CUDA_MEMCPY2D_st, CUdevice_attribute, CUmemorytype, CUuuid, cuMemcpy2DAsync_v2};
use cudarc::driver::{CudaContext, CudaStream, DriverError, result};

use super::{DeviceError, Gpu, GpuName};
use crate::nvdec::memory::{DeviceMemory, HostBuffer, MemoryError};

/// The GPUs that CUDA reports on this computer.
///
/// # Errors
/// CUDA is missing or fails.
pub fn gpus() -> Result<Vec<Gpu>, DeviceError> {
    let count = u32::try_from(guarded(CudaContext::device_count)?).unwrap_or(0);
    (0..count).map(|ordinal| guarded(|| gpu(ordinal))).collect()
}

fn gpu(ordinal: u32) -> Result<Gpu, DriverError> {
    let device = result::device::get(ordinal as i32)?;
    // SAFETY: the handle is one that CUDA has just given.
    let number = |attribute| unsafe { result::device::get_attribute(device, attribute) };
    let domain = number(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID)?;
    let bus = number(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_PCI_BUS_ID)?;
    let place = number(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID)?;
    Ok(Gpu {
        ordinal,
        name: result::device::get_name(device)?,
        uuid: uuid_text(result::device::get_uuid(device)?),
        pci: format!("{domain:08X}:{bus:02X}:{place:02X}.0"),
    })
}

/// As NVML and `nvidia-smi` spell it: GPU-8 hex digits-4-4-4-12.
pub(super) fn uuid_text(uuid: CUuuid) -> String {
    let hex = |bytes: &[std::ffi::c_char]| bytes.iter().map(|byte| format!("{:02x}", *byte as u8)).collect::<String>();
    let bytes = &uuid.bytes;
    let (a, b, c, d, e) = (&bytes[..4], &bytes[4..6], &bytes[6..8], &bytes[8..10], &bytes[10..]);
    format!("GPU-{}-{}-{}-{}-{}", hex(a), hex(b), hex(c), hex(d), hex(e))
}

/// The primary context of a GPU.
pub(super) fn context(name: &GpuName) -> Result<Arc<CudaContext>, DeviceError> {
    let ordinal = name.find(&gpus()?)?.ordinal;
    guarded(|| CudaContext::new(ordinal as usize))
}

/// Calls cudarc where it may be called: it panics without the library, and on a library that lacks a symbol.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T, DriverError>) -> Result<T, DeviceError> {
    let library = if cfg!(windows) { "nvcuda.dll" } else { "libcuda.so.1" };
    // SAFETY: only tries to load the library, which runs the initialisers of the system's own driver.
    if !unsafe { cudarc::driver::sys::is_culib_present() } {
        return Err(DeviceError::NoCuda { library });
    }
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(answer) => answer.map_err(|error| {
            let (answer, advice) = explained(&error);
            DeviceError::Cuda { answer, advice }
        }),
        Err(_) => Err(DeviceError::Cuda {
            answer: format!("a missing symbol in {library}"),
            advice: "the CUDA driver is damaged or too old; reinstall the NVIDIA driver",
        }),
    }
}

/// CUDA's name of an error, and what to do.
fn explained(error: &DriverError) -> (String, &'static str) {
    let answer = format!("{:?}", error.0);
    let advice = match answer.as_str() {
        "CUDA_ERROR_NO_DEVICE" => {
            "no NVIDIA GPU is visible; check that one is installed and that CUDA_VISIBLE_DEVICES does not hide it"
        }
        "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH" => {
            "the kernel module and the library belong to different drivers; restart the computer"
        }
        "CUDA_ERROR_OUT_OF_MEMORY" => "the GPU is out of memory; close other programs that use it",
        _ => "check the NVIDIA driver (nvidia-smi), then try again",
    };
    (answer, advice)
}

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
}

impl DeviceMemory for CudaMemory {
    fn bind(&self) -> Result<(), MemoryError> {
        self.context.bind_to_thread().map_err(|error| failed("cuCtxSetCurrent", &error))
    }

    fn host_buffer(&self, num_bytes: usize) -> Result<Arc<dyn HostBuffer>, MemoryError> {
        self.bind()?;
        // SAFETY: the memory is given back once, by `Pinned`. No flags: the receiver reads it, which write-combined memory
        // is slow at.
        let at = unsafe { result::malloc_host(num_bytes, 0) }.map_err(|error| failed("cuMemHostAlloc", &error))?;
        Ok(Arc::new(Pinned { at: at.cast(), num_bytes, context: Arc::clone(&self.context) }))
    }

    fn stream(&self) -> *mut c_void {
        self.stream.cu_stream().cast()
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
        let copy = CUDA_MEMCPY2D_st {
            srcXInBytes: 0,
            srcY: 0,
            srcMemoryType: CUmemorytype::CU_MEMORYTYPE_DEVICE,
            srcHost: std::ptr::null(),
            srcDevice: from,
            srcArray: std::ptr::null_mut(),
            srcPitch: pitch,
            dstXInBytes: 0,
            dstY: 0,
            dstMemoryType: CUmemorytype::CU_MEMORYTYPE_HOST,
            dstHost: at.cast(),
            dstDevice: 0,
            dstArray: std::ptr::null_mut(),
            dstPitch: row_bytes,
            WidthInBytes: row_bytes,
            Height: rows,
        };
        // SAFETY: the caller's promise for both ends, until the stream is synchronised below.
        unsafe { cuMemcpy2DAsync_v2(&raw const copy, self.stream.cu_stream()) }
            .result()
            .map_err(|error| failed("cuMemcpy2DAsync", &error))?;
        self.stream.synchronize().map_err(|error| failed("cuStreamSynchronize", &error))
    }
}

fn failed(what: &'static str, error: &DriverError) -> MemoryError {
    let (answer, advice) = explained(error);
    MemoryError { what, answer, advice }
}

/// Host memory that stays where it is, so that the GPU can write to it.
#[derive(Debug)]
struct Pinned {
    at: *mut u8,
    num_bytes: usize,
    context: Arc<CudaContext>,
}

// SAFETY: plain memory, which any thread may read and free; who may write is `DeviceMemory::copy_out`'s rule.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_spelt_as_nvml_does() {
        let uuid = CUuuid { bytes: std::array::from_fn(|idx| (idx as u8 * 0x11) as std::ffi::c_char) };
        assert_eq!(uuid_text(uuid), "GPU-00112233-4455-6677-8899-aabbccddeeff");
    }
}
