//! Whether the runs of a block hang together, and what then counts as one value.
//!
//! A block is a process, or one of the sessions that were merged. What differs from block to block is the same for all its
//! rounds, so where that matters twenty rounds of two processes are two values and not twenty. Knows no limit.

use std::collections::BTreeMap;

use crate::stats::math::nested::spread_of_groups;

/// Blocks that lie apart by more than this share of what chance makes on average are the unit: a test that asks for proof of
/// a block effect would overlook small ones, which still make intervals too narrow. Fewer than [`MIN_BLOCKS`] cannot show
/// that they agree. docs/methodology.md has the error rates of both.
const NEGLIGIBLE: f64 = 1.0;
const MIN_BLOCKS: usize = 4;

/// What one value of a comparison is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A run, or a pair of runs.
    Run,
    /// A block.
    Block,
}

impl Unit {
    /// Of lists of values with their blocks: a pair's ratio, or each side's values.
    pub(super) fn of(parts: &[Vec<(u32, f64)>]) -> Self {
        let is_apart = |part: &Vec<(u32, f64)>| {
            let groups: Vec<_> = by_block(part).into_values().collect();
            (2..MIN_BLOCKS).contains(&groups.len())
                || spread_of_groups(&groups).is_some_and(|spread| spread > NEGLIGIBLE)
        };
        if parts.iter().any(is_apart) { Self::Block } else { Self::Run }
    }
}

/// The values, or `middle` of those of each block.
pub(super) fn joined(unit: Unit, values: &[(u32, (f64, f64))], middle: fn(&[f64]) -> Option<f64>) -> Vec<(f64, f64)> {
    if unit == Unit::Run {
        return values.iter().map(|value| value.1).collect();
    }
    let both = |values: Vec<(f64, f64)>| {
        let (before, after): (Vec<_>, Vec<_>) = values.into_iter().unzip();
        middle(&before).zip(middle(&after))
    };
    by_block(values).into_values().filter_map(both).collect()
}

fn by_block<T: Copy>(values: &[(u32, T)]) -> BTreeMap<u32, Vec<T>> {
    let mut blocks: BTreeMap<u32, Vec<T>> = BTreeMap::new();
    values.iter().for_each(|&(block, value)| blocks.entry(block).or_default().push(value));
    blocks
}
