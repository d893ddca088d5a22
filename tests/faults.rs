//! A driver that fails: one entry of a good function table is replaced, and the client must say so, give everything
//! back, and neither hang nor panic.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by failing")]

mod common;

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use common::{config, good_table, keeping_sink, pixels, view};
use inflight::contract::{Codec, Encoder, EncoderConfig, LockPlacement, PacketSink, PixelFormat};
use inflight::nvenc::api::Api;
use inflight::nvenc::encoder::NvencEncoder;
use inflight::nvenc::error::{NvencError, Status};
use inflight::nvenc::session::{DeviceHandle, Session};
use inflight::pipeline::RingError;
use moq_nvenc::sys::nvEncodeAPI as sys;

const PLACEMENTS: [LockPlacement; 4] =
    [LockPlacement::Inline, LockPlacement::Thread, LockPlacement::Ready, LockPlacement::Poll];

/// Calls that still succeed before the replaced entry fails, and how often it then does.
static GOOD_CALLS: AtomicU32 = AtomicU32::new(0);
static BAD_CALLS: AtomicU32 = AtomicU32::new(0);
/// What it fails with.
static FAILURE: AtomicU32 = AtomicU32::new(0);

/// The tests share the counters above, so they take turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does the replaced entry fail this time?
fn fails() -> Option<sys::NVENCSTATUS> {
    if GOOD_CALLS.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
        return None;
    }
    BAD_CALLS.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).ok()?;
    // SAFETY: the tests store numbers of the header's enum only.
    Some(unsafe { std::mem::transmute::<u32, sys::NVENCSTATUS>(FAILURE.load(Ordering::SeqCst)) })
}

/// Defines a stand-in for one entry that fails on demand and else is the good one.
macro_rules! failing {
    ($name:ident = $slot:ident($($argument:ident: $type:ty),*)) => {
        unsafe extern "C" fn $name($($argument: $type),*) -> sys::NVENCSTATUS {
            match fails() {
                Some(status) => status,
                // SAFETY: the caller's arguments go on unchanged.
                None => unsafe { good_table().$slot.expect("the virtual driver fills every slot")($($argument),*) },
            }
        }
    };
}

failing!(initialize = nvEncInitializeEncoder(encoder: *mut c_void, params: *mut sys::NV_ENC_INITIALIZE_PARAMS));
failing!(create_output = nvEncCreateBitstreamBuffer(encoder: *mut c_void, params: *mut sys::NV_ENC_CREATE_BITSTREAM_BUFFER));
failing!(encode = nvEncEncodePicture(encoder: *mut c_void, params: *mut sys::NV_ENC_PIC_PARAMS));
failing!(lock = nvEncLockBitstream(encoder: *mut c_void, params: *mut sys::NV_ENC_LOCK_BITSTREAM));
failing!(unlock = nvEncUnlockBitstream(encoder: *mut c_void, output: *mut c_void));
failing!(lock_input = nvEncLockInputBuffer(encoder: *mut c_void, params: *mut sys::NV_ENC_LOCK_INPUT_BUFFER));
failing!(destroy = nvEncDestroyEncoder(encoder: *mut c_void));

/// A device of before HEVC's 10 bits and 4:4:4.
unsafe extern "C" fn no_other_samples(
    encoder: *mut c_void,
    codec: sys::GUID,
    params: *mut sys::NV_ENC_CAPS_PARAM,
    value: *mut i32,
) -> sys::NVENCSTATUS {
    let caps = good_table().nvEncGetEncodeCaps.expect("the virtual driver fills every slot");
    // SAFETY: the caller's arguments go on unchanged, and are valid as the API says.
    unsafe {
        let status = caps(encoder, codec, params, value);
        let asked = (&raw const (*params).capsToQuery).read();
        let denied =
            [sys::NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_10BIT_ENCODE, sys::NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_YUV444_ENCODE];
        if denied.contains(&asked) {
            value.write(0);
        }
        status
    }
}

/// A session on a virtual device with one session to give, through a changed table.
struct Bench {
    device: Arc<virtual_nvenc::Device>,
    api: Arc<Api>,
}

impl Bench {
    fn new(change: impl FnOnce(&mut sys::NV_ENCODE_API_FUNCTION_LIST), good: u32, bad: u32, failure: Status) -> Self {
        GOOD_CALLS.store(good, Ordering::SeqCst);
        BAD_CALLS.store(bad, Ordering::SeqCst);
        FAILURE.store(failure.0, Ordering::SeqCst);
        let mut list = *good_table();
        change(&mut list);
        // SAFETY: every entry is the virtual driver's or one of the stand-ins above.
        let api = unsafe { Api::from_table(&list, 0xd0) }.expect("no entry is missing");
        let spec = "latency_us=400,interval_us=100,sessions=1".parse().expect("a device spec");
        Self { device: Arc::new(virtual_nvenc::Device::new(spec)), api }
    }

