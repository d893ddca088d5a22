//! Chooses what each figure of a report shows, and words it. How it looks is in `figures`.

use std::collections::BTreeSet;

use super::chart::Heading;
use super::figures::{case_pen, depth, knee, lock_pen, lock_wait, rounds, shift, wait_split};
use super::gather::{CaseMaterial, DepthMaterial, Material};
use super::svg::{Pen, SERIES};
use super::words::{case_label, codec_title, side_title};
use crate::contract::{Codec, LockPlacement};
use crate::record::DeviceInfo;
use crate::stats::evidence::change::{ChangeInterval, narrowing};
use crate::stats::evidence::quantile_shift::{Shift, ShiftPoint};
use crate::stats::runs::metrics::Metric;
use crate::stats::runs::summary::Group;

/// A figure and the place where the report shows it.
pub struct Figure {
    /// Which one.
    pub kind: FigureKind,
    /// Of which codec.
    pub codec: Codec,
    /// The file's content.
    pub svg: String,
}

/// The figures of each codec, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "figures/ says it")]
pub enum FigureKind {
    Rounds,
    Shift,
    WaitSplit,
    Knee,
    LockWait,
    Depth,
}

/// What a run's time went into, the waits first.
pub const PARTS: [Metric; 7] = [
    Metric::LockMs,
    Metric::SubmitBlockedMs,
    Metric::SourceWaitMs,
    Metric::UploadMs,
    Metric::SubmitMs,
    Metric::CopyMs,
    Metric::UnlockMs,
];

/// More lines than this cannot be told apart.
const MAX_CURVES: usize = 10;
/// More bars than this make a figure taller than a screen.
const MAX_ROWS: usize = 24;

impl FigureKind {
    /// The last part of the file's name.
    pub fn file_word(self) -> &'static str {
        match self {
            Self::Rounds => "rounds",
            Self::Shift => "shift",
            Self::WaitSplit => "wait-split",
            Self::Knee => "knee",
            Self::LockWait => "lock-wait",
            Self::Depth => "depth",
        }
    }

    /// How to read it.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Rounds => {
                "Each dot is the change within one round. The band is the exact 95 % interval of all rounds so far, before \
                 doubts. Changes within the grey band, which is shown if it is near, do not matter."
            }
            Self::Shift => {
                "The change at each decile of a run's frames, with its exact 95 % interval; each run gives one value per \
                 decile."
            }
            Self::WaitSplit => {
                "Means over the counted runs. The black mark is the wall time; the space between the bar and the mark is the \
                 application's own work. Where a separate thread locks, the upper bar is the submitting thread and the lower bar the locking \
                 thread."
            }
            Self::Knee => {
                "Means over the counted runs, with whiskers of one standard deviation. Beyond the threshold after which throughput \
                 no longer rises, more frames in flight only add latency."
            }
            Self::LockWait => {
                "All frames of the counted runs. The frames to the right of the point where a curve rises had to wait; if a \
                 curve is high from the left, all frames waited."
            }
            Self::Depth => {
                "The line is the mean over time; the band spans the smallest and largest value at each moment. At 0 the \
                 encoder has nothing to do. The dashed line is the end of the run."
            }
        }
    }

    /// What it shows, as alternative text.
    pub fn caption(self) -> &'static str {
        match self {
            Self::Rounds => "change in wall time in each round, and its interval",
            Self::Shift => "change at each decile of the frames",
            Self::WaitSplit => "time per run, split into its parts, case by case",
            Self::Knee => "throughput and p99 latency against the threshold",
            Self::LockWait => "percentile curve of the lock wait per frame, case by case",
            Self::Depth => "frames in flight over time, before and after",
        }
    }
}

/// All figures for which there are measurements.
pub fn figures(material: &Material<'_>) -> Vec<Figure> {
    let mut figures = Vec::new();
    for codec in material.codecs() {
        let drawn = [
            (FigureKind::Rounds, rounds(material, codec)),
            (FigureKind::Shift, shift(material, codec)),
            (FigureKind::WaitSplit, wait_split(material, codec)),
            (FigureKind::Knee, knee(material, codec)),
            (FigureKind::LockWait, lock_wait(material, codec)),
            (FigureKind::Depth, depth(material, codec)),
        ];
        figures.extend(drawn.into_iter().filter_map(|(kind, svg)| Some(Figure { kind, codec, svg: svg? })));
    }
    figures
}

fn device<'a>(material: &Material<'a>) -> &'a DeviceInfo {
    &material.subject.session.manifest.device
}

