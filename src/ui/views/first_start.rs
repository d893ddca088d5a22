//! What a person sees before there is a session: the question in two sentences, drawn once, and ways to begin: on the
//! model, on a clip, beside FFmpeg.

use eframe::egui::{Align2, Button, Color32, Rect, Sense, TextStyle, Ui, pos2, vec2};

use crate::ui::commands::{Command, Purpose, View};
use crate::ui::theme;
use crate::ui::views::sessions::library::Found;
use crate::ui::views::setup::model::Setup;
use crate::ui::views::setup::ready_plans::ReadyPlan;
use crate::ui::widgets::{primary_button, sub_ui};

const WIDTH: f32 = 640.0;
const LANE_HEIGHT: f32 = 22.0;
/// Of the sketch: an engine takes 1 for a frame, the application 0.45 before it.
const WORK: f32 = 0.45;
const ENGINE: f32 = 1.0;
const NUM_FRAMES: usize = 6;
const MAX_RECENT: usize = 5;

/// One frame of the sketch: when the application worked for it, when the engine did.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Frame {
    work_from: f32,
    engine_from: f32,
}

/// A pipeline that keeps up to `threshold` frames in flight and then waits for the oldest.
fn frames(threshold: usize) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for idx in 0..NUM_FRAMES {
        let done = |frame: &Frame| frame.engine_from + ENGINE;
        let is_free = idx.checked_sub(1).map_or(0.0, |last| frames[last].work_from + WORK);
        let has_room = idx.checked_sub(threshold).map_or(0.0, |oldest| done(&frames[oldest]));
        let work_from = is_free.max(has_room);
        let engine_is_free = frames.last().map_or(0.0, done);
        frames.push(Frame { work_from, engine_from: (work_from + WORK).max(engine_is_free) });
    }
    frames
}

/// The whole view.
pub(in crate::ui) fn first_start_ui(
    ui: &mut Ui,
    found: Option<&[Found]>,
    setup: &Setup,
    can_run: bool,
    queue: &mut Vec<Command>,
) {
    ui.add_space(theme::GAP);
    ui.vertical(|ui| {
        ui.set_max_width(WIDTH);
        ui.label(theme::number("Where does your encoder wait?"));
        ui.label(
            "NVENC encodes on the GPU while your application goes on, but taking a frame back (nvEncLockBitstream) waits until \
             that frame is done. The reap threshold T is how many frames you keep in flight before you take back the oldest: \
             with T=1 the engine is idle while your application works, with more it is not.",
        );
        ui.add_space(theme::GRID);
        sketch_ui(ui);
        ui.add_space(theme::GAP);
        ui.horizontal(|ui| {
            let model = primary_button(ui, can_run, "Try it on the built-in model", 220.0);
            if model.on_hover_text("Runs the plan 'Which threshold?'; needs no GPU and no file").clicked() {
                queue.push(Command::TryModel);
            }
            let mut quiet = |ui: &mut Ui, title: &str, hint: &str, command: Command| {
                let button = Button::new(title).min_size(vec2(112.0, 32.0));
                if ui.add(button).on_hover_text(hint).clicked() {
                    queue.push(command);
                }
            };
            quiet(ui, "Use my clip…", "Any file that ffmpeg decodes, or Y4M", Command::Pick(Purpose::Input));
            quiet(ui, "Use the sample clip", "Ten seconds of H.264, 640x360", Command::UseSample);
        });
        ffmpeg_ui(ui, setup, queue);
        recent_ui(ui, found.unwrap_or_default(), queue);
    });
}

/// Is it worth switching? Quieter than the buttons, and says what is missing where it cannot be answered.
fn ffmpeg_ui(ui: &mut Ui, setup: &Setup, queue: &mut Vec<Command>) {
    ui.horizontal_wrapped(|ui| {
        ui.weak("Is it worth switching from FFmpeg?");
        match &setup.ffmpeg {
            Some(Err(why)) => drop(sub_ui(ui, format!("Cannot be measured here: {why}"))),
            _ if setup.has_ffmpeg() => {
                drop(sub_ui(ui, "FFmpeg is in the plan, under 'What to try'. Run measures both."))
            }
            _ => {
                if ui.link("Compare with FFmpeg…").on_hover_text(ReadyPlan::WithFfmpeg.about()).clicked() {
                    queue.push(Command::CompareWithFfmpeg);
                }
            }
        }
    });
}

