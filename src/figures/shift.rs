//! The change at each decile of a run's frames, with its interval: did all frames change, or only the slow ones?

use super::axis::Axis;
use super::colour::Colour;
use super::{Figure, Layer, Panel};
use crate::stats::evidence::quantile_shift::{Shift, ShiftPoint};
use crate::units::Unit;

const HEIGHT: f64 = 170.0;

/// One panel for each column that has a value, side by side.
pub fn of(title: impl Into<String>, shifts: &[Shift]) -> Option<Figure> {
    let panels: Vec<_> = shifts.iter().filter(|shift| !shift.points.is_empty()).map(panel).collect();
    panels.first()?;
    Some(Figure {
        title: title.into(),
        explanation:
            "The change at each decile of a run's frames, with its exact 95 % interval; each run gives one value per \
                      decile."
                .into(),
        key: Vec::new(),
        columns: 2,
        panels,
    })
}

fn panel(shift: &Shift) -> Panel {
    let ends = |point: &ShiftPoint| point.low_ms.zip(point.high_ms);
    let values = |point: &ShiftPoint| {
        let (low, high) = ends(point).unwrap_or((point.difference_ms, point.difference_ms));
        [low, point.difference_ms, high]
    };
    let largest = shift.points.iter().flat_map(values).fold(0.0, |most: f64, ms| most.max(ms.abs()));
    // A wait that is none has microseconds to show.
    let (unit, factor) = if largest < 1.0 { ("µs", 1e3) } else { ("ms", 1.0) };
    let mut layers = vec![Layer::rule((0.0, 0.0), (100.0, 0.0), Colour::Muted, 1.0)];
    let mut points = Vec::new();
    for point in &shift.points {
        let x = f64::from(point.percent);
        if let Some((low, high)) = ends(point) {
            layers.push(Layer::rule((x, factor * low), (x, factor * high), Colour::Ink, 1.6));
        }
        points.push((x, factor * point.difference_ms));
    }
    let name = "change at this decile".to_owned();
    layers.push(Layer::Dots { name, colour: Colour::Ink, radius: 3.5, is_filled: true, points });
    let hint = if shift.is_exploratory { " (a hint: under 20 runs)" } else { "" };
    Panel {
        title: shift.column.title().to_owned(),
        subtitle: format!("per frame, {unit}{hint}"),
        x: Axis::from_zero_to("frames of a run, fastest first, %", Unit::Count, 100.0),
        y: Axis::spanning("", shift.points.iter().flat_map(values).map(|ms| factor * ms).chain([0.0])),
        height: HEIGHT,
        layers,
    }
}
