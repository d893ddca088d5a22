//! What Inflight itself costs a frame: the whole ring (book-keeping, clock reads, recording, packet copy) on a driver
//! that does nothing. Recording is a part of that, so its cost is below what this shows.
//!
//! `cargo bench --bench recording`; the figure stands in docs/methodology.md.
#![allow(clippy::expect_used, missing_docs, reason = "a bench that cannot go on says so by failing")]

use std::ffi::c_void;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use inflight::contract::{
    Codec, Dimensions, Encoder, EncoderConfig, FrameRate, FrameView, LockPlacement, PixelFormat, Tuning,
};
use inflight::nvenc::api::Api;
use inflight::nvenc::encoder::NvencEncoder;
use inflight::nvenc::session::{DeviceHandle, Session};
use moq_nvenc::sys::nvEncodeAPI as sys;
use sys::NVENCSTATUS as Status;

const FRAMES_PER_RUN: u64 = 1000;
const DIMENSIONS: Dimensions = Dimensions { width: 64, height: 32 };

/// Buffers that every handle of the idle driver points at.
static mut INPUT: [u8; 64 * 48] = [0; 64 * 48];
static OUTPUT: [u8; 64] = [0; 64];
static LOCKED: AtomicU64 = AtomicU64::new(0);

/// An idle driver's entry: answers success after doing `$body`.
macro_rules! idle {
    ($name:ident($($argument:ident: $type:ty),*) $body:block) => {
        unsafe extern "C" fn $name($($argument: $type),*) -> Status {
            // SAFETY: the client passes pointers to structs of the header's layout, valid during the call.
            #[allow(unused_unsafe, reason = "some entries do nothing")]
            unsafe { $body }
            Status::NV_ENC_SUCCESS
        }
    };
}

fn token() -> *mut c_void {
    OUTPUT.as_ptr().cast_mut().cast()
}

idle!(open(_params: *mut sys::NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS, encoder: *mut *mut c_void) { encoder.write(token()) });
idle!(guid_count(_encoder: *mut c_void, count: *mut u32) { count.write(1) });
idle!(guids(_encoder: *mut c_void, guids: *mut sys::GUID, _room: u32, count: *mut u32) {
    guids.write(sys::NV_ENC_CODEC_H264_GUID);
    count.write(1);
});
idle!(caps(_encoder: *mut c_void, _codec: sys::GUID, params: *mut sys::NV_ENC_CAPS_PARAM, value: *mut i32) {
    let least = matches!((*params).capsToQuery, sys::NV_ENC_CAPS::NV_ENC_CAPS_WIDTH_MIN | sys::NV_ENC_CAPS::NV_ENC_CAPS_HEIGHT_MIN);
    value.write(if least { 16 } else { 4096 });
});
idle!(preset(_encoder: *mut c_void, _codec: sys::GUID, _preset: sys::GUID, _tuning: sys::NV_ENC_TUNING_INFO, _config: *mut sys::NV_ENC_PRESET_CONFIG) {});
idle!(initialize(_encoder: *mut c_void, _params: *mut sys::NV_ENC_INITIALIZE_PARAMS) {});
idle!(create_input(_encoder: *mut c_void, params: *mut sys::NV_ENC_CREATE_INPUT_BUFFER) { (*params).inputBuffer = token() });
idle!(create_output(_encoder: *mut c_void, params: *mut sys::NV_ENC_CREATE_BITSTREAM_BUFFER) { (*params).bitstreamBuffer = token() });
idle!(give_back(_encoder: *mut c_void, _buffer: *mut c_void) {});
idle!(encode(_encoder: *mut c_void, _params: *mut sys::NV_ENC_PIC_PARAMS) {});
idle!(lock_input(_encoder: *mut c_void, params: *mut sys::NV_ENC_LOCK_INPUT_BUFFER) {
    (*params).bufferDataPtr = (&raw mut INPUT).cast();
    (*params).pitch = 64;
});
idle!(lock_output(_encoder: *mut c_void, params: *mut sys::NV_ENC_LOCK_BITSTREAM) {
    (*params).bitstreamBufferPtr = token();
    (*params).bitstreamSizeInBytes = OUTPUT.len() as u32;
    (*params).outputTimeStamp = LOCKED.fetch_add(1, Ordering::Relaxed);
});
idle!(register(_encoder: *mut c_void, _params: *mut sys::NV_ENC_REGISTER_RESOURCE) {});
idle!(map(_encoder: *mut c_void, _params: *mut sys::NV_ENC_MAP_INPUT_RESOURCE) {});
idle!(destroy(_encoder: *mut c_void) {});

