//! One run as it happened: a row for each buffer slot, the lock wait above, the slowest pictures beside it.
//!
//! Draws `slots`' model as one mesh, however many pictures the run has.

use super::parts::{KeyEntry, key_ui};
use super::scale::{linear_ticks, tick_label};
use super::selection::FrameTime;
use super::slots::{Content, Held, Marks, Phase, Timeline, Window};
use crate::ui::{pictures, theme};
use crate::units;
use eframe::egui::{
    Align2, Color32, Grid, Key, Mesh, Painter, Pos2, Rect, Response, ScrollArea, Sense, Shape, TextStyle, Ui, pos2,
    vec2,
};

const LABEL_WIDTH: f32 = 64.0;
const PEAKS_HEIGHT: f32 = 90.0;
const AXIS_HEIGHT: f32 = 18.0;
const SIDE_WIDTH: f32 = 220.0;
/// Narrower, a picture is one colour.
const PHASES_FROM_PX: f32 = 12.0;
/// Pictures narrower than this are not told apart.
const CROWD_BELOW_PX: f64 = 3.0;
/// No clock tells more than this apart.
const SHORTEST_WINDOW_NS: f64 = 1_000.0;

/// The user's choices in the timeline.
#[derive(Debug, Clone, Copy, Default)]
pub struct TimelineState {
    /// Begin and end in nanoseconds; `None`: the whole run.
    shown_ns: Option<(f64, f64)>,
    /// The frame whose numbers are shown.
    pub frame: Option<usize>,
    /// The time that the list of slowest frames is sorted by.
    worst_by: FrameTime,
}

impl TimelineState {
    /// Shows a frame with some of its neighbours.
    pub fn go_to(&mut self, timeline: &Timeline, frame: usize) {
        let Some((_, held)) = timeline.find(frame) else { return };
        let length = (held.until_ns - held.from_ns) as f64;
        self.frame = Some(frame);
        self.show(timeline, held.from_ns as f64 - 3.0 * length, held.until_ns as f64 + 3.0 * length);
    }

    /// Shows the whole run again, with no frame chosen.
    pub fn reset(&mut self) {
        (self.shown_ns, self.frame) = (None, None);
    }

    fn bounds(&self, timeline: &Timeline) -> (f64, f64) {
        self.shown_ns.unwrap_or((0.0, timeline.span_ns as f64))
    }

    /// Shows a stretch of the run, moved and cut to what there is.
    fn show(&mut self, timeline: &Timeline, from_ns: f64, until_ns: f64) {
        let span_ns = timeline.span_ns as f64;
        let length = (until_ns - from_ns).max(SHORTEST_WINDOW_NS);
        let from_ns = from_ns.min(span_ns - length).max(0.0);
        self.shown_ns = (length < span_ns).then_some((from_ns, from_ns + length));
    }
}

/// Draws a run; `marks` are its marked frames.
pub fn ui(ui: &mut Ui, timeline: &Timeline, marks: &Marks, state: &mut TimelineState) {
    ui.horizontal(|ui| {
        if ui.button("Whole run").on_hover_text("Or double-click the timeline").clicked() {
            state.shown_ns = None;
        }
        for (title, factor) in [("Zoom in", 0.5), ("Zoom out", 2.0)] {
            if ui
                .button(title)
                .on_hover_text(
                    "Or turn the mouse wheel; after a click on the timeline, + and − zoom, and A and D move it",
                )
                .clicked()
            {
                zoom(timeline, state, factor, 0.5);
            }
        }
        let entries: Vec<_> = KEY.iter().map(|&(name, phase)| KeyEntry::solid(name, theme::phase(ui, phase))).collect();
        key_ui(ui, entries.into_iter());
    });
    let width = (ui.available_width() - SIDE_WIDTH).max(200.0);
    ui.horizontal_top(|ui| {
        ui.vertical(|ui| {
            ui.set_width(width);
            canvas_ui(ui, timeline, marks, state);
        });
        ui.vertical(|ui| side_ui(ui, timeline, state));
    });
}

const KEY: [(&str, Phase); 5] = [
    ("upload", Phase::Upload),
    ("submit", Phase::Submit),
    ("in flight", Phase::InFlight),
    ("lock wait", Phase::LockWait),
    ("copy", Phase::Copy),
];

/// Where times and slots stand on the screen.
#[derive(Clone, Copy)]
struct Layout {
    rect: Rect,
    from_ns: f64,
    ns_per_pixel: f64,
    row_height: f32,
}

