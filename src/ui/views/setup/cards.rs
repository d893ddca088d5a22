//! The first card of the set-up, the clip; and the settings of an encoder.

use eframe::egui::{Button, ComboBox, DragValue, TextEdit, Ui};

use crate::contract::{EngineKind, Preset, RateControl, TuningInfo};
use crate::plan::Plan;
use crate::ui::commands::{Command, Purpose};
use crate::ui::views::setup::model::{Part, Problem, Setup};
use crate::ui::views::setup::parts::{number_ui, problems_ui};
use crate::ui::views::setup::preview::{PreviewModel, preview_ui};
use crate::ui::widgets::row_ui;

const PRESETS: [Preset; 7] = [Preset::P1, Preset::P2, Preset::P3, Preset::P4, Preset::P5, Preset::P6, Preset::P7];
const TUNINGS: [(TuningInfo, &str); 3] =
    [(TuningInfo::Ull, "ultra low latency"), (TuningInfo::Ll, "low latency"), (TuningInfo::Hq, "high quality")];
/// Where a rate control begins when it is chosen.
const USUAL_BITRATE_BPS: u32 = 5_000_000;
const USUAL_QP: u32 = 23;
const USUAL_GOP: u32 = 250;
/// The input that needs no file.
const BUILT_IN: &str = "synthetic";

/// The clip.
pub(in crate::ui) fn source_ui(
    ui: &mut Ui,
    setup: &mut Setup,
    preview: &mut PreviewModel,
    problems: &[Problem],
    queue: &mut Vec<Command>,
) {
    preview_ui(ui, preview, &setup.plan.input);
    // Its own name: the preview above comes and goes while it is typed into.
    let field = TextEdit::singleline(&mut setup.plan.input).id_salt("input").desired_width(f32::INFINITY);
    let typed = ui.add(field);
    // What is half typed is no file yet.
    if !typed.has_focus() {
        queue.extend(preview.wants(&setup.plan.input).map(Command::Preview));
    }
    typed.accessible_name("Input").on_hover_text(
        "synthetic[:WxH@FPS], a Y4M or media file, or raw:FORMAT:WxH@FPS:FILE; you can also drop a file on the window",
    );
    ui.horizontal(|ui| {
        ui.spacing_mut().button_padding.x = 8.0;
        if ui.button("Choose…").clicked() {
            queue.push(Command::Pick(Purpose::Input));
        }
        let sample =
            ui.button("Sample clip").on_hover_text("Ten seconds of H.264, 640x360, that come with this program");
        if sample.clicked() {
            queue.push(Command::UseSample);
        }
        // A decoder has nothing to do with it.
        let is_of_use = setup.plan.input != BUILT_IN && setup.plan.engine == EngineKind::Nvenc;
        let pattern = ui.add_enabled(is_of_use, Button::new("Pattern"));
        if pattern.on_hover_text("A moving pattern, made in memory; needs no file and no ffmpeg").clicked() {
            setup.plan.input = BUILT_IN.to_owned();
        }
    });
    problems_ui(ui, problems, &[Part::Input]);
}

/// Preset and tuning beside each other.
pub(super) fn preset_ui(ui: &mut Ui, plan: &mut Plan) {
    // Both fit beside each other.
    (ui.spacing_mut().button_padding.x, ui.spacing_mut().item_spacing.x) = (8.0, 4.0);
    let preset = ComboBox::from_id_salt("preset").selected_text(plan.preset.to_string().to_uppercase());
    let shown = preset.width(52.0).show_ui(ui, |ui| {
        for preset in PRESETS {
            ui.selectable_value(&mut plan.preset, preset, preset.to_string().to_uppercase());
        }
    });
    shown.response.accessible_name("Preset");
    let chosen = TUNINGS.iter().find(|(tuning, _)| *tuning == plan.tuning).map_or("", |(_, title)| title);
    let tuning = ComboBox::from_id_salt("tuning").selected_text(chosen).truncate();
    let shown = tuning.width(ui.available_width()).show_ui(ui, |ui| {
        for (tuning, title) in TUNINGS {
            ui.selectable_value(&mut plan.tuning, tuning, title);
        }
    });
    shown.response.accessible_name("Tuning");
}

/// What the preset leaves open.
pub(super) fn rate_ui(ui: &mut Ui, plan: &mut Plan) {
    let (bitrate_bps, max_bitrate_bps) = match plan.rate_control {
        RateControl::Cbr { bitrate_bps } => (bitrate_bps, bitrate_bps.saturating_mul(2)),
        RateControl::Vbr { bitrate_bps, max_bitrate_bps } => (bitrate_bps, max_bitrate_bps),
        RateControl::Preset | RateControl::Cqp { .. } => (USUAL_BITRATE_BPS, 2 * USUAL_BITRATE_BPS),
    };
    let choices = [
        ("from the preset", RateControl::Preset),
        ("constant bit rate", RateControl::Cbr { bitrate_bps }),
        ("variable bit rate", RateControl::Vbr { bitrate_bps, max_bitrate_bps }),
        ("constant quantiser", RateControl::Cqp { qp: USUAL_QP }),
    ];
    let kind = std::mem::discriminant::<RateControl>;
    let chosen = choices.iter().find(|(_, rate)| kind(rate) == kind(&plan.rate_control)).map_or("", |choice| choice.0);
    row_ui(ui, "Rate", |ui| {
        let shown = ComboBox::from_id_salt("rate").selected_text(chosen).width(130.0).show_ui(ui, |ui| {
            for (title, rate) in choices {
                if ui.selectable_label(title == chosen, title).clicked() && title != chosen {
                    plan.rate_control = rate;
                }
            }
        });
        shown.response.accessible_name("Rate control");
    });
    match &mut plan.rate_control {
        RateControl::Preset => {}
        RateControl::Cbr { bitrate_bps } => bitrate_ui(ui, "Bit rate", bitrate_bps),
        RateControl::Vbr { bitrate_bps, max_bitrate_bps } => {
            bitrate_ui(ui, "Bit rate", bitrate_bps);
            bitrate_ui(ui, "Peak rate", max_bitrate_bps);
        }
        RateControl::Cqp { qp } => number_ui(ui, "Quantiser", qp, ""),
    }
    row_ui(ui, "GOP", |ui| {
        let mut is_own = plan.gop_length.is_some();
        let usual = "Off: only the first frame is an IDR; with B-frames every 250th";
        if ui.checkbox(&mut is_own, "Set GOP length").on_hover_text(usual).changed() {
            plan.gop_length = is_own.then_some(USUAL_GOP);
        }
        if let Some(gop_length) = &mut plan.gop_length {
            ui.add(DragValue::new(gop_length).speed(0.5).suffix(" frames")).accessible_name("Frames from IDR to IDR");
        }
    });
    number_ui(ui, "B-frames", &mut plan.b_frames, "");
}

fn bitrate_ui(ui: &mut Ui, label: &str, bitrate_bps: &mut u32) {
    row_ui(ui, label, |ui| {
        let mut kbps = *bitrate_bps / 1000;
        let value = DragValue::new(&mut kbps).speed(50.0).range(0..=u32::MAX / 1000).suffix(" kbit/s");
        if ui.add(value).accessible_name(label).changed() {
            *bitrate_bps = kbps * 1000;
        }
    });
}
