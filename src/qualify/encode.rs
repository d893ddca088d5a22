//! An encoder, codec by codec: abilities, settings, times, the first frame, and which submission releases which frame.

use std::time::{Duration, Instant};

use super::cost::{self, MOST_IN_FLIGHT};
use super::drive::{Drive, ns_between};
use super::{Asking, QualifyError, synthetic};
use crate::card::{Abilities, CodecFacts, Cost, CostRow, Figure, FirstFrame, Gates, Lockable, Settings};
use crate::contract::{
    Codec, Dimensions, EncoderConfig, FrameRate, InputPath, NvencOptions, PictureKind, PixelFormat, Preset, TuningInfo,
};
use crate::nvenc::engine::EncodeEngine;
use crate::nvenc::error::{NvencError, Status};
use crate::nvenc::session::CodecCaps;
use crate::pipeline::engine::{Engine, Taken};

pub(super) const SMALL: Dimensions = Dimensions { width: 640, height: 360 };
pub(super) const LARGE: Dimensions = Dimensions { width: 1920, height: 1080 };
const ALL_PRESETS: [Preset; 7] = [Preset::P1, Preset::P2, Preset::P3, Preset::P4, Preset::P5, Preset::P6, Preset::P7];
/// Submissions by which gates are looked at; an end of stream follows.
const GATE_FRAMES: u32 = 12;
/// A lookahead that ends before those do.
const LOOKAHEAD: u32 = 4;
/// How long a frame that a submission has released may take until it can be locked.
const GATE_LIMIT: Duration = Duration::from_millis(100);
/// Frames of a session, every eighth of which is an IDR frame.
const FIRST_FRAMES: u32 = 33;
const FIRST_GOP: u32 = 8;

/// Everything about one codec.
pub(super) fn codec_facts(it: &mut Asking<'_>, codec: Codec) -> CodecFacts {
    it.say(&format!("{}: settings", codec.title()));
    let abilities = it.in_time(|it| {
        let CodecCaps { min, max, max_b_frames, engines, codec: _ } = it.device.open_session()?.caps(codec)?;
        Ok(Abilities { min, max, max_b_frames, engines })
    });
    let settings = settings(it, codec);
    let costs = costs(it, codec);
    it.say(&format!("{}: first frame, gates", codec.title()));
    let first_frame = it.in_time(|it| first_frame(it, codec));
    let gates = gates(it, codec, abilities.answer().map_or(0, |abilities| abilities.max_b_frames));
    CodecFacts { codec, abilities, settings, costs, first_frame, gates }
}

/// A configuration as the measurements have it: one IDR frame, no B-frames.
pub(super) fn config(codec: Codec, dimensions: Dimensions, preset: Preset) -> EncoderConfig {
    let mut config = EncoderConfig::new(codec, dimensions, FrameRate { num: 60, den: 1 }, PixelFormat::Nv12);
    config.nvenc.preset = preset;
    config.nvenc.input_path = InputPath::Driver;
    config
}

/// An encoder with so many buffers, that is fed a moving pattern.
pub(super) fn drive(
    it: &Asking<'_>,
    config: &EncoderConfig,
    num_places: u32,
) -> Result<Drive<EncodeEngine>, QualifyError> {
    let engine = it.device.encode_engine(config, num_places)?;
    Ok(Drive::new(engine, synthetic(config.dimensions, num_places.min(MOST_IN_FLIGHT))?, num_places))
}

fn settings(it: &mut Asking<'_>, codec: Codec) -> Vec<Settings> {
    let mut rows = Vec::new();
    for preset in ALL_PRESETS {
        for tuning in [TuningInfo::Ull, TuningInfo::Ll, TuningInfo::Hq] {
            let mut config = config(codec, LARGE, preset);
            config.nvenc.tuning_info = tuning;
            let settings = it.in_time(|it| Ok(it.device.encode_settings(&config)?));
            rows.push(Settings { preset, tuning, settings });
        }
    }
    rows
}

fn costs(it: &mut Asking<'_>, codec: Codec) -> Vec<CostRow> {
    let mut rows = Vec::new();
    for &preset in it.effort.presets {
        for dimensions in [SMALL, LARGE] {
            it.say(&format!("{}: {preset} at {dimensions}", codec.title()));
            let cost = it.in_time(|it| cost_of(it, &config(codec, dimensions, preset)));
            rows.push(CostRow { preset: Some(preset), dimensions, cost });
        }
    }
    rows
}

fn cost_of(it: &Asking<'_>, config: &EncoderConfig) -> Result<Cost, QualifyError> {
    let mut drive = drive(it, config, MOST_IN_FLIGHT)?;
    let late_before = num_late(it);
    let cost = cost::measure(&mut drive, &it.effort)?;
    Ok(Cost { late_frames: late_since(it, late_before), ..cost })
}

/// Frames so far that this computer finished later than modelled.
fn num_late(it: &Asking<'_>) -> Option<u64> {
    it.device.late_frames().map(|(num, _)| num)
}

fn late_since(it: &Asking<'_>, before: Option<u64>) -> Option<u64> {
    num_late(it).zip(before).map(|(after, before)| after - before)
}

