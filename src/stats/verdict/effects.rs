//! What a metric did from before to after, in one of four words, with its mean and its worst run beside it.
//!
//! Knows margins, no criteria: whether a change is enough is `judge`'s question.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::stats::evidence::change::ChangeInterval;
use crate::stats::evidence::decision::{Direction, Evidence, Finding, Open};
use crate::stats::evidence::doubts::Doubt;
use crate::stats::evidence::noise_floor::{COARSE_PCT, Margin};
use crate::stats::evidence::quantity::Quantity;
use crate::stats::evidence::sides::PairChange;
use crate::stats::math::descriptive::median;
use crate::stats::math::mean_ratio::MeanRatio;
use crate::stats::runs::metrics::{Better, Metric, PRIMARY};
use crate::stats::runs::summary::RunSummary;
use crate::stats::runs::values_of;
use crate::stats::verdict::words::{more_text, too_few_text};
use crate::units;

/// The answer about one metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// There is a change for the better: the interval excludes 0, and the estimate reaches the margin.
    Improved,
    /// As `Improved`, for the worse.
    Worse,
    /// The interval lies within the margin, and neither the mean nor the worst run contradicts it: if there is a change, it
    /// does not matter.
    Equivalent,
    /// The runs do not say.
    Inconclusive,
}

/// One metric, before against after.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Effect {
    /// Which.
    pub metric: Metric,
    /// The one that the comparison is about?
    pub is_primary: bool,
    /// Median over the compared runs, in the metric's unit.
    pub before: Option<f64>,
    /// As `before`.
    pub after: Option<f64>,
    /// The paired median change, doubts included.
    pub interval: ChangeInterval,
    /// What the mean did, which also sees a stall in one run of ten.
    pub mean: Option<MeanRatio>,
    /// How far the worst run lies above the median of its side, in percent.
    pub worst: Worst,
    /// What counts as a change that matters.
    pub margin: Margin,
    /// The answer.
    pub answer: Answer,
    /// What makes it doubtful, with sizes.
    pub doubts: Vec<Doubt>,
    /// Why there is no answer, where the interval says so.
    pub open: Option<Open>,
    /// Each round's change; empty without pairs.
    pub pairs: Vec<PairChange>,
    /// Why, in words.
    pub reason: String,
}

/// The worst run of each side above its median, in percent; `None`: the median is 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the line above says it")]
pub struct Worst {
    pub before_pct: Option<f64>,
    pub after_pct: Option<f64>,
}

impl Effect {
    /// Asks the runs about `metric`; `None` where a side has no run or a run no value.
    pub fn of(metric: Metric, evidence: &Evidence<'_>, margin: Margin) -> Option<Self> {
        let quantity = Quantity::Metric(metric);
        let Finding { direction, unit, interval, doubts, open } = evidence.direction(quantity, &margin)?;
        let sides = &evidence.sides;
        let values = |runs: &[&RunSummary]| values_of(runs, metric);
        let (before, after) = (values(sides.before), values(sides.after));
        let mean = sides.mean_ratio(quantity, unit);
        let worst = Worst { before_pct: above_median_pct(&before), after_pct: above_median_pct(&after) };
        let against = against_equivalence(mean, worst, Doubt::factors(&doubts), &margin);
        let answer = match (direction, metric.better()) {
            (Direction::Same, _) if against.is_some() => Answer::Inconclusive,
            (Direction::Same, _) => Answer::Equivalent,
            (Direction::Less, Better::Lower) | (Direction::More, Better::Higher) => Answer::Improved,
            (Direction::More, Better::Lower) | (Direction::Less, Better::Higher) => Answer::Worse,
            (Direction::Unknown, _) | (_, Better::Neither) => Answer::Inconclusive,
        };
        let reason = match against.filter(|_| direction == Direction::Same) {
            Some(against) => against,
            None => reason(&interval, &margin, answer, open, &doubts),
        };
        Some(Self {
            metric,
            is_primary: metric == PRIMARY,
            before: median(&before),
            after: median(&after),
            interval,
            mean,
            worst,
            margin,
            answer,
            doubts,
            open,
            pairs: sides.pair_changes(quantity),
            reason,
        })
    }

