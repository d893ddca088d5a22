//! How long a frame of the window takes to draw, so that a sweep waits for it between two runs and not longer.

use std::time::{Duration, Instant};

use eframe::egui::Context;

/// At once, but only one frame: egui answers a plain request with two.
pub(in crate::ui) const SOON: Duration = Duration::from_millis(1);
/// Of so many frames of a sweep one is timed.
const TIMED_EVERY: u32 = 8;

/// How long drawing goes on after everything to draw is known: now and then a frame is followed by another at once, and the
/// time between the two says it.
#[derive(Debug, Default)]
pub(in crate::ui) struct Drawing {
    num_drawn: u32,
    began: Option<Instant>,
    laid_out: Duration,
    is_timed: bool,
    rest: Duration,
}

impl Drawing {
    /// A frame begins.
    pub(in crate::ui) fn tick(&mut self) {
        let whole = self.began.replace(Instant::now()).map(|began| began.elapsed());
        if let Some(whole) = whole.filter(|_| self.is_timed) {
            self.rest = whole.saturating_sub(self.laid_out);
        }
    }

    /// Everything to draw is known. How much longer it takes; `None`: the next frame, which follows at once, will tell.
    pub(in crate::ui) fn lay_out(&mut self, ctx: &Context) -> Option<Duration> {
        self.laid_out = self.began.map_or(Duration::ZERO, |began| began.elapsed());
        let was_timed = std::mem::take(&mut self.is_timed);
        self.num_drawn = self.num_drawn.wrapping_add(u32::from(!was_timed));
        if !was_timed && self.num_drawn % TIMED_EVERY == 1 {
            self.is_timed = true;
            ctx.request_repaint_after(SOON);
            return None;
        }
        Some(self.rest)
    }
}
