//! How many times larger one list is than another: the estimate, exact bounds, and tests at a limit.
//!
//! Knows positive numbers and zeros, not what they measure. The ratio k of pairs (b, a) is where the signed-rank test of
//! the differences a − k·b sees no difference. Each Walsh average of those changes its sign at (aᵢ + aⱼ) ÷ (bᵢ + bⱼ), so
//! these quotients in order are what Walsh averages are for a difference: their median is the estimate, their order
//! statistics the exact bounds (Hollander, Wolfe, Chicken, 3rd ed., 3.1–3.3). For two lists it is the quotients aⱼ ÷ bᵢ and
//! the Mann–Whitney counts (4.1–4.3). Zeros need no rule of their own: 0 ÷ b is 0, a ÷ 0 infinite, and 0 ÷ 0 agrees with
//! every k.

use super::rank::{MAX_VALUES, cut, mann_whitney_cdf, signed_rank_cdf};

/// What is equal must not miss a limit by the rounding of a quotient.
const ROUNDING: f64 = 1e-11;

/// The same change seen from the other side, in percent: what takes 20 % less makes 25 % more.
pub fn turned_over_pct(change_pct: f64) -> f64 {
    100.0 * (1.0 / (1.0 + change_pct / 100.0) - 1.0)
}

/// Two lists, ready to be asked.
#[derive(Debug, Clone)]
pub struct RatioSample {
    /// Pairwise quotients in order, those of 0 and 0 left out.
    quotients: Vec<f64>,
    num_undefined: usize,
    /// P(so many quotients or fewer lie on one side of the true ratio).
    cdf: Vec<f64>,
    num_values: usize,
    /// The smallest error that so many values can bear at one end.
    least_error: f64,
    is_paired: bool,
}

impl RatioSample {
    /// Pairs of (before, after), each at least 0; `None` for an empty list.
    pub fn paired(pairs: &[(f64, f64)]) -> Option<Self> {
        let num_values = pairs.len();
        let pairs = condensed(pairs);
        let mut sums = Vec::with_capacity(pairs.len() * (pairs.len() + 1) / 2);
        for (idx, &(before, after)) in pairs.iter().enumerate() {
            sums.extend(pairs[idx..].iter().map(|&(b, a)| (before + b, after + a)));
        }
        Self::of(sums, signed_rank_cdf(pairs.len()).to_vec(), num_values, true)
    }

    /// Two lists of values that are at least 0; `None` where one is empty.
    pub fn unpaired(before: &[f64], after: &[f64]) -> Option<Self> {
        let num_values = before.len().min(after.len());
        let alone = |values: &[f64]| condensed(&values.iter().map(|&value| (value, 0.0)).collect::<Vec<_>>());
        let (before, after) = (alone(before), alone(after));
        let both = after.iter().flat_map(|&(a, _)| before.iter().map(move |&(b, _)| (b, a))).collect();
        Self::of(both, mann_whitney_cdf(before.len(), after.len()), num_values, false)
    }

    fn of(parts: Vec<(f64, f64)>, cdf: Vec<f64>, num_values: usize, is_paired: bool) -> Option<Self> {
        let num_parts = parts.len();
        let is_defined = |&(before, after): &(f64, f64)| before > 0.0 || after > 0.0;
        let mut quotients: Vec<_> =
            parts.into_iter().filter(is_defined).map(|(before, after)| after / before).collect();
        quotients.sort_unstable_by(f64::total_cmp);
        let (num_undefined, least_error) = (num_parts - quotients.len(), cdf.first().copied()?);
        (num_parts > 0).then_some(Self { quotients, num_undefined, cdf, num_values, least_error, is_paired })
    }

    /// Pairs, or without pairs the values of the shorter list.
    pub fn num_values(&self) -> usize {
        self.num_values
    }

    /// Made of pairs?
    pub fn is_paired(&self) -> bool {
        self.is_paired
    }

    /// Can so many values bound the ratio at one end with an error of at most `error`?
    pub fn can_bear(&self, error: f64) -> bool {
        self.least_error <= error
    }

    /// The most likely ratio; infinite where before is 0.
    pub fn estimate(&self) -> f64 {
        let num = self.num_parts();
        let (below, above) = (self.at((num - 1) / 2), self.at(num / 2));
        if below == above { below } else { f64::midpoint(below, above) }
    }

