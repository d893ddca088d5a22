//! The canvas of the timeline: times above, the lock wait as peaks, a row for each lane, and what stands in the way of
//! the pointer explained.
//!
//! Lays out only what is visible, as one mesh, however many frames the run has.

use eframe::egui::{
    Align2, Color32, FontId, Painter, Pos2, Rangef, Rect, Sense, Shape, Stroke, StrokeKind, TextStyle, Ui, pos2, vec2,
};

use crate::figures::colour::Colour;
use crate::ui::views::timeline::axis::TimeAxis;
use crate::ui::views::timeline::boxes::{Boxes, Scene, colour};
use crate::ui::views::timeline::explain::explain;
use crate::ui::views::timeline::lanes::times::{Part, Span};
use crate::ui::views::timeline::model::{Marks, Timeline};
use crate::ui::views::timeline::navigation::navigate;
use crate::ui::views::timeline::state::TimelineState;
use crate::ui::words::said;
use crate::ui::{pictures, theme};
use crate::units;

/// Left of the canvas and of the overview below it.
pub const LABEL_WIDTH: f32 = 112.0;
const AXIS_HEIGHT: f32 = 20.0;
const PEAKS_HEIGHTS: Rangef = Rangef { min: 40.0, max: 120.0 };
const ROW_HEIGHTS: Rangef = Rangef { min: 20.0, max: 26.0 };
/// Above the lanes, and between the lanes and the slots.
const GAP: f32 = 8.0;

/// Where everything stands.
#[derive(Clone, Copy)]
struct Layout {
    rect: Rect,
    axis: TimeAxis,
    peaks: Rangef,
    row_height: f32,
    /// Lanes above the gap.
    num_threads: usize,
    num_lanes: usize,
}

impl Layout {
    /// Rows of the height that the room allows within its limits; more room than that makes the peaks higher.
    fn height(timeline: &Timeline, room: f32) -> (f32, f32, f32) {
        let num_lanes = timeline.lanes.len() as f32;
        let fixed = AXIS_HEIGHT + 2.0 * GAP + 2.0;
        let row_height = ROW_HEIGHTS.clamp((room - fixed - PEAKS_HEIGHTS.min) / num_lanes.max(1.0)).floor();
        let peaks_height = PEAKS_HEIGHTS.clamp(room - fixed - row_height * num_lanes);
        (row_height, peaks_height, fixed + peaks_height + row_height * num_lanes)
    }

    fn row(&self, lane: usize) -> Rangef {
        let gap = if lane >= self.num_threads { GAP } else { 0.0 };
        let top = self.peaks.max + GAP + gap + self.row_height * lane as f32;
        Rangef::new(top, top + self.row_height)
    }

    fn bottom(&self) -> f32 {
        self.row(self.num_lanes).min
    }

    fn lane_at(&self, y: f32) -> Option<usize> {
        (0..self.num_lanes).find(|&lane| self.row(lane).contains(y))
    }

    /// Within the row, so that rows stand apart.
    fn boxes(&self, lane: usize) -> Rangef {
        self.row(lane).shrink(1.0)
    }
}

/// Draws the canvas in a height of about `room`.
pub fn canvas_ui(ui: &mut Ui, timeline: &Timeline, marks: &Marks, state: &mut TimelineState, room: f32) {
    let (row_height, peaks_height, height) = Layout::height(timeline, room);
    let (response, painter) = ui.allocate_painter(vec2(ui.available_width(), height), Sense::click_and_drag());
    let rect = response.rect.with_min_x(response.rect.left() + LABEL_WIDTH);
    let peaks_top = rect.top() + AXIS_HEIGHT;
    let layout = |state: &TimelineState| Layout {
        rect,
        axis: TimeAxis::new(rect.x_range(), state.bounds(timeline)),
        peaks: Rangef::new(peaks_top, peaks_top + peaks_height),
        row_height,
        num_threads: timeline.lanes.len() - timeline.num_slots(),
        num_lanes: timeline.lanes.len(),
    };
    let turn_at = |layout: &Layout, at: Pos2| {
        let lane = layout.lane_at(at.y).filter(|_| at.x >= rect.left())?;
        Some((lane, timeline.at(lane, layout.axis.at_ns(at.x) as u64)?))
    };
    let before = layout(state);
    if let Some(clicked) = navigate(ui, &response, timeline, state, &before.axis) {
        state.frame = turn_at(&before, clicked).map(|(_, turn)| turn.frame as usize);
    }
    let layout = layout(state);
    let pointed = response.hover_pos().and_then(|at| Some((at, turn_at(&layout, at)?)));
    let hovered = pointed.map(|(_, (_, turn))| turn.frame);
    let chosen = state.frame.and_then(|frame| u32::try_from(frame).ok());
    let scene = Scene { timeline, marks, axis: layout.axis, chosen, hovered };
    paint(ui, &painter, &scene, &layout, state);
    if response.has_focus() {
        let ring = Stroke::new(1.0, theme::ink(ui).accent);
        painter.rect_stroke(response.rect, 2.0, ring, StrokeKind::Inside);
    }
    pictures::offer(&response, name(timeline, marks));
    let label = response.hover_pos().filter(|at| at.x < rect.left()).and_then(|at| layout.lane_at(at.y));
    let text = match (pointed, label.and_then(|lane| timeline.lanes.get(lane))) {
        (Some((at, (lane, turn))), _) => {
            let at_ns = layout.axis.at_ns(at.x) as u64;
            let text = explain(timeline, layout.axis.window(), lane, turn, at_ns);
            let stage = timeline.lanes.get(lane).map(|lane| lane.stage);
            Some(stage.and_then(|stage| stage.say(&text)).unwrap_or_else(|| said(ui, &text)))
        }
        (None, label) => label.map(|lane| {
            let text = lane.kind.definition();
            lane.stage.say(text).unwrap_or_else(|| said(ui, text))
        }),
    };
    if let Some(text) = text {
        response.on_hover_text_at_pointer(text);
    }
}

