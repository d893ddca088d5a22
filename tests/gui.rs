//! The window's flows, through what a screen reader would find, without a window.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::Command as Process;
use std::time::{Duration, Instant};

use eframe::egui::accesskit::Role;
use eframe::egui::{Context, Ui};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use inflight::contract::LockPlacement;
use inflight::measure::sweep_thread::Starter;
use inflight::session::{Label, Session};
use inflight::ui::app::App;
use inflight::ui::commands::{Command, View};

#[path = "gui/bar.rs"]
mod bar;
#[path = "gui/help.rs"]
mod help;
#[path = "gui/sessions.rs"]
mod sessions;
#[path = "gui/texts.rs"]
mod texts;

/// Whatever is waited for comes within this, or never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// A window whose sessions lie in `folder`, set up for a sweep of a few small frames.
fn window(folder: &Path) -> Harness<'static, App> {
    let app = App::new(&Context::default(), Starter::new().unwrap(), folder.to_owned(), Vec::new());
    let frame = |ui: &mut Ui, app: &mut App| {
        app.tick(ui.ctx());
        app.show(ui);
    };
    let builder = Harness::builder().with_size([1280.0, 800.0]).with_context_setup(inflight::ui::theme::apply);
    let mut window = builder.build_ui_state(frame, app);
    let plan = &mut window.state_mut().setup_mut().plan;
    plan.input = "synthetic:64x64@30".to_owned();
    plan.reap_thresholds = vec![1, 4];
    plan.locks = vec![LockPlacement::Inline];
    plan.looks.clear();
    (plan.frames, plan.warmup, plan.repeat) = (60, 1, 3);
    // The plan's summary takes fewer lines than before, and what lies below it moves.
    window.run_steps(3);
    window
}

/// Draws until `done` holds.
fn wait(window: &mut Harness<'_, App>, what: &str, done: impl Fn(&Harness<'_, App>) -> bool) {
    let start = Instant::now();
    while !done(window) {
        assert!(start.elapsed() < PATIENCE, "no {what} after {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
        window.step();
    }
}

fn click(window: &mut Harness<'_, App>, role: Role, label: &str) {
    window.get_by_role_and_label(role, label).click();
    window.run_steps(2);
}

fn run_to_the_end(window: &mut Harness<'_, App>) {
    click(window, Role::Button, "Run the sweep");
    wait(window, "Stop button", |window| window.query_by_role_and_label(Role::Button, "Stop").is_some());
    wait(window, "end of the sweep", |window| !window.state().is_running());
    // The models of the views follow.
    window.run_steps(3);
}

fn session_of(window: &Harness<'_, App>) -> Session {
    window.state().loaded().unwrap().session.clone()
}

fn without_last_line(text: &str) -> &str {
    text.trim_end().rsplit_once('\n').unwrap().0
}

#[test]
fn a_sweep_ends_in_a_verdict_and_in_the_report_that_the_command_line_writes() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    run_to_the_end(&mut window);
    let session = session_of(&window);
    assert_eq!(session.summaries.len(), 8);
    assert!(window.query_by_label("warm-up, not counted").is_some());
    assert!(window.query_by_label("Frame by frame: Lock wait per frame, ms").is_some());
    assert!(window.query_by_label("Virtual device").is_some());
    let answer = session.analysis().unwrap().answers.remove(0);
    wait(&mut window, "headline", |window| window.query_by_label(&answer.headline).is_some());
    assert!(
        window.query_by_label(answer.state.title()).is_some() || window.query_by_label_contains("Confirmed").is_some()
    );

    click(&mut window, Role::Button, "Thresholds");
    click(&mut window, Role::Button, "Why?");
    wait(&mut window, "answer", |window| window.query_by_label(&answer.sentence).is_some());
    click(&mut window, Role::Button, "Why?");

    click(&mut window, Role::Button, "Compare");
    window.step();
    assert!(window.query_by_label_contains("Criteria: ").is_some());
    assert!(window.query_all_by_label("pass").count() > 0);

    click(&mut window, Role::Button, "Report");
    wait(&mut window, "report", |window| window.query_all_by_label_contains("Frames in flight: ").count() > 0);
    let ours = folder.path().join("ours.md");
    window.state_mut().set_report_path(&ours);
    window.step();
    wait(&mut window, "report", |window| window.query_all_by_label_contains("Frames in flight: ").count() > 0);
    wait(&mut window, "file", |window| {
        window.get_by_role_and_label(Role::Button, "Export report").click();
        window.query_by_label_contains("Written to").is_some()
    });
    let theirs = folder.path().join("theirs").join("ours.md");
    let mut told = Process::new(env!("CARGO_BIN_EXE_inflight"));
    assert!(told.arg("report").arg(&session.dir).arg("-o").arg(&theirs).status().unwrap().success());
    let (ours, theirs) = (fs::read_to_string(ours).unwrap(), fs::read_to_string(theirs).unwrap());
    assert_eq!(without_last_line(&ours), without_last_line(&theirs));
}

