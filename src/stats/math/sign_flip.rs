//! Several ratios asked at once: how small the error of each must be for the error of all of them together.
//!
//! Each cell holds the pairs of one comparison, round by round; cells that share their before side hang together. Were
//! there no effect in any cell, a round would have come out the other way round as likely as not. So all rounds are
//! turned around at random, every cell of a round together, and the smallest p over the cells says how small a p comes
//! about by chance (Westfall and Young 1993, "Resampling-Based Multiple Testing", 2.3; max-T with signed ranks). Exact up
//! to 12 rounds, where all patterns are gone through.

use super::rank::{MAX_VALUES, signed_rank_cdf};

/// Up to this many rounds there are few enough patterns to go through them all.
const EXACT_ROUNDS: usize = 12;
/// Beyond, that many are drawn: the 5 % that is read off them has a standard error of 0.34 points.
const NUM_DRAWN: usize = 4096;

/// Which answers count as an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Tail {
    /// That the ratio is smaller.
    Less,
    /// That it is larger.
    More,
    /// Either.
    Either,
}

/// The pair (before, after) of each round; `None` where a round lacks one of the two.
type Rounds = Vec<Option<(f64, f64)>>;

/// The cells of one family.
#[derive(Debug, Clone, Default)]
pub struct Family {
    cells: Vec<Rounds>,
    num_rounds: usize,
}

/// One cell: the ranks of its rounds' differences, signed; 0 where a round is missing.
struct Ranked {
    signed: Vec<f64>,
    /// Sum of the ranks that are not missing.
    total: f64,
    cdf: &'static [f64],
}

impl Family {
    /// Adds a cell: its pairs (before, after) by round, `None` where a round lacks one of the two.
    pub fn push(&mut self, rounds: Vec<Option<(f64, f64)>>) {
        self.num_rounds = self.num_rounds.max(rounds.len());
        self.cells.push(rounds);
    }

    /// For each [`Tail`] the largest error of a single cell for which the chance that any cell is called wrongly, asked whether
    /// its ratio is `ratio`, stays at `error` or less. 0: no error is small enough for so few rounds.
    pub fn error_of_each(&self, ratio: f64, error: f64) -> [f64; 3] {
        if self.cells.len() < 2 {
            return [error; 3];
        }
        let (cells, num_rounds) = self.condensed();
        let ranked: Vec<_> = cells.iter().map(|cell| Ranked::of(cell, ratio, num_rounds)).collect();
        let mut least: [Vec<f64>; 3] = Default::default();
        let mut see = |turned: &[bool]| {
            let mut smallest = [1.0_f64; 3];
            for cell in &ranked {
                let [less, more] = cell.p(turned);
                for (smallest, p) in smallest.iter_mut().zip([less, more, 2.0 * less.min(more)]) {
                    *smallest = smallest.min(p);
                }
            }
            least.iter_mut().zip(smallest).for_each(|(least, smallest)| least.push(smallest));
        };
        let mut turned = vec![false; num_rounds];
        if num_rounds <= EXACT_ROUNDS {
            for pattern in 0..1_u32 << num_rounds {
                turned.iter_mut().enumerate().for_each(|(round, turned)| *turned = pattern >> round & 1 == 1);
                see(&turned);
            }
        } else {
            let mut random = fastrand::Rng::with_seed(num_rounds as u64);
            for _ in 0..NUM_DRAWN {
                turned.iter_mut().for_each(|turned| *turned = random.bool());
                see(&turned);
            }
        }
        least.map(|mut least| critical(&mut least, error))
    }

    /// Neighbouring rounds summed until there are few enough of them.
    fn condensed(&self) -> (Vec<Rounds>, usize) {
        let size = self.num_rounds.div_ceil(MAX_VALUES).max(1);
        let sum = |some: &[Option<(f64, f64)>]| {
            some.iter().flatten().copied().reduce(|sum, one| (sum.0 + one.0, sum.1 + one.1))
        };
        let cells = self.cells.iter().map(|cell| cell.chunks(size).map(sum).collect()).collect();
        (cells, self.num_rounds.div_ceil(size))
    }
}

