//! One line that says what is seen in the timeline.
//!
//! Knows no egui.

use crate::ui::views::distributions::selection::FrameTime;
use crate::ui::views::timeline::model::Timeline;
use crate::ui::views::timeline::state::TimelineState;
use crate::units;

/// Of the chosen frame, or else of what is shown.
pub fn headline(timeline: &Timeline, state: &TimelineState) -> String {
    match state.frame.and_then(|frame| Some((frame, *timeline.frames.lock_ns.get(frame)?))) {
        Some((frame, lock_ns)) => of_frame(timeline, frame, lock_ns),
        None => of_stretch(timeline, state),
    }
}

fn of_frame(timeline: &Timeline, frame: usize, lock_ns: u64) -> String {
    if lock_ns == 0 {
        return format!("Frame {frame} did not wait in the lock");
    }
    let time = units::ns(lock_ns);
    let share = units::pct(100.0 * lock_ns as f64 / timeline.lock_ns.max(1) as f64);
    let is_worst = timeline.worst(FrameTime::LockWait).first() == Some(&frame);
    let early = early(timeline, frame);
    if is_worst {
        return format!("Frame {frame} waited longest: {time} in the lock, {share} of the run's lock wait{early}");
    }
    let at_ns = timeline.frames.lock_at_ns.get(frame).copied().unwrap_or(0);
    let place =
        timeline.stalls.place(frame, at_ns).map(|place| format!("; stall {place} of {}", timeline.stalls.len()));
    let place = place.unwrap_or_default();
    format!("Frame {frame} waited {time} in the lock, {share} of the run's lock wait{place}{early}")
}

/// Where the engine's times are known: by how much it had finished the frame before the lock returned. That part of the wait
/// is not the engine's.
fn early(timeline: &Timeline, frame: usize) -> String {
    let Some(&encoded_at_ns) = timeline.frames.encoded_at_ns.get(frame) else { return String::new() };
    let lock = timeline.times().lock(frame as u32);
    match lock.until_ns.saturating_sub(encoded_at_ns.max(lock.from_ns)) {
        0 => String::new(),
        early_ns => format!("; the engine had finished it {} before the lock returned", units::ns(early_ns)),
    }
}

fn of_stretch(timeline: &Timeline, state: &TimelineState) -> String {
    let submitted = &timeline.frames.submit_at_ns;
    let run = format!("{}, lock wait {}", count(submitted.len()), units::ns(timeline.lock_ns));
    if state.shows_all() {
        return format!("Whole run: {}, {run}", units::ns(timeline.span_ns));
    }
    let (from_ns, until_ns) = state.bounds(timeline);
    let first = submitted.partition_point(|&at_ns| (at_ns as f64) < from_ns);
    let end = submitted.partition_point(|&at_ns| at_ns as f64 <= until_ns);
    let length = units::ns((until_ns - from_ns) as u64);
    let num_seen = count(end.saturating_sub(first));
    format!("{length} of the run's {}: {num_seen} submitted", units::ns(timeline.span_ns))
}

fn count(num_frames: usize) -> String {
    let noun = if num_frames == 1 { "frame" } else { "frames" };
    format!("{} {noun}", units::count(num_frames as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::fixture::{push_run, session};

    #[test]
    fn it_is_about_the_chosen_frame_or_else_about_what_is_shown() {
        let mut latencies = vec![1_000_000; 200];
        (latencies[70], latencies[90]) = (3_000_000, 2_000_000);
        let mut session = session();
        push_run(&mut session, 1, &latencies, 4_000_000);
        let timeline = Timeline::of(&session.runs[0]);
        let mut state = TimelineState::default();
        let said = |state: &TimelineState| headline(&timeline, state);
        assert_eq!(said(&state), "Whole run: 801.0 ms, 200 frames, lock wait 100.3 ms");
        state.open(&timeline);
        assert_eq!(said(&state), "Frame 70 waited longest: 1.49 ms in the lock, 1.5 % of the run's lock wait");
        state.frame = Some(90);
        assert_eq!(said(&state), "Frame 90 waited 994 µs in the lock, 1.0 % of the run's lock wait; stall 2 of 2");
        state.frame = Some(3);
        assert_eq!(said(&state), "Frame 3 waited 494 µs in the lock, 0.5 % of the run's lock wait");
        state.frame = None;
        state.show(&timeline, 10e6, 20e6);
        assert_eq!(said(&state), "10.0 ms of the run's 801.0 ms: 3 frames submitted");
    }
}
