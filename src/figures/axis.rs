//! Where a value stands along an axis, as a share of its length, and the round values worth a label.
//!
//! Knows neither pixels nor what is drawn. A value that is not finite stands at the axis's beginning, so that no coordinate
//! is ever anything but a number.

use crate::units::{self, Unit};

/// A step makes about eight of them; of values too large to be told apart by it, more.
const MAX_TICKS: f64 = 20.0;
/// Clock readings cost about this much, so what took less stands at the low end (10^2 ns).
pub const SHORTEST_LOG_NS: f64 = 2.0;

/// One direction of a panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What it measures, with the unit in brackets where its labels have none; empty where the panel's subtitle says it.
    pub title: String,
    /// The labelled values, in order.
    pub ticks: Vec<Tick>,
    words: Words,
    scale: Scale,
    /// Transformed values at the two ends.
    range: (f64, f64),
}

/// A labelled value.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Tick {
    pub value: f64,
    pub label: String,
    pub is_strong: bool,
}

/// How a value reads under the pointer.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Words {
    Unit(Unit),
    /// A time in nanoseconds.
    Ns,
    /// A change in percent.
    Change,
    /// A percentage of something.
    Pct,
    /// A share of frames (0 to 1) as a percentile.
    Percentile,
    Threshold,
    Nothing,
    /// Labels stand beside rows.
    Rows,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Scale {
    Linear,
    Log,
    Tail,
}

impl Axis {
    /// From 0 to a round number at or above `max`, in `unit`. Labels are plain numbers.
    pub fn from_zero(title: impl Into<String>, unit: Unit, max: f64) -> Self {
        let max = positive(max);
        let step = round_step(max);
        let end = (max / step).ceil() * step;
        Self::linear(title, Words::Unit(unit), multiples(step, end), (0.0, end))
    }

    /// Percentages from 0 to a round number at or above `max`.
    pub fn percent(title: impl Into<String>, max: f64) -> Self {
        Self { words: Words::Pct, ..Self::from_zero(title, Unit::Count, max) }
    }

    /// Between round numbers around all of `values`, which may be below 0.
    pub fn spanning(title: impl Into<String>, values: impl Iterator<Item = f64>) -> Self {
        let finite = values.filter(|value| value.is_finite());
        let (low, high) =
            finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        // Of equal values the axis is as long as they are large.
        let step = round_step(positive(if high > low { high - low } else { high.abs() }));
        let low = if low.is_finite() { (low / step).floor() } else { 0.0 };
        let high = if high.is_finite() { (high / step).ceil().max(low + 1.0) } else { 1.0 };
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let tick = |value: f64| Tick::new(value, format!("{value:.decimals$}").replace('-', "−"));
        let num = (high - low).min(MAX_TICKS) as u32;
        let ticks = (0..=num).map(|k| tick((low + f64::from(k)) * step)).collect();
        Self::linear(title, Words::Unit(Unit::Count), ticks, (low * step, high * step))
    }

    /// As [`Axis::spanning`], of changes in percent.
    pub fn changes(title: impl Into<String>, values: impl Iterator<Item = f64>) -> Self {
        Self { words: Words::Change, ..Self::spanning(title, values) }
    }

    /// From 0 to exactly `max`, where the end carries meaning of its own, such as the end of a run.
    pub fn from_zero_to(title: impl Into<String>, unit: Unit, max: f64) -> Self {
        let max = positive(max);
        Self::linear(title, Words::Unit(unit), multiples(round_step(max), max), (0.0, max))
    }

    /// Whole numbers from 0 to `max`.
    pub fn counts(title: impl Into<String>, max: u32) -> Self {
        let max = f64::from(max.max(1));
        Self::linear(title, Words::Unit(Unit::Count), multiples(round_step(max).max(1.0), max), (0.0, max))
    }

