//! A compressed clip cut into access units: no byte is lost or made up.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| inflight::source::fuzzed_clip(bytes));
