//! `inflight block`: the process of one block of a sweep. Nobody types it.

use std::sync::Arc;

use super::exit::{Exit, Failure};
use super::{stop, sweep};
use crate::measure::blocks::serve;

pub(super) fn block() -> Result<Exit, Failure> {
    // Ctrl-C reaches every process of the terminal: this one drains its run, as the one that started it expects.
    let stop = stop::on_ctrl_c(Arc::default())?;
    let outcome = serve(std::io::stdin(), std::io::stdout().lock(), &stop)?;
    Ok(if outcome.stopped { sweep::exit_of(outcome) } else { Exit::Done })
}
