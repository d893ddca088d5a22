//! CUDA: the GPUs of this computer and their contexts. Errors say what to do.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use cudarc::driver::sys::{CUdevice_attribute, CUuuid};
use cudarc::driver::{CudaContext, DriverError, result};

use super::{DeviceError, Gpu, GpuName};
use crate::library::Library;
use crate::memory::MemoryError;

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
    let ordinal = match name {
        GpuName::Ordinal(ordinal) => {
            let found = guarded(CudaContext::device_count)?.max(0) as usize;
            if *ordinal as usize >= found {
                return Err(DeviceError::NoGpu { asked: name.to_string(), found });
            }
            *ordinal
        }
        GpuName::Uuid(_) | GpuName::Pci(_) => name.find(&gpus()?)?.ordinal,
    };
    guarded(|| CudaContext::new(ordinal as usize))
}

/// Calls cudarc where it may be called: it panics without the library, and on a library that lacks a symbol.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T, DriverError>) -> Result<T, DeviceError> {
    let library = if cfg!(windows) { "nvcuda.dll" } else { "libcuda.so.1" };
    // SAFETY: only tries to load the library, which runs the initialisers of the system's own driver.
    if !is_loaded(library) || !unsafe { cudarc::driver::sys::is_culib_present() } {
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

/// Loads the driver by its full name and, on Windows, from System32, before cudarc asks for it by a shorter one: the loader then
/// gives it the one that is there, and no library of that name that lies beside a program.
fn is_loaded(library: &str) -> bool {
    static LOADED: OnceLock<Option<Library>> = OnceLock::new();
    LOADED.get_or_init(|| Library::system(library).ok()).is_some()
}

/// CUDA's name of an error, and what to do.
pub(super) fn explained(error: &DriverError) -> (String, &'static str) {
    let answer = format!("{:?}", error.0);
    let advice = match answer.as_str() {
        "CUDA_ERROR_NO_DEVICE" => {
            "no NVIDIA GPU is visible; check that one is installed and that CUDA_VISIBLE_DEVICES does not hide it"
        }
        "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH" => {
            "the kernel module and the library belong to different drivers; restart the computer"
        }
        "CUDA_ERROR_STUB_LIBRARY" => {
            "the libcuda.so that is found first is the CUDA toolkit's stub for linking; take its folder out of LD_LIBRARY_PATH"
        }
        "CUDA_ERROR_OUT_OF_MEMORY" => "the GPU is out of memory; close other programs that use it",
        _ => "check the NVIDIA driver (nvidia-smi), then try again",
    };
    (answer, advice)
}

/// A refused call as an error of memory.
pub(super) fn failed(what: &'static str, error: &DriverError) -> MemoryError {
    let (answer, advice) = explained(error);
    MemoryError { what, answer, advice }
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
