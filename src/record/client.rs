//! Who encoded: this program in its own process, as a process of its own, or another program.
//!
//! Part of what tells one case from another, so it is as small and as easily copied as a case's other parts.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest name in bytes.
pub const MAX_NAME_BYTES: usize = 95;
const PROCESS: &str = "inflight";

/// Who encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Client {
    /// This program, inside the measuring process: every wait is known from inside.
    #[default]
    Here,
    /// `inflight encode` as a process of its own, seen from outside.
    Process,
    /// Another program, seen from outside.
    Foreign(ClientName),
}

/// What another program is called: its name and the options that tell it from others of that name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientName {
    bytes: [u8; MAX_NAME_BYTES],
    len: u8,
}

/// Why a name cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' cannot name an encoding program: use 1 to {MAX_NAME_BYTES} bytes without line breaks")]
pub struct BadName(String);

impl Client {
    /// Measured by this program inside its own process?
    pub fn is_here(self) -> bool {
        self == Self::Here
    }
}

impl ClientName {
    /// # Errors
    /// The name is empty, too long, or has control characters.
    pub fn new(name: &str) -> Result<Self, BadName> {
        let bad = || BadName(name.to_owned());
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(bad());
        }
        let mut bytes = [0; MAX_NAME_BYTES];
        bytes.get_mut(..name.len()).ok_or_else(bad)?.copy_from_slice(name.as_bytes());
        Ok(Self { bytes, len: u8::try_from(name.len()).map_err(|_| bad())? })
    }

    /// As much of `name` as fits.
    pub fn shortened(name: &str) -> Self {
        let mut fitting = String::new();
        for letter in name.chars().map(|letter| if letter.is_control() { ' ' } else { letter }) {
            if fitting.len() + letter.len_utf8() > MAX_NAME_BYTES {
                break;
            }
            fitting.push(letter);
        }
        Self::new(&fitting).unwrap_or(Self { bytes: [b'?'; MAX_NAME_BYTES], len: 1 })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        // Made from a string only, and never cut.
        self.bytes.get(..usize::from(self.len)).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("?")
    }
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
