//! The fourth card: how many rounds, for what use, and the numbers behind both.

use eframe::egui::{DragValue, Ui};

use crate::plan::{Goal, Plan, Until};
use crate::ui::commands::Command;
use crate::ui::theme;
use crate::ui::views::setup::model::{CallerChoice, Effort, Part, Problem, Setup};
use crate::ui::views::setup::parts::{number_ui, problems_ui};
use crate::ui::widgets::{more_ui, row_ui, segments_ui, sub_ui};

/// How many rounds, and for what use.
pub(in crate::ui) fn thorough_ui(ui: &mut Ui, setup: &mut Setup, problems: &[Problem], queue: &mut Vec<Command>) {
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
    number_ui(ui, "Rounds", &mut plan.repeat, " planned");
    number_ui(ui, "To confirm", &mut plan.confirm, " rounds");
    number_ui(ui, "Processes", &mut plan.blocks, "");
    number_ui(ui, "Streams", &mut plan.streams, " at once");
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
