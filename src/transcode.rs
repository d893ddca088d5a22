//! From one engine into the other: the decoder's frames are the encoder's, in memory of the device that both use.
//!
//! Each engine has its own pipeline. Whichever thread takes a frame back from the decoder submits it to the encoder, so a
//! decoder that is locked inline leaves everything on one thread. Knows no device and no statistics.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::contract::{EncodeMetrics, LockPlacement};
use crate::memory::FramePool;
use crate::nvdec::engine::DecodeEngine;
use crate::nvdec::error::NvdecError;
use crate::nvenc::encoder::NvencEncoder;
use crate::nvenc::engine::EncodeEngine;
use crate::nvenc::error::NvencError;
use crate::pipeline::engine::Frame;
use crate::pipeline::{HarvestSample, Pipeline, RingSize, Submits, TakenFrames};
use crate::record::{DecodeStage, LiveSample};

/// A decoder that feeds an encoder.
pub struct Transcoder {
    /// Dropped first: what it still holds goes to the encoder.
    decoding: Pipeline<DecodeEngine>,
    encoding: Arc<Encoding>,
}

/// The encoder's half, used by the thread that takes frames back from the decoder.
struct Encoding {
    pipeline: Mutex<Pipeline<EncodeEngine>>,
    frames: Arc<FramePool>,
    /// Is `error` set? Asked for every access unit, without waiting for whoever encodes.
    has_failed: AtomicBool,
    error: Mutex<Option<NvencError>>,
}

/// Why a transcode failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum TranscodeError {
    #[error(transparent)]
    Nvdec(#[from] NvdecError),
    #[error(transparent)]
    Nvenc(#[from] NvencError),
}

/// The decoder's ring, and the room for what is measured there.
#[derive(Debug, Clone, Copy)]
pub struct DecodeRingSize {
    /// T of the decoder.
    pub threshold: u32,
    /// Who takes frames back.
    pub lock: LockPlacement,
    /// For so many frames room is made beforehand.
    pub expected_frames: usize,
}

impl Transcoder {
    /// `decoder` copies its frames to `frames`, which `encoder` was made on.
    ///
    /// # Errors
    /// A ring that cannot work, or no thread to be had.
    pub fn new(
        decoder: DecodeEngine,
        ring: DecodeRingSize,
        encoder: NvencEncoder,
        frames: Arc<FramePool>,
    ) -> Result<Self, TranscodeError> {
        let pipeline = Mutex::new(encoder.into_pipeline());
        let (has_failed, error) = (AtomicBool::new(false), Mutex::new(None));
        let encoding = Arc::new(Encoding { pipeline, frames, has_failed, error });
        let receiver = Arc::clone(&encoding);
        let decoder = decoder.into_pool(Arc::clone(&encoding.frames));
        let size = RingSize { threshold: ring.threshold, pool: decoder.num_surfaces(), held: 0 };
        let sink = Box::new(move |_: &_, back: HarvestSample| receiver.encode(back.idx));
        let decoding = Pipeline::new(decoder, size, ring.lock, ring.expected_frames, sink)?;
        Ok(Self { decoding, encoding })
    }
}

impl Submits for Transcoder {
    type Error = TranscodeError;

    fn submit(&mut self, unit: &Frame<'_>) -> Result<(), TranscodeError> {
        let decoded = self.decoding.submit(unit);
        self.encoding.first_error(decoded)
    }

    fn end_preroll(&mut self) -> Result<(), TranscodeError> {
        let decoded = self.decoding.end_preroll();
        self.encoding.first_error(decoded)?;
        // The decoder has handed on everything, so nobody submits meanwhile.
        Ok(self.encoding.pipeline().end_preroll()?)
    }

    fn poll(&mut self) -> Result<(), TranscodeError> {
        let decoded = self.decoding.poll();
        // Whoever holds it is submitting, which takes back what is finished too.
        let encoded = self.encoding.pipeline.try_lock().map_or(Ok(()), |mut pipeline| pipeline.poll());
        self.encoding.first_error(decoded)?;
        Ok(encoded?)
    }

    fn finish(&mut self) -> Result<(), TranscodeError> {
        let decoded = self.decoding.finish();
        let encoded = self.encoding.pipeline().finish();
        self.encoding.first_error(decoded)?;
        Ok(encoded?)
    }

    fn live_update(&self, num_seen: &mut usize, into: &mut Vec<LiveSample>) {
        into.clear();
        if let Ok(pipeline) = self.encoding.pipeline.try_lock() {
            pipeline.live_update(num_seen, into);
        }
    }

    fn metrics(&self) -> EncodeMetrics {
        self.encoding.pipeline().metrics()
    }

    fn first_frame_at(&self) -> Option<Instant> {
        self.decoding.first_frame_at()
    }

    fn take_frames(&mut self) -> TakenFrames {
        let mut pipeline = self.encoding.pipeline();
        let later = self.decoding.first_frame_at().zip(pipeline.first_frame_at());
        let later_ns = later.map_or(0, |(from, until)| until.saturating_duration_since(from).as_nanos() as u64);
        let (metrics, units) = (self.decoding.metrics(), self.decoding.take_frames().frames);
        let stage = DecodeStage { metrics, frames: units.in_display_order() };
        let taken = pipeline.take_frames();
        TakenFrames { frames: taken.frames.later_by(later_ns), decode: Some(stage), ..taken }
    }
}

impl Encoding {
    fn pipeline(&self) -> MutexGuard<'_, Pipeline<EncodeEngine>> {
        self.pipeline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Submits a frame that the decoder has copied to its place. After an error frames only go back.
    fn encode(&self, frame: u64) {
        if self.has_failed.load(Ordering::Relaxed) {
            return self.frames.give_back(frame);
        }
        let submitted = self.pipeline().submit(&Frame { data: &[], pts: frame });
        if let Err(error) = submitted {
            // The frame may have been submitted all the same, and be read: its memory stays taken.
            self.error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            self.has_failed.store(true, Ordering::Release);
        }
    }

    /// The encoder's error counts first: what the decoder says after it follows from it.
    fn first_error(&self, decoded: Result<(), NvdecError>) -> Result<(), TranscodeError> {
        if self.has_failed.load(Ordering::Acquire) {
            let error = self.error.lock().unwrap_or_else(PoisonError::into_inner).clone();
            error.map_or(Ok(()), Err)?;
        }
        Ok(decoded?)
    }
}
