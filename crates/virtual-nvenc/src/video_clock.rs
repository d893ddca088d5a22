//! The clock of a device's video engines, as pure arithmetic: how fast they run at a time, and what a picture costs then.
//! Times are arguments in nanoseconds; this file knows no clock of the host, no thread and no API.
//!
//! All engines of a device share the clock. Its state is a few numbers that the engines change without a lock; two that
//! begin to work at the same moment may disagree by the time between them.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::engine::Service;

/// The clock at which a picture costs what the device's description says. Assumed, as is all of this file: in the range
/// of real video engines. Only its ratio to the other clocks changes a picture's time.
pub const FULL_MHZ: u32 = 1950;

/// The clock without work: about a third of the full one, so that a run that begins cold shows it.
pub const IDLE_MHZ: u32 = 645;

/// Without work for so long, the clock is back at idle: a pause between two runs is enough to see it.
const IDLE_AFTER_NS: u64 = 1_000_000_000;

/// How long each slowdown of [`Throttle::Every`] lasts.
const SLOWDOWN_NS: u64 = 1_000_000_000;

/// What stands for a time that has not come.
const NEVER: u64 = u64::MAX;

/// How the clock follows the work. As text: `fixed` or `ramp:400ms`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clocking {
    /// Always full.
    #[default]
    Fixed,
    /// Idle without work; from the first work on up to full, in a straight line.
    Ramp {
        /// How long the way up takes.
        up_ms: u32,
    },
}

/// When the clock is halved. As text: `never`, `every:7s` or `after:3s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Throttle {
    /// At no time.
    #[default]
    Never,
    /// In the last second of each period, counted from when the device was made.
    Every {
        /// Length of the period.
        period_ms: u32,
    },
    /// For good.
    After {
        /// From the device's first work on.
        delay_ms: u32,
    },
}

/// The clock of one device.
#[derive(Debug)]
pub struct VideoClock {
    clocking: Clocking,
    throttle: Throttle,
    made_ns: u64,
    /// 0: not locked.
    locked_mhz: AtomicU32,
    first_work_ns: AtomicU64,
    /// The first work since the clock was idle.
    working_since_ns: AtomicU64,
    /// Until then there is work.
    working_until_ns: AtomicU64,
}

impl VideoClock {
    /// The clock of a device that was made at `made_ns`.
    pub fn new(clocking: Clocking, throttle: Throttle, made_ns: u64) -> VideoClock {
        VideoClock {
            clocking,
            throttle,
            made_ns,
            locked_mhz: AtomicU32::new(0),
            first_work_ns: AtomicU64::new(NEVER),
            working_since_ns: AtomicU64::new(NEVER),
            working_until_ns: AtomicU64::new(NEVER),
        }
    }

    /// An engine takes a picture up at `start_ns` that costs `service` at the full clock; what it costs at the clock of
    /// that moment. At the full clock that is exactly `service`.
    pub fn take_up(&self, start_ns: u64, service: Service) -> Service {
        if self.is_idle(start_ns) {
            self.working_since_ns.store(start_ns, Ordering::Relaxed);
            self.working_until_ns.store(start_ns, Ordering::Relaxed);
            _ = self.first_work_ns.compare_exchange(NEVER, start_ns, Ordering::Relaxed, Ordering::Relaxed);
        }
        let mhz = self.mhz(start_ns);
        let service = if mhz == FULL_MHZ { service } else { service.scaled(f64::from(FULL_MHZ) / f64::from(mhz)) };
        self.working_until_ns.fetch_max(start_ns + service.latency_ns, Ordering::Relaxed);
        service
    }

    /// The clock at that time.
    pub fn mhz(&self, at_ns: u64) -> u32 {
        let mhz = match (self.locked_mhz.load(Ordering::Relaxed), self.clocking) {
            (0, Clocking::Fixed) => FULL_MHZ,
            (0, Clocking::Ramp { .. }) if self.is_idle(at_ns) => IDLE_MHZ,
            (0, Clocking::Ramp { up_ms }) => {
                let worked_ns = at_ns.saturating_sub(self.working_since_ns.load(Ordering::Relaxed));
                let (up_ns, span_mhz) = (ns(up_ms), u64::from(FULL_MHZ - IDLE_MHZ));
                // At most the span, which fits.
                IDLE_MHZ + (span_mhz * worked_ns.min(up_ns) / up_ns.max(1)) as u32
            }
            (locked_mhz, _) => locked_mhz,
        };
        if self.is_throttled(at_ns) { mhz / 2 } else { mhz }
    }

