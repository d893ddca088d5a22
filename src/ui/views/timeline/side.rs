//! Beside the canvas, or below it: where the time of the marked range went, the chosen frame's numbers, the slowest frames.

use eframe::egui::{Grid, RichText, Ui};

use crate::ui::theme;
use crate::ui::views::distributions::selection::FrameTime;
use crate::ui::views::timeline::boxes::colour;
use crate::ui::views::timeline::lanes::title;
use crate::ui::views::timeline::lanes::totals::{LaneTotals, Totals};
use crate::ui::views::timeline::model::Timeline;
use crate::ui::views::timeline::state::TimelineState;
use crate::ui::words::said;
use crate::units;

/// Wide enough for the totals of a range.
pub const RANGE_WIDTH: f32 = 250.0;
const FRAME_WIDTH: f32 = 176.0;
const SLOWEST_WIDTH: f32 = 176.0;

type Part = fn(&mut Ui, &Timeline, &mut TimelineState);

/// The three parts below each other.
pub fn side_ui(ui: &mut Ui, timeline: &Timeline, state: &mut TimelineState) {
    range_ui(ui, timeline, state);
    ui.separator();
    frame_ui(ui, timeline, state);
    ui.separator();
    slowest_ui(ui, timeline, state);
}

/// The three parts beside each other.
pub fn wide_side_ui(ui: &mut Ui, timeline: &Timeline, state: &mut TimelineState) {
    let parts = [(RANGE_WIDTH, range_ui as Part), (FRAME_WIDTH, frame_ui), (SLOWEST_WIDTH, slowest_ui)];
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = theme::GAP;
        for (width, part_ui) in parts {
            ui.vertical(|ui| {
                ui.set_width(width);
                part_ui(ui, timeline, state);
            });
        }
    });
}

fn range_ui(ui: &mut Ui, timeline: &Timeline, state: &mut TimelineState) {
    let Some(range) = state.range(timeline) else {
        ui.weak("Shift and drag marks a range and adds up its times");
        return;
    };
    let totals = timeline.totals(range);
    ui.horizontal(|ui| {
        ui.label(theme::semibold("Selected range"));
        if ui.small_button("Clear").on_hover_text("Or press Escape, or click the timeline").clicked() {
            state.range_ns = None;
        }
    });
    totals_ui(ui, &totals);
}

fn totals_ui(ui: &mut Ui, totals: &Totals) {
    Grid::new("range").num_columns(3).spacing([12.0, 2.0]).show(ui, |ui| {
        for (title, value) in
            [("Length", units::ns(totals.length_ns)), ("Frames submitted", units::count(totals.num_submitted as f64))]
        {
            ui.label(title);
            ui.label(value);
            ui.end_row();
        }
        for lane in &totals.lanes {
            lane_ui(ui, totals.length_ns, lane);
        }
    });
}

/// The time of each part of a lane, and what is left.
fn lane_ui(ui: &mut Ui, length_ns: u64, lane: &LaneTotals) {
    let share = |time_ns: u64| format!("{:.0} %", 100.0 * time_ns as f64 / length_ns.max(1) as f64);
    let say = |ui: &Ui, text: &str| lane.stage.say(text).unwrap_or_else(|| said(ui, text));
    ui.label(theme::semibold(title(lane.stage, lane.kind))).on_hover_text(say(ui, lane.kind.definition()));
    ui.end_row();
    for (part, time_ns) in lane.sums.parts() {
        ui.horizontal(|ui| {
            theme::swatch_ui(ui, colour(part, theme::ground(ui)));
            ui.label(say(ui, part.title())).on_hover_text(say(ui, part.definition()));
        });
        ui.label(units::ns(time_ns));
        ui.label(share(time_ns));
        ui.end_row();
    }
    ui.weak(lane.kind.rest(lane.stage));
    ui.weak(units::ns(lane.rest_ns));
    ui.weak(share(lane.rest_ns));
    ui.end_row();
}

fn frame_ui(ui: &mut Ui, timeline: &Timeline, state: &mut TimelineState) {
    let Some(frame) = state.frame else {
        ui.weak("Click a frame for its numbers");
        return;
    };
    let frames = &timeline.frames;
    let get = |column: &[u64]| column.get(frame).map_or_else(|| units::NO_VALUE.to_owned(), |&ns| units::ns(ns));
    let of_packet = |column| if frames.came_back(frame) { get(column) } else { units::NO_VALUE.to_owned() };
    // One letter, and so one byte, per frame.
    let kind = frames.kinds.get(frame..=frame).unwrap_or("?");
    ui.label(theme::semibold(format!("Frame {frame} ({kind})")));
    let rows = [
        ("Submitted at", get(&frames.submit_at_ns)),
        ("Wait for room", get(&frames.blocked_ns)),
        ("Input lock", get(&frames.input_lock_ns)),
        ("Upload", get(&frames.upload_ns)),
        ("Input unlock", get(&frames.input_unlock_ns)),
        ("Submit", get(&frames.submit_ns)),
        ("Lock wait", of_packet(&frames.lock_ns)),
        ("Copy", of_packet(&frames.copy_ns)),
        ("Unlock", of_packet(&frames.unlock_ns)),
        ("Latency", of_packet(&frames.latency_ns)),
        ("In flight", frames.depth.get(frame).map_or_else(String::new, u32::to_string)),
        ("Size", frames.bytes.get(frame).map_or_else(String::new, |&bytes| units::bytes(f64::from(bytes)))),
    ];
    Grid::new("frame numbers").spacing([14.0, 2.0]).show(ui, |ui| {
        for (title, value) in rows {
            ui.label(said(ui, title));
            ui.label(value);
            ui.end_row();
        }
    });
}

/// The list from which a frame is chosen and gone to.
fn slowest_ui(ui: &mut Ui, timeline: &Timeline, state: &mut TimelineState) {
    ui.label(theme::semibold("Slowest frames"));
    ui.horizontal(|ui| {
        for time in FrameTime::ALL {
            let (title, hint) = (said(ui, time.title()), said(ui, time.definition()));
            ui.selectable_value(&mut state.worst_by, time, title).on_hover_text(hint);
        }
    });
    let mut chosen = None;
    for &frame in timeline.worst(state.worst_by) {
        let time_ns = state.worst_by.column(&timeline.frames).get(frame).copied().unwrap_or(0);
        let text = RichText::new(format!("Frame {frame}  {}", units::ns(time_ns)));
        if ui.selectable_label(state.frame == Some(frame), text).clicked() {
            chosen = Some(frame);
        }
    }
    if let Some(frame) = chosen {
        state.go_to(timeline, frame);
    }
}
