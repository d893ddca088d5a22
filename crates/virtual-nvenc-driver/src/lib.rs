//! The virtual NVENC under the names by which programs load NVIDIA's: `NvEncodeAPIGetMaxSupportedVersion` and
//! `NvEncodeAPICreateInstance`. Two more names are for the virtual NVML of the same process: `READINGS_FN` and
//! `LOCK_CLOCK_FN` of `virtual_nvenc::drop_in`.
//!
//! `cargo build -p virtual-nvenc-driver` leaves it as `target/debug/libvirtual_nvenc_driver.so` (`--release`:
//! `target/release/`). Copied as `libnvidia-encode.so.1` into a folder on `LD_LIBRARY_PATH`, beside `virtual-cuda` as
//! `libcuda.so.1`, it serves unmodified clients.
//!
//! `VIRTUAL_NVENC` describes the one device that it has, for instance `latency_us=1400,interval_us=700,log=calls.jsonl`;
//! the grammar is that of [`DeviceConfig`], and `log=FILE`, at the end, keeps a protocol ([`keep_protocol`]). This file knows no rule of the API.

use std::path::Path;
use std::sync::OnceLock;

use virtual_nvenc::drop_in::{LockClockFn, ReadingsFn, VARIABLE, split_log};
use virtual_nvenc::{Device, DeviceConfig, GpuReadings, keep_protocol};

/// `NV_ENC_ERR_INVALID_PARAM`: what a client is told where the description is wrong.
const INVALID_PARAM: u32 = 8;

/// `NV_ENC_ERR_INVALID_PTR`.
const INVALID_PTR: u32 = 6;

/// The newest header that the device accepts, as (major << 4) | minor.
///
/// # Safety
/// A `version` that is not null points to writable memory for a `u32`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn NvEncodeAPIGetMaxSupportedVersion(version: *mut u32) -> u32 {
    if version.is_null() {
        return INVALID_PTR;
    }
    let Some(device) = device() else { return INVALID_PARAM };
    // SAFETY: not null; the caller vouches for the rest.
    unsafe { version.write(device.config().api.packed()) };
    0
}

/// Fills the function table for the header whose version word the list carries.
///
/// # Safety
/// As the header says of `NvEncodeAPICreateInstance`: a list that is not null has its `version` set and all its slots.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn NvEncodeAPICreateInstance(list: *mut std::ffi::c_void) -> u32 {
    if device().is_none() {
        return INVALID_PARAM;
    }
    // SAFETY: the caller's promise is the one asked for.
    unsafe { virtual_nvenc::create_instance(list.cast()) }
}

/// What the device's instruments show now ([`ReadingsFn`]).
///
/// # Safety
/// An `out` that is not null points to writable memory of `size_bytes`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inflight_virtual_gpu_readings(out: *mut GpuReadings, size_bytes: usize) -> u32 {
    if out.is_null() {
        return INVALID_PTR;
    }
    let Some(device) = device().filter(|_| size_bytes == size_of::<GpuReadings>()) else { return INVALID_PARAM };
    // SAFETY: not null, and as large as what is written; the caller vouches for the rest.
    unsafe { out.write(device.readings()) };
    0
}

/// Keeps the video clock at so many MHz; 0: undoes it ([`LockClockFn`]).
#[unsafe(no_mangle)]
pub extern "C" fn inflight_virtual_gpu_lock_clock(mhz: u32) -> u32 {
    let Some(device) = device() else { return INVALID_PARAM };
    device.lock_clock((mhz > 0).then_some(mhz));
    0
}

// The virtual NVML calls them as these.
const _: (ReadingsFn, LockClockFn) = (inflight_virtual_gpu_readings, inflight_virtual_gpu_lock_clock);

/// The process's device, made at the first call; it takes every CUDA context for its own.
fn device() -> Option<&'static Device> {
    static DEVICE: OnceLock<Option<Device>> = OnceLock::new();
    let make = || {
        let text = std::env::var(VARIABLE).unwrap_or_default();
        let (config, log) = split_log(&text);
        // The API has no place for a text before a session exists.
        let config = config.parse::<DeviceConfig>().map_err(|error| {
            eprintln!("virtual NVENC: {VARIABLE}=\"{text}\" is not a device description: {error}");
        });
        if let Some(Err(error)) = log.map(|path| keep_protocol(Path::new(path))) {
            eprintln!("virtual NVENC: cannot write the protocol to {}: {error}", log.unwrap_or_default());
        }
        config.ok().map(Device::for_every_context)
    };
    DEVICE.get_or_init(make).as_ref()
}
