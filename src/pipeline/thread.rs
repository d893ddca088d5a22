//! The harvest thread's own clock and its sleep, where the system lets a thread choose them.

/// CPU time of the calling thread in nanoseconds; `None` where the system does not say.
#[cfg(target_os = "linux")]
pub(super) fn cpu_ns() -> Option<u64> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Some(u64::try_from(time.tv_sec).ok()? * 1_000_000_000 + u64::try_from(time.tv_nsec).ok()?)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn cpu_ns() -> Option<u64> {
    None
}

/// Lets the calling thread sleep for microseconds: by default Linux adds up to 50 µs to every sleep, to save power.
#[cfg(target_os = "linux")]
pub(super) fn sleep_finely() {
    // Refused, it asks later than it should, which is seen as latency.
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1_000));
}

#[cfg(not(target_os = "linux"))]
pub(super) fn sleep_finely() {}
