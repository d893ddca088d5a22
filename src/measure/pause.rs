//! The pause between two runs in which the watcher of a sweep may draw, so that its drawing disturbs no run.
//!
//! Knows times and whether somebody draws; not what is drawn, nor what is measured.

use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often a watcher may draw, and how long the sweep waits for it at most.
const DRAW_EVERY: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_millis(400);
/// A picture that another one follows, as in an animation, is followed within this time after the first is done.
const NEXT_PICTURE: Duration = Duration::from_millis(3);

/// What a sweep between two runs and its watcher know of each other.
#[derive(Debug, Default)]
pub(super) struct Pause {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    is_drawing: bool,
    /// When what was drawn last is done, as far as is known.
    done_at: Option<Instant>,
    /// It did not answer the last time: a window that is hidden draws nothing.
    is_absent: bool,
    last: Option<Instant>,
}

impl State {
    /// When the pause ends if nothing changes: soon after the last picture, and `over` at the latest.
    fn ends_at(&self, over: Instant) -> Instant {
        let drawn = self.done_at.filter(|_| !self.is_drawing);
        drawn.map_or(over, |done| over.min(done + NEXT_PICTURE))
    }
}

impl Pause {
    /// Between two runs: gives the watcher the time to draw, if it is due and somebody is there. Ends when nothing more is
    /// drawn.
    pub(super) fn take(&self, wake: &impl Fn()) {
        let mut state = self.state();
        if state.last.is_some_and(|last| last.elapsed() < DRAW_EVERY) {
            return;
        }
        let begin = Instant::now();
        state.last = Some(begin);
        state.is_drawing = true;
        wake();
        if mem::replace(&mut state.is_absent, true) {
            return;
        }
        let over = begin + LONGEST;
        loop {
            let left = state.ends_at(over).saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The watcher begins a picture.
    pub(super) fn begin_drawing(&self) {
        self.state().is_drawing = true;
        self.changed.notify_all();
    }

    /// The watcher has drawn what it knows; the drawing goes on for `rest` where another process or thread does it.
    pub(super) fn has_drawn(&self, rest: Duration) {
        let mut state = self.state();
        (state.is_drawing, state.is_absent, state.done_at) = (false, false, Some(Instant::now() + rest));
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;

    use super::*;

    /// A pause that is due. `draw` is what the watcher does when it is woken, on a thread of its own, as the one that
    /// draws is: the sweep holds the lock while it wakes it.
    fn pause(pause: &Arc<Pause>, draw: impl FnOnce(&Pause) + Send + 'static) {
        pause.state().last = None;
        let draw = Cell::new(Some(draw));
        pause.take(&|| {
            let pause = Arc::clone(pause);
            let draw = draw.take().unwrap();
            drop(std::thread::spawn(move || draw(&pause)));
        });
    }

    #[test]
    fn a_watcher_that_is_hidden_is_waited_for_only_once() {
        let shared = Arc::new(Pause::default());
        pause(&shared, |watcher| watcher.has_drawn(Duration::ZERO));
        assert!(!shared.state().is_absent);
        shared.take(&|| panic!("not due again so soon"));
        pause(&shared, |_| ());
        assert!(shared.state().is_absent);
        // Asked again, and not waited for until it answers.
        pause(&shared, |watcher| watcher.has_drawn(Duration::ZERO));
        while shared.state().is_absent {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_pause_ends_after_the_last_picture_and_in_any_case() {
        let pause = Pause::default();
        let begin = Instant::now();
        let over = begin + Duration::from_secs(3600);
        let ends_at = || pause.state().ends_at(over);
        pause.begin_drawing();
        assert_eq!(ends_at(), over);
        let rest = Duration::from_secs(60);
        pause.has_drawn(rest);
        assert!((begin + rest..over).contains(&ends_at()));
        // Another picture follows before the first is done.
        pause.begin_drawing();
        assert_eq!(ends_at(), over);
        pause.has_drawn(2 * (over - begin));
        assert_eq!(ends_at(), over);
    }
}
