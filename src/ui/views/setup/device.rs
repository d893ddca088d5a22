//! The device as one control: names for people, what each can do in the list, and in sight below it why a GPU is not there.

use eframe::egui::{ComboBox, PopupCloseBehavior, TextEdit, Ui};

use crate::ui::views::setup::devices::{Ability, DeviceChoice};
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
    let (is_modelled, engine) = (setup.is_modelled(), setup.plan.engine);
    // One that is chosen and cannot be used is a problem of the plan, and said as such.
    if is_modelled || setup.devices.why_not(&setup.plan.device, engine).is_none() {
        setup.devices.unusable(engine).into_iter().for_each(|line| drop(sub_ui(ui, line)));
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
        let ability = choice.ability(setup.plan.engine);
        if entry_ui(ui, ability.works, is_chosen, &choice.title, &about(choice, ability)).clicked() {
            setup.plan.device.clone_from(&choice.name);
            ui.close();
        }
    }
    ui.separator();
    sub_ui(ui, "As text: virtual:key=value,…, cuda:N, cuda:UUID, or a driver's path");
    let own = TextEdit::singleline(&mut setup.plan.device).desired_width(f32::INFINITY);
    ui.add(own).accessible_name("Device description");
}

fn about(choice: &DeviceChoice, ability: &Ability) -> String {
    [ability.brief.as_str(), choice.about.as_str()]
        .iter()
        .filter(|line| !line.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join("\n")
}
