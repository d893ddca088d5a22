//! How fast a GPU is allowed to be, asked of NVML. Best effort: a driver without NVML is possible, and a GPU that does
//! not say something leaves it out.

use nvml_wrapper::Nvml;
use nvml_wrapper::bitmasks::device::ThrottleReasons;
use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};

use crate::record::GpuState;

/// NVML and the GPU's name there.
#[derive(Debug)]
pub struct Clocks {
    nvml: Nvml,
    uuid: String,
}

impl Clocks {
    /// Of the GPU with these bytes for its UUID; `None`: NVML is not there, or does not know it.
    pub fn of(uuid: [u8; 16]) -> Option<Self> {
        let clocks = Self { nvml: Nvml::init().ok()?, uuid: uuid_text(uuid) };
        clocks.read().map(|_| clocks)
    }

    /// As it is now.
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