impl Ranked {
    fn of(cell: &[Option<(f64, f64)>], ratio: f64, num_rounds: usize) -> Self {
        let difference = |pair: &Option<(f64, f64)>| pair.map(|(before, after)| after - ratio * before);
        let differences: Vec<_> = cell.iter().map(difference).collect();
        let mut order: Vec<usize> = (0..differences.len()).filter(|&round| differences[round].is_some()).collect();
        let size = |round: usize| differences[round].map_or(0.0, f64::abs);
        order.sort_by(|&one, &other| size(one).total_cmp(&size(other)));
        let mut signed = vec![0.0; num_rounds];
        let mut rank = 0;
        for tied in order.chunk_by(|&one, &other| size(one) == size(other)) {
            let middle = rank as f64 + (tied.len() + 1) as f64 / 2.0;
            rank += tied.len();
            for &round in tied {
                let difference = differences[round].unwrap_or(0.0);
                // A difference of 0 speaks for neither side; the sign of a 0.0 is 1.
                signed[round] = if difference == 0.0 { 0.0 } else { middle * difference.signum() };
            }
        }
        let num = order.len();
        Self { signed, total: (num * (num + 1) / 2) as f64, cdf: signed_rank_cdf(num) }
    }

    /// That the ratio is smaller, and that it is larger, with some of the rounds turned around.
    fn p(&self, turned: &[bool]) -> [f64; 2] {
        let sum = self.signed.iter().zip(turned).map(|(rank, turned)| if *turned { -rank } else { *rank }).sum::<f64>();
        // Half ranks of ties count to the side that makes p larger.
        let probability = |sum: f64| self.cdf.get((sum - 1e-9).ceil().max(0.0) as usize).copied().unwrap_or(1.0);
        // A difference of 0 counts half to each side.
        [probability((self.total + sum) / 2.0), probability((self.total - sum) / 2.0)]
    }
}

/// The largest of the values that at most a share of `error` of them do not exceed; 0 if there is none.
fn critical(least: &mut [f64], error: f64) -> f64 {
    least.sort_unstable_by(f64::total_cmp);
    let allowed = (error * least.len() as f64 + 1e-9) as usize;
    let Some(&first_left_out) = least.get(allowed) else { return error };
    let below = least[..allowed].partition_point(|&p| p < first_left_out);
    below.checked_sub(1).map_or(0.0, |idx| least[idx])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(ratios: &[f64]) -> Vec<Option<(f64, f64)>> {
        ratios.iter().map(|&ratio| Some((100.0, 100.0 * ratio))).collect()
    }

    fn family(cells: &[&[f64]]) -> Family {
        let mut family = Family::default();
        cells.iter().for_each(|ratios| family.push(cell(ratios)));
        family
    }

    #[test]
    fn one_cell_needs_nothing() {
        assert_eq!(family(&[&[0.4; 6]]).error_of_each(1.0, 0.05)[Tail::Either as usize], 0.05);
    }

    #[test]
    fn cells_that_agree_in_every_round_are_asked_once() {
        // Turned around together they agree again, so 2 of 64 patterns are as extreme: 3.1 %.
        let ratios = [[0.40, 0.41, 0.42, 0.39, 0.38, 0.43], [0.50, 0.51, 0.52, 0.49, 0.48, 0.53]];
        let each = family(&[&ratios[0], &ratios[1]]).error_of_each(1.0, 0.05)[Tail::Either as usize];
        assert!((each - 2.0 / 64.0).abs() < 1e-12, "{each}");
    }

    #[test]
    fn cells_without_an_effect_share_the_error() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut noise = |num: usize| (0..num).map(|_| 0.9 + 0.2 * random.f64()).collect::<Vec<_>>();
        let cells: Vec<_> = (0..12).map(|_| noise(10)).collect();
        let all = family(&cells.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let each = all.error_of_each(1.0, 0.05)[Tail::Either as usize];
        assert!((0.05 / 12.0 / 2.0..0.05 / 4.0).contains(&each), "about a twelfth of it: {each}");
        assert_eq!(each, all.error_of_each(1.0, 0.05)[Tail::Either as usize], "the same each time");
        let drawn: Vec<_> = (0..12).map(|_| noise(20)).collect();
        let drawn = family(&drawn.iter().map(Vec::as_slice).collect::<Vec<_>>());
        assert!((0.05 / 24.0..0.05 / 4.0).contains(&drawn.error_of_each(1.0, 0.05)[Tail::Less as usize]));
    }

    #[test]
    fn so_few_rounds_bear_no_error() {
        assert_eq!(family(&[&[0.5; 4], &[0.6; 4]]).error_of_each(1.0, 0.05)[Tail::Either as usize], 0.0);
    }

    #[test]
    fn a_cell_may_lack_rounds() {
        let mut family = family(&[&[0.40, 0.41, 0.42, 0.39, 0.38, 0.43, 0.44, 0.37]]);
        family.push([vec![None, None], cell(&[0.5; 6])].concat());
        assert!(family.error_of_each(1.0, 0.05)[Tail::Less as usize] > 0.0);
    }
}
