//! What a GPU's instruments showed while a run was made. Plain numbers; who reads them is `device`'s business.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gpu::WorkingClock;

/// Why a clock is held down, by the bits of NVML's `nvmlClocksEventReasons`. Being idle and clocks that somebody set are none.
const LIMITS: [(u64, &str); 5] = [
    (0x04, "power cap"),
    (0x08, "hardware slowdown"),
    (0x20, "heat (software)"),
    (0x40, "heat (hardware)"),
    (0x80, "power brake"),
];

/// One look at all instruments; `None`: the GPU does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names are Telemetry's")]
pub struct Reading {
    pub video_mhz: Option<u32>,
    pub sm_mhz: Option<u32>,
    pub memory_mhz: Option<u32>,
    pub p_state: Option<u32>,
    pub temperature_c: Option<u32>,
    pub power_mw: Option<u32>,
    pub encoder_pct: Option<u32>,
    pub other_sessions: Option<u32>,
    pub limits: Option<u64>,
}

/// Readings as columns of equal length; what the GPU did not tell each time is left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Telemetry {
    /// When, from the start of the run's clock.
    pub at_ns: Vec<u64>,
    /// Clock of the video engines, NVENC's and NVDEC's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub video_mhz: Vec<u32>,
    /// Clock of the shader cores.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sm_mhz: Vec<u32>,
    /// Clock of the memory.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub memory_mhz: Vec<u32>,
    /// Performance state: 0 is the highest, 8 and more is idle.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub p_state: Vec<u32>,
    /// Temperature of the chip.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub temperature_c: Vec<u32>,
    /// Power that the board takes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub power_mw: Vec<u32>,
    /// Utilisation of the encoders by NVML, over a period of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub encoder_pct: Vec<u32>,
    /// Encoder sessions of other processes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_sessions: Vec<u32>,
    /// Why clocks are held down, as NVML's bits; 0: they are not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<u64>,
}

impl Telemetry {
    /// Readings with the time of each.
    pub fn of(readings: &[(u64, Reading)]) -> Self {
        let column = |value: fn(&Reading) -> Option<u32>| {
            readings.iter().map(|(_, reading)| value(reading)).collect::<Option<Vec<_>>>().unwrap_or_default()
        };
        Self {
            at_ns: readings.iter().map(|(at_ns, _)| *at_ns).collect(),
            video_mhz: column(|reading| reading.video_mhz),
            sm_mhz: column(|reading| reading.sm_mhz),
            memory_mhz: column(|reading| reading.memory_mhz),
            p_state: column(|reading| reading.p_state),
            temperature_c: column(|reading| reading.temperature_c),
            power_mw: column(|reading| reading.power_mw),
            encoder_pct: column(|reading| reading.encoder_pct),
            other_sessions: column(|reading| reading.other_sessions),
            limits: readings.iter().map(|(_, reading)| reading.limits).collect::<Option<Vec<_>>>().unwrap_or_default(),
        }
    }

    /// What decisions need of it; `None`: nobody read the clock of the video engines.
    pub fn working_clock(&self) -> Option<WorkingClock> {
        let num_readings = u32::try_from(self.video_mhz.len()).ok().filter(|&num| num > 0)?;
        let sum_mhz: u64 = self.video_mhz.iter().map(|&mhz| u64::from(mhz)).sum();
        Some(WorkingClock {
            lowest_mhz: self.video_mhz.iter().copied().min()?,
            mean_mhz: sum_mhz.checked_div(u64::from(num_readings))? as u32,
            highest_mhz: self.video_mhz.iter().copied().max()?,
            num_readings,
            num_limited: self.limits.iter().filter(|&&limits| is_limit(limits)).count() as u32,
        })
    }

    /// The reasons for which clocks were held down at any reading.
    pub fn limits_in_words(&self) -> Vec<&'static str> {
        let all = self.limits.iter().fold(0, |all, limits| all | limits);
        LIMITS.iter().filter(|(bit, _)| all & bit != 0).map(|(_, word)| *word).collect()
    }
}

/// Is any of these bits a clock that is held down by heat, power or an emergency brake?
pub fn is_limit(limits: u64) -> bool {
    LIMITS.iter().any(|(bit, _)| limits & bit != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_are_columns_without_what_the_gpu_does_not_tell() {
        let reading =
            |mhz, limits, sm_mhz| Reading { video_mhz: Some(mhz), sm_mhz, limits: Some(limits), ..Reading::default() };
        let readings =
            [(10, reading(1545, 1, Some(1980))), (60, reading(765, 0x44, None)), (110, reading(1545, 0, Some(9)))];
        let told = Telemetry::of(&readings);
        assert_eq!((told.at_ns.as_slice(), told.video_mhz.as_slice()), (&[10, 60, 110][..], &[1545, 765, 1545][..]));
        assert!(told.sm_mhz.is_empty() && told.power_mw.is_empty());
        assert_eq!(told.limits_in_words(), ["power cap", "heat (hardware)"]);
        let clock = told.working_clock().unwrap();
        assert_eq!((clock.lowest_mhz, clock.mean_mhz, clock.highest_mhz), (765, 1285, 1545));
        assert_eq!((clock.num_readings, clock.num_limited), (3, 1));
        assert_eq!(Telemetry::default().working_clock(), None);
    }
}
