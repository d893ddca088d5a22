//! Least and most of any stretch of a column, in a few steps whatever its length.
//!
//! So a line of a million samples is drawn from a few thousand points and still shows every peak. Knows no egui and no
//! unit; grows with its column.

use std::ops::Range;

/// Level `k` holds the extremes of each whole block of `2^(k + LOWEST)` samples; smaller stretches are read directly.
const LOWEST: u32 = 4;

/// The levels above a column, which stays with the caller.
#[derive(Debug, Clone, Default)]
pub struct Pyramid {
    levels: Vec<Vec<Extremes>>,
}

/// The least and the most of a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the line above says it")]
pub struct Extremes {
    pub min: u64,
    pub max: u64,
}

/// A stretch of samples that is drawn as one vertical line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the line above says it")]
pub struct Stretch {
    pub samples: Range<usize>,
    pub extremes: Extremes,
}

impl Pyramid {
    /// The pyramid over `column`.
    pub fn of(column: &[u64]) -> Self {
        let mut pyramid = Self::default();
        pyramid.extend(column);
        pyramid
    }

    /// Takes up what `column` has gained at its end since the last call.
    pub fn extend(&mut self, column: &[u64]) {
        let mut level = 0;
        while column.len() >> (level as u32 + LOWEST) > 0 {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let (below, here) = self.levels.split_at_mut(level);
            let Some(here) = here.first_mut() else { return };
            match below.last() {
                None => extend_from(here, column.chunks_exact(1 << LOWEST), of_samples),
                Some(below) => {
                    extend_from(here, below.chunks_exact(2), |pair| pair.iter().copied().reduce(Extremes::and))
                }
            }
            level += 1;
        }
    }

    /// The extremes of `samples`, as far as `column` reaches; `None` for an empty stretch.
    pub fn extremes(&self, column: &[u64], samples: Range<usize>) -> Option<Extremes> {
        let end = samples.end.min(column.len());
        let (mut at, mut found) = (samples.start, None);
        while at < end {
            let (extremes, len) = self.largest_block(column, at, end)?;
            found = Some(found.map_or(extremes, |found| extremes.and(found)));
            at += len;
        }
        found
    }

    /// `samples` as at most `max_stretches` stretches of one power of two in length, the outer two cut to fit.
    pub fn stretches(&self, column: &[u64], samples: Range<usize>, max_stretches: usize) -> Vec<Stretch> {
        let (start, end) = (samples.start, samples.end.min(column.len()));
        let len = end.saturating_sub(start);
        // An unaligned stretch of samples may touch one block more than it has the length of.
        let wanted = len.div_ceil(max_stretches.saturating_sub(1).max(1)).max(1);
        let step = wanted.next_power_of_two();
        let blocks = (start / step..end.div_ceil(step)).filter(|_| len > 0);
        let cut = blocks.map(|block| (block * step).max(start)..((block + 1) * step).min(end));
        cut.filter_map(|samples| {
            let extremes = self.extremes(column, samples.clone())?;
            Some(Stretch { samples, extremes })
        })
        .collect()
    }

    /// The largest known block that begins at `at` and does not pass `end`, with its length.
    fn largest_block(&self, column: &[u64], at: usize, end: usize) -> Option<(Extremes, usize)> {
        for (level, blocks) in self.levels.iter().enumerate().rev() {
            let len = 1usize << (level as u32 + LOWEST);
            if at.is_multiple_of(len)
                && at + len <= end
                && let Some(&extremes) = blocks.get(at / len)
            {
                return Some((extremes, len));
            }
        }
        let lowest = 1usize << LOWEST;
        let stop = end.min((at / lowest + 1) * lowest);
        Some((of_samples(column.get(at..stop)?)?, stop - at))
    }
}

impl Extremes {
    fn and(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}

fn of_samples(samples: &[u64]) -> Option<Extremes> {
    Some(Extremes { min: *samples.iter().min()?, max: *samples.iter().max()? })
}

/// Adds the blocks that `here` does not have yet.
fn extend_from<T>(
    here: &mut Vec<Extremes>,
    blocks: std::slice::ChunksExact<'_, T>,
    extremes: impl Fn(&[T]) -> Option<Extremes>,
) {
    let news: Vec<_> = blocks.skip(here.len()).filter_map(extremes).collect();
    here.extend(news);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reproducible noise with one peak.
    fn column(len: usize) -> Vec<u64> {
        let mut column: Vec<u64> = (0..len as u64).map(|idx| idx.wrapping_mul(2_654_435_761) % 1000 + 10).collect();
        column[len / 3] = 1_000_000;
        column
    }

    #[test]
    fn extremes_are_those_of_the_samples() {
        let column = column(1000);
        let pyramid = Pyramid::of(&column);
        for range in [0..1000, 0..1, 17..18, 5..777, 333..334, 300..340, 16..32, 999..1000] {
            assert_eq!(pyramid.extremes(&column, range.clone()), of_samples(&column[range.clone()]), "{range:?}");
        }
        assert_eq!(pyramid.extremes(&column, 4..4), None);
        assert_eq!(pyramid.extremes(&column, 5000..6000), None);
    }

    #[test]
    fn grown_by_pieces_is_as_made_at_once() {
        let column = column(1000);
        let mut grown = Pyramid::default();
        for len in [0, 1, 15, 16, 100, 101, 640, 1000] {
            grown.extend(&column[..len]);
        }
        assert_eq!(grown.levels, Pyramid::of(&column).levels);
    }

    #[test]
    fn a_million_samples_are_few_points_with_every_peak() {
        let column = column(1_000_000);
        let pyramid = Pyramid::of(&column);
        let stretches = pyramid.stretches(&column, 0..column.len(), 2000);
        assert_eq!(stretches.len(), 1_000_000usize.div_ceil(512));
        assert_eq!(stretches.iter().map(|stretch| stretch.extremes.max).max(), Some(1_000_000));
        assert_eq!(stretches.iter().map(|stretch| stretch.samples.len()).sum::<usize>(), column.len());
        for range in [1..999_999, 333_000..334_000, 500_123..900_321] {
            let stretches = pyramid.stretches(&column, range.clone(), 2000);
            assert!(stretches.len() <= 2000);
            let most = stretches.iter().map(|stretch| stretch.extremes.max).max();
            assert_eq!(most, column[range].iter().max().copied());
        }
    }

    #[test]
    fn few_samples_are_shown_one_by_one() {
        let column = column(10);
        let stretches = Pyramid::of(&column).stretches(&column, 2..8, 100);
        assert_eq!(stretches.iter().map(|stretch| stretch.extremes.max).collect::<Vec<_>>(), column[2..8]);
        assert_eq!(Pyramid::of(&[]).stretches(&[], 0..10, 100), []);
    }
}
