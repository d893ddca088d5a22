//! One timed run: open, submit every frame, drain, close; and the record of it.
//!
//! Knows no sweep. Inside the measured loop nothing but the packet is allocated, and nothing logs or waits for a
//! watcher: measurements go to memory allocated before, and a watcher is called at most every [`WATCH_EVERY`] and must
//! return at once. The data for it is copied whether or not anybody watches, so a run costs the same with and without
//! a window.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use super::opened::{Opened, RunConfig};
use crate::contract::{EncodeMetrics, PacketSink};
use crate::device::{DeviceError, TelemetryWatch};
use crate::nvdec::error::NvdecError;
use crate::nvenc::encoder::NvencEncoder;
use crate::nvenc::error::NvencError;
use crate::pipeline::engine::Frame;
use crate::pipeline::{RingError, Submits, TakenFrames};
use crate::plan::PlannedRun;
use crate::record::{FrameColumns, GpuState, LiveSample, Preroll, RunRecord, Telemetry};
use crate::source::{Cursor, SourceError};
use crate::transcode::TranscodeError;

/// Shortest time between two calls of a watcher.
pub const WATCH_EVERY: Duration = Duration::from_millis(50);
/// Most frames that a watcher is shown at a time: [`WATCH_EVERY`] at 40,000 frames per second.
pub const GLIMPSE_SAMPLES: usize = 2048;
/// How often a paced caller with poll placement asks while it waits for the next frame.
const IDLE_POLL_EVERY: Duration = Duration::from_micros(200);
/// How often a paced caller looks whether to stop while it waits for the next frame.
const IDLE_LOOK_EVERY: Duration = Duration::from_millis(50);

/// How the caller behaves around the encoder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Caller {
    /// Busy work of the CPU before each frame.
    pub host_work: Duration,
    /// Frames arrive at this rate.
    pub pace_fps: Option<f64>,
    /// Frames that it submits before the clock starts, as fast as it can.
    pub preroll_frames: u32,
}

/// The part of a run in progress that a watcher sees.
#[derive(Debug, Clone, Copy)]
pub struct Glimpse<'a> {
    /// Frames submitted.
    pub frames: u64,
    /// Frames that were reaped since the last call, [`GLIMPSE_SAMPLES`] at most.
    pub fresh: &'a [LiveSample],
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum RunError {
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Nvenc(#[from] NvencError),
    #[error(transparent)]
    Nvdec(#[from] NvdecError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(
        "{packets} packets came back for {frames} frames: the driver lost or repeated frames; update the driver, and report this if it persists"
    )]
    PacketCount { frames: u64, packets: u64 },
    #[error(
        "frame {frame} never came back: the driver returned another packet twice, or one with a time stamp that was never submitted; update the driver, and report this if it persists"
    )]
    NeverBack { frame: usize },
    #[error(
        "the packet of frame {frame} is empty: the driver reported success without output; update the driver, and report this if it persists"
    )]
    Empty { frame: usize },
    #[error("before the clock started, {0}")]
    Preroll(Box<RunError>),
    #[error("stopped before its end")]
    Stopped,
}

/// Everything that a run needs and that stays the same between runs.
#[derive(Clone, Copy)]
pub struct Stand<'a> {
    /// The device, and the frames.
    pub opened: &'a Opened,
    /// The settings.
    pub config: &'a RunConfig,
    /// How the caller behaves.
    pub caller: Caller,
    /// Checked once per frame; ends the run early, drained and recorded with [`RunError::Stopped`].
    pub stop: &'a AtomicBool,
}

/// Memory that the measured loop writes to, made before the clock starts.
struct Notes {
    source_waits_ns: Vec<u64>,
    /// What came back since the last look.
    fresh: Vec<LiveSample>,
}

impl From<TranscodeError> for RunError {
    fn from(error: TranscodeError) -> Self {
        match error {
            TranscodeError::Nvenc(error) => Self::Nvenc(error),
            TranscodeError::Nvdec(error) => Self::Nvdec(error),
        }
    }
}

impl RunError {
    /// May the device work again although it seems lost? One whose driver hangs may not.
    pub(super) fn may_pass(&self) -> bool {
        let is_hung = |error: &NvencError| matches!(error, NvencError::Ring(RingError::Stalled { .. }));
        match self {
            Self::Nvenc(error) | Self::Device(DeviceError::Nvenc(error)) => !is_hung(error),
            _ => false,
        }
    }

    /// Is the device lost or unusable, so that further runs are pointless?
    pub fn is_device_lost(&self) -> bool {
        match self {
            Self::Nvenc(error) | Self::Device(DeviceError::Nvenc(error)) => error.is_device_lost(),
            Self::Nvdec(error) | Self::Device(DeviceError::Nvdec(error)) => error.is_device_lost(),
            Self::Preroll(error) => error.is_device_lost(),
            _ => false,
        }
    }
}

