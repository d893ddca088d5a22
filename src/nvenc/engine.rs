//! An initialised session as an engine: buffer pairs by slot, one pair a frame in flight.
//!
//! Slot `k mod pool` belongs to the `k`-th frame, because the API wants locks in the order of submission. Knows no
//! threshold and no clock beyond the time of the submission call.

use std::time::Instant;

use super::error::NvencError;
use super::session::{Locked, Session};
use crate::contract::{EncoderConfig, FrameView, PictureKind};
use crate::pipeline::engine::{Engine, Frame, Submitted, Taken};

/// NVENC as an engine.
#[derive(Debug)]
pub struct EncodeEngine {
    session: Session,
    config: EncoderConfig,
    pool: u64,
}

impl EncodeEngine {
    /// Initialises an open session for `config` and makes `pool` buffer pairs.
    ///
    /// # Errors
    /// What the device cannot do, or what the driver answers; the session is then closed.
    pub(super) fn new(mut session: Session, config: &EncoderConfig, pool: u32) -> Result<Self, NvencError> {
        session.initialize(config)?;
        session.create_slots(pool as usize, config)?;
        Ok(Self { session, config: *config, pool: pool.into() })
    }

    fn slot(&self, idx: u64) -> usize {
        (idx % self.pool) as usize
    }

    /// The frame with what this engine knows of it: its bytes are as many as the session's buffers were made for.
    fn view<'a>(&self, frame: &Frame<'a>) -> Result<FrameView<'a>, NvencError> {
        let EncoderConfig { format, dimensions, .. } = self.config;
        let (got, wanted) = (frame.data.len(), format.frame_bytes(dimensions));
        if got != wanted {
            let of = |bytes| format!("{format} {dimensions} in {bytes} bytes");
            return Err(NvencError::Frame { pts: frame.pts, got: of(got), wanted: of(wanted) });
        }
        Ok(FrameView { format, dimensions, data: frame.data, pts: frame.pts })
    }
}

impl Engine for EncodeEngine {
    type Error = NvencError;
    /// The pitch of the input buffer in bytes.
    type Uploaded = u32;
    type Taken<'a> = Locked<'a>;
    type Data = Vec<u8>;

    fn upload(&self, idx: u64, frame: &Frame<'_>) -> Result<u32, NvencError> {
        self.session.upload(self.slot(idx), &self.view(frame)?)
    }

    fn submit(&self, idx: u64, frame: &Frame<'_>, pitch: u32) -> Result<Submitted, NvencError> {
        let view = self.view(frame)?;
        let call_at = Instant::now();
        let ready = self.session.encode(self.slot(idx), &view, idx, pitch)?;
        let call_ns = u64::try_from(call_at.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Ok(Submitted { call_at, call_ns, preparation_ns: 0, blocked_ns: 0, ready })
    }

    fn end_of_stream(&self) -> Result<(), NvencError> {
        self.session.end_of_stream()
    }

    fn take_back(&self, idx: u64, wait: bool) -> Result<Option<Locked<'_>>, NvencError> {
        self.session.lock_output(self.slot(idx), wait)
    }
}

impl Taken for Locked<'_> {
    type Error = NvencError;
    type Data = Vec<u8>;

    fn pts(&self) -> u64 {
        self.pts
    }

    fn kind(&self) -> PictureKind {
        self.kind
    }

    fn copy(&mut self) -> Result<(Vec<u8>, usize), NvencError> {
        let data = self.data().to_vec();
        let num_bytes = data.len();
        Ok((data, num_bytes))
    }

    fn release(self) -> Result<(), NvencError> {
        self.unlock()
    }
}
