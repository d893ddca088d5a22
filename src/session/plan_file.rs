//! Plan files: one JSON object, or the folder of a session that was made from the plan.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{SessionError, read_manifest};
use crate::files::{read_small, write_whole};
use crate::plan::Plan;
use crate::source::InputSpec;

/// Raised when an older program would misread a plan.
const PLAN_VERSION: u32 = 1;

/// A hundred times a plan with everything in it.
const MAX_PLAN_BYTES: u64 = 1 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanFile {
    plan_version: u32,
    plan: Plan,
}

/// Only this much of a plan of any version is known.
#[derive(Deserialize)]
struct Version {
    plan_version: u32,
}

/// Writes a plan to a file; never writes only a part, and not in the place of the clip that the plan names.
///
/// # Errors
/// It cannot be written.
pub fn save_plan(plan: &Plan, path: &Path) -> Result<(), SessionError> {
    let file = PlanFile { plan_version: PLAN_VERSION, plan: plan.clone() };
    let kept = InputSpec::files_of(&plan.input);
    let write = || {
        let mut text = serde_json::to_vec_pretty(&file)?;
        text.push(b'\n');
        write_whole(path, &kept, &text)
    };
    write().map_err(|source| SessionError::write(path, source))
}

/// The plan in a file that [`save_plan`] wrote, or that of a session folder. [`Plan::check`] says whether it can be run.
///
/// # Errors
/// There is no plan, or this program does not understand it.
pub fn load_plan(path: &Path) -> Result<Plan, SessionError> {
    if path.is_dir() {
        return Ok(read_manifest(path)?.plan);
    }
    let text =
        read_small(path, MAX_PLAN_BYTES).map_err(|source| SessionError::Read { path: path.to_owned(), source })?;
    parse_plan(&text).map_err(|problem| SessionError::BadPlan { path: path.to_owned(), problem })
}

/// The plan in a text that [`save_plan`] wrote.
///
/// # Errors
/// There is none, or it is of a newer version.
pub fn parse_plan(text: &[u8]) -> Result<Plan, String> {
    let version: Version = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if version.plan_version > PLAN_VERSION {
        return Err(format!(
            "it has version {}, and this program reads up to {PLAN_VERSION}; open it with a newer inflight",
            version.plan_version
        ));
    }
    let file: PlanFile = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    Ok(file.plan)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_plan_comes_back_from_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plan.json");
        let plan = Plan { pace_fps: Some(59.94), reap_thresholds: vec![1, 6], ..Plan::default() };
        save_plan(&plan, &path).unwrap();
        assert_eq!(load_plan(&path).unwrap(), plan);
        assert!(save_plan(&plan, &dir.path().join("none/plan.json")).is_err());
    }

    #[test]
    fn what_is_no_plan_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plan.json");
        let problem = |text: &str| {
            fs::write(&path, text).unwrap();
            load_plan(&path).unwrap_err().to_string()
        };
        assert!(problem("{\n\"plan_version\": 1,\n\"plan\": 7}").contains("line 3"));
        assert!(problem("{}").contains("plan_version"));
        assert!(problem("{\"plan_version\": 2, \"plan\": {\"new\": 1}}").contains("newer inflight"));
        assert!(problem("\u{0}").contains("plan.json"));
        assert!(load_plan(&dir.path().join("none.json")).unwrap_err().to_string().contains("none.json"));
        assert!(load_plan(dir.path()).is_err());
    }
}
