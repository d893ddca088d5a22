//! One run as a timeline: which frame held which buffer slot, what happened to it when, and the slowest frames.
//!
//! Selects what is visible in a range of time at a given scale: neighbours too narrow to be told apart become one block,
//! so a run of a million frames costs no more than a full screen. Knows no egui.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::pyramid::Pyramid;
use super::selection::{FrameSelection, FrameTime};
use crate::contract::LockPlacement;
use crate::record::FrameColumns;
use crate::ui::data::LoadedRun;

/// Number of slowest frames that are listed.
const NUM_WORST: usize = 20;

/// One run, ready to be shown.
#[derive(Debug, Clone)]
pub struct Timeline {
    /// Which run of the session.
    pub order_index: u32,
    /// Who locked.
    pub lock: LockPlacement,
    /// The measurements.
    pub frames: Arc<FrameColumns>,
    /// Ascending by number.
    pub slots: Vec<Slot>,
    /// End of the last frame.
    pub span_ns: u64,
    /// Peaks of the lock wait.
    pub lock_peaks: Pyramid,
    /// The slowest frames by each time, slowest first.
    worst: [Vec<usize>; 2],
}

/// The frames of one buffer slot, by time; they do not overlap.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "the line above says it")]
pub struct Slot {
    pub number: u32,
    pub held: Vec<Held>,
}

/// One frame in its slot, from the begin of its upload to the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the line above says it")]
pub struct Held {
    pub from_ns: u64,
    pub until_ns: u64,
    pub frame: usize,
}

/// A piece that is drawn as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Block {
    pub from_ns: u64,
    pub until_ns: u64,
    pub content: Content,
    /// Is a marked frame in it?
    pub is_marked: bool,
}

/// What a block stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Content {
    Frame(usize),
    /// Several frames, each too narrow to be seen.
    Several,
}

/// A phase of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Phase {
    Upload,
    Submit,
    InFlight,
    LockWait,
    Copy,
}

/// A stretch of time and how fine it is drawn: neighbours that are over within `finest_ns` are one block.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the line above says it")]
pub struct Window {
    pub from_ns: u64,
    pub until_ns: u64,
    pub finest_ns: u64,
}

/// The marked frames of one run.
#[derive(Debug, Clone, Default)]
pub struct Marks(Vec<bool>, usize);

impl Timeline {
    /// The timeline of `run`.
    pub fn of(run: &LoadedRun) -> Self {
        let frames = Arc::clone(&run.frames);
        let slots = slots(&frames, run.summary.case.pool);
        let last = |slot: &Slot| slot.held.last().map(|held| held.until_ns);
        Self {
            order_index: run.summary.order_index,
            lock: run.summary.case.lock,
            span_ns: slots.iter().filter_map(last).max().unwrap_or(0).max(1),
            slots,
            lock_peaks: Pyramid::of(&frames.lock_ns),
            worst: FrameTime::ALL.map(|time| worst(time.column(&frames))),
            frames,
        }
    }

    /// The slowest frames by `time`, slowest first.
    pub fn worst(&self, time: FrameTime) -> &[usize] {
        let [lock_wait, latency] = &self.worst;
        match time {
            FrameTime::LockWait => lock_wait,
            FrameTime::Latency => latency,
        }
    }

    /// When and in which slot (its index in `slots`) a frame was.
    pub fn find(&self, frame: usize) -> Option<(usize, Held)> {
        let at_ns = *self.frames.submit_at_ns.get(frame)?;
        let in_slot = |slot: &Slot| {
            let end = slot.held.partition_point(|held| held.from_ns <= at_ns);
            slot.held.get(..end)?.iter().rev().take(2).find(|held| held.frame == frame).copied()
        };
        self.slots.iter().enumerate().find_map(|(idx, slot)| Some((idx, in_slot(slot)?)))
    }

    /// The frame that held the slot at a time.
    pub fn at(&self, slot: usize, at_ns: u64) -> Option<Held> {
        let held = &self.slots.get(slot)?.held;
        let idx = held.partition_point(|held| held.from_ns <= at_ns).checked_sub(1)?;
        held.get(idx).filter(|held| at_ns <= held.until_ns).copied()
    }

