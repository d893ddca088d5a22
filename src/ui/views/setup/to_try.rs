//! The third card: which thresholds and lock placements, and what runs beside them.

use eframe::egui::{Button, Checkbox, DragValue, TextEdit, Ui, vec2};

use crate::contract::{EngineKind, LockPlacement, MAX_IN_FLIGHT};
use crate::plan::Baseline;
use crate::process::ffmpeg::encoder_of;
use crate::ui::theme;
use crate::ui::views::setup::model::{CHIPS, Part, Problem, Setup};
use crate::ui::views::setup::parts::problems_ui;
use crate::ui::widgets::{icons, more_ui, removable_chip_ui, row_ui, sub_ui};

const LOCKS: [(LockPlacement, &str, &str); 4] = [
    (LockPlacement::Inline, "submit thread (inline)", "waits in the lock at T frames"),
    (LockPlacement::Thread, "lock thread", "locks each frame at once"),
    (LockPlacement::Ready, "ready thread", "locks each frame once it is finished"),
    (LockPlacement::Poll, "submit thread, polling", "tries to lock after each frame"),
];

/// Thresholds, lock placements, and what else runs beside them.
pub(in crate::ui) fn to_try_ui(ui: &mut Ui, setup: &mut Setup, problems: &[Problem]) {
    let is_fed = setup.plan.engine == EngineKind::Transcode;
    if is_fed {
        row_ui(ui, "In decoder", |ui| {
            thresholds_ui(ui, setup, Ring::Decoder);
            sub_ui(ui, "frames in flight before the oldest is mapped");
        });
    }
    row_ui(ui, if is_fed { "In encoder" } else { "In flight" }, |ui| thresholds_ui(ui, setup, Ring::Measured));
    problems_ui(ui, problems, &[Part::Thresholds]);
    row_ui(ui, "Lock on", |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for (lock, title, explanation) in LOCKS {
            let mut is_chosen = setup.plan.locks.contains(&lock);
            if ui.checkbox(&mut is_chosen, title).changed() {
                setup.toggle_lock(lock);
            }
            below_box_ui(ui, &setup.plan.engine.say(explanation));
        }
    });
    problems_ui(ui, problems, &[Part::Locks]);
    if !setup.plan.engine.decodes() {
        row_ui(ui, "Compare", |ui| ffmpeg_ui(ui, setup));
        problems_ui(ui, problems, &[Part::Others]);
        more_ui(ui, "Pool, FFmpeg options", |ui| {
            pool_ui(ui, setup);
            baselines_ui(ui, setup);
        });
    } else {
        more_ui(ui, "Pool", |ui| pool_ui(ui, setup));
    }
    problems_ui(ui, problems, &[Part::Pool]);
}

/// A line that belongs to the check box above it.
fn below_box_ui(ui: &mut Ui, text: &str) {
    ui.horizontal(|ui| {
        let spacing = ui.spacing();
        ui.add_space(spacing.icon_width + spacing.icon_spacing);
        ui.vertical(|ui| sub_ui(ui, text));
    });
    ui.add_space(theme::GRID / 2.0);
}

/// FFmpeg in the same rounds, or why that is not possible here.
fn ffmpeg_ui(ui: &mut Ui, setup: &mut Setup) {
    ui.spacing_mut().item_spacing.y = 0.0;
    let mut is_on = setup.has_ffmpeg();
    // What a loaded plan has can be taken out of it everywhere.
    let can_run = matches!(setup.ffmpeg, Some(Ok(_))) || is_on;
    let ticked = ui.add_enabled(can_run, Checkbox::new(&mut is_on, "with FFmpeg"));
    if ticked.accessible_name("Compare with FFmpeg").changed() {
        setup.set_ffmpeg(is_on);
    }
    let encoders = setup.plan.codecs.iter().map(|&codec| encoder_of(codec)).collect::<Vec<_>>().join(", ");
    match &setup.ffmpeg {
        // Once ticked, it is a problem of the plan and said below.
        Some(Err(_)) if is_on => {}
        Some(Err(why)) => below_box_ui(ui, why),
        _ => below_box_ui(ui, &format!("{encoders}; ours runs as a process too")),
    }
}

