//! The set-up panel: from device to repeats, top to bottom, and the estimate.

use std::time::Duration;

use eframe::egui::{Button, Checkbox, ComboBox, DragValue, Grid, Panel, ScrollArea, TextEdit, Ui};

use super::commands::{Command, Purpose};
use super::preview::{PreviewModel, preview_ui};
use super::setup::{CHIPS, CallerChoice, Part, Problem, Setup};
use super::theme;
use crate::bench::estimate::Estimate;
use crate::contract::{Codec, LockPlacement, MAX_IN_FLIGHT, Preset, RateControl, TuningInfo};
use crate::plan::{Baseline, Plan, Until};
use crate::units;

const PRESETS: [Preset; 7] = [Preset::P1, Preset::P2, Preset::P3, Preset::P4, Preset::P5, Preset::P6, Preset::P7];

const LOCKS: [(LockPlacement, &str); 3] = [
    (LockPlacement::Inline, "The submitting thread waits inside the lock once the reap threshold is reached"),
    (LockPlacement::Thread, "A separate thread locks each frame as soon as possible"),
    (LockPlacement::Poll, "The submitting thread tries to lock after each submission, without waiting"),
];

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
    Panel::bottom("sum").show(ui, |ui| {
        ui.add_space(theme::GAP / 2.0);
        sum_ui(ui, setup);
        let can_run = problems.is_empty() && !is_running;
        ui.horizontal(|ui| {
            let button = ui.add_enabled(can_run, Button::new("Run the sweep"));
            if button.on_disabled_hover_text(why_not(&problems, is_running)).clicked() {
                queue.push(Command::Run);
            }
            let calibrate = ui.add_enabled(can_run, Button::new("Calibrate"));
            let calibrate = calibrate.on_hover_text(
                "Measures this computer's noise floor for the plan; later comparisons use it as their margin",
            );
            if calibrate.on_disabled_hover_text(why_not(&problems, is_running)).clicked() {
                queue.push(Command::Calibrate);
            }
        });
    });
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.add_enabled_ui(!is_running, |ui| {
            device_ui(ui, setup, &problems);
            input_ui(ui, setup, preview, &problems, queue);
            coding_ui(ui, setup, &problems);
            ring_ui(ui, setup, &problems);
            caller_ui(ui, setup, &problems);
            counts_ui(ui, setup, &problems);
            ui.collapsing("Other programs", |ui| baselines_ui(ui, setup));
        });
        ui.collapsing("Plan file", |ui| plan_file_ui(ui, setup, is_running, queue));
    });
}

fn why_not(problems: &[Problem], is_running: bool) -> String {
    match problems.first() {
        _ if is_running => "A sweep is running".to_owned(),
        Some(problem) => problem.message.clone(),
        None => String::new(),
    }
}

fn device_ui(ui: &mut Ui, setup: &mut Setup, problems: &[Problem]) {
    ui.strong("Device");
    ComboBox::from_id_salt("device")
        .selected_text(&setup.plan.device)
        .width(ui.available_width())
        .show_ui(ui, |ui| {
            for choice in &setup.devices {
                let is_chosen = setup.plan.device == choice.name;
                let line = ui.add_enabled(choice.works, Button::selectable(is_chosen, &choice.name));
                let line = line.on_hover_text(&choice.detail).on_disabled_hover_text(&choice.detail);
                if line.clicked() {
                    setup.plan.device.clone_from(&choice.name);
                }
            }
        })
        .response
        .accessible_name("Device");
    let own = TextEdit::singleline(&mut setup.plan.device).desired_width(f32::INFINITY);
    ui.add(own)
        .accessible_name("Device description")
        .on_hover_text("virtual:PROFILE, virtual:key=value,…, cuda:N, or the path of a driver library");
    problems_ui(ui, problems, Part::Device);
}

