//! The menus, and the title of the window.

use eframe::egui::accesskit::{Role, Toggled};
use eframe::egui::{ViewportCommand, ViewportId};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use inflight::ui::app::App;
use inflight::ui::commands::Command;

use crate::{click, run_to_the_end, session_of, wait, window};

/// What the last frame asked the title to be, each time it asked.
fn titles(window: &Harness<'_, App>) -> Vec<String> {
    let commands = &window.output().viewport_output[&ViewportId::ROOT].commands;
    let title = |command: &ViewportCommand| match command {
        ViewportCommand::Title(title) => Some(title.clone()),
        _ => None,
    };
    commands.iter().filter_map(title).collect()
}

/// Is the entry of the open menu there to be chosen?
fn is_disabled(window: &Harness<'_, App>, entry: &str) -> bool {
    window.get_by_role_and_label(Role::Button, entry).accesskit_node().is_disabled()
}

#[test]
fn menus_offer_only_what_can_be_done() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    click(&mut window, Role::Button, "Session");
    for entry in ["Export report", "Stop the sweep", "Undo deletion of a session", "Copy report"] {
        assert!(is_disabled(&window, entry), "{entry}");
    }
    window.key_press(eframe::egui::Key::Escape);
    window.run_steps(2);
    run_to_the_end(&mut window);
    click(&mut window, Role::Button, "Session");
    assert!(!is_disabled(&window, "Export runs as CSV"));
    assert!(is_disabled(&window, "Stop the sweep"));
}

#[test]
fn the_chosen_view_and_theme_have_a_tick() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    let ticked = |window: &mut Harness<'_, App>| -> Vec<&'static str> {
        click(window, Role::Button, "View");
        let entries = ["Show live", "Show timeline", "Dark theme", "Light theme", "Pause drawing while measuring"];
        let is_on = |entry: &&str| {
            let node = window.get_by_role_and_label(Role::CheckBox, entry);
            node.accesskit_node().toggled() == Some(Toggled::True)
        };
        let on = entries.into_iter().filter(is_on).collect();
        window.key_press(eframe::egui::Key::Escape);
        window.run_steps(3);
        on
    };
    assert_eq!(ticked(&mut window), ["Show live", "Dark theme"]);
    for title in ["Show timeline", "Light theme", "Pause drawing while measuring"] {
        click(&mut window, Role::Button, "View");
        click(&mut window, Role::CheckBox, title);
        window.run_steps(3);
    }
    assert_eq!(ticked(&mut window), ["Show timeline", "Light theme", "Pause drawing while measuring"]);
}

#[test]
fn the_palette_does_not_do_what_a_menu_does_not_offer() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    window.state_mut().ask(Command::TogglePalette);
    window.run_steps(2);
    window.get_by_role_and_label(Role::TextInput, "Find a command").type_text("copy report");
    window.run_steps(2);
    window.key_press(eframe::egui::Key::Enter);
    window.run_steps(3);
    // Still open, with the line that cannot be taken.
    assert!(is_disabled(&window, "Copy report"));
}

#[test]
fn the_title_says_how_far_a_sweep_is_and_which_session_is_open_each_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    window.state_mut().ask(Command::Run);
    let mut all = Vec::new();
    let start = std::time::Instant::now();
    loop {
        window.step();
        all.extend(titles(&window));
        if !window.state().is_running() {
            break;
        }
        assert!(start.elapsed() < crate::PATIENCE, "{all:?}");
    }
    let name = session_of(&window).dir.display().to_string();
    assert_eq!(all.last(), Some(&format!("Inflight: {name}")));
    let running: Vec<_> = all.iter().filter(|title| title.starts_with("Running ")).collect();
    // In steps of 5 %: each change of the title makes egui draw two more pictures.
    let share_pct = |title: &str| title["Running ".len()..].split(' ').next()?.parse::<u32>().ok();
    assert!(running.iter().all(|title| title.contains(" % – Inflight: ")), "{all:?}");
    assert!(running.iter().all(|title| share_pct(title).is_some_and(|pct| pct <= 100 && pct % 5 == 0)), "{all:?}");
    assert!(!running.is_empty() && running.len() <= 9, "one for each run that has ended, and none: {all:?}");
    assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "sent again though unchanged: {all:?}");
    wait(&mut window, "answer", |window| window.query_by_label("Virtual device").is_some());
    window.run_steps(5);
    assert_eq!(titles(&window), Vec::<String>::new());
}

#[test]
fn escape_closes_a_menu_and_stops_no_sweep() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    window.state_mut().setup_mut().plan.repeat = 100_000;
    window.run_steps(3);
    window.state_mut().ask(Command::Run);
    wait(&mut window, "finished run", |window| window.state().loaded().is_some_and(|loaded| !loaded.runs.is_empty()));
    click(&mut window, Role::Button, "Help");
    assert!(window.query_by_label("Glossary").is_some());
    window.key_press(eframe::egui::Key::Escape);
    window.run_steps(3);
    assert!(window.query_by_label("Glossary").is_none());
    assert!(
        window.query_by_role_and_label(Role::Button, "Stop").is_some_and(|stop| !stop.accesskit_node().is_disabled())
    );
    window.key_press(eframe::egui::Key::Escape);
    wait(&mut window, "end of the sweep", |window| !window.state().is_running());
}
