//! The set-up panel: four cards in the order of a person's thoughts, and below them what they come to and the Run button.
//!
//! Draws [`Setup`]; the plan and its problems are made there.

use eframe::egui::{Align, Frame, Layout, Margin, Panel, ScrollArea, Ui};

use super::commands::Command;
use super::preview::PreviewModel;
use super::setup::{Problem, Setup};
use super::setup_cards::{encoder_ui, source_ui, thorough_ui, to_try_ui};
use super::theme;
use super::widgets::{card_ui, primary_button, sub_ui};
use crate::bench::estimate::Estimate;
use crate::units;

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
            sum_ui(ui, setup);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let run = primary_button(ui, problems.is_empty() && !is_running, "Run", 96.0);
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
        ui.add_space(theme::GRID / 2.0);
        ui.add_enabled_ui(!is_running, |ui| {
            card_ui(ui, "Source", |ui| source_ui(ui, setup, preview, &problems, queue));
            card_ui(ui, "Encoder", |ui| encoder_ui(ui, setup, &problems));
            card_ui(ui, "What to try", |ui| to_try_ui(ui, setup, &problems));
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
fn sum_ui(ui: &mut Ui, setup: &Setup) {
    let plan = setup.plan();
    let sum = Estimate::of(&plan);
    let runs = range(&units::count(sum.num_runs as f64), &units::count(sum.num_runs_usually() as f64));
    let duration = match sum.duration.zip(sum.usually) {
        Some((least, most)) => range(&units::duration(least), &units::duration(most)),
        None => "time known after the first run".to_owned(),
    };
    let memory = sum
        .frame_bytes
        .map_or_else(|| format!("up to {} MiB", plan.preload_mib), |frame_bytes| units::bytes(frame_bytes as f64));
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.label(format!("{runs} runs of {} frames", units::count(plan.frames as f64)));
        sub_ui(ui, format!("{duration} · {memory}")).on_hover_text(
            "Estimated from the device's model and what computers usually need around a run; the memory is that for frames",
        );
    });
}

/// "96–246", or one number where both are equal.
fn range(least: &str, most: &str) -> String {
    if least == most { least.to_owned() } else { format!("{least}–{most}") }
}
