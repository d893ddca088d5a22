//! A virtual device of a card that was qualified: `virtual:card=FILE`, where FILE is what `inflight qualify` wrote.
//!
//! A virtual device has one submit and one lock cost, where a card's differ a little from row to row: what a row has beyond them counts
//! as its latency, so that a frame alone takes as long as it was measured.

use std::path::Path;

use virtual_nvenc::engine::Service;
use virtual_nvenc::{DeviceConfig, MAX_QUEUE, MAX_SESSIONS, MAX_US, MeasuredCost, MeasuredCosts};

use super::DeviceError;
use crate::card::{Cost, CostRow, DecoderFacts, EncoderFacts, FORMAT, FirstFrame, Qualification, Queue, Waiting};
use crate::contract::Codec;
use crate::files::read_small;

/// The key of a description.
const KEY: &str = "card=";
/// What the virtual driver's own calls take too.
const OWN_CALL_NS: u64 = 5_000;
/// A first frame that takes less longer is no exception.
const LEAST_FIRST_NS: u64 = 100_000;
/// A smaller difference of IDR frames is noise.
const LEAST_IDR_DIFFERENCE: f64 = 0.05;

/// The device of a description, which may name a card among its keys; the other keys change what the card says.
pub(super) fn config(text: &str) -> Result<DeviceConfig, DeviceError> {
    let wrong = |error: virtual_nvenc::ConfigError| DeviceError::Virtual(error.to_string());
    let is_card = |part: &&str| part.trim_start().starts_with(KEY);
    let mut parts: Vec<_> = text.split(',').collect();
    let Some(place) = parts.iter().position(is_card) else { return text.parse().map_err(wrong) };
    let path = &parts.remove(place).trim_start()[KEY.len()..];
    let card = read(Path::new(path)).map_err(|cause| DeviceError::Card { path: path.to_owned(), cause })?;
    let config = model(&card).map_err(|cause| DeviceError::Card { path: path.to_owned(), cause })?;
    DeviceConfig { card: Some(path.to_owned()), ..config }.overridden(&parts.join(",")).map_err(wrong)
}

/// A qualification has some ten thousand bytes.
const MAX_CARD_BYTES: u64 = 1 << 24;

fn read(path: &Path) -> Result<Qualification, String> {
    let text = read_small(path, MAX_CARD_BYTES).map_err(|error| error.to_string())?;
    let card: Qualification = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    match card.format {
        0..=FORMAT => Ok(card),
        newer => Err(format!("its format is {newer}, and this program knows up to {FORMAT}")),
    }
}

/// The virtual device that does what the card does, as far as it can be described.
fn model(card: &Qualification) -> Result<DeviceConfig, String> {
    let rows = rows(card);
    let calls = Calls::of(rows.iter().map(|(_, _, cost)| *cost));
    let costs = rows.iter().filter_map(|(codec, row, cost)| measured(*codec, row, cost, &calls)).collect();
    let costs = MeasuredCosts::new(costs).ok_or("it has no times of H.264 or HEVC")?;
    let mut config = DeviceConfig { costs: Some(costs), ..DeviceConfig::default() };
    (config.submit_us, config.lock_us) = (calls.submit_us, Some(calls.lock_us));
    if let Some(encoder) = &card.encoder {
        set_encoder(&mut config, encoder, &card.identity.api_version);
    }
    if let Some(decoder) = &card.decoder {
        set_decoder(&mut config, decoder);
    }
    Ok(config)
}

/// Every measured row, of encoder and decoder.
fn rows(card: &Qualification) -> Vec<(Codec, &CostRow, &Cost)> {
    let encoders = card.encoder.iter().filter_map(|facts| facts.codecs.answer()).flatten();
    let decoders = card.decoder.iter().filter_map(|facts| facts.codecs.answer()).flatten();
    let all =
        encoders.map(|facts| (facts.codec, &facts.costs)).chain(decoders.map(|facts| (facts.codec, &facts.costs)));
    all.flat_map(|(codec, rows)| rows.iter().filter_map(move |row| Some((codec, row, row.cost.answer()?)))).collect()
}

