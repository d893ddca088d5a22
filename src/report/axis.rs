//! Values to pixels, and the round numbers worth a label.
//!
//! Knows neither what is drawn nor in which unit. A value that is not finite stands at the axis's beginning, so that
//! no coordinate is ever anything but a number.

/// A step makes about eight of them; of values too large to be told apart by it, more.
const MAX_TICKS: f64 = 20.0;

/// One direction of a plot.
#[derive(Debug, Clone)]
pub struct Axis {
    /// The labelled values, in order.
    pub ticks: Vec<Tick>,
    scale: Scale,
    /// Transformed values at the two ends.
    range: (f64, f64),
    /// Pixels at the two ends.
    pixels: (f64, f64),
}

/// A labelled value.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Tick {
    pub value: f64,
    pub label: String,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Scale {
    Linear,
    Log,
    Tail,
}

impl Axis {
    /// From 0 to a round number at or above `max`.
    pub fn from_zero(max: f64, pixels: (f64, f64)) -> Self {
        let max = positive(max);
        let step = round_step(max);
        let end = (max / step).ceil() * step;
        Self { ticks: multiples(step, end), scale: Scale::Linear, range: (0.0, end), pixels }
    }

    /// Between round numbers around all of `values`, which may be below 0.
    pub fn spanning(values: impl Iterator<Item = f64>, pixels: (f64, f64)) -> Self {
        let finite = values.filter(|value| value.is_finite());
        let (low, high) =
            finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        // Of equal values the axis is as long as they are large.
        let step = round_step(positive(if high > low { high - low } else { high.abs() }));
        let low = if low.is_finite() { (low / step).floor() } else { 0.0 };
        let high = if high.is_finite() { (high / step).ceil().max(low + 1.0) } else { 1.0 };
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let tick = |value: f64| Tick { value, label: format!("{value:.decimals$}").replace('-', "−") };
        let num = (high - low).min(MAX_TICKS) as u32;
        let ticks = (0..=num).map(|k| tick((low + f64::from(k)) * step)).collect();
        Self { ticks, scale: Scale::Linear, range: (low * step, high * step), pixels }
    }

    /// From 0 to exactly `max`, where the end carries meaning of its own, such as the end of a run.
    pub fn from_zero_to(max: f64, pixels: (f64, f64)) -> Self {
        let max = positive(max);
        Self { ticks: multiples(round_step(max), max), scale: Scale::Linear, range: (0.0, max), pixels }
    }

    /// Whole numbers from 0 to `max`.
    pub fn counts(max: u32, pixels: (f64, f64)) -> Self {
        let max = f64::from(max.max(1));
        Self { ticks: multiples(round_step(max).max(1.0), max), scale: Scale::Linear, range: (0.0, max), pixels }
    }

    /// Logarithmic, from the whole decade below `min` to a little above `max`, which are above 0.
    pub fn decades(min: f64, max: f64, pixels: (f64, f64)) -> Self {
        let low = positive(min).log10().floor();
        let high = (positive(max).log10() + 0.1).max(low + 1.0);
        let ticks = (low as i32..=high.floor() as i32).map(decade).collect();
        Self { ticks, scale: Scale::Log, range: (low, high), pixels }
    }

    /// Logarithmic, with a label at each of `values` and a little room on both sides of them.
    pub fn ratios(values: &[u32], pixels: (f64, f64)) -> Self {
        let ends = [values.first(), values.last()].map(|value| positive(value.copied().unwrap_or(1).into()).log10());
        let room = ((ends[1] - ends[0]) * 0.06).max(0.02);
        let ticks = values.iter().map(|&value| Tick { value: value.into(), label: value.to_string() }).collect();
        Self { ticks, scale: Scale::Log, range: (ends[0] - room, ends[1] + room), pixels }
    }

