//! A GPU's instruments, from NVML or from the model of a virtual device: now, or while an engine works. Best effort: a driver
//! without NVML is possible, and a GPU may not report everything.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nvml_wrapper::Nvml;
use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};
use nvml_wrapper::enums::device::GpuLockedClocksSetting;

use super::DeviceError;
use super::cuda::gpus;
use super::spec::DeviceSpec;
use crate::record::{CardIdentity, GpuState, Reading, Telemetry, is_limit};

/// Between two readings of a run.
const PAUSE: Duration = Duration::from_millis(50);
/// Of the thread that reads: whatever measures goes first.
const NICENESS: i32 = 19;
/// NVML by the name that its library has beside a driver library.
const NVML_SONAME: &str = "libnvidia-ml.so.1";

/// Where the instruments of one GPU are read.
#[derive(Debug)]
pub(super) enum Instruments {
    /// NVML, and the GPU's UUID there.
    Nvml { nvml: Box<Nvml>, uuid: String },
    /// A modelled device.
    Model(Arc<virtual_nvenc::Device>),
}

/// Reads the instruments on a thread of its own until it is asked what it saw.
#[derive(Debug)]
pub struct TelemetryWatch {
    is_over: Arc<AtomicBool>,
    /// `None` once it was asked.
    thread: Option<JoinHandle<Vec<(Instant, Reading)>>>,
}

/// A clock that stays as it was set until this is dropped.
#[derive(Debug)]
pub struct LockedClock(Arc<Instruments>);

/// Whose clocks are locked now, for a program that ends without dropping anything.
static LOCKED: Mutex<Vec<Weak<Instruments>>> = Mutex::new(Vec::new());

impl Instruments {
    /// Of the GPU with this UUID, as `nvidia-smi -L` prints it; `None`: NVML is missing, or does not know the GPU.
    pub(super) fn of_gpu(uuid: &str) -> Option<Self> {
        Self::of_nvml(Nvml::init().ok()?, uuid.to_owned())
    }

    /// Of a driver library's only GPU, where a library of NVML lies beside it.
    pub(super) fn beside(library: &Path) -> Option<Self> {
        let beside = library.parent()?.join(NVML_SONAME);
        let nvml = Nvml::builder().lib_path(beside.as_os_str()).init().ok()?;
        let uuid = nvml.device_by_index(0).and_then(|gpu| gpu.uuid()).ok()?;
        Self::of_nvml(nvml, uuid)
    }

    /// Of a modelled device; `None`: its clock never changes and nobody else uses it, so there is nothing to see.
    pub(super) fn of_model(model: &Arc<virtual_nvenc::Device>) -> Option<Self> {
        model.config().has_instruments().then(|| Self::Model(Arc::clone(model)))
    }

    fn of_nvml(nvml: Nvml, uuid: String) -> Option<Self> {
        nvml.device_by_uuid(uuid.as_str()).ok()?;
        Some(Self::Nvml { nvml: Box::new(nvml), uuid })
    }

    /// Which card it is, as far as NVML says.
    pub(super) fn card(&self) -> Option<CardIdentity> {
        let Self::Nvml { nvml, uuid } = self else { return None };
        let gpu = nvml.device_by_uuid(uuid.as_str()).ok()?;
        Some(CardIdentity {
            uuid: uuid.clone(),
            pci: gpu.pci_info().ok().map(|place| place.bus_id),
            pcie_generation: gpu.current_pcie_link_gen().ok(),
            pcie_lanes: gpu.current_pcie_link_width().ok(),
            vbios: gpu.vbios_version().ok(),
            has_display: gpu.is_display_active().ok(),
            is_partitioned: gpu.mig_mode().ok().map(|mode| mode.current != 0),
        })
    }

    /// All instruments now, but for the sessions of other processes.
    fn read(&self) -> Option<Reading> {
        match self {
            Self::Nvml { nvml, uuid } => nvml.device_by_uuid(uuid.as_str()).ok().map(|gpu| read_nvml(&gpu)),
            Self::Model(model) => Some(read_model(model)),
        }
    }

    /// Encoder sessions of other processes.
    fn other_sessions(&self) -> Option<u32> {
        let (nvml, uuid) = match self {
            Self::Nvml { nvml, uuid } => (nvml, uuid),
            Self::Model(model) => return Some(model.readings().foreign_sessions),
        };
        let sessions = nvml.device_by_uuid(uuid.as_str()).and_then(|gpu| gpu.encoder_sessions()).ok()?;
        Some(sessions.iter().filter(|session| session.pid != std::process::id()).count() as u32)
    }

    /// The clock of the video engines alone.
    pub(super) fn video_mhz(&self) -> Option<u32> {
        match self {
            Self::Nvml { nvml, uuid } => nvml.device_by_uuid(uuid.as_str()).ok()?.clock_info(Clock::Video).ok(),
            Self::Model(model) => Some(model.readings().video_mhz),
        }
    }

    /// The state now.
    pub(super) fn state(&self) -> Option<GpuState> {
        let Reading { sm_mhz, video_mhz, temperature_c, limits, .. } = self.read()?;
        Some(GpuState { sm_mhz, video_mhz, is_throttled: limits.is_some_and(is_limit), temperature_c, working: None })
    }