impl Layout {
    fn x(&self, at_ns: u64) -> f32 {
        let x = self.rect.left() + ((at_ns as f64 - self.from_ns) / self.ns_per_pixel) as f32;
        x.clamp(self.rect.left(), self.rect.right())
    }

    fn top(&self, row: usize) -> f32 {
        self.rect.top() + PEAKS_HEIGHT + self.row_height * row as f32
    }

    fn at_ns(&self, x: f32) -> u64 {
        (self.from_ns + f64::from(x - self.rect.left()) * self.ns_per_pixel).max(0.0) as u64
    }

    fn row(&self, y: f32) -> Option<usize> {
        let rows = (y - self.rect.top() - PEAKS_HEIGHT) / self.row_height;
        (rows >= 0.0).then_some(rows as usize)
    }

    fn window(&self) -> Window {
        let until_ns = self.at_ns(self.rect.right());
        Window { from_ns: self.from_ns as u64, until_ns, finest_ns: (self.ns_per_pixel * CROWD_BELOW_PX) as u64 }
    }
}

fn canvas_ui(ui: &mut Ui, timeline: &Timeline, marks: &Marks, state: &mut TimelineState) {
    let num_rows = timeline.slots.len().max(1) as f32;
    let room = ui.available_height() - PEAKS_HEIGHT - AXIS_HEIGHT;
    let row_height = (room / num_rows).clamp(8.0, 120.0);
    let height = (PEAKS_HEIGHT + row_height * num_rows + AXIS_HEIGHT).max(ui.available_height());
    let size = vec2(ui.available_width(), height);
    let (response, painter) = ui.allocate_painter(size, Sense::click_and_drag());
    let mut rect = response.rect;
    rect.min.x += LABEL_WIDTH;
    let layout = |state: &TimelineState| {
        let (from_ns, until_ns) = state.bounds(timeline);
        Layout { rect, from_ns, ns_per_pixel: (until_ns - from_ns) / f64::from(rect.width().max(1.0)), row_height }
    };
    navigate(ui, &response, timeline, state, &layout(state));
    let layout = layout(state);
    let mut mesh = Mesh::default();
    let most_ns = peaks(ui, &mut mesh, timeline, &layout);
    rows(ui, &mut mesh, timeline, marks, &layout);
    painter.add(Shape::mesh(mesh));
    labels(ui, &painter, timeline, &layout, most_ns);
    outline(ui, &painter, timeline, state.frame, &layout);
    let name = format!(
        "Timeline of run {}: {} frames in {} slots, {} marked",
        timeline.order_index,
        timeline.frames.len(),
        timeline.slots.len(),
        marks.len()
    );
    pictures::offer(&response, name);
    if let Some(held) = response.hover_pos().and_then(|at| held_at(timeline, &layout, at)) {
        response.on_hover_text_at_pointer(format!("Frame {}, {}", held.frame, units::ns(held.until_ns - held.from_ns)));
    }
}

/// Wheel, drag, click, double click, and the same by keys.
fn navigate(ui: &Ui, response: &Response, timeline: &Timeline, state: &mut TimelineState, layout: &Layout) {
    let (from_ns, until_ns) = state.bounds(timeline);
    let length = until_ns - from_ns;
    let pan = |state: &mut TimelineState, by_ns: f64| state.show(timeline, from_ns + by_ns, until_ns + by_ns);
    if let Some(at) = response.hover_pos() {
        let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta(), input.zoom_delta()));
        let factor = f64::from((-scroll.y / 200.0).exp() / pinch);
        let share = f64::from((at.x - layout.rect.left()) / layout.rect.width().max(1.0));
        if factor != 1.0 {
            zoom(timeline, state, factor, share.clamp(0.0, 1.0));
        }
    }
    if response.dragged() {
        pan(state, -f64::from(response.drag_delta().x) * layout.ns_per_pixel);
    }
    if response.double_clicked() {
        state.shown_ns = None;
    } else if response.clicked() {
        response.request_focus();
        let held = response.interact_pointer_pos().and_then(|at| held_at(timeline, layout, at));
        state.frame = held.map(|held| held.frame);
    }
    if response.has_focus() {
        let pressed = |key| ui.input(|input| input.key_pressed(key));
        if pressed(Key::A) || pressed(Key::D) {
            pan(state, if pressed(Key::A) { -0.2 } else { 0.2 } * length);
        }
        for (key, factor) in [(Key::Plus, 0.5), (Key::Equals, 0.5), (Key::Minus, 2.0)] {
            if pressed(key) {
                zoom(timeline, state, factor, 0.5);
            }
        }
    }
}

