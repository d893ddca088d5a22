//! The library as a program sees it: loaded, its entries looked up by name.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

use std::ffi::{CString, c_char, c_int, c_void};

use libloading::Library;
use virtual_cuda as _; // so that it is built

/// What clients look up by name, most of it required: without one of these they reject the library.
const REQUIRED: &str = "cuInit cuDriverGetVersion cuDeviceGetCount cuDeviceGet cuDeviceGetAttribute cuDeviceGetName \
    cuDeviceComputeCapability cuCtxCreate_v2 cuCtxGetCurrent cuCtxSetLimit cuCtxPushCurrent_v2 cuCtxPopCurrent_v2 \
    cuCtxDestroy_v2 cuCtxGetDevice cuMemAlloc_v2 cuMemAllocPitch_v2 cuMemAllocManaged cuMemsetD8Async cuMemFree_v2 \
    cuMemcpy cuMemcpyAsync cuMemcpy2D_v2 cuMemcpy2DAsync_v2 cuMemcpyHtoD_v2 cuMemcpyHtoDAsync_v2 cuMemcpyDtoH_v2 \
    cuMemcpyDtoHAsync_v2 cuMemcpyDtoD_v2 cuMemcpyDtoDAsync_v2 cuGetErrorName cuGetErrorString \
    cuDevicePrimaryCtxRetain cuDevicePrimaryCtxRelease cuDevicePrimaryCtxSetFlags cuDevicePrimaryCtxGetState \
    cuDevicePrimaryCtxReset cuStreamCreate cuStreamQuery cuStreamSynchronize cuStreamDestroy_v2 cuStreamDestroy \
    cuStreamAddCallback cuStreamWaitEvent cuEventCreate cuEventDestroy_v2 cuEventDestroy cuEventSynchronize \
    cuEventQuery cuEventRecord cuLaunchKernel cuLinkCreate cuLinkAddData cuLinkComplete cuLinkDestroy \
    cuModuleLoadData cuModuleUnload cuModuleGetFunction cuModuleGetGlobal cuTexObjectCreate cuTexObjectDestroy \
    cuGLGetDevices_v2 cuGraphicsGLRegisterImage cuGraphicsUnregisterResource cuGraphicsMapResources \
    cuGraphicsUnmapResources cuGraphicsSubResourceGetMappedArray cuGraphicsResourceGetMappedPointer_v2 \
    cuArrayCreate_v2 cuArray3DCreate_v2 cuArrayDestroy cuGetProcAddress cuGetProcAddress_v2";

/// Three rows of five bytes, eight apart.
const PITCH: usize = 8;
const PICTURE: [u8; 21] = [1, 2, 3, 4, 5, 0, 0, 0, 6, 7, 8, 9, 10, 0, 0, 0, 11, 12, 13, 14, 15];

fn library() -> Library {
    let test = std::env::current_exe().unwrap();
    let deps = test.parent().unwrap();
    let path = [deps.parent().unwrap().join("libvirtual_cuda.so"), deps.join("libvirtual_cuda.so")];
    let path = path.into_iter().filter(|path| path.exists());
    let newest = path.max_by_key(|path| path.metadata().unwrap().modified().unwrap()).unwrap();
    // SAFETY: loading it has no effect.
    unsafe { Library::new(newest) }.unwrap()
}

/// Calls an entry by its name.
macro_rules! cu {
    ($library:expr, $name:ident($($argument:expr => $type:ty),*)) => {{
        // SAFETY: the entry has this signature in CUDA's reference, and the arguments live through the call.
        unsafe {
            let entry = $library.get::<unsafe extern "C" fn($($type),*) -> c_int>(stringify!($name)).unwrap();
            entry($($argument),*)
        }
    }};
}

#[test]
fn every_entry_that_clients_look_up_is_there() {
    let library = library();
    for name in REQUIRED.split_whitespace() {
        // SAFETY: looked at, not called.
        let entry = unsafe { library.get::<*mut c_void>(name) };
        assert!(entry.is_ok(), "{name} is missing");
    }
    let mut found: *mut c_void = std::ptr::null_mut();
    for (name, status) in [("cuMemAlloc", 0), ("cuInit", 0), ("cuNoSuchEntry", 500)] {
        let name = CString::new(name).unwrap();
        let told = cu!(library, cuGetProcAddress(
            name.as_ptr() => *const c_char, &mut found => *mut *mut c_void, 12020 => c_int, 0 => u64));
        assert_eq!((told, found.is_null()), (status, status != 0));
    }
}

