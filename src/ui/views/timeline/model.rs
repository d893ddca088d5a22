//! One run as a timeline: its lanes, its peaks, its slowest frames, and which of its frames are marked.
//!
//! Made once for each run; what is visible of it is found when it is drawn. Knows no egui.

use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Arc;

use crate::figures::{Figure, clocks};
use crate::record::{Case, FrameColumns};
use crate::ui::data::LoadedRun;
use crate::ui::views::distributions::selection::{FrameSelection, FrameTime};
use crate::ui::views::timeline::lanes::rows::Turn;
use crate::ui::views::timeline::lanes::stalls::Stalls;
use crate::ui::views::timeline::lanes::times::{Span, Times};
use crate::ui::views::timeline::lanes::totals::{Totals, totals};
use crate::ui::views::timeline::lanes::{Lane, Stage, decoder_case, lanes, times};
use crate::ui::views::timeline::pyramid::Pyramid;

/// Number of slowest frames that are listed.
const NUM_WORST: usize = 20;
/// Of the clock's panel.
const CLOCK_HEIGHT: f64 = 48.0;

/// One run, ready to be shown.
#[derive(Debug, Clone)]
pub struct Timeline {
    /// Which run of the session.
    pub order_index: u32,
    /// Its case.
    pub case: Case,
    /// The measurements.
    pub frames: Arc<FrameColumns>,
    /// Those of the decoder that feeds the encoder, and its settings.
    decoder: Option<(Arc<FrameColumns>, Case)>,
    /// Top to bottom: threads and engine, then the buffer slots by number.
    pub lanes: Vec<Lane>,
    /// End of the last frame.
    pub span_ns: u64,
    /// Peaks of the lock wait.
    pub lock_peaks: Pyramid,
    /// The lock wait of all frames.
    pub lock_ns: u64,
    /// The frames that waited longest.
    pub stalls: Stalls,
    /// The clock of the video engines, where somebody read it.
    pub clock: Option<Figure>,
    /// The slowest frames by each time, slowest first.
    worst: [Vec<usize>; 2],
}

/// The marked frames of one run.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    num_frames: usize,
    /// For each lane the places of their turns, ascending.
    turns: Vec<Vec<usize>>,
}

impl Timeline {
    /// The timeline of `run`.
    pub fn of(run: &LoadedRun) -> Self {
        let frames = Arc::clone(&run.frames);
        let case = run.summary.case;
        let decoder = run.decode.clone().zip(decoder_case(&case));
        let stage = if decoder.is_some() { Stage::Encoder } else { Stage::Only };
        let of_decoder = decoder.iter().flat_map(|(frames, case)| lanes(&times(frames, case), case, Stage::Decoder));
        let lanes: Vec<Lane> = of_decoder.chain(lanes(&times(&frames, &case), &case, stage)).collect();
        let last = |lane: &Lane| lane.row.turns().last().map(|turn| turn.span.until_ns);
        let span_ns = lanes.iter().filter_map(last).max().unwrap_or(0).max(1);
        Self {
            order_index: run.summary.order_index,
            case,
            span_ns,
            clock: run.telemetry.as_ref().and_then(|told| clocks::over_run(told, span_ns, CLOCK_HEIGHT)),
            lanes,
            decoder,
            lock_peaks: Pyramid::of(&frames.lock_ns),
            lock_ns: frames.lock_ns.iter().fold(0, |sum: u64, lock_ns| sum.saturating_add(*lock_ns)),
            stalls: Stalls::of(&frames),
            worst: FrameTime::ALL.map(|time| worst(time.column(&frames))),
            frames,
        }
    }

