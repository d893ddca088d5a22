//! Ctrl-C (and SIGTERM) as a flag that the measured loop looks at once a frame.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, OnceLock};

use super::exit::Failure;
use crate::process::child::Caught;

/// From here on Ctrl-C sets the flag; the second one ends the program at once, for a driver that hangs, and removes
/// the file in `unfinished`, which otherwise only a regular end would.
pub(super) fn on_ctrl_c(unfinished: Arc<OnceLock<PathBuf>>) -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let handler = move || {
        if flag.swap(true, Ordering::Relaxed) {
            unfinished.get().map(std::fs::remove_file);
            crate::device::unlock_all_clocks();
            std::process::exit(super::exit::Exit::Interrupted.code().into());
        }
    };
    ctrlc::set_handler(handler).map_err(|error| Failure::failed(format!("cannot watch for Ctrl-C: {error}")))?;
    Ok(stop)
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
