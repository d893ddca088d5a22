//! Which runs of which session: `SESSION:reap=4,lock=inline,codec=h264,pool=4`.
//!
//! Knows the grammar only; nothing is opened here.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::contract::{Codec, LockPlacement, UnknownWord};
use crate::record::{BadName, Case, Client};

/// A session folder and the cases of it that are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the types say it")]
pub struct Selector {
    pub session: PathBuf,
    pub filter: CaseFilter,
}

/// Cases that agree in every part that is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names are Case's")]
pub struct CaseFilter {
    pub codec: Option<Codec>,
    pub reap_threshold: Option<u32>,
    pub lock: Option<LockPlacement>,
    pub pool: Option<u32>,
    pub client: Option<Client>,
    /// The decoder's threshold in a transcode.
    pub decode: Option<u32>,
}

/// Why a selector cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum SelectorError {
    #[error("'{0}' names no session folder: write SESSION or SESSION:reap=4,lock=inline")]
    NoSession(String),
    #[error("'{0}' is no KEY=VALUE: write for example reap=4,lock=inline")]
    NoPair(String),
    #[error("cannot select by '{0}': known are reap, lock, codec, pool, client, decode")]
    UnknownKey(String),
    #[error("{0} is named twice: name it once")]
    Twice(&'static str),
    #[error("{key}={value} is no whole number: write for example {key}=4")]
    NoNumber { key: &'static str, value: String },
    #[error(transparent)]
    UnknownWord(#[from] UnknownWord),
    #[error(transparent)]
    BadName(#[from] BadName),
}

impl CaseFilter {
    /// Does `case` agree in every part that is named?
    pub fn matches(&self, case: &Case) -> bool {
        agrees(self.codec, case.codec)
            && agrees(self.reap_threshold, case.reap_threshold)
            && agrees(self.lock, case.lock)
            && agrees(self.pool, case.pool)
            && agrees(self.client, case.client)
            && self.decode.is_none_or(|threshold| case.decode.is_some_and(|ring| ring.reap_threshold == threshold))
    }

    fn is_about_ring(&self) -> bool {
        self.reap_threshold.is_some() || self.lock.is_some() || self.pool.is_some() || self.decode.is_some()
    }

    fn name(&mut self, pair: &str) -> Result<(), SelectorError> {
        let (key, value) = pair.split_once('=').ok_or_else(|| SelectorError::NoPair(pair.to_owned()))?;
        match key {
            "codec" => once("codec", &mut self.codec, value.parse()?),
            "reap" => once("reap", &mut self.reap_threshold, number("reap", value)?),
            "lock" => once("lock", &mut self.lock, value.parse()?),
            "pool" => once("pool", &mut self.pool, number("pool", value)?),
            "client" => once("client", &mut self.client, value.parse()?),
            "decode" => once("decode", &mut self.decode, number("decode", value)?),
            _ => Err(SelectorError::UnknownKey(key.to_owned())),
        }
    }
}

impl From<Case> for CaseFilter {
    /// The filter that leaves only `case`.
    fn from(case: Case) -> Self {
        Self {
            codec: Some(case.codec),
            reap_threshold: Some(case.reap_threshold),
            lock: Some(case.lock),
            pool: Some(case.pool),
            client: Some(case.client),
            decode: case.decode.map(|ring| ring.reap_threshold),
        }
    }
}

impl FromStr for CaseFilter {
    type Err = SelectorError;

    /// `reap=4,lock=inline`; the empty text names nothing and matches every case.
    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let mut filter = Self::default();
        for pair in text.split(',').filter(|_| !text.is_empty()) {
            filter.name(pair.trim())?;
        }
        // A threshold, lock or pool is a word about our own encoder, unless another is named.
        if filter.client.is_none() && filter.is_about_ring() {
            filter.client = Some(Client::Here);
        }
        Ok(filter)
    }
}

impl FromStr for Selector {
    type Err = SelectorError;

    /// What follows the last colon is a filter when it holds a `=` and no path separator: a Windows path has a colon
    /// too, and a folder's name may hold a `=`.
    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let is_filter = |tail: &str| tail.contains('=') && !tail.contains(['/', '\\']);
        let (session, filter) = match text.rsplit_once(':') {
            Some((session, tail)) if is_filter(tail) => (session, tail.parse()?),
            _ => (text, CaseFilter::default()),
        };
        if session.is_empty() {
            return Err(SelectorError::NoSession(text.to_owned()));
        }
        Ok(Self { session: PathBuf::from(session), filter })
    }
}

impl fmt::Display for CaseFilter {
    /// As [`CaseFilter::from_str`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_said = |client: &Client| !(client.is_here() && self.is_about_ring());
        let named = |key, value: Option<String>| value.map(|value| format!("{key}={value}"));
        let pairs = [
            named("codec", self.codec.map(|codec| codec.to_string())),
            named("reap", self.reap_threshold.map(|threshold| threshold.to_string())),
            named("lock", self.lock.map(|lock| lock.to_string())),
            named("pool", self.pool.map(|pool| pool.to_string())),
            named("decode", self.decode.map(|threshold| threshold.to_string())),
            named("client", self.client.filter(is_said).map(|client| client.to_string())),
        ];
        f.write_str(&pairs.into_iter().flatten().collect::<Vec<_>>().join(","))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colon = if self.filter == CaseFilter::default() { "" } else { ":" };
        write!(f, "{}{colon}{}", self.session.display(), self.filter)
    }
}

