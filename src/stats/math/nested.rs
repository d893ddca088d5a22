//! Values in groups: how far the groups lie apart, beyond what the values within them make of it.
//!
//! Knows numbers, not what a group is. Variances are those of a nested design of one level, by the method of moments with
//! groups of unequal size (Searle, Casella, McCulloch 1992, "Variance Components", 3.6).

use super::descriptive::mean;

/// Variances of values in groups.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nested {
    /// From value to value within a group.
    pub within: f64,
    /// From group to group, what `within` makes of it taken off; at least 0.
    pub between: f64,
}

impl Nested {
    /// `None`: there is only one group, or no group has two values.
    pub fn of(groups: &[Vec<f64>]) -> Option<Self> {
        let groups: Vec<_> = groups.iter().filter(|group| !group.is_empty()).collect();
        let (num_groups, num) = (groups.len() as f64, groups.iter().map(|group| group.len()).sum::<usize>() as f64);
        if groups.len() < 2 || num <= num_groups {
            return None;
        }
        let all = mean(&groups.iter().flat_map(|group| group.iter().copied()).collect::<Vec<_>>())?;
        let (mut squares_within, mut squares_between, mut sizes_squared) = (0.0, 0.0, 0.0);
        for group in groups {
            let (size, middle) = (group.len() as f64, mean(group)?);
            squares_within += group.iter().map(|value| (value - middle).powi(2)).sum::<f64>();
            squares_between += size * (middle - all).powi(2);
            sizes_squared += size * size;
        }
        let within = squares_within / (num - num_groups);
        let usual_size = (num - sizes_squared / num) / (num_groups - 1.0);
        let between = (squares_between / (num_groups - 1.0) - within) / usual_size;
        Some(Self { within, between: between.max(0.0) })
    }
}

/// The Kruskal–Wallis statistic of the groups ÷ what it is on average where all values come from one distribution, which is
/// the number of groups less one (Hollander, Wolfe, Chicken, 3rd ed., 6.1; ties corrected). `None`: there is one group, or
/// all values are equal.
pub fn spread_of_groups(groups: &[Vec<f64>]) -> Option<f64> {
    let mut values: Vec<(f64, usize)> =
        (0..).zip(groups).flat_map(|(group, values)| values.iter().map(move |&value| (value, group))).collect();
    let num = values.len() as f64;
    values.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut rank_sums = vec![0.0; groups.len()];
    let (mut num_ranked, mut ties) = (0, 0.0);
    for tied in values.chunk_by(|one, other| one.0 == other.0) {
        let size = tied.len() as f64;
        let rank = f64::from(num_ranked) + (size + 1.0) / 2.0;
        tied.iter().for_each(|&(_, group)| rank_sums[group] += rank);
        num_ranked += tied.len() as u32;
        ties += size.powi(3) - size;
    }
    let (mut num_groups, mut sum) = (0.0, 0.0);
    for (group, rank_sum) in groups.iter().zip(&rank_sums).filter(|(group, _)| !group.is_empty()) {
        let size = group.len() as f64;
        num_groups += 1.0;
        sum += size * (rank_sum / size - (num + 1.0) / 2.0).powi(2);
    }
    let correction = 1.0 - ties / (num.powi(3) - num);
    (num_groups > 1.0 && correction > 0.0).then(|| 12.0 / (num * (num + 1.0)) * sum / correction / (num_groups - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_of_a_textbook_layout() {
        // Groups of means 1, 2, 3 and a variance of 1 within: mean squares 3 and 1, so (3 − 1) ÷ 3 between.
        let groups = vec![vec![0.0, 1.0, 2.0], vec![1.0, 2.0, 3.0], vec![2.0, 3.0, 4.0]];
        let found = Nested::of(&groups).unwrap();
        assert!((found.within - 1.0).abs() < 1e-12 && (found.between - 2.0 / 3.0).abs() < 1e-12, "{found:?}");
        let equal = Nested::of(&[vec![1.0, 3.0], vec![1.0, 3.0]]).unwrap();
        assert_eq!((equal.within, equal.between), (2.0, 0.0));
        assert_eq!((Nested::of(&[vec![1.0, 2.0]]), Nested::of(&[vec![1.0], vec![2.0]])), (None, None));
    }

    #[test]
    fn the_components_that_made_the_values_are_found_again() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut normal = || (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
        let groups: Vec<_> = (0..2000)
            .map(|idx| {
                let block = 2.0 * normal();
                (0..2 + idx % 5).map(|_| block + normal()).collect::<Vec<_>>()
            })
            .collect();
        let found = Nested::of(&groups).unwrap();
        assert!((0.95..1.05).contains(&found.within) && (3.7..4.3).contains(&found.between), "{found:?}");
    }

    #[test]
    fn ranks_tell_groups_apart() {
        // Hollander, Wolfe, Chicken, example 6.1 (half-time of mucociliary clearance): H = 0.771 with 2 degrees.
        let clearance = [vec![2.9, 3.0, 2.5, 2.6, 3.2], vec![3.8, 2.7, 4.0, 2.4], vec![2.8, 3.4, 3.7, 2.2, 2.0]];
        assert!((2.0 * spread_of_groups(&clearance).unwrap() - 0.771).abs() < 1e-3);
        assert_eq!(spread_of_groups(&[vec![1.0, 1.0], vec![1.0]]), None);
        assert_eq!(spread_of_groups(&[vec![1.0, 2.0], vec![]]), None);
        // One value a group says nothing about groups: exactly the average.
        assert!((spread_of_groups(&[vec![1.0], vec![2.0], vec![3.0]]).unwrap() - 1.0).abs() < 1e-12);
        // To nothing, from nothing: ranks know infinity.
        assert!(spread_of_groups(&[vec![f64::INFINITY, 2.0], vec![0.0, 1.0]]).unwrap() > 1.0);
    }
}
