//! Slots that every table must have and that this driver does not serve: each says so, in its status and its text.

use std::ffi::c_void;

use super::{Encoder, with_session};
use crate::rules::{Rule, Status};

pub type TwoPtrs = unsafe extern "C" fn(Encoder, *mut c_void, *mut c_void) -> u32;

/// `NvEncSetIOCudaStreams` succeeds, because clients set streams without using CUDA memory; there is nothing to order.
///
/// # Safety
/// None is needed: no pointer is followed.
pub unsafe extern "C" fn set_io_streams(encoder: Encoder, _input: *mut c_void, _output: *mut c_void) -> u32 {
    with_session(encoder, "NvEncSetIOCudaStreams", |_| Ok(Status::Success))
}

/// # Safety
/// None is needed: no pointer is followed.
pub unsafe extern "C" fn refuse_async(encoder: Encoder, _event: *mut c_void) -> u32 {
    with_session(encoder, "NvEncRegisterAsyncEvent or its opposite", |_| Err(Rule::AsyncUnsupported.into()))
}

/// # Safety
/// None is needed: no pointer is followed.
pub unsafe extern "C" fn not_implemented(encoder: Encoder, _argument: *mut c_void) -> u32 {
    with_session(encoder, "an entry that is not served", |_| Err(Rule::NotImplemented.into()))
}
