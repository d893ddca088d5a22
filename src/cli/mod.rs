//! The command line: words to plans, plans to sessions, sessions to text. Decides exit codes; measures nothing itself.

mod args;
mod calibrate;
mod coding_args;
mod compare;
mod conformance;
mod density;
mod doctor;
mod driver_args;
mod encode;
mod exit;
mod guard;
#[cfg(feature = "gui")]
mod gui;
mod merge;
mod outputs;
mod progress;
mod qualify;
mod report;
mod runs;
mod set_field;
mod stop;
mod sweep;
mod sweep_args;
mod virtual_driver;

use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use crate::shell::shown;
use args::{Cli, Command};
use exit::Failure;

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    outlive_full_files();
    let typed = command().try_get_matches();
    let parsed = typed.and_then(|words| Ok((Cli::from_arg_matches(&words)?, words)));
    let (cli, words) = match parsed {
        Ok(parsed) => parsed,
        Err(asked) if !asked.use_stderr() => return show_help(&asked),
        Err(wrong) => return end(&Failure::usage(one_line(&wrong))),
    };
    let done = match cli.command {
        Some(Command::Encode(args)) => encode::encode(&args),
        Some(Command::Sweep(args)) => {
            let is_given = |option: &str| is_given(&words, option);
            match density::numbers(&args) {
                Some(numbers) => density::density(&args, &numbers, is_given),
                None => sweep::sweep(&args, is_given),
            }
        }
        Some(Command::Calibrate(args)) => calibrate::calibrate(&args, |option| is_given(&words, option)),
        Some(Command::Compare(args)) => compare::compare(&args),
        Some(Command::Report(args)) => report::report(&args),
        Some(Command::Status(args)) => report::status(&args),
        Some(Command::VirtualDriver(args)) => virtual_driver::virtual_driver(&args),
        Some(Command::Merge(args)) => merge::merge(&args),
        Some(Command::Guard(args)) => guard::guard(&args),
        Some(Command::Runs) => runs::runs(),
        Some(Command::Doctor(args)) => doctor::doctor(&args),
        Some(Command::Qualify(args)) => qualify::qualify(&args),
        Some(Command::AskDriver(args)) => conformance::ask(args),
        #[cfg(feature = "gui")]
        Some(Command::Gui(args)) => gui::gui(args),
        #[cfg(feature = "gui")]
        None => gui::gui(args::GuiArgs::default()),
        #[cfg(not(feature = "gui"))]
        None => sweep::default_sweep(),
    };
    match done {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(failure) => end(&failure),
    }
}

/// A file that grows past the system's limit (ulimit -f) is an error like a full disk, which is told, and not this program's end. A
/// handler, where ignoring it would be handed on to other programs.
fn outlive_full_files() {
    // Refused, it stays as it was.
    #[cfg(unix)]
    drop(signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default()));
}

/// All words. A calibration takes those of a sweep but some, which it refuses and need not offer.
fn command() -> clap::Command {
    let hidden = |calibrate: clap::Command| {
        calibrate::OWN.iter().fold(calibrate, |command, option| command.mut_arg(option, |arg| arg.hide(true)))
    };
    Cli::command().mut_subcommand("calibrate", hidden)
}

/// Was the option of the command typed, or is it there by default?
fn is_given(words: &ArgMatches, option: &str) -> bool {
    words.subcommand().is_some_and(|(_, words)| words.value_source(option) == Some(ValueSource::CommandLine))
}

/// One line, whatever the message quotes (a file's name may hold a line break).
fn end(failure: &Failure) -> ExitCode {
    let message: Vec<_> = failure.message.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    warn(&format!("inflight: {}", message.join(" ")));
    ExitCode::from(failure.code.code())
}

/// `--help` and `--version`. A reader that has seen enough and closed the pipe is no failure.
fn show_help(asked: &clap::Error) -> ExitCode {
    drop(asked.print());
    ExitCode::SUCCESS
}

/// clap explains over several lines and repeats the usage; every other failure here is one line.
fn one_line(wrong: &clap::Error) -> String {
    let text = wrong.to_string();
    let is_explanation = |line: &&str| !line.starts_with("Usage:") && !line.starts_with("For more information");
    let words: Vec<_> = text.lines().take_while(is_explanation).flat_map(str::split_whitespace).collect();
    let explanation = words.join(" ");
    format!("{}; see --help for all options", explanation.trim_start_matches("error: "))
}

/// A line on standard error. Where that cannot be written to there is nobody to tell, and the exit code stays.
fn warn(line: &str) {
    use std::io::Write;
    drop(writeln!(std::io::stderr(), "{}", shown(line)));
}

/// One JSON object on standard output, and nothing else there.
fn print_json(value: &serde_json::Value) -> Result<(), Failure> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value).map_err(std::io::Error::from)?;
    Ok(writeln!(out)?)
}