fn pool_ui(ui: &mut Ui, setup: &mut Setup) {
    row_ui(ui, "Pool", |ui| {
        let mut is_own = !setup.plan.pools.is_empty();
        let pool = ui.checkbox(&mut is_own, "Set pool size");
        if pool.on_hover_text("Off: the same for all cases, and enough for the largest threshold").changed() {
            setup.plan.pools = if is_own { vec![setup.plan.usual_pool()] } else { Vec::new() };
        }
        let unit = if setup.plan.engine.encodes() { " buffer pairs" } else { " surfaces" };
        for pool in &mut setup.plan.pools {
            ui.add(DragValue::new(pool).suffix(unit)).accessible_name(unit.trim());
        }
    });
}

/// Whose thresholds a row of chips has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ring {
    /// The engine's that is measured.
    Measured,
    /// The decoder's that feeds it.
    Decoder,
}

impl Ring {
    fn thresholds(self, setup: &Setup) -> &[u32] {
        match self {
            Self::Measured => &setup.plan.reap_thresholds,
            Self::Decoder => &setup.plan.decode_reap_thresholds,
        }
    }

    fn toggle(self, setup: &mut Setup, threshold: u32) {
        match self {
            Self::Measured => setup.toggle_threshold(threshold),
            Self::Decoder => setup.toggle_decode_threshold(threshold),
        }
    }

    /// After the name of a control, where there are two of them.
    fn place(self) -> &'static str {
        if self == Self::Decoder { " in the decoder" } else { "" }
    }
}

fn thresholds_ui(ui: &mut Ui, setup: &mut Setup, ring: Ring) {
    let place = ring.place();
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
        ui.spacing_mut().button_padding = vec2(6.0, 2.0);
        let chosen = ring.thresholds(setup).to_vec();
        // A plan from a file has them in an order of its own.
        let mut sorted = chosen.clone();
        sorted.sort_unstable();
        for threshold in sorted {
            let name = format!("Remove {threshold} frames in flight{place}");
            if removable_chip_ui(ui, &threshold.to_string(), &name) {
                ring.toggle(setup, threshold);
            }
        }
        let menu = ui.menu_button(icons::PLUS, |ui| {
            for threshold in CHIPS.into_iter().filter(|one| !chosen.contains(one)) {
                if ui.button(format!("{threshold}")).clicked() {
                    ring.toggle(setup, threshold);
                    ui.close();
                }
            }
            ui.horizontal(|ui| {
                ui.add(DragValue::new(&mut setup.own_threshold).range(1..=MAX_IN_FLIGHT))
                    .accessible_name("Other threshold");
                let is_new = !chosen.contains(&setup.own_threshold);
                if ui.add_enabled(is_new, Button::new("Add")).on_hover_text("Add this threshold to the sweep").clicked()
                {
                    ring.toggle(setup, setup.own_threshold);
                    ui.close();
                }
            });
        });
        menu.response.accessible_name(format!("Add a threshold{place}")).on_hover_text(
            "With this many frames in flight, the oldest is reaped before the next is submitted; 1 is serial",
        );
    });
}

/// FFmpeg with options of its own, each as a program like any other.
fn baselines_ui(ui: &mut Ui, setup: &mut Setup) {
    row_ui(ui, "FFmpeg", |ui| {
        let mut removed = None;
        for (idx, baseline) in setup.plan.baselines.iter().enumerate().filter(|(_, one)| has_options(one)) {
            if removable_chip_ui(ui, &baseline.to_string(), &format!("Remove {baseline}")) {
                removed = Some(idx);
            }
        }
        removed.map(|idx| setup.plan.baselines.remove(idx));
        let typed = format!("ffmpeg:{}", setup.own_options).parse::<Baseline>();
        ui.horizontal(|ui| {
            ui.add(TextEdit::singleline(&mut setup.own_options).desired_width(ui.available_width() - 64.0))
                .accessible_name("FFmpeg options")
                .on_hover_text("Output options beyond those of the plan, for example -delay 0");
            let is_new = typed.as_ref().is_ok_and(|typed| has_options(typed) && !setup.plan.baselines.contains(typed));
            let add = ui.add_enabled(is_new, Button::new("Add"));
            if add.accessible_name("Add FFmpeg with these options").clicked() {
                setup.plan.baselines.extend(typed.clone().ok());
            }
        });
        if let Err(error) = typed {
            ui.colored_label(theme::alert(ui), error.to_string());
        }
        let can_verify = !setup.plan.baselines.is_empty();
        let verify = Checkbox::new(&mut setup.plan.verify, "Decode its output");
        let hint = "ffprobe decodes what the processes wrote, and counts the frames";
        ui.add_enabled(can_verify, verify).on_hover_text(hint);
    });
}

fn has_options(baseline: &Baseline) -> bool {
    baseline.extra_options().next().is_some()
}
