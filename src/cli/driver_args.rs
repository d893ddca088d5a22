//! The words of `inflight virtual-driver`. Does nothing.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::plan::DEFAULT_DEVICE;

/// `inflight virtual-driver`
#[derive(Debug, Args)]
pub struct VirtualDriverArgs {
    #[command(subcommand)]
    pub command: DriverCommand,
}

/// What can be done with the driver's libraries.
#[derive(Debug, Subcommand)]
pub enum DriverCommand {
    /// Put the libraries into a folder, under the names that programs load them by
    Install(DriverInstallArgs),
    /// Run a command on it and say where its pictures waited; leaves with the command's own code where that fails
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
    /// The virtual device, as for sweep, or a driver library by path
    #[arg(long, default_value = DEFAULT_DEVICE)]
    pub device: String,
    /// The installed driver instead: only look on
    #[arg(long, conflicts_with = "device")]
    pub real: bool,
    /// Session folder to make; default: output/observed-DATE-TIME
    #[arg(long)]
    pub session: Option<PathBuf>,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
    /// The command and its options, after --
    #[arg(last = true, required = true)]
    pub command: Vec<String>,
}
