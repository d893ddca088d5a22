//! Every text that the window paints, in each view and state: none is cut at an edge, none lies over another.
//!
//! Looks at painted shapes, so that what plots write is seen as well as what controls write.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use eframe::egui::Rect;
use eframe::egui::epaint::{ClippedShape, Shape};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use inflight::contract::{Codec, LockPlacement};
use inflight::ui::app::App;
use inflight::ui::commands::{Command, View};

/// A sweep of 36 cases on a busy computer takes longer than those of the other tests.
const PATIENCE: Duration = Duration::from_secs(120);
const SIZES: [[f32; 2]; 3] = [[1024.0, 640.0], [1280.0, 800.0], [1920.0, 1080.0]];
/// Glyphs may touch by so much.
const TOUCH: f32 = 1.5;

/// One text on the screen.
struct Painted {
    text: String,
    /// Of its letters.
    rect: Rect,
    /// Of it, what can be seen.
    clip: Rect,
    /// Cut to the room there is.
    is_elided: bool,
}

/// As in the other tests, with shorter runs.
fn window(folder: &Path) -> Harness<'static, App> {
    let mut window = super::window(folder);
    let plan = &mut window.state_mut().setup_mut().plan;
    plan.device = "virtual:latency_us=200,interval_us=100".to_owned();
    (plan.frames, plan.repeat, plan.confirm) = (40, 2, 0);
    window.run_steps(3);
    window
}

