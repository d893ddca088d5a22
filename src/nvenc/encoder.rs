//! The encoder: frames in at one end, packets out at the other, at most `reap_threshold` pictures in between.
//!
//! Implements [`contract::Encoder`](crate::contract::Encoder) over one [`Session`]. Splits every frame's time so that
//! a wait cannot hide: waiting for room, upload, submit, lock, copy, unlock. Knows no device list and no statistics.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::error::NvencError;
use super::harvest::{HarvestSample, Harvester, Shared};
use super::ring::Ring;
use super::session::{Accepted, Session};
use crate::contract::{
    EncodeMetrics, Encoder, EncoderConfig, FrameView, LockPlacement, MAX_IN_FLIGHT, PacketSink, PictureKind,
};
use crate::record::{FrameColumns, LiveSample};

/// One picture that takes this long means that the driver hangs: a slow engine takes milliseconds. Locking inline
/// cannot be watched: the thread that would look is the one that hangs.
const STALL_LIMIT: Duration = Duration::from_secs(20);
/// Between two questions of a forced poll. Short against a picture, long against a call.
const POLL_PAUSE: Duration = Duration::from_micros(50);

/// An NVENC encoder.
pub struct NvencEncoder {
    config: EncoderConfig,
    shared: Arc<Shared>,
    reaper: Reaper,
    /// In display order. Room for all expected frames is made beforehand.
    submits: Vec<SubmitSample>,
    drain_ns: u64,
    stall_limit: Duration,
    ended: bool,
}

/// Where locking happens.
enum Reaper {
    /// On the submitting thread, waiting inside the lock.
    Inline(Harvester),
    /// On the submitting thread, asking without waiting.
    Poll(Harvester),
    /// On a thread of its own; `None` once joined.
    Thread(Option<JoinHandle<()>>),
}

/// How one frame went in.
#[derive(Debug, Clone, Copy)]
struct SubmitSample {
    pts: u64,
    begin_at_ns: u64,
    blocked_ns: u64,
    upload_ns: u64,
    submit_at_ns: u64,
    submit_ns: u64,
    depth: u32,
}

impl NvencEncoder {
    /// Initialises an open session for `config` and makes its buffers.
    ///
    /// # Errors
    /// What the device cannot do, or what the driver answers; the session is then closed.
    pub fn new(mut session: Session, config: &EncoderConfig, sink: PacketSink) -> Result<Self, NvencError> {
        let tuning = config.tuning;
        let pool = tuning.pool_size(config.b_frames);
        let too_small = tuning.pool.is_some_and(|asked| asked < pool);
        if !(1..=MAX_IN_FLIGHT).contains(&tuning.reap_threshold) || too_small {
            let pool = tuning.pool.unwrap_or(pool);
            return Err(NvencError::Tuning { threshold: tuning.reap_threshold, pool, held: config.b_frames });
        }
        session.initialize(config)?;
        session.create_slots(pool as usize, config)?;
        let ring = Ring::new(tuning.reap_threshold, pool);
        let shared = Arc::new(Shared::new(session, ring, config.expected_frames));
        let harvester = Harvester::new(Arc::clone(&shared), sink);
        let reaper = match tuning.lock {
            LockPlacement::Inline => Reaper::Inline(harvester),
            LockPlacement::Poll => Reaper::Poll(harvester),
            LockPlacement::Thread => Reaper::Thread(Some(harvester.spawn()?)),
        };
        let submits = Vec::with_capacity(config.expected_frames);
        Ok(Self { config: *config, shared, reaper, submits, drain_ns: 0, stall_limit: STALL_LIMIT, ended: false })
    }

    /// Takes a lock that has been open this long for a hung driver, instead of after 20 s.
    pub fn stall_after(mut self, limit: Duration) -> Self {
        self.stall_limit = limit;
        self
    }

    /// When the first frame was handed in, from which all `*_at_ns` of the columns count.
    pub fn first_frame_at(&self) -> Option<Instant> {
        self.submits.first().map(|sample| self.shared.epoch + Duration::from_nanos(sample.begin_at_ns))
    }

    /// What was measured frame by frame, in display order. Complete after [`Encoder::finish`]; frames that never came
    /// back have zeros for everything after their submission.
    pub fn take_frames(&mut self) -> FrameColumns {
        let submits = std::mem::take(&mut self.submits);
        let harvests = std::mem::take(&mut self.shared.state().harvests);
        merge(&submits, &harvests)
    }