    fn handle(&self) -> DeviceHandle {
        // SAFETY: the virtual driver looks its devices up by this value and never follows it.
        unsafe { DeviceHandle::new(self.device.as_ptr(), self.device.clone()) }
    }

    fn encoder(&self, config: &EncoderConfig) -> Result<NvencEncoder, NvencError> {
        NvencEncoder::new(Session::open(Arc::clone(&self.api), self.handle())?, config, keeping_sink().0)
    }

    /// Feeds until something fails.
    fn feed(&self, config: &EncoderConfig) -> Result<(), NvencError> {
        let mut encoder = self.encoder(config)?;
        for pts in 0..40 {
            encoder.submit(&view(config, &pixels(config, pts), pts))?;
        }
        encoder.finish()
    }

    fn assert_closed(&self) {
        assert_eq!(self.device.counters().open_sessions, 0, "the session was given back");
    }
}

#[test]
fn a_device_without_the_samples_is_told_before_the_driver_refuses() {
    let _turn = turn();
    let bench = Bench::new(|list| list.nvEncGetEncodeCaps = Some(no_other_samples), 0, 0, Status::GENERIC);
    for (codec, format) in
        [(Codec::Hevc, PixelFormat::P010), (Codec::Hevc, PixelFormat::Yuv444), (Codec::H264, PixelFormat::Yuv444)]
    {
        let config = EncoderConfig { codec, format, ..config(1, LockPlacement::Inline) };
        let refused = bench.encoder(&config).err();
        assert_eq!(refused, Some(NvencError::Samples { codec, format }));
    }
    assert!(bench.feed(&config(1, LockPlacement::Inline)).is_ok(), "8-bit 4:2:0 is not asked about");
    bench.assert_closed();
}

fn status_of(result: &Result<(), NvencError>) -> Option<Status> {
    match result {
        Err(NvencError::Call(error)) => Some(error.status),
        _ => None,
    }
}

#[test]
fn a_failed_call_in_mid_stream_is_told_and_closes_the_session() {
    let _turn = turn();
    type Change = fn(&mut sys::NV_ENCODE_API_FUNCTION_LIST);
    let changes: [(&str, Change); 4] = [
        ("encode", |list| list.nvEncEncodePicture = Some(encode)),
        ("lock", |list| list.nvEncLockBitstream = Some(lock)),
        ("unlock", |list| list.nvEncUnlockBitstream = Some(unlock)),
        ("lock input", |list| list.nvEncLockInputBuffer = Some(lock_input)),
    ];
    for (name, change) in changes {
        for placement in PLACEMENTS {
            let bench = Bench::new(change, 7, u32::MAX, Status::GENERIC);
            let result = bench.feed(&config(4, placement));
            assert_eq!(status_of(&result), Some(Status::GENERIC), "{name} {placement}: {result:?}");
            bench.assert_closed();
        }
    }
}

#[test]
fn a_busy_driver_is_asked_again() {
    let _turn = turn();
    for placement in PLACEMENTS {
        let bench = Bench::new(|list| list.nvEncEncodePicture = Some(encode), 3, 5, Status::ENCODER_BUSY);
        assert_eq!(bench.feed(&config(2, placement)), Ok(()), "{placement}");
        assert_eq!(BAD_CALLS.load(Ordering::SeqCst), 0, "it was busy five times");
        bench.assert_closed();
    }
}

#[test]
fn a_driver_that_stays_busy_is_an_error() {
    let _turn = turn();
    let bench = Bench::new(|list| list.nvEncEncodePicture = Some(encode), 3, u32::MAX, Status::ENCODER_BUSY);
    assert_eq!(status_of(&bench.feed(&config(2, LockPlacement::Inline))), Some(Status::ENCODER_BUSY));
}

#[test]
fn what_fails_while_setting_up_leaks_nothing() {
    let _turn = turn();
    let bench = Bench::new(|list| list.nvEncInitializeEncoder = Some(initialize), 0, 1, Status::INVALID_PARAM);
    assert_eq!(status_of(&bench.encoder(&config(4, LockPlacement::Inline)).map(drop)), Some(Status::INVALID_PARAM));
    bench.assert_closed();
    let bench = Bench::new(|list| list.nvEncCreateBitstreamBuffer = Some(create_output), 2, 1, Status::OUT_OF_MEMORY);
    assert_eq!(status_of(&bench.encoder(&config(4, LockPlacement::Inline)).map(drop)), Some(Status::OUT_OF_MEMORY));
    bench.assert_closed();
}

