//! A trace that an interposer wrote, in a process that may have been anybody's.
#![no_main]

use inflight::process::interposer_trace::InterposerTrace;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(trace) = serde_json::from_slice::<InterposerTrace>(bytes) else { return };
    drop(trace.settings());
    let _ = (trace.median_lock_depth(), trace.dimensions(), trace.frame_rate(), trace.pixel_format());
    assert!(trace.is_beside(&trace));
});
