//! The one table of run-level metrics: key, title, unit, direction and definition.
//!
//! Knows no values; [`crate::stats::summary`] computes them. Tooltips and docs/methodology.md take their words from here.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Unit;

/// A number that every run has, unless the run ended too early for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "Metric::definition says it")]
pub enum Metric {
    WallMs,
    Fps,
    LockMs,
    SubmitBlockedMs,
    UploadMs,
    SubmitMs,
    CopyMs,
    UnlockMs,
    DrainMs,
    SourceWaitMs,
    OpenMs,
    QueuePeak,
    LatencyP50Ms,
    LatencyP95Ms,
    LatencyP99Ms,
    LatencyP999Ms,
    LatencyMaxMs,
    LockP50Ms,
    LockP95Ms,
    LockP99Ms,
    LockP999Ms,
    Bytes,
    ProcessWallMs,
    ProcessCpuMs,
    CpuPerFrameMs,
    PeakMemoryBytes,
    LockDepth,
}

/// Which way is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Better {
    Lower,
    Higher,
    Neither,
}

struct Row {
    key: &'static str,
    title: &'static str,
    unit: Unit,
    better: Better,
    definition: &'static str,
}

impl Metric {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 27] = [
        Self::WallMs,
        Self::Fps,
        Self::LockMs,
        Self::SubmitBlockedMs,
        Self::UploadMs,
        Self::SubmitMs,
        Self::CopyMs,
        Self::UnlockMs,
        Self::DrainMs,
        Self::SourceWaitMs,
        Self::OpenMs,
        Self::QueuePeak,
        Self::LatencyP50Ms,
        Self::LatencyP95Ms,
        Self::LatencyP99Ms,
        Self::LatencyP999Ms,
        Self::LatencyMaxMs,
        Self::LockP50Ms,
        Self::LockP95Ms,
        Self::LockP99Ms,
        Self::LockP999Ms,
        Self::Bytes,
        Self::ProcessWallMs,
        Self::ProcessCpuMs,
        Self::CpuPerFrameMs,
        Self::PeakMemoryBytes,
        Self::LockDepth,
    ];

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

    /// Frames that a run needs for this to be more than a matter of single frames: ten beyond the percentile, or 200
    /// for p95, 1,000 for p99, 10,000 for p99.9. With 300 frames there is a chance of 4.9 % that not one of them is
    /// beyond the true p99 (0.99³⁰⁰). 0 for what is no tail.
    pub fn min_frames(self) -> u64 {
        match self {
            Self::LatencyP95Ms | Self::LockP95Ms => 200,
            Self::LatencyP99Ms | Self::LockP99Ms => 1_000,
            Self::LatencyP999Ms | Self::LockP999Ms => 10_000,
            _ => 0,
        }
    }

    fn row(self) -> Row {
        use Better::{Higher, Lower, Neither};
        use Unit::{Bytes, Count, FramesPerSecond, Milliseconds};
        let row = |key, title, unit, better, definition| Row { key, title, unit, better, definition };
        match self {
            Self::WallMs => row(
                "wall_ms",
                "Encode wall time",
                Milliseconds,
                Lower,
                "From fetching the first frame to the last packet out, the caller's own work included. Opening the \
                 session is not part of it.",
            ),
            Self::Fps => row("fps", "Throughput", FramesPerSecond, Higher, "Packets divided by the encode wall time."),
            Self::LockMs => row(
                "lock_ms",
                "Lock wait",
                Milliseconds,
                Lower,
                "Total time the run spent inside nvEncLockBitstream, on whichever thread called it.",
            ),
            Self::SubmitBlockedMs => row(
                "submit_blocked_ms",
                "Submit blocked",
                Milliseconds,
                Lower,
                "Total time the submitting thread waited for room: for a free buffer pair, or, where it does not lock \
                 by itself, for the number in flight to fall below the threshold.",
            ),
            Self::UploadMs => row(
                "upload_ms",
                "Upload",
                Milliseconds,
                Lower,
                "Total time spent copying frames into the driver's input buffers, locking and unlocking them included.",
            ),
            Self::SubmitMs => row("submit_ms", "Submit", Milliseconds, Lower, "Total time inside nvEncEncodePicture."),
            Self::CopyMs => row(
                "copy_ms",
                "Copy out",
                Milliseconds,
                Lower,
                "Total time spent copying packets out of locked bitstream buffers.",
            ),
            Self::UnlockMs => {
                row("unlock_ms", "Unlock", Milliseconds, Lower, "Total time inside nvEncUnlockBitstream.")
            }
            Self::DrainMs => row(
                "drain_ms",
                "Drain",
                Milliseconds,
                Lower,
                "From the end-of-stream call to the last packet. Part of the wall time.",
            ),
            Self::SourceWaitMs => row(
                "source_wait_ms",
                "Source wait",
                Milliseconds,
                Lower,
                "Total time the runner waited for a frame to be read. 0 where the input was in memory before the clock \
                 started.",
            ),
            Self::OpenMs => row(
                "open_ms",
                "Session open",
                Milliseconds,
                Lower,
                "Opening the session, initialising it and making the buffers. Not part of the wall time.",
            ),
            Self::QueuePeak => row(
                "queue_peak",
                "Queue peak",
                Count,
                Neither,
                "The most pictures that were submitted and not yet unlocked at one time, counting what a harvesting \
                 thread holds.",
            ),
            Self::LatencyP50Ms => row(
                "latency_p50_ms",
                "Latency p50",
                Milliseconds,
                Lower,
                "Median over the run's frames of the time from the call of nvEncEncodePicture to the packet in the \
                 caller's hands.",
            ),
            Self::LatencyP95Ms => row(
                "latency_p95_ms",
                "Latency p95",
                Milliseconds,
                Lower,
                "The submit-to-packet time that 95 % of the run's frames did not exceed (nearest rank).",
            ),
            Self::LatencyP99Ms => row(
                "latency_p99_ms",
                "Latency p99",
                Milliseconds,
                Lower,
                "The submit-to-packet time that 99 % of the run's frames did not exceed (nearest rank).",
            ),
            Self::LatencyP999Ms => row(
                "latency_p999_ms",
                "Latency p99.9",
                Milliseconds,
                Lower,
                "The submit-to-packet time that 99.9 % of the run's frames did not exceed (nearest rank).",
            ),
            Self::LatencyMaxMs => row(
                "latency_max_ms",
                "Latency max",
                Milliseconds,
                Lower,
                "The longest submit-to-packet time of any frame of the run.",
            ),
            Self::LockP50Ms => row(
                "lock_p50_ms",
                "Lock wait per frame p50",
                Milliseconds,
                Lower,
                "Median over the run's frames of the time inside nvEncLockBitstream for that frame.",
            ),
            Self::LockP95Ms => row(
                "lock_p95_ms",
                "Lock wait per frame p95",
                Milliseconds,
                Lower,
                "The time inside nvEncLockBitstream that 95 % of the run's frames did not exceed (nearest rank).",
            ),
            Self::LockP99Ms => row(
                "lock_p99_ms",
                "Lock wait per frame p99",
                Milliseconds,
                Lower,
                "The time inside nvEncLockBitstream that 99 % of the run's frames did not exceed (nearest rank).",
            ),
            Self::LockP999Ms => row(
                "lock_p999_ms",
                "Lock wait per frame p99.9",
                Milliseconds,
                Lower,
                "The time inside nvEncLockBitstream that 99.9 % of the run's frames did not exceed (nearest rank).",
            ),
            Self::Bytes => row("bytes", "Stream size", Bytes, Neither, "Bytes of all packets of the run."),
            Self::ProcessWallMs => row(
                "process_wall_ms",
                "Process wall time",
                Milliseconds,
                Lower,
                "From starting the encoding process until it was gone: opening, reading and writing files included. \
                 Only of cases that are processes of their own.",
            ),
            Self::ProcessCpuMs => row(
                "process_cpu_ms",
                "Process CPU time",
                Milliseconds,
                Lower,
                "Processor time of the whole encoding process, user and system, all threads.",
            ),
            Self::CpuPerFrameMs => row(
                "cpu_per_frame_ms",
                "CPU time per frame",
                Milliseconds,
                Lower,
                "Processor time of the whole encoding process divided by its packets.",
            ),
            Self::PeakMemoryBytes => row(
                "peak_memory_bytes",
                "Peak memory",
                Bytes,
                Lower,
                "Most memory that the encoding process had resident.",
            ),
            Self::LockDepth => row(
                "lock_depth",
                "Depth at the lock",
                Count,
                Neither,
                "Pictures submitted and not yet unlocked when an output is locked, the median over a run: the queue \
                 depth that an encoding process keeps.",
            ),
        }
    }
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
    fn keys_are_those_of_the_json() {
        for metric in Metric::ALL {
            assert_eq!(serde_json::to_value(metric).unwrap(), metric.key());
        }
    }

    #[test]
    fn tables_follow_the_order_of_declaration() {
        assert!(Metric::ALL.is_sorted());
    }
}
