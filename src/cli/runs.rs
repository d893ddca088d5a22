//! `inflight runs`: the process in which a sweep makes its runs. Nobody types it.

use std::fs::File;

use super::exit::{Exit, Failure};
use super::stop::OnCtrlC;
use crate::measure::child_side::serve;

pub(super) fn runs() -> Result<Exit, Failure> {
    // Ctrl-C reaches every process of the terminal: this one drains its run, as the one that started it expects.
    let on_ctrl_c = OnCtrlC::watch()?;
    let output =
        own_output().map_err(|error| Failure::failed(format!("cannot keep standard output apart: {error}")))?;
    let stopped = serve(std::io::stdin(), output, on_ctrl_c.drains())?;
    Ok(if stopped { Exit::Interrupted } else { Exit::Done })
}

/// Standard output for what is told alone: whatever a driver prints there goes to standard error.
#[cfg(target_os = "linux")]
fn own_output() -> std::io::Result<File> {
    use std::os::fd::AsFd;
    let own = std::io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(std::io::stderr().as_fd())?;
    Ok(own.into())
}

#[cfg(all(unix, not(target_os = "linux")))]
fn own_output() -> std::io::Result<File> {
    use std::os::fd::AsFd;
    Ok(std::io::stdout().as_fd().try_clone_to_owned()?.into())
}

#[cfg(windows)]
fn own_output() -> std::io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(std::io::stdout().as_handle().try_clone_to_owned()?.into())
}