fn first_frame(it: &Asking<'_>, codec: Codec) -> Result<FirstFrame, QualifyError> {
    let mut samples: [Vec<u64>; 6] = Default::default();
    let [open, first_submit, first_total, later_submit, later_idr_total, later_total] = &mut samples;
    let late_before = num_late(it);
    for _ in 0..it.effort.trials {
        let config = EncoderConfig { gop_length: Some(FIRST_GOP), ..config(codec, SMALL, Preset::P1) };
        let frames = synthetic(SMALL, 1)?;
        let began = Instant::now();
        let engine = it.device.encode_engine(&config, 1)?;
        open.push(ns_between(began, Instant::now()));
        let mut drive = Drive::new(engine, frames, 1);
        for idx in 0..FIRST_FRAMES {
            let submission = drive.submit()?;
            let total_ns = ns_between(submission.called_at, drive.take()?.at);
            let (submits, totals) = match (idx, idx % FIRST_GOP) {
                (0, _) => (&mut *first_submit, &mut *first_total),
                (_, 0) => (&mut *later_submit, &mut *later_idr_total),
                _ => (&mut *later_submit, &mut *later_total),
            };
            submits.push(submission.call_ns);
            totals.push(total_ns);
        }
    }
    let [open, first_submit, first_total, later_submit, later_idr_total, later_total] = samples.map(Figure::of);
    let late_frames = late_since(it, late_before);
    Ok(FirstFrame { open, first_submit, first_total, later_submit, later_idr_total, later_total, late_frames })
}

fn gates(it: &mut Asking<'_>, codec: Codec, max_b_frames: u32) -> Vec<Gates> {
    let with_b = [TuningInfo::Ull, TuningInfo::Hq]
        .into_iter()
        .flat_map(|tuning| (0..=max_b_frames.min(2)).map(move |b_frames| (tuning, b_frames, 0)));
    let asked: Vec<_> = with_b.chain([(TuningInfo::Hq, 0, LOOKAHEAD)]).collect();
    let mut ask = |(tuning, b_frames, lookahead)| {
        let mut config = EncoderConfig { b_frames, ..config(codec, SMALL, Preset::P4) };
        config.nvenc.tuning_info = tuning;
        let answers = it.in_time(|it| gate(it, &config, lookahead));
        Gates { tuning, b_frames, lookahead, answers }
    };
    asked.into_iter().map(&mut ask).collect()
}

fn gate(it: &Asking<'_>, config: &EncoderConfig, lookahead: u32) -> Result<Lockable, QualifyError> {
    let num_places = GATE_FRAMES + config.b_frames + lookahead;
    let frames_ahead = u16::try_from(lookahead).ok().filter(|&num| num > 0);
    let nvenc = NvencOptions { lookahead: frames_ahead, ..config.nvenc };
    let engine = it.device.encode_engine(&EncoderConfig { nvenc, ..*config }, num_places)?;
    let mut drive = Drive::new(engine, synthetic(config.dimensions, GATE_FRAMES)?, num_places);
    let mut seen = Lockable::default();
    for _ in 0..GATE_FRAMES {
        let submission = drive.submit()?;
        seen.submissions.push(if submission.is_held { 'M' } else { 'S' });
        let released = drive.num_lockable();
        take_finished(&mut drive, &mut seen, released)?;
        seen.lockable_after.push(seen.coding_order.len() as u32);
    }
    drive.engine.end_of_stream()?;
    let rest = drive.num_submitted() - drive.oldest();
    take_finished(&mut drive, &mut seen, rest)?;
    seen.lockable_at_end = seen.coding_order.len() as u32;
    Ok(seen)
}

/// Takes back as many as can be, up to `num`, and waits for each only so long.
fn take_finished(drive: &mut Drive<EncodeEngine>, seen: &mut Lockable, num: u64) -> Result<(), QualifyError> {
    for _ in 0..num {
        let called_at = Instant::now();
        let Some((number, kind)) = finished(&drive.engine, drive.oldest(), called_at)? else { return Ok(()) };
        seen.coding_order.push(number);
        seen.kinds.push(kind.letter());
        drive.count_back(called_at, Instant::now());
    }
    Ok(())
}

/// Asks for a frame until it is finished, and gives it back. With lookahead a submission's success does not cover that frame itself;
/// a driver says so by refusing the lock.
fn finished(engine: &EncodeEngine, idx: u64, since: Instant) -> Result<Option<(u64, PictureKind)>, QualifyError> {
    while since.elapsed() < GATE_LIMIT {
        match engine.take_back(idx, false) {
            Ok(None) => std::thread::yield_now(),
            Ok(Some(taken)) => {
                let found = (taken.pts(), taken.kind());
                taken.release()?;
                return Ok(Some(found));
            }
            Err(NvencError::Call(refused)) if refused.status == Status::INVALID_PARAM => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// "13 NV_ENC_ERR_LOCK_BUSY"
pub(super) fn status_text(status: Status) -> String {
    let name = status.header_name().unwrap_or_else(|| status.name().to_owned());
    format!("{} {name}", status.0)
}
