//! A folder with both libraries under the names by which clients load them.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The folder; gone with the value.
pub struct Drivers(TempDir);

impl Drivers {
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        for (built, name) in
            [("libvirtual_nvenc_driver.so", "libnvidia-encode.so.1"), ("libvirtual_cuda.so", "libcuda.so.1")]
        {
            std::fs::copy(find(built), folder.path().join(name)).unwrap();
        }
        Self(folder)
    }

    /// Adds a library under the name by which clients load it.
    #[allow(dead_code, reason = "only some tests need another")]
    pub fn add(&self, built: &str, name: &str) {
        std::fs::copy(find(built), self.path().join(name)).unwrap();
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A command that finds them.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>, device: &str) -> Command {
        let mut command = Command::new(program);
        command.env("LD_LIBRARY_PATH", self.path()).env("VIRTUAL_NVENC", device);
        command
    }
}

/// Cargo puts a library into deps/, beside this test, or one above where it is asked for by name.
fn find(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let deps = test.parent().unwrap();
    let places = [deps.parent().unwrap().join(name), deps.join(name)];
    let newest =
        places.into_iter().filter(|path| path.exists()).max_by_key(|path| path.metadata().unwrap().modified().unwrap());
    newest.unwrap_or_else(|| panic!("{name} is not built: cargo test --workspace"))
}
