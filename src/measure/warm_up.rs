//! A clock that is up before anything is measured: the engine is kept busy until the clock of the video engines stays the same.
//!
//! An idle GPU lowers its clocks within a second or so, and raises them within milliseconds to seconds of work. Knows no
//! plan; what it found is kept with the run that follows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::opened::{Opened, RunConfig};
use super::run_error::RunError;
use crate::device::DeviceError;
use crate::nvenc::encoder::NvencEncoder;
use crate::pipeline::Submits;
use crate::pipeline::engine::Frame;
use crate::record::ClockWarmUp;

/// The clock must have been the same for so long.
const FLAT: Duration = Duration::from_millis(500);
/// Longer is not waited for it.
const LONGEST: Duration = Duration::from_secs(5);
/// Between two looks at the clock.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Readings that differ by no more are the same clock: one step of a GPU's clock is 15 MHz.
const SAME_CLOCK_PCT: u32 = 2;

/// What the clock showed so far.
#[derive(Debug)]
struct Flatness {
    since: Instant,
    lowest_mhz: u32,
    highest_mhz: u32,
}

impl Opened {
    /// Keeps the engine busy with `config` until its clock is flat, where it was idle. `None`: there was no need, or nobody can
    /// read the clock.
    ///
    /// # Errors
    /// As of a run.
    pub(super) fn warm_up(&self, config: &RunConfig, stop: &AtomicBool) -> Result<Option<ClockWarmUp>, RunError> {
        let Some(now_mhz) = self.device.video_mhz().filter(|_| !self.warmth.is_warm()) else { return Ok(None) };
        // Before the first run the rehearsal has raised it already.
        let found_mhz = self.warmth.found_mhz.filter(|_| self.warmth.is_unused());
        let from_mhz = found_mhz.unwrap_or(now_mhz);
        let device = &self.device;
        let to_end = match config {
            RunConfig::Encode(config) => {
                let opened = device.encoder(config, Box::new(|_| ())).map(NvencEncoder::into_pipeline);
                self.keep_busy(opened, from_mhz, stop)
            }
            RunConfig::Decode(config) => self.keep_busy(device.decoder(config, Box::new(|_, _| ())), from_mhz, stop),
            RunConfig::Transcode(decode, encode) => {
                self.keep_busy(device.transcoder(decode, encode, Box::new(|_| ())), from_mhz, stop)
            }
        };
        self.warmth.note_work();
        to_end.map(Some)
    }

    fn keep_busy<P: Submits>(
        &self,
        opened: Result<P, DeviceError>,
        from_mhz: u32,
        stop: &AtomicBool,
    ) -> Result<ClockWarmUp, RunError>
    where
        RunError: From<P::Error>,
    {
        let (mut pipeline, start) = (opened?, Instant::now());
        let mut flatness = Flatness { since: start, lowest_mhz: from_mhz, highest_mhz: from_mhz };
        let (mut next_look, mut to_mhz, mut pts) = (start + LOOK_EVERY, from_mhz, 0);
        let is_over = |now: Instant, flatness: &Flatness| {
            stop.load(Ordering::Relaxed) || flatness.is_flat(now) || now.duration_since(start) >= LONGEST
        };
        let mut now = start;
        while !is_over(now, &flatness) {
            let mut cursor = self.feed.start(stop)?;
            while let Some((data, _)) = cursor.next()? {
                pipeline.submit(&Frame { data, pts })?;
                pts += 1;
                now = Instant::now();
                if now >= next_look {
                    next_look = now + LOOK_EVERY;
                    to_mhz = self.device.video_mhz().unwrap_or(to_mhz);
                    flatness.note(to_mhz, now);
                    if is_over(now, &flatness) {
                        break;
                    }
                }
            }
        }
        pipeline.finish()?;
        let took_ms = u32::try_from(now.duration_since(start).as_millis()).unwrap_or(u32::MAX);
        Ok(ClockWarmUp { took_ms, from_mhz, to_mhz, is_flat: flatness.is_flat(now) })
    }
}

impl Flatness {
    fn note(&mut self, mhz: u32, now: Instant) {
        let (lowest_mhz, highest_mhz) = (self.lowest_mhz.min(mhz), self.highest_mhz.max(mhz));
        let is_same = (highest_mhz - lowest_mhz).saturating_mul(100) <= highest_mhz.saturating_mul(SAME_CLOCK_PCT);
        *self = match is_same {
            true => Self { lowest_mhz, highest_mhz, ..*self },
            false => Self { since: now, lowest_mhz: mhz, highest_mhz: mhz },
        };
    }

    fn is_flat(&self, now: Instant) -> bool {
        now.duration_since(self.since) >= FLAT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_flat_once_it_has_stayed_within_a_step_for_half_a_second() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut flatness = Flatness { since: start, lowest_mhz: 645, highest_mhz: 645 };
        for (ms, mhz) in [(20, 645), (200, 900), (400, 1500), (420, 1545), (600, 1530), (800, 1545)] {
            flatness.note(mhz, at(ms));
            assert!(!flatness.is_flat(at(ms)), "{ms} ms");
        }
        assert!(flatness.is_flat(at(920)));
        flatness.note(765, at(921));
        assert!(!flatness.is_flat(at(922)), "it has dropped");
    }
}