#[test]
fn what_needs_a_processor_says_that_it_is_not_there() {
    let library = library();
    assert_eq!(cu!(library, cuLaunchKernel()), 801);
    let mut name: *const c_char = std::ptr::null();
    assert_eq!(cu!(library, cuGetErrorName(801 => c_int, &mut name => *mut *const c_char)), 0);
    // SAFETY: the library gives static texts.
    assert_eq!(unsafe { std::ffi::CStr::from_ptr(name) }.to_str(), Ok("CUDA_ERROR_NOT_SUPPORTED"));
    assert_eq!(cu!(library, cuGetErrorName(12345 => c_int, &mut name => *mut *const c_char)), 1);
}

#[test]
fn a_context_is_current_on_the_thread_that_pushed_it() {
    let library = library();
    let (mut first, mut second, mut current) = (std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut());
    assert_eq!(cu!(library, cuCtxCreate_v2(&mut first => *mut *mut c_void, 0 => u32, 7 => c_int)), 101);
    assert_eq!(cu!(library, cuCtxCreate_v2(&mut first => *mut *mut c_void, 0 => u32, 0 => c_int)), 0);
    assert_eq!(cu!(library, cuCtxCreate_v2(&mut second => *mut *mut c_void, 0 => u32, 0 => c_int)), 0);
    assert_eq!(cu!(library, cuCtxPopCurrent_v2(&mut current => *mut *mut c_void)), 0);
    assert_eq!(current, second);
    assert_eq!(cu!(library, cuCtxGetCurrent(&mut current => *mut *mut c_void)), 0);
    assert_eq!(current, first);
    assert_eq!(cu!(library, cuCtxDestroy_v2(first => *mut c_void)), 0);
    assert_eq!(cu!(library, cuCtxDestroy_v2(first => *mut c_void)), 201, "gone already");
    assert_eq!(cu!(library, cuCtxPushCurrent_v2(first => *mut c_void)), 201);
    assert_eq!(cu!(library, cuCtxGetCurrent(&mut current => *mut *mut c_void)), 0);
    assert!(current.is_null());
}

/// `CUDA_MEMCPY2D`, its words by their offsets.
fn copy_2d(words: [(usize, u64); 8]) -> [u8; 128] {
    let mut bytes = [0; 128];
    for (offset, word) in words {
        bytes[offset..offset + 8].copy_from_slice(&word.to_ne_bytes());
    }
    bytes
}

#[test]
fn rows_go_to_the_device_and_back() {
    let library = library();
    let (mut ptr, mut pitch) = (0_u64, 0_usize);
    let allocated = cu!(library, cuMemAllocPitch_v2(
        &mut ptr => *mut u64, &mut pitch => *mut usize, 5 => usize, 3 => usize, 4 => u32));
    assert_eq!((allocated, pitch), (0, 512));
    let host = PICTURE.as_ptr() as u64;
    // Host (1) to device (2), five bytes wide and three rows high.
    let up =
        copy_2d([(16, 1), (24, host), (48, PITCH as u64), (72, 2), (88, ptr), (104, pitch as u64), (112, 5), (120, 3)]);
    assert_eq!(cu!(library, cuMemcpy2D_v2(up.as_ptr() => *const u8)), 0);
    let mut back = [0_u8; 21];
    let to = back.as_mut_ptr() as u64;
    let down =
        copy_2d([(16, 2), (32, ptr), (48, pitch as u64), (72, 1), (80, to), (104, PITCH as u64), (112, 5), (120, 3)]);
    assert_eq!(cu!(library, cuMemcpy2DAsync_v2(down.as_ptr() => *const u8, std::ptr::null_mut() => *mut c_void)), 0);
    assert_eq!(back, PICTURE);
    let beyond =
        copy_2d([(16, 1), (24, host), (48, PITCH as u64), (72, 2), (88, ptr), (104, 2048), (112, 5), (120, 3)]);
    assert_eq!(cu!(library, cuMemcpy2D_v2(beyond.as_ptr() => *const u8)), 1, "the last row lies outside the memory");
    assert_eq!(cu!(library, cuMemFree_v2(ptr => u64)), 0);
    assert_eq!(cu!(library, cuMemFree_v2(ptr => u64)), 1, "freed already");
    assert_eq!(cu!(library, cuMemsetD8_v2(ptr => u64, 0 => u8, 5 => usize)), 1, "not the client's any longer");
}
