//! The three views without a window, by what they say to someone who cannot see them.

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Ui};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;

use crate::ui::data::LoadedSession;
use crate::ui::fixture;
use crate::ui::views::distributions::selection::FrameTime;
use crate::ui::views::plots::Plots;

struct State {
    plots: Plots,
    session: LoadedSession,
}

fn harness(session: LoadedSession, view: fn(&mut Plots, &mut Ui, &LoadedSession)) -> Harness<'static, State> {
    let state = State { plots: Plots::default(), session };
    let draw = move |ui: &mut Ui, state: &mut State| view(&mut state.plots, ui, &state.session);
    let builder = Harness::builder().with_size([1000.0, 1400.0]).with_context_setup(crate::ui::theme::apply);
    let mut harness = builder.build_ui_state(draw, state);
    // Models are made on threads; that of a run is asked for once the session's is there.
    for _ in 0..2 {
        harness.state_mut().plots.settle();
        harness.run_steps(3);
    }
    harness
}

fn distributions(plots: &mut Plots, ui: &mut Ui, session: &LoadedSession) {
    plots.distributions_ui(ui, session, &mut Vec::new());
}

#[test]
fn distributions_show_every_case_and_both_times() {
    let mut harness = harness(fixture::sweep(100), distributions);
    harness.get_by_role_and_label(Role::Figure, "Lock wait per frame");
    harness.get_by_role_and_label(Role::Figure, "Queue depth");
    harness.get_by_label("Latency").click();
    harness.run_steps(3);
    for name in ["Latency per frame", "Latency by percentile", "Latency by case and run"] {
        harness.get_by_role_and_label(Role::Figure, name);
    }
}

#[test]
fn a_range_dragged_on_the_histogram_is_marked_until_cleared() {
    let mut harness = harness(fixture::sweep(100), distributions);
    let rect = harness.get_by_role_and_label(Role::Figure, "Lock wait per frame").rect();
    harness.drag_at(rect.left_center() + eframe::egui::vec2(rect.width() * 0.3, 0.0));
    harness.run_steps(2);
    harness.hover_at(rect.center());
    harness.run_steps(2);
    harness.drop_at(rect.right_center() - eframe::egui::vec2(rect.width() * 0.1, 0.0));
    harness.run_steps(3);
    let marked = harness.state().plots.selection.expect("marked");
    assert!(marked.time == FrameTime::LockWait && marked.from_ns < marked.to_ns, "{marked:?}");
    harness.get_by_label("Clear marks").click();
    harness.run_steps(2);
    assert_eq!(harness.state().plots.selection, None);
}

#[test]
fn frames_are_marked_without_a_pointer() {
    let mut harness = harness(fixture::sweep(100), distributions);
    for _ in 0..40 {
        harness.key_press(Key::Tab);
        harness.run_steps(1);
        if harness.get_by_label("Mark the slowest").is_focused() {
            break;
        }
    }
    harness.key_press(Key::Space);
    harness.run_steps(2);
    let marked = harness.state().plots.selection.expect("marked");
    assert!(marked.from_ns < marked.to_ns, "{marked:?}");
    let from = harness.get_by_role_and_label(Role::SpinButton, "Marked: lock wait from");
    from.focus();
    harness.run_steps(2);
    harness.key_press(Key::ArrowUp);
    harness.run_steps(2);
    assert_ne!(harness.state().plots.selection, Some(marked));
}

#[test]
fn thresholds_say_which_one_to_use_and_why() {
    let harness = harness(fixture::sweep(100), Plots::thresholds_ui);
    harness.get_by_label("Throughput and latency against the threshold, H.264: Throughput");
    harness.get_by_role_and_label(Role::Figure, "Where the time is spent, H.264");
    assert_eq!(harness.get_all_by_label("keep").count(), 1);
    harness.get_by_label("Worst run");
}

#[test]
fn without_a_run_each_view_says_what_to_do() {
    for view in [distributions, Plots::thresholds_ui, Plots::timeline_ui] {
        let harness = harness(fixture::session(), view);
        harness.get_by_label("No finished run yet: press Run, or open a session");
    }
}
