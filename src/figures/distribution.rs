//! How long one frame takes, case by case: a histogram, a percentile curve, and a ranked list with each run's own dots.
//!
//! Many cases at once are unreadable as lines. Those in focus have their colour and a place in the key; the others stay as
//! thin muted lines behind them, and every case has its row in the ranked list.

use super::axis::Axis;
use super::colour::{Colour, Pen};
use super::{Figure, Key, Layer, Panel, case_pen, thresholds_of};
use crate::record::Case;
use crate::stats::runs::distribution::CurvePoint;
use crate::stats::runs::histogram::{Bar, SHORTEST_NS};

const HEIGHT: f64 = 190.0;
const ROW_HEIGHT: f64 = 20.0;
/// Half the height of a box and the distance of the runs' dots from the middle of their row.
const BOX_HALF: f64 = 0.22;
const DOTS_BELOW: f64 = 0.36;
const BOX_OPACITY: f64 = 0.35;
/// More lines than this are not told apart.
pub const MAX_FOCUS: usize = 8;

/// One case's times of one kind.
pub struct CaseTimes<'a> {
    /// Which case.
    pub case: Case,
    /// Its name.
    pub label: String,
    /// Drawn in its colour and named in the key.
    pub is_in_focus: bool,
    /// To stand out among the others?
    pub is_strong: bool,
    /// Ascending.
    pub bars: &'a [Bar],
    /// Ascending.
    pub curve: &'a [CurvePoint],
    /// The times (ns) that 5, 25, 50, 75 and 95 % of the frames did not exceed.
    pub quantiles_ns: Option<[u64; 5]>,
    /// Each run's own median and 99th percentile, in milliseconds.
    pub run_dots: &'a [[Option<f64>; 2]],
}

/// Those in focus last, so that they lie above the others.
fn ordered<'a, 'b>(cases: &'a [CaseTimes<'b>]) -> impl Iterator<Item = (&'a CaseTimes<'b>, Pen)> {
    let thresholds = thresholds_of(cases.iter().map(|case| &case.case));
    let pen = move |case: &CaseTimes<'_>| match case_pen(&case.case, &thresholds) {
        pen if case.is_strong => Pen { width: 2.6, ..pen },
        pen if case.is_in_focus => pen,
        pen => Pen { colour: Colour::Faint, width: 1.0, ..pen },
    };
    let (front, back): (Vec<_>, Vec<_>) = cases.iter().partition(|case| case.is_in_focus);
    back.into_iter().chain(front).map(move |case| (case, pen(case)))
}

