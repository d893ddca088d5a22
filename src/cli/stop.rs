//! Ctrl-C (and SIGTERM): ends the program at once while there is nothing to lose, and later as a flag that the measured loop looks
//! at once a frame.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::exit::{Exit, Failure};
use super::warn;
use crate::process::child::Caught;
use crate::process::leave;
use crate::process::tree::end_other_programs;

/// A wrapper that passes the signal on, although the terminal has sent it to both, is no second Ctrl-C.
const SAME_PRESS: Duration = Duration::from_millis(300);

/// What a Ctrl-C does from now on.
#[derive(Clone, Default)]
pub(super) struct OnCtrlC(Arc<State>);

#[derive(Default)]
struct State {
    stop: Arc<AtomicBool>,
    first_at: OnceLock<Instant>,
    /// Is there something to drain and to save?
    is_worth_draining: AtomicBool,
    unfinished: OnceLock<PathBuf>,
}

impl OnCtrlC {
    /// Until [`OnCtrlC::drains`], a Ctrl-C ends the program at once, whatever it waits for: an input, a driver, another program.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn watch() -> Result<Self, Failure> {
        let own = Self::default();
        let state = Arc::clone(&own.0);
        let handler = move || {
            state.stop.store(true, Ordering::Relaxed);
            let is_second = state.first_at.get_or_init(Instant::now).elapsed() > SAME_PRESS;
            if is_second || !state.is_worth_draining.load(Ordering::Relaxed) {
                state.end(is_second);
            }
        };
        ctrlc::set_handler(handler).map_err(|error| Failure::failed(format!("cannot watch for Ctrl-C: {error}")))?;
        Ok(own)
    }

    /// From here on the first Ctrl-C sets the flag, and the run in progress is drained and saved. A second one ends the program all
    /// the same, for a driver that hangs. Answers the flag.
    pub(super) fn drains(&self) -> &Arc<AtomicBool> {
        self.0.is_worth_draining.store(true, Ordering::Relaxed);
        &self.0.stop
    }

    /// What was made is saved: from here on a Ctrl-C ends the program at once again.
    pub(super) fn has_saved(&self) {
        self.0.is_worth_draining.store(false, Ordering::Relaxed);
    }

    /// The flag.
    pub(super) fn flag(&self) -> &AtomicBool {
        &self.0.stop
    }

    /// A file that is removed with the program, which otherwise only a regular end would do.
    pub(super) fn removes(&self, unfinished: PathBuf) {
        // There is one at most.
        let _ = self.0.unfinished.set(unfinished);
    }
}

impl State {
    fn end(&self, is_second: bool) -> ! {
        self.unfinished.get().map(std::fs::remove_file);
        crate::device::unlock_all_clocks();
        warn(if is_second { "inflight: ended by a second Ctrl-C" } else { "inflight: stopped; nothing was lost" });
        end_other_programs();
        leave(Exit::Interrupted.code().into())
    }
}

/// From here on the signals that end a program are caught instead, and told to whoever receives. In a terminal Ctrl-C reaches
/// every program of the foreground by itself.
#[cfg(unix)]
pub(super) fn caught(is_in_terminal: bool) -> Result<Receiver<Caught>, Failure> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let failed = |error| Failure::failed(format!("cannot watch for Ctrl-C: {error}"));
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(failed)?;
    let (sender, caught) = channel();
    std::thread::spawn(move || {
        for number in signals.forever() {
            if sender.send(Caught { number, reached_it: is_in_terminal && number == SIGINT }).is_err() {
                break;
            }
        }
    });
    Ok(caught)
}

/// Where there are no such signals no command is followed.
#[cfg(not(unix))]
pub(super) fn caught(_: bool) -> Result<Receiver<Caught>, Failure> {
    Ok(channel().1)
}
