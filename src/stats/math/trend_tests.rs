//! Signs within a list of run values that the machine did not hold still: a trend, a slow first run, two humps.
//!
//! Knows numbers in the order of making. What a sign means for a verdict is decided in `gate`.

use crate::stats::math::descriptive::{median, thinned};
use crate::stats::math::rank::normal_cdf;

/// Kendall's S of values against their order: rising pairs less falling pairs, with its two-sided p (normal
/// approximation with correction for ties and continuity; Mann 1945, Kendall 1975). `None` below 6 values: no order of
/// five says anything at 1 %.
pub fn mann_kendall(values: &[f64]) -> Option<(i64, f64)> {
    let values = &thinned(values);
    let n = values.len();
    if n < 6 {
        return None;
    }
    let mut s = 0_i64;
    for (idx, earlier) in values.iter().enumerate() {
        for later in &values[idx + 1..] {
            s += i64::from(later > earlier) - i64::from(later < earlier);
        }
    }
    let terms = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    let tied: f64 = tie_sizes(values).into_iter().map(|size| terms(size as f64)).sum();
    let variance = (terms(n as f64) - tied) / 18.0;
    if variance <= 0.0 {
        return Some((0, 1.0));
    }
    let z = (s.abs() - 1).max(0) as f64 / variance.sqrt();
    Some((s, (2.0 * (1.0 - normal_cdf(z))).min(1.0)))
}

/// From the first value to the last by the median of the slopes of all pairs (Theil, Sen); `None` below two values.
pub fn theil_sen_drift(values: &[f64]) -> Option<f64> {
    let values = &thinned(values);
    let mut slopes = Vec::new();
    for (idx, earlier) in values.iter().enumerate() {
        let slope = |(step, later): (usize, &f64)| (later - earlier) / (step + 1) as f64;
        slopes.extend(values[idx + 1..].iter().enumerate().map(slope));
    }
    Some(median(&slopes)? * (values.len() - 1) as f64)
}

/// Akinshin's mValue over a histogram of as many bins as Sturges asks for: 2 for one hump, 4 for two equal ones, above
/// 2.8 a hint. `None` below 20 values, where bins are mostly accident, and where all are equal.
pub fn m_value(values: &[f64]) -> Option<f64> {
    if values.len() < 20 {
        return None;
    }
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let num_bins = (values.len() as f64).log2().ceil() as usize + 1;
    let width = (high - low) / num_bins as f64;
    if width <= 0.0 || !width.is_finite() {
        return None;
    }
    let mut bins = vec![0_u32; num_bins];
    for value in values {
        bins[(((value - low) / width) as usize).min(num_bins - 1)] += 1;
    }
    let highest = bins.iter().copied().max().filter(|&highest| highest > 0)?;
    let mut before = 0;
    let mut climbed = 0_u32;
    for bin in bins.into_iter().chain([0]) {
        climbed += bin.abs_diff(before);
        before = bin;
    }
    Some(f64::from(climbed) / f64::from(highest))
}

/// By how much the first value lies above the median of the others, if that is more than `10 × 1.4826` times their median
/// absolute deviation (the limit hyperfine uses for outliers) and more than 1 %. `None`: not slow, or below 5 values.
pub fn slow_first(values: &[f64]) -> Option<f64> {
    let (first, others) = values.split_first().filter(|(_, others)| others.len() >= 4)?;
    let middle = median(others)?;
    let deviations: Vec<_> = others.iter().map(|value| (value - middle).abs()).collect();
    let above = first - middle;
    (above > 14.826 * median(&deviations)? && above > middle.abs() / 100.0).then_some(above)
}

fn tie_sizes(values: &[f64]) -> Vec<usize> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.chunk_by(|a, b| a == b).map(<[f64]>::len).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_climb_is_a_trend_and_a_zigzag_is_none() {
        let climb: Vec<_> = (0..10).map(f64::from).collect();
        let (s, p) = mann_kendall(&climb).unwrap();
        // S = 45, variance 10·9·25/18 = 125, z = 44/√125 = 3.935, p = 8.3e−5.
        assert_eq!(s, 45);
        assert!((p - 8.3e-5).abs() < 2e-6, "{p}");
        assert_eq!(theil_sen_drift(&climb), Some(9.0));
        let zigzag: Vec<_> = (0..10).map(|idx| f64::from(idx % 2)).collect();
        assert!(mann_kendall(&zigzag).unwrap().1 > 0.3);
        assert_eq!(mann_kendall(&[3.0; 8]), Some((0, 1.0)));
        assert_eq!(mann_kendall(&[1.0; 5]), None);
    }

    #[test]
    fn two_humps_are_seen() {
        let two: Vec<_> = (0..40).map(|idx| if idx % 2 == 0 { 100.0 } else { 120.0 }).collect();
        assert_eq!(m_value(&two), Some(4.0));
        let one: Vec<_> = (0..40).map(|idx| 100.0 + f64::from(idx % 8 + idx % 7)).collect();
        assert!(m_value(&one).unwrap() < 2.8);
        assert_eq!(m_value(&two[..19]), None);
        assert_eq!(m_value(&[1.0; 30]), None);
    }

    #[test]
    fn a_slow_start_stands_out() {
        assert_eq!(slow_first(&[150.0, 100.0, 101.0, 100.0, 99.0, 100.0]), Some(50.0));
        assert_eq!(slow_first(&[100.5, 100.0, 101.0, 100.0, 99.0, 100.0]), None);
        assert_eq!(slow_first(&[150.0, 100.0]), None);
    }
}
