//! What a person looks at in the timeline: the stretch that is shown, the frame that is chosen, the range that is marked.
//!
//! Knows the run and no egui: keys, buttons and the pointer all end in one of these steps.

use crate::ui::views::distributions::selection::FrameTime;
use crate::ui::views::timeline::lanes::times::Span;
use crate::ui::views::timeline::model::Timeline;

/// No clock tells more than this apart.
const SHORTEST_WINDOW_NS: f64 = 1_000.0;
/// So many times its own length is shown before and after a frame.
const NEIGHBOURS: f64 = 2.0;

/// The user's choices in the timeline.
#[derive(Debug, Clone, Copy, Default)]
pub struct TimelineState {
    shown: Shown,
    /// The frame whose numbers are shown.
    pub frame: Option<usize>,
    /// The stretch whose totals are shown, in nanoseconds; its ends may be in any order while it is dragged.
    pub range_ns: Option<(f64, f64)>,
    /// A drag marks a range, without Shift.
    pub selects_range: bool,
    /// What the drag in progress does.
    pub drag: Drag,
    /// The time that the list of slowest frames is sorted by.
    pub worst_by: FrameTime,
}

/// Which part of the run is shown.
#[derive(Debug, Clone, Copy, Default)]
enum Shown {
    /// Nobody has looked yet.
    #[default]
    New,
    Whole,
    /// Begin and end in nanoseconds.
    Stretch(f64, f64),
}

/// What a drag does.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Drag {
    /// None is in progress.
    #[default]
    Nothing,
    /// It moves the run.
    Pans,
    /// It marks a range.
    Selects,
}

/// Where the next stall is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Direction {
    Back,
    Forward,
}

impl TimelineState {
    /// Another run is looked at: nothing of the one before is meant.
    pub fn reset(&mut self) {
        *self = Self { selects_range: self.selects_range, worst_by: self.worst_by, ..Self::default() };
    }

    /// Shows the slowest frame, if nobody has looked at the run yet.
    pub fn open(&mut self, timeline: &Timeline) {
        if matches!(self.shown, Shown::New) {
            self.shown = Shown::Whole;
            let slowest = timeline.worst(self.worst_by).first();
            let times_ns = self.worst_by.column(&timeline.frames);
            let has_waited = |frame: &&usize| times_ns.get(**frame).is_some_and(|&time_ns| time_ns > 0);
            if let Some(&frame) = slowest.filter(has_waited) {
                self.go_to(timeline, frame);
            }
        }
    }

    /// Begin and end of what is shown, in nanoseconds.
    pub fn bounds(&self, timeline: &Timeline) -> (f64, f64) {
        match self.shown {
            Shown::New | Shown::Whole => (0.0, timeline.span_ns as f64),
            Shown::Stretch(from_ns, until_ns) => (from_ns, until_ns),
        }
    }

    /// Is the whole run shown?
    pub fn shows_all(&self) -> bool {
        !matches!(self.shown, Shown::Stretch(..))
    }

    /// Shows the whole run.
    pub fn fit(&mut self) {
        self.shown = Shown::Whole;
    }

    /// Shows a frame with some of its neighbours.
    pub fn go_to(&mut self, timeline: &Timeline, frame: usize) {
        let Some(stay) = timeline.stay(frame) else { return };
        let margin = NEIGHBOURS * stay.length_ns() as f64;
        self.frame = Some(frame);
        self.show(timeline, stay.from_ns as f64 - margin, stay.until_ns as f64 + margin);
    }

    /// Shows the next frame that waited long in the lock, from the chosen frame on if it is in sight, or else from the
    /// middle of what is shown.
    pub fn go_to_stall(&mut self, timeline: &Timeline, direction: Direction) {
        let (from_ns, until_ns) = self.bounds(timeline);
        let lock_at_ns = |frame: usize| timeline.frames.lock_at_ns.get(frame).copied();
        let is_seen = |at_ns: &u64| (from_ns..=until_ns).contains(&(*at_ns as f64));
        let middle_ns = (from_ns + until_ns) / 2.0;
        let at_ns = self.frame.and_then(lock_at_ns).filter(is_seen).unwrap_or(middle_ns as u64);
        let found = match direction {
            Direction::Back => timeline.stalls.before(at_ns),
            Direction::Forward => timeline.stalls.after(at_ns),
        };
        if let Some(frame) = found {
            self.go_to(timeline, frame);
        }
    }

    /// Shows a stretch of the run, moved and cut to what there is.
    pub fn show(&mut self, timeline: &Timeline, from_ns: f64, until_ns: f64) {
        let span_ns = timeline.span_ns as f64;
        let length = (until_ns - from_ns).max(SHORTEST_WINDOW_NS);
        let from_ns = from_ns.min(span_ns - length).max(0.0);
        self.shown = if length < span_ns { Shown::Stretch(from_ns, from_ns + length) } else { Shown::Whole };
    }

    /// Moves what is shown; a positive time comes from the right.
    pub fn pan(&mut self, timeline: &Timeline, by_ns: f64) {
        let (from_ns, until_ns) = self.bounds(timeline);
        self.show(timeline, from_ns + by_ns, until_ns + by_ns);
    }

