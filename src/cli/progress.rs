//! How far a sweep is, on standard error. Draws between runs only: drawing is work, and work beside a run is noise.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::measure::schedule::Forecast;
use crate::plan::PlannedRun;

/// A progress line; nothing at all where standard error is no terminal.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:24} run {human_pos}/{human_len}  {msg}  ETA {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self(bar)
    }

    pub(super) fn run_started(&self, run: &PlannedRun) {
        let warmup = match run {
            PlannedRun { warmup: true, .. } => " (warm-up)",
            PlannedRun { is_confirmation: true, .. } => " (to confirm)",
            _ => "",
        };
        self.0.set_message(format!("{}{warmup}", run.case));
        self.0.tick();
    }

    pub(super) fn foresee(&self, forecast: Forecast) {
        self.0.set_length(self.0.position() + forecast.num_runs + forecast.num_later);
    }

    pub(super) fn run_finished(&self) {
        self.0.inc(1);
    }

    /// Prints a line above the bar.
    pub(super) fn line(&self, line: &str) {
        self.0.suspend(|| super::warn(line));
    }

    /// Takes the line away; says how long it all took.
    pub(super) fn done(&self) -> Duration {
        self.0.finish_and_clear();
        self.0.elapsed()
    }
}
