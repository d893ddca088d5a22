//! The options of `inflight virtual-driver`. Runs nothing.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::plan::DEFAULT_DEVICE;

/// `inflight virtual-driver`
#[derive(Debug, Args)]
pub struct VirtualDriverArgs {
    #[command(subcommand)]
    pub command: DriverCommand,
}

/// The commands of `inflight virtual-driver`.
#[derive(Debug, Subcommand)]
pub enum DriverCommand {
    /// Copy the virtual driver's libraries to a folder, under the file names that NVENC programs load
    Install(DriverInstallArgs),
    /// Run a command on the virtual driver and show where its frames waited; exits with the command's code if the
    /// command fails
    Run(DriverRunArgs),
}

/// `inflight virtual-driver install`
#[derive(Debug, Args)]
pub struct DriverInstallArgs {
    /// Folder for the libraries
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// `inflight virtual-driver run`
#[derive(Debug, Args)]
pub struct DriverRunArgs {
    /// Virtual device, as for sweep, or the path of a driver library
    #[arg(long, default_value = DEFAULT_DEVICE)]
    pub device: String,
    /// Use the installed driver instead, and only record the program's calls
    #[arg(long, conflicts_with = "device")]
    pub real: bool,
    /// Session folder to create (default: output/observed-DATE-TIME)
    #[arg(long)]
    pub session: Option<PathBuf>,
    /// Print the result as one JSON object on standard output
    #[arg(long)]
    pub json: bool,
    /// Command to run and its options, after --
    #[arg(last = true, required = true)]
    pub command: Vec<OsString>,
}
