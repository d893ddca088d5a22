//! Pictures in flight over one run, before above after, on one time axis.
//!
//! The band spans the least and the most, the line is the mean over time. Where the band touches 0 the encoder had
//! nothing to do.

use crate::record::FrameColumns;
use crate::report::axis::Axis;
use crate::report::chart::{Heading, MARGIN, Panel, Sheet, WIDTH};
use crate::report::svg::{Anchor, MUTED, Pen, Rect, SERIES, Svg, Type, fit};

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
const PLOT_HEIGHT: f64 = 108.0;

/// Draws one panel a trace; `span_ms` is the length of the time axis.
pub fn draw(heading: Heading<'_>, traces: &[Trace], span_ms: f64) -> Option<String> {
    let deepest = traces.iter().flat_map(|trace| &trace.bins).map(|bin| bin.max).max()?;
    let panel_height = PLOT_HEIGHT + 42.0;
    let mut sheet = Sheet::new(heading, &[], panel_height * traces.len() as f64 + 30.0);
    let left = MARGIN + 56.0;
    for (idx, trace) in traces.iter().enumerate() {
        let top = sheet.top + 18.0 + panel_height * idx as f64;
        let rect = Rect { left, top, width: WIDTH - left - MARGIN - 8.0, height: PLOT_HEIGHT };
        let is_last = idx + 1 == traces.len();
        let panel = Panel {
            rect,
            x: Axis::from_zero_to(span_ms, (rect.left, rect.right())),
            y: Axis::counts(deepest, (rect.bottom(), rect.top)),
            x_title: if is_last { "time since the first frame was submitted [ms]" } else { "" },
            y_title: "in flight",
        };
        panel.draw(&mut sheet.svg);
        let label = fit(&trace.label, rect.width, 12.0);
        sheet.svg.text((left, top - 7.0), &label, Type { bold: true, ..Type::new(Anchor::Start) });
        draw_bins(&mut sheet.svg, rect, &panel.y, &trace.bins, SERIES[idx.min(1)]);
    }
    Some(sheet.finish())
}

/// Pictures in flight over time, `span_ns` cut into [`NUM_BINS`] parts.
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
    let handed_out = frames.submit_at_ns.iter().zip(&frames.latency_ns);
    let handed_out = handed_out.map(|(at_ns, latency_ns)| (at_ns.saturating_add(*latency_ns), None));
    let mut changes: Vec<_> = submitted.chain(handed_out).collect();
    changes.sort_unstable();
    let mut depth = 0u32;
    let mut follow = |(at_ns, recorded): (u64, Option<u32>)| {
        depth = recorded.unwrap_or(depth.saturating_sub(1));
        (at_ns, depth)
    };
    changes.into_iter().map(&mut follow).collect()
}

fn draw_bins(svg: &mut Svg, rect: Rect, y: &Axis, bins: &[Bin], colour: &'static str) {
    let x = |idx: usize| rect.left + rect.width * idx as f64 / NUM_BINS as f64;
    // Two points a bin make steps instead of slopes: a depth is a whole number.
    let along = |level: fn(&Bin) -> f64| {
        let ends = move |(idx, bin): (usize, &Bin)| {
            let level = y.at(level(bin));
            [(x(idx), level), (x(idx + 1), level)]
        };
        bins.iter().enumerate().flat_map(ends).collect::<Vec<_>>()
    };
    let mut band = along(|bin| f64::from(bin.max));
    band.extend(along(|bin| f64::from(bin.min)).into_iter().rev());
    svg.area(&band, colour, 0.25);
    svg.polyline(&along(|bin| bin.mean), Pen::new(colour, 1.8));
    let end = x(bins.len());
    svg.line((end, rect.top), (end, rect.bottom()), Pen { dash: "3 3", ..Pen::new(MUTED, 1.0) });
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
