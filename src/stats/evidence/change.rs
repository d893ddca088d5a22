//! How far something changed from before to after, and how sure that is.
//!
//! Knows no limit; `decision` compares it with one.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stats::evidence::sides::PairChange;
use crate::stats::math::ratio::RatioSample;
use crate::units;

/// A change from before to after, in percent of before.
///
/// The estimate is the paired median change: the median of (aᵢ + aⱼ) ÷ (bᵢ + bⱼ) over all rounds i and j; without pairs the
/// median of all quotients. The ends have the exact error of their test (Wilcoxon signed rank, Mann–Whitney), assume no
/// distribution, and are moved out by every doubt that has a size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeInterval {
    /// The most likely change; infinite (in JSON null) where before is 0.
    pub estimate_pct: f64,
    /// Lower end; `None`: there are too few runs to bound it.
    pub low_pct: Option<f64>,
    /// Upper end; as `low_pct`.
    pub high_pct: Option<f64>,
    /// How sure both ends are together, in percent: 95 where one change is asked for, more where several are, or where a
    /// sweep looks several times.
    #[serde(default = "usual")]
    pub confidence_pct: f64,
    /// How many rounds have a good run of both sides; `None`: the sides come from two sessions.
    pub num_pairs: Option<u32>,
    /// Pairs, or without pairs the good runs of the smaller side; where blocks are the unit, these.
    pub num_runs: u32,
    /// Are blocks the unit, because they differ from each other? Then `num_pairs` are pairs of blocks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_of_blocks: bool,
}

/// In files of before there was another: 95 %.
fn usual() -> f64 {
    95.0
}

impl ChangeInterval {
    /// What `sample` says when each end may miss in a share of `error`; `down` and `up` are the factors by which doubts move
    /// the ends.
    pub(crate) fn of(sample: &RatioSample, error: f64, (down, up): (f64, f64)) -> Self {
        let num_runs = sample.num_values() as u32;
        Self {
            estimate_pct: pct(sample.estimate()),
            low_pct: sample.low(error).map(|ratio| pct(ratio * down)),
            high_pct: sample.high(error).map(|ratio| pct(ratio * up)),
            confidence_pct: 100.0 * (1.0 - 2.0 * error),
            num_pairs: sample.is_paired().then_some(num_runs),
            num_runs,
            is_of_blocks: false,
        }
    }

    /// Of a sample that nothing makes doubtful and that is alone, at 95 %.
    pub fn plain(sample: &RatioSample) -> Self {
        Self::of(sample, 0.025, (1.0, 1.0))
    }

    /// Both ends; `None`: there are too few runs for it to have any.
    pub fn ends(&self) -> Option<(f64, f64)> {
        self.low_pct.zip(self.high_pct)
    }

    /// From the estimate to the farther end.
    pub fn half_width_pct(&self) -> Option<f64> {
        self.ends().map(|(low, high)| (high - self.estimate_pct).max(self.estimate_pct - low))
    }

    /// The farther end's distance from no change.
    pub fn farthest_pct(&self) -> Option<f64> {
        self.ends().map(|(low, high)| low.abs().max(high.abs()))
    }

    /// "−63.0 % to −61.9 %", or why there is none.
    pub fn ends_text(&self) -> String {
        match self.ends() {
            Some((low, high)) => format!("{} to {}", units::change_pct(low), units::change_pct(high)),
            None if self.is_of_blocks => "too few blocks".to_owned(),
            None => "too few rounds".to_owned(),
        }
    }
}

pub(super) fn pct(ratio: f64) -> f64 {
    100.0 * (ratio - 1.0)
}

/// The interval as it stood after each of the pairs, in the order of the rounds. Of many pairs only about forty states.
pub fn narrowing(pairs: &[PairChange]) -> Vec<ChangeInterval> {
    const MAX_STATES: usize = 40;
    let ratios: Vec<_> = pairs.iter().map(|pair| (1.0, 1.0 + pair.change_pct / 100.0)).collect();
    let step = ratios.len().div_ceil(MAX_STATES).max(1);
    let state = |num: usize| RatioSample::paired(&ratios[..num]).map(|sample| ChangeInterval::plain(&sample));
    let nums = (1..=ratios.len()).filter(|num| num % step == 0 || *num == ratios.len());
    nums.filter_map(state).collect()
}

/// "−62.4 % (95 %: −63.0 % to −61.9 %, 9 pairs)"
impl fmt::Display for ChangeInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends = match self.ends() {
            Some(_) => format!("{} %: {}", Rounded(self.confidence_pct), self.ends_text()),
            None => self.ends_text(),
        };
        let unit = match self.num_pairs {
            _ if self.is_of_blocks => format!("{} blocks", self.num_runs),
            Some(pairs) => format!("{pairs} pairs"),
            None => "not paired".to_owned(),
        };
        write!(f, "{} ({ends}, {unit})", units::change_pct(self.estimate_pct))
    }
}

/// Three significant digits, without zeros at the end.
struct Rounded(f64);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.1}", self.0);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(changes_pct: impl IntoIterator<Item = f64>) -> Vec<PairChange> {
        let pair = |(repeat_index, change_pct)| PairChange { repeat_index, change_pct };
        (0..).zip(changes_pct).map(pair).collect()
    }

    #[test]
    fn the_interval_narrows_while_pairs_come_in() {
        let states = narrowing(&pairs((0..100).map(|idx| -10.0 + 0.5 * f64::from(idx % 4))));
        assert_eq!((states.len(), states[0].num_pairs, states[33].num_pairs), (34, Some(3), Some(100)));
        assert!(states[0].ends().is_none());
        let widths: Vec<_> = states.iter().filter_map(ChangeInterval::half_width_pct).collect();
        assert!(widths.last() < widths.first(), "{widths:?}");
        assert_eq!(narrowing(&[]), []);
    }

    #[test]
    fn five_pairs_have_no_interval_at_95_percent() {
        let five = narrowing(&pairs([-50.0; 5])).pop().unwrap();
        assert_eq!(five.to_string(), "−50.0 % (too few rounds, 5 pairs)");
        let six = narrowing(&pairs([-50.0; 6])).pop().unwrap();
        assert_eq!(six.to_string(), "−50.0 % (95 %: −50.0 % to −50.0 %, 6 pairs)");
    }

    #[test]
    fn an_interval_of_an_older_file_is_of_95_percent() {
        let text = r#"{"estimate_pct":1.0,"low_pct":null,"high_pct":null,"num_pairs":null,"num_runs":3,"p":0.2}"#;
        assert_eq!(serde_json::from_str::<ChangeInterval>(text).unwrap().confidence_pct, 95.0);
    }
}
