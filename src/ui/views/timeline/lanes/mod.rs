//! The lanes of a run's timeline: what the threads did, what the engine encoded, and which frame held which buffer slot.
//!
//! Made once from the columns of a run. Knows no egui and no scale.

pub mod engine;
pub mod rows;
pub mod stalls;
pub mod times;
pub mod totals;

use std::collections::BTreeMap;

use crate::contract::{EngineKind, LockPlacement};
use crate::record::{Case, Client, FrameColumns};
use rows::{Doing, Row, Turn};
use times::{Span, Times};

/// A named row.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the types say it")]
pub struct Lane {
    pub stage: Stage,
    pub kind: LaneKind,
    pub row: Row,
}

/// Which engine a lane is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The only one.
    Only,
    /// The decoder of a transcode.
    Decoder,
    /// Its encoder.
    Encoder,
}

impl Stage {
    /// A text that was written for an encoder, as it is said of this engine. `None`: as of the whole session.
    pub fn say(self, text: &str) -> Option<String> {
        (self == Self::Decoder).then(|| EngineKind::Nvdec.say(text).into_owned())
    }
}

impl Lane {
    /// Name for people.
    pub fn title(&self) -> String {
        title(self.stage, self.kind)
    }
}

/// Name of a lane for people, short enough to stand left of it.
pub fn title(stage: Stage, kind: LaneKind) -> String {
    match (stage, kind) {
        (Stage::Decoder, LaneKind::SubmitThread) => "decode calls".to_owned(),
        (Stage::Decoder, LaneKind::Engine) => "NVDEC (model)".to_owned(),
        (Stage::Decoder, LaneKind::InferredEngine) => "NVDEC (inferred)".to_owned(),
        (Stage::Decoder, LaneKind::LockThread) => "map thread".to_owned(),
        (Stage::Encoder, LaneKind::SubmitThread) => "encode calls".to_owned(),
        (Stage::Encoder, LaneKind::Engine) => "NVENC (model)".to_owned(),
        (Stage::Encoder, LaneKind::InferredEngine) => "NVENC (inferred)".to_owned(),
        _ => kind.title(),
    }
}

/// Whose row it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaneKind {
    /// The thread that submits; where it locks itself, also its locks.
    SubmitThread,
    /// The encode engine, where it is known what it did.
    Engine,
    /// The same, inferred.
    InferredEngine,
    /// The thread that locks, where that is another one.
    LockThread,
    /// The locks of another program, which does not say on which thread it locks.
    LockCalls,
    /// A buffer slot, by its number.
    Slot(u32),
}

impl LaneKind {
    /// Name for people.
    fn title(self) -> String {
        match self {
            Self::SubmitThread => "submit thread".to_owned(),
            Self::Engine => "engine (modelled)".to_owned(),
            Self::InferredEngine => "engine (inferred)".to_owned(),
            Self::LockThread => "lock thread".to_owned(),
            Self::LockCalls => "lock calls".to_owned(),
            Self::Slot(number) => format!("slot {number}"),
        }
    }

    /// What it shows.
    pub fn definition(self) -> &'static str {
        match self {
            Self::SubmitThread => {
                "What the submitting thread did for each frame. The rest is the application's own work."
            }
            Self::Engine => engine::KNOWN,
            Self::InferredEngine => engine::INFERRED,
            Self::LockThread => "What the locking thread did for each frame. In the rest it waited for a submission.",
            Self::LockCalls => "The program's locks, on whichever thread: a record of another program does not say it.",
            Self::Slot(_) => "A buffer slot: each box is a frame, from its upload to its packet.",
        }
    }

    /// What the time between turns is.
    pub fn rest(self, stage: Stage) -> &'static str {
        match self {
            Self::SubmitThread if stage == Stage::Only => "own work",
            // The thread may serve the other engine meanwhile.
            Self::SubmitThread => "other",
            Self::Engine | Self::InferredEngine | Self::LockThread | Self::LockCalls => "idle",
            Self::Slot(_) => "free",
        }
    }

    /// A buffer slot?
    pub fn is_slot(self) -> bool {
        matches!(self, Self::Slot(_))
    }
}

/// The times of a run of `case`.
pub fn times<'a>(frames: &'a FrameColumns, case: &Case) -> Times<'a> {
    Times { frames, lock: case.lock, waits_before_upload: case.pool <= case.reap_threshold }
}