fn input_ui(
    ui: &mut Ui,
    setup: &mut Setup,
    preview: &mut PreviewModel,
    problems: &[Problem],
    queue: &mut Vec<Command>,
) {
    ui.strong("Input");
    ui.horizontal(|ui| {
        let width = ui.available_width() - 80.0;
        let typed = ui.add(TextEdit::singleline(&mut setup.plan.input).desired_width(width));
        // What is half typed is no file yet.
        if !typed.has_focus() {
            queue.extend(preview.wants(&setup.plan.input).map(Command::Preview));
        }
        typed
            .accessible_name("Input")
            .on_hover_text("synthetic[:WxH@FPS], a Y4M or media file, or raw:FORMAT:WxH@FPS:FILE; you can also drop a file on the window");
        if ui.button("Choose…").clicked() {
            queue.push(Command::Pick(Purpose::Input));
        }
    });
    preview_ui(ui, preview, &setup.plan.input);
    problems_ui(ui, problems, Part::Input);
}

fn coding_ui(ui: &mut Ui, setup: &mut Setup, problems: &[Problem]) {
    ui.strong("Coding");
    ui.horizontal_wrapped(|ui| {
        for codec in [Codec::H264, Codec::Hevc, Codec::Av1] {
            let is_chosen = setup.plan.codecs.contains(&codec);
            if ui.selectable_label(is_chosen, crate::report::words::codec_title(codec)).clicked() {
                setup.toggle_codec(codec);
            }
        }
    });
    problems_ui(ui, problems, Part::Codecs);
    ui.horizontal(|ui| {
        ComboBox::from_label("Preset").selected_text(setup.plan.preset.to_string()).width(60.0).show_ui(ui, |ui| {
            for preset in PRESETS {
                ui.selectable_value(&mut setup.plan.preset, preset, preset.to_string());
            }
        });
        ComboBox::from_label("Tuning").selected_text(setup.plan.tuning.to_string()).width(60.0).show_ui(ui, |ui| {
            for (tuning, title) in [
                (TuningInfo::Ull, "ull, ultra low latency"),
                (TuningInfo::Ll, "ll, low latency"),
                (TuningInfo::Hq, "hq, high quality"),
            ] {
                ui.selectable_value(&mut setup.plan.tuning, tuning, title);
            }
        });
    });
    ui.collapsing("Rate control and GOP", |ui| rate_ui(ui, &mut setup.plan));
    problems_ui(ui, problems, Part::Coding);
}

/// Where a rate control begins when it is chosen.
const USUAL_BITRATE_BPS: u32 = 5_000_000;
const USUAL_QP: u32 = 23;
const USUAL_GOP: u32 = 250;

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
    ComboBox::from_label("Rate control").selected_text(chosen).width(130.0).show_ui(ui, |ui| {
        for (title, rate) in choices {
            if ui.selectable_label(title == chosen, title).clicked() && title != chosen {
                plan.rate_control = rate;
            }
        }
    });
    Grid::new("rate").num_columns(2).show(ui, |ui| {
        match &mut plan.rate_control {
            RateControl::Preset => {}
            RateControl::Cbr { bitrate_bps } => bitrate_ui(ui, "Bit rate", bitrate_bps),
            RateControl::Vbr { bitrate_bps, max_bitrate_bps } => {
                bitrate_ui(ui, "Bit rate", bitrate_bps);
                bitrate_ui(ui, "Peak bit rate", max_bitrate_bps);
            }
            RateControl::Cqp { qp } => number_ui(ui, "Quantiser", qp),
        }
        number_ui(ui, "B-frames", &mut plan.b_frames);
        if let Some(gop_length) = &mut plan.gop_length {
            number_ui(ui, "Frames from IDR to IDR", gop_length);
        }
    });
    let mut is_own = plan.gop_length.is_some();
    let usual = "Off: only the first frame is an IDR; with B-frames every 250th";
    if ui.checkbox(&mut is_own, "Set GOP length").on_hover_text(usual).changed() {
        plan.gop_length = is_own.then_some(USUAL_GOP);
    }
}

