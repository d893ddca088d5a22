//! What stands in the four cards of the set-up: source, encoder, what to try, how thorough.

use eframe::egui::{Button, Checkbox, ComboBox, DragValue, TextEdit, Ui};

use super::commands::{Command, Purpose};
use super::preview::{PreviewModel, preview_ui};
use super::setup::{CHIPS, CallerChoice, Effort, Part, Problem, Setup};
use super::theme;
use super::widgets::{icons, more_ui, removable_chip_ui, row_ui, segments_ui, sub_ui};
use crate::contract::{Codec, LockPlacement, MAX_IN_FLIGHT, Preset, RateControl, TuningInfo};
use crate::plan::{Baseline, Goal, Plan, Until};
use crate::report::words::codec_title;

const PRESETS: [Preset; 7] = [Preset::P1, Preset::P2, Preset::P3, Preset::P4, Preset::P5, Preset::P6, Preset::P7];
const TUNINGS: [(TuningInfo, &str); 3] =
    [(TuningInfo::Ull, "ultra low latency"), (TuningInfo::Ll, "low latency"), (TuningInfo::Hq, "high quality")];
const LOCKS: [(LockPlacement, &str, &str); 3] = [
    (
        LockPlacement::Inline,
        "submit thread (inline)",
        "The submitting thread waits inside the lock once the reap threshold is reached",
    ),
    (LockPlacement::Thread, "a separate thread", "A separate thread locks each frame as soon as possible"),
    (
        LockPlacement::Poll,
        "submit thread, polling",
        "The submitting thread tries to lock after each submission, without waiting",
    ),
];
/// Where a rate control begins when it is chosen.
const USUAL_BITRATE_BPS: u32 = 5_000_000;
const USUAL_QP: u32 = 23;
const USUAL_GOP: u32 = 250;

/// The clip.
pub(super) fn source_ui(
    ui: &mut Ui,
    setup: &mut Setup,
    preview: &mut PreviewModel,
    problems: &[Problem],
    queue: &mut Vec<Command>,
) {
    preview_ui(ui, preview, &setup.plan.input);
    ui.horizontal(|ui| {
        let width = ui.available_width() - 88.0;
        let typed = ui.add(TextEdit::singleline(&mut setup.plan.input).desired_width(width));
        // What is half typed is no file yet.
        if !typed.has_focus() {
            queue.extend(preview.wants(&setup.plan.input).map(Command::Preview));
        }
        typed.accessible_name("Input").on_hover_text(
            "synthetic[:WxH@FPS], a Y4M or media file, or raw:FORMAT:WxH@FPS:FILE; you can also drop a file on the window",
        );
        if ui.button("Choose…").clicked() {
            queue.push(Command::Pick(Purpose::Input));
        }
    });
    problems_ui(ui, problems, &[Part::Input]);
}

/// The device and how it is to encode.
pub(super) fn encoder_ui(ui: &mut Ui, setup: &mut Setup, problems: &[Problem]) {
    row_ui(ui, "Device", |ui| device_ui(ui, setup));
    problems_ui(ui, problems, &[Part::Device]);
    row_ui(ui, "Codecs", |ui| {
        ui.horizontal_wrapped(|ui| {
            for codec in [Codec::H264, Codec::Hevc, Codec::Av1] {
                let mut is_chosen = setup.plan.codecs.contains(&codec);
                if ui.checkbox(&mut is_chosen, codec_title(codec)).changed() {
                    setup.toggle_codec(codec);
                }
            }
        });
    });
    problems_ui(ui, problems, &[Part::Codecs]);
    row_ui(ui, "Preset", |ui| {
        ui.horizontal(|ui| {
            let plan = &mut setup.plan;
            let preset = ComboBox::from_id_salt("preset").selected_text(plan.preset.to_string().to_uppercase());
            let shown = preset.width(56.0).show_ui(ui, |ui| {
                for preset in PRESETS {
                    ui.selectable_value(&mut plan.preset, preset, preset.to_string().to_uppercase());
                }
            });
            shown.response.accessible_name("Preset");
        });
    });
    row_ui(ui, "Tuning", |ui| {
        ui.horizontal(|ui| {
            let plan = &mut setup.plan;
            let chosen = TUNINGS.iter().find(|(tuning, _)| *tuning == plan.tuning).map_or("", |(_, title)| title);
            let tuning = ComboBox::from_id_salt("tuning").selected_text(chosen);
            let shown = tuning.width(140.0).show_ui(ui, |ui| {
                for (tuning, title) in TUNINGS {
                    ui.selectable_value(&mut plan.tuning, tuning, title);
                }
            });
            shown.response.accessible_name("Tuning");
        });
    });
    more_ui(ui, "Rate, GOP, B-frames", |ui| rate_ui(ui, &mut setup.plan));
    problems_ui(ui, problems, &[Part::Coding]);
}

