//! What a driver takes for a device: a CUDA context, a virtual device, or where neither is to be had something to point at.

use std::ffi::c_void;
use std::fmt;
use std::sync::Arc;

use cudarc::driver::CudaContext;

use super::{DeviceError, DeviceSpec, GpuName, cuda};
use crate::nvenc::session::DeviceHandle;

/// What the driver of this device takes for it, without the driver itself.
///
/// # Errors
/// There is no such GPU, or CUDA fails.
pub fn handle(spec: &DeviceSpec) -> Result<DeviceHandle, DeviceError> {
    Ok(match spec {
        DeviceSpec::Virtual(config) | DeviceSpec::VirtualOnCuda(config, _) => {
            virtual_handle(&Arc::new(virtual_nvenc::Device::new(config.clone())))
        }
        DeviceSpec::Cuda(gpu) => context_handle(cuda::context(gpu)?),
        DeviceSpec::Library(_) => context_for_library()?.map_or_else(token_handle, context_handle),
    })
}

/// A library gets a CUDA context where there is one. Where there is none it cannot be NVIDIA's own driver, which needs
/// CUDA itself; another one gets a handle that points at valid, empty memory.
pub(super) fn context_for_library() -> Result<Option<Arc<CudaContext>>, DeviceError> {
    match cuda::context(&GpuName::Ordinal(0)) {
        Ok(context) => Ok(Some(context)),
        Err(DeviceError::NoCuda { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn virtual_handle(emulation: &Arc<virtual_nvenc::Device>) -> DeviceHandle {
    // SAFETY: the virtual driver looks its devices up by this value and never follows it.
    unsafe { DeviceHandle::new(emulation.as_ptr(), emulation.clone()) }
}

pub(super) fn context_handle(context: Arc<CudaContext>) -> DeviceHandle {
    // SAFETY: a CUDA context is what NVENC takes for a device, and `Context` keeps it.
    unsafe { DeviceHandle::new(context.cu_ctx().cast(), Arc::new(Context(context))) }
}

pub(super) fn token_handle() -> DeviceHandle {
    let token = Arc::new(Token::default());
    // SAFETY: a driver on a machine without CUDA can only compare this value, or look at the zeros it points at.
    unsafe { DeviceHandle::new(token.as_ptr(), token) }
}

/// Keeps a CUDA context while sessions use it.
struct Context(Arc<CudaContext>);

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CUDA context of GPU {}", self.0.ordinal())
    }
}

/// Valid, empty memory that stands where a CUDA context would.
#[derive(Debug)]
struct Token(Box<[u8; 4096]>);

impl Default for Token {
    fn default() -> Self {
        Self(Box::new([0; 4096]))
    }
}

impl Token {
    fn as_ptr(&self) -> *mut c_void {
        self.0.as_ptr().cast_mut().cast()
    }
}