fn bitrate_ui(ui: &mut Ui, label: &str, bitrate_bps: &mut u32) {
    let name = ui.label(label);
    let mut kbps = *bitrate_bps / 1000;
    let value = DragValue::new(&mut kbps).speed(50.0).range(0..=u32::MAX / 1000).suffix(" kbit/s");
    if ui.add(value).labelled_by(name.id).changed() {
        *bitrate_bps = kbps * 1000;
    }
    ui.end_row();
}

fn number_ui(ui: &mut Ui, label: &str, value: &mut u32) {
    let name = ui.label(label);
    ui.add(DragValue::new(value).speed(0.1)).labelled_by(name.id);
    ui.end_row();
}

fn ring_ui(ui: &mut Ui, setup: &mut Setup, problems: &[Problem]) {
    ui.strong("Reap thresholds").on_hover_text(
        "With this many frames in flight, the oldest is reaped before the next is submitted; 1 is serial",
    );
    ui.horizontal_wrapped(|ui| {
        let own: Vec<_> = setup.plan.reap_thresholds.iter().copied().filter(|own| !CHIPS.contains(own)).collect();
        for threshold in CHIPS.into_iter().chain(own) {
            let is_chosen = setup.plan.reap_thresholds.contains(&threshold);
            if ui.selectable_label(is_chosen, format!(" {threshold} ")).clicked() {
                setup.toggle_threshold(threshold);
            }
        }
        ui.add(DragValue::new(&mut setup.own_threshold).range(1..=MAX_IN_FLIGHT)).accessible_name("Other threshold");
        let is_new = !setup.plan.reap_thresholds.contains(&setup.own_threshold);
        if ui.add_enabled(is_new, Button::new("Add")).on_hover_text("Add this threshold to the sweep").clicked() {
            setup.toggle_threshold(setup.own_threshold);
        }
    });
    problems_ui(ui, problems, Part::Thresholds);
    ui.strong("Lock placement");
    ui.horizontal_wrapped(|ui| {
        for (lock, explanation) in LOCKS {
            let is_chosen = setup.plan.locks.contains(&lock);
            if ui.selectable_label(is_chosen, lock.to_string()).on_hover_text(explanation).clicked() {
                setup.toggle_lock(lock);
            }
        }
    });
    problems_ui(ui, problems, Part::Locks);
    ui.horizontal(|ui| {
        let mut is_own = setup.plan.pool.is_some();
        if ui.checkbox(&mut is_own, "Set pool size").on_hover_text("Off: sized automatically").changed() {
            setup.plan.pool = is_own.then(|| setup.plan.reap_thresholds.iter().copied().max().unwrap_or(1));
        }
        if let Some(pool) = &mut setup.plan.pool {
            ui.add(DragValue::new(pool)).accessible_name("Buffer pairs");
        }
    });
    problems_ui(ui, problems, Part::Pool);
}

fn caller_ui(ui: &mut Ui, setup: &mut Setup, problems: &[Problem]) {
    ui.strong("Caller").on_hover_text("The work of the application around the encoder");
    ui.radio_value(&mut setup.caller, CallerChoice::Modelled, "As in the device's profile");
    ui.horizontal(|ui| {
        ui.radio_value(&mut setup.caller, CallerChoice::Work, "Busy work before each frame");
        if setup.caller == CallerChoice::Work {
            ui.add(DragValue::new(&mut setup.host_work_us).suffix(" µs")).accessible_name("Host work");
        }
    });
    ui.horizontal(|ui| {
        ui.radio_value(&mut setup.caller, CallerChoice::Paced, "Live source at a fixed rate");
        if setup.caller == CallerChoice::Paced {
            ui.add(DragValue::new(&mut setup.pace_fps).suffix(" fps")).accessible_name("Pace");
        }
    });
    problems_ui(ui, problems, Part::Caller);
}

