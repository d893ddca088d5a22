//! Driver libraries: found by their system name or by path, and never unloaded.
//!
//! The only file of this program that loads code. Knows no driver.

use std::mem::ManuallyDrop;
use std::path::Path;

/// A loaded library. Never unloaded: a driver's own threads may outlive its last session.
#[derive(Debug)]
pub struct Library {
    name: String,
    library: ManuallyDrop<libloading::Library>,
}

/// Why a library cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot load the driver library {library}: {cause}")]
#[allow(missing_docs, reason = "the message says it")]
pub struct LoadError {
    pub library: String,
    pub cause: String,
}

impl Library {
    /// A library of the system by its file name: on Windows from System32 only, because searching there alone keeps a
    /// planted library beside the program from being run.
    ///
    /// # Errors
    /// There is none, or it does not load.
    pub fn system(name: &str) -> Result<Self, LoadError> {
        load_system(name).map(|library| Self::new(name, library)).map_err(|error| load_error(name, &error))
    }

    /// A library by path.
    ///
    /// # Errors
    /// There is none, or it does not load.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let name = path.display().to_string();
        // SAFETY: loading runs the library's initialisers; the user named this library as the driver to run.
        let library = unsafe { libloading::Library::new(path) }.map_err(|error| load_error(&name, &error))?;
        Ok(Self::new(&name, library))
    }

    /// Its name, as it was asked for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One exported function; `None` where there is no such export.
    ///
    /// # Safety
    /// `T` must be the type of the function that the library exports as `name`, which ends in a zero byte.
    pub unsafe fn function<T: Copy>(&self, name: &[u8]) -> Option<T> {
        // SAFETY: the caller's promise.
        unsafe { self.library.get::<T>(name) }.ok().map(|function| *function)
    }

    fn new(name: &str, library: libloading::Library) -> Self {
        Self { name: name.to_owned(), library: ManuallyDrop::new(library) }
    }
}

#[cfg(not(windows))]
fn load_system(name: &str) -> Result<libloading::Library, libloading::Error> {
    // SAFETY: loading runs the initialisers of the system's own driver.
    unsafe { libloading::Library::new(name) }
}

#[cfg(windows)]
fn load_system(name: &str) -> Result<libloading::Library, libloading::Error> {
    use libloading::os::windows::{LOAD_LIBRARY_SEARCH_SYSTEM32, Library};
    // SAFETY: loading runs the initialisers of the system's own driver.
    unsafe { Library::load_with_flags(name, LOAD_LIBRARY_SEARCH_SYSTEM32) }.map(Into::into)
}

fn load_error(library: &str, error: &libloading::Error) -> LoadError {
    // libloading's own text is only "dlopen failed"; what the loader said is in its source.
    let cause = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    LoadError { library: library.to_owned(), cause }
}
