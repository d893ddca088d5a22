//! What stands under the pointer, in words.
//!
//! Knows no egui.

use crate::ui::views::timeline::lanes::rows::{Turn, Window};
use crate::ui::views::timeline::lanes::times::Span;
use crate::ui::views::timeline::lanes::{Lane, Stage};
use crate::ui::views::timeline::model::Timeline;
use crate::units;

/// The part of a frame's turn at a time, or the crowd that it is drawn in.
pub fn explain(timeline: &Timeline, window: Window, lane: usize, turn: Turn, at_ns: u64) -> String {
    let stage = timeline.lanes.get(lane).map_or(Stage::Only, |lane| lane.stage);
    let crowd = timeline.lanes.get(lane).and_then(|lane| crowd_at(timeline, window, lane, at_ns));
    if let Some(crowd) = crowd {
        return crowd;
    }
    let (frame, length) = (turn.frame, units::ns(turn.span.length_ns()));
    let mut pieces = turn.pieces(&timeline.times_of(stage));
    match pieces.find(|piece| (piece.span.from_ns..=piece.span.until_ns).contains(&at_ns)) {
        Some(piece) if piece.span == turn.span => format!("Frame {frame}: {} {length}", piece.part.title()),
        Some(piece) => {
            let part = units::ns(piece.span.length_ns());
            format!("Frame {frame}: {} {part} of {length}", piece.part.title())
        }
        None => format!("Frame {frame}: {length}"),
    }
}

/// Several turns that are drawn as one, each too narrow to be seen.
fn crowd_at(timeline: &Timeline, window: Window, lane: &Lane, at_ns: u64) -> Option<String> {
    let near = Span { from_ns: at_ns.saturating_sub(window.finest_ns), until_ns: at_ns };
    let touching = lane.row.touching(near);
    let seen = lane.row.turns().get(touching.clone())?;
    let span = Span { from_ns: seen.first()?.span.from_ns, until_ns: seen.last()?.span.until_ns };
    if touching.len() < 2 || span.length_ns() > 2 * window.finest_ns {
        return None;
    }
    let num_boxes = units::count(touching.len() as f64);
    let mut text = format!("{num_boxes} boxes in {}: zoom in to see them", units::ns(span.length_ns()));
    for (part, sum_ns) in lane.row.sums(touching, &timeline.times_of(lane.stage)).parts() {
        text += &format!("\n{} {}", part.title(), units::ns(sum_ns));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::fixture::{push_run, session};

    #[test]
    fn a_box_names_its_frame_its_part_and_how_long_both_are() {
        let mut session = session();
        push_run(&mut session, 1, &[1_000_000; 100], 2_000_000);
        let timeline = Timeline::of(&session.runs[0]);
        let said = |at_ns: u64, finest_ns: u64| {
            let window = Window { span: Span { from_ns: 0, until_ns: timeline.span_ns }, finest_ns };
            explain(&timeline, window, 0, timeline.at(0, at_ns).unwrap(), at_ns)
        };
        // The first frame is submitted at 2 ms, its lock lasts from 2.5 to 2.994 ms.
        assert_eq!(said(2_600_000, 1_000), "Frame 0: lock wait 494 µs of 500 µs");
        assert_eq!(said(2_005_000, 1_000), "Frame 0: submit 10.0 µs of 90.0 µs");
        let crowd = said(102_600_000, 50_000_000);
        assert!(crowd.starts_with("51 boxes in ") && crowd.contains("\nlock wait "), "{crowd}");
    }
}