/// Of the primary metric; `None`: the sides are not paired.
fn rounds(material: &Material<'_>, codec: Codec) -> Option<String> {
    let primary = material.compared(codec)?.effects.first()?;
    let state = |change: ChangeInterval| rounds::State {
        num_rounds: change.num_runs,
        estimate_pct: change.estimate_pct,
        ends_pct: change.ends(),
    };
    let drawn = rounds::Rounds {
        y_title: "change [%]".to_owned(),
        changes_pct: primary.pairs.iter().map(|pair| pair.change_pct).collect(),
        states: narrowing(&primary.pairs).into_iter().map(state).collect(),
        margin_pct: primary.is_near_margin().then_some(primary.margin.pct),
    };
    let title = format!("{} in each round, {}", primary.metric.title(), codec_title(codec));
    rounds::draw(Heading { title: &title, device: device(material) }, &drawn)
}

fn shift(material: &Material<'_>, codec: Codec) -> Option<String> {
    let point = |point: &ShiftPoint| shift::Point {
        percent: point.percent,
        // A wait that is none has nanoseconds to show.
        difference_us: 1e3 * point.difference_ms,
        ends_us: point.low_ms.zip(point.high_ms).map(|(low, high)| (1e3 * low, 1e3 * high)),
    };
    let column = |shift: &Shift| shift::Column {
        y_title: format!("{}, change [µs]", shift.column.title().to_lowercase()),
        points: shift.points.iter().map(point).collect(),
    };
    let columns: Vec<_> = material.compared(codec)?.shifts.iter().map(column).collect();
    let title = format!("Change by decile of frames, {}", codec_title(codec));
    shift::draw(Heading { title: &title, device: device(material) }, &columns)
}

fn lock_wait(material: &Material<'_>, codec: Codec) -> Option<String> {
    let cases: Vec<_> = material.cases_of(codec).filter(|case| case.lock_wait.num_frames() > 0).collect();
    let thresholds = distinct_thresholds(&cases);
    let coloured = cases.iter().filter(|case| thresholds.contains(&case.group.case.reap_threshold));
    let shown = most_telling(&coloured.copied().collect::<Vec<_>>(), MAX_CURVES);
    let curve = |case: &&CaseMaterial| lock_wait::Curve {
        label: case_label(&case.group.case, case.side),
        pen: Pen { width: if case.side.is_some() { 3.0 } else { 1.6 }, ..case_pen(&case.group.case, &thresholds) },
        points: case.lock_wait.curve().iter().map(|point| (point.quantile, point.value_ns as f64 / 1e3)).collect(),
    };
    let curves: Vec<_> = shown.iter().map(curve).collect();
    let title = format!("Lock wait per frame, {}{}", codec_title(codec), of_all(shown.len(), cases.len()));
    lock_wait::draw(Heading { title: &title, device: device(material) }, &curves)
}

fn depth(material: &Material<'_>, codec: Codec) -> Option<String> {
    let pair: Vec<_> = material.depths.iter().filter(|depth| depth.run.case.codec == codec).collect();
    let span_ns = pair.first()?.span_ns;
    let trace = |depth: &&DepthMaterial| {
        let run = &depth.run;
        let case = run.case.title();
        let label = format!("{}: {case} (run {}, with the median wall time)", side_title(run.side), run.order_index);
        depth::Trace { label, bins: depth.bins.clone() }
    };
    let title = format!("Frames in flight over one run, {}", codec_title(codec));
    let traces: Vec<_> = pair.iter().map(trace).collect();
    depth::draw(Heading { title: &title, device: device(material) }, &traces, span_ns as f64 / 1e6)
}

fn wait_split(material: &Material<'_>, codec: Codec) -> Option<String> {
    let cases: Vec<_> = material.cases_of(codec).filter(|case| case.group.mean(Metric::WallMs).is_some()).collect();
    let shown = most_telling(&cases, MAX_ROWS);
    let is_seen = |metric: &&Metric| shown.iter().any(|case| case.group.mean(**metric).is_some_and(|ms| ms > 0.0));
    let metrics: Vec<Metric> = PARTS.iter().filter(is_seen).copied().collect();
    let part = |&metric: &Metric| {
        // In bounds: there are as many colours as parts.
        let idx = PARTS.iter().position(|&other| other == metric).unwrap_or(0);
        wait_split::Part { label: metric.title().to_lowercase(), colour: SERIES[idx % SERIES.len()] }
    };
    let row = |case: &&CaseMaterial| wait_split::Row {
        label: case_label(&case.group.case, case.side),
        emphasis: case.side.is_some(),
        bars_ms: bars(&case.group, &metrics),
        wall_ms: case.group.mean(Metric::WallMs).unwrap_or(0.0),
    };
    let parts: Vec<_> = metrics.iter().map(part).collect();
    let rows: Vec<_> = shown.iter().map(row).collect();
    let title = format!("Where the time went, {}{}", codec_title(codec), of_all(shown.len(), cases.len()));
    wait_split::draw(Heading { title: &title, device: device(material) }, &parts, &rows)
}