fn key(cases: &[CaseTimes<'_>]) -> Vec<Key> {
    let shown = ordered(cases).filter(|(case, _)| case.is_in_focus);
    let mut key: Vec<_> = shown.map(|(case, pen)| Key::line(case.label.clone(), pen)).collect();
    if cases.iter().any(|case| !case.is_in_focus) {
        key.push(Key::line("the other cases", Pen::new(Colour::Faint, 1.0)));
    }
    key
}

/// All times, a little more than from the shortest to the longest.
fn times(cases: &[CaseTimes<'_>]) -> Option<(f64, f64)> {
    let all = || cases.iter().flat_map(|case| case.curve).map(|point| point.value_ns.max(SHORTEST_NS) as f64);
    Some((all().reduce(f64::min)?, all().reduce(f64::max)?))
}

/// Share of the frames at each time, on an axis of decades.
pub fn histogram(title: impl Into<String>, cases: &[CaseTimes<'_>]) -> Option<Figure> {
    let (least, most) = times(cases)?;
    let steps = |bars: &[Bar]| {
        let tops = bars.iter().flat_map(|bar| [(bar.from_ns, 100.0 * bar.share), (bar.to_ns, 100.0 * bar.share)]);
        let ends = bars.first().zip(bars.last()).map(|(first, last)| [(first.from_ns, 0.0), (last.to_ns, 0.0)]);
        let [begin, end] = ends.map_or([None, None], |ends| ends.map(Some));
        begin.into_iter().chain(tops).chain(end).collect()
    };
    let line =
        |(case, pen): (&CaseTimes<'_>, Pen)| Layer::Line { name: case.label.clone(), pen, points: steps(case.bars) };
    let highest = cases.iter().flat_map(|case| case.bars).map(|bar| 100.0 * bar.share).fold(0.0, f64::max);
    Some(Figure {
        title: title.into(),
        explanation:
            "All frames of the counted runs by how long they took. Drag across it to mark the frames of a range.".into(),
        key: key(cases),
        columns: 1,
        panels: vec![Panel {
            title: String::new(),
            subtitle: "share of frames, %".to_owned(),
            x: Axis::times("time per frame", least, most),
            y: Axis::percent("", highest),
            height: HEIGHT,
            layers: ordered(cases).map(line).collect(),
        }],
    })
}

/// Percentile curves with a stretched tail. A curve that lies low and turns up only at the far right waits seldom; one that
/// is high from the left always waits.
pub fn percentiles(title: impl Into<String>, cases: &[CaseTimes<'_>]) -> Option<Figure> {
    let (least, most) = times(cases)?;
    // The point at 1 is the maximum; it stands at the right edge, whose place the point before it decides.
    let quantiles = || cases.iter().flat_map(|case| case.curve).map(|point| point.quantile);
    let widest = quantiles().filter(|&quantile| quantile < 1.0).fold(0.9, f64::max);
    let place = |point: &CurvePoint| (point.quantile.min(widest), point.value_ns.max(SHORTEST_NS) as f64);
    let line = |(case, pen): (&CaseTimes<'_>, Pen)| Layer::Line {
        name: case.label.clone(),
        pen,
        points: case.curve.iter().map(place).collect(),
    };
    Some(Figure {
        title: title.into(),
        explanation:
            "The time that so many of the frames of the counted runs did not exceed. The frames to the right of the \
                      point where a curve rises had to wait; if a curve is high from the left, all frames waited."
                .into(),
        key: key(cases),
        columns: 1,
        panels: vec![Panel {
            title: String::new(),
            subtitle: "time per frame".to_owned(),
            x: Axis::tail("percentile of frames", widest),
            y: Axis::times("", least, most),
            height: HEIGHT,
            layers: ordered(cases).map(line).collect(),
        }],
    })
}

/// A row for each case, the one with the shortest median first: a box for its frames, dots for its runs.
pub fn ranked(title: impl Into<String>, cases: &[CaseTimes<'_>]) -> Option<Figure> {
    let thresholds = thresholds_of(cases.iter().map(|case| &case.case));
    let ranked = by_median(cases);
    let dots = |case: &CaseTimes<'_>, which: usize| -> Vec<f64> {
        let ms = case.run_dots.iter().filter_map(|dots| dots.get(which).copied().flatten());
        ms.map(|ms| (1e6 * ms).max(SHORTEST_NS as f64)).collect()
    };
    let boxes = ranked.iter().flat_map(|case| case.quantiles_ns.iter().flatten()).map(|&ns| ns.max(SHORTEST_NS) as f64);
    let all: Vec<_> = boxes.chain(ranked.iter().flat_map(|case| [dots(case, 0), dots(case, 1)].concat())).collect();
    let (least, most) = (all.iter().copied().reduce(f64::min)?, all.iter().copied().reduce(f64::max)?);
    let mut layers = Vec::new();
    for (idx, case) in ranked.iter().enumerate() {
        let (middle, colour) = (idx as f64 + 0.5, case_pen(&case.case, &thresholds).colour);
        if let Some(quantiles) = case.quantiles_ns {
            let [low, lower, median, upper, high] = quantiles.map(|ns| ns.max(SHORTEST_NS) as f64);
            layers.push(Layer::rule((low, middle), (high, middle), colour, 1.2));
            let y = (middle - BOX_HALF, middle + BOX_HALF);
            let bar = Layer::Bar { name: String::new(), colour, opacity: BOX_OPACITY, x: (lower, upper), y };
            layers.extend([bar, Layer::rule((median, y.0), (median, y.1), colour, 2.2)]);
        }
        for (which, what, is_filled) in [(0, "median", true), (1, "p99", false)] {
            let name = format!("{}: {what} of a run", case.label);
            let points = dots(case, which).into_iter().map(|ns| (ns, middle + DOTS_BELOW)).collect();
            layers.push(Layer::Dots { name, colour, radius: 1.8, is_filled, points });
        }
    }
    Some(Figure {
        title: title.into(),
        explanation: "One row a case, the shortest median first. Box: the middle half of all frames, with their median; line: 5 % \
                      to 95 %. Dots below it: median (filled) and 99th percentile (hollow) of each run.".into(),
        key: Vec::new(),
        columns: 1,
        panels: vec![Panel {
            title: String::new(),
            subtitle: "box: middle half of all frames; dots: each run".to_owned(),
            x: Axis::times("time per frame", least, most),
            y: Axis::rows(ranked.iter().map(|case| (case.label.clone(), case.is_strong))),
            height: ROW_HEIGHT * ranked.len() as f64,
            layers,
        }],
    })
}

/// The cases in the order of [`ranked`]'s rows.
pub fn by_median<'a, 'b>(cases: &'a [CaseTimes<'b>]) -> Vec<&'a CaseTimes<'b>> {
    let mut ranked: Vec<_> = cases.iter().filter(|case| case.quantiles_ns.is_some()).collect();
    ranked.sort_by_key(|case| case.quantiles_ns.map(|[.., median, _, high]| (median, high)));
    ranked
}
