//! What weakens a comparison without forbidding it.
//!
//! Looks at where the two sides come from and at how their runs lie. Changes no verdict; what does is in `gate`.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::Codec;
use crate::plan::Plan;
use crate::record::Case;
use crate::stats::metrics::Metric;
use crate::stats::side::{Side, SideName};
use crate::stats::summary::Group;
use crate::units;

/// Wall times that scatter more than this say that the machine was not quiet.
const HIGH_CV_PCT: f64 = 5.0;
/// Below this the mean of the runs is little more than the runs themselves; nine is usual.
const FEW_RUNS: usize = 5;
/// What a comparison is about, or what has a check of its own.
const UNDER_TEST: [&str; 14] = [
    "device",
    "input",
    "frames",
    "codecs",
    "reap_thresholds",
    "locks",
    "pool",
    "warmup",
    "repeat",
    "until",
    "confirm",
    "preload_mib",
    "baselines",
    "verify",
];

/// One reason to trust the answer less. `Display` is the sentence for people.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[allow(missing_docs, reason = "Display says it")]
pub enum Warning {
    NotInterleaved,
    DeviceDiffers { before: String, after: String },
    DeviceKindDiffers { before: String, after: String },
    InputDiffers { before: String, after: String },
    SettingDiffers { setting: String, before: String, after: String },
    DebugBuild { side: SideName },
    CodecLeftOut { codec: Codec, side: SideName },
    FewRuns { side: SideName, case: Case, num_good: u32 },
    HighCv { side: SideName, case: Case, metric: Metric, cv_pct: f64 },
    ModelLate { side: SideName, case: Case, num_pictures: u64 },
}

/// All there are, the gravest kinds first. `groups` are the compared cases, before and after, one pair a codec.
pub fn warnings(before: &Side<'_>, after: &Side<'_>, groups: &[(&Group, &Group)]) -> Vec<Warning> {
    let mut all = of_origin(before, after);
    let setting = |(setting, before, after)| Warning::SettingDiffers { setting, before, after };
    all.extend(settings(before, after).into_iter().map(setting));
    for (side, name) in [(before, SideName::Before), (after, SideName::After)] {
        if !side.environment.optimised_build {
            all.push(Warning::DebugBuild { side: name });
        }
        let compared = |codec: &Codec| groups.iter().any(|(group, _)| group.case.codec == *codec);
        let left_out = side.codecs().into_iter().filter(|codec| !compared(codec));
        all.extend(left_out.map(|codec| Warning::CodecLeftOut { codec, side: name }));
    }
    for (group_before, group_after) in groups {
        all.extend(of_runs(SideName::Before, group_before, before));
        all.extend(of_runs(SideName::After, group_after, after));
    }
    all
}

fn of_origin(before: &Side<'_>, after: &Side<'_>) -> Vec<Warning> {
    let mut all = Vec::new();
    if !before.is_same_session(after) {
        all.push(Warning::NotInterleaved);
    }
    let mut differs = |before: String, after: String, warning: fn(String, String) -> Warning| {
        if before != after {
            all.push(warning(before, after));
        }
    };
    differs(before.device.name.clone(), after.device.name.clone(), |before, after| Warning::DeviceDiffers {
        before,
        after,
    });
    differs(kind(before), kind(after), |before, after| Warning::DeviceKindDiffers { before, after });
    differs(before.input_text(), after.input_text(), |before, after| Warning::InputDiffers { before, after });
    all
}

fn kind(side: &Side<'_>) -> String {
    format!("{:?}", side.device.kind).to_lowercase()
}

/// A setting that differs: its name, before, after.
pub type Setting = (String, String, String);

