//! Several streams at once: each has all its frames, the engines are shared as a card shares them, and a limit is told in words.
#![allow(clippy::expect_used, reason = "a test that cannot go on says so by failing")]

mod common;

use common::records_of;
use inflight::contract::LockPlacement;
use inflight::plan::Plan;
use inflight::record::RunRecord;
use inflight::stats::runs::metrics::Metric;
use inflight::stats::runs::summary::RunSummary;

const FRAMES: u64 = 30;
const INTERVAL_US: u64 = 500;

fn runs(device: &str, streams: u32) -> Vec<RunRecord> {
    let plan = Plan {
        device: device.to_owned(),
        input: "synthetic:64x48@30".to_owned(),
        frames: FRAMES,
        reap_thresholds: vec![1, 4],
        locks: vec![LockPlacement::Inline, LockPlacement::Thread],
        streams,
        warmup: 0,
        repeat: 1,
        looks: Vec::new(),
        confirm: 0,
        ..Plan::default()
    };
    let (ended, records) = records_of(&plan, None);
    ended.expect("no device is lost");
    records
}

#[test]
fn every_stream_has_its_frames_and_the_engines_are_shared() {
    for (engines, streams) in [(1, 1), (1, 3), (2, 4), (2, 8)] {
        let device = format!("virtual:latency_us={INTERVAL_US},interval_us={INTERVAL_US},engines={engines},sessions=8");
        for record in runs(&device, streams) {
            assert_eq!(record.error, None);
            let all = u64::from(streams) * FRAMES;
            assert_eq!((record.metrics.frames, record.metrics.packets), (all, all));
            assert_eq!(record.streams().count(), streams as usize);
            for frames in record.streams() {
                assert_eq!(frames.len() as u64, FRAMES);
                assert!(
                    frames.latency_ns.iter().all(|&ns| ns >= 1000 * INTERVAL_US),
                    "no frame is faster than the engine"
                );
            }
            // Sessions are dealt to the engines in turn, so the busier one has so many; no number of threads makes it faster.
            let of_busiest = u64::from(streams.div_ceil(engines)) * FRAMES;
            assert!(record.wall_ns >= of_busiest * 1000 * INTERVAL_US, "{engines} engines, {streams} streams");
            let summary = RunSummary::of(&record);
            assert_eq!(summary.value(Metric::FairnessPct).is_some(), streams > 1);
            assert_eq!(summary.packets, all);
        }
    }
}

#[test]
fn a_stream_that_gets_no_session_ends_the_run_and_says_which() {
    let records = runs("virtual:sessions=3,foreign_sessions=1", 4);
    assert_eq!(records.len(), 4, "a session limit is no lost device");
    for record in records {
        let error = record.error.unwrap_or_default();
        assert!(error.starts_with("stream ") && error.contains(" of 4: ") && error.contains("sessions"), "{error}");
        assert_eq!(record.metrics.packets, 0, "the others did not begin");
    }
}
