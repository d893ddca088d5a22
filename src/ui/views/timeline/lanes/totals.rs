//! Where the time of a stretch of a run went, lane by lane.
//!
//! Exact: parts that the stretch's edges cut count as far as they lie inside. Costs the same however long the stretch is.

use crate::ui::views::timeline::lanes::rows::{Row, Sums};
use crate::ui::views::timeline::lanes::times::{Span, Times};
use crate::ui::views::timeline::lanes::{Lane, LaneKind, Stage};

/// What happened in a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// The stretch's length.
    pub length_ns: u64,
    /// Frames whose nvEncEncodePicture was called in it.
    pub num_submitted: usize,
    /// The threads and the engine, in the order of drawing.
    pub lanes: Vec<LaneTotals>,
}

/// What one of them did in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneTotals {
    /// Of which engine.
    pub stage: Stage,
    /// Which.
    pub kind: LaneKind,
    /// Time of each part.
    pub sums: Sums,
    /// The time that is left; with the parts it is the length of the stretch.
    pub rest_ns: u64,
}

/// What happened in `stretch`; `submitted`: when the frames were submitted whose number is told.
pub fn totals<'a>(lanes: &[Lane], times: impl Fn(Stage) -> Times<'a>, submitted: &[u64], stretch: Span) -> Totals {
    let length_ns = stretch.length_ns();
    let first = submitted.partition_point(|&at_ns| at_ns < stretch.from_ns);
    let end = submitted.partition_point(|&at_ns| at_ns < stretch.until_ns);
    let of_lane = |lane: &Lane| {
        let sums = sums_in(&lane.row, &times(lane.stage), stretch);
        LaneTotals { stage: lane.stage, kind: lane.kind, sums, rest_ns: length_ns.saturating_sub(sums.total_ns()) }
    };
    let lanes = lanes.iter().filter(|lane| !lane.kind.is_slot()).map(of_lane).collect();
    Totals { length_ns, num_submitted: end.saturating_sub(first), lanes }
}

/// The outer turns are cut; those between lie inside whole.
fn sums_in(row: &Row, times: &Times<'_>, stretch: Span) -> Sums {
    let touching = row.touching(stretch);
    let mut cut = Sums::default();
    let outer = [touching.start, touching.end.saturating_sub(1)];
    let num_outer = touching.len().min(2);
    for turn in outer.into_iter().take(num_outer).filter_map(|idx| row.turns().get(idx)) {
        for mut piece in turn.pieces(times) {
            piece.span = piece.span.within(stretch);
            cut.add_piece(piece);
        }
    }
    let whole = touching.start + 1..touching.end.saturating_sub(1).max(touching.start + 1);
    cut.and(row.sums(whole, times))
}

#[cfg(test)]
mod tests {
    use super::super::times::Part;
    use super::super::{lanes, times};
    use super::*;
    use crate::record::Case;
    use crate::ui::fixture;

    /// 1000 frames, one every 300 µs, each 80 µs of upload, 10 µs of submit call, and half of its 1 ms in the lock.
    fn run() -> (crate::record::FrameColumns, Case) {
        let record = fixture::record(0, 4, &[1_000_000; 1000], 2_000_000);
        (record.frames, record.case)
    }

    /// As the definition says, turn by turn.
    fn slow_sums(row: &Row, times: &Times<'_>, stretch: Span) -> Sums {
        let mut sums = Sums::default();
        for mut piece in row.turns().iter().flat_map(|turn| turn.pieces(times)) {
            piece.span = piece.span.within(stretch);
            sums.add_piece(piece);
        }
        sums
    }

    #[test]
    fn parts_and_the_rest_are_the_whole_stretch() {
        let (frames, case) = run();
        let times = times(&frames, &case);
        let lanes = lanes(&times, &case, Stage::Only);
        let totals =
            totals(&lanes, |_| times, &frames.submit_at_ns, Span { from_ns: 10_000_000, until_ns: 20_000_000 });
        assert_eq!((totals.length_ns, totals.num_submitted), (10_000_000, 5));
        let [submit, engine] = &totals.lanes[..] else { panic!("two lanes: {totals:?}") };
        assert_eq!((submit.kind, engine.kind), (LaneKind::SubmitThread, LaneKind::InferredEngine));
        let expected = [(Part::Upload, 400_000), (Part::Submit, 50_000), (Part::LockWait, 2_470_000)];
        assert_eq!(submit.sums.parts().take(3).collect::<Vec<_>>(), expected);
        assert_eq!(submit.sums.of(Part::Copy) + submit.sums.of(Part::Unlock), 30_000);
        for lane in &totals.lanes {
            assert_eq!(lane.sums.total_ns() + lane.rest_ns, totals.length_ns);
        }
    }

    #[test]
    fn parts_that_the_edges_cut_count_as_far_as_they_lie_inside() {
        let (frames, case) = run();
        let times = times(&frames, &case);
        let lanes = lanes(&times, &case, Stage::Only);
        // The first frame's lock lasts from 2.5 to 2.994 ms, the second's upload begins at 3.92 ms.
        let stretch = Span { from_ns: 2_900_000, until_ns: 3_930_000 };
        let submit = totals(&lanes, |_| times, &frames.submit_at_ns, stretch).lanes[0];
        assert_eq!((submit.sums.of(Part::LockWait), submit.sums.of(Part::Upload)), (94_000, 10_000));
        let inside = Span { from_ns: 2_600_000, until_ns: 2_700_000 };
        assert_eq!(totals(&lanes, |_| times, &frames.submit_at_ns, inside).lanes[0].sums.of(Part::LockWait), 100_000);
        let empty = totals(&lanes, |_| times, &frames.submit_at_ns, Span { from_ns: 2_600_000, until_ns: 2_600_000 });
        assert_eq!((empty.length_ns, empty.num_submitted, empty.lanes[0].sums.total_ns()), (0, 0, 0));
    }

    #[test]
    fn any_stretch_is_what_its_turns_are_one_by_one() {
        let (frames, case) = run();
        let times = times(&frames, &case);
        let lanes = lanes(&times, &case, Stage::Only);
        for idx in 0..200u64 {
            let from_ns = idx.wrapping_mul(7_654_321) % 2_000_000_000;
            let stretch = Span { from_ns, until_ns: from_ns + idx.wrapping_mul(123_457_891) % 900_000_000 };
            for lane in &lanes {
                assert_eq!(sums_in(&lane.row, &times, stretch), slow_sums(&lane.row, &times, stretch), "{stretch:?}");
            }
        }
    }
}