fn idle_driver() -> Arc<Api> {
    let mut list = std::mem::MaybeUninit::<sys::NV_ENCODE_API_FUNCTION_LIST>::zeroed();
    // SAFETY: an all-zero list is valid: numbers, and no function in any slot.
    let list = unsafe { list.assume_init_mut() };
    list.nvEncOpenEncodeSessionEx = Some(open);
    list.nvEncGetEncodeGUIDCount = Some(guid_count);
    list.nvEncGetEncodeGUIDs = Some(guids);
    list.nvEncGetEncodeCaps = Some(caps);
    list.nvEncGetEncodePresetConfigEx = Some(preset);
    list.nvEncInitializeEncoder = Some(initialize);
    list.nvEncCreateInputBuffer = Some(create_input);
    list.nvEncDestroyInputBuffer = Some(give_back);
    list.nvEncCreateBitstreamBuffer = Some(create_output);
    list.nvEncDestroyBitstreamBuffer = Some(give_back);
    list.nvEncEncodePicture = Some(encode);
    list.nvEncLockBitstream = Some(lock_output);
    list.nvEncUnlockBitstream = Some(give_back);
    list.nvEncLockInputBuffer = Some(lock_input);
    list.nvEncUnlockInputBuffer = Some(give_back);
    list.nvEncRegisterResource = Some(register);
    list.nvEncUnregisterResource = Some(give_back);
    list.nvEncMapInputResource = Some(map);
    list.nvEncUnmapInputResource = Some(give_back);
    list.nvEncDestroyEncoder = Some(destroy);
    // SAFETY: the entries above have the header's signatures and live as long as the program.
    unsafe { Api::from_table(list, 0xd0) }.expect("no entry that the client calls is missing")
}

fn run(api: &Arc<Api>, config: &EncoderConfig, pixels: &[u8]) {
    LOCKED.store(0, Ordering::Relaxed);
    // SAFETY: the idle driver looks at no device.
    let handle = unsafe { DeviceHandle::new(token(), Arc::new(())) };
    let session = Session::open(Arc::clone(api), handle).expect("the idle driver opens");
    let mut encoder = NvencEncoder::new(session, config, Box::new(|packet| _ = black_box(packet))).expect("and starts");
    for pts in 0..FRAMES_PER_RUN {
        let frame = FrameView { format: config.format, dimensions: config.dimensions, data: pixels, pts };
        encoder.submit(&frame).expect("and takes every frame");
    }
    encoder.finish().expect("and ends");
    black_box(encoder.take_frames());
}

fn recording(criterion: &mut Criterion) {
    let api = idle_driver();
    let pixels = vec![128; PixelFormat::Nv12.frame_bytes(DIMENSIONS)];
    let mut group = criterion.benchmark_group("a frame through the ring of an idle driver");
    group.throughput(Throughput::Elements(FRAMES_PER_RUN));
    for lock in [LockPlacement::Inline, LockPlacement::Poll, LockPlacement::Thread] {
        let config = EncoderConfig {
            tuning: Tuning { reap_threshold: 4, lock, pool: None },
            expected_frames: FRAMES_PER_RUN as usize,
            ..EncoderConfig::new(Codec::H264, DIMENSIONS, FrameRate { num: 30, den: 1 }, PixelFormat::Nv12)
        };
        group.bench_function(lock.to_string(), |bencher| bencher.iter(|| run(&api, &config, &pixels)));
    }
    group.finish();
}

criterion_group!(benches, recording);
criterion_main!(benches);
