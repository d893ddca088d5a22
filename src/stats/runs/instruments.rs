//! What a GPU's instruments showed over a run, and over the runs of a case. Judges nothing.

use schemars::JsonSchema;
use serde::Serialize;

use crate::record::{Telemetry, is_limit};
use crate::stats::math::descriptive::mean;

/// What one instrument showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Shown {
    pub lowest: u32,
    pub median: u32,
    pub highest: u32,
}

/// Of one run; `None`: the GPU does not tell.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names are Telemetry's")]
pub struct Instruments {
    pub video_mhz: Option<Shown>,
    pub sm_mhz: Option<Shown>,
    pub memory_mhz: Option<Shown>,
    pub p_state: Option<Shown>,
    pub temperature_c: Option<Shown>,
    pub power_mw: Option<Shown>,
    pub encoder_pct: Option<Shown>,
    pub other_sessions: Option<Shown>,
    /// Share of the readings at which clocks were held down.
    pub limited_pct: Option<f64>,
    /// For these reasons.
    pub limits: Vec<&'static str>,
}

impl Shown {
    /// `None`: the instrument showed nothing.
    pub fn of(column: &[u32]) -> Option<Self> {
        let mut ordered = column.to_vec();
        ordered.sort_unstable();
        let (&lowest, &highest) = (ordered.first()?, ordered.last()?);
        Some(Self { lowest, median: *ordered.get(ordered.len() / 2)?, highest })
    }

    /// Of several runs: the median of medians, and the farthest ends.
    fn of_all(all: &[Self]) -> Option<Self> {
        let medians: Vec<u32> = all.iter().map(|shown| shown.median).collect();
        let lowest = all.iter().map(|shown| shown.lowest).min()?;
        let highest = all.iter().map(|shown| shown.highest).max()?;
        Some(Self { lowest, median: Self::of(&medians)?.median, highest })
    }
}

impl Instruments {
    /// Of the readings of one run.
    pub fn of(told: &Telemetry) -> Self {
        let num_limited = told.limits.iter().filter(|&&limits| is_limit(limits)).count();
        Self {
            video_mhz: Shown::of(&told.video_mhz),
            sm_mhz: Shown::of(&told.sm_mhz),
            memory_mhz: Shown::of(&told.memory_mhz),
            p_state: Shown::of(&told.p_state),
            temperature_c: Shown::of(&told.temperature_c),
            power_mw: Shown::of(&told.power_mw),
            encoder_pct: Shown::of(&told.encoder_pct),
            other_sessions: Shown::of(&told.other_sessions),
            limited_pct: (!told.limits.is_empty()).then(|| 100.0 * num_limited as f64 / told.limits.len() as f64),
            limits: told.limits_in_words(),
        }
    }

    /// Of several runs; `None`: there is none.
    pub fn of_runs<'a>(all: impl Iterator<Item = &'a Self>) -> Option<Self> {
        let all: Vec<&Self> = all.collect();
        let joined = |one: fn(&Self) -> Option<Shown>| {
            Shown::of_all(&all.iter().filter_map(|instruments| one(instruments)).collect::<Vec<_>>())
        };
        let mut limits: Vec<_> = all.iter().flat_map(|one| one.limits.iter().copied()).collect();
        limits.sort_unstable();
        limits.dedup();
        (!all.is_empty()).then(|| Self {
            video_mhz: joined(|one| one.video_mhz),
            sm_mhz: joined(|one| one.sm_mhz),
            memory_mhz: joined(|one| one.memory_mhz),
            p_state: joined(|one| one.p_state),
            temperature_c: joined(|one| one.temperature_c),
            power_mw: joined(|one| one.power_mw),
            encoder_pct: joined(|one| one.encoder_pct),
            other_sessions: joined(|one| one.other_sessions),
            limited_pct: mean(&all.iter().filter_map(|one| one.limited_pct).collect::<Vec<_>>()),
            limits,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_joined_by_the_median_of_medians_and_the_farthest_ends() {
        assert_eq!(Shown::of(&[]), None);
        let runs = [[1545, 765, 1545], [1530, 1530, 1545], [1545, 1545, 1560]].map(|run| Shown::of(&run).unwrap());
        assert_eq!(runs[0], Shown { lowest: 765, median: 1545, highest: 1545 });
        assert_eq!(Shown::of_all(&runs), Some(Shown { lowest: 765, median: 1545, highest: 1560 }));
    }
}