    /// The phases of a frame, in the order of time. Phases that were not recorded, or took no time, are left out.
    pub fn phases(&self, frame: usize) -> Vec<(Phase, u64, u64)> {
        let frames = &self.frames;
        let get = |column: &[u64]| column.get(frame).copied().unwrap_or(0);
        let submit_at = get(&frames.submit_at_ns);
        let submitted = submit_at.saturating_add(get(&frames.submit_ns));
        let packet_at = submit_at.saturating_add(get(&frames.latency_ns));
        let copy_until = packet_at.saturating_sub(get(&frames.unlock_ns));
        let copy_at = copy_until.saturating_sub(get(&frames.copy_ns));
        // When polling, the time of the lock is that of many calls, of which only the last one has a place.
        let lock_at = get(&frames.lock_at_ns).min(copy_at);
        let lock_until = lock_at.saturating_add(get(&frames.lock_ns)).min(copy_at);
        let all = [
            (Phase::Upload, submit_at.saturating_sub(get(&frames.upload_ns)), submit_at),
            (Phase::Submit, submit_at, submitted),
            (Phase::InFlight, submitted, lock_at),
            (Phase::LockWait, lock_at, lock_until),
            (Phase::Copy, copy_at, packet_at),
        ];
        all.into_iter().filter(|&(_, from_ns, until_ns)| until_ns > from_ns).collect()
    }
}

impl Slot {
    /// What is seen of the slot in `window`.
    pub fn blocks(&self, window: Window, marks: &Marks) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut idx = self.held.partition_point(|held| held.until_ns < window.from_ns);
        while let Some(held) = self.held.get(idx).filter(|held| held.from_ns <= window.until_ns) {
            let end = self.end_of_block(idx, held.from_ns.saturating_add(window.finest_ns));
            let members = self.held.get(idx..end).unwrap_or_default();
            let until_ns = members.last().map_or(held.until_ns, |last| last.until_ns);
            let content = if members.len() > 1 { Content::Several } else { Content::Frame(held.frame) };
            let is_marked = marks.any_of(members);
            let block = Block { from_ns: held.from_ns, until_ns, content, is_marked };
            match blocks.last_mut() {
                Some(last) if last.continues_with(&block, window.finest_ns) => last.until_ns = block.until_ns,
                _ => blocks.push(block),
            }
            idx = end;
        }
        blocks
    }

    /// The first picture after `idx` that reaches past `until_ns`.
    fn end_of_block(&self, idx: usize, until_ns: u64) -> usize {
        let rest = self.held.get(idx + 1..).unwrap_or_default();
        // The neighbour decides in most cases; doubling steps find the others without a search through the whole run.
        let mut reach = 1;
        while rest.get(reach - 1).is_some_and(|held| held.until_ns <= until_ns) {
            reach *= 2;
        }
        let searched = rest.get(..reach.min(rest.len())).unwrap_or_default();
        idx + 1 + searched.partition_point(|held| held.until_ns <= until_ns)
    }
}

impl Block {
    fn continues_with(&self, next: &Self, finest_ns: u64) -> bool {
        let are_crowds = self.content == Content::Several && next.content == Content::Several;
        are_crowds && self.is_marked == next.is_marked && next.from_ns.saturating_sub(self.until_ns) <= finest_ns
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
        Self(is_marked, marked.len())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.1
    }

    /// None?
    pub fn is_empty(&self) -> bool {
        self.1 == 0
    }

    fn any_of(&self, members: &[Held]) -> bool {
        self.1 > 0 && members.iter().any(|held| self.0.get(held.frame).copied().unwrap_or(false))
    }
}

/// A slot is free again once its bitstream is unlocked, which may be a moment before the packet is handed on: the next
/// picture ends it then, so that the pictures of a slot never overlap.
fn slots(frames: &FrameColumns, pool: u32) -> Vec<Slot> {
    let mut slots: BTreeMap<u32, Vec<Held>> = BTreeMap::new();
    let uploads = frames.submit_at_ns.iter().zip(&frames.upload_ns);
    let columns = uploads.zip(&frames.latency_ns).zip(&frames.encode_idx).enumerate();
    for (frame, (((submit_at_ns, upload_ns), latency_ns), encode_idx)) in columns {
        let from_ns = submit_at_ns.saturating_sub(*upload_ns);
        let held = Held { from_ns, until_ns: submit_at_ns.saturating_add(*latency_ns), frame };
        if let Some(number) = encode_idx.checked_rem(pool) {
            slots.entry(number).or_default().push(held);
        }
    }
    slots.into_iter().map(|(number, held)| Slot { number, held: apart(held) }).collect()
}