/// What differs and is not what the comparison is about: settings of the plan, whatever fields it has, and what else of
/// the machine makes times.
pub fn settings(before: &Side<'_>, after: &Side<'_>) -> Vec<Setting> {
    let both = of_machine(before).into_iter().zip(of_machine(after));
    let of_machine = both.filter(|(before, after)| before != after);
    let of_machine = of_machine.map(|((setting, before), (_, after))| (setting.to_owned(), before, after));
    of_plans(before.plan, after.plan).into_iter().chain(of_machine).collect()
}

fn of_machine(side: &Side<'_>) -> [(&'static str, String); 3] {
    let build = if side.environment.optimised_build { "optimised" } else { "debug" };
    [("driver", side.device.driver.clone()), ("processor", side.environment.cpu.clone()), ("build", build.to_owned())]
}

fn of_plans(before: &Plan, after: &Plan) -> Vec<Setting> {
    let (Ok(serde_json::Value::Object(before)), Ok(serde_json::Value::Object(after))) =
        (serde_json::to_value(before), serde_json::to_value(after))
    else {
        return Vec::new();
    };
    let differs = |(setting, before): (String, serde_json::Value)| {
        let after = after.get(&setting)?;
        let counts = !UNDER_TEST.contains(&setting.as_str()) && before != *after;
        counts.then(|| (setting, plain(&before), plain(after)))
    };
    before.into_iter().filter_map(differs).collect()
}

/// JSON for people: no quotes around a lone word.
fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(word) => word.clone(),
        serde_json::Value::Null => "unset".to_owned(),
        other => other.to_string(),
    }
}

fn of_runs(side: SideName, group: &Group, origin: &Side<'_>) -> Vec<Warning> {
    let case = group.case;
    let mut all = Vec::new();
    // Only the wall time is asked: a lock wait near zero scatters a lot in percent and little in anything else.
    let metric = Metric::WallMs;
    let wall = group.spread(metric);
    let num_good = wall.map_or(0, |wall| wall.n);
    if num_good < FEW_RUNS {
        all.push(Warning::FewRuns { side, case, num_good: num_good as u32 });
    }
    if let Some(cv_pct) = wall.and_then(|wall| wall.cv_pct).filter(|&cv_pct| cv_pct > HIGH_CV_PCT) {
        all.push(Warning::HighCv { side, case, metric, cv_pct });
    }
    let runs = origin.runs_of(case);
    let num_pictures: u64 = runs.iter().filter(|run| run.counts()).filter_map(|run| run.model_late).sum();
    if num_pictures > 0 {
        all.push(Warning::ModelLate { side, case, num_pictures });
    }
    all
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInterleaved => f.write_str(
                "the sides come from two sessions, so their runs were not interleaved: a drift of the machine between \
                 them cannot be told from an effect",
            ),
            Self::DeviceDiffers { before, after } => write!(f, "the devices differ: {before} before, {after} after"),
            Self::DeviceKindDiffers { before, after } => {
                write!(
                    f,
                    "the kinds of device differ: {before} before, {after} after; modelled times are no measurement"
                )
            }
            Self::InputDiffers { before, after } => write!(f, "the inputs differ: {before} before, {after} after"),
            Self::SettingDiffers { setting, before, after } => {
                write!(f, "{setting} differs and is not under test: {before} before, {after} after")
            }
            Self::DebugBuild { side } => {
                write!(f, "the {side} side was measured by a debug build: use a release build for numbers that count")
            }
            Self::CodecLeftOut { codec, side } => write!(f, "{codec} is only on the {side} side and was left out"),
            Self::FewRuns { side, case, num_good } => {
                write!(f, "only {num_good} good counted runs {side} ({case}): 9 are usual")
            }
            Self::HighCv { side, case, metric, cv_pct } => write!(
                f,
                "{metric} scatters by {} from run to run {side} ({case}): the machine was not quiet",
                units::pct(*cv_pct)
            ),
            Self::ModelLate { side, case, num_pictures } => write!(
                f,
                "{num_pictures} of the pictures {side} ({case}) came later than the emulated engine would have made them: \
                 there the times are this machine's, not the model's"
            ),
        }
    }
}
