//! The timeline without a window, by what it says to someone who cannot see it.

use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::{Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, Pos2, Rect, TouchPhase, Ui, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;

use crate::ui::data::LoadedSession;
use crate::ui::fixture;
use crate::ui::views::distributions::selection::{FrameSelection, FrameTime};
use crate::ui::views::plots::Plots;

struct State {
    plots: Plots,
    session: LoadedSession,
    typed: String,
}

/// The view below a text field.
fn harness(session: LoadedSession, width: f32) -> Harness<'static, State> {
    let state = State { plots: Plots::default(), session, typed: String::new() };
    let draw = move |ui: &mut Ui, state: &mut State| {
        ui.text_edit_singleline(&mut state.typed);
        state.plots.timeline_ui(ui, &state.session);
    };
    // Two clicks in a row are a double click.
    let builder =
        Harness::builder().with_step_dt(0.05).with_size([width, 800.0]).with_context_setup(crate::ui::theme::apply);
    let mut harness = builder.build_ui_state(draw, state);
    // Models are made on threads; that of a run is asked for once the session's is there.
    for _ in 0..2 {
        harness.state_mut().plots.settle();
        harness.run_steps(3);
    }
    harness
}

/// Run 2 of it, the recommended one, has 1000 frames; frame 700 waited longest.
fn of_a_sweep() -> Harness<'static, State> {
    harness(fixture::sweep(1000), 1000.0)
}

/// What is shown, in nanoseconds.
fn bounds(harness: &Harness<'_, State>) -> (f64, f64) {
    let plots = &harness.state().plots;
    plots.timeline_state.bounds(plots.timeline.newest().expect("a timeline"))
}

fn length(harness: &Harness<'_, State>) -> f64 {
    let (from_ns, until_ns) = bounds(harness);
    until_ns - from_ns
}

fn canvas(harness: &Harness<'_, State>) -> Rect {
    harness.get_by_label_contains("Timeline of run").rect()
}

fn overview(harness: &Harness<'_, State>) -> Rect {
    harness.get_by_label_contains("Overview of run").rect()
}

fn click(harness: &mut Harness<'_, State>, name: &str) {
    harness.get_by_role_and_label(Role::Button, name).click();
    harness.run_steps(3);
}

fn press(harness: &mut Harness<'_, State>, key: Key) {
    harness.key_press(key);
    harness.run_steps(2);
}

fn drag(harness: &mut Harness<'_, State>, from: Pos2, to: Pos2) {
    harness.hover_at(from);
    harness.run_steps(1);
    harness.drag_at(from);
    harness.run_steps(1);
    for share in [0.5, 1.0] {
        harness.hover_at(from.lerp(to, share));
        harness.run_steps(1);
    }
    harness.drop_at(to);
    harness.run_steps(3);
}

#[test]
fn a_run_opens_on_the_frame_that_waited_longest_and_fit_shows_all() {
    let mut harness = of_a_sweep();
    harness.get_by_label("Timeline of run 2: 1000 frames in 4 slots, 0 marked");
    harness.get_by_label_contains("Frame 700 waited longest: ");
    harness.get_by_label("Submitted at");
    assert!(length(&harness) < 100e6, "{}", length(&harness));
    click(&mut harness, "Fit");
    assert!(length(&harness) > 400e6);
    assert_eq!(harness.state().plots.timeline_state.frame, Some(700));
}

#[test]
fn another_slow_frame_is_a_click_away() {
    let mut harness = of_a_sweep();
    let second = harness.state().plots.timeline.newest().unwrap().worst(FrameTime::LockWait)[1];
    harness.get_by_label_contains(&format!("Frame {second} ")).click();
    harness.run_steps(3);
    assert_eq!(harness.state().plots.timeline_state.frame, Some(second));
    let selection = FrameSelection { time: FrameTime::Latency, from_ns: 5_000_000, to_ns: u64::MAX };
    harness.state_mut().plots.selection = Some(selection);
    harness.run_steps(2);
    harness.get_by_label("Timeline of run 2: 1000 frames in 4 slots, 1 marked");
}

#[test]
fn buttons_and_keys_go_from_stall_to_stall() {
    let mut harness = of_a_sweep();
    let chosen = |harness: &Harness<'_, State>| harness.state().plots.timeline_state.frame.unwrap();
    click(&mut harness, "Previous stall");
    let before = chosen(&harness);
    assert!(before < 700);
    click(&mut harness, "Next stall");
    assert_eq!(chosen(&harness), 700);
    let at = canvas(&harness).center();
    harness.hover_at(at);
    harness.run_steps(2);
    press(&mut harness, Key::P);
    assert_eq!(chosen(&harness), before);
    harness.get_by_label_contains(&format!("Frame {before} waited "));
    press(&mut harness, Key::N);
    assert_eq!(chosen(&harness), 700);
}

#[test]
fn keys_zoom_and_pan_under_the_pointer_but_not_while_somebody_types() {
    let mut harness = of_a_sweep();
    let at = canvas(&harness).center();
    let (first, first_length) = (bounds(&harness), length(&harness));
    press(&mut harness, Key::W);
    assert_eq!(bounds(&harness), first, "the pointer is elsewhere");
    harness.hover_at(at);
    harness.run_steps(2);
    for (key, back) in [(Key::W, Key::S), (Key::Plus, Key::Minus)] {
        press(&mut harness, key);
        assert!(length(&harness) < 0.7 * first_length, "{key:?}");
        press(&mut harness, back);
        assert!((length(&harness) / first_length - 1.0).abs() < 1e-6, "{back:?}");
    }
    press(&mut harness, Key::D);
    assert!(bounds(&harness).0 > first.0 + 0.1 * first_length);
    press(&mut harness, Key::A);
    assert!((bounds(&harness).0 - first.0).abs() < 1e-6 * first_length);

    harness.get_by_role(Role::TextInput).focus();
    harness.run_steps(2);
    harness.hover_at(at);
    let before = bounds(&harness);
    for key in [Key::W, Key::D, Key::N, Key::P] {
        press(&mut harness, key);
    }
    assert_eq!(bounds(&harness), before);
}

