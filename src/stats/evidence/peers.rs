//! The comparisons that a decision is one of: every case of a session against the same reference, all codecs together.
//!
//! Of ten cells one looks better than it is. So what is said of one of them heeds that the others were looked at too,
//! whether it is a row of a table, the pair in the headline or one that somebody picks afterwards.

use std::cell::RefCell;

use crate::contract::Codec;
use crate::record::Case;
use crate::stats::evidence::blocks::Unit;
use crate::stats::evidence::quantity::Quantity;
use crate::stats::evidence::side_name::SideName::{After, Before};
use crate::stats::evidence::sides::Paired;
use crate::stats::math::descriptive::median;
use crate::stats::math::sign_flip::{Family, Tail};
use crate::stats::runs::summary::{RunSummary, groups};

/// All comparisons of a session with the same references.
#[derive(Debug)]
pub struct Peers<'a> {
    cells: Vec<Paired<'a>>,
    /// What was asked before, and the answer, which takes its time.
    known: RefCell<Vec<(Asked, [f64; 3])>>,
}

/// Quantity and unit, and ratio and error as bits.
type Asked = ((Quantity, Unit), u64, u64);

impl<'a> Peers<'a> {
    /// Every case of the session against the reference of its codec; processes and runs of our own apart, since nobody
    /// compares one with the other.
    pub fn of(runs: &'a [RunSummary], references: &[(Codec, Case)]) -> Self {
        let mut cells = Vec::new();
        for group in groups(runs) {
            let reference = references.iter().find(|(codec, _)| *codec == group.case.codec).map(|&(_, case)| case);
            let is_peer = |reference: &Case| {
                *reference != group.case && reference.client.is_here() == group.case.client.is_here()
            };
            if let Some(reference) = reference.filter(is_peer) {
                let cell = Paired::of(runs, reference, group.case, |_| true);
                cells.extend((!cell.before.is_empty()).then_some(cell));
            }
        }
        Self { cells, known: RefCell::default() }
    }

    /// How many there are.
    pub fn num(&self) -> usize {
        self.cells.len()
    }

    /// The largest error of a single one for which the chance that any of them is decided wrongly is at most `error`.
    pub fn error_of_each(&self, of: (Quantity, Unit), ratio: f64, tail: Tail, error: f64) -> f64 {
        if self.cells.len() < 2 {
            return error;
        }
        let asked = (of, ratio.to_bits(), error.to_bits());
        if let Some((_, each)) = self.known.borrow().iter().find(|(known, _)| *known == asked) {
            return each[tail as usize];
        }
        let each = self.family(of).error_of_each(ratio, error);
        self.known.borrow_mut().push((asked, each));
        each[tail as usize]
    }

    /// What is turned around together are rounds, or where blocks are the unit these.
    fn family(&self, (quantity, unit): (Quantity, Unit)) -> Family {
        let place_of = |run: &RunSummary| if unit == Unit::Run { run.repeat_index } else { run.block };
        let mut places: Vec<u32> = self.cells.iter().flat_map(|cell| &cell.after).map(|run| place_of(run)).collect();
        places.sort_unstable();
        places.dedup();
        let mut family = Family::default();
        for cell in &self.cells {
            let mut values = vec![(Vec::new(), Vec::new()); places.len()];
            for (before, after) in cell.sides().pairs() {
                // Always there: the list was made of these runs.
                let Ok(place) = places.binary_search(&place_of(after)) else { continue };
                let (Some(before), Some(after)) = (quantity.value(before, Before), quantity.value(after, After)) else {
                    continue;
                };
                values[place].0.push(before);
                values[place].1.push(after);
            }
            family.push(values.iter().map(|(before, after)| median(before).zip(median(after))).collect());
        }
        family
    }
}
