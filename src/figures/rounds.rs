//! What happened from before to after in each round, and the interval of all rounds so far as it narrowed.

use super::axis::Axis;
use super::colour::{Colour, Pen};
use super::{Figure, Key, Layer, Panel};
use crate::stats::evidence::change::{ChangeInterval, narrowing};
use crate::stats::verdict::effects::Effect;

const HEIGHT: f64 = 180.0;
const BAND_OPACITY: f64 = 0.22;
const MARGIN_OPACITY: f64 = 0.16;
/// The axis has room for so many rounds from the beginning, so that it does not jump with the first ones.
const MIN_ROUNDS: u32 = 6;

/// Of one metric; `None`: its sides are not paired.
pub fn of(title: impl Into<String>, effect: &Effect) -> Option<Figure> {
    let num = u32::try_from(effect.pairs.len()).ok().filter(|&num| num > 0)?;
    let states = narrowing(&effect.pairs);
    let margin_pct = effect.is_near_margin().then_some(effect.margin.pct);
    let changes = effect.pairs.iter().map(|pair| pair.change_pct);
    let ends = states.iter().filter_map(ChangeInterval::ends).flat_map(|(low, high)| [low, high]);
    let margins = margin_pct.iter().flat_map(|&margin| [-1.5 * margin, 1.5 * margin]);
    let dots: Vec<_> = (1..).zip(changes.clone()).map(|(round, pct)| (f64::from(round), pct)).collect();
    let (x, y) =
        (Axis::counts("rounds", num.max(MIN_ROUNDS) + 1), Axis::changes("", changes.chain(ends).chain(margins)));

    let mut key = vec![
        Key::area("one round", Colour::Ink),
        Key::area("95 % interval of all rounds so far, and the estimate", Colour::Muted),
    ];
    let mut layers = Vec::new();
    if let Some(margin) = margin_pct {
        key.push(Key::line(format!("no change; up to ±{margin:.1} % does not matter"), Pen::new(Colour::Grid, 2.0)));
        let edge = [0.0, f64::from(num.max(MIN_ROUNDS) + 1)].map(|x| (x, -margin, margin)).to_vec();
        layers.push(Layer::Band { colour: Colour::Muted, opacity: MARGIN_OPACITY, edge });
        layers.push(Layer::rule((0.0, 0.0), (f64::INFINITY, 0.0), Colour::Muted, 1.0));
    }
    let bounded = |state: &ChangeInterval| state.ends().map(|(low, high)| (f64::from(state.num_runs), low, high));
    let edge = states.iter().filter_map(bounded).collect();
    layers.push(Layer::Band { colour: Colour::Muted, opacity: BAND_OPACITY, edge });
    let centre = states.iter().map(|state| (f64::from(state.num_runs), state.estimate_pct)).collect();
    let (name, pen) = ("estimate after so many rounds".to_owned(), Pen::new(Colour::Muted, 1.8));
    layers.push(Layer::Line { name, pen, points: centre });
    let name = "change in this round".to_owned();
    layers.push(Layer::Dots { name, colour: Colour::Ink, radius: 3.0, is_filled: true, points: dots });
    Some(Figure {
        title: title.into(),
        explanation:
            "Each dot is the change within one round. The band is the exact 95 % interval of all rounds so far, before \
                      doubts. Changes within the grey band around zero, which is shown if it is near, do not matter."
                .into(),
        key,
        columns: 1,
        panels: vec![Panel {
            title: String::new(),
            subtitle: "change from before to after, %".to_owned(),
            x,
            y,
            height: HEIGHT,
            layers,
        }],
    })
}