fn apart(mut held: Vec<Held>) -> Vec<Held> {
    held.sort_unstable();
    let nexts: Vec<_> = held.iter().skip(1).map(|next| next.from_ns).collect();
    for (held, next_ns) in held.iter_mut().zip(nexts) {
        held.until_ns = held.until_ns.min(next_ns);
    }
    held
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
    use crate::ui::plots::fixture::{push_run, session};

    fn timeline(threshold: u32, latencies_ns: &[u64], interval_ns: u64) -> Timeline {
        let mut session = session();
        push_run(&mut session, threshold, latencies_ns, interval_ns);
        Timeline::of(&session.runs[0])
    }

    fn whole(timeline: &Timeline, pixels: u64) -> Window {
        Window { from_ns: 0, until_ns: timeline.span_ns, finest_ns: timeline.span_ns / pixels }
    }

    #[test]
    fn pictures_take_slots_in_turn_without_overlap() {
        let timeline = timeline(2, &[1_990_000; 6], 1_000_000);
        let frames: Vec<Vec<_>> =
            timeline.slots.iter().map(|slot| slot.held.iter().map(|held| held.frame).collect()).collect();
        assert_eq!(frames, [[0, 2, 4], [1, 3, 5]]);
        // The second upload into slot 0 begins at 2.92 ms, before the first packet is handed on at 2.99 ms.
        assert_eq!(timeline.slots[0].held[0], Held { from_ns: 920_000, until_ns: 2_920_000, frame: 0 });
        assert_eq!((timeline.find(3).map(|found| found.0), timeline.find(6)), (Some(1), None));
        assert_eq!(timeline.at(0, 3_000_000).map(|held| held.frame), Some(2));
        assert_eq!(timeline.at(7, 0), None);
    }

    #[test]
    fn phases_follow_each_other() {
        let timeline = timeline(1, &[1_000_000], 1_000_000);
        let expected = [
            (Phase::Upload, 920_000, 1_000_000),
            (Phase::Submit, 1_000_000, 1_010_000),
            (Phase::InFlight, 1_010_000, 1_500_000),
            (Phase::LockWait, 1_500_000, 1_994_000),
            (Phase::Copy, 1_994_000, 2_000_000),
        ];
        assert_eq!(timeline.phases(0), expected);
        assert_eq!(timeline.phases(99), []);
    }

    #[test]
    fn a_million_pictures_cost_no_more_than_the_screen() {
        let timeline = timeline(4, &vec![1_000_000; 1_000_000], 300_000);
        for slot in &timeline.slots {
            let blocks = slot.blocks(whole(&timeline, 1000), &Marks::default());
            assert_eq!(blocks.len(), 1, "{:?}", blocks.first());
            assert_eq!(blocks[0].until_ns, slot.held.last().unwrap().until_ns);
        }
        let near = Window { from_ns: 5_000_000_000, until_ns: 5_010_000_000, finest_ns: 10_000 };
        let blocks = timeline.slots[0].blocks(near, &Marks::default());
        assert!((8..=10).contains(&blocks.len()), "{}", blocks.len());
        assert!(blocks.iter().all(|block| matches!(block.content, Content::Frame(_))));
    }

    #[test]
    fn a_marked_frame_shows_through_a_crowd() {
        let mut latencies = vec![1_000_000; 100_000];
        latencies[50_000] = 1_100_000;
        let timeline = timeline(4, &latencies, 300_000);
        let selection = FrameSelection { time: FrameTime::Latency, from_ns: 1_050_000, to_ns: 2_000_000 };
        let marks = Marks::of(Some(&selection), &timeline);
        assert_eq!(marks.len(), 1);
        let marked = |slot: &Slot| slot.blocks(whole(&timeline, 1000), &marks).iter().filter(|b| b.is_marked).count();
        assert_eq!(timeline.slots.iter().map(marked).collect::<Vec<_>>(), [1, 0, 0, 0]);
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
        assert!(Timeline::of(run).slots.is_empty());
        run.summary.case.pool = u32::MAX;
        let timeline = Timeline::of(run);
        assert_eq!(timeline.span_ns, u64::MAX);
        for slot in &timeline.slots {
            slot.blocks(whole(&timeline, 1), &Marks::default());
        }
    }
}
