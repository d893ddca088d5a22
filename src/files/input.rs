//! Reading a small file that somebody else may have made: a regular one, and no more of it than it can have.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// All of the file at `path`. Its kind is looked at before it is opened, because opening a pipe may wait for ever.
///
/// # Errors
/// It is no regular file, has more than `max_bytes`, or cannot be read.
pub fn read_small(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let file = open_regular(path)?;
    let mut bytes = Vec::new();
    file.take(max_bytes + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > max_bytes {
        true => Err(io::Error::other(format!("it has more than {max_bytes} bytes"))),
        false => Ok(bytes),
    }
}

/// Opens a regular file.
///
/// # Errors
/// It is none, or cannot be opened.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let there = path.metadata()?;
    match there.is_file() {
        true => File::open(path),
        false if there.is_dir() => Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")),
        false => Err(io::Error::other("it is a pipe or a device, not a file")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_there_may_be() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "12345").unwrap();
        assert_eq!(read_small(file.path(), 5).unwrap(), b"12345");
        assert!(read_small(file.path(), 4).unwrap_err().to_string().contains("more than 4 bytes"));
        assert!(read_small(Path::new("/"), 4).is_err());
        #[cfg(unix)]
        assert!(read_small(Path::new("/dev/zero"), 4).unwrap_err().to_string().contains("device"));
    }
}
