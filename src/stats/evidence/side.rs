//! One side of a comparison: the runs of a session that a filter leaves, and where they come from.
//!
//! Knows no file ([`crate::session::Session::side`] fills it in) and no other side.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::Codec;
use crate::plan::Plan;
use crate::record::{Case, Client, DeviceInfo, EncodeSettings, Environment, InputInfo, Rehearsal};
use crate::stats::evidence::noise_floor::NoiseFloor;
use crate::stats::runs::selector::CaseFilter;
use crate::stats::runs::summary::RunSummary;

/// One side of a comparison, as a session offers it.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// Session folder as the user wrote it.
    pub session: &'a str,
    /// When the session was made, in milliseconds since 1970.
    pub created_unix_ms: u64,
    /// What was to be measured.
    pub plan: &'a Plan,
    /// Which frames went in.
    pub input: &'a InputInfo,
    /// How the encoder was set up, where that is known.
    pub settings: &'a BTreeMap<Codec, EncodeSettings>,
    /// What a first try of each codec found, where there was one.
    pub rehearsals: &'a BTreeMap<Codec, Rehearsal>,
    /// What made the numbers.
    pub device: &'a DeviceInfo,
    /// The machine around it.
    pub environment: &'a Environment,
    /// What this machine was found to show between equal things; `None`: nobody has calibrated.
    pub noise: Option<&'a NoiseFloor>,
    /// All runs of the session.
    pub runs: &'a [RunSummary],
    /// Which of them are meant.
    pub filter: CaseFilter,
}

/// Where a side comes from.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names are Side's")]
pub struct SideInfo {
    pub session: String,
    pub filter: String,
    pub device: DeviceInfo,
    pub input: InputInfo,
}

impl<'a> Side<'a> {
    /// Codecs that the filter leaves.
    pub fn codecs(&self) -> Vec<Codec> {
        distinct(self.cases().into_iter().map(|case| case.codec))
    }

    /// Cases that the filter leaves, in the order of [`Case::place`].
    pub fn cases(&self) -> Vec<Case> {
        let mut cases = distinct(self.selected().map(|run| run.case));
        cases.sort_by_key(Case::place);
        cases
    }

    /// All runs of `case`, warm-ups and failed ones included.
    pub fn runs_of(&self, case: Case) -> Vec<&'a RunSummary> {
        self.runs.iter().filter(|run| run.case == case).collect()
    }

    /// How the encoder of `case` was set up, in the first run of which that is known; `None`: of none.
    pub fn settings_of(&self, case: Case) -> Option<&'a EncodeSettings> {
        match case.client {
            Client::Here => self.settings.get(&case.codec),
            Client::Process | Client::Foreign(_) => {
                self.runs.iter().filter(|run| run.case == case).find_map(|run| run.settings.as_deref())
            }
        }
    }

    /// Were the two sides measured together?
    pub fn is_same_session(&self, other: &Side<'_>) -> bool {
        // Not by name: a folder has many.
        self.created_unix_ms == other.created_unix_ms && self.plan == other.plan && self.device == other.device
    }

    /// What has to agree for the input to be the same, whatever it was called.
    pub fn input_text(&self) -> String {
        let InputInfo { format, dimensions, frames, digest, .. } = self.input;
        format!("{frames} frames {format} {dimensions} with digest {digest}")
    }

    /// The part that a comparison keeps.
    pub fn info(&self) -> SideInfo {
        SideInfo {
            session: self.session.to_owned(),
            filter: self.filter.to_string(),
            device: self.device.clone(),
            input: self.input.clone(),
        }
    }

    fn selected(&self) -> impl Iterator<Item = &'a RunSummary> {
        let filter = self.filter;
        self.runs.iter().filter(move |run| filter.matches(&run.case))
    }
}

/// Each value once, in the order of its first appearance.
fn distinct<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}
