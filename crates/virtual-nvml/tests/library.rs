//! The library as a client sees it that knows nothing of it: through nvml-wrapper, alone and beside the virtual driver.
//!
//! Each part is a process of its own, since a process has one device.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

#[path = "../../virtual-nvenc-driver/tests/common/client.rs"]
mod client;
#[path = "../../virtual-nvenc-driver/tests/common/mod.rs"]
mod common;
#[path = "../../virtual-nvenc-driver/tests/common/parts.rs"]
mod parts;

use std::ffi::{CStr, c_char, c_int};
use std::time::{Duration, Instant};

use client::Client;
use common::Drivers;
use libloading::Library;
use nvml_wrapper::bitmasks::device::ThrottleReasons;
use nvml_wrapper::enum_wrappers::device::{Clock, EncoderType, PcieUtilCounter, PerformanceState, TemperatureSensor};
use nvml_wrapper::enums::device::GpuLockedClocksSetting;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};
use nvml_wrapper_sys::bindings::nvmlMemory_v2_t;
use virtual_nvml::{
    INSUFFICIENT_SIZE, INVALID_ARGUMENT, NOT_FOUND, NOT_SUPPORTED, SUCCESS, UNINITIALIZED, VERSION_MISMATCH,
};
// So that they are built.
use {inflight_interposer as _, virtual_cuda as _, virtual_nvenc_driver as _};

const IDLE_MHZ: u32 = 645;
const FULL_MHZ: u32 = 1950;
/// Whatever is waited for comes within this, or never will.
const PATIENCE: Duration = Duration::from_secs(50);

/// Plays the part that the environment names; in an ordinary run of the tests there is none.
#[test]
fn client() {
    let Some(part) = parts::part() else { return };
    if part == "a wrong description" {
        return assert!(matches!(Nvml::init(), Err(NvmlError::DriverNotLoaded)));
    }
    let nvml = Nvml::init().unwrap();
    let mut gpu = nvml.device_by_index(0).unwrap();
    match part.as_str() {
        "identity" => tells_what_cuda_tells(&nvml, &gpu),
        "alone" => is_idle_alone(&mut gpu),
        "statuses" => answers_as_nvml(&nvml),
        "work" | "behind the interposer" => follows_the_engine(&gpu),
        "throttled" => is_throttled_from_the_first_work_on(&gpu),
        "locked" => keeps_a_locked_clock(&mut gpu),
        other => panic!("no such part: {other}"),
    }
}

/// Starts a part on a device, and waits for its good end.
fn play(part: &str, device: &str) {
    let drivers = Drivers::new();
    drivers.add("libvirtual_nvml.so", "libnvidia-ml.so.1");
    let mut command = drivers.command(std::env::current_exe().unwrap(), device);
    // Where a log may go.
    command.current_dir(drivers.path());
    if part == "behind the interposer" {
        let driver = drivers.path().join("driver.so");
        std::fs::rename(drivers.path().join("libnvidia-encode.so.1"), &driver).unwrap();
        drivers.add("libinflight_interposer.so", "libnvidia-encode.so.1");
        command.env("INFLIGHT_NVENC_LIBRARY", driver).env("INFLIGHT_TRACE_DIR", drivers.path());
    }
    parts::ended_well(parts::start(command, "client", part), part);
}

#[test]
fn name_uuid_and_place_are_those_of_cuda() {
    play("identity", "");
}

#[test]
fn without_a_driver_in_the_process_the_described_device_is_idle() {
    play("alone", "clock=ramp:400ms,foreign_sessions=2,log=calls.jsonl");
}

#[test]
fn wrong_calls_get_the_statuses_of_nvml() {
    play("statuses", "");
}

#[test]
fn a_wrong_description_is_a_driver_that_is_not_loaded() {
    play("a wrong description", "clock=sometimes");
}

#[test]
fn readings_follow_the_engine_of_the_driver() {
    play("work", "clock=ramp:400ms,foreign_sessions=2,latency_us=2000,interval_us=1000");
}

#[test]
fn the_driver_is_found_behind_the_interposer() {
    play("behind the interposer", "clock=ramp:400ms,foreign_sessions=2,latency_us=2000,interval_us=1000");
}

#[test]
fn throttling_halves_the_clock_and_says_so() {
    play("throttled", "throttle=after:0s");
}

#[test]
fn a_locked_clock_is_kept_until_it_is_undone() {
    play("locked", "clock=ramp:10ms,latency_us=2000");
}

fn mhz(gpu: &Device<'_>) -> u32 {
    gpu.clock_info(Clock::Video).unwrap()
}

/// Encodes until `is_so`.
fn encode_until(client: &Client, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    for picture in 0.. {
        client.encode_one(picture);
        if is_so() {
            (picture.saturating_sub(client.slots.len() - 1)..=picture).for_each(|picture| client.reap(picture));
            return;
        }
        assert!(start.elapsed() < PATIENCE, "it never came");
    }
}

