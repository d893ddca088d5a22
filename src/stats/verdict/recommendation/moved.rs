//! Waits that left the lock and went into the submit call, where who looks at the lock alone sees a gain.
//!
//! A driver takes only so many frames: with more in flight, submitting waits instead of locking. And some drivers let one call
//! in at a time: while one thread waits in the lock, the other waits to submit. Both are seen in medians over the good runs;
//! nothing is decided here.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Candidate, Field, Standing};
use crate::contract::LockPlacement;
use crate::record::Case;
use crate::stats::math::descriptive::median;
use crate::stats::runs::metrics::{Metric, PRIMARY};
use crate::stats::runs::summary::RunSummary;
use crate::stats::runs::values_of;

/// What is less than this share of the wall time moved nothing that matters.
const LEAST_SHARE: f64 = 0.05;

/// A wait that moved, with the times of both cases per frame in microseconds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MovedWait {
    /// Why.
    pub cause: Cause,
    /// Where it has moved.
    pub case: Case,
    /// Where it has not.
    pub than: Case,
    /// Wall time from `than` to `case`, percent.
    pub wall_change_pct: f64,
    /// What the submitting thread waits for: the lock where it locks itself, and room. Of `than`, then of `case`.
    pub wait_us: [f64; 2],
    /// Inside the submit call, likewise.
    pub submit_us: [f64; 2],
}

/// Why a submit call waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The driver takes no more frames than it has.
    FullQueue,
    /// Another thread waits inside the lock.
    BehindLock,
}

/// What a case's runs took, in medians.
struct Took {
    case: Case,
    frames: f64,
    wall_ms: f64,
    wait_ms: f64,
    submit_ms: f64,
}

/// Those of one codec: at most one of each cause.
pub(super) fn moved(field: &Field<'_>, candidates: &[Candidate], kept: Case, fastest: Case) -> Vec<MovedWait> {
    let took: Vec<_> = candidates.iter().filter_map(|one| Took::of(one.case, field.runs)).collect();
    let margin = field.margin(kept, fastest).pct / 100.0;
    let of_queue = full_queue(&took, kept, margin);
    let slow_threads = candidates.iter().filter(|one| one.standing == Standing::Slower);
    // The recommended case is as fast as the fastest, whose queue may be full.
    let than = if kept.lock == LockPlacement::Thread { fastest } else { kept };
    let behind = behind_lock(&took, &slow_threads.map(|one| one.case).collect::<Vec<_>>(), than);
    of_queue.into_iter().chain(behind).collect()
}

/// The smallest threshold beyond the recommended one, with the same placement, at which the wait went into the submit call and
/// nothing was won. With a lock thread the lock itself may be the cause.
fn full_queue(took: &[Took], kept: Case, margin: f64) -> Option<MovedWait> {
    if kept.lock == LockPlacement::Thread {
        return None;
    }
    let apart_from_threshold = |case: Case| (case.lock, case.decode, case.named_pool());
    let is_alike = |one: &&Took| apart_from_threshold(one.case) == apart_from_threshold(kept);
    let mut same: Vec<_> = took.iter().filter(is_alike).collect();
    same.sort_by_key(|one| one.case.reap_threshold);
    let pairs = same.windows(2).map(|pair| (pair[0], pair[1]));
    let has_moved = |(than, one): &(&Took, &Took)| {
        let (gone_ms, grown_ms) = (than.wait_ms - one.wait_ms, one.submit_ms - than.submit_ms);
        let is_as_slow =
            (one.wall_ms / than.wall_ms - 1.0).abs() <= margin && than.case.reap_threshold >= kept.reap_threshold;
        is_as_slow && grown_ms >= LEAST_SHARE * one.wall_ms && 2.0 * grown_ms >= gone_ms && 2.0 * gone_ms >= grown_ms
    };
    let (than, one) = pairs.into_iter().find(has_moved)?;
    Some(one.moved(Cause::FullQueue, than))
}

/// The fastest case with a lock thread, where it is slower than `than`, and its submit calls take that time.
fn behind_lock(took: &[Took], slow: &[Case], than: Case) -> Option<MovedWait> {
    let is_slow_thread = |one: &&Took| one.case.lock == LockPlacement::Thread && slow.contains(&one.case);
    let threads = took.iter().filter(|one| one.case.lock == LockPlacement::Thread);
    let best = threads.min_by(|a, b| a.wall_ms.total_cmp(&b.wall_ms)).filter(is_slow_thread)?;
    let than = took.iter().find(|one| one.case == than)?;
    let (lost_ms, grown_ms) = (best.wall_ms - than.wall_ms, best.submit_ms - than.submit_ms);
    // What left the wait for room and came into the submit call explains no loss.
    let net_ms = grown_ms + best.wait_ms - than.wait_ms;
    let explains = lost_ms > 0.0 && 2.0 * net_ms >= lost_ms;
    (explains && grown_ms >= LEAST_SHARE * best.wall_ms).then(|| best.moved(Cause::BehindLock, than))
}

impl Took {
    fn of(case: Case, runs: &[RunSummary]) -> Option<Self> {
        let own: Vec<_> = runs.iter().filter(|run| run.case == case && run.counts()).collect();
        let of = |metric| median(&values_of(&own, metric));
        let frames = own.first().map(|run| run.packets as f64).filter(|frames| *frames > 0.0)?;
        let (wait_ms, submit_ms) = (of(Metric::SubmitWaitMs)?, of(Metric::SubmitMs)?);
        Some(Self { case, frames, wall_ms: of(PRIMARY)?, wait_ms, submit_ms })
    }

    fn moved(&self, cause: Cause, than: &Self) -> MovedWait {
        let us = |ms: f64, took: &Self| 1e3 * ms / took.frames;
        MovedWait {
            cause,
            case: self.case,
            than: than.case,
            wall_change_pct: 100.0 * (self.wall_ms / than.wall_ms - 1.0),
            wait_us: [us(than.wait_ms, than), us(self.wait_ms, self)],
            submit_us: [us(than.submit_ms, than), us(self.submit_ms, self)],
        }
    }
}
