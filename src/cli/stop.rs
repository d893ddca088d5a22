//! Ctrl-C (and SIGTERM) as a flag that the measured loop looks at once a frame.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::exit::Failure;

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
