//! What does a card do, and does the virtual device do the same? Asks one engine of a device, and makes one plain value of the
//! answers ([`crate::card`]). A driver that refuses a thing is a finding, not the end.
//!
//! In reading order: `drive` (an engine frame by frame, timed), `fit` (from samples to figures), `cost` (latency, interval, submit and
//! lock), `encode` (an encoder codec by codec), `behave` (when a driver's calls wait, and what it answers), `decode` (a decoder),
//! `questions` (as in `doctor --conformance`), `identity` (which device). Prints nothing.

mod behave;
mod cost;
mod decode;
mod drive;
mod encode;
mod fit;
mod identity;
mod questions;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use crate::card::{Asked, CodecFacts, EncoderFacts, FORMAT, Qualification};
use crate::conformance::ConformanceError;
use crate::contract::{Dimensions, EngineKind, FrameRate, Preset};
use crate::device::{Device, DeviceError, DeviceSpec};
use crate::nvdec::error::NvdecError;
use crate::nvenc::error::NvencError;
use crate::pipeline::RingError;
use crate::source::{self, InputSpec, SourceError};
use behave::Slowest;
use fit::Times;

/// After this nothing new is begun, so that the whole takes ten minutes at most.
const TIME_LIMIT: Duration = Duration::from_secs(480);

/// Intervals that differ by less are as good as equal.
const COARSE_NS: u64 = 50_000;

