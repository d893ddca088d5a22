//! The plan as a whole, above its cards: plans for the usual questions, and the form as a file.

use eframe::egui::{Button, ComboBox, PopupCloseBehavior, TextEdit, Ui};

use crate::ui::commands::{Command, Purpose};
use crate::ui::views::setup::model::Setup;
use crate::ui::views::setup::parts::{LIST_WIDTH, entry_ui};
use crate::ui::views::setup::ready_plans::ReadyPlan;
use crate::ui::widgets::{row_ui, sub_ui};

/// The name of the plan, and from where to take another.
pub(in crate::ui) fn plans_ui(ui: &mut Ui, setup: &mut Setup, queue: &mut Vec<Command>) {
    row_ui(ui, "Plan", |ui| {
        let title = setup.ready().map_or("Own settings", ReadyPlan::title);
        let combo = ComboBox::from_id_salt("plan").selected_text(title).width(ui.available_width());
        let combo = combo.close_behavior(PopupCloseBehavior::CloseOnClickOutside).height(f32::INFINITY);
        combo.show_ui(ui, |ui| list_ui(ui, setup, queue)).response.accessible_name("Plan");
    });
}

fn list_ui(ui: &mut Ui, setup: &mut Setup, queue: &mut Vec<Command>) {
    ui.set_width(LIST_WIDTH);
    ui.style_mut().wrap_mode = None;
    ui.spacing_mut().item_spacing.y = 4.0;
    sub_ui(ui, "Sets what to try and how thoroughly. Source and engine stay.");
    let chosen = setup.ready();
    for ready in ReadyPlan::ALL.into_iter().filter(|ready| ready.is_for(setup.plan.engine)) {
        if entry_ui(ui, true, chosen == Some(ready), ready.title(), ready.about()).clicked() {
            queue.push(Command::TakeReady(ready));
            ui.close();
        }
    }
    ui.separator();
    file_ui(ui, setup, queue);
}

/// The form as a file that `inflight sweep --plan` takes too.
fn file_ui(ui: &mut Ui, setup: &mut Setup, queue: &mut Vec<Command>) {
    let path = TextEdit::singleline(&mut setup.plan_path).desired_width(f32::INFINITY);
    ui.add(path)
        .accessible_name("Plan file path")
        .on_hover_text("A plan file, or a session folder, which has a plan too");
    ui.horizontal(|ui| {
        let has_path = !setup.plan_path.is_empty();
        let mut button = |ui: &mut Ui, is_enabled: bool, title: &str, command: Command| {
            if ui.add_enabled(is_enabled, Button::new(title)).clicked() {
                queue.push(command);
                ui.close();
            }
        };
        let path = setup.plan_path.clone().into();
        button(ui, has_path, "Load plan", Command::LoadPlan(path));
        button(ui, has_path, "Save plan", Command::SavePlan);
        button(ui, true, "Choose plan…", Command::Pick(Purpose::Plan));
    });
}