    /// When what was done with each frame.
    pub fn times(&self) -> Times<'_> {
        times(&self.frames, &self.case)
    }

    /// The same on one engine.
    pub fn times_of(&self, stage: Stage) -> Times<'_> {
        match &self.decoder {
            Some((frames, case)) if stage == Stage::Decoder => times(frames, case),
            _ => self.times(),
        }
    }

    /// Number of buffer slots.
    pub fn num_slots(&self) -> usize {
        self.lanes.iter().filter(|lane| lane.kind.is_slot()).count()
    }

    /// The slowest frames by `time`, slowest first.
    pub fn worst(&self, time: FrameTime) -> &[usize] {
        let [lock_wait, latency] = &self.worst;
        match time {
            FrameTime::LockWait => lock_wait,
            FrameTime::Latency => latency,
        }
    }

    /// From when until when a frame is there: from its upload to its packet.
    pub fn stay(&self, frame: usize) -> Option<Span> {
        let frame = u32::try_from(frame).ok().filter(|_| frame < self.frames.submit_at_ns.len())?;
        let times = self.times();
        let until_ns = times.packet_at_ns(frame).max(times.submit(frame).until_ns);
        Some(Span { from_ns: times.upload(frame).from_ns, until_ns })
    }

    /// The turn of a lane at a time.
    pub fn at(&self, lane: usize, at_ns: u64) -> Option<Turn> {
        self.lanes.get(lane)?.row.at(at_ns)
    }

    /// What happened in a stretch of the run.
    pub fn totals(&self, stretch: Span) -> Totals {
        totals(&self.lanes, |stage| self.times_of(stage), &self.frames.submit_at_ns, stretch)
    }
}

impl Marks {
    /// The frames of `timeline` that `selection` marks.
    pub fn of(selection: Option<&FrameSelection>, timeline: &Timeline) -> Self {
        let Some(selection) = selection else { return Self::default() };
        let marked = selection.frames_in(&timeline.frames);
        let mut is_marked = vec![false; timeline.frames.len()];
        for &frame in &marked {
            if let Some(mark) = is_marked.get_mut(frame) {
                *mark = true;
            }
        }
        let is_marked = |turn: &Turn| is_marked.get(turn.frame as usize).copied().unwrap_or(false);
        let turns = |lane: &Lane| {
            let turns = lane.row.turns().iter().enumerate().filter(|(_, turn)| is_marked(turn));
            turns.map(|(idx, _)| idx).collect()
        };
        Self { num_frames: marked.len(), turns: timeline.lanes.iter().map(turns).collect() }
    }

    /// How many frames there are.
    pub fn len(&self) -> usize {
        self.num_frames
    }

    /// None?
    pub fn is_empty(&self) -> bool {
        self.num_frames == 0
    }

    /// Is one of these turns of a lane a marked frame's?
    pub fn any_of(&self, lane: usize, turns: &Range<usize>) -> bool {
        let Some(marked) = self.turns.get(lane) else { return false };
        let next = marked.partition_point(|idx| *idx < turns.start);
        marked.get(next).is_some_and(|idx| *idx < turns.end)
    }
}

