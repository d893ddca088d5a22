//! `inflight gui`: the window, or one sentence why there is none.

use std::path::PathBuf;

use super::exit::{Exit, Failure};
use crate::ui;

pub(super) fn gui(sessions: Vec<PathBuf>) -> Result<Exit, Failure> {
    match ui::run(sessions) {
        Ok(()) => Ok(Exit::Done),
        Err(no_window) => Err(Failure { code: Exit::Unavailable, message: no_window.to_string() }),
    }
}
