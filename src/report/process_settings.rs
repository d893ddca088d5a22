//! How the encoders of processes side by side were set up: what differs, as a table.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::gather::Material;
use super::table::Table;
use super::text::{code, markdown};
use crate::contract::Codec;
use crate::record::{Case, Client};
use crate::stats::evidence::client_settings::SettingsCompared;
use crate::stats::evidence::side::Side;
use crate::stats::runs::selector::CaseFilter;
use crate::units::NO_VALUE;

/// A sentence for each other program, and the settings that differ in one of them; `None` where there is none.
pub fn section(material: &Material<'_>, codec: Codec) -> Option<String> {
    let side = material.subject.session.side("", CaseFilter::default());
    let cases = || material.cases_of(codec).map(|case| case.group.case);
    let own = cases().find(|case| case.client == Client::Process)?;
    let programs: Vec<Case> = cases().filter(|case| matches!(case.client, Client::Foreign(_))).collect();
    programs.first()?;
    let (mut sentences, mut names) = (String::new(), BTreeSet::new());
    for program in &programs {
        let name = program.client.to_string();
        let compared = SettingsCompared::of_cases((&side, own), (&side, *program));
        let text = compared.as_ref().map(|compared| compared.text(["inflight", &name]));
        let text = text.unwrap_or_else(|| "not known of both".to_owned());
        // Writing to a String cannot fail.
        let _ = writeln!(sentences, "- Encoder settings of inflight and {}: {}.", code(&name), markdown(&text));
        names.extend(compared.into_iter().flat_map(|compared| compared.differing).map(|setting| setting.name));
    }
    let table = if names.is_empty() { String::new() } else { format!("\n{}", table(&side, own, &programs, &names)) };
    Some(sentences + &table)
}

/// A column a program, our own first.
fn table(side: &Side<'_>, own: Case, programs: &[Case], names: &BTreeSet<String>) -> Table {
    let heads: Vec<_> = programs.iter().map(|program| markdown(&program.client.to_string())).collect();
    let titles: Vec<_> = ["setting", "inflight"].into_iter().chain(heads.iter().map(String::as_str)).collect();
    let mut table = Table::new(&titles);
    for name in names {
        let value = |case: &Case| {
            let value = side.settings_of(*case).and_then(|settings| settings.get(name));
            value.map_or_else(|| NO_VALUE.to_owned(), |value| markdown(value))
        };
        table.row([code(name)].into_iter().chain([&own].into_iter().chain(programs).map(value)));
    }
    table
}
