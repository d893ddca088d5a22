//! Numbers to text, once, for window, command line and report.
//!
//! Pure: knows no metric and no locale. Integers and floats stay what they are until they get here.

use std::time::Duration;

/// What stands where there is no number.
pub const NO_VALUE: &str = "–";

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Milliseconds; shown as whichever of ns, µs, ms and s reads best.
    Milliseconds,
    /// Frames per second.
    FramesPerSecond,
    /// Milliseconds of latency for each frame a second.
    MillisecondsPerFps,
    /// Bytes; shown in binary multiples.
    Bytes,
    /// Of a hundred.
    Percent,
    /// Things.
    Count,
}

impl Unit {
    /// Short name for axis labels and table heads; empty for plain counts.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::FramesPerSecond => "fps",
            Self::MillisecondsPerFps => "ms/fps",
            Self::Bytes => "bytes",
            Self::Percent => "%",
            Self::Count => "",
        }
    }

    /// `value` with its unit, like "221.1 ms".
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Milliseconds => ms(value),
            Self::FramesPerSecond => fps(value),
            Self::MillisecondsPerFps => format!("{}/fps", ms(value)),
            Self::Bytes => bytes(value),
            Self::Percent => pct(value),
            Self::Count => count(value),
        }
    }

    /// As [`Unit::text`], or [`NO_VALUE`] where nothing was measured.
    pub fn text_or_none(self, value: Option<f64>) -> String {
        value.map_or_else(|| NO_VALUE.to_owned(), |value| self.text(value))
    }
}

/// A time in nanoseconds: "221.1 ms", "737 µs".
pub fn ns(value_ns: u64) -> String {
    ns_f64(value_ns as f64)
}

/// A time in milliseconds, written like [`ns`].
pub fn ms(value_ms: f64) -> String {
    ns_f64(value_ms * 1e6)
}

/// Frames per second: "516.3 fps", "1,431 fps".
pub fn fps(value: f64) -> String {
    finite(value, |value| match value.abs() {
        // 999.95 would be rounded to 1000.0.
        999.95.. => format!("{} fps", grouped(&decimal(value, 0))),
        _ => format!("{} fps", decimal(value, 1)),
    })
}

/// A size: "813 B", "1.4 MiB".
pub fn bytes(value: f64) -> String {
    finite(value, |value| {
        let (mut scaled, mut symbols) = (value, ["B", "KiB", "MiB", "GiB", "TiB"].into_iter());
        let mut symbol = symbols.next().unwrap_or_default();
        // 1023.95 would be rounded to 1024.0 of the smaller unit.
        while scaled.abs() >= 1023.95
            && let Some(larger) = symbols.next()
        {
            (scaled, symbol) = (scaled / 1024.0, larger);
        }
        let places = usize::from(symbol != "B" || scaled.fract() != 0.0);
        format!("{} {symbol}", decimal(scaled, places))
    })
}

/// How many: "1,000,000", with a digit after the point only where a mean is no whole number.
pub fn count(value: f64) -> String {
    finite(value, |value| {
        let rounded = decimal(value, usize::from(value.fract() != 0.0));
        let digits_end = rounded.find('.').unwrap_or(rounded.len());
        let (whole, fraction) = rounded.split_at(digits_end);
        format!("{}{fraction}", grouped(whole))
    })
}

/// A share: "4.2 %".
pub fn pct(value: f64) -> String {
    finite(value, |value| format!("{} %", decimal(value, 1)))
}

/// A change, its sign always written: "−89.6 %", "+3.0 %".
pub fn change_pct(value: f64) -> String {
    finite(value, |value| {
        let text = decimal(value, 1);
        let sign = if value > 0.0 && text != "0.0" { "+" } else { "" };
        format!("{sign}{text} %")
    })
}

/// As [`change_pct`], or [`NO_VALUE`].
pub fn change_pct_or_none(value: Option<f64>) -> String {
    value.map_or_else(|| NO_VALUE.to_owned(), change_pct)
}

/// A time to wait, in whole seconds: "8 s", "2 min 05 s", "1 h 02 min".
pub fn duration(value: Duration) -> String {
    let secs = value.as_secs() + u64::from(value.subsec_millis() >= 500);
    match secs {
        0..60 => format!("{secs} s"),
        60..3600 => format!("{} min {:02} s", secs / 60, secs % 60),
        _ => format!("{} h {:02} min", secs / 3600, secs % 3600 / 60),
    }
}

