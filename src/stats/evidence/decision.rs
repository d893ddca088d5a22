//! The one rule by which everything is decided: an estimate, the bounds around it, and the doubts that have a size.
//!
//! Two questions are asked. *Is the change at most so much?* is asked in one direction, so each bound alone may miss in 5 %
//! of cases: yes if the upper bound keeps the limit, no if the lower bound exceeds it. *Was there a change that matters?* is
//! asked in both, so both ends together may miss in 5 %. Doubts move the bounds out first. Where several changes of a
//! session are asked for (`Peers`), or a sweep looks several times, each answer may miss more rarely, so that all together
//! keep their 5 %. Criteria, effects, the latency guard, the recommendation and exit codes all come from here.

use schemars::JsonSchema;
use serde::Serialize;

use crate::stats::evidence::blocks::Unit;
use crate::stats::evidence::change::{ChangeInterval, pct};
use crate::stats::evidence::detect_doubts;
use crate::stats::evidence::doubts::Doubt;
use crate::stats::evidence::noise_floor::Margin;
use crate::stats::evidence::peers::Peers;
use crate::stats::evidence::quantity::Quantity;
use crate::stats::evidence::sides::Sides;
use crate::stats::math::ratio::RatioSample;
use crate::stats::math::sign_flip::Tail;

/// How often an answer may be wrong, all answers to the same question together.
pub const ERROR: f64 = 0.05;
/// Beyond this many, more runs are no answer: the change lies too close to the limit.
const MAX_MORE: f64 = 1000.0;
/// How much nearer than its width an interval has to come for a fresh sweep to settle the question in nine cases of ten:
/// (z₀.₉₅ + z₀.₉₀) ÷ z₀.₉₅.
const POWER: f64 = (1.644_854 + 1.281_552) / 1.644_854;

/// How sure an answer has to be.
#[derive(Debug, Clone, Copy)]
pub struct Standard<'a> {
    /// Of all answers to one question together.
    pub error: f64,
    /// The comparisons that it is one of; `None`: it is alone.
    pub peers: Option<&'a Peers<'a>>,
}

/// What two sides say, and what makes it doubtful whatever is asked.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the types say it")]
pub struct Evidence<'a> {
    pub sides: Sides<'a>,
    pub standard: Standard<'a>,
    /// Doubts about where the sides come from; those about the values are found for each quantity.
    pub of_origin: &'a [Doubt],
}

/// Why a question has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "because")]
pub enum Open {
    /// So few rounds cannot bear an error of 5 %, whatever they say; so many more could.
    TooFew {
        /// Pairs, or without pairs runs a side.
        more: u32,
    },
    /// The bounds lie on both sides of the limit.
    Spans {
        /// About so many more pairs (without pairs: runs a side) would settle it in nine cases of ten; `None`: a thousand
        /// would not do.
        more: Option<u32>,
    },
    /// The runs alone would decide; the doubts forbid it. More runs do not help.
    Doubtful,
}

/// Is a change at most so much?
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Decision {
    /// The most it may be, in percent of before; a fall of 5 % is −5.
    pub limit_pct: f64,
    /// The change. Each end is a one-sided bound.
    pub interval: ChangeInterval,
    /// What moved the ends, with sizes.
    pub doubts: Vec<Doubt>,
    /// `None`: undecided.
    pub is_met: Option<bool>,
    /// Why it is undecided.
    pub open: Option<Open>,
}

/// Which way something went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Direction {
    Less,
    More,
    Same,
    Unknown,
}

/// Was there a change that matters?
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the types say it")]
pub struct Finding {
    pub direction: Direction,
    pub unit: Unit,
    pub interval: ChangeInterval,
    pub doubts: Vec<Doubt>,
    pub open: Option<Open>,
}

impl Standard<'_> {
    /// One answer alone, at 5 %.
    pub fn alone() -> Self {
        Self { error: ERROR, peers: None }
    }

    /// How often a single answer may be wrong at its end.
    fn error_of_end(&self, (quantity, unit): (Quantity, Unit), ratio: f64, tail: Tail) -> f64 {
        let each =
            self.peers.map_or(self.error, |peers| peers.error_of_each((quantity, unit), ratio, tail, self.error));
        if tail == Tail::Either { each / 2.0 } else { each }
    }
}

impl<'a> Evidence<'a> {
    /// Of two sides about which nothing is doubtful but what their values show.
    pub fn plain(sides: Sides<'a>) -> Self {
        Self { sides, standard: Standard::alone(), of_origin: &[] }
    }

    /// Is the change of `quantity` at most `limit_pct`? `None`: a side has no run, or a run has no value.
    pub fn at_most(&self, quantity: Quantity, limit_pct: f64) -> Option<Decision> {
        let (unit, sample, doubts) = self.look(quantity)?;
        let ratio = 1.0 + limit_pct / 100.0;
        let yes = self.standard.error_of_end((quantity, unit), ratio, Tail::Less);
        let no = self.standard.error_of_end((quantity, unit), ratio, Tail::More);
        let (down, up) = Doubt::factors(&doubts);
        let answer = |down: f64, up: f64| {
            if sample.is_at_most(ratio / up, yes) {
                Some(true)
            } else {
                // Bounds that doubts move to 0 exceed nothing.
                (down > 0.0 && sample.is_above(ratio / down, no)).then_some(false)
            }
        };
        let is_met = answer(down, up);
        let low_pct = sample.low(no).map(|low| pct(low * down));
        let is_of_blocks = unit == Unit::Block;
        let interval = ChangeInterval { low_pct, is_of_blocks, ..ChangeInterval::of(&sample, yes, (down, up)) };
        let open = is_met.is_none().then(|| {
            if !sample.can_bear(yes.min(no)) {
                Open::TooFew { more: missing(&sample, self.standard.error, 1.0) }
            } else if answer(1.0, 1.0).is_some() {
                Open::Doubtful
            } else {
                Open::Spans { more: more_to_clear(&interval, limit_pct) }
            }
        });
        Some(Decision { limit_pct, interval, doubts, is_met, open })
    }