/// What the canvas shows, for someone who cannot see it.
fn name(timeline: &Timeline, marks: &Marks) -> String {
    let (num_frames, num_slots) = (timeline.frames.len(), timeline.num_slots());
    format!(
        "Timeline of run {}: {num_frames} frames in {num_slots} slots, {} marked",
        timeline.order_index,
        marks.len()
    )
}

/// From back to front: stripes, ticks, peaks and boxes, the marked range, labels.
fn paint(ui: &Ui, painter: &Painter, scene: &Scene<'_>, layout: &Layout, state: &TimelineState) {
    let font = TextStyle::Small.resolve(ui.style());
    let (range, across) = (state.range(scene.timeline), Rangef::new(layout.rect.top(), layout.bottom()));
    stripes(ui, painter, layout);
    if let Some(range) = range {
        range_ground(ui, painter, &layout.axis, across, range);
    }
    ticks(ui, painter, layout, &font);
    let mut boxes = Boxes::new(ui);
    let most_ns = peaks(&mut boxes, scene.timeline, &layout.axis, layout.peaks, layout.axis.span());
    for (idx, lane) in scene.timeline.lanes.iter().enumerate() {
        boxes.add_lane(scene, idx, lane, layout.boxes(idx));
    }
    boxes.paint(ui, painter);
    stall_limit(ui, painter, scene.timeline, layout, most_ns);
    chosen_mark(ui, painter, scene, layout);
    if let Some(range) = range {
        range_edges(ui, painter, &layout.axis, across, range);
        let text = painter.layout_no_wrap(units::ns(range.length_ns()), font.clone(), theme::ink(ui).text);
        let top = pos2(layout.axis.xs(range).center(), layout.peaks.min + 2.0);
        let place = Align2::CENTER_TOP.anchor_size(top, text.size());
        painter.rect_filled(place.expand2(vec2(6.0, 1.0)), theme::RADIUS, theme::ink(ui).accent_ground);
        painter.galley(place.min, text, theme::ink(ui).text);
    }
    labels(ui, painter, scene.timeline, layout, most_ns, &font);
}

/// Every second row, so that the eye keeps its row.
fn stripes(ui: &Ui, painter: &Painter, layout: &Layout) {
    for lane in (0..layout.num_lanes).step_by(2) {
        let row = Rect::from_x_y_ranges(layout.rect.x_range(), layout.row(lane));
        painter.rect_filled(row, 0.0, theme::ink(ui).stripe);
    }
}

fn ticks(ui: &Ui, painter: &Painter, layout: &Layout, font: &FontId) {
    let (line, ink) = (Stroke::new(1.0, theme::of(ui, Colour::Grid)), theme::ink(ui).dim);
    for (x, text) in layout.axis.ticks() {
        painter.vline(x, Rangef::new(layout.peaks.min - 3.0, layout.bottom()), line);
        let text = painter.layout_no_wrap(text, font.clone(), ink);
        // The outer labels stay inside.
        let half = text.size().x / 2.0;
        let x = x.clamp(layout.rect.left() + half, (layout.rect.right() - half).max(layout.rect.left() + half));
        painter.galley(pos2(x - half, layout.rect.top()), text, ink);
    }
}

