//! The device as one control: names for people, what each can do in the list, and in sight below it why a GPU is not there.

use eframe::egui::{ComboBox, PopupCloseBehavior, TextEdit, Ui};

use crate::ui::views::setup::devices::DeviceChoice;
use crate::ui::views::setup::model::Setup;
use crate::ui::views::setup::parts::{LIST_WIDTH, entry_ui};
use crate::ui::widgets::sub_ui;

/// Of the open list, at most.
const LIST_HEIGHT: f32 = 420.0;

/// The control and what has to be said about it.
pub(in crate::ui) fn device_ui(ui: &mut Ui, setup: &mut Setup) {
    let known = setup.devices.named(&setup.plan.device);
    let title = known.map_or_else(|| setup.plan.device.clone(), |choice| choice.title.clone());
    let combo = ComboBox::from_id_salt("device").selected_text(title).width(ui.available_width()).truncate();
    // A click into the text field must not close the list.
    let combo = combo.close_behavior(PopupCloseBehavior::CloseOnClickOutside).height(LIST_HEIGHT);
    combo.show_ui(ui, |ui| list_ui(ui, setup)).response.accessible_name("Device");
    ui.spacing_mut().item_spacing.y = 2.0;
    let is_modelled = setup.is_modelled();
    // One that is chosen and cannot be used is a problem of the plan, and said as such.
    if is_modelled || setup.devices.why_not(&setup.plan.device).is_none() {
        setup.devices.unusable().into_iter().for_each(|line| drop(sub_ui(ui, line)));
    }
    if is_modelled {
        sub_ui(ui, "Times are modelled, not measured on a GPU.");
    }
}

fn list_ui(ui: &mut Ui, setup: &mut Setup) {
    ui.set_width(LIST_WIDTH);
    ui.style_mut().wrap_mode = None;
    ui.spacing_mut().item_spacing.y = 4.0;
    for choice in &setup.devices.choices {
        let is_chosen = setup.plan.device == choice.name;
        if entry_ui(ui, choice.works, is_chosen, &choice.title, &about(choice)).clicked() {
            setup.plan.device.clone_from(&choice.name);
            ui.close();
        }
    }
    ui.separator();
    sub_ui(ui, "As text: virtual:key=value,…, cuda:N, or a driver's path");
    let own = TextEdit::singleline(&mut setup.plan.device).desired_width(f32::INFINITY);
    ui.add(own).accessible_name("Device description");
}

fn about(choice: &DeviceChoice) -> String {
    [choice.brief.as_str(), choice.about.as_str()]
        .iter()
        .filter(|line| !line.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join("\n")
}
