//! The one table of run-level metrics. A metric is a row: key, title, unit, direction, frames needed, how it is computed,
//! definition. Summaries, CSV, reports, docs and the window take everything from here.
//!
//! Knows a run's record and its sorted frame columns; what lies around a run is `summary`'s.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::{EncodeMetrics, EngineKind, LockPlacement};
use crate::record::{FrameColumns, ProcessUse, RunRecord};
use crate::stats::math::descriptive::per_mille;
use crate::units::Unit;

/// Which way is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Better {
    Lower,
    Higher,
    Neither,
}

/// A run with its per-frame columns in order of size.
pub(super) struct Measured<'a> {
    pub(super) record: &'a RunRecord,
    pub(super) sorted_lock_ns: Vec<u64>,
    pub(super) sorted_latency_ns: Vec<u64>,
}

/// How a metric comes out of a run; `None` where the run has no such value.
type Compute = fn(&Measured<'_>) -> Option<f64>;

struct Row {
    key: &'static str,
    title: &'static str,
    unit: Unit,
    better: Better,
    min_frames: u64,
    compute: Compute,
    definition: &'static str,
}

/// From one row each: the enum, its list, and the table.
macro_rules! metrics {
    ($($name:ident: $key:literal, $title:literal, $unit:ident, $better:ident, $min_frames:literal, $compute:expr, $definition:literal;)+) => {
        /// A number that every run has, unless the run ended too early for it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        #[allow(missing_docs, reason = "Metric::definition says it")]
        pub enum Metric {
            $($name,)+
        }

        impl Metric {
            /// All of them, in the order of tables.
            pub const ALL: [Self; [$($key),+].len()] = [$(Self::$name),+];
        }

        static TABLE: [Row; Metric::ALL.len()] = [$(Row {
            key: $key,
            title: $title,
            unit: Unit::$unit,
            better: Better::$better,
            min_frames: $min_frames,
            compute: $compute,
            definition: $definition,
        }),+];
    };
}

metrics! {
    WallMs: "wall_ms", "Wall time", Milliseconds, Lower, 0, |run| Some(ms(run.record.wall_ns)),
        "Time from fetching the first frame to the last packet, the caller's own work included. Opening the session is not part of it.";
    Fps: "fps", "Throughput", FramesPerSecond, Higher, 0, |run| (run.record.wall_ns > 0).then(|| run.packets_in_wall() / (run.record.wall_ns as f64 / 1e9)),
        "Packets divided by the wall time. Frames of the pre-roll that the encoder held back when the clock started (B-frames, lookahead) are counted too.";
    SlowestStreamFps: "slowest_stream_fps", "Slowest stream", FramesPerSecond, Higher, 0, |run| run.stream_fps()?.into_iter().reduce(f64::min),
        "Throughput of the slowest of several streams at once: its frames divided by the time from handing in its first frame until its last one is back. Only with several streams.";
    FairnessPct: "fairness_pct", "Fairness", Percent, Higher, 0, |run| fairness_pct(&run.stream_fps()?),
        "Jain's index of the streams' throughputs: their sum squared, divided by their number and the sum of their squares. 100 % if all are equally fast, 100 % divided by their number if one gets everything. Only with several streams.";
    LockMs: "lock_ms", "Lock wait", Milliseconds, Lower, 0, |run| Some(ms(run.record.metrics.lock_ns)),
        "Total time the run spent inside nvEncLockBitstream, on whichever thread called it.";
    SubmitBlockedMs: "submit_blocked_ms", "Submit blocked", Milliseconds, Lower, 0, |run| run.record.case.client.is_here().then(|| ms(run.record.metrics.blocked_ns)),
        "Total time the submitting thread waited for room: for a free buffer pair, or, where it does not lock itself, for the number of frames in flight to fall below the threshold. Of another process it is not known.";
    SubmitWaitMs: "submit_wait_ms", "Submit thread's wait", Milliseconds, Lower, 0, |run| {
        let (metrics, case) = (&run.record.metrics, &run.record.case);
        match case.lock {
            LockPlacement::Inline | LockPlacement::Poll => Some(ms(metrics.blocked_ns.saturating_add(metrics.lock_ns))),
            // A trace of another process has its calls, not its waits between them.
            LockPlacement::Thread | LockPlacement::Ready => case.client.is_here().then(|| ms(metrics.blocked_ns)),
        }
    },
        "Total time the submitting thread waited for the encoder: inside nvEncLockBitstream where it locks itself, and for room (Submit blocked). Of another process with a lock thread it is not known.";
    UploadMs: "upload_ms", "Upload", Milliseconds, Lower, 0, |run| Some(ms(run.record.metrics.upload_ns)),
        "Total time spent copying frames into the driver's input buffers; with input_path cuda, into memory of the GPU, until the copy is there. What the driver needs before and after is not part of it where it is told apart (Input lock, Input unlock): not of other programs, nor in sessions of older versions.";
    InputLockMs: "input_lock_ms", "Input lock", Milliseconds, Lower, 0, |run| (!run.record.frames.input_lock_ns.is_empty()).then(|| ms(run.record.metrics.input_lock_ns)),
        "Total time inside nvEncLockInputBuffer, where a driver may wait until the engine has read the buffer. Only where frames are in the driver's own buffers.";
    InputUnlockMs: "input_unlock_ms", "Input unlock", Milliseconds, Lower, 0, |run| (!run.record.frames.input_unlock_ns.is_empty()).then(|| ms(run.record.metrics.input_unlock_ns)),
        "Total time inside nvEncUnlockInputBuffer, where a driver may move the frame to the device. Only where frames are in the driver's own buffers.";
    SubmitMs: "submit_ms", "Submit", Milliseconds, Lower, 0, |run| Some(ms(run.record.metrics.submit_ns)),
        "Total time inside nvEncEncodePicture.";
    CopyMs: "copy_ms", "Copy out", Milliseconds, Lower, 0, |run| Some(ms(run.record.metrics.copy_ns)),
        "Total time spent copying packets out of locked bitstream buffers.";
    UnlockMs: "unlock_ms", "Unlock", Milliseconds, Lower, 0, |run| Some(ms(run.record.metrics.unlock_ns)),
        "Total time inside nvEncUnlockBitstream.";
    MapMs: "map_ms", "Map input", Milliseconds, Lower, 0, |run| (run.record.metrics.map_ns > 0).then(|| ms(run.record.metrics.map_ns)),
        "Total time inside nvEncMapInputResource. Only where frames are in CUDA memory (input_path).";
    UnmapMs: "unmap_ms", "Unmap input", Milliseconds, Lower, 0, |run| (run.record.metrics.map_ns > 0).then(|| ms(run.record.metrics.unmap_ns)),
        "Total time inside nvEncUnmapInputResource, on whichever thread locks. Only where frames are in CUDA memory.";
    ConvertMs: "convert_ms", "Convert to NV12", Milliseconds, Lower, 0, |run| (run.record.metrics.convert_ns > 0).then(|| ms(run.record.metrics.convert_ns)),
        "Total time converting frames to NV12 on the GPU, from starting the kernel until it is done. Only with input_path convert.";
    DecodeMapMs: "decode_map_ms", "Decoder's map wait", Milliseconds, Lower, 0, |run| run.decoder_ms(|metrics| metrics.lock_ns),
        "Total time inside cuvidMapVideoFrame64, on whichever thread takes frames back from the decoder. Only of a transcode, as all that is the decoder's.";
    DecodeBlockedMs: "decode_blocked_ms", "Decoder blocked", Milliseconds, Lower, 0, |run| run.decoder_ms(|metrics| metrics.blocked_ns),
        "Total time the thread that submits access units waited for room in the decoder: for a free surface, or, where another thread maps, for the number of frames in flight to fall below the decoder's threshold.";
    DecodeSubmitMs: "decode_submit_ms", "Decoder submit", Milliseconds, Lower, 0, |run| run.decoder_ms(|metrics| metrics.submit_ns),
        "Total time inside cuvidDecodePicture.";
    DecodeParseMs: "decode_parse_ms", "Decoder parse", Milliseconds, Lower, 0, |run| run.decoder_ms(|metrics| metrics.upload_ns),
        "Total time in the driver's parser, not counting its callbacks.";
    DecodeCopyMs: "decode_copy_ms", "Copy to the encoder", Milliseconds, Lower, 0, |run| run.decoder_ms(|metrics| metrics.copy_ns),
        "Total time spent copying decoded frames to the encoder's memory on the device, until the copy is there.";
    FirstOutputMs: "first_output_ms", "First packet", Milliseconds, Lower, 0, |run| run.first_output_ms(),
        "Time from handing in the session's first frame, of the pre-roll where there is one, until the caller has the first packet: what a cold engine or a driver's first call adds is in it.";
    DrainMs: "drain_ms", "Drain", Milliseconds, Lower, 0, |run| Some(ms(run.record.metrics.drain_ns)),
        "Time from the end-of-stream call to the last packet. Part of the wall time.";
    SourceWaitMs: "source_wait_ms", "Source wait", Milliseconds, Lower, 0, |run| Some(run.record.frames.source_wait_ns.iter().map(|&wait_ns| ms(wait_ns)).sum()),
        "Total time the run waited for frames to be read. 0 where the input was in memory before the clock started.";
    OpenMs: "open_ms", "Session open", Milliseconds, Lower, 0, |run| Some(ms(run.record.open_ns)),
        "Time to open and initialise the session and to create its buffers. Not part of the wall time.";
    QueuePeak: "queue_peak", "Queue peak", Count, Neither, 0, |run| Some(f64::from(run.record.metrics.queue_peak)),
        "The largest number of frames that were submitted and not yet unlocked at one time, including the frame that a harvest thread holds.";
    LatencyP50Ms: "latency_p50_ms", "Latency p50", Milliseconds, Lower, 0, |run| run.latency_at(500),
        "Median over the run's frames of the time from the call of nvEncEncodePicture until the caller has the packet; in a transcode, from that of cuvidDecodePicture.";
    LatencyP95Ms: "latency_p95_ms", "Latency p95", Milliseconds, Lower, 200, |run| run.latency_at(950),
        "The submit-to-packet time that 95 % of the run's frames did not exceed (nearest rank).";
    LatencyP99Ms: "latency_p99_ms", "Latency p99", Milliseconds, Lower, 1000, |run| run.latency_at(990),
        "The submit-to-packet time that 99 % of the run's frames did not exceed (nearest rank).";
    LatencyP999Ms: "latency_p999_ms", "Latency p99.9", Milliseconds, Lower, 10000, |run| run.latency_at(999),
        "The submit-to-packet time that 99.9 % of the run's frames did not exceed (nearest rank).";
    LatencyMaxMs: "latency_max_ms", "Latency max", Milliseconds, Lower, 0, |run| run.latency_at(1000),
        "The longest submit-to-packet time of any frame of the run.";
    LockP50Ms: "lock_p50_ms", "Lock wait per frame p50", Milliseconds, Lower, 0, |run| run.lock_at(500),
        "Median over the run's frames of the time inside nvEncLockBitstream for that frame.";
    LockP95Ms: "lock_p95_ms", "Lock wait per frame p95", Milliseconds, Lower, 200, |run| run.lock_at(950),
        "The time inside nvEncLockBitstream that 95 % of the run's frames did not exceed (nearest rank).";
    LockP99Ms: "lock_p99_ms", "Lock wait per frame p99", Milliseconds, Lower, 1000, |run| run.lock_at(990),
        "The time inside nvEncLockBitstream that 99 % of the run's frames did not exceed (nearest rank).";
    LockP999Ms: "lock_p999_ms", "Lock wait per frame p99.9", Milliseconds, Lower, 10000, |run| run.lock_at(999),
        "The time inside nvEncLockBitstream that 99.9 % of the run's frames did not exceed (nearest rank).";
    LockThreadCpuMs: "lock_thread_cpu_ms", "Lock thread's CPU time", Milliseconds, Lower, 0, |run| run.record.metrics.lock_thread_cpu_ns.map(ms),
        "CPU time of the thread that locks, its packet receiver included. Only where it has a thread of its own, on Linux.";
    Bytes: "bytes", "Stream size", Bytes, Neither, 0, |run| Some(run.record.metrics.bytes as f64),
        "Bytes of all packets of the run.";
    ProcessWallMs: "process_wall_ms", "Process wall time", Milliseconds, Lower, 0, |run| run.process().map(|process| ms(process.wall_ns)),
        "Time from the start of the encoding process to its end, including opening, reading and writing files. Only for cases that run as separate processes.";
    ProcessCpuMs: "process_cpu_ms", "Process CPU time", Milliseconds, Lower, 0, |run| run.cpu_ms(),
        "CPU time of the whole encoding process, user and system, all threads.";
    CpuPerFrameMs: "cpu_per_frame_ms", "CPU time per frame", Milliseconds, Lower, 0, |run| run.cpu_ms().filter(|_| run.record.metrics.packets > 0).map(|cpu_ms| cpu_ms / run.record.metrics.packets as f64),
        "CPU time of the whole encoding process divided by its packets.";
    PeakMemoryBytes: "peak_memory_bytes", "Peak memory", Bytes, Lower, 0, |run| Some(run.process()?.peak_memory_bytes? as f64),
        "Largest resident memory of the encoding process.";
    LockDepth: "lock_depth", "Depth at the lock", Count, Neither, 0, |run| run.process().map(|process| f64::from(process.lock_depth)),
        "Frames submitted and not yet unlocked when an output is locked, the median over a run: the queue depth that an encoding process keeps.";
}

/// What a comparison is about, named before anything is measured. All others are exploratory: of many intervals at 95 %
/// one in twenty misses.
pub const PRIMARY: Metric = Metric::WallMs;

/// What every comparison looks at, in this order. Throughput is the wall time turned over and adds nothing.
pub const COMPARED_METRICS: [Metric; 13] = [
    PRIMARY,
    Metric::SubmitWaitMs,
    Metric::LockMs,
    Metric::SubmitBlockedMs,
    Metric::LockP50Ms,
    Metric::LockP95Ms,
    Metric::LockP99Ms,
    Metric::LockP999Ms,
    Metric::LatencyP95Ms,
    Metric::LatencyP99Ms,
    Metric::LatencyP999Ms,
    Metric::ProcessWallMs,
    Metric::CpuPerFrameMs,
];

/// What tables of cases show of an engine, most telling first.
pub fn swept_metrics(engine: EngineKind) -> Vec<Metric> {
    const SWEPT: [Metric; 7] = [
        Metric::WallMs,
        Metric::DecodeMapMs,
        Metric::LockMs,
        Metric::SubmitBlockedMs,
        Metric::LatencyP99Ms,
        Metric::QueuePeak,
        Metric::Fps,
    ];
    SWEPT.into_iter().filter(|metric| metric.is_of(engine)).collect()
}

/// The wait that more frames in flight are to remove: the lock wait, or where a side locks on a thread of its own, beside the
/// caller, what the submitting thread still waits.
pub fn wait_of(locks: [LockPlacement; 2]) -> Metric {
    if locks.iter().any(|lock| lock.has_own_thread()) { Metric::SubmitWaitMs } else { Metric::LockMs }
}

/// The highest percentile of latency that runs of so many frames bear.
pub fn tail_of(frames: u64) -> Metric {
    let tails = [Metric::LatencyP99Ms, Metric::LatencyP95Ms];
    tails.into_iter().find(|tail| tail.min_frames() <= frames).unwrap_or(Metric::LatencyP50Ms)
}

impl Metric {
    /// Name in JSON, CSV and criteria files.
    pub fn key(self) -> &'static str {
        self.row().key
    }

    /// Name for people.
    pub fn title(self) -> &'static str {
        self.row().title
    }

    /// What the value counts.
    pub fn unit(self) -> Unit {
        self.row().unit
    }

    /// Which way is good.
    pub fn better(self) -> Better {
        self.row().better
    }

    /// What it is, in a sentence or two.
    pub fn definition(self) -> &'static str {
        self.row().definition
    }

    /// Can a run of this engine have it? Frames in CUDA memory, and other programs, are encoders' business.
    pub fn is_of(self, engine: EngineKind) -> bool {
        const OF_ENCODERS: [Metric; 10] = [
            Metric::InputLockMs,
            Metric::InputUnlockMs,
            Metric::ConvertMs,
            Metric::MapMs,
            Metric::UnmapMs,
            Metric::ProcessWallMs,
            Metric::ProcessCpuMs,
            Metric::CpuPerFrameMs,
            Metric::PeakMemoryBytes,
            Metric::LockDepth,
        ];
        const OF_TRANSCODES: [Metric; 5] = [
            Metric::DecodeMapMs,
            Metric::DecodeBlockedMs,
            Metric::DecodeSubmitMs,
            Metric::DecodeParseMs,
            Metric::DecodeCopyMs,
        ];
        match engine {
            EngineKind::Nvenc => !OF_TRANSCODES.contains(&self),
            EngineKind::Nvdec => !OF_TRANSCODES.contains(&self) && !OF_ENCODERS.contains(&self),
            EngineKind::Transcode => true,
        }
    }

    /// Frames that a run needs for this to be more than a matter of single frames: ten beyond the percentile, or 200 for
    /// p95, 1,000 for p99, 10,000 for p99.9. Were frames independent, a run of 300 would have none beyond the true p99 in
    /// 4.9 % of cases (0.99³⁰⁰); they are not, and at a correlation of 0.9 from frame to frame it is 40 %. 0 for what is no
    /// tail.
    pub fn min_frames(self) -> u64 {
        self.row().min_frames
    }

    pub(super) fn of(self, run: &Measured<'_>) -> Option<f64> {
        (self.row().compute)(run)
    }

    fn row(self) -> &'static Row {
        // In bounds: the table has a row for each.
        &TABLE[self as usize]
    }
}

