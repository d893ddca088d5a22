//! Which bytes came out: a digest of every packet, so that settings are compared only where they give the same stream.
//!
//! Warm-up runs digest always. The counted runs of a codec do where that took less than [`MAX_SHARE`] of the wall time in
//! every case's warm-up: all of them or none, so that it favours no case. Elsewhere the sizes of packets must do, which every
//! run has. Digesting happens on the thread that locks, after the unlock; it locks and allocates nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use xxhash_rust::xxh3::xxh3_64;

use crate::contract::{EncodedPacket, PacketSink};
use crate::plan::PlannedRun;
use crate::record::{Case, RunRecord};

/// Of a run's wall time.
const MAX_SHARE: f64 = 0.002;

/// Decides which runs digest their packets.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// Of each case that was warmed up: is it cheap?
    warmed_up: Vec<(Case, bool)>,
}

/// The digests of one run.
#[derive(Debug, Clone)]
pub(super) struct PacketDigests(Arc<Notes>);

#[derive(Debug)]
struct Notes {
    /// Of the first frame that counts.
    first_pts: u64,
    /// By the number of the frame.
    digests: Vec<AtomicU32>,
    took_ns: AtomicU64,
}

impl Streams {
    /// The digests for a run, where it is to have any. Room for its frames is made here.
    pub(super) fn digests_for(
        &self,
        planned: &PlannedRun,
        preroll_frames: u32,
        expected_frames: usize,
    ) -> Option<PacketDigests> {
        let mut of_codec = self.warmed_up.iter().filter(|(case, _)| case.codec == planned.case.codec).peekable();
        let is_cheap = of_codec.peek().is_some() && of_codec.all(|(_, is_cheap)| *is_cheap);
        (planned.warmup || is_cheap).then(|| {
            let digests = (0..expected_frames).map(|_| AtomicU32::new(0)).collect();
            PacketDigests(Arc::new(Notes { first_pts: preroll_frames.into(), digests, took_ns: AtomicU64::new(0) }))
        })
    }

    /// A run has ended. A later warm-up corrects an earlier one, which also paid for whatever is slow at first.
    pub(super) fn note(&mut self, record: &RunRecord) {
        // A run that failed says nothing of what digests cost.
        let is_good_warmup = record.warmup && record.error.is_none();
        let Some(digest_ns) = record.digest_ns.filter(|_| is_good_warmup) else { return };
        self.warmed_up.retain(|(case, _)| *case != record.case);
        self.warmed_up.push((record.case, (digest_ns as f64) < MAX_SHARE * record.wall_ns as f64));
    }
}

impl PacketDigests {
    /// Receives the packets of the run.
    pub(super) fn sink(&self) -> PacketSink {
        let Self(notes) = self.clone();
        Box::new(move |packet: EncodedPacket<'_>| {
            let start = Instant::now();
            let frame = packet.pts.checked_sub(notes.first_pts).and_then(|frame| usize::try_from(frame).ok());
            if let Some(digest) = frame.and_then(|frame| notes.digests.get(frame)) {
                digest.store(xxh3_64(packet.data) as u32, Ordering::Relaxed);
            }
            notes.took_ns.fetch_add(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        })
    }

    /// Puts them into the record of the run, whose end has waited for the thread that made them. A run of more frames than
    /// there was room for has none.
    pub(super) fn write_to(&self, record: &mut RunRecord) {
        let Self(notes) = self;
        record.digest_ns = Some(notes.took_ns.load(Ordering::Relaxed));
        let of_frames = notes.digests.get(..record.frames.len()).unwrap_or_default();
        record.frames.packet_digest = of_frames.iter().map(|digest| digest.load(Ordering::Relaxed)).collect();
    }
}
