//! `inflight doctor`: the findings as a list or as JSON.

use std::io::Write;

use serde_json::json;

use super::args::DoctorArgs;
use super::conformance::conformance;
use super::exit::{Exit, Failure};
use super::{outputs, print_json};
use crate::contract::EngineKind;
use crate::doctor::{GpuFacts, examine, virtual_profiles};

pub(super) fn doctor(args: &DoctorArgs) -> Result<Exit, Failure> {
    if let Some(library) = &args.conformance {
        return conformance(library.as_deref(), args.json);
    }
    let findings = examine();
    let profiles = virtual_profiles();
    if args.json {
        let profiles: Vec<_> = profiles
            .iter()
            .map(|(name, title, description)| json!({"name": name, "title": title, "description": description}))
            .collect();
        print_json(&json!({ "findings": findings, "virtual_profiles": profiles }))?;
        return Ok(Exit::Done);
    }
    let mut out = outputs::prose(&[]);
    for finding in findings {
        let state = if finding.works { "works" } else { "does not work" };
        let title = finding.title();
        if let Some(GpuFacts { name, uuid, pci, state }) =
            finding.gpu.filter(|_| finding.engine == Some(EngineKind::Nvenc))
        {
            let facts: Vec<_> =
                [name, uuid, format!("PCI {pci}"), state].into_iter().filter(|it| !it.is_empty()).collect();
            writeln!(out, "{:<17} {}", finding.name, facts.join(", "))?;
        }
        writeln!(out, "{title:<17} {state}: {}", finding.detail)?;
    }
    writeln!(out, "\nProfiles of the virtual device (--device virtual:NAME):")?;
    for (name, _, description) in profiles {
        writeln!(out, "  {name:<16} {description}")?;
    }
    Ok(Exit::Done)
}