impl Measured<'_> {
    pub(super) fn latency_at(&self, share: u32) -> Option<f64> {
        per_mille(&self.sorted_latency_ns, share).map(ms)
    }

    pub(super) fn lock_at(&self, share: u32) -> Option<f64> {
        per_mille(&self.sorted_lock_ns, share).map(ms)
    }

    /// Those that were counted, and those that the pre-roll left to be finished.
    fn packets_in_wall(&self) -> f64 {
        let held = self.record.preroll.as_ref().map_or(0, |preroll| preroll.num_held);
        self.record.metrics.packets.saturating_add(held.into()) as f64
    }

    /// Of each of several streams; `None`: there is one.
    fn stream_fps(&self) -> Option<Vec<f64>> {
        let fps = |frames: &FrameColumns| {
            let took_ns = frames.packets_at_ns().max()?.saturating_sub(*frames.begin_at_ns.first()?);
            (took_ns > 0).then(|| frames.len() as f64 / (took_ns as f64 / 1e9))
        };
        let all: Option<Vec<f64>> = self.record.streams().map(fps).collect();
        all.filter(|all| all.len() > 1)
    }

    fn first_output_ms(&self) -> Option<f64> {
        let frames = self.record.preroll.as_ref().map_or(&self.record.frames, |preroll| &preroll.frames);
        // The frames of a transcode count from the first access unit.
        let begin_ns = if self.record.decode.is_some() && self.record.preroll.is_none() {
            0
        } else {
            *frames.begin_at_ns.first()?
        };
        let first_ns = frames.packets_at_ns().min()?;
        Some(ms(first_ns.saturating_sub(begin_ns)))
    }

    fn decoder_ms(&self, time_ns: fn(&EncodeMetrics) -> u64) -> Option<f64> {
        self.record.decode.as_ref().map(|stage| ms(time_ns(&stage.metrics)))
    }

    fn process(&self) -> Option<&ProcessUse> {
        self.record.process.as_ref()
    }

    fn cpu_ms(&self) -> Option<f64> {
        self.process().map(|process| ms(process.user_ns.saturating_add(process.system_ns)))
    }
}