/// What the decoder of a transcode did, as a case of its own; it has no buffer slots to show.
pub fn decoder_case(case: &Case) -> Option<Case> {
    let ring = case.decode?;
    Some(Case { reap_threshold: ring.reap_threshold, lock: ring.lock, pool: 0, decode: None, ..*case })
}

/// The lanes of a run of `case`, in the order of drawing.
pub fn lanes(times: &Times<'_>, case: &Case, stage: Stage) -> Vec<Lane> {
    let coding_order = coding_order(times);
    let submits = (0..num_frames(times)).map(|frame| submits(times, frame));
    let reaps = coding_order.iter().map(|&frame| reaps(times, frame));
    let engine = engine_lane(times, &coding_order);
    let threads: Vec<(LaneKind, Vec<Turn>)> = match (case.client, case.lock) {
        (Client::Foreign(_), _) => {
            vec![(LaneKind::SubmitThread, submits.collect()), engine, (LaneKind::LockCalls, reaps.collect())]
        }
        (_, LockPlacement::Thread | LockPlacement::Ready) => {
            vec![(LaneKind::SubmitThread, submits.collect()), engine, (LaneKind::LockThread, reaps.collect())]
        }
        (_, LockPlacement::Inline) => vec![(LaneKind::SubmitThread, submits.chain(reaps).collect()), engine],
        (_, LockPlacement::Poll) => vec![(LaneKind::SubmitThread, polling(times, submits.chain(reaps))), engine],
    };
    let slots = slots(times, case.pool).into_iter().map(|(number, turns)| (LaneKind::Slot(number), turns));
    threads.into_iter().chain(slots).map(|(kind, turns)| Lane { stage, kind, row: Row::of(turns, times) }).collect()
}

/// What the record says about the engine, or else what the calls tell of it.
fn engine_lane(times: &Times<'_>, coding_order: &[u32]) -> (LaneKind, Vec<Turn>) {
    // Of no frame at all everything is known, which is no reason to say so.
    let (kind, encodings) = match engine::known(times, coding_order).filter(|known| !known.is_empty()) {
        Some(known) => (LaneKind::Engine, known),
        None => (LaneKind::InferredEngine, engine::infer(times, coding_order)),
    };
    let turn = |it: engine::Encoding| {
        let doing = if it.is_end_seen { Doing::Encodes } else { Doing::EncodesUnseen };
        Turn { span: it.span, frame: it.frame, doing }
    };
    (kind, encodings.into_iter().map(turn).collect())
}

/// The frames that came back, as the engine took them. Frames are numbered in display order.
fn coding_order(times: &Times<'_>) -> Vec<u32> {
    let place = |frame: &u32| times.frames.encode_idx.get(*frame as usize).copied();
    let mut frames: Vec<u32> = (0..num_frames(times)).filter(|&frame| times.came_back(frame)).collect();
    frames.sort_by_key(place);
    frames
}

fn num_frames(times: &Times<'_>) -> u32 {
    u32::try_from(times.frames.submit_at_ns.len()).unwrap_or(u32::MAX)
}

fn submits(times: &Times<'_>, frame: u32) -> Turn {
    let (submit, room, upload) = (times.submit(frame), times.room(frame), times.upload(frame));
    let (from_ns, until_ns) = (room.from_ns.min(upload.from_ns), submit.until_ns.max(room.until_ns));
    Turn { span: Span { from_ns, until_ns }, frame, doing: Doing::Submits }
}

fn reaps(times: &Times<'_>, frame: u32) -> Turn {
    let span = Span { from_ns: times.lock(frame).from_ns, until_ns: times.packet_at_ns(frame) };
    Turn { span, frame, doing: Doing::Reaps }
}

fn holds(times: &Times<'_>, frame: u32) -> Turn {
    let span = Span { from_ns: times.upload(frame).from_ns, until_ns: times.packet_at_ns(frame) };
    Turn { span, frame, doing: Doing::Holds }
}

/// A thread that polls and has no room does nothing else until it has taken a packet back: what it does next.
fn polling(times: &Times<'_>, turns: impl Iterator<Item = Turn>) -> Vec<Turn> {
    let mut turns: Vec<Turn> = turns.collect();
    turns.sort_by_key(|turn| turn.span.from_ns);
    let mut next: Option<Turn> = None;
    for turn in turns.iter_mut().rev() {
        let has_waited = turn.doing == Doing::Submits && times.room(turn.frame).length_ns() > 0;
        if let Some(next) = next.filter(|next| has_waited && next.doing == Doing::Reaps) {
            turn.span.until_ns = next.span.from_ns;
        }
        next = Some(*turn);
    }
    turns
}

