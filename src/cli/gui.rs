//! `inflight gui`: the window, or one sentence why there is none.

use std::path::PathBuf;

use super::exit::{Exit, Failure};
use crate::ui;

pub(super) fn gui(session: Option<PathBuf>) -> Result<Exit, Failure> {
    match ui::run(session) {
        Ok(()) => Ok(Exit::Done),
        Err(no_window) => Err(Failure { code: Exit::Unavailable, message: no_window.to_string() }),
    }
}