    /// About how many more rounds (without pairs: runs a side) would settle an inconclusive answer. `None`: it is settled, or
    /// more runs are not what is missing.
    pub fn more_rounds(&self) -> Option<u32> {
        self.open.and_then(Open::more)
    }

    /// Is there none of it on either side?
    pub fn is_nothing(&self) -> bool {
        self.before == Some(0.0) && self.after == Some(0.0) && self.interval.estimate_pct == 0.0
    }

    /// The sides differ in what is not under test, so nothing is said.
    pub(super) fn make_not_comparable(&mut self) {
        (self.answer, self.open) = (Answer::Inconclusive, None);
        self.reason = "not comparable: the sides differ in what is not under test".to_owned();
    }

    /// Can the rounds still be told apart in a figure that also shows no change and the margin? A change of −60 % is far
    /// from both.
    pub fn is_near_margin(&self) -> bool {
        let changes = || self.pairs.iter().map(|pair| pair.change_pct);
        let (low, high) = (changes().fold(f64::INFINITY, f64::min), changes().fold(f64::NEG_INFINITY, f64::max));
        let nearest = if low <= 0.0 && high >= 0.0 { 0.0 } else { low.abs().min(high.abs()) };
        nearest <= 3.0 * (high - low).max(self.margin.pct)
    }
}

fn above_median_pct(values: &[f64]) -> Option<f64> {
    let middle = median(values).filter(|&middle| middle > 0.0)?;
    let most = values.iter().copied().reduce(f64::max)?;
    Some(100.0 * (most / middle - 1.0))
}

/// What the median does not see: a stall in one run of ten leaves it where it is.
fn against_equivalence(
    mean: Option<MeanRatio>,
    worst: Worst,
    (down, up): (f64, f64),
    margin: &Margin,
) -> Option<String> {
    let (before, after) = (worst.before_pct.unwrap_or(0.0), worst.after_pct.unwrap_or(0.0));
    let allowed_pct = COARSE_PCT.max(margin.pct);
    if (after - before).abs() > allowed_pct {
        return Some(format!(
            "the medians agree, but the worst run lies {} above its median before and {} after",
            units::pct(before),
            units::pct(after)
        ));
    }
    let mean = mean?;
    let ends_pct = mean.ends.map(|(low, high)| (100.0 * (low * down - 1.0), 100.0 * (high * up - 1.0)));
    let within = margin.pct + 1e-9;
    match ends_pct {
        Some((low, high)) if -within <= low && high <= within => None,
        Some((low, high)) => Some(format!(
            "the medians agree, but the mean may differ by {} to {}",
            units::change_pct(low),
            units::change_pct(high)
        )),
        None => Some("the medians agree, but the mean scatters too much to say".to_owned()),
    }
}