    /// Times (ns) over decades, a little more than from `min` to `max`, each label with its unit.
    pub fn times(title: impl Into<String>, min_ns: f64, max_ns: f64) -> Self {
        let (low, high) = (log_ns(min_ns), log_ns(max_ns));
        let room = ((high - low) * 0.04).max(0.02);
        let range = ((low - room).max(SHORTEST_LOG_NS), high + room);
        let tick = |log: f64| Tick::new(10f64.powf(log), time_label(10f64.powf(log)));
        let ticks = log_ticks(range).into_iter().map(tick).collect();
        Self { title: title.into(), ticks, words: Words::Ns, scale: Scale::Log, range }
    }

    /// Over doublings, with a label at each of `thresholds` and a little room on both sides of them.
    pub fn thresholds(thresholds: &[u32]) -> Self {
        let ends =
            [thresholds.first(), thresholds.last()].map(|value| positive(value.copied().unwrap_or(1).into()).log10());
        let room = ((ends[1] - ends[0]) * 0.06).max(0.02);
        let ticks = thresholds.iter().map(|&value| Tick::new(value.into(), value.to_string())).collect();
        let (title, range) = ("frames in flight (T)".to_owned(), (ends[0] - room, ends[1] + room));
        Self { title, ticks, words: Words::Threshold, scale: Scale::Log, range }
    }

    /// Shares of a whole up to `max` (below 1), stretched so that each nine takes the same room: 0.9, 0.99, 0.999 …
    /// 1 itself stands at the end.
    pub fn tail(title: impl Into<String>, max: f64) -> Self {
        let end = positive(Scale::Tail.of(max));
        let shares =
            [(0.0, "0 %"), (0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %"), (0.9999, "99.99 %")];
        let within = shares.iter().filter(|&&(share, _)| Scale::Tail.of(share) <= end + 1e-9);
        let ticks = within.map(|&(value, label)| Tick::new(value, label)).collect();
        Self { title: title.into(), ticks, words: Words::Percentile, scale: Scale::Tail, range: (0.0, end) }
    }

    /// One row for each label, top to bottom: row `k` spans from `k` to `k + 1`. Strong ones stand out.
    pub fn rows(labels: impl IntoIterator<Item = (String, bool)>) -> Self {
        let tick =
            |(idx, (label, is_strong)): (usize, (String, bool))| Tick { value: idx as f64 + 0.5, label, is_strong };
        let ticks: Vec<_> = labels.into_iter().enumerate().map(tick).collect();
        let end = positive(ticks.len() as f64);
        // The first row is the highest.
        Self { title: String::new(), ticks, words: Words::Rows, scale: Scale::Linear, range: (end, 0.0) }
    }

    /// From `low` to `high`, with these labels at these values.
    pub fn labelled(
        title: impl Into<String>,
        (low, high): (f64, f64),
        labels: impl IntoIterator<Item = (f64, String)>,
    ) -> Self {
        let ticks = labels.into_iter().map(|(value, label)| Tick::new(value, label)).collect();
        Self::linear(title, Words::Nothing, ticks, (low, low + positive(high - low)))
    }

    fn linear(title: impl Into<String>, words: Words, ticks: Vec<Tick>, range: (f64, f64)) -> Self {
        Self { title: title.into(), ticks, words, scale: Scale::Linear, range }
    }

    /// Where `value` stands, from 0 to 1, never outside.
    pub fn share(&self, value: f64) -> f64 {
        let (low, high) = self.range;
        let value = self.scale.of(value);
        if value.is_nan() { 0.0 } else { ((value - low) / (high - low)).clamp(0.0, 1.0) }
    }

    /// The value at a share of the axis: the reverse of [`Axis::share`].
    pub fn value(&self, share: f64) -> f64 {
        let (low, high) = self.range;
        self.scale.back(low + share * (high - low))
    }

    /// Does it list rows, whose labels have no lines?
    pub fn is_rows(&self) -> bool {
        self.words == Words::Rows
    }

    /// `value` in words.
    pub fn text(&self, value: f64) -> String {
        match self.words {
            Words::Unit(unit) => unit.text(value),
            Words::Ns => units::ms(value / 1e6),
            Words::Change => units::change_pct(value),
            Words::Pct => units::pct(value),
            Words::Percentile => percentile_text(value),
            Words::Threshold => format!("T={value}"),
            Words::Nothing | Words::Rows => String::new(),
        }
    }
}

impl Tick {
    fn new(value: f64, label: impl Into<String>) -> Self {
        Self { value, label: label.into(), is_strong: false }
    }
}

impl Scale {
    fn of(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.log10(),
            Self::Tail => -(1.0 - value).log10(),
        }
    }

    fn back(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => 10f64.powf(value),
            Self::Tail => 1.0 - 10f64.powf(-value),
        }
    }
}

