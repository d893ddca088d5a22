//! Wheel, pointer and keys on the canvas of the timeline.
//!
//! Turns them into the steps of [`TimelineState`]; draws nothing.

use eframe::egui::{EventFilter, Key, Pos2, Response, Ui, Vec2};

use crate::ui::views::timeline::axis::TimeAxis;
use crate::ui::views::timeline::model::Timeline;
use crate::ui::views::timeline::state::{Direction, Drag, TimelineState};

/// Points of the wheel that make what is shown e times as long.
const WHEEL_POINTS: f32 = 200.0;
/// One press of a zoom key or button.
pub const ZOOM_STEP: f64 = 0.6;
/// The share of what is shown that one press of a pan key moves.
const PAN_STEP: f64 = 0.15;

/// Takes up what was done on the canvas since the last frame; answers where it was clicked.
pub fn navigate(
    ui: &Ui,
    response: &Response,
    timeline: &Timeline,
    state: &mut TimelineState,
    axis: &TimeAxis,
) -> Option<Pos2> {
    let pointer = response.hover_pos().filter(|at| axis.across.contains(at.x));
    if let Some(at) = pointer {
        take_wheel(ui, timeline, state, axis, at.x);
    }
    take_drag(ui, response, timeline, state, axis);
    if !ui.ctx().text_edit_focused() && (response.hovered() || response.dragged() || response.has_focus()) {
        take_keys(ui, timeline, state, pointer.map_or(0.5, |at| axis.share(at.x)));
    }
    if response.has_focus() {
        keep_keys(ui, response, state);
    }
    if response.double_clicked() {
        state.fit();
        return None;
    }
    let clicked = response.interact_pointer_pos().filter(|_| response.clicked())?;
    response.request_focus();
    state.range_ns = None;
    Some(clicked)
}

/// The wheel zooms at the pointer, with Ctrl and by pinching too; sideways, or with Shift, it pans.
fn take_wheel(ui: &Ui, timeline: &Timeline, state: &mut TimelineState, axis: &TimeAxis, x: f32) {
    let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta(), input.zoom_delta()));
    let factor = f64::from((-scroll.y / WHEEL_POINTS).exp() / pinch);
    if factor != 1.0 {
        state.zoom(timeline, factor, axis.share(x));
    }
    if scroll.x != 0.0 {
        state.pan(timeline, -axis.length_ns(scroll.x));
    }
    // Nothing around the canvas scrolls by what was meant for it.
    ui.ctx().input_mut(|input| input.smooth_scroll_delta = Vec2::ZERO);
}

/// A drag pans; with Shift, or while ranges are selected, it marks a range.
fn take_drag(ui: &Ui, response: &Response, timeline: &Timeline, state: &mut TimelineState, axis: &TimeAxis) {
    let (origin, shift) = ui.input(|input| (input.pointer.press_origin(), input.modifiers.shift));
    if let Some(origin) = origin.filter(|_| response.drag_started()) {
        response.request_focus();
        state.drag = if shift || state.selects_range { Drag::Selects } else { Drag::Pans };
        if state.drag == Drag::Selects {
            let from_ns = axis.at_ns(origin.x);
            state.range_ns = Some((from_ns, from_ns));
        }
    }
    if response.dragged() {
        match (state.drag, state.range_ns, response.interact_pointer_pos()) {
            (Drag::Selects, Some((from_ns, _)), Some(at)) => state.range_ns = Some((from_ns, axis.at_ns(at.x))),
            (Drag::Pans, ..) => state.pan(timeline, -axis.length_ns(response.drag_delta().x)),
            _ => {}
        }
    }
    if response.drag_stopped() {
        state.drag = Drag::Nothing;
    }
}

/// Keys without Ctrl or Alt, as those with them belong to the window.
fn take_keys(ui: &Ui, timeline: &Timeline, state: &mut TimelineState, share: f64) {
    let pressed = |keys: &[Key]| {
        ui.input(|input| {
            !input.modifiers.command && !input.modifiers.alt && keys.iter().any(|key| input.key_pressed(*key))
        })
    };
    let (from_ns, until_ns) = state.bounds(timeline);
    let step_ns = PAN_STEP * (until_ns - from_ns);
    if pressed(&[Key::A, Key::ArrowLeft]) {
        state.pan(timeline, -step_ns);
    }
    if pressed(&[Key::D, Key::ArrowRight]) {
        state.pan(timeline, step_ns);
    }
    if pressed(&[Key::W, Key::Plus, Key::Equals]) {
        state.zoom(timeline, ZOOM_STEP, share);
    }
    if pressed(&[Key::S, Key::Minus]) {
        state.zoom(timeline, 1.0 / ZOOM_STEP, share);
    }
    if pressed(&[Key::N]) {
        state.go_to_stall(timeline, Direction::Forward);
    }
    if pressed(&[Key::P]) {
        state.go_to_stall(timeline, Direction::Back);
    }
    // The window takes the press of Escape for itself where nothing has the focus.
    if ui.input(|input| input.key_pressed(Key::Escape) || input.key_down(Key::Escape)) {
        state.range_ns = None;
    }
}

/// While the canvas has the focus, the arrows pan instead of moving it, and Escape clears the range before it is lost.
fn keep_keys(ui: &Ui, response: &Response, state: &TimelineState) {
    let filter = EventFilter { horizontal_arrows: true, escape: state.range_ns.is_some(), ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
}