#[test]
fn a_stopped_sweep_keeps_what_was_finished() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    window.state_mut().setup_mut().plan.repeat = 100_000;
    window.run_steps(3);
    click(&mut window, Role::Button, "Run the sweep");
    wait(&mut window, "finished run", |window| window.state().loaded().is_some_and(|loaded| !loaded.runs.is_empty()));
    window.key_press(eframe::egui::Key::Escape);
    wait(&mut window, "end of the sweep", |window| !window.state().is_running());
    wait(&mut window, "chip", |window| window.query_by_label_contains("Stopped after").is_some());
    let kept = session_of(&window);
    let saved = Session::open(&kept.dir).unwrap();
    assert!(!saved.summaries.is_empty());
    assert_eq!(saved.summaries, kept.summaries);
}

#[test]
fn a_stopped_sweep_is_finished_in_its_session_also_after_it_was_closed() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    window.state_mut().setup_mut().plan.repeat = 12;
    window.state_mut().setup_mut().plan.confirm = 0;
    window.run_steps(3);
    click(&mut window, Role::Button, "Run the sweep");
    wait(&mut window, "finished run", |window| window.state().loaded().is_some_and(|loaded| !loaded.runs.is_empty()));
    window.state_mut().ask(Command::Stop);
    wait(&mut window, "end of the sweep", |window| !window.state().is_running());
    let stopped = session_of(&window);
    assert!(stopped.summaries.len() < 26, "it came to its end before it was stopped");
    let version = |window: &Harness<'_, App>| window.state().loaded().map(|loaded| loaded.version);
    let before = version(&window);
    window.state_mut().ask(Command::OpenSession(stopped.dir.clone()));
    wait(&mut window, "opened session", |window| version(window) != before);
    window.run_steps(3);
    let finish = "Finish the sweep";
    wait(&mut window, "button", |window| window.query_by_role_and_label(Role::Button, finish).is_some());
    click(&mut window, Role::Button, finish);
    wait(&mut window, "resumption", |window| session_of(window).manifest.resumptions.len() == 1);
    wait(&mut window, "end of the sweep", |window| !window.state().is_running());
    let whole = session_of(&window);
    assert_eq!((&whole.dir, whole.summaries.len(), whole.manifest.resumptions.len()), (&stopped.dir, 26, 1));
    assert_eq!(whole.summaries[..stopped.summaries.len()], stopped.summaries);
    wait(&mut window, "another step", |window| window.query_by_role_and_label(Role::Button, finish).is_none());
    let saved = Session::open(&whole.dir).unwrap();
    assert_eq!(saved.summaries, whole.summaries);
}

#[test]
fn a_bad_value_is_marked_where_it_stands_and_nothing_can_be_run() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    window.state_mut().setup_mut().plan.input = "synthetic:641x360@30".to_owned();
    window.run_steps(2);
    assert!(window.query_by_label_contains("is odd").is_some());
    assert!(window.get_by_role_and_label(Role::Button, "Run the sweep").accesskit_node().is_disabled());
    window.state_mut().setup_mut().plan.input = "no-such-file.y4m".to_owned();
    let num_said = |window: &Harness<'_, App>| window.query_all_by_label_contains("no-such-file.y4m").count();
    wait(&mut window, "message below the input", |window| num_said(window) == 1);
    click(&mut window, Role::Button, "Run the sweep");
    wait(&mut window, "message", |window| window.query_by_label("Dismiss").is_some());
    assert_eq!(num_said(&window), 2);
    click(&mut window, Role::Button, "Dismiss");
    assert!(window.query_by_label("Dismiss").is_none());
}

