//! The outputs that a command was asked for: each in a place of its own, and words to people where no output is.

use std::io::Write;
use std::path::Path;

use super::exit::Failure;
use crate::files::{is_same, is_standard_output};
use crate::shell::shown;

/// Refuses outputs that would take each other's place, standard output included.
pub(super) fn check(outputs: &[&Path], has_json: bool) -> Result<(), Failure> {
    let is_twice = |idx: usize, path: &Path| outputs.iter().take(idx).any(|other| is_same(path, other));
    if let Some((_, path)) = outputs.iter().enumerate().find(|&(idx, path)| is_twice(idx, path)) {
        let path = path.display();
        return Err(Failure::usage(format!("{path} was given for two outputs: give each a name of its own")));
    }
    let num_standard = outputs.iter().filter(|path| is_standard_output(path)).count();
    if num_standard + usize::from(has_json) > 1 {
        return Err(Failure::usage("only one output can go to standard output: give the others a file name"));
    }
    Ok(())
}

/// For words to people: standard output, unless one of `outputs` is there.
pub(super) fn prose(outputs: &[&Path]) -> Box<dyn Write> {
    if outputs.iter().any(|path| is_standard_output(path)) {
        Box::new(Prose(std::io::stderr()))
    } else {
        Box::new(Prose(std::io::stdout()))
    }
}

/// A terminal that is shown words and obeys none: names and messages may be anybody's. Takes whole texts, as `writeln!` gives them.
struct Prose<W>(W);

impl<W: Write> Write for Prose<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write_all(shown(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}