fn worst(column_ns: &[u64]) -> Vec<usize> {
    let mut frames: Vec<usize> = (0..column_ns.len()).collect();
    let slowest_first = |&frame: &usize| (Reverse(column_ns.get(frame).copied()), frame);
    if frames.len() > NUM_WORST {
        frames.select_nth_unstable_by_key(NUM_WORST, slowest_first);
        frames.truncate(NUM_WORST);
    }
    frames.sort_unstable_by_key(slowest_first);
    frames
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::fixture::{push_run, session};
    use crate::ui::views::timeline::lanes::LaneKind;
    use crate::ui::views::timeline::lanes::rows::{Piece, Window};
    use crate::ui::views::timeline::lanes::times::Part;

    fn timeline(threshold: u32, latencies_ns: &[u64], interval_ns: u64) -> Timeline {
        let mut session = session();
        push_run(&mut session, threshold, latencies_ns, interval_ns);
        Timeline::of(&session.runs[0])
    }

    fn whole(timeline: &Timeline, pixels: u64) -> Window {
        let span = Span { from_ns: 0, until_ns: timeline.span_ns };
        Window { span, finest_ns: timeline.span_ns / pixels }
    }

    fn slots(timeline: &Timeline) -> Vec<&Lane> {
        timeline.lanes.iter().filter(|lane| lane.kind.is_slot()).collect()
    }

    #[test]
    fn frames_take_slots_in_turn_without_overlap() {
        let timeline = timeline(2, &[1_990_000; 6], 1_000_000);
        let frames = |lane: &&Lane| lane.row.turns().iter().map(|turn| turn.frame).collect::<Vec<_>>();
        assert_eq!(slots(&timeline).iter().map(frames).collect::<Vec<_>>(), [[0, 2, 4], [1, 3, 5]]);
        // The second upload into slot 0 begins at 2.92 ms, before the first packet is handed on at 2.99 ms.
        assert_eq!(slots(&timeline)[0].row.turns()[0].span, Span { from_ns: 920_000, until_ns: 2_920_000 });
        let first_slot = timeline.lanes.iter().position(|lane| lane.kind == LaneKind::Slot(0)).unwrap();
        assert_eq!(timeline.at(first_slot, 3_000_000).map(|turn| turn.frame), Some(2));
        assert_eq!(timeline.at(9, 0), None);
        assert_eq!((timeline.stay(3).map(|stay| stay.from_ns), timeline.stay(6)), (Some(3_920_000), None));
    }

    #[test]
    fn the_parts_of_a_frame_follow_each_other() {
        let timeline = timeline(1, &[1_000_000], 1_000_000);
        let turn = slots(&timeline)[0].row.turns()[0];
        let expected = [
            (Part::Upload, 920_000, 1_000_000),
            (Part::Submit, 1_000_000, 1_010_000),
            (Part::InFlight, 1_010_000, 1_500_000),
            (Part::LockWait, 1_500_000, 1_994_000),
            (Part::Copy, 1_994_000, 1_999_000),
            (Part::Unlock, 1_999_000, 2_000_000),
        ];
        let piece = |Piece { part, span }: Piece| (part, span.from_ns, span.until_ns);
        assert_eq!(turn.pieces(&timeline.times()).map(piece).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_million_frames_cost_no_more_than_the_screen() {
        let timeline = timeline(4, &vec![1_000_000; 1_000_000], 300_000);
        for lane in &timeline.lanes {
            let blocks = lane.row.blocks(whole(&timeline, 300));
            assert!(blocks.len() <= 301, "{:?}: {}", lane.kind, blocks.len());
            assert_eq!(blocks.last().unwrap().span.until_ns, lane.row.turns().last().unwrap().span.until_ns);
            assert_eq!(blocks.iter().map(|block| block.turns.len()).sum::<usize>(), lane.row.turns().len());
        }
        let span = Span { from_ns: 5_000_000_000, until_ns: 5_010_000_000 };
        let blocks = slots(&timeline)[0].row.blocks(Window { span, finest_ns: 10_000 });
        assert!((8..=10).contains(&blocks.len()), "{}", blocks.len());
        assert!(blocks.iter().all(|block| block.turns.len() == 1));
    }

    #[test]
    fn a_marked_frame_shows_through_a_crowd() {
        let mut latencies = vec![1_000_000; 100_000];
        latencies[50_000] = 1_100_000;
        let timeline = timeline(4, &latencies, 300_000);
        let selection = FrameSelection { time: FrameTime::Latency, from_ns: 1_050_000, to_ns: 2_000_000 };
        let marks = Marks::of(Some(&selection), &timeline);
        assert_eq!(marks.len(), 1);
        let marked = |(idx, lane): (usize, &Lane)| {
            let blocks = lane.row.blocks(whole(&timeline, 300));
            (lane.kind, blocks.iter().filter(|block| marks.any_of(idx, &block.turns)).count())
        };
        let marked: Vec<_> = timeline.lanes.iter().enumerate().map(marked).collect();
        let num_of = |kind| marked.iter().find(|(other, _)| *other == kind).unwrap().1;
        assert_eq!([0, 1, 2, 3].map(|slot| num_of(LaneKind::Slot(slot))), [1, 0, 0, 0]);
        assert_eq!(num_of(LaneKind::InferredEngine), 1);
        assert_eq!(timeline.worst(FrameTime::Latency)[0], 50_000);
        assert_eq!(timeline.worst(FrameTime::Latency).len(), NUM_WORST);
    }

    #[test]
    fn damaged_numbers_are_shown_as_far_as_they_go() {
        let mut session = session();
        push_run(&mut session, 2, &[1_000_000; 3], 1_000_000);
        let run = &mut session.runs[0];
        let frames = Arc::make_mut(&mut run.frames);
        frames.latency_ns[1] = u64::MAX;
        frames.encode_idx[2] = u32::MAX;
        run.summary.case.pool = 0;
        assert_eq!(Timeline::of(run).num_slots(), 0);
        run.summary.case.pool = u32::MAX;
        let timeline = Timeline::of(run);
        assert_eq!(timeline.span_ns, u64::MAX);
        for lane in &timeline.lanes {
            lane.row.blocks(whole(&timeline, 1));
        }
        timeline.totals(Span { from_ns: 0, until_ns: u64::MAX });
    }
}