#[test]
fn a_damaged_session_opens_as_far_as_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    run_to_the_end(&mut window);
    let dir = session_of(&window).dir;
    let runs = dir.join("runs.jsonl");
    let text = fs::read(&runs).unwrap();
    fs::write(&runs, &text[..text.len() - 10]).unwrap();
    window.state_mut().ask(Command::OpenSession(dir.clone()));
    wait(&mut window, "message", |window| window.query_by_label_contains("is incomplete").is_some());
    assert_eq!(session_of(&window).summaries.len(), 7);

    let scratched = String::from_utf8(text).unwrap().replacen("\"case\"", "\"cage\"", 1);
    fs::write(&runs, scratched).unwrap();
    window.state_mut().ask(Command::OpenSession(dir));
    wait(&mut window, "message", |window| window.query_by_label_contains("line 1 of runs.jsonl").is_some());
    assert_eq!(session_of(&window).summaries.len(), 7);

    window.state_mut().ask(Command::OpenSession(folder.path().join("nowhere")));
    wait(&mut window, "message", |window| window.query_by_label_contains("there is no such folder").is_some());
    assert_eq!(session_of(&window).summaries.len(), 7);
}

#[test]
fn the_palette_does_what_is_typed() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    window.state_mut().ask(Command::TogglePalette);
    window.run_steps(2);
    window.get_by_role_and_label(Role::TextInput, "Find a command").type_text("show sess");
    window.run_steps(2);
    window.key_press(eframe::egui::Key::Enter);
    window.run_steps(3);
    assert!(window.query_by_role_and_label(Role::TextInput, "Session folder").is_some());
}

#[test]
fn a_session_is_labelled_deleted_and_had_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    run_to_the_end(&mut window);
    let dir = session_of(&window).dir;
    let name = dir.file_name().unwrap().to_string_lossy().into_owned();
    click(&mut window, Role::Button, "Sessions");
    wait(&mut window, "list", |window| window.query_by_label(&format!("Label {name}")).is_some());
    click(&mut window, Role::Button, &format!("Label {name}"));
    wait(&mut window, "form", |window| window.query_by_role_and_label(Role::TextInput, "Title").is_some());
    window.get_by_role_and_label(Role::TextInput, "Title").focus();
    window.run_steps(1);
    window.get_by_role_and_label(Role::TextInput, "Title").type_text("Night run");
    window.run_steps(1);
    click(&mut window, Role::Button, "Save label");
    wait(&mut window, "title", |window| window.query_by_label("Delete Night run").is_some());
    assert_eq!(Label::load(&dir).unwrap().title, "Night run");

    // The form is gone, so the list has moved.
    window.run_steps(3);
    click(&mut window, Role::Button, "Delete Night run");
    wait(&mut window, "undo", |window| window.query_by_role_and_label(Role::Button, "Undo").is_some());
    assert!(!dir.exists());
    assert!(window.state().loaded().is_none());
    window.run_steps(3);
    click(&mut window, Role::Button, "Undo");
    wait(&mut window, "session", |window| window.query_by_label("Delete Night run").is_some());
    assert_eq!(Session::open(&dir).unwrap().summaries.len(), 8);
}

#[test]
fn the_session_of_a_live_sweep_cannot_be_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    window.state_mut().setup_mut().plan.repeat = 100_000;
    window.run_steps(3);
    click(&mut window, Role::Button, "Run the sweep");
    wait(&mut window, "finished run", |window| window.state().loaded().is_some_and(|loaded| !loaded.runs.is_empty()));
    let dir = session_of(&window).dir;
    window.state_mut().ask(Command::Delete(dir.clone()));
    wait(&mut window, "message", |window| window.query_by_label_contains("a sweep is writing it").is_some());
    assert!(dir.exists());
}

#[test]
fn the_before_side_may_be_of_another_session() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    run_to_the_end(&mut window);
    let first = session_of(&window).dir;
    let moved = folder.path().join("elsewhere");
    fs::rename(&first, &moved).unwrap();
    run_to_the_end(&mut window);
    click(&mut window, Role::Button, "Compare");
    window.state_mut().ask(Command::CompareWith(Some(moved.clone())));
    let shown = moved.display().to_string();
    wait(&mut window, "other session", |window| {
        window.get_by_role_and_label(Role::ComboBox, "Before session").value() == Some(shown.clone())
    });
    window.run_steps(2);
    assert!(window.query_by_label_contains("Criteria: ").is_some());
    assert!(
        window.query_by_label_contains("not measured together").is_some()
            || window.query_all_by_label("Warning").count() > 0
    );
}