fn agrees<T: PartialEq>(named: Option<T>, actual: T) -> bool {
    named.is_none_or(|named| named == actual)
}

fn once<T>(key: &'static str, slot: &mut Option<T>, value: T) -> Result<(), SelectorError> {
    match slot.replace(value) {
        Some(_) => Err(SelectorError::Twice(key)),
        None => Ok(()),
    }
}

fn number(key: &'static str, value: &str) -> Result<u32, SelectorError> {
    value.parse().map_err(|_| SelectorError::NoNumber { key, value: value.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        for text in ["out/a", "out/a:reap=4", r"C:\out\a", r"C:\out\a:codec=h264,reap=4,lock=inline,pool=8", "x=1/a"] {
            assert_eq!(text.parse::<Selector>().unwrap().to_string(), text);
        }
        let filter: CaseFilter = "lock=thread, reap=2".parse().unwrap();
        assert_eq!((filter.lock, filter.reap_threshold), (Some(LockPlacement::Thread), Some(2)));
        assert_eq!((filter.codec, filter.pool), (None, None));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let refusal = |text: &str| text.parse::<Selector>().unwrap_err();
        assert_eq!(refusal("a:threshold=4"), SelectorError::UnknownKey("threshold".to_owned()));
        assert_eq!(refusal("a:reap=4,reap=8"), SelectorError::Twice("reap"));
        assert_eq!(refusal("a:reap=4,"), SelectorError::NoPair(String::new()));
        assert_eq!(refusal("a:reap=-1"), SelectorError::NoNumber { key: "reap", value: "-1".to_owned() });
        assert!(matches!(refusal("a:lock=outline"), SelectorError::UnknownWord(_)));
        assert!(matches!(refusal(":reap=4"), SelectorError::NoSession(_)));
        assert!(matches!(refusal(""), SelectorError::NoSession(_)));
    }

    #[test]
    fn a_case_selects_itself_alone() {
        let case = Case {
            codec: Codec::Hevc,
            reap_threshold: 4,
            lock: LockPlacement::Inline,
            pool: 4,
            names_pool: false,
            client: Client::Here,
            decode: None,
        };
        let filter = CaseFilter::from(case);
        assert!(filter.matches(&case));
        assert!(!filter.matches(&Case { pool: 8, ..case }));
        assert!(!filter.matches(&Case { client: Client::Process, ..case }));
        assert_eq!(filter.to_string().parse(), Ok(filter));
        assert!(CaseFilter::default().matches(&case));
    }
}
