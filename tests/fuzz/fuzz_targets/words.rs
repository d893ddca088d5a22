//! What is typed: inputs, devices with their faults, criteria, baselines, selectors. What is understood is written and read back.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(spec) = text.parse::<inflight::source::InputSpec>() {
        assert_eq!(spec.to_string().parse(), Ok(spec));
    }
    drop(text.parse::<virtual_nvenc::DeviceConfig>());
    // A card is a file, and opened.
    if !text.contains("card=") {
        drop(text.parse::<inflight::device::DeviceSpec>());
    }
    drop(inflight::plan::Criteria::from_toml(text));
    drop(text.parse::<inflight::plan::Baseline>());
    drop(text.parse::<inflight::stats::runs::selector::Selector>());
    drop(inflight::source::parse_rate(text));
});