/// A slot is free again once its bitstream is unlocked, which may be a moment before the packet is handed on: the next
/// frame ends it then, so that the frames of a slot never overlap.
fn slots(times: &Times<'_>, pool: u32) -> BTreeMap<u32, Vec<Turn>> {
    let mut slots: BTreeMap<u32, Vec<Turn>> = BTreeMap::new();
    for (frame, encode_idx) in (0..num_frames(times)).zip(&times.frames.encode_idx) {
        if let Some(number) = encode_idx.checked_rem(pool) {
            slots.entry(number).or_default().push(holds(times, frame));
        }
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::rows::Piece;
    use super::times::Part;
    use super::*;
    use crate::contract::Codec;
    use crate::record::ClientName;

    fn case(lock: LockPlacement, reap_threshold: u32, client: Client) -> Case {
        Case { codec: Codec::H264, reap_threshold, lock, pool: reap_threshold, names_pool: false, client, decode: None }
    }

    /// Two frames of 1 ms each, submitted at 100 µs and 200 µs; the second waited for room.
    fn frames() -> FrameColumns {
        FrameColumns {
            blocked_ns: vec![0, 40_000],
            upload_ns: vec![20_000, 20_000],
            submit_at_ns: vec![100_000, 200_000],
            submit_ns: vec![10_000, 10_000],
            lock_at_ns: vec![220_000, 1_110_000],
            lock_ns: vec![880_000, 890_000],
            copy_ns: vec![3_000, 3_000],
            unlock_ns: vec![2_000, 2_000],
            latency_ns: vec![1_005_000, 1_805_000],
            encode_idx: vec![0, 1],
            ..FrameColumns::default()
        }
    }

    fn lane(lanes: &[Lane], kind: LaneKind) -> &Row {
        &lanes.iter().find(|lane| lane.kind == kind).expect("a lane of this kind").row
    }

    fn pieces(row: &Row, times: &Times<'_>) -> Vec<(Part, u64, u64)> {
        let piece = |Piece { part, span }: Piece| (part, span.from_ns / 1000, span.until_ns / 1000);
        row.turns().iter().flat_map(|turn| turn.pieces(times).map(piece).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn a_thread_that_locks_itself_has_its_locks_in_its_own_lane() {
        let (frames, case) = (frames(), case(LockPlacement::Inline, 2, Client::Here));
        let times = times(&frames, &case);
        let lanes = lanes(&times, &case, Stage::Only);
        let kinds: Vec<_> = lanes.iter().map(|lane| lane.kind).collect();
        assert_eq!(kinds, [LaneKind::SubmitThread, LaneKind::InferredEngine, LaneKind::Slot(0), LaneKind::Slot(1)]);
        let expected = [
            (Part::Upload, 80, 100),
            (Part::Submit, 100, 110),
            (Part::Room, 140, 180),
            (Part::Upload, 180, 200),
            (Part::Submit, 200, 210),
            (Part::LockWait, 220, 1100),
            (Part::Copy, 1100, 1103),
            (Part::Unlock, 1103, 1105),
            (Part::LockWait, 1110, 2000),
            (Part::Copy, 2000, 2003),
            (Part::Unlock, 2003, 2005),
        ];
        assert_eq!(pieces(lane(&lanes, LaneKind::SubmitThread), &times), expected);
        let encoded = [(Part::Encode, 110, 1100), (Part::Encode, 1100, 2000)];
        assert_eq!(pieces(lane(&lanes, LaneKind::InferredEngine), &times), encoded);
    }

    #[test]
    fn a_thread_of_its_own_has_a_lane_of_its_own() {
        let frames = frames();
        for (case, kind) in [
            (case(LockPlacement::Thread, 2, Client::Here), LaneKind::LockThread),
            (case(LockPlacement::Inline, 0, Client::Foreign(ClientName::shortened("ffmpeg"))), LaneKind::LockCalls),
        ] {
            let times = times(&frames, &case);
            let lanes = lanes(&times, &case, Stage::Only);
            let is_lock = |(part, ..): &(Part, u64, u64)| *part == Part::LockWait;
            assert_eq!(pieces(lane(&lanes, kind), &times).iter().filter(|it| is_lock(it)).count(), 2);
            assert_eq!(pieces(lane(&lanes, LaneKind::SubmitThread), &times).iter().filter(|it| is_lock(it)).count(), 0);
        }
    }

    #[test]
    fn a_polling_thread_waits_for_room_until_it_has_a_packet() {
        let frames = FrameColumns { blocked_ns: vec![0, 700_000], ..frames() };
        let case = case(LockPlacement::Poll, 2, Client::Here);
        let times = times(&frames, &case);
        // The lock of the first frame, 880 µs in all, was tried several times; its last call began at 900 µs.
        let frames = FrameColumns { lock_at_ns: vec![900_000, 1_110_000], ..frames.clone() };
        let times = Times { frames: &frames, ..times };
        let lanes = lanes(&times, &case, Stage::Only);
        let shown = pieces(lane(&lanes, LaneKind::SubmitThread), &times);
        assert!(shown.contains(&(Part::Room, 210, 900)) && shown.contains(&(Part::LockWait, 900, 1100)), "{shown:?}");
    }

    #[test]
    fn b_frames_are_encoded_and_reaped_in_coding_order() {
        let frames = FrameColumns {
            submit_at_ns: vec![0, 10_000, 20_000],
            submit_ns: vec![1_000; 3],
            lock_at_ns: vec![30_000, 900_000, 500_000],
            lock_ns: vec![400_000, 300_000, 300_000],
            latency_ns: vec![430_000, 1_190_000, 780_000],
            encode_idx: vec![0, 2, 1],
            ..FrameColumns::default()
        };
        let case = case(LockPlacement::Inline, 4, Client::Here);
        let lanes = lanes(&times(&frames, &case), &case, Stage::Only);
        let order: Vec<_> = lane(&lanes, LaneKind::InferredEngine).turns().iter().map(|turn| turn.frame).collect();
        assert_eq!(order, [0, 2, 1]);
        let reaped = lane(&lanes, LaneKind::SubmitThread).turns().iter().filter(|turn| turn.doing == Doing::Reaps);
        assert_eq!(reaped.map(|turn| turn.frame).collect::<Vec<_>>(), [0, 2, 1]);
    }

    #[test]
    fn what_is_known_of_the_engine_takes_the_place_of_what_is_inferred() {
        // The second frame begins 300 µs after the first, which is done 400 µs later.
        let frames =
            FrameColumns { encode_at_ns: vec![110_000, 410_000], encoded_at_ns: vec![810_000, 1_110_000], ..frames() };
        let case = case(LockPlacement::Inline, 2, Client::Here);
        let times = times(&frames, &case);
        let lanes = lanes(&times, &case, Stage::Only);
        let encoded = [(Part::Encode, 110, 410), (Part::Encode, 410, 1110)];
        assert_eq!(pieces(lane(&lanes, LaneKind::Engine), &times), encoded);
        assert!(lanes.iter().all(|lane| lane.kind != LaneKind::InferredEngine));
    }

    #[test]
    fn torn_columns_are_shown_as_far_as_they_go() {
        let whole = frames();
        let torn = [
            FrameColumns { latency_ns: vec![1_005_000], ..whole.clone() },
            FrameColumns { encode_idx: vec![7], ..whole.clone() },
            FrameColumns { submit_at_ns: vec![u64::MAX], lock_ns: vec![u64::MAX; 5], ..whole.clone() },
            FrameColumns { submit_at_ns: vec![], ..whole.clone() },
            FrameColumns { encode_at_ns: vec![u64::MAX, 3], encoded_at_ns: vec![0, 0], ..whole.clone() },
            FrameColumns { blocked_ns: vec![u64::MAX, u64::MAX], upload_ns: vec![], ..whole },
        ];
        for frames in torn {
            for lock in [LockPlacement::Inline, LockPlacement::Thread, LockPlacement::Ready, LockPlacement::Poll] {
                let case = case(lock, 2, Client::Here);
                let times = times(&frames, &case);
                for lane in lanes(&times, &case, Stage::Only) {
                    let ends = lane.row.turns().windows(2).all(|two| two[0].span.until_ns <= two[1].span.from_ns);
                    assert!(ends, "{:?} overlaps", lane.kind);
                    assert!(pieces(&lane.row, &times).iter().all(|(_, from, until)| from <= until));
                }
            }
        }
    }
}
