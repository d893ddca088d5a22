//! `inflight merge`: several sessions as one, each as a block of it.

use super::args::MergeArgs;
use super::exit::{Exit, Failure};
use super::{outputs, report};
use crate::measure::merge::merge as join;
use crate::shell::shell_path;

pub(super) fn merge(args: &MergeArgs) -> Result<Exit, Failure> {
    use std::io::Write;
    let sessions = args.sessions.iter().map(|dir| report::open(dir)).collect::<Result<Vec<_>, _>>()?;
    let merged = join(&sessions, &args.into, super::sweep::command_line())?;
    writeln!(
        outputs::prose(&[]),
        "{} runs in {} blocks saved in {dir}; next: inflight report {word}",
        merged.num_runs,
        merged.num_blocks,
        dir = args.into.display(),
        word = shell_path(&args.into)
    )?;
    Ok(Exit::Done)
}
