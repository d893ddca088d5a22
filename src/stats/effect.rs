//! What a metric did from before to after, in one of four words, and what stands against saying it.
//!
//! Knows intervals, margins and gates, no criteria: whether a change is enough is `judge`'s question.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::stats::gate::{Claim, Gate, Verdictlike};
use crate::stats::interval::{ChangeInterval, PairChange, Sides};
use crate::stats::margin::Margin;
use crate::stats::metrics::{Better, Metric};
use crate::units;

/// The metric that a comparison is about, named before anything is measured. All others are exploratory: of many
/// intervals at 95 % one in twenty misses.
pub const PRIMARY: Metric = Metric::WallMs;

/// What every comparison looks at, in this order. Throughput is the wall time turned over and adds nothing.
pub const LOOKED_AT: [Metric; 12] = [
    PRIMARY,
    Metric::LockMs,
    Metric::SubmitBlockedMs,
    Metric::LockP50Ms,
    Metric::LockP95Ms,
    Metric::LockP99Ms,
    Metric::LockP999Ms,
    Metric::LatencyP95Ms,
    Metric::LatencyP99Ms,
    Metric::LatencyP999Ms,
    Metric::ProcessWallMs,
    Metric::CpuPerFrameMs,
];

/// The answer about one metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// There is a change for the better: the interval holds no 0, and the estimate lies beyond the margin.
    Improved,
    /// As `Improved`, for the worse.
    Worse,
    /// The whole interval lies within the margin, which is not coarse: if there is a change, it does not matter.
    Equivalent,
    /// The runs do not say.
    Inconclusive,
}

impl Verdictlike for Answer {
    fn claim(self) -> Claim {
        match self {
            Self::Improved => Claim::Less,
            Self::Worse => Claim::More,
            Self::Equivalent => Claim::Same,
            Self::Inconclusive => Claim::Open,
        }
    }
}

/// One metric, before against after.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Effect {
    /// Which.
    pub metric: Metric,
    /// The one that the comparison is about?
    pub is_primary: bool,
    /// The change; `None` where a run has the value 0, which has no ratio, or paired sides have no round in common.
    pub interval: Option<ChangeInterval>,
    /// What counts as a change that matters.
    pub margin: Margin,
    /// The answer, gates heeded.
    pub answer: Answer,
    /// What the interval alone would say, where a gate stands against it.
    pub gated: Option<Answer>,
    /// The gate that turned it; `None` also where Holm's adjustment did.
    pub turned_by: Option<Gate>,
    /// What speaks against the measurement, whether or not it turned the answer.
    pub gates: Vec<Gate>,
    /// About how many more pairs (without pairs: runs a side) would settle an inconclusive answer. `None`: it is settled,
    /// more runs are not what is missing, or a thousand would not do.
    pub more_pairs: Option<u32>,
    /// Each round's change; empty without pairs.
    pub pairs: Vec<PairChange>,
    /// Why, in words.
    pub reason: String,
}

impl Effect {
    /// Asks the runs about `metric`; `None` where a side has no value, or all of them are 0.
    pub fn of(metric: Metric, sides: &Sides<'_>, margin: Margin, gates: Vec<Gate>) -> Option<Self> {
        let values = || sides.before.iter().chain(sides.after).map(|run| run.value(metric));
        if sides.before.is_empty() || sides.after.is_empty() || values().any(|value| value.is_none()) {
            return None;
        }
        if values().all(|value| value == Some(0.0)) {
            return None;
        }
        let interval = sides.change(metric);
        let plain = interval.map_or(Answer::Inconclusive, |interval| answer(metric, interval, &margin));
        let obstacle = gates.iter().find(|gate| {
            gate.turns(plain, |doubt_pct| {
                interval.map_or(plain, |interval| answer(metric, interval.widened(doubt_pct), &margin))
            })
        });
        let (answer, gated) = if obstacle.is_some() { (Answer::Inconclusive, Some(plain)) } else { (plain, None) };
        let more_pairs =
            interval.filter(|_| plain == Answer::Inconclusive).and_then(|interval| more(interval, &margin));
        let reason = match (interval, obstacle) {
            (None, _) if sides.is_paired && sides.pairs().is_empty() => "the sides have no round in common".to_owned(),
            (None, _) => "a run has the value 0, and there is no ratio to it: see the values".to_owned(),
            (Some(_), Some(gate)) => format!("would be {plain}, but {gate}"),
            (Some(interval), None) => reason(interval, &margin, answer, more_pairs),
        };
        let turned_by = obstacle.cloned();
        let (is_primary, pairs) = (metric == PRIMARY, sides.pair_changes(metric));
        Some(Self { metric, is_primary, interval, margin, answer, gated, turned_by, gates, more_pairs, pairs, reason })
    }
}

