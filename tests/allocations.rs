//! Steady state makes no heap allocation per frame on the submitting thread, except the packet handed out.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by failing")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::process::Command;

use common::{config, device, pixels, view};
use inflight::contract::{Encoder, EncoderConfig, EngineKind, InputPath, LockPlacement, NvencOptions, Tuning};
use inflight::device::Device;
use inflight::nvdec::engine::DecodeConfig;
use inflight::pipeline::Submits as _;
use inflight::pipeline::engine::Frame;
use inflight::source::{Clip, InputSpec};
use inflight::transcode::Transcoder;

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged; counting touches a thread-local number that needs no
// allocation itself.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations on this thread over `num_frames` submissions, after 50 to warm up.
fn allocations(lock: LockPlacement, num_frames: u64) -> u64 {
    let config = config(4, lock);
    let data = pixels(&config, 0);
    let device = device("virtual:latency_us=300,interval_us=100");
    // What the model says of its engine is noted too, as in a measured run.
    device.note_engine(50 + num_frames as usize);
    let mut encoder = device.encoder(&config, Box::new(|_| ())).expect("the device takes this configuration");
    let mut before = 0;
    for pts in 0..50 + num_frames {
        if pts == 50 {
            before = COUNT.get();
        }
        encoder.submit(&view(&config, &data, pts)).expect("a good frame is taken");
    }
    let made = COUNT.get() - before;
    encoder.finish().expect("a good stream ends well");
    made
}

#[test]
fn locking_on_the_submitting_thread_allocates_nothing() {
    assert_eq!(allocations(LockPlacement::Inline, 500), 0);
    assert_eq!(allocations(LockPlacement::Poll, 500), 0);
}

#[test]
fn with_a_harvest_thread_the_submitting_thread_allocates_nothing() {
    assert_eq!(allocations(LockPlacement::Thread, 500), 0);
    assert_eq!(allocations(LockPlacement::Ready, 500), 0);
}

/// 250 frames of H.264 with B-frames.
fn clip() -> Clip {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.h264");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x96:r=25", "-frames:v", "250"])
        .args(["-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", "25", "-pix_fmt", "yuv420p"])
        .arg(&path)
        .status();
    assert!(made.expect("this test needs ffmpeg: apt install ffmpeg").success());
    Clip::open(&InputSpec::File(path), u64::MAX, 1 << 30).expect("what ffmpeg wrote can be read")
}

/// A decoder's frames are not packets: what stays on the device costs nothing, and copies go to buffers that are used again.
#[test]
fn decoding_allocates_nothing() {
    let clip = clip();
    let spec = "virtual:latency_us=300,interval_us=100,queue=5".parse().expect("a device");
    let device = Device::open_for(&spec, EngineKind::Nvdec).expect("the virtual device opens everywhere");
    let format = device.stream_format(clip.codec, clip.units.iter().map(Vec::as_slice)).expect("a format");
    for (lock, copies_out) in
        [(LockPlacement::Inline, false), (LockPlacement::Inline, true), (LockPlacement::Ready, true)]
    {
        let tuning = Tuning { reap_threshold: 4, lock, pool: None };
        let config = DecodeConfig { format, tuning, copies_out, expected_frames: clip.units.len() };
        let mut pipeline = device.decoder(&config, Box::new(|_, _| ())).expect("it can be decoded");
        let mut before = 0;
        for (pts, unit) in (0..).zip(&clip.units) {
            if pts == 50 {
                before = COUNT.get();
            }
            pipeline.submit(&Frame { data: unit, pts }).expect("a good unit is taken");
        }
        assert_eq!(COUNT.get() - before, 0, "{lock}, copies out: {copies_out}");
        pipeline.finish().expect("a good stream ends well");
    }
}

/// A frame on its way from one engine to the other goes to memory that is used again.
#[test]
fn a_transcode_allocates_nothing() {
    let clip = clip();
    let spec = "virtual:latency_us=300,interval_us=100,decode_us=100".parse().expect("a device");
    let device = Device::open_for(&spec, EngineKind::Transcode).expect("the virtual device opens everywhere");
    let format = device.stream_format(clip.codec, clip.units.iter().map(Vec::as_slice)).expect("a format");
    let tuning = Tuning { reap_threshold: 4, lock: LockPlacement::Inline, pool: None };
    let expected_frames = clip.units.len();
    let decode = DecodeConfig { format, tuning, copies_out: false, expected_frames };
    let plain = config(4, LockPlacement::Inline);
    let nvenc = NvencOptions { input_path: InputPath::Cuda, ..plain.nvenc };
    let encode = EncoderConfig { dimensions: format.shown, nvenc, expected_frames, ..plain };
    let mut both = device.transcoder(&decode, &encode, Box::new(|_| ())).expect("both engines take this");
    // The virtual driver allocates what it knows of a mapped frame, inside its own call.
    let ours = |both: &Transcoder| COUNT.get() - both.metrics().frames;
    let mut before = 0;
    for (pts, unit) in (0..).zip(&clip.units) {
        if pts == 50 {
            before = ours(&both);
        }
        both.submit(&Frame { data: unit, pts }).expect("a good unit is taken");
    }
    assert_eq!(ours(&both) - before, 0);
    both.finish().expect("a good stream ends well");
}
