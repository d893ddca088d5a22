//! A plan from a file: read, checked, foretold, and written as a command.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut plan) = inflight::session::parse_plan(bytes) else { return };
    // Its file would be opened.
    plan.input = "synthetic".to_owned();
    drop(inflight::measure::strangers::powers(&plan));
    if plan.check().is_ok() {
        drop(inflight::measure::command::sweep_command(&plan));
        let _ = inflight::measure::estimate::Estimate::of(&plan);
    }
});