fn reason(interval: &ChangeInterval, margin: &Margin, answer: Answer, open: Option<Open>, doubts: &[Doubt]) -> String {
    let within = units::pct(margin.pct);
    let is_drowned = margin.is_coarse() && interval.ends().is_some() && interval.estimate_pct.abs() < margin.pct;
    match (answer, open) {
        (Answer::Improved | Answer::Worse, _) => format!("the interval excludes zero and the change exceeds {within}"),
        (Answer::Equivalent, _) => format!("any change is smaller than {within}"),
        (_, Some(Open::TooFew { more })) => too_few_text(interval, more),
        (_, Some(Open::Doubtful)) => {
            let doubts: Vec<_> =
                doubts.iter().map(|doubt| format!("{} {}", doubt.title(), doubt.size_text())).collect();
            format!("the runs alone would decide, but not with these doubts: {}", doubts.join(", "))
        }
        _ if is_drowned => format!(
            "equal runs differ by up to {within} on this computer, too much to call anything equivalent: calibrate when it is \
             quieter, or with more pairs"
        ),
        (_, open) => {
            let more = more_text(open.and_then(Open::more), interval);
            match interval.ends() {
                Some((low, high)) if low <= 0.0 && high >= 0.0 => {
                    format!("no change and one beyond {within} are both possible; {more}")
                }
                _ => format!("there is a change, but it may or may not exceed {within}; {more}"),
            }
        }
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
    use crate::stats::evidence::doubts::DoubtKind;
    use crate::stats::evidence::sides::Sides;
    use crate::stats::fixture::{case, summary};

    /// Rounds whose values after are these percentages of the same 100 ms before.
    fn effect(after_pct: impl IntoIterator<Item = f64>) -> Effect {
        effect_by(Margin::default(), after_pct, &[])
    }

    fn effect_by(margin: Margin, after_pct: impl IntoIterator<Item = f64>, doubts: &[Doubt]) -> Effect {
        let run = |(idx, wall_ms)| RunSummary { repeat_index: idx, ..summary(case(1, Inline), idx, wall_ms) };
        let after: Vec<_> = (0..).zip(after_pct).map(run).collect();
        let before: Vec<_> = (0..after.len() as u32).map(|idx| run((idx, 100.0))).collect();
        let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
        let sides = Sides { before: &before, after: &after, is_paired: true };
        Effect::of(Metric::WallMs, &Evidence { of_origin: doubts, ..Evidence::plain(sides) }, margin).unwrap()
    }

    fn around(centre: f64, spread: f64) -> [f64; 10] {
        std::array::from_fn(|idx| centre + spread * ((idx * 3 % 10) as f64 - 4.5) / 4.5)
    }

    #[test]
    fn the_four_answers() {
        let answer = |centre, spread| effect(around(centre, spread)).answer;
        assert_eq!(answer(97.0, 2.0), Answer::Improved);
        assert_eq!(answer(103.0, 2.0), Answer::Worse);
        assert_eq!(answer(100.1, 0.5), Answer::Equivalent);
        assert_eq!(answer(99.0, 5.0), Answer::Inconclusive);
        // Surely there, and surely too small to matter.
        assert_eq!(answer(99.5, 0.3), Answer::Equivalent);
    }

    #[test]
    fn a_noisy_computer_calls_nothing_equivalent() {
        let by = |pct| effect_by(Margin { pct, calibration: Some("output/aa".to_owned()) }, around(97.0, 0.5), &[]);
        assert_eq!((by(1.0).answer, by(4.0).answer), (Answer::Improved, Answer::Equivalent));
        let drowned = by(40.0);
        assert_eq!((drowned.answer, drowned.more_rounds()), (Answer::Inconclusive, None));
        assert!(drowned.reason.contains("calibrate when it is quieter"), "{}", drowned.reason);
    }

    #[test]
    fn an_open_answer_says_what_would_settle_it() {
        let open = effect(around(98.5, 5.0));
        assert_eq!(open.answer, Answer::Inconclusive);
        // Half width about 2.8 %, and 1.5 % from the estimate to no change: 10 × (1.78 × 2.8 ÷ 1.5)² − 10.
        let more = open.more_rounds().unwrap();
        assert!((60..130).contains(&more), "{more}: {:?}", open.interval);
        assert!(open.reason.contains("more rounds would decide it"), "{}", open.reason);
        assert_eq!(effect(around(97.0, 2.0)).more_rounds(), None);
    }

    #[test]
    fn a_doubt_turns_what_it_could_have_made() {
        let doubt = |size_pct| {
            let kind = DoubtKind::TwoSessions;
            [Doubt { kind, of: String::new(), lower_pct: size_pct, higher_pct: size_pct }]
        };
        let far = effect_by(Margin::default(), around(60.0, 2.0), &doubt(3.0));
        assert_eq!((far.answer, far.doubts.len()), (Answer::Improved, 1));
        let near = effect_by(Margin::default(), around(97.0, 2.0), &doubt(5.0));
        assert_eq!((near.answer, near.open), (Answer::Inconclusive, Some(Open::Doubtful)));
        assert!(near.reason.ends_with("two sessions ±5.0 %"), "{}", near.reason);
    }

    #[test]
    fn a_rare_stall_is_not_equivalent() {
        let stall = (0..40).map(|idx| if idx % 10 == 7 { 200.0 } else { 100.0 + 0.1 * f64::from(idx % 3) });
        let found = effect(stall);
        assert_eq!(found.answer, Answer::Inconclusive);
        assert!(found.reason.contains("worst run"), "{}", found.reason);
        assert!((found.mean.unwrap().estimate - 1.1).abs() < 0.01, "{:?}", found.mean);
        let mild = (0..40).map(|idx| if idx % 2 == 0 { 104.0 } else { 99.7 });
        assert_ne!(effect(mild).answer, Answer::Equivalent);
    }
}
