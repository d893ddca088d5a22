//! Does a device still work? A few frames on a session of its own, without a clock.
//!
//! Before a sweep, and after an error that may mean that the device is gone: GENERIC is what a driver answers to anything.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::opened::{Opened, RunConfig};
use super::run_error::{RunError, check_packets};
use super::run_setup::{Caller, RunSetup};
use crate::contract::PacketSink;
use crate::device::DeviceError;
use crate::nvenc::encoder::NvencEncoder;
use crate::pipeline::Submits;

const PROBE_FRAMES: u32 = 4;
const ASKED_TWICE: u32 = 2;
const MOMENT: Duration = Duration::from_millis(200);

impl Opened {
    /// Encodes or decodes so many frames and takes all of them back; `sink` sees what an encoder returns.
    ///
    /// # Errors
    /// The device refuses, or does not give every frame back.
    pub(super) fn probe(
        &self,
        config: &RunConfig,
        num_frames: u32,
        sink: PacketSink,
        stop: &AtomicBool,
    ) -> Result<(), RunError> {
        let caller = Caller { host_work: Duration::ZERO, pace_fps: None, preroll_frames: num_frames, num_streams: 1 };
        let runner = RunSetup { opened: self, config, caller, stop };
        match config {
            RunConfig::Encode(config) => {
                runner.try_out(self.device.encoder(config, sink).map(NvencEncoder::into_pipeline))
            }
            RunConfig::Decode(config) => runner.try_out(self.device.decoder(config, Box::new(|_, _| ()))),
            RunConfig::Transcode(decode, encode) => runner.try_out(self.device.transcoder(decode, encode, sink)),
        }
    }
}

impl Opened {
    /// Does the device work after an error that may mean that it is lost? It is given a moment, and asked twice.
    pub(super) fn works_again(&self, config: &RunConfig, stop: &AtomicBool) -> bool {
        (0..ASKED_TWICE).any(|_| {
            std::thread::sleep(MOMENT);
            self.probe(config, PROBE_FRAMES, Box::new(|_| ()), stop).is_ok()
        })
    }
}

impl RunSetup<'_> {
    fn try_out<P: Submits>(&self, opened: Result<P, DeviceError>) -> Result<(), RunError>
    where
        RunError: From<P::Error>,
    {
        let mut pipeline = opened?;
        self.preroll(&mut pipeline)?;
        pipeline.finish()?;
        if self.stop.load(Ordering::Relaxed) {
            return Err(RunError::Stopped);
        }
        check_packets(&pipeline.take_frames().preroll)
    }
}