fn wait(window: &mut Harness<'_, App>, what: &str, done: impl Fn(&App) -> bool) {
    let start = Instant::now();
    while !done(window.state()) {
        assert!(start.elapsed() < PATIENCE, "no {what} after {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
        window.step();
    }
    settle(window);
}

/// Models are made on threads; that of a run is asked for once the session's is there.
fn settle(window: &mut Harness<'_, App>) {
    for _ in 0..2 {
        window.state_mut().settle();
        window.run_steps(3);
    }
}

/// Reports are rendered on a thread.
fn wait_for_text(window: &mut Harness<'_, App>, text: &str) {
    let start = Instant::now();
    while window.query_all_by_label_contains(text).count() == 0 {
        assert!(start.elapsed() < PATIENCE, "no '{text}' after {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
        window.step();
    }
}

fn run(window: &mut Harness<'_, App>, thresholds: &[u32], locks: &[LockPlacement]) {
    let plan = &mut window.state_mut().setup_mut().plan;
    (plan.reap_thresholds, plan.locks) = (thresholds.to_vec(), locks.to_vec());
    window.state_mut().ask(Command::Run);
    window.step();
}

fn painted(window: &Harness<'_, App>) -> Vec<Painted> {
    fn visit(shape: &Shape, clip: Rect, found: &mut Vec<Painted>) {
        match shape {
            Shape::Vec(shapes) => shapes.iter().for_each(|shape| visit(shape, clip, found)),
            // A dialog or notice lies above what was painted before.
            Shape::Rect(ground) if ground.fill.is_opaque() => {
                let ground = ground.rect.intersect(clip);
                found.retain(|one: &Painted| !ground.intersects(one.rect));
            }
            // Row by row: a text that wraps around a control goes on below it.
            Shape::Text(text) => found.extend(text.galley.rows.iter().map(|row| {
                let rect = row.visuals.mesh_bounds.translate(row.pos.to_vec2() + text.pos.to_vec2());
                Painted { text: row.text(), rect, clip, is_elided: text.galley.elided }
            })),
            _ => {}
        }
    }
    let mut found = Vec::new();
    let shapes: &[ClippedShape] = &window.output().shapes;
    shapes.iter().for_each(|clipped| visit(&clipped.shape, clipped.clip_rect, &mut found));
    found.retain(|one| one.rect.is_positive() && one.rect.intersect(one.clip).is_positive());
    found
}

/// What a person would complain about. Cut at the top or bottom is what scrolls.
fn untidy(window: &Harness<'_, App>) -> Vec<String> {
    let texts = painted(window);
    assert!(texts.len() > 20, "the window paints its texts");
    let mut found = Vec::new();
    for (idx, Painted { text, rect, clip, is_elided }) in texts.iter().enumerate() {
        // A path, a name that somebody chose and what is wrong with a file may be longer than any room.
        if *is_elided
            && !text.contains('/')
            && !text.contains("sweep-")
            && !text.contains("virtual")
            && !text.contains(".jsonl")
        {
            found.push(format!("'{text}' is cut to its room"));
        }
        if rect.left() < clip.left() - TOUCH || rect.right() > clip.right() + TOUCH {
            found.push(format!("'{text}' at {rect} is cut by {clip}"));
        }
        for other in &texts[idx + 1..] {
            let both = rect.intersect(*clip).intersect(other.rect.intersect(other.clip));
            if both.width() > TOUCH && both.height() > TOUCH {
                found.push(format!("'{text}' at {rect} overlaps '{}' at {}", other.text, other.rect));
            }
        }
    }
    found
}

fn check_every_view(window: &mut Harness<'_, App>, state: &str) {
    let mut found = Vec::new();
    for size in SIZES {
        window.set_size(size.into());
        for view in View::ALL {
            window.state_mut().ask(Command::Show(view));
            window.run_steps(3);
            settle(window);
            if view == View::Report {
                wait_for_text(window, "Frames in flight: ");
            }
            found.extend(untidy(window).into_iter().map(|what| format!("{state}, {view:?} at {size:?}: {what}")));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn check(window: &mut Harness<'_, App>, state: &str) {
    for size in SIZES {
        window.set_size(size.into());
        window.run_steps(4);
        assert_eq!(untidy(window), Vec::<String>::new(), "{state} at {size:?}");
    }
}

const ALL: [LockPlacement; 4] =
    [LockPlacement::Inline, LockPlacement::Thread, LockPlacement::Ready, LockPlacement::Poll];

#[test]
fn texts_of_one_case_and_of_eight_and_of_thirty_six() {
    let many: Vec<u32> = (1..=12).collect();
    let sweeps: [(&[u32], &[LockPlacement]); 3] = [(&[1], &ALL[..1]), (&[1, 2, 4, 8], &ALL[..2]), (&many, &ALL)];
    for (thresholds, locks) in sweeps {
        let folder = tempfile::tempdir().unwrap();
        let mut window = window(folder.path());
        run(&mut window, thresholds, locks);
        wait(&mut window, "end of the sweep", |app| !app.is_running());
        check_every_view(&mut window, &format!("{} cases", thresholds.len() * locks.len()));
    }
}

#[test]
fn texts_of_two_codecs() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    window.state_mut().setup_mut().plan.codecs = vec![Codec::H264, Codec::Hevc];
    run(&mut window, &[1, 4], &ALL[..2]);
    wait(&mut window, "end of the sweep", |app| !app.is_running());
    check_every_view(&mut window, "two codecs");
}

#[test]
fn texts_before_during_and_after_a_sweep_that_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    check(&mut window, "first start");
    run(&mut window, &[1, 2, 4, 8], &ALL);
    wait(&mut window, "a few runs", |app| app.loaded().is_some_and(|loaded| loaded.runs.len() > 3));
    check(&mut window, "running");
    window.state_mut().ask(Command::Stop);
    wait(&mut window, "end of the sweep", |app| !app.is_running());
    check_every_view(&mut window, "stopped");
}

#[test]
fn texts_of_a_sweep_that_fails_and_of_a_damaged_session() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    // A device that refuses the codec.
    window.state_mut().setup_mut().plan.device = "virtual:codecs=hevc".to_owned();
    run(&mut window, &[1, 4], &ALL[..1]);
    wait(&mut window, "end of the sweep", |app| !app.is_running());
    check(&mut window, "failed");

    window.state_mut().setup_mut().plan.device = "virtual:latency_us=200,interval_us=100".to_owned();
    run(&mut window, &[1, 4], &ALL[..1]);
    wait(&mut window, "end of the sweep", |app| !app.is_running());
    let dir = window.state().loaded().unwrap().session.dir.clone();
    let runs = dir.join("runs.jsonl");
    let text = fs::read_to_string(&runs).unwrap();
    let torn = text.replacen("\"wall_ns\"", "\"wall\"", 2);
    fs::write(&runs, torn).unwrap();
    window.state_mut().ask(Command::OpenSession(dir));
    window.run_steps(3);
    wait(&mut window, "the damaged session", |app| app.loaded().is_some_and(|loaded| loaded.runs.len() < 6));
    check_every_view(&mut window, "damaged");
    assert!(window.query_all_by_label_contains("was left out").count() > 0, "the damage is said");
}
