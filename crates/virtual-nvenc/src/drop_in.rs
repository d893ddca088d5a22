//! What the libraries that stand in for NVIDIA's have in common: the variable that describes their one device, and how
//! the virtual NVML asks the virtual driver of the same process for the device's readings.
//! It loads no library.

use crate::readings::GpuReadings;

/// The environment variable that describes the device.
pub const VARIABLE: &str = "VIRTUAL_NVENC";

/// The driver's function that gives readings; its type is [`ReadingsFn`].
pub const READINGS_FN: &str = "inflight_virtual_gpu_readings";

/// Fills `out` where it is not null and `size_bytes` is the size of the driver's own [`GpuReadings`], so that libraries
/// of different builds do not misread each other. Answers 0, or an NVENCSTATUS.
pub type ReadingsFn = unsafe extern "C" fn(out: *mut GpuReadings, size_bytes: usize) -> u32;

/// The driver's function that locks the video clock; its type is [`LockClockFn`].
pub const LOCK_CLOCK_FN: &str = "inflight_virtual_gpu_lock_clock";

/// Locks the clock at so many MHz; 0: undoes it. Answers 0, or an NVENCSTATUS.
pub type LockClockFn = unsafe extern "C" fn(mhz: u32) -> u32;

/// What describes the device, and behind `log=` at the end where the protocol goes. A path may hold commas, so nothing
/// comes after it.
pub fn split_log(text: &str) -> (&str, Option<&str>) {
    match text.split_once(",log=") {
        Some((config, path)) => (config, Some(path)),
        None => text.strip_prefix("log=").map_or((text, None), |path| ("", Some(path))),
    }
}
