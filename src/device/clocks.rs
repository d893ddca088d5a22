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
    /// For the GPU with this UUID; `None`: NVML is missing, or does not know the GPU.
    pub fn of(uuid: [u8; 16]) -> Option<Self> {
        let clocks = Self { nvml: Nvml::init().ok()?, uuid: uuid_text(uuid) };
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

/// As NVML spells it: GPU-8 hex digits-4-4-4-12.
fn uuid_text(uuid: [u8; 16]) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (a, b, c, d, e) = (&uuid[..4], &uuid[4..6], &uuid[6..8], &uuid[8..10], &uuid[10..]);
    format!("GPU-{}-{}-{}-{}-{}", hex(a), hex(b), hex(c), hex(d), hex(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_spelt_as_nvml_does() {
        let uuid = std::array::from_fn(|idx| idx as u8 * 0x11);
        assert_eq!(uuid_text(uuid), "GPU-00112233-4455-6677-8899-aabbccddeeff");
    }
}
