//! Of a transcode: which of its two thresholds matters, and on which of its two engines it waits.
//!
//! Each threshold is changed alone: from the smallest that was tried to the recommended one, or where that is the smallest, to
//! the largest, while the other engine's stays as recommended.

use schemars::JsonSchema;
use serde::Serialize;

use super::Field;
use crate::record::{Case, DecodeRing};
use crate::stats::evidence::decision::{Evidence, Standard};
use crate::stats::evidence::sides::Paired;
use crate::stats::math::descriptive::median;
use crate::stats::runs::metrics::{Metric, PRIMARY};
use crate::stats::runs::summary::groups;
use crate::stats::runs::values_of;
use crate::stats::verdict::effects::{Answer, Effect};
use crate::stats::verdict::error_of;
use crate::units;

/// What is known of both engines of the recommended case.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Stages {
    /// Of the decoder's threshold; `None`: only one was tried beside the encoder's recommended one.
    pub decoder: Option<ThresholdEffect>,
    /// Of the encoder's, likewise.
    pub encoder: Option<ThresholdEffect>,
    /// What the recommended case waits for the decoder in microseconds a frame: inside the map, for room, and inside the
    /// submit call. Median over its runs. `None`: a thread of its own takes frames back, and then the submitting thread's wait is
    /// for the encoder as well.
    pub decoder_wait_us: Option<f64>,
    /// What the thread that feeds the encoder waits for it: inside the lock where it locks itself, for room, and inside the
    /// submit call.
    pub encoder_wait_us: f64,
}

/// What one threshold changes alone.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ThresholdEffect {
    /// The smaller threshold of that engine.
    pub from: u32,
    /// The larger one. One of both is the recommended one.
    pub to: u32,
    /// The wall time from the first to the second.
    pub wall: Effect,
}

/// `None`: `kept` is no transcode, or has no good run.
pub(super) fn stages(field: &Field<'_>, kept: Case) -> Option<Stages> {
    let ring = kept.decode?;
    let cases: Vec<_> = groups(field.runs).into_iter().map(|group| group.case).collect();
    let with_decoder = |reap_threshold| Case { decode: Some(DecodeRing { reap_threshold, ..ring }), ..kept };
    // In older sessions the encoder's pool follows its threshold.
    let with_encoder = |threshold: u32| {
        let is_it = |case: &&Case| {
            let alike = Case { reap_threshold: case.reap_threshold, pool: case.pool, ..kept };
            case.reap_threshold == threshold && **case == alike
        };
        cases.iter().find(is_it).copied()
    };
    let tried = |of: fn(&Case) -> u32| {
        let mut tried: Vec<_> = cases.iter().filter(|case| case.codec == kept.codec).map(of).collect();
        tried.sort_unstable();
        tried
    };
    let decoders = tried(|case| case.decode.map_or(0, |ring| ring.reap_threshold));
    let encoders = tried(|case| case.reap_threshold);
    let wait_us = |metrics: &[Metric]| {
        let own: Vec<_> = field.runs.iter().filter(|run| run.case == kept && run.counts()).collect();
        let frames = own.first().map(|run| run.packets as f64).filter(|frames| *frames > 0.0)?;
        let total_ms: f64 = metrics.iter().filter_map(|&metric| median(&values_of(&own, metric))).sum();
        Some(1e3 * total_ms / frames)
    };
    Some(Stages {
        decoder: effect(field, &decoders, ring.reap_threshold, |threshold| Some(with_decoder(threshold))),
        encoder: effect(field, &encoders, kept.reap_threshold, with_encoder),
        decoder_wait_us: wait_us(&[Metric::DecodeMapMs, Metric::DecodeBlockedMs, Metric::DecodeSubmitMs])
            .filter(|_| !ring.lock.has_own_thread()),
        encoder_wait_us: wait_us(&[Metric::SubmitWaitMs, Metric::SubmitMs])?,
    })
}

/// `tried` ascends; `case` makes the recommended case with another threshold of one engine.
fn effect(field: &Field<'_>, tried: &[u32], kept: u32, case: impl Fn(u32) -> Option<Case>) -> Option<ThresholdEffect> {
    let (least, most) = (*tried.first()?, *tried.last()?);
    let (from, to) = if kept == least { (kept, most) } else { (least, kept) };
    if from == to {
        return None;
    }
    let (before, after) = (case(from)?, case(to)?);
    let paired = Paired::of(field.runs, before, after, |_| true);
    let standard = Standard { error: error_of(field.terms.plan), peers: None };
    let evidence = Evidence { standard, ..Evidence::plain(paired.sides()) };
    let wall = Effect::of(PRIMARY, &evidence, field.margin(before, after))?;
    Some(ThresholdEffect { from, to, wall })
}

impl Stages {
    /// "Of the two thresholds the decoder's matters (T=1 → T=2: wall time −38.0 %), the encoder's does not matter (T=1 → T=4:
    /// wall time +0.1 %). The submitting thread waits 12.0 µs a frame for the decoder and 210 µs for the encoder."
    pub fn sentence(&self) -> String {
        let said = |whose: &str, effect: &ThresholdEffect| {
            let ThresholdEffect { from, to, wall } = effect;
            let is_small = |end: f64| end.abs() <= wall.margin.pct;
            let word = match (wall.answer, wall.interval.ends()) {
                (Answer::Improved | Answer::Worse, _) => "matters",
                (Answer::Equivalent, _) => "does not matter",
                // Of a setting the median is asked for; whether a single run stands out is not.
                (Answer::Inconclusive, Some((low, high))) if is_small(low) && is_small(high) => "does not matter",
                (Answer::Inconclusive, _) => "is undecided",
            };
            let change = units::change_pct(wall.interval.estimate_pct);
            format!("the {whose}'s {word} (T={from} → T={to}: wall time {change})")
        };
        let decoder = self.decoder.as_ref().map(|effect| said("decoder", effect));
        let encoder = self.encoder.as_ref().map(|effect| said("encoder", effect));
        let both: Vec<_> = [decoder, encoder].into_iter().flatten().collect();
        let thresholds =
            if both.is_empty() { String::new() } else { format!("Of the two thresholds {}. ", both.join(", ")) };
        let text = |us: f64| units::ns((1e3 * us) as u64);
        let encoder = text(self.encoder_wait_us);
        let waits = match self.decoder_wait_us {
            Some(us) => {
                let decoder = text(us);
                format!("The submitting thread waits {decoder} a frame for the decoder and {encoder} for the encoder.")
            }
            None => format!("The thread that feeds the encoder waits {encoder} a frame for it."),
        };
        format!("{thresholds}{waits}")
    }
}
