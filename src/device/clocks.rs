//! A GPU's clocks, throttling and temperature, from NVML. Best effort: a driver without NVML is possible, and a GPU may
//! not report everything.

use nvml_wrapper::Nvml;
use nvml_wrapper::bitmasks::device::ThrottleReasons;
use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};

use crate::record::GpuState;

/// NVML, and the GPU's UUID there.
#[derive(Debug)]
pub struct Clocks {
    nvml: Nvml,
    uuid: String,
}

impl Clocks {
    /// For the GPU with this UUID, as `nvidia-smi -L` prints it; `None`: NVML is missing, or does not know the GPU.
    pub fn of(uuid: &str) -> Option<Self> {
        let clocks = Self { nvml: Nvml::init().ok()?, uuid: uuid.to_owned() };
        clocks.read().map(|_| clocks)
    }

    /// The state now.
    pub fn read(&self) -> Option<GpuState> {
        let gpu = self.nvml.device_by_uuid(self.uuid.as_str()).ok()?;
        let held_down = ThrottleReasons::SW_POWER_CAP
            | ThrottleReasons::HW_SLOWDOWN
            | ThrottleReasons::SW_THERMAL_SLOWDOWN
            | ThrottleReasons::HW_THERMAL_SLOWDOWN
            | ThrottleReasons::HW_POWER_BRAKE_SLOWDOWN;
        Some(GpuState {
            sm_mhz: gpu.clock_info(Clock::SM).ok(),
            video_mhz: gpu.clock_info(Clock::Video).ok(),
            is_throttled: gpu.current_throttle_reasons().is_ok_and(|reasons| reasons.intersects(held_down)),
            temperature_c: gpu.temperature(TemperatureSensor::Gpu).ok(),
        })
    }
}