    /// Has there been no work for a second?
    pub fn is_idle(&self, at_ns: u64) -> bool {
        match self.working_until_ns.load(Ordering::Relaxed) {
            NEVER => true,
            until_ns => at_ns >= until_ns + IDLE_AFTER_NS,
        }
    }

    /// Is the clock halved?
    pub fn is_throttled(&self, at_ns: u64) -> bool {
        match self.throttle {
            Throttle::Never => false,
            Throttle::Every { period_ms } => {
                let period_ns = ns(period_ms).max(1);
                at_ns.saturating_sub(self.made_ns) % period_ns >= period_ns.saturating_sub(SLOWDOWN_NS)
            }
            Throttle::After { delay_ms } => {
                at_ns >= self.first_work_ns.load(Ordering::Relaxed).saturating_add(ns(delay_ms))
            }
        }
    }

    /// Keeps the clock, within what it can be, instead of letting it follow the work; `None`: lets it again. Pictures
    /// that are booked already keep their times.
    pub fn lock(&self, mhz: Option<u32>) {
        let locked_mhz = mhz.map_or(0, |mhz| mhz.clamp(IDLE_MHZ, FULL_MHZ));
        self.locked_mhz.store(locked_mhz, Ordering::Relaxed);
    }
}

fn ns(ms: u32) -> u64 {
    u64::from(ms) * 1_000_000
}

const MAX_MS: u32 = 3_600_000;

impl FromStr for Clocking {
    type Err = ();

    fn from_str(text: &str) -> Result<Clocking, ()> {
        match text.split_once(':') {
            None if text == "fixed" => Ok(Clocking::Fixed),
            Some(("ramp", time)) => Ok(Clocking::Ramp { up_ms: milliseconds(time, 1)? }),
            _ => Err(()),
        }
    }
}

impl FromStr for Throttle {
    type Err = ();

    fn from_str(text: &str) -> Result<Throttle, ()> {
        match text.split_once(':') {
            None if text == "never" => Ok(Throttle::Never),
            // A shorter period would be slow for most of its time.
            Some(("every", time)) => Ok(Throttle::Every { period_ms: milliseconds(time, 2000)? }),
            Some(("after", time)) => Ok(Throttle::After { delay_ms: milliseconds(time, 0)? }),
            _ => Err(()),
        }
    }
}

fn milliseconds(text: &str, least: u32) -> Result<u32, ()> {
    let (number, unit_ms) = match text.strip_suffix("ms") {
        Some(number) => (number, 1),
        None => (text.strip_suffix('s').ok_or(())?, 1000),
    };
    let ms = number.parse::<u32>().ok().and_then(|number| number.checked_mul(unit_ms));
    ms.filter(|ms| (least..=MAX_MS).contains(ms)).ok_or(())
}

/// A time as [`milliseconds`] reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Millis(pub u32);

impl FromStr for Millis {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        milliseconds(text, 0).map(Self)
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1000) { write!(f, "{}s", self.0 / 1000) } else { write!(f, "{}ms", self.0) }
    }
}

impl fmt::Display for Clocking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Clocking::Fixed => f.write_str("fixed"),
            Clocking::Ramp { up_ms } => write!(f, "ramp:{}", Millis(up_ms)),
        }
    }
}

