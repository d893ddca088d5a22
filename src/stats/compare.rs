//! Before against after: are the two sides comparable, and does after meet the criteria?
//!
//! Knows no file; a [`Side`] is what a session offers. What "better" means is in `criteria`.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::Codec;
use crate::plan::Plan;
use crate::record::{Case, DeviceInfo, Environment, InputInfo};
use crate::stats::criteria::{Criteria, CriterionResult, Verdict};
use crate::stats::selector::CaseFilter;
use crate::stats::summary::{Group, RunSummary};

/// One side of a comparison, as a session offers it ([`crate::session::Session::side`]).
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// Session folder as the user wrote it.
    pub session: &'a str,
    /// When the session was made; with `session` it tells one session from another.
    pub created_unix_ms: u64,
    /// What was to be measured.
    pub plan: &'a Plan,
    /// Which frames went in.
    pub input: &'a InputInfo,
    /// What made the numbers.
    pub device: &'a DeviceInfo,
    /// The machine around it.
    pub environment: &'a Environment,
    /// All runs of the session.
    pub runs: &'a [RunSummary],
    /// Which of them are meant.
    pub filter: CaseFilter,
}

/// Differences that the user has said to accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowances {
    /// A virtual device against a real one.
    pub device_kind: bool,
    /// Other frames, or another number of them.
    pub input: bool,
}

/// Before against after.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    /// Any criterion failed: fail. Else any inconclusive: inconclusive.
    pub verdict: Verdict,
    /// Codecs that both sides have.
    pub codecs: Vec<CodecComparison>,
    /// What weakens the answer.
    pub warnings: Vec<Warning>,
    /// The limits used.
    pub criteria: Criteria,
    /// Where the before side comes from.
    pub before: SideInfo,
    /// Where the after side comes from.
    pub after: SideInfo,
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

/// One codec, judged.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the types say it")]
pub struct CodecComparison {
    pub codec: Codec,
    pub verdict: Verdict,
    pub before: Group,
    pub after: Group,
    pub criteria: Vec<CriterionResult>,
}

/// Why two sides cannot be compared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum CompareError {
    #[error("")]
    Todo,
}

/// What weakens the answer without forbidding it. `Display` is the sentence for people.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[allow(missing_docs, reason = "Display says it")]
pub enum Warning {
    NotInterleaved,
    HighCv { side: SideName, case: Case, metric: String, cv_pct: f64 },
    FewRuns { side: SideName, case: Case, num_good: u32 },
    FailedRuns { side: SideName, case: Case, num_failed: u32 },
    SettingDiffers { setting: String, before: String, after: String },
    DebugBuild { side: SideName },
    ModelLate { side: SideName, case: Case, num_pictures: u64 },
    DeviceDiffers { before: String, after: String },
    InputDiffers { before: String, after: String },
    CodecLeftOut { codec: Codec, side: SideName },
}

/// Which side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum SideName {
    Before,
    After,
}

/// Compares codec by codec.
///
/// # Errors
/// The sides are not comparable, or a filter leaves no case or several of a codec.
pub fn compare(
    before: &Side<'_>,
    after: &Side<'_>,
    criteria: &Criteria,
    allow: Allowances,
) -> Result<Comparison, CompareError> {
    todo!()
}
