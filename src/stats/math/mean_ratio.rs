//! How many times larger the mean of one list is than that of another, with Fieller's interval.
//!
//! Beside the rank-based ratio: the mean feels what a median does not, a stall in one run of ten. Assumes that means are
//! about normal, so it describes and can forbid, and decides nothing by itself. Source: Fieller 1954, "Some problems in
//! interval estimation".

use schemars::JsonSchema;
use serde::Serialize;

use super::descriptive::mean;

/// A ratio of means, after ÷ before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct MeanRatio {
    /// Of the two means.
    pub estimate: f64,
    /// Its 95 % interval; `None`: too few values, or before scatters so much that it might be 0.
    pub ends: Option<(f64, f64)>,
}

/// Of pairs (before, after); `None` where the mean of before is 0 and that of after is not, or there is no pair. Two means
/// of 0 are as large as each other.
pub fn paired(pairs: &[(f64, f64)]) -> Option<MeanRatio> {
    let (before, after): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
    let n = pairs.len() as f64;
    ratio(&before, &after, n - 1.0, covariance(&before, &after)? / n)
}

/// Of two lists, with the degrees of freedom of the shorter one.
pub fn unpaired(before: &[f64], after: &[f64]) -> Option<MeanRatio> {
    ratio(before, after, before.len().min(after.len()) as f64 - 1.0, 0.0)
}

/// The k at which a mean of after − k·before is `t` standard errors away from 0. `shared`: the covariance of the means.
fn ratio(before: &[f64], after: &[f64], degrees: f64, shared: f64) -> Option<MeanRatio> {
    let (b, a) = (mean(before)?, mean(after)?);
    if b == 0.0 {
        return (a == 0.0).then_some(MeanRatio { estimate: 1.0, ends: Some((1.0, 1.0)) });
    }
    let of_mean = |values: &[f64]| Some(covariance(values, values)? / values.len() as f64);
    let (var_b, var_a) = (of_mean(before)?, of_mean(after)?);
    let t2 = student_975(degrees).map(|t| t * t);
    // (b² − t²·var b)·k² − 2·(a·b − t²·shared)·k + (a² − t²·var a) = 0
    let ends = t2.and_then(|t2| {
        let (square, half) = (b * b - t2 * var_b, a * b - t2 * shared);
        let inside = (half * half - square * (a * a - t2 * var_a)).max(0.0);
        (square > 0.0).then(|| ((half - inside.sqrt()) / square, (half + inside.sqrt()) / square))
    });
    Some(MeanRatio { estimate: a / b, ends })
}

/// Of the sample (divided by n − 1); 0 for a single value.
fn covariance(one: &[f64], other: &[f64]) -> Option<f64> {
    let (mean_one, mean_other) = (mean(one)?, mean(other)?);
    let products: f64 = one.iter().zip(other).map(|(a, b)| (a - mean_one) * (b - mean_other)).sum();
    Some(products / (one.len() as f64 - 1.0).max(1.0))
}

/// Student's t that 97.5 % do not exceed; `None` below one degree of freedom. Abramowitz and Stegun 26.7.5 from 5 degrees on.
fn student_975(degrees: f64) -> Option<f64> {
    const FEW: [f64; 4] = [12.706, 4.303, 3.182, 2.776];
    const Z: f64 = 1.959_964;
    if degrees < 1.0 {
        return None;
    }
    if let Some(&t) = FEW.get(degrees as usize - 1) {
        return Some(t);
    }
    let [z3, z5, z7] = [3, 5, 7].map(|power| Z.powi(power));
    let first = (z3 + Z) / 4.0;
    let second = (5.0 * z5 + 16.0 * z3 + 3.0 * Z) / 96.0;
    let third = (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * Z) / 384.0;
    Some(Z + first / degrees + second / degrees.powi(2) + third / degrees.powi(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn student_is_that_of_another_implementation() {
        use statrs::distribution::{ContinuousCDF, StudentsT};
        for degrees in [1.0, 2.0, 4.0, 5.0, 8.0, 9.0, 19.0, 59.0, 999.0] {
            let theirs = StudentsT::new(0.0, 1.0, degrees).unwrap().inverse_cdf(0.975);
            let ours = student_975(degrees).unwrap();
            assert!((ours / theirs - 1.0).abs() < 2e-3, "{degrees}: {ours}, {theirs}");
        }
        assert_eq!(student_975(0.0), None);
    }

    #[test]
    fn what_both_of_a_pair_share_does_not_widen_it() {
        let pairs: Vec<_> =
            (0..10).map(|idx| (100.0 + 10.0 * f64::from(idx), 1.1 * (100.0 + 10.0 * f64::from(idx)))).collect();
        let shared = paired(&pairs).unwrap();
        let (low, high) = shared.ends.unwrap();
        assert!((shared.estimate - 1.1).abs() < 1e-12 && (low - 1.1).abs() < 1e-6 && (high - 1.1).abs() < 1e-6);
        let (before, after): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let (low, high) = unpaired(&before, &after).unwrap().ends.unwrap();
        assert!(low < 0.9 && high > 1.3);
    }

    #[test]
    fn zeros_are_as_large_as_each_other() {
        assert_eq!(paired(&[(0.0, 0.0); 6]).unwrap().ends, Some((1.0, 1.0)));
        assert_eq!(paired(&[(0.0, 1.0); 6]), None);
        assert_eq!(paired(&[(100.0, 0.0); 6]).unwrap().ends, Some((0.0, 0.0)));
        assert_eq!((paired(&[]), paired(&[(1.0, 2.0)]).unwrap().ends), (None, None));
    }
}