/// Makes the stretch `factor` times as long; what lies at `share` of it stays in place.
fn zoom(timeline: &Timeline, state: &mut TimelineState, factor: f64, share: f64) {
    let (from_ns, until_ns) = state.bounds(timeline);
    let fixed_ns = from_ns + share * (until_ns - from_ns);
    let length = ((until_ns - from_ns) * factor).max(SHORTEST_WINDOW_NS);
    state.show(timeline, fixed_ns - share * length, fixed_ns + (1.0 - share) * length);
}

fn held_at(timeline: &Timeline, layout: &Layout, at: Pos2) -> Option<Held> {
    timeline.at(layout.row(at.y)?, layout.at_ns(at.x))
}

/// The lock wait over time, upwards from a line above the rows, every peak of it at any scale. The longest that is seen
/// reaches to the top; in nanoseconds.
fn peaks(ui: &Ui, mesh: &mut Mesh, timeline: &Timeline, layout: &Layout) -> u64 {
    let (frames, window) = (&timeline.frames, layout.window());
    // What was submitted before may be locked within: at most as many as there are slots.
    let first = frames.submit_at_ns.partition_point(|&at_ns| at_ns < window.from_ns);
    let first = first.saturating_sub(timeline.slots.len());
    let last = frames.submit_at_ns.partition_point(|&at_ns| at_ns <= window.until_ns);
    let seen = timeline.lock_peaks.extremes(&frames.lock_ns, first..last);
    let most_ns = seen.map_or(0, |seen| seen.max);
    let bottom = layout.rect.top() + PEAKS_HEIGHT - 6.0;
    let max_stretches = (layout.rect.width() as usize).clamp(1, 2000);
    for stretch in timeline.lock_peaks.stretches(&frames.lock_ns, first..last, max_stretches) {
        let Some(&at_ns) = frames.lock_at_ns.get(stretch.samples.start) else { continue };
        if !(window.from_ns..=window.until_ns).contains(&at_ns) {
            continue;
        }
        let height = (PEAKS_HEIGHT - 12.0) * stretch.extremes.max as f32 / most_ns.max(1) as f32;
        let x = layout.x(at_ns);
        let bar = Rect::from_min_max(pos2(x, bottom - height.max(1.0)), pos2(x + 1.5, bottom));
        mesh.add_colored_rect(bar, theme::phase(ui, Phase::LockWait));
    }
    most_ns
}

fn rows(ui: &Ui, mesh: &mut Mesh, timeline: &Timeline, marks: &Marks, layout: &Layout) {
    let (crowd, mark) = (theme::crowd(ui), theme::mark(ui));
    for (row, slot) in timeline.slots.iter().enumerate() {
        let (top, bottom) = (layout.top(row) + 1.0, layout.top(row) + layout.row_height - 1.0);
        let mut add = |from_ns, until_ns, top, bottom, colour: Color32| {
            let (left, right) = (layout.x(from_ns), layout.x(until_ns));
            mesh.add_colored_rect(Rect::from_min_max(pos2(left, top), pos2(right.max(left + 0.6), bottom)), colour);
        };
        for block in slot.blocks(layout.window(), marks) {
            let is_wide = layout.x(block.until_ns) - layout.x(block.from_ns) >= PHASES_FROM_PX;
            match block.content {
                Content::Frame(frame) if is_wide => {
                    for (phase, from_ns, until_ns) in timeline.phases(frame) {
                        let until_ns = until_ns.min(block.until_ns);
                        if from_ns < until_ns {
                            add(from_ns, until_ns, top, bottom, theme::phase(ui, phase));
                        }
                    }
                }
                Content::Frame(_) | Content::Several => add(block.from_ns, block.until_ns, top, bottom, crowd),
            }
            if block.is_marked {
                add(block.from_ns, block.until_ns, top, top + 3.0, mark);
            }
        }
    }
}

