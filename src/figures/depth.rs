//! Frames in flight: over one run, before above after on one time axis, and as the share of time at each depth.
//!
//! Over time the band spans the least and the most, the line is the mean. At 0 the encoder had nothing to do.

use super::axis::Axis;
use super::colour::{Colour, Pen};
use super::{Figure, Key, Layer, Panel};
use crate::record::FrameColumns;
use crate::units::Unit;

const TRACE_HEIGHT: f64 = 100.0;
const ROW_HEIGHT: f64 = 20.0;
const BAR_SHARE: f64 = 0.7;

/// One run's depth.
pub struct Trace {
    /// Says which run this is.
    pub label: String,
    /// One entry for each of the [`NUM_BINS`] parts of the shared time axis that the run reaches into.
    pub bins: Vec<Bin>,
}

/// What happened within one part of the time axis.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Bin {
    pub min: u32,
    pub max: u32,
    /// Over time, not over frames.
    pub mean: f64,
}

/// Parts of the time axis: about two pixels each.
pub const NUM_BINS: usize = 320;
/// One case's time at each depth.
pub struct Shares<'a> {
    /// Which case.
    pub label: String,
    /// To stand out among the others?
    pub is_strong: bool,
    /// Depth and share of the time (0 to 1), ascending by depth.
    pub shares: &'a [(u32, f64)],
}

/// One panel a trace; `span_ms` is the length of the time axis.
pub fn over_time(title: impl Into<String>, traces: &[Trace], span_ms: f64) -> Option<Figure> {
    let deepest = traces.iter().flat_map(|trace| &trace.bins).map(|bin| bin.max).max()?;
    let panel = |(idx, trace): (usize, &Trace)| {
        let is_last = idx + 1 == traces.len();
        let x_title = if is_last { "time since the first frame was submitted, ms" } else { "" };
        Panel {
            title: trace.label.clone(),
            subtitle: String::new(),
            x: Axis::from_zero_to(x_title, Unit::Milliseconds, span_ms),
            y: Axis::counts("", deepest),
            height: TRACE_HEIGHT,
            layers: trace_layers(&trace.bins, span_ms / NUM_BINS as f64, deepest),
        }
    };
    Some(Figure {
        title: title.into(),
        explanation:
            "The line is the mean over time; the band spans the smallest and largest value at each moment. At 0 the \
                      encoder has nothing to do. The upright line is the end of the run."
                .into(),
        key: Vec::new(),
        columns: 1,
        panels: traces.iter().enumerate().map(panel).collect(),
    })
}

fn trace_layers(bins: &[Bin], width_ms: f64, deepest: u32) -> Vec<Layer> {
    // Two points a bin make steps instead of slopes: a depth is a whole number.
    let ends = |(idx, bin): (usize, &Bin)| [(idx as f64 * width_ms, *bin), ((idx + 1) as f64 * width_ms, *bin)];
    let steps: Vec<_> = bins.iter().enumerate().flat_map(ends).collect();
    let edge = steps.iter().map(|&(x, bin)| (x, f64::from(bin.min), f64::from(bin.max))).collect();
    let points = steps.iter().map(|&(x, bin)| (x, bin.mean)).collect();
    let end = bins.len() as f64 * width_ms;
    let name = "mean in flight".to_owned();
    vec![
        Layer::Band { colour: Colour::Muted, opacity: 0.25, edge },
        Layer::Line { name, pen: Pen::new(Colour::Ink, 1.4), points },
        Layer::rule((end, 0.0), (end, f64::from(deepest)), Colour::Muted, 1.0),
    ]
}