/// The lock wait over time, upwards, every peak of it at any scale. The longest that is seen reaches to the top; in
/// nanoseconds.
pub fn peaks(boxes: &mut Boxes, timeline: &Timeline, axis: &TimeAxis, across: Rangef, seen: Span) -> u64 {
    let frames = &timeline.frames;
    // What was submitted before may be locked within: at most as many as there are slots.
    let first = frames.submit_at_ns.partition_point(|&at_ns| at_ns < seen.from_ns);
    let first = first.saturating_sub(timeline.num_slots());
    let last = frames.submit_at_ns.partition_point(|&at_ns| at_ns <= seen.until_ns);
    let most = timeline.lock_peaks.extremes(&frames.lock_ns, first..last);
    let most_ns = most.map_or(0, |most| most.max);
    let max_stretches = (axis.across.span() as usize).clamp(1, 2000);
    for stretch in timeline.lock_peaks.stretches(&frames.lock_ns, first..last, max_stretches) {
        let Some(&at_ns) = frames.lock_at_ns.get(stretch.samples.start) else { continue };
        if !(seen.from_ns..=seen.until_ns).contains(&at_ns) {
            continue;
        }
        let height = across.span() * stretch.extremes.max as f32 / most_ns.max(1) as f32;
        let x = axis.x(at_ns);
        let bar = Rect::from_min_max(pos2(x, across.max - height.max(1.0)), pos2(x + 1.5, across.max));
        let ground = boxes.ground();
        boxes.fill(bar, colour(Part::LockWait, ground));
    }
    most_ns
}

/// Frames that reach above this line are the stalls.
fn stall_limit(ui: &Ui, painter: &Painter, timeline: &Timeline, layout: &Layout, most_ns: u64) {
    let limit_ns = timeline.stalls.limit_ns;
    if timeline.stalls.is_empty() || limit_ns >= most_ns {
        return;
    }
    let y = layout.peaks.max - layout.peaks.span() * limit_ns as f32 / most_ns as f32;
    let line = [pos2(layout.rect.left(), y), pos2(layout.rect.right(), y)];
    painter.extend(Shape::dashed_line(&line, Stroke::new(1.0, theme::ink(ui).dim), 4.0, 4.0));
    // At the left end: the right one has the lane's largest value.
    let font = TextStyle::Small.resolve(ui.style());
    let text = format!("stalls: above {}", units::ns(limit_ns));
    // Above the line, where that is not in the time axis.
    let has_room = y - layout.peaks.min > font.size + 2.0;
    let align = if has_room { Align2::LEFT_BOTTOM } else { Align2::LEFT_TOP };
    painter.text(line[0] + vec2(4.0, 0.0), align, text, font, theme::ink(ui).dim);
}

/// Where the chosen frame's lock began, however narrow its boxes are.
fn chosen_mark(ui: &Ui, painter: &Painter, scene: &Scene<'_>, layout: &Layout) {
    let frames = &scene.timeline.frames;
    let at_ns = scene.chosen.and_then(|frame| frames.lock_at_ns.get(frame as usize)).copied();
    let seen = layout.axis.span();
    let Some(at_ns) = at_ns.filter(|at_ns| (seen.from_ns..=seen.until_ns).contains(at_ns)) else { return };
    let (x, y) = (layout.axis.x(at_ns), layout.peaks.max + GAP - 1.0);
    let corners = vec![pos2(x, y - 6.0), pos2(x + 4.0, y), pos2(x - 4.0, y)];
    painter.add(Shape::convex_polygon(corners, ui.visuals().strong_text_color(), Stroke::NONE));
}

/// A marked range, below the boxes so that their colours stay what they are.
pub fn range_ground(ui: &Ui, painter: &Painter, axis: &TimeAxis, across: Rangef, range: Span) {
    let ground = theme::ink(ui).accent.gamma_multiply(0.25);
    painter.rect_filled(Rect::from_x_y_ranges(axis.xs(range), across), 0.0, ground);
}

/// Its ends, on top of them.
pub fn range_edges(ui: &Ui, painter: &Painter, axis: &TimeAxis, across: Rangef, range: Span) {
    let x = axis.xs(range);
    for edge in [x.min, x.max] {
        painter.vline(edge, across, Stroke::new(2.0, theme::ink(ui).accent));
    }
}

fn labels(ui: &Ui, painter: &Painter, timeline: &Timeline, layout: &Layout, most_ns: u64, font: &FontId) {
    let ink = theme::ink(ui);
    let label = |y: f32, text: String, ink: Color32| {
        painter.text(pos2(layout.rect.left() - 8.0, y), Align2::RIGHT_CENTER, text, font.clone(), ink);
    };
    label(layout.peaks.min + 6.0, units::ns(most_ns), ink.dim);
    label(layout.peaks.max - 6.0, said(ui, "lock wait"), ink.text);
    for (idx, lane) in timeline.lanes.iter().enumerate() {
        let colour = if lane.kind.is_slot() { ink.dim } else { ink.text };
        label(layout.row(idx).center(), lane.title(), colour);
    }
}