/// A drop that panics during a panic aborts the whole program; ours must pass through quietly.
#[test]
fn a_driver_that_fails_to_close_during_a_panic_does_not_abort() {
    let _turn = turn();
    let bench = Bench::new(|list| list.nvEncDestroyEncoder = Some(destroy), 0, 1, Status::GENERIC);
    let config = config(2, LockPlacement::Thread);
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut encoder = bench.encoder(&config).expect("opens");
        encoder.submit(&view(&config, &pixels(&config, 0), 0)).expect("a good frame is taken");
        panic!("the caller's own fault");
    }));
    assert!(unwound.is_err());
}

/// Locks that do not come back until the test is over.
static HELD: AtomicBool = AtomicBool::new(false);

unsafe extern "C" fn hanging_lock(encoder: *mut c_void, params: *mut sys::NV_ENC_LOCK_BITSTREAM) -> sys::NVENCSTATUS {
    while HELD.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(1));
    }
    // SAFETY: the caller's arguments go on unchanged.
    unsafe { good_table().nvEncLockBitstream.expect("the virtual driver fills every slot")(encoder, params) }
}

#[test]
fn a_lock_that_hangs_on_its_own_thread_is_told_and_left_behind() {
    let _turn = turn();
    let bench = Bench::new(|list| list.nvEncLockBitstream = Some(hanging_lock), 0, 0, Status::SUCCESS);
    HELD.store(true, Ordering::SeqCst);
    let config = config(2, LockPlacement::Thread);
    let limit = Duration::from_millis(50);
    let mut encoder = bench.encoder(&config).expect("opens").stall_after(limit);
    let fed = (0..10).try_for_each(|pts| encoder.submit(&view(&config, &pixels(&config, pts), pts)));
    assert!(matches!(fed, Err(NvencError::Ring(RingError::Stalled { .. }))), "{fed:?}");
    drop(encoder);
    assert_eq!(bench.device.counters().open_sessions, 1, "it is leaked rather than waited for");
    HELD.store(false, Ordering::SeqCst);
}

#[test]
fn a_slow_sink_is_no_hanging_driver() {
    let _turn = turn();
    let bench = Bench::new(|_| (), 0, 0, Status::SUCCESS);
    let config = config(1, LockPlacement::Thread);
    let handle = bench.handle();
    let session = Session::open(Arc::clone(&bench.api), handle).expect("opens");
    let slow: PacketSink = Box::new(|_| std::thread::sleep(Duration::from_millis(60)));
    let mut encoder = NvencEncoder::new(session, &config, slow).expect("starts").stall_after(Duration::from_millis(20));
    for pts in 0..5 {
        encoder.submit(&view(&config, &pixels(&config, pts), pts)).expect("the driver is not to blame");
    }
    encoder.finish().expect("the driver is not to blame");
}

#[test]
fn a_driver_that_is_never_done_is_told_when_polling() {
    let _turn = turn();
    let bench = Bench::new(|list| list.nvEncLockBitstream = Some(lock), 0, u32::MAX, Status::LOCK_BUSY);
    let config = config(2, LockPlacement::Poll);
    let mut encoder = bench.encoder(&config).expect("opens").stall_after(Duration::from_millis(50));
    let fed = (0..10).try_for_each(|pts| encoder.submit(&view(&config, &pixels(&config, pts), pts)));
    assert!(matches!(fed, Err(NvencError::Ring(RingError::Stalled { .. }))), "{fed:?}");
}

#[test]
fn a_submitted_picture_stays_in_the_record_when_its_reaping_fails() {
    let _turn = turn();
    let bench = Bench::new(|list| list.nvEncLockBitstream = Some(lock), 3, u32::MAX, Status::GENERIC);
    let config = config(1, LockPlacement::Inline);
    let mut encoder = bench.encoder(&config).expect("opens");
    let fed = (0..10).try_for_each(|pts| encoder.submit(&view(&config, &pixels(&config, pts), pts)));
    assert_eq!(status_of(&fed), Some(Status::GENERIC));
    assert_eq!((encoder.metrics().frames, encoder.take_frames().len()), (4, 4));
}

#[test]
fn the_drivers_own_words_are_in_the_error() {
    let _turn = turn();
    let bench = Bench::new(|_| (), 0, 0, Status::SUCCESS);
    let first = bench.encoder(&config(1, LockPlacement::Inline)).expect("the first session");
    let text = bench.encoder(&config(1, LockPlacement::Inline)).map(drop).expect_err("there is only one").to_string();
    assert!(text.contains("nvEncOpenEncodeSessionEx") && text.contains("too many encode sessions"), "{text}");
    drop(first);
    bench.assert_closed();
}

#[test]
fn a_table_with_a_hole_is_refused_by_name() {
    let mut list = *good_table();
    list.nvEncLockBitstream = None;
    // SAFETY: the remaining entries are the virtual driver's.
    let refused = unsafe { Api::from_table(&list, 0xd0) }.map(drop);
    assert!(matches!(refused, Err(NvencError::MissingEntry { entry: "nvEncLockBitstream", .. })), "{refused:?}");
}
