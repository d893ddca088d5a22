//! A line of a session: summarised, exported and drawn, whatever its columns hold.
#![no_main]

use inflight::record::RunRecord;
use inflight::stats::runs::summary::{RunSummary, groups};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(record) = serde_json::from_slice::<RunRecord>(bytes) else { return };
    let summary = RunSummary::of(&record);
    drop(groups(&[summary.clone(), summary]));
    drop(inflight::figures::depth::steps(&record.frames));
    drop(record.frames.in_display_order());
});
