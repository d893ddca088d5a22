//! Which threshold to use: the smallest one that is about as fast as the fastest.
//!
//! Pure, from groups. More pictures in flight than that cost latency and memory and buy nothing.

use serde::Serialize;

use crate::contract::{Codec, LockPlacement};
use crate::record::Case;
use crate::stats::summary::Group;

/// The knee of one codec and lock placement.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Recommendation {
    pub codec: Codec,
    pub lock: LockPlacement,
    /// The case to use.
    pub case: Case,
    /// The case with the shortest mean wall time, maybe the same.
    pub fastest: Case,
    /// Why, in words.
    pub reason: String,
}

/// Which two cases of one session to hold against each other when nobody said.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct DefaultPair {
    pub codec: Codec,
    pub before: Case,
    pub after: Case,
    /// Why, in words.
    pub reason: String,
}

/// For each codec and lock placement the smallest threshold whose mean wall time is within 1 % of the best one.
pub fn recommend(groups: &[Group]) -> Vec<Recommendation> {
    todo!()
}

/// For each codec with two cases or more: before is the serial case, or else the smallest threshold of the first lock
/// placement; after is the recommended case.
pub fn default_pair(groups: &[Group]) -> Vec<DefaultPair> {
    todo!()
}