impl Stand<'_> {
    /// Makes one run and records it, even if it fails.
    ///
    /// `sink` gets the packets; `watch` is called from inside the measured loop and must return at once.
    pub fn run(
        &self,
        planned: &PlannedRun,
        sink: PacketSink,
        watch: &mut dyn FnMut(Glimpse<'_>),
    ) -> (RunRecord, Option<RunError>) {
        let device = &self.opened.device;
        let late_before = device.late_frames();
        let mut record = planned.record(unix_ms());
        let open_start = Instant::now();
        let error = match self.config {
            RunConfig::Encode(config) => {
                let opened = device.encoder(config, sink).map(NvencEncoder::into_pipeline);
                self.measure_opened(opened, open_start, watch, &mut record)
            }
            RunConfig::Decode(config) => {
                let opened = device.decoder(config, Box::new(|_, _| ()));
                self.measure_opened(opened, open_start, watch, &mut record)
            }
            RunConfig::Transcode(decode, encode) => {
                let opened = device.transcoder(decode, encode, sink);
                self.measure_opened(opened, open_start, watch, &mut record)
            }
        };
        let error = error.err();
        record.error = error.as_ref().map(ToString::to_string);
        if let Some(((late, late_ns), (late_before, late_ns_before))) = device.late_frames().zip(late_before) {
            record.model_late = Some(late - late_before);
            record.model_late_ns = Some(late_ns - late_ns_before);
        }
        (record, error)
    }

    fn measure_opened<P: Submits>(
        &self,
        opened: Result<P, DeviceError>,
        open_start: Instant,
        watch: &mut dyn FnMut(Glimpse<'_>),
        record: &mut RunRecord,
    ) -> Result<(), RunError>
    where
        RunError: From<P::Error>,
    {
        record.open_ns = nanos(open_start.elapsed());
        self.measure(opened?, watch, record)
    }

    /// Everything from the first frame to the last packet, and then the book-keeping.
    fn measure<P: Submits>(
        &self,
        mut pipeline: P,
        watch: &mut dyn FnMut(Glimpse<'_>),
        record: &mut RunRecord,
    ) -> Result<(), RunError>
    where
        RunError: From<P::Error>,
    {
        let mut notes = Notes {
            source_waits_ns: Vec::with_capacity(self.config.expected_frames()),
            fresh: Vec::with_capacity(GLIMPSE_SAMPLES),
        };
        self.opened.device.note_engine(self.config.expected_frames());
        let preroll_ns = self.preroll(&mut pipeline)?;
        let mut cursor = self.opened.feed.start()?;
        let telemetry = self.opened.watch_telemetry();
        let start = Instant::now();
        let fed = self.feed_all(&mut pipeline, &mut cursor, start, watch, &mut notes);
        // Whatever is in flight is drained, also after a stop or a source that broke off; after a driver error this
        // answers that the encoder has ended, and the first error is the one that counts.
        let finished = pipeline.finish();
        record.wall_ns = nanos(start.elapsed());
        record.telemetry = telemetry.and_then(|watch: TelemetryWatch| watch.finish(start));
        let working = record.telemetry.as_ref().and_then(Telemetry::working_clock);
        record.gpu = self.opened.device.gpu_state().map(|state| GpuState { working, ..state });
        record.metrics = pipeline.metrics();
        let first_frame_at = pipeline.first_frame_at();
        let preroll;
        TakenFrames { preroll, frames: record.frames, decode: record.decode } = pipeline.take_frames();
        record.preroll = preroll_ns.map(|wall_ns| Preroll { wall_ns, frames: preroll });
        notes.source_waits_ns.resize(record.frames.len(), 0);
        record.frames.source_wait_ns = notes.source_waits_ns;
        fed?;
        finished?;
        let EncodeMetrics { frames, packets, .. } = record.metrics;
        if frames != packets {
            return Err(RunError::PacketCount { frames, packets });
        }
        if let Some(EncodeMetrics { frames, packets, .. }) = record.decode.as_ref().map(|stage| stage.metrics)
            && frames != packets
        {
            return Err(RunError::PacketCount { frames, packets });
        }
        if let Some(Preroll { frames, .. }) = &record.preroll {
            check_packets(frames).map_err(|error| RunError::Preroll(Box::new(error)))?;
        }
        check_packets(&record.frames)?;
        if let Some(first_frame_at) = first_frame_at {
            let num_before = record.preroll.as_ref().map_or(0, |preroll| preroll.frames.len());
            add_engine_times(&mut record.frames, num_before, &self.opened.device.engine_times(), first_frame_at);
        }
        Ok(())
    }

    /// The measured loop.
    fn feed_all<P: Submits>(
        &self,
        pipeline: &mut P,
        cursor: &mut Cursor<'_>,
        start: Instant,
        watch: &mut dyn FnMut(Glimpse<'_>),
        notes: &mut Notes,
    ) -> Result<(), RunError>
    where
        RunError: From<P::Error>,
    {
        let polls = self.config.polls();
        let mut next_watch = start + WATCH_EVERY;
        let mut num_seen = 0;
        let first_pts = u64::from(self.caller.preroll_frames);
        for frame in 0_u64.. {
            if self.stop.load(Ordering::Relaxed) {
                return Err(RunError::Stopped);
            }
            let Some((data, source_wait_ns)) = cursor.next()? else { break };
            notes.source_waits_ns.push(source_wait_ns);
            if let Some(fps) = self.caller.pace_fps {
                let due = start + Duration::from_secs_f64(frame as f64 / fps);
                self.wait_for_frame(pipeline, due, polls)?;
            }
            work(self.caller.host_work);
            pipeline.submit(&Frame { data, pts: first_pts + frame })?;
            let now = Instant::now();
            if now >= next_watch {
                next_watch = now + WATCH_EVERY;
                pipeline.glimpse(&mut num_seen, &mut notes.fresh);
                watch(Glimpse { frames: frame + 1, fresh: &notes.fresh });
            }
        }
        Ok(())
    }

    /// A real-time source has no frame before its time. A caller that polls uses the wait to take packets back.
    fn wait_for_frame<P: Submits>(&self, pipeline: &mut P, due: Instant, polls: bool) -> Result<(), RunError>
    where
        RunError: From<P::Error>,
    {
        let sleeper = spin_sleep::SpinSleeper::default();
        let step = if polls { IDLE_POLL_EVERY } else { IDLE_LOOK_EVERY };
        loop {
            let now = Instant::now();
            if now >= due {
                return Ok(());
            }
            if self.stop.load(Ordering::Relaxed) {
                return Err(RunError::Stopped);
            }
            if polls {
                pipeline.poll()?;
            }
            sleeper.sleep_until(due.min(now + step));
        }
    }
}

/// Did every frame come back, with something in it? As many packets as frames may be one packet twice and another never.
pub(super) fn check_packets(frames: &FrameColumns) -> Result<(), RunError> {
    // A packet comes after its submission.
    if let Some(frame) = frames.latency_ns.iter().position(|&ns| ns == 0) {
        return Err(RunError::NeverBack { frame });
    }
    frames.bytes.iter().position(|&bytes| bytes == 0).map_or(Ok(()), |frame| Err(RunError::Empty { frame }))
}

/// When the engine worked on each frame, from the times of all frames in coding order, `num_before` of the pre-roll among them;
/// without them for all frames, none.
fn add_engine_times(
    frames: &mut FrameColumns,
    num_before: usize,
    times: &[(Instant, Instant)],
    first_frame_at: Instant,
) {
    if times.len() != num_before + frames.len() {
        return;
    }
    let since_first = |at: Instant| nanos(at.saturating_duration_since(first_frame_at));
    let of_frame = |idx: &u32| times.get(*idx as usize).map(|(from, until)| (since_first(*from), since_first(*until)));
    let all: Option<Vec<_>> = frames.encode_idx.iter().map(of_frame).collect();
    (frames.encode_at_ns, frames.encoded_at_ns) = all.unwrap_or_default().into_iter().unzip();
}

/// The caller's own work: keeps a processor busy, as the work it stands for does.
fn work(duration: Duration) {
    let start = Instant::now();
    while start.elapsed() < duration {
        std::hint::spin_loop();
    }
}

pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn unix_ms() -> u64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_and_an_empty_packet_are_found() {
        let frames = |latency_ns: &[u64], bytes: &[u32]| FrameColumns {
            latency_ns: latency_ns.to_vec(),
            bytes: bytes.to_vec(),
            ..FrameColumns::default()
        };
        assert!(check_packets(&frames(&[9, 8], &[100, 20])).is_ok());
        assert!(matches!(check_packets(&frames(&[9, 0], &[100, 0])), Err(RunError::NeverBack { frame: 1 })));
        assert!(matches!(check_packets(&frames(&[9, 8], &[0, 20])), Err(RunError::Empty { frame: 0 })));
    }

    #[test]
    fn the_engines_times_come_in_coding_order_and_are_kept_in_display_order() {
        let start = Instant::now();
        let at = |ns: u64| start + Duration::from_nanos(ns);
        let times = [(at(100), at(300)), (at(200), at(400)), (at(300), at(500))];
        let frames = |encode_idx: &[u32]| FrameColumns {
            begin_at_ns: vec![0; encode_idx.len()],
            encode_idx: encode_idx.to_vec(),
            ..FrameColumns::default()
        };
        let mut reordered = frames(&[0, 2, 1]);
        add_engine_times(&mut reordered, 0, &times, at(50));
        assert_eq!((reordered.encode_at_ns, reordered.encoded_at_ns), (vec![50, 250, 150], vec![250, 450, 350]));
        // More frames than were expected, or a place that is not there: nothing is known of any.
        for mut unknown in [frames(&[0, 1, 2, 3]), frames(&[0, 1, 7])] {
            add_engine_times(&mut unknown, 0, &times, at(50));
            assert!(unknown.encode_at_ns.is_empty() && unknown.encoded_at_ns.is_empty());
        }
    }
}