    /// Reads them from now on; `None`: there is no thread to be had.
    pub(super) fn watch(self: &Arc<Self>) -> Option<TelemetryWatch> {
        let (instruments, is_over) = (Arc::clone(self), Arc::new(AtomicBool::new(false)));
        let ends = Arc::clone(&is_over);
        // Once, before a run opens its own: in a container their process may have another number here. It takes the driver 30 µs,
        // and 770 µs at worst beside a sweep, where any other question takes 5 µs (580.159.04 on an H200, `nvml_cost`).
        let other_sessions = self.other_sessions();
        let read = move || {
            sink_priority();
            let mut readings = Vec::new();
            loop {
                std::thread::park_timeout(PAUSE);
                if ends.load(Ordering::Relaxed) {
                    return readings;
                }
                let reading = instruments.read();
                readings.extend(reading.map(|reading| (Instant::now(), Reading { other_sessions, ..reading })));
            }
        };
        let thread = std::thread::Builder::new().name("telemetry".to_owned()).spawn(read).ok()?;
        Some(TelemetryWatch { is_over, thread: Some(thread) })
    }

    /// Sets the clock, until the answer is dropped.
    ///
    /// # Errors
    /// The driver refuses, usually because only an administrator may.
    pub(super) fn lock_clock(self: &Arc<Self>, mhz: u32) -> Result<LockedClock, DeviceError> {
        match &**self {
            Self::Nvml { nvml, uuid } => {
                let setting = GpuLockedClocksSetting::Numeric { min_clock_mhz: mhz, max_clock_mhz: mhz };
                let locked = nvml.device_by_uuid(uuid.as_str()).and_then(|mut gpu| gpu.set_gpu_locked_clocks(setting));
                locked.map_err(|error| DeviceError::LockClock { mhz, problem: error.to_string() })?;
            }
            Self::Model(model) => model.lock_clock(Some(mhz)),
        }
        locked_now().push(Arc::downgrade(self));
        Ok(LockedClock(Arc::clone(self)))
    }

    fn unlock_clock(&self) {
        match self {
            // Refused, there is nobody left to tell.
            Self::Nvml { nvml, uuid } => {
                let _ = nvml.device_by_uuid(uuid.as_str()).and_then(|mut gpu| gpu.reset_gpu_locked_clocks());
            }
            Self::Model(model) => model.lock_clock(None),
        }
    }
}

impl TelemetryWatch {
    /// Ends it. What was read from `start` to `end` counts, with times from `start`; `None`: there was no time for a reading.
    pub fn finish(mut self, (start, end): (Instant, Instant)) -> Option<Telemetry> {
        let thread = self.end()?;
        let within = |(at, reading): (Instant, Reading)| {
            let since_start = at.checked_duration_since(start).filter(|_| at <= end)?;
            Some((u64::try_from(since_start.as_nanos()).unwrap_or(u64::MAX), reading))
        };
        let readings: Vec<_> = thread.join().ok()?.into_iter().filter_map(within).collect();
        (!readings.is_empty()).then(|| Telemetry::of(&readings))
    }

    fn end(&mut self) -> Option<JoinHandle<Vec<(Instant, Reading)>>> {
        let thread = self.thread.take()?;
        self.is_over.store(true, Ordering::Relaxed);
        thread.thread().unpark();
        Some(thread)
    }
}

impl Drop for TelemetryWatch {
    fn drop(&mut self) {
        drop(self.end());
    }
}

impl Drop for LockedClock {
    fn drop(&mut self) {
        self.0.unlock_clock();
        locked_now().retain(|locked| !std::ptr::eq(locked.as_ptr(), Arc::as_ptr(&self.0)));
    }
}

/// Unlocks every clock that is still locked: before the program is ended at once.
pub fn unlock_all_clocks() {
    for instruments in locked_now().drain(..).filter_map(|locked| locked.upgrade()) {
        instruments.unlock_clock();
    }
}

/// Gives the clock of a GPU back that a process has left locked which was killed.
pub fn release_clock(device: &str) {
    let Ok(DeviceSpec::Cuda(name)) = device.parse() else { return };
    let uuid = gpus().ok().and_then(|gpus| Some(name.find(&gpus).ok()?.uuid.clone()));
    if let Some(instruments) = uuid.and_then(|uuid| Instruments::of_nvml(Nvml::init().ok()?, uuid)) {
        instruments.unlock_clock();
    }
}

fn locked_now() -> MutexGuard<'static, Vec<Weak<Instruments>>> {
    LOCKED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_nvml(gpu: &nvml_wrapper::Device<'_>) -> Reading {
    Reading {
        video_mhz: gpu.clock_info(Clock::Video).ok(),
        sm_mhz: gpu.clock_info(Clock::SM).ok(),
        memory_mhz: gpu.clock_info(Clock::Memory).ok(),
        p_state: gpu.performance_state().ok().map(|state| state.as_c()),
        temperature_c: gpu.temperature(TemperatureSensor::Gpu).ok(),
        power_mw: gpu.power_usage().ok(),
        encoder_pct: gpu.encoder_utilization().ok().map(|used| used.utilization),
        other_sessions: None,
        limits: gpu.current_throttle_reasons().map(|reasons| reasons.bits()).ok(),
    }
}

/// As NVML would tell it of the modelled device.
fn read_model(model: &virtual_nvenc::Device) -> Reading {
    /// A modelled clock is halved as by the power cap.
    const POWER_CAP: u64 = 0x04;
    let told = model.readings();
    Reading {
        video_mhz: Some(told.video_mhz),
        encoder_pct: Some(told.encoder_utilisation_pct),
        limits: Some(if told.is_throttled { POWER_CAP } else { 0 }),
        ..Reading::default()
    }
}

#[cfg(target_os = "linux")]
fn sink_priority() {
    // Of the calling thread alone. Refused, it is as important as any.
    let _ = rustix::process::setpriority_process(None, NICENESS);
}

#[cfg(not(target_os = "linux"))]
fn sink_priority() {}
