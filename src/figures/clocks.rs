//! The clock of the video engines: over the runs of a sweep, and over one run.

use super::axis::Axis;
use super::colour::{Colour, Pen};
use super::{Figure, Key, Layer, Panel, Values};
use crate::record::{Telemetry, is_limit};
use crate::stats::runs::summary::RunSummary;
use crate::units::Unit;

const BAND_OPACITY: f64 = 0.3;

/// One point a run, in the order in which they were made; `None`: nobody read the clock.
pub fn over_runs(runs: &[RunSummary], height: f64) -> Option<Figure> {
    let shown = |run: &RunSummary| Some((f64::from(run.order_index), run.instruments.as_deref()?.video_mhz?));
    let shown: Vec<_> = runs.iter().filter_map(shown).collect();
    let limited = runs.iter().filter(|run| run.gpu.is_some_and(|gpu| gpu.is_limited()));
    let limited: Vec<_> =
        limited.filter_map(|run| Some((f64::from(run.order_index), f64::from(run.gpu?.run_mhz()?)))).collect();
    let edge = shown.iter().map(|(run, mhz)| (*run, f64::from(mhz.lowest), f64::from(mhz.highest))).collect();
    let medians: Vec<_> = shown.iter().map(|(run, mhz)| (*run, f64::from(mhz.median))).collect();
    let (last, most) = (medians.last()?.0, shown.iter().map(|(_, mhz)| mhz.highest).max()?);
    let mut key =
        vec![Key::line("median of the run", Pen::new(Colour::Ink, 1.6)), Key::area("lowest to highest", Colour::Muted)];
    if !limited.is_empty() {
        key.push(Key::area("held down (heat, power)", Colour::Alert));
    }
    let layers = vec![
        Layer::Band { colour: Colour::Muted, opacity: BAND_OPACITY, edge },
        Layer::Line { name: "video clock, MHz".to_owned(), pen: Pen::new(Colour::Ink, 1.6), points: medians },
        held_down(limited),
    ];
    Some(Figure {
        title: "Clock of the video engines, run by run".to_owned(),
        explanation: "Read 20 times a second while each run was made. A clock that changes changes every time with it."
            .into(),
        key,
        columns: 1,
        panels: vec![panel(Axis::counts("run", last as u32 + 1), most, height, layers)],
    })
}

/// Over one run that took `span_ns`; `None`: nobody read the clock.
pub fn over_run(told: &Telemetry, span_ns: u64, height: f64) -> Option<Figure> {
    let at_ms = |at_ns: &u64| *at_ns as f64 / 1e6;
    let points: Vec<_> = told.at_ns.iter().map(at_ms).zip(told.video_mhz.iter().map(|&mhz| f64::from(mhz))).collect();
    let most = told.video_mhz.iter().copied().max()?;
    let is_limited = told.limits.iter().map(|&limits| is_limit(limits));
    let limited =
        points.iter().zip(is_limited).filter(|(_, is_limited)| *is_limited).map(|(point, _)| *point).collect();
    let pen = Pen::new(Colour::Ink, 1.4);
    let layers = vec![
        Layer::Line { name: "video clock, MHz".to_owned(), pen, points: points.clone() },
        Layer::Dots { name: "video clock, MHz".to_owned(), colour: Colour::Ink, radius: 2.0, is_filled: true, points },
        held_down(limited),
    ];
    Some(Figure {
        title: "Clock of the video engines during the run".to_owned(),
        explanation: "Each dot is one reading.".into(),
        key: Vec::new(),
        columns: 1,
        panels: vec![panel(
            Axis::from_zero_to("time, ms", Unit::Milliseconds, span_ns as f64 / 1e6),
            most,
            height,
            layers,
        )],
    })
}

/// Readings at which heat, power or an emergency brake held the clock down.
fn held_down(points: Vec<Values>) -> Layer {
    Layer::Dots { name: "held down".to_owned(), colour: Colour::Alert, radius: 3.0, is_filled: true, points }
}

fn panel(x: Axis, most_mhz: u32, height: f64, layers: Vec<Layer>) -> Panel {
    let y = Axis::from_zero("", Unit::Count, f64::from(most_mhz));
    Panel { title: String::new(), subtitle: "video clock, MHz".to_owned(), x, y, height, layers }
}