#[test]
fn a_plan_goes_to_a_file_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    let path = folder.path().join("plan.json");
    window.state_mut().setup_mut().plan_path = path.display().to_string();
    window.state_mut().ask(Command::SavePlan);
    wait(&mut window, "file", |window| window.query_by_label_contains("Plan saved to").is_some());
    let saved = window.state_mut().setup_mut().plan();
    window.state_mut().setup_mut().plan.frames = 7;
    wait(&mut window, "change", |window| window.query_by_label_contains("runs of 7 frames").is_some());
    window.state_mut().ask(Command::LoadPlan(path.clone()));
    wait(&mut window, "plan", |window| window.query_by_label_contains("runs of 60 frames").is_some());
    assert_eq!(window.state_mut().setup_mut().plan(), saved);
    let told = Process::new(env!("CARGO_BIN_EXE_inflight"))
        .args(["sweep", "--dry-run", "--repeat", "5", "--plan"])
        .arg(&path)
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&told.stdout).contains("2 cases, 12 to 48 runs of 60 frames"), "{told:?}");

    fs::write(&path, "{").unwrap();
    window.state_mut().ask(Command::LoadPlan(path));
    wait(&mut window, "message", |window| window.query_by_label_contains("cannot read a plan from").is_some());
    assert_eq!(window.state_mut().setup_mut().plan(), saved);
}

#[test]
fn a_saved_plan_never_replaces_a_file_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    let path = folder.path().join("plan.json");
    fs::write(&path, "somebody's notes").unwrap();
    window.state_mut().setup_mut().plan_path = path.display().to_string();
    let save = |window: &mut Harness<'_, App>, answer: &str| {
        window.state_mut().ask(Command::SavePlan);
        wait(window, "question", |window| window.query_by_label("plan.json is there already").is_some());
        window.run_steps(2);
        click(window, Role::Button, answer);
    };
    save(&mut window, "Cancel");
    assert!(window.query_by_label("plan.json is there already").is_none());
    assert_eq!(fs::read_to_string(&path).unwrap(), "somebody's notes");
    save(&mut window, "Replace");
    wait(&mut window, "notice", |window| window.query_by_label_contains("Plan saved: it replaced").is_some());
    assert!(fs::read_to_string(&path).unwrap().contains("plan_version"));
    window.state_mut().setup_mut().plan.frames = 7;
    save(&mut window, "Save as plan-2.json");
    wait(&mut window, "notice", |window| window.query_by_label_contains("plan-2.json").is_some());
    assert!(!fs::read_to_string(&path).unwrap().contains("\"frames\": 7"));
    assert!(fs::read_to_string(folder.path().join("plan-2.json")).unwrap().contains("\"frames\": 7"));
}

#[test]
fn one_click_on_the_first_start_runs_the_default_plan_on_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    click(&mut window, Role::Button, "Try it on the built-in model");
    wait(&mut window, "run", |window| window.state().loaded().is_some_and(|loaded| !loaded.runs.is_empty()));
    let plan = session_of(&window).manifest.plan;
    assert_eq!((plan.input.as_str(), plan.reap_thresholds.as_slice()), ("synthetic", &[1, 2, 4, 8][..]));
    assert!(plan.device.starts_with("virtual:") && plan.confirm > 0, "{plan:?}");
    window.key_press(eframe::egui::Key::Escape);
    wait(&mut window, "end of the sweep", |window| !window.state().is_running());
}

#[test]
fn a_quiet_window_shows_nothing_of_the_run_in_progress() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    window.state_mut().setup_mut().plan.repeat = 100_000;
    window.state_mut().ask(Command::ToggleQuiet);
    window.run_steps(3);
    click(&mut window, Role::Button, "Run the sweep");
    wait(&mut window, "finished run", |window| window.state().loaded().is_some_and(|loaded| !loaded.runs.is_empty()));
    window.run_steps(2);
    assert!(window.query_by_label("Drawing is paused while measuring").is_some());
    assert!(window.query_by_label("Frame by frame: Lock wait per frame, ms").is_none());
    click(&mut window, Role::Button, "Resume drawing");
    assert!(window.query_by_label("Frame by frame: Lock wait per frame, ms").is_some());
}

