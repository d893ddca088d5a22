//! A row of the timeline: turns that follow each other in time, and what of them is seen at a given scale.
//!
//! Neighbours too narrow to be told apart become one block, found by searching, so a run of a million frames costs no
//! more than a full screen. Knows no thread: what a turn is made of it asks [`Times`].

use std::ops::Range;

use crate::contract::LockPlacement;
use crate::ui::views::timeline::lanes::times::{Part, Span, Times};

/// Sums are kept for every so many turns; the turns between are added up when asked for.
const SUMS_EVERY: usize = 16;
/// No turn has more.
const MOST_PARTS: usize = 9;
/// A part that took no time.
const NOTHING: (Part, Span) = (Part::Room, Span { from_ns: 0, until_ns: 0 });

/// What a row's owner does for a frame in one turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// A thread submits it.
    Submits,
    /// A thread takes its packet back.
    Reaps,
    /// The engine encodes it.
    Encodes,
    /// The engine encodes it or has done so.
    EncodesUnseen,
    /// A buffer slot holds it.
    Holds,
}

/// A time without a break that one frame has to itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Turn {
    pub span: Span,
    /// In display order.
    pub frame: u32,
    pub doing: Doing,
}

/// A part of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Piece {
    pub part: Part,
    pub span: Span,
}

/// Turns by time, which do not overlap.
#[derive(Debug, Clone, Default)]
pub struct Row {
    turns: Vec<Turn>,
    /// Of all turns before the first, the 17th, and so on.
    sums: Vec<Sums>,
}

/// Time in nanoseconds for each of [`Part::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums([u64; Part::COUNT]);

/// Turns that are drawn as one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Block {
    pub span: Span,
    pub turns: Range<usize>,
}

/// A stretch of time and how fine it is drawn: neighbours that are over within `finest_ns` are one block.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the line above says it")]
pub struct Window {
    pub span: Span,
    pub finest_ns: u64,
}

impl Turn {
    /// Its parts in the order of time: within the turn, without overlap, those that took no time left out.
    pub fn pieces(self, times: &Times<'_>) -> impl Iterator<Item = Piece> + use<> {
        let mut at_ns = self.span.from_ns;
        self.parts(times).into_iter().filter_map(move |(part, span)| {
            let span = span.within(Span { from_ns: at_ns, until_ns: self.span.until_ns });
            at_ns = span.until_ns;
            (span.length_ns() > 0).then_some(Piece { part, span })
        })
    }

    fn parts(self, times: &Times<'_>) -> [(Part, Span); MOST_PARTS] {
        match self.doing {
            Doing::Submits => padded(self.submitting(times)),
            Doing::Reaps => padded(reaping(times, self.frame)),
            Doing::Encodes => padded([(Part::Encode, self.span)]),
            Doing::EncodesUnseen => padded([(Part::EncodeUnseen, self.span)]),
            Doing::Holds => holding(times, self.frame),
        }
    }

    fn submitting(self, times: &Times<'_>) -> [(Part, Span); 5] {
        let room = (Part::Room, times.room(self.frame));
        let upload = (Part::Upload, times.upload(self.frame));
        let convert = (Part::Convert, times.convert(self.frame));
        let [behind, submit] = submitted(times, self.frame);
        match times.lock {
            // The thread polls until there is room, which a turn's end tells better than the pauses do.
            LockPlacement::Poll => {
                let room = Span { from_ns: submit.1.until_ns, until_ns: self.span.until_ns };
                [upload, convert, behind, submit, (Part::Room, room)]
            }
            _ if times.waits_before_upload => [room, upload, convert, behind, submit],
            _ => [upload, convert, room, behind, submit],
        }
    }
}

fn submitted(times: &Times<'_>, frame: u32) -> [(Part, Span); 2] {
    let [behind, submit] = times.submit_behind_lock(frame);
    [(Part::SubmitBehindLock, behind), (Part::Submit, submit)]
}

fn reaping(times: &Times<'_>, frame: u32) -> [(Part, Span); 3] {
    [(Part::LockWait, times.lock(frame)), (Part::Copy, times.copy(frame)), (Part::Unlock, times.unlock(frame))]
}

/// A slot is taken from the upload on, so of the waits for room only those after it are in it.
fn holding(times: &Times<'_>, frame: u32) -> [(Part, Span); MOST_PARTS] {
    let [behind, submit] = submitted(times, frame);
    let room = if times.lock == LockPlacement::Poll { NOTHING } else { (Part::Room, times.room(frame)) };
    let [lock_wait, copy, unlock] = reaping(times, frame);
    let in_flight = Span { from_ns: submit.1.until_ns, until_ns: lock_wait.1.from_ns };
    let (upload, convert) = ((Part::Upload, times.upload(frame)), (Part::Convert, times.convert(frame)));
    [upload, convert, room, behind, submit, (Part::InFlight, in_flight), lock_wait, copy, unlock]
}

fn padded<const NUM: usize>(parts: [(Part, Span); NUM]) -> [(Part, Span); MOST_PARTS] {
    std::array::from_fn(|idx| parts.get(idx).copied().unwrap_or(NOTHING))
}

