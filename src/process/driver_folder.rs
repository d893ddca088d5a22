//! The libraries that take a driver's place, in a folder under the names by which clients load them.
//!
//! They are built beside this program (`cargo build --release --workspace`) and found beside it. Linux only: what
//! Windows would need is in docs/ARCHITECTURE.md.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// NVENC's library as clients ask for it.
pub const NVENC_SONAME: &str = "libnvidia-encode.so.1";
const CUDA_SONAME: &str = "libcuda.so.1";
const NVML_SONAME: &str = "libnvidia-ml.so.1";
const INTERPOSER: &str = "libinflight_interposer.so";
const VIRTUAL_NVENC: &str = "libvirtual_nvenc_driver.so";
const VIRTUAL_CUDA: &str = "libvirtual_cuda.so";
const VIRTUAL_NVML: &str = "libvirtual_nvml.so";
/// In a folder of its own, since it has the virtual driver's name.
const INTERPOSER_FOLDER: &str = "interposer";

/// The driver behind the interposer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrueDriver {
    /// The virtual driver with its CUDA library, configured like `virtual:…`.
    Virtual {
        /// What follows `virtual:`.
        config: String,
    },
    /// The installed driver.
    System,
    /// A driver library by its path.
    Library(PathBuf),
}

/// A folder with the libraries in it.
#[derive(Debug, Clone)]
pub struct DriverFolder {
    dir: PathBuf,
}

/// The surroundings of a command, besides its driver.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// Folder for the measurements.
    pub traces: &'a Path,
    /// Where the virtual driver writes its protocol, if anywhere.
    pub log: Option<&'a Path>,
    /// Is the virtual CUDA there as well?
    pub asks_cuda: bool,
}

/// Why the libraries cannot be put in place.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum DriverFolderError {
    #[error(
        "cannot find {name} beside this program (in {}): build it with cargo build --release --workspace, and start the program from target/release", looked_in.display()
    )]
    NotBuilt { name: &'static str, looked_in: PathBuf },
    #[error("cannot write {}: {source}; choose a folder that can be written to", path.display())]
    Place { path: PathBuf, source: io::Error },
    #[error(
        "cannot find {NVENC_SONAME} on this computer: install the NVIDIA driver (Debian/Ubuntu: libnvidia-encode1), or leave --real out"
    )]
    NoSystemDriver,
    #[error("cannot measure other programs: this works on Linux only, see docs/ARCHITECTURE.md")]
    NotHere,
}

impl DriverFolder {
    /// Puts the interposer into `dir`, and with `with_virtual` the virtual drivers.
    ///
    /// # Errors
    /// A library was not built, or the folder cannot be written to.
    pub fn install(dir: &Path, with_virtual: bool) -> Result<Self, DriverFolderError> {
        if !cfg!(target_os = "linux") {
            return Err(DriverFolderError::NotHere);
        }
        let own = dir.join(INTERPOSER_FOLDER);
        fs::create_dir_all(&own).map_err(|source| DriverFolderError::Place { path: own.clone(), source })?;
        copy(INTERPOSER, &own.join(NVENC_SONAME))?;
        if with_virtual {
            copy(VIRTUAL_NVENC, &dir.join(NVENC_SONAME))?;
            copy(VIRTUAL_CUDA, &dir.join(CUDA_SONAME))?;
            copy(VIRTUAL_NVML, &dir.join(NVML_SONAME))?;
        }
        let dir = dir.canonicalize().map_err(|source| DriverFolderError::Place { path: dir.to_owned(), source })?;
        Ok(Self { dir })
    }

    /// The interposer, by its whole path.
    pub fn interposer(&self) -> PathBuf {
        self.dir.join(INTERPOSER_FOLDER).join(NVENC_SONAME)
    }

    /// Makes `command` find the interposer for its driver, `driver` behind it, and what is around.
    ///
    /// # Errors
    /// The installed driver is asked for and there is none.
    pub fn arrange(
        &self,
        command: &mut Command,
        driver: &TrueDriver,
        around: &Around<'_>,
    ) -> Result<(), DriverFolderError> {
        let mut places = OsString::from(self.dir.join(INTERPOSER_FOLDER));
        let library = match driver {
            TrueDriver::Virtual { config } => {
                if around.asks_cuda {
                    places.push(":");
                    places.push(&self.dir);
                }
                let comma = if config.is_empty() { "" } else { "," };
                let log = around.log.map_or_else(String::new, |log| format!("{comma}log={}", log.display()));
                command.env("VIRTUAL_NVENC", format!("{config}{log}"));
                self.dir.join(NVENC_SONAME)
            }
            TrueDriver::System => system_driver()?,
            TrueDriver::Library(path) => path.canonicalize().unwrap_or_else(|_| path.clone()),
        };
        if let Some(before) = std::env::var_os("LD_LIBRARY_PATH").filter(|before| !before.is_empty()) {
            places.push(":");
            places.push(before);
        }
        // GStreamer remembers for ever which plugins found a driver.
        for name in ["GST_REGISTRY", "GST_REGISTRY_1_0"] {
            command.env(name, around.traces.join("gstreamer-registry.bin"));
        }
        command.env("LD_LIBRARY_PATH", places);
        command.env("INFLIGHT_NVENC_LIBRARY", library);
        command.env("INFLIGHT_TRACE_DIR", around.traces);
        Ok(())
    }
}

/// Are all the libraries beside this program?
///
/// # Errors
/// One was not built, or they are of no use on this system.
pub fn are_built() -> Result<(), DriverFolderError> {
    if !cfg!(target_os = "linux") {
        return Err(DriverFolderError::NotHere);
    }
    [INTERPOSER, VIRTUAL_NVENC, VIRTUAL_CUDA, VIRTUAL_NVML].into_iter().try_for_each(|name| built(name).map(drop))
}

/// By its whole path: under its short name the loader would find the interposer again.
fn system_driver() -> Result<PathBuf, DriverFolderError> {
    let listed =
        Command::new("ldconfig").arg("-p").output().or_else(|_| Command::new("/sbin/ldconfig").arg("-p").output());
    let listed = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let of_cache = listed.lines().filter_map(|line| line.trim().strip_prefix(NVENC_SONAME)?.split_once("=> "));
    // WSL's place is in no cache.
    let of_cache =
        of_cache.map(|(_, path)| PathBuf::from(path)).chain([Path::new("/usr/lib/wsl/lib").join(NVENC_SONAME)]);
    of_cache.into_iter().find(|path| path.exists()).ok_or(DriverFolderError::NoSystemDriver)
}

/// The library as it was built last.
fn built(name: &'static str) -> Result<PathBuf, DriverFolderError> {
    let program = std::env::current_exe().unwrap_or_default();
    let beside = program.parent().unwrap_or(Path::new("")).to_owned();
    // Tests find what cargo built for them in deps/, below the program or around the test itself.
    let above = beside.parent().filter(|_| beside.ends_with("deps")).map(|above| above.join(name));
    let places = [beside.join(name), beside.join("deps").join(name)].into_iter().chain(above);
    let when = |path: &PathBuf| path.metadata().and_then(|meta| meta.modified()).ok();
    let newest = places.filter(|path| path.exists()).max_by_key(when);
    newest.ok_or(DriverFolderError::NotBuilt { name, looked_in: beside })
}

/// Replaced as a whole: a program that has the old file loaded keeps it.
fn copy(name: &'static str, to: &Path) -> Result<(), DriverFolderError> {
    let from = built(name)?;
    let copied = fs::read(&from).and_then(|library| crate::files::replace(to, &library));
    copied.map_err(|source| DriverFolderError::Place { path: to.to_owned(), source })
}
