//! What the device's instruments show: clocks and why they are low, P-state, temperature, power, load.
//! Temperature and power are constants of three states, so that a monitor shows when the device works.

use std::ffi::{c_uint, c_ulonglong};

use nvml_wrapper_sys::bindings::{
    nvmlClockType_enum_NVML_CLOCK_COUNT, nvmlClockType_enum_NVML_CLOCK_MEM, nvmlClockType_t,
    nvmlClocksEventReasonGpuIdle, nvmlClocksEventReasonSwPowerCap, nvmlDevice_t,
    nvmlPcieUtilCounter_enum_NVML_PCIE_UTIL_COUNT, nvmlPcieUtilCounter_t, nvmlPstates_t,
    nvmlTemperatureSensors_enum_NVML_TEMPERATURE_GPU, nvmlTemperatureSensors_t, nvmlUtilization_t,
};

use crate::driver::{lock_clock, readings};
use crate::{INVALID_ARGUMENT, check, entries, give, values};

/// The memory's clock is not modelled.
const MEMORY_MHZ: c_uint = 10_501;
const POWER_LIMIT_MW: c_uint = 200_000;

const GPU_IDLE: c_ulonglong = nvmlClocksEventReasonGpuIdle as c_ulonglong;
const SW_POWER_CAP: c_ulonglong = nvmlClocksEventReasonSwPowerCap as c_ulonglong;

/// What temperature and power follow.
#[derive(Clone, Copy)]
enum State {
    Idle,
    Working,
    Throttled,
}

entries! {
    /// All clocks but the memory's are the video engines'.
    fn nvmlDeviceGetClockInfo(device: nvmlDevice_t, kind: nvmlClockType_t, mhz: *mut c_uint) {
        check(device)?;
        // SAFETY: the caller's promise.
        unsafe { give(mhz, clock_mhz(kind, readings().video_mhz)?) }
    }

    /// The highest that [`nvmlDeviceGetClockInfo`] says.
    fn nvmlDeviceGetMaxClockInfo(device: nvmlDevice_t, kind: nvmlClockType_t, mhz: *mut c_uint) {
        check(device)?;
        // SAFETY: the caller's promise.
        unsafe { give(mhz, clock_mhz(kind, readings().max_video_mhz)?) }
    }

    /// Keeps the clock at the upper bound, within what the device can: the model has no range.
    fn nvmlDeviceSetGpuLockedClocks(device: nvmlDevice_t, min_mhz: c_uint, max_mhz: c_uint) {
        check(device)?;
        if min_mhz > max_mhz || max_mhz == 0 {
            return Err(INVALID_ARGUMENT);
        }
        lock_clock(Some(max_mhz));
        Ok(())
    }

    /// The clock follows the work again.
    fn nvmlDeviceResetGpuLockedClocks(device: nvmlDevice_t) {
        check(device)?;
        lock_clock(None);
        Ok(())
    }

    /// The GPU's sensor, in °C.
    fn nvmlDeviceGetTemperature(device: nvmlDevice_t, sensor: nvmlTemperatureSensors_t, degrees: *mut c_uint) {
        check(device)?;
        if sensor != nvmlTemperatureSensors_enum_NVML_TEMPERATURE_GPU {
            return Err(INVALID_ARGUMENT);
        }
        let shown = match state() {
            State::Idle => 40,
            State::Working => 60,
            State::Throttled => 80,
        };
        // SAFETY: the caller's promise.
        unsafe { give(degrees, shown) }
    }

    /// Nothing goes over a bus.
    fn nvmlDeviceGetPcieThroughput(device: nvmlDevice_t, counter: nvmlPcieUtilCounter_t, kib_per_s: *mut c_uint) {
        check(device)?;
        if counter >= nvmlPcieUtilCounter_enum_NVML_PCIE_UTIL_COUNT {
            return Err(INVALID_ARGUMENT);
        }
        // SAFETY: the caller's promise.
        unsafe { give(kib_per_s, 0) }
    }
}

values! {
    /// Why the clock is not full.
    nvmlDeviceGetCurrentClocksThrottleReasons: c_ulonglong = clock_reasons();
    /// The newer name of the same.
    nvmlDeviceGetCurrentClocksEventReasons: c_ulonglong = clock_reasons();
    /// The reasons there can be.
    nvmlDeviceGetSupportedClocksThrottleReasons: c_ulonglong = GPU_IDLE | SW_POWER_CAP;
    /// The newer name of the same.
    nvmlDeviceGetSupportedClocksEventReasons: c_ulonglong = GPU_IDLE | SW_POWER_CAP;
    /// P8 without work, else P0.
    nvmlDeviceGetPerformanceState: nvmlPstates_t = if readings().is_idle { 8 } else { 0 };
    /// In mW.
    nvmlDeviceGetPowerUsage: c_uint = match state() {
        State::Idle => 20_000,
        State::Working => 120_000,
        State::Throttled => POWER_LIMIT_MW,
    };
    /// In mW.
    nvmlDeviceGetEnforcedPowerLimit: c_uint = POWER_LIMIT_MW;
    /// Of processors and memory, which the device does not have; the video engines' is the encoder's.
    nvmlDeviceGetUtilizationRates: nvmlUtilization_t = nvmlUtilization_t { gpu: 0, memory: 0 };
}

fn clock_mhz(kind: nvmlClockType_t, video_mhz: c_uint) -> Result<c_uint, crate::Status> {
    match kind {
        _ if kind == nvmlClockType_enum_NVML_CLOCK_MEM => Ok(MEMORY_MHZ),
        _ if kind < nvmlClockType_enum_NVML_CLOCK_COUNT => Ok(video_mhz),
        _ => Err(INVALID_ARGUMENT),
    }
}

fn clock_reasons() -> c_ulonglong {
    let readings = readings();
    let of = |is_so: bool, reason: c_ulonglong| if is_so { reason } else { 0 };
    of(readings.is_idle, GPU_IDLE) | of(readings.is_throttled, SW_POWER_CAP)
}

fn state() -> State {
    match readings() {
        readings if readings.is_throttled => State::Throttled,
        readings if readings.is_idle => State::Idle,
        _ => State::Working,
    }
}