    /// Copies into `into` what came back since the last call, the newest if there is not room for all; `num_seen`
    /// counts the pictures looked at so far. Allocates nothing and waits for nothing but the ring's own mutex.
    pub fn glimpse(&self, num_seen: &mut usize, into: &mut Vec<LiveSample>) {
        into.clear();
        let state = self.shared.state();
        let oldest = state.harvests.len().saturating_sub(into.capacity()).max(*num_seen);
        *num_seen = state.harvests.len();
        for harvest in state.harvests.iter().skip(oldest) {
            let submitted = self.submits.binary_search_by_key(&harvest.pts, |sample| sample.pts);
            if let Some(sample) = submitted.ok().and_then(|idx| self.submits.get(idx)) {
                into.push(LiveSample {
                    frame: harvest.pts,
                    lock_ns: harvest.lock_ns,
                    latency_ns: harvest.packet_at_ns.saturating_sub(sample.submit_at_ns),
                    depth: sample.depth,
                });
            }
        }
    }

    fn submit_inner(&mut self, frame: &FrameView<'_>) -> Result<(), NvencError> {
        self.check_frame(frame)?;
        let mut sample = SubmitSample {
            pts: frame.pts,
            begin_at_ns: self.shared.now_ns(),
            blocked_ns: 0,
            upload_ns: 0,
            submit_at_ns: 0,
            submit_ns: 0,
            depth: 0,
        };
        self.wait_for_room(&mut sample, Ring::has_free_slot)?;
        let (slot_idx, frame_idx) = self.shared.state().ring.next_submission().ok_or(NvencError::HeldBack)?;
        let upload_at_ns = self.shared.now_ns();
        let pitch = self.shared.session.upload(slot_idx, frame)?;
        sample.upload_ns = self.shared.now_ns() - upload_at_ns;

        self.wait_for_room(&mut sample, |ring| !ring.at_threshold())?;
        sample.submit_at_ns = self.shared.now_ns();
        let accepted = self.shared.session.encode(slot_idx, frame, frame_idx, pitch)?;
        sample.submit_ns = self.shared.now_ns() - sample.submit_at_ns;
        sample.depth = self.shared.note_submitted(accepted == Accepted::Ready) as u32;
        // Before reaping: a picture whose reaping fails was submitted all the same.
        self.submits.push(sample);
        self.reap()
    }

    /// With a harvest thread, waits until the ring has room, or nothing that could make room is on its way.
    /// Elsewhere [`Self::reap`] has made room already.
    fn wait_for_room(&self, sample: &mut SubmitSample, has_room: fn(&Ring) -> bool) -> Result<(), NvencError> {
        if !matches!(self.reaper, Reaper::Thread(_)) || has_room(&self.shared.state().ring) {
            return Ok(());
        }
        let start_ns = self.shared.now_ns();
        let waited = self.shared.wait_until(|ring| has_room(ring) || !ring.can_lock(), self.stall_limit);
        sample.blocked_ns += self.shared.now_ns() - start_ns;
        waited
    }

    /// On the submitting thread: takes back what the threshold asks for (and what is finished anyway, when polling).
    fn reap(&mut self) -> Result<(), NvencError> {
        let at_threshold = || self.shared.state().ring.at_threshold();
        match &mut self.reaper {
            Reaper::Thread(_) => {}
            Reaper::Inline(harvester) => {
                while at_threshold() {
                    harvester.harvest_one(true)?;
                }
            }
            Reaper::Poll(harvester) => {
                let paused_ns = poll_while(harvester, &self.shared, self.stall_limit, at_threshold)?;
                if let Some(sample) = self.submits.last_mut() {
                    sample.blocked_ns += paused_ns;
                }
            }
        }
        Ok(())
    }

    fn finish_inner(&mut self) -> Result<(), NvencError> {
        let start_ns = self.shared.now_ns();
        self.shared.session.end_of_stream()?;
        self.shared.note_ended();
        match &mut self.reaper {
            Reaper::Inline(harvester) => {
                while self.shared.state().ring.can_lock() {
                    harvester.harvest_one(true)?;
                }
            }
            Reaper::Poll(harvester) => {
                poll_while(harvester, &self.shared, self.stall_limit, || self.shared.state().ring.can_lock())?;
            }
            Reaper::Thread(thread) => {
                self.shared.wait_until(Ring::is_drained, self.stall_limit)?;
                // The last picture's sink may still run; only its end makes the stream complete.
                if thread.take().is_some_and(|thread| thread.join().is_err()) {
                    return Err(NvencError::HarvestDied);
                }
            }
        }
        self.drain_ns = self.shared.now_ns() - start_ns;
        Ok(())
    }

