//! The set-up panel: the plan's name, four cards in the order of a person's thoughts, and below them what they come to
//! and the Run button.
//!
//! Draws [`Setup`]; the plan and its problems are made there.

use std::time::Duration;

use eframe::egui::{Align, Frame, Layout, Margin, Panel, ScrollArea, Ui};

use crate::measure::estimate::{Clip, Estimate};
use crate::ui::commands::Command;
use crate::ui::theme;
use crate::ui::views::setup::cards::source_ui;
use crate::ui::views::setup::engine::engine_ui;
use crate::ui::views::setup::model::{Problem, Setup};
use crate::ui::views::setup::plans::plans_ui;
use crate::ui::views::setup::preview::PreviewModel;
use crate::ui::views::setup::thorough::thorough_ui;
use crate::ui::views::setup::to_try::to_try_ui;
use crate::ui::widgets::{card_ui, primary_button, sub_ui};
use crate::units;

const RUN_WIDTH: f32 = 96.0;

/// The whole panel. The form is disabled while a sweep runs.
pub fn setup_ui(
    ui: &mut Ui,
    setup: &mut Setup,
    preview: &mut PreviewModel,
    is_running: bool,
    queue: &mut Vec<Command>,
) {
    let problems = setup.problems();
    // In sight however long the form is.
    let footer = Frame::new().fill(theme::ink(ui).panel).inner_margin(Margin::symmetric(8, 8));
    Panel::bottom("sum").frame(footer).show(ui, |ui| {
        ui.horizontal(|ui| {
            sum_ui(ui, setup, preview.clip(&setup.plan.input));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let run = primary_button(ui, problems.is_empty() && !is_running, "Run", RUN_WIDTH);
                let run = run.on_hover_text("Run the sweep (Ctrl+R)");
                let run = run.on_disabled_hover_text(why_not(&problems, is_running));
                if run.accessible_name("Run the sweep").clicked() {
                    queue.push(Command::Run);
                }
            });
        });
    });
    let style = ui.style_mut();
    style.spacing.scroll.floating = true;
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.add_space(theme::GRID);
        ui.add_enabled_ui(!is_running, |ui| {
            Frame::new().inner_margin(Margin::symmetric(12, 0)).show(ui, |ui| plans_ui(ui, setup, queue));
            card_ui(ui, "Source", |ui| source_ui(ui, setup, preview, &problems, queue));
            card_ui(ui, "Engine", |ui| engine_ui(ui, setup, &problems, queue));
            let shows_to_try = std::mem::take(&mut setup.shows_to_try);
            card_ui(ui, "What to try", |ui| {
                to_try_ui(ui, setup, &problems);
                if shows_to_try {
                    ui.scroll_to_rect(ui.min_rect(), Some(Align::Center));
                }
            });
            card_ui(ui, "How thorough", |ui| thorough_ui(ui, setup, &problems, queue));
        });
        ui.add_space(theme::GRID);
    });
}

fn why_not(problems: &[Problem], is_running: bool) -> String {
    match problems.first() {
        _ if is_running => "A sweep is running".to_owned(),
        Some(problem) => problem.message.clone(),
        None => String::new(),
    }
}

/// Runs, time and memory.
fn sum_ui(ui: &mut Ui, setup: &Setup, clip: Option<Clip>) {
    let plan = setup.plan();
    let sum = clip.map_or_else(|| Estimate::of(&plan), |clip| Estimate::with_clip(&plan, Some(clip)));
    let runs = range(&units::count(sum.num_runs as f64), &units::count(sum.num_runs_usually() as f64));
    let duration = match sum.duration.zip(sum.usually) {
        Some((least, most)) => time_range(least, most),
        None => "time unknown".to_owned(),
    };
    let most_bytes = f64::from(plan.preload_mib) * 1024.0 * 1024.0;
    let memory = match sum.memory_bytes() {
        Some(all_bytes) => units::bytes(all_bytes as f64),
        None => format!("up to {}", units::bytes(most_bytes)),
    };
    ui.vertical(|ui| {
        ui.set_max_width(ui.available_width() - RUN_WIDTH - theme::GRID);
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.label(format!("{runs} runs of {} frames", units::count(sum.num_frames as f64)));
        sub_ui(ui, format!("{duration} · {memory}")).on_hover_text(
            "Estimated from the device's model and what computers usually need around a run; unknown for a GPU until its \
             first run has ended. The memory is that for frames and measurements",
        );
    });
}

/// "96–246", or one number where both are equal.
fn range(least: &str, most: &str) -> String {
    if least == most { least.to_owned() } else { format!("{least}–{most}") }
}

/// "20 s–2 min", "3–15 min": each end in the largest unit that it fills, rounded away from the other.
fn time_range(least: Duration, most: Duration) -> String {
    let rounded = |time: Duration, round: fn(f64) -> f64| {
        let seconds = round(time.as_secs_f64());
        let (minutes, hours) = (round(seconds / 60.0), round(seconds / 3600.0));
        match seconds {
            ..60.0 => (seconds, "s"),
            ..3600.0 => (minutes, "min"),
            _ => (hours, "h"),
        }
    };
    let ((least, unit_of_least), (most, unit)) = (rounded(least, f64::floor), rounded(most, f64::ceil));
    match unit_of_least == unit {
        true => format!("{} {unit}", range(&units::count(least), &units::count(most))),
        false => format!("{} {unit_of_least}–{} {unit}", units::count(least), units::count(most)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_times_is_short_and_leaves_nothing_out() {
        for (least_s, most_s, text) in [
            (4.2, 18.3, "4–19 s"),
            (20.9, 110.0, "20 s–2 min"),
            (59.9, 59.9, "59 s–1 min"),
            (144.0, 860.0, "2–15 min"),
            (3000.0, 3700.0, "50 min–2 h"),
            (4000.0, 9000.0, "1–3 h"),
            (7200.0, 7200.0, "2 h"),
        ] {
            assert_eq!(time_range(Duration::from_secs_f64(least_s), Duration::from_secs_f64(most_s)), text);
        }
    }
}