    /// The ratio is at least this, but for an error of `error`; `None`: too few values to say.
    pub fn low(&self, error: f64) -> Option<f64> {
        cut(&self.cdf, error).checked_sub(1).map(|idx| self.at(idx))
    }

    /// The ratio is at most this, but for an error of `error`; `None`: too few values to say.
    pub fn high(&self, error: f64) -> Option<f64> {
        let cut = cut(&self.cdf, error);
        (cut > 0).then(|| self.at(self.num_parts() - cut.min(self.num_parts())))
    }

    /// Do the values show that the ratio is `limit` at most, but for an error of `error`?
    pub fn is_at_most(&self, limit: f64, error: f64) -> bool {
        let num_above = self.quotients.len() - self.num_up_to(limit);
        self.probability(num_above) <= error
    }

    /// Do they show that it is more than `limit`?
    pub fn is_above(&self, limit: f64, error: f64) -> bool {
        self.probability(self.num_up_to(limit) + self.num_undefined) <= error
    }

    fn probability(&self, num: usize) -> f64 {
        self.cdf.get(num).copied().unwrap_or(1.0)
    }

    fn num_up_to(&self, limit: f64) -> usize {
        let limit = limit + ROUNDING * limit.abs().max(1.0);
        self.quotients.partition_point(|&quotient| quotient <= limit)
    }

    fn num_parts(&self) -> usize {
        self.quotients.len() + self.num_undefined
    }

    /// The quotient at `idx` in order. For a picture of the ratio, 0 and 0 are as large as each other.
    fn at(&self, idx: usize) -> f64 {
        let num_below_one = self.quotients.partition_point(|&quotient| quotient < 1.0);
        let quotient = match idx {
            idx if idx < num_below_one => self.quotients.get(idx),
            idx if idx < num_below_one + self.num_undefined => None,
            idx => self.quotients.get(idx - self.num_undefined),
        };
        quotient.copied().unwrap_or(1.0)
    }
}

