//! All commands of the window, and the table from which menus, shortcuts, palette and key sheet are made.
//!
//! Views push commands; the app performs them once a frame, before the next drawing.

use std::path::PathBuf;

use eframe::egui::{Key, KeyboardShortcut, Modifiers, ThemePreference};

use super::views::setup::ready_plans::ReadyPlan;
use crate::session::Label;

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Command {
    Run,
    /// Runs the plan again, with this many counted runs per case.
    RunRounds(u32),
    /// Runs the plan again, with this many confirmation rounds at least.
    RunConfirming(u32),
    /// Makes what is missing of the open session, in its place.
    Resume,
    /// Measures this computer's noise floor for the plan of the form.
    Calibrate,
    Stop,
    Show(View),
    OpenSession(PathBuf),
    FindSessions,
    /// Takes the before side of the comparison from another session, or from the open one.
    CompareWith(Option<PathBuf>),
    SetLabel(PathBuf, Label),
    Delete(PathBuf),
    UndoDelete,
    /// Reads this input for the preview.
    Preview(String),
    LoadPlan(PathBuf),
    /// Asks before it replaces a file.
    SavePlan,
    /// Replaces the file.
    ReplacePlan,
    /// Saves beside the file that is there.
    SavePlanAs(PathBuf),
    KeepPlanFile,
    /// Sets what to try and how thoroughly.
    TakeReady(ReadyPlan),
    /// Takes FFmpeg into the plan and shows where.
    CompareWithFfmpeg,
    /// Runs the default plan on the modelled device.
    TryModel,
    /// Takes the clip that comes with the program as input.
    UseSample,
    ToggleQuiet,
    Pick(Purpose),
    RenderReport,
    Export(Export),
    CopyReport,
    OpenFolder,
    SwapSides,
    Theme(ThemePreference),
    TogglePalette,
    Help(HelpPage),
    DismissProblem(usize),
    DismissTold,
    DismissWritten,
    Quit,
    /// Stops the sweep, keeps the finished runs, closes the window.
    StopAndQuit,
    KeepRunning,
}

/// The views in the middle of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub enum View {
    #[default]
    Live,
    Distributions,
    Thresholds,
    Timeline,
    Compare,
    Report,
    Sessions,
}

/// The pages of the menu Help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum HelpPage {
    Keys,
    Glossary,
    Log,
    About,
}

/// The purpose of a file dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Purpose {
    Input,
    Plan,
    Session,
    Before,
    Report,
}

/// The exports of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Export {
    /// Markdown with its figures beside it.
    Report,
    /// One line per run.
    RunsCsv,
    /// One line per frame.
    FramesCsv,
    /// The last run's timeline, for Perfetto.
    Trace,
    /// An image of the view, as PNG.
    Picture,
}

/// A row of the table.
#[derive(Debug)]
pub struct Entry {
    /// Its title in menu and palette.
    pub title: &'static str,
    /// Its menu.
    pub menu: Menu,
    /// The command.
    pub command: Command,
    /// Its keys, if it has any.
    pub shortcut: Option<KeyboardShortcut>,
    /// Do it and those after it belong apart from those before it?
    pub begins_group: bool,
}

/// The menus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Menu {
    Session,
    View,
    Help,
}

impl View {
    /// All of them, from left to right.
    pub const ALL: [Self; 7] = [
        Self::Live,
        Self::Distributions,
        Self::Thresholds,
        Self::Timeline,
        Self::Compare,
        Self::Report,
        Self::Sessions,
    ];

    /// The title of its tab.
    pub fn title(self) -> &'static str {
        match self {
            Self::Live => "Live",
            Self::Distributions => "Distributions",
            Self::Thresholds => "Thresholds",
            Self::Timeline => "Timeline",
            Self::Compare => "Compare",
            Self::Report => "Report",
            Self::Sessions => "Sessions",
        }
    }
}

impl HelpPage {
    /// The heading of its dialog.
    pub fn title(self) -> &'static str {
        match self {
            Self::Keys => "Keys",
            Self::Glossary => "Glossary",
            Self::Log => "Log",
            Self::About => "About Inflight",
        }
    }
}

impl Menu {
    /// All of them, from left to right.
    pub const ALL: [Self; 3] = [Self::Session, Self::View, Self::Help];

