//! A noise floor that lies beside a session: the margin is never less than the least, nor lost in what cannot be compared.
#![no_main]

use inflight::stats::evidence::noise_floor::{Margin, NoiseFloor};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(noise) = serde_json::from_slice::<NoiseFloor>(bytes) else { return };
    for floor in &noise.floors {
        let margin = Margin::of(floor.metric, [(Some(&noise), floor.case), (None, floor.case)]);
        assert!(margin.pct >= Margin::default().pct && margin.clone().doubled().pct.is_finite(), "{margin:?}");
    }
});
