//! The second card of the set-up: which engine of which device, and how it is to work.

use eframe::egui::{Checkbox, Ui};

use crate::contract::{Codec, EngineKind};
use crate::ui::commands::Command;
use crate::ui::views::setup::cards::{preset_ui, rate_ui};
use crate::ui::views::setup::device::device_ui;
use crate::ui::views::setup::model::{Part, Problem, Setup};
use crate::ui::views::setup::parts::problems_ui;
use crate::ui::widgets::{more_ui, row_ui, segments_ui, sub_ui};

const ENGINES: [EngineKind; 3] = [EngineKind::Nvenc, EngineKind::Nvdec, EngineKind::Transcode];

/// Engine, device, and what belongs to each.
pub(in crate::ui) fn engine_ui(ui: &mut Ui, setup: &mut Setup, problems: &[Problem], queue: &mut Vec<Command>) {
    row_ui(ui, "Engine", |ui| {
        let chosen = ENGINES.iter().position(|engine| *engine == setup.plan.engine);
        if let Some(idx) = segments_ui(ui, &["Encoder", "Decoder", "Both"], chosen) {
            setup.set_engine(ENGINES[idx]);
            if setup.needs_clip() {
                queue.push(Command::UseSample);
            }
        }
    });
    if setup.plan.engine == EngineKind::Transcode {
        row_ui(ui, "", |ui| drop(sub_ui(ui, "A transcode: decoded frames go into the encoder")));
    }
    row_ui(ui, "Device", |ui| device_ui(ui, setup));
    problems_ui(ui, problems, &[Part::Device]);
    match setup.plan.engine {
        EngineKind::Nvenc | EngineKind::Transcode => encoder_ui(ui, setup),
        EngineKind::Nvdec => decoder_ui(ui, setup),
    }
    problems_ui(ui, problems, &[Part::Codecs, Part::Coding]);
}

fn encoder_ui(ui: &mut Ui, setup: &mut Setup) {
    row_ui(ui, "Codecs", |ui| {
        ui.horizontal_wrapped(|ui| {
            for codec in Codec::ENCODED {
                let mut is_chosen = setup.plan.codecs.contains(&codec);
                if ui.checkbox(&mut is_chosen, codec.title()).changed() {
                    setup.toggle_codec(codec);
                }
            }
        });
    });
    row_ui(ui, "Preset", |ui| ui.horizontal(|ui| preset_ui(ui, &mut setup.plan)).inner);
    more_ui(ui, "Rate, GOP, B-frames", |ui| rate_ui(ui, &mut setup.plan));
}

fn decoder_ui(ui: &mut Ui, setup: &mut Setup) {
    row_ui(ui, "Codec", |ui| drop(sub_ui(ui, "As the clip is: H.264, HEVC, AV1 or VP9")));
    row_ui(ui, "Frames", |ui| {
        let copies = Checkbox::new(&mut setup.plan.copy_out, "Copy to host memory");
        ui.add(copies).on_hover_text("Off: decoded frames stay on the device, as for a filter or an encoder there");
    });
}
