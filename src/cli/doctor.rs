//! `inflight doctor`: the findings as a list or as JSON.

use serde_json::json;

use super::args::DoctorArgs;
use super::exit::{Exit, Failure};
use super::print_json;
use crate::doctor::{examine, virtual_profiles};

pub(super) fn doctor(args: &DoctorArgs) -> Result<Exit, Failure> {
    let findings = examine();
    let profiles = virtual_profiles();
    if args.json {
        let profiles: Vec<_> =
            profiles.iter().map(|(name, description)| json!({"name": name, "description": description})).collect();
        print_json(&json!({ "findings": findings, "virtual_profiles": profiles }))?;
        return Ok(Exit::Done);
    }
    for finding in findings {
        let state = if finding.works { "works" } else { "does not work" };
        println!("{:<17} {state}: {}", finding.name, finding.detail);
    }
    println!("\nProfiles of the virtual device (--device virtual:NAME):");
    for (name, description) in profiles {
        println!("  {name:<16} {description}");
    }
    Ok(Exit::Done)
}