/// Below each limit the rounded number still fits the digits of its row.
const TIME_ROWS: [(f64, f64, usize, &str); 7] = [
    (999.5, 1e0, 0, "ns"),
    (9.995e3, 1e3, 2, "µs"),
    (99.95e3, 1e3, 1, "µs"),
    (999.5e3, 1e3, 0, "µs"),
    (9.995e6, 1e6, 2, "ms"),
    (999.95e6, 1e6, 1, "ms"),
    (9.9995e9, 1e9, 3, "s"),
];

fn ns_f64(value_ns: f64) -> String {
    finite(value_ns, |value_ns| {
        // Nothing has no precision, so it needs no small unit.
        if value_ns == 0.0 {
            return "0 ms".to_owned();
        }
        let fits = |row: &&(f64, f64, usize, &str)| value_ns.abs() < row.0;
        let &(_, divisor, places, symbol) = TIME_ROWS.iter().find(fits).unwrap_or(&(0.0, 1e9, 1, "s"));
        format!("{} {symbol}", decimal(value_ns / divisor, places))
    })
}

fn finite(value: f64, text: impl FnOnce(f64) -> String) -> String {
    if value.is_finite() { text(value) } else { NO_VALUE.to_owned() }
}

/// Fixed places, a true minus sign, and never "−0".
fn decimal(value: f64, places: usize) -> String {
    let text = format!("{:.places$}", value.abs());
    let is_zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    if value < 0.0 && !is_zero { format!("−{text}") } else { text }
}

/// A comma before every third digit from the right.
fn grouped(whole: &str) -> String {
    let (sign, digits) = whole.strip_prefix('−').map_or(("", whole), |digits| ("−", digits));
    let mut text = sign.to_owned();
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_take_the_unit_that_reads_best() {
        let expected = [
            (0, "0 ms"),
            (999, "999 ns"),
            (3_120, "3.12 µs"),
            (9_995, "10.0 µs"),
            (22_449, "22.4 µs"),
            (737_000, "737 µs"),
            (999_499, "999 µs"),
            (999_500, "1.00 ms"),
            (1_330_000, "1.33 ms"),
            (22_500_000, "22.5 ms"),
            (221_100_000, "221.1 ms"),
            (999_950_000, "1.000 s"),
            (12_340_000_000, "12.3 s"),
        ];
        for (value_ns, text) in expected {
            assert_eq!(ns(value_ns), text);
        }
    }

    #[test]
    fn differences_keep_their_sign() {
        assert_eq!(ms(-198.6), "−198.6 ms");
        assert_eq!(change_pct(-89.62), "−89.6 %");
        assert_eq!(change_pct(3.0), "+3.0 %");
        assert_eq!(change_pct(-0.04), "0.0 %");
        assert_eq!(change_pct(0.04), "0.0 %");
        assert_eq!(change_pct_or_none(None), NO_VALUE);
    }

    #[test]
    fn sizes_and_counts() {
        assert_eq!(bytes(813.0), "813 B");
        assert_eq!(bytes(1023.0), "1023 B");
        assert_eq!(bytes(1024.0), "1.0 KiB");
        assert_eq!(bytes(1_048_575.0), "1.0 MiB");
        assert_eq!(count(4.0), "4");
        assert_eq!(count(3.67), "3.7");
        assert_eq!(count(1_000_000.0), "1,000,000");
        assert_eq!(count(-1234.0), "−1,234");
        assert_eq!((fps(1430.55), fps(516.26)), ("1,431 fps".to_owned(), "516.3 fps".to_owned()));
        assert_eq!(pct(4.25), "4.2 %");
    }

    #[test]
    fn what_is_no_number_is_never_printed_as_one() {
        for unit in [Unit::Milliseconds, Unit::FramesPerSecond, Unit::Bytes, Unit::Count] {
            assert_eq!(unit.text(f64::NAN), NO_VALUE);
            assert_eq!(unit.text(f64::INFINITY), NO_VALUE);
            assert_eq!(unit.text_or_none(None), NO_VALUE);
        }
    }

    #[test]
    fn durations_drop_what_no_one_waits_for() {
        let text = |secs| duration(Duration::from_secs_f64(secs));
        assert_eq!(text(0.4), "0 s");
        assert_eq!(text(59.6), "1 min 00 s");
        assert_eq!(text(125.0), "2 min 05 s");
        assert_eq!(text(3725.0), "1 h 02 min");
    }
}