fn counts_ui(ui: &mut Ui, setup: &mut Setup, problems: &[Problem]) {
    ui.strong("Runs");
    Grid::new("counts").num_columns(2).show(ui, |ui| {
        let name = ui.label("Frames per run");
        ui.add(DragValue::new(&mut setup.plan.frames)).labelled_by(name.id);
        ui.end_row();
        let name = ui.label("Warm-up runs per case");
        ui.add(DragValue::new(&mut setup.plan.warmup).speed(0.1)).labelled_by(name.id);
        ui.end_row();
        let name = ui.label("Counted runs per case");
        ui.add(DragValue::new(&mut setup.plan.repeat).speed(0.1)).labelled_by(name.id);
        ui.end_row();
        let name = ui.label("Confirmation rounds").on_hover_text(
            "Re-tests the winner against its nearest competitors, because the best of many looks better than it is",
        );
        ui.add(DragValue::new(&mut setup.plan.confirm).speed(0.1)).labelled_by(name.id);
        ui.end_row();
    });
    looks_ui(ui, &mut setup.plan);
    until_ui(ui, &mut setup.plan);
    problems_ui(ui, problems, Part::Frames);
    problems_ui(ui, problems, Part::Repeats);
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

/// Programs that encode the same frames in the same rounds, as separate processes.
fn baselines_ui(ui: &mut Ui, setup: &mut Setup) {
    let baselines = &mut setup.plan.baselines;
    let mut removed = None;
    for (idx, baseline) in baselines.iter().enumerate() {
        ui.horizontal(|ui| {
            ui.label(baseline.to_string());
            if ui.small_button("Remove").accessible_name(format!("Remove {baseline}")).clicked() {
                removed = Some(idx);
            }
        });
    }
    removed.map(|idx| baselines.remove(idx));
    let typed = setup.own_baseline.parse::<Baseline>();
    ui.horizontal(|ui| {
        ui.add(TextEdit::singleline(&mut setup.own_baseline).desired_width(ui.available_width() - 100.0))
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

/// The form as a file that `inflight sweep --plan` takes too.
fn plan_file_ui(ui: &mut Ui, setup: &mut Setup, is_running: bool, queue: &mut Vec<Command>) {
    let path = TextEdit::singleline(&mut setup.plan_path).desired_width(f32::INFINITY);
    ui.add(path)
        .accessible_name("Plan file path")
        .on_hover_text("A plan file, or a session folder, which has a plan too");
    ui.horizontal(|ui| {
        let has_path = !setup.plan_path.is_empty();
        if ui.add_enabled(has_path && !is_running, Button::new("Load plan")).clicked() {
            queue.push(Command::LoadPlan(setup.plan_path.clone().into()));
        }
        if ui.add_enabled(has_path, Button::new("Save plan")).clicked() {
            queue.push(Command::SavePlan);
        }
        if ui.add_enabled(!is_running, Button::new("Choose plan…")).clicked() {
            queue.push(Command::Pick(Purpose::Plan));
        }
    });
}

/// The estimate.
fn sum_ui(ui: &mut Ui, setup: &Setup) {
    let plan = setup.plan();
    let sum = Estimate::of(&plan);
    let (cases, runs) = (units::count(sum.num_cases as f64), units::count(sum.num_runs as f64));
    let more = match sum.num_more_at_most {
        0 => String::new(),
        more => format!(", up to {} more", units::count(more as f64)),
    };
    ui.label(format!("{cases} cases, {runs} runs of {} frames{more}", units::count(plan.frames as f64)));
    let duration = sum.duration.map_or_else(
        || "Duration known after the first run".to_owned(),
        |duration| format!("About {}", units::duration(duration.max(Duration::from_secs(1)))),
    );
    let memory = sum
        .frame_bytes
        .map_or_else(|| format!("up to {} MiB", plan.preload_mib), |frame_bytes| units::bytes(frame_bytes as f64));
    ui.label(format!("{duration}, memory for frames {memory}"))
        .on_hover_text("Estimated from the device's model; this computer's own overhead is not included");
}

fn problems_ui(ui: &mut Ui, problems: &[Problem], part: Part) {
    for problem in problems.iter().filter(|problem| problem.part == part) {
        ui.colored_label(theme::alert(ui), &problem.message);
    }
}