    /// Shares of a whole up to `max` (below 1), stretched so that each nine takes the same room: 0.9, 0.99, 0.999 …
    pub fn tail(max: f64, pixels: (f64, f64)) -> Self {
        let end = positive(Scale::Tail.of(max));
        let shares = [(0.0, "0"), (0.5, "50"), (0.9, "90"), (0.99, "99"), (0.999, "99.9"), (0.9999, "99.99")];
        let within = shares.iter().filter(|&&(share, _)| Scale::Tail.of(share) <= end + 1e-9);
        let ticks = within.map(|&(value, label)| Tick { value, label: label.to_owned() }).collect();
        Self { ticks, scale: Scale::Tail, range: (0.0, end), pixels }
    }

    /// A direction in which nothing is measured.
    pub fn unlabelled(pixels: (f64, f64)) -> Self {
        Self { ticks: Vec::new(), scale: Scale::Linear, range: (0.0, 1.0), pixels }
    }

    /// Where `value` stands, never outside the axis.
    pub fn at(&self, value: f64) -> f64 {
        let (low, high) = self.range;
        let value = self.scale.of(value);
        let share = if value.is_nan() { 0.0 } else { ((value - low) / (high - low)).clamp(0.0, 1.0) };
        self.pixels.0 + share * (self.pixels.1 - self.pixels.0)
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
    let tick = |value: f64| Tick { value, label: format!("{:.decimals$}{suffix}", value / divisor) };
    (0..=count).map(|k| tick(f64::from(k) * step)).collect()
}

fn decade(exponent: i32) -> Tick {
    let value = 10f64.powi(exponent);
    let (divisor, suffix) = thousands(value);
    let decimals = exponent.min(0).unsigned_abs() as usize;
    Tick { value, label: format!("{:.decimals$}{suffix}", value / divisor) }
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

#[cfg(test)]
mod tests {
    use super::*;

    const PIXELS: (f64, f64) = (0.0, 100.0);

    fn labels(axis: Axis) -> Vec<String> {
        axis.ticks.into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(Axis::from_zero(221.0, PIXELS)), ["0", "50", "100", "150", "200", "250"]);
        assert_eq!(labels(Axis::from_zero(1.0, PIXELS)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(Axis::from_zero(38_000.0, PIXELS)), ["0k", "10k", "20k", "30k", "40k"]);
        assert_eq!(
            labels(Axis::spanning([-65.5, -62.1].into_iter(), PIXELS)),
            ["−65.5", "−65.0", "−64.5", "−64.0", "−63.5", "−63.0", "−62.5", "−62.0"]
        );
        assert_eq!(
            labels(Axis::spanning([-0.3, 0.25].into_iter(), PIXELS)),
            ["−0.3", "−0.2", "−0.1", "0.0", "0.1", "0.2", "0.3"]
        );
        assert_eq!(labels(Axis::counts(1, PIXELS)), ["0", "1"]);
        assert_eq!(labels(Axis::decades(0.3, 740.0, PIXELS)), ["0.1", "1", "10", "100"]);
        assert_eq!(labels(Axis::ratios(&[1, 2, 8], PIXELS)), ["1", "2", "8"]);
        assert_eq!(labels(Axis::tail(0.999, PIXELS)), ["0", "50", "90", "99", "99.9"]);
    }

    #[test]
    fn values_land_between_the_ends() {
        let axis = Axis::from_zero(100.0, (200.0, 0.0));
        assert_eq!((axis.at(0.0), axis.at(50.0), axis.at(100.0)), (200.0, 100.0, 0.0));
        assert_eq!((axis.at(-5.0), axis.at(1e12), axis.at(f64::NAN)), (200.0, 0.0, 200.0));
        assert!((Axis::tail(0.99, PIXELS).at(0.9) - 50.0).abs() < 1e-9);
    }

    #[test]
    fn an_empty_or_absurd_range_still_is_one() {
        for max in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Axis::from_zero(max, PIXELS).at(1.0), 100.0);
            assert!(Axis::decades(max, max, PIXELS).at(1.0).is_finite());
            assert!(Axis::tail(max, PIXELS).at(0.5).is_finite());
            assert!(Axis::spanning([max, max].into_iter(), PIXELS).at(0.5).is_finite());
        }
        assert!(Axis::ratios(&[4], PIXELS).at(4.0).is_finite());
        assert!(Axis::ratios(&[], PIXELS).ticks.is_empty());
    }
}
