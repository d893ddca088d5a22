//! The overview below the canvas: the whole run with the peaks of its lock wait, and the stretch that is shown as a
//! window to be dragged.

use eframe::egui::{
    Align2, CursorIcon, Painter, Rangef, Rect, Response, Role, Sense, Stroke, StrokeKind, TextStyle, Ui, WidgetInfo,
    pos2, vec2,
};

use crate::ui::theme;
use crate::ui::views::timeline::axis::TimeAxis;
use crate::ui::views::timeline::boxes::Boxes;
use crate::ui::views::timeline::canvas::{LABEL_WIDTH, peaks, range_edges, range_ground};
use crate::ui::views::timeline::lanes::times::Span;
use crate::ui::views::timeline::model::Timeline;
use crate::ui::views::timeline::state::TimelineState;
use crate::units;

/// Of the overview.
pub const HEIGHT: f32 = 40.0;
/// A window narrower than this could not be grasped.
const NARROWEST_PX: f32 = 6.0;

/// Draws the overview; a drag moves the window, a click brings it there.
pub fn minimap_ui(ui: &mut Ui, timeline: &Timeline, state: &mut TimelineState) {
    let (response, painter) = ui.allocate_painter(vec2(ui.available_width(), HEIGHT), Sense::click_and_drag());
    let rect = response.rect.with_min_x(response.rect.left() + LABEL_WIDTH);
    let axis = TimeAxis::new(rect.x_range(), (0.0, timeline.span_ns as f64));
    move_window(ui, &response, timeline, state, &axis);
    let (from_ns, until_ns) = state.bounds(timeline);
    let shown = Span { from_ns: from_ns as u64, until_ns: until_ns as u64 };
    paint(ui, &painter, timeline, state, &axis, shown, rect);
    let [from, until, end] = [shown.from_ns, shown.until_ns, timeline.span_ns].map(units::ns);
    let name = format!("Overview of run {}: {from} to {until} of {end} shown", timeline.order_index);
    response.widget_info(|| WidgetInfo::labeled(Role::Figure, true, name.clone()));
    response.on_hover_cursor(CursorIcon::Grab).on_hover_text("Drag the window, or click where to look");
}

fn move_window(ui: &Ui, response: &Response, timeline: &Timeline, state: &mut TimelineState, axis: &TimeAxis) {
    let origin = ui.input(|input| input.pointer.press_origin());
    if let Some(origin) = origin.filter(|_| response.drag_started()) {
        let window = window(axis, state.bounds(timeline));
        if !window.contains(origin.x) {
            state.centre(timeline, axis.at_ns(origin.x));
        }
    }
    if response.dragged() {
        state.pan(timeline, axis.length_ns(response.drag_delta().x));
    }
    if let Some(at) = response.interact_pointer_pos().filter(|_| response.clicked()) {
        state.centre(timeline, axis.at_ns(at.x));
    }
}

/// The place of what is shown, wide enough for a pointer.
fn window(axis: &TimeAxis, (from_ns, until_ns): (f64, f64)) -> Rangef {
    let x = axis.xs(Span { from_ns: from_ns as u64, until_ns: until_ns as u64 });
    if x.span() >= NARROWEST_PX { x } else { Rangef::point(x.center()).expand(NARROWEST_PX / 2.0) }
}

fn paint(
    ui: &Ui,
    painter: &Painter,
    timeline: &Timeline,
    state: &TimelineState,
    axis: &TimeAxis,
    shown: Span,
    rect: Rect,
) {
    let ink = theme::ink(ui);
    painter.rect_filled(rect, 2.0, ink.stripe);
    let across = rect.y_range().shrink(3.0);
    let range = state.range(timeline);
    if let Some(range) = range {
        range_ground(ui, painter, axis, across, range);
    }
    let mut boxes = Boxes::new(ui);
    peaks(&mut boxes, timeline, axis, across, Span { from_ns: 0, until_ns: timeline.span_ns });
    boxes.paint(ui, painter);
    let window = window(axis, (shown.from_ns as f64, shown.until_ns as f64));
    // What is not shown stands back.
    for outside in [Rangef::new(rect.left(), window.min), Rangef::new(window.max, rect.right())] {
        if outside.span() > 0.0 {
            painter.rect_filled(Rect::from_x_y_ranges(outside, rect.y_range()), 0.0, ink.ground.gamma_multiply(0.6));
        }
    }
    if let Some(range) = range {
        range_edges(ui, painter, axis, across, range);
    }
    let frame = Rect::from_x_y_ranges(window, rect.y_range());
    painter.rect_stroke(frame, 2.0, Stroke::new(1.5, ink.accent), StrokeKind::Inside);
    let place = pos2(rect.left() - 8.0, rect.center().y);
    painter.text(place, Align2::RIGHT_CENTER, "whole run", TextStyle::Small.resolve(ui.style()), ink.text);
}
