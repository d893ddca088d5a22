//! Registering and mapping a client's own memory as input.

use std::ffi::c_void;

use super::foreign::{Foreign, handle};
use super::layout::{MapInput, RegisterResource, at};
use super::{Encoder, with_session};
use crate::faults::Site;
use crate::guids;
use crate::params::refuse_if;
use crate::rules::{Rule, Status};
use crate::session::resources::Resource;

/// `NV_ENC_INPUT_RESOURCE_TYPE_CUDADEVICEPTR`
const CUDA_DEVICE_PTR: u32 = 1;
/// `NV_ENC_INPUT_IMAGE`
const INPUT_IMAGE: u32 = 0;

/// # Safety
/// As the header says of `NvEncRegisterResource`; the resource is memory of this process.
pub unsafe extern "C" fn register(encoder: Encoder, params: *mut RegisterResource) -> u32 {
    with_session(encoder, "NvEncRegisterResource", |session| {
        session.strike(Site::Create)?;
        // SAFETY: the caller's promise.
        let params = unsafe { Foreign::new(params, session.api) }?;
        let is_known =
            params.get(at::REGISTER_TYPE) == CUDA_DEVICE_PTR && params.get(at::REGISTER_USAGE) == INPUT_IMAGE;
        refuse_if(!is_known, Rule::ResourceKind)?;
        let ptr = params.get(at::REGISTER_MEMORY).cast_const().cast::<u8>();
        refuse_if(ptr.is_null(), Rule::NullPointer)?;
        let resource = Resource {
            ptr,
            format: guids::format(params.get(at::REGISTER_FORMAT)).ok_or(Rule::FormatUnsupported)?,
            width: params.get(at::REGISTER_WIDTH),
            height: params.get(at::REGISTER_HEIGHT),
            pitch_bytes: params.get(at::REGISTER_PITCH),
        };
        params.set(at::REGISTER_RESULT, session.register(resource)?.as_ptr());
        Ok(Status::Success)
    })
}

/// # Safety
/// None is needed: handles are looked up.
pub unsafe extern "C" fn unregister(encoder: Encoder, registered: *mut c_void) -> u32 {
    with_session(encoder, "NvEncUnregisterResource", |session| {
        session.unregister(handle(registered)?)?;
        Ok(Status::Success)
    })
}

/// # Safety
/// As the header says of `NvEncMapInputResource`: until it is unmapped the memory exists, and does not change while a
/// picture is encoded from it.
pub unsafe extern "C" fn map(encoder: Encoder, params: *mut MapInput) -> u32 {
    with_session(encoder, "NvEncMapInputResource", |session| {
        session.strike(Site::Map)?;
        // SAFETY: the caller's promise.
        let params = unsafe { Foreign::new(params, session.api) }?;
        let (mapped, format) = session.map(handle(params.get(at::MAP_REGISTERED))?)?;
        params.set(at::MAP_RESULT, mapped.as_ptr());
        params.set(at::MAP_FORMAT, guids::format_code(format));
        Ok(Status::Success)
    })
}

/// # Safety
/// None is needed: handles are looked up.
pub unsafe extern "C" fn unmap(encoder: Encoder, mapped: *mut c_void) -> u32 {
    with_session(encoder, "NvEncUnmapInputResource", |session| {
        session.unmap(handle(mapped)?)?;
        Ok(Status::Success)
    })
}