/// Where a time stands on an axis of decades.
pub fn log_ns(time_ns: f64) -> f64 {
    positive(time_ns).log10().max(SHORTEST_LOG_NS)
}

/// "90 %", "99.95 %": one more place for each nine.
fn percentile_text(share: f64) -> String {
    let places = (Scale::Tail.of(share.min(1.0 - 1e-6)) - 1.0 - 1e-9).ceil().max(0.0) as usize;
    let places = places.saturating_sub(1).max(usize::from((share * 1e4).round() % 100.0 != 0.0));
    format!("{:.places$} % of frames", 100.0 * share)
}

/// What an axis can span: `value`, or 1 where there is nothing to span.
fn positive(value: f64) -> f64 {
    if value.is_finite() && value > 0.0 { value } else { 1.0 }
}

/// A step of 1, 2 or 5 times a power of ten that makes four to eight parts of `max`.
fn round_step(max: f64) -> f64 {
    let rough = max / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let factor = match rough / power {
        ratio if ratio < 1.5 => 1.0,
        ratio if ratio < 3.5 => 2.0,
        ratio if ratio < 7.5 => 5.0,
        _ => 10.0,
    };
    factor * power
}

fn multiples(step: f64, max: f64) -> Vec<Tick> {
    // A hair of tolerance: 10 * 0.1 may be just above 1.
    let count = (max / step + 1e-9).floor() as u32;
    let (divisor, suffix) = thousands(max);
    let decimals = (-(step / divisor).log10().floor()).max(0.0) as usize;
    let tick = |k: u32| match f64::from(k) * step {
        0.0 => Tick::new(0.0, "0"),
        value if value >= 1000.0 && suffix.is_empty() => Tick::new(value, units::count(value)),
        value => Tick::new(value, format!("{:.decimals$}{suffix}", value / divisor)),
    };
    (0..=count).map(tick).collect()
}

/// Keeps labels to a few letters: 12000 is 12k.
fn thousands(max: f64) -> (f64, &'static str) {
    match max {
        max if max >= 1e10 => (1e9, "G"),
        max if max >= 1e7 => (1e6, "M"),
        max if max >= 1e4 => (1e3, "k"),
        _ => (1.0, ""),
    }
}

/// Round times within `range` of decades: each decade, or finer where there are few.
fn log_ticks((low, high): (f64, f64)) -> Vec<f64> {
    // Beyond 10^20 ns nothing was measured.
    let decades = low.floor() as i32..=high.min(20.0).floor() as i32;
    let ticks = |steps: &[u32]| {
        let of_decade =
            |decade: i32| steps.iter().map(move |&step| f64::from(decade) + (f64::from(step) / 10.0).log10());
        decades.clone().flat_map(of_decade).filter(|tick| (low..=high).contains(tick)).collect::<Vec<_>>()
    };
    let finer: [&[u32]; 3] = [
        &[10, 20, 50],
        &[10, 20, 30, 40, 50, 60, 80],
        &[10, 12, 14, 16, 18, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90],
    ];
    let coarse = ticks(&[10]);
    finer.into_iter().fold(coarse, |found, steps| if found.len() < 3 { ticks(steps) } else { found })
}

