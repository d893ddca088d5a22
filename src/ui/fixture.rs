//! Sessions made up for tests and for the speed bench, from latencies alone.
//!
//! No program or library that is released has it: the library compiles it for its own tests only, and
//! examples/ui_bench.rs takes this file in by its path.

use std::path::PathBuf;

use crate::contract::{Codec, Dimensions, EncodeMetrics, EngineKind, FrameRate, LockPlacement, PixelFormat};
use crate::plan::Plan;
use crate::record::{Case, DeviceInfo, DeviceKind, Environment, FrameColumns, InputInfo, RunRecord};
use crate::session::{FORMAT_VERSION, Manifest, Session};
use crate::ui::data::LoadedSession;

/// A session of the virtual device that has no run.
pub fn session() -> LoadedSession {
    let manifest = Manifest {
        settings: Default::default(),
        rehearsals: Default::default(),
        format_version: FORMAT_VERSION,
        created_unix_ms: 1_700_000_000_000,
        plan: Plan::default(),
        input: InputInfo {
            spec: "synthetic".to_owned(),
            format: PixelFormat::Nv12,
            dimensions: Dimensions { width: 640, height: 360 },
            frame_rate: FrameRate { num: 30, den: 1 },
            colour: None,
            frames: 100,
            digest: "0123456789abcdef".to_owned(),
            remarks: Vec::new(),
        },
        device: DeviceInfo {
            kind: DeviceKind::Virtual,
            name: "virtual:fixed".to_owned(),
            driver: "0.1.0".to_owned(),
            api_version: "12.1".to_owned(),
            engine: EngineKind::Nvenc,
            card: None,
        },
        environment: Environment::default(),
        note: None,
        resumptions: Vec::new(),
    };
    LoadedSession::begun(Session::begun(PathBuf::from("a"), manifest))
}

/// Adds a run as [`record`] makes it.
pub fn push_run(session: &mut LoadedSession, reap_threshold: u32, latencies_ns: &[u64], interval_ns: u64) {
    session.push(record(session.runs.len() as u32, reap_threshold, latencies_ns, interval_ns));
}

/// A run whose frames are submitted every `interval_ns` and come back after `latencies_ns`, the last half of which passes
/// inside the lock.
pub fn record(order_index: u32, reap_threshold: u32, latencies_ns: &[u64], interval_ns: u64) -> RunRecord {
    let case = Case {
        codec: Codec::H264,
        reap_threshold,
        lock: LockPlacement::Inline,
        pool: reap_threshold,
        names_pool: false,
        client: Default::default(),
        decode: None,
    };
    let frames = frames(reap_threshold, latencies_ns, interval_ns);
    let num_frames = latencies_ns.len() as u64;
    let end_ns = frames.submit_at_ns.last().copied().unwrap_or(0) + latencies_ns.last().copied().unwrap_or(0);
    let metrics = EncodeMetrics {
        frames: num_frames,
        packets: num_frames,
        bytes: 500 * num_frames,
        queue_peak: reap_threshold,
        lock_ns: frames.lock_ns.iter().sum(),
        upload_ns: frames.upload_ns.iter().sum(),
        submit_ns: frames.submit_ns.iter().sum(),
        ..EncodeMetrics::default()
    };
    RunRecord {
        case,
        warmup: false,
        is_confirmation: false,
        repeat_index: order_index,
        order_index,
        block: 0,
        started_unix_ms: 1_700_000_000_000,
        error: None,
        open_ns: 5_000_000,
        wall_ns: end_ns.max(1),
        model_late: Some(0),
        model_late_ns: Some(0),
        gpu: None,
        process: None,
        metrics,
        frames,
        resumes: 0,
        dimensions: None,
        digest_ns: None,
        preroll: None,
        other_streams: Vec::new(),
        telemetry: None,
        warm_up: None,
        decode: None,
    }
}

/// A session of four cases, each with four runs of `num_frames` frames.
pub fn sweep(num_frames: u32) -> LoadedSession {
    let mut session = session();
    records(num_frames).into_iter().for_each(|record| session.push(record));
    session
}

/// The runs of [`sweep`].
pub fn records(num_frames: u32) -> Vec<RunRecord> {
    let mut records = Vec::new();
    for _ in 0..4 {
        for (threshold, latency_ns) in [(1, 900_000), (2, 1_000_000), (4, 1_300_000), (8, 2_500_000)] {
            // Reproducible noise of a third, and a spike every thousandth frame.
            let noise = |idx: u64| idx.wrapping_mul(2_654_435_761) % (latency_ns / 3);
            let spike = |idx: u64| if idx % 1000 == 700 { 5 * latency_ns } else { 0 };
            let latencies: Vec<_> =
                (0..u64::from(num_frames)).map(|idx| latency_ns + noise(idx) + spike(idx)).collect();
            let interval_ns = latency_ns / u64::from(threshold).min(3);
            records.push(record(records.len() as u32, threshold, &latencies, interval_ns));
        }
    }
    records
}

fn frames(reap_threshold: u32, latencies_ns: &[u64], interval_ns: u64) -> FrameColumns {
    let num_frames = latencies_ns.len();
    let submit_at_ns: Vec<u64> = (1..=num_frames as u64).map(|idx| idx * interval_ns).collect();
    let lock_at = submit_at_ns.iter().zip(latencies_ns).map(|(at_ns, latency_ns)| at_ns + latency_ns / 2);
    FrameColumns {
        begin_at_ns: submit_at_ns.iter().map(|at_ns| at_ns.saturating_sub(100_000)).collect(),
        source_wait_ns: vec![0; num_frames],
        blocked_ns: vec![0; num_frames],
        upload_ns: vec![80_000; num_frames],
        submit_ns: vec![10_000; num_frames],
        depth: (1..=num_frames as u32).map(|idx| idx.min(reap_threshold)).collect(),
        lock_at_ns: lock_at.collect(),
        lock_ns: latencies_ns.iter().map(|latency_ns| (latency_ns / 2).saturating_sub(6_000)).collect(),
        copy_ns: vec![5_000; num_frames],
        unlock_ns: vec![1_000; num_frames],
        latency_ns: latencies_ns.to_vec(),
        bytes: vec![500; num_frames],
        encode_idx: (0..num_frames as u32).collect(),
        kinds: (0..num_frames).map(|idx| if idx == 0 { 'K' } else { 'P' }).collect(),
        submit_at_ns,
        ..FrameColumns::default()
    }
}
