//! Where each case's time went, as stacked bars: a wait that moved is seen as well as one that is gone.
//!
//! Threads wait at the same time, so a case with a lock thread has a bar for each of them, and a transcode one for each of its
//! up to three; no bar is longer than its run.
//! What is missing up to the wall is the caller's own.

use super::axis::Axis;
use super::colour::{Colour, Part};
use super::{Figure, Key, Layer, Panel};
use crate::contract::LockPlacement;
use crate::stats::runs::metrics::Metric;
use crate::stats::runs::summary::Group;
use crate::units::Unit;

/// What a run's time went into, the waits first.
pub const PARTS: [Metric; 13] = [
    Metric::DecodeMapMs,
    Metric::DecodeBlockedMs,
    Metric::LockMs,
    Metric::SubmitBlockedMs,
    Metric::SourceWaitMs,
    Metric::DecodeParseMs,
    Metric::DecodeSubmitMs,
    Metric::DecodeCopyMs,
    Metric::UploadMs,
    Metric::ConvertMs,
    Metric::SubmitMs,
    Metric::CopyMs,
    Metric::UnlockMs,
];

/// Height of a row and of its bars.
const ROW_HEIGHT: f64 = 24.0;
const BAR_SHARE: f64 = 0.66;
const WALL_WIDTH: f64 = 2.5;
const OWN_WORK: &str = "the application's own work";

/// One case.
pub struct Row<'a> {
    /// Left of the bars.
    pub label: String,
    /// To stand out among the others?
    pub is_strong: bool,
    /// Its runs in numbers.
    pub group: &'a Group,
}

/// All rows on one time axis.
pub fn of(title: impl Into<String>, rows: &[Row<'_>]) -> Option<Figure> {
    let rows: Vec<_> = rows.iter().filter_map(|row| Some((row, row.group.mean(Metric::WallMs)?))).collect();
    let is_seen = |metric: &Metric| rows.iter().any(|(row, _)| row.group.mean(*metric).is_some_and(|ms| ms > 0.0));
    let parts: Vec<_> = PARTS.into_iter().filter(is_seen).collect();
    let bars: Vec<_> = rows.iter().map(|(row, _)| bars(row.group, &parts)).collect();
    let longest = bars.iter().flatten().map(|bar| bar.iter().sum::<f64>());
    let longest = longest.chain(rows.iter().map(|row| row.1)).reduce(f64::max)?;
    let mut layers = Vec::new();
    for (idx, ((row, wall_ms), bars)) in rows.iter().zip(&bars).enumerate() {
        let (top, height) = (idx as f64 + (1.0 - BAR_SHARE) / 2.0, BAR_SHARE / bars.len().max(1) as f64);
        for (place, bar) in bars.iter().enumerate() {
            let y = (top + height * place as f64, top + height * (place + 1) as f64);
            layers.extend(bar_layers(&row.label, &parts, bar, y));
            // Of the submitting thread, whose bar is the first, what is left is its own.
            layers.extend(own_work(&row.label, bar.iter().sum(), *wall_ms, y).filter(|_| place == 0));
        }
        let wall = |y| (*wall_ms, idx as f64 + y);
        layers.push(Layer::rule(wall(0.06), wall(0.94), Colour::Ink, WALL_WIDTH));
    }
    let key = |metric: &Metric| Key {
        definition: metric.definition().into(),
        ..Key::area(metric.title().to_lowercase(), colour(*metric))
    };
    let panel = Panel {
        title: String::new(),
        subtitle: "mean per run, ms; the line is the wall time".to_owned(),
        x: Axis::from_zero("", Unit::Milliseconds, longest),
        y: Axis::rows(rows.iter().map(|(row, _)| (row.label.clone(), row.is_strong))),
        height: ROW_HEIGHT * rows.len() as f64,
        layers,
    };
    Some(Figure {
        title: title.into(),
        explanation: "Means over the counted runs. The line is the wall time; what the submitting thread does beside \
                      the driver's calls is the application's own work. With a lock thread, the upper bar is the submit thread and the lower bar the lock \
                      thread, which waits in parallel.".into(),
        key: parts.iter().map(key).chain([Key::area(OWN_WORK, Colour::Faint)]).collect(),
        columns: 1,
        panels: vec![panel],
    })
}

fn bar_layers(label: &str, parts: &[Metric], bar: &[f64], y: (f64, f64)) -> Vec<Layer> {
    let mut from = 0.0;
    let mut layers = Vec::new();
    for (metric, &ms) in parts.iter().zip(bar).filter(|(_, ms)| **ms > 0.0) {
        let name = format!("{label}, {}", metric.title().to_lowercase());
        layers.push(Layer::Bar { name, colour: colour(*metric), opacity: 1.0, x: (from, from + ms), y });
        from += ms;
    }
    layers
}

fn own_work(label: &str, from_ms: f64, wall_ms: f64, y: (f64, f64)) -> Option<Layer> {
    let name = format!("{label}, {OWN_WORK}");
    (wall_ms > from_ms).then_some(Layer::Bar { name, colour: Colour::Faint, opacity: 0.6, x: (from_ms, wall_ms), y })
}

fn colour(metric: Metric) -> Colour {
    Part::of(metric).map_or(Colour::Muted, Colour::Part)
}

/// A bar of `metrics` for each thread, in milliseconds: the submitting thread first, then those that take frames back. Whoever
/// takes them back from the decoder of a transcode submits them to the encoder.
pub fn bars(group: &Group, metrics: &[Metric]) -> Vec<Vec<f64>> {
    let next = |thread: usize, lock: LockPlacement| thread + usize::from(lock.has_own_thread());
    let encoding = group.case.decode.map_or(0, |ring| next(0, ring.lock));
    let locking = next(encoding, group.case.lock);
    let thread_of = |metric| match metric {
        Metric::SourceWaitMs | Metric::DecodeParseMs | Metric::DecodeSubmitMs | Metric::DecodeBlockedMs => 0,
        Metric::LockMs | Metric::CopyMs | Metric::UnlockMs => locking,
        _ => encoding,
    };
    let bar = |thread: usize| {
        let ms = |&metric: &Metric| if thread_of(metric) == thread { group.mean(metric).unwrap_or(0.0) } else { 0.0 };
        metrics.iter().map(ms).collect()
    };
    (0..=locking).map(bar).collect()
}