#[test]
fn the_wheel_zooms_at_the_pointer_and_a_double_click_fits() {
    let mut harness = of_a_sweep();
    let rect = canvas(&harness);
    let at = rect.right_center() - vec2(10.0, 0.0);
    let (before, end) = (length(&harness), bounds(&harness).1);
    harness.hover_at(at);
    harness.event(Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        delta: vec2(0.0, 100.0),
        phase: TouchPhase::Move,
        source: MouseWheelSource::Wheel,
        modifiers: Modifiers::NONE,
    });
    harness.run_steps(30);
    assert!(length(&harness) < 0.8 * before);
    assert!((bounds(&harness).1 - end).abs() < 0.05 * before, "the time at the pointer moved");
    let zoomed = length(&harness);
    harness.event(Event::Zoom(0.5));
    harness.run_steps(2);
    assert!(length(&harness) > 1.9 * zoomed);
    for _ in 0..2 {
        harness.drag_at(rect.center());
        harness.drop_at(rect.center());
        harness.run_steps(1);
    }
    harness.run_steps(2);
    assert!(harness.state().plots.timeline_state.shows_all());
}

#[test]
fn a_drag_pans_and_with_select_range_it_marks_a_range() {
    let mut harness = of_a_sweep();
    let rect = canvas(&harness);
    let (left, right) = (rect.center(), rect.center() + vec2(120.0, 0.0));
    let before = bounds(&harness).0;
    drag(&mut harness, left, right);
    assert!(bounds(&harness).0 < before);
    assert!(harness.query_by_label("Selected range").is_none());

    click(&mut harness, "Select range");
    let before = bounds(&harness);
    drag(&mut harness, left, right);
    assert_eq!(bounds(&harness), before);
    for name in ["Selected range", "Frames submitted", "submit thread", "engine (inferred)", "own work"] {
        harness.get_by_label(name);
    }
    press(&mut harness, Key::Escape);
    assert!(harness.query_by_label("Selected range").is_none());

    drag(&mut harness, right, left);
    harness.get_by_label("Selected range");
    harness.drag_at(rect.center());
    harness.drop_at(rect.center());
    harness.run_steps(3);
    assert!(harness.query_by_label("Selected range").is_none());
}

#[test]
fn shift_and_drag_marks_a_range() {
    let mut harness = of_a_sweep();
    let rect = canvas(&harness);
    harness.event(Event::ModifiersChanged(Modifiers::SHIFT));
    harness.run_steps(1);
    drag(&mut harness, rect.center(), rect.center() + vec2(-90.0, 0.0));
    harness.get_by_label("Selected range");
}

#[test]
fn the_overview_is_clicked_and_dragged() {
    let mut harness = of_a_sweep();
    let rect = overview(&harness);
    let before = length(&harness);
    let middle = rect.left() + 0.6 * rect.width();
    harness.drag_at(Pos2::new(middle, rect.center().y));
    harness.drop_at(Pos2::new(middle, rect.center().y));
    harness.run_steps(3);
    let clicked = bounds(&harness);
    assert!((length(&harness) - before).abs() < 1.0);
    drag(&mut harness, Pos2::new(middle, rect.center().y), Pos2::new(middle + 60.0, rect.center().y));
    assert!(bounds(&harness).0 > clicked.0 + before);
    let end = format!(" of {} shown", crate::units::ns(harness.state().plots.timeline.newest().unwrap().span_ns));
    harness.get_by_label_contains(&end);
}

#[test]
fn the_side_panel_is_below_where_there_is_no_room_beside() {
    let at = |width| {
        let harness = harness(fixture::sweep(1000), width);
        (canvas(&harness), harness.get_by_label("Slowest frames").rect())
    };
    let (canvas, side) = at(1000.0);
    assert!(side.left() > canvas.right());
    let (canvas, side) = at(656.0);
    assert!(side.top() > canvas.bottom() && side.right() < 656.0 && canvas.width() > 600.0);
}

#[test]
fn torn_records_and_b_frames_are_shown() {
    let mut torn = fixture::sweep(200);
    let frames = Arc::make_mut(&mut torn.runs[2].frames);
    frames.lock_ns.truncate(150);
    frames.latency_ns.truncate(120);
    frames.encode_idx.truncate(90);
    frames.kinds.truncate(3);
    let mut reordered = fixture::sweep(200);
    Arc::make_mut(&mut reordered.runs[2].frames).encode_idx[1..].chunks_exact_mut(3).for_each(<[u32]>::reverse);
    for session in [torn, reordered] {
        let mut harness = harness(session, 1000.0);
        harness.get_by_label_contains("Timeline of run 2: 200 frames");
        click(&mut harness, "Fit");
        click(&mut harness, "Next stall");
        let at = canvas(&harness);
        for share in [0.2, 0.5, 0.8] {
            harness.hover_at(Pos2::new(at.center().x, at.top() + share * at.height()));
            harness.run_steps(2);
        }
    }
}
