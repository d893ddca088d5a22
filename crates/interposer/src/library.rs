//! The true driver library: loaded once, never unloaded, and never this library itself.

use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::sync::OnceLock;

use libloading::Library;

/// Which library is the true one.
pub const LIBRARY_VARIABLE: &str = "INFLIGHT_NVENC_LIBRARY";

/// What the driver's two exports look like, with numbers for statuses.
pub type CreateInstance = unsafe extern "system" fn(*mut c_void) -> u32;
pub type MaxSupportedVersion = unsafe extern "system" fn(*mut u32) -> u32;

/// The true driver's exports.
pub struct Driver {
    pub create_instance: CreateInstance,
    pub max_supported_version: MaxSupportedVersion,
    /// Never unloaded: a driver's own threads may outlive its last session.
    _library: ManuallyDrop<Library>,
}

/// The true driver; `own` is this library's `NvEncodeAPICreateInstance`. What is wrong is said once, on standard error:
/// the client learns a number only.
pub fn driver(own: CreateInstance) -> Option<&'static Driver> {
    static DRIVER: OnceLock<Option<Driver>> = OnceLock::new();
    let load = || load(own).inspect_err(|problem| say(problem)).ok();
    DRIVER.get_or_init(load).as_ref()
}

fn load(own: CreateInstance) -> Result<Driver, String> {
    let path = std::env::var_os(LIBRARY_VARIABLE).ok_or_else(|| {
        format!("{LIBRARY_VARIABLE} is not set: set it to the full path of the real NVENC driver library")
    })?;
    let shown = path.to_string_lossy().into_owned();
    // SAFETY: loading runs the library's initialisers; the user named this library as the driver to run.
    let library = unsafe { Library::new(&path) }.map_err(|error| {
        let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        format!("cannot load the real driver {shown}: {cause}; set {LIBRARY_VARIABLE} to an NVENC driver library")
    })?;
    let missing = |name: &str| {
        format!("{shown} is not an NVENC driver: it has no {name}; set {LIBRARY_VARIABLE} to an NVENC driver library")
    };
    // SAFETY: the header gives both exports these signatures.
    let (create_instance, max_supported_version) = unsafe {
        (
            *library
                .get::<CreateInstance>(b"NvEncodeAPICreateInstance\0")
                .map_err(|_| missing("NvEncodeAPICreateInstance"))?,
            *library
                .get::<MaxSupportedVersion>(b"NvEncodeAPIGetMaxSupportedVersion\0")
                .map_err(|_| missing("NvEncodeAPIGetMaxSupportedVersion"))?,
        )
    };
    if std::ptr::fn_addr_eq(create_instance, own) {
        return Err(format!("{shown} is the interposer itself: set {LIBRARY_VARIABLE} to the real driver"));
    }
    Ok(Driver { create_instance, max_supported_version, _library: ManuallyDrop::new(library) })
}

fn say(problem: &str) {
    use std::io::Write;
    // A client without a standard error has nobody to tell.
    drop(writeln!(std::io::stderr(), "inflight interposer: {problem}"));
}