/// What the calls take on the virtual device.
struct Calls {
    submit_us: u32,
    lock_us: u32,
}

impl Calls {
    fn of<'a>(costs: impl Iterator<Item = &'a Cost> + Clone) -> Self {
        let middle_us = |of: fn(&Cost) -> u64| {
            let mut all: Vec<u64> = costs.clone().map(of).collect();
            all.sort_unstable();
            let middle_ns = all.get(all.len() / 2).copied().unwrap_or(0);
            if middle_ns < OWN_CALL_NS { 0 } else { us(middle_ns) }
        };
        Self { submit_us: middle_us(|cost| cost.submit.median_ns), lock_us: middle_us(|cost| cost.lock.median_ns) }
    }

    fn ns(&self) -> u64 {
        1000 * (u64::from(self.submit_us) + u64::from(self.lock_us))
    }
}

/// A row of the virtual device; `None`: it knows no such codec.
fn measured(codec: Codec, row: &CostRow, cost: &Cost, calls: &Calls) -> Option<MeasuredCost> {
    let codec = model_codec(codec)?;
    let beyond_ns = |ns: u64| if ns < OWN_CALL_NS { 0 } else { ns };
    let beyond_latency_ns = beyond_ns(cost.submit.median_ns).saturating_add(beyond_ns(cost.lock.median_ns));
    let alone_ns = cost.latency.median_ns.saturating_add(beyond_latency_ns);
    let most_ns = 1000 * u64::from(MAX_US);
    let interval_ns = cost.interval.median_ns.min(most_ns);
    let latency_ns = alone_ns.saturating_sub(calls.ns()).min(most_ns).max(interval_ns);
    let preset = row.preset.map_or(0, |preset| preset as u32 + 1);
    let (width, height) = (row.dimensions.width, row.dimensions.height);
    Some(MeasuredCost { codec, preset, width, height, service: Service { latency_ns, interval_ns } })
}

fn model_codec(codec: Codec) -> Option<virtual_nvenc::Codec> {
    match codec {
        Codec::H264 => Some(virtual_nvenc::Codec::H264),
        Codec::Hevc => Some(virtual_nvenc::Codec::Hevc),
        Codec::Av1 | Codec::Vp9 => None,
    }
}

fn set_encoder(config: &mut DeviceConfig, encoder: &EncoderFacts, api_version: &str) {
    let codecs = encoder.codecs.answer().map_or(&[][..], Vec::as_slice);
    config.codecs = codecs.iter().filter_map(|facts| model_codec(facts.codec)).collect();
    let engines = codecs.iter().filter_map(|facts| facts.abilities.answer()).map(|abilities| abilities.engines);
    config.engines = engines.max().unwrap_or(1).clamp(1, 64);
    if let Ok(api) = api_version.parse() {
        config.api = api;
    }
    if let Some(sessions) = encoder.sessions.answer() {
        config.sessions = sessions.opened.num.min(sessions.initialised.num).clamp(1, MAX_SESSIONS);
    }
    let first_frame = codecs.iter().find_map(|facts| facts.first_frame.answer());
    config.idr_factor = first_frame.map_or(1.0, |first| idr_factor(first, config));
    config.first_us = first_frame.map_or(0, first_us);
    set_waits(config, encoder.queue.answer(), encoder.waiting_lock.answer());
}

fn set_decoder(config: &mut DeviceConfig, decoder: &DecoderFacts) {
    let codecs = decoder.codecs.answer().map_or(&[][..], Vec::as_slice);
    config.codecs = codecs.iter().filter_map(|facts| model_codec(facts.codec)).collect();
    config.engines = codecs.iter().map(|facts| facts.engines).max().unwrap_or(1).clamp(1, 64);
    set_waits(config, decoder.queue.answer(), decoder.waiting_map.answer());
}