impl Effect {
    /// Can the rounds still be told apart in a picture that also shows no change and the margin? A change of −60 % is far
    /// from both.
    pub fn is_near_margin(&self) -> bool {
        let changes = || self.pairs.iter().map(|pair| pair.change_pct);
        let (low, high) = (changes().fold(f64::INFINITY, f64::min), changes().fold(f64::NEG_INFINITY, f64::max));
        let nearest = if low <= 0.0 && high >= 0.0 { 0.0 } else { low.abs().min(high.abs()) };
        nearest <= 3.0 * (high - low).max(self.margin.pct)
    }
}

/// What the interval alone says.
fn answer(metric: Metric, interval: ChangeInterval, margin: &Margin) -> Answer {
    let Some((low, high)) = interval.ends() else { return Answer::Inconclusive };
    let (better, worse) = match metric.better() {
        Better::Lower => (Answer::Improved, Answer::Worse),
        Better::Higher => (Answer::Worse, Answer::Improved),
        Better::Neither => return Answer::Inconclusive,
    };
    if -margin.pct <= low && high <= margin.pct {
        if margin.is_coarse() { Answer::Inconclusive } else { Answer::Equivalent }
    } else if high < 0.0 && interval.estimate_pct <= -margin.pct {
        better
    } else if low > 0.0 && interval.estimate_pct >= margin.pct {
        worse
    } else {
        Answer::Inconclusive
    }
}

/// Is the estimate within a margin that nothing can be called equivalent by? More runs do not mend that.
fn is_drowned(interval: ChangeInterval, margin: &Margin) -> bool {
    margin.is_coarse() && interval.ends().is_some() && interval.estimate_pct.abs() < margin.pct
}

/// Until 0 is left out where the estimate lies beyond the margin, until all of it fits into the margin where it does not.
fn more(interval: ChangeInterval, margin: &Margin) -> Option<u32> {
    if is_drowned(interval, margin) {
        None
    } else if interval.estimate_pct.abs() >= margin.pct {
        interval.more_to_clear(0.0)
    } else {
        interval.more_to_fit(margin.pct)
    }
}

fn reason(interval: ChangeInterval, margin: &Margin, answer: Answer, more: Option<u32>) -> String {
    let is_drowned = is_drowned(interval, margin);
    let margin = format!("±{}", units::pct(margin.pct));
    match answer {
        Answer::Improved | Answer::Worse => format!("the interval leaves out no change, the estimate exceeds {margin}"),
        Answer::Equivalent => format!("the whole interval lies within {margin}"),
        Answer::Inconclusive if interval.ends().is_none() => {
            format!("too few runs for an interval: {}", more_text(more, &interval))
        }
        Answer::Inconclusive if is_drowned => format!(
            "equal runs differ by up to {margin} here, too much to call what lies within equivalent: calibrate on a quieter \
             machine, or with more pairs"
        ),
        Answer::Inconclusive => {
            let what = match interval.ends() {
                Some((low, high)) if low <= 0.0 && high >= 0.0 => "the interval allows no change and one beyond",
                _ => "there is a change, but it may or may not exceed",
            };
            format!("{what} {margin}: {}", more_text(more, &interval))
        }
    }
}