fn device_ui(ui: &mut Ui, setup: &mut Setup) {
    let known = setup.devices.iter().find(|choice| choice.name == setup.plan.device);
    let title = known.map_or_else(|| setup.plan.device.clone(), |choice| choice.title.clone());
    let combo = ComboBox::from_id_salt("device").selected_text(title).width(ui.available_width() - 8.0).truncate();
    let shown = combo.show_ui(ui, |ui| {
        for choice in &setup.devices {
            let is_chosen = setup.plan.device == choice.name;
            let line = ui.add_enabled(choice.works, Button::selectable(is_chosen, &choice.title));
            let line = line.on_hover_text(&choice.detail).on_disabled_hover_text(&choice.detail);
            if line.clicked() {
                setup.plan.device.clone_from(&choice.name);
            }
        }
        ui.separator();
        ui.weak("or as text: virtual:key=value,…, cuda:N, or a driver library");
        let own = TextEdit::singleline(&mut setup.plan.device).desired_width(f32::INFINITY);
        ui.add(own).accessible_name("Device description");
    });
    shown.response.accessible_name("Device");
    if let Some(choice) = setup.devices.iter().find(|choice| !choice.works) {
        sub_ui(ui, format!("{}: cannot be used", choice.title)).on_hover_text(&choice.detail);
    }
}

fn rate_ui(ui: &mut Ui, plan: &mut Plan) {
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
            bitrate_ui(ui, "Peak bit rate", max_bitrate_bps);
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

fn number_ui(ui: &mut Ui, label: &str, value: &mut u32, unit: &str) {
    row_ui(ui, label, |ui| {
        ui.add(DragValue::new(value).speed(0.1).suffix(unit)).accessible_name(label);
    });
}

/// Thresholds, lock placements, and what else runs beside them.
pub(super) fn to_try_ui(ui: &mut Ui, setup: &mut Setup, problems: &[Problem]) {
    row_ui(ui, "In flight", |ui| thresholds_ui(ui, setup));
    problems_ui(ui, problems, &[Part::Thresholds]);
    row_ui(ui, "Lock on", |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        for (lock, title, explanation) in LOCKS {
            let mut is_chosen = setup.plan.locks.contains(&lock);
            if ui.checkbox(&mut is_chosen, title).on_hover_text(explanation).changed() {
                setup.toggle_lock(lock);
            }
        }
    });
    problems_ui(ui, problems, &[Part::Locks]);
    more_ui(ui, "Pool, other programs", |ui| {
        let mut is_own = setup.plan.pool.is_some();
        let pool = ui.checkbox(&mut is_own, "Set pool size");
        if pool.on_hover_text("Number of buffer pairs. Off: as many as each threshold needs").changed() {
            setup.plan.pool = is_own.then(|| setup.plan.reap_thresholds.iter().copied().max().unwrap_or(1));
        }
        if let Some(pool) = &mut setup.plan.pool {
            ui.add(DragValue::new(pool).suffix(" buffer pairs")).accessible_name("Buffer pairs");
        }
        baselines_ui(ui, setup);
    });
    problems_ui(ui, problems, &[Part::Pool]);
}

fn thresholds_ui(ui: &mut Ui, setup: &mut Setup) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = eframe::egui::vec2(4.0, 4.0);
        ui.spacing_mut().button_padding = eframe::egui::vec2(6.0, 2.0);
        for threshold in setup.plan.reap_thresholds.clone() {
            if removable_chip_ui(ui, &threshold.to_string(), &format!("Remove {threshold} frames in flight")) {
                setup.toggle_threshold(threshold);
            }
        }
        let menu = ui.menu_button(icons::PLUS, |ui| {
            let chosen = setup.plan.reap_thresholds.clone();
            for threshold in CHIPS.into_iter().filter(|one| !chosen.contains(one)) {
                if ui.button(format!("{threshold}")).clicked() {
                    setup.toggle_threshold(threshold);
                    ui.close();
                }
            }
            ui.horizontal(|ui| {
                ui.add(DragValue::new(&mut setup.own_threshold).range(1..=MAX_IN_FLIGHT))
                    .accessible_name("Other threshold");
                let is_new = !setup.plan.reap_thresholds.contains(&setup.own_threshold);
                if ui.add_enabled(is_new, Button::new("Add")).on_hover_text("Add this threshold to the sweep").clicked()
                {
                    setup.toggle_threshold(setup.own_threshold);
                    ui.close();
                }
            });
        });
        menu.response.accessible_name("Add a threshold").on_hover_text(
            "With this many frames in flight, the oldest is reaped before the next is submitted; 1 is serial",
        );
    });
}

