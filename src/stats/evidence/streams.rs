//! Do runs give the same stream? Two settings are "the same encode, tuned" only if the same bytes come out.
//!
//! Looks at the sizes of all packets, and at their digests where both runs have them. Judges nothing.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::record::Case;
use crate::stats::runs::stream::Stream;
use crate::stats::runs::summary::RunSummary;

/// Two cases that give other bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StreamDiffers {
    /// Which.
    pub case: Case,
    /// Than this one; the same case, where its own runs differ.
    pub than: Case,
    /// The first frame, in display order, whose packet differs.
    pub from_frame: u32,
}

/// Where the stream of `case` differs from that of `than`; `None`: it is the same, or is not known. A case whose own runs
/// differ says nothing of another.
pub fn differs(runs: &[RunSummary], case: Case, than: Case) -> Option<StreamDiffers> {
    let of = |case| runs.iter().filter(move |run| run.case == case);
    let from_frame = first_of(&distinct(of(than)), &distinct(of(case))).filter(|_| case != than)?;
    Some(StreamDiffers { case, than, from_frame })
}

/// The same of the runs of two sessions: the first frame.
pub fn differs_between(one: &[RunSummary], other: &[RunSummary]) -> Option<u32> {
    first_of(&distinct(one.iter()), &distinct(other.iter()))
}

/// Where runs of one case differ from each other: then the encoder itself does not repeat its bytes.
pub fn varies(runs: &[RunSummary], case: Case) -> Option<StreamDiffers> {
    let from_frame = within(&distinct(runs.iter().filter(|run| run.case == case)))?;
    Some(StreamDiffers { case, than: case, from_frame })
}

/// The distinct streams of some runs: one with digests and one without, where the encoder repeats itself.
fn distinct<'a>(runs: impl Iterator<Item = &'a RunSummary>) -> Vec<&'a Arc<Stream>> {
    let mut distinct: Vec<&Arc<Stream>> = Vec::new();
    for stream in runs.filter_map(|run| run.stream.as_ref()) {
        if !distinct.iter().any(|known| Arc::ptr_eq(known, stream) || **known == *stream) {
            distinct.push(stream);
        }
    }
    distinct
}

fn within(streams: &[&Arc<Stream>]) -> Option<u32> {
    first_between(streams, streams)
}

fn first_of(one: &[&Arc<Stream>], other: &[&Arc<Stream>]) -> Option<u32> {
    let is_repeated = within(one).is_none() && within(other).is_none();
    first_between(one, other).filter(|_| is_repeated)
}

fn first_between(one: &[&Arc<Stream>], other: &[&Arc<Stream>]) -> Option<u32> {
    one.iter().flat_map(|one| other.iter().filter_map(|other| one.first_difference(other))).min()
}

impl std::fmt::Display for StreamDiffers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { case, than, from_frame } = self;
        if case == than {
            return write!(f, "{case} returns other bytes from run to run, from frame {from_frame} on");
        }
        write!(f, "{case} returns other bytes than {than} from frame {from_frame} on")
    }
}
