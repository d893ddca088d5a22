//! The command line: words to plans, plans to sessions, sessions to text. Decides exit codes; measures nothing itself.

mod args;
mod compare;
mod doctor;
mod encode;
mod exit;
mod progress;
mod report;
mod stop;
mod sweep;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use exit::Failure;

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Some(Command::Encode(args)) => encode::encode(&args),
        Some(Command::Sweep(args)) => sweep::sweep(&args),
        Some(Command::Compare(args)) => compare::compare(&args),
        Some(Command::Report(args)) => report::report(&args),
        Some(Command::Status(args)) => report::status(&args),
        Some(Command::Doctor(args)) => doctor::doctor(&args),
        None => sweep::default_sweep(),
    };
    match done {
        Ok(code) => ExitCode::from(code as u8),
        Err(Failure { code, message }) => {
            eprintln!("inflight: {message}");
            ExitCode::from(code as u8)
        }
    }
}

/// One JSON object on standard output, and nothing else there.
fn print_json(value: &serde_json::Value) -> Result<(), Failure> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value).map_err(std::io::Error::from)?;
    Ok(writeln!(out)?)
}
