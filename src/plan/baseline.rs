//! Another program to measure beside this one: `ffmpeg`, or `ffmpeg:EXTRA OPTIONS`.
//!
//! Knows the name and options only; `measure` runs the program.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::{Client, ClientName, MAX_NAME_BYTES};

const FFMPEG: &str = "ffmpeg";

/// FFmpeg with NVENC, with any output options beyond the plan's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Baseline {
    /// Output options as typed, separated by spaces; empty: none.
    extra: String,
    name: ClientName,
}

/// Why a baseline cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum BaselineError {
    #[error("'{0}' is not a baseline: use ffmpeg, or ffmpeg:\"extra output options\"")]
    Unknown(String),
    #[error("the options of baseline '{0}' are too long: use fewer than {MAX_NAME_BYTES} bytes")]
    TooLong(String),
}

impl Baseline {
    /// Output options beyond the plan's.
    pub fn extra_options(&self) -> impl Iterator<Item = &str> {
        self.extra.split_whitespace()
    }

    /// The name of its cases.
    pub fn client(&self) -> Client {
        Client::Foreign(self.name)
    }
}

impl FromStr for Baseline {
    type Err = BaselineError;

    fn from_str(text: &str) -> Result<Self, BaselineError> {
        let (program, extra) = text.split_once(':').unwrap_or((text, ""));
        if program != FFMPEG {
            return Err(BaselineError::Unknown(text.to_owned()));
        }
        let extra = extra.split_whitespace().collect::<Vec<_>>().join(" ");
        let name = format!("{FFMPEG} {extra}");
        let name = ClientName::new(name.trim_end()).map_err(|_| BaselineError::TooLong(text.to_owned()))?;
        Ok(Self { extra, name })
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colon = if self.extra.is_empty() { "" } else { ":" };
        write!(f, "{FFMPEG}{colon}{}", self.extra)
    }
}

impl TryFrom<String> for Baseline {
    type Error = BaselineError;

    fn try_from(text: String) -> Result<Self, BaselineError> {
        text.parse()
    }
}

impl From<Baseline> for String {
    fn from(baseline: Baseline) -> Self {
        baseline.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_kept_and_told_apart() {
        let plain: Baseline = "ffmpeg".parse().unwrap();
        let eager: Baseline = "ffmpeg: -delay  0".parse().unwrap();
        assert_eq!((plain.to_string(), plain.client().to_string()), ("ffmpeg".to_owned(), "ffmpeg".to_owned()));
        assert_eq!(
            (eager.to_string(), eager.client().to_string()),
            ("ffmpeg:-delay 0".to_owned(), "ffmpeg -delay 0".to_owned())
        );
        assert_eq!(eager.extra_options().collect::<Vec<_>>(), ["-delay", "0"]);
        assert!(matches!("gstreamer".parse::<Baseline>(), Err(BaselineError::Unknown(_))));
        assert!(matches!(format!("ffmpeg:{}", "x".repeat(99)).parse::<Baseline>(), Err(BaselineError::TooLong(_))));
    }
}
