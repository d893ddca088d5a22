//! Who encoded: this program in its own process, as a process of its own, or another program.
//!
//! Part of what tells one case from another, so it is as small and as easily copied as a case's other parts.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest name in bytes.
pub const MAX_NAME_BYTES: usize = 95;
const PROCESS: &str = "inflight";

/// The program that encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Client {
    /// This program, inside the measuring process, which sees every wait.
    #[default]
    Here,
    /// `inflight encode` as a separate process, measured from outside.
    Process,
    /// Another program, measured from outside.
    Foreign(ClientName),
}

/// The name of another program, with the options that distinguish it from others of that name.
///
/// Each distinct name is kept once for as long as the process runs, so that a case stays small and easily copied.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientName(&'static str);

/// Why a name cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' cannot be the name of an encoding program: use 1 to {MAX_NAME_BYTES} bytes without line breaks")]
pub struct BadName(String);

impl Client {
    /// Did this program encode inside its own process?
    pub fn is_here(self) -> bool {
        self == Self::Here
    }
}

impl ClientName {
    /// # Errors
    /// The name is empty, too long, or has control characters.
    pub fn new(name: &str) -> Result<Self, BadName> {
        if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
            return Err(BadName(name.to_owned()));
        }
        Ok(Self(kept(name)))
    }

    /// The part of `name` that fits.
    pub fn shortened(name: &str) -> Self {
        let mut fitting = String::new();
        for letter in name.chars().map(|letter| if letter.is_control() { ' ' } else { letter }) {
            if fitting.len().saturating_add(letter.len_utf8()) > MAX_NAME_BYTES {
                break;
            }
            fitting.push(letter);
        }
        Self::new(&fitting).unwrap_or(Self("?"))
    }

    /// The name.
    pub fn as_str(&self) -> &'static str {
        self.0
    }
}

/// The one copy of `name`.
fn kept(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let name: &'static str = Box::leak(name.into());
    names.insert(name);
    name
}

impl fmt::Debug for ClientName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Here => "here",
            Self::Process => PROCESS,
            Self::Foreign(name) => name.as_str(),
        })
    }
}

impl FromStr for Client {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        match text {
            "here" => Ok(Self::Here),
            PROCESS => Ok(Self::Process),
            name => ClientName::new(name).map(Self::Foreign),
        }
    }
}

impl TryFrom<String> for Client {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<Client> for String {
    fn from(client: Client) -> Self {
        client.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_they_were_written() {
        for text in ["here", "inflight", "ffmpeg", "ffmpeg -delay 0 -surfaces 8", "größer"] {
            assert_eq!(text.parse::<Client>().unwrap().to_string(), text);
        }
        assert!("".parse::<Client>().is_err());
        assert!("a\nb".parse::<Client>().is_err());
        assert!("x".repeat(MAX_NAME_BYTES + 1).parse::<Client>().is_err());
        assert_eq!(ClientName::shortened(&"ü".repeat(60)).as_str(), "ü".repeat(47));
    }
}