/// "100 µs", "1.5 ms": without the zeros that a round time has behind the point.
fn time_label(time_ns: f64) -> String {
    let (unit, divisor) = match time_ns {
        ..999.5 => ("ns", 1e0),
        ..999.5e3 => ("µs", 1e3),
        ..999.5e6 => ("ms", 1e6),
        _ => ("s", 1e9),
    };
    // Two places are enough for the finest ticks there are; Display drops the zeros.
    let value = (time_ns / divisor * 100.0).round() / 100.0;
    format!("{value} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: Axis) -> Vec<String> {
        axis.ticks.into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn ticks_are_round() {
        let from_zero = |max| labels(Axis::from_zero("", Unit::Count, max));
        assert_eq!(from_zero(221.0), ["0", "50", "100", "150", "200", "250"]);
        assert_eq!(from_zero(1.0), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(from_zero(1400.0)[5..], ["1,000", "1,200", "1,400"]);
        assert_eq!(from_zero(38_000.0), ["0", "10k", "20k", "30k", "40k"]);
        let spanning = |values: [f64; 2]| labels(Axis::spanning("", values.into_iter()));
        assert_eq!(spanning([-65.5, -62.1]), ["−65.5", "−65.0", "−64.5", "−64.0", "−63.5", "−63.0", "−62.5", "−62.0"]);
        assert_eq!(spanning([-0.3, 0.25]), ["−0.3", "−0.2", "−0.1", "0.0", "0.1", "0.2", "0.3"]);
        assert_eq!(labels(Axis::counts("", 1)), ["0", "1"]);
        assert_eq!(labels(Axis::thresholds(&[1, 2, 8])), ["1", "2", "8"]);
        assert_eq!(labels(Axis::tail("", 0.999)), ["0 %", "50 %", "90 %", "99 %", "99.9 %"]);
    }

    #[test]
    fn times_have_round_labels_and_at_least_three_where_they_can() {
        assert_eq!(labels(Axis::times("", 30.0, 3e6)), ["100 ns", "1 µs", "10 µs", "100 µs", "1 ms"]);
        assert_eq!(labels(Axis::times("", 0.9e6, 11e6)), ["1 ms", "2 ms", "5 ms", "10 ms"]);
        assert_eq!(labels(Axis::times("", 1e6, 1.5e6)), ["1 ms", "1.2 ms", "1.4 ms"]);
        assert!(labels(Axis::times("", 0.0, f64::INFINITY)).len() < 25);
    }

    #[test]
    fn values_stand_between_the_ends_and_come_back() {
        let axis = Axis::from_zero("", Unit::Count, 100.0);
        assert_eq!((axis.share(0.0), axis.share(50.0), axis.share(100.0)), (0.0, 0.5, 1.0));
        assert_eq!((axis.share(-5.0), axis.share(1e12), axis.share(f64::NAN)), (0.0, 1.0, 0.0));
        assert!((Axis::tail("", 0.99).share(0.9) - 0.5).abs() < 1e-9);
        let rows = Axis::rows(["first", "second"].map(|label| (label.to_owned(), false)));
        assert_eq!((rows.share(0.0), rows.share(2.0)), (1.0, 0.0));
        for axis in [axis, Axis::times("", 1e3, 1e7), Axis::tail("", 0.999), rows] {
            assert!((axis.share(axis.value(0.3)) - 0.3).abs() < 1e-9, "{axis:?}");
        }
    }

    #[test]
    fn an_empty_or_absurd_range_still_is_one() {
        for max in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Axis::from_zero("", Unit::Count, max).share(1.0), 1.0);
            assert!(Axis::times("", max, max).share(1.0).is_finite());
            assert!(Axis::tail("", max).share(0.5).is_finite());
            assert!(Axis::spanning("", [max, max].into_iter()).share(0.5).is_finite());
        }
        assert!(Axis::thresholds(&[4]).share(4.0).is_finite());
        assert!(Axis::thresholds(&[]).ticks.is_empty());
        assert!(Axis::rows([]).share(0.0).is_finite());
    }

    #[test]
    fn a_percentile_has_the_places_that_it_needs() {
        let texts = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9995].map(percentile_text);
        assert_eq!(texts, ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.95 %"].map(|text| format!("{text} of frames")));
    }
}