/// "about 8 more pairs would settle it"
pub fn more_text(more: Option<u32>, interval: &ChangeInterval) -> String {
    let unit = if interval.num_pairs.is_some() { "pairs" } else { "runs a side" };
    match more {
        Some(1) if interval.num_pairs.is_some() => "about one more pair would settle it".to_owned(),
        Some(1) => "about one more run a side would settle it".to_owned(),
        Some(more) => format!("about {more} more {unit} would settle it"),
        None => format!("it lies so close to the limit that 1,000 more {unit} would hardly settle it"),
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Improved => "improved",
            Self::Worse => "worse",
            Self::Equivalent => "equivalent",
            Self::Inconclusive => "inconclusive",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::LockPlacement::Inline;
    use crate::stats::fixture::{case, summary};
    use crate::stats::summary::RunSummary;

    /// Ten rounds; each value is a percentage of the same 100 ms before.
    fn effect(after_pct: [f64; 10], gates: Vec<Gate>) -> Effect {
        effect_by(Margin::default(), after_pct, gates)
    }

    fn effect_by(margin: Margin, after_pct: [f64; 10], gates: Vec<Gate>) -> Effect {
        let run =
            |(idx, wall_ms): (u32, f64)| RunSummary { repeat_index: idx, ..summary(case(1, Inline), idx, wall_ms) };
        let before: Vec<_> = (0..10).map(|idx| run((idx, 100.0))).collect();
        let after: Vec<_> = (0..10).zip(after_pct).map(run).collect();
        let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
        let sides = Sides { before: &before, after: &after, is_paired: true };
        Effect::of(Metric::WallMs, &sides, margin, gates).unwrap()
    }

    fn around(centre: f64, spread: f64) -> [f64; 10] {
        std::array::from_fn(|idx| centre + spread * (idx as f64 - 4.5) / 4.5)
    }

    #[test]
    fn the_four_answers() {
        let answer = |centre, spread| effect(around(centre, spread), vec![]).answer;
        assert_eq!(answer(97.0, 2.0), Answer::Improved);
        assert_eq!(answer(103.0, 2.0), Answer::Worse);
        assert_eq!(answer(100.1, 0.5), Answer::Equivalent);
        assert_eq!(answer(99.0, 5.0), Answer::Inconclusive);
        // Surely there, and surely too small to matter.
        assert_eq!(answer(99.5, 0.3), Answer::Equivalent);
    }

    #[test]
    fn a_noisy_machine_calls_nothing_equivalent() {
        let by = |pct| effect_by(Margin { pct, calibration: Some("output/aa".to_owned()) }, around(97.0, 0.5), vec![]);
        assert_eq!((by(1.0).answer, by(4.0).answer), (Answer::Improved, Answer::Equivalent));
        let drowned = by(40.0);
        assert_eq!((drowned.answer, drowned.more_pairs), (Answer::Inconclusive, None));
        assert!(drowned.reason.contains("calibrate on a quieter machine"), "{}", drowned.reason);
    }

    #[test]
    fn an_open_answer_says_what_would_settle_it() {
        let open = effect(around(98.5, 5.0), vec![]);
        assert_eq!(open.answer, Answer::Inconclusive);
        // Half width about 2.4 %, and 1.5 % from the estimate to no change: 10 × (2.4 ÷ 1.5)² − 10.
        let more = open.more_pairs.unwrap();
        assert!((10..25).contains(&more), "{more}: {:?}", open.interval);
        assert!(open.reason.contains("more pairs would settle it"), "{}", open.reason);
        assert_eq!(effect(around(97.0, 2.0), vec![]).more_pairs, None);
        assert_eq!(open.pairs.len(), 10);
        assert!((open.pairs[0].change_pct + 6.5).abs() < 1e-9);
    }

    #[test]
    fn a_gate_turns_what_it_could_have_made() {
        let drift = |drift_pct| Gate::Trend { side: None, drift_pct, p: 0.001 };
        let far = effect(around(60.0, 2.0), vec![drift(3.0)]);
        assert_eq!((far.answer, far.gated), (Answer::Improved, None));
        let near = effect(around(97.0, 2.0), vec![drift(5.0)]);
        assert_eq!((near.answer, near.gated), (Answer::Inconclusive, Some(Answer::Improved)));
        assert!(near.reason.starts_with("would be improved, but"), "{}", near.reason);
        assert_eq!((near.gates.len(), near.turned_by), (1, Some(drift(5.0))));
    }
}
