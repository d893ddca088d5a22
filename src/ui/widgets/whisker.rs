//! A change as a dot with its interval, beside the place of no change.

use eframe::egui::{Color32, Sense, Ui, pos2, vec2};

use crate::ui::theme;

/// `interval_pct`: estimate, low and high end. The axis holds all of it and 0, which has a tick.
pub fn whisker_ui(ui: &mut Ui, width: f32, (estimate, low, high): (f64, f64, f64), colour: Color32) {
    let (response, painter) = ui.allocate_painter(vec2(width, 12.0), Sense::hover());
    let (least, most) = (low.min(estimate).min(0.0), high.max(estimate).max(0.0));
    let span = (most - least).max(f64::MIN_POSITIVE);
    let area = response.rect.shrink2(vec2(4.0, 0.0));
    let x = |pct: f64| area.left() + ((pct - least) / span) as f32 * area.width();
    let y = area.center().y;
    let ink = theme::ink(ui);
    painter.line_segment([pos2(area.left(), y), pos2(area.right(), y)], (1.0, ink.line));
    painter.line_segment([pos2(x(0.0), y - 4.0), pos2(x(0.0), y + 4.0)], (1.0, ink.dim));
    painter.line_segment([pos2(x(low), y), pos2(x(high).max(x(low) + 1.0), y)], (3.0, colour));
    painter.circle_filled(pos2(x(estimate), y), 3.5, colour);
}