fn set_waits(config: &mut DeviceConfig, queue: Option<&Queue>, waiting: Option<&Waiting>) {
    config.queue = queue.and_then(|queue| queue.queue).unwrap_or(0).min(MAX_QUEUE);
    config.lock_holds_session = waiting.and_then(|waiting| waiting.holds_session).unwrap_or(false);
}

/// In whole microseconds, no more than a description takes: the file may be anybody's.
fn us(ns: u64) -> u32 {
    u32::try_from(ns / 1000).unwrap_or(MAX_US).min(MAX_US)
}

/// How much longer the first frame of a session takes than a later IDR frame; 0 where this is the computer's own time.
fn first_us(first: &FirstFrame) -> u32 {
    let num_sessions = u64::from(first.first_total.num_samples);
    let is_of_computer = first.late_frames.is_some_and(|late| 2 * late > num_sessions);
    let longer_ns = first.first_total.median_ns.saturating_sub(first.later_idr_total.median_ns);
    if is_of_computer || longer_ns < LEAST_FIRST_NS { 0 } else { us(longer_ns) }
}

/// How much longer an IDR frame takes inside the engine, in hundredths.
fn idr_factor(first: &FirstFrame, config: &DeviceConfig) -> f64 {
    let calls_ns = 1000 * (u64::from(config.submit_us) + u64::from(config.lock_us.unwrap_or(0)));
    let inside_ns = |total_ns: u64| total_ns.saturating_sub(calls_ns).max(1) as f64;
    let factor = inside_ns(first.later_idr_total.median_ns) / inside_ns(first.later_total.median_ns);
    let rounded = (factor.clamp(0.1, 100.0) * 100.0).round() / 100.0;
    if (rounded - 1.0).abs() < LEAST_IDR_DIFFERENCE { 1.0 } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::Figure;
    use crate::contract::{Dimensions, Preset};

    fn figure(median_ns: u64) -> Figure {
        Figure { median_ns, ..Figure::default() }
    }

    fn cost(latency_ns: u64, interval_ns: u64, submit_ns: u64, lock_ns: u64) -> Cost {
        Cost {
            latency: figure(latency_ns),
            interval: figure(interval_ns),
            interval_is_upper_bound: false,
            submit: figure(submit_ns),
            lock: figure(lock_ns),
            frames_per_run: 24,
            sweep: Vec::new(),
            late_frames: None,
        }
    }

    #[test]
    fn a_frame_alone_takes_as_long_as_on_the_card_whatever_its_row_says_of_the_calls() {
        let costs = [
            cost(500_000, 300_000, 60_000, 20_000),
            cost(900_000, 400_000, 70_000, 900),
            cost(9_000, 10_000, 80_000, 20_000),
        ];
        let calls = Calls::of(costs.iter());
        assert_eq!((calls.submit_us, calls.lock_us), (70, 20));
        let row = |cost: &Cost| CostRow {
            preset: Some(Preset::P3),
            dimensions: Dimensions { width: 640, height: 360 },
            cost: crate::card::Asked::Answer(cost.clone()),
        };
        let measured = costs.each_ref().map(|cost| measured(Codec::Hevc, &row(cost), cost, &calls).unwrap());
        let services = measured.map(|row| (row.preset, row.service.latency_ns + calls.ns(), row.service.interval_ns));
        assert_eq!(services, [(3, 580_000, 300_000), (3, 970_000, 400_000), (3, 109_000, 10_000)]);
        assert_eq!(measured[2].service.latency_ns, 19_000);
    }

    #[test]
    fn a_codec_that_the_virtual_device_does_not_know_is_left_out() {
        let cost = cost(500_000, 300_000, 60_000, 20_000);
        let row =
            CostRow { preset: None, dimensions: Dimensions { width: 2, height: 2 }, cost: crate::card::Asked::not("") };
        assert_eq!(measured(Codec::Av1, &row, &cost, &Calls::of([&cost].into_iter())), None);
        assert_eq!(measured(Codec::H264, &row, &cost, &Calls::of([&cost].into_iter())).unwrap().preset, 0);
    }
}
