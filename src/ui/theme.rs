//! Colours and sizes, once. The palette is the report's, so a case looks the same in the window and on paper.

use eframe::egui::{self, Color32, Context, FontId, Sense, TextStyle, Ui};

use crate::contract::LockPlacement;
use crate::report::svg;
use crate::stats::verdict::criteria::Verdict;
use crate::stats::verdict::effects::Answer;
use crate::ui::plots::slots::Phase;

/// Width of the set-up panel.
pub const SETUP_WIDTH: f32 = 300.0;
/// Usual height of a plot.
pub const PLOT_HEIGHT: f32 = 180.0;
/// Least height of a plot that can still be read.
pub const MIN_PLOT_HEIGHT: f32 = 70.0;
/// Width of a plotted line.
pub const LINE_WIDTH: f32 = 1.5;
/// Height of a table's row.
pub const ROW_HEIGHT: f32 = 20.0;
/// Between parts that belong apart.
pub const GAP: f32 = 10.0;

/// Sizes and spacing for the whole window. Once, at the start.
pub fn apply(ctx: &Context) {
    ctx.all_styles_mut(|style| {
        style.spacing.item_spacing = egui::vec2(8.0, 6.0);
        style.spacing.button_padding = egui::vec2(8.0, 3.0);
        style.text_styles.insert(TextStyle::Heading, FontId::proportional(16.0));
        // egui's own grey for plain text is hard to read on its dark ground.
        let ink = if style.visuals.dark_mode { Color32::from_gray(205) } else { Color32::from_gray(45) };
        style.visuals.widgets.noninteractive.fg_stroke.color = ink;
        style.text_styles.insert(TextStyle::Small, FontId::proportional(11.0));
    });
}

/// Colour of the `idx`-th case, line or part; colour-blind-safe, and repeated after seven.
pub fn series(idx: usize) -> Color32 {
    colour(svg::SERIES[idx % svg::SERIES.len()])
}

/// What needs attention.
pub fn alert(ui: &Ui) -> Color32 {
    if ui.visuals().dark_mode { Color32::from_rgb(0xff, 0x8a, 0x5c) } else { colour(svg::ALERT) }
}

/// What is virtual, so that nobody takes it for a GPU.
pub fn virtual_device(ui: &Ui) -> Color32 {
    if ui.visuals().dark_mode { Color32::from_rgb(0xe0, 0xb0, 0x4a) } else { Color32::from_rgb(0x8a, 0x5a, 0x00) }
}

/// A verdict's colour; the word always stands beside it.
pub fn verdict(ui: &Ui, verdict: Verdict) -> Color32 {
    match verdict {
        Verdict::Pass if ui.visuals().dark_mode => Color32::from_rgb(0x4f, 0xc3, 0x9b),
        Verdict::Pass => Color32::from_rgb(0x00, 0x75, 0x55),
        Verdict::Fail => alert(ui),
        Verdict::Inconclusive | Verdict::NotComparable => ui.visuals().weak_text_color(),
    }
}

/// An answer's colour; the word always stands beside it.
pub fn answer(ui: &Ui, answer: Answer) -> Color32 {
    verdict(
        ui,
        match answer {
            Answer::Improved => Verdict::Pass,
            Answer::Worse => Verdict::Fail,
            Answer::Equivalent | Answer::Inconclusive => Verdict::Inconclusive,
        },
    )
}

/// A square of a colour, before the name of what is drawn in it.
pub fn swatch_ui(ui: &mut Ui, colour: Color32) {
    let (place, _) = ui.allocate_exact_size(egui::Vec2::splat(10.0), Sense::hover());
    ui.painter().rect_filled(place, 2.0, colour);
}

/// The report writes colours as #rrggbb; what is not one would be grey.
fn colour(hex: &str) -> Color32 {
    Color32::from_hex(hex).unwrap_or(Color32::GRAY)
}

/// Where colour means who locks, as in the report.
pub fn lock_placement(lock: LockPlacement) -> Color32 {
    series(match lock {
        LockPlacement::Inline => 1,
        LockPlacement::Thread => 0,
        LockPlacement::Poll => 2,
    })
}

/// What was done with a picture.
pub fn phase(phase: Phase) -> Color32 {
    match phase {
        Phase::LockWait => series(0),
        Phase::InFlight => series(5).gamma_multiply(0.45),
        Phase::Submit => series(1),
        Phase::Upload => series(2),
        Phase::Copy => series(3),
    }
}

/// Several pictures that are too narrow to be told apart.
pub fn crowd(ui: &Ui) -> Color32 {
    series(5).gamma_multiply(if ui.visuals().dark_mode { 0.55 } else { 0.6 })
}

/// A frame that a person has marked, on any of the colours above.
pub fn mark(ui: &Ui) -> Color32 {
    if ui.visuals().dark_mode { Color32::from_rgb(0xff, 0xd8, 0x4a) } else { Color32::from_rgb(0x1a, 0x1a, 0x1a) }
}

/// The `idx`-th of `count` steps of one quantity: the further up, the stronger.
pub fn shade(idx: usize, count: usize) -> Color32 {
    let share = idx as f32 / count.saturating_sub(1).max(1) as f32;
    series(1).gamma_multiply(0.4 + 0.6 * share)
}
