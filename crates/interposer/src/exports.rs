//! The two functions that NVENC's library exports. Left out of the unit tests, whose driver exports them as well.

use std::ffi::c_void;

use crate::library::driver;
use crate::table::wrap;

/// `NV_ENC_ERR_NO_ENCODE_DEVICE`: there is no driver behind.
const NO_ENCODE_DEVICE: u32 = 1;

/// Fills the client's function list as the true driver does, with the measured entries replaced.
///
/// # Safety
/// As NVENC's header asks: `list` is null or points to an `NV_ENCODE_API_FUNCTION_LIST`.
#[unsafe(export_name = "NvEncodeAPICreateInstance")]
pub unsafe extern "system" fn create_instance(list: *mut c_void) -> u32 {
    let Some(driver) = driver(create_instance) else { return NO_ENCODE_DEVICE };
    // SAFETY: the client's own argument goes on unchanged.
    let status = unsafe { (driver.create_instance)(list) };
    if status == 0 && !list.is_null() {
        // SAFETY: the driver has just filled it, and is never unloaded.
        unsafe { wrap(list) };
    }
    status
}

/// Answers what the true driver answers.
///
/// # Safety
/// As NVENC's header asks: `version` is null or may be written to.
#[unsafe(export_name = "NvEncodeAPIGetMaxSupportedVersion")]
pub unsafe extern "system" fn max_supported_version(version: *mut u32) -> u32 {
    match driver(create_instance) {
        // SAFETY: the client's own argument goes on unchanged.
        Some(driver) => unsafe { (driver.max_supported_version)(version) },
        None => NO_ENCODE_DEVICE,
    }
}
