//! A Y4M stream: any bytes are frames or an error, in bounded memory.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| inflight::source::fuzzed_y4m(bytes));