impl Row {
    /// The row of `turns`, in any order; a turn ends at the latest where the next one begins.
    pub fn of(mut turns: Vec<Turn>, times: &Times<'_>) -> Self {
        turns.sort_by_key(|turn| (turn.span.from_ns, turn.span.until_ns));
        let mut next_ns = u64::MAX;
        for turn in turns.iter_mut().rev() {
            turn.span.until_ns = turn.span.until_ns.min(next_ns).max(turn.span.from_ns);
            next_ns = turn.span.from_ns;
        }
        let (mut sums, mut sum) = (Vec::with_capacity(turns.len() / SUMS_EVERY + 1), Sums::default());
        for chunk in turns.chunks(SUMS_EVERY) {
            sums.push(sum);
            chunk.iter().for_each(|turn| sum.add(*turn, times));
        }
        Self { turns, sums }
    }

    /// All turns, by time.
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// The turn at a time.
    pub fn at(&self, at_ns: u64) -> Option<Turn> {
        let idx = self.turns.partition_point(|turn| turn.span.from_ns <= at_ns).checked_sub(1)?;
        self.turns.get(idx).filter(|turn| at_ns <= turn.span.until_ns).copied()
    }

    /// The turns that lie in `span`, wholly or in part.
    pub fn touching(&self, span: Span) -> Range<usize> {
        let first = self.turns.partition_point(|turn| turn.span.until_ns <= span.from_ns);
        let end = self.turns.partition_point(|turn| turn.span.from_ns < span.until_ns);
        first..end.max(first)
    }

    /// How long each part took in `turns`.
    pub fn sums(&self, turns: Range<usize>, times: &Times<'_>) -> Sums {
        self.sums_before(turns.end, times).less(self.sums_before(turns.start, times))
    }

    /// What is seen of the row in `window`.
    pub fn blocks(&self, window: Window) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut idx = self.turns.partition_point(|turn| turn.span.until_ns < window.span.from_ns);
        while let Some(turn) = self.turns.get(idx).filter(|turn| turn.span.from_ns <= window.span.until_ns) {
            let end = self.end_of_block(idx, turn.span.from_ns.saturating_add(window.finest_ns));
            let last = self.turns.get(end - 1).unwrap_or(turn);
            blocks.push(Block {
                span: Span { from_ns: turn.span.from_ns, until_ns: last.span.until_ns },
                turns: idx..end,
            });
            idx = end;
        }
        blocks
    }

    /// The first turn after `idx` that reaches past `until_ns`.
    fn end_of_block(&self, idx: usize, until_ns: u64) -> usize {
        let rest = self.turns.get(idx + 1..).unwrap_or_default();
        // The neighbour decides in most cases; doubling steps find the others without a search through the whole run.
        let mut reach = 1;
        while rest.get(reach - 1).is_some_and(|turn| turn.span.until_ns <= until_ns) {
            reach *= 2;
        }
        let searched = rest.get(..reach.min(rest.len())).unwrap_or_default();
        idx + 1 + searched.partition_point(|turn| turn.span.until_ns <= until_ns)
    }

    fn sums_before(&self, idx: usize, times: &Times<'_>) -> Sums {
        let known = (idx / SUMS_EVERY).min(self.sums.len().saturating_sub(1));
        let mut sum = self.sums.get(known).copied().unwrap_or_default();
        let rest = self.turns.get(known * SUMS_EVERY..idx).unwrap_or_default();
        rest.iter().for_each(|turn| sum.add(*turn, times));
        sum
    }
}

impl Sums {
    /// The time of one part.
    pub fn of(&self, part: Part) -> u64 {
        Part::ALL.iter().zip(self.0).find(|(other, _)| **other == part).map_or(0, |(_, sum_ns)| sum_ns)
    }

    /// Each part that took time.
    pub fn parts(self) -> impl Iterator<Item = (Part, u64)> {
        Part::ALL.into_iter().zip(self.0).filter(|(_, sum_ns)| *sum_ns > 0)
    }

    /// All parts together.
    pub fn total_ns(&self) -> u64 {
        self.0.iter().fold(0, |total: u64, sum_ns| total.saturating_add(*sum_ns))
    }

    /// Takes up a part.
    pub fn add_piece(&mut self, piece: Piece) {
        if let Some(sum_ns) = self.0.get_mut(piece.part as usize) {
            *sum_ns = sum_ns.saturating_add(piece.span.length_ns());
        }
    }

    /// Both together.
    pub fn and(self, other: Self) -> Self {
        let mut sums = self.0.into_iter().zip(other.0).map(|(one, other)| one.saturating_add(other));
        Self(std::array::from_fn(|_| sums.next().unwrap_or(0)))
    }

    fn add(&mut self, turn: Turn, times: &Times<'_>) {
        turn.pieces(times).for_each(|piece| self.add_piece(piece));
    }

    fn less(self, other: Self) -> Self {
        let mut sums = self.0.into_iter().zip(other.0).map(|(one, other)| one.saturating_sub(other));
        Self(std::array::from_fn(|_| sums.next().unwrap_or(0)))
    }
}
