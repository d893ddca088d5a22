//! What was measured of each frame, on its way in and on its way back, and both joined as columns.

use super::engine::InputTimes;
use crate::contract::PictureKind;
use crate::record::FrameColumns;

/// How one frame went in.
#[derive(Debug, Clone, Copy)]
pub(super) struct SubmitSample {
    pub(super) pts: u64,
    pub(super) begin_at_ns: u64,
    pub(super) blocked_ns: u64,
    pub(super) upload_ns: u64,
    pub(super) submit_at_ns: u64,
    pub(super) submit_ns: u64,
    pub(super) input: InputTimes,
    pub(super) depth: u32,
}

/// How one frame came back. Times are in nanoseconds; those that end in `_at_ns` count from the making of the pipeline.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the names say it, as in `FrameColumns`")]
pub struct HarvestSample {
    /// Which frame, by the order of submission.
    pub pts: u64,
    /// Position in the order of coming back, from 0.
    pub idx: u64,
    pub lock_at_ns: u64,
    pub lock_ns: u64,
    pub copy_ns: u64,
    pub unlock_ns: u64,
    pub unmap_ns: u64,
    pub packet_at_ns: u64,
    pub bytes: u32,
    pub kind: PictureKind,
}

/// Sums over all harvested frames.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct HarvestTotals {
    pub(super) packets: u64,
    pub(super) bytes: u64,
    pub(super) lock_ns: u64,
    pub(super) copy_ns: u64,
    pub(super) unlock_ns: u64,
    pub(super) unmap_ns: u64,
}

impl HarvestTotals {
    pub(super) fn add(&mut self, sample: &HarvestSample) {
        self.packets += 1;
        self.bytes += u64::from(sample.bytes);
        self.lock_ns += sample.lock_ns;
        self.copy_ns += sample.copy_ns;
        self.unlock_ns += sample.unlock_ns;
        self.unmap_ns += sample.unmap_ns;
    }
}

/// Joins how frames went in with how they came back. With reordering the orders differ; the time stamp that the
/// driver returns says which frame is which.
pub(super) fn merge(submits: &[SubmitSample], harvests: &[HarvestSample]) -> FrameColumns {
    let start_ns = submits.first().map_or(0, |sample| sample.begin_at_ns);
    let mut by_frame: Vec<Option<&HarvestSample>> = vec![None; submits.len()];
    for harvest in harvests {
        if let Ok(idx) = submits.binary_search_by_key(&harvest.pts, |sample| sample.pts) {
            by_frame[idx] = Some(harvest);
        }
    }
    let submit = |column: fn(&SubmitSample) -> u64| submits.iter().map(column).collect::<Vec<_>>();
    let harvest =
        |column: fn(&HarvestSample) -> u64| by_frame.iter().map(|sample| sample.map_or(0, column)).collect::<Vec<_>>();
    let since_start = |at_ns: Vec<u64>| at_ns.into_iter().map(|at_ns| at_ns.saturating_sub(start_ns)).collect();
    let latency = |(sample, harvest): (&SubmitSample, &Option<&HarvestSample>)| {
        harvest.map_or(0, |harvest| harvest.packet_at_ns.saturating_sub(sample.submit_at_ns))
    };
    // What was done to no frame's input is no column.
    let input = |column: fn(&InputTimes) -> Option<u64>| {
        let is_there = submits.iter().any(|sample| column(&sample.input).is_some());
        let times = submits.iter().map(|sample| column(&sample.input).unwrap_or(0));
        if is_there { times.collect() } else { Vec::new() }
    };
    let map_ns: Vec<u64> = input(|input| input.map_ns);
    FrameColumns {
        begin_at_ns: since_start(submit(|sample| sample.begin_at_ns)),
        source_wait_ns: vec![0; submits.len()],
        blocked_ns: submit(|sample| sample.blocked_ns),
        upload_ns: submit(|sample| sample.upload_ns),
        submit_at_ns: since_start(submit(|sample| sample.submit_at_ns)),
        submit_ns: submit(|sample| sample.submit_ns),
        depth: submits.iter().map(|sample| sample.depth).collect(),
        lock_at_ns: since_start(harvest(|sample| sample.lock_at_ns)),
        lock_ns: harvest(|sample| sample.lock_ns),
        copy_ns: harvest(|sample| sample.copy_ns),
        unlock_ns: harvest(|sample| sample.unlock_ns),
        unmap_ns: if map_ns.is_empty() { Vec::new() } else { harvest(|sample| sample.unmap_ns) },
        map_ns,
        input_lock_ns: input(|input| input.lock_ns),
        input_unlock_ns: input(|input| input.unlock_ns),
        convert_ns: input(|input| input.convert_ns),
        latency_ns: submits.iter().zip(&by_frame).map(latency).collect(),
        bytes: by_frame.iter().map(|sample| sample.map_or(0, |sample| sample.bytes)).collect(),
        encode_idx: by_frame.iter().map(|sample| sample.map_or(0, |sample| sample.idx as u32)).collect(),
        kinds: by_frame.iter().map(|sample| sample.map_or('?', |sample| sample.kind.letter())).collect(),
        ..FrameColumns::default()
    }
}
