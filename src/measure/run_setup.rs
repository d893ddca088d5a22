//! What a run needs, and how its caller behaves.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use super::opened::{Opened, RunConfig};
use crate::record::LiveSample;

/// How the caller behaves around the encoder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Caller {
    /// Busy work of the CPU before each frame.
    pub host_work: Duration,
    /// Frames arrive at this rate.
    pub pace_fps: Option<f64>,
    /// Frames that it submits before the clock starts, as fast as it can.
    pub preroll_frames: u32,
    /// Sessions at once, each fed with the same frames by a thread of its own.
    pub num_streams: u32,
}

/// The part of a run in progress that a watcher sees.
#[derive(Debug, Clone, Copy)]
pub struct LiveUpdate<'a> {
    /// Frames submitted.
    pub frames: u64,
    /// Frames that were reaped since the last call, [`LIVE_SAMPLES`](super::run::LIVE_SAMPLES) at most.
    pub fresh: &'a [LiveSample],
}

/// Everything that a run needs and that stays the same between runs.
#[derive(Clone, Copy)]
pub struct RunSetup<'a> {
    /// The device, and the frames.
    pub opened: &'a Opened,
    /// The settings.
    pub config: &'a RunConfig,
    /// How the caller behaves.
    pub caller: Caller,
    /// Checked once per frame; ends the run early, drained and recorded with [`RunError::Stopped`](super::run::RunError::Stopped).
    pub stop: &'a AtomicBool,
}

pub(super) fn unix_ms() -> u64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