fn recent_ui(ui: &mut Ui, found: &[Found], queue: &mut Vec<Command>) {
    if found.is_empty() {
        return;
    }
    ui.add_space(theme::GAP);
    ui.heading("Recent sessions");
    for found in found.iter().take(MAX_RECENT) {
        if ui.link(found.name()).on_hover_text(found.dir.display().to_string()).clicked() {
            queue.push(Command::OpenSession(found.dir.clone()));
        }
    }
    if found.len() > MAX_RECENT && ui.link("All sessions").clicked() {
        queue.push(Command::Show(View::Sessions));
    }
}

/// T=1 above, T=4 below, on one scale of time.
fn sketch_ui(ui: &mut Ui) {
    let all = [(1, frames(1)), (4, frames(4))];
    let end = all.iter().flat_map(|(_, frames)| frames).map(|frame| frame.engine_from + ENGINE).fold(0.0, f32::max);
    let (response, painter) = ui.allocate_painter(vec2(WIDTH, 5.2 * LANE_HEIGHT), Sense::hover());
    response.widget_info(|| {
        let what = "Six frames with one and with four in flight: with four the engine is never idle";
        eframe::egui::WidgetInfo::labeled(eframe::egui::Role::Image, true, what)
    });
    let area = response.rect;
    let ink = theme::ink(ui);
    let small = TextStyle::Small.resolve(ui.style());
    let left = area.left() + 168.0;
    let x = |time: f32| left + time / end * (area.right() - left);
    for (block, (threshold, frames)) in all.iter().enumerate() {
        let top = area.top() + block as f32 * 2.7 * LANE_HEIGHT;
        let lane = |idx: f32| top + idx * LANE_HEIGHT;
        let label = |text: &str, y: f32, colour: Color32| {
            painter.text(
                pos2(left - 8.0, y + LANE_HEIGHT / 2.0 - 1.0),
                Align2::RIGHT_CENTER,
                text,
                small.clone(),
                colour,
            );
        };
        painter.text(
            pos2(area.left(), lane(1.0)),
            Align2::LEFT_CENTER,
            format!("T={threshold}"),
            TextStyle::Heading.resolve(ui.style()),
            ink.text,
        );
        label("your thread", lane(0.0), ink.dim);
        label("engine", lane(1.0), ink.dim);
        let put = |from: f32, to: f32, y: f32, colour: Color32, text: String, on: Color32| {
            let rect = Rect::from_min_max(pos2(x(from), y), pos2(x(to) - 1.0, y + LANE_HEIGHT - 3.0));
            painter.rect_filled(rect, 2.0, colour);
            painter.text(rect.center(), Align2::CENTER_CENTER, text, small.clone(), on);
        };
        for (idx, frame) in frames.iter().enumerate() {
            let name = (idx + 1).to_string();
            let free = idx.checked_sub(1).map_or(0.0, |last| frames[last].work_from + WORK);
            if frame.work_from - free > 0.02 {
                let wide = frame.work_from - free > 0.7;
                let text = if wide { "waits" } else { "" };
                put(free, frame.work_from, lane(0.0), ink.warn_ground, text.to_owned(), ink.warn);
            }
            put(frame.work_from, frame.work_from + WORK, lane(0.0), ink.accent_ground, name.clone(), ink.text);
            put(frame.engine_from, frame.engine_from + ENGINE, lane(1.0), ink.good_ground, name, ink.good);
        }
        let last = frames.last().map_or(0.0, |frame| frame.engine_from + ENGINE);
        let free = frames.last().map_or(0.0, |frame| frame.work_from + WORK);
        put(free, last, lane(0.0), ink.warn_ground, String::new(), ink.warn);
    }
    sub_ui(ui, "Six frames. Blue: your application's work. Yellow: waiting for a frame. Green: the engine encodes.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_four_in_flight_the_engine_is_never_idle() {
        let (serial, deep) = (frames(1), frames(4));
        let is_idle = |frames: &[Frame]| frames.windows(2).any(|two| two[1].engine_from > two[0].engine_from + ENGINE);
        assert!(is_idle(&serial) && !is_idle(&deep), "{serial:?} {deep:?}");
        let end = |frames: &[Frame]| frames[NUM_FRAMES - 1].engine_from + ENGINE;
        assert!((end(&serial) - 6.0 * (WORK + ENGINE)).abs() < 1e-5);
        assert!((end(&deep) - (WORK + 6.0 * ENGINE)).abs() < 1e-5);
    }
}
