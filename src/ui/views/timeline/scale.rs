//! Round times along the timeline, and their labels.
//!
//! Its ends are where somebody zoomed to; `figures::axis` has the axes whose ends are round.

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
    fn ordinary_ticks_are_round() {
        assert_eq!(linear_ticks((-3.0, 105.0)), [0.0, 50.0, 100.0]);
        assert_eq!(linear_ticks((-1.0, 30.0)), [0.0, 10.0, 20.0, 30.0]);
        assert!(linear_ticks((0.0, 0.0)).is_empty() && linear_ticks((0.0, f64::INFINITY)).is_empty());
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
