//! Which commands can be done now, why others cannot, and which are switched on: for the menus and the palette.
//!
//! Only shows it: a command that is given all the same is refused where it is done.

use eframe::egui::ThemePreference;

use super::commands::{Command, Export, Purpose, View};

const NO_SESSION: &str = "Open a session first";

/// What it depends on.
#[derive(Debug, Clone, Default)]
pub(super) struct Possible {
    pub(super) has_session: bool,
    pub(super) has_runs: bool,
    pub(super) is_running: bool,
    /// Has the open session runs missing?
    pub(super) is_unfinished: bool,
    /// Why the form cannot be run.
    pub(super) problem: Option<String>,
    pub(super) has_deleted: bool,
    pub(super) has_written: bool,
    pub(super) view: View,
    pub(super) is_quiet: bool,
    pub(super) theme: ThemePreference,
}

impl Possible {
    /// Why a command cannot be done now; `None`: it can.
    pub(super) fn why_not(&self, command: &Command) -> Option<&str> {
        let if_not = |holds: bool, why: &'static str| (!holds).then_some(why);
        match command {
            Command::Run | Command::Calibrate | Command::Resume if self.is_running => Some("A sweep is running"),
            Command::Run | Command::Calibrate => self.problem.as_deref(),
            Command::Resume => if_not(self.is_unfinished, "No run of the session is missing"),
            Command::Stop => if_not(self.is_running, "No sweep is running"),
            Command::Pick(Purpose::Session) => if_not(!self.is_running, "A sweep is running: stop it first"),
            Command::UndoDelete => if_not(self.has_deleted, "Nothing was deleted since the window was opened"),
            Command::OpenFolder => if_not(self.has_session || self.has_written, NO_SESSION),
            Command::SwapSides | Command::Export(Export::Picture) => if_not(self.has_session, NO_SESSION),
            Command::CopyReport | Command::Export(Export::Report) => if_not(self.has_session, NO_SESSION)
                .or(if_not(!self.is_running, "The report is rendered when the sweep has ended")),
            Command::Export(Export::RunsCsv | Export::FramesCsv | Export::Trace) => {
                if_not(self.has_session, NO_SESSION).or(if_not(self.has_runs, "The session has no run"))
            }
            _ => None,
        }
    }

    /// Is it switched on, or chosen? `None`: it is neither a switch nor a choice.
    pub(super) fn is_on(&self, command: &Command) -> Option<bool> {
        match command {
            Command::Show(view) => Some(self.view == *view),
            Command::Theme(theme) => Some(self.theme == *theme),
            Command::ToggleQuiet => Some(self.is_quiet),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::commands::TABLE;

    fn impossible(possible: &Possible) -> Vec<&'static str> {
        let entries = TABLE.iter().filter(|entry| possible.why_not(&entry.command).is_some());
        entries.map(|entry| entry.title).collect()
    }

    #[test]
    fn what_cannot_be_done_depends_on_what_is_open_and_what_runs() {
        let exports = [
            "Export image of the view",
            "Export report",
            "Export runs as CSV",
            "Export frames as CSV",
            "Export trace of the last run",
            "Open the folder",
            "Copy report",
        ];
        let undo = "Undo deletion of a session";
        let swap = "Swap before and after";
        let without_session: Vec<_> = ["Finish the sweep of the session", "Stop the sweep"]
            .into_iter()
            .chain(exports)
            .chain([undo, swap])
            .collect();
        let nothing = Possible::default();
        assert_eq!(impossible(&nothing), without_session);
        let open = Possible { is_unfinished: true, has_session: true, has_runs: true, has_deleted: true, ..nothing };
        assert_eq!(impossible(&open), ["Stop the sweep"]);
        let running = Possible { is_running: true, ..open.clone() };
        let run = "Run the sweep";
        let calibrate = "Calibrate this computer for the plan";
        let finish = "Finish the sweep of the session";
        assert_eq!(impossible(&running), [run, calibrate, finish, "Open session…", "Export report", "Copy report"]);
        let bad_form = Possible { problem: Some("no frames".to_owned()), ..open };
        assert_eq!(impossible(&bad_form), [run, calibrate, "Stop the sweep"]);
        assert_eq!(bad_form.why_not(&Command::Run), Some("no frames"));
    }

    #[test]
    fn of_the_views_and_of_the_themes_one_is_on() {
        let is_on = |is_it: fn(&Command) -> bool| {
            let all = TABLE.iter().filter(|entry| is_it(&entry.command));
            all.filter(|entry| Possible::default().is_on(&entry.command) == Some(true))
                .map(|entry| entry.title)
                .collect::<Vec<_>>()
        };
        assert_eq!(is_on(|command| matches!(command, Command::Show(_))), ["Show live"]);
        assert_eq!(is_on(|command| matches!(command, Command::Theme(_))), ["System theme"]);
        assert_eq!(Possible::default().is_on(&Command::Run), None);
    }
}
