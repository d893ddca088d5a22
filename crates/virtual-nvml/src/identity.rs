//! Which device there is and what it is called: the one of `virtual-cuda`, under the same name, UUID and place.
//! Nothing here changes with time.

use std::ffi::{CStr, c_char, c_int, c_uint};

use nvml_wrapper_sys::bindings::{
    NVML_DEVICE_ARCH_ADA, nvmlBrandType_enum_NVML_BRAND_UNKNOWN, nvmlBrandType_t, nvmlDevice_t,
    nvmlDeviceArchitecture_t, nvmlEnableState_t, nvmlMemory_t, nvmlMemory_v2_t, nvmlPciInfo_t,
};

use crate::{
    INVALID_ARGUMENT, NOT_FOUND, NOT_SUPPORTED, VERSION_MISMATCH, check, check_initialised, entries, give, give_text,
    handle, values,
};

const NAME: &CStr = c"Virtual CUDA device (no GPU)";
/// The bytes "virtual-cuda-000", as NVML writes a UUID.
const UUID: &CStr = c"GPU-76697274-7561-6c2d-6375-64612d303030";
const PCI_PLACE: &CStr = c"00000000:00:00.0";
const PCI_PLACE_SHORT: &CStr = c"0000:00:00.0";
/// NVIDIA's vendor number below, and a device number that no card has.
const PCI_ID: c_uint = 0x0000_10de;

/// A driver of the CUDA version below would be 535; the rest says what it is.
const DRIVER_VERSION: &CStr = c"535.0.virtual";
const NVML_VERSION: &CStr = c"12.535.0.virtual";
/// CUDA 12.2.
const CUDA_VERSION: c_int = 12_020;
const VBIOS_VERSION: &CStr = c"00.00.00.00.00";

const MEMORY_BYTES: u64 = 8 << 30;
/// `NVML_STRUCT_VERSION(Memory, 2)`
const MEMORY_V2: c_uint = size_of::<nvmlMemory_v2_t>() as c_uint | 2 << 24;

entries! {
    /// The driver's version, for display.
    fn nvmlSystemGetDriverVersion(version: *mut c_char, length: c_uint) {
        check_initialised()?;
        // SAFETY: the caller's promise.
        unsafe { give_text(version, length, DRIVER_VERSION) }
    }

    /// This library's version, before nvmlInit too.
    fn nvmlSystemGetNVMLVersion(version: *mut c_char, length: c_uint) {
        // SAFETY: the caller's promise.
        unsafe { give_text(version, length, NVML_VERSION) }
    }

    /// The CUDA version that the driver speaks, before nvmlInit too.
    fn nvmlSystemGetCudaDriverVersion(version: *mut c_int) {
        // SAFETY: the caller's promise.
        unsafe { give(version, CUDA_VERSION) }
    }

    /// As [`nvmlSystemGetCudaDriverVersion`].
    fn nvmlSystemGetCudaDriverVersion_v2(version: *mut c_int) {
        // SAFETY: the caller's promise.
        unsafe { give(version, CUDA_VERSION) }
    }

    /// There is one device.
    fn nvmlDeviceGetCount_v2(count: *mut c_uint) {
        check_initialised()?;
        // SAFETY: the caller's promise.
        unsafe { give(count, 1) }
    }

    /// Its index is 0.
    fn nvmlDeviceGetHandleByIndex_v2(index: c_uint, device: *mut nvmlDevice_t) {
        check_initialised()?;
        if index != 0 {
            return Err(INVALID_ARGUMENT);
        }
        // SAFETY: the caller's promise.
        unsafe { give(device, handle()) }
    }

    /// By the whole UUID.
    fn nvmlDeviceGetHandleByUUID(uuid: *const c_char, device: *mut nvmlDevice_t) {
        check_initialised()?;
        if uuid.is_null() {
            return Err(INVALID_ARGUMENT);
        }
        // SAFETY: not null, and so a string by the caller's promise.
        let is_it = unsafe { CStr::from_ptr(uuid) } == UUID;
        if !is_it {
            return Err(NOT_FOUND);
        }
        // SAFETY: the caller's promise.
        unsafe { give(device, handle()) }
    }

    /// By its place, with or without the domain.
    fn nvmlDeviceGetHandleByPciBusId_v2(place: *const c_char, device: *mut nvmlDevice_t) {
        check_initialised()?;
        if place.is_null() {
            return Err(INVALID_ARGUMENT);
        }
        // SAFETY: not null, and so a string by the caller's promise.
        let place = unsafe { CStr::from_ptr(place) };
        if !is_our_place(place.to_str().map_err(|_| INVALID_ARGUMENT)?).ok_or(INVALID_ARGUMENT)? {
            return Err(NOT_FOUND);
        }
        // SAFETY: the caller's promise.
        unsafe { give(device, handle()) }
    }

    /// The name that CUDA says too.
    fn nvmlDeviceGetName(device: nvmlDevice_t, name: *mut c_char, length: c_uint) {
        check(device)?;
        // SAFETY: the caller's promise.
        unsafe { give_text(name, length, NAME) }
    }

    /// The UUID that CUDA says too.
    fn nvmlDeviceGetUUID(device: nvmlDevice_t, uuid: *mut c_char, length: c_uint) {
        check(device)?;
        // SAFETY: the caller's promise.
        unsafe { give_text(uuid, length, UUID) }
    }

    /// It has no firmware.
    fn nvmlDeviceGetVbiosVersion(device: nvmlDevice_t, version: *mut c_char, length: c_uint) {
        check(device)?;
        // SAFETY: the caller's promise.
        unsafe { give_text(version, length, VBIOS_VERSION) }
    }

    /// All of its memory is free.
    fn nvmlDeviceGetMemoryInfo_v2(device: nvmlDevice_t, memory: *mut nvmlMemory_v2_t) {
        check(device)?;
        if memory.is_null() {
            return Err(INVALID_ARGUMENT);
        }
        // SAFETY: not null, and so valid by the caller's promise, which covers the version alone at first.
        if unsafe { (&raw const (*memory).version).read() } != MEMORY_V2 {
            return Err(VERSION_MISMATCH);
        }
        let free = nvmlMemory_v2_t { version: MEMORY_V2, total: MEMORY_BYTES, reserved: 0, free: MEMORY_BYTES, used: 0 };
        // SAFETY: as above, and the version says how large it is.
        unsafe { give(memory, free) }
    }

    /// It cannot be divided.
    fn nvmlDeviceGetMigMode(device: nvmlDevice_t, _current: *mut c_uint, _pending: *mut c_uint) {
        check(device)?;
        Err(NOT_SUPPORTED)
    }
}

