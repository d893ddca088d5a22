//! What the encode engines do, and for whom: utilisation, sessions of this process and of others.
//! The model counts sessions and knows no more of one, so their codec is said to be H.264 and their size 0x0.

use std::ffi::c_uint;

use nvml_wrapper_sys::bindings::{
    nvmlDevice_t, nvmlEncoderQueryType_enum_NVML_ENCODER_QUERY_AV1, nvmlEncoderQueryType_enum_NVML_ENCODER_QUERY_H264,
    nvmlEncoderSessionInfo_t, nvmlEncoderType_t,
};
use virtual_nvenc::GpuReadings;

use crate::driver::readings;
use crate::{INSUFFICIENT_SIZE, INVALID_ARGUMENT, check, entries, give};

/// How far back utilisation, rates and latencies reach.
const SAMPLING_US: c_uint = 1_000_000;

/// No process has a number above Linux's PID_MAX_LIMIT (2^22), so that nobody takes a session for his own.
const FIRST_FOREIGN_PID: c_uint = (1 << 22) + 1;

entries! {
    /// Of all engines, in percent.
    fn nvmlDeviceGetEncoderUtilization(device: nvmlDevice_t, percent: *mut c_uint, sampling_us: *mut c_uint) {
        check(device)?;
        // SAFETY: the caller's promise.
        unsafe { give(percent, readings().encoder_utilisation_pct)?; give(sampling_us, SAMPLING_US) }
    }

    /// The drop-in driver has no decoder.
    fn nvmlDeviceGetDecoderUtilization(device: nvmlDevice_t, percent: *mut c_uint, sampling_us: *mut c_uint) {
        check(device)?;
        // SAFETY: the caller's promise.
        unsafe { give(percent, 0)?; give(sampling_us, SAMPLING_US) }
    }

    /// What is left of the engines, in percent.
    fn nvmlDeviceGetEncoderCapacity(device: nvmlDevice_t, codec: nvmlEncoderType_t, percent: *mut c_uint) {
        check(device)?;
        if codec > nvmlEncoderQueryType_enum_NVML_ENCODER_QUERY_AV1 {
            return Err(INVALID_ARGUMENT);
        }
        // SAFETY: the caller's promise.
        unsafe { give(percent, 100_u32.saturating_sub(readings().encoder_utilisation_pct)) }
    }

    /// How many sessions there are; the mean rate and latency of those of this process.
    fn nvmlDeviceGetEncoderStats(
        device: nvmlDevice_t,
        num_sessions: *mut c_uint,
        frames_per_s: *mut c_uint,
        latency_us: *mut c_uint,
    ) {
        check(device)?;
        let readings = readings();
        let num_all = readings.own_sessions + readings.foreign_sessions;
        // SAFETY: the caller's promise.
        unsafe {
            give(num_sessions, num_all)?;
            give(frames_per_s, rate_of_each(&readings))?;
            give(latency_us, readings.latency_us)
        }
    }

    /// Each session, this process's first. Without a list: how many there are.
    fn nvmlDeviceGetEncoderSessions(
        device: nvmlDevice_t,
        num_sessions: *mut c_uint,
        sessions: *mut nvmlEncoderSessionInfo_t,
    ) {
        check(device)?;
        if num_sessions.is_null() {
            return Err(INVALID_ARGUMENT);
        }
        let readings = readings();
        let num_all = readings.own_sessions + readings.foreign_sessions;
        // SAFETY: not null, and so valid by the caller's promise.
        let room = unsafe { num_sessions.replace(num_all) };
        if sessions.is_null() {
            return Ok(());
        }
        if room < num_all {
            return Err(INSUFFICIENT_SIZE);
        }
        for idx in 0..num_all {
            // SAFETY: the caller's promise says that there are `room` places, and `idx` is below it.
            unsafe { sessions.add(idx as usize).write(session(&readings, idx)) };
        }
        Ok(())
    }
}

fn rate_of_each(readings: &GpuReadings) -> c_uint {
    readings.pictures_per_s / readings.own_sessions.max(1)
}

fn session(readings: &GpuReadings, idx: c_uint) -> nvmlEncoderSessionInfo_t {
    let (pid, frames_per_s, latency_us) = match idx.checked_sub(readings.own_sessions) {
        None => (std::process::id(), rate_of_each(readings), readings.latency_us),
        Some(foreign_idx) => (FIRST_FOREIGN_PID + foreign_idx, 0, 0),
    };
    nvmlEncoderSessionInfo_t {
        sessionId: idx,
        pid,
        vgpuInstance: 0,
        codecType: nvmlEncoderQueryType_enum_NVML_ENCODER_QUERY_H264,
        hResolution: 0,
        vResolution: 0,
        averageFps: frames_per_s,
        averageLatency: latency_us,
    }
}
