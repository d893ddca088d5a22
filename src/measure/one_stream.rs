//! One stream of a run, from the opening of its session to its last packet: the measured loop.
//!
//! Inside it nothing is allocated, and nothing logs or waits for a watcher: measurements go to memory allocated before, and a
//! watcher is called at most every [`WATCH_EVERY`] and must return at once. The data for it is copied whether or not anybody
//! watches, so a run costs the same with and without a window.

use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::run_error::{RunError, check_packets};
use super::run_setup::{LiveUpdate, RunSetup, nanos};
use crate::contract::EncodeMetrics;
use crate::device::DeviceError;
use crate::pipeline::engine::Frame;
use crate::pipeline::{Submits, TakenFrames};
use crate::record::LiveSample;
use crate::source::Cursor;

/// Shortest time between two calls of a watcher.
pub const WATCH_EVERY: Duration = Duration::from_millis(50);
/// Most frames that a watcher is shown at a time: [`WATCH_EVERY`] at 40,000 frames per second.
pub const LIVE_SAMPLES: usize = 2048;
/// How often a paced caller with poll placement asks while it waits for the next frame.
const IDLE_POLL_EVERY: Duration = Duration::from_micros(200);
/// How often a paced caller looks whether to stop while it waits for the next frame.
const IDLE_LOOK_EVERY: Duration = Duration::from_millis(50);

/// Where the streams of a run wait until all are ready.
pub(super) struct Gate {
    arrived: Mutex<Arrived>,
    all_are_here: Condvar,
    num_streams: u32,
}

#[derive(Default)]
struct Arrived {
    num: u32,
    has_failed: bool,
}

/// A stream that has not arrived yet. One that ends before it could, by a panic too, counts as failed: nobody waits for it.
struct Expected<'a>(Option<&'a Gate>);

/// What one stream did, also where it failed.
#[derive(Default)]
pub(super) struct StreamDone {
    pub(super) open_ns: u64,
    /// `None`: there was no pre-roll.
    pub(super) preroll_ns: Option<u64>,
    /// From before the first frame to after the last packet; `None`: it never began.
    pub(super) span: Option<(Instant, Instant)>,
    pub(super) first_frame_at: Option<Instant>,
    /// Frames of the device that were late before, and by how much.
    pub(super) late_before: Option<(u64, u64)>,
    pub(super) metrics: EncodeMetrics,
    pub(super) taken: TakenFrames,
    error: Option<RunError>,
}

/// Memory that the measured loop writes to, made before the clock starts.
struct Notes {
    source_waits_ns: Vec<u64>,
    /// What came back since the last look.
    fresh: Vec<LiveSample>,
}

/// A stream whose clock can start.
struct Ready<'a, P> {
    pipeline: P,
    cursor: Cursor<'a>,
    notes: Notes,
}

impl Gate {
    pub(super) fn new(num_streams: u32) -> Self {
        Self { arrived: Mutex::default(), all_are_here: Condvar::new(), num_streams }
    }

    /// A stream is ready, or will never be.
    pub(super) fn arrive(&self, is_ready: bool) {
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        arrived.num += 1;
        arrived.has_failed |= !is_ready;
        drop(arrived);
        self.all_are_here.notify_all();
    }

    /// Waits for the others; answers whether all are ready.
    fn wait(&self) -> bool {
        let arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let is_missing = |arrived: &mut Arrived| arrived.num < self.num_streams;
        let arrived = self.all_are_here.wait_while(arrived, is_missing).unwrap_or_else(PoisonError::into_inner);
        !arrived.has_failed
    }
}

impl Expected<'_> {
    /// Waits for the others; answers whether all are ready.
    fn pass(mut self, is_ready: bool) -> bool {
        let Some(gate) = self.0.take() else { return false };
        gate.arrive(is_ready);
        gate.wait()
    }
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        if let Some(gate) = self.0.take() {
            gate.arrive(false);
        }
    }
}

impl StreamDone {
    /// One that could not be begun.
    pub(super) fn failed(error: RunError) -> Self {
        Self { error: Some(error), ..Self::default() }
    }

    /// Why it is no good stream.
    pub(super) fn check(&mut self) -> Result<(), RunError> {
        self.error.take().map_or(Ok(()), Err)?;
        for EncodeMetrics { frames, packets, .. } in
            [Some(self.metrics), self.taken.decode.as_ref().map(|stage| stage.metrics)].into_iter().flatten()
        {
            if frames != packets {
                return Err(RunError::PacketCount { frames, packets });
            }
        }
        check_packets(&self.taken.preroll).map_err(|error| RunError::Preroll(Box::new(error)))?;
        check_packets(&self.taken.frames)
    }
}

