//! The pages of Help, and what the log keeps.

use eframe::egui::Key;
use eframe::egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use inflight::ui::app::App;
use inflight::ui::commands::{Command, HelpPage, TABLE, View};

use crate::{click, run_to_the_end, session_of, untidy, wait, window};

const PAGES: [HelpPage; 4] = [HelpPage::Keys, HelpPage::Glossary, HelpPage::Log, HelpPage::About];

fn open(window: &mut Harness<'_, App>, page: HelpPage) {
    window.state_mut().ask(Command::Help(page));
    window.run_steps(3);
}

fn copied(window: &mut Harness<'_, App>) -> String {
    window.get_by_role_and_label(Role::Button, "Copy").click();
    // The click is taken up in one frame, and its output read before the next.
    window.step();
    let commands = &window.output().platform_output.commands;
    let text = commands.iter().find_map(|command| match command {
        eframe::egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    assert!(text.is_some(), "nothing was copied: {commands:?}");
    text.unwrap()
}

#[test]
fn every_page_is_closed_by_escape_and_by_its_button() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    for page in PAGES {
        for size in [[1024.0, 640.0], [1280.0, 800.0]] {
            window.set_size(size.into());
            open(&mut window, page);
            assert!(window.query_all_by_label(page.title()).count() > 0, "{page:?}");
            assert_eq!(untidy_in_dialog(&window), Vec::<String>::new(), "{page:?} at {size:?}");
            window.key_press(Key::Escape);
            window.run_steps(3);
            assert!(window.query_by_role_and_label(Role::Button, "Close").is_none(), "{page:?}");
        }
        open(&mut window, page);
        click(&mut window, Role::Button, "Close");
        assert!(window.query_by_role_and_label(Role::Button, "Close").is_none(), "{page:?}");
    }
}

/// A dialog lies over the window: only what lies in it can be untidy.
fn untidy_in_dialog(window: &Harness<'_, App>) -> Vec<String> {
    let all = untidy(window);
    all.into_iter().filter(|line| line.contains("sticks out")).collect()
}

#[test]
fn the_palette_finds_every_page() {
    for page in PAGES {
        assert!(TABLE.iter().any(|entry| entry.command == Command::Help(page)), "{page:?}");
    }
}

#[test]
fn the_glossary_finds_a_term_by_a_part_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    open(&mut window, HelpPage::Glossary);
    window.get_by_role_and_label(Role::TextInput, "Find a term").type_text("warm-");
    window.run_steps(3);
    assert!(window.query_by_label("warm-up").is_some());
    assert!(window.query_by_label("A run that is made first and never counted.").is_some());
    assert!(window.query_by_label("round").is_none());
}

#[test]
fn about_copies_the_versions_of_program_and_computer() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    open(&mut window, HelpPage::About);
    wait(&mut window, "answers", |window| window.query_all_by_label("not known yet").count() == 0);
    window.run_steps(2);
    let text = copied(&mut window);
    let lines = [
        "Inflight: ",
        "Build: ",
        "Licence: MIT or Apache-2.0",
        "NVENC API spoken: 12.1",
        "System: ",
        "NVIDIA driver: ",
        "ffmpeg: ",
    ];
    for line in lines {
        assert!(text.lines().any(|own| own.starts_with(line)), "no '{line}' in\n{text}");
    }
    assert!(text.contains(env!("CARGO_PKG_VERSION")), "{text}");
}

#[test]
fn the_log_keeps_what_was_dismissed() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    run_to_the_end(&mut window);
    let dir = session_of(&window).dir;
    window.state_mut().ask(Command::OpenSession(folder.path().join("nowhere")));
    wait(&mut window, "message", |window| window.query_by_label("Dismiss").is_some());
    click(&mut window, Role::Button, "Dismiss");
    let plan = folder.path().join("plan.json");
    window.state_mut().setup_mut().plan_path = plan.display().to_string();
    window.state_mut().ask(Command::SavePlan);
    wait(&mut window, "file", |window| window.query_by_label_contains("Plan saved to").is_some());
    let shows_list =
        |window: &Harness<'_, App>| window.query_by_role_and_label(Role::TextInput, "Session folder").is_some();
    window.state_mut().ask(Command::Show(View::Sessions));
    wait(&mut window, "list", shows_list);
    window.state_mut().ask(Command::OpenSession(dir.clone()));
    wait(&mut window, "session", |window| !shows_list(window));
    open(&mut window, HelpPage::Log);
    let text = copied(&mut window);
    let (dir, plan) = (dir.display(), plan.display());
    let expected = [
        format!("Sweep started: 8 runs planned, into {dir}"),
        format!("Sweep ended after 8 runs: {dir}"),
        "there is no such folder".to_owned(),
        format!("Plan saved to {plan}"),
        format!("Opened {dir}"),
    ];
    let mut places = expected.iter().map(|line| (text.find(line.as_str()), line));
    assert!(places.all(|(place, _)| place.is_some()), "{text}\nlacks one of {expected:#?}");
    let places: Vec<_> = expected.iter().map(|line| text.find(line.as_str())).collect();
    assert!(places.is_sorted(), "not in order:\n{text}");
    assert!(text.contains(" UTC error: "), "{text}");
}
