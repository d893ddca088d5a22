//! The encoder: a pipeline over one NVENC session, behind the backend-neutral contract.
//!
//! Implements [`contract::Encoder`](crate::contract::Encoder). Knows no device list and no statistics.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::engine::EncodeEngine;
use super::error::NvencError;
use super::session::Session;
use crate::contract::{EncodeMetrics, EncodedPacket, Encoder, EncoderConfig, FrameView, PacketSink};
use crate::memory::FramePool;
use crate::pipeline::engine::Frame;
use crate::pipeline::{HarvestSample, Pipeline, RingSize, Submits};
use crate::record::FrameColumns;

/// An NVENC encoder.
pub struct NvencEncoder {
    config: EncoderConfig,
    pipeline: Pipeline<EncodeEngine>,
}

impl NvencEncoder {
    /// Initialises an open session for `config`, makes its buffers, and begins a run on it.
    ///
    /// # Errors
    /// What the device cannot do, or what the driver answers; the session is then closed.
    pub fn new(session: Session, config: &EncoderConfig, sink: PacketSink) -> Result<Self, NvencError> {
        Self::of(session, config, None, sink)
    }

    /// The same, of frames in the device's memory that somebody else fills: submitted without data, by their number.
    ///
    /// # Errors
    /// As [`NvencEncoder::new`].
    pub fn new_on(
        session: Session,
        config: &EncoderConfig,
        frames: Arc<FramePool>,
        sink: PacketSink,
    ) -> Result<Self, NvencError> {
        Self::of(session, config, Some(frames), sink)
    }

    fn of(
        session: Session,
        config: &EncoderConfig,
        frames: Option<Arc<FramePool>>,
        mut sink: PacketSink,
    ) -> Result<Self, NvencError> {
        let tuning = config.tuning;
        let pool = tuning.pool.unwrap_or_else(|| tuning.pool_size(config.held()));
        let size = RingSize { threshold: tuning.reap_threshold, pool, held: config.held() };
        size.check()?;
        let engine = EncodeEngine::new(session, config, pool, frames)?;
        let sink = move |data: &Vec<u8>, back: HarvestSample| {
            sink(EncodedPacket { data, pts: back.pts, encode_idx: back.idx, kind: back.kind });
        };
        let pipeline = Pipeline::new(engine, size, tuning.lock, config.expected_frames, Box::new(sink))?;
        Ok(Self { config: *config, pipeline })
    }

    /// Takes a lock that has been open this long for a hung driver, instead of after 20 s.
    pub fn stall_after(self, limit: Duration) -> Self {
        Self { pipeline: self.pipeline.stall_after(limit), ..self }
    }

    /// The pipeline alone, which measures, and takes frames without looking at their size and format.
    pub fn into_pipeline(self) -> Pipeline<EncodeEngine> {
        self.pipeline
    }

    /// What was measured frame by frame, as by [`Submits::take_frames`].
    pub fn take_frames(&mut self) -> FrameColumns {
        self.pipeline.take_frames().frames
    }

    /// When the first frame was handed in, as by [`Submits::first_frame_at`].
    pub fn first_frame_at(&self) -> Option<Instant> {
        self.pipeline.first_frame_at()
    }

    fn check_frame(&self, frame: &FrameView<'_>) -> Result<(), NvencError> {
        let EncoderConfig { format, dimensions, .. } = self.config;
        match frame.format == format && frame.dimensions == dimensions {
            true => Ok(()),
            false => Err(NvencError::Frame {
                pts: frame.pts,
                got: format!("{} {}", frame.format, frame.dimensions),
                wanted: format!("{format} {dimensions}"),
            }),
        }
    }
}

impl Encoder for NvencEncoder {
    type Error = NvencError;

    fn submit(&mut self, frame: &FrameView<'_>) -> Result<(), NvencError> {
        self.check_frame(frame).map_err(|error| self.pipeline.end_with(error))?;
        self.pipeline.submit(&Frame { data: frame.data, pts: frame.pts })
    }

    fn poll(&mut self) -> Result<(), NvencError> {
        self.pipeline.poll()
    }

    fn finish(&mut self) -> Result<(), NvencError> {
        self.pipeline.finish()
    }

    fn metrics(&self) -> EncodeMetrics {
        self.pipeline.metrics()
    }
}