/// One row a case.
pub fn shares(title: impl Into<String>, cases: &[Shares<'_>]) -> Option<Figure> {
    let mut depths: Vec<u32> = cases.iter().flat_map(|case| case.shares).map(|share| share.0).collect();
    depths.sort_unstable();
    depths.dedup();
    depths.first()?;
    // An encoder with nothing to do is no shade of a busy one.
    let busy: Vec<u32> = depths.iter().copied().filter(|&depth| depth > 0).collect();
    let colour = |depth: u32| if depth == 0 { Colour::Muted } else { Colour::step(depth, &busy) };
    let mut layers = Vec::new();
    for (idx, case) in cases.iter().enumerate() {
        let (mut from, y) = (0.0, (idx as f64 + (1.0 - BAR_SHARE) / 2.0, idx as f64 + (1.0 + BAR_SHARE) / 2.0));
        for &(depth, share) in case.shares {
            let x = (from, from + 100.0 * share);
            let name = format!("{}, {depth} in flight", case.label);
            layers.push(Layer::Bar { name, colour: colour(depth), opacity: 1.0, x, y });
            from = x.1;
        }
    }
    Some(Figure {
        title: title.into(),
        explanation: "Share of the encoding time with this many frames submitted and not yet reaped. At 0 the encoder has nothing \
                      to do.".into(),
        key: depths.iter().map(|&depth| Key::area(depth.to_string(), colour(depth))).collect(),
        columns: 1,
        panels: vec![Panel {
            title: String::new(),
            subtitle: "share of the time with so many in flight, %".to_owned(),
            x: Axis::percent("", 100.0),
            y: Axis::rows(cases.iter().map(|case| (case.label.clone(), case.is_strong))),
            height: ROW_HEIGHT * cases.len() as f64,
            layers,
        }],
    })
}

/// Frames in flight over time, `span_ns` cut into [`NUM_BINS`] parts.
///
/// The depth after each submission is as recorded; in between it falls by one at each packet handed out, which is when
/// its latency ends.
pub fn bins(frames: &FrameColumns, span_ns: u64) -> Vec<Bin> {
    let steps = steps(frames);
    let Some(&(end_ns, _)) = steps.last() else { return Vec::new() };
    let width_ns = (span_ns / NUM_BINS as u64).max(1);
    let mut bins = Vec::with_capacity(NUM_BINS);
    let (mut next, mut depth) = (0, 0);
    for idx in 0..NUM_BINS as u64 {
        let (from, to) = (idx * width_ns, (idx + 1) * width_ns);
        if from >= end_ns {
            break;
        }
        let mut bin = Bin { min: depth, max: depth, mean: 0.0 };
        let (mut since, mut depth_ns) = (from, 0.0);
        while let Some(&(at_ns, after)) = steps.get(next).filter(|step| step.0 < to) {
            depth_ns += f64::from(depth) * at_ns.saturating_sub(since) as f64;
            (since, depth, next) = (at_ns.max(since), after, next + 1);
            bin.min = bin.min.min(depth);
            bin.max = bin.max.max(depth);
        }
        depth_ns += f64::from(depth) * (to - since) as f64;
        bin.mean = depth_ns / width_ns as f64;
        bins.push(bin);
    }
    bins
}

/// Every change of the depth: when, and what it is from then on.
pub fn steps(frames: &FrameColumns) -> Vec<(u64, u32)> {
    let submitted = frames.submit_at_ns.iter().zip(&frames.submit_ns).zip(&frames.depth);
    let submitted = submitted.map(|((at_ns, took_ns), &depth)| (at_ns.saturating_add(*took_ns), Some(depth)));
    let handed_out = frames.packets_at_ns().map(|at_ns| (at_ns, None));
    let mut changes: Vec<_> = submitted.chain(handed_out).collect();
    changes.sort_unstable();
    let mut depth = 0u32;
    let mut follow = |(at_ns, recorded): (u64, Option<u32>)| {
        depth = recorded.unwrap_or(depth.saturating_sub(1));
        (at_ns, depth)
    };
    changes.into_iter().map(&mut follow).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two pictures: in flight 0–100 ns and 50–160 ns.
    fn frames() -> FrameColumns {
        FrameColumns {
            submit_at_ns: vec![0, 50],
            submit_ns: vec![0, 0],
            depth: vec![1, 2],
            latency_ns: vec![100, 110],
            ..FrameColumns::default()
        }
    }

    #[test]
    fn depth_follows_submissions_and_packets() {
        assert_eq!(steps(&frames()), [(0, 1), (50, 2), (100, 1), (160, 0)]);
    }

    #[test]
    fn bins_hold_extremes_and_the_mean_over_time() {
        let bins = bins(&frames(), 100 * NUM_BINS as u64);
        assert_eq!(bins, [Bin { min: 0, max: 2, mean: 1.5 }, Bin { min: 0, max: 2, mean: 0.6 }]);
    }

    #[test]
    fn columns_of_unequal_length_are_no_reason_to_fail() {
        let torn = FrameColumns { depth: vec![], latency_ns: vec![u64::MAX], ..frames() };
        assert!(bins(&torn, 0).iter().all(|bin| bin.mean.is_finite()));
    }
}
