//! Throughput and latency tail against the number of streams at once.

use super::axis::Axis;
use super::colour::{Colour, Pen};
use super::{Figure, Key, Layer, Panel};
use crate::contract::Codec;
use crate::stats::verdict::density::{Density, Load, Measured};
use crate::units::Unit;

const HEIGHT: f64 = 200.0;

/// Of one codec; `None`: nothing was measured.
pub fn of(title: impl Into<String>, found: &Density, codec: Codec) -> Option<Figure> {
    let (of_codec, plan) = (found.of_codec(codec), &found.plan);
    let measured: Vec<(&Load, Measured)> = of_codec.iter().filter_map(|load| Some((*load, load.measured?))).collect();
    let most = measured.last()?.0.streams;
    let asked_fps = |load: &Load| Some(plan.pace_fps? * f64::from(load.streams));
    let panels = vec![
        panel("all streams together, frames per second", &measured, most, |one| one.fps, &asked_fps),
        panel("latency tail, ms", &measured, most, |one| one.tail_ms, &|_| plan.latency_budget_ms()),
    ];
    let mut key = vec![Key::line("measured", Pen::new(Colour::Ink, 1.6))];
    if plan.pace_fps.is_some() {
        key.push(Key::line("what the sources ask, and the budget", Pen::new(Colour::Muted, 1.2)));
    }
    if of_codec.iter().any(|load| !load.outcome.is_carried()) {
        key.push(Key::area("not carried", Colour::Alert));
    }
    Some(Figure {
        title: title.into(),
        explanation: "Each number of streams in the case that serves it best, medians over its runs. A number is carried if every \
                      stream keeps the pace of its source and the latency tail stays within the budget."
            .into(),
        key,
        columns: 2,
        panels,
    })
}

fn panel(
    subtitle: &str,
    measured: &[(&Load, Measured)],
    most: u32,
    value: fn(&Measured) -> f64,
    limit: &dyn Fn(&Load) -> Option<f64>,
) -> Panel {
    let points: Vec<_> = measured.iter().map(|(load, one)| (f64::from(load.streams), value(one))).collect();
    let missed = measured.iter().filter(|(load, _)| !load.outcome.is_carried());
    let missed = missed.map(|(load, one)| (f64::from(load.streams), value(one))).collect();
    let limits = measured.iter().filter_map(|(load, _)| Some((f64::from(load.streams), limit(load)?)));
    let limits: Vec<_> = limits.collect();
    let highest = points.iter().chain(&limits).map(|point| point.1).fold(0.0, f64::max);
    let name = subtitle.to_owned();
    let layers = vec![
        Layer::Line { name: String::new(), pen: Pen::new(Colour::Muted, 1.2), points: limits },
        Layer::Line { name: name.clone(), pen: Pen::new(Colour::Ink, 1.6), points: points.clone() },
        Layer::Dots { name: name.clone(), colour: Colour::Ink, radius: 3.0, is_filled: true, points },
        Layer::Dots { name, colour: Colour::Alert, radius: 4.0, is_filled: true, points: missed },
    ];
    Panel {
        title: String::new(),
        subtitle: subtitle.to_owned(),
        x: Axis::counts("streams at once", most + 1),
        y: Axis::from_zero("", Unit::Count, 1.05 * highest),
        height: HEIGHT,
        layers,
    }
}
