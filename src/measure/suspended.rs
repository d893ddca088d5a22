//! Was this process stopped, or the computer asleep, while a run was made? Its times are then those of nothing.
//!
//! A process that goes on gets SIGCONT; a computer that slept has one clock that did not.

use std::time::Duration;

/// More than two readings of two clocks differ by.
const SLEPT: Duration = Duration::from_millis(20);

/// Since when.
#[derive(Debug)]
pub(super) struct Since {
    slept: Option<Duration>,
}

impl Since {
    /// From now on.
    pub(super) fn now() -> Self {
        system::forget_continued();
        Self { slept: system::slept() }
    }

    /// What happened since, in words.
    pub(super) fn what_happened(&self) -> Option<&'static str> {
        let slept = system::slept().zip(self.slept).map(|(now, before)| now.saturating_sub(before));
        match slept {
            Some(slept) if slept > SLEPT => Some("the computer slept"),
            _ if system::was_continued() => Some("the process was stopped and went on (Ctrl-Z, SIGSTOP, a debugger)"),
            _ => None,
        }
    }
}

#[cfg(unix)]
mod system {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, OnceLock};
    use std::time::Duration;

    /// Set by the signal. `None` where the system refuses to tell.
    fn continued() -> Option<&'static Arc<AtomicBool>> {
        static CONTINUED: OnceLock<Option<Arc<AtomicBool>>> = OnceLock::new();
        let register = || {
            let flag = Arc::new(AtomicBool::new(false));
            signal_hook::flag::register(signal_hook::consts::SIGCONT, Arc::clone(&flag)).ok().map(|_| flag)
        };
        CONTINUED.get_or_init(register).as_ref()
    }

    pub(super) fn forget_continued() {
        continued().inspect(|flag| flag.store(false, Ordering::Relaxed));
    }

    pub(super) fn was_continued() -> bool {
        continued().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// How long the computer has slept since it was started.
    #[cfg(target_os = "linux")]
    pub(super) fn slept() -> Option<Duration> {
        use rustix::time::{ClockId, clock_gettime};
        let read = |clock| {
            let time = clock_gettime(clock);
            Some(Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?))
        };
        // In this order what passes between the two readings is no sleep.
        let awake = read(ClockId::Monotonic)?;
        Some(read(ClockId::Boottime)?.saturating_sub(awake))
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn slept() -> Option<Duration> {
        None
    }
}

#[cfg(not(unix))]
mod system {
    use std::time::Duration;

    pub(super) fn forget_continued() {}

    pub(super) fn was_continued() -> bool {
        false
    }

    pub(super) fn slept() -> Option<Duration> {
        None
    }
}