values! {
    /// Its place on no bus.
    nvmlDeviceGetPciInfo_v3: nvmlPciInfo_t = pci_info();
    /// The first and only one.
    nvmlDeviceGetIndex: c_uint = 0;
    /// None of NVIDIA's.
    nvmlDeviceGetBrand: nvmlBrandType_t = nvmlBrandType_enum_NVML_BRAND_UNKNOWN;
    /// As its compute capability in CUDA.
    nvmlDeviceGetArchitecture: nvmlDeviceArchitecture_t = NVML_DEVICE_ARCH_ADA;
    /// All of its memory is free.
    nvmlDeviceGetMemoryInfo: nvmlMemory_t = nvmlMemory_t { total: MEMORY_BYTES, free: MEMORY_BYTES, used: 0 };
    /// As a card of its architecture.
    nvmlDeviceGetCurrPcieLinkGeneration: c_uint = 4;
    /// As a card of its architecture.
    nvmlDeviceGetCurrPcieLinkWidth: c_uint = 16;
    /// It has no display.
    nvmlDeviceGetDisplayActive: nvmlEnableState_t = 0;
    /// It has no connector.
    nvmlDeviceGetDisplayMode: nvmlEnableState_t = 0;
}

fn pci_info() -> nvmlPciInfo_t {
    let mut info = nvmlPciInfo_t {
        busIdLegacy: [0; 16],
        domain: 0,
        bus: 0,
        device: 0,
        pciDeviceId: PCI_ID,
        pciSubSystemId: 0,
        busId: [0; 32],
    };
    let texts = [(&mut info.busIdLegacy[..], PCI_PLACE_SHORT), (&mut info.busId[..], PCI_PLACE)];
    for (field, text) in texts {
        field.iter_mut().zip(text.to_bytes()).for_each(|(to, from)| *to = *from as c_char);
    }
    info
}

/// Does `[domain:]bus:device.function` mean our place? `None`: it is no place.
fn is_our_place(text: &str) -> Option<bool> {
    let (rest, function) = text.rsplit_once('.')?;
    let numbers = rest.split(':').chain([function]).map(|part| u32::from_str_radix(part, 16));
    let numbers = numbers.collect::<Result<Vec<_>, _>>().ok()?;
    (3..=4).contains(&numbers.len()).then(|| numbers.iter().all(|number| *number == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_with_domains_of_any_length_or_none() {
        for place in ["00000000:00:00.0", "0000:00:00.0", "00:00.0"] {
            assert_eq!(is_our_place(place), Some(true), "{place}");
        }
        for place in ["00000000:65:00.0", "00:00.1", "0001:00:00.0"] {
            assert_eq!(is_our_place(place), Some(false), "{place}");
        }
        for place in ["", "0", "00:00", "x:00.0", "0:0:0:0.0"] {
            assert_eq!(is_our_place(place), None, "{place}");
        }
    }
}