/// Half of the runs are made another program's, as `sweep --baseline` and `virtual-driver run` write them.
#[test]
fn another_program_is_a_row_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    run_to_the_end(&mut window);
    let dir = session_of(&window).dir;
    let runs = dir.join("runs.jsonl");
    let own = r#""reap_threshold":4,"lock":"inline","pool":4}"#;
    let foreign = r#""reap_threshold":0,"lock":"inline","pool":0,"client":"ffmpeg -delay 0"}"#;
    let text = fs::read_to_string(&runs).unwrap();
    assert_eq!(text.matches(own).count(), 4);
    fs::write(&runs, text.replace(own, foreign)).unwrap();
    window.state_mut().ask(Command::OpenSession(dir));
    let clients = |window: &Harness<'_, App>| -> Vec<String> {
        let loaded = window.state().loaded();
        loaded.map_or_else(Vec::new, |it| it.groups.iter().map(|group| group.case.client.to_string()).collect())
    };
    wait(&mut window, "other program", |window| clients(window) == ["here", "ffmpeg -delay 0"]);
    for view in [View::Distributions, View::Thresholds, View::Timeline, View::Compare, View::Report] {
        window.state_mut().ask(Command::Show(view));
        window.run_steps(4);
    }
    wait(&mut window, "report", |window| window.query_all_by_label_contains("Frames in flight: ").count() > 0);
    let path = folder.path().join("with-another.md");
    window.state_mut().set_report_path(&path);
    wait(&mut window, "file", |window| {
        window.get_by_role_and_label(Role::Button, "Export report").click();
        window.query_by_label_contains("Written to").is_some()
    });
    assert!(fs::read_to_string(path).unwrap().contains("Whole processes, H.264"));
}

/// Views in which nothing may overlap or stick out, whatever is open.
const VIEWS: [View; 7] =
    [View::Live, View::Distributions, View::Thresholds, View::Timeline, View::Compare, View::Report, View::Sessions];

/// Texts and controls that overlap each other, or stick out of the window.
fn untidy(window: &Harness<'_, App>) -> Vec<String> {
    let screen = window.ctx.content_rect();
    let texts: Vec<_> = window
        .query_all(
            egui_kittest::kittest::By::new()
                .predicate(|node| matches!(node.role(), Role::Label | Role::Button | Role::TextInput | Role::CheckBox)),
        )
        .map(|node| (node.rect(), node.accesskit_node().label().or(node.accesskit_node().value()).unwrap_or_default()))
        .filter(|(rect, text)| rect.is_positive() && !text.is_empty() && screen.intersects(*rect))
        // What the form scrolls under its footer is clipped there; where it would be is known all the same.
        .filter(|(_, text)| !text.contains(" runs of ") && !text.contains("iB") && text != "Run the sweep")
        .collect();
    let mut found = Vec::new();
    for (idx, (rect, text)) in texts.iter().enumerate() {
        if rect.left() < screen.left() - 1.0 || rect.right() > screen.right() + 1.0 {
            found.push(format!("'{text}' sticks out at {rect}"));
        }
        for (other, other_text) in &texts[idx + 1..] {
            let both = rect.intersect(*other);
            let is_inside = rect.contains_rect(*other) || other.contains_rect(*rect);
            if both.width() > 2.0 && both.height() > 2.0 && !is_inside {
                found.push(format!("'{text}' at {rect} overlaps '{other_text}' at {other}"));
            }
        }
    }
    found
}

#[test]
fn nothing_overlaps_in_any_view_at_any_size() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    assert_eq!(untidy(&window), Vec::<String>::new(), "first start");
    run_to_the_end(&mut window);
    for size in [[1024.0, 640.0], [1280.0, 800.0], [1920.0, 1080.0]] {
        window.set_size(size.into());
        for view in VIEWS {
            window.state_mut().ask(Command::Show(view));
            window.run_steps(4);
            assert_eq!(untidy(&window), Vec::<String>::new(), "{view:?} at {size:?}");
        }
    }
}
