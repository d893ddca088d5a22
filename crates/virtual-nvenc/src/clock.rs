//! The driver's clock: monotonic nanoseconds since first use, and a wait that ends on time.
//! It knows nothing about pictures or engines.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use spin_sleep::{SpinSleeper, SpinStrategy};

/// The kernel is trusted to within this much; only the rest of a wait is spun away.
const SPIN_NS: u32 = 100_000;

/// Nanoseconds since this function was first called in the process.
pub fn now_ns() -> u64 {
    u64::try_from(epoch().elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Waits for an absolute time of [`now_ns`]; returns at once when it has passed.
pub fn sleep_until(deadline_ns: u64) {
    // Spinning must not yield: on a busy machine the scheduler would take the core for a whole time slice.
    let sleeper = SpinSleeper::new(SPIN_NS).with_spin_strategy(SpinStrategy::SpinLoopHint);
    sleeper.sleep_until(epoch() + Duration::from_nanos(deadline_ns));
}

/// The moment that [`now_ns`] called so.
pub fn instant(at_ns: u64) -> Instant {
    epoch() + Duration::from_nanos(at_ns)
}

fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}