    /// The title of its button.
    pub fn title(self) -> &'static str {
        match self {
            Self::Session => "Session",
            Self::View => "View",
            Self::Help => "Help",
        }
    }
}

const fn plain(key: Key) -> Option<KeyboardShortcut> {
    Some(KeyboardShortcut::new(Modifiers::NONE, key))
}

const fn with_command(key: Key) -> Option<KeyboardShortcut> {
    Some(KeyboardShortcut::new(Modifiers::COMMAND, key))
}

const fn with_shift(key: Key) -> Option<KeyboardShortcut> {
    Some(KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key))
}

const fn entry(title: &'static str, menu: Menu, command: Command, shortcut: Option<KeyboardShortcut>) -> Entry {
    Entry { title, menu, command, shortcut, begins_group: false }
}

/// The first one of a group of its menu.
const fn first(title: &'static str, menu: Menu, command: Command, shortcut: Option<KeyboardShortcut>) -> Entry {
    Entry { title, menu, command, shortcut, begins_group: true }
}

/// Every command that needs no argument of its own.
pub static TABLE: [Entry; 34] = [
    entry("Run the sweep", Menu::Session, Command::Run, with_command(Key::R)),
    entry("Calibrate this computer for the plan", Menu::Session, Command::Calibrate, None),
    entry("Finish the sweep of the session", Menu::Session, Command::Resume, None),
    entry("Stop the sweep", Menu::Session, Command::Stop, plain(Key::Escape)),
    first("Open session…", Menu::Session, Command::Pick(Purpose::Session), with_command(Key::O)),
    entry("Choose plan…", Menu::Session, Command::Pick(Purpose::Plan), None),
    entry("Save plan", Menu::Session, Command::SavePlan, with_command(Key::S)),
    entry("Choose input…", Menu::Session, Command::Pick(Purpose::Input), with_command(Key::I)),
    // Before Ctrl+E, which would be met by Ctrl+Shift+E too.
    first("Export image of the view", Menu::Session, Command::Export(Export::Picture), with_shift(Key::E)),
    entry("Export report", Menu::Session, Command::Export(Export::Report), with_command(Key::E)),
    entry("Export runs as CSV", Menu::Session, Command::Export(Export::RunsCsv), None),
    entry("Export frames as CSV", Menu::Session, Command::Export(Export::FramesCsv), None),
    entry("Export trace of the last run", Menu::Session, Command::Export(Export::Trace), None),
    entry("Open the folder", Menu::Session, Command::OpenFolder, None),
    entry("Copy report", Menu::Session, Command::CopyReport, None),
    first("Undo deletion of a session", Menu::Session, Command::UndoDelete, None),
    first("Quit", Menu::Session, Command::Quit, with_command(Key::Q)),
    entry("Show live", Menu::View, Command::Show(View::Live), with_command(Key::Num1)),
    entry("Show distributions", Menu::View, Command::Show(View::Distributions), with_command(Key::Num2)),
    entry("Show thresholds", Menu::View, Command::Show(View::Thresholds), with_command(Key::Num3)),
    entry("Show timeline", Menu::View, Command::Show(View::Timeline), with_command(Key::Num4)),
    entry("Show comparison", Menu::View, Command::Show(View::Compare), with_command(Key::Num5)),
    entry("Show report", Menu::View, Command::Show(View::Report), with_command(Key::Num6)),
    entry("Show sessions", Menu::View, Command::Show(View::Sessions), with_command(Key::Num7)),
    first("Swap before and after", Menu::View, Command::SwapSides, None),
    first("Pause drawing while measuring", Menu::View, Command::ToggleQuiet, None),
    first("System theme", Menu::View, Command::Theme(ThemePreference::System), None),
    entry("Dark theme", Menu::View, Command::Theme(ThemePreference::Dark), None),
    entry("Light theme", Menu::View, Command::Theme(ThemePreference::Light), None),
    entry("Find a command", Menu::Help, Command::TogglePalette, with_command(Key::P)),
    entry("Keys", Menu::Help, Command::Help(HelpPage::Keys), plain(Key::F1)),
    first("Glossary", Menu::Help, Command::Help(HelpPage::Glossary), None),
    entry("Log", Menu::Help, Command::Help(HelpPage::Log), None),
    first("About Inflight", Menu::Help, Command::Help(HelpPage::About), None),
];
