//! A decoder: what it decodes, what a frame costs, and when its calls wait. It is fed streams that the built-in virtual encoder makes,
//! so that every card decodes the same bytes.

use std::collections::BTreeMap;

use super::behave::{queue, waiting};
use super::cost::{self, MOST_IN_FLIGHT};
use super::drive::Drive;
use super::encode::{LARGE, SMALL, config};
use super::fit::Times;
use super::{Asking, QualifyError, synthetic};
use crate::card::{Asked, Cost, CostRow, DecodeFacts, DecoderFacts, LargestSize};
use crate::contract::{Codec, Dimensions, Preset, Tuning};
use crate::device::Device;
use crate::nvdec::engine::{DecodeConfig, DecodeEngine};
use crate::pipeline::engine::{Engine, Frame, Taken};

/// Frames of a clip, the first of which is an IDR frame; it is decoded again and again.
const CLIP_FRAMES: u32 = 120;
/// Different frames in it.
const DISTINCT_FRAMES: u32 = 24;
/// Most frames in flight by which a decoder's queue is looked for: with its references, a driver makes twenty surfaces.
const MOST_QUEUED: u32 = 12;
/// What the virtual encoder can make.
const MADE: [Codec; 2] = [Codec::H264, Codec::Hevc];

/// A clip and its times.
struct Slowest {
    codec: Codec,
    dimensions: Dimensions,
    times: Times,
}

pub(super) fn facts(it: &mut Asking<'_>) -> DecoderFacts {
    let codecs = codecs(it);
    let slowest = codecs.as_deref().ok().and_then(slowest);
    let none = || QualifyError::CannotTell("no frame could be decoded");
    it.say("the driver's queue");
    let queue = it.in_time(|it| {
        let Slowest { codec, dimensions, times } = slowest.as_ref().ok_or_else(none)?;
        let mut drive = drive(it, *codec, *dimensions, MOST_QUEUED + 1)?;
        queue(&mut drive, *times, MOST_QUEUED + 1, &it.effort)
    });
    it.say("maps that wait");
    let waiting_map = it.in_time(|it| {
        let Slowest { codec, dimensions, times } = slowest.as_ref().ok_or_else(none)?;
        waiting(&mut drive(it, *codec, *dimensions, MOST_IN_FLIGHT)?, *times, it.effort.trials)
    });
    DecoderFacts { codecs: codecs.into(), queue, waiting_map }
}

fn codecs(it: &mut Asking<'_>) -> Result<Vec<DecodeFacts>, QualifyError> {
    let mut codecs: BTreeMap<Codec, DecodeFacts> = BTreeMap::new();
    for caps in it.device.decode_caps()? {
        let (codec, engines) = (caps.codec, caps.engines);
        let empty = || DecodeFacts { codec, largest: Vec::new(), engines, costs: Vec::new() };
        let size = LargestSize { bits: caps.bits, dimensions: caps.max };
        codecs.entry(codec).or_insert_with(empty).largest.push(size);
    }
    let mut codecs: Vec<_> = codecs.into_values().collect();
    for facts in &mut codecs {
        for dimensions in [SMALL, LARGE] {
            it.say(&format!("{} at {dimensions}", facts.codec.title()));
            let cost = match MADE.contains(&facts.codec) {
                true => it.in_time(|it| cost_of(it, facts.codec, dimensions)),
                false => Asked::not("not asked: the virtual encoder makes no such stream"),
            };
            facts.costs.push(CostRow { preset: None, dimensions, cost });
        }
    }
    Ok(codecs)
}

fn slowest(codecs: &[DecodeFacts]) -> Option<Slowest> {
    let rows = codecs.iter().flat_map(|facts| facts.costs.iter().map(|row| (facts.codec, row)));
    let timed = rows.filter_map(|(codec, row)| {
        Some(Slowest { codec, dimensions: row.dimensions, times: Times::of(row.cost.answer()?) })
    });
    timed.max_by_key(|slowest| slowest.times.interval_ns)
}

fn cost_of(it: &Asking<'_>, codec: Codec, dimensions: Dimensions) -> Result<Cost, QualifyError> {
    Ok(cost::measure(&mut drive(it, codec, dimensions, MOST_IN_FLIGHT)?, &it.effort)?)
}

fn drive(
    it: &Asking<'_>,
    codec: Codec,
    dimensions: Dimensions,
    most_in_flight: u32,
) -> Result<Drive<DecodeEngine>, QualifyError> {
    let units = clip(codec, dimensions)?;
    let format = it.device.stream_format(codec, units.iter().map(Vec::as_slice))?;
    // One more: the parser may announce a frame only with the next.
    let tuning = Tuning { reap_threshold: most_in_flight + 1, ..Tuning::default() };
    let config = DecodeConfig { format, tuning, copies_out: false, expected_frames: 0 };
    Ok(Drive::new(it.device.decode_engine(&config)?, units, CLIP_FRAMES))
}

/// The packets of a moving pattern, made as fast as this computer can.
fn clip(codec: Codec, dimensions: Dimensions) -> Result<Vec<Vec<u8>>, QualifyError> {
    let device = Device::open(&"virtual:latency_us=0".parse()?)?;
    let engine = device.encode_engine(&config(codec, dimensions, Preset::P1), 1)?;
    let frames = synthetic(dimensions, DISTINCT_FRAMES)?;
    let mut units = Vec::new();
    for (idx, data) in (0..u64::from(CLIP_FRAMES)).zip(frames.iter().cycle()) {
        let frame = Frame { data, pts: idx };
        let uploaded = engine.upload(idx, &frame)?;
        engine.submit(idx, &frame, uploaded)?;
        if let Some(taken) = engine.take_back(idx, true)? {
            units.push(taken.data().to_vec());
            taken.release()?;
        }
    }
    engine.end_of_stream()?;
    Ok(units)
}