fn lock(gpu: &mut Device<'_>, max_clock_mhz: u32) {
    gpu.set_gpu_locked_clocks(GpuLockedClocksSetting::Numeric { min_clock_mhz: 0, max_clock_mhz }).unwrap();
}

fn tells_what_cuda_tells(nvml: &Nvml, gpu: &Device<'_>) {
    // SAFETY: loading it has no effect.
    let cuda = unsafe { Library::new("libcuda.so.1") }.unwrap();
    let text = |name: &str| {
        let mut text = [0; 100];
        // SAFETY: the entries have this signature in CUDA's reference, and the buffer is as long as is said.
        let status = unsafe {
            let entry = cuda.get::<unsafe extern "C" fn(*mut c_char, c_int, c_int) -> c_int>(name).unwrap();
            entry(text.as_mut_ptr(), 100, 0)
        };
        assert_eq!(status, 0, "{name}");
        // SAFETY: the entry ended the text, or left it empty.
        unsafe { CStr::from_ptr(text.as_ptr()) }.to_str().unwrap().to_owned()
    };
    let (mut uuid, mut version) = ([0_u8; 16], 0);
    // SAFETY: the entries have these signatures in CUDA's reference, and the arguments live through the calls.
    let statuses = unsafe {
        let uuid_of = cuda.get::<unsafe extern "C" fn(*mut u8, c_int) -> c_int>("cuDeviceGetUuid").unwrap();
        let version_of = cuda.get::<unsafe extern "C" fn(*mut c_int) -> c_int>("cuDriverGetVersion").unwrap();
        (uuid_of(uuid.as_mut_ptr(), 0), version_of(&mut version))
    };
    assert_eq!(statuses, (0, 0));
    assert_eq!(gpu.name().unwrap(), text("cuDeviceGetName"));
    assert_eq!(gpu.pci_info().unwrap().bus_id, format!("0000{}", text("cuDeviceGetPCIBusId")));
    assert_eq!(nvml.sys_cuda_driver_version().unwrap(), version);
    let digits: String = uuid.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(gpu.uuid().unwrap().strip_prefix("GPU-").unwrap().replace('-', ""), digits);

    assert_eq!(nvml.device_count().unwrap(), 1);
    for same in [nvml.device_by_uuid(gpu.uuid().unwrap()), nvml.device_by_pci_bus_id(text("cuDeviceGetPCIBusId"))] {
        assert_eq!(same.unwrap().index().unwrap(), 0);
    }
}

fn is_idle_alone(gpu: &mut Device<'_>) {
    assert_eq!((mhz(gpu), gpu.max_clock_info(Clock::Video).unwrap()), (IDLE_MHZ, FULL_MHZ));
    assert_eq!(gpu.current_throttle_reasons_strict().unwrap(), ThrottleReasons::GPU_IDLE);
    assert_eq!(gpu.performance_state().unwrap(), PerformanceState::Eight);
    assert_eq!(gpu.encoder_utilization().unwrap().utilization, 0);
    assert_eq!(gpu.encoder_capacity(EncoderType::HEVC).unwrap(), 100);
    assert_eq!(gpu.encoder_stats().unwrap().session_count, 2);
    lock(gpu, 1200);
    assert_eq!(mhz(gpu), 1200);
    // What the model does not know has a value all the same.
    assert!(gpu.temperature(TemperatureSensor::Gpu).is_ok() && gpu.power_usage().is_ok());
    assert!(gpu.enforced_power_limit().is_ok() && gpu.utilization_rates().is_ok());
    assert!(gpu.decoder_utilization().is_ok() && gpu.memory_info().is_ok() && gpu.brand().is_ok());
    assert!(gpu.pcie_throughput(PcieUtilCounter::Send).is_ok() && gpu.architecture().is_ok());
    assert!(gpu.current_pcie_link_gen().is_ok() && gpu.current_pcie_link_width().is_ok());
    assert!(gpu.is_display_active().is_ok() && gpu.vbios_version().is_ok());
}

fn follows_the_engine(gpu: &Device<'_>) {
    assert_eq!((mhz(gpu), gpu.encoder_sessions().unwrap().len()), (IDLE_MHZ, 2), "no driver yet");
    let client = Client::open(4);
    assert_eq!(mhz(gpu), IDLE_MHZ, "a session alone is no work");

    let pids: Vec<u32> = gpu.encoder_sessions().unwrap().iter().map(|session| session.pid).collect();
    assert_eq!((pids.len(), pids[0]), (3, std::process::id()));
    assert!(!pids[1..].contains(&std::process::id()));

    let mut seen_mhz = Vec::new();
    encode_until(&client, || {
        seen_mhz.push(mhz(gpu));
        seen_mhz.last() == Some(&FULL_MHZ)
    });
    assert!(seen_mhz.iter().all(|mhz| (IDLE_MHZ..=FULL_MHZ).contains(mhz)), "{seen_mhz:?}");
    // A computer that stops for a second lets the engine rest.
    encode_until(&client, || gpu.performance_state().unwrap() == PerformanceState::Zero);
    encode_until(&client, || gpu.current_throttle_reasons().unwrap().is_empty());
    encode_until(&client, || gpu.encoder_utilization().unwrap().utilization > 0);
    encode_until(&client, || {
        let stats = gpu.encoder_stats().unwrap();
        stats.session_count == 3 && stats.average_fps > 0 && stats.average_latency >= 2000
    });
    client.close();
    assert_eq!(gpu.encoder_sessions().unwrap().len(), 2);
}

