//! The list of sessions: what each says, in which order, and what a row's buttons do.

use std::fs;
use std::path::{Path, PathBuf};

use eframe::egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use inflight::contract::Codec;
use inflight::session::Session;
use inflight::ui::app::App;
use inflight::ui::commands::{Command, View};

use crate::{click, run_to_the_end, session_of, untidy, wait, window};

/// A copy of the session in `dir` beside it, with `change` made to its list of runs.
fn copy(dir: &Path, name: &str, change: impl FnOnce(&str) -> String) -> PathBuf {
    let to = dir.with_file_name(name);
    fs::create_dir(&to).unwrap();
    fs::copy(dir.join("manifest.json"), to.join("manifest.json")).unwrap();
    fs::write(to.join("runs.jsonl"), change(&fs::read_to_string(dir.join("runs.jsonl")).unwrap())).unwrap();
    to
}

fn first_lines(text: &str, num: usize) -> String {
    text.lines().take(num).map(|line| format!("{line}\n")).collect()
}

fn show_sessions(window: &mut Harness<'_, App>, num: usize) {
    window.state_mut().ask(Command::Show(View::Sessions));
    wait(window, "list", |window| window.query_all_by_label_contains("Use the plan of ").count() == num);
    wait(window, "verdicts", |window| window.query_all_by_label("Not read yet").count() == 0);
    window.run_steps(2);
}

/// Names of the rows from top to bottom.
fn names(window: &Harness<'_, App>) -> Vec<String> {
    let mut rows: Vec<_> = window
        .query_all_by_label_contains("Use the plan of ")
        .map(|node| (node.rect().top(), node.accesskit_node().label().unwrap().replace("Use the plan of ", "")))
        .collect();
    rows.sort_by(|one, other| one.0.total_cmp(&other.0));
    rows.into_iter().map(|(_, name)| name).collect()
}

#[test]
fn the_list_says_what_each_session_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    run_to_the_end(&mut window);
    show_sessions(&mut window, 1);
    let session = session_of(&window);
    let answer = session.analysis().unwrap().answers.remove(0);
    let is_shown = |text: &str| window.query_all_by_label_contains(text).any(|node| node.rect().left() > 320.0);
    assert!(is_shown(answer.state.title()));
    assert!(is_shown(&answer.case.title()));
    let name = session.dir.file_name().unwrap().to_string_lossy().into_owned();
    assert!(window.query_by_label(&format!("{name} is open")).is_some());
}

#[test]
fn a_session_that_cannot_answer_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    run_to_the_end(&mut window);
    let dir = session_of(&window).dir;
    copy(&dir, "empty", |_| String::new());
    copy(&dir, "warm-ups", |text| first_lines(text, 2));
    copy(&dir, "cut", |text| text[..text.len() - 10].to_owned());
    fs::write(copy(&dir, "broken", str::to_owned).join("manifest.json"), "{").unwrap();
    show_sessions(&mut window, 5);
    for words in ["No runs", "No answer", "run 8 is incomplete", "Unreadable", "cannot understand"] {
        assert_eq!(window.query_all_by_label_contains(words).count(), 1, "{words}");
    }
    assert!(window.get_by_label("Use the plan of broken").accesskit_node().is_disabled());
    for size in [[1024.0, 640.0], [1280.0, 800.0], [1920.0, 1080.0]] {
        window.set_size(size.into());
        window.run_steps(4);
        assert_eq!(untidy(&window), Vec::<String>::new(), "at {size:?}");
    }
}

#[test]
fn a_click_on_a_header_sorts_and_another_reverses() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    window.state_mut().setup_mut().plan.repeat = 5;
    window.run_steps(3);
    run_to_the_end(&mut window);
    let dir = session_of(&window).dir;
    let many = dir.file_name().unwrap().to_string_lossy().into_owned();
    copy(&dir, "b", |text| first_lines(text, 3));
    copy(&dir, "a", |text| first_lines(text, 11));
    show_sessions(&mut window, 3);
    click(&mut window, Role::Button, "Sort by Runs");
    // As text, 11 would come before 3.
    assert_eq!(names(&window), ["b", "a", &many]);
    click(&mut window, Role::Button, "Sorted by Runs, ascending");
    assert_eq!(names(&window), [&many, "a", "b"]);
    click(&mut window, Role::Button, "Sort by Session");
    assert_eq!(names(&window), ["a", "b", &many]);
    window.get_by_role_and_label(Role::TextInput, "Search").focus();
    window.run_steps(1);
    window.get_by_role_and_label(Role::TextInput, "Search").type_text("sweep-");
    window.run_steps(2);
    assert_eq!(names(&window), [many]);
    assert!(window.query_by_label("1 of 3 sessions").is_some());
}

#[test]
fn only_the_button_takes_over_the_plan_of_a_session() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    run_to_the_end(&mut window);
    let dir = session_of(&window).dir;
    let name = dir.file_name().unwrap().to_string_lossy().into_owned();
    window.state_mut().setup_mut().plan.frames = 7;
    window.run_steps(2);
    let edited = window.state_mut().setup_mut().plan();
    show_sessions(&mut window, 1);
    click(&mut window, Role::Link, &name);
    wait(&mut window, "session", |window| window.query_by_label_contains("Session folder").is_none());
    assert_eq!(window.state_mut().setup_mut().plan(), edited);

    show_sessions(&mut window, 1);
    click(&mut window, Role::Button, &format!("Use the plan of {name}"));
    wait(&mut window, "notice", |window| window.query_by_label_contains("now holds the plan of").is_some());
    assert_eq!(window.state_mut().setup_mut().plan().frames, 60);
    click(&mut window, Role::Button, "Dismiss");
    assert!(window.query_by_label_contains("now holds the plan of").is_none());
}

#[test]
fn a_session_is_read_again_when_its_runs_have_changed() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    window.state_mut().setup_mut().plan.codecs = vec![Codec::H264, Codec::Hevc];
    window.run_steps(3);
    run_to_the_end(&mut window);
    let dir = session_of(&window).dir;
    let other = copy(&dir, "other", str::to_owned);
    let num_runs = Session::open(&dir).unwrap().summaries.len().to_string();
    show_sessions(&mut window, 2);
    assert_eq!(window.query_all_by_label(&num_runs).filter(|node| node.rect().left() > 320.0).count(), 2);
    let text = fs::read_to_string(other.join("runs.jsonl")).unwrap();
    fs::write(other.join("runs.jsonl"), first_lines(&text, 9)).unwrap();
    click(&mut window, Role::Button, "Refresh");
    wait(&mut window, "new number", |window| window.query_by_label("9").is_some());
}