fn labels(ui: &Ui, painter: &Painter, timeline: &Timeline, layout: &Layout, most_ns: u64) {
    let (font, ink) = (TextStyle::Small.resolve(ui.style()), ui.visuals().text_color());
    let label = |y: f32, text: String| {
        painter.text(pos2(layout.rect.left() - 6.0, y), Align2::RIGHT_CENTER, text, font.clone(), ink);
    };
    label(layout.rect.top() + 8.0, units::ns(most_ns));
    label(layout.rect.top() + PEAKS_HEIGHT / 2.0, "lock wait".to_owned());
    // Rows lower than their text are labelled every few.
    let every = (12.0 / layout.row_height).ceil().max(1.0) as usize;
    for (row, slot) in timeline.slots.iter().enumerate().step_by(every) {
        label(layout.top(row) + layout.row_height / 2.0, format!("slot {}", slot.number));
    }
    let bottom = layout.top(timeline.slots.len());
    let line = [pos2(layout.rect.left(), bottom), pos2(layout.rect.right(), bottom)];
    painter.line_segment(line, (1.0, ui.visuals().weak_text_color()));
    let span_ns = (layout.from_ns, layout.from_ns + f64::from(layout.rect.width()) * layout.ns_per_pixel);
    for at_ns in linear_ticks(span_ns) {
        let x = layout.x(at_ns.max(0.0) as u64);
        let text = if at_ns == 0.0 { "0".to_owned() } else { tick_label(at_ns.log10()) };
        painter.line_segment([pos2(x, bottom), pos2(x, bottom + 3.0)], (1.0, ui.visuals().weak_text_color()));
        painter.text(pos2(x, bottom + 4.0), Align2::CENTER_TOP, text, font.clone(), ink);
    }
}

fn outline(ui: &Ui, painter: &Painter, timeline: &Timeline, frame: Option<usize>, layout: &Layout) {
    let Some((row, held)) = frame.and_then(|frame| timeline.find(frame)) else { return };
    let window = layout.window();
    if held.until_ns >= window.from_ns && held.from_ns <= window.until_ns {
        let corner = pos2(layout.x(held.from_ns), layout.top(row));
        let rect = Rect::from_min_max(corner, pos2(layout.x(held.until_ns).max(corner.x + 2.0), layout.top(row + 1)));
        painter.rect_stroke(rect, 0.0, (2.0, ui.visuals().strong_text_color()), eframe::egui::StrokeKind::Outside);
    }
}

/// The chosen frame's numbers, and the slowest frames to choose from.
fn side_ui(ui: &mut Ui, timeline: &Timeline, state: &mut TimelineState) {
    match state.frame {
        Some(frame) => frame_ui(ui, timeline, frame),
        None => {
            ui.weak("Click a frame for its numbers");
        }
    }
    ui.separator();
    ui.strong("Slowest frames");
    ui.horizontal(|ui| {
        for time in FrameTime::ALL {
            ui.selectable_value(&mut state.worst_by, time, time.title()).on_hover_text(time.definition());
        }
    });
    let mut chosen = None;
    ScrollArea::vertical().id_salt("slowest").auto_shrink([false, true]).show(ui, |ui| {
        for &frame in timeline.worst(state.worst_by) {
            let time_ns = state.worst_by.column(&timeline.frames).get(frame).copied().unwrap_or(0);
            let text = format!("Frame {frame}  {}", units::ns(time_ns));
            if ui.selectable_label(state.frame == Some(frame), text).clicked() {
                chosen = Some(frame);
            }
        }
    });
    if let Some(frame) = chosen {
        state.go_to(timeline, frame);
    }
}

fn frame_ui(ui: &mut Ui, timeline: &Timeline, frame: usize) {
    let frames = &timeline.frames;
    let get = |column: &[u64]| column.get(frame).map_or_else(|| units::NO_VALUE.to_owned(), |&ns| units::ns(ns));
    let kind = frames.kinds.chars().nth(frame).unwrap_or('?');
    ui.strong(format!("Frame {frame} ({kind})"));
    let rows = [
        ("Submitted at", get(&frames.submit_at_ns)),
        ("Blocked", get(&frames.blocked_ns)),
        ("Upload", get(&frames.upload_ns)),
        ("Submit", get(&frames.submit_ns)),
        ("Lock wait", get(&frames.lock_ns)),
        ("Copy", get(&frames.copy_ns)),
        ("Unlock", get(&frames.unlock_ns)),
        ("Latency", get(&frames.latency_ns)),
        ("In flight", frames.depth.get(frame).map_or_else(String::new, u32::to_string)),
        ("Size", frames.bytes.get(frame).map_or_else(String::new, |&bytes| units::bytes(f64::from(bytes)))),
    ];
    Grid::new("frame numbers").spacing([14.0, 2.0]).show(ui, |ui| {
        for (title, value) in rows {
            ui.label(title);
            ui.label(value);
            ui.end_row();
        }
    });
}
