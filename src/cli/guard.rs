//! `inflight guard`: the process that cleans up behind one that was killed. Nobody types it.

use super::args::GuardArgs;
use super::exit::{Exit, Failure};
use crate::process::scratch;

pub(super) fn guard(args: &GuardArgs) -> Result<Exit, Failure> {
    scratch::guard(&args.folder, std::io::stdin()).map_err(Failure::failed)?;
    Ok(Exit::Done)
}