impl fmt::Display for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Throttle::Never => f.write_str("never"),
            Throttle::Every { period_ms } => write!(f, "every:{}", Millis(period_ms)),
            Throttle::After { delay_ms } => write!(f, "after:{}", Millis(delay_ms)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const S: u64 = 1000 * MS;
    const SERVICE: Service = Service { latency_ns: 1_000_001, interval_ns: 700_003 };

    /// Made at second 100.
    fn clock(clocking: &str, throttle: &str) -> VideoClock {
        VideoClock::new(clocking.parse().unwrap(), throttle.parse().unwrap(), 100 * S)
    }

    #[test]
    fn a_fixed_clock_changes_no_picture() {
        let clock = clock("fixed", "never");
        for (start_ns, was_idle) in [(100 * S, true), (100 * S + 1, false), (101 * S, false), (500 * S, true)] {
            assert_eq!(clock.is_idle(start_ns), was_idle);
            assert_eq!((clock.take_up(start_ns, SERVICE), clock.mhz(start_ns)), (SERVICE, FULL_MHZ));
            assert!(!clock.is_idle(start_ns) && !clock.is_throttled(start_ns));
        }
    }

    #[test]
    fn a_ramp_begins_at_the_first_work_and_ends_a_second_after_the_last() {
        let clock = clock("ramp:400ms", "never");
        assert_eq!(clock.mhz(200 * S), IDLE_MHZ, "nothing was done yet");
        let at_idle = clock.take_up(200 * S, SERVICE);
        assert_eq!(at_idle, SERVICE.scaled(1950.0 / 645.0));
        let mhz = [0, 100, 200, 399, 400, 900].map(|ms| clock.mhz(200 * S + ms * MS));
        assert_eq!(mhz, [645, 971, 1297, 1946, 1950, 1950]);
        assert_eq!(clock.take_up(200 * S + 500 * MS, SERVICE), SERVICE);
        let done_ns = 200 * S + 500 * MS + SERVICE.latency_ns;
        assert_eq!(clock.mhz(done_ns + S - 1), FULL_MHZ);
        assert_eq!(clock.mhz(done_ns + S), IDLE_MHZ);
        assert_eq!(clock.take_up(300 * S, SERVICE), at_idle, "and up again");
    }

    #[test]
    fn throttled_now_and_then_or_for_good_is_half_the_clock() {
        let every = clock("fixed", "every:7s");
        let mhz = [0, 5999, 6000, 6999, 7000, 13_500].map(|ms| every.mhz(100 * S + ms * MS));
        assert_eq!(mhz, [1950, 1950, 975, 975, 1950, 975]);
        assert_eq!(every.take_up(106 * S, SERVICE), SERVICE.scaled(2.0));
        let after = clock("fixed", "after:3s");
        assert_eq!(after.mhz(1000 * S), FULL_MHZ, "it has not worked yet");
        after.take_up(1000 * S, SERVICE);
        let throttled = [2999, 3000, 900_000].map(|ms| after.is_throttled(1000 * S + ms * MS));
        assert_eq!(throttled, [false, true, true]);
    }

    #[test]
    fn a_locked_clock_does_not_follow_the_work_but_is_throttled() {
        let clock = clock("ramp:1s", "every:2s");
        clock.lock(Some(1200));
        assert_eq!((clock.mhz(100 * S), clock.mhz(101 * S)), (1200, 600));
        assert_eq!(clock.take_up(102 * S, SERVICE), SERVICE.scaled(1950.0 / 1200.0));
        for (asked_mhz, mhz) in [(1, IDLE_MHZ), (5000, FULL_MHZ)] {
            clock.lock(Some(asked_mhz));
            assert_eq!(clock.mhz(100 * S), mhz);
        }
        clock.lock(None);
        assert_eq!(clock.mhz(102 * S + 500 * MS), 645 + 1305 / 2, "half way up since its work began");
    }

    #[test]
    fn texts_read_back_and_others_are_refused() {
        for text in ["fixed", "ramp:400ms", "ramp:2s", "ramp:1500ms"] {
            assert_eq!(text.parse::<Clocking>().unwrap().to_string(), text);
        }
        for text in ["never", "every:7s", "every:2500ms", "after:0s", "after:3s"] {
            assert_eq!(text.parse::<Throttle>().unwrap().to_string(), text);
        }
        for text in ["", "ramp", "ramp:", "ramp:400", "ramp:0ms", "ramp:-1s", "ramp:99999999s", "never", "fixed:1s"] {
            assert_eq!(text.parse::<Clocking>(), Err(()), "{text}");
        }
        for text in ["", "every", "every:1s", "after:x", "after:1h", "fixed", "sometimes:1s"] {
            assert_eq!(text.parse::<Throttle>(), Err(()), "{text}");
        }
    }
}
