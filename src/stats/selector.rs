//! Which runs of which session: `SESSION:reap=4,lock=inline,codec=h264,pool=4`.
//!
//! Knows the grammar only; nothing is opened here.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::contract::{Codec, LockPlacement, UnknownWord};
use crate::record::Case;

/// A session folder and the cases of it that are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the types say it")]
pub struct Selector {
    pub session: PathBuf,
    pub filter: CaseFilter,
}

/// Cases that agree in every named part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names are Case's")]
pub struct CaseFilter {
    pub codec: Option<Codec>,
    pub reap_threshold: Option<u32>,
    pub lock: Option<LockPlacement>,
    pub pool: Option<u32>,
}
