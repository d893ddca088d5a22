//! What tools do instead, for the tables: each answers whether two lists differ at 5 %.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// All frames of all runs thrown together, Mann–Whitney by its normal approximation.
pub fn pooled_mann_whitney(before: &[f64], after: &[f64]) -> bool {
    let mut all: Vec<(f64, bool)> = before.iter().map(|&value| (value, false)).collect();
    all.extend(after.iter().map(|&value| (value, true)));
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut rank_sum, mut next) = (0.0, 0);
    while next < all.len() {
        let tied = all[next..].iter().take_while(|value| value.0 == all[next].0).count();
        let rank = next as f64 + (tied as f64 + 1.0) / 2.0;
        rank_sum += rank * all[next..next + tied].iter().filter(|value| value.1).count() as f64;
        next += tied;
    }
    let (n, m) = (before.len() as f64, after.len() as f64);
    let u = rank_sum - m * (m + 1.0) / 2.0;
    let sigma = (n * m * (n + m + 1.0) / 12.0).sqrt();
    ((u - n * m / 2.0) / sigma).abs() > 1.959_964
}

/// Welch's t over one value a run.
pub fn welch(before: &[f64], after: &[f64]) -> bool {
    let ((mean_b, var_b), (mean_a, var_a)) = (moments(before), moments(after));
    let (b, a) = (var_b / before.len() as f64, var_a / after.len() as f64);
    let degrees = (a + b).powi(2) / (b * b / (before.len() - 1) as f64 + a * a / (after.len() - 1) as f64);
    let t = (mean_a - mean_b) / (a + b).sqrt();
    let Ok(student) = StudentsT::new(0.0, 1.0, degrees) else { return false };
    2.0 * (1.0 - student.cdf(t.abs())) < 0.05
}

/// Percentile bootstrap of the ratio of means over runs.
pub fn bootstrap(before: &[f64], after: &[f64], random: &mut fastrand::Rng) -> bool {
    const RESAMPLES: usize = 1000;
    let mut mean = |values: &[f64]| (0..values.len()).map(|_| values[random.usize(..values.len())]).sum::<f64>();
    let mut ratios: Vec<_> = (0..RESAMPLES).map(|_| mean(after) / mean(before)).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    ratios[RESAMPLES * 25 / 1000] > 1.0 || ratios[RESAMPLES * 975 / 1000 - 1] < 1.0
}

fn moments(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64)
}
