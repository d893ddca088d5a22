//! BGRA pixels to NV12 on a GPU, by a kernel in PTX, which each driver compiles for its GPU.
//!
//! NVRTC would compile it from the source, but comes with the CUDA toolkit and not with a driver.

use std::ffi::{CStr, c_void};
use std::sync::Arc;

use cudarc::driver::result::{self, module};
use cudarc::driver::{CudaContext, CudaStream, sys};

use super::cuda::failed;
use crate::memory::{DeviceRows, MemoryError, ToNv12};

/// Of `assets/kernels/argb_to_nv12.cu`, with a 0 at its end, as cuModuleLoadData wants it.
const PTX: &str = concat!(include_str!("../../assets/kernels/argb_to_nv12.ptx"), "\0");
const NAME: &CStr = c"argb_to_nv12";
/// Threads of a group; each converts 2x2 pixels.
const GROUP: (u32, u32, u32) = (32, 8, 1);

/// The kernel, loaded into a context.
#[derive(Debug)]
pub(super) struct Kernel {
    module: sys::CUmodule,
    function: sys::CUfunction,
    stream: Arc<CudaStream>,
    context: Arc<CudaContext>,
}

// SAFETY: handles of CUDA, which takes them on any thread that has the context current.
unsafe impl Send for Kernel {}
// SAFETY: as above.
unsafe impl Sync for Kernel {}

impl Kernel {
    /// Compiles the kernel for this GPU; it runs on `stream`.
    pub(super) fn load(context: Arc<CudaContext>, stream: Arc<CudaStream>) -> Result<Self, MemoryError> {
        context.bind_to_thread().map_err(|error| failed("cuCtxSetCurrent", &error))?;
        // SAFETY: the text ends with a 0. The module is unloaded once, by `drop`.
        let module =
            unsafe { module::load_data(PTX.as_ptr().cast()) }.map_err(|error| failed("cuModuleLoadData", &error))?;
        let mut kernel = Self { module, function: std::ptr::null_mut(), stream, context };
        // SAFETY: the module was loaded above.
        let function = unsafe { module::get_function(module, NAME.to_owned()) };
        kernel.function = function.map_err(|error| failed("cuModuleGetFunction", &error))?;
        Ok(kernel)
    }
}

impl ToNv12 for Kernel {
    unsafe fn queue(&self, from: DeviceRows, to: u64, to_pitch_bytes: usize) -> Result<(), MemoryError> {
        self.context.bind_to_thread().map_err(|error| failed("cuCtxSetCurrent", &error))?;
        let (mut at, mut pitch, mut to, mut to_pitch) = (from.at, from.pitch_bytes as u64, to, to_pitch_bytes as u64);
        let (mut wide, mut high) = (from.row_bytes as u32 / 8, from.num_rows as u32 / 2);
        let groups = (wide.div_ceil(GROUP.0), high.div_ceil(GROUP.1), 1);
        let mut arguments: [*mut c_void; 6] = [
            (&raw mut at).cast(),
            (&raw mut pitch).cast(),
            (&raw mut to).cast(),
            (&raw mut to_pitch).cast(),
            (&raw mut wide).cast(),
            (&raw mut high).cast(),
        ];
        // SAFETY: the arguments have the types of the kernel's parameters, in their order, and are read during the call; for the
        // memory the caller vouches.
        let launched =
            unsafe { result::launch_kernel(self.function, groups, GROUP, 0, self.stream.cu_stream(), &mut arguments) };
        launched.map_err(|error| failed("cuLaunchKernel", &error))
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        let _ = self.context.bind_to_thread();
        // SAFETY: loaded once, and nothing of it runs: whoever queued work has waited for it. There is nobody to tell of an error.
        let _ = unsafe { module::unload(self.module) };
    }
}