/// Programs that encode the same frames in the same rounds, as separate processes.
fn baselines_ui(ui: &mut Ui, setup: &mut Setup) {
    let baselines = &mut setup.plan.baselines;
    let mut removed = None;
    for (idx, baseline) in baselines.iter().enumerate() {
        if removable_chip_ui(ui, &baseline.to_string(), &format!("Remove {baseline}")) {
            removed = Some(idx);
        }
    }
    removed.map(|idx| baselines.remove(idx));
    let typed = setup.own_baseline.parse::<Baseline>();
    ui.horizontal(|ui| {
        ui.add(TextEdit::singleline(&mut setup.own_baseline).desired_width(ui.available_width() - 120.0))
            .accessible_name("Other program")
            .on_hover_text("ffmpeg, or ffmpeg:OUTPUT OPTIONS, for example ffmpeg:-delay 0");
        let is_new = typed.as_ref().is_ok_and(|typed| !baselines.contains(typed));
        if ui.add_enabled(is_new, Button::new("Add program")).clicked() {
            baselines.extend(typed.clone().ok());
        }
    });
    if let Err(error) = typed {
        ui.colored_label(theme::alert(ui), error.to_string());
    }
    ui.add_enabled(
        !baselines.is_empty(),
        Checkbox::new(&mut setup.plan.verify, "Decode their output and count its frames"),
    );
}

/// How many rounds, and for what use.
pub(super) fn thorough_ui(ui: &mut Ui, setup: &mut Setup, problems: &[Problem], queue: &mut Vec<Command>) {
    let titles = Effort::ALL.map(Effort::title);
    let chosen = setup.effort().and_then(|effort| Effort::ALL.iter().position(|one| *one == effort));
    if let Some(idx) = segments_ui(ui, &titles, chosen) {
        setup.set_effort(Effort::ALL[idx]);
    }
    sub_ui(ui, rounds_text(&setup.plan));
    ui.add_space(theme::GRID / 2.0);
    let is_live = setup.caller == CallerChoice::Paced;
    match segments_ui(ui, &["Batch", "Live source"], Some(usize::from(is_live))) {
        Some(0) if is_live => setup.caller = CallerChoice::Modelled,
        Some(1) if !is_live => {
            setup.caller = CallerChoice::Paced;
            setup.plan.goal = Goal::Live { budget_ms: None };
        }
        _ => {}
    }
    if setup.caller == CallerChoice::Paced {
        live_ui(ui, setup);
    } else {
        sub_ui(ui, "The highest throughput; latency may grow as far as throughput does.");
    }
    problems_ui(ui, problems, &[Part::Caller]);
    more_ui(ui, "Advanced", |ui| advanced_ui(ui, setup, queue));
    problems_ui(ui, problems, &[Part::Frames, Part::Repeats]);
}

/// "10 to 40 rounds, 6 or more to confirm"
fn rounds_text(plan: &Plan) -> String {
    let rounds = match (plan.looks.last(), plan.until) {
        (Some(most), _) => format!("{} to {most} rounds", plan.repeat),
        (None, Some(until)) => format!("{} to {} rounds", plan.repeat, until.max_repeat),
        (None, None) if plan.blocks > 1 => format!("{} processes of {} rounds", plan.blocks, plan.repeat),
        (None, None) => format!("{} rounds", plan.repeat),
    };
    match plan.confirm {
        0 => format!("{rounds}, not confirmed"),
        confirm if plan.looks.is_empty() => format!("{rounds}, {confirm} to confirm"),
        confirm => format!("{rounds}, {confirm} or more to confirm"),
    }
}

fn live_ui(ui: &mut Ui, setup: &mut Setup) {
    row_ui(ui, "Rate", |ui| {
        ui.add(DragValue::new(&mut setup.pace_fps).suffix(" fps").max_decimals(3)).accessible_name("Pace");
    });
    row_ui(ui, "Latency", |ui| {
        let mut has_budget = !setup.plan.goal.is_batch();
        let hint = "The fastest setting whose latency tail keeps the budget is recommended";
        if ui.checkbox(&mut has_budget, "keep a budget").on_hover_text(hint).changed() {
            setup.plan.goal = if has_budget { Goal::Live { budget_ms: None } } else { Goal::Batch };
        }
        if let Goal::Live { budget_ms } = &mut setup.plan.goal {
            let mut typed_ms = budget_ms.unwrap_or(1500.0 / setup.pace_fps.max(0.001));
            let value = DragValue::new(&mut typed_ms).speed(0.1).suffix(" ms").range(0.001..=1e6).max_decimals(2);
            if ui.add(value).accessible_name("Latency budget").on_hover_text("1.5 frame intervals unless set").changed()
            {
                *budget_ms = Some(typed_ms);
            }
        }
    });
}

