//! The state of a GPU, as decisions need it: its clock, and whether it was held down.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Clocks, throttling and temperature of a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GpuState {
    /// Clock of the shader cores.
    pub sm_mhz: Option<u32>,
    /// Clock of the video engines, NVENC's.
    pub video_mhz: Option<u32>,
    /// Throttled by heat, power or an emergency brake (being idle or having a fixed clock does not count).
    pub is_throttled: bool,
    /// Temperature of the chip.
    pub temperature_c: Option<u32>,
    /// Clock of the video engines while the run was made; left out where nobody looked, as in runs too short for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working: Option<WorkingClock>,
}

/// A run counts as limited if at least one of so many readings was.
const LIMITED_IF_ONE_OF: u32 = 10;

/// What a clock was while an engine worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct WorkingClock {
    pub lowest_mhz: u32,
    pub mean_mhz: u32,
    pub highest_mhz: u32,
    pub num_readings: u32,
    /// Readings at which clocks were held down by heat, power or an emergency brake.
    #[serde(default, skip_serializing_if = "is_none")]
    pub num_limited: u32,
}

impl GpuState {
    /// Were clocks held down for a part of the run that counts, or right after it?
    pub fn is_limited(&self) -> bool {
        let was_limited =
            |clock: WorkingClock| clock.num_limited.saturating_mul(LIMITED_IF_ONE_OF) >= clock.num_readings.max(1);
        self.is_throttled || self.working.is_some_and(was_limited)
    }

    /// Clock of the video engines in the run: while they worked, or else right after.
    pub fn run_mhz(&self) -> Option<u32> {
        self.working.map(|clock| clock.mean_mhz).or(self.video_mhz)
    }
}

/// The engine was kept busy before a run, until the clock of the video engines no longer changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockWarmUp {
    /// How long.
    pub took_ms: u32,
    /// The clock before.
    pub from_mhz: u32,
    /// The clock after.
    pub to_mhz: u32,
    /// Had it stayed the same at the end? Otherwise the time for it was over.
    pub is_flat: bool,
}

fn is_none(num: &u32) -> bool {
    *num == 0
}
