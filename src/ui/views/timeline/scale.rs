//! Stretched axes: percentiles towards 100 %, times over decades. Where a value stands and which ticks there are.
//!
//! Knows no egui: a plot shows the transformed value, and its ticks and labels are made here.

use crate::units;

/// Clock readings cost about this much, so what took less is drawn as this (10^2 ns).
pub const SHORTEST_LOG_NS: f64 = 2.0;

/// Where a share of the frames (0 to 1) stands: each step of 1 is a tail of a tenth. 1 itself stands at `end`.
pub fn tail(share: f64, end: f64) -> f64 {
    (-(1.0 - share).log10()).clamp(0.0, end)
}

/// The share that stands at `x`, in words: "99.9 %".
pub fn tail_label(x: f64) -> String {
    let share = 100.0 * (1.0 - 10f64.powf(-x));
    let places = (x - 2.0 - 1e-9).max(0.0).ceil() as usize;
    format!("{share:.places$} %")
}

/// 0, 50 %, and each nine up to `end`.
pub fn tail_ticks(end: f64) -> Vec<f64> {
    let nines = (1..=end.max(0.0) as u32).map(f64::from);
    [tail(0.5, end)].into_iter().chain(nines).collect()
}

/// Where a time stands on an axis of decades.
pub fn log_ns(time_ns: u64) -> f64 {
    (time_ns.max(1) as f64).log10().max(SHORTEST_LOG_NS)
}

/// The time at `y` on an axis of decades.
pub fn time_ns(y: f64) -> u64 {
    // A float beyond the integers becomes the largest of them.
    10f64.powf(y).round() as u64
}

/// The time at `y`, in words.
pub fn log_label(y: f64) -> String {
    if y <= SHORTEST_LOG_NS { format!("≤ {}", units::ns(100)) } else { units::ns(time_ns(y)) }
}

/// Round times within `bounds` of an axis of decades: each decade, or finer where there are few.
pub fn log_ticks(bounds: (f64, f64)) -> Vec<f64> {
    // Beyond 10^20 ns nothing was measured, whatever the bounds of an empty plot say.
    let (low, high) = (bounds.0.clamp(0.0, 20.0), bounds.1.clamp(0.0, 20.0));
    let decades = low.floor() as i32..=high.floor() as i32;
    let ticks = |steps: &[u32]| {
        let steps: Vec<f64> = steps.iter().map(|&step| (f64::from(step) / 10.0).log10()).collect();
        let all = decades
            .clone()
            .flat_map(|decade| steps.iter().map(move |step| f64::from(decade) + step).collect::<Vec<_>>());
        all.filter(|tick| (low..=high).contains(tick)).collect::<Vec<_>>()
    };
    let finer: [&[u32]; 3] = [
        &[10, 20, 50],
        &[10, 20, 30, 40, 50, 60, 80],
        &[10, 12, 14, 16, 18, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90],
    ];
    let coarse = ticks(&[10]);
    finer.into_iter().fold(coarse, |found, steps| if found.len() < 3 { ticks(steps) } else { found })
}

/// Round numbers within `bounds` of an ordinary axis, three to seven of them.
pub fn linear_ticks(bounds: (f64, f64)) -> Vec<f64> {
    let rough = (bounds.1 - bounds.0) / 4.0;
    if !rough.is_finite() || rough <= 0.0 {
        return Vec::new();
    }
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * power).find(|step| *step >= rough).unwrap_or(rough);
    let (first, last) = ((bounds.0 / step).ceil(), (bounds.1 / step).floor());
    (0..=(last - first).clamp(0.0, 10.0) as u32).map(|idx| (first + f64::from(idx)) * step).collect()
}

/// A tick's label, without the zeros that a round time has behind the point.
pub fn tick_label(y: f64) -> String {
    let time_ns = 10f64.powf(y);
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

/// Labels of equally spaced times in nanoseconds: one unit for all, with as many places as keep neighbours apart.
pub fn time_labels(ticks_ns: &[f64]) -> Vec<String> {
    let most_ns = ticks_ns.last().copied().unwrap_or(0.0);
    let (unit, divisor) = match most_ns {
        ..999.5 => ("ns", 1e0),
        ..999.5e3 => ("µs", 1e3),
        ..999.5e6 => ("ms", 1e6),
        _ => ("s", 1e9),
    };
    let step = match ticks_ns {
        [first, second, ..] => (second - first) / divisor,
        _ => most_ns / divisor,
    };
    let places = if step > 0.0 { (-step.log10() - 1e-9).ceil().max(0.0) as usize } else { 0 };
    let label =
        |at_ns: &f64| if *at_ns == 0.0 { "0".to_owned() } else { format!("{:.places$} {unit}", at_ns / divisor) };
    ticks_ns.iter().map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_nine_is_one_step() {
        assert_eq!(tail(0.0, 5.0), 0.0);
        assert!((tail(0.9, 5.0) - 1.0).abs() < 1e-9);
        assert!((tail(0.999, 5.0) - 3.0).abs() < 1e-9);
        assert_eq!(tail(1.0, 5.0), 5.0);
        let labels: Vec<_> = tail_ticks(4.0).into_iter().map(tail_label).collect();
        assert_eq!(labels, ["50 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
    }

    #[test]
    fn ticks_are_round_and_at_least_three_where_they_can_be() {
        let labels = |low, high| log_ticks((low, high)).into_iter().map(tick_label).collect::<Vec<_>>();
        assert_eq!(labels(1.5, 6.5), ["100 ns", "1 µs", "10 µs", "100 µs", "1 ms"]);
        assert_eq!(labels(5.9, 7.1), ["1 ms", "2 ms", "5 ms", "10 ms"]);
        assert_eq!(labels(6.0, 6.2), ["1 ms", "1.2 ms", "1.4 ms"]);
        assert_eq!(labels(9.0, 10.5), ["1 s", "2 s", "5 s", "10 s", "20 s"]);
        assert!(log_ticks((f64::NEG_INFINITY, f64::INFINITY)).len() < 25);
        assert!(log_ticks((f64::NAN, f64::NAN)).is_empty());
    }

    #[test]
    fn ordinary_ticks_are_round() {
        assert_eq!(linear_ticks((-3.0, 105.0)), [0.0, 50.0, 100.0]);
        assert_eq!(linear_ticks((-1.0, 30.0)), [0.0, 10.0, 20.0, 30.0]);
        assert!(linear_ticks((0.0, 0.0)).is_empty() && linear_ticks((0.0, f64::INFINITY)).is_empty());
    }

    #[test]
    fn times_come_back_from_their_places() {
        assert_eq!((log_ns(0), log_ns(1_000_000), time_ns(6.0)), (2.0, 6.0, 1_000_000));
        assert_eq!((log_label(2.0), log_label(6.0)), ("≤ 100 ns".to_owned(), "1.00 ms".to_owned()));
    }

    #[test]
    fn labels_of_times_keep_neighbours_apart() {
        assert_eq!(time_labels(&[0.0, 50e6, 100e6]), ["0", "50 ms", "100 ms"]);
        assert_eq!(time_labels(&[350_122_000.0, 350_123_000.0]), ["350.122 ms", "350.123 ms"]);
        assert_eq!(time_labels(&[0.0, 5e8, 1e9]), ["0", "0.5 s", "1.0 s"]);
        assert_eq!(time_labels(&[20e3, 40e3]), ["20 µs", "40 µs"]);
        assert!(time_labels(&[]).is_empty());
    }
}