fn is_throttled_from_the_first_work_on(gpu: &Device<'_>) {
    let client = Client::open(1);
    assert_eq!((mhz(gpu), gpu.current_throttle_reasons().unwrap()), (FULL_MHZ, ThrottleReasons::GPU_IDLE));
    encode_until(&client, || true);
    assert!(gpu.current_throttle_reasons().unwrap().contains(ThrottleReasons::SW_POWER_CAP));
    assert_eq!((mhz(gpu), gpu.max_clock_info(Clock::SM).unwrap()), (FULL_MHZ / 2, FULL_MHZ));
    client.close();
}

fn keeps_a_locked_clock(gpu: &mut Device<'_>) {
    let client = Client::open(1);
    lock(gpu, 1200);
    assert_eq!(mhz(gpu), 1200);
    for picture in 0..20 {
        client.encode_one(picture);
        assert_eq!(mhz(gpu), 1200);
    }
    client.reap(19);
    gpu.reset_gpu_locked_clocks().unwrap();
    encode_until(&client, || mhz(gpu) == FULL_MHZ);
    client.close();
}

fn answers_as_nvml(nvml: &Nvml) {
    let (lib, mut device, mut number) = (nvml.lib(), std::ptr::null_mut(), 0);
    let (mut text, mut memory) = ([0; 96], nvmlMemory_v2_t { version: 1, total: 0, reserved: 0, free: 0, used: 0 });
    // SAFETY: the pointers are null, where the call must see that, or live through it; the sizes are theirs.
    unsafe {
        assert_eq!(lib.nvmlDeviceGetHandleByIndex_v2(1, &mut device), INVALID_ARGUMENT);
        assert_eq!(lib.nvmlDeviceGetHandleByUUID(c"GPU-0".as_ptr(), &mut device), NOT_FOUND);
        assert_eq!(lib.nvmlDeviceGetHandleByPciBusId_v2(c"0000:65:00.0".as_ptr(), &mut device), NOT_FOUND);
        assert_eq!(lib.nvmlDeviceGetHandleByPciBusId_v2(c"nowhere".as_ptr(), &mut device), INVALID_ARGUMENT);
        assert_eq!(lib.nvmlDeviceGetIndex(device, &mut number), INVALID_ARGUMENT, "a handle that is none");
        assert_eq!(lib.nvmlDeviceGetHandleByIndex_v2(0, &mut device), SUCCESS);
        assert_eq!(lib.nvmlDeviceGetIndex(device, std::ptr::null_mut()), INVALID_ARGUMENT);
        assert_eq!(lib.nvmlDeviceGetName(device, text.as_mut_ptr(), 28), INSUFFICIENT_SIZE);
        assert_eq!(lib.nvmlDeviceGetName(device, text.as_mut_ptr(), 29), SUCCESS);
        assert_eq!(lib.nvmlDeviceGetClockInfo(device, 4, &mut number), INVALID_ARGUMENT);
        assert_eq!(lib.nvmlDeviceSetGpuLockedClocks(device, 1200, 1000), INVALID_ARGUMENT);
        assert_eq!(lib.nvmlDeviceGetMemoryInfo_v2(device, &mut memory), VERSION_MISMATCH);
        assert_eq!(lib.nvmlDeviceGetMigMode(device, &mut number, &mut 0), NOT_SUPPORTED);
        assert_eq!(CStr::from_ptr(lib.nvmlErrorString(INSUFFICIENT_SIZE)), c"Insufficient Size");
        assert_eq!(CStr::from_ptr(lib.nvmlErrorString(12345)), c"Unknown Error");
        assert_eq!(lib.nvmlShutdown(), SUCCESS);
        assert_eq!(lib.nvmlDeviceGetIndex(device, &mut number), UNINITIALIZED);
        assert_eq!(lib.nvmlDeviceGetCount_v2(&mut number), UNINITIALIZED);
        assert_eq!(lib.nvmlSystemGetNVMLVersion(text.as_mut_ptr(), 96), SUCCESS, "needs no nvmlInit");
        assert_eq!(lib.nvmlShutdown(), UNINITIALIZED);
        assert_eq!(lib.nvmlInitWithFlags(1), SUCCESS);
        assert_eq!(lib.nvmlDeviceGetIndex(device, &mut number), SUCCESS);
    }
}
