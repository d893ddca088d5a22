//! What happened from before to after in each round, and the interval of all rounds so far as it narrowed.

use crate::report::axis::Axis;
use crate::report::chart::{Heading, Key, MARGIN, Mark, Panel, Sheet, WIDTH};
use crate::report::svg::{GRID, MUTED, Pen, Rect, SERIES};

/// The changes of one metric, all in percent of before.
pub struct Rounds {
    /// With unit, in brackets.
    pub y_title: String,
    /// One a round.
    pub changes_pct: Vec<f64>,
    /// In the order of the rounds.
    pub states: Vec<State>,
    /// Changes up to this do not matter; `None`: too far from the rounds to be in the picture.
    pub margin_pct: Option<f64>,
}

/// The change as it was known after a round.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub struct State {
    pub num_rounds: u32,
    pub estimate_pct: f64,
    /// `None`: too few rounds for an interval.
    pub ends_pct: Option<(f64, f64)>,
}

const PLOT_HEIGHT: f64 = 220.0;
const INTERVAL: &str = SERIES[0];
const ROUND: &str = SERIES[1];
const INTERVAL_OPACITY: f64 = 0.22;

/// Draws dots, band and centre in one panel.
pub fn draw(heading: Heading<'_>, rounds: &Rounds) -> Option<String> {
    let Rounds { y_title, changes_pct, states, margin_pct } = rounds;
    let num = u32::try_from(changes_pct.len()).ok().filter(|&num| num > 0)?;
    let mut legend = vec![
        Key { label: "one round".to_owned(), mark: Mark::Box(ROUND) },
        Key { label: "95 % interval of all rounds so far, and the estimate".to_owned(), mark: Mark::Box(INTERVAL) },
    ];
    if margin_pct.is_some() {
        legend.push(Key { label: "does not matter".to_owned(), mark: Mark::Box(GRID) });
    }
    let mut sheet = Sheet::new(heading, &legend, PLOT_HEIGHT + 64.0);
    let left = MARGIN + 56.0;
    let rect = Rect { left, top: sheet.top + 10.0, width: WIDTH - left - MARGIN - 8.0, height: PLOT_HEIGHT };
    let ends = states.iter().filter_map(|state| state.ends_pct).flat_map(|(low, high)| [low, high]);
    let margins = margin_pct.iter().flat_map(|&margin| [-1.5 * margin, 1.5 * margin]);
    let panel = Panel {
        rect,
        x: Axis::counts(num + 1, (rect.left, rect.right())),
        y: Axis::spanning(changes_pct.iter().copied().chain(ends).chain(margins), (rect.bottom(), rect.top)),
        x_title: "rounds",
        y_title,
    };
    if let Some(margin) = *margin_pct {
        let (top, bottom) = (panel.y.at(margin), panel.y.at(-margin));
        sheet.svg.bar(Rect { top, height: bottom - top, ..rect }, GRID, "changes within this band do not matter");
    }
    panel.draw(&mut sheet.svg);
    if margin_pct.is_some() {
        let zero = panel.y.at(0.0);
        sheet.svg.line((rect.left, zero), (rect.right(), zero), Pen::new(MUTED, 1.0));
    }
    let at = |state: &State, pct: f64| panel.at(f64::from(state.num_rounds), pct);
    let bounded = || states.iter().filter_map(|state| Some((state, state.ends_pct?)));
    let upper = bounded().map(|(state, (_, high))| at(state, high));
    let lower = bounded().map(|(state, (low, _))| at(state, low)).collect::<Vec<_>>().into_iter().rev();
    sheet.svg.area(&upper.chain(lower).collect::<Vec<_>>(), INTERVAL, INTERVAL_OPACITY);
    let centre: Vec<_> = states.iter().map(|state| at(state, state.estimate_pct)).collect();
    sheet.svg.polyline(&centre, Pen::new(INTERVAL, 1.8));
    for (round, &change_pct) in (1_u32..).zip(changes_pct) {
        sheet.svg.dot(panel.at(round.into(), change_pct), 3.5, ROUND, &format!("round {round}: {change_pct:+.2} %"));
    }
    Some(sheet.finish())
}
