//! A session's label: title, note and tags that a user gives it. In a separate file, so that measurements are never rewritten.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::SessionError;
use crate::files::{read_small, replace};

/// Much more than anybody types.
const MAX_LABEL_BYTES: u64 = 1 << 20;
pub(super) const LABEL_FILE: &str = "label.json";

/// Title, note and tags. Empty by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Label {
    /// Shown instead of the folder's name.
    pub title: String,
    /// Free text.
    pub note: String,
    /// Words to find the session by.
    pub tags: Vec<String>,
}

impl Label {
    /// The label of the session in `dir`; empty where there is none.
    ///
    /// # Errors
    /// There is a label that cannot be read or understood. The measurements are not affected.
    pub fn load(dir: &Path) -> Result<Self, SessionError> {
        let path = dir.join(LABEL_FILE);
        match read_small(&path, MAX_LABEL_BYTES) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|error| SessionError::BadLabel { path, problem: error.to_string() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(SessionError::Read { path, source }),
        }
    }

    /// Writes the label to the session folder; never writes only a part.
    ///
    /// # Errors
    /// The folder cannot be written to, or the disk is full; an earlier label stays.
    pub fn save(&self, dir: &Path) -> Result<(), SessionError> {
        let path = dir.join(LABEL_FILE);
        let write = || replace(&path, &serde_json::to_vec_pretty(self)?);
        write().map_err(|source| SessionError::write(&path, source))
    }

    /// Sets the tags from one line of text, separated by commas or spaces, without duplicates.
    pub fn set_tags(&mut self, line: &str) {
        self.tags.clear();
        for tag in line.split([',', ' ']).filter(|tag| !tag.is_empty()) {
            if !self.tags.iter().any(|known| known == tag) {
                self.tags.push(tag.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_label_comes_back_and_none_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Label::load(dir.path()).unwrap(), Label::default());
        let mut label = Label { title: "Ada, p1".to_owned(), note: "two\nlines".to_owned(), tags: Vec::new() };
        label.set_tags("quiet,  night quiet");
        assert_eq!(label.tags, ["quiet", "night"]);
        label.save(dir.path()).unwrap();
        assert_eq!(Label::load(dir.path()).unwrap(), label);
    }

    #[test]
    fn a_damaged_label_says_so() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(LABEL_FILE), "{").unwrap();
        assert!(Label::load(dir.path()).unwrap_err().to_string().contains(LABEL_FILE));
    }
}
