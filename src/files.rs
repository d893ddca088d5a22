//! Small facts about files that several writers need.

use std::fs::File;
use std::io;

/// Gives a file made as a private temporary one the permissions of an ordinary new file.
///
/// # Errors
/// What the operating system answers.
#[cfg(unix)]
pub fn make_ordinary(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    // The umask can only be read by setting it, which other threads would see; readable by all is what most have.
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

/// Elsewhere temporary files are ordinary ones.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn make_ordinary(_: &File) -> io::Result<()> {
    Ok(())
}