impl RunSetup<'_> {
    /// The `number`-th stream, from 0.
    pub(super) fn stream<P: Submits>(
        &self,
        number: u32,
        open: impl FnOnce() -> Result<P, DeviceError>,
        gate: &Gate,
        watch: &mut dyn FnMut(LiveUpdate<'_>),
    ) -> StreamDone
    where
        RunError: From<P::Error>,
    {
        let (mut done, expected) = (StreamDone::default(), Expected(Some(gate)));
        let prepared = self.prepare(open, &mut done);
        let all_are_ready = expected.pass(prepared.is_ok());
        match prepared {
            Err(error) => done.error = Some(error),
            Ok(_) if !all_are_ready => done.error = Some(RunError::NotBegun),
            Ok(ready) => self.measure(number, ready, watch, &mut done),
        }
        done
    }

    /// Everything before the clock starts.
    fn prepare<P: Submits>(
        &self,
        open: impl FnOnce() -> Result<P, DeviceError>,
        done: &mut StreamDone,
    ) -> Result<Ready<'_, P>, RunError>
    where
        RunError: From<P::Error>,
    {
        let open_start = Instant::now();
        let opened = open();
        done.open_ns = nanos(open_start.elapsed());
        let mut pipeline = opened?;
        let notes = Notes {
            source_waits_ns: Vec::with_capacity(self.config.expected_frames()),
            fresh: Vec::with_capacity(LIVE_SAMPLES),
        };
        done.preroll_ns = self.preroll(&mut pipeline)?;
        Ok(Ready { pipeline, cursor: self.opened.feed.start(self.stop)?, notes })
    }

    /// Everything from the first frame to the last packet, and then the book-keeping.
    fn measure<P: Submits>(
        &self,
        number: u32,
        ready: Ready<'_, P>,
        watch: &mut dyn FnMut(LiveUpdate<'_>),
        done: &mut StreamDone,
    ) where
        RunError: From<P::Error>,
    {
        let Ready { mut pipeline, mut cursor, mut notes } = ready;
        // Live sources are not in step with each other.
        let phase = f64::from(number) / f64::from(self.caller.num_streams.max(1));
        done.late_before = self.opened.device.late_frames();
        let start = Instant::now();
        let fed = self.feed_all(&mut pipeline, &mut cursor, (start, phase), watch, &mut notes);
        // Whatever is in flight is drained, also after a stop or a source that broke off; after a driver error this
        // answers that the encoder has ended, and the first error is the one that counts.
        let finished = pipeline.finish();
        done.span = Some((start, Instant::now()));
        done.metrics = pipeline.metrics();
        done.first_frame_at = pipeline.first_frame_at();
        done.taken = pipeline.take_frames();
        notes.source_waits_ns.resize(done.taken.frames.len(), 0);
        done.taken.frames.source_wait_ns = notes.source_waits_ns;
        done.error = fed.and_then(|()| Ok(finished?)).err();
    }

    /// The measured loop.
    fn feed_all<P: Submits>(
        &self,
        pipeline: &mut P,
        cursor: &mut Cursor<'_>,
        (start, phase): (Instant, f64),
        watch: &mut dyn FnMut(LiveUpdate<'_>),
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
            let Some((data, source_wait_ns)) = cursor.next()? else { break };
            notes.source_waits_ns.push(source_wait_ns);
            if let Some(fps) = self.caller.pace_fps {
                let due = start + Duration::from_secs_f64((frame as f64 + phase) / fps);
                self.wait_for_frame(pipeline, due, polls)?;
            }
            self.work();
            // A frame whose work was cut short is none.
            if self.stop.load(Ordering::Relaxed) {
                return Err(RunError::Stopped);
            }
            pipeline.submit(&Frame { data, pts: first_pts + frame })?;
            let now = Instant::now();
            if now >= next_watch {
                next_watch = now + WATCH_EVERY;
                pipeline.live_update(&mut num_seen, &mut notes.fresh);
                watch(LiveUpdate { frames: frame + 1, fresh: &notes.fresh });
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

    /// The caller's own work: keeps a processor busy, as the work it stands for does. Ends early with a stop.
    fn work(&self) {
        let start = Instant::now();
        while start.elapsed() < self.caller.host_work && !self.stop.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
    }
}