/// Why something could not be asked.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum QualifyError {
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Nvenc(#[from] NvencError),
    #[error(transparent)]
    Nvdec(#[from] NvdecError),
    #[error(transparent)]
    Ring(#[from] RingError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Conformance(#[from] ConformanceError),
    #[error("{0}")]
    CannotTell(&'static str),
    #[error("a transcode cannot be qualified: ask its engines one by one, with --engine nvenc and --engine nvdec")]
    Transcode,
}

/// How thoroughly is asked.
#[derive(Debug, Clone, Copy)]
struct Effort {
    presets: &'static [Preset],
    /// Runs of each depth.
    runs: u32,
    /// Time that a run of one frame in flight should take.
    run: Duration,
    least_frames: u32,
    most_frames: u32,
    /// Before anything is measured on an engine.
    warm_up: Duration,
    /// Samples of single calls.
    trials: u32,
}

const THOROUGH: Effort = Effort {
    presets: &[Preset::P1, Preset::P3, Preset::P5, Preset::P7],
    runs: 5,
    run: Duration::from_millis(80),
    least_frames: 24,
    most_frames: 400,
    warm_up: Duration::from_millis(300),
    trials: 15,
};

const QUICK: Effort = Effort {
    presets: &[Preset::P1, Preset::P7],
    runs: 3,
    run: Duration::from_millis(40),
    warm_up: Duration::from_millis(60),
    trials: 7,
    ..THOROUGH
};

/// What is asked, and how.
struct Asking<'a> {
    device: &'a Device,
    effort: Effort,
    until: Instant,
    tell: &'a mut dyn FnMut(&str),
}

impl Asking<'_> {
    fn say(&mut self, step: &str) {
        (self.tell)(step);
    }

    /// Asks, if there is time left.
    fn in_time<T>(&mut self, ask: impl FnOnce(&mut Self) -> Result<T, QualifyError>) -> Asked<T> {
        if Instant::now() > self.until {
            return Asked::not("not asked: the time for all questions was up");
        }
        match ask(self) {
            Err(QualifyError::CannotTell(why)) => Asked::not(why),
            answer => answer.into(),
        }
    }
}

/// Asks an engine of a device. `tell` is told what is being asked.
///
/// # Errors
/// The device cannot be opened.
pub fn qualify(
    spec: &DeviceSpec,
    engine: EngineKind,
    is_quick: bool,
    tell: &mut dyn FnMut(&str),
) -> Result<Qualification, QualifyError> {
    let found = ask(spec, engine, if is_quick { QUICK } else { THOROUGH }, tell)?;
    Ok(Qualification { is_quick, ..found })
}

fn ask(
    spec: &DeviceSpec,
    engine: EngineKind,
    effort: Effort,
    tell: &mut dyn FnMut(&str),
) -> Result<Qualification, QualifyError> {
    if engine == EngineKind::Transcode {
        return Err(QualifyError::Transcode);
    }
    let began = Instant::now();
    let device = Device::open_for(spec, engine)?;
    let watch = device.watch_telemetry();
    let mut it = Asking { device: &device, effort, until: began + TIME_LIMIT, tell };
    let (encoder, decoder) = match engine {
        EngineKind::Nvdec => (None, Some(decode::facts(&mut it))),
        _ => (Some(encoder_facts(&mut it, spec)), None),
    };
    Ok(Qualification {
        format: FORMAT,
        inflight_version: env!("CARGO_PKG_VERSION").to_owned(),
        optimised_build: !cfg!(debug_assertions),
        is_quick: false,
        identity: identity::of(spec, &device, watch.and_then(|watch| watch.finish((began, Instant::now())))),
        took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        encoder,
        decoder,
    })
}

fn encoder_facts(it: &mut Asking<'_>, spec: &DeviceSpec) -> EncoderFacts {
    let codecs = codecs(it);
    let known = codecs.as_deref().unwrap_or_default();
    let slowest = slowest(known);
    let fastest = known.first().map(|codec| codec.codec);
    let no_frame = || QualifyError::CannotTell("no frame could be encoded");
    it.say("locks that do not wait");
    let do_not_wait = it.in_time(|it| behave::do_not_wait(it, slowest.as_ref().ok_or_else(no_frame)?));
    it.say("the driver's queue");
    let queue = it.in_time(|it| behave::encoder_queue(it, slowest.as_ref().ok_or_else(no_frame)?));
    it.say("locks that wait");
    let waiting_lock = it.in_time(|it| behave::waiting_lock(it, slowest.as_ref().ok_or_else(no_frame)?));
    it.say("number of sessions");
    let sessions = it.in_time(|it| Ok(behave::sessions(it, fastest.ok_or_else(no_frame)?)));
    it.say("reading packets");
    let bitstream_read = it.in_time(|it| behave::bitstream(it, fastest.ok_or_else(no_frame)?));
    it.say("questions to the driver");
    let questions = it.in_time(|_| questions::ask(spec));
    EncoderFacts { codecs: codecs.into(), do_not_wait, queue, waiting_lock, sessions, bitstream_read, questions }
}

fn codecs(it: &mut Asking<'_>) -> Result<Vec<CodecFacts>, QualifyError> {
    let codecs = it.device.open_session()?.codecs()?;
    Ok(codecs.into_iter().map(|codec| encode::codec_facts(it, codec)).collect())
}

/// The preset and size whose interval is the longest, among those that this computer was not late for, if there are such.
fn slowest(codecs: &[CodecFacts]) -> Option<Slowest> {
    let rows = codecs.iter().flat_map(|codec| codec.costs.iter().map(|row| (codec.codec, row)));
    let timed = rows.filter_map(|(codec, row)| {
        let (preset, cost) = (row.preset?, row.cost.answer()?);
        let slowest = Slowest { config: encode::config(codec, row.dimensions, preset), times: Times::of(cost) };
        // Equal intervals differ by noise. Of equals the first is the smallest, which this computer serves the fastest.
        Some((!cost.is_late(), cost.interval.median_ns / COARSE_NS, slowest))
    });
    type Rated = (bool, u64, Slowest);
    let better = |best: Rated, next: Rated| if (next.0, next.1) > (best.0, best.1) { next } else { best };
    timed.reduce(better).map(|(_, _, slowest)| slowest)
}

/// Some frames of the moving pattern.
fn synthetic(dimensions: Dimensions, num: u32) -> Result<Vec<Vec<u8>>, SourceError> {
    let mut source = source::open(&InputSpec::Synthetic { dimensions, frame_rate: FrameRate { num: 60, den: 1 } })?;
    let num_bytes = source.info().frame_bytes();
    let mut frames = vec![vec![0; num_bytes]; num as usize];
    for frame in &mut frames {
        source.next_frame(frame)?;
    }
    Ok(frames)
}