    /// Did `quantity` change by more than `margin`, or surely by less? `None` as for [`Evidence::at_most`].
    pub fn direction(&self, quantity: Quantity, margin: &Margin) -> Option<Finding> {
        let (unit, sample, doubts) = self.look(quantity)?;
        let error = self.standard.error_of_end((quantity, unit), 1.0, Tail::Either);
        let find = |factors| {
            let is_of_blocks = unit == Unit::Block;
            let interval = ChangeInterval { is_of_blocks, ..ChangeInterval::of(&sample, error, factors) };
            (direction(&interval, margin), interval)
        };
        let (direction, interval) = find(Doubt::factors(&doubts));
        let open = (direction == Direction::Unknown).then(|| {
            if interval.ends().is_none() {
                Open::TooFew { more: missing(&sample, self.standard.error, 2.0) }
            } else if find((1.0, 1.0)).0 != Direction::Unknown {
                Open::Doubtful
            } else {
                Open::Spans { more: more_to_tell(&interval, margin) }
            }
        });
        Some(Finding { direction, unit, interval, doubts, open })
    }

    /// The values, and all doubts about them.
    fn look(&self, quantity: Quantity) -> Option<(Unit, RatioSample, Vec<Doubt>)> {
        let unit = self.sides.unit(quantity);
        let sample = self.sides.sample(quantity, unit)?;
        let of_values = detect_doubts::of((quantity, unit), &self.sides, &sample);
        Some((unit, sample, [self.of_origin, &of_values].concat()))
    }
}

/// What the interval says: *same* if all of it lies within a margin that is not coarse, *less* or *more* if it leaves out 0
/// and the estimate reaches the margin.
fn direction(interval: &ChangeInterval, margin: &Margin) -> Direction {
    // What is equal must not miss the margin by a rounding.
    const ROUNDING_PCT: f64 = 1e-9;
    let Some((low, high)) = interval.ends() else { return Direction::Unknown };
    let within = margin.pct + ROUNDING_PCT;
    if -within <= low && high <= within {
        if margin.is_coarse() { Direction::Unknown } else { Direction::Same }
    } else if high < 0.0 && interval.estimate_pct <= -margin.pct {
        Direction::Less
    } else if low > 0.0 && interval.estimate_pct >= margin.pct {
        Direction::More
    } else {
        Direction::Unknown
    }
}

/// How many more values it takes until `ends` ends of an interval can be as sure as asked.
fn missing(sample: &RatioSample, error: f64, ends: f64) -> u32 {
    let mut needed: u32 = 1;
    // Pairs: 2⁻ⁿ. Lists of n and n: 1 ÷ (2n choose n).
    let mut least = 0.5;
    while least * ends > error && needed < 64 {
        needed += 1;
        let n = f64::from(needed);
        least *= if sample.is_paired() { 0.5 } else { n / (2.0 * (2.0 * n - 1.0)) };
    }
    needed.saturating_sub(sample.num_values() as u32).max(1)
}

/// Until the bound on the limit's side clears it.
fn more_to_clear(interval: &ChangeInterval, limit_pct: f64) -> Option<u32> {
    let (low, high) = interval.ends()?;
    let estimate = interval.estimate_pct;
    let reach = if estimate < limit_pct { high - estimate } else { estimate - low };
    more_to_shrink(interval, reach, (estimate - limit_pct).abs())
}

/// Until 0 is left out where the estimate lies beyond the margin, until all of it fits into the margin where it does not.
fn more_to_tell(interval: &ChangeInterval, margin: &Margin) -> Option<u32> {
    let (low, high) = interval.ends()?;
    let estimate = interval.estimate_pct;
    if estimate.abs() >= margin.pct {
        return more_to_clear(interval, 0.0);
    }
    if margin.is_coarse() {
        return None;
    }
    let above = more_to_shrink(interval, high - estimate, margin.pct - estimate);
    let below = more_to_shrink(interval, estimate - low, margin.pct + estimate);
    above.zip(below).map(|(above, below)| above.max(below))
}

/// The width goes with 1 ÷ √n.
fn more_to_shrink(interval: &ChangeInterval, reach_pct: f64, allowed_pct: f64) -> Option<u32> {
    let n = f64::from(interval.num_runs);
    let more = (n * (POWER * reach_pct / allowed_pct).powi(2) - n).ceil();
    // A NaN or infinity: the estimate lies on the limit.
    (allowed_pct > 0.0 && more <= MAX_MORE).then_some(more.max(1.0) as u32)
}

impl Open {
    /// How many more pairs (without pairs: runs a side) are likely to settle it; `None`: more runs are not what is missing.
    pub fn more(self) -> Option<u32> {
        match self {
            Self::TooFew { more } => Some(more),
            Self::Spans { more } => more,
            Self::Doubtful => None,
        }
    }
}
