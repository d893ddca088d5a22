//! The timeline view: one run as it happened, lane by lane, with an overview below and numbers beside it.
//!
//! Arranges the parts for the room there is; `model` has what it shows, the other files draw and steer.

mod axis;
mod boxes;
mod canvas;
mod explain;
mod headline;
pub mod lanes;
mod minimap;
pub mod model;
mod navigation;
pub mod pyramid;
pub mod scale;
mod side;
mod state;
#[cfg(test)]
mod tests;

use eframe::egui::{Button, ScrollArea, Sense, Ui};

use crate::figures::Key;
use crate::figures::colour::Colour;
use crate::ui::theme;
use crate::ui::views::timeline::lanes::Lane;
use crate::ui::views::timeline::lanes::rows::Sums;
use crate::ui::views::timeline::lanes::times::Part;
use crate::ui::views::timeline::model::{Marks, Timeline};
use crate::ui::widgets::{figure_ui, key_ui};
use crate::ui::words::said;
use navigation::ZOOM_STEP;
use state::Direction;
pub use state::TimelineState;

/// In a narrower view the side panel is below the canvas.
const SIDE_FROM_WIDTH: f32 = 860.0;
/// So much of what lies below the canvas stays in sight.
const PEEK: f32 = 48.0;

/// Draws a run; `marks` are its marked frames.
pub fn ui(ui: &mut Ui, timeline: &Timeline, marks: &Marks, state: &mut TimelineState) {
    state.open(timeline);
    ui.label(theme::semibold(said(ui, &headline::headline(timeline, state))));
    toolbar_ui(ui, timeline, state);
    let all =
        |sums: Sums, lane: &Lane| sums.and(lane.row.sums(0..lane.row.turns().len(), &timeline.times_of(lane.stage)));
    let present = timeline.lanes.iter().fold(Sums::default(), all);
    let entry = |(part, _): (Part, u64)| Key {
        definition: said(ui, part.definition()).into(),
        ..Key::area(said(ui, part.title()), Colour::Part(boxes::meaning(part)))
    };
    key_ui(ui, &present.parts().map(entry).collect::<Vec<_>>());
    if ui.available_width() < SIDE_FROM_WIDTH {
        narrow_ui(ui, timeline, marks, state);
    } else {
        wide_ui(ui, timeline, marks, state);
    }
}

fn toolbar_ui(ui: &mut Ui, timeline: &Timeline, state: &mut TimelineState) {
    const NEXT: &str = "the 1 % of frames that waited longest in the lock, above the dashed line";
    ui.horizontal_wrapped(|ui| {
        if ui.button("Fit").on_hover_text("Shows the whole run. Or double-click the timeline").clicked() {
            state.fit();
        }
        for (title, factor, keys) in [("Zoom in", ZOOM_STEP, "W or +"), ("Zoom out", 1.0 / ZOOM_STEP, "S or −")] {
            let help = format!("{keys}, or the wheel. A and D, or a drag, move the run");
            if ui.button(title).on_hover_text(help).clicked() {
                state.zoom(timeline, factor, 0.5);
            }
        }
        let stalls = [("Previous stall", Direction::Back, "P"), ("Next stall", Direction::Forward, "N")];
        for (title, direction, key) in stalls {
            let button = ui.add_enabled(!timeline.stalls.is_empty(), Button::new(title));
            let help = said(ui, &format!("{key}: goes through {NEXT}"));
            if button.on_hover_text(help).on_disabled_hover_text("No frame waited longer than the others").clicked() {
                state.go_to_stall(timeline, direction);
            }
        }
        ui.toggle_value(&mut state.selects_range, "Select range")
            .on_hover_text("A drag marks a range and adds up its times. Or hold Shift and drag");
    });
}

/// The side panel beside the canvas.
fn wide_ui(ui: &mut Ui, timeline: &Timeline, marks: &Marks, state: &mut TimelineState) {
    let width = ui.available_width() - side::RANGE_WIDTH - theme::GAP;
    let height = ui.available_height();
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = theme::GAP;
        ui.vertical(|ui| {
            ui.set_width(width);
            let room = height - minimap::HEIGHT - theme::GRID - clock_room(timeline);
            let lanes = ScrollArea::vertical().id_salt("lanes").max_height(room);
            lanes.auto_shrink([false, true]).show(ui, |ui| canvas::canvas_ui(ui, timeline, marks, state, room));
            minimap::minimap_ui(ui, timeline, state);
            clock_ui(ui, timeline);
        });
        ui.vertical(|ui| {
            let side = ScrollArea::vertical().id_salt("side").auto_shrink(false);
            side.show(ui, |ui| side::side_ui(ui, timeline, state));
        });
    });
}

/// The GPU's clock over the whole run.
fn clock_ui(ui: &mut Ui, timeline: &Timeline) {
    if let Some(figure) = &timeline.clock {
        figure_ui(ui, figure, Sense::hover());
    }
}

/// With its title and axes.
fn clock_room(timeline: &Timeline) -> f32 {
    if timeline.clock.is_some() { 150.0 } else { 0.0 }
}

/// The side panel below the canvas; all of it scrolls together.
fn narrow_ui(ui: &mut Ui, timeline: &Timeline, marks: &Marks, state: &mut TimelineState) {
    let room = ui.available_height() - minimap::HEIGHT - PEEK;
    ScrollArea::vertical().id_salt("timeline").auto_shrink(false).show(ui, |ui| {
        // Beside the scroll bar, not below it.
        ui.set_max_width(ui.available_width() - theme::GRID);
        canvas::canvas_ui(ui, timeline, marks, state, room);
        minimap::minimap_ui(ui, timeline, state);
        clock_ui(ui, timeline);
        ui.separator();
        side::wide_side_ui(ui, timeline, state);
    });
}
