//! Chooses the figures of a report, and what each shows. How they look is in `figures`.

use super::chart;
use super::gather::{CaseMaterial, DepthMaterial, Material};
use super::words::{case_label, codec_title, side_title};
use crate::contract::Codec;
use crate::figures::distribution::{self, CaseTimes, MAX_FOCUS};
use crate::figures::{Figure, depth, rounds, shift, thresholds, wait_split};
use crate::stats::runs::metrics::Metric;

/// A figure and the place where the report shows it.
pub struct ReportFigure {
    /// Which one.
    pub kind: FigureKind,
    /// Of which codec.
    pub codec: Codec,
    /// The file's content.
    pub svg: String,
    /// What it shows.
    pub model: Figure,
}

/// The figures of each codec, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "figures/ says it")]
pub enum FigureKind {
    Rounds,
    Shift,
    WaitSplit,
    Thresholds,
    LockWait,
    Depth,
}

/// More bars than this make a figure taller than a screen.
const MAX_ROWS: usize = 24;

impl FigureKind {
    /// The last part of the file's name.
    pub fn file_word(self) -> &'static str {
        match self {
            Self::Rounds => "rounds",
            Self::Shift => "shift",
            Self::WaitSplit => "wait-split",
            Self::Thresholds => "thresholds",
            Self::LockWait => "lock-wait",
            Self::Depth => "depth",
        }
    }

    /// What it shows, as alternative text.
    pub fn caption(self) -> &'static str {
        match self {
            Self::Rounds => "change in wall time in each round, and its interval",
            Self::Shift => "change at each decile of the frames",
            Self::WaitSplit => "time per run, split into its parts, case by case",
            Self::Thresholds => "throughput, latency and waits against the threshold",
            Self::LockWait => "percentile curve of the lock wait per frame, case by case",
            Self::Depth => "frames in flight over time, before and after",
        }
    }
}

/// All figures for which there are measurements.
pub fn figures(material: &Material<'_>) -> Vec<ReportFigure> {
    let device = &material.subject.session.manifest.device;
    let mut figures = Vec::new();
    for codec in material.codecs() {
        let found = [
            (FigureKind::Rounds, rounds(material, codec)),
            (FigureKind::Shift, shift(material, codec)),
            (FigureKind::WaitSplit, wait_split(material, codec)),
            (FigureKind::Thresholds, thresholds(material, codec)),
            (FigureKind::LockWait, lock_wait(material, codec)),
            (FigureKind::Depth, depth(material, codec)),
        ];
        let drawn = |(kind, figure): (FigureKind, Option<Figure>)| {
            let model = figure?.in_words_of(device.engine);
            Some(ReportFigure { kind, codec, svg: chart::svg(&model, device), model })
        };
        figures.extend(found.into_iter().filter_map(drawn));
    }
    figures
}

/// Of the primary metric; `None`: the sides are not paired.
fn rounds(material: &Material<'_>, codec: Codec) -> Option<Figure> {
    let primary = material.compared(codec)?.effects.first()?;
    rounds::of(format!("{} in each round, {}", primary.metric.title(), codec_title(codec)), primary)
}

fn shift(material: &Material<'_>, codec: Codec) -> Option<Figure> {
    shift::of(format!("Change by decile of frames, {}", codec_title(codec)), &material.compared(codec)?.shifts)
}

fn lock_wait(material: &Material<'_>, codec: Codec) -> Option<Figure> {
    let cases: Vec<_> = material.cases_of(codec).filter(|case| case.lock_wait.num_frames() > 0).collect();
    let focus = most_telling(&cases, MAX_FOCUS);
    let curves: Vec<_> = cases.iter().map(|case| case.lock_wait.curve()).collect();
    let times = |(case, curve): (&&CaseMaterial, _)| CaseTimes {
        case: case.group.case,
        label: case_label(&case.group.case, case.side),
        is_in_focus: focus.iter().any(|one| std::ptr::eq(*one, *case)),
        is_strong: case.side.is_some(),
        bars: &[],
        curve,
        quantiles_ns: None,
        run_dots: &[],
    };
    let times: Vec<_> = cases.iter().zip(curves.iter().map(Vec::as_slice)).map(times).collect();
    distribution::percentiles(format!("Lock wait per frame, {}", codec_title(codec)), &times)
}

fn depth(material: &Material<'_>, codec: Codec) -> Option<Figure> {
    let pair: Vec<_> = material.depths.iter().filter(|depth| depth.run.case.codec == codec).collect();
    let span_ns = pair.first()?.span_ns;
    let trace = |depth: &&DepthMaterial| {
        let run = &depth.run;
        let case = run.case.title();
        let label = format!("{}: {case} (run {}, with the median wall time)", side_title(run.side), run.order_index);
        depth::Trace { label, bins: depth.bins.clone() }
    };
    let traces: Vec<_> = pair.iter().map(trace).collect();
    depth::over_time(format!("Frames in flight over one run, {}", codec_title(codec)), &traces, span_ns as f64 / 1e6)
}

fn wait_split(material: &Material<'_>, codec: Codec) -> Option<Figure> {
    let cases: Vec<_> = material.cases_of(codec).filter(|case| case.group.mean(Metric::WallMs).is_some()).collect();
    let shown = most_telling(&cases, MAX_ROWS);
    let row = |case: &&CaseMaterial| (case_label(&case.group.case, case.side), case.side.is_some());
    let named: Vec<_> = shown.iter().map(row).collect();
    let rows = shown.iter().zip(named).map(|(case, (label, is_strong))| wait_split::Row {
        label,
        is_strong,
        group: &case.group,
    });
    let rows: Vec<_> = rows.collect();
    let title = format!("Where the time went, {}{}", codec_title(codec), of_all(shown.len(), cases.len()));
    wait_split::of(title, &rows)
}

/// Of the session's own cases; of one that only lent the before side there are no others.
fn thresholds(material: &Material<'_>, codec: Codec) -> Option<Figure> {
    let own: Vec<_> = material.cases_of(codec).filter(|case| case.is_own).map(|case| case.group.clone()).collect();
    let answer = material.answer(codec);
    let title = format!("Each metric against the threshold, {}", codec_title(codec));
    thresholds::of(title, &own, answer.map(|answer| answer.case), &thresholds::METRICS)
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

fn of_all(num_shown: usize, num_all: usize) -> String {
    if num_shown == num_all { String::new() } else { format!(" ({num_shown} of {num_all} cases)") }
}
