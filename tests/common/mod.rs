//! What several test binaries need: a virtual device, frames, and packets kept for looking at.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::expect_used, reason = "a test that cannot go on says so by failing")]

use std::mem::MaybeUninit;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};

use inflight::contract::{
    Codec, Dimensions, EncodedPacket, EncoderConfig, FrameRate, FrameView, LockPlacement, PacketSink, PictureKind,
    PixelFormat, Tuning,
};
use inflight::device::Device;
use inflight::measure::in_process::InProcess;
use inflight::measure::opened::Opened;
use inflight::measure::sweep::{Event, Outcome, SweepError, sweep};
use inflight::nvenc::api::Api;
use inflight::plan::Plan;
use inflight::record::RunRecord;
use moq_nvenc::sys::nvEncodeAPI as sys;

pub const SMALL: Dimensions = Dimensions { width: 64, height: 48 };

/// The device that `--device SPEC` would open.
pub fn device(spec: &str) -> Device {
    Device::open(&spec.parse().expect("a device spec")).expect("the virtual device opens anywhere")
}

/// Small NV12 frames, one IDR, the given ring.
pub fn config(reap_threshold: u32, lock: LockPlacement) -> EncoderConfig {
    EncoderConfig {
        tuning: Tuning { reap_threshold, lock, pool: None },
        expected_frames: 1000,
        ..EncoderConfig::new(Codec::H264, SMALL, FrameRate { num: 30, den: 1 }, PixelFormat::Nv12)
    }
}

/// One frame's bytes, different for each index.
pub fn pixels(config: &EncoderConfig, idx: u64) -> Vec<u8> {
    vec![(16 + idx % 200) as u8; config.format.frame_bytes(config.dimensions)]
}

pub fn view<'a>(config: &EncoderConfig, data: &'a [u8], pts: u64) -> FrameView<'a> {
    FrameView { format: config.format, dimensions: config.dimensions, data, pts }
}

/// A packet that outlives its sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPacket {
    pub data: Vec<u8>,
    pub pts: u64,
    pub encode_idx: u64,
    pub kind: PictureKind,
}

/// A sink that keeps every packet, and where they are kept.
pub fn keeping_sink() -> (PacketSink, Arc<Mutex<Vec<KeptPacket>>>) {
    let packets = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&packets);
    let sink = move |packet: EncodedPacket<'_>| {
        let EncodedPacket { data, pts, encode_idx, kind } = packet;
        kept.lock().expect("no sink panics").push(KeptPacket { data: data.to_vec(), pts, encode_idx, kind });
    };
    (Box::new(sink), packets)
}

/// The virtual driver's functions, for tests that replace some of them.
pub fn good_table() -> &'static sys::NV_ENCODE_API_FUNCTION_LIST {
    struct Table(sys::NV_ENCODE_API_FUNCTION_LIST);
    // SAFETY: the table is functions and reserved nulls, never written after it was made.
    unsafe impl Send for Table {}
    // SAFETY: as above.
    unsafe impl Sync for Table {}
    static GOOD: OnceLock<Table> = OnceLock::new();
    let make = || {
        let mut list = MaybeUninit::<sys::NV_ENCODE_API_FUNCTION_LIST>::zeroed();
        // SAFETY: an all-zero list is valid, and the driver fills in functions.
        unsafe {
            (*list.as_mut_ptr()).version = sys::NV_ENCODE_API_FUNCTION_LIST_VER;
            assert_eq!(virtual_nvenc::create_instance(list.as_mut_ptr()), 0);
            Table(list.assume_init())
        }
    };
    &GOOD.get_or_init(make).0
}

/// All runs of a plan on its device, which is driven through `api` where that is given; and how the sweep ended.
pub fn records_of(plan: &Plan, api: Option<Arc<Api>>) -> (Result<Outcome, SweepError>, Vec<RunRecord>) {
    plan.check().expect("a good plan");
    let mut opened = Opened::open(plan, &AtomicBool::new(false)).expect("the virtual device opens everywhere");
    if let Some(api) = api {
        opened.device = opened.device.through(api);
    }
    let mut records = Vec::new();
    let mut keep = |event: Event<'_>| {
        if let Event::RunFinished(record) = event {
            records.push(*record);
        }
        Ok(())
    };
    let stop = AtomicBool::new(false);
    let ended = sweep(&plan.runs(), &mut InProcess::new(plan, &opened, &stop), &stop, &mut keep);
    (ended, records)
}