    fn check_frame(&self, frame: &FrameView<'_>) -> Result<(), NvencError> {
        let EncoderConfig { format, dimensions, .. } = self.config;
        let wanted_bytes = format.frame_bytes(dimensions);
        if frame.format != format || frame.dimensions != dimensions || frame.data.len() != wanted_bytes {
            let got = format!("{} {} in {} bytes", frame.format, frame.dimensions, frame.data.len());
            let wanted = format!("{format} {dimensions} in {wanted_bytes} bytes");
            return Err(NvencError::Frame { pts: frame.pts, got, wanted });
        }
        match self.submits.last() {
            Some(last) if last.pts >= frame.pts => Err(NvencError::Frame {
                pts: frame.pts,
                got: format!("not later than frame {}", last.pts),
                wanted: "increasing time stamps".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    fn ended_by<T>(&mut self, result: Result<T, NvencError>) -> Result<T, NvencError> {
        if let Err(error) = &result {
            self.ended = true;
            self.shared.stop(error.clone());
        }
        result
    }
}

impl Encoder for NvencEncoder {
    type Error = NvencError;

    fn submit(&mut self, frame: &FrameView<'_>) -> Result<(), NvencError> {
        if self.ended {
            return Err(NvencError::Ended);
        }
        let result = self.submit_inner(frame);
        self.ended_by(result)
    }

    fn poll(&mut self) -> Result<(), NvencError> {
        if self.ended {
            return Err(NvencError::Ended);
        }
        let result = match &mut self.reaper {
            Reaper::Poll(harvester) => harvest_finished(harvester, &self.shared),
            Reaper::Inline(_) | Reaper::Thread(_) => Ok(()),
        };
        self.ended_by(result)
    }

    fn finish(&mut self) -> Result<(), NvencError> {
        if self.ended {
            return Err(NvencError::Ended);
        }
        let result = self.finish_inner();
        self.ended = true;
        self.ended_by(result)
    }

    fn metrics(&self) -> EncodeMetrics {
        let state = self.shared.state();
        let sum = |column: fn(&SubmitSample) -> u64| self.submits.iter().map(column).sum();
        EncodeMetrics {
            frames: state.ring.submitted(),
            packets: state.ring.harvested(),
            bytes: state.totals.bytes,
            queue_peak: state.ring.peak(),
            blocked_ns: sum(|sample| sample.blocked_ns),
            upload_ns: sum(|sample| sample.upload_ns),
            submit_ns: sum(|sample| sample.submit_ns),
            lock_ns: state.totals.lock_ns,
            copy_ns: state.totals.copy_ns,
            unlock_ns: state.totals.unlock_ns,
            drain_ns: self.drain_ns,
        }
    }
}

impl Drop for NvencEncoder {
    /// Ends the stream in order where that is still possible; errors have nobody left to go to.
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.finish();
        }
        let Reaper::Thread(thread) = &mut self.reaper else { return };
        // A thread that hangs inside the driver cannot be joined. It keeps the session alive, and both are leaked.
        let Some(thread) = thread.take() else { return };
        let start = Instant::now();
        while !thread.is_finished() && start.elapsed() < self.stall_limit {
            std::thread::sleep(POLL_PAUSE);
        }
        if thread.is_finished() {
            let _ = thread.join();
        }
    }
}

/// Takes back what is finished, and goes on asking while `goes_on`. Returns how long it paused between questions.
fn poll_while(
    harvester: &mut Harvester,
    shared: &Shared,
    stall_limit: Duration,
    goes_on: impl Fn() -> bool,
) -> Result<u64, NvencError> {
    let (mut paused_ns, mut last_harvest) = (0, (shared.state().ring.harvested(), Instant::now()));
    loop {
        harvest_finished(harvester, shared)?;
        if !goes_on() {
            return Ok(paused_ns);
        }
        let harvested = shared.state().ring.harvested();
        if harvested != last_harvest.0 {
            last_harvest = (harvested, Instant::now());
        } else if last_harvest.1.elapsed() > stall_limit {
            return Err(NvencError::Stalled { seconds: stall_limit.as_secs() });
        }
        let pause_at_ns = shared.now_ns();
        std::thread::sleep(POLL_PAUSE);
        paused_ns += shared.now_ns() - pause_at_ns;
    }
}

/// Takes back everything that is finished, without waiting.
fn harvest_finished(harvester: &mut Harvester, shared: &Shared) -> Result<(), NvencError> {
    while shared.state().ring.can_lock() {
        if !harvester.harvest_one(false)? {
            break;
        }
    }
    Ok(())
}

/// Joins how frames went in with how pictures came back. With B pictures the orders differ; the time stamp that the
/// driver returns says which picture is which.
fn merge(submits: &[SubmitSample], harvests: &[HarvestSample]) -> FrameColumns {
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
        latency_ns: submits.iter().zip(&by_frame).map(latency).collect(),
        bytes: by_frame.iter().map(|sample| sample.map_or(0, |sample| sample.bytes)).collect(),
        encode_idx: by_frame.iter().map(|sample| sample.map_or(0, |sample| sample.encode_idx as u32)).collect(),
        kinds: by_frame.iter().map(|sample| sample.map_or('?', |sample| kind_letter(sample.kind))).collect(),
        ..FrameColumns::default()
    }
}

fn kind_letter(kind: PictureKind) -> char {
    match kind {
        PictureKind::Idr => 'K',
        PictureKind::I => 'I',
        PictureKind::P => 'P',
        PictureKind::B => 'B',
        PictureKind::Other => '?',
    }
}
