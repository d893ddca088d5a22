//! An initialised session as an engine: a pool of inputs and outputs, a pair a frame in flight.
//!
//! Output `k mod pool` belongs to the `k`-th frame, because the API wants locks in the order of submission. Knows no
//! threshold and no clock beyond the time of the submission call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::error::NvencError;
use super::session::{LockAnswer, Locked, Session};
use crate::contract::{EncoderConfig, FrameView, PictureKind};
use crate::memory::FramePool;
use crate::pipeline::engine::{Engine, Frame, InputTimes, Ready, Submitted, Taken};

/// A frame that is where the encoder reads it.
#[derive(Debug, Clone, Copy)]
pub struct Uploaded {
    /// Of its rows, in bytes.
    pitch: u32,
    times: InputTimes,
}

/// NVENC as an engine.
#[derive(Debug)]
pub struct EncodeEngine {
    session: Session,
    config: EncoderConfig,
    /// Frames that it looks ahead at: a success says nothing of these.
    num_ahead: u64,
}

impl EncodeEngine {
    /// Initialises an open session for `config` and makes `pool` buffer pairs; with `frames`, these are the inputs, and a frame
    /// is submitted by its number alone.
    ///
    /// # Errors
    /// What the device cannot do, or what the driver answers; the session is then closed.
    pub(super) fn new(
        mut session: Session,
        config: &EncoderConfig,
        pool: u32,
        frames: Option<Arc<FramePool>>,
    ) -> Result<Self, NvencError> {
        session.enter_thread(config)?;
        session.initialize(config)?;
        match frames {
            Some(frames) => session.use_frames(frames, pool, config)?,
            None => session.create_buffers(pool, config)?,
        }
        let num_ahead = session.num_ahead().into();
        Ok(Self { session, config: *config, num_ahead })
    }

    /// The same for whoever asks the driver about itself: without a ring, and taking its success at its word.
    ///
    /// # Errors
    /// As [`NvencEncoder::new`](super::encoder::NvencEncoder::new).
    pub fn bare(session: Session, config: &EncoderConfig, pool: u32) -> Result<Self, NvencError> {
        Ok(Self { num_ahead: 0, ..Self::new(session, config, pool, None)? })
    }

    /// Locks the `idx`-th output with doNotWait and tells the whole answer; it is unlocked again.
    pub fn ask_lock(&self, idx: u64) -> LockAnswer {
        self.session.ask_lock(idx)
    }

    /// The frame with what this engine knows of it: its bytes are as many as the session's buffers were made for.
    fn view<'a>(&self, frame: &Frame<'a>) -> Result<FrameView<'a>, NvencError> {
        let EncoderConfig { format, dimensions, .. } = self.config;
        let (got, wanted) = (frame.data.len(), format.frame_bytes(dimensions));
        if got != wanted && !self.session.is_filled_elsewhere() {
            let of = |bytes| format!("{format} {dimensions} in {bytes} bytes");
            return Err(NvencError::Frame { pts: frame.pts, got: of(got), wanted: of(wanted) });
        }
        Ok(FrameView { format, dimensions, data: frame.data, pts: frame.pts })
    }
}

impl Engine for EncodeEngine {
    type Error = NvencError;
    type Uploaded = Uploaded;
    type Taken<'a> = TakenPacket<'a>;
    type Data = Vec<u8>;

    /// A packet of more bytes than its frame grows it once. It is memory that nobody has touched until a packet needs it.
    fn room(&self) -> Vec<u8> {
        Vec::with_capacity(self.config.encoded_format().frame_bytes(self.config.dimensions))
    }

    fn enter_thread(&self) -> Result<(), NvencError> {
        self.session.enter_thread(&self.config)
    }

    fn upload(&self, idx: u64, frame: &Frame<'_>) -> Result<Uploaded, NvencError> {
        let (pitch, times) = self.session.upload(idx, &self.view(frame)?)?;
        let convert_at = Instant::now();
        let was_converted = self.session.convert_input(idx, frame.pts)?;
        let convert_ns = was_converted.then(|| nanos(convert_at.elapsed()));
        Ok(Uploaded { pitch, times: InputTimes { convert_ns, ..times } })
    }

    fn submit(&self, idx: u64, frame: &Frame<'_>, uploaded: Uploaded) -> Result<Submitted, NvencError> {
        let view = self.view(frame)?;
        let map_at = Instant::now();
        let map_ns = self.session.map_input(idx, frame.pts)?.then(|| nanos(map_at.elapsed()));
        let call_at = Instant::now();
        let ready = match self.session.encode(idx, &view, uploaded.pitch)? {
            Ready::All if self.num_ahead > 0 => Ready::AllBut(self.num_ahead),
            ready => ready,
        };
        let (call_ns, input) = (nanos(call_at.elapsed()), InputTimes { map_ns, ..uploaded.times });
        Ok(Submitted { call_at, call_ns, preparation_ns: 0, blocked_ns: 0, input, ready })
    }

    fn end_of_stream(&self) -> Result<(), NvencError> {
        self.session.end_of_stream()
    }

    fn take_back(&self, idx: u64, wait: bool) -> Result<Option<TakenPacket<'_>>, NvencError> {
        let locked = self.session.lock_output(idx, wait)?;
        Ok(locked.map(|locked| TakenPacket { engine: self, locked }))
    }
}

/// A packet that was taken back.
#[derive(Debug)]
pub struct TakenPacket<'a> {
    engine: &'a EncodeEngine,
    locked: Locked<'a>,
}

impl TakenPacket<'_> {
    /// The coded bytes, in the driver's memory.
    pub fn data(&self) -> &[u8] {
        self.locked.data()
    }
}

impl Taken for TakenPacket<'_> {
    type Error = NvencError;
    type Data = Vec<u8>;

    fn pts(&self) -> u64 {
        self.locked.pts
    }

    fn kind(&self) -> PictureKind {
        self.locked.kind
    }

    fn copy(&mut self, into: &mut Vec<u8>) -> Result<usize, NvencError> {
        into.clear();
        into.extend_from_slice(self.locked.data());
        Ok(into.len())
    }

    fn release(self) -> Result<u64, NvencError> {
        let Self { engine, locked } = self;
        let pts = locked.pts;
        locked.unlock()?;
        let unmap_at = Instant::now();
        let was_mapped = engine.session.unmap_input_of(pts)?;
        Ok(if was_mapped { nanos(unmap_at.elapsed()) } else { 0 })
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
