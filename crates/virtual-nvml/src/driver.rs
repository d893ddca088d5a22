//! Where the readings come from: the virtual driver of this process, or else a device of our own on which nothing works.
//! It knows no function of NVML.

use std::sync::OnceLock;

use virtual_nvenc::drop_in::{VARIABLE, split_log};
use virtual_nvenc::{Device, DeviceConfig, GpuReadings};

/// Is there a device to answer for?
pub fn is_described() -> bool {
    idle_device().is_some()
}

/// What the device's instruments show now.
pub fn readings() -> GpuReadings {
    loaded::readings().or_else(|| idle_device().map(Device::readings)).unwrap_or_default()
}

/// Locks the video clock; `None`: undoes it. A driver that is loaded afterwards does not know of it.
pub fn lock_clock(mhz: Option<u32>) {
    if loaded::lock_clock(mhz).is_none()
        && let Some(device) = idle_device()
    {
        device.lock_clock(mhz);
    }
}

/// What the variable describes, made at the first call; without work its readings are those of an idle GPU.
fn idle_device() -> Option<&'static Device> {
    static DEVICE: OnceLock<Option<Device>> = OnceLock::new();
    let make = || {
        let text = std::env::var(VARIABLE).unwrap_or_default();
        let config = split_log(&text).0.parse::<DeviceConfig>().map_err(|error| {
            eprintln!("virtual NVML: {VARIABLE}=\"{text}\" is not a device description: {error}");
        });
        config.ok().map(Device::new)
    };
    DEVICE.get_or_init(make).as_ref()
}

/// The virtual driver, looked for at each call: a client may load it after this library.
#[cfg(unix)]
mod loaded {
    use std::ffi::OsString;

    use libloading::os::unix::{Library, RTLD_LAZY};
    use virtual_nvenc::GpuReadings;
    use virtual_nvenc::drop_in::{LOCK_CLOCK_FN, LockClockFn, READINGS_FN, ReadingsFn};

    const SONAME: &str = "libnvidia-encode.so.1";

    /// Where the interposer, which has the driver's name then, is told to find the driver.
    const BEHIND_INTERPOSER: &str = "INFLIGHT_NVENC_LIBRARY";

    pub fn readings() -> Option<GpuReadings> {
        let mut readings = GpuReadings::default();
        // SAFETY: the name is our own, and stands for this type only; what is filled lives through the call.
        let status =
            unsafe { call::<ReadingsFn>(READINGS_FN, |function| function(&mut readings, size_of_val(&readings))) };
        (status == Some(0)).then_some(readings)
    }

    pub fn lock_clock(mhz: Option<u32>) -> Option<()> {
        // SAFETY: the name is our own, and stands for this type only.
        let status = unsafe { call::<LockClockFn>(LOCK_CLOCK_FN, |function| function(mhz.unwrap_or(0))) };
        (status == Some(0)).then_some(())
    }

    /// Calls a function of the driver; `None`: the process has no virtual driver, or one without it.
    ///
    /// # Safety
    /// The function of this name has the type `F`, a function pointer.
    unsafe fn call<F: Copy>(name: &str, call: impl FnOnce(F) -> u32) -> Option<u32> {
        let names = [std::env::var_os(BEHIND_INTERPOSER), Some(OsString::from(SONAME))];
        let of_name = names.into_iter().flatten().filter_map(|name| {
            // SAFETY: a library that is there already is counted once more, and none is loaded.
            unsafe { Library::open(Some(name), RTLD_LAZY | libc::RTLD_NOLOAD) }.ok()
        });
        // One that was preloaded, or linked into the program, may have another name.
        of_name
            .chain([Library::this()])
            .find_map(|library| {
                // SAFETY: the caller vouches for the type.
                let function = unsafe { library.get::<F>(name) }.ok()?;
                Some(*function)
            })
            // The driver stays mapped once it is loaded (its build.rs), so the function outlives our count.
            .map(call)
    }
}

#[cfg(not(unix))]
mod loaded {
    use virtual_nvenc::GpuReadings;

    pub fn readings() -> Option<GpuReadings> {
        None
    }

    pub fn lock_clock(_: Option<u32>) -> Option<()> {
        None
    }
}
