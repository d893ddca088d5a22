//! `inflight merge`: several sessions as one, each as a block of it.

use super::args::MergeArgs;
use super::exit::{Exit, Failure};
use super::report;
use crate::measure::merge::merge as join;

pub(super) fn merge(args: &MergeArgs) -> Result<Exit, Failure> {
    use std::io::Write;
    let sessions = args.sessions.iter().map(|dir| report::open(dir)).collect::<Result<Vec<_>, _>>()?;
    let merged = join(&sessions, &args.into, super::sweep::command_line())?;
    writeln!(
        std::io::stdout().lock(),
        "{} runs in {} blocks saved in {dir}; next: inflight report {dir}",
        merged.num_runs,
        merged.num_blocks,
        dir = args.into.display()
    )?;
    Ok(Exit::Done)
}