fn advanced_ui(ui: &mut Ui, setup: &mut Setup, queue: &mut Vec<Command>) {
    row_ui(ui, "Frames", |ui| {
        ui.add(DragValue::new(&mut setup.plan.frames).suffix(" per run")).accessible_name("Frames per run");
    });
    let plan = &mut setup.plan;
    number_ui(ui, "Warm-ups", &mut plan.warmup, " per case");
    number_ui(ui, "Rounds", &mut plan.repeat, "");
    number_ui(ui, "Confirmation rounds", &mut plan.confirm, "");
    number_ui(ui, "Processes", &mut plan.blocks, "");
    if plan.blocks > 1 {
        // A fixed number of rounds in each.
        plan.looks.clear();
        plan.until = None;
    } else {
        looks_ui(ui, plan);
        until_ui(ui, plan);
    }
    if setup.caller != CallerChoice::Paced {
        let mut is_busy = setup.caller == CallerChoice::Work;
        let hint = "CPU time of the application before each frame. Off: as in the device's profile";
        if ui.checkbox(&mut is_busy, "Busy work before each frame").on_hover_text(hint).changed() {
            setup.caller = if is_busy { CallerChoice::Work } else { CallerChoice::Modelled };
        }
        if is_busy {
            ui.add(DragValue::new(&mut setup.host_work_us).suffix(" µs")).accessible_name("Host work");
        }
    }
    ui.separator();
    let calibrate = ui
        .button("Calibrate")
        .on_hover_text("Measures this computer's noise floor for the plan; later comparisons use it as their margin");
    if calibrate.clicked() {
        queue.push(Command::Calibrate);
    }
    plan_file_ui(ui, setup, queue);
}

/// More rounds for undecided cases, at planned looks.
fn looks_ui(ui: &mut Ui, plan: &mut Plan) {
    // Looks follow the planned rounds: twice as many, and twice as many again.
    let usual = vec![2 * plan.repeat.max(1), 4 * plan.repeat.max(1)];
    if !plan.looks.is_empty() {
        plan.looks.clone_from(&usual);
    }
    let mut is_on = !plan.looks.is_empty();
    let text = format!("Add rounds while undecided (up to {})", usual[1]);
    let hint = "Evaluates the data at two more looks and continues with the undecided cases; stops when there are none";
    if ui.checkbox(&mut is_on, text).on_hover_text(hint).changed() {
        plan.looks = if is_on { usual } else { Vec::new() };
        plan.until = plan.until.filter(|_| !is_on);
    }
}

/// Rounds beyond the planned ones, until the interval has a width that is chosen beforehand.
fn until_ui(ui: &mut Ui, plan: &mut Plan) {
    let mut is_on = plan.until.is_some();
    ui.checkbox(&mut is_on, "Add rounds until precise enough")
        .on_hover_text("Adds rounds until the 95 % interval of the change in wall time is as narrow as set here");
    let usual = Until { half_width_pct: 1.0, max_repeat: 60.max(plan.repeat) };
    plan.until = is_on.then(|| plan.until.unwrap_or(usual));
    if is_on {
        plan.looks.clear();
    }
    let Some(until) = &mut plan.until else { return };
    ui.horizontal(|ui| {
        let width = DragValue::new(&mut until.half_width_pct).speed(0.05).prefix("±").suffix(" %");
        ui.add(width).accessible_name("Half width");
        ui.label("at most");
        ui.add(DragValue::new(&mut until.max_repeat).suffix(" rounds")).accessible_name("Most rounds");
    });
}

/// The form as a file that `inflight sweep --plan` takes too.
fn plan_file_ui(ui: &mut Ui, setup: &mut Setup, queue: &mut Vec<Command>) {
    let path = TextEdit::singleline(&mut setup.plan_path).desired_width(f32::INFINITY);
    ui.add(path)
        .accessible_name("Plan file path")
        .on_hover_text("A plan file, or a session folder, which has a plan too");
    ui.horizontal_wrapped(|ui| {
        let has_path = !setup.plan_path.is_empty();
        if ui.add_enabled(has_path, Button::new("Load plan")).clicked() {
            queue.push(Command::LoadPlan(setup.plan_path.clone().into()));
        }
        if ui.add_enabled(has_path, Button::new("Save plan")).clicked() {
            queue.push(Command::SavePlan);
        }
        if ui.button("Choose plan…").clicked() {
            queue.push(Command::Pick(Purpose::Plan));
        }
    });
}

fn problems_ui(ui: &mut Ui, problems: &[Problem], parts: &[Part]) {
    for problem in problems.iter().filter(|problem| parts.contains(&problem.part)) {
        ui.colored_label(theme::alert(ui), &problem.message);
    }
}
