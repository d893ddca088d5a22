//! A GPU's clocks, throttling and temperature, from NVML: now, or while an engine works. Best effort: a driver without NVML is
//! possible, and a GPU may not report everything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use nvml_wrapper::Nvml;
use nvml_wrapper::bitmasks::device::ThrottleReasons;
use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};

use crate::record::{CardIdentity, GpuState, WorkingClock};

/// Between two readings of a run. A clock goes up within milliseconds and down within seconds.
const PAUSE: Duration = Duration::from_millis(20);

/// NVML, and the GPU's UUID there.
#[derive(Debug)]
pub struct Clocks {
    nvml: Nvml,
    uuid: String,
}

/// Reads a clock on a thread of its own until it is asked what it saw.
#[derive(Debug)]
pub struct ClockWatch {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Readings>,
}

/// What was read so far.
#[derive(Debug, Clone, Copy, Default)]
struct Readings {
    lowest_mhz: u32,
    highest_mhz: u32,
    sum_mhz: u64,
    num: u32,
}

impl Clocks {
    /// For the GPU with this UUID, as `nvidia-smi -L` prints it; `None`: NVML is missing, or does not know the GPU.
    pub fn of(uuid: &str) -> Option<Self> {
        let clocks = Self { nvml: Nvml::init().ok()?, uuid: uuid.to_owned() };
        clocks.read().map(|_| clocks)
    }

    /// Which card it is, as far as NVML says.
    pub fn card(&self) -> Option<CardIdentity> {
        let gpu = self.nvml.device_by_uuid(self.uuid.as_str()).ok()?;
        Some(CardIdentity {
            uuid: self.uuid.clone(),
            pci: gpu.pci_info().ok().map(|place| place.bus_id),
            pcie_generation: gpu.current_pcie_link_gen().ok(),
            pcie_lanes: gpu.current_pcie_link_width().ok(),
            vbios: gpu.vbios_version().ok(),
            has_display: gpu.is_display_active().ok(),
        })
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
            working: None,
        })
    }

    /// Reads the clock of the video engines from now on; `None`: there is no thread to be had.
    pub fn watch(self: &Arc<Self>) -> Option<ClockWatch> {
        let (clocks, is_over) = (Arc::clone(self), Arc::new(AtomicBool::new(false)));
        let ends = Arc::clone(&is_over);
        let read = move || {
            let mut readings = Readings::default();
            let Ok(gpu) = clocks.nvml.device_by_uuid(clocks.uuid.as_str()) else { return readings };
            loop {
                std::thread::park_timeout(PAUSE);
                if ends.load(Ordering::Relaxed) {
                    return readings;
                }
                gpu.clock_info(Clock::Video).into_iter().for_each(|mhz| readings.note(mhz));
            }
        };
        let thread = std::thread::Builder::new().name("clocks".to_owned()).spawn(read).ok()?;
        Some(ClockWatch { is_over, thread })
    }
}

impl ClockWatch {
    /// Ends it; `None`: it had no time for a reading, or the GPU does not say.
    pub fn finish(self) -> Option<WorkingClock> {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        self.thread.join().ok()?.summary()
    }
}

impl Readings {
    fn note(&mut self, mhz: u32) {
        self.lowest_mhz = if self.num == 0 { mhz } else { self.lowest_mhz.min(mhz) };
        self.highest_mhz = self.highest_mhz.max(mhz);
        self.sum_mhz += u64::from(mhz);
        self.num += 1;
    }

    fn summary(self) -> Option<WorkingClock> {
        let Self { lowest_mhz, highest_mhz, sum_mhz, num: num_readings } = self;
        let mean_mhz = sum_mhz.checked_div(num_readings.into())? as u32;
        Some(WorkingClock { lowest_mhz, mean_mhz, highest_mhz, num_readings })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_are_kept_as_lowest_mean_and_highest() {
        assert_eq!(Readings::default().summary(), None);
        let mut readings = Readings::default();
        [1545, 765, 1545, 1545].into_iter().for_each(|mhz| readings.note(mhz));
        let expected = WorkingClock { lowest_mhz: 765, mean_mhz: 1350, highest_mhz: 1545, num_readings: 4 };
        assert_eq!(readings.summary(), Some(expected));
    }
}
