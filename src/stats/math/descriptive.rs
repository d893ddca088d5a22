//! One list of values described: percentiles, mean, standard deviation.
//!
//! Knows neither runs nor frames.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the values of several runs lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Spread {
    /// Number of values, at least 1.
    pub n: usize,
    pub mean: f64,
    pub min: f64,
    /// Nearest rank, as [`percentile`]; with few values p95 and p99 are the largest one.
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub max: f64,
    /// Of the sample (divided by n − 1); undefined for one value.
    pub stddev: Option<f64>,
    /// `stddev / mean` in percent; undefined where either is missing or the mean is 0.
    pub cv_pct: Option<f64>,
}

impl Spread {
    /// Describes `values`; `None` for an empty list.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let mean = mean(&sorted)?;
        let stddev = stddev(&sorted, mean);
        Some(Self {
            n: sorted.len(),
            mean,
            min: *sorted.first()?,
            p50: percentile(&sorted, 50)?,
            p95: percentile(&sorted, 95)?,
            p99: percentile(&sorted, 99)?,
            max: *sorted.last()?,
            stddev,
            cv_pct: stddev.filter(|_| mean != 0.0).map(|stddev| 100.0 * stddev / mean.abs()),
        })
    }
}

/// Nearest rank: the smallest value that at least `percent` % of the values do not exceed, so always one that was
/// measured. `sorted` ascends, `percent` is 1 to 100; `None` for an empty list.
pub fn percentile<T: Copy>(sorted: &[T], percent: u32) -> Option<T> {
    per_mille(sorted, 10 * percent)
}

/// As [`percentile`], in steps of a tenth: 999 is p99.9.
pub fn per_mille<T: Copy>(sorted: &[T], per_mille: u32) -> Option<T> {
    // In integers: 0.55 × 100 is a little more than 55 in floating point, and would be rounded up to rank 56.
    let rank = (sorted.len() * per_mille as usize).div_ceil(1000);
    sorted.get(rank.checked_sub(1)?).copied()
}

/// Mean of the two in the middle; `None` for an empty list.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    Some(f64::midpoint(percentile(&sorted, 50)?, *sorted.get(sorted.len() / 2)?))
}

/// Lists longer than this are thinned before every value is held against every other: that would take minutes and
/// gigabytes, and say no more.
const MAX_VALUES: usize = 1000;

/// Every second, third … of the values, evenly over the list, so that at most 1,000 are left.
pub fn thinned(values: &[f64]) -> Vec<f64> {
    values.iter().copied().step_by(values.len().div_ceil(MAX_VALUES).max(1)).collect()
}

/// How far run values scatter around their median, in percent of it, unmoved by a few that stand out: Shamos' median of
/// all pairwise distances, times 1.0483 so that it is the standard deviation where values are normal. `None` below two
/// values, or where the median is 0. Source: Rousseeuw and Croux 1993, "Alternatives to the median absolute deviation".
pub fn robust_cv_pct(values: &[f64]) -> Option<f64> {
    let values = &thinned(values);
    let pairs =
        values.iter().enumerate().flat_map(|(idx, one)| values[..idx].iter().map(move |other| (one - other).abs()));
    let distance = median(&pairs.collect::<Vec<_>>())?;
    let centre = median(values).filter(|&centre| centre != 0.0)?;
    Some(100.0 * 1.0483 * distance / centre.abs())
}

/// Arithmetic mean; `None` for an empty list.
pub fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() { None } else { Some(values.iter().sum::<f64>() / values.len() as f64) }
}

fn stddev(values: &[f64], mean: f64) -> Option<f64> {
    let degrees = values.len().checked_sub(1).filter(|&degrees| degrees > 0)?;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((squares / degrees as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measured_values() {
        let values: Vec<u32> = (1..=100).collect();
        for percent in 1..=100 {
            assert_eq!(percentile(&values, percent), Some(percent));
        }
        assert_eq!(percentile(&[7, 9], 50), Some(7));
        assert_eq!(percentile(&[7, 9], 51), Some(9));
        assert_eq!(percentile(&[7], 1), Some(7));
        assert_eq!(percentile::<u32>(&[], 50), None);
    }

    #[test]
    fn spread_by_hand() {
        // Mean 5, squares 9+1+1+1+0+0+4+16 = 32, 32/7 = 4.571…
        let spread = Spread::of(&[9.0, 2.0, 4.0, 4.0, 5.0, 4.0, 7.0, 5.0]).unwrap();
        assert_eq!((spread.n, spread.mean, spread.min, spread.max), (8, 5.0, 2.0, 9.0));
        assert_eq!((spread.p50, spread.p95, spread.p99), (4.0, 9.0, 9.0));
        assert!((spread.stddev.unwrap() - 2.138_089_935).abs() < 1e-9);
        assert!((spread.cv_pct.unwrap() - 42.761_798_7).abs() < 1e-6);
    }

    #[test]
    fn medians_of_even_lists_lie_between() {
        assert_eq!((median(&[4.0, 1.0, 3.0]), median(&[1.0, 2.0]), median(&[])), (Some(3.0), Some(1.5), None));
    }

    #[test]
    fn one_stray_run_does_not_make_a_machine_noisy() {
        // Distances of 99, 100, 101: 1, 1, 2.
        assert!((robust_cv_pct(&[99.0, 100.0, 101.0]).unwrap() - 1.0483).abs() < 1e-9);
        let mut runs = vec![100.0, 101.0, 99.0, 100.5, 99.5, 100.0, 101.0, 99.0, 100.0];
        let quiet = robust_cv_pct(&runs).unwrap();
        runs.push(300.0);
        assert!(robust_cv_pct(&runs).unwrap() < 2.0 * quiet && Spread::of(&runs).unwrap().cv_pct.unwrap() > 50.0);
        assert_eq!((robust_cv_pct(&[1.0]), robust_cv_pct(&[0.0, 0.0])), (None, None));
    }

    #[test]
    fn long_lists_are_thinned() {
        let long: Vec<_> = (0..100_000).map(f64::from).collect();
        assert_eq!((thinned(&long).len(), thinned(&long)[1], thinned(&long[..7])), (1000, 100.0, long[..7].to_vec()));
        assert!(robust_cv_pct(&long).is_some());
    }

    #[test]
    fn what_is_undefined_is_missing() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[3.0]).unwrap().stddev, None);
        let zeros = Spread::of(&[0.0, 0.0]).unwrap();
        assert_eq!((zeros.stddev, zeros.cv_pct), (Some(0.0), None));
    }
}
