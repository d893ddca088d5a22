//! Whether the runs of a block hang together, and what then counts as one value.
//!
//! A block is a process, or one of the sessions that were merged. What differs from block to block is the same for all its
//! rounds, so where that matters twenty rounds of two processes are two values and not twenty. Knows no limit.

use std::collections::BTreeMap;

use crate::stats::evidence::quantity::Quantity;
use crate::stats::evidence::side_name::SideName;
use crate::stats::evidence::sides::{Sides, values};
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
    /// Of what the sides say about `quantity`. In pairs only what changes the ratio counts.
    pub fn of(sides: &Sides<'_>, quantity: Quantity) -> Self {
        let is_one_block = |runs: &[&crate::stats::runs::summary::RunSummary]| {
            runs.first().is_none_or(|first| runs.iter().all(|run| run.block == first.block))
        };
        if is_one_block(sides.before) && is_one_block(sides.after) {
            return Self::Run;
        }
        let value = |run: &_, side| quantity.value(run, side);
        let parts = if sides.is_paired {
            vec![sides.values_of_pairs(value).unwrap_or_default()]
        } else {
            [(sides.before, SideName::Before), (sides.after, SideName::After)]
                .map(|(runs, side)| values(runs, side, value).unwrap_or_default())
                .to_vec()
        };
        let ratio = |(before, after): (f64, f64)| match (sides.is_paired, after == before) {
            (false, _) => before,
            // Also 0 and 0.
            (true, true) => 1.0,
            (true, false) => after / before,
        };
        let is_apart = |part: &Vec<(u32, (f64, f64))>| {
            let groups = by_block(part).into_values().map(|values| values.into_iter().map(ratio).collect());
            let groups: Vec<_> = groups.collect();
            (2..MIN_BLOCKS).contains(&groups.len())
                || spread_of_groups(&groups).is_some_and(|spread| spread > NEGLIGIBLE)
        };
        if parts.iter().any(is_apart) { Self::Block } else { Self::Run }
    }
}

/// The values, or `middle` of those of each block.
pub(super) fn joined(
    unit: Unit,
    values: &[(u32, (f64, f64))],
    middle: fn(&[f64]) -> Option<f64>,
) -> Vec<(f64, f64)> {
    if unit == Unit::Run {
        return values.iter().map(|value| value.1).collect();
    }
    let both = |values: Vec<(f64, f64)>| {
        let (before, after): (Vec<_>, Vec<_>) = values.into_iter().unzip();
        middle(&before).zip(middle(&after))
    };
    by_block(values).into_values().filter_map(both).collect()
}

fn by_block(values: &[(u32, (f64, f64))]) -> BTreeMap<u32, Vec<(f64, f64)>> {
    let mut blocks: BTreeMap<u32, Vec<(f64, f64)>> = BTreeMap::new();
    values.iter().for_each(|&(block, value)| blocks.entry(block).or_default().push(value));
    blocks
}
