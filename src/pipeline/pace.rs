//! When to ask whether the oldest frame is finished: once at once, then rarely while it cannot be, and often when it is due.
//!
//! Knows what a frame has taken lately, and no engine. Times are in nanoseconds.

use std::time::Duration;

/// Between two questions: a call costs about a microsecond, and a question more than this late costs a frame latency.
const SHORTEST_STEP_NS: f64 = 5_000.0;
const LONGEST_STEP_NS: f64 = 500_000.0;
/// Before anything is known.
const FIRST_STEP_NS: f64 = 20_000.0;
/// Questions come this much of a frame's time apart, and begin as long before it is due as four of them take.
const STEPS_PER_FRAME: f64 = 32.0;
const EARLY: f64 = 0.875;
/// Weight of the newest frame in the estimate.
const NEWEST: f64 = 0.125;

/// An estimate of how long the engine works on a frame.
#[derive(Debug, Default)]
pub(super) struct Pace {
    frame_ns: Option<f64>,
}

impl Pace {
    /// The pause after the first question, `since_ns` after the engine can have begun: until shortly before the frame is due.
    pub(super) fn until_due(&self, since_ns: u64) -> Duration {
        let left_ns = self.frame_ns.map_or(0.0, |frame_ns| EARLY * frame_ns - since_ns as f64);
        if left_ns > SHORTEST_STEP_NS { Duration::from_nanos(left_ns as u64) } else { self.step() }
    }

    /// The pause between two later questions.
    pub(super) fn step(&self) -> Duration {
        let step_ns = self.frame_ns.map_or(FIRST_STEP_NS, |frame_ns| frame_ns / STEPS_PER_FRAME);
        Duration::from_nanos(step_ns.clamp(SHORTEST_STEP_NS, LONGEST_STEP_NS) as u64)
    }

    /// A frame was finished `took_ns` after the engine can have begun it, seen at the `num_asked`-th question.
    pub(super) fn note(&mut self, took_ns: u64, num_asked: u32) {
        let took_ns = took_ns as f64;
        self.frame_ns = Some(match (self.frame_ns, num_asked) {
            (None, _) => took_ns,
            // It was finished when nobody looked.
            (Some(frame_ns), 0 | 1) => frame_ns,
            // It may have been finished for a while when the pause ended.
            (Some(frame_ns), 2) => frame_ns.min(took_ns) * (1.0 - NEWEST / 2.0),
            (Some(frame_ns), _) => frame_ns + NEWEST * (took_ns - frame_ns),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of `frame_ns`, asked about as the pace says; returns how often a frame was asked about and how late it was seen
    /// in the mean of the second half.
    fn watch(pace: &mut Pace, frame_ns: u64) -> (f64, f64) {
        let (mut asked, mut late_ns) = (0_u64, 0_u64);
        for frame in 0..200 {
            let (mut at_ns, mut num_asked) = (0, 1);
            while at_ns < frame_ns {
                let pause = if num_asked == 1 { pace.until_due(at_ns) } else { pace.step() };
                at_ns += pause.as_nanos() as u64;
                num_asked += 1;
            }
            pace.note(at_ns, num_asked);
            if frame >= 100 {
                (asked, late_ns) = (asked + u64::from(num_asked), late_ns + at_ns - frame_ns);
            }
        }
        (asked as f64 / 100.0, late_ns as f64 / 100.0)
    }

    #[test]
    fn questions_are_few_and_close_to_the_end_whatever_the_frame_takes() {
        for frame_ns in [100_000, 240_000, 1_270_000, 8_000_000] {
            let mut pace = Pace::default();
            let (asked, late_ns) = watch(&mut pace, frame_ns);
            assert!((2.0..=9.0).contains(&asked), "{frame_ns} ns: {asked} questions");
            assert!(late_ns <= 0.05 * frame_ns as f64 + SHORTEST_STEP_NS, "{frame_ns} ns: {late_ns} ns late");
        }
    }

    #[test]
    fn it_follows_an_engine_that_becomes_faster_or_slower() {
        let mut pace = Pace::default();
        for frame_ns in [1_000_000, 200_000, 4_000_000] {
            let (asked, late_ns) = watch(&mut pace, frame_ns);
            assert!(
                asked <= 9.0 && late_ns <= 0.05 * frame_ns as f64 + SHORTEST_STEP_NS,
                "{frame_ns}: {asked}, {late_ns}"
            );
        }
    }
}