/// Jain, Chiu, Hawe: "A Quantitative Measure of Fairness and Discrimination for Resource Allocation in Shared Computer Systems",
/// 1984.
fn fairness_pct(shares: &[f64]) -> Option<f64> {
    let (sum, squares): (f64, f64) = (shares.iter().sum(), shares.iter().map(|share| share * share).sum());
    (squares > 0.0).then(|| 100.0 * sum * sum / (shares.len() as f64 * squares))
}

pub(super) fn ms(value_ns: u64) -> f64 {
    value_ns as f64 / 1e6
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fairness_is_whole_among_equals_and_a_share_where_one_has_everything() {
        assert_eq!(fairness_pct(&[30.0, 30.0, 30.0]), Some(100.0));
        assert_eq!(fairness_pct(&[60.0, 0.0]), Some(50.0));
        assert_eq!(fairness_pct(&[]), None);
    }

    #[test]
    fn keys_are_those_of_the_json() {
        for metric in Metric::ALL {
            assert_eq!(serde_json::to_value(metric).unwrap(), metric.key());
        }
    }

    #[test]
    fn a_decoder_has_no_word_of_an_encoder_s() {
        for metric in Metric::ALL.into_iter().filter(|metric| metric.is_of(EngineKind::Nvdec)) {
            for text in [metric.title(), metric.definition()].map(|text| EngineKind::Nvdec.say(text)) {
                for word in ["ncod", "nvEnc", "itstream", "acket", "Lock wait", "lock wait", "buffer", "unmaped"] {
                    assert!(!text.contains(word), "{word}: {text}");
                }
            }
        }
    }

    #[test]
    fn tables_follow_the_order_of_declaration() {
        assert!(Metric::ALL.is_sorted());
    }
}