    /// Moves what is shown so that a time is in the middle.
    pub fn centre(&mut self, timeline: &Timeline, at_ns: f64) {
        let (from_ns, until_ns) = self.bounds(timeline);
        self.pan(timeline, at_ns - (from_ns + until_ns) / 2.0);
    }

    /// Makes the stretch `factor` times as long; what lies at `share` of it stays in place.
    pub fn zoom(&mut self, timeline: &Timeline, factor: f64, share: f64) {
        let (from_ns, until_ns) = self.bounds(timeline);
        let fixed_ns = from_ns + share * (until_ns - from_ns);
        let length = ((until_ns - from_ns) * factor).max(SHORTEST_WINDOW_NS);
        self.show(timeline, fixed_ns - share * length, fixed_ns + (1.0 - share) * length);
    }

    /// The marked range, cut to the run; `None` if nothing, or no time at all, is marked.
    pub fn range(&self, timeline: &Timeline) -> Option<Span> {
        let (one_ns, other_ns) = self.range_ns?;
        let cut = |at_ns: f64| (at_ns.max(0.0) as u64).min(timeline.span_ns);
        let range = Span { from_ns: cut(one_ns.min(other_ns)), until_ns: cut(one_ns.max(other_ns)) };
        (range.length_ns() > 0).then_some(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::fixture::{push_run, session};

    /// 500 frames of 1 ms each, 2 ms apart; frames 100, 300 and 301 take longer.
    fn timeline() -> Timeline {
        let mut latencies = vec![1_000_000; 500];
        (latencies[100], latencies[300], latencies[301]) = (1_900_000, 1_500_000, 1_400_000);
        let mut session = session();
        push_run(&mut session, 1, &latencies, 2_000_000);
        Timeline::of(&session.runs[0])
    }

    #[test]
    fn a_run_opens_on_the_frame_that_waited_longest_with_neighbours_in_sight() {
        let timeline = timeline();
        let mut state = TimelineState::default();
        state.open(&timeline);
        assert_eq!(state.frame, Some(100));
        let (from_ns, until_ns) = state.bounds(&timeline);
        for frame in [98, 99, 100, 101, 102] {
            let at_ns = timeline.frames.submit_at_ns[frame] as f64;
            assert!(from_ns < at_ns && at_ns < until_ns, "frame {frame} is out of sight");
        }
        state.fit();
        state.open(&timeline);
        assert!(state.shows_all(), "opened twice");
        state.reset();
        state.open(&timeline);
        assert!(!state.shows_all());
    }

    #[test]
    fn a_run_without_any_wait_opens_whole() {
        let mut session = session();
        push_run(&mut session, 1, &[], 1_000_000);
        let timeline = Timeline::of(&session.runs[0]);
        let mut state = TimelineState::default();
        state.open(&timeline);
        assert!(state.shows_all() && state.frame.is_none());
    }

    #[test]
    fn stalls_are_visited_one_by_one_and_the_last_one_stays() {
        let timeline = timeline();
        let mut state = TimelineState::default();
        state.open(&timeline);
        let mut visited = |direction| {
            state.go_to_stall(&timeline, direction);
            state.frame
        };
        let forward = [Direction::Forward; 3].map(&mut visited);
        assert_eq!(forward, [Some(300), Some(301), Some(301)]);
        assert_eq!([Direction::Back; 3].map(&mut visited), [Some(300), Some(100), Some(100)]);
    }

    #[test]
    fn stalls_are_looked_for_from_where_the_reader_is() {
        let timeline = timeline();
        let mut state = TimelineState { frame: Some(100), ..TimelineState::default() };
        state.show(&timeline, 400e6, 410e6);
        state.go_to_stall(&timeline, Direction::Forward);
        assert_eq!(state.frame, Some(300));
    }

    #[test]
    fn what_is_shown_never_leaves_the_run() {
        let timeline = timeline();
        let (end, mut state) = (timeline.span_ns as f64, TimelineState::default());
        state.zoom(&timeline, 0.1, 1.0);
        state.pan(&timeline, 1e12);
        assert_eq!(state.bounds(&timeline).1, end);
        state.centre(&timeline, 0.0);
        assert_eq!(state.bounds(&timeline).0, 0.0);
        for _ in 0..100 {
            state.zoom(&timeline, 0.5, 0.5);
        }
        let (from_ns, until_ns) = state.bounds(&timeline);
        assert!((until_ns - from_ns - SHORTEST_WINDOW_NS).abs() < 1.0);
        state.zoom(&timeline, 1e9, 0.5);
        assert!(state.shows_all());
    }

    #[test]
    fn a_range_may_be_dragged_either_way_and_past_the_ends() {
        let timeline = timeline();
        let range = |range_ns| TimelineState { range_ns: Some(range_ns), ..TimelineState::default() }.range(&timeline);
        assert_eq!(range((5e6, 2e6)), Some(Span { from_ns: 2_000_000, until_ns: 5_000_000 }));
        assert_eq!(range((-5e6, 1e18)), Some(Span { from_ns: 0, until_ns: timeline.span_ns }));
        assert_eq!(range((2e6, 2e6)), None);
    }
}
