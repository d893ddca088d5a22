//! `inflight doctor --conformance`: two drivers' answers as a table or as JSON; and `inflight ask-driver`, the process that
//! asks one of them, which nobody types.

use std::io::Write;
use std::path::Path;

use super::args::AskDriverArgs;
use super::exit::{Exit, Failure};
use super::print_json;
use crate::conformance::{Conformance, Outcome, Row, Task, examine, serve};
use crate::report::table::Table;

pub(super) fn conformance(library: Option<&Path>, as_json: bool) -> Result<Exit, Failure> {
    let found = examine(library)?;
    if as_json {
        print_json(&serde_json::to_value(&found).map_err(std::io::Error::from)?)?;
    } else {
        tell_people(&found)?;
    }
    Ok(if found.num_differ == 0 { Exit::Done } else { Exit::NotMet })
}

pub(super) fn ask(args: AskDriverArgs) -> Result<Exit, Failure> {
    let AskDriverArgs { header, from, library } = args;
    serve(&Task { library, header, from }, std::io::stdout().lock())?;
    Ok(Exit::Done)
}

fn tell_people(found: &Conformance) -> Result<(), Failure> {
    let Conformance { driver, virtual_device, headers, num_equal, num_differ, num_need_gpu, num_need_engine, rows } =
        found;
    let mut table = Table::new(&[&["question"], &headers[..]].concat());
    for row in rows {
        table.row([row.question.to_owned()].into_iter().chain(cells(row)));
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "Answers of {driver}, and where they differ those of {virtual_device}:\n\n{table}")?;
    write!(out, "{num_equal} rows equal, {num_differ} differ, {num_need_engine} need an engine")?;
    if *num_need_gpu > 0 {
        write!(out, ", {num_need_gpu} need a GPU")?;
    }
    Ok(writeln!(out)?)
}

/// One for each header; what stands there already is "same".
fn cells(row: &Row) -> Vec<String> {
    let mut cells: Vec<String> = Vec::new();
    for (answer, expected) in row.driver.iter().zip(&row.virtual_driver) {
        let differs = row.outcome == Outcome::Differs && answer != expected;
        let note = if differs { format!(" (virtual: {expected})") } else { String::new() };
        cells.push(format!("{answer}{note}"));
    }
    let is_same = |place: usize| place > 0 && cells[place] == cells[place - 1];
    (0..cells.len()).map(|place| if is_same(place) { "same".to_owned() } else { cells[place].clone() }).collect()
}