/// One bar, or two where another thread locks.
pub fn bars(group: &Group, metrics: &[Metric]) -> Vec<Vec<f64>> {
    let of_locking = |metric| matches!(metric, Metric::LockMs | Metric::CopyMs | Metric::UnlockMs);
    let bar = |takes: &dyn Fn(Metric) -> bool| {
        let ms = |&metric: &Metric| if takes(metric) { group.mean(metric).unwrap_or(0.0) } else { 0.0 };
        metrics.iter().map(ms).collect()
    };
    match group.case.lock {
        LockPlacement::Thread => vec![bar(&|metric| !of_locking(metric)), bar(&of_locking)],
        LockPlacement::Inline | LockPlacement::Poll => vec![bar(&|_| true)],
    }
}

fn knee(material: &Material<'_>, codec: Codec) -> Option<String> {
    let is_shown = |case: &&CaseMaterial| case.is_own && case.group.case.client.is_here();
    let own: Vec<_> = material.cases_of(codec).filter(is_shown).collect();
    let mut locks: Vec<_> = own.iter().map(|case| case.group.case.lock).collect();
    locks.sort_unstable();
    locks.dedup();
    let line = |&lock: &LockPlacement| {
        let of_lock = own.iter().filter(|case| case.group.case.lock == lock);
        let mut points: Vec<_> = of_lock.filter_map(|case| knee_point(&case.group)).collect();
        points.sort_unstable_by_key(|point| point.threshold);
        let known = material.answer(codec).filter(|answer| answer.case.lock == lock);
        let recommended = known.map(|answer| answer.case.reap_threshold);
        let ringed = known.map_or_else(String::new, |answer| {
            format!(" (ringed: T={}, {})", answer.case.reap_threshold, answer.state.title().to_lowercase())
        });
        knee::Series { label: format!("{lock}{ringed}"), pen: lock_pen(lock), points, recommended }
    };
    let series: Vec<_> = locks.iter().map(line).collect();
    let title = format!("Throughput and tail latency against the threshold, {}", codec_title(codec));
    knee::draw(Heading { title: &title, device: device(material) }, &series)
}

fn knee_point(group: &Group) -> Option<knee::Point> {
    let value = |metric| {
        let spread = group.spread(metric)?;
        Some(knee::MeanAndSpread { mean: spread.mean, stddev: spread.stddev.unwrap_or(0.0) })
    };
    Some(knee::Point {
        threshold: group.case.reap_threshold,
        fps: value(Metric::Fps)?,
        latency_p99_ms: value(Metric::LatencyP99Ms)?,
    })
}

/// The compared cases, and of the others the first ones, all in their order.
fn most_telling<'a>(cases: &[&'a CaseMaterial], max: usize) -> Vec<&'a CaseMaterial> {
    let num_sides = cases.iter().filter(|case| case.side.is_some()).count();
    let mut others_left = max.saturating_sub(num_sides);
    let mut is_shown = |case: &&&CaseMaterial| {
        let fits = case.side.is_some() || others_left > 0;
        others_left -= usize::from(fits && case.side.is_none());
        fits
    };
    cases.iter().filter(&mut is_shown).copied().collect()
}

/// As many thresholds as there are colours, ascending: the compared ones, and of all an even choice.
fn distinct_thresholds(cases: &[&CaseMaterial]) -> Vec<u32> {
    let of = |cases: &mut dyn Iterator<Item = &&CaseMaterial>| {
        cases.map(|case| case.group.case.reap_threshold).collect::<BTreeSet<_>>()
    };
    let all: Vec<_> = of(&mut cases.iter()).into_iter().collect();
    let mut chosen = of(&mut cases.iter().filter(|case| case.side.is_some()));
    let room = SERIES.len().saturating_sub(chosen.len());
    if all.len() <= SERIES.len() {
        return all;
    }
    chosen.extend((0..room).filter_map(|k| all.get(k * (all.len() - 1) / (room - 1).max(1))));
    chosen.into_iter().collect()
}

fn of_all(num_shown: usize, num_all: usize) -> String {
    if num_shown == num_all { String::new() } else { format!(" ({num_shown} of {num_all} cases)") }
}