/// Sums of as many neighbours each as it takes to be few enough.
fn condensed(pairs: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let sum = |some: &[(f64, f64)]| some.iter().fold((0.0, 0.0), |(b, a), one| (b + one.0, a + one.1));
    let size = pairs.len().div_ceil(MAX_VALUES).max(1);
    // A last chunk that is shorter would weigh less than the others, or in a list be smaller than they.
    let whole = pairs.len() / size * size;
    pairs[..whole].chunks(size).map(sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(before: &[f64], after: &[f64]) -> RatioSample {
        RatioSample::paired(&before.iter().copied().zip(after.iter().copied()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn bounds_are_order_statistics_of_the_quotients_of_sums() {
        // Before is 1 throughout, so the quotients are the Walsh averages of after: for 6 values and 2.5 % the ends are
        // the outermost ones, for 5 % so are they (P(T ≤ 0) = 1.6 %, P(T ≤ 1) = 3.1 %, P(T ≤ 2) = 4.7 %).
        let after = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let sample = pairs(&[1.0; 6], &after);
        assert_eq!((sample.estimate(), sample.low(0.025), sample.high(0.025)), (3.5, Some(1.0), Some(6.0)));
        assert_eq!((sample.low(0.05), sample.high(0.05)), (Some(2.0), Some(5.0)));
    }

    #[test]
    fn a_limit_is_passed_exactly_where_the_bound_passes_it() {
        let mut random = fastrand::Rng::with_seed(3);
        let mut value = || 1.0 + 0.2 * random.f64();
        for num in 1_usize..20 {
            let (before, after): (Vec<_>, Vec<_>) = (0..num).map(|_| (value(), value())).unzip();
            for sample in [pairs(&before, &after), RatioSample::unpaired(&before, &after[..num.div_ceil(2)]).unwrap()] {
                for error in [0.01, 0.025, 0.05, 0.2] {
                    for limit in [0.8, 0.9, 0.95, 1.0, 1.05, 1.2] {
                        let high = sample.high(error).is_some_and(|high| high <= limit);
                        let low = sample.low(error).is_some_and(|low| low > limit);
                        assert_eq!((sample.is_at_most(limit, error), sample.is_above(limit, error)), (high, low));
                    }
                }
            }
        }
    }

    #[test]
    fn another_implementation_calls_the_same_lists_different() {
        use statrs::stats_tests::Alternative;
        use statrs::stats_tests::mannwhitneyu::{MannWhitneyUMethod, mannwhitneyu};
        let mut random = fastrand::Rng::with_seed(11);
        let mut num_called = 0;
        // With a first list that is not the longer one statrs 0.19 answers for the wrong tail.
        for (n, m) in [(5, 4), (9, 5), (10, 9), (12, 7)].repeat(20) {
            let mut list = |num: usize, more: f64| (0..num).map(|_| 1.0 + more + random.f64()).collect::<Vec<_>>();
            let (before, after) = (list(n, 0.3), list(m, 0.0));
            let method = MannWhitneyUMethod::Exact;
            let (_, p) = mannwhitneyu(&before, &after, method, Alternative::Greater).unwrap();
            let sample = RatioSample::unpaired(&before, &after).unwrap();
            assert_eq!(sample.is_at_most(1.0, 0.05), p <= 0.05, "{p}");
            num_called += usize::from(p <= 0.05);
        }
        assert!((10..70).contains(&num_called), "{num_called}");
    }

    #[test]
    fn zeros_have_a_ratio_like_other_values() {
        let gone = pairs(&[100.0; 6], &[0.0; 6]);
        assert_eq!((gone.estimate(), gone.high(0.025)), (0.0, Some(0.0)));
        assert!(gone.is_at_most(0.8, 0.025) && gone.is_at_most(0.0, 0.025) && !gone.is_above(0.0, 0.025));
        let come = pairs(&[0.0; 6], &[100.0; 6]);
        assert_eq!((come.estimate(), come.low(0.025)), (f64::INFINITY, Some(f64::INFINITY)));
        assert!(come.is_above(1000.0, 0.025) && !come.is_at_most(1000.0, 0.025));
        let never = pairs(&[0.0; 6], &[0.0; 6]);
        assert_eq!((never.estimate(), never.low(0.025), never.high(0.025)), (1.0, Some(1.0), Some(1.0)));
        // 0 is 20 % less than 0, and not more than it.
        assert!(never.is_at_most(0.8, 0.025) && !never.is_above(0.8, 0.025) && !never.is_above(1.2, 0.025));
        let some = pairs(&[0.0, 0.0, 1.0, 1.0, 0.0, 1.0], &[0.0, 0.0, 1.0, 1.0, 0.0, 1.0]);
        assert_eq!(some.estimate(), 1.0);
        assert!(RatioSample::unpaired(&[0.0; 4], &[0.0; 4]).unwrap().is_at_most(0.8, 0.025));
    }

    #[test]
    fn the_limit_itself_is_met() {
        let sample = pairs(&[100.0; 9], &[95.0; 9]);
        assert!(sample.is_at_most(0.95, 0.05) && !sample.is_above(0.95, 0.05));
        assert!(pairs(&[100.0; 9], &[95.01; 9]).is_above(0.95, 0.05));
    }

    #[test]
    fn too_few_values_bear_nothing() {
        for (num, bears, both) in [(4, false, false), (5, true, false), (6, true, true)] {
            let sample = pairs(&vec![1.0; num], &vec![0.5; num]);
            assert_eq!((sample.can_bear(0.05), sample.can_bear(0.025)), (bears, both));
            assert_eq!((sample.high(0.05).is_some(), sample.is_at_most(0.9, 0.05)), (bears, bears));
        }
        assert!(RatioSample::paired(&[]).is_none() && RatioSample::unpaired(&[], &[1.0]).is_none());
    }

    #[test]
    fn long_lists_take_no_longer() {
        let long: Vec<_> = (0..100_000).map(|idx| (100.0, 103.0 + f64::from(idx % 7) - 3.0)).collect();
        let sample = RatioSample::paired(&long).unwrap();
        assert!(
            (sample.estimate() - 1.03).abs() < 1e-3 && sample.high(0.025).unwrap() < 1.04,
            "{:?}",
            sample.estimate()
        );
        assert_eq!(sample.num_values(), 100_000);
    }
}
